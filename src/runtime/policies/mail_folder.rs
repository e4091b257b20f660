//! The folder that takes mail in development: a file a letter, for its owner alone. The newest letters stay; codes of last
//! month are of no use to anybody.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use lettre::{AsyncFileTransport, AsyncTransport as _, Message, Tokio1Executor};
use uuid::Uuid;

/// Letters that stay. Each is about 1 KiB, and looking through them takes a few milliseconds.
pub(super) const LETTERS_MAX: usize = 500;

/// A folder of letters, `<uuid>.eml`.
pub(super) struct LetterFolder {
    transport: AsyncFileTransport<Tokio1Executor>,
    path: PathBuf,
}

impl LetterFolder {
    /// The folder at this path, which is made where it is missing.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { transport: AsyncFileTransport::new(path), path: path.to_owned() })
    }

    /// Writes a letter, and removes the oldest where there are more than [`LETTERS_MAX`].
    pub(super) async fn take(&self, letter: Message) -> io::Result<()> {
        self.transport.send(letter).await.map_err(io::Error::other)?;
        let path = self.path.clone();
        let swept = tokio::task::spawn_blocking(move || keep_newest(&path, LETTERS_MAX)).await;
        // The letter is there, which is what was asked for.
        if let Err(error) = swept.map_err(io::Error::other).and_then(|swept| swept) {
            tracing::warn!(%error, "old letters in the folder for mail cannot be removed");
        }
        Ok(())
    }
}

/// Removes letters but the newest. Files that are none of ours stay.
fn keep_newest(folder: &Path, letters_max: usize) -> io::Result<()> {
    let mut letters = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_letter(&path)
            && let Some(metadata) = unless_gone(fs::symlink_metadata(&path))?
        {
            letters.push((metadata.modified()?, path));
        }
    }
    letters.sort();
    let surplus = letters.len().saturating_sub(letters_max);
    for (_, path) in letters.drain(..surplus) {
        unless_gone(fs::remove_file(path))?;
    }
    Ok(())
}

fn is_letter(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    path.extension().is_some_and(|extension| extension == "eml")
        && stem.is_some_and(|stem| Uuid::try_parse(stem).is_ok())
}

/// Another letter that is written at the same time removes the same old ones.
fn unless_gone<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_newest_letters_stay_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let letter = |age: u64| {
            let path = folder.path().join(format!("{}.eml", Uuid::new_v4()));
            let written = fs::File::create_new(&path).unwrap();
            written.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age)).unwrap();
            path
        };
        let (oldest, newest, middle) = (letter(9), letter(1), letter(5));
        for name in ["notes.eml", "notes.txt"] {
            fs::write(folder.path().join(name), "mine").unwrap();
        }
        keep_newest(folder.path(), 2).unwrap();
        assert!(!oldest.exists() && middle.exists() && newest.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        keep_newest(folder.path(), 2).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
