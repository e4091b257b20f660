//! A record to test on either engine, and short ways to say what is appended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::{Append, Journal, JournalConfig, JournalLimits, KeySource, NewEvent, Store};
use muniment_testkit::Cluster;
use tempfile::TempDir;

/// Where a test's record lives.
pub(crate) struct Home {
    pub(crate) store: Store,
    folder: TempDir,
}

impl Home {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Store::Sqlite { directory: folder.path().join("data") }, folder }
    }

    pub(crate) fn postgres() -> Self {
        Self::on(Cluster::shared())
    }

    pub(crate) fn on(cluster: &Cluster) -> Self {
        let store = Store::Postgres { url: cluster.fresh_database() };
        Self { store, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn config(&self) -> JournalConfig {
        let keys = KeySource::Directory { path: self.keys(), create_missing: true };
        // A busy machine is no fault.
        let limits = JournalLimits { answer_max: Duration::from_secs(60), ..JournalLimits::default() };
        JournalConfig { store: self.store.clone(), keys, limits }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    pub(crate) async fn open(&self) -> Journal {
        Journal::open(self.config()).await.unwrap()
    }

    /// Runs SQL on the record behind the journal's back.
    pub(crate) async fn meddle(&self, sql: &str) {
        match &self.store {
            Store::Sqlite { directory } => {
                let file = directory.join("journal.db");
                let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
                sqlx::raw_sql(sql).execute(&pool).await.unwrap();
                pool.close().await;
            }
            Store::Postgres { url } => {
                let pool = sqlx::PgPool::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&pool).await.unwrap();
                pool.close().await;
            }
        }
    }
}

/// Runs an `async fn(Home)` on both engines.
macro_rules! both_engines {
    ($($name:ident)*) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(crate::support::Home::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(crate::support::Home::postgres()).await;
            }
        })*
    };
}
pub(crate) use both_engines;

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("thing", id)
}

pub(crate) fn event(stream: &StreamId, payload: &str) -> NewEvent {
    NewEvent {
        stream: stream.clone(),
        event_type: "thing.happened",
        event_version: "1.0",
        payload: format!("{{\"what\":\"{payload}\"}}").into_boxed_str(),
        dedupe: None,
    }
}

/// One event on one stream.
pub(crate) fn one(stream: &StreamId, expected: u64, payload: &str) -> Append {
    Append {
        events: vec![event(stream, payload)],
        expect: vec![(stream.clone(), expected)],
        metadata: Arc::from("{}"),
        ..Append::default()
    }
}

pub(crate) fn deduped(stream: &StreamId, expected: u64, key: &str) -> Append {
    let mut append = one(stream, expected, key);
    append.events[0].dedupe = Some(DedupeKey::of(stream, key));
    append
}

pub(crate) fn take(key: &str) -> ClaimChange {
    ClaimChange::Take { namespace: "name", key: ClaimKey::Clear(key.to_owned()) }
}

pub(crate) fn release(key: &str) -> ClaimChange {
    ClaimChange::Release { namespace: "name", key: ClaimKey::Clear(key.to_owned()) }
}

pub(crate) fn claiming(stream: &StreamId, expected: u64, changes: &[ClaimChange]) -> Append {
    let mut append = one(stream, expected, "claims");
    append.claims = changes.iter().map(|change| (stream.clone(), change.clone())).collect();
    append
}

/// The whole record, checked to be contiguous, from memory or database as it comes.
pub(crate) async fn all(journal: &Journal) -> Vec<Arc<RecordedEvent>> {
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    loop {
        let after = events.last().map_or(Position::START, |last| last.position);
        let page = journal.read(after, 500).await.unwrap();
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position.0, index as u64 + 1, "positions are contiguous");
    }
    events
}

/// The chain holds and the head fits.
pub(crate) async fn verify(journal: &Journal) {
    let verified = journal.verify(None, &|_, _| ()).await.unwrap();
    assert_eq!(verified.through, journal.head());
}
