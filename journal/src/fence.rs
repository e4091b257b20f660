//! Rights that a decision rests on and that a stream's version does not tell: counted where they are remembered, compared
//! where the decision is recorded.
//!
//! A node that remembers who may do what learns from a hook ([`crate::Journal::on_durable`]) what has ended. Of what another
//! node recorded a moment ago it knows nothing yet, so it would have to ask the database before each decision. An append
//! under a [`Fence`] need not be preceded by that question: it is written only on top of events that passed the hook, and
//! where the database has others, whoever wrote them, these pass it first and the fence is compared again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the ends of what somebody remembers. To be moved inside a hook of [`crate::Journal::on_durable`]: before the event
/// that ends it is acknowledged here, and before anything is written on top of it, whoever recorded it.
#[derive(Debug, Clone, Default)]
pub struct FenceCounter(Arc<AtomicU64>);

impl FenceCounter {
    /// A fence that holds until the counter moves. To be taken before what it shall vouch for is looked up.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence { at: self.now(), counter: self.clone() }
    }

    /// Lets every fence fall that was taken so far.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What was known when a decision was begun: a fencing token of this node, which the journal compares when it takes an
/// append in ([`crate::Append::fence`]).
#[derive(Debug, Clone)]
pub struct Fence {
    at: u64,
    counter: FenceCounter,
}

impl Fence {
    /// Whether nothing has ended since it was taken, as far as this node has seen.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.counter.now() == self.at
    }
}
