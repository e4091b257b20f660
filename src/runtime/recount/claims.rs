//! Claims: every unique key that the events took and did not give back is held by the stream that took it, and no other is.
//!
//! Both ways, with no more than a page of each in memory: every event that takes a key, in the order of the record, against the
//! rows ([`Claims::look_at`]); every row against the stream that it names ([`Claims::finish`]). What does not fit at first
//! sight, because the key was given back later or somebody writes meanwhile, is settled by the whole stream of its owner.

use std::collections::HashMap;
use std::fmt;

use muniment_aggregates::catalog;
use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::engine::ClaimId;
use muniment_journal::{ClaimDigest, HeldClaim, Journal, JournalError, SealError};

use super::{PAGE_ROWS, Recounted, readable};
use crate::runtime::fold::{FoldError, expect_next, undecodable};
use crate::runtime::limits::{PAGE_EVENTS, READINGS_MAX};

/// What is wrong with a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Nobody holds it: somebody else could take it.
    Missing,
    /// Somebody else does.
    HeldBy(StreamId),
    /// It is freed by the erasure of somebody else, or of nobody.
    FreedWith(Option<SubjectId>),
    /// No event takes it, or a later one gave it back: nobody else can take it.
    Surplus,
    /// The key that its event names does not open; what is held for it cannot be known.
    Sealed(String),
    /// A row that no claim has, with what is wrong with it; those after it were not looked at.
    Unreadable(String),
}

/// A claim that is not as the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is wrong.
    pub wrong: Wrong,
    /// What the key is unique in; empty where the row cannot be read.
    pub namespace: String,
    /// The key, where it is nobody's personal data and an event names it.
    pub key: Option<String>,
    /// The digest that stands in its place in the database.
    pub digest: Vec<u8>,
    /// The stream that took the key, or that the row names where none did.
    pub owner: Option<StreamId>,
    /// The event that took it.
    pub position: Option<Position>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Wrong::Unreadable(why) = &self.wrong {
            return write!(f, "a claim cannot be read: {why}; those after it were not compared");
        }
        match &self.key {
            Some(key) => write!(f, "claim {} of {key:?}", self.namespace)?,
            None => write!(f, "claim {} with digest {}", self.namespace, hex::encode(&self.digest))?,
        }
        if let (Some(owner), Some(position)) = (&self.owner, self.position) {
            write!(f, ", which {owner} took at position {position}")?;
        }
        match (&self.wrong, &self.owner) {
            (Wrong::Missing, _) => write!(f, ": it is missing"),
            (Wrong::HeldBy(other), _) => write!(f, ": it is held by {other}"),
            (Wrong::FreedWith(Some(subject)), _) => write!(f, ": it is freed by the erasure of {subject}"),
            (Wrong::FreedWith(None), _) => write!(f, ": no erasure frees it"),
            (Wrong::Surplus, Some(owner)) => write!(f, ": it is held by {owner}, and no event says so"),
            (Wrong::Surplus, None) => write!(f, ": no event says so"),
            (Wrong::Sealed(why), _) => write!(f, ": its key does not open: {why}"),
            (Wrong::Unreadable(_), _) => Ok(()),
        }
    }
}

/// What came of comparing the claims.
pub type Compared = Recounted<Difference>;

/// A comparison on its way.
pub struct Claims<'a> {
    journal: &'a Journal,
    compared: Compared,
}

/// One change of the claims by an event, its key digested.
struct Step {
    takes: bool,
    namespace: &'static str,
    claimed: ClaimDigest,
    /// Where it is nobody's personal data.
    key: Option<String>,
    stream: StreamId,
    position: Position,
}

impl Step {
    fn is_of(&self, namespace: &str, digest: &[u8]) -> bool {
        self.namespace == namespace && self.claimed.digest == *digest
    }

    fn id(&self) -> ClaimId {
        ClaimId { namespace: self.namespace, digest: self.claimed.digest }
    }
}

