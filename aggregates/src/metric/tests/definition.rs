//! Defining a metric and changing its settings.

use super::*;
use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::DomainEvent as _;
use crate::record::{DedupeKey, StreamId};

#[test]
fn a_metric_is_defined_once() {
    let metric = given::<Metric>(&[]).and(define());
    assert_eq!(metric.state.definition().unwrap().verification_level, "self_reported");
    metric.when(define()).then_refused("metric_exists");
}

#[test]
fn a_key_that_is_no_slug_is_refused() {
    for key in ["", "Weekly Revenue", "a__b", &"a".repeat(101)] {
        given::<Metric>(&[]).when(Define { key: key.to_owned(), ..define() }).then_refused("invalid_metric_key");
    }
}

#[test]
fn nothing_can_be_asked_of_a_metric_that_is_not() {
    given::<Metric>(&[]).when(record(1, 1.0, 0)).then_refused("metric_not_found");
    given::<Metric>(&[]).when(RaiseDue { point: point_id(1) }).then_refused("metric_not_found");
    given::<Metric>(&[]).when(ChangeSettings::default()).then_refused("metric_not_found");
}

#[test]
fn the_key_is_claimed_within_the_company() {
    let stream = StreamId::new("metric", "metric_x");
    let key = ClaimKey::Clear(format!("{}/weekly_revenue", company()));
    assert_eq!(defined().claims(&stream), [ClaimChange::Take { namespace: "metric-key", key }]);
}

#[test]
fn points_and_alerts_are_recorded_under_their_keys_once() {
    let stream = StreamId::new("metric", "metric_x");
    let point = values(&[100.0]).when(record(2, 150.0, 2)).events().remove(0);
    assert_eq!(point.dedupe(&stream), Some(DedupeKey::of(&stream, "key-2")));
    let metric = values(&[100.0, 150.0]);
    let alert = metric.when(RaiseDue { point: point_id(2) }).events().remove(0);
    let key = alert.dedupe(&stream).unwrap();
    assert_ne!(key, DedupeKey::of(&stream, metric.state.due()[0].alert.as_str()), "callers cannot name it");
}

#[test]
fn only_what_differs_is_recorded_of_a_change() {
    let metric = given::<Metric>(&[defined()]);
    metric.when(ChangeSettings::default()).then_nothing();
    metric.when(ChangeSettings { unit: Some("usd".to_owned()), ..Default::default() }).then_nothing();
    let change = ChangeSettings {
        display_name: Some("Revenue".to_owned()),
        unit: Some("usd".to_owned()),
        ..ChangeSettings::default()
    };
    metric.when(change.clone()).then(&[MetricEvent::SettingsChanged(SettingsChanged {
        company: company(),
        metric_key: "weekly_revenue".to_owned(),
        display_name: Some("Revenue".to_owned()),
        unit: None,
        cadence: None,
        direction: None,
        source_type: None,
    })]);
    assert_eq!(metric.and(change).state.definition().unwrap().display_name, "Revenue");
}
