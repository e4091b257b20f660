//! What holds of every history.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::decider::{Decider as _, Facts};
use crate::ids::AlertId;
use crate::specification::fold;

#[derive(Debug, Clone)]
enum Step {
    Record { value: f64, seconds: i64 },
    Correct { point: u32, value: f64 },
    SetRule { rule_type: usize, threshold: f64, periods: u32, cool_down: u32, enabled: bool },
    Rename { cadence: bool },
    Raise { point: u32 },
    CheckLate { days: i64 },
    Acknowledge { point: u32 },
    Resolve { point: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (-2.0_f64..200.0, 0_i64..300).prop_map(|(value, seconds)| Step::Record { value, seconds }),
        1 => (0_u32..60, -2.0_f64..200.0).prop_map(|(point, value)| Step::Correct { point, value }),
        2 => (0_usize..6, 0.01_f64..3.0, 1_u32..=32, 0_u32..4, any::<bool>()).prop_map(
            |(rule_type, threshold, periods, cool_down, enabled)| Step::SetRule {
                rule_type, threshold, periods: periods.min(1 + periods / 8), cool_down, enabled
            }
        ),
        1 => any::<bool>().prop_map(|cadence| Step::Rename { cadence }),
        4 => (0_u32..60).prop_map(|point| Step::Raise { point }),
        1 => (0_i64..30).prop_map(|days| Step::CheckLate { days }),
        1 => (0_u32..60).prop_map(|point| Step::Acknowledge { point }),
        1 => (0_u32..60).prop_map(|point| Step::Resolve { point }),
    ]
}

fn command(number: u32, step: &Step) -> (MetricCommand, DateTime<Utc>) {
    let alert = |point: u32| rules::alert_id(&point_id(point), RuleType::ALL[point as usize % 6]);
    let by = || "ana".to_owned();
    let mut now = at(300);
    let command = match step {
        Step::Record { value, seconds } => record(number, *value, *seconds).into(),
        Step::Correct { point, value } => {
            CorrectPoint { point: point_id(*point), value: *value, reason: None, at: at(300) }.into()
        }
        Step::SetRule { rule_type, threshold, periods, cool_down, enabled } => {
            let rule_type = RuleType::ALL[*rule_type];
            let has_periods = !matches!(rule_type, RuleType::GrowthSpike | RuleType::Late);
            let rule = RuleChange {
                rule_type,
                enabled: Some(*enabled),
                threshold: Some(*threshold),
                periods: has_periods.then_some(*periods),
                severity: None,
                cool_down: Some(match cool_down {
                    0 => CoolDown::None,
                    1 => CoolDown::Seconds(60),
                    more => CoolDown::Points(*more),
                }),
            };
            SetRule { rule, by: None }.into()
        }
        Step::Rename { cadence } => {
            let cadence = if *cadence { "daily" } else { "whenever" };
            ChangeSettings { cadence: Some(cadence.to_owned()), ..ChangeSettings::default() }.into()
        }
        Step::Raise { point } => RaiseDue { point: point_id(*point) }.into(),
        Step::CheckLate { days } => {
            now = at(300 + days * 86_400);
            CheckLate {}.into()
        }
        Step::Acknowledge { point } => AcknowledgeAlert { alert: alert(*point), by: by(), note: None }.into(),
        Step::Resolve { point } => ResolveAlert { alert: alert(*point), by: by(), note: None }.into(),
    };
    (command, now)
}

/// Runs the steps; a refused one records nothing.
fn history(steps: &[Step]) -> Vec<MetricEvent> {
    let mut events = vec![defined()];
    let mut metric: Metric = fold(&events);
    for (number, step) in (0_u32..).zip(steps) {
        let (command, now) = command(number, step);
        for event in metric.decide(&command, &Facts { now }).unwrap_or_default() {
            metric.evolve(&event);
            events.push(event);
        }
    }
    events
}

fn alerts(events: &[MetricEvent]) -> Vec<AlertId> {
    events
        .iter()
        .filter_map(|event| match event {
            MetricEvent::AlertRaised(raised) => Some(raised.finding.alert.clone()),
            MetricEvent::Defined(_)
            | MetricEvent::SettingsChanged(_)
            | MetricEvent::PointRecorded(_)
            | MetricEvent::PointCorrected(_)
            | MetricEvent::RuleSet(_)
            | MetricEvent::AlertAcknowledged(_)
            | MetricEvent::AlertResolved(_) => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn a_snapshot_and_the_rest_lead_where_the_whole_leads(
        steps in prop::collection::vec(step(), 0..120),
        cut in any::<prop::sample::Index>(),
    ) {
        let events = history(&steps);
        let (before, after) = events.split_at(cut.index(events.len()));
        let snapshot = serde_json::to_string(&fold::<Metric>(before)).unwrap();
        let mut metric: Metric = serde_json::from_str(&snapshot).unwrap();
        for event in after {
            metric.evolve(event);
        }
        prop_assert_eq!(metric, fold::<Metric>(&events));
    }

    #[test]
    fn events_read_back_as_they_were_written(steps in prop::collection::vec(step(), 0..60)) {
        for event in history(&steps) {
            let payload = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<MetricEvent>(&payload).unwrap(), event);
        }
    }

    /// MET-107, MET-111: however late the evaluator runs, the same alerts come, each once.
    #[test]
    fn when_findings_are_raised_does_not_change_which(steps in prop::collection::vec(step(), 0..120)) {
        let is_immaterial = |step: &Step| {
            matches!(step, Step::Raise { .. } | Step::CheckLate { .. } | Step::Acknowledge { .. } | Step::Resolve { .. })
        };
        // The removed steps stay as their own numbers, so that the points keep their ids.
        let kept: Vec<_> = (0_u32..).zip(&steps).filter(|(_, step)| !is_immaterial(step)).collect();
        let (mut eager, mut lazy) = (fold::<Metric>(&[defined()]), fold::<Metric>(&[defined()]));
        let mut found = Vec::new();
        for (number, step) in kept {
            let (command, now) = command(number, step);
            let Ok(events) = lazy.decide(&command, &Facts { now }) else { continue };
            for event in events {
                lazy.evolve(&event);
                eager.evolve(&event);
            }
            found.extend(raised(&mut eager));
        }
        prop_assert_eq!(&found, &raised(&mut lazy));
        let ids = alerts(&found);
        prop_assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn a_rule_raises_at_most_one_alert_about_a_point(steps in prop::collection::vec(step(), 0..200)) {
        let ids = alerts(&history(&steps));
        prop_assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn no_order_of_events_makes_the_state_panic_or_grow(
        steps in prop::collection::vec(step(), 0..80),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..400),
    ) {
        let events = history(&steps);
        let mut metric = Metric::default();
        for index in order {
            metric.evolve(index.get(&events));
            prop_assert!(metric.window().len() <= WINDOW);
            prop_assert!(metric.window().is_sorted_by_key(|seen| (seen.instant, seen.ordinal)));
        }
    }
}

#[test]
fn the_state_does_not_grow_with_the_points() {
    let mut metric: Metric = fold(&[defined()]);
    let mut sizes = Vec::new();
    for number in 0..4_000_u32 {
        let value = f64::from(100 + number % 200);
        let events = metric.decide(&record(number, value, i64::from(number)).into(), &Facts { now: at(0) }).unwrap();
        metric.evolve(&events[0]);
        raised(&mut metric);
        if number % 1_000 == 999 {
            sizes.push(serde_json::to_string(&metric).unwrap().len());
        }
    }
    assert!(sizes[3] < sizes[0] + 4_096, "{sizes:?}");
}
