//! Scheduled work and the rows that every change leaves in the audit (MET-135, 136).

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Engine, Program, Server, eventually, holds_for, split_token};

fn audit_rows(server: &Server) -> Vec<Value> {
    let output = Program::operator_of(server).run(&["audit", "log", "--output", "ndjson", "--limit", "1000"]);
    output
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn rows_of<'a>(rows: &'a [Value], action: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["event_type"] == action).collect()
}

fn met_135_a_tick_happens_once_whatever_the_number_of_nodes(engine: Engine) {
    let server = Server::with(engine, &[("RUNTIME_TICK_SECONDS", "1")]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let ticks = || rows_of(&audit_rows(&server), "scheduled_tick").len();
    let begun = eventually("the first tick", || Some(ticks()).filter(|count| *count > 0));
    holds_for(Duration::from_secs(5), "the server answers", || server.anonymous().get("/health").status == 200);
    let made = ticks() - begun;
    assert!((4..=6).contains(&made), "{made} ticks in five seconds");
    drop(second);
    for row in rows_of(&audit_rows(&server), "scheduled_tick") {
        assert_eq!(row["metadata"]["note"], "reserved for source sync jobs", "{row}");
        assert!(row.to_string().contains("\"system\""), "{row}");
        assert!(row.to_string().contains("\"worker\""), "{row}");
    }
}

fn met_136_each_change_leaves_its_row_and_nothing_else_does(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("audited");
    server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": founder.email, "code": "000000" }));
    let primary = json!({ "primary_metric": { "key": "primary" } });
    let company = server.apply(&founder.client, &founder.email, &primary);
    let agent = &company.agent;
    let metric = company.metric("arr");
    let body = json!({ "value": 100, "timestamp": "2026-01-01" });
    let point = company.point("arr", &body);
    agent.post("/v1/metrics/arr/points", &body).expect(200);
    agent.post("/v1/metrics/arr/points", &json!({ "value": "x" })).refused(400, "invalid_value");
    agent.get("/v1/status").expect(200);
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let alert = company.wait_for_alerts(1)[0]["id"].as_str().unwrap().to_owned();
    agent.post("/v1/metrics/arr/settings", &json!({ "unit": "usd" })).expect(200);
    agent.post(&format!("/v1/metrics/arr/points/{point}/correct"), &json!({ "value": 90 })).expect(200);
    agent.post("/v1/metrics/arr/rules", &json!({ "type": "growth_spike", "threshold": 2 })).expect(200);
    founder.client.post_bytes(&format!("/v1/alerts/{alert}/ack"), "").expect(200);
    let token = json!({ "name": "ci", "scopes": ["metrics:write"] });
    let made = founder.client.post("/v1/tokens", &token).expect(201);
    let public = made["public_id"].as_str().unwrap();
    let rotated = founder.client.post_bytes(&format!("/v1/tokens/{public}/rotate"), "").expect(201);
    let newest = rotated["public_id"].as_str().unwrap();
    founder.client.post_bytes(&format!("/v1/tokens/{newest}/revoke"), "").expect(200);
    founder.client.post_bytes(&format!("/v1/applications/{}/withdraw", company.application), "").expect(200);
    founder.client.post_bytes("/v1/auth/logout", "").expect(200);

    let rows = audit_rows(&server);
    for (action, count) in [
        ("auth.otp.started", 1),
        ("auth.otp.verified", 1),
        ("application.created", 1),
        ("metric.created", 2),
        ("metric_point.created", 2),
        ("metric.settings_changed", 1),
        ("metric_point.corrected", 1),
        ("rule.set", 1),
        ("alert.raised", 1),
        ("alert.acknowledged", 1),
        ("agent_token.rotated", 1),
        ("agent_token.revoked", 1),
        ("application.withdrawn", 1),
        ("session.revoked", 1),
    ] {
        assert_eq!(rows_of(&rows, action).len(), count, "{action} in {:?}", actions(&rows));
    }
    assert!(!rows_of(&rows, "agent_token.created").is_empty(), "{:?}", actions(&rows));
    let created = rows_of(&rows, "metric_point.created");
    let first = created.iter().find(|row| row.to_string().contains(&point)).unwrap();
    assert_eq!(first["metadata"]["key"], "arr");
    assert_eq!(first["metadata"]["value"].as_f64(), Some(100.0));
    assert!(first.to_string().contains(&company.id), "{first} names no company");
    assert!(first.to_string().contains("default-agent-token"), "{first} names no token");
    assert!(rows_of(&rows, "metric.created").iter().any(|row| row.to_string().contains(&metric)));
    let everything = json!(rows).to_string();
    for secret in [&founder.token, &company.token, made["token"].as_str().unwrap()] {
        assert!(!everything.contains(split_token(secret).1), "a row holds a secret");
    }
}

fn actions(rows: &[Value]) -> Vec<&Value> {
    rows.iter().map(|row| &row["event_type"]).collect()
}

both_engines![
    met_135_a_tick_happens_once_whatever_the_number_of_nodes,
    met_136_each_change_leaves_its_row_and_nothing_else_does,
];
