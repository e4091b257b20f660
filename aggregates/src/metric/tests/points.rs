//! Recording and correcting points.

use super::*;

fn refuse(change: impl Fn(&mut NewPoint), reason: &str) {
    let mut point = new_point(1, 1.0, at(0));
    change(&mut point);
    given::<Metric>(&[defined()]).when(RecordPoints { points: vec![point] }).then_refused(reason);
}

#[test]
fn a_point_out_of_bounds_is_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refuse(|point| point.value = value, "invalid_value");
    }
    for confidence in [1.1, -0.1, f64::NAN] {
        refuse(|point| point.confidence = confidence, "invalid_field");
    }
    for key in [String::new(), "x".repeat(256), "a\nb".to_owned(), "a\u{7f}".to_owned()] {
        refuse(|point| point.idempotency_key.clone_from(&key), "invalid_idempotency_key");
    }
    refuse(|point| point.timestamp = "next Tuesday".to_owned(), "invalid_timestamp");
    refuse(|point| point.instant = at(1), "invalid_timestamp");
}

#[test]
fn a_point_may_be_dated_366_days_ahead_and_no_further() {
    let days = 366 * 86_400;
    let metric = given::<Metric>(&[defined()]);
    assert_eq!(metric.when(record(1, 1.0, days)).events().len(), 1);
    metric.when(record(1, 1.0, days + 1)).then_refused("invalid_timestamp");
}

#[test]
fn a_key_of_255_characters_is_taken_whatever_its_bytes() {
    let mut point = new_point(1, 1.0, at(0));
    point.idempotency_key = "é".repeat(255);
    assert_eq!(given::<Metric>(&[defined()]).when(RecordPoints { points: vec![point] }).events().len(), 1);
}

#[test]
fn minus_zero_is_stored_as_zero() {
    let events = given::<Metric>(&[defined()]).when(record(1, -0.0, 0)).events();
    let MetricEvent::PointRecorded(recorded) = &events[0] else { panic!("{events:?}") };
    assert!(recorded.value.is_sign_positive());
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let metric = given::<Metric>(&[defined()]);
    let batch = |count: u32| (1..=count).map(|number| new_point(number, 1.0, at(number.into()))).collect::<Vec<_>>();
    assert_eq!(metric.when(RecordPoints { points: batch(1_000) }).events().len(), 1_000);
    metric.when(RecordPoints { points: batch(0) }).then_refused("invalid_batch");
    metric.when(RecordPoints { points: batch(1_001) }).then_refused("invalid_batch");
    let mut one_bad = batch(5);
    one_bad[3].value = f64::NAN;
    metric.when(RecordPoints { points: one_bad }).then_refused("invalid_value");
    let mut twice = batch(5);
    twice[4].idempotency_key = "key-1".to_owned();
    metric.when(RecordPoints { points: twice }).then_refused("invalid_batch");
}

#[test]
fn the_latest_is_the_greatest_instant_and_of_equal_ones_the_later_recorded() {
    let metric = values(&[1.0, 2.0]).and(record(3, 3.0, 1));
    assert_eq!(metric.state.latest().unwrap().point, point_id(2));
    let metric = metric.and(record(4, 4.0, 2));
    assert_eq!(metric.state.latest().unwrap().point, point_id(4));
    assert_eq!(metric.state.points(), 4);
}

#[test]
fn a_correction_changes_the_latest_value_and_fires_nothing() {
    let metric = values(&[100.0, 110.0]);
    let correct = CorrectPoint { point: point_id(2), value: 1_000.0, reason: None, at: at(9) };
    let metric = metric.and(correct);
    assert_eq!(metric.state.latest().unwrap().value, 1_000.0);
    assert!(metric.state.due().is_empty());
    metric
        .when(CorrectPoint { point: point_id(2), value: f64::NAN, reason: None, at: at(9) })
        .then_refused("invalid_value");
}

#[test]
fn later_points_are_judged_by_the_corrected_value() {
    let correct = |value| CorrectPoint { point: point_id(1), value, reason: None, at: at(9) };
    assert!(values(&[100.0]).and(correct(140.0)).and(record(2, 150.0, 20)).state.due().is_empty());
    let spiked = values(&[140.0]).and(correct(100.0)).and(record(2, 150.0, 20));
    assert_eq!(summaries(&spiked.state), ["Weekly Revenue increased 50% from 100 to 150."]);
}
