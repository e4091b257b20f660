//! A read store on each engine.

use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_projections::{Advance, AskHead, OnMismatch, OpenError, ReadDatabase, ReadStore, ReadStoreConfig};
use muniment_sql::{Database, WriteTurns};
use muniment_testkit::Cluster;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::history::History;

/// The identity of the journal that histories stand for.
pub(crate) const RECORD: &str = "5f3c2a10-0000-4000-8000-000000000001-1";

/// How long a query waits for what a crash took: long, because a busy machine is no fault.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A read store, and how to open it again.
pub(crate) struct Desk {
    pub(crate) store: ReadStore,
    pub(crate) config: ReadStoreConfig,
    _folder: TempDir,
}

impl Desk {
    async fn open(database: ReadDatabase, folder: TempDir) -> Self {
        let config = ReadStoreConfig {
            database,
            record: RECORD.to_owned(),
            head: AskHead::at(Position::START),
            on_mismatch: OnMismatch::Refuse,
            answer_max: ANSWER_MAX,
        };
        let store = ReadStore::open(config.clone()).await.expect("an empty database opens");
        Self { store, config, _folder: folder }
    }

    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(ReadDatabase::Sqlite { directory: folder.path().to_owned() }, folder).await
    }

    async fn postgres() -> Self {
        let url = Cluster::shared().fresh_database();
        Self::open(ReadDatabase::Postgres { url, connections_max: 4 }, tempfile::tempdir().unwrap()).await
    }

    /// The same database, opened again at this head.
    pub(crate) async fn reopen(&self, head: Position, on_mismatch: OnMismatch) -> Result<ReadStore, OpenError> {
        ReadStore::open(ReadStoreConfig { head: AskHead::at(head), on_mismatch, ..self.config.clone() }).await
    }

    /// Folds a history in, from where the models are, in batches of this size.
    pub(crate) async fn fold(&self, history: &History, batch: usize) {
        let projections = self.store.projections().to_vec();
        let at = self.store.live().await.unwrap().iter().map(|live| live.position).min().unwrap();
        for events in history.events[usize::try_from(at.0).unwrap()..].chunks(batch) {
            for outcome in self.store.advance_together(&projections, events).await {
                let last = events.last().unwrap().position;
                assert_eq!(outcome.result.expect(outcome.name), Advance::Moved(last), "{}", outcome.name);
            }
        }
    }

    /// A connection of one's own to the same tables, as somebody has who tampers with them.
    pub(crate) async fn tamper(&self) -> Database {
        match &self.config.database {
            ReadDatabase::Sqlite { directory } => {
                let url = format!("sqlite://{}", directory.join("read.db").display());
                Database::Sqlite(sqlx::SqlitePool::connect(&url).await.unwrap(), WriteTurns::default())
            }
            ReadDatabase::Postgres { url, .. } => Database::Postgres(sqlx::PgPool::connect(url).await.unwrap()),
        }
    }
}

/// Runs a test on an empty store of each engine.
pub(crate) async fn on_both_engines(test: impl AsyncFn(&Desk)) {
    for desk in [Desk::sqlite().await, Desk::postgres().await] {
        test(&desk).await;
        desk.store.close().await;
    }
}

/// The shortest of several readings: whatever else the machine does makes one longer.
pub(crate) async fn shortest<T>(reading: impl AsyncFn() -> T) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..20 {
        let begun = Instant::now();
        reading().await;
        shortest = shortest.min(begun.elapsed());
    }
    shortest
}
