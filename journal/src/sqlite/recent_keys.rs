//! The dedupe keys of the newest events, which the table of keys need not have yet. In memory, without I/O.
//!
//! Random keys written one by one dirty a page each. Here they wait until a generation of events is full; then it is
//! sorted, and goes into the table in the order of its keys, a bounded number along with each batch. A key comes in
//! after the commit of its event and goes out after the commit that brought the last one of its generation into the
//! table, so whoever looks here first and then into the table misses none.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use muniment_aggregates::record::{DedupeKey, Position};

use crate::engine::{Batch, Head};

/// Keys that go into the table along with any batch: neighbours share pages, so a few at a time would dirty each again.
const DRAINED_MIN: usize = 64;

type Keyed = (DedupeKey, Position);

/// The keys of all events after the last generation that is in the table.
#[derive(Debug)]
pub(super) struct RecentKeys {
    /// Events that make a generation.
    generation_events: u64,
    /// The end of the record for which this is exact; at any other end it must not be asked.
    position: Position,
    hash: [u8; 32],
    /// The generation that is growing, and where it began.
    growing: HashMap<DedupeKey, Position>,
    growing_after: Position,
    frozen: Option<Frozen>,
}

/// A full generation on its way into the table.
#[derive(Debug)]
struct Frozen {
    /// In the order of the keys.
    keys: Arc<[Keyed]>,
    /// Keys of the front that are in the table.
    drained: usize,
    /// The last position of the generation.
    through: Position,
}

/// What goes into the table along with one batch.
#[derive(Debug, Default)]
pub(super) struct Drain {
    keys: Arc<[Keyed]>,
    range: Range<usize>,
    /// The last of a generation: the table has every key up to this position then.
    pub(super) completes: Option<Position>,
}

impl Drain {
    /// The keys in their order, with the positions of their events.
    pub(super) fn keys(&self) -> &[Keyed] {
        self.keys.get(self.range.clone()).unwrap_or_default()
    }
}

/// Twice as many keys as events: a generation is through before the next one is full.
fn drained_along(events: usize) -> usize {
    events.saturating_mul(2).max(DRAINED_MIN)
}

impl RecentKeys {
    /// The keys of all events after `indexed`, up to a head with this position and hash.
    pub(super) fn new(
        generation_events: u64,
        indexed: Position,
        (position, hash): (Position, [u8; 32]),
        keys: HashMap<DedupeKey, Position>,
    ) -> Self {
        let mut recent =
            Self { generation_events, position, hash, growing: keys, growing_after: indexed, frozen: None };
        recent.freeze_full();
        recent
    }

    /// Whether this knows every key of a record that ends here.
    pub(super) fn is_at(&self, head: &Head) -> bool {
        self.position == head.position && self.hash == head.hash
    }

    /// The end of the record up to which every key is here or in the table.
    pub(super) const fn position(&self) -> Position {
        self.position
    }

    pub(super) fn find(&self, key: &DedupeKey) -> Option<Position> {
        let frozen = || {
            let keys = &self.frozen.as_ref()?.keys;
            let place = keys.binary_search_by_key(&key.0, |(key, _)| key.0).ok()?;
            keys.get(place).map(|(_, position)| *position)
        };
        self.growing.get(key).copied().or_else(frozen)
    }

    /// A key of the batch that is here already, or twice in the batch.
    pub(super) fn doubled(&self, batch: &Batch) -> Option<DedupeKey> {
        let mut own = HashSet::with_capacity(batch.events.len());
        batch.events.iter().filter_map(|event| event.dedupe).find(|key| !own.insert(*key) || self.find(key).is_some())
    }

    /// What is to go into the table along with a batch of so many events.
    pub(super) fn drain(&self, events: usize) -> Drain {
        let Some(frozen) = &self.frozen else { return Drain::default() };
        let end = frozen.keys.len().min(frozen.drained + drained_along(events));
        let completes = (end == frozen.keys.len()).then_some(frozen.through);
        Drain { keys: Arc::clone(&frozen.keys), range: frozen.drained..end, completes }
    }

    /// The batch is durable, and what was drained along with it too.
    pub(super) fn committed(&mut self, batch: &Batch, drain: &Drain) {
        let after = batch.after();
        (self.position, self.hash) = (after.position, after.hash);
        #[cfg(test)]
        super::panic_tests::reach("keys", batch);
        let keyed = batch.events.iter().filter_map(|event| event.dedupe.map(|key| (key, event.position)));
        self.growing.extend(keyed);
        if drain.completes.is_some() {
            self.frozen = None;
        } else if let Some(frozen) = &mut self.frozen {
            frozen.drained = drain.range.end;
        }
        self.freeze_full();
    }

