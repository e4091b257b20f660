//! When rules fire, what they say, and what becomes of an alert.

use super::*;
use crate::decider::Decider as _;
use crate::ids::AlertId;

fn growth(previous: f64, latest: f64) -> Vec<String> {
    summaries(&values(&[previous, latest]).state)
}

#[test]
fn met_101_growth_spike_fires_as_the_table_lists() {
    let fires = [
        (100.0, 150.0, "50"),
        (12_000.0, 18_500.0, "54"),
        (80.0, 130.0, "63"),
        (0.3, 0.45, "50"),
        (200.0, 301.0, "51"),
        (1.0, 1.505, "50"),
    ];
    for (previous, latest, percent) in fires {
        let found = growth(previous, latest);
        assert_eq!(found.len(), 1, "{previous} to {latest}");
        assert!(found[0].contains(&format!(" increased {percent}% ")), "{found:?}");
    }
    for (previous, latest) in [(100.0, 149.99), (0.0, 5.0), (-5.0, 10.0), (0.2, 0.3), (1.1, 1.65), (150.0, 100.0)] {
        assert_eq!(growth(previous, latest), [""; 0], "{previous} to {latest}");
    }
}

#[test]
fn met_102_summaries_are_exact() {
    assert_eq!(growth(80.0, 130.0), ["Weekly Revenue increased 63% from 80 to 130."]);
    assert_eq!(growth(1e-7, 1.0), ["Weekly Revenue increased 999999900% from 1e-7 to 1."]);
    assert_eq!(growth(1.0, 1e21), ["Weekly Revenue increased 1e+23% from 1 to 1e+21."]);
    assert_eq!(growth(4.5, 12_000.0), ["Weekly Revenue increased 266567% from 4.5 to 12000."]);
}

#[test]
fn met_103_one_point_fires_nothing() {
    assert!(values(&[100.0]).state.due().is_empty());
}

#[test]
fn met_104_a_point_dated_back_fires_nothing() {
    let metric = values(&[100.0, 150.0]).and(record(3, 90.0, 0)).and(record(4, 1e9, 1));
    assert_eq!(metric.state.due().len(), 1);
}

#[test]
fn met_105_a_point_is_judged_as_of_its_own_position() {
    let metric = values(&[100.0, 200.0, 210.0]);
    assert_eq!(summaries(&metric.state), ["Weekly Revenue increased 100% from 100 to 200."]);
}

#[test]
fn met_109_the_display_name_is_the_one_at_the_position() {
    let rename = ChangeSettings { display_name: Some("Sales".to_owned()), ..ChangeSettings::default() };
    let metric = values(&[100.0, 150.0]).and(rename).and(record(3, 300.0, 3));
    assert_eq!(
        summaries(&metric.state),
        ["Weekly Revenue increased 50% from 100 to 150.", "Sales increased 100% from 150 to 300."]
    );
}

#[test]
fn of_equal_instants_the_later_recorded_is_compared_with_the_earlier() {
    let metric = values(&[100.0]).and(record(2, 150.0, 1));
    assert_eq!(metric.state.due()[0].previous_point, Some(point_id(1)));
}

#[test]
fn due_findings_are_raised_once_and_say_everything() {
    let metric = values(&[100.0, 150.0]);
    let events = metric.when(RaiseDue { point: point_id(2) }).events();
    let MetricEvent::AlertRaised(raised) = &events[0] else { panic!("{events:?}") };
    assert_eq!(events.len(), 1);
    assert_eq!(raised.finding.alert, rules::alert_id(&point_id(2), RuleType::GrowthSpike));
    assert_eq!(raised.finding.alert_type.as_str(), "growth_spike");
    assert_eq!(raised.finding.severity.as_str(), "high");
    assert_eq!((raised.finding.point.clone(), raised.finding.previous_point.clone()), (point_id(2), Some(point_id(1))));
    assert_eq!((raised.finding.growth, raised.finding.rule_version), (Some(0.5), 1));
    let raise = RaiseDue { point: point_id(2) };
    metric.and(raise.clone()).when(raise).then_nothing();
}

