//! How many frames a client may send: a burst, and so many a second over time.

use std::time::Instant;

/// Frames a client may send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameRate {
    /// At once.
    pub(crate) burst: f64,
    /// A second, over time.
    pub(crate) per_second: f64,
}

/// The frames one connection has left.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: FrameRate,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// Of a connection that has sent nothing.
    pub(crate) fn full(rate: FrameRate, now: Instant) -> Self {
        Self { rate, left: rate.burst, at: now }
    }

    /// Takes one frame out; `false` where there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let refill = now.saturating_duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.left = (self.left + refill).min(self.rate.burst);
        self.at = now;
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}
