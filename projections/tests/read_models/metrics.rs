//! Metrics, points, alerts and rules.

use chrono::TimeDelta;
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{
    AcknowledgeAlert, ChangeSettings, CoolDown, CorrectPoint, Define, Metric, MetricCommand, NewPoint, RaiseDue,
    RecordPoints, RuleChange, RuleType, SetRule,
};
use muniment_aggregates::record::Position;
use muniment_projections::alerts::{AlertFilter, AlertState};
use muniment_projections::points::{Order, PointQuery};
use muniment_projections::{alerts, metrics, points, rules};

use crate::harness::on_both_engines;
use crate::history::{History, agent, beginning, bytes};

/// One metric with its history.
struct Series {
    number: u64,
    id: MetricId,
    company: CompanyId,
    state: Metric,
    points: u64,
}

impl Series {
    fn define(history: &mut History, number: u64, key: &str) -> Self {
        let mut series = Self {
            number,
            id: MetricId::from_random(bytes(number)),
            company: CompanyId::from_random(bytes(1)),
            state: Metric::default(),
            points: 0,
        };
        let define = Define {
            company: series.company.clone(),
            application: ApplicationId::from_random(bytes(1)),
            key: key.to_owned(),
            display_name: format!("The {key}"),
            unit: "count".to_owned(),
            cadence: "daily".to_owned(),
            direction: "up".to_owned(),
            source_type: "self_reported".to_owned(),
        };
        history.decide(series.id.as_str(), &mut series.state, &MetricCommand::Define(define));
        series
    }

    /// Records a point so many days after the beginning.
    fn point(&mut self, history: &mut History, days: i64, value: f64) -> PointId {
        self.points += 1;
        let id = PointId::from_random(bytes(self.number * 100_000 + self.points));
        let instant = beginning() + TimeDelta::days(days);
        let point = NewPoint {
            id: id.clone(),
            value,
            timestamp: instant.to_rfc3339(),
            instant,
            source: "bot".to_owned(),
            confidence: 0.5,
            raw_event_id: None,
            idempotency_key: format!("key-{}", self.points),
        };
        let command = MetricCommand::RecordPoints(RecordPoints { points: vec![point] });
        assert_eq!(history.decide(self.id.as_str(), &mut self.state, &command), 1);
        id
    }

    fn run(&mut self, history: &mut History, command: &MetricCommand) -> usize {
        history.decide(self.id.as_str(), &mut self.state, command)
    }
}

#[tokio::test]
async fn a_metric_shows_its_definition_and_no_value_before_the_first_point() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let series = Series::define(&mut history, 1, "revenue");
        desk.fold(&history, 10).await;
        let found = metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap();
        assert_eq!(found.id, series.id);
        assert_eq!(found.display_name, "The revenue");
        assert_eq!((found.latest.clone(), found.points_count, found.position), (None, 0, Position(1)));
        assert_eq!(metrics::of_company(&desk.store, &series.company, None, 10).await.unwrap(), [found]);
        assert_eq!(metrics::by_key(&desk.store, &series.company, "other").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_latest_point_is_the_greatest_instant_and_of_equal_ones_the_later_recorded() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        series.point(&mut history, 5, 100.0);
        series.point(&mut history, 2, 70.0);
        let tie = series.point(&mut history, 5, 110.0);
        desk.fold(&history, 2).await;
        let latest = metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap().latest.unwrap();
        assert_eq!((latest.value, latest.point), (110.0, tie));
        series.point(&mut history, 4, 1.0);
        desk.fold(&history, 2).await;
        let found = metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap();
        assert_eq!((found.latest.unwrap().value, found.points_count), (110.0, 4));
    })
    .await;
}

#[tokio::test]
async fn settings_change_what_was_given_and_never_the_key() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        let change = ChangeSettings { display_name: Some("Income".to_owned()), ..ChangeSettings::default() };
        series.run(&mut history, &MetricCommand::ChangeSettings(change));
        desk.fold(&history, 10).await;
        let found = metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap();
        assert_eq!(
            (found.key.as_str(), found.display_name.as_str(), found.unit.as_str()),
            ("revenue", "Income", "count")
        );
    })
    .await;
}

