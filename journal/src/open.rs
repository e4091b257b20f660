//! Opening a record from a configuration: engine, schema, identity, keys, and then the [`Journal`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use muniment_sql::migrations::{self, Migration, MigrationError, Namespace};
use muniment_sql::{Database, Obstacle, SqlError};
use uuid::Uuid;

use crate::chain::GENESIS;
use crate::engine::{Engine, Stores};
use crate::journal::Journal;
use crate::key_table;
use crate::keyring::{KeyRing, KeyRingError};
use crate::limits::JournalLimits;
use crate::master_key::{KeyFileError, KeySource, MasterKey};
use crate::postgres::PostgresEngine;
use crate::sqlite::SqliteEngine;
use crate::verify::{self, VerifyError};

/// Where the record is.
#[derive(Debug, Clone)]
pub enum Store {
    /// `journal.db` in a folder.
    Sqlite {
        /// The folder.
        directory: PathBuf,
    },
    /// A PostgreSQL database, or what speaks its protocol.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: String,
    },
}

/// What a record needs to be opened.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Where it is.
    pub store: Store,
    /// Where the master key comes from.
    pub keys: KeySource,
    /// Bounds of queues, batches and memory.
    pub limits: JournalLimits,
}

/// Why a record did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// The system's report.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("another process has this record open (it holds {0}); stop it, or give this one its own data folder")]
    Locked(PathBuf),
    /// There is nothing to read.
    #[error("{0}; there is no record here")]
    NoRecord(String),
    /// The schema is not what this program needs.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// The schema lacks steps, and only a server runs them: nodes of the older program may still serve the record.
    #[error("the record was made by an older program and lacks {}; stop every node of that program, then start the server once", .0.join(", "))]
    SchemaBehind(Vec<&'static str>),
    /// The database is set up in a way that would break a promise.
    #[error("the database would lose acknowledged appends: {0}")]
    Unsafe(String),
    /// The database, or the way to it, is none that a record can be in.
    #[error("{0}")]
    Unsuitable(String),
    /// Head row, last event and table of epochs do not belong together: what would be appended could never be verified.
    #[error("the record is not intact: {0}")]
    Damaged(VerifyError),
    /// The master key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The stored keys.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The database.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<VerifyError> for OpenError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Sql { source, .. } => Self::Sql(source),
            damage => Self::Damaged(damage),
        }
    }
}

impl OpenError {
    /// What keeps the database from being opened, where it is the database.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Sql(error)
            | Self::Schema(MigrationError::Sql(error) | MigrationError::Failed { cause: error, .. }) => {
                error.obstacle()
            }
            Self::Folder { .. }
            | Self::Locked(_)
            | Self::NoRecord(_)
            | Self::Schema(_)
            | Self::SchemaBehind(_)
            | Self::Unsafe(_)
            | Self::Unsuitable(_)
            | Self::Damaged(_)
            | Self::Key(_)
            | Self::KeyRing(_) => None,
        }
    }
}

const SQLITE_MIGRATIONS: [Migration; 3] = [
    Migration { name: "0001_events", sql: include_str!("../../migrations/sqlite/journal/0001_events.sql") },
    Migration { name: "0002_streams", sql: include_str!("../../migrations/sqlite/journal/0002_streams.sql") },
    Migration { name: "0003_dedupe_keys", sql: include_str!("../../migrations/sqlite/journal/0003_dedupe_keys.sql") },
];
const POSTGRES_MIGRATIONS: [Migration; 3] = [
    Migration { name: "0001_events", sql: include_str!("../../migrations/postgres/journal/0001_events.sql") },
    Migration { name: "0002_streams", sql: include_str!("../../migrations/postgres/journal/0002_streams.sql") },
    Migration {
        name: "0003_streams_required",
        sql: include_str!("../../migrations/postgres/journal/0003_streams_required.sql"),
    },
];

/// The schema of the journal on an engine; for `doctor` too.
#[must_use]
pub const fn schema(engine: muniment_sql::Engine) -> Namespace<'static> {
    let migrations: &[Migration] = match engine {
        muniment_sql::Engine::Sqlite => &SQLITE_MIGRATIONS,
        muniment_sql::Engine::Postgres => &POSTGRES_MIGRATIONS,
    };
    Namespace { name: "muniment.journal", migrations }
}

/// Makes the head of a record that has none yet; of two programs that start at once the first one's counts.
async fn make_head(database: &Database) -> Result<(), SqlError> {
    let mut tx = database.begin().await?;
    let made = tx
        .execute(
            "INSERT INTO journal_head (singleton, position, hash, recorded_at, installation, epoch) \
             VALUES (1, 0, $1, 0, $2, 1) ON CONFLICT DO NOTHING",
            &[GENESIS.as_slice().into(), Uuid::new_v4().to_string().into()],
        )
        .await?;
    if made == 1 {
        let sql = "INSERT INTO journal_epochs (epoch, after_position, started_at) VALUES (1, 0, $1)";
        tx.execute(sql, &[Utc::now().into()]).await?;
    }
    tx.commit().await
}

async fn engine(store: &Store, limits: &JournalLimits) -> Result<(Arc<dyn Engine>, Stores), OpenError> {
    let (engine, stores): (Arc<dyn Engine>, Stores) = match store {
        Store::Sqlite { directory } => {
            let engine = SqliteEngine::open(directory, limits.dedupe_generation_events).await?;
            let stores = engine.databases();
            (Arc::new(engine), stores)
        }
        Store::Postgres { url } => {
            let engine = PostgresEngine::open(url).await?;
            let stores = engine.databases();
            (Arc::new(engine), stores)
        }
    };
    bring_up_to_date(&stores.write).await?;
    make_head(&stores.write).await?;
    Ok((engine, stores))
}

