//! Given/when/then over the metric, then properties over random histories.

mod alerts;
mod backtests;
mod definition;
mod points;
mod properties;
mod texts;

use chrono::{DateTime, SecondsFormat, Utc};

use super::*;
use crate::decider::{Decider as _, Facts};
use crate::ids::{ApplicationId, CompanyId, PointId};
use crate::specification::{at, given};

pub(super) fn company() -> CompanyId {
    CompanyId::from_random([1; 12])
}

pub(super) fn define() -> Define {
    Define {
        company: company(),
        application: ApplicationId::from_random([2; 12]),
        key: "weekly_revenue".to_owned(),
        display_name: "Weekly Revenue".to_owned(),
        unit: "usd".to_owned(),
        cadence: "weekly".to_owned(),
        direction: "up".to_owned(),
        source_type: "self_reported".to_owned(),
    }
}

pub(super) fn defined() -> MetricEvent {
    given::<Metric>(&[]).when(define()).events().remove(0)
}

pub(super) fn point_id(number: u32) -> PointId {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    PointId::from_random(bytes)
}

pub(super) fn new_point(number: u32, value: f64, instant: DateTime<Utc>) -> NewPoint {
    NewPoint {
        id: point_id(number),
        value,
        timestamp: instant.to_rfc3339_opts(SecondsFormat::Micros, true),
        instant,
        source: "default-agent-token".to_owned(),
        confidence: 0.5,
        raw_event_id: None,
        idempotency_key: format!("key-{number}"),
    }
}

/// One point, so many seconds after noon.
pub(super) fn record(number: u32, value: f64, seconds: i64) -> RecordPoints {
    RecordPoints { points: vec![new_point(number, value, at(seconds))] }
}

/// The metric after these values, a second apart, as the points 1, 2, 3 …
pub(super) fn values(values: &[f64]) -> crate::specification::Specification<Metric> {
    let mut specification = given::<Metric>(&[defined()]);
    for (number, value) in (1_u32..).zip(values) {
        specification = specification.and(record(number, *value, i64::from(number)));
    }
    specification
}

pub(super) fn summaries(metric: &Metric) -> Vec<String> {
    metric.due().iter().map(|finding| finding.summary.clone()).collect()
}

/// What is recorded when everything that waits is raised, point by point.
pub(super) fn raised(metric: &mut Metric) -> Vec<MetricEvent> {
    let mut events = Vec::new();
    while let Some(due) = metric.due().front() {
        let raise = RaiseDue { point: due.point.clone() };
        let decided = metric.decide(&raise.into(), &Facts { now: at(0) }).unwrap();
        assert!(!decided.is_empty(), "a point whose findings wait has its alerts raised");
        for event in decided {
            metric.evolve(&event);
            events.push(event);
        }
    }
    events
}
