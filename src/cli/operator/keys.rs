//! The master key: everybody's keys wrapped under a new one, so that what the old one had wrapped is noise wherever a
//! copy of it lies.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use muniment_journal::{Journal, JournalConfig, KeySource, RotateError, Rotated, SealError};
use serde_json::json;
use zeroize::Zeroizing;

use super::open::{self, StoreFlags};
use crate::app::journal_config;
use crate::cli::ask;
use crate::cli::exit::{Exit, with_next};
use crate::cli::flags::Global;
use crate::cli::interrupt::Farewell;
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::config::Loaded;
use crate::config::store::{DatabaseConfig, ExplicitKey, KeysConfig};

/// A key, its line's end and one byte more, by which a longer text is seen to be none.
const KEY_TEXT_BYTES_MAX: u64 = 67;

/// The master key, under which everybody's keys are wrapped
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Wrap everybody's keys under a new master key; the old one opens nothing any more
    #[command(
        before_help = "Examples:\n  muniment keys rotate-master\n  \
                       muniment keys rotate-master --next-key-file /run/secrets/next-master-key\n  \
                       muniment keys rotate-master --next-key-stdin --yes < next-master-key",
        after_help = "A key in keys_dir is replaced there, by a random one unless the next is given. A key that stands in \
                      the settings is for you to replace: give the next one (64 hexadecimal digits, as `openssl rand \
                      -hex 32` prints them), then change master_key and start every node again.\n\n\
                      With the embedded store, stop the server first. On PostgreSQL, nodes that share keys_dir go on by \
                      themselves; others cannot read people who are new to them until they are given the new key and \
                      started again. Take a backup afterwards: older .keys files no longer open."
    )]
    RotateMaster(RotateMaster),
}

/// `keys rotate-master`.
#[derive(Debug, Args)]
pub struct RotateMaster {
    /// The next master key is in this file
    #[arg(long, value_name = "FILE", conflicts_with = "next_key_stdin")]
    next_key_file: Option<PathBuf>,
    /// Read the next master key from standard input
    #[arg(long)]
    next_key_stdin: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Runs one.
///
/// # Errors
/// Whatever kept it from being done.
pub async fn keys(global: &Global, command: Keys) -> Result<()> {
    match command {
        Keys::RotateMaster(command) => rotate_master(global, &command).await,
    }
}

/// What is said of a rotation that the user stopped.
#[must_use]
pub fn farewell() -> Farewell {
    Arc::new(|| {
        "interrupted; either the old or the new master key opens everything, and the same command finds out which"
            .to_owned()
    })
}

type Key = Zeroizing<[u8; 32]>;

async fn rotate_master(global: &Global, command: &RotateMaster) -> Result<()> {
    let loaded = command.store.load()?;
    let next = next_key(command)?;
    let place = Place::of(&loaded);
    let mut config = journal_config(&loaded.config.store);
    match (&mut config.keys, &next) {
        // A key that is missing is a lost one, and none is made to be rotated.
        (KeySource::Directory { create_missing, .. }, _) => *create_missing = false,
        (KeySource::Explicit(_), None) => {
            let refused = Exit::Usage.because(format!("the master key comes from {place}: give the next one"));
            return Err(with_next(refused, "the same command with --next-key-file <FILE> or --next-key-stdin"));
        }
        (KeySource::Explicit(current), Some(next)) if current == next => {
            return Err(ended(RotateError::SameKey, &place));
        }
        (KeySource::Explicit(_), Some(_)) => {}
    }
    let warning = format!(
        "Everybody's keys are wrapped under a new master key. The one of {place} opens nothing any more, nor do .keys files \
         of backups until now"
    );
    ask::confirm(global, &warning, "rotate")?;
    let rotated = rotate(global, config, next, &place).await?;
    tell(global, &loaded, &place, rotated)
}

/// Rotates; `None` where a rotation that was cut off had done so already.
async fn rotate(global: &Global, config: JournalConfig, next: Option<Key>, place: &Place) -> Result<Option<Rotated>> {
    let journal = match Journal::open_existing(config.clone()).await {
        Ok(journal) => journal,
        Err(error) if open::is_wrong_master_key(&error) => match (&config.keys, next) {
            (KeySource::Explicit(_), Some(next)) if opens(&config, next.clone()).await => return Ok(None),
            (KeySource::Explicit(_) | KeySource::Directory { .. }, _) => return Err(open::ended(error)),
        },
        Err(error) => return Err(open::ended(error)),
    };
    let progress = Progress::of(global, "rotate-master", "keys");
    let rotated = journal.keyring().rotate_master(next, &|done, total| progress.at(done, total)).await;
    drop(progress);
    if rotated.is_ok()
        && let Err(error) = journal.engine().forget().await
    {
        // Nothing opens them any more; the next checkpoint of the database overwrites them.
        tracing::warn!(%error, "the keys as the old master key wrapped them are still in the database's files");
    }
    journal.shutdown().await;
    rotated.map(Some).map_err(|error| ended(error, place))
}

/// Whether this key opens what is stored.
async fn opens(config: &JournalConfig, key: Key) -> bool {
    let with_key = JournalConfig { keys: KeySource::Explicit(key), ..config.clone() };
    match Journal::open_read_only(with_key).await {
        Ok(journal) => {
            journal.shutdown().await;
            true
        }
        Err(error) => {
            tracing::debug!(%error, "the next key does not open the record either");
            false
        }
    }
}

fn next_key(command: &RotateMaster) -> Result<Option<Key>> {
    let (text, from) = match &command.next_key_file {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                Exit::Usage.because_of(format!("the next master key cannot be read from {}", path.display()), error)
            })?;
            (key_text(file), path.display().to_string())
        }
        None if command.next_key_stdin => (key_text(std::io::stdin()), "standard input".to_owned()),
        None => return Ok(None),
    };
    let text = text.with_context(|| format!("the next master key cannot be read from {from}"))?;
    let key = ExplicitKey::parse(text.trim_end_matches(['\n', '\r']));
    let key = key.map_err(|what| Exit::Usage.because(format!("the next master key of {from} {what}")))?;
    Ok(Some(key.bytes()))
}

