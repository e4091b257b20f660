//! Keeps the read models at the head: pulls pages from the journal and folds them, one transaction a page.
//!
//! Models that stand at the same position move together. One that stops on an event stops alone, is shown with
//! its reason and is tried again; nothing is skipped. Of several nodes one does the work at a time and the others
//! follow its checkpoints; the checkpoint's compare-and-set keeps it right whoever tries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_journal::Journal;
use muniment_projections::{Advance, AdvanceError, Projection};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::leadership::Leadership;
use super::limits::PAGE_EVENTS;
use super::paging::rest;
use super::reads::{ReadPosition, Reads};
use crate::telemetry::spans::SPANS;

/// How often a node that does not lead looks at the checkpoints while they are behind its head.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(10);

/// How often a node looks at the checkpoints when nothing seems to move: swaps by a rebuild, lost wake-ups.
const IDLE_INTERVAL: Duration = Duration::from_millis(500);

/// How soon a stopped model is tried again; doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

struct Model {
    projection: Arc<dyn Projection>,
    position: Position,
    retry: Option<Retry>,
    /// See [`ReadPosition::failing`].
    failing: Option<&'static str>,
}

struct Retry {
    at: Instant,
    pause: Duration,
}

/// Why a model stands still until it is tried again.
#[derive(Debug, thiserror::Error)]
enum Standstill {
    #[error(transparent)]
    Failed(#[from] AdvanceError),
    /// Nothing is missing where it is, and yet nothing can be folded in.
    #[error("its checkpoint is gone")]
    NoCheckpoint,
}

/// Runs until `stop` turns true.
pub async fn run(journal: Journal, reads: Arc<Reads>, mut leadership: Leadership, mut stop: watch::Receiver<bool>) {
    let mut head = journal.watch_head();
    let mut models: Vec<Model> = reads
        .store()
        .projections()
        .iter()
        .map(|projection| Model {
            projection: Arc::clone(projection),
            position: Position::START,
            retry: None,
            failing: None,
        })
        .collect();
    let mut incarnation = reads.store().incarnation();
    refresh(&reads, &mut models).await;
    loop {
        if incarnation != reads.store().incarnation() {
            // What the database told before it lost something is worth nothing.
            incarnation = reads.store().incarnation();
            refresh(&reads, &mut models).await;
        }
        let leads = leadership.holds().await;
        let begun = Instant::now();
        let worked = if leads {
            advance_lowest(&journal, &reads, &mut models).await
        } else {
            refresh(&reads, &mut models).await;
            false
        };
        if *stop.borrow() {
            return;
        }
        if worked {
            let moving = models.iter().filter(|model| model.retry.is_none());
            if let Some(lowest) = moving.map(|model| model.position).min() {
                rest(&journal, lowest, begun, reads.wanted_beyond(lowest), &mut stop).await;
            }
            continue;
        }
        let behind = models.iter().any(|model| model.position < journal.head());
        let pause = if behind && !leads { FOLLOW_INTERVAL } else { IDLE_INTERVAL };
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = reads.store().incarnation_over(incarnation) => {}
            () = tokio::time::sleep(pause) => if leads { refresh(&reads, &mut models).await },
            _ = stop.changed() => {}
        }
    }
}

/// Learns the checkpoints from the database, as other nodes and rebuilds have moved them.
async fn refresh(reads: &Reads, models: &mut [Model]) {
    let live = match reads.store().live().await {
        Ok(live) => live,
        Err(error) => {
            tracing::warn!(error = %error, "the read models' checkpoints cannot be read");
            return;
        }
    };
    for model in models {
        let name = model.projection.name();
        if let Some(found) = live.iter().find(|checkpoint| checkpoint.name == name) {
            // Where somebody moved it, nothing keeps it. Until then it is as it was when this node tried.
            model.failing = model.failing.filter(|_| model.position == found.position);
            model.position = found.position;
            let stopped_by = found.stopped_by.clone();
            reads.publish(name, ReadPosition { position: found.position, stopped_by, failing: model.failing });
        }
    }
}

/// Moves the models that are furthest behind by one page; `false` when there was nothing to do.
async fn advance_lowest(journal: &Journal, reads: &Reads, models: &mut [Model]) -> bool {
    let now = Instant::now();
    let head = journal.head();
    let ready = |model: &Model| model.position < head && model.retry.as_ref().is_none_or(|retry| retry.at <= now);
    let Some(lowest) = models.iter().filter(|model| ready(model)).map(|model| model.position).min() else {
        return false;
    };
    let page = match journal.read(lowest, PAGE_EVENTS).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(error = %error, position = lowest.0, "the journal cannot be read for the read models");
            return false;
        }
    };
    if page.is_empty() {
        return false;
    }
    let group: Vec<Arc<dyn Projection>> = models
        .iter()
        .filter(|model| model.position == lowest && ready(model))
        .map(|model| Arc::clone(&model.projection))
        .collect();
    let span = tracing::info_span!(
        target: SPANS,
        parent: None,
        "projector.advance",
        projections = group.len(),
        events = page.len(),
        position = page.last().map(|event| event.position.0),
    );
    let outcomes = reads.store().advance_together(&group, &page).instrument(span).await;
    let mut moved = false;
    let mut outcomes: HashMap<&str, _> = outcomes.into_iter().map(|outcome| (outcome.name, outcome.result)).collect();
    for model in models {
        if let Some(result) = outcomes.remove(model.projection.name()) {
            moved |= settle(reads, model, result, now);
        }
    }
    moved
}

fn settle(reads: &Reads, model: &mut Model, result: Result<Advance, AdvanceError>, now: Instant) -> bool {
    let name = model.projection.name();
    let standstill = match result {
        Ok(Advance::Behind(position)) if position == model.position => Standstill::NoCheckpoint,
        Ok(Advance::Moved(position) | Advance::Ahead(position) | Advance::Behind(position)) => {
            let moved = position != model.position;
            model.position = position;
            (model.retry, model.failing) = (None, None);
            reads.publish(name, ReadPosition { position, stopped_by: None, failing: None });
            return moved;
        }
        Err(failure) => failure.into(),
    };
    let pause = model.retry.as_ref().map_or(RETRY_MIN, |retry| (retry.pause * 2).min(RETRY_MAX));
    model.retry = Some(Retry { at: now + pause, pause });
    tracing::error!(projection.name = name, error = %standstill, retry_seconds = pause.as_secs(), "a read model has stopped");
    let (moved, stopped_by, failing) = match standstill {
        Standstill::Failed(AdvanceError::Stopped(poison)) => {
            model.position = Position(poison.position.0.saturating_sub(1)).max(model.position);
            (true, Some(poison), None)
        }
        // The database's own words may name what is nobody's business: `/ready` is for everyone.
        Standstill::Failed(AdvanceError::Sql(_)) => {
            (false, None, Some("its rows cannot be written; the log has the database's words"))
        }
        Standstill::Failed(AdvanceError::Gap { .. }) => {
            (false, None, Some("the journal was read with a hole; the log says where"))
        }
        Standstill::NoCheckpoint => (false, None, Some("its checkpoint is gone; a restart makes it anew")),
    };
    model.failing = failing;
    reads.publish(name, ReadPosition { position: model.position, stopped_by, failing });
    moved
}
