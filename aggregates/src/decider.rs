//! The contract of an aggregate: `decide` says what happens, `evolve` says what that means, `Default` is where
//! every history begins. Nothing else; everything from outside comes in the command or in [`Facts`].

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claims::ClaimChange;
use crate::record::{DedupeKey, StreamId};

/// What a decision may know of the world besides the command.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The instant of the decision. All expiry is judged against it.
    pub now: DateTime<Utc>,
}

/// An event of one aggregate. The serialised form is the externally tagged enum, as cqrs-es stores it.
pub trait DomainEvent: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Literal name, spelled whole at one place, for example `metric.point_recorded`.
    fn event_type(&self) -> &'static str;

    /// Version of the payload's shape, `major.minor`.
    fn event_version(&self) -> &'static str;

    /// The unique keys this event takes and releases on behalf of `stream`.
    fn claims(&self, stream: &StreamId) -> Vec<ClaimChange> {
        let _ = stream;
        Vec::new()
    }

    /// The key under which this event may be recorded once, where it has one.
    fn dedupe(&self, stream: &StreamId) -> Option<DedupeKey> {
        let _ = stream;
        None
    }
}

/// A refusal: the command was understood and the rules say no. Stable, machine-readable, never a fault.
pub trait Refuse: std::error::Error + Clone + Send + Sync + 'static {
    /// The stable reason code that surfaces translate to a status.
    fn reason(&self) -> &'static str;
}

/// An aggregate: the unit that decides alone.
pub trait Decider: Default + Clone + Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// Stream type, for example `metric`.
    const TYPE: &'static str;
    /// Changes whenever the serialised state or `evolve` changes meaning; older snapshots are then ignored.
    const SNAPSHOT_SCHEMA: u32;

    /// What it can be asked.
    type Command: Clone + Send + Sync + Unpin + 'static;
    /// What can have happened to it.
    type Event: DomainEvent;
    /// How it says no.
    type Refusal: Refuse;

    /// Decides a command on this state. No events means: allowed, and nothing changes.
    ///
    /// # Errors
    /// The typed refusal; nothing is recorded then.
    fn decide(&self, command: &Self::Command, facts: &Facts) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Takes one event into the state. Never refuses and never panics, on any history.
    fn evolve(&mut self, event: &Self::Event);
}
