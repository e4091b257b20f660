//! The seam between the journal's logic and a database. SQLite, PostgreSQL and the simulation stand behind it.
//!
//! An engine stores and answers; it decides nothing. Above it are positions, verdicts, hashes and order; below
//! it are statements and connections.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_aggregates::sealed::SubjectId;
use muniment_sql::{Database, SqlError};
use uuid::Uuid;

use crate::append::NewMail;

/// Epochs that are skipped, at most, where the clock does not tell two apart: some twelve days of seconds.
const SKIPPED_MAX: u64 = 1 << 20;

/// Which record this is: cursors and copies of another record, or of a later life of it, are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Made once, when the record was.
    pub installation: Uuid,
    /// Grows with every restore to an older position, and where the database lost what was acknowledged.
    pub epoch: u64,
}

impl Identity {
    /// Under which identity the event at a position is hashed, of a record with these epochs ([`Engine::epochs`]); `None` where
    /// none has it.
    #[must_use]
    pub fn at(installation: Uuid, epochs: &[(u64, Position)], position: Position) -> Option<Self> {
        let (epoch, _) = epochs.iter().rev().find(|(_, after)| *after < position)?;
        Some(Self { installation, epoch: *epoch })
    }

    /// This record in its next epoch. Two that go on from one moment are two futures: the clock tells their epochs
    /// apart, a mere next number would not; and where the epoch is of a clock that was ahead, chance does.
    pub(crate) fn later(self, now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        if seconds > self.epoch {
            return Self { epoch: seconds, ..self };
        }
        let (_, chance) = Uuid::new_v4().as_u64_pair();
        Self { epoch: self.epoch + 1 + chance % SKIPPED_MAX, ..self }
    }
}

impl std::fmt::Display for Identity {
    /// `<installation>-<epoch>`, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.installation, self.epoch)
    }
}

/// The end of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last event; 0 in an empty record.
    pub position: Position,
    /// Hash of the last event; zeros in an empty record.
    pub hash: [u8; 32],
    /// Which record it is.
    pub identity: Identity,
    /// When the last event was recorded; time never runs backwards in the record.
    pub recorded_at: DateTime<Utc>,
}

/// A unique key as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimId {
    /// Name space of the key.
    pub namespace: &'static str,
    /// Keyed HMAC of the normalised key.
    pub digest: [u8; 32],
}

/// A change beside the events, applied in order in the batch's transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The key must be free and is taken.
    Take {
        /// The key.
        claim: ClaimId,
        /// Who takes it.
        owner: StreamId,
        /// Whose personal data the key is, if anybody's: erasing the subject frees it.
        subject: Option<SubjectId>,
        /// Position of the append's first event.
        position: Position,
    },
    /// The key is given back if `owner` holds it.
    Release {
        /// The key.
        claim: ClaimId,
        /// Who gives it back.
        owner: StreamId,
    },
    /// The subject's key is destroyed and its claims are freed.
    Erase {
        /// Who is forgotten.
        subject: SubjectId,
    },
    /// A mail is put into the outbox.
    Mail {
        /// The mail.
        mail: NewMail,
        /// Position of the append's first event.
        position: Position,
        /// The append's instant.
        recorded_at: DateTime<Utc>,
    },
}

/// What one transaction writes.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The head it builds on; if the database has another one, nothing is written.
    pub before: Head,
    /// Contiguous events from `before.position + 1`, at least one.
    pub events: Vec<Arc<RecordedEvent>>,
    /// What changes beside the events.
    pub changes: Vec<Change>,
}

impl Batch {
    /// The head after this batch.
    #[must_use]
    pub fn after(&self) -> Head {
        self.events.last().map_or(self.before, |last| Head {
            position: last.position,
            hash: last.hash,
            identity: self.before.identity,
            recorded_at: last.recorded_at,
        })
    }
}

/// Why a batch was not written, or what is not known about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Somebody else moved the head. Nothing was written.
    #[error("another writer moved the head")]
    HeadMoved,
    /// A unique key of the schema refused: a stream's sequence, a dedupe key or a claim. Nothing was written.
    #[error("unique key {0} refused the batch")]
    Unique(String),
    /// The database refused a value in the batch. Nothing was written.
    #[error("the database refused the batch: {0}")]
    Refused(String),
    /// The database could not write, whatever the batch holds: its disk is full, it is read-only. Nothing was written.
    #[error("the database cannot write: {0}")]
    Failed(String),
    /// The connection was lost at a moment when the batch may or may not have been committed, or may be still.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// There was no session to be had, or the server ended it: what was sent is committed or gone, and no copy of it is on
    /// its way any more.
    #[error("the session ended: {0}")]
    Ended(String),
}

