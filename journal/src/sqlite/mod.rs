//! The record in a SQLite file: one writer, any number of readers, one process.
//!
//! Events are written by a thread of their own ([`writing`]); what is kept beside them by a pool of one connection, which the
//! writer of events holds meanwhile, so that the two take turns instead of waking to a locked file.
//!
//! WAL with `synchronous=FULL`, so that a commit is on the disk; `secure_delete`, so that an erased key is
//! overwritten. A lock of the operating system keeps a second process out with a clear message.

mod dedupe;
#[cfg(test)]
mod panic_tests;
mod recent_keys;
pub(crate) mod texts;
mod writing;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_sql::{Database, SqlError, WriteTurns, private};
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};
use uuid::Uuid;

use crate::engine::{Batch, ClaimId, Engine, Head, Identity, Stores, WriteError};
use crate::open::OpenError;
use crate::rows::{self, Reader, SQLITE_COLUMNS, count, instant, stored};
use dedupe::DedupeKeys;
use texts::{filled, placeholders};
use writing::BatchWriter;

const FILE: &str = "journal.db";
const LOCK_FILE: &str = "journal.lock";
const READERS_MAX: u32 = 4;
const BUSY_SECONDS: u64 = 5;
/// Pages of write-ahead log between checkpoints: 64 MB at 4 KiB a page.
const CHECKPOINT_PAGES: &str = "16000";
/// What it is cut back to once it was longer, because somebody read for long while others wrote: as much, in bytes.
const LOG_BYTES_KEPT: &str = "65536000";
/// In KiB, as SQLite wants it: 16 MiB, the pages that the largest batch touches. Of more it would be slower: a commit that
/// splits pages walks over all that are cached (`pcache1TruncateUnsafe`: a fifth of the writing thread at 64 MiB), and
/// what is not here is in the operating system's cache.
const PAGES_CACHED_KIB: &str = "-16384";
/// How a connection that writes is set up, beside WAL and `synchronous=FULL`.
const WRITER_SETTINGS: [(&str, &str); 4] = [
    ("secure_delete", "ON"),
    ("wal_autocheckpoint", CHECKPOINT_PAGES),
    ("journal_size_limit", LOG_BYTES_KEPT),
    ("cache_size", PAGES_CACHED_KIB),
];
const FORGET_ATTEMPTS_MAX: u32 = 20;
const POLL_MILLISECONDS: u64 = 250;

/// The two ways in.
#[derive(Debug)]
struct Write {
    /// One connection, for what is kept beside the events.
    others: SqlitePool,
    events: BatchWriter,
    /// Both wait in this line. Lending the one connection to the other would do as well, but the pool asks a connection that
    /// it takes back whether it lives, which is a second way to a thread and back for every batch.
    turns: WriteTurns,
}

/// The engine.
#[derive(Debug)]
pub struct SqliteEngine {
    read: SqlitePool,
    write: Option<Write>,
    keys: Arc<DedupeKeys>,
    /// Held until the engine is closed.
    lock: Mutex<Option<File>>,
}

