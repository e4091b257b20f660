//! What must hold after every seed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use muniment::runtime::{CommandBus, Origin, fold};
use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::metric::{Metric, MetricEvent};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_journal::Journal;
use rand::rngs::SmallRng;

use crate::engine::SharedStore;
use crate::models::Models;
use crate::scenario::{ANSWER_MAX, Answers, Node, point};

/// Panics with what does not hold.
pub(crate) async fn everything_holds(
    store: &SharedStore,
    journal: &Journal,
    bus: &CommandBus,
    metrics: &[String],
    answers: &Answers,
) {
    let events = store.events();
    positions_are_contiguous(&events);
    journal.verify(None, &|_, _| {}).await.expect("the chain verifies");
    answers_are_true(&events, answers);
    decisions_follow_each_other(&events, answers);
    for metric in metrics {
        states_agree(journal, bus, metric).await;
    }
}

fn positions_are_contiguous(events: &[Arc<RecordedEvent>]) {
    let mut versions: HashMap<&StreamId, u64> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position, Position(u64::try_from(index).unwrap_or(0) + 1), "positions have no gap");
        let version = versions.entry(&event.stream).or_default();
        assert_eq!(event.sequence, *version + 1, "sequences of {} have no gap", event.stream);
        *version += 1;
    }
}

fn answers_are_true(events: &[Arc<RecordedEvent>], answers: &Answers) {
    let mut points: HashMap<String, Position> = HashMap::new();
    let mut keys: HashSet<(String, String)> = HashSet::new();
    for event in events {
        let Ok(MetricEvent::PointRecorded(recorded)) = serde_json::from_str(&event.payload) else { continue };
        let earlier = points.insert(recorded.point.as_str().to_owned(), event.position);
        assert_eq!(earlier, None, "point {} is recorded once", recorded.point);
        let key = (event.stream.id.to_string(), recorded.idempotency_key.clone());
        assert!(keys.insert(key), "key {} is recorded once", recorded.idempotency_key);
    }
    for (point, position) in &answers.acknowledged {
        assert_eq!(points.get(point), Some(position), "acknowledged point {point} is where it was said to be");
    }
    for (point, told) in &answers.refused {
        assert_eq!(points.get(point), None, "point {point} is not recorded: {told}");
    }
    for ((_, key), positions) in &answers.by_key {
        assert!(positions.windows(2).all(|pair| pair[0] == pair[1]), "key {key} was answered with one position");
    }
}

/// Every version of a rule was decided on the one before it, and those that were acknowledged stand where they were
/// said to.
fn decisions_follow_each_other(events: &[Arc<RecordedEvent>], answers: &Answers) {
    let mut versions: HashMap<&str, u64> = HashMap::new();
    let mut recorded: HashSet<(String, u64, Position)> = HashSet::new();
    for event in events {
        let Ok(MetricEvent::RuleSet(set)) = serde_json::from_str(&event.payload) else { continue };
        let before = versions.entry(&event.stream.id).or_default();
        let version = u64::from(set.rule.version);
        assert_eq!(version, *before + 1, "the rule of {} at {} follows the one before", event.stream, event.position);
        *before = version;
        recorded.insert((event.stream.id.to_string(), version, event.position));
    }
    for rule in &answers.rules {
        assert!(recorded.contains(rule), "acknowledged rule {rule:?} is where it was said to be");
    }
}

/// A node that lived through it all answers what is recorded, and records, once nothing goes wrong any more.
pub(crate) async fn goes_on(node: &Node, metrics: &[String], random: &mut SmallRng) {
    for metric in metrics {
        let goes_on = async {
            node.journal.confirm_head().await.expect("the head is confirmed");
            states_agree(&node.journal, &node.bus, metric).await;
            let origin = Origin::system("simulation", "record_points", None);
            let (id, command) = point(random, 0, format!("after-{}", node.journal.head()));
            let done = node.bus.execute::<Metric>(metric, command, &origin).await;
            let done = done.unwrap_or_else(|error| panic!("point {id} is not recorded after all that: {error}"));
            assert!(done.position.is_some());
        };
        let within = tokio::time::timeout(ANSWER_MAX, goes_on).await;
        assert!(within.is_ok(), "{} stands still at {metric} after all that", node.engine);
    }
}

async fn states_agree(journal: &Journal, bus: &CommandBus, metric: &str) {
    let stream = StreamId::new("metric", metric);
    let folded = fold::load::<Metric>(journal, &stream).await.expect("the stream folds");
    let live = bus.state::<Metric>(metric).await.expect("the actor answers");
    assert_eq!(live.version, folded.version);
    let text = |state: &Metric| serde_json::to_string(state).expect("a state serialises");
    assert_eq!(text(&live.state), text(&folded.state), "the actor's state equals a fold");
}

/// The rows that queries are answered from say what a fold of the record says: of each metric its points in order, the
/// newest of them, when it is late, its rules.
pub(crate) async fn read_models_equal_a_fold(
    models: &Models,
    store: &SharedStore,
    journal: &Journal,
    company: &CompanyId,
) {
    let rows = models.metrics_of(company);
    let events = store.events();
    let defined: HashSet<&str> =
        events.iter().filter(|event| &*event.event_type == "metric.defined").map(|event| &*event.stream.id).collect();
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<HashSet<_>>(), defined, "the metrics that are defined");
    for row in &rows {
        let stream = StreamId::new("metric", row.id.as_str());
        let state = fold::load::<Metric>(journal, &stream).await.expect("the stream folds").state;
        assert_eq!(row.points_count, state.points(), "points of {stream}");
        let shown = row.latest.as_ref().map(|latest| (&latest.point, latest.value, latest.instant));
        assert_eq!(shown, state.latest().map(|point| (&point.point, point.value, point.instant)), "the newest point");
        assert_eq!(row.late_due_at, state.late_due_at(), "when {stream} is late");
        let mut folded: Vec<_> = events
            .iter()
            .filter(|event| event.stream == stream)
            .filter_map(|event| match serde_json::from_str(&event.payload) {
                Ok(MetricEvent::PointRecorded(recorded)) => Some((event.position, recorded)),
                _ => None,
            })
            .map(|(at, recorded)| (recorded.instant, at, recorded.point.as_str().to_owned(), recorded.value))
            .collect();
        folded.sort_by_key(|row| (row.0, row.1));
        let points: Vec<_> = models
            .points_of(row)
            .into_iter()
            .map(|point| (point.instant, point.position, point.id.as_str().to_owned(), point.value))
            .collect();
        assert_eq!(points, folded, "the points of {stream}");
        // A metric has one rule of its own that nobody set, which is no row.
        let of_stream = events.iter().filter(|event| event.stream == stream);
        let mut set = of_stream.filter_map(|event| match serde_json::from_str(&event.payload) {
            Ok(MetricEvent::RuleSet(set)) => Some(set.rule),
            _ => None,
        });
        let newest = set.next_back();
        let rules: Vec<_> = models.rules_of(row).into_iter().map(|row| row.rule).collect();
        assert_eq!(rules, Vec::from_iter(newest), "the rules of {stream}");
        assert!(rules.iter().all(|rule| state.rules().any(|it| it == rule)), "the rules of {stream}");
    }
}
