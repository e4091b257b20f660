//! What other nodes write into the same record: how this node notices, and how it takes it in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::SqlError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::chain::Hasher;
use crate::commit::watched;
use crate::core::Core;
use crate::engine::{Head, Identity};
use crate::limits::PAGE_EVENTS;
use crate::writer::Writer;

/// Why the journal can no longer be written; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The record in the database is not the one that this node knows.
    #[error(transparent)]
    Departed(#[from] Departure),
    /// The writer itself cannot go on.
    #[error("{0}")]
    Ended(String),
}

/// How the record in the database departs from what this node knows of it, as after a failover to a server that had not
/// received everything, or where a backup took its place. Actors, caches and readers of this node rest on a past that is no
/// more, so it stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Departure {
    /// It has less than was acknowledged, or other events there.
    #[error("the record was cut or rewritten while this node ran: {0}; start it again")]
    Lost(String),
    /// It has another name: a backup was restored, or another node found the loss first.
    #[error("the record {ours} was replaced by {theirs} while this node ran; start it again")]
    Replaced {
        /// What this node serves.
        ours: Identity,
        /// What is there.
        theirs: Identity,
    },
    /// It was neither cut nor replaced, as far as is known, but this node can neither write nor follow it any more.
    #[error("nothing can be recorded any more: {0}; start it again")]
    Broken(String),
}

/// Whether a head can be that of a record of which `known` was the end before it was asked for.
fn continues(known: &Head, found: &Head) -> Result<(), Departure> {
    if found.identity != known.identity {
        return Err(Departure::Replaced { ours: known.identity, theirs: found.identity });
    }
    let same = found.position == known.position;
    if found.position < known.position || (same && found.hash != known.hash) {
        let what = format!("its head is {}, this node saw {}", found.position, known.position);
        return Err(Departure::Lost(if same { format!("{what} with another hash") } else { what }));
    }
    Ok(())
}

const RETRY_MILLISECONDS: u64 = 100;
/// Questions for the head that are answered by one look at the database.
const ASKERS_MAX: usize = 10_000;

impl Writer {
    /// Reads everything after what is durable here, checks that it continues the chain, and publishes it. Nothing of
    /// ours is in flight.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Trouble> {
        let mut hasher = Hasher::default();
        loop {
            let events: Vec<Arc<RecordedEvent>> = self.patiently_read_on().await?.into_iter().map(Arc::new).collect();
            if events.is_empty() {
                return Ok(());
            }
            for event in &events {
                let expected = hasher.hash(&self.durable.hash, self.durable.identity, event);
                if event.position != self.durable.position.next() || event.hash != expected {
                    let after = self.durable.position;
                    let what =
                        format!("the event at position {} does not continue the chain after {after}", event.position);
                    return Err(Departure::Lost(what).into());
                }
                self.durable.position = event.position;
                self.durable.hash = event.hash;
                self.durable.recorded_at = event.recorded_at;
                self.knowledge.learn_event(event);
            }
            self.core.forewarn(&events);
            self.core.publish(&events);
        }
    }

    /// A page of what follows what is durable here, once it can be read; empty at the head. Until then nothing new is taken
    /// on, and the shutdown does not wait for it: whatever waits here was not recorded.
    async fn patiently_read_on(&mut self) -> Result<Vec<RecordedEvent>, Trouble> {
        let mut closing = self.core.closing.subscribe();
        let begun = Instant::now();
        loop {
            match watched(&self.core, begun, read_on(&self.core, &self.durable)).await {
                Ok(events) => {
                    self.core.set_stalled(false);
                    return Ok(events);
                }
                Err(Hindrance::Departed(departure)) => return Err(departure.into()),
                Err(Hindrance::Unread(error)) => tracing::warn!(%error, "what others recorded cannot be read yet"),
            }
            self.core.set_stalled(true);
            // The other nodes need not wait for this one to read.
            self.release_head().await;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(RETRY_MILLISECONDS)) => {}
                _ = closing.wait_for(|closing| *closing) => {
                    return Err(Trouble::Ended("it was shut down while the database could not be read".to_owned()));
                }
            }
        }
    }
}

