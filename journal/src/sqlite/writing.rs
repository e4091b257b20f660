//! Writes batches: a thread with a connection of its own takes one after the other, each a transaction.
//!
//! Through sqlx every value of a batch would be copied for the thread of its connection, and every batch size would be
//! another statement to prepare. Here a batch crosses to the thread as it is, and each statement is prepared once and run for
//! row after row (docs/decisions/0015).

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use lru::LruCache;
use muniment_aggregates::record::StreamId;
use muniment_sql::Arg;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{
    CachedStatement, Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, ffi, params,
    params_from_iter,
};
use tokio::sync::oneshot;

use super::dedupe::DedupeKeys;
use super::{BUSY_SECONDS, WRITER_SETTINGS};
use crate::changes::statements;
use crate::engine::{Batch, Change, WriteError};
use crate::rows::{SQLITE_COLUMNS, stored};

/// More than there are texts here.
const STATEMENTS_PREPARED_MAX: usize = 32;

/// About as many streams as the journal's writer remembers versions of; some 100 bytes each.
const STREAMS_REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("65,536 is not zero");

/// A batch that the thread panicked at so often is refused: the first panic may be chance, and one that comes every time
/// would keep the writer at this batch for ever.
const PANICS_MAX: u32 = 2;

const MOVE_HEAD: &str = "UPDATE journal_head SET position = ?, hash = ?, recorded_at = ? \
    WHERE singleton = 1 AND position = ? AND hash = ? AND epoch = ?";
static INSERT_EVENT: LazyLock<String> = LazyLock::new(|| {
    format!("INSERT INTO events ({SQLITE_COLUMNS}, stream) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
});
const NAME_STREAM: &str = "INSERT INTO streams (aggregate_type, aggregate_id) VALUES (?, ?)";
const FIND_STREAM: &str = "SELECT number FROM streams WHERE aggregate_type = ? AND aggregate_id = ?";

/// What the thread is asked for.
enum Request {
    Write { batch: Batch, answer: oneshot::Sender<Result<(), WriteError>> },
    Close { closed: oneshot::Sender<()> },
}

/// The thread that writes, as others see it. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct BatchWriter(mpsc::Sender<Request>);

impl BatchWriter {
    /// Starts the thread for the file of a record. It opens the file with the first batch.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn start(file: &Path, keys: Arc<DedupeKeys>) -> std::io::Result<Self> {
        let (requests, asked) = mpsc::channel();
        let streams = LruCache::new(STREAMS_REMEMBERED_MAX);
        let writing = Writing { file: file.to_owned(), connection: None, keys, streams, panicked: None };
        thread::Builder::new().name("journal-writer".to_owned()).spawn(move || writing.run(&asked))?;
        Ok(Self(requests))
    }

    /// Compares the head, writes events and changes, moves the head; all in one durable transaction or nothing. Who is
    /// dropped midway leaves a batch that is still written.
    pub(super) async fn write(&self, batch: Batch) -> Result<(), WriteError> {
        let (answer, outcome) = oneshot::channel();
        let gone = |_| WriteError::Failed("the thread that writes has ended; restart the program".to_owned());
        self.0.send(Request::Write { batch, answer }).map_err(gone)?;
        // It ended with the batch in its hands.
        outcome.await.unwrap_or_else(|_| Err(WriteError::Unknown("the thread that writes has ended".to_owned())))
    }

    /// Closes the connection, after what was asked before.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.0.send(Request::Close { closed }).is_ok() {
            // An error says that the thread has ended, and its connection with it.
            drop(done.await);
        }
    }
}

/// What the thread works with.
struct Writing {
    file: PathBuf,
    /// `None` before the first batch, and after one that could not be rolled back or panicked.
    connection: Option<Connection>,
    keys: Arc<DedupeKeys>,
    /// The numbers of streams, as far as they are in the table.
    streams: LruCache<StreamId, i64>,
    /// The batch of the last panic by the hash of its end, and how often it panicked.
    panicked: Option<([u8; 32], u32)>,
}

