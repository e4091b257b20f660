//! Keeps the read models at the head: pulls pages from the journal and folds them, one transaction a page.
//!
//! Models that stand at the same position move together, and those that stand apart by turns, a page each. One that stops
//! on an event stops alone, is shown with its reason and is tried again; nothing is skipped. Of several nodes one does the
//! work at a time and the others follow its checkpoints; the checkpoint's compare-and-set keeps it right whoever tries.

use std::cmp::Reverse;
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

/// Smallest distance between two pages that no reader waits for.
const PAGE_INTERVAL: Duration = Duration::from_millis(50);

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
    /// An event stops it, or its checkpoint is gone: it is not on its way, wherever the head is.
    is_stopped: bool,
}

impl Model {
    fn is_due(&self, now: Instant) -> bool {
        self.retry.as_ref().is_none_or(|retry| retry.at <= now)
    }
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
    let mut models = models_of(&reads);
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
            advance(&journal, &reads, &mut models).await
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
                rest(&journal, lowest, begun, PAGE_INTERVAL, reads.wanted_beyond(lowest), &mut stop).await;
            }
            continue;
        }
        let follows = !leads && is_any_on_its_way(&models, journal.head());
        let pause = if follows { FOLLOW_INTERVAL } else { IDLE_INTERVAL };
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = reads.store().incarnation_over(incarnation) => {}
            () = tokio::time::sleep(pause) => if leads { refresh(&reads, &mut models).await },
            _ = stop.changed() => {}
        }
    }
}

/// The models of this program; where they are is not known yet.
fn models_of(reads: &Reads) -> Vec<Model> {
    let projections = reads.store().projections().iter();
    projections
        .map(|projection| Model {
            projection: Arc::clone(projection),
            position: Position::START,
            retry: None,
            failing: None,
            is_stopped: false,
        })
        .collect()
}

/// Whether the node that leads is moving a model to the head, as far as the checkpoints tell.
fn is_any_on_its_way(models: &[Model], head: Position) -> bool {
    models.iter().any(|model| model.position < head && !model.is_stopped)
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
        let found = live.iter().find(|checkpoint| checkpoint.name == name);
        model.is_stopped = found.is_none_or(|found| found.stopped_by.is_some());
        if let Some(found) = found {
            // Where somebody moved it, nothing keeps it. Until then it is as it was when this node tried.
            model.failing = model.failing.filter(|_| model.position == found.position);
            model.position = found.position;
            let stopped_by = found.stopped_by.clone();
            reads.publish(name, ReadPosition { position: found.position, stopped_by, failing: model.failing });
        }
    }
}

/// Moves every model that is behind by one page; `false` when there was nothing to do. Those in front come first, as they have
/// little to do: one that is far behind, as when it is made anew, costs the others a page of time and not all of its way.
async fn advance(journal: &Journal, reads: &Reads, models: &mut [Model]) -> bool {
    let (head, now) = (journal.head(), Instant::now());
    let behind = models.iter().filter(|model| model.position < head && model.is_due(now));
    let mut places: Vec<Position> = behind.map(|model| model.position).collect();
    places.sort_unstable_by_key(|place| Reverse(*place));
    places.dedup();
    let mut moved = false;
    for place in places {
        moved |= advance_at(place, journal, reads, models).await;
    }
    moved
}

/// Moves the models that stand at `place` by one page; `false` when none moved.
async fn advance_at(place: Position, journal: &Journal, reads: &Reads, models: &mut [Model]) -> bool {
    let now = Instant::now();
    let page = match journal.read(place, PAGE_EVENTS).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(error = %error, position = place.0, "the journal cannot be read for the read models");
            return false;
        }
    };
    if page.is_empty() {
        return false;
    }
    let group: Vec<Arc<dyn Projection>> = models
        .iter()
        .filter(|model| model.position == place && model.is_due(now))
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

#[cfg(test)]
mod tests {
    use muniment_aggregates::note::Note;
    use muniment_aggregates::record::StreamId;
    use muniment_journal::{Append, NewEvent};

    use super::*;
    use crate::runtime::{Origin, fresh};

    #[actix::test]
    async fn a_model_that_is_made_anew_holds_up_no_other() {
        let (bus, folder) = fresh::bus().await;
        let store = fresh::reads(&bus, &folder).await;
        let journal = bus.journal();
        let record = async |id| {
            let origin = Origin::system("test", "test", None);
            bus.execute::<Note>(id, fresh::note(), &origin).await.expect("it is recorded");
        };
        record("first").await;
        let page = journal.read(Position::START, PAGE_EVENTS).await.expect("the record");
        let others: Vec<_> = store.projections().iter().filter(|it| it.name() != "audit").cloned().collect();
        for outcome in store.advance_together(&others, &page).await {
            outcome.result.expect(outcome.name);
        }
        record("second").await;
        let reads = Reads::new(store, journal.clone(), Duration::from_secs(60));
        let mut models = models_of(&reads);
        refresh(&reads, &mut models).await;
        assert_eq!(journal.head(), Position(2));
        assert!(advance(journal, &reads, &mut models).await);
        // One that is far behind is not there after a page; all others need no more than one.
        for (name, at) in reads.positions().into_iter().filter(|(name, _)| *name != "audit") {
            assert_eq!(at.position, journal.head(), "{name}");
        }
    }

    #[actix::test]
    async fn a_model_that_stands_is_not_on_its_way() {
        let (bus, folder) = fresh::bus().await;
        let store = fresh::reads(&bus, &folder).await;
        let journal = bus.journal();
        let origin = Origin::system("test", "test", None);
        let reads = Reads::new(store.clone(), journal.clone(), Duration::from_secs(60));
        // As the node does that leads.
        let fold = async |after| {
            let page = journal.read(after, PAGE_EVENTS).await.expect("the record");
            store.advance_together(store.projections(), &page).await;
        };
        let stream = StreamId::new("metric", "strange");
        let event = NewEvent {
            stream: stream.clone(),
            event_type: "metric.defined",
            event_version: "1.0",
            payload: Box::from("{}"),
            dedupe: None,
        };
        let append = Append {
            events: vec![event],
            expect: vec![(stream, 0)],
            metadata: origin.to_metadata(),
            ..Append::default()
        };
        let stopping = journal.append(append).await.expect("it is recorded").last;
        let mut models = models_of(&reads);
        refresh(&reads, &mut models).await;
        assert!(is_any_on_its_way(&models, stopping), "nothing was folded yet");
        fold(Position::START).await;
        refresh(&reads, &mut models).await;
        assert!(models.iter().any(|model| model.position < stopping), "it stops one");
        assert!(!is_any_on_its_way(&models, stopping));

        bus.execute::<Note>("next", fresh::note(), &origin).await.expect("it is recorded");
        assert!(is_any_on_its_way(&models, journal.head()), "the others follow");
        let gone = models.iter().find(|model| !model.is_stopped).expect("one goes on").projection.name();
        let sql = format!(
            "ATTACH '{}' AS read_models; DELETE FROM read_models.read_checkpoints_v1 WHERE name = '{gone}'; \
             DETACH read_models",
            folder.path().join("read.db").display()
        );
        journal.engine().stores().expect("a database").write.run_script(&sql).await.expect("it goes");
        fold(stopping).await;
        refresh(&reads, &mut models).await;
        assert!(!is_any_on_its_way(&models, journal.head()));
    }
}