impl<'a> Claims<'a> {
    /// Begins one.
    #[must_use]
    pub const fn of(journal: &'a Journal) -> Self {
        Self { journal, compared: Recounted::new() }
    }

    /// Compares what these events take and give back with what is held. All events of the record come by, in order.
    ///
    /// # Errors
    /// When an event cannot be decoded, or keys or database cannot be reached.
    pub async fn look_at(&mut self, page: &[RecordedEvent]) -> Result<(), FoldError> {
        let mut steps = Vec::new();
        for event in page {
            steps.extend(self.steps_of(event).await?);
        }
        if steps.is_empty() {
            return Ok(());
        }
        if self.compared.is_full() {
            self.compared.has_more = true;
            return Ok(());
        }
        let asked: Vec<ClaimId> = steps.iter().map(Step::id).collect();
        let owners = self.journal.engine().claim_owners(&asked).await.map_err(JournalError::from);
        // One row that cannot be read is found by itself below.
        let owners = readable(owners)?.unwrap_or_else(|_| HashMap::new());
        for step in steps {
            let is_held = owners.get(&step.id()) == Some(&step.stream);
            if is_held != step.takes {
                self.settle(&step.stream, step.namespace, &step.claimed.digest).await?;
            }
        }
        Ok(())
    }

    /// Compares every claim with the stream that holds it. `progress` hears how many were compared.
    ///
    /// # Errors
    /// As of [`Claims::look_at`].
    pub async fn finish(mut self, progress: impl Fn(u64)) -> Result<Compared, FoldError> {
        let mut last: Option<HeldClaim> = None;
        loop {
            let page = match readable(self.journal.held_claims(last.as_ref(), PAGE_ROWS).await)? {
                Ok(page) => page,
                Err(why) => {
                    self.unreadable(why);
                    return Ok(self.compared);
                }
            };
            for held in &page {
                if self.compared.is_full() {
                    self.compared.has_more = true;
                    return Ok(self.compared);
                }
                if !self.was_taken_first(held).await? {
                    self.settle(&held.owner, &held.namespace, &held.digest).await?;
                }
                self.compared.compared += 1;
            }
            progress(self.compared.compared);
            last = page.into_iter().next_back();
            if last.is_none() {
                return Ok(self.compared);
            }
        }
    }

    /// Whether a claim is of the first event of its owner, as nearly all are. That no later one gave it back is known since the
    /// events came by.
    async fn was_taken_first(&mut self, held: &HeldClaim) -> Result<bool, FoldError> {
        let page = self.journal.read_stream(&held.owner, 0, 1).await?;
        let Some(first) = page.first() else { return Ok(false) };
        let steps = self.steps_of(first).await?;
        let is_this = |step: &Step| {
            step.takes && step.is_of(&held.namespace, &held.digest) && step.claimed.subject == held.subject
        };
        Ok(steps.iter().any(is_this))
    }

    /// Says whether a claim is as the whole stream that may hold it says, also while somebody writes to either.
    async fn settle(&mut self, stream: &StreamId, namespace: &str, digest: &[u8]) -> Result<(), FoldError> {
        let mut before = self.newest_taking(stream, namespace, digest).await?;
        for _ in 0..READINGS_MAX {
            let held = match readable(self.journal.held_claim(namespace, digest).await)? {
                Ok(held) => held,
                Err(why) => {
                    self.unreadable(why);
                    return Ok(());
                }
            };
            let after = self.newest_taking(stream, namespace, digest).await?;
            if before.as_ref().map(|step| step.position) == after.as_ref().map(|step| step.position) {
                self.judge(stream, namespace, digest, after, held);
                return Ok(());
            }
            before = after;
        }
        Ok(())
    }

