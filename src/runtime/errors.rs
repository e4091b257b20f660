//! How a command can end that is not known to be recorded.

use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_journal::{AppendError, JournalError};
use muniment_sql::SqlError;

use super::fold::FoldError;

/// Why a command was not recorded, or, after [`BusError::Uncertain`] alone, perhaps was. `R` is the aggregate's own refusal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError<R> {
    /// The rules say no.
    #[error("refused: {0}")]
    Refused(R),
    /// An event under this idempotency key is already recorded.
    #[error("already recorded at position {position}")]
    Duplicate {
        /// The key.
        key: DedupeKey,
        /// Where the first one stands.
        position: Position,
    },
    /// A unique key belongs to another stream.
    #[error("{namespace} is already taken by {owner}")]
    ClaimTaken {
        /// Name space of the key.
        namespace: &'static str,
        /// Who holds it.
        owner: StreamId,
    },
    /// The fence it was to be recorded under fell: who may do it must be found out anew.
    #[error("a right that it rests on may have ended")]
    Fenced,
    /// Too much is waiting already; try again after a moment.
    #[error("overloaded: a queue is full")]
    Overloaded,
    /// The journal cannot be written or confirmed at present.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
    /// The journal, or the actor, ended before it could say: the command may be recorded, or not.
    #[error("it is not known whether the command was recorded: {0}")]
    Uncertain(String),
    /// The decision does not fit into one append, however often it is made: no surface may say that trying again helps.
    #[error("too large to be recorded: {0}")]
    TooLarge(String),
    /// The command's handler panicked, or what it decided cannot be taken into the state.
    #[error("the handler of {stream} panicked at {place}")]
    Panicked {
        /// Whose handler.
        stream: StreamId,
        /// File and line, where they are known.
        place: String,
    },
    /// A fault of the program that is no panic, for example an event that does not serialise: no other attempt ends
    /// otherwise.
    #[error("a fault of the program or of what is stored: {0}")]
    Fault(String),
    /// An event of the stream does not decode: it was written by a newer program, or it was tampered with. Until that is
    /// mended no command on the stream can be decided.
    #[error("{why}")]
    Unreadable {
        /// Its place in the journal.
        position: Position,
        /// Which event it is and what the decoder says.
        why: String,
    },
}

impl<R> BusError<R> {
    /// One word, for traces.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Duplicate { .. } => "duplicate",
            Self::ClaimTaken { .. } => "claim_taken",
            Self::Fenced => "fenced",
            Self::Overloaded => "overloaded",
            Self::Unavailable(_) => "unavailable",
            Self::Uncertain(_) => "uncertain",
            Self::TooLarge(_) => "too_large",
            Self::Panicked { .. } => "panicked",
            Self::Fault(_) => "fault",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Turns the journal's verdict into the command's end. A lost race is the caller's to retry; one that is
    /// still lost when its retries are used up counts as unavailable.
    pub(super) fn from_append(error: AppendError) -> Self {
        match error {
            AppendError::Duplicate { key, position } => Self::Duplicate { key, position },
            AppendError::ClaimTaken { namespace, owner } => Self::ClaimTaken { namespace, owner },
            AppendError::Fenced => Self::Fenced,
            AppendError::Overloaded => Self::Overloaded,
            AppendError::Conflict { stream, .. } => {
                Self::Unavailable(format!("{stream} is being written by too many at once"))
            }
            error @ AppendError::Fallen => Self::Unavailable(error.to_string()),
            AppendError::Uncertain(why) => Self::Uncertain(why),
            AppendError::Closed => Self::Unavailable("the journal is closing".to_owned()),
            AppendError::Unavailable(why) => Self::Unavailable(why),
            AppendError::Invalid(why) => Self::Fault(why),
            AppendError::TooLarge(why) => Self::TooLarge(why),
        }
    }

    /// A question that the journal did not answer. Where what is stored is at fault, no other attempt ends otherwise.
    pub(super) fn from_journal(error: &JournalError) -> Self {
        match error {
            JournalError::Sql(sql) if sql.is_of_what_is_stored() => Self::Fault(error.to_string()),
            JournalError::Sql(_) | JournalError::Seal(_) | JournalError::Unavailable(_) | JournalError::Closed => {
                Self::Unavailable(error.to_string())
            }
        }
    }

    /// A state that could not be made from its events.
    pub(super) fn from_fold(error: &FoldError) -> Self {
        match error {
            FoldError::Journal(error) => Self::from_journal(error),
            FoldError::Panicked { stream, place } => Self::Panicked { stream: stream.clone(), place: place.clone() },
            FoldError::Undecodable { position, .. } => {
                Self::Unreadable { position: Position(*position), why: error.to_string() }
            }
            FoldError::Missing { .. } => Self::Fault(error.to_string()),
        }
    }

    /// How the command ended, with the refusal translated.
    pub fn map_refusal<S>(self, translate: impl FnOnce(R) -> S) -> BusError<S> {
        self.or_for_refusal(|refusal| BusError::Refused(translate(refusal)))
    }

    /// How a command ended of which nothing could be refused: where it was refused all the same, that is a fault.
    pub fn unexpected<S>(self) -> BusError<S>
    where
        R: std::fmt::Display,
    {
        self.or_for_refusal(|refusal| BusError::Fault(format!("an unexpected refusal: {refusal}")))
    }

    fn or_for_refusal<S>(self, of: impl FnOnce(R) -> BusError<S>) -> BusError<S> {
        match self {
            Self::Refused(refusal) => of(refusal),
            Self::Duplicate { key, position } => BusError::Duplicate { key, position },
            Self::ClaimTaken { namespace, owner } => BusError::ClaimTaken { namespace, owner },
            Self::Fenced => BusError::Fenced,
            Self::Overloaded => BusError::Overloaded,
            Self::Unavailable(why) => BusError::Unavailable(why),
            Self::Uncertain(why) => BusError::Uncertain(why),
            Self::TooLarge(why) => BusError::TooLarge(why),
            Self::Panicked { stream, place } => BusError::Panicked { stream, place },
            Self::Fault(why) => BusError::Fault(why),
            Self::Unreadable { position, why } => BusError::Unreadable { position, why },
        }
    }
}

/// Whether the database went away, or its head could not be confirmed: it may be there on another try.
#[must_use]
pub fn came_of_the_connection(cause: &(dyn std::error::Error + 'static)) -> bool {
    let journal = match cause.downcast_ref::<FoldError>() {
        Some(FoldError::Journal(error)) => Some(error),
        Some(_) => None,
        None => cause.downcast_ref::<JournalError>(),
    };
    matches!(journal, Some(JournalError::Unavailable(_))) || SqlError::came_of_the_connection(cause)
}