impl Writing {
    fn run(mut self, asked: &mpsc::Receiver<Request>) {
        for request in asked {
            match request {
                // Who asked may be gone; what was written stays written.
                Request::Write { batch, answer } => drop(answer.send(self.outlive(&batch))),
                Request::Close { closed } => {
                    self.connection = None;
                    // Who asked may be gone.
                    let _told = closed.send(());
                }
            }
        }
    }

    /// Writes, and goes on after a panic with nothing that it may have left half done.
    fn outlive(&mut self, batch: &Batch) -> Result<(), WriteError> {
        catch_unwind(AssertUnwindSafe(|| self.write(batch))).unwrap_or_else(|_what_it_says| {
            tracing::error!(
                position = %batch.before.position.next(),
                "the thread that writes panicked over a batch; it goes on with a new connection"
            );
            // Closed as the panic passed, and what was not committed rolled back by that.
            self.connection = None;
            self.streams.clear();
            self.keys.forget();
            let hash = batch.after().hash;
            let before = self.panicked.filter(|(panicked, _)| *panicked == hash).map_or(0, |(_, times)| times);
            self.panicked = Some((hash, before + 1));
            Err(WriteError::Unknown("the thread that writes panicked".to_owned()))
        })
    }

    fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(&self.file).map_err(|error| WriteError::Failed(error.to_string()))?,
        };
        let written = self.transact(&mut connection, batch);
        if written.is_err() {
            // Numbers that were given in the transaction are not in the table.
            self.streams.clear();
        }
        // One that cannot roll back is in a state nobody knows; closing it costs little.
        if connection.is_autocommit() {
            self.connection = Some(connection);
        }
        written
    }

    fn transact(&mut self, connection: &mut Connection, batch: &Batch) -> Result<(), WriteError> {
        self.keys.prepare(connection, &batch.before)?;
        // The head is where it was before the batch, so nothing of it was written.
        if self.panicked.is_some_and(|(hash, times)| hash == batch.after().hash && times >= PANICS_MAX) {
            return Err(WriteError::Refused(format!("the thread that writes panicked over it {PANICS_MAX} times")));
        }
        let drain = self.keys.admit(batch)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        if !move_head(&transaction, batch).map_err(refusal)? {
            return Err(WriteError::HeadMoved);
        }
        DedupeKeys::refuse_recorded(&transaction, batch)?;
        self.write_events(&transaction, batch).map_err(refusal)?;
        drain.write(&transaction).map_err(refusal)?;
        for change in &batch.changes {
            apply(&transaction, change).map_err(refusal)?;
        }
        #[cfg(test)]
        super::panic_tests::reach("events", batch);
        transaction.commit().map_err(of_commit)?;
        #[cfg(test)]
        super::panic_tests::reach("commit", batch);
        self.keys.committed(batch, &drain);
        Ok(())
    }

    fn write_events(&mut self, transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(&INSERT_EVENT)?;
        let mut find = transaction.prepare_cached(FIND_STREAM)?;
        let mut name = transaction.prepare_cached(NAME_STREAM)?;
        for event in &batch.events {
            let number = match self.streams.get(&event.stream) {
                Some(number) => *number,
                None => {
                    let number = number_of(transaction, &event.stream, &mut find, &mut name)?;
                    self.streams.put(event.stream.clone(), number);
                    number
                }
            };
            insert.execute(params![
                stored(event.position.0),
                &*event.stream.kind,
                &*event.stream.id,
                stored(event.sequence),
                &*event.event_type,
                &*event.event_version,
                &*event.payload,
                &*event.metadata,
                event.recorded_at.timestamp_micros(),
                event.hash.as_slice(),
                event.dedupe.as_ref().map(|key| key.0.as_slice()),
                number,
            ])?;
        }
        Ok(())
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS))?;
    for (setting, value) in WRITER_SETTINGS {
        connection.execute_batch(&format!("PRAGMA {setting} = {value}"))?;
    }
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_PREPARED_MAX);
    Ok(connection)
}

