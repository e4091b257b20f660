//! A store in memory behind the journal's seam, as unreliable as its seed makes it. Several nodes may share one.

use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, ClaimId, Head, WriteError};
use muniment_journal::{Engine, Identity};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::faults::Faults;
use crate::stored::Stored;

/// How long a session waits for the lock of the head, and how long the server lets a transaction stand idle, as on
/// PostgreSQL.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Where a session that holds the head is ended before that, it is about when its node comes to write.
const ENDED_MILLISECONDS_MAX: u32 = 60;
/// How often it is looked whether something that is waited for has come about.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A copy that nobody waits for comes within the first few attempts of its node to send another.
const LATE_MILLISECONDS_MAX: u32 = 250;

/// What all nodes of one simulated installation share.
pub(crate) struct SharedStore {
    stored: Mutex<Stored>,
    started: Instant,
    trouble_percent: AtomicU32,
    nodes: AtomicUsize,
    wake: Notify,
}

impl SharedStore {
    pub(crate) fn new(seed: u64, trouble_percent: u32) -> Arc<Self> {
        let identity = Identity { installation: Uuid::from_u64_pair(seed, 1), epoch: 1 };
        let head = Head { position: Position::START, hash: [0; 32], identity, recorded_at: epoch() };
        Arc::new(Self {
            stored: Mutex::new(Stored::new(head, seed)),
            started: Instant::now(),
            trouble_percent: AtomicU32::new(trouble_percent),
            nodes: AtomicUsize::new(0),
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

    /// From here on nothing goes wrong, and what was begun before is over.
    pub(crate) async fn calm(&self) {
        self.trouble_percent.store(0, Ordering::Relaxed);
        // Nothing that was begun, or that a crashed node holds, lasts longer.
        tokio::time::sleep(IDLE_MAX + LOCK_WAIT_MAX).await;
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

    fn trouble_percent(&self) -> u32 {
        self.trouble_percent.load(Ordering::Relaxed)
    }

    /// Waits until nobody else holds the head; false where that takes longer than the server lets a session wait.
    async fn lock_head(&self, node: Option<usize>) -> bool {
        let begun = Instant::now();
        let is_held = || self.stored.lock().is_held_by_another_than(node);
        if is_held() {
            self.stored.lock().faults.locked_out += 1;
        }
        while is_held() {
            if begun.elapsed() >= LOCK_WAIT_MAX {
                return false;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        true
    }

    /// Stores a copy of a batch a while after its node has given up waiting for the answer.
    fn store_late(self: &Arc<Self>, node: usize, batch: &Batch) {
        let (store, batch) = (Arc::clone(self), batch.clone());
        let delay = Duration::from_millis(u64::from(self.dice(LATE_MILLISECONDS_MAX)));
        let mut stored = self.stored.lock();
        stored.faults.late += 1;
        stored.under_way.push(node);
        drop(stored);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let has_lock = store.lock_head(None).await;
            let mut stored = store.stored.lock();
            stored.faults.late_stored += u64::from(has_lock && stored.store(&batch).is_ok());
            let of_node = stored.under_way.iter().position(|sender| *sender == node);
            stored.under_way.swap_remove(of_node.expect("it is on its way until here"));
        });
    }
}

fn epoch() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a calendar date")
}

/// One node's way to the shared store.
pub(crate) struct SimulatedEngine {
    store: Arc<SharedStore>,
    node: usize,
    crashed: AtomicBool,
    /// Its session has begun a transaction that locks the head, and has not heard of its end.
    holds: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    Slow,
    AnswerLost,
    LostBeforeStoring,
    Refused,
    Failed,
    Ended,
    Late,
}

impl SimulatedEngine {
    pub(crate) fn new(store: &Arc<SharedStore>) -> Arc<Self> {
        let node = store.nodes.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            store: Arc::clone(store),
            node,
            crashed: AtomicBool::new(false),
            holds: AtomicBool::new(false),
        })
    }

    /// From here on nothing this node does reaches the store, and nothing comes back, whatever it was doing.
    pub(crate) fn crash(&self) {
        self.crashed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    async fn alive(&self) {
        if self.has_crashed() {
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
        if !self.store.lock_head(Some(self.node)).await {
            return Err(WriteError::Failed("the head is locked for too long".to_owned()));
        }
        self.alive().await;
        let outcome = self.store.stored.lock().store(batch);
        tokio::task::yield_now().await;
        self.alive().await;
        outcome
    }

    fn trouble(&self) -> Trouble {
        let has_late_copy = self.store.stored.lock().under_way.contains(&self.node);
        // The lock that the copy waits for refuses the next one.
        if has_late_copy && self.store.dice(3) == 0 {
            return Trouble::Failed;
        }
        if self.store.dice(100) >= self.store.trouble_percent() {
            return Trouble::None;
        }
        match self.store.dice(11) {
            0..=3 => Trouble::Slow,
            4 | 5 => Trouble::AnswerLost,
            6 => Trouble::LostBeforeStoring,
            // What is in a batch is in each of its copies.
            7 if has_late_copy => Trouble::Slow,
            7 => Trouble::Refused,
            8 => Trouble::Failed,
            9 => Trouble::Ended,
            _ => Trouble::Late,
        }
    }

    async fn try_write(&self, batch: &Batch) -> Result<(), WriteError> {
        let trouble = self.trouble();
        tokio::time::sleep(Duration::from_micros(u64::from(self.store.dice(2_000)))).await;
        if trouble == Trouble::Slow {
            self.store.stored.lock().faults.slow += 1;
            tokio::time::sleep(Duration::from_millis(u64::from(self.store.dice(900)))).await;
        }
        if self.finds_its_lock_lost().await {
            return Err(WriteError::Unknown("the session that held the head is gone".to_owned()));
        }
        match trouble {
            Trouble::None => self.store_and_answer(batch).await,
            Trouble::Slow => {
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
                let mut stored = self.store.stored.lock();
                // A copy that was sent before may have moved it.
                stored.compare_head(batch)?;
                stored.faults.refused += 1;
                Err(WriteError::Refused("a value that the database does not take".to_owned()))
            }
            Trouble::Failed => {
                self.store.stored.lock().faults.failed += 1;
                Err(WriteError::Failed("no space left".to_owned()))
            }
            Trouble::Ended => {
                self.store.stored.lock().faults.ended += 1;
                if self.store.dice(2) == 0 {
                    self.store_and_answer(batch).await?;
                }
                Err(WriteError::Ended("an administrator ended it".to_owned()))
            }
            Trouble::Late => {
                self.alive().await;
                self.store.store_late(self.node, batch);
                Err(WriteError::Unknown("the connection was lost while the batch waited".to_owned()))
            }
        }
    }

    /// Asks the store something: where anything goes wrong, two questions of a hundred have no answer.
    async fn ask(&self) -> Result<(), SqlError> {
        self.dawdle().await;
        if self.store.trouble_percent() > 0 && self.store.dice(50) == 0 {
            self.store.stored.lock().faults.questions_failed += 1;
            return Err(SqlError::Driver(sqlx::Error::PoolTimedOut));
        }
        Ok(())
    }

    /// Whether the server has ended the session in which this node held the head.
    async fn finds_its_lock_lost(&self) -> bool {
        self.alive().await;
        let mut stored = self.store.stored.lock();
        let is_lost = self.holds.load(Ordering::Relaxed) && stored.holder() != Some(self.node);
        stored.faults.holds_lost += u64::from(is_lost);
        is_lost
    }

    /// Gives the head back, if this node holds it.
    fn let_go(&self) {
        self.holds.store(false, Ordering::Relaxed);
        let mut stored = self.store.stored.lock();
        stored.holder = stored.holder.filter(|(holder, _)| *holder != self.node);
    }
}

impl fmt::Display for SimulatedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.node)
    }
}

