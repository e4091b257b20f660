//! The durable subscription that has due alerts raised (spec/metrics.md section 7.1).
//!
//! Which alerts are due is part of a metric's state: the rule ran when the point was folded, as of that point. So
//! this policy only asks each metric that got points to raise what is due about them; asking twice, late, or again
//! after a crash raises nothing twice. So where its place was lost, as with the read models, the past is not walked again:
//! every metric is asked for what is due. It never holds up a write. What it records has the very point as its cause, and
//! the correlation of the request that brought it.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::PointId;
use muniment_aggregates::metric::{Metric, MetricCommand, MetricEvent, MetricRefusal, RaiseDue};
use muniment_aggregates::record::{Metadata, Position, RecordedEvent, StreamId};
use muniment_sql::SqlError;
use tokio::sync::watch;
use tokio::time::Instant;

use super::unreadable::{self, pass_over, put_off};
use crate::runtime::fold;
use crate::runtime::leadership::Leadership;
use crate::runtime::limits::{LAG_EVENTS_MAX, PAGE_EVENTS};
use crate::runtime::paging::rest;
use crate::runtime::{BusError, Origin, Runtime};

/// Name of the subscription, and of the component that raises alerts.
pub const NAME: &str = "alert-evaluator";

/// Metrics asked at the same time. Bounded, so that a burst of points does not fill the journal's queue.
const ASKED_AT_ONCE: usize = 64;

/// Points of one metric whose alerts are on their way to the journal at once, in their order: a page of points that
/// all fire is some thirty commits.
const RAISED_AT_ONCE: usize = 64;

/// The type of event that is evaluated.
const POINT_RECORDED: &str = "metric.point_recorded";

/// The read model that knows all metrics.
const METRICS: &str = "metrics";

/// How long it rests after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How often those are asked again that were passed over: what kept them from being read may have been mended.
const ASK_AGAIN_INTERVAL: Duration = Duration::from_secs(60);

/// How soon they are asked again where one of them only could not be asked at that moment.
const BUSY_INTERVAL: Duration = Duration::from_secs(5);

/// Smallest distance between two pages: nobody waits for an alert for less than that.
const PAGE_INTERVAL: Duration = Duration::from_millis(100);

/// How often it looks when nothing wakes it.
const IDLE_INTERVAL: Duration = Duration::from_millis(500);

