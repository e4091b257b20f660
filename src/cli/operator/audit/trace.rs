//! The course of events around one of them: what caused it, what its request did besides, what it caused.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use clap::Args;
use muniment_aggregates::record::{Metadata, Position, RecordedEvent};
use serde_json::{Value, json};

use super::event::as_json;
use crate::cli::exit::Exit;
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
    position: u64,
    #[command(flatten)]
    store: StoreFlags,
}

fn metadata(event: &RecordedEvent) -> Result<Metadata> {
    let parsed = serde_json::from_str(&event.metadata);
    parsed.with_context(|| format!("the metadata at position {} cannot be read", event.position))
}

/// Prints the course of events, in order.
pub(super) async fn trace(global: &Global, printer: &Printer, command: &Trace) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let missing = || Exit::NotFound.because(format!("there is no position {}", command.position));
    let mut root = journal.event(Position(command.position)).await?.ok_or_else(missing)?;
    for _ in 0..CAUSES_MAX {
        let Some(cause) = metadata(&root)?.causation else { break };
        root = journal.event(cause).await?.with_context(|| format!("the cause at position {cause} is missing"))?;
    }
    let correlation = metadata(&root)?.correlation;
    let mut caused: HashSet<Position> = HashSet::new();
    let mut shown: Vec<Value> = Vec::new();
    let progress = Progress::new(global, "trace");
    let (mut at, head) = (Position(root.position.0 - 1), journal.head());
    // Other events of the request stand beside the root; in one append they may also stand before it.
    at = Position(at.0.saturating_sub(u64::try_from(PAGE_EVENTS)?));
    while at < head {
        let page = journal.read(at, PAGE_EVENTS).await?;
        for event in &page {
            at = event.position;
            let metadata = metadata(event)?;
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
    let whole = json!({ "correlation_id": correlation, "events": shown });
    printer.list(&whole, &shown, &["position", "cause", "recorded_at", "type", "stream", "surface", "command"])
}
