//! Opens the record of the configuration, on a stopped server's store or beside a running one.

use std::io::ErrorKind;

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, KeyFileError, KeyRingError, Obstacle, OpenError, SealError};
use muniment_projections::{Advance, AskHead, OnMismatch, OpenError as ReadStoreError, Projection, ReadStore};

use crate::app::{journal_config, make_folders, read_store_config};
use crate::cli::exit::{Exit, with_next};
use crate::config::{Config, Loaded, Surroundings};
use crate::runtime::limits::PAGE_EVENTS;

/// Where the record is, where it is not where the settings say.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreFlags {
    /// Folder of the keys and, with the embedded default, of the record
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// sqlite:<folder> or postgres://… [MUNIMENT_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl StoreFlags {
    /// The settings with these flags on top.
    ///
    /// # Errors
    /// When a flag bears a password, which everyone on this machine would see in the list of processes.
    pub fn surroundings(&self) -> Result<Surroundings> {
        if self.database.as_deref().is_some_and(has_password) {
            let refused = Exit::Usage
                .because("--database is refused with a password: flags are visible to everyone on this machine");
            return Err(with_next(refused, "set MUNIMENT_DATABASE_URL, or name a file in MUNIMENT_DATABASE_URL_FILE"));
        }
        let surroundings = Surroundings::of_process();
        Ok(surroundings.flag("data_dir", "--data-dir", self.data_dir.clone()).flag(
            "database_url",
            "--database",
            self.database.clone(),
        ))
    }

    /// The settings, read.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self) -> Result<Loaded> {
        Ok(Config::load(&self.surroundings()?)?)
    }
}

/// Whether a database's URL holds a password, or may: one that cannot be read, as with a wrong port, is not looked through.
fn has_password(url: &str) -> bool {
    match reqwest::Url::parse(url) {
        Ok(url) => {
            url.password().is_some() || url.query_pairs().any(|(name, _)| matches!(&*name, "password" | "sslpassword"))
        }
        Err(_) => url.contains('@') || url.contains("password="),
    }
}

/// What to do where the master key is another one.
const WRONG_MASTER_KEY: &str = "give the one of the newest rotation, or of the copy you keep: `muniment config show --origin` \
                                names where keys_dir and master_key come from";
/// What to do where the file of the master key is gone.
const LOST_MASTER_KEY: &str = "put the copy that you keep there, mode 0600 in a folder of mode 0700; \
                               `muniment config show --origin` names where keys_dir comes from";

/// What to do where a file or folder of the store may not be opened.
const NOT_OURS: &str = "the data folder and the files in it must belong to the user that runs this, on a file system that can be \
                        written; `muniment config show --origin` names it, --data-dir another";
/// What to do where a disk refuses to be written.
const NO_ROOM: &str = "make room on the disk of the data folder, then the same command again";
/// What to do where a file system does.
const READ_ONLY_FILES: &str = "let the file system of the data folder be written again, then the same command: a system makes one \
                               read-only whose disk fails";

/// How a command ends that a file or folder of the store keeps from its work, and what to do about it.
pub fn file_refused(refused: &std::io::Error) -> (Exit, &'static str) {
    match refused.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (Exit::Unavailable, NO_ROOM),
        ErrorKind::ReadOnlyFilesystem => (Exit::Unavailable, READ_ONLY_FILES),
        _ => (Exit::Failure, NOT_OURS),
    }
}

/// What to do where the record's file is no database.
const DAMAGED_RECORD: &str = "keep journal.db as it is, and `muniment restore` the newest backup into an empty folder \
                              (docs/operate/backup-and-erasure.md)";

/// Whether a record did not open because the master key is another than the one that wrapped the stored keys.
pub const fn is_wrong_master_key(error: &OpenError) -> bool {
    matches!(error, OpenError::KeyRing(KeyRingError::Seal(SealError::WrongMasterKey)))
}

/// The same, or there is none.
pub const fn wants_master_key(error: &OpenError) -> bool {
    is_wrong_master_key(error) || matches!(error, OpenError::Key(KeyFileError::Lost(_)))
}

/// How a command ends that a database keeps from its work, and what to do about it. `damaged` is what to do where the file is no
/// database.
fn kept_out(obstacle: Obstacle, damaged: &'static str) -> (Exit, &'static str) {
    match obstacle {
        Obstacle::Away => {
            (Exit::Unavailable, "start the database, or name another with --database; `muniment config show --origin`")
        }
        Obstacle::Disk => (Exit::Unavailable, NO_ROOM),
        Obstacle::ServerDisk => {
            (Exit::Unavailable, "make room on the disk of the database's server, then the same command again")
        }
        Obstacle::ReadOnly => (
            Exit::Unavailable,
            "let it be written again, then the same command: a host makes a database read-only whose disk fills up, and a standby is \
             not written at all",
        ),
        Obstacle::Closed => (Exit::Failure, NOT_OURS),
        Obstacle::Damaged => (Exit::Failure, damaged),
        Obstacle::NoDatabase => (
            Exit::Failure,
            "`CREATE DATABASE <name> ENCODING 'UTF8' TEMPLATE template0` makes it; `muniment config show --origin` names where \
             database_url comes from",
        ),
        Obstacle::NotAdmitted => (
            Exit::Failure,
            "give database_url a role that may log in, with its password; `muniment config show --origin` names where it comes from",
        ),
        Obstacle::NotPermitted => (
            Exit::Failure,
            "let the role make tables: `GRANT CREATE ON SCHEMA public TO <role>`, or make it the database's owner; who only reads the \
             record needs `GRANT SELECT ON ALL TABLES IN SCHEMA public TO <role>`",
        ),
    }
}

