//! The thread that writes outlives a panic: what it panicked over is recorded once or refused, and all else goes on.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use tempfile::TempDir;

use crate::append::{Append, AppendError, Appended, NewEvent};
use crate::engine::Batch;
use crate::journal::Journal;
use crate::keyring::KeyRing;
use crate::limits::JournalLimits;
use crate::master_key::KeySource;
use crate::open::{JournalConfig, Store};

thread_local! {
    /// The types of event that this thread has panicked over.
    static PANICKED: RefCell<HashSet<Box<str>>> = RefCell::default();
}

/// Panics where an event of the batch asks for it by its type, `panics.<once|always>.<moment>`.
pub(super) fn reach(moment: &str, batch: &Batch) {
    for event in &batch.events {
        let asked = event.event_type.strip_prefix("panics.").and_then(|asked| asked.split_once('.'));
        if let Some((times, at)) = asked
            && at == moment
        {
            let first = PANICKED.with_borrow_mut(|panicked| panicked.insert(Box::from(&*event.event_type)));
            assert!(!first && times == "once", "a test asked for it");
        }
    }
}

async fn open(folder: &TempDir) -> Journal {
    let store = Store::Sqlite { directory: folder.path().join("data") };
    let keys = KeySource::Directory { path: folder.path().join("keys"), create_missing: true };
    Journal::open(JournalConfig { store, keys, limits: JournalLimits::default() }).await.expect("a new record")
}

fn key(name: &str) -> DedupeKey {
    DedupeKey::of(&StreamId::new("thing", "keys"), name)
}

/// One event of a stream, with the key of this name.
fn one(id: &str, expected: u64, event_type: &'static str, name: &str) -> Append {
    let stream = StreamId::new("thing", id);
    let payload = Box::from("{}");
    let dedupe = Some(key(name));
    Append {
        events: vec![NewEvent { stream: stream.clone(), event_type, event_version: "1.0", payload, dedupe }],
        expect: vec![(stream, expected)],
        metadata: Arc::from("{}"),
        ..Append::default()
    }
}

fn first(appended: Result<Appended, AppendError>) -> Position {
    appended.expect("it is recorded").first
}

#[tokio::test]
async fn a_batch_that_the_thread_panics_over_once_is_recorded_once() {
    for asked in ["panics.once.events", "panics.once.commit", "panics.once.keys"] {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        assert_eq!(first(journal.append(one("a", 0, "thing.happened", "1")).await), Position(1));
        assert_eq!(first(journal.append(one("b", 0, asked, "2")).await), Position(2), "{asked}");
        assert_eq!(first(journal.append(one("c", 0, "thing.happened", "3")).await), Position(3), "{asked}");
        assert_eq!(first(journal.append(one("b", 1, "thing.happened", "4")).await), Position(4), "{asked}");

        let stream = journal.read_stream(&StreamId::new("thing", "b"), 0, 10).await.expect("it can be read");
        assert_eq!(stream.iter().map(|event| event.position.0).collect::<Vec<_>>(), [2, 4], "{asked}");
        assert_eq!(journal.verify(None, &|_, _| ()).await.expect("the chain holds").through, Position(4), "{asked}");

        // A writer that remembers no key leaves it to the thread.
        let ring = KeyRing::in_memory([7; 32], journal.identity().installation).expect("a ring");
        let engine = Arc::clone(journal.engine());
        let forgetful = Journal::with_engine(engine, ring, JournalLimits::default()).await.expect("its head");
        for (position, name) in (1..).zip(["1", "2", "3", "4"]) {
            let doubled = forgetful.append(one(&format!("doubles-{name}"), 0, "thing.happened", name)).await;
            let refusal = AppendError::Duplicate { key: key(name), position: Position(position) };
            assert_eq!(doubled.expect_err("the key is recorded"), refusal, "{asked}");
        }
        assert_eq!(first(forgetful.append(one("d", 0, "thing.happened", "5")).await), Position(5), "{asked}");
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn a_batch_that_the_thread_always_panics_over_is_refused_and_takes_nobody_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(&folder).await;
    // All three wait before the writer looks, so they go in one batch.
    let before = journal.submit(one("a", 0, "thing.happened", "1")).expect("it is taken");
    let poison = journal.submit(one("b", 0, "panics.always.events", "2")).expect("it is taken");
    let after = journal.submit(one("c", 0, "thing.happened", "3")).expect("it is taken");
    let refusal = AppendError::Invalid("the thread that writes panicked over it 2 times".to_owned());
    let poison = tokio::time::timeout(Duration::from_secs(60), poison).await.expect("nobody waits for ever");
    assert_eq!(poison.expect_err("it panics every time"), refusal);
    assert_eq!((first(before.await), first(after.await)), (Position(1), Position(2)));
    assert_eq!(journal.check_writable().await, Ok(()));
    // Nothing of the refused one stayed: neither its key nor a name for its stream.
    assert_eq!(first(journal.append(one("b", 0, "thing.happened", "2")).await), Position(3));
    assert_eq!(journal.verify(None, &|_, _| ()).await.expect("the chain holds").through, Position(3));
    journal.shutdown().await;
}
