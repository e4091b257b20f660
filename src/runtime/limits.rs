//! Every bound of the actors, by name, with the sum behind the number.

use std::num::NonZeroUsize;
use std::time::Duration;

use chrono::TimeDelta;

use crate::config::runtime::{IDLE_MAX, LIVE_ACTORS_MAX};

/// What bounds the actors of one node's bus: the built-in numbers, or those of an operator or a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorLimits {
    /// See [`MAILBOX_COMMANDS_MAX`].
    pub mailbox_commands_max: NonZeroUsize,
    /// See [`WAITING_COMMANDS_MAX`].
    pub waiting_commands_max: usize,
    /// See [`IN_FLIGHT_APPENDS_MAX`].
    pub in_flight_appends_max: NonZeroUsize,
    /// See [`LIVE_ACTORS_MAX`].
    pub live_actors_max: NonZeroUsize,
    /// See [`IDLE_MAX`].
    pub idle_max: Duration,
}

impl Default for ActorLimits {
    fn default() -> Self {
        Self {
            mailbox_commands_max: MAILBOX_COMMANDS_MAX,
            waiting_commands_max: WAITING_COMMANDS_MAX,
            in_flight_appends_max: IN_FLIGHT_APPENDS_MAX,
            live_actors_max: LIVE_ACTORS_MAX,
            idle_max: IDLE_MAX,
        }
    }
}

impl ActorLimits {
    /// How often idle actors are looked for: never rarer than they become idle.
    #[must_use]
    pub fn idle_sweep_interval(&self) -> Duration {
        self.idle_max.clamp(IDLE_SWEEP_INTERVAL_MIN, IDLE_SWEEP_INTERVAL)
    }
}

/// A number that is a bound, as the type that cannot be 0.
#[expect(clippy::expect_used, reason = "evaluated while compiling: a 0 does not build")]
const fn bound(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("a bound is not 0")
}

/// Requests that may wait in one actor's mailbox. A hot metric at 50,000 commands a second drains this in
/// 80 ms; what does not fit is refused at once instead of queued without limit.
pub const MAILBOX_COMMANDS_MAX: NonZeroUsize = bound(4_096);

/// Commands one actor keeps while it loads or recovers its state. Same sum as the mailbox.
pub const WAITING_COMMANDS_MAX: usize = 4_096;

/// Appends of one actor that may be in flight at once; the next commands wait their turn in the actor.
pub const IN_FLIGHT_APPENDS_MAX: NonZeroUsize = bound(2_048);

/// How often one command is decided again because another writer came first. Where two nodes write one hot metric, each
/// loses every second race, so of 131,000 commands about one loses all of its seventeen: the first and sixteen more.
pub const REDECISIONS_MAX: u32 = 16;

/// How often idle actors are looked for, on every node; so none outlives its last request by more than 330 s.
pub const IDLE_SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// And at most so often, where a setting makes actors idle sooner: a look at an idle actor costs a lock of its directory.
pub const IDLE_SWEEP_INTERVAL_MIN: Duration = Duration::from_millis(50);

/// Events after which a stream's state is written behind the log as a snapshot.
pub const SNAPSHOT_EVENTS: u64 = 256;

/// Smallest distance between two snapshots of a stream: each is a commit of its own, and one hot metric would make
/// two hundred a second of them.
pub const SNAPSHOT_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// Events after which it is taken within that distance too: so many replay in some 20 ms.
pub const SNAPSHOT_EVENTS_HOT: u64 = 8_192;

/// Events read from the journal in one page, by whoever reads much of it: a page of points is about 1 MiB, and asking for it
/// costs little beside folding it.
pub const PAGE_EVENTS: usize = 2_000;

/// How far a read model may be behind the head before the node says that it is not ready, and `doctor` that it lags: a
/// second or two of the projector's work.
pub const LAG_EVENTS_MAX: u64 = 10_000;

/// Idempotency keys one actor remembers, so that a repeated key is answered without asking the journal.
pub const RECENT_KEYS_MAX: NonZeroUsize = bound(256);

/// How often a reading of several rows is made again because a page was folded in meanwhile.
pub const READINGS_MAX: u32 = 16;

/// Offer books that a scope may know without any of them having to leave before its end, and that leave in one append: far
/// below what an append may rest on, so that few others can come in between.
pub const SCOPE_BOOKS_MAX: usize = 200;

/// Offer books of a scope that are read at once.
pub const BOOKS_READ_AT_ONCE: usize = 32;