    fn judge(
        &mut self,
        stream: &StreamId,
        namespace: &str,
        digest: &[u8],
        taken: Option<Step>,
        held: Option<HeldClaim>,
    ) {
        let wrong = match (&taken, held) {
            (Some(_), None) => Wrong::Missing,
            (Some(_), Some(held)) if held.owner != *stream => Wrong::HeldBy(held.owner),
            (Some(step), Some(held)) if held.subject != step.claimed.subject => Wrong::FreedWith(held.subject),
            (None, Some(held)) if held.owner == *stream => Wrong::Surplus,
            (Some(_) | None, Some(_)) | (None, None) => return,
        };
        // What an event found is found again by its row.
        if self.compared.differences.iter().any(|known| known.namespace == namespace && known.digest == digest) {
            return;
        }
        let (key, position) = taken.map_or((None, None), |step| (step.key, Some(step.position)));
        let (namespace, digest, owner) = (namespace.to_owned(), digest.to_vec(), Some(stream.clone()));
        self.compared.add(Difference { wrong, namespace, key, digest, owner, position });
    }

    /// The event by which a stream holds a key; `None` where it does not, or gave it back, or whoever the key is about was
    /// erased.
    async fn newest_taking(
        &mut self,
        stream: &StreamId,
        namespace: &str,
        digest: &[u8],
    ) -> Result<Option<Step>, FoldError> {
        let (mut taken, mut version) = (None, 0);
        loop {
            let page = self.journal.read_stream(stream, version, PAGE_EVENTS).await?;
            for event in &page {
                expect_next(event, version)?;
                version = event.sequence;
                for step in self.steps_of(event).await?.into_iter().filter(|step| step.is_of(namespace, digest)) {
                    taken = step.takes.then_some(step);
                }
            }
            if page.len() < PAGE_EVENTS {
                break;
            }
        }
        // Keys are remembered here, and a server may have erased somebody since.
        if let Some(subject) = taken.as_ref().and_then(|step| step.claimed.subject.as_ref())
            && !self.journal.keyring().is_stored(subject).await.map_err(JournalError::from)?
        {
            return Ok(None);
        }
        Ok(taken)
    }

    /// What an event does to the claims. The keys of erased people are not known any more, and are free.
    async fn steps_of(&mut self, event: &RecordedEvent) -> Result<Vec<Step>, FoldError> {
        let changes = catalog::claims_of(event).map_err(|error| undecodable(event, &error))?;
        let mut steps = Vec::with_capacity(changes.len());
        for change in changes {
            let (takes, namespace, key) = match change {
                ClaimChange::Take { namespace, key } => (true, namespace, key),
                ClaimChange::Release { namespace, key } => (false, namespace, key),
            };
            let claimed = match self.journal.keyring().claim_digest(namespace, &key).await {
                Ok(Some(claimed)) => claimed,
                Ok(None) => continue,
                Err(error @ (SealError::Malformed | SealError::Refused { .. })) => {
                    self.unopened(event, namespace, error.to_string());
                    continue;
                }
                Err(error) => return Err(JournalError::from(error).into()),
            };
            let key = match key {
                ClaimKey::Clear(text) => Some(text),
                ClaimKey::Sealed(_) => None,
            };
            let (stream, position) = (event.stream.clone(), event.position);
            steps.push(Step { takes, namespace, claimed, key, stream, position });
        }
        Ok(steps)
    }

    fn unopened(&mut self, event: &RecordedEvent, namespace: &str, why: String) {
        let found = Difference {
            wrong: Wrong::Sealed(why),
            namespace: namespace.to_owned(),
            key: None,
            digest: Vec::new(),
            owner: Some(event.stream.clone()),
            position: Some(event.position),
        };
        // The same event comes by more than once.
        if !self.compared.differences.contains(&found) {
            self.compared.add(found);
        }
    }

    fn unreadable(&mut self, why: String) {
        let (wrong, namespace) = (Wrong::Unreadable(why), String::new());
        self.compared.add(Difference { wrong, namespace, key: None, digest: Vec::new(), owner: None, position: None });
    }
}