/// Runs until `stop` turns true. `pause` is nothing in production; tests hold the evaluator back with it.
pub async fn run(runtime: Arc<Runtime>, mut leadership: Leadership, pause: Duration, mut stop: watch::Receiver<bool>) {
    unreadable::begin(NAME);
    let mut head = runtime.journal.watch_head();
    let mut reached: Option<Position> = None;
    let mut again = Again::default();
    while !*stop.borrow() {
        let holds = leadership.holds().await;
        if holds {
            again.ask(&runtime).await;
        }
        if !holds {
            // The other node's progress is in the checkpoint; read it again when this node takes over.
            (reached, again) = (None, Again::default());
        } else if runtime.journal.head() > reached.unwrap_or_default() || reached.is_none() {
            let begun = Instant::now();
            tokio::time::sleep(pause).await;
            match step(&runtime, reached, &mut again).await {
                Ok(Some(position)) if Some(position) != reached => {
                    reached = Some(position);
                    rest(&runtime.journal, position, begun, PAGE_INTERVAL, pending(), &mut stop).await;
                    continue;
                }
                Ok(Some(_)) => {}
                Ok(None) => tokio::time::sleep(RETRY).await,
                Err(error) => {
                    tracing::warn!(error = %error, "alerts cannot be evaluated at present");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        let idle = if holds && again.is_walking() { Duration::ZERO } else { IDLE_INTERVAL };
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(idle) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Deals with a page from where it has come; where that is then, `None` while it cannot begin.
async fn step(runtime: &Runtime, reached: Option<Position>, again: &mut Again) -> anyhow::Result<Option<Position>> {
    let store = runtime.reads.store();
    let known = match reached {
        Some(position) => Some(position),
        None => store.subscription(NAME).await?,
    };
    let from = match known {
        Some(position) => position,
        None if can_begin(runtime).await? => {
            let position = store.begin_at_metrics(NAME).await?;
            tracing::info!(%position, "alerts are evaluated from here on; what is due from before is asked of every metric");
            *again = Again::default();
            position
        }
        None => return Ok(None),
    };
    let page = runtime.journal.read(from, PAGE_EVENTS).await?;
    let Some(last) = page.last() else { return Ok(Some(from)) };
    let mut recorded: HashMap<Arc<str>, Vec<Arc<RecordedEvent>>> = HashMap::new();
    for event in page.iter().filter(|event| &*event.event_type == POINT_RECORDED) {
        recorded.entry(Arc::clone(&event.stream.id)).or_default().push(Arc::clone(event));
    }
    let asked: Vec<_> = stream::iter(recorded)
        .map(async |(metric, points)| {
            let asked = raise_due(runtime, &metric, Some(&points)).await;
            (pass_over(NAME, &metric, asked), metric)
        })
        .buffer_unordered(ASKED_AT_ONCE)
        .collect()
        .await;
    let mut passed_over = Vec::new();
    for (asked, metric) in asked {
        match asked {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                put_off(NAME, &metric, error, &runtime.journal).await?;
                again.hasten();
            }
        }
        passed_over.push(metric.to_string());
    }
    store.save_subscription(NAME, last.position, &passed_over).await?;
    Ok(Some(last.position))
}

/// Whether the read model of metrics is near the head, or moves no more. What comes behind it is read in pages either way.
async fn can_begin(runtime: &Runtime) -> Result<bool, SqlError> {
    let live = runtime.reads.store().live().await?;
    let head = runtime.journal.head();
    let is_near = |at: Position| head.0.saturating_sub(at.0) <= LAG_EVENTS_MAX;
    let metrics = live.into_iter().find(|model| model.name == METRICS);
    Ok(metrics.is_some_and(|model| is_near(model.position) || model.stopped_by.is_some()))
}

/// The asking of those that were passed over, a page between the pages of the record: those may be many, and slow to load.
#[derive(Default)]
struct Again {
    /// Whom it asked last on this walk.
    behind: String,
    /// When it begins the next walk; at once where there was none.
    rests_until: Option<Instant>,
    /// Somebody could only not be asked at that moment: the next walk comes soon.
    is_hasty: bool,
}

impl Again {
    /// Whether there may be more to ask at once.
    const fn is_walking(&self) -> bool {
        self.rests_until.is_none()
    }

    async fn ask(&mut self, runtime: &Runtime) {
        if self.rests_until.is_some_and(|end| Instant::now() < end) {
            return;
        }
        if self.behind.is_empty() {
            self.is_hasty = false;
        }
        let rest = match self.ask_page(runtime).await {
            Ok(Some(last)) => {
                (self.behind, self.rests_until) = (last, None);
                return;
            }
            Ok(None) if self.is_hasty => BUSY_INTERVAL,
            Ok(None) => ASK_AGAIN_INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "metrics that were passed over cannot be asked again at present");
                RETRY
            }
        };
        self.behind.clear();
        self.rests_until = Some(Instant::now() + rest);
    }

    /// Has the next walk come soon.
    fn hasten(&mut self) {
        self.is_hasty = true;
        self.rests_until = self.rests_until.map(|end| end.min(Instant::now() + BUSY_INTERVAL));
    }

    /// Asks a page of those again that were passed over; the last of it, where there may be others behind.
    async fn ask_page(&mut self, runtime: &Runtime) -> anyhow::Result<Option<String>> {
        let store = runtime.reads.store();
        let page = store.passed_over(NAME, &self.behind, ASKED_AT_ONCE).await?;
        if page.is_empty() {
            return Ok(None);
        }
        // Who noted them may be ahead of what this node has taken in, and a state of before has nothing due.
        runtime.journal.confirm_head().await?;
        let last = page.last().filter(|_| page.len() == ASKED_AT_ONCE).cloned();
        let asked: Vec<_> = stream::iter(page)
            .map(async |metric| (pass_over(NAME, &metric, raise_due(runtime, &metric, None).await), metric))
            .buffer_unordered(ASKED_AT_ONCE)
            .collect()
            .await;
        for (asked, metric) in asked {
            match asked {
                Ok(true) => store.forget_passed_over(NAME, &metric).await?,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, metric, "a metric that was passed over cannot be asked at present");
                    self.hasten();
                }
            }
        }
        Ok(last)
    }
}

