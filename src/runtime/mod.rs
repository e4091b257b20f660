//! The actors: commands in, decisions, durable events out, read models and policies behind them.
//!
//! Joins `aggregates`, `journal` and `projections`; knows no HTTP and no JSON of the wire.
//!
//! # Reading order
//!
//! - A command: [`origin`] (who asks), [`command_bus`] (the one way in), [`directory`] and [`aggregate_actor`] (one actor a live
//!   aggregate), [`fold`] (from events to its state), [`recall`] (requests that can be taken back before their first append).
//! - Several streams: [`transaction`] (one decision over them; in `stream_queues` who lost a race waits for a turn),
//!   [`scopes`] (what is done over all books of a scope), [`accounts`] (what is done to accounts from beside the surface).
//! - For the auditor: [`recount`] (claims and snapshots against the events), [`kinds`] (from a stream's name to its aggregate),
//!   [`documents`] (what differs between two states).
//! - Queries: [`reads`] (waiting for the read models), [`projector`] (keeps them at the head), [`retired`] (drops those that were
//!   replaced), [`readiness`] (whether this node can serve), [`moment`] (from a time to a position), [`why`] (the proof of a role, from
//!   events alone).
//! - Tasks: [`policies`] (what reacts to events by sending commands), [`leadership`] (which node does what one does at a time). All that
//!   run are listed in [`app::node`](crate::app).
//! - For all: [`clock`], [`limits`], [`errors`].

pub mod accounts;
pub mod actor_messages;
pub mod aggregate_actor;
pub mod clock;
pub mod command_bus;
pub mod directory;
pub mod documents;
pub mod errors;
pub mod fold;
#[cfg(test)]
pub(crate) mod fragile;
#[cfg(test)]
pub(crate) mod fresh;
mod in_flight;
#[cfg(test)]
#[path = "../../journal/tests/contract/interposed.rs"]
pub(crate) mod interposed;
pub mod kinds;
pub mod leadership;
pub mod limits;
pub mod moment;
pub mod origin;
mod paging;
pub mod policies;
pub mod projector;
#[cfg(test)]
mod races_tests;
pub mod readiness;
pub mod reads;
pub mod recall;
pub mod recount;
pub mod retired;
pub mod scopes;
mod stream_queues;
#[cfg(test)]
mod tests;
pub mod transaction;
pub mod why;

use std::sync::Arc;

use muniment_journal::Journal;

pub use clock::Clock;
pub use command_bus::{CommandBus, Done};
pub use errors::BusError;
pub use origin::Origin;
pub use reads::{ReadPosition, Reads};

/// What every surface holds: the way to the journal, to the actors and to the read models.
#[derive(Clone)]
pub struct Runtime {
    /// The record.
    pub journal: Journal,
    /// The way commands go in.
    pub bus: CommandBus,
    /// The read models of this node.
    pub reads: Arc<Reads>,
    /// The one clock; tests set it.
    pub clock: Clock,
}
