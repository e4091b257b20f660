//! Looks at everything a server stands on and says what is wrong and what to do. Changes nothing.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use chrono::{SecondsFormat, TimeDelta, Utc};
use clap::Args;
use muniment_aggregates::record::Position;
use muniment_journal::master_key::{MASTER_KEY_FILE, NEXT_KEY_FILE};
use muniment_journal::{Journal, Trusted};
use muniment_projections::{Checkpoint, OnMismatch};
use serde_json::{Value, json};

use super::doctor_traces;
use super::open::{self, StoreFlags};
use crate::app::journal_config;
use crate::cli::exit::{self, Exit};
use crate::cli::flags::Global;
use crate::cli::output::Printer;
use crate::config::store::KeysConfig;
use crate::config::{Config, MailConfig, MailMode};
use crate::runtime::policies::audit_drift::{self, Drifted, ROWS_LOOKED_AT};
use crate::runtime::policies::letters::Sender;
use crate::runtime::{ReadPosition, readiness};
use crate::surface::accounts::counts::Counts;

/// Events at the end of the chain that are checked here; `audit verify` checks all.
const TAIL_EVENTS: u64 = 1_000;
/// How far the clocks of the nodes may be apart without a word.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::seconds(10);

/// Check everything a server stands on; exit 7 when something is wrong
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  muniment doctor --json")]
pub struct Doctor {
    #[command(flatten)]
    store: StoreFlags,
}

