//! What can be said to an aggregate's actor, and what can be seen of it without asking.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use actix::Message;
use muniment_aggregates::decider::Decider;
use muniment_journal::Fence;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::command_bus::Done;
use super::errors::BusError;
use super::fold::Folded;
use super::recall::Recall;
use crate::telemetry::spans::SPANS;

/// How a command ends.
pub type Outcome<D> = Result<Done<<D as Decider>::Event>, BusError<<D as Decider>::Refusal>>;

/// What the directory and the tail see of an actor without asking it.
#[derive(Debug, Default)]
pub struct ActorFlags {
    /// Sequence of the last event the actor has proposed or folded.
    pub version: AtomicU64,
    /// Sequence of the newest event of the stream that this node has seen published since the actor began.
    pub published: AtomicU64,
    /// Set when the actor is to leave memory as soon as nothing depends on it.
    pub retiring: AtomicBool,
    /// Set when the actor leaves in order, with nothing in hand; what its mailbox still holds is never decided.
    pub retired: AtomicBool,
    /// Requests in its mailbox. actix counts none: every copy of an address has a slot of its own there, however many
    /// copies there are.
    queued: AtomicUsize,
}

impl ActorFlags {
    /// Takes a place in the mailbox; `false` where `most` are taken.
    #[must_use]
    pub fn enter(&self, most: NonZeroUsize) -> bool {
        let has_room = self.queued.fetch_add(1, Ordering::AcqRel) < most.get();
        if !has_room {
            self.leave();
        }
        has_room
    }

    /// Gives a place in the mailbox back.
    pub fn leave(&self) {
        self.queued.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether this node has seen an event of the stream that the actor has neither proposed nor folded. Never reset: it
    /// ends by the actor having seen it.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.published.load(Ordering::Acquire) > self.version.load(Ordering::Acquire)
    }

    /// Whether the actor is to leave memory: it may be told of nothing any more, so that nothing tells whether it is stale.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.retiring.load(Ordering::Acquire)
    }
}

/// The state of an actor that was asked for it, for whoever asks next without a message. Everything in it is durable.
#[derive(Debug)]
pub struct StateCache<D: Decider>(Mutex<Option<Folded<D>>>);

impl<D: Decider> Default for StateCache<D> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<D: Decider> StateCache<D> {
    /// Replaces what is cached.
    pub(super) fn set(&self, folded: Option<Folded<D>>) {
        *self.0.lock() = folded;
    }

    /// What is cached, where the actor has neither proposed nor this node seen anything since.
    #[must_use]
    pub fn unless_changed(&self, flags: &ActorFlags) -> Option<Folded<D>> {
        let cached = self.0.lock().clone()?;
        let is_current = cached.version == flags.version.load(Ordering::Acquire) && !flags.is_stale();
        is_current.then_some(cached)
    }
}

/// A command on its way through the actor.
pub struct Pending<D: Decider> {
    /// The command; shared, because it may be decided more than once.
    pub command: Arc<D::Command>,
    /// The stored form of its origin.
    pub metadata: Arc<str>,
    /// Correlation id, for the log line of a failing handler.
    pub correlation: Arc<str>,
    /// The command's span, from the bus to the answer.
    pub span: tracing::Span,
    /// What it is recorded under, where its caller gave something.
    pub fence: Option<Fence>,
    /// Where the outcome goes.
    pub reply: oneshot::Sender<Outcome<D>>,
    /// Asked before anything of it is handed to the journal, where its request can be taken back.
    pub recall: Option<Arc<Recall>>,
    /// How often it lost a race so far.
    pub races_lost: u32,
}

impl<D: Decider> Pending<D> {
    /// The span of the loading of the state it is decided on.
    pub(super) fn loading(&self) -> tracing::Span {
        tracing::info_span!(target: SPANS, parent: &self.span, "load", aggregate = D::TYPE)
    }

    /// Whether it may be recorded: from here on its request cannot be taken back.
    pub(super) fn hand_over(&self) -> bool {
        self.recall.as_ref().is_none_or(|recall| recall.hand_over())
    }

    /// The span of one decision.
    pub(super) fn decision(&self) -> tracing::Span {
        tracing::info_span!(target: SPANS, parent: &self.span, "decide", aggregate = D::TYPE, races_lost = self.races_lost)
    }
}

/// Asks the actor to decide a command.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Execute<D: Decider>(pub Pending<D>);

/// Asks the actor for its state and version, to decide over several streams.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GetState<D: Decider>(pub oneshot::Sender<Result<Folded<D>, BusError<D::Refusal>>>);

/// Wakes an actor that is to leave memory; [`ActorFlags::retiring`] is what tells it to.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Passivate;
