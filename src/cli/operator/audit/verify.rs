//! Walks the chain, counts again what is acted on beside it, and signs and checks statements of its head.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Result;
use chrono::Utc;
use clap::Args;
use muniment_journal::{
    CheckpointError, CheckpointKey, Comparison, Journal, KeyFileError, KeySource, SignedHead, Verified, VerifyError,
};
use serde_json::{Value, json};

use super::recounted;
use crate::app::journal_config;
use crate::cli::exit::{Exit, unfolded};
use crate::cli::flags::Global;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::runtime::fold::FoldError;
use crate::runtime::recount::claims::Claims;
use crate::runtime::recount::{claims, snapshots};

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
    let (walked, counted) = walk(global, &journal).await;
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
    let claims = compare_claims(global, &journal, counted).await.map_err(unfolded)?;
    let snapshots = compare_snapshots(global, &journal).await.map_err(unfolded)?;
    let mut shown = json!({
        "ok": true,
        "position": verified.through.to_string(),
        "events": verified.events,
        "hash": hex::encode(verified.hash),
        "claims": recounted::claims_shown(&claims),
        "snapshots": recounted::snapshots_shown(&snapshots),
    });
    let compared = match note {
        None => None,
        Some(note) => Some(compare(&config, &journal, &note, &mut shown).await?),
    };
    let of_checkpoint = compared.as_ref().and_then(|compared| compared.as_ref().err()).cloned();
    let failed = of_checkpoint.or_else(|| recounted::failure(&claims, &snapshots));
    shown["ok"] = json!(failed.is_none());
    let told = compared.map(|compared| compared.unwrap_or_else(|failure| failure));
    shown["checkpoint"] = json!(told);
    let lines = || {
        let hash = hex::encode(verified.hash);
        let mut lines =
            vec![format!("intact: {} events through position {}, hash {hash}", verified.events, verified.through)];
        lines.extend(recounted::lines(&claims, &snapshots));
        lines.extend(told.clone());
        lines
    };
    printer.verdict(&shown, lines, failed.map_or(Ok(()), |failure| Err(Exit::CheckFailed.because(failure))))
}

/// Walks the chain; with what the events say of the claims, which counts only where the chain holds.
async fn walk<'a>(
    global: &Global,
    journal: &'a Journal,
) -> (Result<Verified, VerifyError>, Result<Claims<'a>, FoldError>) {
    let progress = Progress::new(global, "verify");
    let mut counted = Ok(Claims::of(journal));
    let walked = async {
        let mut verification = journal.verification(None).await?;
        while let Some(page) = verification.next_page().await? {
            if let Ok(claims) = &mut counted
                && let Err(error) = claims.look_at(&page).await
            {
                counted = Err(error);
            }
            if let Some(last) = page.last() {
                progress.at(last.position.0, verification.head().0);
            }
        }
        verification.end().await
    };
    let walked = walked.await;
    (walked, counted)
}

async fn compare_claims(
    global: &Global,
    journal: &Journal,
    counted: Result<Claims<'_>, FoldError>,
) -> Result<claims::Compared, FoldError> {
    let (counted, total) = (counted?, journal.count_claims().await?);
    let progress = Progress::of(global, "verify claims", "claims");
    counted.finish(|compared| progress.at(compared, total)).await
}

async fn compare_snapshots(global: &Global, journal: &Journal) -> Result<snapshots::Compared, FoldError> {
    let total = journal.count_snapshots().await?;
    let progress = Progress::of(global, "verify snapshots", "snapshots");
    snapshots::compare(journal, |compared| progress.at(compared, total)).await
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
