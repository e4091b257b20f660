//! What a read model is: a name, a version, the streams it cares for, its schema, and how it folds events into rows.

use std::sync::Arc;

use async_trait::async_trait;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{Engine, SqlError};

use crate::fact::Fact;
use crate::rows::Rows;

/// A table of a read model.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Name with version and without generation, for example `points_v1`.
    pub name: &'static str,
    /// Columns that tell rows apart; a verification reports them.
    pub key: &'static [&'static str],
}

/// An earlier version of a read model, which older programs filled.
#[derive(Debug, Clone, Copy)]
pub struct Former {
    /// Its version.
    pub version: u32,
    /// Its tables, without generation.
    pub tables: &'static [&'static str],
}

/// A read model. Everything it knows comes from events, so it can be dropped and rebuilt at any time.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Name of the model, for example `metrics`.
    fn name(&self) -> &'static str;

    /// Changes with the shape or the meaning of its rows; another version has other tables.
    fn version(&self) -> u32;

    /// Its tables, all of which [`Projection::schema`] creates.
    fn tables(&self) -> &'static [Table];

    /// Its earlier versions, whose tables a node that starts drops: nothing is folded into them any more, an erasure neither.
    fn former(&self) -> &'static [Former] {
        &[]
    }

    /// The script that creates generation 0, from `migrations/<engine>/read_models/`.
    fn schema(&self, engine: Engine) -> &'static str;

    /// Stream types whose events it takes. Events of other streams only move its checkpoint; an event of these
    /// streams that cannot be understood stops it.
    fn interest(&self) -> &'static [&'static str];

    /// Folds `facts` (position order, all of streams of interest) into rows, in the transaction that moves the
    /// checkpoint past them. That checkpoint alone makes it happen once: `apply` need not be idempotent.
    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError>;
}

/// An event that a projection could not take. It stops there until the cause is fixed; no event is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event_type} at position {position}: {reason}")]
pub struct Poison {
    /// Where the event stands.
    pub position: Position,
    /// Its type.
    pub event_type: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Poison {
    /// Names the event and what is wrong with it.
    #[must_use]
    pub fn new(event: &RecordedEvent, reason: impl Into<String>) -> Self {
        Self { position: event.position, event_type: event.event_type.to_string(), reason: reason.into() }
    }
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An event stops the projection.
    #[error(transparent)]
    Event(#[from] Poison),
    /// The database failed; the same batch may succeed later.
    #[error(transparent)]
    Store(#[from] SqlError),
}

/// Events of streams of interest, as [`Projection::apply`] takes them, each decoded once for all projections.
pub(crate) type Batch = [Arc<RecordedEvent>];