#[tokio::test]
async fn metrics_of_a_company_are_paged_oldest_first() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        for number in 1..=5 {
            Series::define(&mut history, number, &format!("m{number}"));
        }
        desk.fold(&history, 3).await;
        let company = CompanyId::from_random(bytes(1));
        let first = metrics::of_company(&desk.store, &company, None, 3).await.unwrap();
        let rest = metrics::of_company(&desk.store, &company, Some(first[2].position), 3).await.unwrap();
        let keys: Vec<_> = first.iter().chain(&rest).map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["m1", "m2", "m3", "m4", "m5"]);
        assert_eq!(metrics::count_of_company(&desk.store, &company).await.unwrap(), 5);
    })
    .await;
}

#[tokio::test]
async fn points_are_paged_in_both_orders_each_once() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        for day in [3, 1, 2, 2, 5, 4, 2] {
            series.point(&mut history, day, 1.0);
        }
        desk.fold(&history, 100).await;
        for order in [Order::Ascending, Order::Descending] {
            let mut seen = Vec::new();
            let mut query = PointQuery { from: None, to: None, order, after: None, limit: 2 };
            loop {
                let page = points::page(&desk.store, &series.id, &query).await.unwrap();
                let Some(last) = page.last() else { break };
                query.after = Some(last.key());
                seen.extend(page.iter().map(points::PointRow::key));
            }
            let mut sorted = seen.clone();
            sorted.sort();
            if order == Order::Descending {
                sorted.reverse();
            }
            assert_eq!(seen, sorted);
            assert_eq!(seen.len(), 7);
        }
        let window = PointQuery {
            from: Some(beginning() + TimeDelta::days(2)),
            to: Some(beginning() + TimeDelta::days(3)),
            order: Order::Ascending,
            after: None,
            limit: 100,
        };
        assert_eq!(points::page(&desk.store, &series.id, &window).await.unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_correction_shows_everywhere_but_in_what_was_known_before_it() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        let point = series.point(&mut history, 1, 100.0);
        let before = history.head();
        for value in [80.0, 90.0] {
            let command = CorrectPoint { point: point.clone(), value, reason: None, at: history.now };
            assert_eq!(series.run(&mut history, &MetricCommand::CorrectPoint(command)), 1);
        }
        desk.fold(&history, 100).await;
        let found = points::by_id(&desk.store, &point).await.unwrap().unwrap();
        assert_eq!((found.value, found.original_value), (90.0, Some(100.0)));
        assert_eq!(
            metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap().latest.unwrap().value,
            90.0
        );
        let all = PointQuery { from: None, to: None, order: Order::Descending, after: None, limit: 10 };
        for (known_at, expected) in [
            (Position(1), vec![]),
            (before, vec![(100.0, None)]),
            (Position(3), vec![(80.0, Some(100.0))]),
            (Position(4), vec![(90.0, Some(100.0))]),
        ] {
            let page = points::page_as_known_at(&desk.store, &series.id, known_at, &all).await.unwrap();
            let values: Vec<_> = page.iter().map(|row| (row.value, row.original_value)).collect();
            assert_eq!(values, expected, "known at {known_at}");
        }
    })
    .await;
}

#[tokio::test]
async fn alerts_are_listed_newest_first_and_by_state() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        let mut value = 10.0;
        for day in 1..=13 {
            value *= 2.0;
            let point = series.point(&mut history, day, value);
            series.run(&mut history, &MetricCommand::RaiseDue(RaiseDue { point }));
        }
        desk.fold(&history, 4).await;
        let filter = AlertFilter::default();
        let newest = alerts::of_company(&desk.store, &series.company, &filter, 10).await.unwrap();
        assert_eq!(newest.len(), 10);
        assert!(newest.windows(2).all(|pair| pair[0].position > pair[1].position));
        assert_eq!(newest[0].summary, "The revenue increased 100% from 40960 to 81920.");
        assert_eq!(newest[0].alert_type, RuleType::GrowthSpike);
        let filter = AlertFilter { before: newest.last().map(|row| row.position), ..filter };
        assert_eq!(alerts::of_company(&desk.store, &series.company, &filter, 10).await.unwrap().len(), 2);

        let acknowledge = AcknowledgeAlert { alert: newest[0].id.clone(), by: "bot".to_owned(), note: None };
        history.as_who(agent("bot"));
        assert_eq!(series.run(&mut history, &MetricCommand::AcknowledgeAlert(acknowledge)), 1);
        desk.fold(&history, 4).await;
        let seen = alerts::by_id(&desk.store, &newest[0].id).await.unwrap().unwrap();
        assert_eq!((seen.state, seen.acknowledged_by.as_deref()), (AlertState::Acknowledged, Some("bot")));
        let open = AlertFilter { state: Some(AlertState::Open), ..AlertFilter::default() };
        assert_eq!(alerts::of_company(&desk.store, &series.company, &open, 100).await.unwrap().len(), 11);
        let filter =
            AlertFilter { state: Some(AlertState::Acknowledged), metric: Some(series.id.clone()), before: None };
        assert_eq!(alerts::of_company(&desk.store, &series.company, &filter, 10).await.unwrap(), [seen]);
    })
    .await;
}

