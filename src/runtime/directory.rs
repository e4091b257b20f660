//! Where the live actors of one aggregate type are found: started on first use, bounded in number, least
//! recently used ones leave first, idle ones leave after a while.
//!
//! Two actors of one stream can live for a moment while the older retires. That costs a retry, never a wrong
//! event: the expected version in the append is the only arbiter.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor as _, Addr, ArbiterHandle, Context};
use lru::LruCache;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::record::{RecordedEvent, StreamId};
use muniment_journal::Journal;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::actor_messages::{ActorFlags, Passivate, StateCache};
use super::aggregate_actor::AggregateActor;
use super::clock::Clock;
use super::fold::Folded;
use super::limits::ActorLimits;

struct Entry<D: Decider> {
    address: Addr<AggregateActor<D>>,
    flags: Arc<ActorFlags>,
    cached: Arc<StateCache<D>>,
    used_at: Instant,
}

impl<D: Decider> Entry<D> {
    fn retire(&self) {
        self.flags.retiring.store(true, Ordering::Release);
        // A full or closed mailbox needs no waking: the actor is awake, or gone.
        drop(self.address.try_send(Passivate));
    }
}

/// The live actors of one aggregate type.
pub struct Directory<D: Decider> {
    journal: Journal,
    clock: Clock,
    arbiters: Arc<[ArbiterHandle]>,
    limits: ActorLimits,
    live: Mutex<LruCache<Arc<str>, Entry<D>>>,
}

impl<D: Decider> Directory<D> {
    /// A directory that starts its actors on the given event loops, or on the caller's own where none are given.
    #[must_use]
    pub fn new(journal: Journal, clock: Clock, arbiters: Arc<[ArbiterHandle]>, limits: ActorLimits) -> Self {
        Self { journal, clock, arbiters, limits, live: Mutex::new(LruCache::new(limits.live_actors_max)) }
    }

    /// The actor of one instance, started if it is not live.
    pub fn find(&self, id: &str) -> (Addr<AggregateActor<D>>, Arc<ActorFlags>) {
        let mut live = self.live.lock();
        if let Some(entry) = live.get_mut(id) {
            entry.used_at = Instant::now();
            return (entry.address.clone(), Arc::clone(&entry.flags));
        }
        let stream = StreamId::new(D::TYPE, id);
        let (flags, cached) = (Arc::new(ActorFlags::default()), Arc::new(StateCache::default()));
        let key = Arc::clone(&stream.id);
        let address = self.start(stream, &flags, &cached);
        let entry = Entry { address: address.clone(), flags: Arc::clone(&flags), cached, used_at: Instant::now() };
        if let Some((evicted_key, evicted)) = live.push(Arc::clone(&key), entry)
            && evicted_key != key
        {
            evicted.retire();
        }
        (address, flags)
    }

    fn start(&self, stream: StreamId, flags: &Arc<ActorFlags>, cached: &Arc<StateCache<D>>) -> Addr<AggregateActor<D>> {
        let (flags, cached) = (Arc::clone(flags), Arc::clone(cached));
        let (journal, clock, limits) = (self.journal.clone(), self.clock.clone(), self.limits);
        let arbiter = self.arbiter_of(&stream.id);
        let build = move |_: &mut Context<AggregateActor<D>>| {
            AggregateActor::new(stream, journal, clock, flags, cached, limits)
        };
        match arbiter {
            Some(arbiter) => AggregateActor::start_in_arbiter(arbiter, build),
            None => AggregateActor::create(build),
        }
    }

    /// The state of a live instance that was asked for before and has not changed since.
    pub fn cached_state(&self, id: &str) -> Option<Folded<D>> {
        let mut live = self.live.lock();
        let entry = live.get_mut(id)?;
        entry.used_at = Instant::now();
        entry.cached.unless_changed(&entry.flags)
    }

    fn arbiter_of(&self, id: &str) -> Option<&ArbiterHandle> {
        let count = u64::try_from(self.arbiters.len()).ok().filter(|count| *count > 0)?;
        let digest = blake3::hash(id.as_bytes());
        let bytes = digest.as_bytes();
        let spread = u64::from(bytes[0]) | u64::from(bytes[1]) << 8;
        usize::try_from(spread % count).ok().and_then(|index| self.arbiters.get(index))
    }

    /// Drops the entry of an actor that has stopped, unless a younger one took its place.
    pub fn forget(&self, id: &str, flags: &Arc<ActorFlags>) {
        let mut live = self.live.lock();
        if live.peek(id).is_some_and(|entry| Arc::ptr_eq(&entry.flags, flags)) {
            live.pop(id);
        }
    }

    /// Tells the actor of an event's stream that it was published.
    pub fn note_published(&self, event: &RecordedEvent) {
        if let Some(entry) = self.live.lock().peek(&event.stream.id) {
            entry.flags.published.fetch_max(event.sequence, Ordering::AcqRel);
        }
    }

    /// Lets the actors go that nobody has asked for a while.
    pub fn sweep(&self) {
        let mut live = self.live.lock();
        while live.peek_lru().is_some_and(|(_, entry)| entry.used_at.elapsed() >= self.limits.idle_max) {
            if let Some((_, entry)) = live.pop_lru() {
                entry.retire();
            }
        }
    }

    /// How many actors are live.
    pub fn live_count(&self) -> usize {
        self.live.lock().len()
    }
}
