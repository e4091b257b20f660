//! A store in memory behind the journal's seam, as unreliable as its seed makes it. Several nodes may share one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, Change, ClaimId, Head, WriteError};
use muniment_journal::{Engine, Identity};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;
use uuid::Uuid;

/// What happened to the writes of one seed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) slow: u64,
    pub(crate) heads_lost: u64,
    pub(crate) stored_but_answer_lost: u64,
    pub(crate) lost_before_storing: u64,
    pub(crate) refused: u64,
    pub(crate) wakeups_lost: u64,
    pub(crate) wakeups_doubled: u64,
}

struct Stored {
    events: Vec<Arc<RecordedEvent>>,
    head: Head,
    versions: HashMap<StreamId, u64>,
    dedupe: HashMap<DedupeKey, Position>,
    claims: HashMap<ClaimId, StreamId>,
    random: SmallRng,
    faults: Faults,
}

/// What all nodes of one simulated installation share.
pub(crate) struct SharedStore {
    stored: Mutex<Stored>,
    started: tokio::time::Instant,
    trouble_percent: u32,
    wake: Notify,
}

impl SharedStore {
    pub(crate) fn new(seed: u64, trouble_percent: u32) -> Arc<Self> {
        let identity = Identity { installation: Uuid::from_u64_pair(seed, 1), epoch: 1 };
        let head = Head { position: Position::START, hash: [0; 32], identity, recorded_at: epoch() };
        Arc::new(Self {
            stored: Mutex::new(Stored {
                events: Vec::new(),
                head,
                versions: HashMap::new(),
                dedupe: HashMap::new(),
                claims: HashMap::new(),
                random: SmallRng::seed_from_u64(seed),
                faults: Faults::default(),
            }),
            started: tokio::time::Instant::now(),
            trouble_percent,
            wake: Notify::new(),
        })
    }

    pub(crate) fn installation(&self) -> Uuid {
        self.stored.lock().head.identity.installation
    }

    pub(crate) fn faults(&self) -> Faults {
        self.stored.lock().faults
    }

    pub(crate) fn events(&self) -> Vec<Arc<RecordedEvent>> {
        self.stored.lock().events.clone()
    }

    /// Simulated time, so that a seed replays to the microsecond.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.started.elapsed()).expect("a simulation lasts minutes");
        epoch() + elapsed
    }

    fn dice(&self, below: u32) -> u32 {
        self.stored.lock().random.random_range(0..below)
    }

    async fn dawdle(&self) {
        let milliseconds = u64::from(self.dice(20));
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn epoch() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a calendar date")
}

/// One node's way to the shared store.
pub(crate) struct SimulatedEngine {
    store: Arc<SharedStore>,
    crashed: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    Slow,
    AnswerLost,
    LostBeforeStoring,
    Refused,
}

impl SimulatedEngine {
    pub(crate) fn new(store: &Arc<SharedStore>) -> Arc<Self> {
        Arc::new(Self { store: Arc::clone(store), crashed: AtomicBool::new(false) })
    }

    /// From here on nothing this node does reaches the store, and nothing comes back, whatever it was doing.
    pub(crate) fn crash(&self) {
        self.crashed.store(true, Ordering::Relaxed);
    }

