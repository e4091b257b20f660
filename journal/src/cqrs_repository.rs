//! The journal as cqrs-es sees it: a stock `CqrsFramework` in event-store mode runs on it.
//!
//! Single streams are read through postgres-es and sqlite-es, whose table layout ours is. Appends go through the
//! group commit. Streams of many events are read by our own pages: the crates' readers end short on a database error
//! and know no order between aggregates (ours is the order of recording).
//!
//! Snapshots are refused: the snapshot and aggregate modes of cqrs-es 0.5 apply every event twice. Events recorded
//! this way take no claims and no dedupe keys, which the crates do not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::{Arc, LazyLock};

use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayFeed, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_sql::Database;
use parking_lot::Mutex;
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sqlite_es::SqliteEventRepository;

use crate::append::{Append, AppendError, NewEvent};
use crate::{Journal, JournalError};

/// Events read at a time by the streams, and held by the channel between.
const STREAM_PAGE_EVENTS: usize = 500;

/// Event types as the journal wants them: for as long as the program runs. A program has a fixed number of them.
static EVENT_TYPES: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

fn for_ever(text: &str) -> &'static str {
    let mut known = EVENT_TYPES.lock();
    if let Some(text) = known.get(text) {
        return text;
    }
    let kept: &'static str = Box::leak(Box::from(text));
    known.insert(kept);
    kept
}

enum SingleStream {
    Sqlite(SqliteEventRepository),
    Postgres(PostgresEventRepository),
}

/// The repository. Give it to `PersistedEventStore::new_event_store`.
pub struct JournalRepository {
    journal: Journal,
    single: SingleStream,
}

/// This journal does not stand on a database.
#[derive(Debug, thiserror::Error)]
#[error("this journal stands on no database that cqrs-es could read")]
pub struct NoDatabase;

impl JournalRepository {
    /// A repository on `journal`.
    ///
    /// # Errors
    /// When the journal's engine is no database, as in a simulation.
    pub fn new(journal: Journal) -> Result<Self, NoDatabase> {
        let stores = journal.engine().stores().ok_or(NoDatabase)?;
        let single = match stores.read {
            Database::Sqlite(pool, _) => {
                SingleStream::Sqlite(SqliteEventRepository::new(pool).with_tables("stream_events", "snapshots"))
            }
            Database::Postgres(pool) => {
                SingleStream::Postgres(PostgresEventRepository::new(pool).with_tables("stream_events", "snapshots"))
            }
        };
        Ok(Self { journal, single })
    }
}

/// cqrs-es reads metadata as a map of texts; ours has structure, which it gets as JSON text.
fn flatten(metadata: Value) -> Value {
    match metadata {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(_) => (name, value),
                other => (name, Value::String(other.to_string())),
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        _ => Value::Object(serde_json::Map::new()),
    }
}

fn flattened(mut events: Vec<SerializedEvent>) -> Vec<SerializedEvent> {
    for event in &mut events {
        event.metadata = flatten(event.metadata.take());
    }
    events
}

fn serialized(event: &RecordedEvent) -> Result<SerializedEvent, PersistenceError> {
    Ok(SerializedEvent::new(
        event.stream.id.to_string(),
        usize::try_from(event.sequence).map_err(unknown)?,
        event.stream.kind.to_string(),
        event.event_type.to_string(),
        event.event_version.to_string(),
        serde_json::from_str(&event.payload)?,
        flatten(serde_json::from_str(&event.metadata)?),
    ))
}

fn unknown(error: impl Display) -> PersistenceError {
    PersistenceError::UnknownError(error.to_string().into())
}

fn unreadable(error: JournalError) -> PersistenceError {
    PersistenceError::ConnectionError(error.into())
}

fn refused(error: AppendError) -> PersistenceError {
    match error {
        AppendError::Conflict { .. } | AppendError::Fallen | AppendError::Fenced => {
            PersistenceError::OptimisticLockError
        }
        AppendError::Overloaded | AppendError::Unavailable(_) | AppendError::Uncertain(_) | AppendError::Closed => {
            PersistenceError::ConnectionError(error.into())
        }
        AppendError::ClaimTaken { .. }
        | AppendError::Duplicate { .. }
        | AppendError::TooLarge(_)
        | AppendError::Invalid(_) => PersistenceError::UnknownError(error.into()),
    }
}

