//! Recorded events as projections take them: decoded once for all of them, and named where they cannot be.

use std::sync::Arc;

use muniment_aggregates::catalog::{self, AnyEvent};
use muniment_aggregates::record::{Metadata, RecordedEvent};
use muniment_sql::Arg;

use crate::projection::{ApplyError, Batch, Poison};

/// A recorded event with what it says.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'b> {
    /// The event as the journal keeps it.
    pub recorded: &'b RecordedEvent,
    /// What happened.
    pub event: &'b AnyEvent,
    /// Who caused it, and how.
    pub metadata: &'b Metadata,
}

impl Fact<'_> {
    /// Id of the stream's instance, as an argument.
    pub(crate) fn stream_id(&self) -> Arg<'static> {
        self.recorded.stream.id.to_string().into()
    }

    /// Position of the event, as an argument.
    pub(crate) fn position(&self) -> Arg<'static> {
        self.recorded.position.0.into()
    }

    /// An error that stops the projection at this event.
    pub(crate) fn poison(&self, reason: impl Into<String>) -> ApplyError {
        Poison::new(self.recorded, reason).into()
    }

    /// The event found nothing to change: what should have made it is missing, so the rows cannot be right.
    pub(crate) fn expect_touched(&self, touched: u64, what: &str) -> Result<(), ApplyError> {
        if touched == 0 { Err(self.poison(format!("{what} is not in the read model"))) } else { Ok(()) }
    }
}

/// What an event says, or why it cannot be read.
type Content = Result<(AnyEvent, Arc<Metadata>), Poison>;

/// A batch, decoded once. What cannot be decoded stops those who want it, and nobody else.
pub(crate) struct Decoded<'e> {
    entries: Vec<(&'e RecordedEvent, Content)>,
}

impl<'e> Decoded<'e> {
    /// Decodes the events of the stream types that are wanted.
    pub(crate) fn of(events: &'e Batch, wanted: impl Fn(&str) -> bool) -> Self {
        let mut entries = Vec::with_capacity(events.len());
        // The events of one command share their metadata; it is decoded once for them.
        let mut shared: Option<(&Arc<str>, Arc<Metadata>)> = None;
        for recorded in events.iter().filter(|event| wanted(&event.stream.kind)) {
            let metadata = match &shared {
                Some((text, metadata)) if Arc::ptr_eq(text, &recorded.metadata) => Ok(Arc::clone(metadata)),
                Some(_) | None => serde_json::from_str(&recorded.metadata)
                    .map(Arc::new)
                    .map_err(|error| Poison::new(recorded, format!("metadata: {error}"))),
            };
            if let Ok(metadata) = &metadata {
                shared = Some((&recorded.metadata, Arc::clone(metadata)));
            }
            let event = catalog::decode_any(recorded).map_err(|error| Poison::new(recorded, error.to_string()));
            let content = event.and_then(|event| Ok((event, metadata?)));
            entries.push((recorded.as_ref(), content));
        }
        Self { entries }
    }

    /// The facts of the stream types that one projection is interested in, or what stops it.
    pub(crate) fn facts(&self, interest: &[&str]) -> Result<Vec<Fact<'_>>, Poison> {
        self.entries
            .iter()
            .filter(|(recorded, _)| interest.contains(&&*recorded.stream.kind))
            .map(|(recorded, content)| match content {
                Ok((event, metadata)) => Ok(Fact { recorded, event, metadata }),
                Err(poison) => Err(poison.clone()),
            })
            .collect()
    }
}

/// A value as the text of a JSON column.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(fact: &Fact<'_>, value: &T) -> Result<String, ApplyError> {
    serde_json::to_string(value).map_err(|error| fact.poison(error.to_string()))
}
