//! Rows of `events` as recorded events, on both engines; columns are read by place, texts that repeat are shared.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_sql::SqlError;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

/// SQLite's columns in the order that [`Reader::event`] reads.
pub(crate) const SQLITE_COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload, metadata, recorded_at, hash, dedupe_key";
/// PostgreSQL's columns in the order that [`Reader::event`] reads; JSON is read as the text that was stored.
pub(crate) const POSTGRES_COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload::text, metadata::text, recorded_at, hash, dedupe_key";

/// Reads the rows of one answer.
#[derive(Default)]
pub(crate) struct Reader {
    /// The texts of the row before: neighbours mostly have the same type, version and metadata.
    kind: Option<Arc<str>>,
    event_type: Option<Arc<str>>,
    event_version: Option<Arc<str>>,
    metadata: Option<Arc<str>>,
}

fn shared(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(same) if **same == *text => Arc::clone(same),
        _ => Arc::clone(last.insert(Arc::from(text))),
    }
}

fn wrong(column: &str, what: impl Into<String>) -> SqlError {
    SqlError::Column { column: column.to_owned(), what: what.into() }
}

pub(crate) fn count(column: &str, value: i64) -> Result<u64, SqlError> {
    u64::try_from(value).map_err(|_| wrong(column, format!("is negative: {value}")))
}

pub(crate) fn instant(column: &str, micros: i64) -> Result<DateTime<Utc>, SqlError> {
    Utc.timestamp_micros(micros).single().ok_or_else(|| wrong(column, format!("is no instant: {micros}")))
}

pub(crate) fn bytes(column: &str, value: &[u8]) -> Result<[u8; 32], SqlError> {
    value.try_into().map_err(|_| wrong(column, format!("has {} bytes, not 32", value.len())))
}

impl Reader {
    /// One row with the columns above.
    pub(crate) fn event<'r, R>(&mut self, row: &'r R) -> Result<RecordedEvent, SqlError>
    where
        R: Row,
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
        &'r str: Decode<'r, R::Database> + Type<R::Database>,
        &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
        R::Database: Database,
    {
        let kind = shared(&mut self.kind, row.try_get::<&str, _>(1)?);
        let dedupe = row.try_get::<Option<&[u8]>, _>(10)?;
        Ok(RecordedEvent {
            position: Position(count("position", row.try_get(0)?)?),
            stream: StreamId { kind, id: Arc::from(row.try_get::<&str, _>(2)?) },
            sequence: count("sequence", row.try_get(3)?)?,
            event_type: shared(&mut self.event_type, row.try_get::<&str, _>(4)?),
            event_version: shared(&mut self.event_version, row.try_get::<&str, _>(5)?),
            payload: Box::from(row.try_get::<&str, _>(6)?),
            metadata: shared(&mut self.metadata, row.try_get::<&str, _>(7)?),
            recorded_at: instant("recorded_at", row.try_get(8)?)?,
            hash: bytes("hash", row.try_get::<&[u8], _>(9)?)?,
            dedupe: dedupe.map(|key| bytes("dedupe_key", key).map(DedupeKey)).transpose()?,
        })
    }
}

/// A count as the databases store it.
pub(crate) fn stored(value: u64) -> i64 {
    // Beyond 2^63 no record gets; saturated it fails the head's comparison instead of wrapping.
    i64::try_from(value).unwrap_or(i64::MAX)
}
