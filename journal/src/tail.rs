//! The newest events in memory, and who is told about them. One publisher, any number of readers.

use std::collections::VecDeque;
use std::sync::Arc;

use muniment_aggregates::record::{Position, RecordedEvent};
use parking_lot::RwLock;
use tokio::sync::watch;

/// Called with each batch in order, right after it is durable and before its tickets resolve. Must not block.
pub type PublishHook = Arc<dyn Fn(&[Arc<RecordedEvent>]) + Send + Sync>;

/// Bytes of an event beside its texts: the struct, its counts and its place in the ring.
const EVENT_OVERHEAD_BYTES: usize = 256;

struct Ring {
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
    /// The last position that hooks were told of: ahead of the head while they run.
    newest: Position,
}

/// The end of the record as this node knows it.
pub(crate) struct Tail {
    ring: RwLock<Ring>,
    head: watch::Sender<Position>,
    first_hooks: RwLock<Vec<PublishHook>>,
    hooks: RwLock<Vec<PublishHook>>,
    bytes_max: usize,
}

fn weight(event: &RecordedEvent) -> usize {
    // The metadata is shared by the events of one append; counted in full it errs on the small side of memory.
    event.payload.len() + event.metadata.len() + EVENT_OVERHEAD_BYTES
}

impl Tail {
    pub(crate) fn new(head: Position, bytes_max: usize) -> Self {
        Self {
            ring: RwLock::new(Ring { events: VecDeque::new(), bytes: 0, newest: head }),
            head: watch::Sender::new(head),
            first_hooks: RwLock::new(Vec::new()),
            hooks: RwLock::new(Vec::new()),
            bytes_max,
        }
    }

    pub(crate) fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// The last position that hooks were told of: ahead of the head while they run.
    pub(crate) fn newest(&self) -> Position {
        self.ring.read().newest
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    pub(crate) fn add_hook(&self, hook: PublishHook) {
        self.hooks.write().push(hook);
    }

    pub(crate) fn add_first_hook(&self, hook: PublishHook) {
        self.first_hooks.write().push(hook);
    }

    /// Tells the first hooks of events that are durable and not yet taken in. Only the writer calls it, in order.
    pub(crate) fn forewarn(&self, events: &[Arc<RecordedEvent>]) {
        let Some(last) = events.last() else { return };
        self.ring.write().newest = last.position;
        for hook in self.first_hooks.read().iter() {
            hook(events);
        }
    }

    /// Takes the events that follow the head. Only the writer calls it, in order.
    pub(crate) fn publish(&self, events: &[Arc<RecordedEvent>]) {
        let Some(last) = events.last() else { return };
        {
            let mut ring = self.ring.write();
            ring.newest = last.position;
            for event in events {
                ring.bytes += weight(event);
                ring.events.push_back(Arc::clone(event));
            }
            while ring.bytes > self.bytes_max {
                let Some(oldest) = ring.events.pop_front() else { break };
                ring.bytes -= weight(&oldest);
            }
        }
        for hook in self.hooks.read().iter() {
            hook(events);
        }
        self.head.send_replace(last.position);
    }

    /// Up to `limit` events after `after`; `None` when the ring no longer, or not yet, reaches back that far.
    pub(crate) fn read(&self, after: Position, limit: usize) -> Option<Vec<Arc<RecordedEvent>>> {
        let ring = self.ring.read();
        // The ring may be ahead of the head while hooks run; nobody reads what is not published.
        let Some(ahead) = self.head().0.checked_sub(after.0).filter(|ahead| *ahead > 0) else {
            return Some(Vec::new());
        };
        let limit = limit.min(usize::try_from(ahead).unwrap_or(usize::MAX));
        let first = ring.events.front()?.position;
        let skip = usize::try_from(after.next().0.checked_sub(first.0)?).ok()?;
        Some(ring.events.iter().skip(skip).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use muniment_aggregates::record::StreamId;

    use super::*;

    fn event(position: u64) -> Arc<RecordedEvent> {
        Arc::new(RecordedEvent {
            position: Position(position),
            stream: StreamId::new("s", "1"),
            sequence: position,
            event_type: Arc::from("s.happened"),
            event_version: Arc::from("1.0"),
            payload: Box::from("{}"),
            metadata: Arc::from("{}"),
            recorded_at: DateTime::UNIX_EPOCH,
            dedupe: None,
            hash: [0; 32],
        })
    }

    fn positions(events: &[Arc<RecordedEvent>]) -> Vec<u64> {
        events.iter().map(|event| event.position.0).collect()
    }

    #[test]
    fn the_ring_gives_way_at_its_bound_and_says_so() {
        let tail = Tail::new(Position(10), 3 * (EVENT_OVERHEAD_BYTES + 4));
        assert_eq!(tail.read(Position(10), 5), Some(Vec::new()));
        assert_eq!(tail.read(Position(9), 5), None);
        for position in 11..=15 {
            tail.publish(&[event(position)]);
        }
        assert_eq!(positions(&tail.read(Position(12), 5).unwrap()), [13, 14, 15]);
        assert_eq!(positions(&tail.read(Position(13), 1).unwrap()), [14]);
        assert_eq!(tail.read(Position(11), 5), None);
        assert_eq!(tail.head(), Position(15));
    }

    #[test]
    fn what_hooks_are_still_told_of_is_the_newest_already() {
        let tail = Arc::new(Tail::new(Position(4), 1));
        assert_eq!(tail.newest(), Position(4));
        let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let (inner, log) = (Arc::clone(&tail), Arc::clone(&seen));
        let log_both: PublishHook = Arc::new(move |_| log.lock().push((inner.newest(), inner.head())));
        tail.add_first_hook(Arc::clone(&log_both));
        tail.add_hook(log_both);
        tail.forewarn(&[event(5), event(6)]);
        assert_eq!(*seen.lock(), [(Position(6), Position(4))], "before anything is taken in");
        tail.publish(&[event(5), event(6)]);
        assert_eq!(*seen.lock(), [(Position(6), Position(4)); 2]);
        assert_eq!((tail.newest(), tail.head()), (Position(6), Position(6)));
    }

    #[test]
    fn hooks_see_each_batch_before_the_head_moves() {
        let tail = Arc::new(Tail::new(Position::START, 1 << 20));
        let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let (inner, log) = (Arc::clone(&tail), Arc::clone(&seen));
        tail.add_hook(Arc::new(move |events| log.lock().push((positions(events), inner.head()))));
        tail.publish(&[event(1), event(2)]);
        tail.publish(&[event(3)]);
        assert_eq!(*seen.lock(), [(vec![1, 2], Position(0)), (vec![3], Position(2))]);
    }
}
