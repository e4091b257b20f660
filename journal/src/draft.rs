//! Files that appear whole or not at all. They are written under a name that does not change, their own and `.part`, so that
//! what a killed run left is taken away by the next one to the same name; who writes one holds it locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::backup::BackupError;
use crate::backup_format::FormatError;

/// Tries to have a draft. Only who takes away what was left, while another does the same, needs a second one.
const TRIES_MAX: usize = 3;

/// A file beside its place, removed unless it is kept.
pub(crate) struct Draft {
    draft: PathBuf,
    place: PathBuf,
    /// Locked for as long as it is written.
    file: File,
}

impl Draft {
    /// Begins one, for its owner's eyes only.
    pub(crate) fn begin(place: &Path) -> Result<Self, BackupError> {
        let mut draft = place.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        for _ in 0..TRIES_MAX {
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft) {
                Ok(file) if is_locked_at(&file, &draft)? => {
                    return Ok(Self { draft, place: place.to_owned(), file });
                }
                // Another run took it for one that was left, and has its own there now.
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if !is_cleared(&draft).map_err(FormatError::Io)? {
                        break;
                    }
                }
                Err(error) => return Err(FormatError::Io(error).into()),
            }
        }
        Err(BackupError::Busy(draft))
    }

    /// What writes to it.
    pub(crate) fn writer(&self) -> Result<BufWriter<File>, FormatError> {
        Ok(BufWriter::new(self.file.try_clone()?))
    }

    /// Makes what was written durable.
    pub(crate) async fn settle(written: BufWriter<File>) -> Result<(), FormatError> {
        // On a thread of its own: it may take long, and who is told to end meanwhile takes the draft away.
        let settled = tokio::task::spawn_blocking(move || {
            let file = written.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()
        });
        Ok(settled.await.map_err(io::Error::other)??)
    }

    /// Gives the file its name, whatever had it.
    pub(crate) fn keep(self) -> Result<(), FormatError> {
        Ok(std::fs::rename(&self.draft, &self.place)?)
    }

    /// Gives the file its name where nothing has it.
    pub(crate) fn keep_new(self) -> Result<(), BackupError> {
        match std::fs::hard_link(&self.draft, &self.place) {
            Ok(()) => Ok(()),
            Err(_) if self.place.exists() => Err(BackupError::Exists(self.place.clone())),
            // A file system without links; other runs to this name are refused while the draft is there.
            Err(_) => Ok(self.keep()?),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once it is kept, the draft's name may be another run's. A leftover of a failed backup only costs space, and its own
        // error is already on the way.
        if is_at(&self.file, &self.draft).unwrap_or(false) {
            drop(std::fs::remove_file(&self.draft));
        }
    }
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_folder_of(file: &Path) -> Result<(), FormatError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())?)
}

/// Locks a file that was just made; whether it is ours and still has its name.
fn is_locked_at(file: &File, draft: &Path) -> Result<bool, FormatError> {
    match file.try_lock() {
        // Where the file system knows no locks, what is there is never taken for left, see `is_cleared`.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(is_at(file, draft)?),
        Err(TryLockError::WouldBlock) => Ok(false),
    }
}

/// Removes a draft that nobody writes any more; whether the name is free.
fn is_cleared(draft: &Path) -> io::Result<bool> {
    let found = match std::fs::symlink_metadata(draft) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    // None of ours is a link or a pipe, whose opening would wait.
    if !found.is_file() {
        return Ok(false);
    }
    // Network file systems lock alone only what can be written.
    let left = match OpenOptions::new().write(true).open(draft) {
        Ok(left) => left,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if left.try_lock().is_err() {
        return Ok(false);
    }
    // Under the lock: whoever had it before may have given the name away.
    if is_at(&left, draft)? {
        std::fs::remove_file(draft)?;
    }
    Ok(true)
}

/// Whether this is the file of that name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