/// One append of all events, which may be of several instances; each at the version before its first event.
fn append_of<A: Aggregate>(events: &[SerializedEvent]) -> Result<Append, PersistenceError> {
    let mut expect = BTreeMap::new();
    let mut new_events = Vec::with_capacity(events.len());
    for event in events {
        let stream = StreamId::new(A::TYPE, &event.aggregate_id);
        let sequence = u64::try_from(event.sequence).map_err(unknown)?;
        let before = sequence.checked_sub(1).ok_or_else(|| unknown("sequences begin at 1"))?;
        expect.entry(stream.clone()).or_insert(before);
        new_events.push(NewEvent {
            stream,
            event_type: for_ever(&event.event_type),
            event_version: for_ever(&event.event_version),
            payload: event.payload.to_string().into_boxed_str(),
            dedupe: None,
        });
    }
    let metadata = events.first().map_or_else(|| "{}".to_owned(), |event| event.metadata.to_string());
    Ok(Append {
        events: new_events,
        expect: expect.into_iter().collect(),
        metadata: Arc::from(metadata),
        ..Append::default()
    })
}

impl PersistedEventRepository for JournalRepository {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = match &self.single {
            SingleStream::Sqlite(repository) => repository.get_events::<A>(aggregate_id).await,
            SingleStream::Postgres(repository) => repository.get_events::<A>(aggregate_id).await,
        };
        events.map(flattened)
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = match &self.single {
            SingleStream::Sqlite(repository) => repository.get_last_events::<A>(aggregate_id, last_sequence).await,
            SingleStream::Postgres(repository) => repository.get_last_events::<A>(aggregate_id, last_sequence).await,
        };
        events.map(flattened)
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot_update.is_some() {
            return Err(unknown(
                "snapshots of cqrs-es 0.5 hold wrong states; use PersistedEventStore::new_event_store",
            ));
        }
        if events.is_empty() {
            return Ok(());
        }
        self.journal.append(append_of::<A>(events)?).await.map(drop).map_err(refused)
    }

    async fn stream_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<ReplayStream, PersistenceError> {
        let (feed, stream) = ReplayStream::new(STREAM_PAGE_EVENTS);
        let source = StreamId::new(A::TYPE, aggregate_id);
        tokio::spawn(feed_stream(self.journal.clone(), source, feed));
        Ok(stream)
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let (feed, stream) = ReplayStream::new(STREAM_PAGE_EVENTS);
        tokio::spawn(feed_all(self.journal.clone(), A::TYPE, feed));
        Ok(stream)
    }
}

/// Ends after the last event, after an error was delivered, or when nobody reads any more.
async fn feed_stream(journal: Journal, source: StreamId, mut feed: ReplayFeed) {
    let mut after = 0;
    loop {
        let page = match journal.read_stream(&source, after, STREAM_PAGE_EVENTS).await {
            Ok(page) => page,
            Err(error) => return drop(feed.push(Err(unreadable(error))).await),
        };
        for event in &page {
            after = event.sequence;
            if feed.push(serialized(event)).await.is_err() {
                return;
            }
        }
        if page.len() < STREAM_PAGE_EVENTS {
            return;
        }
    }
}

/// As [`feed_stream`], over all streams of a type in the order of recording, up to the head of now.
async fn feed_all(journal: Journal, kind: &'static str, mut feed: ReplayFeed) {
    let end = journal.head();
    let mut after = Position::START;
    while after < end {
        let page = match journal.read(after, STREAM_PAGE_EVENTS).await {
            Ok(page) => page,
            Err(error) => return drop(feed.push(Err(unreadable(error))).await),
        };
        let Some(last) = page.last() else { return };
        after = last.position;
        for event in page.iter().filter(|event| &*event.stream.kind == kind) {
            if feed.push(serialized(event)).await.is_err() {
                return;
            }
        }
    }
}
