//! [`Journal`]: the handle through which everybody appends and reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::claims::ClaimKey;
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_sql::SqlError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admit::{Submission, admit};
use crate::append::{Append, AppendError, Appended, Ticket};
use crate::core::Core;
use crate::engine::{ClaimId, Engine, Head, Identity};
use crate::foreign::{self, HeadAsker};
use crate::keyring::KeyRing;
use crate::limits::{JournalLimits, READ_EVENTS_MAX, SHUTDOWN_MILLISECONDS_MAX};
use crate::outbox::Outbox;
use crate::seal::SealError;
use crate::snapshot::{self, Snapshot};
use crate::tail::PublishHook;
use crate::writer::Writer;

/// Askers for the head that may wait; more are answered as unavailable.
const ASKERS_WAITING_MAX: usize = 10_000;

/// What is said while a batch is without an outcome for long.
const NO_ANSWER: &str = "the database does not answer";
/// What is said where it answers and takes nothing; the log has its words.
const NO_WRITES: &str = "the database cannot be written";

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The keys.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The head could not be confirmed in time: what is known here may be old.
    #[error("the head of the record cannot be confirmed: {0}")]
    Unavailable(String),
    /// The journal has been shut down.
    #[error("the journal is closed")]
    Closed,
}

/// The record. Cheap to clone; all clones share one writer and one tail.
#[derive(Clone)]
pub struct Journal {
    core: Arc<Core>,
    queue: mpsc::Sender<Submission>,
    askers: mpsc::Sender<HeadAsker>,
}

impl Journal {
    /// The record behind any engine. [`Journal::open`] makes the engine from a configuration.
    ///
    /// # Errors
    /// When the engine cannot tell its head.
    pub async fn with_engine(
        engine: Arc<dyn Engine>,
        keyring: KeyRing,
        limits: JournalLimits,
    ) -> Result<Self, SqlError> {
        let head = engine.head().await?;
        Ok(Self::start(engine, keyring, limits, head))
    }

    fn start(engine: Arc<dyn Engine>, keyring: KeyRing, limits: JournalLimits, head: Head) -> Self {
        let (queue, submissions) = mpsc::channel(limits.queue_appends_max.max(1));
        let (askers, asked) = mpsc::channel(ASKERS_WAITING_MAX);
        let core = Arc::new(Core::new(engine, keyring, limits, head));
        // The writer ends when every handle is dropped or `shutdown` is called; the two others end with it.
        tokio::spawn(Writer::new(Arc::clone(&core), submissions, head).run());
        if core.engine.shared() {
            tokio::spawn(foreign::watch(Arc::clone(&core)));
            tokio::spawn(foreign::confirm(Arc::clone(&core), asked));
        }
        Self { core, queue, askers }
    }

