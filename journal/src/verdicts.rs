//! What the writer knows of the record, and the verdict on an append against it. In memory, without I/O.
//!
//! Knowledge runs ahead of the database: each accepted append moves it at once, and a batch that fails takes it back
//! to what is durable. It is safe because the head is compared in every batch: if another node changed anything that
//! is not known here, the head moved, and all is judged anew.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};

use crate::admit::{ClaimStep, Submission};
use crate::append::{AppendError, Lineage};
use crate::engine::{Change, ClaimId};

/// Version of one stream.
#[derive(Debug, Clone, Copy)]
struct Version {
    /// What is stored for certain.
    durable: u64,
    /// With what is accepted but in flight.
    latest: u64,
}

/// Smallest cache that keeps every stream of the largest append beside those of a batch and its lookups: one that forgot
/// them while it asks would ask for ever.
const STREAMS_CACHED_MIN: NonZeroUsize = NonZeroUsize::new(32_768).expect("32,768 is not zero");
/// Dedupe keys remembered: a retry mostly follows within seconds. About 100 bytes each.
const DEDUPE_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("50,000 is not zero");

/// The writer's knowledge.
#[derive(Debug)]
pub(crate) struct Knowledge {
    streams: LruCache<StreamId, Version>,
    dedupe: LruCache<DedupeKey, Position>,
    /// Who holds a key, `None` for nobody: only of keys that batches in flight have changed, or that were asked for
    /// the batch being built.
    claims: HashMap<ClaimId, Option<StreamId>>,
}

impl Knowledge {
    pub(crate) fn new(streams_cached_max: usize) -> Self {
        let streams =
            NonZeroUsize::new(streams_cached_max).map_or(STREAMS_CACHED_MIN, |most| most.max(STREAMS_CACHED_MIN));
        Self { streams: LruCache::new(streams), dedupe: LruCache::new(DEDUPE_CACHED_MAX), claims: HashMap::new() }
    }

    /// The streams of an append whose version must be asked before it can be judged. A new stream need not be: if
    /// it exists after all, the unique key on its first sequence says so.
    pub(crate) fn unknown_streams(&mut self, append: &Submission, into: &mut Vec<StreamId>) {
        for (index, (stream, expected)) in append.expect.iter().enumerate() {
            let surely_caught = *expected == 0 && index < append.written.len() && !append.careful;
            if !surely_caught && self.streams.get(stream).is_none() {
                into.push(stream.clone());
            }
        }
    }

    /// Takes an answer of the database. What is known already came later than the question.
    pub(crate) fn learn_version(&mut self, stream: StreamId, version: u64) {
        if self.streams.get(&stream).is_none() {
            self.streams.put(stream, Version { durable: version, latest: version });
        }
    }

    pub(crate) fn learn_dedupe(&mut self, key: DedupeKey, position: Position) {
        self.dedupe.put(key, position);
    }

    pub(crate) fn learn_claim(&mut self, claim: ClaimId, holder: Option<StreamId>) {
        self.claims.entry(claim).or_insert(holder);
    }

    /// Takes an event that another node wrote. Nothing is in flight.
    pub(crate) fn learn_event(&mut self, event: &RecordedEvent) {
        let version = Version { durable: event.sequence, latest: event.sequence };
        self.streams.put(event.stream.clone(), version);
        if let Some(key) = event.dedupe {
            self.dedupe.put(key, event.position);
        }
    }

    /// Judges an append against everything accepted before it; the claim changes that take effect. `None` when a
    /// version or a claim must be asked first.
    pub(crate) fn judge(&mut self, append: &Submission) -> Option<Result<Vec<ClaimStep>, AppendError>> {
        let mut unknown = Vec::new();
        self.unknown_streams(append, &mut unknown);
        (unknown.is_empty() && !self.must_ask_claims(append)).then(|| self.judge_known(append))
    }

    /// Claims of others are mostly free, so an append takes its own on trust and the database has the last word. One
    /// that the database refused is judged by what it said, also where that was forgotten while the append waited.
    fn must_ask_claims(&self, append: &Submission) -> bool {
        append.careful
            && append.claims.iter().any(|step| {
                let (ClaimStep::Take { claim, .. } | ClaimStep::Release { claim, .. }) = step;
                !self.claims.contains_key(claim)
            })
    }

    fn judge_known(&mut self, append: &Submission) -> Result<Vec<ClaimStep>, AppendError> {
        if append.lineage.as_ref().is_some_and(Lineage::has_fallen) {
            return Err(AppendError::Fallen);
        }
        if append.is_fenced_off() {
            return Err(AppendError::Fenced);
        }
        for key in append.events.iter().filter_map(|event| event.dedupe) {
            if let Some(position) = self.dedupe.get(&key) {
                return Err(AppendError::Duplicate { key, position: *position });
            }
        }
        for (stream, expected) in &append.expect {
            let actual = self.streams.get(stream).map_or(*expected, |version| version.latest);
            if actual != *expected {
                return Err(AppendError::Conflict { stream: stream.clone(), expected: *expected, actual });
            }
        }
        self.judge_claims(append)
    }