/// Why a node cannot go on to the head.
#[derive(Debug, thiserror::Error)]
enum Hindrance {
    /// No attempt leads there.
    #[error(transparent)]
    Departed(#[from] Departure),
    /// The next one may.
    #[error(transparent)]
    Unread(#[from] SqlError),
}

/// A page of what follows `known`; empty where that is the head.
async fn read_on(core: &Core, known: &Head) -> Result<Vec<RecordedEvent>, Hindrance> {
    let head = core.engine.head().await?;
    continues(known, &head)?;
    let after = known.position;
    if head.position == after {
        return Ok(Vec::new());
    }
    match core.engine.read(after, head.position, PAGE_EVENTS).await {
        Ok(events) if events.is_empty() => {
            Err(Departure::Lost(format!("the head is at {} but no event follows {after}", head.position)).into())
        }
        Ok(events) => Ok(events),
        Err(error) if error.is_of_what_is_stored() => {
            Err(Departure::Broken(format!("what follows position {after} cannot be read: {error}")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Resolves when a look at the database found that it does not have this record any more.
pub(crate) async fn departed(core: &Core) -> Departure {
    let mut departed = core.departed.subscribe();
    let found = departed.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
    match found {
        Some(departure) => departure,
        // The other end goes with the core itself.
        None => std::future::pending().await,
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
        if let Err(reason) = core.look().await {
            tracing::debug!(reason, "the head cannot be read; the next look comes soon");
        }
    }
}

/// One who wants to know the head as of now.
pub(crate) type HeadAsker = oneshot::Sender<Result<Position, String>>;

/// Answers questions for the database's head: one look for all who asked before it began.
pub(crate) async fn confirm(core: Arc<Core>, mut askers: mpsc::Receiver<HeadAsker>) {
    let mut waiting = Vec::new();
    while askers.recv_many(&mut waiting, ASKERS_MAX).await > 0 {
        let answer = core.look().await;
        for asker in waiting.drain(..) {
            // Whoever gave up waiting dropped the other end.
            drop(asker.send(answer.clone()));
        }
    }
}

impl Core {
    /// Asks the database for the head, and wakes the writer if it is ahead of this node, or is none that can be.
    async fn look(&self) -> Result<Position, String> {
        if let Some(departure) = &*self.departed.borrow() {
            return Err(departure.to_string());
        }
        // Before the database is asked: what is published meanwhile is no loss.
        let seen = self.seen();
        let found = self.engine.head().await.map_err(|error| error.to_string())?;
        if let Err(departure) = continues(&seen, &found) {
            let reason = departure.to_string();
            self.depart(departure);
            return Err(reason);
        }
        if found.position > self.tail.head() {
            self.foreign_head.fetch_max(found.position.0, Ordering::AcqRel);
            self.foreign.notify_one();
        }
        Ok(found.position)
    }

    /// Begins a new epoch where the record lost what was acknowledged: cursors, copies and signed heads that saw it find out,
    /// instead of meeting other events at the same positions. Of several nodes that notice the first one's counts.
    pub(crate) async fn name_the_rest(&self, departure: &Departure) {
        if !matches!(departure, Departure::Lost(_)) || !self.engine.writable() {
            return;
        }
        match self.engine.begin_epoch(self.identity).await {
            Ok(Some(begun)) => tracing::warn!(record = %begun, "the record goes on in a new epoch"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "no new epoch was begun; cursors of what was lost stay good"),
        }
    }

    /// Notes that the record is another one; the first reason stays.
    pub(crate) fn depart(&self, departure: Departure) {
        self.departed.send_if_modified(|departed| {
            let is_first = departed.is_none();
            departed.get_or_insert(departure);
            is_first
        });
    }
}
