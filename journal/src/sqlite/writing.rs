//! Writes one batch on the one writing connection, in as few messages to the connection's thread as there can be.
//!
//! A batch of the usual size is one message: begin, compare and move the head,
//! look for dedupe keys, number new streams, insert, commit.

use std::sync::Arc;

use muniment_aggregates::record::{DedupeKey, RecordedEvent, StreamId};
use muniment_sql::sqlite_query;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Executor as _, Sqlite};

use super::dedupe::{DedupeKeys, drain, drain_apart, refuse_recorded};
use super::message::{Message, Step, of_commit, refusal};
use super::recent_keys::Drain;
use super::texts::{filled, insert_events, name_streams};
use crate::changes::statements;
use crate::engine::{Batch, Change, WriteError};
use crate::rows::stored;

/// Rows of one INSERT where a batch has more than goes along with the message that begins, whose sizes are few enough to
/// stay prepared. 11 columns times 256 stay below SQLite's 32,766.
const INSERT_ROWS: [usize; 2] = [256, 64];

/// A head that is not the expected one makes the new position NULL, which the table refuses: the message ends there.
const MOVE_HEAD: &str = "UPDATE journal_head SET position = CASE WHEN position = ? AND hash = ? AND epoch = ? THEN ? END, \
    hash = ?, recorded_at = ? WHERE singleton = 1";

/// The writing connection while a batch is on it. A caller who is dropped midway may leave a transaction open, so the
/// connection is closed then instead of given back.
struct Writing(Option<PoolConnection<Sqlite>>);

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// Compares the head, writes events and changes, moves the head; all in one durable transaction or nothing.
pub(super) async fn write(pool: &SqlitePool, keys: &DedupeKeys, batch: &Batch) -> Result<(), WriteError> {
    let connection = pool.acquire().await.map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut writing = Writing(None);
    let connection = writing.0.insert(connection);
    let drain = match keys.prepare(connection, &batch.before).await.and_then(|()| keys.admit(batch)) {
        Ok(drain) => drain,
        Err(refused) => {
            // Nothing is begun, unless the database failed.
            if !matches!(refused, WriteError::Failed(_)) {
                drop(writing.0.take());
            }
            return Err(refused);
        }
    };
    let written = send(connection, batch, &drain).await;
    if written.is_ok() {
        keys.committed(batch, &drain);
    }
    // A connection that cannot roll back is in a state nobody knows; if nothing was begun, closing it costs little.
    if written.is_ok() || connection.execute("ROLLBACK").await.is_ok() {
        drop(writing.0.take());
    }
    written
}

async fn send(connection: &mut SqliteConnection, batch: &Batch, drained: &Drain) -> Result<(), WriteError> {
    let opening_rows = INSERT_ROWS.iter().fold(batch.events.len(), |left, rows| left % rows);
    let is_whole = batch.changes.is_empty() && opening_rows == batch.events.len();
    let (opening, mut rest) = batch.events.split_at(opening_rows);
    let mut message = Message::default();
    message.step(Step::Begin, "BEGIN IMMEDIATE");
    move_head(&mut message, batch);
    write_events(&mut message, opening);
    if is_whole {
        drain(&mut message, drained);
        message.step(Step::Commit, "COMMIT");
        return message.send(connection).await;
    }
    message.send(connection).await?;
    for rows in INSERT_ROWS {
        while let Some((chunk, tail)) = rest.split_at_checked(rows) {
            let mut message = Message::default();
            write_events(&mut message, chunk);
            message.send(connection).await?;
            rest = tail;
        }
    }
    for message in drain_apart(drained) {
        message.send(connection).await?;
    }
    for change in &batch.changes {
        apply(connection, change).await.map_err(|error| refusal(&error))?;
    }
    connection.execute("COMMIT").await.map(drop).map_err(|error| of_commit(&error))
}

fn move_head<'q>(message: &mut Message<'q>, batch: &'q Batch) {
    let after = batch.after();
    message.step(Step::MoveHead, MOVE_HEAD);
    message
        .bind(stored(batch.before.position.0))
        .bind(batch.before.hash.as_slice())
        .bind(stored(batch.before.identity.epoch))
        .bind(stored(after.position.0))
        .bind(after.hash.to_vec())
        .bind(after.recorded_at.timestamp_micros());
}

fn write_events<'q>(message: &mut Message<'q>, events: &'q [Arc<RecordedEvent>]) {
    if events.is_empty() {
        return;
    }
    let keys: Vec<&DedupeKey> = events.iter().filter_map(|event| event.dedupe.as_ref()).collect();
    refuse_recorded(message, &keys);
    let new: Vec<&StreamId> = events.iter().filter(|event| event.sequence == 1).map(|event| &event.stream).collect();
    for streams in filled(&new) {
        message.step(Step::Write, &name_streams(streams.len()));
        for stream in streams {
            message.bind(&*stream.kind).bind(&*stream.id);
        }
    }
    message.step(Step::Write, &insert_events(events.len()));
    for event in events {
        message
            .bind(stored(event.position.0))
            .bind(&*event.stream.kind)
            .bind(&*event.stream.id)
            .bind(stored(event.sequence))
            .bind(&*event.event_type)
            .bind(&*event.event_version)
            .bind(&*event.payload)
            .bind(&*event.metadata)
            .bind(event.recorded_at.timestamp_micros())
            .bind(event.hash.as_slice())
            .bind(event.dedupe.as_ref().map(|key| key.0.as_slice()));
    }
}

async fn apply(connection: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    let (statements, args) = statements(change);
    for sql in statements {
        sqlite_query(sql, &args).execute(&mut *connection).await?;
    }
    Ok(())
}
