//! What the simulated database holds, and what it takes: all of a batch or nothing.

use std::collections::HashMap;
use std::sync::Arc;

use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, Change, ClaimId, Head, WriteError};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::time::Instant;

use crate::faults::Faults;

pub(crate) struct Stored {
    pub(crate) events: Vec<Arc<RecordedEvent>>,
    pub(crate) head: Head,
    pub(crate) versions: HashMap<StreamId, u64>,
    pub(crate) dedupe: HashMap<DedupeKey, Position>,
    pub(crate) claims: HashMap<ClaimId, StreamId>,
    /// Whose transaction holds the head, and when the server ends it.
    pub(crate) holder: Option<(usize, Instant)>,
    /// Whose copies of batches are on their way that nobody waits for any more.
    pub(crate) under_way: Vec<usize>,
    pub(crate) random: SmallRng,
    pub(crate) faults: Faults,
}

impl Stored {
    pub(crate) fn new(head: Head, seed: u64) -> Self {
        Self {
            events: Vec::new(),
            head,
            versions: HashMap::new(),
            dedupe: HashMap::new(),
            claims: HashMap::new(),
            holder: None,
            under_way: Vec::new(),
            random: SmallRng::seed_from_u64(seed),
            faults: Faults::default(),
        }
    }

    /// Whose transaction holds the head, unless the server has ended it.
    pub(crate) fn holder(&self) -> Option<usize> {
        self.holder.filter(|(_, until)| Instant::now() < *until).map(|(holder, _)| holder)
    }

    pub(crate) fn is_held_by_another_than(&self, node: Option<usize>) -> bool {
        self.holder().is_some_and(|holder| Some(holder) != node)
    }

    pub(crate) fn compare_head(&mut self, batch: &Batch) -> Result<(), WriteError> {
        if self.head.position != batch.before.position || self.head.hash != batch.before.hash {
            self.faults.heads_lost += 1;
            return Err(WriteError::HeadMoved);
        }
        Ok(())
    }

    /// All of a batch or nothing, as one transaction.
    pub(crate) fn store(&mut self, batch: &Batch) -> Result<(), WriteError> {
        self.compare_head(batch)?;
        for event in &batch.events {
            if self.versions.get(&event.stream).copied().unwrap_or(0) + 1 > event.sequence {
                return Err(WriteError::Unique("events_stream_sequence".to_owned()));
            }
            if event.dedupe.is_some_and(|key| self.dedupe.contains_key(&key)) {
                return Err(WriteError::Unique("events_dedupe_key".to_owned()));
            }
        }
        let mut claims = self.claims.clone();
        for change in &batch.changes {
            match change {
                Change::Take { claim, owner, .. } => {
                    if claims.contains_key(claim) {
                        return Err(WriteError::Unique("claims_pkey".to_owned()));
                    }
                    claims.insert(claim.clone(), owner.clone());
                }
                Change::Release { claim, owner } => {
                    if claims.get(claim) == Some(owner) {
                        claims.remove(claim);
                    }
                }
                Change::Erase { .. } | Change::Mail { .. } => {}
            }
        }
        self.claims = claims;
        for event in &batch.events {
            self.versions.insert(event.stream.clone(), event.sequence);
            if let Some(key) = event.dedupe {
                self.dedupe.insert(key, event.position);
            }
            self.events.push(Arc::clone(event));
        }
        self.head = batch.after();
        Ok(())
    }
}
