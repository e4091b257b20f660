//! Files of a store are their owner's alone, whatever the process's mask and the folder's mode allow.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const OWNER_ALONE: u32 = 0o600;
const OTHERS: u32 = 0o077;
/// What SQLite puts beside a database; it gives those files the mode of the database when it makes them.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Opens a file for writing, or makes it; others can neither read nor write it afterwards.
///
/// # Errors
/// When it cannot be opened, or its mode not be changed.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER_ALONE).open(path)?;
    if file.metadata()?.permissions().mode() & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(OWNER_ALONE))?;
    }
    Ok(file)
}

/// Makes a SQLite database's file where there is none, and takes from others what they could do with one that is there.
///
/// # Errors
/// When a file cannot be made, or its mode not be changed.
pub fn make_database(path: &Path) -> io::Result<()> {
    // One that is there is not opened: closing it again would end the locks that this process has on it.
    match OpenOptions::new().create_new(true).write(true).mode(OWNER_ALONE).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => close_to_others(path)?,
        Err(error) => return Err(error),
    }
    for companion in COMPANIONS {
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        close_to_others(&PathBuf::from(name))?;
    }
    Ok(())
}

fn close_to_others(path: &Path) -> io::Result<()> {
    let is_open = fs::metadata(path).map(|found| found.permissions().mode() & OTHERS != 0);
    let closed =
        is_open.and_then(
            |is_open| {
                if is_open { fs::set_permissions(path, Permissions::from_mode(OWNER_ALONE)) } else { Ok(()) }
            },
        );
    match closed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        closed => closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        for name in ["old.db", "old.db-wal"] {
            fs::write(folder.path().join(name), "").unwrap();
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o644)).unwrap();
        }
        for name in ["old.db", "new.db"] {
            make_database(&folder.path().join(name)).unwrap();
            assert_eq!(mode(name), 0o600, "{name}");
        }
        assert_eq!(mode("old.db-wal"), 0o600);
        assert!(!folder.path().join("new.db-shm").exists());
    }
}
