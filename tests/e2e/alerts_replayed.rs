//! What the built program has stored, beside the one pure function that decides alerts. The only file of these tests that
//! knows the rules: it replays the stored events through them.

use muniment_aggregates::decider::{Decider as _, Facts};
use muniment_aggregates::metric::{Metric, MetricEvent, RaiseDue};
use serde_json::json;

use crate::alerts_record::{RULES, with_a_past};
use crate::harness::{Engine, Program, Server};

fn met_111_the_record_replayed_without_its_alerts_decides_the_same_bytes(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (company, metric, expected) = with_a_past(&server);
    // Further rules, of later versions, with a silence, that fire for one point together.
    let above = json!({ "type": "above", "threshold": 100, "cool_down_points": 1, "severity": "low" });
    company.agent.post(RULES, &above).expect(200);
    company.agent.post(RULES, &json!({ "type": "growth_spike", "threshold": 1.0 })).expect(200);
    for (value, day) in [(900, 11), (1_800, 12), (2_000, 13), (50, 14), (200, 15)] {
        company.point("arr", &json!({ "value": value, "timestamp": format!("2026-01-{day}") }));
    }
    let count = expected.len() + 3 + 2;
    company.wait_for_alerts(count);
    let listed = company.agent.get("/v1/alerts").body;
    server.terminate();

    let sql = format!("SELECT CAST(payload AS TEXT) FROM events WHERE aggregate_id = '{metric}' ORDER BY sequence");
    let mut replayed = Metric::default();
    let mut stored = Vec::new();
    for payload in server.store.texts(&sql) {
        match serde_json::from_str::<MetricEvent>(&payload).unwrap() {
            MetricEvent::AlertRaised(_) => stored.push(payload),
            event => replayed.evolve(&event),
        }
    }
    let mut decided = Vec::new();
    while let Some(due) = replayed.due().front() {
        let raise = RaiseDue { point: due.point.clone() };
        for event in replayed.decide(&raise.into(), &Facts { now: chrono::Utc::now() }).unwrap() {
            replayed.evolve(&event);
            decided.push(serde_json::to_string(&event).unwrap());
        }
    }
    assert_eq!(decided, stored);
    assert_eq!(stored.len(), count);

    // The server itself, with nothing left but the record, shows the same and raises no other.
    server.store.execute("DELETE FROM snapshots");
    Program::operator_of(&server).run(&["projections", "rebuild", "--all"]).ok();
    server.restart();
    assert_eq!(company.agent.get("/v1/alerts").body, listed);
    company.point("arr", &json!({ "value": 1, "timestamp": "2026-03-01" }));
    assert_eq!(server.store.count("metric.alert_raised"), count);
}

both_engines![met_111_the_record_replayed_without_its_alerts_decides_the_same_bytes];
