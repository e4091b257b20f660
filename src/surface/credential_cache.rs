//! Credentials of `/v1` that were found to hold, remembered until any may have ended.
//!
//! A hook of the journal empties the cache before the reply of the command that ended one can leave. On several
//! nodes the cache may miss for a moment what another has recorded: a decision confirms the head first, or is recorded
//! under the credential's fence, so that such an end holds here too.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use muniment_aggregates::ended::ended_by;
use muniment_aggregates::ids::CredentialId;
use muniment_aggregates::record::RecordedEvent;
use muniment_journal::{Fence, FenceCounter};
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
    /// Moves with every event that may end a credential.
    ends: FenceCounter,
}

impl Default for CredentialCache {
    fn default() -> Self {
        Self { held: Mutex::new(LruCache::new(CREDENTIALS_MAX)), ends: FenceCounter::default() }
    }
}

impl CredentialCache {
    /// Forgets what these events may have ended. Runs inside a hook of the journal, before anything is written on top of them.
    pub fn note_durable(&self, events: &[Arc<RecordedEvent>]) {
        // What cannot be read may end any. Credentials end rarely beside how often they are used, so all are forgotten.
        if events.iter().any(|event| ended_by(event).map_or(true, |ended| ended.is_some())) {
            self.ends.advance();
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

    /// To be taken before a look-up, and given to [`CredentialCache::remember`] with what it found.
    pub(super) fn fence(&self) -> Fence {
        self.ends.fence()
    }

    /// Remembers what was found, unless a credential may have ended since.
    pub(super) fn remember(&self, fence: &Fence, id: &CredentialId, cached: Cached) {
        let mut held = self.held.lock();
        if fence.holds() {
            held.put(id.0.clone(), cached);
        }
    }
}
