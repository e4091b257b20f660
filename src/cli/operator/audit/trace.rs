//! The course of events around one of them, or of a request: what caused it, what its request did besides, what it
//! caused.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use clap::Args;
use muniment_aggregates::record::{Metadata, Position, RecordedEvent};
use muniment_journal::{Journal, JournalLimits};
use serde_json::{Value, json};

use super::event::as_json;
use crate::cli::exit::{Exit, damaged};
use crate::cli::flags::Global;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::runtime::limits::PAGE_EVENTS;

/// Causes followed backwards. A policy answers an event, and nothing of ours answers a policy more than a few times.
const CAUSES_MAX: usize = 100;

/// `audit trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// The event's position
    #[arg(required_unless_present = "correlation")]
    position: Option<u64>,
    /// All of this request instead, looked for in the whole record
    #[arg(long, value_name = "ID", conflicts_with = "position")]
    correlation: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// What stands beside an event.
pub(super) fn metadata(event: &RecordedEvent) -> Result<Metadata> {
    let parsed = serde_json::from_str(&event.metadata);
    parsed.with_context(|| format!("the metadata at position {} cannot be read", event.position))
}

/// The request in which the course of an event began, and the position after which its events stand.
async fn beginning(journal: &Journal, position: Position) -> Result<(String, Position)> {
    let missing = || Exit::NotFound.because(format!("there is no position {position}"));
    let mut root = journal.event(position).await?.ok_or_else(missing)?;
    for _ in 0..CAUSES_MAX {
        let Some(cause) = metadata(&root)?.causation else { break };
        root = journal.event(cause).await?.with_context(|| format!("the cause at position {cause} is missing"))?;
    }
    // Other events of the request stand beside the root; in one append they may also stand before it.
    let before = u64::try_from(JournalLimits::default().append_events_max)?;
    Ok((metadata(&root)?.correlation, Position(root.position.0.saturating_sub(before))))
}

/// Prints the course of events, in order.
pub(super) async fn trace(global: &Global, printer: &Printer, command: &Trace) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let (correlation, mut at) = match (command.position, &command.correlation) {
        (Some(position), _) => beginning(&journal, Position(position)).await?,
        (None, given) => (given.clone().unwrap_or_default(), Position::START),
    };
    let mut caused: HashSet<Position> = HashSet::new();
    let mut lacking: Option<Position> = None;
    let mut shown: Vec<Value> = Vec::new();
    let progress = Progress::new(global, "trace");
    let head = journal.head();
    while at < head {
        let page = journal.read(at, PAGE_EVENTS).await?;
        for event in &page {
            if event.position != at.next() {
                lacking.get_or_insert(at.next());
            }
            at = event.position;
            let Ok(metadata) = metadata(event) else {
                lacking.get_or_insert(at);
                continue;
            };
            let follows = metadata.causation.is_some_and(|cause| caused.contains(&cause));
            if follows || metadata.correlation == correlation {
                caused.insert(event.position);
                let mut one = as_json(event);
                one["cause"] = json!(metadata.causation.map(|cause| cause.to_string()));
                one["command"] = json!(metadata.command);
                one["surface"] = json!(metadata.surface);
                shown.push(one);
            }
        }
        progress.at(at.0, head.0);
        if page.is_empty() {
            break;
        }
    }
    drop(progress);
    // A damaged record may lack events of this course: what is printed is not taken for the whole.
    if at < head {
        lacking.get_or_insert(at.next());
    }
    let ended = match lacking {
        Some(position) => Err(damaged(format!(
            "position {position} of the record is missing or cannot be read, and may be one of these"
        ))),
        None if shown.is_empty() => {
            return Err(Exit::NotFound.because(format!("there is no event of request {correlation}")));
        }
        None => Ok(()),
    };
    let whole = json!({ "correlation_id": correlation, "events": shown });
    let columns = ["position", "cause", "recorded_at", "type", "stream", "surface", "command"];
    let printed = printer.list(&whole, &shown, &columns);
    ended.and(printed)
}
