//! Threads and intervals of the runtime.

use std::time::Duration;

use super::http::cores;
use super::reader::Reader;

/// The runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Threads that aggregates live on. Default: one a core.
    pub actor_threads: usize,
    /// Interval of the scheduler. Default 30 minutes.
    pub tick: Duration,
    /// How long the alert evaluator rests before each page of events. Default none; it spares a small machine, and
    /// alerts are that much later.
    pub evaluator_pause: Duration,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { actor_threads: cores(), tick: Duration::from_secs(1_800), evaluator_pause: Duration::ZERO }
    }
}

impl RuntimeConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        Self {
            actor_threads: reader.at_least("runtime.actor_threads", 1, default.actor_threads),
            tick: reader.get("runtime.tick_seconds", default.tick),
            evaluator_pause: reader.get("runtime.evaluator_pause_seconds", default.evaluator_pause),
        }
    }
}
