//! The daemon token (spec/accounts-and-offers.md section 3.8): a rotating secret in a file that only the server's user
//! can read. Who presents it has the server's files.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::random_bytes;

const TOKEN_BYTES: usize = 32;
const TOKEN_CHARACTERS: usize = 43;
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Why the token could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DaemonTokenError {
    /// The file cannot be written.
    #[error("the daemon token {path} cannot be written")]
    Write {
        /// The file.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Something else is where the file belongs, or others may read it.
    #[error("{path} {what}; remove it and start again")]
    Unsafe {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The operating system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

struct Tokens {
    current: Zeroizing<String>,
    previous: Option<Zeroizing<String>>,
}

/// The token in force and the one before.
pub struct DaemonToken {
    path: PathBuf,
    tokens: RwLock<Tokens>,
}

impl DaemonToken {
    /// Makes the first token, and leaves the file alone: it may be that of a server that runs.
    ///
    /// # Errors
    /// When the file is unsafe.
    pub fn prepare(path: PathBuf) -> Result<Self, DaemonTokenError> {
        refuse_unsafe(&path)?;
        Ok(Self { path, tokens: RwLock::new(Tokens { current: fresh()?, previous: None }) })
    }

    /// Writes the token in force, once the record is this server's.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self) -> Result<(), DaemonTokenError> {
        let current = self.tokens.read().current.clone();
        self.write(&current)
    }

    /// Replaces the token; the one before stays good until the next rotation. Writes a file: call it off the threads
    /// that serve requests.
    ///
    /// # Errors
    /// When the file cannot be written; the token in force then stays.
    pub fn rotate(&self) -> Result<(), DaemonTokenError> {
        let next = fresh()?;
        self.write(&next)?;
        let mut tokens = self.tokens.write();
        let before = std::mem::replace(&mut tokens.current, next);
        tokens.previous = Some(before);
        Ok(())
    }

    /// Whether a presented token is the one in force or the one before, in constant time.
    #[must_use]
    pub fn check(&self, given: &str) -> bool {
        if given.len() != TOKEN_CHARACTERS {
            return false;
        }
        let tokens = self.tokens.read();
        let is = |token: &Zeroizing<String>| bool::from(token.as_bytes().ct_eq(given.as_bytes()));
        is(&tokens.current) | tokens.previous.as_ref().is_some_and(is)
    }

    /// Takes the file away at a graceful stop; where that fails, the token in it is worthless anyway.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the daemon token could not be removed");
        }
    }

    fn write(&self, token: &str) -> Result<(), DaemonTokenError> {
        let failed = |source| DaemonTokenError::Write { path: self.path.display().to_string(), source };
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(failed)?;
        }
        // Under another name first, so that no reader ever sees half of it.
        let beside = self.path.with_extension("new");
        // What a crash left there, or somebody laid there, is not written through.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(&beside).map_err(failed)?;
        file.write_all(token.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }
}

fn fresh() -> Result<Zeroizing<String>, getrandom::Error> {
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()?)))
}

fn refuse_unsafe(path: &Path) -> Result<(), DaemonTokenError> {
    let refused = |what| Err(DaemonTokenError::Unsafe { path: path.display().to_string(), what });
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.is_file() {
        return refused("is no plain file");
    }
    if found.permissions().mode() & 0o777 != FILE_MODE {
        return refused("may be read by others than the server's user (its mode is not 0600)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_066_the_token_and_the_one_before_hold_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/daemon_token");
        let daemon = DaemonToken::prepare(path.clone()).expect("safe");
        assert!(!path.exists(), "it may be another server's");
        daemon.publish().expect("written");
        let read = || fs::read_to_string(&path).expect("there").trim_end().to_owned();
        let first = read();
        assert_eq!(first.len(), TOKEN_CHARACTERS);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, FILE_MODE);
        daemon.rotate().expect("written");
        assert!(daemon.check(&first) && daemon.check(&read()));
        daemon.rotate().expect("written");
        assert!(!daemon.check(&first) && daemon.check(&read()));
        assert!(!daemon.check("") && !daemon.check(&"x".repeat(TOKEN_CHARACTERS)));
        daemon.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_others_can_read_or_a_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("daemon_token");
        fs::write(&path, "x").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(matches!(DaemonToken::prepare(path.clone()), Err(DaemonTokenError::Unsafe { .. })));
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("elsewhere", &path).expect("linked");
        assert!(matches!(DaemonToken::prepare(path), Err(DaemonTokenError::Unsafe { .. })));
    }
}
