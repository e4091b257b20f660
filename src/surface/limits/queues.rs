//! Queues by key: callers of one key take turns, first come, first served. A queue nobody stands in is forgotten, also
//! where the last of it left before its turn.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::MutexGuard;

type Queue = Arc<tokio::sync::Mutex<()>>;

/// The queues somebody stands in.
#[derive(Debug, Default)]
pub(in crate::surface) struct Queues(Mutex<HashMap<String, Queue>>);

/// A place in a queue.
#[derive(Debug)]
pub(in crate::surface) struct Place<'q> {
    queues: &'q Queues,
    key: &'q str,
    /// `None` only while this is dropped.
    queue: Option<Queue>,
}

impl Queues {
    /// Joins the queue of a key.
    pub(in crate::surface) fn join<'q>(&'q self, key: &'q str) -> Place<'q> {
        let queue = Arc::clone(self.0.lock().entry(key.to_owned()).or_default());
        Place { queues: self, key, queue: Some(queue) }
    }
}

impl Place<'_> {
    /// How many stand in it, this one among them.
    pub(super) fn callers(&self) -> usize {
        // One of them is the table's own.
        self.queue.as_ref().map_or(0, |queue| Arc::strong_count(queue) - 1)
    }

    /// Waits for its turn, which lasts until the guard is dropped.
    pub(in crate::surface) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match &self.queue {
            Some(queue) => Some(queue.lock().await),
            None => None,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.0.lock();
        // Counted and let go under one lock, so that of two who leave at once one is the last.
        let Some(queue) = self.queue.take() else { return };
        if Arc::strong_count(&queue) == 2 {
            queues.remove(self.key);
        }
        drop(queue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_is_forgotten_when_its_last_caller_leaves_before_his_turn() {
        let queues = Queues::default();
        let first = queues.join("a");
        let held = first.turn().await;
        let second = queues.join("a");
        assert_eq!((second.callers(), queues.0.lock().len()), (2, 1));
        {
            let waiting = second.turn();
            tokio::pin!(waiting);
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        drop(held);
        drop(first);
        assert_eq!(queues.0.lock().len(), 1);
        drop(second);
        assert!(queues.0.lock().is_empty());
    }
}
