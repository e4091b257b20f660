//! The master key: 32 bytes outside the database, under which every subject's key is wrapped.
//!
//! It comes from `<directory>/master.key` (64 hexadecimal digits, mode 0600 in a folder of mode 0700) or from the
//! caller. A file that others may read, or a symbolic link, is refused: the way to read the key is to own it. The key
//! files of a rotation are changed by whoever holds [`RotationLock`] alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use muniment_sql::private;
use zeroize::Zeroizing;

use crate::seal::{KEY_BYTES, SealError, SecretKey};

/// Name of the file in the key folder.
pub const MASTER_KEY_FILE: &str = "master.key";
/// The next master key while a rotation is under way.
pub const NEXT_KEY_FILE: &str = "master.key.next";
/// Locked by whoever changes the two.
const LOCK_FILE: &str = "rotation.lock";

/// Where the master key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// A folder that holds `master.key`.
    Directory {
        /// The folder.
        path: PathBuf,
        /// Whether a missing key is made at the first start. In production a missing key is an error, because
        /// it is more often a lost volume than a new installation.
        create_missing: bool,
    },
    /// The bytes themselves, from a key service.
    Explicit(Zeroizing<[u8; KEY_BYTES]>),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { path, create_missing } => {
                f.debug_struct("Directory").field("path", path).field("create_missing", create_missing).finish()
            }
            Self::Explicit(_) => f.write_str("Explicit(***)"),
        }
    }
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is none, and none may be made.
    #[error("{0} does not exist; restore it from where it is kept, or start in development to make a new one")]
    Missing(PathBuf),
    /// There is none, and keys are stored that it wrapped.
    #[error("{0} does not exist; the stored keys were wrapped under it and open with no other")]
    Lost(PathBuf),
    /// Others may read it, it is a link, or no plain file.
    #[error("{path}: {what}")]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do about it.
        what: String,
    },
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's report.
        source: std::io::Error,
    },
    /// Its content is no key.
    #[error("{0}: a key file holds 64 hexadecimal digits and nothing else")]
    Malformed(PathBuf),
    /// No random bytes.
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, source }
}

fn unsafe_file(path: &Path, what: impl Into<String>) -> KeyFileError {
    KeyFileError::Unsafe { path: path.to_owned(), what: what.into() }
}

/// The master key in use and where it came from.
#[derive(Debug)]
pub struct MasterKey {
    pub(crate) current: SecretKey,
    /// Left by a rotation that was cut off; the stored keys tell which of the two is right.
    pub(crate) next: Option<SecretKey>,
    /// There is a file of a next key, though it may hold none.
    pub(crate) is_unsettled: bool,
    pub(crate) directory: Option<PathBuf>,
}

impl MasterKey {
    /// Reads, or where the source allows it makes, the master key.
    ///
    /// # Errors
    /// When the file is missing, unsafe, unreadable or no key.
    pub fn load(source: &KeySource) -> Result<Self, KeyFileError> {
        match source {
            KeySource::Explicit(bytes) => {
                Ok(Self { current: SecretKey::new(**bytes), next: None, is_unsettled: false, directory: None })
            }
            KeySource::Directory { path, create_missing: true } => {
                Self::beside_next(path, read_or_make(path, MASTER_KEY_FILE)?)
            }
            KeySource::Directory { path, create_missing: false } => Self::in_folder(path),
        }
    }

    /// Reads the master key under which keys are stored: in the place of one that is missing none is made, for it would open
    /// nothing and be taken for the one that does.
    ///
    /// # Errors
    /// As [`Self::load`]; a file that is missing is [`KeyFileError::Lost`].
    pub fn load_existing(source: &KeySource) -> Result<Self, KeyFileError> {
        match source {
            KeySource::Explicit(_) => Self::load(source),
            KeySource::Directory { path, .. } => Self::in_folder(path).map_err(|error| match error {
                KeyFileError::Missing(path) => KeyFileError::Lost(path),
                other => other,
            }),
        }
    }

