//! Keys of points: a repeated one records nothing, wherever it stands; a point without one is named by its time
//! (MET-085 to 091).

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Client, Engine, Program, Reply, Server, in_parallel};
use crate::points::{ARR, with_metric};

fn keyed(client: &Client, key: &str, body: &Value) -> Reply {
    client.header("idempotency-key", key).post(ARR, body)
}

fn met_085_a_repeated_header_key_is_a_duplicate(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = with_metric(&server);
    let before = server.store.count("metric.point_recorded");
    let first = keyed(&company.agent, "2026-W23", &json!({ "value": 7 })).expect(201);
    let again = keyed(&company.agent, "2026-W23", &json!({ "value": 7 })).expect(200);
    assert_eq!(again, json!({ "id": first["id"], "duplicate": true }));
    assert_eq!(company.points("arr").len(), 1);
    assert_eq!(server.store.count("metric.point_recorded"), before + 1);
    let rows = Program::operator_of(&server).run(&["audit", "log", "--output", "ndjson"]);
    let about_points = rows.ok().lines().filter(|line| line.contains("metric_point.created")).count();
    assert_eq!(about_points, 1, "{}", rows.stdout);
}

fn met_086_the_header_key_wins_over_the_body(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let body = |key: &str| json!({ "value": 7, "idempotency_key": key });
    let first = keyed(&company.agent, "K1", &body("K2")).expect(201);
    let again = company.agent.post(ARR, &body("K1")).expect(200);
    assert_eq!(again["id"], first["id"]);
    company.agent.post(ARR, &body("K2")).expect(201);
}

fn met_087_without_a_key_the_timestamp_decides(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let dated = json!({ "value": 7, "timestamp": "2026-06-01" });
    let first = company.agent.post(ARR, &dated).expect(201);
    assert_eq!(company.agent.post(ARR, &dated).expect(200)["id"], first["id"]);
    // The same instant in other words is another key: the text as given decides.
    company.agent.post(ARR, &json!({ "value": 7, "timestamp": "2026-06-01T00:00:00Z" })).expect(201);
    let now = json!({ "value": 7 });
    company.agent.post(ARR, &now).expect(201);
    company.agent.post(ARR, &now).expect(201);
    assert_eq!(company.points("arr").len(), 4);
    // The key's form is kept for ever: a client may send a point again to a later release.
    let other = json!({ "value": 7, "timestamp": "2026-06-02" });
    company.agent.post("/v1/metrics/%20ARR%20/points", &other).expect(201);
    let batch = json!({ "points": [{ "value": 7, "timestamp": "2026-06-03 12:00" }] });
    company.agent.post("/v1/metrics/Arr/points/batch", &batch).expect(200);
    let points = company.points("arr");
    for time in ["2026-06-01", "2026-06-01T00:00:00Z", "2026-06-02", "2026-06-03 12:00"] {
        let point = points.iter().find(|point| point["timestamp"] == time).unwrap();
        assert_eq!(point["idempotency_key"], json!(format!("{}:arr:{time}", company.id)));
    }
}

/// Points that name neither a time nor a key repeat none, however many of them come within one millisecond.
fn met_087_without_a_key_and_a_time_every_point_is_one(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let values = |from: usize| (from..from + 40).map(|value| json!({ "value": value })).collect::<Vec<_>>();
    let parallel = values(1_000);
    for made in in_parallel(parallel.len(), |index| company.agent.post(ARR, &parallel[index])) {
        assert_eq!(made.expect(201)["duplicate"], json!(false), "{made}");
    }
    let batch = company.agent.post(&format!("{ARR}/batch"), &json!({ "points": values(2_000) })).expect(200);
    assert_eq!((&batch["created"], &batch["duplicates"]), (&json!(40), &json!(0)), "{batch}");
    let recorded = company.points("arr");
    let keys: std::collections::HashSet<_> = recorded.iter().map(|point| point["idempotency_key"].as_str()).collect();
    assert_eq!((recorded.len(), keys.len()), (80, 80));
}

/// A point that named the very millisecond in which another comes without a name is another point.
fn met_087_without_a_key_and_a_time_no_recorded_point_is_met(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let batch =
        |points: Vec<Value>| company.agent.post(&format!("{ARR}/batch"), &json!({ "points": points })).expect(200);
    let begun = Utc::now();
    let end = begun + TimeDelta::seconds(10);
    let named: Vec<Value> = (0..10_000)
        .map(|after| json!({ "value": 0, "timestamp": text(begun + TimeDelta::milliseconds(after)) }))
        .collect();
    for thousand in named.chunks(1_000) {
        assert_eq!(batch(thousand.to_vec())["created"], json!(1_000));
    }
    let mut rounds = 0;
    while Utc::now() < end && rounds < 10 {
        rounds += 1;
        let unnamed = batch((1..=5).map(|value| json!({ "value": value })).collect());
        assert_eq!((&unnamed["created"], &unnamed["duplicates"]), (&json!(5), &json!(0)), "{unnamed}");
        assert_eq!(company.agent.post(ARR, &json!({ "value": 6 })).expect(201)["duplicate"], json!(false));
    }
    assert!(rounds > 0, "recording the named points took longer than the time they name");
}

