//! Pages of delivered events: what every cursor reads, whether it has caught up or is far behind.
//!
//! Page `n` holds positions `n * PAGE_EVENTS + 1 ..= (n + 1) * PAGE_EVENTS`; the last one grows. Pages are made once
//! from the journal and shared, least recently used ones leave first, and their bytes are bounded.

use std::sync::Arc;

use lru::LruCache;
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_journal::Journal;
use parking_lot::Mutex;

use super::limits::{BELONGINGS_MAX, CACHE_BYTES_MAX, PAGE_EVENTS};
use super::portion::LastCut;
use super::routing::{self, Belonging, Routed};

/// A run of consecutive events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    events: Vec<Arc<Routed>>,
    bytes: usize,
    /// What was cut from it last.
    pub(super) cut: LastCut,
}

impl Page {
    /// The events behind `cursor`, in order. Nothing if `cursor` lies outside this page.
    pub(crate) fn after(&self, cursor: Position) -> &[Arc<Routed>] {
        let skip = self.events.partition_point(|event| event.position <= cursor);
        match self.events.get(skip) {
            Some(event) if event.position == cursor.next() => &self.events[skip..],
            Some(_) | None => &[],
        }
    }

    /// The last position in it, or [`Position::START`].
    pub(crate) fn last(&self) -> Position {
        self.events.last().map_or(Position::START, |event| event.position)
    }

    fn push(&mut self, event: Routed) {
        self.bytes += event.weight();
        self.events.push(Arc::new(event));
    }
}

/// A page of the given events, for tests of what reads pages.
#[cfg(test)]
pub(crate) fn page_of(events: Vec<Routed>) -> Page {
    let mut page = Page::default();
    events.into_iter().for_each(|event| page.push(event));
    page
}

#[derive(Debug)]
struct Cached {
    pages: LruCache<u64, Arc<Page>>,
    bytes: usize,
}

impl Cached {
    fn put(&mut self, number: u64, page: &Arc<Page>) {
        // Who read the journal a moment ago may come after who knew more.
        if self.pages.peek(&number).is_some_and(|known| known.last() > page.last()) {
            return;
        }
        self.bytes += page.bytes;
        if let Some(old) = self.pages.put(number, Arc::clone(page)) {
            self.bytes -= old.bytes;
        }
        while self.bytes > CACHE_BYTES_MAX && self.pages.len() > 1 {
            let Some((_, oldest)) = self.pages.pop_lru() else { break };
            self.bytes -= oldest.bytes;
        }
    }
}

/// The page that an event stands in.
fn page_of_event(event: &RecordedEvent) -> u64 {
    event.position.0.saturating_sub(1) / PAGE_EVENTS
}

/// The shared pages of one node.
pub(crate) struct Pages {
    journal: Journal,
    cached: Mutex<Cached>,
    belongings: Mutex<LruCache<StreamId, Belonging>>,
    /// One reader fills; the others find the page it left.
    filling: tokio::sync::Mutex<()>,
}

/// The journal could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be read behind position {after}: {reason}")]
pub(crate) struct Unreadable {
    after: Position,
    reason: String,
}

impl Pages {
    /// An empty cache over a journal.
    pub(crate) fn new(journal: Journal) -> Self {
        Self {
            journal,
            cached: Mutex::new(Cached { pages: LruCache::unbounded(), bytes: 0 }),
            belongings: Mutex::new(LruCache::new(BELONGINGS_MAX)),
            filling: tokio::sync::Mutex::new(()),
        }
    }

    /// The page with the event behind `after`, if it is in memory.
    pub(crate) fn peek(&self, after: Position) -> Option<Arc<Page>> {
        let mut cached = self.cached.lock();
        cached.pages.get(&(after.0 / PAGE_EVENTS)).filter(|page| page.last() > after).map(Arc::clone)
    }

    /// The page with the event behind `after`, which must be in the journal already.
    ///
    /// # Errors
    /// [`Unreadable`] if the journal fails.
    pub(crate) async fn read(&self, after: Position) -> Result<Arc<Page>, Unreadable> {
        let number = after.0 / PAGE_EVENTS;
        let _filling = self.filling.lock().await;
        if let Some(page) = self.peek(after) {
            return Ok(page);
        }
        let known = self.cached.lock().pages.get(&number).map(Arc::clone);
        let mut page = known.map_or_else(Page::default, |page| (*page).clone());
        let from = page.last().max(Position(number * PAGE_EVENTS));
        let wanted = usize::try_from((number + 1) * PAGE_EVENTS - from.0).unwrap_or(usize::MAX);
        let unreadable = |reason: String| Unreadable { after: from, reason };
        // The publish hook that woke the reader runs just before the journal moves its head.
        self.journal.watch_head().wait_for(|head| *head > from).await.map_err(|error| unreadable(error.to_string()))?;
        let events = self.journal.read(from, wanted).await.map_err(|error| unreadable(error.to_string()))?;
        let mut expected = from.next();
        for event in events.iter().take(wanted) {
            if event.position != expected {
                return Err(unreadable(format!("found position {} instead of {expected}", event.position)));
            }
            expected = expected.next();
            let belonging = self.belonging(event).await.map_err(unreadable)?;
            page.push(routing::route(event, &belonging));
        }
        let page = Arc::new(page);
        self.cached.lock().put(number, &page);
        Ok(page)
    }

    /// Takes events as they are published, so that the readers who are woken by them find them and need not queue
    /// for the journal. Stops at an event that needs the database or continues a page that nobody has read.
    pub(crate) fn extend(&self, published: &[Arc<RecordedEvent>]) {
        for events in published.chunk_by(|one, next| page_of_event(one) == page_of_event(next)) {
            let Some(first) = events.first() else { return };
            let number = page_of_event(first);
            let known = self.cached.lock().pages.peek(&number).map(Arc::clone);
            let mut page = known.map_or_else(Page::default, |page| (*page).clone());
            let mut expected = page.last().max(Position(number * PAGE_EVENTS)).next();
            for event in events {
                // A reader may have been faster with the first of them.
                if event.position < expected {
                    continue;
                }
                let belonging = self.belonging_in_memory(event).filter(|_| event.position == expected);
                let Some(belonging) = belonging else { break };
                expected = expected.next();
                page.push(routing::route(event, &belonging));
            }
            if page.last() >= first.position {
                self.cached.lock().put(number, &Arc::new(page));
            }
            if events.last().is_some_and(|last| last.position >= expected) {
                return;
            }
        }
    }

    /// Whose the event's stream is, where that takes no reading.
    fn belonging_in_memory(&self, event: &RecordedEvent) -> Option<Belonging> {
        if !routing::belongs_to_somebody(&event.stream) {
            return Some(Belonging::default());
        }
        if let Some(known) = self.belongings.lock().get(&event.stream) {
            return Some(known.clone());
        }
        let belonging = routing::belonging(event);
        if !belonging.is_known() && event.sequence > 1 {
            return None;
        }
        self.belongings.lock().put(event.stream.clone(), belonging.clone());
        Some(belonging)
    }

    async fn belonging(&self, event: &RecordedEvent) -> Result<Belonging, String> {
        if let Some(belonging) = self.belonging_in_memory(event) {
            return Ok(belonging);
        }
        let first = self.journal.read_stream(&event.stream, 0, 1).await.map_err(|error| error.to_string())?;
        let belonging = first.first().map(|first| routing::belonging(first)).unwrap_or_default();
        self.belongings.lock().put(event.stream.clone(), belonging.clone());
        Ok(belonging)
    }
}
