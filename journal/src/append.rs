//! What callers hand to the journal and what they get back: [`Append`], [`Appended`], [`AppendError`], [`Ticket`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use muniment_aggregates::claims::ClaimChange;
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_aggregates::sealed::{Sealed, SubjectId};
use tokio::sync::oneshot;

use crate::fence::Fence;

/// One decision to record: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// The events, in order. Their sequences follow from `expect`: expected + 1, + 2 … per stream.
    pub events: Vec<NewEvent>,
    /// The version of every stream the decision was taken on: each one written, and those only read.
    pub expect: Vec<(StreamId, u64)>,
    /// Unique keys taken and released, in order, each by its owner.
    pub claims: Vec<(StreamId, ClaimChange)>,
    /// What else the decision rests on, where it was taken before the answers to earlier appends were known.
    pub lineage: Option<Lineage>,
    /// What else it rests on that no stream's version tells: it is recorded only while this holds.
    pub fence: Option<Fence>,
    /// JSON text of the metadata, shared by all events.
    pub metadata: Arc<str>,
    /// Subjects whose key is destroyed and whose claims are freed in the same transaction.
    pub erase_subjects: Vec<SubjectId>,
    /// Mail to send once, and only if, this is recorded.
    pub outbox: Vec<NewMail>,
}

/// Appends that are decided one on the other before their answers are known. Once the journal has refused one, it
/// refuses all that come later: their versions alone would not tell, since another writer may have filled the number
/// that the refused one would have had.
#[derive(Debug, Clone, Default)]
pub struct Lineage(Arc<AtomicBool>);

impl Lineage {
    pub(crate) fn fall(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_fallen(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An event before it has a position.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Literal type name.
    pub event_type: &'static str,
    /// Version of the payload's shape, `major.minor`.
    pub event_version: &'static str,
    /// JSON text of the payload; stored and hashed as it is.
    pub payload: Box<str>,
    /// The key under which it may be recorded once, where it has one.
    pub dedupe: Option<DedupeKey>,
}

/// A mail that leaves with the append. The outbox sends it at least once, until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    /// Unique id, chosen by the caller; also the message id's local part.
    pub id: String,
    /// Whose key seals the body; erasing it makes the mail unsendable.
    pub subject: SubjectId,
    /// Recipient and text, sealed as one value.
    pub body: Sealed,
    /// When sending it stops making sense.
    pub expires_at: DateTime<Utc>,
}

/// Where an append landed. It is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
    /// The instant all its events bear.
    pub recorded_at: DateTime<Utc>,
}

/// Why nothing of an append was recorded; after [`AppendError::Uncertain`] alone it may be recorded, whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The decision was taken on a state that is no longer the latest. Decide again.
    #[error("stream {stream} is at version {actual}, not {expected}")]
    Conflict {
        /// The stream that moved on.
        stream: StreamId,
        /// The version the append named.
        expected: u64,
        /// The version it has.
        actual: u64,
    },
    /// An append of the same [`Lineage`] was refused before it. Decide again.
    #[error("an append that it was decided on was refused")]
    Fallen,
    /// Its [`Fence`] fell before it was recorded. Find out anew who may do it.
    #[error("a right that it rests on may have ended")]
    Fenced,
    /// A unique key belongs to somebody else.
    #[error("the key of scope {namespace} is taken by {owner}")]
    ClaimTaken {
        /// Name space of the key.
        namespace: &'static str,
        /// Who holds it.
        owner: StreamId,
    },
    /// An event of this dedupe key is already recorded.
    #[error("already recorded at position {position}")]
    Duplicate {
        /// The key.
        key: DedupeKey,
        /// Where the first event of that key stands.
        position: Position,
    },
    /// The queue is full; ask again a little later.
    #[error("too many appends are waiting")]
    Overloaded,
    /// The database cannot be reached or refused to write.
    #[error("the record cannot be written: {0}")]
    Unavailable(String),
    /// Nobody can say any more whether it was recorded: the journal ended before the database answered.
    #[error("it is not known whether this was recorded: {0}")]
    Uncertain(String),
    /// The journal has been shut down, or is open for reading only.
    #[error("the journal is closed")]
    Closed,
    /// It is larger than an append may be. The same decision will be as large the next time.
    #[error("the append is too large: {0}")]
    TooLarge(String),
    /// The append itself is wrong: a fault of the program that made it.
    #[error("invalid append: {0}")]
    Invalid(String),
}

impl AppendError {
    /// One word, for traces.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Fallen => "fallen",
            Self::Fenced => "fenced",
            Self::ClaimTaken { .. } => "claim_taken",
            Self::Duplicate { .. } => "duplicate",
            Self::Overloaded => "overloaded",
            Self::Unavailable(_) => "unavailable",
            Self::Uncertain(_) => "uncertain",
            Self::Closed => "closed",
            Self::TooLarge(_) => "too_large",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// The answer to a submitted append: resolves when it is durable or refused.
///
/// Dropping it does not take the append back.
#[derive(Debug)]
pub struct Ticket(pub(crate) oneshot::Receiver<Result<Appended, AppendError>>);

impl Future for Ticket {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // The writer answers every ticket it took; one that is dropped unanswered went down with the writer.
        let unanswered = |_| Err(AppendError::Uncertain("the journal's writer ended".to_owned()));
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or_else(unanswered))
    }
}