fn met_088_a_duplicate_with_another_value_says_so(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let first = keyed(&company.agent, "K", &json!({ "value": 1 })).expect(201);
    let differs = keyed(&company.agent, "K", &json!({ "value": 2 })).expect(200);
    assert_eq!(differs, json!({ "id": first["id"], "duplicate": true, "differs": true }));
    assert_eq!(company.status_of("arr")["latest_value"].as_f64(), Some(1.0));
    let same = keyed(&company.agent, "K", &json!({ "value": 1.0, "timestamp": "2026-01-01" })).expect(200);
    assert_eq!(same, json!({ "id": first["id"], "duplicate": true }));
}

fn met_089_a_key_belongs_to_one_metric_and_to_every_token(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("keys");
    let company = server.company_of(&founder);
    company.metric("arr");
    company.metric("mrr");
    let first = keyed(&company.agent, "K", &json!({ "value": 1 })).expect(201);
    company.agent.header("idempotency-key", "K").post("/v1/metrics/mrr/points", &json!({ "value": 1 })).expect(201);
    let made = founder.client.post("/v1/tokens", &json!({ "name": "second", "scopes": ["metrics:write"] })).expect(201);
    let second = server.agent(made["token"].as_str().unwrap());
    assert_eq!(keyed(&second, "K", &json!({ "value": 1 })).expect(200)["id"], first["id"]);
}

fn met_090_a_bad_key_is_refused(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let body = json!({ "value": 1 });
    for bad in ["", &"k".repeat(256), "a\tb"] {
        keyed(&company.agent, bad, &body).refused(400, "invalid_idempotency_key");
    }
    for bad in [json!(""), json!("k".repeat(256)), json!("a\u{1}b"), json!("a\nb")] {
        company.agent.post(ARR, &json!({ "value": 1, "idempotency_key": bad })).refused(400, "invalid_idempotency_key");
    }
    keyed(&company.agent, &"k".repeat(255), &body).expect(201);
    assert_eq!(company.points("arr").len(), 1);
}

fn met_091_of_parallel_posts_of_one_key_one_records(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let company = with_metric(&server);
    let other = second.as_ref().unwrap_or(&server).agent(&company.token);
    let replies = in_parallel(50, |index| {
        let client = if index % 2 == 0 { &company.agent } else { &other };
        keyed(client, "one", &json!({ "value": 7 }))
    });
    let created: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(created.len(), 1);
    let id = created[0].json()["id"].clone();
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.expect(200), json!({ "id": id, "duplicate": true }));
    }
    assert_eq!(server.store.count("metric.point_recorded"), 1);
}

/// Also the one that looks up its keys while another is being recorded, by its own node or elsewhere.
fn met_091_of_parallel_batches_of_the_same_keys_each_point_is_recorded_once(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let company = with_metric(&server);
    let other = second.as_ref().unwrap_or(&server).agent(&company.token);
    for round in 0..20 {
        let points: Vec<Value> =
            (0..100).map(|value| json!({ "value": value, "idempotency_key": format!("{round}-{value}") })).collect();
        let batch = json!({ "points": points });
        let answers = in_parallel(8, |index| {
            let client = if index % 2 == 0 { &company.agent } else { &other };
            client.post("/v1/metrics/arr/points/batch", &batch).expect(200)
        });
        let created: u64 = answers.iter().map(|answer| answer["created"].as_u64().unwrap()).sum();
        assert_eq!(created, 100, "round {round}");
        let ids = |answer: &Value| {
            answer["results"].as_array().unwrap().iter().map(|result| result["id"].clone()).collect::<Vec<_>>()
        };
        for answer in &answers {
            assert_eq!(ids(answer), ids(&answers[0]), "round {round}");
        }
    }
    assert_eq!(server.store.count("metric.point_recorded"), 20 * 100);
}

both_engines![
    met_085_a_repeated_header_key_is_a_duplicate,
    met_086_the_header_key_wins_over_the_body,
    met_087_without_a_key_the_timestamp_decides,
    met_087_without_a_key_and_a_time_every_point_is_one,
    met_087_without_a_key_and_a_time_no_recorded_point_is_met,
    met_088_a_duplicate_with_another_value_says_so,
    met_089_a_key_belongs_to_one_metric_and_to_every_token,
    met_090_a_bad_key_is_refused,
    met_091_of_parallel_posts_of_one_key_one_records,
    met_091_of_parallel_batches_of_the_same_keys_each_point_is_recorded_once,
];
