//! The envelope: what the journal stores around a payload it does not understand.
//!
//! Positions count the whole journal without gaps; sequences count one stream. Both start at 1.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;

/// A place in the journal: 1, 2, 3 … in commit order, without gaps. 0 means *before the first event*.
///
/// On the wire a position is a decimal string, because JSON readers lose integers above 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Position = Position(0);

    /// The position that follows this one.
    #[must_use]
    pub const fn next(self) -> Position {
        Position(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one stream: the aggregate's type and the instance's id. Ordered by type, then id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// Aggregate type, for example `metric`.
    pub kind: Arc<str>,
    /// Instance id, unique within the type.
    pub id: Arc<str>,
}

impl StreamId {
    /// Names the stream of one instance.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: Arc::from(kind), id: Arc::from(id) }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// The unique key under which an event is recorded at most once, for ever (design section 3).
///
/// 32 bytes of BLAKE3 over a stream and a caller's idempotency key; made by [`DedupeKey::of`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupeKey(pub [u8; 32]);

impl DedupeKey {
    /// The key of `caller_key` within `stream`. Lengths are hashed too, so no two pairs collide by concatenation.
    #[must_use]
    pub fn of(stream: &StreamId, caller_key: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"muniment/dedupe/v1");
        for part in [stream.kind.as_bytes(), stream.id.as_bytes(), caller_key.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for DedupeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DedupeKey({})", hex::encode(&self.0[..8]))
    }
}

/// One event as the journal keeps it. `payload` and `metadata` are the stored bytes, never re-serialised,
/// because the hash covers exactly them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Place in the journal.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Place in its stream, from 1 without gaps.
    pub sequence: u64,
    /// Literal type name, for example `metric.point_recorded`.
    pub event_type: Arc<str>,
    /// Version of the payload's shape, `major.minor` as cqrs-es stores it.
    pub event_version: Arc<str>,
    /// JSON text of the payload.
    pub payload: Box<str>,
    /// JSON text of [`Metadata`]; shared by the events of one command.
    pub metadata: Arc<str>,
    /// When the journal took it, UTC, microseconds.
    pub recorded_at: DateTime<Utc>,
    /// The key it was recorded under at most once, where it has one.
    pub dedupe: Option<DedupeKey>,
    /// BLAKE3 over the previous event's hash and this event's canonical bytes.
    pub hash: [u8; 32],
}

/// Who caused an event: the part of [`Metadata`] an investigator reads first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// Nobody has proved an identity yet, for example at the start of a sign-in.
    Anonymous,
    /// The installation itself: a policy or the scheduler, by component name.
    System {
        /// Which component, for example `alert-evaluator`.
        component: String,
    },
    /// Somebody with access to the server's own files, through the command line.
    Operator,
    /// A signed-in person.
    Account {
        /// Account id.
        account: String,
        /// The persona acted as, where one was resolved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        persona: Option<String>,
        /// How the request proved itself: `founder_session`, `session`, `api_token`, `daemon_token`.
        credential: String,
        /// Public id of that credential; never the secret.
        credential_id: String,
    },
    /// A program acting under an agent token.
    Agent {
        /// Company the token is bound to.
        company: String,
        /// Application that made it.
        application: String,
        /// Public id of the token.
        token: String,
        /// Name of the token when it acted.
        name: String,
    },
}

/// What stands beside every event, so that an audit is a replay (design section 3, invariant 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who caused it.
    pub who: Who,
    /// Client address, sealed under the subject it belongs to. Absent outside a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Sealed>,
    /// Correlates everything that one request caused; also in logs and in 500 answers.
    pub correlation: String,
    /// Position of the event that caused this one, where an event did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Position>,
    /// The surface the command came by: `http`, `ws` (a socket of `/api`), `cli` or `policy`.
    pub surface: String,
    /// Name of the command, for example `record_point`.
    pub command: String,
}
