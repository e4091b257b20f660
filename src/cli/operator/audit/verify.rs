//! Walks the chain, and signs and checks statements of its head.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Result;
use chrono::Utc;
use clap::Args;
use muniment_aggregates::record::Position;
use muniment_journal::{
    CheckpointError, CheckpointKey, Comparison, Journal, KeyFileError, KeySource, SignedHead, VerifyError,
};
use serde_json::{Value, json};

use crate::app::journal_config;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::config::Config;

/// `audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Also compare with a statement that `audit checkpoint` printed; catches a cut tail
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Verifies; a failed check says where and ends with its own exit code.
pub(super) async fn verify(global: &Global, printer: &Printer, command: &Verify) -> Result<()> {
    let config = command.store.load()?.config;
    let note = match &command.checkpoint {
        None => None,
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Failure };
            exit.because_of(format!("cannot read {}", path.display()), error)
        })?),
    };
    let journal = open::reading(&config).await?;
    let progress = Progress::new(global, "verify");
    let walked = journal.verify(None, &|at: Position, head: Position| progress.at(at.0, head.0)).await;
    drop(progress);
    let verified = match walked {
        Ok(verified) => verified,
        // A database that fails is no finding about the record.
        Err(VerifyError::Sql { after, source }) if source.is_driver() => {
            let message = format!("the record cannot be read after position {after}");
            return Err(Exit::Unavailable.because_of(message, source));
        }
        Err(error) => {
            let first_bad = match &error {
                VerifyError::BelowFirst { position } => Some(position.to_string()),
                _ => error.position().map(|position| position.to_string()),
            };
            let shown = json!({ "ok": false, "error": error.to_string(), "first_bad_position": first_bad });
            let ended = Err(Exit::CheckFailed.because(error.to_string()));
            return printer.verdict(&shown, || vec![format!("NOT intact: {error}")], ended);
        }
    };
    let mut shown = json!({
        "ok": true,
        "position": verified.through.to_string(),
        "events": verified.events,
        "hash": hex::encode(verified.hash),
    });
    let compared = match note {
        None => None,
        Some(note) => Some(compare(&config, &journal, &note, &mut shown).await?),
    };
    let failed = compared.as_ref().is_some_and(Result::is_err);
    shown["ok"] = json!(!failed);
    let told = compared.map(|compared| compared.unwrap_or_else(|failure| failure));
    shown["checkpoint"] = json!(told);
    let lines = || {
        let hash = hex::encode(verified.hash);
        let mut lines =
            vec![format!("intact: {} events through position {}, hash {hash}", verified.events, verified.through)];
        lines.extend(told.clone());
        lines
    };
    let ended = if failed { Err(Exit::CheckFailed.because(told.clone().unwrap_or_default())) } else { Ok(()) };
    printer.verdict(&shown, lines, ended)
}

/// What an old statement says about the record; the inner error is a failed check.
async fn compare(config: &Config, journal: &Journal, note: &str, shown: &mut Value) -> Result<Result<String, String>> {
    let trusted = match CheckpointKey::trusted(&signing_keys(config, false), journal.keyring()) {
        Ok(trusted) => trusted,
        Err(CheckpointError::File(KeyFileError::Missing(key))) => {
            let what = format!("{} is missing: bring back the one that signed it", key.display());
            return Ok(Err(format!("the checkpoint cannot be checked: {what}")));
        }
        Err(error) => return Err(error.into()),
    };
    let signed = match SignedHead::from_text(note, Some(&trusted)) {
        Ok(signed) => signed,
        Err(error) => return Ok(Err(format!("the checkpoint is not accepted: {error}"))),
    };
    let at = signed.position;
    shown["checkpoint_position"] = json!(at.to_string());
    Ok(match signed.verify_against(journal).await? {
        Comparison::Consistent => Ok(format!("the checkpoint at position {at} still holds")),
        Comparison::Differs { from: Some(from) } => {
            Err(format!("the record was replaced from position {from}; the checkpoint is of position {at}"))
        }
        Comparison::Differs { from: None } => {
            Err(format!("the record at position {at} is another than the one that was signed"))
        }
        Comparison::TailCut { position } => Err(format!(
            "the record ends at position {position}; the checkpoint is of position {at}: events were cut off"
        )),
        Comparison::OtherInstallation => Err("the checkpoint is of another installation".to_owned()),
    })
}

/// Where the key that signs heads is: in the folder of the master key, which is there since the record opened. The first
/// statement makes it; to check one against a key that signed nothing would call every statement false.
fn signing_keys(config: &Config, create_missing: bool) -> KeySource {
    match journal_config(&config.store).keys {
        KeySource::Directory { path, .. } => KeySource::Directory { path, create_missing },
        explicit @ KeySource::Explicit(_) => explicit,
    }
}

/// Prints the head, signed.
pub(super) async fn checkpoint(printer: &Printer, store: &StoreFlags) -> Result<()> {
    let config = store.load()?.config;
    let journal = open::reading(&config).await?;
    let head = journal.engine().head().await?;
    let key = CheckpointKey::load(&signing_keys(&config, true), journal.keyring())?;
    let text = key.sign(head, Utc::now()).to_text();
    let shown = json!({ "position": head.position.to_string(), "hash": hex::encode(head.hash), "note": text });
    printer.result(&shown, || text.lines().map(str::to_owned).collect())
}
