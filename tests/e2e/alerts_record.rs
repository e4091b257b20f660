//! Alerts and the record: how the tests hold each to the very point that raised it (MET-105, MET-110), and that what the
//! command line tries out is what runs live.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::harness::{Company, Engine, Program, Server, eventually, unique};
use crate::real_data::events_from_the_start;

pub(crate) const RULES: &str = "/v1/metrics/arr/rules";

/// That the cause of each alert is the position of the point it is about, and its correlation that point's.
#[track_caller]
pub(crate) fn assert_own_causes(events: &[Value]) {
    let of = |event_type: &'static str| events.iter().filter(move |event| event["type"] == event_type);
    let points: HashMap<&str, &Value> =
        of("metric.point_recorded").map(|event| (event["data"]["point"].as_str().unwrap(), event)).collect();
    let alerts: Vec<&Value> = of("metric.alert_raised").collect();
    assert!(!alerts.is_empty(), "{events:?}");
    for alert in alerts {
        let point = points[alert["data"]["finding"]["point"].as_str().unwrap()];
        assert_eq!((&alert["cause"], &alert["corr"]), (&point["p"], &point["corr"]), "{alert}\nis about\n{point}");
    }
}

/// Types and causes of what `audit trace` lists around a position.
pub(crate) fn traced(server: &Server, position: u64) -> Vec<(String, Value)> {
    let listed = Program::operator_of(server).run(&["audit", "trace", &position.to_string(), "--json"]).json();
    let events = listed["events"].as_array().unwrap();
    events.iter().map(|event| (event["type"].as_str().unwrap().to_owned(), event["cause"].clone())).collect()
}