struct Findings(Vec<(&'static str, Result<String, String>)>);

impl Findings {
    fn note(&mut self, check: &'static str, outcome: Result<String, String>) {
        self.0.push((check, outcome));
    }
}

/// Runs every check.
///
/// # Errors
/// When one fails.
pub async fn doctor(global: &Global, command: &Doctor) -> Result<()> {
    let mut findings = Findings(Vec::new());
    match command.store.load() {
        Err(error) => findings.note("settings", Err(error.to_string())),
        Ok(loaded) => {
            let mut refused: Vec<String> = loaded.config.refusals().iter().map(ToString::to_string).collect();
            refused.extend(loaded.warnings);
            let kind = loaded.config.environment.as_str();
            findings.note("settings", if refused.is_empty() { Ok(kind.to_owned()) } else { Err(refused.join("; ")) });
            look(&loaded.config, &mut findings).await;
        }
    }
    let checks: Vec<Value> = findings
        .0
        .iter()
        .map(|(check, outcome)| {
            let (ok, said) = match outcome {
                Ok(said) => (true, said),
                Err(said) => (false, said),
            };
            json!({ "check": check, "ok": ok, "message": said })
        })
        .collect();
    let failed = findings.0.iter().filter(|(_, outcome)| outcome.is_err()).count();
    let lines = || {
        let line = |(check, outcome): &(&str, Result<String, String>)| match outcome {
            Ok(said) => format!("ok     {check}: {said}"),
            Err(said) => format!("WRONG  {check}: {said}"),
        };
        findings.0.iter().map(line).collect()
    };
    let ended = if failed == 0 { Ok(()) } else { Err(Exit::CheckFailed.because(format!("{failed} checks failed"))) };
    Printer::new(global).verdict(&json!({ "ok": failed == 0, "checks": checks }), lines, ended)
}

async fn look(config: &Config, findings: &mut Findings) {
    findings.note("surface", Ok(Counts::of(config).to_string()));
    findings.note("mail", mail(&config.mail));
    findings.note("data folder", folder(config));
    findings.note("traces", doctor_traces::traces(config).await);
    let journal = match Journal::open_read_only(journal_config(&config.store)).await {
        Ok(journal) => journal,
        Err(error) => {
            let check = if open::wants_master_key(&error) { "master key" } else { "record" };
            return findings.note(check, Err(exit::in_a_line(&open::ended(error))));
        }
    };
    findings.note("master key", master_key(&config.store.keys));
    findings.note("record", Ok(format!("{}, head {}", journal.identity(), journal.head())));
    findings.note("chain", tail(&journal).await);
    findings.note("clock", clock(&journal).await);
    findings.note("read models", models(config, &journal).await);
    findings.note("audit", drifted(config, &journal).await);
    let counts = journal.outbox().counts().await;
    findings.note(
        "outbox",
        match counts {
            Ok(counts) => Ok(format!("{} pending, {} sent, {} failed", counts.pending, counts.sent, counts.failed)),
            Err(error) => Err(error.to_string()),
        },
    );
}

/// What becomes of mail. The sender is made and sends nothing.
fn mail(config: &MailConfig) -> Result<String, String> {
    match (config.mode(), config.folder()) {
        (MailMode::Smtp(smtp), _) => match Sender::new(&smtp, &config.product_name) {
            Ok(sender) => Ok(format!("sent through {}", sender.taker())),
            Err(error) => Err(exit::in_a_line(&error.into())),
        },
        (MailMode::Echo(_), Some(folder)) => {
            Ok(format!("written to {}, codes are echoed as well, for development", folder.path().display()))
        }
        (MailMode::Echo(_), None) => Ok("off; codes are echoed for development".to_owned()),
        (MailMode::Off, Some(folder)) => Ok(format!("written to {} for development", folder.path().display())),
        (MailMode::Off, None) => Ok("off; sign-in by code answers 503".to_owned()),
    }
}

/// Which master key opened the record, and whether a rotation left another beside it.
fn master_key(keys: &KeysConfig) -> Result<String, String> {
    let KeysConfig::Directory { path, .. } = keys else {
        return Ok("the one of the settings opens the stored keys".to_owned());
    };
    let next = path.join(NEXT_KEY_FILE);
    if next.exists() {
        return Err(format!(
            "{} lies there: a rotation is under way or was cut off, and the old key is not destroyed before it ends; \
             start the server, or `muniment keys rotate-master`",
            next.display()
        ));
    }
    Ok(format!("{} opens the stored keys", path.join(MASTER_KEY_FILE).display()))
}

fn folder(config: &Config) -> Result<String, String> {
    let path = &config.store.data_dir;
    let metadata = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(format!("{} has mode {mode:04o}; others can read the record: chmod 700", path.display()));
    }
    Ok(format!("{}, mode {mode:04o}", path.display()))
}

/// Whether the end of the chain is whole.
async fn tail(journal: &Journal) -> Result<String, String> {
    let from = Position(journal.head().0.saturating_sub(TAIL_EVENTS));
    let trusted = match journal.event(from).await {
        Ok(event) => event.map(|event| Trusted { position: from, hash: event.hash }),
        Err(error) => return Err(error.to_string()),
    };
    let verified = journal.verify(trusted, &|_, _| {}).await.map_err(|error| error.to_string())?;
    Ok(format!("the last {} events hold; `muniment audit verify` checks all", verified.events))
}

/// Whether the record is ahead of this machine's clock. Time never runs backwards in it, so whatever is recorded after an
/// event of a clock that was ahead bears that event's instant, until it has come.
async fn clock(journal: &Journal) -> Result<String, String> {
    let newest = journal.event(journal.head()).await.map_err(|error| error.to_string())?;
    let Some(newest) = newest.map(|event| event.recorded_at) else { return Ok("nothing is recorded yet".to_owned()) };
    let ahead = newest - Utc::now();
    if ahead <= CLOCK_AHEAD_MAX {
        return Ok("not behind the record".to_owned());
    }
    Err(format!(
        "the newest event is of {}, {} s ahead of this machine's clock; set the clock right: until it is there, whatever \
         is recorded bears that instant",
        newest.to_rfc3339_opts(SecondsFormat::Millis, true),
        ahead.num_seconds()
    ))
}

/// Whether rows of the audit are of a type, or say what, nobody registered.
async fn drifted(config: &Config, journal: &Journal) -> Result<String, String> {
    let store =
        open::read_models(config, journal, OnMismatch::Refuse).await.map_err(|error| exit::in_a_line(&error))?;
    let found =
        audit_drift::newest(&store, config.registries.audit_events()).await.map_err(|error| error.to_string())?;
    let figures = format!(
        "of the newest {ROWS_LOOKED_AT} rows: audit_metadata_validation_failures {}, \
         audit_unknown_event_type_failures {}",
        found.metadata, found.unknown_types
    );
    if found == Drifted::default() {
        Ok(figures)
    } else {
        Err(format!(
            "{figures}; make audit_events say what your program records: a line of the server's log names each row"
        ))
    }
}

async fn models(config: &Config, journal: &Journal) -> Result<String, String> {
    let store =
        open::read_models(config, journal, OnMismatch::Refuse).await.map_err(|error| exit::in_a_line(&error))?;
    following(&store.live().await.map_err(|error| error.to_string())?, journal.head())
}

/// Whether none of these has stopped or is further behind than a server lets them be.
fn following(live: &[Checkpoint], head: Position) -> Result<String, String> {
    let at = |model: &Checkpoint| ReadPosition {
        position: model.position,
        stopped_by: model.stopped_by.clone(),
        failing: None,
    };
    let models: Vec<(&str, ReadPosition)> = live.iter().map(|model| (model.name.as_str(), at(model))).collect();
    let stopped = models.iter().find_map(|(name, at)| at.stopped_by.as_ref().map(|poison| (name, poison)));
    if let Some((name, poison)) = stopped {
        return Err(format!("{name} has stopped: {poison}"));
    }
    let furthest = models.iter().map(|(_, at)| readiness::lag(at, head)).max().unwrap_or(0);
    if models.iter().any(|(_, at)| !readiness::follows(at, head)) {
        return Err(format!("one is {furthest} events behind; is a server running?"));
    }
    Ok(format!("{} models, at most {furthest} events behind", live.len()))
}

#[cfg(test)]
mod tests {
    use muniment_projections::Purpose;

    use super::*;
    use crate::runtime::limits::LAG_EVENTS_MAX;

    #[test]
    fn read_models_that_nobody_moves_are_told() {
        let at = |name: &str, position| Checkpoint {
            name: name.to_owned(),
            version: 1,
            generation: 0,
            purpose: Purpose::Live,
            position: Position(position),
            record: String::new(),
            stopped_by: None,
        };
        let head = Position(LAG_EVENTS_MAX + 10);
        let told = |position| following(&[at("points", head.0), at("metrics", position)], head);
        assert_eq!(told(10), Ok(format!("2 models, at most {LAG_EVENTS_MAX} events behind")));
        let further = LAG_EVENTS_MAX + 1;
        assert_eq!(told(9), Err(format!("one is {further} events behind; is a server running?")));
    }
}
