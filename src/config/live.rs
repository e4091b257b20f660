//! The live surface.

use std::time::Duration;

use super::duration::Span;
use super::reader::Reader;

/// The heartbeats of `/v1/live`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveConfig {
    /// Between heartbeats of a socket; one that is not answered within ten seconds ends it.
    pub heartbeat: Duration,
}

/// Below this, deadlines are not looked at more often.
const HEARTBEAT_MIN: Duration = Duration::from_secs(1);
/// Above this, proxies on the way take an idle socket for a dead one.
const HEARTBEAT_MAX: Duration = Duration::from_secs(300);

impl Default for LiveConfig {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(25) }
    }
}

impl LiveConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        let heartbeat = reader.get("live.heartbeat", Span(default.heartbeat)).0;
        if !(HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&heartbeat) {
            reader.refuse("live.heartbeat", "must be from 1s to 5m");
        }
        Self { heartbeat }
    }
}