#[test]
fn alerts_are_raised_of_the_one_point_that_is_asked_about() {
    let above = set(RuleType::Above, |rule| rule.threshold = Some(0.0));
    let metric = given::<Metric>(&[defined()]).and(above).and(RecordPoints {
        points: (1..=5).map(|number| new_point(number, 10.0 * f64::from(number).exp2(), at(number.into()))).collect(),
    });
    assert_eq!(metric.state.due().len(), 5 + 4, "every point is above, and every one but the first has doubled");
    let events = metric.when(RaiseDue { point: point_id(3) }).events();
    let of_third =
        |event: &MetricEvent| matches!(event, MetricEvent::AlertRaised(it) if it.finding.point == point_id(3));
    assert!(events.len() == 2 && events.iter().all(of_third), "{events:?}");
    let metric = metric.and(RaiseDue { point: point_id(3) });
    assert_eq!(metric.state.due().len(), 7);
    metric.when(RaiseDue { point: point_id(3) }).then_nothing();
    metric.when(RaiseDue { point: point_id(9) }).then_nothing();
}

fn set(rule_type: RuleType, change: impl Fn(&mut RuleChange)) -> SetRule {
    let mut rule = RuleChange::of(rule_type);
    change(&mut rule);
    SetRule { rule, by: Some("account".to_owned()) }
}

#[test]
fn met_112_a_rule_counts_for_points_recorded_after_it() {
    let stricter = set(RuleType::GrowthSpike, |rule| rule.threshold = Some(1.0));
    let metric = values(&[100.0, 150.0]).and(stricter).and(record(3, 240.0, 3)).and(record(4, 480.0, 4));
    let versions: Vec<_> =
        metric.state.due().iter().map(|finding| (finding.point.clone(), finding.rule_version)).collect();
    assert_eq!(versions, [(point_id(2), 1), (point_id(4), 2)]);
    let metric = metric.and(set(RuleType::GrowthSpike, |rule| rule.enabled = Some(false))).and(record(5, 1e9, 5));
    assert_eq!(metric.state.due().len(), 2);
    assert_eq!(metric.state.rule(RuleType::GrowthSpike).unwrap().condition.threshold(), 1.0, "what is absent stays");
}

#[test]
fn rules_out_of_bounds_are_refused() {
    let metric = given::<Metric>(&[defined()]);
    for threshold in [0.0, -1.0, 1000.1, f64::NAN, f64::INFINITY] {
        metric.when(set(RuleType::GrowthSpike, |rule| rule.threshold = Some(threshold))).then_refused("invalid_field");
    }
    for rule_type in [RuleType::Growth, RuleType::Drop, RuleType::Above, RuleType::Below] {
        metric.when(set(rule_type, |_| ())).then_refused("missing_field");
        for periods in [0, 33] {
            let change = |rule: &mut RuleChange| (rule.threshold, rule.periods) = (Some(0.5), Some(periods));
            metric.when(set(rule_type, change)).then_refused("invalid_field");
        }
    }
    for cool_down in [CoolDown::Points(0), CoolDown::Points(10_001), CoolDown::Seconds(0)] {
        let change = |rule: &mut RuleChange| rule.cool_down = Some(cool_down);
        metric.when(set(RuleType::GrowthSpike, change)).then_refused("invalid_field");
    }
    metric.when(set(RuleType::GrowthSpike, |rule| rule.periods = Some(2))).then_refused("invalid_field");
    for threshold in [0.0, -0.1, 1000.1] {
        metric.when(set(RuleType::Late, |rule| rule.threshold = Some(threshold))).then_refused("invalid_field");
    }
}

fn only(rule: SetRule) -> crate::specification::Specification<Metric> {
    given::<Metric>(&[defined()]).and(set(RuleType::GrowthSpike, |rule| rule.enabled = Some(false))).and(rule)
}

fn run(rule: SetRule, series: &[f64]) -> Vec<String> {
    let mut metric = only(rule);
    for (number, value) in (1_u32..).zip(series) {
        metric = metric.and(record(number, *value, i64::from(number)));
    }
    summaries(&metric.state)
}

#[test]
fn growth_and_drop_look_so_many_points_back() {
    let over =
        |rule_type, periods| set(rule_type, move |rule| (rule.threshold, rule.periods) = (Some(0.5), Some(periods)));
    assert_eq!(
        run(over(RuleType::Growth, 2), &[100.0, 120.0, 150.0]),
        ["Weekly Revenue grew 50% over 2 points from 100 to 150."]
    );
    assert_eq!(run(over(RuleType::Growth, 3), &[100.0, 120.0, 150.0]), [""; 0]);
    assert_eq!(run(over(RuleType::Drop, 1), &[100.0, 50.0]), ["Weekly Revenue fell 50% from 100 to 50."]);
    assert_eq!(run(over(RuleType::Drop, 1), &[100.0, 50.01]), [""; 0]);
    assert_eq!(run(over(RuleType::Drop, 1), &[-100.0, -500.0]), [""; 0]);
}

