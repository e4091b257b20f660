//! Scheduled work and the rows that every change leaves in the audit (MET-135, 136).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{
    Client, Company, Engine, Founder, Installation, Program, Server, assert_id, eventually, milliseconds_until,
    split_token, text,
};
use crate::points::ARR;

/// All rows of the audit, as an operator reads them.
pub(crate) fn audit_rows(server: &Server) -> Vec<Value> {
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
    let (founder, stranger) = (server.founder("audited"), server.founder("stranger"));
    server.company_of(&stranger);
    let guess = json!({ "email": founder.email, "code": "000000" });
    server.anonymous().post("/v1/auth/otp/verify", &guess).refused(401, "invalid_otp");
    let primary = json!({ "primary_metric": { "key": "primary" } });
    let company = server.apply(&founder.client, &founder.email, &primary);
    let agent = &company.agent;
    let metric = company.metric("arr");
    let body = json!({ "value": 100, "timestamp": "2026-01-01" });
    let point = company.point("arr", &body);
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
    let token = json!({ "name": "ci", "scopes": ["metrics:write"], "allowed_metrics": ["primary"] });
    let made = founder.client.post("/v1/tokens", &token).expect(201);
    let narrow = server.agent(made["token"].as_str().unwrap());
    leaves_no_row(&company, &body, &alert, [&server.anonymous(), &narrow, &stranger.client]);
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
    are_as_many_as_was_done(&rows);
    let set: Vec<Value> = rows_of(&rows, "rule.set").iter().rev().map(|row| row["metadata"].clone()).collect();
    assert_eq!(
        (&set[0]["type"], &set[0]["threshold"], &set[0]["key"]),
        (&json!("growth_spike"), &json!(2), &json!("arr"))
    );
    assert_eq!((&set[1]["periods"], &set[1]["cool_down_seconds"]), (&json!(3), &json!(60)), "{}", set[1]);
    assert_eq!((&set[2]["periods"], &set[2]["cool_down_points"]), (&Value::Null, &json!(4)), "{}", set[2]);
    let created = rows_of(&rows, "metric_point.created");
    let first = created.iter().find(|row| row.to_string().contains(&point)).unwrap();
    assert_eq!(first["metadata"], json!({ "key": "arr", "value": 100 }));
    assert!(first.to_string().contains(&company.id), "{first} names no company");
    assert!(first.to_string().contains("default-agent-token"), "{first} names no token");
    let metrics = rows_of(&rows, "metric.created");
    assert!(metrics.iter().any(|row| row["resource_id"] == json!(metric)), "{metrics:?}");
    let of_primary = metrics.iter().find(|row| row["metadata"] == json!({ "key": "primary" })).unwrap();
    assert_eq!(of_primary["actor"], "default-agent-token", "{of_primary}");
    let everything = json!(rows).to_string();
    for secret in [&founder.token, &company.token, made["token"].as_str().unwrap()] {
        assert!(!everything.contains(split_token(secret).1), "a row holds a secret");
    }
}

/// What was recorded before, what is refused at each gate, and a read.
fn leaves_no_row(company: &Company, recorded: &Value, alert: &str, others: [&Client; 3]) {
    let ([anonymous, narrow, stranger], agent) = (others, &company.agent);
    let (batch, ack) = (format!("{ARR}/batch"), format!("/v1/alerts/{alert}/ack"));
    agent.post(ARR, recorded).expect(200);
    let known = agent.post(&batch, &json!({ "points": [recorded, recorded] })).expect(200);
    assert_eq!((&known["created"], &known["duplicates"]), (&json!(0), &json!(2)));
    agent.post(ARR, &json!({ "value": "x" })).refused(400, "invalid_value");
    agent.post(&batch, &json!({ "points": [{ "value": 1 }, { "value": null }] })).refused(400, "invalid_batch");
    agent.post_bytes(ARR, vec![b' '; (1 << 20) + 1]).refused(413, "payload_too_large");
    anonymous.bearer("alif_live_00_x").post(ARR, &json!({ "value": 1 })).refused(401, "invalid_token");
    agent.post(&ack, &json!({})).refused(403, "missing_scope");
    narrow.post(ARR, &json!({ "value": 1 })).refused(403, "forbidden");
    stranger.post(&ack, &json!({})).refused(404, "alert_not_found");
    agent.post("/v1/metrics/none/points", &json!({ "value": 1 })).refused(404, "metric_not_found");
    agent.post("/v1/metrics", &json!({ "key": "arr" })).refused(409, "metric_exists");
    agent.get("/v1/status").expect(200);
}

/// Of every action, and no row of any other.
fn are_as_many_as_was_done(rows: &[Value]) {
    let mut counts = BTreeMap::new();
    for action in rows.iter().map(|row| row["event_type"].as_str().unwrap()).filter(|it| *it != "scheduled_tick") {
        *counts.entry(action).or_insert(0) += 1;
    }
    let expected = BTreeMap::from([
        ("auth.otp.started", 2),
        ("auth.otp.verified", 2),
        ("application.created", 2),
        // Two with the applications, and a further one.
        ("agent_token.created", 3),
        ("agent_token.rotated", 1),
        ("agent_token.revoked", 1),
        ("metric.created", 2),
        ("metric.settings_changed", 1),
        ("metric_point.created", 2),
        ("metric_point.corrected", 1),
        ("rule.set", 3),
        ("alert.raised", 1),
        ("alert.acknowledged", 1),
        ("application.withdrawn", 1),
        ("session.revoked", 1),
    ]);
    assert_eq!(counts, expected);
    for (action, told) in [
        ("auth.otp.started", json!({ "sent": false })),
        ("auth.otp.verified", json!({})),
        ("application.created", json!({})),
    ] {
        assert!(rows_of(rows, action).iter().all(|row| row["metadata"] == told), "{:?}", rows_of(rows, action));
    }
}

