//! Windows of one node, in memory, bounded in keys.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Instant;

use lru::LruCache;
use parking_lot::Mutex;

use super::{Window, seconds_up};
use crate::config::Limit;

/// Keys that are remembered; the least recently used go first.
const KEYS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("100,000 is not zero");

/// The instants that count, by whom they concern.
pub(super) struct Memory(Mutex<LruCache<(Window, String), VecDeque<Instant>>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEYS_MAX)))
    }
}

impl Memory {
    /// Counts a request, or says after how many seconds the next one passes, rounded up.
    pub(super) fn hit(&self, window: Window, key: &str, limit: Limit, now: Instant) -> Result<(), u64> {
        let mut hits = self.0.lock();
        let hits = hits.get_or_insert_mut((window, key.to_owned()), VecDeque::new);
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
    use std::time::Duration;

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
    fn acc_086_many_keys_stay_within_bounds() {
        let memory = Memory::default();
        let now = Instant::now();
        for number in 0..200_000 {
            assert_eq!(memory.hit(Window::Reads, &number.to_string(), Limit::new(1, 10), now), Ok(()));
        }
        assert_eq!(memory.0.lock().len(), KEYS_MAX.get());
    }
}