#[test]
fn above_and_below_want_so_many_points_in_a_row() {
    let beyond =
        |rule_type, periods| set(rule_type, move |rule| (rule.threshold, rule.periods) = (Some(10.0), Some(periods)));
    assert_eq!(run(beyond(RuleType::Above, 1), &[10.0, 10.5]), ["Weekly Revenue is above 10 at 10.5."]);
    assert_eq!(
        run(beyond(RuleType::Below, 2), &[9.0, 11.0, 9.0, 8.0]),
        ["Weekly Revenue has been below 10 for 2 points, now at 8."]
    );
}

#[test]
fn a_rule_is_silent_while_it_cools_down() {
    let cooled =
        |cool_down| set(RuleType::Above, move |rule| (rule.threshold, rule.cool_down) = (Some(0.0), Some(cool_down)));
    let series = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(run(cooled(CoolDown::None), &series).len(), 5);
    assert_eq!(
        run(cooled(CoolDown::Points(2)), &series),
        ["Weekly Revenue is above 0 at 1.", "Weekly Revenue is above 0 at 4."]
    );
    assert_eq!(
        run(cooled(CoolDown::Seconds(3)), &series),
        ["Weekly Revenue is above 0 at 1.", "Weekly Revenue is above 0 at 4."]
    );
}

#[test]
fn a_new_version_of_a_rule_begins_without_cool_down() {
    let silent = |rule: &mut RuleChange| (rule.threshold, rule.cool_down) = (Some(0.0), Some(CoolDown::Points(9)));
    let metric = only(set(RuleType::Above, silent)).and(record(1, 1.0, 1)).and(record(2, 2.0, 2));
    assert_eq!(metric.state.due().len(), 1);
    let metric = metric.and(set(RuleType::Above, |_| ())).and(record(3, 3.0, 3));
    assert_eq!(metric.state.due().len(), 2);
}

#[test]
fn a_metric_is_late_once_for_a_latest_point() {
    const DAY: i64 = 86_400;
    let late = set(RuleType::Late, |_| ());
    let due = 7 * DAY + 7 * DAY / 4;
    let metric = only(late).and(record(1, 1.0, 0));
    assert_eq!(metric.state.late_due_at(), Some(at(due)));
    metric.clone().at(due - 1).when(CheckLate {}).then_nothing();
    let metric = metric.at(due);
    let events = metric.when(CheckLate {}).events();
    let MetricEvent::AlertRaised(raised) = &events[0] else { panic!("{events:?}") };
    assert_eq!(
        raised.finding.summary,
        "Weekly Revenue is late: no point since 2026-06-08T12:00:00.000Z, expected weekly."
    );
    let metric = metric.and(CheckLate {}).at(10 * due);
    metric.when(CheckLate {}).then_nothing();
    assert_eq!(metric.state.late_due_at(), None);
    let metric = metric.at(due).and(record(2, 2.0, due)).at(3 * due);
    assert_eq!(metric.when(CheckLate {}).events().len(), 1);
}

#[test]
fn a_late_rule_is_silent_while_it_cools_down() {
    const DAY: i64 = 86_400;
    let found = |cool_down| {
        let late = set(RuleType::Late, move |rule| (rule.threshold, rule.cool_down) = (Some(0.1), Some(cool_down)));
        let mut metric = only(late);
        let mut late = Vec::new();
        for number in 1..=4 {
            let seconds = 10 * DAY * i64::from(number);
            metric = metric.and(record(number, 1.0, seconds)).at(seconds + 9 * DAY);
            let events = metric.when(CheckLate {}).events();
            let is_due = metric.state.late_due_at().is_some_and(|due_at| due_at <= at(seconds + 9 * DAY));
            assert_eq!(is_due, !events.is_empty());
            late.extend((!events.is_empty()).then_some(number));
            metric = metric.and(CheckLate {});
        }
        late
    };
    assert_eq!(found(CoolDown::None), [1, 2, 3, 4]);
    assert_eq!(found(CoolDown::Points(1)), [1, 3]);
    assert_eq!(found(CoolDown::Points(2)), [1, 4]);
    let days = |days: i64| CoolDown::Seconds(u32::try_from(days * DAY).unwrap());
    assert_eq!(found(days(19)), [1, 2, 3, 4]);
    assert_eq!(found(days(20)), [1, 3]);
}

