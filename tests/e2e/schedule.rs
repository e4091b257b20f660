//! Scheduled work and the rows that every change leaves in the audit (MET-135, 136).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Engine, Founder, Installation, Program, Server, assert_id, eventually, split_token, text};

fn audit_rows(server: &Server) -> Vec<Value> {
    let output = Program::operator_of(server).run(&["audit", "log", "--output", "ndjson", "--limit", "1000"]);
    output
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// When a tick passed, by its payload.
fn when(payload: &str) -> DateTime<Utc> {
    let payload: Value = serde_json::from_str(payload).unwrap();
    payload["ticked"]["at"].as_str().unwrap_or_else(|| panic!("{payload}")).parse().unwrap()
}

fn rows_of<'a>(rows: &'a [Value], action: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["event_type"] == action).collect()
}

fn met_135_a_tick_happens_once_whatever_the_number_of_nodes(engine: Engine) {
    let server = Server::with(engine, &[("RUNTIME_TICK_SECONDS", "1")]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    // By their own times: how many a busy machine makes between two looks tells nothing.
    let ticked = "SELECT CAST(payload AS TEXT) FROM events WHERE event_type = 'scheduler.ticked' ORDER BY position";
    let at: Vec<DateTime<Utc>> = eventually("six ticks", || {
        let found = server.store.texts(ticked);
        (found.len() >= 6).then(|| found.iter().map(|payload| when(payload)).collect())
    });
    let apart: Vec<i64> = at.windows(2).map(|pair| (pair[1] - pair[0]).num_milliseconds()).collect();
    assert!(apart.iter().all(|apart| *apart >= 1_000), "{apart:?} ms between ticks");
    eventually("one that is not late", || {
        let found = server.store.texts(ticked);
        found.windows(2).any(|pair| when(&pair[1]) - when(&pair[0]) <= TimeDelta::milliseconds(1_500)).then_some(())
    });
    drop(second);
    let count = || server.store.texts(ticked).len();
    let (before, rows, after) = (count(), audit_rows(&server), count());
    let rows = rows_of(&rows, "scheduled_tick");
    assert!((before..=after).contains(&rows.len()), "a row a tick: {} of {before} to {after}", rows.len());
    for row in rows {
        assert_eq!(row["metadata"], json!({ "note": "reserved for source sync jobs" }), "{row}");
        let of = (&row["actor"], &row["resource_type"], &row["resource_id"], &row["company_id"]);
        assert_eq!(of, (&json!("system"), &json!("worker"), &Value::Null, &Value::Null), "{row}");
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
    let quiet = json!({ "type": "above", "threshold": 9, "periods": 3, "cool_down_seconds": 60 });
    agent.post("/v1/metrics/arr/rules", &quiet).expect(200);
    let late = json!({ "type": "late", "cool_down_points": 4, "enabled": false });
    agent.post("/v1/metrics/arr/rules", &late).expect(200);
    for _ in 0..2 {
        founder.client.post_bytes(&format!("/v1/alerts/{alert}/ack"), "").expect(200);
    }
    let token = json!({ "name": "ci", "scopes": ["metrics:write"] });
    let made = founder.client.post("/v1/tokens", &token).expect(201);
    let public = made["public_id"].as_str().unwrap();
    let rotated = founder.client.post_bytes(&format!("/v1/tokens/{public}/rotate"), "").expect(201);
    let newest = rotated["public_id"].as_str().unwrap();
    for _ in 0..2 {
        founder.client.post_bytes(&format!("/v1/tokens/{newest}/revoke"), "").expect(200);
    }
    let withdraw = format!("/v1/applications/{}/withdraw", company.application);
    founder.client.post_bytes(&withdraw, "").expect(200);
    founder.client.post_bytes(&withdraw, "").refused(409, "invalid_transition");
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
        ("rule.set", 3),
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
    let set: Vec<Value> = rows_of(&rows, "rule.set").iter().rev().map(|row| row["metadata"].clone()).collect();
    assert_eq!(
        (&set[0]["type"], &set[0]["threshold"], &set[0]["key"]),
        (&json!("growth_spike"), &json!(2), &json!("arr"))
    );
    assert_eq!((&set[1]["periods"], &set[1]["cool_down_seconds"]), (&json!(3), &json!(60)), "{}", set[1]);
    assert_eq!((&set[2]["periods"], &set[2]["cool_down_points"]), (&Value::Null, &json!(4)), "{}", set[2]);
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

/// The same rows as an administrator reads them over the network, in the form of the audit of accounts.
fn met_136_an_administrator_reads_each_row_with_company_resource_and_metadata(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("observed");
    let company = house.server.company_of(&founder);
    let metric = company.metric("arr");
    let point = company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let alert = company.wait_for_alerts(1)[0]["id"].as_str().unwrap().to_owned();
    founder.client.post_bytes(&format!("/v1/alerts/{alert}/ack"), "").expect(200);
    company.agent.post("/v1/metrics/arr/settings", &json!({ "unit": "usd" })).expect(200);
    company.agent.post(&format!("/v1/metrics/arr/points/{point}/correct"), &json!({ "value": 90 })).expect(200);
    company.agent.post("/v1/metrics/arr/rules", &json!({ "type": "growth_spike", "threshold": 2 })).expect(200);
    let rule = format!("{metric}/growth_spike");
    let [made, replaced, ended] = tokens_of(&founder);
    let decide = format!("/v1/review/applications/{}/status", company.application);
    for _ in 0..2 {
        let decision = json!({ "status": "in_review", "reason": "first look" });
        house.keeper.client.post(&decide, &decision).expect(200);
    }
    let withdraw = format!("/v1/applications/{}/withdraw", company.application);
    founder.client.post(&withdraw, &json!({ "reason": "sold" })).expect(200);
    guess_wrong_thrice(&house, &founder.email);
    founder.client.post_bytes("/v1/auth/logout", "").expect(200);

    let only = |event_type: &str| house.audit(&json!({ "event_type": event_type }));
    for (event_type, resource_type, resource, actor) in [
        ("application.created", "application", company.application.as_str(), founder.email.as_str()),
        ("metric.created", "metric", metric.as_str(), "default-agent-token"),
        ("alert.raised", "alert", alert.as_str(), "system"),
        ("alert.acknowledged", "alert", alert.as_str(), founder.email.as_str()),
        ("metric.settings_changed", "metric", metric.as_str(), "default-agent-token"),
        ("metric_point.corrected", "metric_point", point.as_str(), "default-agent-token"),
        ("rule.set", "rule", rule.as_str(), "default-agent-token"),
        ("agent_token.rotated", "agent_token", made.as_str(), founder.email.as_str()),
        ("agent_token.revoked", "agent_token", ended.as_str(), founder.email.as_str()),
        ("application.status_changed", "application", company.application.as_str(), house.keeper.id.as_str()),
        ("application.withdrawn", "application", company.application.as_str(), founder.email.as_str()),
    ] {
        let rows = only(event_type);
        assert_eq!(rows.len(), 1, "{event_type}: {rows:?}");
        let (row, metadata) = (&rows[0], &rows[0]["metadata"]);
        assert_eq!((&row["outcome"], &row["event_type"]), (&json!("success"), &json!(event_type)));
        assert_eq!(metadata["resource_type"], resource_type, "{row}");
        assert_eq!(metadata["resource_id"], resource, "{row}");
        assert_eq!(metadata["company_id"], company.id.as_str(), "{row}");
        assert_eq!(metadata["actor"], actor, "{row}");
    }
    for (event_type, told) in [
        ("metric.settings_changed", json!({ "key": "arr", "unit": "usd" })),
        ("metric_point.corrected", json!({ "key": "arr", "value": 90 })),
        ("agent_token.rotated", json!({ "name": "ci", "replacement": replaced })),
        ("agent_token.revoked", json!({ "name": "ci", "reason": "leaked" })),
        ("application.status_changed", json!({ "from": "submitted", "to": "in_review", "reason": "first look" })),
        ("application.withdrawn", json!({ "from": "in_review", "reason": "sold" })),
    ] {
        let metadata = only(event_type)[0]["metadata"].clone();
        assert!(
            told.as_object().unwrap().iter().all(|(key, value)| metadata[key] == *value),
            "{event_type}: {metadata}"
        );
    }
    let tokens = only("agent_token.created");
    assert!(tokens.iter().any(|row| row["metadata"]["resource_id"] == made.as_str()), "{tokens:?}");
    assert!(tokens.iter().all(|row| row["metadata"]["company_id"] == company.id.as_str()), "{tokens:?}");
    let points = only("metric_point.created");
    assert_eq!(points.len(), 2);
    let first = &points[1]["metadata"];
    assert_eq!((&first["key"], &first["value"], &first["resource_id"]), (&json!("arr"), &json!(100), &json!(point)));
    for (event_type, outcome) in
        [("auth.otp.started", "success"), ("auth.otp.verified", "success"), ("auth.otp.failed", "failure")]
    {
        let row = only(event_type).remove(0);
        assert_eq!((&row["outcome"], &row["metadata"]["actor"]), (&json!(outcome), &json!(founder.email)), "{row}");
        let failures = house.audit(&json!({ "outcome": "failure", "limit": 200 }));
        assert_eq!(failures.iter().any(|it| it["id"] == row["id"]), outcome == "failure", "{row}");
    }
    sign_in_is_told(&founder, &only("auth.otp.started"), &only("auth.otp.verified"), &only("auth.otp.failed"));
    assert_eq!(only("session.revoked").len(), 1, "the founder's; the keeper's are rows of accounts");
    let account = only("auth.otp.verified")[0]["account_id"].clone();
    all_are_in_one_order(&house, &account, [&founder.token, &company.token]);
}

fn guess_wrong_thrice(house: &Installation, email: &str) {
    let right = house.server.code_for(email);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..3 {
        let guess = json!({ "email": email, "code": wrong });
        house.server.anonymous().post("/v1/auth/otp/verify", &guess).refused(401, "invalid_otp");
    }
}

/// All rows come newest first, whichever part of the audit they are of, page by page; none holds a secret.
fn all_are_in_one_order(house: &Installation, account: &Value, secrets: [&str; 2]) {
    house.person("someone");
    let all = house.audit(&json!({ "limit": 200 }));
    let seqs: Vec<u64> = all.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] > pair[1]), "{seqs:?}");
    assert!(["signup", "metric.created", "bootstrap"].iter().all(|it| !rows_of(&all, it).is_empty()), "{all:?}");
    let paged: Vec<Value> =
        (0..all.len()).step_by(3).flat_map(|offset| house.audit(&json!({ "limit": 3, "offset": offset }))).collect();
    assert_eq!(paged, all);
    let since = house.audit(&json!({ "since_seq": seqs[4], "limit": 200 }));
    assert_eq!(since, all[..4]);
    let own = house.audit(&json!({ "account_id": account, "limit": 200 }));
    assert!(!rows_of(&own, "alert.acknowledged").is_empty() && rows_of(&own, "metric.created").is_empty(), "{own:?}");
    for secret in secrets {
        assert!(!json!(all).to_string().contains(split_token(secret).1), "a row holds a secret");
    }
}