#[async_trait]
impl Engine for SimulatedEngine {
    async fn head(&self) -> Result<Head, SqlError> {
        self.ask().await?;
        Ok(self.store.stored.lock().head)
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let outcome = self.try_write(batch).await;
        // It was the transaction's last, or its session is gone.
        self.let_go();
        outcome
    }

    async fn check_writable(&self) -> Result<(), SqlError> {
        Err(SqlError::Unsuitable("the simulated database knows batches alone".to_owned()))
    }

    async fn hold(&self) -> Result<Head, SqlError> {
        self.ask().await?;
        if !self.store.lock_head(Some(self.node)).await {
            return Err(SqlError::Driver(sqlx::Error::PoolTimedOut));
        }
        let is_ended_early = self.store.trouble_percent() > 0 && self.store.dice(3) == 0;
        let idle_max = if is_ended_early {
            Duration::from_millis(u64::from(self.store.dice(ENDED_MILLISECONDS_MAX)))
        } else {
            IDLE_MAX
        };
        let mut stored = self.store.stored.lock();
        stored.faults.heads_held += 1;
        stored.holder = Some((self.node, Instant::now() + idle_max));
        self.holds.store(true, Ordering::Relaxed);
        Ok(stored.head)
    }

    async fn release(&self) -> Result<(), SqlError> {
        let is_lost = self.finds_its_lock_lost().await;
        self.let_go();
        if is_lost { Err(SqlError::Driver(sqlx::Error::Io(ErrorKind::BrokenPipe.into()))) } else { Ok(()) }
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.ask().await?;
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
        self.ask().await?;
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
        self.ask().await?;
        let stored = self.store.stored.lock();
        Ok(streams.iter().filter_map(|stream| Some((stream.clone(), stored.versions.get(stream).copied()?))).collect())
    }

    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        self.ask().await?;
        let stored = self.store.stored.lock();
        Ok(keys.iter().filter_map(|key| Some((*key, stored.dedupe.get(key).copied()?))).collect())
    }

    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError> {
        self.ask().await?;
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