/// False where the head is not the one that the batch builds on.
fn move_head(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<bool> {
    let (before, after) = (&batch.before, batch.after());
    let moved = transaction.prepare_cached(MOVE_HEAD)?.execute(params![
        stored(after.position.0),
        after.hash.as_slice(),
        after.recorded_at.timestamp_micros(),
        stored(before.position.0),
        before.hash.as_slice(),
        stored(before.identity.epoch),
    ])?;
    Ok(moved == 1)
}

/// The number of a stream, which is given to one that has none.
fn number_of(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    find: &mut CachedStatement<'_>,
    name: &mut CachedStatement<'_>,
) -> rusqlite::Result<i64> {
    let named = [&*stream.kind, &*stream.id];
    if let Some(number) = find.query_row(named, |row| row.get(0)).optional()? {
        return Ok(number);
    }
    name.execute(named)?;
    Ok(transaction.last_insert_rowid())
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    let (statements, args) = statements(change);
    for sql in statements {
        transaction.prepare_cached(sql)?.execute(params_from_iter(args.iter().map(bound)))?;
    }
    Ok(())
}

fn bound<'a>(arg: &'a Arg<'_>) -> ToSqlOutput<'a> {
    let borrowed = match arg {
        Arg::Int(value) => return ToSqlOutput::Owned(value.map_or(Value::Null, Value::Integer)),
        Arg::Real(value) => return ToSqlOutput::Owned(value.map_or(Value::Null, Value::Real)),
        Arg::Text(value) => value.as_deref().map(|text| ValueRef::Text(text.as_bytes())),
        Arg::Blob(value) => value.as_deref().map(ValueRef::Blob),
    };
    ToSqlOutput::Borrowed(borrowed.unwrap_or(ValueRef::Null))
}

/// What an error before the commit says.
pub(super) fn refusal(error: rusqlite::Error) -> WriteError {
    let message = error.to_string();
    match error.sqlite_error().map(|reported| (reported.extended_code, reported.extended_code & 0xff)) {
        Some((ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY, _)) => WriteError::Unique(message),
        Some((_, ffi::SQLITE_TOOBIG | ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH)) => WriteError::Refused(message),
        // Everything else is no fault of the batch.
        _ => WriteError::Failed(message),
    }
}

/// What an error at the commit says. A log that had no room for the batch lacks the frame that commits, so nothing was
/// written; of any other failure, as of a flush, nobody knows.
fn of_commit(error: rusqlite::Error) -> WriteError {
    let message = error.to_string();
    match error.sqlite_error().map(|reported| reported.extended_code) {
        Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_WRITE) => WriteError::Failed(message),
        _ => WriteError::Unknown(message),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::types::FromSql;

    use super::super::{FILE, SqliteEngine};
    use super::*;

    fn pragma<T: FromSql>(connection: &Connection, name: &str) -> T {
        connection.pragma_query_value(None, name, |row| row.get(0)).expect("SQLite knows it")
    }

    /// A kill of the process does not show it: what was handed to the operating system outlives that.
    #[tokio::test]
    async fn whoever_writes_waits_for_the_disk_and_overwrites_what_is_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = SqliteEngine::open(folder.path(), 16).await.expect("a new record");
        let events = open(&folder.path().join(FILE)).expect("the connection of events");
        assert_eq!(pragma::<String>(&events, "journal_mode"), "wal");
        assert_eq!((pragma::<i64>(&events, "synchronous"), pragma::<i64>(&events, "secure_delete")), (2, 1));
        let others = &engine.write.as_ref().expect("it writes").others;
        for (name, value) in [("synchronous", 2), ("secure_delete", 1)] {
            let query = format!("PRAGMA {name}");
            let found: i64 = sqlx::query_scalar(&query).fetch_one(others).await.expect("SQLite knows it");
            assert_eq!(found, value, "{name}, for keys and mail");
        }
    }
}
