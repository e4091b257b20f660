//! Whether the next batch waits a moment for the callers who were just answered.
//!
//! Callers who wait for an answer come back right after it, together. A batch that leaves at once leaves without
//! them: callers fall into two groups that take turns, and every flush serves half of them. So after an answer to
//! several the writer lets them come back, for a fraction of a flush, and only where that brings company. An answer to
//! one caller opens no such wait: a lone command is never delayed.

use std::time::Duration;

use tokio::time::Instant;

/// Part of a flush that may be waited.
const FLUSH_PARTS: u32 = 3;
const WAIT_MICROSECONDS_MAX: u64 = 500;
/// Nobody has come for this long: nobody will.
const QUIET_MICROSECONDS_MAX: u64 = 100;
/// Looks at the queue in one wait; binds where the clock stands still, as in a simulation.
const LOOKS_MAX: u32 = 512;
/// After n waits in vain 2^n batches leave at once, up to 2^6.
const VAIN_MAX: u32 = 6;

#[derive(Debug)]
struct Wait {
    until: Instant,
    quiet_until: Instant,
    looks_left: u32,
    answered: usize,
    /// Appends that waited when the answers left, and at the last look.
    before: usize,
    seen: usize,
}

/// Decides it from what earlier waits have brought.
#[derive(Debug, Default)]
pub(crate) struct Company {
    wait: Option<Wait>,
    vain: u32,
    skip: u32,
}

impl Company {
    /// `answered` callers have their answer after a flush of this duration; `waiting` appends are in the next batch.
    pub(crate) fn answered(&mut self, now: Instant, answered: usize, flush: Duration, waiting: usize) {
        self.wait = None;
        if answered < 2 {
            return;
        }
        if let Some(left) = self.skip.checked_sub(1) {
            self.skip = left;
            return;
        }
        self.wait = Some(Wait {
            until: now + (flush / FLUSH_PARTS).min(Duration::from_micros(WAIT_MICROSECONDS_MAX)),
            quiet_until: now + Duration::from_micros(QUIET_MICROSECONDS_MAX),
            looks_left: LOOKS_MAX,
            answered,
            before: waiting,
            seen: waiting,
        });
    }

    /// Whether a batch of `waiting` appends should look at the queue once more before it leaves.
    pub(crate) fn expects_more(&mut self, now: Instant, waiting: usize) -> bool {
        let Some(wait) = &mut self.wait else { return false };
        if waiting > wait.seen {
            wait.seen = waiting;
            wait.quiet_until = now + Duration::from_micros(QUIET_MICROSECONDS_MAX);
        }
        let came = waiting.saturating_sub(wait.before);
        wait.looks_left = wait.looks_left.saturating_sub(1);
        let over = wait.looks_left == 0 || now >= wait.until || now >= wait.quiet_until;
        if came < wait.answered && !over {
            return true;
        }
        if came * 2 >= wait.answered {
            self.vain = 0;
        } else {
            self.vain = (self.vain + 1).min(VAIN_MAX);
            self.skip = 1 << self.vain;
        }
        self.wait = None;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLUSH: Duration = Duration::from_millis(1);

    fn after(answered: usize, waiting: usize) -> (Company, Instant) {
        let (mut company, now) = (Company::default(), Instant::now());
        company.answered(now, answered, FLUSH, waiting);
        (company, now)
    }

    #[test]
    fn one_caller_answered_opens_no_wait() {
        let (mut company, now) = after(1, 0);
        assert!(!company.expects_more(now, 1));
    }

    #[test]
    fn the_wait_ends_when_all_are_back() {
        let (mut company, now) = after(4, 3);
        assert!(company.expects_more(now, 3));
        assert!(company.expects_more(now, 6));
        assert!(!company.expects_more(now, 7));
        company.answered(now, 4, FLUSH, 0);
        assert!(company.expects_more(now, 1), "a wait that brought company is followed by another");
    }

    #[test]
    fn a_wait_ends_with_its_time_or_its_looks() {
        let (mut company, now) = after(4, 0);
        assert!(!company.expects_more(now + Duration::from_micros(QUIET_MICROSECONDS_MAX), 0), "nobody came");
        let (mut company, now) = after(4, 0);
        assert!(!company.expects_more(now + FLUSH / FLUSH_PARTS, 3), "some came, but the time is over");
        let (mut company, now) = after(4, 0);
        assert!((1..LOOKS_MAX).all(|_| company.expects_more(now, 1)));
        assert!(!company.expects_more(now, 1), "the clock stands still, but it looked often enough");
    }

    #[test]
    fn waits_in_vain_become_rare() {
        let mut company = Company::default();
        let mut waits = 0;
        let now = Instant::now();
        for _ in 0..1_000 {
            company.answered(now, 8, FLUSH, 0);
            if company.expects_more(now, 1) {
                waits += 1;
                assert!(!company.expects_more(now + FLUSH, 1));
            }
        }
        assert!(waits < 30, "{waits} waits of 1,000 batches");
    }
}