impl SqliteEngine {
    /// Opens `journal.db` in a folder for writing; makes both if they are missing. The dedupe keys of so many events wait
    /// in memory before they are indexed.
    ///
    /// # Errors
    /// When another process has it open, or the file cannot be opened.
    pub async fn open(directory: &Path, generation_events: usize) -> Result<Self, OpenError> {
        let io = |source| OpenError::Folder { path: directory.to_owned(), source };
        std::fs::create_dir_all(directory).map_err(io)?;
        let lock = lock(directory)?;
        let path = directory.join(FILE);
        private::make_database(&path).map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        let options = options(directory)?.create_if_missing(true);
        let writer = options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let writer = WRITER_SETTINGS.iter().fold(writer, |options, (name, value)| options.pragma(*name, *value));
        let write = pool(1).connect_with(writer).await.map_err(SqlError::from)?;
        let read = pool(READERS_MAX).connect_with(options.read_only(true)).await.map_err(SqlError::from)?;
        let keys = Arc::new(DedupeKeys::new(u64::try_from(generation_events).unwrap_or(u64::MAX)));
        let events = BatchWriter::start(&path, Arc::clone(&keys)).map_err(io)?;
        Ok(Self {
            read,
            write: Some(Write { others: write, events, turns: WriteTurns::shared() }),
            keys,
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Opens `journal.db` for reading only, also while a server has it open.
    ///
    /// # Errors
    /// When the file is missing or cannot be opened.
    pub async fn open_read_only(directory: &Path) -> Result<Self, OpenError> {
        let file = directory.join(FILE);
        if !file.exists() {
            return Err(OpenError::NoRecord(format!("{} does not exist", file.display())));
        }
        let read = pool(READERS_MAX).connect_with(options(directory)?.read_only(true)).await.map_err(SqlError::from)?;
        Ok(Self { read, write: None, keys: Arc::new(DedupeKeys::new(u64::MAX)), lock: Mutex::new(None) })
    }

    pub(crate) fn databases(&self) -> Stores {
        let read = Database::Sqlite(self.read.clone(), WriteTurns::default());
        let others = |write: &Write| Database::Sqlite(write.others.clone(), write.turns.clone());
        let write = self.write.as_ref().map_or_else(|| read.clone(), others);
        Stores { read, write }
    }

    fn writer(&self) -> Result<&Write, SqlError> {
        self.write.as_ref().ok_or_else(|| SqlError::Unsuitable("the record is open for reading only".to_owned()))
    }
}

fn options(directory: &Path) -> Result<SqliteConnectOptions, OpenError> {
    let mut options = SqliteConnectOptions::from_str("sqlite:").map_err(SqlError::from)?;
    options = options.filename(directory.join(FILE)).busy_timeout(Duration::from_secs(BUSY_SECONDS));
    Ok(options.disable_statement_logging())
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK_FILE);
    let io = |source| OpenError::Folder { path: path.clone(), source };
    let file = private::open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path)),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder { path, source }),
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    async fn head(&self) -> Result<Head, SqlError> {
        let row = sqlx::query("SELECT position, hash, recorded_at, installation, epoch FROM journal_head")
            .fetch_one(&self.read)
            .await?;
        let installation = Uuid::parse_str(row.try_get("installation")?)
            .map_err(|error| SqlError::Column { column: "installation".to_owned(), what: error.to_string() })?;
        Ok(Head {
            position: Position(count("position", row.try_get("position")?)?),
            hash: rows::bytes("hash", row.try_get("hash")?)?,
            identity: Identity { installation, epoch: count("epoch", row.try_get("epoch")?)? },
            recorded_at: instant("recorded_at", row.try_get("recorded_at")?)?,
        })
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let failed = |error: SqlError| WriteError::Failed(error.to_string());
        let write = self.writer().map_err(failed)?;
        let _turn = write.turns.next().await.map_err(failed)?;
        write.events.write(batch.clone()).await
    }

    async fn check_writable(&self) -> Result<(), SqlError> {
        let mut tx = self.databases().write.begin().await?;
        // No page is written that did not change, so it changes and changes back.
        for change in ["+ 1", "- 1"] {
            tx.execute(&format!("UPDATE journal_head SET recorded_at = recorded_at {change}"), &[]).await?;
        }
        tx.commit().await
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            format!(
                "SELECT {SQLITE_COLUMNS} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
            )
        });
        let query = sqlx::query(&SQL).bind(stored(after.0)).bind(stored(through.0));
        let rows = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(&self.read).await?;
        let mut reader = Reader::default();
        rows.iter().map(|row| reader.event(row)).collect()
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SqlError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            format!(
                "SELECT {SQLITE_COLUMNS} FROM events WHERE sequence > ? AND position > 0 AND \
                 stream = (SELECT number FROM streams WHERE aggregate_type = ? AND aggregate_id = ?) \
                 ORDER BY sequence LIMIT ?"
            )
        });
        let query = sqlx::query(&SQL).bind(stored(after_sequence)).bind(&*stream.kind).bind(&*stream.id);
        let rows = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(&self.read).await?;
        let mut reader = Reader::default();
        rows.iter().map(|row| reader.event(row)).collect()
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        let mut versions = HashMap::with_capacity(streams.len());
        for keys in filled(streams) {
            let mut sql = String::new();
            write!(
                sql,
                "WITH asked (kind, id) AS (VALUES {}) SELECT kind, id, (SELECT max(sequence) FROM events WHERE position > 0 AND \
                 stream = (SELECT number FROM streams WHERE aggregate_type = kind AND aggregate_id = id)) AS version \
                 FROM asked",
                placeholders(keys.len(), 2)
            )
            .map_err(|error| SqlError::Unsuitable(error.to_string()))?;
            let query = keys.iter().fold(sqlx::query(&sql), |query, key| query.bind(&*key.kind).bind(&*key.id));
            for row in query.fetch_all(&self.read).await? {
                if let Some(version) = row.try_get::<Option<i64>, _>("version")? {
                    let stream = StreamId::new(row.try_get("kind")?, row.try_get("id")?);
                    versions.insert(stream, count("version", version)?);
                }
            }
        }
        Ok(versions)
    }

    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        self.keys.find(&self.read, keys).await
    }

    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError> {
        let mut found = HashMap::new();
        for claim in claims {
            let sql = "SELECT owner_kind, owner_id FROM claims WHERE scope = ? AND digest = ?";
            let query = sqlx::query(sql).bind(claim.namespace).bind(claim.digest.as_slice());
            if let Some(row) = query.fetch_optional(&self.read).await? {
                let owner = StreamId::new(row.try_get("owner_kind")?, row.try_get("owner_id")?);
                found.insert(claim.clone(), owner);
            }
        }
        Ok(found)
    }

    async fn epochs(&self) -> Result<Vec<(u64, Position)>, SqlError> {
        let rows = sqlx::query("SELECT epoch, after_position FROM journal_epochs ORDER BY epoch")
            .fetch_all(&self.read)
            .await?;
        let pair = |row: &sqlx::sqlite::SqliteRow| {
            let after = Position(count("after_position", row.try_get("after_position")?)?);
            Ok((count("epoch", row.try_get("epoch")?)?, after))
        };
        rows.iter().map(pair).collect()
    }

    async fn misfiled(&self, after: Position, through: Position) -> Result<Option<Position>, SqlError> {
        let sql = "SELECT position FROM events LEFT JOIN streams ON number = stream WHERE position > ? AND position <= ? \
             AND (events.aggregate_type IS NOT streams.aggregate_type OR events.aggregate_id IS NOT streams.aggregate_id \
                  OR dedupe_key IS NOT NULL AND position <= (SELECT dedupe_indexed FROM journal_head) \
                     AND position IS NOT (SELECT position FROM dedupe_keys WHERE dedupe_key = events.dedupe_key)) \
             ORDER BY position LIMIT 1";
        let query = sqlx::query_scalar(sql).bind(stored(after.0)).bind(stored(through.0));
        let found: Option<i64> = query.fetch_optional(&self.read).await?;
        found.map(|position| Ok(Position(count("position", position)?))).transpose()
    }

    async fn surplus_key(&self) -> Result<Option<Position>, SqlError> {
        let sql = "SELECT dedupe_keys.position FROM dedupe_keys LEFT JOIN events USING (position) \
             WHERE events.dedupe_key IS NOT dedupe_keys.dedupe_key LIMIT 1";
        let found: Option<i64> = sqlx::query_scalar(sql).fetch_optional(&self.read).await?;
        // One that leads below the first position leads nowhere.
        Ok(found.map(|position| Position(u64::try_from(position).unwrap_or_default())))
    }

    async fn below_first(&self) -> Result<Option<i64>, SqlError> {
        let lowest = sqlx::query_scalar("SELECT min(position) FROM events WHERE position < 1");
        Ok(lowest.fetch_one(&self.read).await?)
    }

    async fn changed(&self) {
        if self.write.is_some() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(POLL_MILLISECONDS)).await;
    }

    /// A reader beside a running server follows it.
    fn shared(&self) -> bool {
        self.write.is_none()
    }

    fn system(&self) -> &'static str {
        "sqlite"
    }

    fn writable(&self) -> bool {
        self.write.is_some()
    }

    fn stores(&self) -> Option<Stores> {
        Some(self.databases())
    }

    /// The overwritten pages go from the log into the file, and the log is emptied.
    async fn forget(&self) -> Result<(), SqlError> {
        let Write { others, turns, .. } = self.writer()?;
        for _ in 0..FORGET_ATTEMPTS_MAX {
            let turn = turns.next().await?;
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(others).await?;
            drop(turn);
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(());
            }
            // A reader still looks at an older state; readers here are short.
            tokio::time::sleep(Duration::from_millis(POLL_MILLISECONDS)).await;
        }
        Err(SqlError::Unsuitable("a reader keeps the log from being emptied".to_owned()))
    }

    async fn close(&self) {
        if let Some(write) = &self.write {
            write.events.close().await;
            write.others.close().await;
        }
        self.read.close().await;
        *self.lock.lock() = None;
    }
}

/// The file of the record in a folder.
#[must_use]
pub fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
