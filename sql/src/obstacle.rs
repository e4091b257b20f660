//! What keeps a database from being opened, by what a person can do about it.

use std::io::ErrorKind;

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::SqlError;

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It does not answer; it may be there on another try.
    Away,
    /// There is no room on its disk, or the disk fails.
    Disk,
    /// There is no room on its server's disk.
    ServerDisk,
    /// Its server lets it only be read.
    ReadOnly,
    /// Its file may not be opened, or is no file.
    Closed,
    /// Its file is no database, or was damaged.
    Damaged,
    /// Its server has no database of this name.
    NoDatabase,
    /// Its server does not let this role in.
    NotAdmitted,
    /// The role may not do there what is needed.
    NotPermitted,
}

impl SqlError {
    /// What stands in the way of opening the database; `None` where it is not the database that refuses.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        let Self::Driver(error) = self else { return None };
        if !self.is_driver() {
            return None;
        }
        let error = match error {
            sqlx::Error::Database(error) => error,
            sqlx::Error::Io(error) => return Some(of_file(error.kind())),
            _ => return Some(Obstacle::Away),
        };
        let code = error.code().unwrap_or_default();
        if error.try_downcast_ref::<PgDatabaseError>().is_some() {
            return Some(match &*code {
                "3D000" => Obstacle::NoDatabase,
                "28000" | "28P01" => Obstacle::NotAdmitted,
                "42501" => Obstacle::NotPermitted,
                "25006" => Obstacle::ReadOnly,
                "53100" => Obstacle::ServerDisk,
                // A page or an index that is not what was written.
                "XX001" | "XX002" => Obstacle::Damaged,
                _ => Obstacle::Away,
            });
        }
        let is_sqlite = error.try_downcast_ref::<SqliteError>().is_some();
        // The primary code is the lowest byte of SQLite's extended ones.
        let primary = code.parse::<u32>().ok().filter(|_| is_sqlite).map(|code| code & 0xff);
        Some(match primary {
            Some(10 | 13) => Obstacle::Disk,
            Some(3 | 8 | 14 | 23) => Obstacle::Closed,
            Some(11 | 26) => Obstacle::Damaged,
            _ => Obstacle::Away,
        })
    }
}

/// What a file system that refuses stands for; a connection says other things of this kind.
const fn of_file(refused: ErrorKind) -> Obstacle {
    match refused {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Obstacle::Disk,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Obstacle::Closed,
        _ => Obstacle::Away,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_refuses_is_no_server_that_is_away() {
        for (kind, obstacle) in [
            (ErrorKind::StorageFull, Obstacle::Disk),
            (ErrorKind::QuotaExceeded, Obstacle::Disk),
            (ErrorKind::ReadOnlyFilesystem, Obstacle::Closed),
            (ErrorKind::PermissionDenied, Obstacle::Closed),
            (ErrorKind::ConnectionRefused, Obstacle::Away),
            (ErrorKind::TimedOut, Obstacle::Away),
        ] {
            let error = SqlError::Driver(sqlx::Error::Io(kind.into()));
            assert_eq!(error.obstacle(), Some(obstacle), "{kind:?}");
        }
    }
}
