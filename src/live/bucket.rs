//! How many frames a client may send: a burst, and so many a second over time.

use std::time::Instant;

use super::limits;

/// The frames one connection has left.
#[derive(Debug)]
pub(crate) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// Of a connection that has sent nothing.
    pub(crate) fn full(now: Instant) -> Self {
        Self { left: limits::FRAMES_BURST, at: now }
    }

    /// Takes one frame out; `false` where there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let refill = now.saturating_duration_since(self.at).as_secs_f64() * limits::FRAMES_PER_SECOND;
        self.left = (self.left + refill).min(limits::FRAMES_BURST);
        self.at = now;
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}