    /// Reads what lies in the folder now, and makes nothing.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, KeyFileError> {
        Self::beside_next(folder, read_key(folder, MASTER_KEY_FILE)?)
    }

    /// A key of the folder, with the one that a rotation left beside it.
    fn beside_next(folder: &Path, current: SecretKey) -> Result<Self, KeyFileError> {
        let (next, is_unsettled) = match read_key(folder, NEXT_KEY_FILE) {
            Ok(key) => (Some(key), true),
            Err(KeyFileError::Missing(_)) => (None, false),
            // It is whole and durable before a stored key depends on it: one that is not was cut off while it was written.
            Err(KeyFileError::Malformed(_)) => (None, true),
            Err(error) => return Err(error),
        };
        Ok(Self { current, next, is_unsettled, directory: Some(folder.to_owned()) })
    }

    /// A master key from the caller.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self { current: SecretKey::new(bytes), next: None, is_unsettled: false, directory: None }
    }
}

/// Refuses a key folder that others can enter.
fn check_folder(folder: &Path) -> Result<(), KeyFileError> {
    let metadata = std::fs::symlink_metadata(folder).map_err(io(folder))?;
    if !metadata.is_dir() {
        return Err(unsafe_file(folder, "is not a folder, or is a symbolic link to one"));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(unsafe_file(folder, format!("has mode {mode:04o}; others can enter it: chmod 700")));
    }
    Ok(())
}

/// Opens a file of the key folder, following no link and trusting no file that others can read.
fn open_checked(path: &Path) -> Result<File, KeyFileError> {
    let named = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(KeyFileError::Missing(path.to_owned()));
        }
        Err(error) => return Err(io(path)(error)),
    };
    if !named.is_file() {
        return Err(unsafe_file(path, "is a symbolic link or no plain file; put the file itself there"));
    }
    let file = File::open(path).map_err(io(path))?;
    let opened = file.metadata().map_err(io(path))?;
    // A name that was exchanged for a link between the two looks has another inode.
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(unsafe_file(path, "was exchanged while it was opened"));
    }
    let mode = opened.permissions().mode() & 0o777;
    if mode & 0o177 != 0 {
        return Err(unsafe_file(path, format!("has mode {mode:04o}; a key is for its owner alone: chmod 600")));
    }
    Ok(file)
}

pub(crate) fn read_key(folder: &Path, name: &str) -> Result<SecretKey, KeyFileError> {
    let path = folder.join(name);
    if !folder.exists() {
        return Err(KeyFileError::Missing(path));
    }
    check_folder(folder)?;
    let mut text = Zeroizing::new(String::new());
    // One byte more than a key and its line end, so that a longer file is seen to be none.
    let read = open_checked(&path)?.take(66).read_to_string(&mut text);
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => KeyFileError::Malformed(path.clone()),
        _ => io(&path)(error),
    })?;
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
    hex::decode_to_slice(text.trim_end(), bytes.as_mut_slice()).map_err(|_| KeyFileError::Malformed(path))?;
    Ok(SecretKey::new(*bytes))
}

/// Writes a new key file; an existing one is never overwritten. What a full disk cut off does not stay: it would be taken for a
/// key that was damaged.
pub(crate) fn write_key(folder: &Path, name: &str, key: &SecretKey) -> Result<(), KeyFileError> {
    let path = folder.join(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io(&path))?;
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.as_bytes())));
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        std::fs::remove_file(&path).map_err(io(&path))?;
        return Err(io(&path)(error));
    }
    sync_folder(folder)
}

/// Reads a key of the folder; makes folder and key where it is missing.
pub(crate) fn read_or_make(folder: &Path, name: &str) -> Result<SecretKey, KeyFileError> {
    match read_key(folder, name) {
        Err(KeyFileError::Missing(_)) => {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))?;
            check_folder(folder)?;
            match write_key(folder, name, &SecretKey::random()?) {
                Ok(()) => {}
                // Another process made it in the meantime; its key counts.
                Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            read_key(folder, name)
        }
        other => other,
    }
}

fn sync_folder(folder: &Path) -> Result<(), KeyFileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}

/// The right to change the key files of a folder; other processes wait for it or leave the files alone. It ends with the
/// process, however that ends.
pub(crate) struct RotationLock<'folder> {
    folder: &'folder Path,
    _file: File,
}