    /// Hands an append to the writer. The ticket resolves when it is durable or refused.
    ///
    /// # Errors
    /// At once when the append is invalid, the queue is full, the database does not answer, or the journal is closed.
    pub fn submit(&self, append: Append) -> Result<Ticket, AppendError> {
        if let Some(reason) = self.core.broken() {
            return Err(AppendError::Unavailable(reason));
        }
        if !self.core.engine.writable() {
            return Err(AppendError::Closed);
        }
        if self.core.is_stalled() {
            return Err(AppendError::Unavailable(NO_ANSWER.to_owned()));
        }
        let (reply, ticket) = oneshot::channel();
        let submission = admit(append, reply, &self.core.names, &self.core.limits)?;
        self.queue.try_send(submission).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => AppendError::Closed,
        })?;
        Ok(Ticket(ticket))
    }

    /// Whether the queue takes another append at this moment.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.capacity() > 0
    }

    /// [`Journal::submit`] and wait.
    ///
    /// # Errors
    /// Why nothing of the append was recorded, or that nobody can say ([`AppendError::Uncertain`]).
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.submit(append)?.await
    }

    /// The last position this node has seen; everything up to it can be read here.
    #[must_use]
    pub fn head(&self) -> Position {
        self.core.tail.head()
    }

    /// Follows [`Journal::head`].
    #[must_use]
    pub fn watch_head(&self) -> watch::Receiver<Position> {
        self.core.tail.watch()
    }

    /// The head as of now, seen by this node: whatever any node acknowledged before this call can be read after it.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when that takes longer than [`JournalLimits::answer_max`], or the database no longer has
    /// the record that this node knows.
    pub async fn confirm_head(&self) -> Result<Position, JournalError> {
        self.confirm_head_from(Position::START).await
    }

    /// Waits until a position that the database names can be read here. It names what is committed, and this node, whoever
    /// wrote it, may not have taken that in yet.
    ///
    /// # Errors
    /// As [`Journal::confirm_head`].
    pub async fn wait_for(&self, named: Position) -> Result<(), JournalError> {
        if self.head() >= named {
            return Ok(());
        }
        self.confirm_head_from(named).await.map(drop)
    }

    /// The head as of now, which is known to be no less than `known`.
    async fn confirm_head_from(&self, known: Position) -> Result<Position, JournalError> {
        let bound = self.core.limits.answer_max;
        let late = |_| JournalError::Unavailable(format!("no answer within {} ms", bound.as_millis()));
        let newest = async {
            let position = self.ask_newest().await?.max(known);
            let mut seen = self.core.tail.watch();
            seen.wait_for(|head| *head >= position).await.map_err(|_| JournalError::Closed)?;
            Ok(position)
        };
        tokio::time::timeout(bound, newest).await.map_err(late)?
    }

    async fn ask_newest(&self) -> Result<Position, JournalError> {
        if !self.core.engine.shared() {
            // Hooks may know of a batch already for which the head has not moved: whoever learned of it from them and
            // asks here must find it.
            return Ok(self.core.tail.newest());
        }
        let (asker, answer) = oneshot::channel();
        self.askers.try_send(asker).map_err(|error| JournalError::Unavailable(error.to_string()))?;
        answer.await.map_err(|_| JournalError::Closed)?.map_err(JournalError::Unavailable)
    }

    /// Up to `limit` events after `after`, contiguous from the next position; empty at the head.
    ///
    /// # Errors
    /// When they are no longer in memory and the database fails.
    pub async fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, JournalError> {
        let limit = limit.min(READ_EVENTS_MAX);
        if let Some(events) = self.core.tail.read(after, limit) {
            return Ok(events);
        }
        let events = self.core.engine.read(after, self.head(), limit).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// The event at a position, if the record has one there.
    ///
    /// # Errors
    /// When it is no longer in memory and the database fails.
    pub async fn event(&self, position: Position) -> Result<Option<Arc<RecordedEvent>>, JournalError> {
        let Some(before) = position.0.checked_sub(1) else { return Ok(None) };
        // A damaged record may lack it, and the next one is not it.
        Ok(self.read(Position(before), 1).await?.pop().filter(|event| event.position == position))
    }

    /// Up to `limit` events of one stream with a sequence above `after_sequence`, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, JournalError> {
        let events = self.core.engine.read_stream(stream, after_sequence, limit.min(READ_EVENTS_MAX)).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Asks the database something, to learn whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), JournalError> {
        self.find_dedupe(&[DedupeKey([0; 32])]).await.map(drop)
    }

    /// Where the events of these dedupe keys stand; keys without one are left out. It may be ahead of [`Journal::head`]:
    /// [`Journal::wait_for`] comes before one of them is read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, JournalError> {
        Ok(self.core.engine.find_dedupe(keys).await?)
    }

    /// Who holds a unique key, given in clear and normalised. What set free a key that nobody holds is found by whoever asks
    /// [`Journal::confirm_head`] next.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_owner(&self, namespace: &'static str, key: &str) -> Result<Option<StreamId>, JournalError> {
        let key = ClaimKey::Clear(key.to_owned());
        let Some(found) = self.core.keyring.claim_digest(namespace, &key).await? else { return Ok(None) };
        let claim = ClaimId { namespace, digest: found.digest };
        let engine = &self.core.engine;
        let owner = engine.claim_owners(std::slice::from_ref(&claim)).await?.remove(&claim);
        if owner.is_none() && engine.writable() && !engine.shared() {
            // It may have been released by a batch that stands and that this node has yet to take in. Of a shared record
            // [`Journal::confirm_head`] asks the database.
            self.wait_for(engine.head().await?.position).await?;
        }
        Ok(owner)
    }

    /// The snapshot of a stream, if there is one of this schema.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_snapshot(&self, stream: &StreamId, schema: u32) -> Result<Option<Snapshot>, JournalError> {
        let Some(stores) = self.core.engine.stores() else { return Ok(None) };
        Ok(snapshot::load(&stores, stream, schema).await?)
    }

    /// The streams that have a snapshot of whatever schema, in order, after one of them or from the first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn snapshot_streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, JournalError> {
        let Some(stores) = self.core.engine.stores() else { return Ok(Vec::new()) };
        Ok(snapshot::streams(&stores, after, limit).await?)
    }

    /// Keeps a snapshot; of two of one stream and schema the higher sequence wins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_snapshot(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), JournalError> {
        let Some(stores) = self.core.engine.stores() else { return Ok(()) };
        Ok(snapshot::save(&stores, stream, &snapshot).await?)
    }

    /// The mail that left with appends and waits to be sent.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.core.engine.stores())
    }

    /// Follows the mail that leaves with this node's appends, by the position of each such append. Of another node's that
    /// node knows.
    #[must_use]
    pub fn watch_mail(&self) -> watch::Receiver<Position> {
        self.core.watch_mail()
    }

    /// Calls `hook` with every batch in order, right after it is durable and before its tickets resolve; also with
    /// events of other nodes. It must not block.
    pub fn on_publish(&self, hook: PublishHook) {
        self.core.tail.add_hook(hook);
    }

    /// Calls `hook` with every batch before anything is written on top of it, whoever wrote it: for what lets a
    /// [`crate::Fence`] fall. The database waits meanwhile, so it does no more than that.
    pub fn on_durable(&self, hook: PublishHook) {
        self.core.tail.add_first_hook(hook);
    }

    /// The keys under which personal values are sealed.
    #[must_use]
    pub fn keyring(&self) -> &KeyRing {
        &self.core.keyring
    }

    /// Which record this is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.core.identity
    }

    /// Whether something can be appended, as far as the newest batch tells. Where that could not be written, as on a full
    /// disk, it is tried here: nobody may come to write while this node says that it cannot.
    ///
    /// # Errors
    /// Why not, for the operator.
    pub async fn check_writable(&self) -> Result<(), String> {
        if let Some(reason) = self.core.broken() {
            return Err(reason);
        }
        if self.core.is_stalled() {
            return Err(NO_ANSWER.to_owned());
        }
        if !self.core.is_failing() {
            return Ok(());
        }
        match tokio::time::timeout(self.core.limits.answer_max, self.core.engine.check_writable()).await {
            Ok(Ok(())) => {
                self.core.set_failing(false);
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the record still cannot be written");
                Err(NO_WRITES.to_owned())
            }
            Err(_) => Err(NO_ANSWER.to_owned()),
        }
    }

    /// Resolves, with the reason, when the database is found to have another record than the one that this node knows, or
    /// less of it. Nothing can be served from this handle any more: whoever opens the record anew sees what there is.
    pub async fn departed(&self) -> String {
        foreign::departed(&self.core).await.to_string()
    }

    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.core.engine
    }

    /// Takes no more appends, finishes what is queued, closes the database.
    pub async fn shutdown(&self) {
        self.core.closing.send_replace(true);
        let mut finished = self.core.finished.subscribe();
        let bound = Duration::from_millis(SHUTDOWN_MILLISECONDS_MAX * 2);
        let ended = tokio::time::timeout(bound, finished.wait_for(|finished| *finished)).await;
        if ended.is_err() {
            tracing::error!("the journal's writer did not end in time");
        }
        self.core.engine.close().await;
    }
}