/// Has a metric raise what is due about these points of it, oldest first; about all where none are named. What is due
/// about later ones waits for the page that has them.
async fn raise_due(
    runtime: &Runtime,
    metric: &str,
    points: Option<&[Arc<RecordedEvent>]>,
) -> Result<(), BusError<MetricRefusal>> {
    let metric_now = runtime.bus.state::<Metric>(metric).await?.state;
    if metric_now.due().is_empty() {
        return Ok(());
    }
    let mut causes = Causes::default();
    for event in points.unwrap_or_default() {
        causes.take(event)?;
    }
    let mut due: Vec<PointId> = metric_now.due().iter().map(|finding| finding.point.clone()).collect();
    if points.is_some() {
        due.truncate(due.iter().rposition(|point| causes.have(point)).map_or(0, |last| last + 1));
    }
    due.dedup();
    if due.iter().any(|point| !causes.have(point)) {
        causes.look_further(runtime, metric, &due).await?;
    }
    let raise = async |point: PointId| {
        let origin = causes.origin(&point);
        let command = MetricCommand::RaiseDue(RaiseDue { point });
        runtime.bus.execute::<Metric>(metric, command, &origin).await.map(drop)
    };
    stream::iter(due).map(raise).buffered(RAISED_AT_ONCE).try_collect().await
}

/// Where points of a metric stand, and the correlation of the request that brought each.
#[derive(Debug, Default)]
struct Causes(HashMap<PointId, (Position, String)>);

impl Causes {
    fn have(&self, point: &PointId) -> bool {
        self.0.contains_key(point)
    }

    fn take(&mut self, event: &RecordedEvent) -> Result<(), BusError<MetricRefusal>> {
        let decoded = fold::decode::<Metric>(event).map_err(|error| BusError::from_fold(&error))?;
        if let MetricEvent::PointRecorded(recorded) = decoded {
            let metadata = serde_json::from_str::<Metadata>(&event.metadata);
            let metadata = metadata.map_err(|error| BusError::Unreadable {
                position: event.position,
                why: format!("metadata: {error}"),
            })?;
            self.0.insert(recorded.point, (event.position, metadata.correlation));
        }
        Ok(())
    }

    /// Reads the points whose page was passed over while the metric could not be asked.
    async fn look_further(
        &mut self,
        runtime: &Runtime,
        metric: &str,
        wanted: &[PointId],
    ) -> Result<(), BusError<MetricRefusal>> {
        let stream = StreamId::new(Metric::TYPE, metric);
        let mut sequence = 0;
        while wanted.iter().any(|point| !self.have(point)) {
            let page = runtime.journal.read_stream(&stream, sequence, PAGE_EVENTS).await;
            let page = page.map_err(|error| BusError::from_journal(&error))?;
            let Some(last) = page.last() else { break };
            sequence = last.sequence;
            for event in page.iter().filter(|event| &*event.event_type == POINT_RECORDED) {
                self.take(event)?;
            }
        }
        Ok(())
    }