impl<'folder> RotationLock<'folder> {
    /// Takes it; `None` while another process has it.
    pub(crate) fn take(folder: &'folder Path) -> Result<Option<Self>, KeyFileError> {
        let path = folder.join(LOCK_FILE);
        let file = private::open(&path).map_err(io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { folder, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io(&path)(error)),
        }
    }

    /// Whose key files it is of.
    pub(crate) const fn folder(&self) -> &'folder Path {
        self.folder
    }

    /// First step of a rotation: the next key is on disk before any stored key depends on it.
    pub(crate) fn stage_next(&self, key: &SecretKey) -> Result<(), KeyFileError> {
        self.discard_next()?;
        write_key(self.folder, NEXT_KEY_FILE, key)
    }

    /// Last step of a rotation: the next key becomes the key, the old one is overwritten and gone.
    pub(crate) fn promote_next(&self, key: &SecretKey) -> Result<(), KeyFileError> {
        let (old, next) = (self.folder.join(MASTER_KEY_FILE), self.folder.join(NEXT_KEY_FILE));
        // The old key is not touched before the new one is known to lie there.
        if !read_key(self.folder, NEXT_KEY_FILE).is_ok_and(|staged| staged == *key) {
            self.stage_next(key)?;
        }
        overwrite(&old)?;
        std::fs::rename(&next, &old).map_err(io(&next))?;
        sync_folder(self.folder)
    }

    /// Drops the next key of a rotation that did not come to pass.
    pub(crate) fn discard_next(&self) -> Result<(), KeyFileError> {
        let next = self.folder.join(NEXT_KEY_FILE);
        match std::fs::remove_file(&next) {
            Ok(()) => sync_folder(self.folder),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io(&next)(error)),
        }
    }
}

/// Overwrites in place. A copy-on-write file system or a flash drive may keep the old blocks: the manual says so.
fn overwrite(path: &Path) -> Result<(), KeyFileError> {
    let mut file = OpenOptions::new().write(true).open(path).map_err(io(path))?;
    let noise = SecretKey::random()?;
    let text = Zeroizing::new(format!("{}\n", hex::encode(noise.as_bytes())));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn existing(path: &Path) -> KeySource {
        KeySource::Directory { path: path.to_owned(), create_missing: false }
    }

    fn made_if_missing(path: &Path) -> KeySource {
        KeySource::Directory { path: path.to_owned(), create_missing: true }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let keys = home.path().join("keys");
        assert!(matches!(MasterKey::load(&existing(&keys)), Err(KeyFileError::Missing(_))));
        let made = MasterKey::load(&made_if_missing(&keys)).unwrap();
        let again = MasterKey::load(&existing(&keys)).unwrap();
        assert_eq!(made.current.as_bytes(), again.current.as_bytes());
        assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::metadata(keys.join(MASTER_KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn f8_a_key_file_others_can_read_or_a_link_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let keys = home.path().join("keys");
        MasterKey::load(&made_if_missing(&keys)).unwrap();
        let file = keys.join(MASTER_KEY_FILE);
        chmod(&file, 0o640);
        let error = MasterKey::load(&made_if_missing(&keys)).unwrap_err().to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
        chmod(&file, 0o600);
        chmod(&keys, 0o750);
        assert!(matches!(MasterKey::load(&made_if_missing(&keys)), Err(KeyFileError::Unsafe { .. })));
        chmod(&keys, 0o700);
        std::fs::rename(&file, keys.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(keys.join("elsewhere"), &file).unwrap();
        let error = MasterKey::load(&made_if_missing(&keys)).unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let keys = home.path().join("keys");
        MasterKey::load(&made_if_missing(&keys)).unwrap();
        for content in ["", "zz", "00", &"0".repeat(65), &"0".repeat(200)] {
            std::fs::write(keys.join(MASTER_KEY_FILE), content).unwrap();
            assert!(matches!(MasterKey::load(&made_if_missing(&keys)), Err(KeyFileError::Malformed(_))), "{content:?}");
        }
    }

    #[test]
    fn explicit_bytes_do_not_print() {
        let printed = format!("{:?}", KeySource::Explicit(Zeroizing::new([0x41; 32])));
        assert_eq!(printed, "Explicit(***)");
    }
}
