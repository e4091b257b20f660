//! Keeps callers and database at work at the same time (docs/decisions/0016).
//!
//! Callers who are answered together come back together: then the database waits while they work, and they wait while it
//! does. Once half of them go ahead, each half works while the other is in flight, and it stays like that by itself.

use std::time::Duration;

use tokio::time::Instant;

/// Fewer appends go together: halves of a few gain little beside a flush. Chosen, not measured.
const HALVED_APPENDS_MIN: usize = 16;

/// What the newest batch that landed says about the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Landed {
    /// When it landed.
    pub(crate) at: Instant,
    /// How many appends it had.
    pub(crate) appends: usize,
    /// How long it was in flight.
    pub(crate) flight: Duration,
}

impl Landed {
    /// How many of the waiting appends go ahead at `now`, with nothing in flight: all, or half where callers and database
    /// take turns and the database waited for longer than it had worked, which is more than a second flush costs.
    pub(crate) fn share(&self, waiting: usize, now: Instant) -> usize {
        let came_back_together = waiting >= HALVED_APPENDS_MIN && waiting <= self.appends.saturating_mul(2);
        if came_back_together && now - self.at >= self.flight { waiting.div_ceil(2) } else { waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_those_who_came_back_together_go_ahead() {
        let (start, flight) = (Instant::now(), Duration::from_millis(2));
        let landed = Landed { at: start, appends: 64, flight };
        assert_eq!(landed.share(64, start + flight), 32);
        assert_eq!(landed.share(63, start + flight), 32);
        assert_eq!(landed.share(64, start + flight / 2), 64, "the database worked for longer than it waited");
        assert_eq!(landed.share(HALVED_APPENDS_MIN - 1, start + flight), HALVED_APPENDS_MIN - 1);
        assert_eq!(landed.share(129, start + flight), 129, "most of them are not those who were answered");
    }
}
