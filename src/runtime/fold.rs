//! From stored events to state: the nearest snapshot and what came after it.

use std::sync::Arc;

use muniment_aggregates::catalog::{self, DecodeError};
use muniment_aggregates::decider::{Decider, DomainEvent};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_journal::{Append, Journal, JournalError, NewEvent, Snapshot};

use super::errors::BusError;
use super::limits::PAGE_EVENTS;
use crate::telemetry::panics;

/// Most payloads are shorter.
const PAYLOAD_BYTES_USUAL: usize = 512;

/// A state and the sequence of the last event folded into it.
#[derive(Debug, Clone)]
pub struct Folded<D> {
    /// The state. Shared: whoever changes it has a copy of his own, where somebody else still holds it.
    pub state: Arc<D>,
    /// Sequence of the last event in it; 0 for a stream without events.
    pub version: u64,
    /// Sequence of the snapshot it started from; 0 without one.
    pub snapshot_version: u64,
}

impl<D: Decider> Folded<D> {
    /// Before the first event.
    #[must_use]
    pub fn nothing() -> Self {
        Self { state: Arc::new(D::default()), version: 0, snapshot_version: 0 }
    }
}

/// Why a stream could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An event panicked when it was decoded or taken into the state, against the contract of every aggregate.
    #[error("the state of {stream} panicked at {place}")]
    Panicked {
        /// Whose state.
        stream: StreamId,
        /// File and line.
        place: String,
    },
    /// A recorded event does not decode: it was written by a newer program, or it was tampered with.
    #[error("the event at position {position} ({event_type}) cannot be read: {why}")]
    Undecodable {
        /// Its place in the journal.
        position: u64,
        /// Its type.
        event_type: String,
        /// What the decoder says.
        why: String,
    },
    /// An event between others of its stream is missing: the record is damaged, and what is left proves nothing.
    #[error("the record lacks event {sequence} of {stream}")]
    Missing {
        /// Whose event.
        stream: StreamId,
        /// Its place in the stream.
        sequence: u64,
    },
}

/// Refuses an event of a stream that does not follow the one before it, whose sequence is `before`; 0 before the first.
///
/// # Errors
/// [`FoldError::Missing`].
pub fn expect_next(event: &RecordedEvent, before: u64) -> Result<(), FoldError> {
    let due = before + 1;
    if event.sequence == due {
        return Ok(());
    }
    Err(FoldError::Missing { stream: event.stream.clone(), sequence: due })
}

/// Decodes one recorded event, through the upcasters.
///
/// # Errors
/// When the payload is of no known shape.
pub fn decode<D: Decider>(event: &RecordedEvent) -> Result<D::Event, FoldError> {
    catalog::decode_recorded::<D::Event>(event).map_err(|error| undecodable(event, &error))
}

/// What the decoder says of an event, with its place.
pub(super) fn undecodable(event: &RecordedEvent, error: &DecodeError) -> FoldError {
    FoldError::Undecodable {
        position: event.position.0,
        event_type: event.event_type.to_string(),
        why: error.to_string(),
    }
}

/// Loads a stream's state: snapshot where one fits, then every later event.
///
/// # Errors
/// When the journal cannot be read, or an event is missing or cannot be decoded.
pub async fn load<D: Decider>(journal: &Journal, stream: &StreamId) -> Result<Folded<D>, FoldError> {
    let mut folded = Folded::nothing();
    if let Some(snapshot) = journal.load_snapshot(stream, D::SNAPSHOT_SCHEMA).await? {
        match serde_json::from_str::<D>(&snapshot.state) {
            Ok(state) => {
                folded =
                    Folded { state: Arc::new(state), version: snapshot.sequence, snapshot_version: snapshot.sequence };
            }
            Err(error) => {
                tracing::warn!(stream.id = %stream, error = %error, "a snapshot was ignored because it does not decode");
            }
        }
    }
    catch_up(journal, stream, folded).await
}

/// Folds every later event of its stream into a state.
///
/// # Errors
/// When the journal cannot be read, or an event is missing or cannot be decoded.
pub async fn catch_up<D: Decider>(
    journal: &Journal,
    stream: &StreamId,
    folded: Folded<D>,
) -> Result<Folded<D>, FoldError> {
    fold_while(journal, stream, folded, |_| true, |_| ()).await
}

/// Folds later events of its stream into a state up to the first that is not wanted. `reached` hears, once a page, where in the
/// record it came to.
///
/// # Errors
/// As [`catch_up`], also where what is missing stands right before the first event that is not wanted.
pub async fn fold_while<D: Decider>(
    journal: &Journal,
    stream: &StreamId,
    mut folded: Folded<D>,
    is_wanted: impl Fn(&RecordedEvent) -> bool,
    reached: impl Fn(Position),
) -> Result<Folded<D>, FoldError> {
    loop {
        let page = journal.read_stream(stream, folded.version, PAGE_EVENTS).await?;
        for event in &page {
            expect_next(event, folded.version)?;
            if !is_wanted(event) {
                return Ok(folded);
            }
            let folding = || decode::<D>(event).map(|decoded| Arc::make_mut(&mut folded.state).evolve(&decoded));
            panics::catch(folding).map_err(|place| FoldError::Panicked { stream: stream.clone(), place })??;
            folded.version = event.sequence;
        }
        if let Some(last) = page.last() {
            reached(last.position);
        }
        if page.len() < PAGE_EVENTS {
            return Ok(folded);
        }
    }
}

/// The snapshot of a state as it is now.
///
/// # Errors
/// When the state does not serialise, which is a defect of its type.
pub fn snapshot_of<D: Decider>(state: &D, version: u64) -> Result<Snapshot, serde_json::Error> {
    Ok(Snapshot {
        sequence: version,
        schema: D::SNAPSHOT_SCHEMA,
        state: serde_json::to_string(state)?.into_boxed_str(),
    })
}

/// Adds the events of one stream to an append.
///
/// # Errors
/// When an event does not serialise or panics over it, which is a defect of its type; the append is not to be used then.
pub fn propose<E: DomainEvent, R>(append: &mut Append, stream: &StreamId, events: &[E]) -> Result<(), BusError<R>> {
    match panics::catch(|| try_propose(append, stream, events)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(BusError::Fault(format!("an event of {stream} does not serialise: {error}"))),
        Err(place) => Err(BusError::Panicked { stream: stream.clone(), place }),
    }
}

fn try_propose<E: DomainEvent>(append: &mut Append, stream: &StreamId, events: &[E]) -> Result<(), serde_json::Error> {
    // Text that grows in a fresh string is moved several times; here it is moved once, into memory of its size.
    let mut text = Vec::with_capacity(PAYLOAD_BYTES_USUAL);
    for event in events {
        text.clear();
        serde_json::to_writer(&mut text, event)?;
        let payload = std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?;
        append.events.push(NewEvent {
            stream: stream.clone(),
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: Box::from(payload),
            dedupe: event.dedupe(stream),
        });
        append.claims.extend(event.claims(stream).into_iter().map(|change| (stream.clone(), change)));
    }
    Ok(())
}
