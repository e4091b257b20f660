//! An event of the operator's own in the audit (spec/accounts-and-offers.md section 6.6).

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use muniment_aggregates::note::{Note, NoteCommand, Record as RecordNote};
use muniment_journal::Journal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::operator::keeper;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::config::Config;
use crate::config::audit_events::{self, is_event_type};
use crate::runtime::policies::audit_drift::{Drift, drift_of};

/// Bytes of metadata at most.
const METADATA_BYTES_MAX: usize = 64 * 1024;

/// `audit record`.
#[derive(Debug, Args)]
pub struct Record {
    /// Its type, registered in `audit_events`; not a built-in one
    event_type: String,
    /// A JSON object of what an investigator should know; nothing personal, for it is kept in clear
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// It tells of a failure
    #[arg(long)]
    failure: bool,
    /// The account that did it: username, e-mail address or id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// The account it was done to
    #[arg(long, value_name = "ACCOUNT")]
    target: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Records one.
pub(super) async fn record(global: &Global, command: &Record) -> Result<()> {
    let config = command.store.load()?.config;
    let details = details(command)?;
    let journal = open::writing(&config).await?;
    let outcome = record_in(global, command, &config, details, &journal).await;
    journal.shutdown().await;
    outcome
}

/// What was given, judged before anything is opened.
fn details(command: &Record) -> Result<Option<BTreeMap<String, Value>>> {
    let event_type = &command.event_type;
    if !is_event_type(event_type) {
        let rule = "begins with a letter and goes on with letters, digits and _ . / -";
        return Err(Exit::Usage.because(format!("a type of audit event {rule}")));
    }
    if audit_events::is_built_in(event_type) {
        return Err(Exit::Usage.because(format!("{event_type} is a built-in type: only the program records it")));
    }
    let Some(text) = &command.metadata else { return Ok(None) };
    if text.len() > METADATA_BYTES_MAX {
        return Err(Exit::Usage.because(format!("--metadata is longer than {METADATA_BYTES_MAX} bytes")));
    }
    let details = serde_json::from_str(text);
    details.map(Some).map_err(|error| Exit::Usage.because_of("--metadata must be a JSON object", error))
}

async fn record_in(
    global: &Global,
    command: &Record,
    config: &Config,
    details: Option<BTreeMap<String, Value>>,
    journal: &Journal,
) -> Result<()> {
    let (mut account, mut target_account) = (None, None);
    for (named, found) in [(&command.account, &mut account), (&command.target, &mut target_account)] {
        if let Some(named) = named {
            *found = Some(keeper::account(journal, named).await?);
        }
    }
    let drift = drift_of(config.registries.audit_events(), &command.event_type, !command.failure, &json!(details));
    let note = NoteCommand::Record(RecordNote {
        what: command.event_type.clone(),
        is_failure: command.failure,
        account,
        target_account,
        details,
    });
    let id = Uuid::new_v4().to_string();
    let done = keeper::bus(journal).execute::<Note>(&id, note, &keeper::origin("audit_record")).await;
    let position = done.map_err(|error| keeper::ended("the event was not recorded", error))?.position;
    let warning = drift.as_ref().map(|drift| match drift {
        Drift::UnknownType => format!("{} is not registered: add it to audit_events", command.event_type),
        Drift::Metadata { key } => format!("metadata key {key} is missing or not of its kind; see audit_events"),
    });
    let seq = position.map(|position| position.to_string());
    let shown = json!({ "seq": seq, "event_type": command.event_type, "warning": warning });
    Printer::new(global).result(&shown, || {
        let place = position.map_or_else(String::new, |position| format!(" at position {position}"));
        let mut lines = vec![format!("{} recorded{place}", command.event_type)];
        lines.extend(warning.map(|warning| format!("warning: {warning}")));
        lines
    })
}
