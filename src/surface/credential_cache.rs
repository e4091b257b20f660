//! Credentials of `/v1` that were found to hold, remembered until any may have ended.
//!
//! The journal's publish hook empties the cache before the reply of the command that ended one can leave; on several
//! nodes every decision confirms the head first, so an end that another node recorded holds here too.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lru::LruCache;
use muniment_aggregates::ended::ended_by;
use muniment_aggregates::ids::CredentialId;
use muniment_aggregates::record::RecordedEvent;
use parking_lot::Mutex;

use super::principal::{Agent, Founder};

/// Credentials remembered.
const CREDENTIALS_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("50,000 is not zero");

#[derive(Debug, Clone)]
pub(super) enum Cached {
    Agent(Agent),
    Founder(Founder),
}

/// Credentials known to hold as of the head this node has seen.
pub struct CredentialCache {
    held: Mutex<LruCache<String, Cached>>,
    /// Moves with every event that may end a credential, so that a look-up that raced one is not remembered.
    generation: AtomicU64,
}

impl Default for CredentialCache {
    fn default() -> Self {
        Self { held: Mutex::new(LruCache::new(CREDENTIALS_MAX)), generation: AtomicU64::new(0) }
    }
}

impl CredentialCache {
    /// Forgets what these events may have ended. Runs inside the journal's publish hook.
    pub fn note_published(&self, events: &[Arc<RecordedEvent>]) {
        // What cannot be read may end any. Credentials end rarely beside how often they are used, so all are forgotten.
        if events.iter().any(|event| ended_by(event).map_or(true, |ended| ended.is_some())) {
            self.generation.fetch_add(1, Ordering::AcqRel);
            self.held.lock().clear();
        }
    }

    /// The agent of a token that is remembered.
    pub(super) fn agent(&self, id: &CredentialId) -> Option<Agent> {
        match self.held.lock().get(&id.0) {
            Some(Cached::Agent(agent)) => Some(agent.clone()),
            Some(Cached::Founder(_)) | None => None,
        }
    }

    /// The founder of a session that is remembered.
    pub(super) fn founder(&self, id: &CredentialId) -> Option<Founder> {
        match self.held.lock().get(&id.0) {
            Some(Cached::Founder(founder)) => Some(founder.clone()),
            Some(Cached::Agent(_)) | None => None,
        }
    }

    /// To be asked before a look-up, and given to [`CredentialCache::remember`] with what it found.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Remembers what was found, unless a credential may have ended since.
    pub(super) fn remember(&self, generation: u64, id: &CredentialId, cached: Cached) {
        let mut held = self.held.lock();
        if self.generation() == generation {
            held.put(id.0.clone(), cached);
        }
    }
}