/// Nothing comes any more, so that nothing but time can end the silence.
#[test]
fn a_metric_that_ends_while_its_late_rule_cools_down_is_late_once_that_is_over() {
    const WEEK: i64 = 7 * 86_400;
    let late =
        set(RuleType::Late, |rule| (rule.threshold, rule.cool_down) = (Some(0.1), Some(CoolDown::Seconds(3_628_800))));
    let metric = only(late).and(record(1, 1.0, 0)).at(2 * WEEK).and(CheckLate {}).and(record(2, 1.0, 2 * WEEK));
    assert_eq!(metric.state.late_due_at(), Some(at(6 * WEEK)));
    let metric = metric.at(6 * WEEK - 1);
    metric.when(CheckLate {}).then_nothing();
    assert_eq!(metric.at(6 * WEEK).when(CheckLate {}).events().len(), 1);
}

#[test]
fn lateness_knows_five_cadences() {
    let due = |cadence| rules::late_due_at(cadence, "2026-01-31T00:00:00Z".parse().unwrap(), 0.0);
    for (cadence, expected) in [
        ("daily", "2026-02-01T00:00:00Z"),
        ("weekly", "2026-02-07T00:00:00Z"),
        ("monthly", "2026-02-28T00:00:00Z"),
        ("quarterly", "2026-04-30T00:00:00Z"),
        ("yearly", "2027-01-31T00:00:00Z"),
    ] {
        assert_eq!(due(cadence), Some(expected.parse().unwrap()), "{cadence}");
    }
    assert_eq!(due("fortnightly"), None);
    assert_eq!(rules::late_due_at("yearly", DateTime::<Utc>::MAX_UTC, 1000.0), None);
    let odd = rules::late_due_at("yearly", at(0), 0.123_456_789_012_3).unwrap();
    assert_eq!(odd.timestamp_subsec_nanos() % 1_000, 0, "to the microsecond, as read models keep it: {odd}");
    let metric = given::<Metric>(&[defined()]).and(set(RuleType::Late, |_| ()));
    metric.at(1_000_000_000).when(CheckLate {}).then_nothing();
}

#[test]
fn met_113_an_alert_is_acknowledged_once() {
    let metric = values(&[100.0, 150.0]).and(RaiseDue { point: point_id(2) });
    let alert = rules::alert_id(&point_id(2), RuleType::GrowthSpike);
    let acknowledge = AcknowledgeAlert { alert: alert.clone(), by: "ana".to_owned(), note: None };
    let resolve = ResolveAlert { alert: alert.clone(), by: "ana".to_owned(), note: Some("a bulk order".to_owned()) };
    assert_eq!(metric.state.alert_state(&alert), Some(AlertState::Open));
    let metric = metric.and(acknowledge.clone());
    assert_eq!(metric.state.alert_state(&alert), Some(AlertState::Acknowledged));
    metric.when(acknowledge.clone()).then_nothing();
    let metric = metric.and(resolve.clone());
    metric.when(resolve).then_nothing();
    metric.when(acknowledge.clone()).then_nothing();
    let foreign = AcknowledgeAlert { alert: AlertId::from_random([9; 12]), ..acknowledge };
    metric.when(foreign).then_refused("alert_not_found");
}

#[test]
fn an_alert_older_than_the_ledger_can_still_be_acknowledged() {
    let mut metric = values(&[1.0]).and(set(RuleType::Above, |rule| rule.threshold = Some(0.0)));
    for number in 2..u32::try_from(ALERT_LEDGER).unwrap() + 12 {
        metric = metric.and(record(number, 1.0, i64::from(number))).and(RaiseDue { point: point_id(number) });
    }
    let oldest = rules::alert_id(&point_id(2), RuleType::Above);
    assert_eq!(metric.state.alert_state(&oldest), None);
    let acknowledge = AcknowledgeAlert { alert: oldest, by: "ana".to_owned(), note: None };
    metric.and(acknowledge.clone()).when(acknowledge).then_nothing();
}

#[test]
fn growth_past_the_largest_float_fires_and_reads_back() {
    let metric = values(&[5e-324, 1.0]);
    assert_eq!(summaries(&metric.state), ["Weekly Revenue increased Infinity% from 5e-324 to 1."]);
    let stored = serde_json::to_string(&metric.state).unwrap();
    assert_eq!(serde_json::from_str::<Metric>(&stored).unwrap(), metric.state);
    assert_eq!(Metric::TYPE, "metric");
}
