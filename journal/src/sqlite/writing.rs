//! Writes one batch on the one writing connection, in as few messages to the connection's thread as there can be.
//!
//! Each message costs two changes of thread, several times what SQLite itself needs for a lone event. So a batch of the
//! usual size is one message: begin, compare and move the head, insert, commit. SQLite runs the statements of a message
//! in order and stops at the first that fails.

use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt as _;
use muniment_aggregates::record::RecordedEvent;
use sqlx::error::ErrorKind;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool};
use sqlx::{Executor as _, Sqlite};

use super::placeholders;
use crate::engine::{Batch, Change, WriteError};
use crate::rows::{SQLITE_COLUMNS, stored};

/// Rows of one INSERT where a batch has more than [`OPENING_ROWS_MAX`]. 11 columns times 256 stay below SQLite's 32,766.
const INSERT_ROWS: [usize; 2] = [256, 64];
/// Rows that go along with the message that begins; the sizes are few enough to stay prepared.
const OPENING_ROWS_MAX: usize = 63;

/// A head that is not the expected one makes the new position NULL, which the table refuses: the message ends there.
const MOVE_HEAD: &str = "UPDATE journal_head SET position = CASE WHEN position = ? AND hash = ? AND epoch = ? THEN ? END, \
    hash = ?, recorded_at = ? WHERE singleton = 1";
/// Where [`MOVE_HEAD`] stands among the statements of a message.
const MOVE_HEAD_PLACE: usize = 1;

static INSERTS: LazyLock<[String; 2]> = LazyLock::new(|| INSERT_ROWS.map(insert_sql));
static OPENINGS: LazyLock<Vec<String>> = LazyLock::new(|| (0..=OPENING_ROWS_MAX).map(opening_sql).collect());
static WHOLES: LazyLock<Vec<String>> =
    LazyLock::new(|| OPENINGS.iter().map(|opening| format!("{opening}; COMMIT")).collect());

fn insert_sql(rows: usize) -> String {
    format!("INSERT INTO events ({SQLITE_COLUMNS}) VALUES {}", placeholders(rows, 11))
}

fn opening_sql(rows: usize) -> String {
    let begin = format!("BEGIN IMMEDIATE; {MOVE_HEAD}");
    if rows == 0 { begin } else { format!("{begin}; {}", insert_sql(rows)) }
}

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments<'q>>;

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
pub(super) async fn write(pool: &SqlitePool, batch: &Batch) -> Result<(), WriteError> {
    let connection = pool.acquire().await.map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut writing = Writing(None);
    let connection = writing.0.insert(connection);
    let written = send(connection, batch).await;
    // A connection that cannot roll back is in a state nobody knows; if nothing was begun, closing it costs little.
    if written.is_ok() || connection.execute("ROLLBACK").await.is_ok() {
        drop(writing.0.take());
    }
    written
}

async fn send(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), WriteError> {
    let opening_rows = opening_rows(batch.events.len());
    let is_whole = batch.changes.is_empty() && opening_rows == batch.events.len();
    let (opening, mut rest) = batch.events.split_at(opening_rows);
    let texts = if is_whole { &*WHOLES } else { &*OPENINGS };
    // Never without a text, since there is one for every size below the smallest INSERT; were it so, nothing is written.
    let no_text = || WriteError::Failed(format!("no statement inserts {opening_rows} rows"));
    let sql = texts.get(opening_rows).ok_or_else(no_text)?;
    let query = bind_events(bind_head(sqlx::query(sql), batch), opening);
    let mut done = 0;
    let mut outcomes = connection.execute_many(query);
    loop {
        match outcomes.try_next().await {
            Ok(Some(_)) => done += 1,
            Ok(None) => break,
            Err(error) => return Err(meaning(&error, done, opening_rows > 0)),
        }
    }
    drop(outcomes);
    if is_whole {
        return Ok(());
    }
    let refused = |error: sqlx::Error| refusal(&error);
    for (rows, sql) in INSERT_ROWS.iter().zip(INSERTS.iter()) {
        while let Some((chunk, tail)) = rest.split_at_checked(*rows) {
            bind_events(sqlx::query(sql), chunk).execute(&mut *connection).await.map_err(refused)?;
            rest = tail;
        }
    }
    for change in &batch.changes {
        apply(connection, change).await.map_err(refused)?;
    }
    connection.execute("COMMIT").await.map(drop).map_err(|error| WriteError::Unknown(error.to_string()))
}

