//! What an aggregate's actor has taken and not answered: what it has begun, and what waits behind that.

use muniment_aggregates::decider::Decider;
use muniment_aggregates::record::DedupeKey;
use muniment_journal::Ticket;
use tokio::sync::oneshot;
use tracing::Span;

use super::actor_messages::{Outcome, Pending};
use super::errors::BusError;
use super::fold::Folded;

/// Where a state is told.
pub(super) type StateReply<D> = oneshot::Sender<Result<Folded<D>, BusError<<D as Decider>::Refusal>>>;

/// What was begun and is not answered.
pub(super) enum InFlight<D: Decider> {
    /// Submitted to the journal.
    Append { pending: Pending<D>, events: Vec<D::Event>, keys: Vec<(usize, DedupeKey)>, ticket: Ticket },
    /// Decided without events; leaves when everything before it is durable.
    Answer { pending: Pending<D>, outcome: Outcome<D> },
    /// Bears a key that is in flight; decided again when it comes to the front.
    Again { pending: Pending<D> },
    /// Asked for; leaves when everything in it is durable.
    State { sender: StateReply<D>, folded: Folded<D> },
}

/// What waits to be served.
pub(super) enum Waiting<D: Decider> {
    Command(Pending<D>),
    State(StateReply<D>),
}

impl<D: Decider> Waiting<D> {
    /// The span of the loading that this is the first to wait for.
    pub(super) fn loading(&self) -> Span {
        match self {
            Self::Command(pending) => pending.loading(),
            Self::State(_) => Span::none(),
        }
    }
}