/// A metric with a past: batches out of order, points dated back, of one instant and sent twice, a new name,
/// corrections. What §7.2 finds in it, worked out by hand.
pub(crate) fn with_a_past(server: &Server) -> (Company, String, [&'static str; 5]) {
    let company = server.company();
    let made = company.agent.post("/v1/metrics", &json!({ "key": "arr", "display_name": "Before" })).expect(201);
    let batch = |points: Value| {
        company.agent.post("/v1/metrics/arr/points/batch", &json!({ "points": points })).expect(200);
    };
    let point = |value: u32, time: &str| {
        company.point("arr", &json!({ "value": value, "timestamp": time, "idempotency_key": unique("point") }))
    };
    let correct = |point: &str, value: u32| {
        company.agent.post(&format!("/v1/metrics/arr/points/{point}/correct"), &json!({ "value": value })).expect(200);
    };
    batch(json!([
        { "value": 100, "timestamp": "2026-01-01" },
        { "value": 210, "timestamp": "2026-01-03" },
        { "value": 150, "timestamp": "2026-01-02" },
    ]));
    company.agent.post("/v1/metrics/arr/settings", &json!({ "display_name": "After" })).expect(200);
    point(330, "2026-01-04");
    correct(&point(100, "2026-01-05"), 200);
    point(290, "2026-01-06");
    correct(&point(400, "2026-01-07"), 100);
    point(160, "2026-01-08");
    point(250, "2026-01-08");
    batch(json!([
        { "value": 500, "timestamp": "2026-01-09" },
        { "value": 150, "timestamp": "2026-01-02" },
        { "value": 9_000, "timestamp": "2026-01-01T12:00:00Z" },
        { "value": 510, "timestamp": "2026-01-10" },
    ]));
    let expected = [
        "Before increased 110% from 100 to 210.",
        "After increased 57% from 210 to 330.",
        "After increased 60% from 100 to 160.",
        "After increased 56% from 160 to 250.",
        "After increased 100% from 250 to 500.",
    ];
    (company, made["id"].as_str().unwrap().to_owned(), expected)
}

/// What the alerts of a company say they found, as the record has it, in the order of positions.
fn found_live(events: &[Value]) -> Vec<Value> {
    let raised = events.iter().filter(|event| event["type"] == "metric.alert_raised");
    raised.map(|event| event["data"]["finding"].clone()).collect()
}

/// The events of a company, once it has as many alerts.
fn events_with_alerts(company: &Company, count: usize) -> Vec<Value> {
    eventually(&format!("{count} alerts in the record"), || {
        Some(events_from_the_start(&company.agent)).filter(|events| found_live(events).len() >= count)
    })
}

fn a_backtest_of_the_rule_in_force_finds_what_was_found_live(engine: Engine) {
    let server = Server::shared(engine);
    let (company, _, expected) = with_a_past(server);
    let events = events_with_alerts(&company, expected.len());
    let live = found_live(&events);
    let summaries: Vec<&str> = live.iter().map(|finding| finding["summary"].as_str().unwrap()).collect();
    assert_eq!(summaries, expected);

    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let tried = client.run(&["alert", "backtest", "--metric", "arr", "--json"]).json();
    assert_eq!(tried["findings"], json!(live), "the back-test, then the alerts");
    assert_eq!(tried["points"], json!(12));
    // The same in force all along, whatever is in force now.
    company.agent.post(RULES, &json!({ "type": "growth_spike", "enabled": false, "threshold": 0.6 })).expect(200);
    let again = client.run(&["alert", "backtest", "--metric", "arr", "--threshold", "0.5", "--json"]).json();
    let said = |findings: &Value| -> Vec<Value> {
        findings.as_array().unwrap().iter().map(|finding| finding["summary"].clone()).collect()
    };
    assert_eq!(said(&again["findings"]), said(&tried["findings"]));
    // Points of a file, whatever the case of its name's end.
    let points = company.points("arr");
    let lines =
        points.iter().map(|point| format!("{}\n", json!({ "timestamp": point["timestamp"], "value": point["value"] })));
    std::fs::write(client.path("ARR.NDJSON"), lines.collect::<String>()).unwrap();
    let of_file = ["alert", "backtest", "--metric", "arr", "--threshold", "0.5", "--file", "ARR.NDJSON", "--json"];
    assert_eq!(client.run(&of_file).json()["points"], json!(points.len()));
    let own = client.run(&["alert", "backtest", "--metric", "arr", "--json"]).json();
    assert_eq!(said(&own["findings"]), [json!(expected[0]), json!(expected[2]), json!(expected[4])]);
}

fn a_trial_begins_with_the_metrics_own_rules(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 290, "timestamp": "2026-01-01" }));
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let test = |flags: &[&str]| -> Vec<String> {
        let fixed = ["alert", "test", "--metric", "arr", "--json"];
        let said = client.run(&[&fixed, flags].concat()).json();
        assert_eq!(said["fires"], json!(said["finding"].is_object()), "{said}");
        let findings = said["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["summary"].as_str().unwrap().to_owned()).collect()
    };
    let rise = ["Arr increased 72% from 290 to 500."];
    assert_eq!(test(&["--value", "500"]), rise);
    let set = |flags: &[&str]| client.run(&[&["rule", "set", "--metric", "arr", "--json"], flags].concat()).json();
    set(&["--threshold", "5"]);
    assert_eq!(test(&["--value", "500"]), [""; 0]);
    assert_eq!(test(&["--value", "500", "--threshold", "0.5"]), rise);
    assert_eq!(test(&["--value", "500", "--type", "growth_spike"]), [""; 0]);

    // A rule of another type, silent for a point after it fired; where flags change one, the rest stays its own.
    let above = set(&["--type", "above", "--threshold", "400", "--severity", "low", "--cool-down-points", "1"]);
    assert_eq!(above["cool_down_points"], json!(1), "{above}");
    let exceeds = ["Arr is above 400 at 500."];
    assert_eq!(test(&["--value", "500"]), exceeds);
    assert_eq!(test(&[]), [""; 0]);
    assert_eq!(test(&["--type", "above", "--threshold", "200"]), ["Arr is above 200 at 290."]);
    let text = client.run(&["alert", "test", "--metric", "arr", "--value", "500"]).ok().to_owned();
    assert_eq!(text, "fires: [low] Arr is above 400 at 500.\n");
    company.point("arr", &json!({ "value": 450, "timestamp": "2026-01-02" }));
    assert_eq!(test(&[]), ["Arr is above 400 at 450."]);
    assert_eq!(test(&["--value", "500"]), [""; 0], "silent for a point");
    assert_eq!(test(&["--value", "500", "--type", "above", "--cool-down-points", "0"]), exceeds);
    let refused = client.run(&["alert", "test", "--metric", "arr", "--value", "1", "--type", "drop"]);
    refused.ended(2);
    assert!(refused.stderr.contains("--threshold"), "{}", refused.stderr);
    client.run(&["alert", "test", "--metric", "arr", "--type", "above", "--periods", "99"]).ended(2);
    client.run(&["rule", "set", "--metric", "arr", "--cool-down-points", "1", "--cool-down-seconds", "1"]).ended(2);
    let lasting = set(&["--type", "above", "--cool-down-seconds", "86400"]);
    assert_eq!((&lasting["cool_down_seconds"], &lasting["cool_down_points"]), (&json!(86_400), &Value::Null));
}

