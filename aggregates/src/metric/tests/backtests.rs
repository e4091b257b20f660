//! A back-test says what the live evaluator said.

use super::*;
use crate::decider::Decider as _;

fn history(series: &[f64]) -> Vec<(DateTime<Utc>, MetricEvent)> {
    let mut metric = Metric::default();
    let mut history = vec![(at(0), defined())];
    metric.evolve(&history[0].1);
    for (number, value) in (1_u32..).zip(series) {
        let recorded_at = at(i64::from(number));
        let command = record(number, *value, i64::from(number)).into();
        let event = metric.decide(&command, &crate::decider::Facts { now: recorded_at }).unwrap().remove(0);
        metric.evolve(&event);
        history.push((recorded_at, event));
    }
    history
}

fn above(threshold: f64) -> Rule {
    Rule { condition: Condition::Above { threshold, periods: 1 }, ..Rule::implicit_growth_spike() }
}

#[test]
fn the_live_rule_back_tested_finds_what_was_found_live() {
    let series = [100.0, 150.0, 151.0, 400.0, 10.0, 20.0];
    let result = backtest(history(&series), &Rule::implicit_growth_spike(), at(99));
    assert_eq!(values(&series).state.due(), &result.findings);
    assert_eq!(result.points, 6);
}

#[test]
fn findings_without_a_silent_point_between_are_one_episode() {
    let result = backtest(history(&[11.0, 12.0, 9.0, 13.0]), &above(10.0), at(99));
    let counts: Vec<_> = result.episodes.iter().map(|episode| episode.findings).collect();
    assert_eq!(counts, [2, 1]);
    assert_eq!((result.episodes[0].first.value, result.episodes[0].last.value), (11.0, 12.0));
}

#[test]
fn a_correction_is_not_known_before_it_was_made() {
    let mut history = history(&[5.0, 6.0]);
    let correction = PointCorrected {
        company: company(),
        metric_key: "weekly_revenue".to_owned(),
        point: point_id(1),
        value: 50.0,
        reason: None,
        at: at(9),
    };
    history.push((at(9), MetricEvent::PointCorrected(correction)));
    assert!(backtest(history, &above(10.0), at(99)).findings.is_empty());
}

#[test]
fn lateness_is_found_between_points_and_at_the_end() {
    const WEEK: i64 = 7 * 86_400;
    let rule = Rule { condition: Condition::Late { threshold: 0.0 }, ..Rule::implicit_growth_spike() };
    let mut metric = Metric::default();
    let mut history = vec![(at(0), defined())];
    metric.evolve(&history[0].1);
    for (number, seconds) in [(1, 0), (2, WEEK - 1), (3, 3 * WEEK)] {
        let facts = crate::decider::Facts { now: at(seconds) };
        let event = metric.decide(&record(number, 1.0, seconds).into(), &facts).unwrap().remove(0);
        metric.evolve(&event);
        history.push((at(seconds), event));
    }
    let late = |until| {
        let result = backtest(history.clone(), &rule, at(until));
        result.findings.into_iter().map(|finding| finding.point).collect::<Vec<_>>()
    };
    assert_eq!(late(3 * WEEK), [point_id(2)]);
    assert_eq!(late(4 * WEEK), [point_id(2), point_id(3)]);
    let span = u32::try_from(3 * WEEK + 1).unwrap();
    let cools_down = |cool_down| {
        let result = backtest(history.clone(), &Rule { cool_down, ..rule.clone() }, at(4 * WEEK));
        result.findings.into_iter().map(|finding| finding.point).collect::<Vec<_>>()
    };
    assert_eq!(cools_down(CoolDown::Points(1)), [point_id(2)]);
    assert_eq!(cools_down(CoolDown::Seconds(span + 1)), [point_id(2)]);
    assert_eq!(cools_down(CoolDown::Seconds(span)), [point_id(2), point_id(3)]);
}

/// Live nobody can look between the points of one append.
#[test]
fn points_of_one_append_are_late_once_as_they_are_live() {
    const WEEK: i64 = 7 * 86_400;
    let rule = Rule { condition: Condition::Late { threshold: 0.1 }, ..Rule::implicit_growth_spike() };
    let mut metric = Metric::default();
    let mut history = vec![(at(0), defined())];
    metric.evolve(&history[0].1);
    // Two imports of old points, the second ten weeks after the first.
    for (number, seconds, recorded_at) in [
        (1, 0, 90 * WEEK),
        (2, WEEK, 90 * WEEK),
        (3, 2 * WEEK, 90 * WEEK),
        (4, 3 * WEEK, 100 * WEEK),
        (5, 4 * WEEK, 100 * WEEK),
    ] {
        let facts = crate::decider::Facts { now: at(recorded_at) };
        let event = metric.decide(&record(number, 1.0, seconds).into(), &facts).unwrap().remove(0);
        metric.evolve(&event);
        history.push((at(recorded_at), event));
    }
    let result = backtest(history, &rule, at(101 * WEEK));
    let late: Vec<_> = result.findings.into_iter().map(|finding| finding.point).collect();
    assert_eq!(late, [point_id(3), point_id(5)]);
    assert_eq!(result.episodes.len(), 2);
}

#[test]
fn the_newest_point_is_judged_by_the_rules_as_they_stand_and_as_far_as_they_cool_down() {
    let events = |history: Vec<(DateTime<Utc>, MetricEvent)>| history.into_iter().map(|(_, event)| event).collect();
    let set = |rule: Rule| {
        let company = company();
        MetricEvent::RuleSet(RuleSet { company, metric_key: "weekly_revenue".to_owned(), rule, by: None, at: at(0) })
    };
    let said = |history: &[MetricEvent]| -> Vec<String> {
        judge_newest(history, at(99)).into_iter().map(|finding| finding.summary).collect()
    };
    assert_eq!(said(&[]), [""; 0]);
    let mut doubled: Vec<MetricEvent> = events(history(&[100.0, 200.0, 400.0]));
    assert_eq!(said(&doubled), ["Weekly Revenue increased 100% from 200 to 400."]);
    // Set after the point: it would be judged by that now, by both of its rules.
    doubled.push(set(above(300.0)));
    let silent = Rule { cool_down: CoolDown::Points(1), ..Rule::implicit_growth_spike() };
    assert_eq!(said(&doubled).len(), 2);
    // In force when the point before fired, and silent since.
    doubled.insert(1, set(silent));
    assert_eq!(said(&doubled), ["Weekly Revenue is above 300 at 400."]);
    let late = Rule { condition: Condition::Late { threshold: 0.0 }, ..Rule::implicit_growth_spike() };
    doubled.push(set(late));
    let week = 7 * 86_400 + 3;
    assert_eq!(judge_newest(&doubled, at(week - 1)).len(), 1);
    assert_eq!(judge_newest(&doubled, at(week)).len(), 2);
    // What the point says has the name of its time; whether the next one stays away goes by the settings there are now.
    doubled.push(MetricEvent::SettingsChanged(SettingsChanged {
        company: company(),
        metric_key: "weekly_revenue".to_owned(),
        display_name: Some("Sales".to_owned()),
        unit: None,
        cadence: Some("daily".to_owned()),
        direction: None,
        source_type: None,
    }));
    let day = 86_400 + 3;
    assert_eq!(judge_newest(&doubled, at(day - 1)).len(), 1);
    let said: Vec<_> = judge_newest(&doubled, at(day)).into_iter().map(|finding| finding.summary).collect();
    let late = "Sales is late: no point since 2026-06-08T12:00:03.000Z, expected daily.";
    assert_eq!(said, ["Weekly Revenue is above 300 at 400.", late]);
}
