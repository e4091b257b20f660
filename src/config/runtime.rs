//! Threads and intervals of the runtime.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::http::cores;
use super::reader::Reader;

/// Live actors of one aggregate type. A metric's state is about 6 KiB, so this bounds it to about 300 MiB.
pub const LIVE_ACTORS_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("it is not 0, or this does not build");

/// An actor nobody has asked for this long leaves memory.
pub const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long a query waits for its read models before it answers 503 (design section 6).
pub const READ_WAIT_MAX: Duration = Duration::from_secs(2);

/// The runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Threads that aggregates live on.
    pub actor_threads: usize,
    /// Interval of the scheduler.
    pub tick: Duration,
    /// How long the alert evaluator rests before each page of events. Default none; it spares a small machine, and
    /// alerts are that much later.
    pub evaluator_pause: Duration,
    /// See [`LIVE_ACTORS_MAX`], the default.
    pub live_actors_max: NonZeroUsize,
    /// See [`IDLE_MAX`], the default.
    pub idle_max: Duration,
    /// See [`READ_WAIT_MAX`], the default.
    pub read_wait_max: Duration,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            actor_threads: cores(),
            tick: Duration::from_secs(1_800),
            evaluator_pause: Duration::ZERO,
            live_actors_max: LIVE_ACTORS_MAX,
            idle_max: IDLE_MAX,
            read_wait_max: READ_WAIT_MAX,
        }
    }
}

impl RuntimeConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        Self {
            actor_threads: reader.at_least("runtime.actor_threads", 1, default.actor_threads),
            tick: reader.get("runtime.tick_seconds", default.tick),
            evaluator_pause: Duration::from_secs(
                reader.get("runtime.evaluator_pause_seconds", default.evaluator_pause.as_secs()),
            ),
            live_actors_max: reader.get("runtime.max_live_actors", default.live_actors_max),
            idle_max: reader.get("runtime.idle_seconds", default.idle_max),
            read_wait_max: reader.get("runtime.read_wait_seconds", default.read_wait_max),
        }
    }
}
