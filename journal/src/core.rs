//! [`Core`]: what the handle, the writer and the watchers of a journal share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use muniment_aggregates::record::{Position, RecordedEvent};
use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::admit::Names;
use crate::engine::{Batch, Change, Engine, Head, Identity};
use crate::foreign::Departure;
use crate::keyring::KeyRing;
use crate::limits::JournalLimits;
use crate::tail::Tail;

/// What the handle, the writer and the watchers share.
pub(crate) struct Core {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) keyring: KeyRing,
    pub(crate) limits: JournalLimits,
    pub(crate) tail: Tail,
    pub(crate) identity: Identity,
    /// The end of the record as this node knows it: what a database that has less, or something else there, has lost.
    seen: RwLock<Head>,
    pub(crate) names: Names,
    /// A batch is without an outcome for long, or the database does not answer.
    stalled: AtomicBool,
    /// Why nothing can be appended any more.
    broken: RwLock<Option<String>>,
    /// The newest batch could not be written.
    failing: AtomicBool,
    /// The highest head anybody reported.
    pub(crate) foreign_head: AtomicU64,
    pub(crate) foreign: Notify,
    pub(crate) closing: watch::Sender<bool>,
    /// The writer has ended.
    pub(crate) finished: watch::Sender<bool>,
    /// Why the record in the database is not the one that this node knows, since that was found.
    pub(crate) departed: watch::Sender<Option<Departure>>,
    /// Position of the newest append of this node that mail left with.
    mailed: watch::Sender<Position>,
}

impl Core {
    /// What is known where the record has this end.
    pub(crate) fn new(engine: Arc<dyn Engine>, keyring: KeyRing, limits: JournalLimits, head: Head) -> Self {
        Self {
            tail: Tail::new(head.position, limits.ring_bytes_max),
            identity: head.identity,
            seen: RwLock::new(head),
            names: Names::default(),
            stalled: AtomicBool::new(false),
            broken: RwLock::new(None),
            failing: AtomicBool::new(false),
            foreign_head: AtomicU64::new(0),
            foreign: Notify::new(),
            closing: watch::Sender::new(false),
            finished: watch::Sender::new(false),
            departed: watch::Sender::new(None),
            mailed: watch::Sender::new(Position::START),
            engine,
            keyring,
            limits,
        }
    }

    /// Whether a batch is without an outcome for long, or the database does not answer.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Release);
    }

    /// Whether the newest batch could not be written.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Release);
    }

    /// Why nothing can be appended any more, if that is so.
    pub(crate) fn broken(&self) -> Option<String> {
        self.broken.read().clone()
    }

    pub(crate) fn break_down(&self, reason: &str) {
        *self.broken.write() = Some(reason.to_owned());
    }

    /// The end of the record as this node knows it.
    pub(crate) fn seen(&self) -> Head {
        *self.seen.read()
    }

    /// Follows the mail that leaves with this node's appends.
    pub(crate) fn watch_mail(&self) -> watch::Receiver<Position> {
        self.mailed.subscribe()
    }

    /// Says that a durable batch brought mail, if it did.
    pub(crate) fn tell_of_mail(&self, batch: &Batch) {
        let mail = batch.changes.iter().rev().find_map(|change| match change {
            Change::Mail { position, .. } => Some(*position),
            Change::Take { .. } | Change::Release { .. } | Change::Erase { .. } => None,
        });
        if let Some(position) = mail {
            self.mailed.send_replace(position);
        }
    }

    /// Durable events, in order: to those whose fences they may let fall. Before anything is written on top of them.
    pub(crate) fn forewarn(&self, events: &[Arc<RecordedEvent>]) {
        self.tail.forewarn(events);
    }

    /// Durable events, in order: to key ring, ring, hooks and readers. [`Core::forewarn`] comes first.
    pub(crate) fn publish(&self, events: &[Arc<RecordedEvent>]) {
        events.iter().for_each(|event| self.keyring.observe(event));
        if let Some(last) = events.last() {
            let mut seen = self.seen.write();
            (seen.position, seen.hash, seen.recorded_at) = (last.position, last.hash, last.recorded_at);
        }
        self.tail.publish(events);
        // A gauge is a float; positions beyond 2^53 are a matter of centuries.
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("muniment_journal_head").set(self.tail.head().0 as f64);
    }
}