    fn judge_claims(&self, append: &Submission) -> Result<Vec<ClaimStep>, AppendError> {
        let mut changes = Vec::with_capacity(append.claims.len());
        let mut own: HashMap<&ClaimId, Option<&StreamId>> = HashMap::new();
        for step in &append.claims {
            let (ClaimStep::Take { claim, .. } | ClaimStep::Release { claim, .. }) = step;
            // Outer `None`: not known here. Inner `None`: free.
            let holder = own.get(claim).copied().or_else(|| self.claims.get(claim).map(Option::as_ref));
            match step {
                ClaimStep::Take { owner, .. } => match holder {
                    Some(Some(other)) if other != owner => {
                        return Err(AppendError::ClaimTaken { namespace: claim.namespace, owner: other.clone() });
                    }
                    Some(Some(_)) => {}
                    Some(None) | None => {
                        own.insert(claim, Some(owner));
                        changes.push(step.clone());
                    }
                },
                ClaimStep::Release { owner, .. } => match holder {
                    Some(Some(other)) if other == owner => {
                        own.insert(claim, None);
                        changes.push(step.clone());
                    }
                    Some(Some(_) | None) => {}
                    None => changes.push(step.clone()),
                },
            }
        }
        Ok(changes)
    }

    /// Moves the knowledge by an accepted append whose events have their positions.
    pub(crate) fn accept(&mut self, append: &Submission, changes: &[Change]) {
        for (stream, before, after) in append.writes() {
            if let Some(version) = self.streams.get_mut(stream) {
                version.latest = after;
            } else {
                self.streams.put(stream.clone(), Version { durable: before, latest: after });
            }
        }
        for event in &append.events {
            if let Some(key) = event.dedupe {
                self.dedupe.put(key, event.position);
            }
        }
        for change in changes {
            match change {
                Change::Take { claim, owner, .. } => {
                    self.claims.insert(claim.clone(), Some(owner.clone()));
                }
                Change::Release { claim, owner } => {
                    if self.claims.get(claim).is_some_and(|holder| holder.as_ref() == Some(owner)) {
                        self.claims.insert(claim.clone(), None);
                    }
                }
                // Which keys it frees is known to the database alone; what was taken in flight is not known either.
                Change::Erase { .. } => self.claims.clear(),
                Change::Mail { .. } => {}
            }
        }
    }

    /// The append is durable.
    pub(crate) fn settle(&mut self, append: &Submission) {
        for (stream, _, after) in append.writes() {
            if let Some(version) = self.streams.peek_mut(stream) {
                version.durable = version.durable.max(after);
            }
        }
    }

    /// Takes back an accepted append whose batch failed; all later ones are taken back too.
    pub(crate) fn take_back(&mut self, append: &Submission) {
        for (stream, _, _) in append.writes() {
            if let Some(version) = self.streams.peek_mut(stream) {
                version.latest = version.durable;
            }
        }
        for event in &append.events {
            if let Some(key) = event.dedupe {
                self.dedupe.pop(&key);
            }
        }
        self.claims.clear();
    }

    /// Nothing is in flight: the database knows all claims.
    pub(crate) fn forget_claims(&mut self) {
        self.claims.clear();
    }

    /// The database contradicted what is known of these streams: ask again.
    pub(crate) fn doubt(&mut self, append: &Submission) {
        for (stream, _) in &append.expect {
            self.streams.pop(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::*;

    fn taking(claim: &ClaimId, owner: &StreamId) -> Submission {
        let (reply, _) = oneshot::channel();
        let take = ClaimStep::Take { claim: claim.clone(), owner: owner.clone(), subject: None };
        Submission {
            events: Vec::<Arc<RecordedEvent>>::new(),
            expect: Vec::new(),
            lineage: None,
            fence: None,
            written: Vec::new(),
            undigested: Vec::new(),
            claims: vec![take],
            erase: Vec::new(),
            mail: Vec::new(),
            bytes: 0,
            reply,
            submitted: Instant::now(),
            span: tracing::Span::none(),
            careful: false,
            gathered: true,
            refusals: 0,
            alone: false,
        }
    }

    #[test]
    fn what_the_database_refused_is_not_judged_on_what_was_forgotten() {
        let claim = ClaimId { namespace: "account-username", digest: [7; 32] };
        let (one, other) = (StreamId::new("account", "a"), StreamId::new("account", "b"));
        let mut knowledge = Knowledge::new(1);
        assert!(matches!(knowledge.judge(&taking(&claim, &one)), Some(Ok(_))), "it is taken on trust at first");
        let again = Submission { careful: true, ..taking(&claim, &one) };
        assert!(knowledge.judge(&again).is_none(), "nobody has asked who holds it");
        knowledge.learn_claim(claim.clone(), Some(other));
        assert!(matches!(knowledge.judge(&again), Some(Err(AppendError::ClaimTaken { .. }))));
        // Another batch lands before this one's turn.
        knowledge.forget_claims();
        assert!(knowledge.judge(&again).is_none(), "it would be refused as if it were at fault itself");
    }
}
