//! Windows of one node, in memory, bounded in keys; of whom nothing counts any more, nothing stays.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

use super::{Window, seconds_up};
use crate::config::Limit;

/// Keys that are remembered; the least recently used go first.
const KEYS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("100,000 is not zero");

/// Keys that idle whose end each request looks for: more than the one that it may add.
const LOOKED_AT: usize = 2;

/// What counts of somebody.
struct Hits {
    instants: VecDeque<Instant>,
    /// How long each counts.
    window: Duration,
}

impl Hits {
    fn is_over(&self, now: Instant) -> bool {
        self.instants.back().is_none_or(|newest| now.duration_since(*newest) >= self.window)
    }
}

/// The instants that count, by whom they concern.
pub(super) struct Memory(Mutex<LruCache<(Window, String), Hits>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEYS_MAX)))
    }
}

impl Memory {
    /// Counts a request, or says after how many seconds the next one passes, rounded up.
    pub(super) fn hit(&self, window: Window, key: &str, limit: Limit, now: Instant) -> Result<(), u64> {
        let mut all = self.0.lock();
        // A key that is not used again, as a token's that was rotated, would keep what a busy minute took.
        for _ in 0..LOOKED_AT {
            if all.peek_lru().is_none_or(|(_, idle)| !idle.is_over(now)) {
                break;
            }
            all.pop_lru();
        }
        let made = || Hits { instants: VecDeque::new(), window: limit.window };
        let hits = &mut all.get_or_insert_mut((window, key.to_owned()), made).instants;
        // A hit exactly at the edge is gone.
        while hits.front().is_some_and(|oldest| now.duration_since(*oldest) >= limit.window) {
            hits.pop_front();
        }
        if usize::try_from(limit.count).is_ok_and(|count| hits.len() >= count) {
            let waited = hits.front().map(|oldest| now.duration_since(*oldest)).unwrap_or_default();
            return Err(seconds_up(limit.window.saturating_sub(waited)));
        }
        hits.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_of_three_waits_until_the_first_leaves() {
        let memory = Memory::default();
        let limit = Limit::new(3, 10);
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            assert_eq!(memory.hit(Window::Reads, "a", limit, now), Ok(()));
        }
        assert_eq!(memory.hit(Window::Reads, "a", limit, start + Duration::from_millis(4_500)), Err(6));
        assert_eq!(memory.hit(Window::Reads, "b", limit, start), Ok(()));
        assert_eq!(memory.hit(Window::Reads, "a", limit, start + Duration::from_secs(10)), Ok(()));
    }

    #[test]
    fn who_does_not_come_again_leaves_nothing_behind() {
        let memory = Memory::default();
        let start = Instant::now();
        let keys = || memory.0.lock().len();
        for number in 0..100 {
            assert_eq!(memory.hit(Window::MetricWrites, &number.to_string(), Limit::new(3, 10), start), Ok(()));
        }
        let still = start + Duration::from_secs(9);
        assert_eq!(memory.hit(Window::Reads, "last", Limit::new(100, 10), still), Ok(()));
        assert_eq!(keys(), 101, "all of them count");
        let over = start + Duration::from_secs(10);
        (0..50).for_each(|_| assert_eq!(memory.hit(Window::Reads, "last", Limit::new(100, 10), over), Ok(())));
        assert_eq!(keys(), 1);
    }

    #[test]
    fn acc_086_many_keys_stay_within_bounds() {
        let memory = Memory::default();
        let now = Instant::now();
        for number in 0..200_000 {
            assert_eq!(memory.hit(Window::Reads, &number.to_string(), Limit::new(1, 10), now), Ok(()));
        }
        assert_eq!(memory.0.lock().len(), KEYS_MAX.get());
    }
}
