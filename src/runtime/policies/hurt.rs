//! A journal of the tests alone, over a real one: streams are not read, and the head is not told, when it is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use muniment_aggregates::record::{RecordedEvent, StreamId};
use muniment_journal::engine::Head;
use muniment_journal::{Engine, Journal, JournalLimits};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::runtime::interposed::{Interpose, Interposed};
use crate::runtime::{Clock, CommandBus, Reads, Runtime, fresh};

/// What the next attempt may not meet.
pub(super) fn busy() -> SqlError {
    SqlError::Driver(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
}

/// What every attempt meets.
pub(super) fn damaged() -> SqlError {
    SqlError::Column { column: "hash".to_owned(), what: "has 1 bytes, not 32".to_owned() }
}

/// A stream and what is met instead of it.
type Refused = (String, fn() -> SqlError);

/// An engine that fails as it is told.
pub(super) struct Hurt {
    inner: Arc<dyn Engine>,
    /// Whose stream is not read, and why.
    refused: Mutex<Option<Refused>>,
    is_away: AtomicBool,
}

impl Hurt {
    /// What policies run on, with so many metrics that are late, and their ids in the order in which they are due.
    pub(super) async fn runtime(metrics: usize) -> (Runtime, Arc<Interposed<Self>>, Vec<String>, TempDir) {
        let (made, folder) = fresh::bus().await;
        let mut ids = Vec::new();
        for number in 0..metrics {
            ids.push(fresh::late_metric(&made, number).await);
        }
        let inner = Arc::clone(made.journal().engine());
        let hurt = Self { inner, refused: Mutex::new(None), is_away: AtomicBool::new(false) };
        let engine = Arc::new(Interposed(hurt));
        let keys = made.journal().keyring().clone();
        let journal = Journal::with_engine(engine.clone(), keys, JournalLimits::default()).await;
        let bus = CommandBus::new(journal.expect("it tells its head"), Clock::system(), Arc::from([]));
        let (store, journal) = (fresh::reads(&bus, &folder).await, bus.journal().clone());
        let reads = Arc::new(Reads::new(store, journal.clone(), Duration::from_secs(60)));
        (Runtime { journal, bus, reads, clock: Clock::system() }, engine, ids, folder)
    }

    /// From now on this stream is not read.
    pub(super) fn refuse(&self, id: &str, error: fn() -> SqlError) {
        *self.refused.lock() = Some((id.to_owned(), error));
    }

    /// Every stream is read again.
    pub(super) fn heal(&self) {
        *self.refused.lock() = None;
    }

    /// Whether the head is told.
    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }
}

#[async_trait]
impl Interpose for Hurt {
    fn inner(&self) -> &Arc<dyn Engine> {
        &self.inner
    }

    async fn head(&self) -> Result<Head, SqlError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(busy());
        }
        self.inner.head().await
    }

    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        let refused = self.refused.lock().as_ref().filter(|(id, _)| **id == *stream.id).map(|(_, error)| error());
        match refused {
            Some(error) => Err(error),
            None => self.inner.read_stream(stream, after, limit).await,
        }
    }

    fn shared(&self) -> bool {
        true
    }
}
