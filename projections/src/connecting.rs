//! The connections to the read models' database: one that writes on SQLite, a pool on PostgreSQL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use muniment_sql::postgres::{postgres_pool, set_up};
use muniment_sql::{Database, SqlError, WriteTurns, private};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::incarnations::Incarnations;

/// Connections that answer queries on SQLite. Reads are short; more than the cores gain nothing.
const SQLITE_READERS_MAX: u32 = 4;

/// Pages of indexes on ids are written in no order: those of a million rows should be in memory, or each row reads one. In
/// KiB, as SQLite wants it: 64 MiB, taken as far as they are used.
const SQLITE_WRITER_CACHE_KIB: &str = "-65536";

/// Pages of write-ahead log between checkpoints: 16 MB at 4 KiB a page. Seldom, since each writes such pages again.
const SQLITE_CHECKPOINT_PAGES: &str = "4000";

/// What it is cut back to once it was longer, because somebody read for long while others wrote: as much, in bytes.
const SQLITE_LOG_BYTES_KEPT: &str = "16384000";

/// How long a statement waits for SQLite's write lock, which commands of the program take too.
const SQLITE_BUSY_SECONDS: u64 = 5;

/// How long a query waits for a free connection before it fails.
const ACQUIRE_SECONDS: u64 = 5;

/// A commit lost in a crash of the server takes its checkpoint with it, and is folded again. A statement that stands alone is
/// ended by the server before its asker gives up: so one that is slow is told from a server that fell silent, nothing runs on
/// that nobody waits for, and the connection can be used again.
const POSTGRES_SETTINGS: &str = "SET synchronous_commit = off; SET statement_timeout = '9s'";

/// Where the read models are kept.
#[derive(Debug, Clone)]
pub enum ReadDatabase {
    /// `read.db` in this folder, which exists.
    Sqlite {
        /// The data folder.
        directory: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Its URL.
        url: String,
        /// Connections at most.
        connections_max: u32,
    },
}

/// Who writes, and who reads.
pub(crate) async fn connect(
    database: &ReadDatabase,
    incarnations: &Arc<Incarnations>,
) -> Result<(Database, Database), SqlError> {
    let acquire = Duration::from_secs(ACQUIRE_SECONDS);
    match database {
        ReadDatabase::Sqlite { directory } => {
            let file = directory.join("read.db");
            private::make_database(&file).map_err(|error| SqlError::Driver(error.into()))?;
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(SQLITE_BUSY_SECONDS))
                // Sealed values of an erased subject must not linger in free pages.
                .pragma("secure_delete", "ON");
            let writing = options
                .clone()
                .pragma("cache_size", SQLITE_WRITER_CACHE_KIB)
                .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT_PAGES)
                .pragma("journal_size_limit", SQLITE_LOG_BYTES_KEPT);
            let writer = SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(acquire)
                .test_before_acquire(false)
                .connect_with(writing)
                .await?;
            let reader = SqlitePoolOptions::new()
                .max_connections(SQLITE_READERS_MAX)
                .acquire_timeout(acquire)
                .test_before_acquire(false)
                .connect_lazy_with(options.read_only(true));
            let turns = WriteTurns::default();
            Ok((Database::Sqlite(writer, turns.clone()), Database::Sqlite(reader, turns)))
        }
        ReadDatabase::Postgres { url, connections_max } => {
            let incarnations = Arc::clone(incarnations);
            let options = postgres_pool(*connections_max, POSTGRES_SETTINGS).after_connect(move |connection, _| {
                let incarnations = Arc::clone(&incarnations);
                Box::pin(async move {
                    set_up(connection, POSTGRES_SETTINGS).await?;
                    incarnations.look(connection).await
                })
            });
            let pool = options.connect_with(url.parse()?).await?;
            Ok((Database::Postgres(pool.clone()), Database::Postgres(pool)))
        }
    }
}
