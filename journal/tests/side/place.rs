//! A private place for one test: a folder, and a database on the engine under test.

use std::path::PathBuf;
use std::sync::Arc;

use muniment_aggregates::record::{RecordedEvent, StreamId};
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::{Append, Appended, Journal, JournalConfig, KeySource, NewEvent, Store};
use muniment_testkit::Cluster;
use tempfile::TempDir;

/// The engine under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

pub(crate) struct Place {
    pub(crate) home: TempDir,
    pub(crate) store: Store,
}

impl Place {
    pub(crate) fn new(kind: Kind) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = match kind {
            Kind::Sqlite => Store::Sqlite { directory: home.path().join("data") },
            Kind::Postgres => Store::Postgres { url: Cluster::shared().fresh_database() },
        };
        Self { home, store }
    }

    /// A new, empty database, with the keys of this place.
    pub(crate) fn beside(&self, kind: Kind) -> JournalConfig {
        let Place { home, store } = Self::new(kind);
        if let Store::Sqlite { .. } = store {
            let directory = self.home.path().join(home.path().file_name().unwrap());
            return JournalConfig { store: Store::Sqlite { directory }, ..self.config() };
        }
        JournalConfig { store, ..self.config() }
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.home.path().join("keys")
    }

    pub(crate) fn config(&self) -> JournalConfig {
        JournalConfig {
            store: self.store.clone(),
            keys: KeySource::Directory { path: self.keys(), create_missing: true },
            limits: muniment_journal::JournalLimits::default(),
        }
    }

    pub(crate) async fn open(&self) -> Journal {
        Journal::open(self.config()).await.unwrap()
    }
}

/// Runs each test of the list on both engines.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::place::Kind::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::place::Kind::Postgres).await;
            })+
        }
    };
}
pub(crate) use on_both;

pub(crate) fn event(stream: &StreamId, payload: &str) -> NewEvent {
    NewEvent {
        stream: stream.clone(),
        event_type: "test.happened",
        event_version: "1.0",
        payload: Box::from(payload),
        dedupe: None,
    }
}

/// Appends one event to a stream at `version`.
pub(crate) async fn append(journal: &Journal, stream: &StreamId, version: u64, payload: &str) -> Appended {
    let append = Append {
        events: vec![event(stream, payload)],
        expect: vec![(stream.clone(), version)],
        metadata: Arc::from("{}"),
        ..Append::default()
    };
    journal.append(append).await.unwrap()
}

/// Erases a subject, as the program does.
pub(crate) async fn erase(journal: &Journal, subject: &SubjectId) -> Appended {
    let stream = StreamId::new("subject", &subject.0);
    let erased = NewEvent { event_type: "subject.erased", ..event(&stream, r#"{"erased":{"reason":"asked"}}"#) };
    let append = Append {
        events: vec![erased],
        expect: vec![(stream, 0)],
        metadata: Arc::from("{}"),
        erase_subjects: vec![subject.clone()],
        ..Append::default()
    };
    journal.append(append).await.unwrap()
}

/// The whole record.
pub(crate) async fn all_events(journal: &Journal) -> Vec<Arc<RecordedEvent>> {
    journal.read(muniment_aggregates::record::Position::START, 10_000).await.unwrap()
}
