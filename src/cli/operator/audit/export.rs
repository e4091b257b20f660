//! Every event as it is stored, one JSON object a line: payload and metadata are the very bytes that were hashed, and nothing
//! that the hash is of is left out, so that whoever is handed the lines can prove them with no database.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::Identity;
use serde::Serialize;
use serde_json::value::RawValue;

use super::event::recorded_at;
use crate::cli::exit::damaged;
use crate::cli::flags::Global;
use crate::cli::operator::moment::{Moment, last_position, moment};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::print;
use crate::cli::progress::Progress;
use crate::runtime::limits::PAGE_EVENTS;

/// `audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Begin after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// End with this position, or with the last one of this time as lists show it [default: the head]
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    until: Option<Moment>,
    #[command(flatten)]
    store: StoreFlags,
}

/// An event as a line.
#[derive(Serialize)]
struct Line<'a> {
    position: String,
    stream: String,
    sequence: u64,
    #[serde(rename = "type")]
    event_type: &'a str,
    version: &'a str,
    recorded_at: String,
    payload: Document<'a>,
    metadata: Document<'a>,
    dedupe_key: Option<String>,
    /// Installation and epoch, as cursors have them.
    store: Option<String>,
    hash: String,
}

/// A stored document.
#[derive(Serialize)]
#[serde(untagged)]
enum Document<'a> {
    AsStored(&'a RawValue),
    /// Of one that was tampered with, so that it is no JSON or of several lines, the text.
    Text(&'a str),
}

impl<'a> Document<'a> {
    fn of(text: &'a str) -> Self {
        match serde_json::from_str::<&RawValue>(text) {
            // What stands around the document is no part of it.
            Ok(raw) if raw.get() == text && !text.contains(['\n', '\r']) => Self::AsStored(raw),
            Ok(_) | Err(_) => Self::Text(text),
        }
    }
}

impl<'a> Line<'a> {
    fn of(event: &'a RecordedEvent, store: Option<Identity>) -> Self {
        Self {
            position: event.position.to_string(),
            stream: event.stream.to_string(),
            sequence: event.sequence,
            event_type: &event.event_type,
            version: &event.event_version,
            recorded_at: recorded_at(event),
            payload: Document::of(&event.payload),
            metadata: Document::of(&event.metadata),
            dedupe_key: event.dedupe.map(|key| hex::encode(key.0)),
            store: store.map(|store| store.to_string()),
            hash: hex::encode(event.hash),
        }
    }
}

/// Prints the events.
pub(super) async fn export(global: &Global, command: &Export) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let (installation, epochs) = (journal.identity().installation, journal.engine().epochs().await?);
    let until = last_position(&journal, command.until).await?;
    let progress = Progress::new(global, "export");
    let mut at = Position(command.after);
    while at < until {
        let page = journal.read(at, PAGE_EVENTS).await?;
        // A damaged record may lack events: what is printed ends there and is not taken for the whole.
        let following = page.iter().zip(at.0 + 1..=until.0).take_while(|(event, due)| event.position.0 == *due);
        let following: Vec<_> = following.map(|(event, _)| event).collect();
        print(|out| {
            following.iter().try_for_each(|event| {
                let line = Line::of(event, Identity::at(installation, &epochs, event.position));
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)
            })
        })?;
        let Some(last) = following.last() else {
            let lacking = format!("the record lacks position {}, and what was printed ends before it", at.next());
            return Err(damaged(lacking));
        };
        at = last.position;
        progress.at(at.0, until.0);
    }
    Ok(())
}