    fn freeze_full(&mut self) {
        let events = self.position.0.saturating_sub(self.growing_after.0);
        if self.frozen.is_some() || events < self.generation_events {
            return;
        }
        let mut keys: Vec<Keyed> = std::mem::take(&mut self.growing).into_iter().collect();
        keys.sort_unstable_by_key(|(key, _)| key.0);
        self.frozen = Some(Frozen { keys: Arc::from(keys), drained: 0, through: self.position });
        self.growing_after = self.position;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use muniment_aggregates::record::{RecordedEvent, StreamId};
    use uuid::Uuid;

    use super::*;
    use crate::chain::GENESIS;
    use crate::engine::Identity;

    const GENERATION: u64 = 300;

    fn key(n: u64) -> DedupeKey {
        // Neighbours are far apart in the order of the keys.
        DedupeKey(*blake3::hash(&n.to_le_bytes()).as_bytes())
    }

    fn batch(before: Position, keys: &[Option<DedupeKey>]) -> Batch {
        let identity = Identity { installation: Uuid::nil(), epoch: 1 };
        let before = Head { position: before, hash: GENESIS, identity, recorded_at: DateTime::UNIX_EPOCH };
        let events = (before.position.0 + 1..).zip(keys).map(|(position, dedupe)| {
            Arc::new(RecordedEvent {
                position: Position(position),
                stream: StreamId::new("thing", "s"),
                sequence: position,
                event_type: Arc::from("thing.happened"),
                event_version: Arc::from("1.0"),
                payload: Box::from("{}"),
                metadata: Arc::from("{}"),
                recorded_at: DateTime::UNIX_EPOCH,
                dedupe: *dedupe,
                hash: GENESIS,
            })
        });
        Batch { before, events: events.collect(), changes: Vec::new() }
    }

    fn empty() -> RecentKeys {
        RecentKeys::new(GENERATION, Position::START, (Position::START, GENESIS), HashMap::new())
    }

    /// Commits batches of `size` and plays the table beside it: every key is in one of them at every moment.
    fn run(
        size: u64,
        events: u64,
        has_key: impl Fn(u64) -> bool,
    ) -> (RecentKeys, HashMap<DedupeKey, Position>, Position) {
        let (mut recent, mut table, mut indexed) = (empty(), HashMap::new(), Position::START);
        while recent.position().0 < events {
            let first = recent.position().0 + 1;
            let keys: Vec<_> = (first..first + size).map(|n| has_key(n).then(|| key(n))).collect();
            let batch = batch(recent.position(), &keys);
            assert!(recent.is_at(&batch.before));
            assert_eq!(recent.doubled(&batch), None);
            let drain = recent.drain(batch.events.len());
            assert!(drain.keys().len() <= drained_along(batch.events.len()));
            assert!(drain.keys().is_sorted_by_key(|(key, _)| key.0));
            table.extend(drain.keys().iter().copied());
            indexed = drain.completes.unwrap_or(indexed);
            recent.committed(&batch, &drain);
            for n in (1..=recent.position().0).filter(|n| has_key(*n)) {
                assert_eq!(recent.find(&key(n)).or(table.get(&key(n)).copied()), Some(Position(n)));
                assert!(n > indexed.0 || table.contains_key(&key(n)), "{n} is below {indexed}");
            }
            let behind = recent.position().0 - indexed.0;
            assert!(behind < 2 * GENERATION + size, "{behind} events are not indexed");
        }
        (recent, table, indexed)
    }

    #[test]
    fn every_key_is_here_or_in_the_table_and_generations_do_not_pile_up() {
        for (size, events) in
            [(1, 800), (7, 1_500), (64, 3_000), (299, 3_000), (300, 3_000), (301, 3_000), (700, 3_000)]
        {
            let (_, table, indexed) = run(size, events, |_| true);
            assert!(indexed.0 >= events - 2 * GENERATION - size && table.len() as u64 >= indexed.0, "{size}");
        }
    }

    #[test]
    fn events_without_keys_move_the_index_too() {
        let (recent, table, indexed) = run(10, 2_000, |_| false);
        assert!(table.is_empty() && indexed.0 >= 1_400, "{indexed}");
        assert!(recent.growing.is_empty());
        run(10, 2_000, |n| n % 9 == 0);
    }

    #[test]
    fn a_key_is_doubled_in_its_batch_in_the_growing_and_in_the_frozen_generation() {
        let mut recent = empty();
        let twice = batch(Position::START, &[Some(key(1)), None, Some(key(2)), Some(key(1))]);
        assert_eq!(recent.doubled(&twice), Some(key(1)));
        let keys: Vec<_> = (1..GENERATION).map(|n| Some(key(n))).collect();
        recent.committed(&batch(Position::START, &keys), &Drain::default());
        let again = batch(recent.position(), &[Some(key(1_000)), Some(key(7))]);
        assert!(recent.frozen.is_none());
        assert_eq!(recent.doubled(&again), Some(key(7)));
        recent.committed(&batch(recent.position(), &[None]), &recent.drain(1));
        assert!(recent.frozen.is_some() && recent.growing.is_empty());
        assert_eq!(recent.doubled(&again), Some(key(7)));
        assert_eq!(recent.find(&key(GENERATION)), None);
    }

    #[test]
    fn what_was_not_committed_is_drained_again() {
        let mut recent = empty();
        let keys: Vec<_> = (1..=GENERATION).map(|n| Some(key(n))).collect();
        recent.committed(&batch(Position::START, &keys), &Drain::default());
        let first = recent.drain(1).keys().to_vec();
        assert_eq!(recent.drain(1).keys(), first, "the batch failed");
        let next = batch(recent.position(), &[None]);
        recent.committed(&next, &recent.drain(1));
        assert_ne!(recent.drain(1).keys(), first);
    }
}