/// Runs the steps that the schema lacks. On a large record they take a while, in which nobody is served, so it is told.
async fn bring_up_to_date(write: &Database) -> Result<(), OpenError> {
    let schema = schema(write.engine());
    let lacking = migrations::pending(write, &schema).await?;
    let is_older = !lacking.is_empty() && lacking.len() < schema.migrations.len();
    if is_older {
        let steps = lacking.join(", ");
        tracing::info!(steps, "the record of an older program is brought up to date; nobody is served meanwhile");
    }
    let begun = Instant::now();
    migrations::migrate(write, &[schema], Utc::now()).await?;
    if is_older {
        tracing::info!(seconds = begun.elapsed().as_secs(), "the record is up to date");
    }
    Ok(())
}

async fn read_only(store: &Store) -> Result<(Arc<dyn Engine>, Stores), OpenError> {
    Ok(match store {
        Store::Sqlite { directory } => {
            let engine = SqliteEngine::open_read_only(directory).await?;
            let stores = engine.databases();
            (Arc::new(engine), stores)
        }
        Store::Postgres { url } => {
            let engine = PostgresEngine::open_read_only(url).await?;
            let stores = engine.databases();
            (Arc::new(engine), stores)
        }
    })
}

/// Refuses a record whose schema lacks steps; a database without any of them holds none.
async fn check_schema(read: &Database) -> Result<(), OpenError> {
    let schema = schema(read.engine());
    let missing = migrations::pending(read, &schema).await?;
    if missing.len() == schema.migrations.len() {
        return Err(OpenError::NoRecord("the database has none of the record's tables".to_owned()));
    }
    if missing.is_empty() { Ok(()) } else { Err(OpenError::SchemaBehind(missing)) }
}

/// Takes the stored keys out of a record without events and claims: there is nothing that they sealed.
async fn forget_keys_of_nothing(write: &Database) -> Result<(), SqlError> {
    let sql = "DELETE FROM subject_keys WHERE (SELECT position FROM journal_head) = 0 \
               AND NOT EXISTS (SELECT 1 FROM claims)";
    let mut tx = write.begin().await?;
    tx.execute(sql, &[]).await?;
    tx.commit().await
}

impl Journal {
    /// Opens a record for appending: brings its schema up to date, makes sure that nobody else has a SQLite file
    /// open, that commits are durable and that what is appended can be verified, opens the keys.
    ///
    /// # Errors
    /// Each with what to do about it.
    pub async fn open(config: JournalConfig) -> Result<Self, OpenError> {
        let (engine, stores) = engine(&config.store, &config.limits).await?;
        Self::writing(engine, stores, config).await
    }

    /// Opens a record that a backup is to be loaded into, as [`Self::open`] does, and makes it where there is none. One that has
    /// nothing yet gives up its own stored keys, which may be wrapped under another master key than the backup's.
    ///
    /// # Errors
    /// [`OpenError::SchemaBehind`], and each of [`Self::open`].
    pub async fn open_for_restore(config: JournalConfig) -> Result<Self, OpenError> {
        match read_only(&config.store).await {
            Err(OpenError::NoRecord(_)) => {}
            Err(error) => return Err(error),
            Ok((_, stores)) => match check_schema(&stores.read).await {
                Err(OpenError::NoRecord(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            },
        }
        let (engine, stores) = engine(&config.store, &config.limits).await?;
        forget_keys_of_nothing(&stores.write).await?;
        Self::writing(engine, stores, config).await
    }

    async fn writing(engine: Arc<dyn Engine>, stores: Stores, config: JournalConfig) -> Result<Self, OpenError> {
        let is_begun = key_table::is_begun(&stores.read).await?;
        let master = if is_begun { MasterKey::load_existing(&config.keys) } else { MasterKey::load(&config.keys) }?;
        let head = engine.head().await?;
        let keyring = KeyRing::load(master, head.identity.installation, stores.read, Some(stores.write)).await?;
        verify::check_head(engine.as_ref()).await?;
        Ok(Self::with_engine(engine, keyring, config.limits).await?)
    }

    /// Opens a record for appending as [`Self::open`] does, where there is one of today's schema: none is made, and none is
    /// brought up to date beneath a server of an older program that may have it.
    ///
    /// # Errors
    /// [`OpenError::NoRecord`], [`OpenError::SchemaBehind`], and each of [`Self::open`].
    pub async fn open_existing(config: JournalConfig) -> Result<Self, OpenError> {
        let (_, stores) = read_only(&config.store).await?;
        check_schema(&stores.read).await?;
        Self::open(config).await
    }

    /// Opens a record for reading only, also beside a running server; it follows what that one appends.
    ///
    /// # Errors
    /// When there is no record, its schema is another, or the keys do not fit.
    pub async fn open_read_only(config: JournalConfig) -> Result<Self, OpenError> {
        let (engine, stores) = read_only(&config.store).await?;
        check_schema(&stores.read).await?;
        let master = MasterKey::load_existing(&config.keys)?;
        let head = engine.head().await?;
        let keyring = KeyRing::load(master, head.identity.installation, stores.read, None).await?;
        Ok(Self::with_engine(engine, keyring, config.limits).await?)
    }
}
