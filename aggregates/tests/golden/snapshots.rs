//! Golden copies of states, as snapshots hold them: one file an aggregate and number of its form in `golden/snapshots/`. A store
//! keeps snapshots of the program before this one, and opens those whose number is today's; so a form that changes, or events
//! that come to mean something else, get a new number (`SNAPSHOT_SCHEMA`). Older files stay, so that no number is used twice.

use std::collections::BTreeSet;
use std::fmt::Debug;

use chrono::TimeDelta;
use muniment_aggregates::account::Account;
use muniment_aggregates::application::Application;
use muniment_aggregates::attempt::Attempt;
use muniment_aggregates::catalog::{self, CATALOG};
use muniment_aggregates::challenge::Challenge;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::ids::PointId;
use muniment_aggregates::invite::Invite;
use muniment_aggregates::metric::*;
use muniment_aggregates::note::Note;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::roster::Roster;
use muniment_aggregates::scheduler::Scheduler;
use muniment_aggregates::scope::Scope;
use muniment_aggregates::session::Session;
use muniment_aggregates::settings::Settings;
use muniment_aggregates::subject::Subject;
use serde_json::Value;

use super::{Samples, expect_golden, file_name, folder, instant, samples, stored};

/// The samples of an aggregate's events, in the order of the catalogue.
fn sampled<D: Decider>(samples: &Samples) -> Vec<D::Event> {
    let own = CATALOG.iter().filter(|kind| kind.stream.as_str() == D::TYPE);
    let payload = |name: String| samples.0[&name].to_string();
    own.map(|kind| {
        catalog::decode(kind.event_type, kind.version, &payload(file_name(kind.event_type, kind.version))).unwrap()
    })
    .collect()
}

/// The states that the events lead through. Each, written and read again, is the same, and none of its fields is in all of them
/// what it is at the beginning: of such a one nothing would be known.
fn states<D: Decider + PartialEq + Debug>(events: &[D::Event]) -> Vec<Value> {
    let mut state = D::default();
    let beginning = stored(&state);
    let states: Vec<Value> = events
        .iter()
        .map(|event| {
            state.evolve(event);
            let snapshot = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<D>(&snapshot).unwrap(), state, "{}: {snapshot}", D::TYPE);
            stored(&state)
        })
        .collect();
    for (field, at_first) in beginning.as_object().unwrap() {
        assert!(states.iter().any(|state| state[field] != *at_first), "no event reaches {field} of {}", D::TYPE);
    }
    states
}

fn holds<D: Decider + PartialEq + Debug>(events: &[D::Event]) -> &'static str {
    let path = folder().join("snapshots").join(format!("{}.v{}.json", D::TYPE, D::SNAPSHOT_SCHEMA));
    let differs = "snapshots that are kept would be read as something else; give the new form a new SNAPSHOT_SCHEMA";
    expect_golden(&path, &Value::Array(states::<D>(events)), differs);
    D::TYPE
}

fn rule(condition: Condition, cool_down: CoolDown, like: &RuleSet) -> MetricEvent {
    let rule = Rule { condition, cool_down, ..like.rule.clone() };
    MetricEvent::RuleSet(RuleSet { rule, ..like.clone() })
}

/// The samples, and what they do not reach: rules of every kind, a finding that waits, a rule that fired, a metric that is late.
fn of_a_metric(samples: &Samples) -> Vec<MetricEvent> {
    let sampled = sampled::<Metric>(samples);
    let mut events = Vec::new();
    for event in &sampled {
        events.push(event.clone());
        match event {
            MetricEvent::PointRecorded(recorded) => events.push(MetricEvent::PointRecorded(PointRecorded {
                point: PointId::from_random([9; 12]),
                value: recorded.value * 2.0,
                instant: instant() + TimeDelta::days(7),
                idempotency_key: "next".to_owned(),
                ..recorded.clone()
            })),
            MetricEvent::RuleSet(set) => events.extend([
                rule(Condition::GrowthSpike { threshold: 0.4 }, CoolDown::None, set),
                rule(Condition::Drop { threshold: 0.1, periods: 2 }, CoolDown::Seconds(60), set),
                rule(Condition::Above { threshold: 1.5, periods: 1 }, CoolDown::None, set),
                rule(Condition::Below { threshold: -1.5, periods: 1 }, CoolDown::None, set),
                rule(Condition::Late { threshold: 0.2 }, CoolDown::None, set),
            ]),
            MetricEvent::AlertRaised(raised) => {
                let finding = Finding { alert_type: RuleType::Late, ..raised.finding.clone() };
                events.push(MetricEvent::AlertRaised(AlertRaised { finding, ..raised.clone() }));
            }
            MetricEvent::Defined(_)
            | MetricEvent::SettingsChanged(_)
            | MetricEvent::PointCorrected(_)
            | MetricEvent::AlertAcknowledged(_)
            | MetricEvent::AlertResolved(_) => {}
        }
    }
    events
}

#[test]
fn golden_snapshots_hold() {
    let samples = samples();
    let held = [
        holds::<Metric>(&of_a_metric(&samples)),
        holds::<Application>(&sampled::<Application>(&samples)),
        holds::<Challenge>(&sampled::<Challenge>(&samples)),
        holds::<Account>(&sampled::<Account>(&samples)),
        holds::<Session>(&sampled::<Session>(&samples)),
        holds::<OfferBook>(&sampled::<OfferBook>(&samples)),
        holds::<Scope>(&sampled::<Scope>(&samples)),
        holds::<Roster>(&sampled::<Roster>(&samples)),
        holds::<Invite>(&sampled::<Invite>(&samples)),
        holds::<Settings>(&sampled::<Settings>(&samples)),
        holds::<Attempt>(&sampled::<Attempt>(&samples)),
        holds::<Note>(&sampled::<Note>(&samples)),
        holds::<Scheduler>(&sampled::<Scheduler>(&samples)),
        holds::<Subject>(&sampled::<Subject>(&samples)),
    ];
    let catalogued: BTreeSet<&str> = CATALOG.iter().map(|kind| kind.stream.as_str()).collect();
    assert_eq!(BTreeSet::from(held), catalogued, "every aggregate is held");
}