/// The database behind an engine, for what is kept beside the events: keys, snapshots, outbox.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Any number of readers, which do not disturb the writer.
    pub read: Database,
    /// Durable writes. On SQLite it has one connection, which the writer of events uses too: transactions on it wait
    /// for the batch in flight, and must be short.
    pub write: Database,
}

/// A database that keeps the record.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The end of the record as the database has it.
    async fn head(&self) -> Result<Head, SqlError>;

    /// Compares the head, writes events and changes, moves the head; all in one durable transaction or nothing.
    async fn write(&self, batch: &Batch) -> Result<(), WriteError>;

    /// Takes the head's lock, so that the next [`Engine::write`] cannot lose, and answers the head. Released by that
    /// write or by [`Engine::release`]. An engine with one writer only answers the head.
    async fn hold(&self) -> Result<Head, SqlError> {
        self.head().await
    }

    /// Gives the head's lock back without writing.
    async fn release(&self) -> Result<(), SqlError> {
        Ok(())
    }

    /// Writes what changes nothing, to learn whether the database can be written.
    async fn check_writable(&self) -> Result<(), SqlError>;

    /// Events with `after < position <= through`, in order, at most `limit`.
    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError>;

    /// Events of one stream with a sequence above `after_sequence`, in order, at most `limit`. Here and in what follows a
    /// row below the first position is no event.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SqlError>;

    /// The version of each stream; streams without events may be left out.
    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError>;

    /// Where the events of these dedupe keys stand; keys without one are left out.
    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError>;

    /// Who holds these keys; free ones are left out.
    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError>;

    /// The epochs of the record: each with the position after which it began, ascending.
    async fn epochs(&self) -> Result<Vec<(u64, Position)>, SqlError>;

    /// Goes on under another epoch from the head there is, unless the record is not `ours` any more; its new name. Only
    /// engines that several nodes share lose something while a node runs.
    async fn begin_epoch(&self, ours: Identity) -> Result<Option<Identity>, SqlError> {
        let _ = ours;
        Ok(None)
    }

    /// The first event with `after < position <= through` that is not found by its stream or its dedupe key, because
    /// what leads there, which no hash covers, was changed. `None` where both are found by the event's own columns.
    async fn misfiled(&self, after: Position, through: Position) -> Result<Option<Position>, SqlError> {
        let _ = (after, through);
        Ok(None)
    }

    /// Where a dedupe key that no event bears leads to: whoever used it would be told that it is used. `None` where a key is
    /// looked for among the events themselves.
    async fn surplus_key(&self) -> Result<Option<Position>, SqlError> {
        Ok(None)
    }

    /// The lowest row that stands below the first position, where no event is and no walk comes by.
    async fn below_first(&self) -> Result<Option<i64>, SqlError> {
        Ok(None)
    }

    /// Tells other nodes that the head moved. May be coalesced, may be lost.
    fn announce(&self, head: Position) {
        // Only engines that several nodes share have somebody to tell.
        let _ = head;
    }

    /// Resolves when the head may have been moved by somebody else; never on an engine with one writer.
    async fn changed(&self) {
        std::future::pending::<()>().await;
    }

    /// Whether other nodes may write to the same record.
    fn shared(&self) -> bool {
        false
    }

    /// Whether it was opened for appending.
    fn writable(&self) -> bool {
        true
    }

    /// What traces call the database, after OpenTelemetry's `db.system.name`.
    fn system(&self) -> &'static str {
        "other_sql"
    }

    /// The clock of `recorded_at`.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// The database behind this engine; `None` where there is none, as in a simulation.
    fn stores(&self) -> Option<Stores> {
        None
    }

    /// Called after a batch that erased somebody is durable: makes freed pages and logs forget, where that is ours.
    async fn forget(&self) -> Result<(), SqlError> {
        Ok(())
    }

    /// Closes every connection.
    async fn close(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_futures_of_one_moment_are_two_epochs_also_after_a_clock_that_was_ahead() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let record = Identity { installation: Uuid::nil(), epoch: 1_000_000_000 };
        assert_eq!(record.later(at(1_000_000_007)).epoch, 1_000_000_007);
        // Each of several trials may meet one in a million.
        let futures: std::collections::BTreeSet<u64> = (0..5).map(|_| record.later(at(900_000_000)).epoch).collect();
        assert!(futures.len() > 1, "{futures:?}");
        assert!(futures.first().is_some_and(|epoch| *epoch > record.epoch), "{futures:?}");
    }
}
