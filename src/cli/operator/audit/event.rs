//! One event: how it is shown, and how its sealed values are opened for an investigator.

use anyhow::Result;
use chrono::SecondsFormat;
use clap::Args;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_aggregates::seal_context::{Admits, InStream};
use muniment_aggregates::sealed::Sealed;
use muniment_journal::{KeyRing, SealError};
use serde_json::{Value, json};

use super::trace::metadata;
use crate::cli::exit::Exit;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;

/// What stands where a value can no longer be read.
pub(super) const ERASED: &str = "[erased]";

/// `audit show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Its position
    position: u64,
    /// Open personal values
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Shows one event.
pub(super) async fn show(printer: &Printer, command: &Show) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let found = journal.event(Position(command.position)).await?;
    let event = found.ok_or_else(|| Exit::NotFound.because(format!("there is no position {}", command.position)))?;
    let mut shown = as_json(&event);
    if command.reveal {
        let correlation = metadata(&event).ok().map(|it| it.correlation);
        let places = InStream::of(&event.stream, correlation.as_deref());
        reveal(&mut shown, &places, journal.keyring()).await?;
    }
    printer.result(&shown, || {
        // A Value serialises to text without a failing case.
        let pretty = serde_json::to_string_pretty(&shown).unwrap_or_default();
        pretty.lines().map(str::to_owned).collect()
    })
}

/// An event as one JSON object. Payload and metadata are the stored documents.
#[must_use]
pub fn as_json(event: &RecordedEvent) -> Value {
    // What does not parse was tampered with; an investigator sees the text as it is.
    let document = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    json!({
        "position": event.position.to_string(),
        "stream": event.stream.to_string(),
        "sequence": event.sequence,
        "type": &*event.event_type,
        "version": &*event.event_version,
        "recorded_at": recorded_at(event),
        "payload": document(&event.payload),
        "metadata": document(&event.metadata),
        "hash": hex::encode(event.hash),
    })
}

/// When it was recorded, to the microsecond, as it is hashed.
pub(super) fn recorded_at(event: &RecordedEvent) -> String {
    event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Opens every value inside that is sealed for a field of `places`; one whose key was destroyed reads as erased. Any text may
/// have the look of a sealed one, or be a copy of one: whoever may write a note may write it.
pub(super) async fn reveal(value: &mut Value, places: &impl Admits, keyring: &KeyRing) -> Result<()> {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) => {
                let sealed = Sealed::from_text(text.as_str());
                if sealed.parts().is_none() {
                    continue;
                }
                match keyring.open(places, &sealed).await {
                    Ok(opened) => *text = opened.unwrap_or_else(|| ERASED.to_owned()),
                    Err(SealError::Malformed | SealError::Refused { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Value::Array(items) => waiting.extend(items),
            Value::Object(fields) => waiting.extend(fields.values_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    Ok(())
}

/// The text of a sealed value.
pub(super) async fn open_one(place: &impl Admits, sealed: &Sealed, keyring: &KeyRing) -> Result<String> {
    Ok(keyring.open(place, sealed).await?.unwrap_or_else(|| ERASED.to_owned()))
}
