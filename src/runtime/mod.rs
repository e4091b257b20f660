//! The actors: commands in, decisions, durable events out, read models and policies behind them.
//!
//! Joins `aggregates`, `journal` and `projections`; knows no HTTP and no JSON of the wire. Reading order:
//! [`origin`] (who asks), [`command_bus`] (the one way in), [`directory`] and [`aggregate_actor`] (one actor a
//! live aggregate), [`transaction`] (decisions over several streams), [`reads`] and [`projector`] (read models
//! and waiting for them), [`policies`] (what reacts to events by sending commands).

pub mod accounts;
pub mod actor_messages;
pub mod aggregate_actor;
pub mod clock;
pub mod command_bus;
pub mod directory;
pub mod errors;
pub mod fold;
#[cfg(test)]
pub(crate) mod fragile;
#[cfg(test)]
pub(crate) mod fresh;
mod in_flight;
pub mod leadership;
pub mod limits;
pub mod moment;
pub mod origin;
mod paging;
pub mod policies;
pub mod projector;
#[cfg(test)]
mod races_tests;
pub mod reads;
pub mod recall;
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