/// How a command ends that cannot open the read models.
pub fn reads_ended(error: ReadStoreError) -> anyhow::Error {
    let what = "the read models cannot be opened";
    let Some(obstacle) = error.obstacle() else { return Exit::Failure.because_of(what, error) };
    let (exit, next) = kept_out(
        obstacle,
        "stop the server and remove read.db, read.db-wal and read.db-shm of the data folder: the next start makes them anew \
         from the record",
    );
    with_next(exit.because_of(what, error), next)
}

/// How a command ends that cannot open the record: whatever may be over on another try is worth one.
pub fn ended(error: OpenError) -> anyhow::Error {
    let (exit, next) = match &error {
        OpenError::NoRecord(_) => (
            Exit::NotFound,
            Some(
                "`muniment serve` makes one; name another with --data-dir or --database; \
                 `muniment config show --origin`",
            ),
        ),
        OpenError::Locked(_) => (Exit::Unavailable, Some("stop the server, then the same command again")),
        OpenError::Key(KeyFileError::Lost(_)) => (Exit::Failure, Some(LOST_MASTER_KEY)),
        error if is_wrong_master_key(error) => (Exit::Failure, Some(WRONG_MASTER_KEY)),
        OpenError::Sql(_) | OpenError::Schema(_) => error.obstacle().map_or((Exit::Failure, None), |obstacle| {
            let (exit, next) = kept_out(obstacle, DAMAGED_RECORD);
            (exit, Some(next))
        }),
        OpenError::Damaged(_) => (
            Exit::CheckFailed,
            Some(
                "keep the backups that you have and restore one of before; `muniment audit verify` says what is wrong",
            ),
        ),
        OpenError::Folder { source, .. } | OpenError::Key(KeyFileError::Io { source, .. }) => {
            let (exit, next) = file_refused(source);
            (exit, Some(next))
        }
        OpenError::SchemaBehind(_)
        | OpenError::Unsafe(_)
        | OpenError::Unsuitable(_)
        | OpenError::Key(_)
        | OpenError::KeyRing(_) => (Exit::Failure, None),
    };
    let ended = exit.because_of("the record cannot be opened", error);
    match next {
        Some(next) => with_next(ended, next),
        None => ended,
    }
}

/// The journal, for reading.
///
/// # Errors
/// When there is none, or the keys do not fit.
pub async fn reading(config: &Config) -> Result<Journal> {
    Journal::open_read_only(journal_config(&config.store)).await.map_err(ended)
}

/// The journal, for writing. Nobody else may have a SQLite record open.
///
/// # Errors
/// When there is none, it cannot be opened, or a server has it.
pub async fn writing(config: &Config) -> Result<Journal> {
    Journal::open_existing(journal_config(&config.store)).await.map_err(ended)
}

/// The journal, for writing; where there is none, one is made. Only for what a record may begin with: elsewhere a wrong
/// folder would be answered as if nothing had ever happened in it.
///
/// # Errors
/// When it cannot be opened, or a server has it.
pub async fn making(config: &Config) -> Result<Journal> {
    let opened = match Journal::open_existing(journal_config(&config.store)).await {
        Err(OpenError::NoRecord(_)) => {
            // Elsewhere others could read the folder, and `doctor` complains of that.
            make_folders(&config.store)?;
            Journal::open(journal_config(&config.store)).await
        }
        opened => opened,
    };
    opened.map_err(ended)
}

/// The journal, for a backup that is loaded into it; where there is none, one is made.
///
/// # Errors
/// When it cannot be opened, or a server has it.
pub async fn for_restore(config: &Config) -> Result<Journal> {
    Journal::open_for_restore(journal_config(&config.store)).await.map_err(ended)
}

/// The read models. A server beside us may be further than the head we have seen, so only another record counts as
/// a mismatch here.
///
/// # Errors
/// When they belong to another record and that is to be refused, or the database fails.
pub async fn read_models(config: &Config, journal: &Journal, on_mismatch: OnMismatch) -> Result<ReadStore> {
    let mut wanted = read_store_config(&config.store, journal, on_mismatch);
    wanted.head = AskHead::at(Position(i64::MAX.unsigned_abs()));
    ReadStore::open(wanted).await.map_err(reads_ended)
}

/// Brings one read model to the head; a server that does the same at the same time is no harm.
///
/// # Errors
/// When an event stops it, or journal or database fail.
pub async fn catch_up(journal: &Journal, store: &ReadStore, projection: &dyn Projection) -> Result<()> {
    let live = store.live().await?;
    let mut at =
        live.iter().find(|model| model.name == projection.name()).map_or(Position::START, |model| model.position);
    while at < journal.head() {
        let page = journal.read(at, PAGE_EVENTS).await?;
        if page.is_empty() {
            return Ok(());
        }
        at = match store.advance(projection, &page).await? {
            Advance::Moved(position) | Advance::Ahead(position) | Advance::Behind(position) => position,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit;

    #[test]
    fn a_full_or_read_only_disk_is_not_taken_for_another_users_folder() {
        for (kind, end, next) in [
            (ErrorKind::StorageFull, Exit::Unavailable, "make room"),
            (ErrorKind::QuotaExceeded, Exit::Unavailable, "make room"),
            (ErrorKind::ReadOnlyFilesystem, Exit::Unavailable, "let the file system"),
            (ErrorKind::PermissionDenied, Exit::Failure, "must belong to the user"),
        ] {
            let path = std::path::PathBuf::from("journal.lock");
            let of_key = OpenError::Key(KeyFileError::Io { path: path.clone(), source: kind.into() });
            for refused in [OpenError::Folder { path, source: kind.into() }, of_key] {
                let refused = ended(refused);
                assert_eq!(exit::of(&refused), end, "{refused:#}");
                assert!(exit::report(&refused).contains(next), "{}", exit::report(&refused));
            }
        }
    }
}
