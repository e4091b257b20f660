//! Who lost a race for a stream waits for a turn at it, and who comes anew goes behind whoever has one, so that of many
//! decisions on one stream each loses at most a few races instead of most of them. It saves work and refusals; the versions
//! in an append keep it right without.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use muniment_aggregates::record::StreamId;
use tokio::sync::{Mutex, MutexGuard};

/// Queues. Two streams that share one wait for each other now and then, which costs a moment, and who comes
/// anew a second decision.
const QUEUES: usize = 64;

/// Queues for the streams of this process, in the order of arrival.
pub(super) struct StreamQueues([Mutex<()>; QUEUES]);

impl StreamQueues {
    /// Nobody waits.
    #[must_use]
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }

    /// Waits for a turn at a stream; it lasts as long as what is returned. Whoever has one must not ask for another.
    pub(super) async fn turn_at(&self, stream: &StreamId) -> MutexGuard<'_, ()> {
        self.queue(stream).lock().await
    }

    /// Waits for a turn at one of these streams behind whoever has one now; `None`, at once, where nobody has.
    pub(super) async fn turn_behind_others(
        &self,
        mut streams: impl Iterator<Item = &StreamId>,
    ) -> Option<MutexGuard<'_, ()>> {
        let taken = streams.find_map(|stream| {
            let queue = self.queue(stream);
            queue.try_lock().is_err().then_some(queue)
        })?;
        Some(taken.lock().await)
    }

    fn queue(&self, stream: &StreamId) -> &Mutex<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(stream);
        let last = u64::try_from(QUEUES - 1).unwrap_or_default();
        // The mask leaves a number below the count of queues, which is a power of two.
        let queue = usize::try_from(hash & last).unwrap_or_default();
        &self.0[queue]
    }
}