/// Points of one request are recorded together, so that nobody could have found one of them late before the next.
fn a_backtest_finds_an_import_of_old_points_late_once(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    // A key that only looks like a sealed text: it is the caller's, and leaves as he gave it.
    let key = "v1|acme|arr|2020-W01";
    let points: Vec<Value> = (1..=5)
        .map(|day| json!({ "value": 1, "timestamp": format!("2020-01-0{day}"), "source": key }))
        .chain([json!({ "value": 1, "timestamp": "2020-01-06", "idempotency_key": key })])
        .collect();
    company.agent.post("/v1/metrics/arr/points/batch", &json!({ "points": points })).expect(200);
    let events = events_from_the_start(&company.agent);
    let recorded = events.iter().rfind(|event| event["type"] == "metric.point_recorded").unwrap();
    assert_eq!(recorded["data"]["idempotency_key"], json!(key));
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let late = ["alert", "backtest", "--metric", "arr", "--type", "late", "--json"];
    let tried = client.run(&late).json();
    assert_eq!((&tried["points"], tried["findings"].as_array().unwrap().len()), (&json!(6), 1), "{tried}");
    // What the server refuses cannot be tried out.
    let never = json!({ "type": "late", "threshold": 0 });
    company.agent.post(RULES, &never).refused(400, "invalid_field");
    let refused = client.run(&[&late[..], &["--threshold", "0"]].concat());
    refused.ended(2);
    assert!(refused.stderr.contains("--threshold"), "{}", refused.stderr);
}

fn an_alert_is_resolved_from_the_command_line(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("resolver");
    let company = server.company_of(&founder);
    company.metric("arr");
    for (value, day) in [(1, "2026-01-01"), (2, "2026-01-02"), (4, "2026-01-03")] {
        company.point("arr", &json!({ "value": value, "timestamp": day }));
    }
    let alerts = company.wait_for_alerts(2);
    let id = alerts[0]["id"].as_str().unwrap();
    let client = Program::client_of(server);
    let code = server.code_for(&founder.email);
    client.run(&["login", "--email", &founder.email, "--code", &code]).ok();
    let listed = |state: &str| -> Vec<Value> {
        let said = client.run(&["alert", "list", "--state", state, "--json"]).json();
        said["alerts"].as_array().unwrap().iter().map(|alert| alert["id"].clone()).collect()
    };
    assert_eq!(listed("resolved"), [Value::Null; 0]);
    let said = client.run(&["alert", "resolve", id, "--note", "booked twice"]);
    assert_eq!(said.ok(), format!("Resolved: {id}\n"));
    assert_eq!(listed("resolved"), [json!(id)]);
    assert_eq!(listed("open"), [alerts[1]["id"].clone()]);
    let again = client.run(&["alert", "resolve", id, "--json"]).json();
    assert_eq!(again["state"], json!("resolved"));
}

both_engines![
    a_backtest_finds_an_import_of_old_points_late_once,
    a_backtest_of_the_rule_in_force_finds_what_was_found_live,
    a_trial_begins_with_the_metrics_own_rules,
    an_alert_is_resolved_from_the_command_line,
];
