//! What other nodes write into the same record: how this node notices, and how it takes it in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use muniment_aggregates::record::{Position, RecordedEvent};
use tokio::sync::{mpsc, oneshot};

use crate::chain::Hasher;
use crate::engine::Head;
use crate::journal::Core;
use crate::limits::PAGE_EVENTS;
use crate::writer::Writer;

/// Why the journal can no longer be written; the text is for the operator.
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) String);

const RETRY_MILLISECONDS: u64 = 100;
/// Questions for the head that are answered by one look at the database.
const ASKERS_MAX: usize = 10_000;

impl Writer {
    /// Reads everything after what is durable here, checks that it continues the chain, and publishes it. Nothing of
    /// ours is in flight.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Trouble> {
        let mut hasher = Hasher::default();
        loop {
            let head = patiently_read_head(&self.core).await?;
            self.check(head)?;
            if head.position == self.durable.position {
                return Ok(());
            }
            let events = match self.core.engine.read(self.durable.position, head.position, PAGE_EVENTS).await {
                Ok(events) => events,
                Err(error) => {
                    tracing::warn!(%error, "foreign events cannot be read yet");
                    tokio::time::sleep(Duration::from_millis(RETRY_MILLISECONDS)).await;
                    continue;
                }
            };
            if events.is_empty() {
                return Err(Trouble(format!(
                    "the head is at {} but no event follows {}",
                    head.position, self.durable.position
                )));
            }
            let events: Vec<Arc<RecordedEvent>> = events.into_iter().map(Arc::new).collect();
            for event in &events {
                let expected = hasher.hash(&self.durable.hash, self.durable.identity, event);
                if event.position != self.durable.position.next() || event.hash != expected {
                    return Err(Trouble(format!(
                        "the event at position {} does not continue the chain after {}",
                        event.position, self.durable.position
                    )));
                }
                self.durable.position = event.position;
                self.durable.hash = event.hash;
                self.durable.recorded_at = event.recorded_at;
                self.knowledge.learn_event(event);
            }
            self.core.publish(&events);
        }
    }

    fn check(&self, head: Head) -> Result<(), Trouble> {
        if head.identity != self.durable.identity {
            return Err(Trouble(format!(
                "the record {} was replaced by {} while this node ran; start it again",
                self.durable.identity, head.identity
            )));
        }
        let same = head.position == self.durable.position;
        if head.position < self.durable.position || (same && head.hash != self.durable.hash) {
            return Err(Trouble(format!(
                "the record was cut or rewritten while this node ran: its head is {}, this node saw {}",
                head.position, self.durable.position
            )));
        }
        Ok(())
    }
}

async fn patiently_read_head(core: &Core) -> Result<Head, Trouble> {
    let mut closing = core.closing.subscribe();
    loop {
        match core.engine.head().await {
            Ok(head) => {
                core.set_stalled(false);
                return Ok(head);
            }
            Err(error) => tracing::warn!(%error, "the head cannot be read yet"),
        }
        core.set_stalled(true);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(RETRY_MILLISECONDS)) => {}
            _ = closing.wait_for(|closing| *closing) => {
                return Err(Trouble("it was shut down while the database could not be reached".to_owned()));
            }
        }
    }
}

/// Watches for the heads of other nodes and wakes the writer. Ends with it.
pub(crate) async fn watch(core: Arc<Core>) {
    let mut finished = core.finished.subscribe();
    loop {
        tokio::select! {
            () = core.engine.changed() => {}
            _ = finished.wait_for(|finished| *finished) => return,
        }
        match core.engine.head().await {
            Ok(head) => core.note_head(head.position),
            Err(error) => tracing::debug!(%error, "the head cannot be read; the next look comes soon"),
        }
    }
}

/// One who wants to know the head as of now.
pub(crate) type HeadAsker = oneshot::Sender<Result<Position, String>>;

/// Answers questions for the database's head: one look for all who asked before it began.
pub(crate) async fn confirm(core: Arc<Core>, mut askers: mpsc::Receiver<HeadAsker>) {
    let mut waiting = Vec::new();
    while askers.recv_many(&mut waiting, ASKERS_MAX).await > 0 {
        let answer = core.engine.head().await.map(|head| head.position).map_err(|error| error.to_string());
        if let Ok(position) = answer {
            core.note_head(position);
        }
        for asker in waiting.drain(..) {
            // Whoever gave up waiting dropped the other end.
            drop(asker.send(answer.clone()));
        }
    }
}

impl Core {
    /// Wakes the writer if the database is ahead of this node.
    pub(crate) fn note_head(&self, position: Position) {
        if position > self.tail.head() {
            self.foreign_head.fetch_max(position.0, Ordering::AcqRel);
            self.foreign.notify_one();
        }
    }
}