    fn origin(&self, point: &PointId) -> Origin {
        let cause = self.0.get(point);
        let mut origin = Origin::system(NAME, "raise_due", cause.map(|(position, _)| *position));
        if let Some((_, correlation)) = cause {
            origin.correlation.clone_from(correlation);
        }
        origin
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use muniment_aggregates::note::Note;

    use super::*;
    use crate::runtime::policies::hurt::{self, Hurt};
    use crate::runtime::{Clock, Reads, fresh};

    /// More than the read model of metrics may be behind, and several pages.
    const EVENTS: u64 = LAG_EVENTS_MAX + 1;

    #[actix::test]
    async fn where_its_place_was_lost_it_begins_at_the_metrics_and_does_not_walk_the_past() {
        let (bus, folder) = fresh::bus().await;
        let reads = Reads::new(fresh::reads(&bus, &folder).await, bus.journal().clone(), Duration::from_secs(60));
        let origin = Origin::system("test", "test", None);
        let ids: Vec<String> = (0..EVENTS).map(|number| number.to_string()).collect();
        for ids in ids.chunks(1_000) {
            let noted = join_all(ids.iter().map(|id| bus.execute::<Note>(id, fresh::note(), &origin))).await;
            assert!(noted.iter().all(Result::is_ok), "they are recorded");
        }
        let journal = bus.journal().clone();
        let head = journal.head();
        assert_eq!(head, Position(EVENTS));
        let runtime = Runtime { journal, bus, reads: Arc::new(reads), clock: Clock::system() };
        let store = runtime.reads.store();
        let mut again = Again {
            behind: "m".to_owned(),
            rests_until: Some(Instant::now() + ASK_AGAIN_INTERVAL),
            ..Again::default()
        };
        assert_eq!(step(&runtime, None, &mut again).await.expect("it waits"), None, "the metrics are not known yet");
        assert_eq!(store.subscription(NAME).await.expect("its place"), None);

        fresh::reads(&runtime.bus, &folder).await.close().await;
        assert_eq!(step(&runtime, None, &mut again).await.expect("it begins"), Some(head));
        assert_eq!(store.subscription(NAME).await.expect("its place"), Some(head));
        assert!(again.is_walking() && again.behind.is_empty(), "all are asked at once, from the first on");
    }

    #[actix::test]
    async fn one_metric_that_cannot_be_asked_at_present_keeps_no_other_from_its_alerts_and_is_asked_soon() {
        let (runtime, engine, metrics, _folder) = Hurt::runtime(3).await;
        let (head, store) = (runtime.journal.head(), runtime.reads.store());
        let mut again = Again { rests_until: Some(Instant::now() + ASK_AGAIN_INTERVAL), ..Again::default() };
        engine.refuse(&metrics[0], hurt::busy);
        engine.set_away(true);
        step(&runtime, Some(Position::START), &mut again).await.expect_err("the journal does not answer");
        assert_eq!(store.subscription(NAME).await.expect("its place"), None);

        engine.set_away(false);
        let reached = step(&runtime, Some(Position::START), &mut again).await.expect("it goes on");
        assert_eq!(reached, Some(head));
        assert_eq!(store.subscription(NAME).await.expect("its place"), Some(head));
        assert_eq!(store.passed_over(NAME, "", ASKED_AT_ONCE).await.expect("who waits"), metrics[..1]);
        assert!(again.rests_until.is_some_and(|end| end <= Instant::now() + BUSY_INTERVAL), "it is asked soon");

        // Still: the next walk comes soon too.
        (again.rests_until, again.is_hasty) = (None, false);
        again.ask(&runtime).await;
        assert!(again.rests_until.is_some_and(|end| end <= Instant::now() + BUSY_INTERVAL), "it is asked soon");
        engine.heal();
        again.rests_until = None;
        again.ask(&runtime).await;
        assert!(store.passed_over(NAME, "", ASKED_AT_ONCE).await.expect("who waits").is_empty());
        assert!(
            again.rests_until.is_some_and(|end| end > Instant::now() + BUSY_INTERVAL),
            "there is no haste any more"
        );
    }
}