/// What is read may be no text at all, which makes it no key.
fn key_text(from: impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(KEY_TEXT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Where the master key in use is kept.
enum Place {
    /// In this file, which is replaced.
    File(PathBuf),
    /// In the settings, by this source; whoever runs the node replaces it.
    Setting(String),
}

impl Place {
    fn of(loaded: &Loaded) -> Self {
        match &loaded.config.store.keys {
            KeysConfig::Directory { path, .. } => Self::File(path.join(muniment_journal::master_key::MASTER_KEY_FILE)),
            KeysConfig::Explicit(_) => {
                let setting = loaded.effective.iter().find(|effective| effective.name == "master_key");
                Self::Setting(setting.map_or_else(|| "master_key".to_owned(), |setting| setting.origin.clone()))
            }
        }
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Setting(_) => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Setting(origin) => origin.fmt(f),
        }
    }
}

fn ended(error: RotateError, place: &Place) -> anyhow::Error {
    let (exit, next) = match &error {
        RotateError::NextKeyNeeded => (Exit::Usage, Some("the same command with --next-key-file <FILE>")),
        RotateError::SameKey => (Exit::Conflict, Some("give another one, or none where the key is kept in keys_dir")),
        RotateError::UnderWay | RotateError::Seal(SealError::Unavailable(_)) => (Exit::Unavailable, None),
        RotateError::Uncertain(_) => {
            (Exit::Unavailable, Some("the same command again: it finds out which of the two it is"))
        }
        RotateError::NotInPlace(_) => {
            (Exit::Failure, Some("mend what keeps the file from being written, then `muniment doctor`"))
        }
        RotateError::File(_) | RotateError::Seal(_) => (Exit::Failure, None),
    };
    let ended = match &error {
        RotateError::Uncertain(_) | RotateError::NotInPlace(_) => {
            exit.because_of("the rotation did not end well", error)
        }
        RotateError::File(_)
        | RotateError::Seal(_)
        | RotateError::NextKeyNeeded
        | RotateError::SameKey
        | RotateError::UnderWay => exit.because_of(format!("the master key of {place} was not rotated"), error),
    };
    match next {
        Some(next) => with_next(ended, next),
        None => ended,
    }
}

fn tell(global: &Global, loaded: &Loaded, place: &Place, rotated: Option<Rotated>) -> Result<()> {
    let shown = json!({
        "subjects": rotated.map(|rotated| rotated.subjects),
        "rotated_at": rotated.map(|rotated| rotated.at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        "was_rotated_before": rotated.is_none(),
        "master_key_file": place.file(),
    });
    Printer::new(global).result(&shown, || {
        let mut lines = vec![match rotated {
            Some(rotated) => {
                format!("The keys of {} people and days are wrapped under the new master key", rotated.subjects)
            }
            None => "A rotation before this one had wrapped the keys under this master key already".to_owned(),
        }];
        match place {
            Place::File(path) => {
                lines.push(format!("It is in {}; the old one there is overwritten", path.display()));
                lines.push("Next: keep a copy of it elsewhere, and destroy every copy of the old one".to_owned());
                if matches!(loaded.config.store.database, DatabaseConfig::Postgres { .. }) {
                    lines.push("Next: give it to nodes that have a folder of their own; they find it there".to_owned());
                }
            }
            Place::Setting(origin) => {
                lines.push(format!("Next: put it in the place of the old one ({origin}), and start every node again"));
                lines.push("Next: destroy every copy of the old one".to_owned());
            }
        }
        lines.push("Next: muniment backup <FILE>; .keys files of before no longer open".to_owned());
        lines
    })
}
