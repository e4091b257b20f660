//! Writing the record to files, and bringing it back into an empty store.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::Position;
use muniment_journal::backup::{BackupError, backup, keys_file_of};
use muniment_journal::restore::{RestoreError, restore};
use serde_json::json;

use super::open::{self, StoreFlags};
use crate::app::make_folders;
use crate::cli::ask;
use crate::cli::exit::{Exit, with_next};
use crate::cli::flags::Global;
use crate::cli::output::Printer;
use crate::cli::progress::Progress;

/// Write the record and its wrapped keys to two files; a server may go on working
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  muniment backup /backup/muniment-$(date +%F)",
    after_help = "Keep master.key elsewhere: the files open under it alone. The `.keys` file is the one to renew after an erasure."
)]
pub struct Backup {
    /// The record's file; the keys go to <FILE>.keys
    file: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

/// Load a backup into an empty store
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  muniment restore /backup/muniment-2026-11-20 --keys /backup/muniment-newest.keys")]
pub struct Restore {
    /// The record's file
    file: PathBuf,
    /// The file with the wrapped keys [default: <FILE>.keys]
    #[arg(long, value_name = "FILE", conflicts_with = "without_keys")]
    keys: Option<PathBuf>,
    /// Bring back no keys: every personal value reads as erased
    #[arg(long)]
    without_keys: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Writes a backup.
///
/// # Errors
/// When the file exists, or the record cannot be read.
pub async fn make(global: &Global, command: &Backup) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let folder = command.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(missing) = folder.filter(|folder| !folder.is_dir()) {
        let what = format!("there is no folder {} for the backup {}", missing.display(), command.file.display());
        let next = "make the folder and give the same command again, or name a file in a folder that is there";
        return Err(with_next(Exit::NotFound.because(what), next));
    }
    let progress = Progress::new(global, "backup");
    let made = backup(&journal, &command.file, &|at: Position, end: Position| progress.at(at.0, end.0)).await;
    drop(progress);
    let made = made.map_err(|error| match error {
        BackupError::Exists(_) => Exit::Conflict.because(error.to_string()),
        BackupError::Reserved(_) => Exit::Usage.because(error.to_string()),
        BackupError::Busy(_) => Exit::Unavailable.because(error.to_string()),
        BackupError::Unavailable(ref cause) if cause.is_driver() => Exit::Unavailable.because(error.to_string()),
        BackupError::Damaged(_) => {
            let what = format!("no backup was written to {}", command.file.display());
            let next = "keep the backups that you have; `muniment audit verify` says what is wrong with the record";
            with_next(Exit::CheckFailed.because_of(what, error), next)
        }
        BackupError::Format(_) => {
            anyhow::Error::new(error).context(format!("no backup was written to {}", command.file.display()))
        }
        BackupError::Seal(_) | BackupError::Unavailable(_) | BackupError::NoDatabase => error.into(),
    })?;
    let shown = json!({
        "position": made.position.to_string(),
        "claims": made.claims,
        "keys": made.keys,
        "record_file": made.record_file,
        "keys_file": made.keys_file,
    });
    Printer::new(global).result(&shown, || {
        vec![
            format!("Backed up through position {}", made.position),
            format!("Record: {}", made.record_file.display()),
            format!("Keys: {} ({})", made.keys_file.display(), made.keys),
        ]
    })
}

/// How a restore ends that did not tell of a record.
fn not_restored(error: RestoreError) -> anyhow::Error {
    let exit = match &error {
        RestoreError::Uncertain(_) => {
            let next = "`muniment audit verify` says how many events there are: the record is restored, or there are none and the \
                        same command restores it";
            let what = "it is not known whether the record was restored";
            return with_next(Exit::Unavailable.because_of(what, error), next);
        }
        RestoreError::NotEmpty(_) => Exit::Conflict,
        RestoreError::Database(cause) if cause.is_of_the_connection() => Exit::Unavailable,
        RestoreError::Format(_)
        | RestoreError::WrongFile(_)
        | RestoreError::Changed(_)
        | RestoreError::Gap { .. }
        | RestoreError::Seal(_)
        | RestoreError::Database(_)
        | RestoreError::NoDatabase => Exit::Failure,
    };
    exit.because_of("nothing was restored", error)
}

/// Loads a backup.
///
/// # Errors
/// When the store is not empty, or a file does not fit.
pub async fn load(global: &Global, command: &Restore) -> Result<()> {
    let config = command.store.load()?.config;
    if !command.file.exists() {
        return Err(Exit::NotFound.because(format!("there is no backup {}", command.file.display())));
    }
    let keys_file = match (&command.keys, command.without_keys) {
        (Some(keys), _) if !keys.exists() => {
            return Err(Exit::NotFound.because(format!("there is no file of keys {}", keys.display())));
        }
        (Some(keys), _) => Some(keys.clone()),
        (None, true) => None,
        (None, false) => {
            let beside = keys_file_of(&command.file);
            if !beside.exists() {
                let what = format!("{} is missing: name it with --keys, or add --without-keys", beside.display());
                return Err(Exit::Usage.because(what));
            }
            Some(beside)
        }
    };
    ask::confirm(global, "The record is loaded into the store of this configuration", "restore")?;
    make_folders(&config.store)?;
    let journal = open::for_restore(&config).await?;
    let progress = Progress::new(global, "restore");
    let report = |at: Position, end: Position| progress.at(at.0, end.0);
    let restored = restore(journal, &command.file, keys_file.as_deref(), &report).await;
    drop(progress);
    let restored = restored.map_err(not_restored)?;
    let shown = json!({
        "position": restored.position.to_string(),
        "store": restored.identity.to_string(),
        "claims": restored.claims,
        "claims_freed": restored.claims_freed,
        "keys": restored.keys,
    });
    Printer::new(global).result(&shown, || {
        vec![
            format!("Restored through position {} as {}", restored.position, restored.identity),
            format!("{} claims, {} freed, {} keys", restored.claims, restored.claims_freed, restored.keys),
            "Next: muniment audit verify, then muniment serve; the read models are built anew by themselves".to_owned(),
        ]
    })
}