/// What is left when the larger statements have taken theirs.
fn opening_rows(events: usize) -> usize {
    INSERT_ROWS.iter().fold(events, |left, rows| left % rows)
}

/// What an error in the first message says; `done` statements of it had succeeded.
fn meaning(error: &sqlx::Error, done: usize, has_rows: bool) -> WriteError {
    let is_null = |error: &sqlx::Error| {
        error.as_database_error().is_some_and(|reported| matches!(reported.kind(), ErrorKind::NotNullViolation))
    };
    let before_commit = MOVE_HEAD_PLACE + 1 + usize::from(has_rows);
    match done {
        MOVE_HEAD_PLACE if is_null(error) => WriteError::HeadMoved,
        _ if done < before_commit => refusal(error),
        _ => WriteError::Unknown(error.to_string()),
    }
}

fn refusal(error: &sqlx::Error) -> WriteError {
    let sqlx::Error::Database(reported) = error else { return WriteError::Failed(error.to_string()) };
    if reported.is_unique_violation() {
        return WriteError::Unique(reported.message().to_owned());
    }
    // Primary codes: 18 too big, 19 constraint, 20 mismatch. Everything else is no fault of the batch.
    let primary = reported.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    if matches!(primary, Some(18..=20)) {
        return WriteError::Refused(reported.message().to_owned());
    }
    WriteError::Failed(reported.message().to_owned())
}

fn bind_head<'q>(query: SqliteQuery<'q>, batch: &'q Batch) -> SqliteQuery<'q> {
    let after = batch.after();
    query
        .bind(stored(batch.before.position.0))
        .bind(batch.before.hash.as_slice())
        .bind(stored(batch.before.identity.epoch))
        .bind(stored(after.position.0))
        .bind(after.hash.to_vec())
        .bind(after.recorded_at.timestamp_micros())
}

fn bind_events<'q>(query: SqliteQuery<'q>, events: &'q [Arc<RecordedEvent>]) -> SqliteQuery<'q> {
    events.iter().fold(query, |query, event| {
        query
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
            .bind(event.dedupe.as_ref().map(|key| key.0.as_slice()))
    })
}

async fn apply(connection: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    match change {
        Change::Take { claim, owner, subject, position } => {
            sqlx::query(
                "INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(claim.scope)
            .bind(claim.digest.as_slice())
            .bind(&*owner.kind)
            .bind(&*owner.id)
            .bind(subject.as_ref().map(|subject| subject.0.as_str()))
            .bind(stored(position.0))
            .execute(connection)
            .await?;
        }
        Change::Release { claim, owner } => {
            sqlx::query("DELETE FROM claims WHERE scope = ? AND digest = ? AND owner_kind = ? AND owner_id = ?")
                .bind(claim.scope)
                .bind(claim.digest.as_slice())
                .bind(&*owner.kind)
                .bind(&*owner.id)
                .execute(connection)
                .await?;
        }
        Change::Erase { subject } => {
            for sql in ["DELETE FROM subject_keys WHERE subject = ?", "DELETE FROM claims WHERE subject = ?"] {
                sqlx::query(sql).bind(&subject.0).execute(&mut *connection).await?;
            }
        }
        Change::Mail { mail, position, recorded_at } => {
            sqlx::query(
                "INSERT INTO outbox (id, position, subject, body, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(&mail.id)
            .bind(stored(position.0))
            .bind(&mail.subject.0)
            .bind(mail.body.as_str())
            .bind(recorded_at.timestamp_micros())
            .bind(mail.expires_at.timestamp_micros())
            .execute(connection)
            .await?;
        }
    }
    Ok(())
}