/// Makes a token, rotates it and revokes what replaced it: the ids of all three, of which the last two are one.
fn tokens_of(founder: &Founder) -> [String; 3] {
    let token = json!({ "name": "ci", "scopes": ["metrics:write"] });
    let made = text(&founder.client.post("/v1/tokens", &token).expect(201)["public_id"]);
    let rotated = founder.client.post_bytes(&format!("/v1/tokens/{made}/rotate"), "").expect(201);
    let newest = text(&rotated["public_id"]);
    for _ in 0..2 {
        let revoke = json!({ "reason": "leaked" });
        founder.client.post(&format!("/v1/tokens/{newest}/revoke"), &revoke).expect(200);
    }
    [made, newest.clone(), newest]
}

/// The rows of one sign-in by a code that was echoed, and of three wrong guesses at a later one.
fn sign_in_is_told(founder: &Founder, started: &[Value], verified: &[Value], failed: &[Value]) {
    assert_eq!((started.len(), verified.len()), (2, 1), "{started:?} {verified:?}");
    for row in started.iter().chain(failed) {
        assert_eq!(row["metadata"]["resource_type"], "email_otp", "{row}");
        assert_id(&row["metadata"]["resource_id"], "otp");
    }
    assert!(started.iter().all(|row| row["metadata"]["sent"] == json!(false)), "echoed, not sent: {started:?}");
    let session = (&verified[0]["metadata"]["resource_type"], &verified[0]["metadata"]["resource_id"]);
    let public = founder.token.split('_').nth(2).unwrap();
    assert_eq!(session, (&json!("email_session"), &json!(public)));
    // One row a minute, and a busy machine may see it turn.
    let counts: Vec<u64> = failed.iter().map(|row| row["metadata"]["count"].as_u64().unwrap()).collect();
    assert!(counts.len() <= 2 && counts.iter().sum::<u64>() == 3, "{counts:?}");
}

fn actions(rows: &[Value]) -> Vec<&Value> {
    rows.iter().map(|row| &row["event_type"]).collect()
}

both_engines![
    met_135_a_tick_happens_once_whatever_the_number_of_nodes,
    met_136_each_change_leaves_its_row_and_nothing_else_does,
    met_136_an_administrator_reads_each_row_with_company_resource_and_metadata,
];