#[tokio::test]
async fn the_current_version_of_each_rule_is_shown_and_the_late_rule_says_when_to_look() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut series = Series::define(&mut history, 1, "revenue");
        series.point(&mut history, 1, 10.0);
        desk.fold(&history, 10).await;
        assert_eq!(metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap().late_due_at, None);
        for threshold in [0.7, 0.9] {
            let rule = RuleChange { threshold: Some(threshold), ..RuleChange::of(RuleType::GrowthSpike) };
            series.run(&mut history, &MetricCommand::SetRule(SetRule { rule, by: Some("bot".to_owned()) }));
        }
        let rule = RuleChange::of(RuleType::Late);
        series.run(&mut history, &MetricCommand::SetRule(SetRule { rule, by: None }));
        desk.fold(&history, 10).await;
        let found = rules::of_metric(&desk.store, &series.id).await.unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|row| (row.rule.condition.rule_type(), row.rule.condition.threshold(), row.set_by.as_deref()))
            .collect();
        assert_eq!(shown, [(RuleType::GrowthSpike, 0.9, Some("bot")), (RuleType::Late, 0.25, None)]);

        let due = beginning() + TimeDelta::days(2) + TimeDelta::hours(6);
        assert_eq!(
            metrics::by_key(&desk.store, &series.company, "revenue").await.unwrap().unwrap().late_due_at,
            Some(due)
        );
        assert_eq!(series.state.late_due_at(), Some(due));
        let early = due - TimeDelta::seconds(1);
        assert!(metrics::late_due(&desk.store, early, None, 10).await.unwrap().is_empty());
        assert_eq!(metrics::late_due(&desk.store, due, None, 10).await.unwrap().len(), 1);

        history.now = due;
        assert_eq!(series.run(&mut history, &MetricCommand::CheckLate(Default::default())), 1);
        desk.fold(&history, 10).await;
        assert!(metrics::late_due(&desk.store, due + TimeDelta::days(9), None, 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn metrics_that_are_late_are_paged_and_one_whose_rule_cools_down_is_not_among_them() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut all: Vec<Series> =
            (1..=3).map(|number| Series::define(&mut history, number, &format!("metric_{number}"))).collect();
        for series in &mut all {
            let rule = RuleChange { cool_down: Some(CoolDown::Points(1)), ..RuleChange::of(RuleType::Late) };
            series.run(&mut history, &MetricCommand::SetRule(SetRule { rule, by: None }));
            series.point(&mut history, 0, 1.0);
        }
        history.now = beginning() + TimeDelta::days(30);
        desk.fold(&history, 4).await;
        let page = async |after| metrics::late_due(&desk.store, history.now, after, 2).await.unwrap();
        let first = page(None).await;
        let last = first.last().unwrap();
        let second = page(Some((last.late_due_at.unwrap(), last.position))).await;
        let ids: Vec<_> = first.iter().chain(&second).map(|row| row.id.clone()).collect();
        assert_eq!((first.len(), ids), (2, all.iter().map(|series| series.id.clone()).collect()));

        let series = &mut all[0];
        for (day, due) in [(0, 1), (1, 0), (2, 1)] {
            if day > 0 {
                series.point(&mut history, day, 1.0);
            }
            desk.fold(&history, 4).await;
            let now = metrics::late_due(&desk.store, history.now, None, 10).await.unwrap();
            assert_eq!(now.iter().filter(|row| row.id == series.id).count(), due, "after day {day}");
            assert_eq!(series.run(&mut history, &MetricCommand::CheckLate(Default::default())), due);
        }
    })
    .await;
}