/// The same rows as an administrator reads them over the network, in the form of the audit of accounts.
fn met_136_an_administrator_reads_each_row_with_company_resource_and_metadata(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("observed");
    let company = house.server.company_of(&founder);
    let metric = company.metric("arr");
    let point = company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    let spike = company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let alert = company.wait_for_alerts(1)[0]["id"].as_str().unwrap().to_owned();
    founder.client.post(&format!("/v1/alerts/{alert}/ack"), &json!({ "note": "seen" })).expect(200);
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
    let (application, founded) = (company.application.as_str(), founder.email.as_str());
    let (agent, reviewer) = ("default-agent-token", house.keeper.id.as_str());
    let raised = json!({
        "key": "arr", "alert_type": "growth_spike", "severity": "high", "point_id": spike, "rule_version": 1,
    });
    let set = json!({
        "key": "arr", "type": "growth_spike", "version": 2, "enabled": true, "threshold": 2, "severity": "high",
    });
    let ends_at = only("agent_token.rotated")[0]["metadata"]["ends_at"].clone();
    assert!(milliseconds_until(&ends_at) <= 0, "no grace was asked for: {ends_at}");
    let rotated = json!({ "name": "ci", "replacement": replaced, "ends_at": ends_at });
    let decided = json!({ "from": "submitted", "to": "in_review", "reason": "first look" });
    for (event_type, resource_type, resource, actor, told) in [
        ("application.created", "application", application, founded, json!({})),
        ("metric.created", "metric", &metric, agent, json!({ "key": "arr" })),
        ("alert.raised", "alert", &alert, "system", raised),
        ("alert.acknowledged", "alert", &alert, founded, json!({ "key": "arr", "note": "seen" })),
        ("metric.settings_changed", "metric", &metric, agent, json!({ "key": "arr", "unit": "usd" })),
        ("metric_point.corrected", "metric_point", &point, agent, json!({ "key": "arr", "value": 90 })),
        ("rule.set", "rule", &rule, agent, set),
        ("agent_token.rotated", "agent_token", &made, founded, rotated),
        ("agent_token.revoked", "agent_token", &ended, founded, json!({ "name": "ci", "reason": "leaked" })),
        ("application.status_changed", "application", application, reviewer, decided),
        (
            "application.withdrawn",
            "application",
            application,
            founded,
            json!({ "from": "in_review", "reason": "sold" }),
        ),
    ] {
        let rows = only(event_type);
        assert_eq!(rows.len(), 1, "{event_type}: {rows:?}");
        assert_eq!((&rows[0]["outcome"], &rows[0]["event_type"]), (&json!("success"), &json!(event_type)));
        assert_tells(&rows[0], [actor, resource_type, resource], Some(&company.id), &told);
    }
    tokens_and_the_session_are_told(&house, &founder, &company, &made);
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
    let account = only("auth.otp.verified")[0]["account_id"].clone();
    all_are_in_one_order(&house, &account, [&founder.token, &company.token]);
}

/// Who made which token, and how the founder's session ended; the keeper's are rows of accounts.
fn tokens_and_the_session_are_told(house: &Installation, founder: &Founder, company: &Company, made: &str) {
    let only = |event_type: &str| house.audit(&json!({ "event_type": event_type }));
    let founded = founder.email.as_str();
    let public = founder.token.split('_').nth(2).unwrap();
    let signed_out = only("session.revoked");
    assert_eq!(signed_out.len(), 1, "{signed_out:?}");
    assert_tells(&signed_out[0], [founded, "email_session", public], None, &json!({ "reason": "logout" }));
    let tokens = only("agent_token.created");
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    let default = company.token.split('_').nth(2).unwrap();
    let all = ["application:read", "metrics:create", "metrics:write"];
    for (row, id, name, scopes) in
        [(&tokens[0], made, "ci", &all[2..]), (&tokens[1], default, "default-agent-token", &all)]
    {
        let told = json!({ "name": name, "scopes": scopes, "allowed_metrics": null, "expires_at": null });
        assert_tells(row, [founded, "agent_token", id], Some(&company.id), &told);
    }
}

/// Asserts who did it, to what and of which company, and that the row tells this and no more.
#[track_caller]
fn assert_tells(row: &Value, [actor, resource_type, resource]: [&str; 3], company: Option<&str>, told: &Value) {
    let mut whole = told.clone();
    let fields = [("actor", actor), ("resource_type", resource_type), ("resource_id", resource)];
    for (field, value) in fields.into_iter().chain(company.map(|company| ("company_id", company))) {
        whole[field] = json!(value);
    }
    assert_eq!(row["metadata"], whole, "{row}");
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

both_engines![
    met_135_a_tick_happens_once_whatever_the_number_of_nodes,
    met_136_each_change_leaves_its_row_and_nothing_else_does,
    met_136_an_administrator_reads_each_row_with_company_resource_and_metadata,
];