    async fn alive(&self) {
        if self.crashed.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    async fn dawdle(&self) {
        self.alive().await;
        self.store.dawdle().await;
        self.alive().await;
    }

    async fn store_and_answer(&self, batch: &Batch) -> Result<(), WriteError> {
        self.alive().await;
        let outcome = self.store_batch(batch);
        tokio::task::yield_now().await;
        self.alive().await;
        outcome
    }

    fn trouble(&self) -> Trouble {
        if self.store.dice(100) >= self.store.trouble_percent {
            return Trouble::None;
        }
        match self.store.dice(8) {
            0..=3 => Trouble::Slow,
            4 | 5 => Trouble::AnswerLost,
            6 => Trouble::LostBeforeStoring,
            _ => Trouble::Refused,
        }
    }

    fn store_batch(&self, batch: &Batch) -> Result<(), WriteError> {
        let mut stored = self.store.stored.lock();
        if stored.head.position != batch.before.position || stored.head.hash != batch.before.hash {
            stored.faults.heads_lost += 1;
            return Err(WriteError::HeadMoved);
        }
        for event in &batch.events {
            if stored.versions.get(&event.stream).copied().unwrap_or(0) + 1 > event.sequence {
                return Err(WriteError::Unique("events_stream_sequence".to_owned()));
            }
            if event.dedupe.is_some_and(|key| stored.dedupe.contains_key(&key)) {
                return Err(WriteError::Unique("events_dedupe_key".to_owned()));
            }
        }
        for change in &batch.changes {
            if let Change::Take { claim, owner, .. } = change
                && stored.claims.get(claim).is_some_and(|holder| holder != owner)
            {
                return Err(WriteError::Unique("claims_pkey".to_owned()));
            }
        }
        for event in &batch.events {
            stored.versions.insert(event.stream.clone(), event.sequence);
            if let Some(key) = event.dedupe {
                stored.dedupe.insert(key, event.position);
            }
            stored.events.push(Arc::clone(event));
        }
        for change in &batch.changes {
            match change {
                Change::Take { claim, owner, .. } => {
                    stored.claims.insert(claim.clone(), owner.clone());
                }
                Change::Release { claim, .. } => {
                    stored.claims.remove(claim);
                }
                Change::Erase { .. } | Change::Mail { .. } => {}
            }
        }
        stored.head = batch.after();
        Ok(())
    }
}

#[async_trait]
impl Engine for SimulatedEngine {
    async fn head(&self) -> Result<Head, SqlError> {
        self.dawdle().await;
        Ok(self.store.stored.lock().head)
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let trouble = self.trouble();
        tokio::time::sleep(Duration::from_micros(u64::from(self.store.dice(2_000)))).await;
        match trouble {
            Trouble::None => self.store_and_answer(batch).await,
            Trouble::Slow => {
                self.store.stored.lock().faults.slow += 1;
                tokio::time::sleep(Duration::from_millis(u64::from(self.store.dice(900)))).await;
                let outcome = self.store_and_answer(batch).await;
                tokio::time::sleep(Duration::from_millis(u64::from(self.store.dice(300)))).await;
                outcome
            }
            Trouble::AnswerLost => {
                self.store_and_answer(batch).await?;
                self.store.stored.lock().faults.stored_but_answer_lost += 1;
                Err(WriteError::Unknown("the connection was lost after the commit".to_owned()))
            }
            Trouble::LostBeforeStoring => {
                self.store.stored.lock().faults.lost_before_storing += 1;
                Err(WriteError::Unknown("the connection was lost before the commit".to_owned()))
            }
            Trouble::Refused => {
                self.store.stored.lock().faults.refused += 1;
                Err(WriteError::Refused("no space left".to_owned()))
            }
        }
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.dawdle().await;
        let stored = self.store.stored.lock();
        Ok(stored
            .events
            .iter()
            .filter(|event| event.position > after && event.position <= through)
            .take(limit)
            .map(|event| (**event).clone())
            .collect())
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SqlError> {
        self.dawdle().await;
        let stored = self.store.stored.lock();
        Ok(stored
            .events
            .iter()
            .filter(|event| event.stream == *stream && event.sequence > after_sequence)
            .take(limit)
            .map(|event| (**event).clone())
            .collect())
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        self.dawdle().await;
        let stored = self.store.stored.lock();
        Ok(streams.iter().filter_map(|stream| Some((stream.clone(), stored.versions.get(stream).copied()?))).collect())
    }

    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        let stored = self.store.stored.lock();
        Ok(keys.iter().filter_map(|key| Some((*key, stored.dedupe.get(key).copied()?))).collect())
    }

    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError> {
        let stored = self.store.stored.lock();
        Ok(claims.iter().filter_map(|claim| Some((claim.clone(), stored.claims.get(claim).cloned()?))).collect())
    }

    async fn epochs(&self) -> Result<Vec<(u64, Position)>, SqlError> {
        Ok(vec![(1, Position::START)])
    }

    fn announce(&self, _head: Position) {
        match self.store.dice(10) {
            0..=2 => self.store.stored.lock().faults.wakeups_lost += 1,
            3 | 4 => {
                self.store.stored.lock().faults.wakeups_doubled += 1;
                self.store.wake.notify_waiters();
                self.store.wake.notify_one();
            }
            _ => self.store.wake.notify_waiters(),
        }
    }

    async fn changed(&self) {
        self.store.wake.notified().await;
    }

    fn shared(&self) -> bool {
        true
    }

    fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }

    async fn close(&self) {}
}
