//! A node that another one is always ahead of: it takes the lock of the head, lands, and keeps no lock that it has no use for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::engine::{Batch, Head, WriteError};
use muniment_journal::{AppendError, Engine, Journal, JournalLimits};
use muniment_sql::SqlError;

use crate::interposed::{Interpose, Interposed};
use crate::support::{Home, all, one, stream, verify};

/// Longer than anything takes that comes to an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The way to PostgreSQL of a node that is slower than another: whatever it writes without the lock, the other one's event
/// is there first.
struct Outrun {
    inner: Arc<dyn Engine>,
    other: Journal,
    /// The streams that the other one begins, one after the other, before it goes on with some of its own.
    begins: Vec<StreamId>,
    begun: AtomicUsize,
    /// Whether this node has the lock of the head.
    holds: AtomicBool,
    writes: AtomicUsize,
}

impl Outrun {
    async fn new(home: &Home, begins: &[StreamId]) -> (Journal, Arc<Interposed<Self>>) {
        let (own, other) = (home.open().await, home.open().await);
        let engine = Arc::new(Interposed(Self {
            inner: Arc::clone(own.engine()),
            other,
            begins: begins.to_vec(),
            begun: AtomicUsize::new(0),
            holds: AtomicBool::new(false),
            writes: AtomicUsize::new(0),
        }));
        let journal = Journal::with_engine(engine.clone(), own.keyring().clone(), JournalLimits::default());
        (journal.await.unwrap(), engine)
    }
}

#[async_trait]
impl Interpose for Outrun {
    fn inner(&self) -> &Arc<dyn Engine> {
        &self.inner
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if !self.holds.swap(false, Ordering::Relaxed) {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            let begun = self.begins.get(number).cloned().unwrap_or_else(|| stream(&format!("other-{number}")));
            self.other.append(one(&begun, 0, "first")).await.unwrap();
        }
        self.inner.write(batch).await
    }

    async fn hold(&self) -> Result<Head, SqlError> {
        let held = self.inner.hold().await;
        self.holds.store(held.is_ok(), Ordering::Relaxed);
        held
    }

    async fn release(&self) -> Result<(), SqlError> {
        self.holds.store(false, Ordering::Relaxed);
        self.inner.release().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_always_comes_second_locks_the_head_and_lands() {
    let home = Home::postgres();
    let (journal, engine) = Outrun::new(&home, &[]).await;
    let appended = tokio::time::timeout(PATIENCE, journal.append(one(&stream("s"), 0, "at last"))).await;
    assert_eq!(appended.expect("it lands").unwrap().first, Position(3), "behind two of the other node");
    assert_eq!(engine.writes.load(Ordering::Relaxed), 3);
    assert_eq!(all(&journal).await.len(), 3);
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_the_head_for_which_nothing_is_left_to_write_is_given_back() {
    let home = Home::postgres();
    let own = stream("s");
    // The second time the other one writes what this one wanted to, so that this one is refused once it has the lock.
    let (journal, engine) = Outrun::new(&home, &[stream("t"), own.clone()]).await;
    let refused = tokio::time::timeout(PATIENCE, journal.append(one(&own, 0, "too late"))).await;
    let conflict = AppendError::Conflict { stream: own.clone(), expected: 0, actual: 1 };
    assert_eq!(refused.expect("it is answered").unwrap_err(), conflict);
    assert_eq!(engine.writes.load(Ordering::Relaxed), 2);
    let next = engine.other.append(one(&own, 1, "goes on"));
    tokio::time::timeout(PATIENCE, next).await.expect("it is answered").expect("nobody keeps the head");
    verify(&engine.other).await;
    journal.shutdown().await;
}
