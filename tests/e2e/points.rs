//! Points: values, times, batches, corrections, listing (MET-080 to 084, 093 to 097).

use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Company, Engine, Server, assert_id, milliseconds_until};

/// Its points.
pub(crate) const ARR: &str = "/v1/metrics/arr/points";

/// A company that measures `arr`.
pub(crate) fn with_metric(server: &Server) -> Company {
    let company = server.company();
    company.metric("arr");
    company
}

fn met_080_a_point_is_answered_and_seen_at_once(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    for value in 1..20 {
        let made = company.agent.post(ARR, &json!({ "value": 12_000 + value })).expect(201);
        assert_id(&made["id"], "point");
        assert_eq!(made, json!({ "id": made["id"], "duplicate": false }));
        assert_eq!(company.status_of("arr")["latest_value"], json!(12_000 + value));
    }
    // Without a time it is of now.
    company.agent.post(ARR, &json!({ "value": 1, "timestamp": null })).expect(201);
    let points = company.points("arr");
    let newest = points.last().unwrap();
    for field in ["timestamp", "created_at"] {
        assert!((-60_000..=0).contains(&milliseconds_until(&newest[field])), "{newest}");
    }
    assert_eq!(company.status_of("arr")["latest_timestamp"], newest["timestamp"]);
}

fn met_081_a_value_is_a_finite_number(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    for bad in ["\"12\"", "true", "null", "1e400", "-1e400", "[1]", "{}"] {
        company.agent.post_bytes(ARR, format!("{{\"value\":{bad}}}")).refused(400, "invalid_value");
    }
    company.agent.post(ARR, &json!({})).refused(400, "invalid_value");
    // A number beyond every float is no text either, wherever it stands, and hides no doubled field.
    for (body, code) in [
        (r#"{"value":1,"source":1e400}"#, "invalid_field"),
        (r#"{"value":1,"confidence":1e400}"#, "invalid_field"),
        (r#"{"value":1,"raw_event_id":-1e400}"#, "invalid_field"),
        (r#"{"value":1,"timestamp":1e400}"#, "invalid_timestamp"),
        (r#"{"value":1,"idempotency_key":1e400}"#, "invalid_idempotency_key"),
        (r#"{"value":1e400,"value":1}"#, "invalid_json"),
    ] {
        company.agent.post_bytes(ARR, body).refused(400, code);
    }
    company.agent.post_bytes("/v1/metrics", r#"{"key":1e400}"#).refused(400, "missing_field");
    let applying =
        r#"{"company_name":"A","founder_name":"B","founder_email":"b@example.com","narrative":{"a":[1e400]}}"#;
    Server::shared(engine).anonymous().post_bytes("/v1/applications", applying).refused(400, "invalid_field");
    assert!(company.points("arr").is_empty());
    for (sent, stored) in
        [("0", 0.0), ("-5", -5.0), ("1.5e3", 1_500.0), ("9007199254740993", 9_007_199_254_740_992.0), ("-0.0", 0.0)]
    {
        company.agent.post_bytes(ARR, format!("{{\"value\":{sent}}}")).expect(201);
        assert_eq!(company.status_of("arr")["latest_value"].as_f64(), Some(stored));
    }
    let text = company.agent.get("/v1/status");
    assert!(String::from_utf8(text.body).unwrap().contains("\"latest_value\":0,"), "-0 is shown as 0");
}

fn met_082_timestamps_are_iso_8601_and_shown_as_sent(engine: Engine) {
    let company = Server::shared(engine).company();
    let accepted = [
        "2026",
        "2026-06",
        "2026-06-01",
        "2026-06-01T10:00",
        "2026-06-01 10:00:00",
        "2026-06-01T10:00:00.5Z",
        "2026-06-01T10:00:00.123456789+02:00",
        "2024-02-29",
        "1958-03-29",
        "2026-06-01T10:00:00-11:30",
    ];
    for (index, timestamp) in accepted.iter().enumerate() {
        let key = format!("m{index}");
        company.metric(&key);
        company.point(&key, &json!({ "value": 1, "timestamp": timestamp }));
        assert_eq!(company.status_of(&key)["latest_timestamp"], json!(timestamp));
    }
    let next_year = (chrono::Utc::now() + chrono::Duration::days(368)).to_rfc3339();
    let refused = [
        json!("2026-W23"),
        json!("2026-02-30"),
        json!("2025-02-29"),
        json!("2026-06-01T24:00"),
        json!("2026-06-01T10"),
        json!("yesterday"),
        json!(""),
        json!("2026-13"),
        json!("01.06.2026"),
        json!("2026-06-01T10:00:00 Z"),
        json!("2026-06-01T10:00+25:00"),
        json!("Jan 1 2000"),
        json!(next_year),
        json!(1_780_000_000),
        json!(true),
    ];
    for timestamp in refused {
        let reply = company.agent.post("/v1/metrics/m0/points", &json!({ "value": 1, "timestamp": timestamp }));
        reply.refused(400, "invalid_timestamp");
    }
    assert_eq!(company.points("m0").len(), 1);
    let last = (chrono::Utc::now() + chrono::Duration::days(366) - chrono::Duration::minutes(1)).to_rfc3339();
    company.point("m0", &json!({ "value": 1, "timestamp": last }));
}

fn met_083_a_bad_value_is_told_before_an_unknown_metric(engine: Engine) {
    let company = Server::shared(engine).company();
    company.agent.post("/v1/metrics/none/points", &json!({ "value": 1 })).refused(404, "metric_not_found");
    company.agent.post("/v1/metrics/none/points", &json!({ "value": "1" })).refused(400, "invalid_value");
    let both = json!({ "value": "1", "timestamp": "never" });
    company.agent.post("/v1/metrics/none/points", &both).refused(400, "invalid_value");
    let twice = company.agent.header("idempotency-key", "K").header("idempotency-key", "L");
    twice.post("/v1/metrics/none/points", &both).refused(400, "invalid_value");
    let dated = json!({ "value": 1, "timestamp": "never" });
    twice.post("/v1/metrics/none/points", &dated).refused(400, "invalid_timestamp");
    twice.post("/v1/metrics/none/points", &json!({ "value": 1 })).refused(400, "invalid_idempotency_key");
}

fn met_084_source_and_confidence_have_defaults_and_bounds(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    company.point("arr", &json!({ "value": 1, "timestamp": "2026-01-01" }));
    let given =
        json!({ "value": 2, "timestamp": "2026-01-02", "source": "stripe", "confidence": 1, "raw_event_id": "evt_1" });
    company.point("arr", &given);
    company.point("arr", &json!({ "value": 3, "timestamp": "2026-01-03", "source": " ", "confidence": 0 }));
    let points = company.points("arr");
    let shown = |index: usize, field: &str| points[index][field].clone();
    assert_eq!((shown(0, "source"), shown(0, "confidence")), (json!("default-agent-token"), json!(0.5)));
    assert_eq!(shown(0, "raw_event_id"), Value::Null);
    assert_eq!((shown(1, "source"), shown(1, "raw_event_id")), (json!("stripe"), json!("evt_1")));
    assert_eq!(shown(1, "confidence").as_f64(), Some(1.0));
    assert_eq!((shown(2, "source"), shown(2, "confidence").as_f64()), (json!("default-agent-token"), Some(0.0)));
    for (field, bad) in [
        ("confidence", json!(1.1)),
        ("confidence", json!(-0.1)),
        ("confidence", json!("high")),
        ("source", json!(5)),
        ("source", json!("x".repeat(201))),
        ("raw_event_id", json!("x".repeat(256))),
    ] {
        company.agent.post(ARR, &json!({ "value": 1, field: bad })).refused(400, "invalid_field");
    }
    assert_eq!(company.points("arr").len(), 3);
}

fn met_093_the_greatest_instant_is_the_latest(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let latest = || company.status_of("arr")["latest_value"].as_f64();
    let point = |value: f64, timestamp: &str| company.point("arr", &json!({ "value": value, "timestamp": timestamp }));
    point(10.0, "2026-06-02T16:00:00Z");
    point(5.0, "2026-06-01");
    assert_eq!(latest(), Some(10.0));
    point(11.0, "2026-06-02T18:00:00+02:00");
    assert_eq!(latest(), Some(11.0), "of equal instants the later recorded one");
    point(12.0, "2026-06-02T17:59:59+02:00");
    assert_eq!(latest(), Some(11.0));
    let values: Vec<f64> = company.points("arr").iter().map(|point| point["value"].as_f64().unwrap()).collect();
    assert_eq!(values, [5.0, 12.0, 10.0, 11.0]);
}

fn met_094_a_batch_is_all_or_nothing(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = with_metric(&server);
    let path = "/v1/metrics/arr/points/batch";
    let point = |n: usize| json!({ "value": n, "idempotency_key": format!("k{n}") });
    let first = company.agent.post(ARR, &point(0)).expect(201);
    let mut points: Vec<Value> = (0..1_000).map(point).collect();
    points[999] = json!({ "value": 5_000, "idempotency_key": "k5" });
    let answer = company.agent.post(path, &json!({ "points": points })).expect(200);
    assert_eq!((&answer["created"], &answer["duplicates"]), (&json!(998), &json!(2)));
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 1_000);
    assert_eq!(results[0], json!({ "id": first["id"], "duplicate": true }));
    assert_eq!(results[999], json!({ "id": results[5]["id"], "duplicate": true, "differs": true }));
    let stored = company.points("arr");
    assert_eq!(stored.len(), 999);
    for (point, result) in stored.iter().zip(results) {
        assert_eq!(point["id"], result["id"], "results stand in input order");
    }
    // Alerts about what stands may still be raised.
    let before = server.store.count("metric.point%");
    let mut bad: Vec<Value> = (2_000..2_010).map(point).collect();
    bad[3] = json!({ "value": "many" });
    let refusal = company.agent.post(path, &json!({ "points": bad })).refused(400, "invalid_batch");
    let issue = &refusal["issues"][0];
    assert!(issue["path"].as_str().unwrap().starts_with("points.3"), "{refusal}");
    assert_eq!(issue["code"], "invalid_value");
    let huge = company.agent.post_bytes(path, r#"{"points":[{"value":1},{"value":1e400}]}"#);
    let huge = huge.refused(400, "invalid_batch");
    assert_eq!(
        (&huge["issues"][0]["path"], &huge["issues"][0]["code"]),
        (&json!("points.1.value"), &json!("invalid_value"))
    );
    company.agent.post(path, &json!({ "points": "x" })).refused(400, "invalid_field");
    company.agent.post(path, &json!({})).refused(400, "missing_field");
    for wrong in [json!([]), json!((0..1_001).map(point).collect::<Vec<_>>()), json!([5])] {
        company.agent.post(path, &json!({ "points": wrong })).refused(400, "invalid_batch");
    }
    let header = company.agent.header("idempotency-key", "K");
    header.post(path, &json!({ "points": [point(3_000)] })).refused(400, "invalid_idempotency_key");
    assert_eq!(server.store.count("metric.point%"), before);
}

fn met_095_a_correction_changes_what_is_shown_and_keeps_what_was(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    let id = company.point("arr", &json!({ "value": 110, "timestamp": "2026-01-02" }));
    let path = format!("{ARR}/{id}/correct");
    let answer = company.agent.post(&path, &json!({ "value": 900, "reason": "a typo" })).expect(200);
    assert_eq!((&answer["id"], answer["value"].as_f64()), (&json!(id), Some(900.0)));
    assert!(milliseconds_until(&answer["corrected_at"]) <= 0);
    assert_eq!(company.status_of("arr")["latest_value"].as_f64(), Some(900.0));
    let points = company.points("arr");
    assert_eq!((points[1]["value"].as_f64(), points[1]["original_value"].as_f64()), (Some(900.0), Some(110.0)));
    assert!(points[0].get("original_value").is_none(), "{}", points[0]);
    let unknown = format!("{ARR}/point_AAAAAAAAAAAAAAAA/correct");
    company.agent.post(&unknown, &json!({ "value": 1 })).refused(404, "point_not_found");
    company.agent.post(&path, &json!({ "value": "1" })).refused(400, "invalid_value");
    // A rise of 800 % by correction raises nothing; a later rise of 60 % above the corrected value does.
    company.point("arr", &json!({ "value": 1440, "timestamp": "2026-01-03" }));
    let alerts = company.wait_for_alerts(1);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["summary"], "Arr increased 60% from 900 to 1440.");
}

/// What a page shows of its points, and the cursor of the next.
fn shown(page: &Value) -> (Vec<(f64, Option<f64>)>, Option<String>) {
    let points = page["points"].as_array().unwrap().iter();
    let values = points.map(|point| (point["value"].as_f64().unwrap(), point["original_value"].as_f64()));
    (values.collect(), page["next_cursor"].as_str().map(str::to_owned))
}

fn a_series_is_listed_as_it_was_known_at_a_position(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let mut positions = Vec::new();
    let mut done = |path: &str, body: Value| {
        let reply = company.agent.post(path, &body);
        positions.push(reply.position());
        reply
    };
    let first = done(ARR, json!({ "value": 100, "timestamp": "2026-01-02" })).expect(201);
    let correct = format!("{ARR}/{}/correct", first["id"].as_str().unwrap());
    done(&correct, json!({ "value": 80 }));
    done(ARR, json!({ "value": 50, "timestamp": "2026-01-01" }));
    done(&correct, json!({ "value": 90 }));
    let known = [
        vec![(100.0, None)],
        vec![(80.0, Some(100.0))],
        vec![(50.0, None), (80.0, Some(100.0))],
        vec![(50.0, None), (90.0, Some(100.0))],
    ];
    let listed = |known_at: u64, more: &str| {
        company.agent.get(&format!("{ARR}?order=asc&known_at={known_at}{more}")).expect(200)
    };
    assert_eq!(shown(&listed(positions[0] - 1, "")).0, []);
    for (at, known) in positions.iter().zip(&known) {
        let page = listed(*at, "");
        assert_eq!(shown(&page), (known.clone(), None), "known at {at}");
    }
    // Page by page it is the same past.
    let (page, next) = shown(&listed(positions[2], "&limit=1"));
    assert_eq!(page, known[2][..1]);
    let rest = listed(positions[2], &format!("&limit=1&cursor={}", next.unwrap()));
    assert_eq!(shown(&rest), (known[2][1..].to_vec(), None));
    for bad in ["x", "-1", "1.5", ""] {
        company.agent.get(&format!("{ARR}?known_at={bad}")).refused(400, "invalid_field");
    }
}

/// What will be known at a position to come, no answer can show: another node may have it already.
fn a_position_to_come_is_waited_for_as_long_as_is_set(engine: Engine) {
    for (set, seconds) in [("", 2), ("4", 4)] {
        let server = Server::with(engine, &[("RUNTIME_READ_WAIT_SECONDS", set)]);
        let company = with_metric(&server);
        let asked = Instant::now();
        let ahead = company.agent.get(&format!("{ARR}?known_at=1000000"));
        ahead.refused(503, "service_unavailable");
        assert!(ahead.header("retry-after").parse::<u64>().unwrap() > 0, "{ahead}");
        // A busy machine may be late, but not for as long as the other servers of these tests wait.
        let waited = asked.elapsed().as_secs();
        assert!((seconds..50).contains(&waited), "{waited} s where {seconds} are set");
    }
}

fn met_096_a_key_in_a_path_is_decoded_and_slugged(engine: Engine) {
    let company = Server::shared(engine).company();
    company.metric("a/b");
    company.agent.post("/v1/metrics/a%2Fb/points", &json!({ "value": 1 })).expect(201);
    company.agent.post("/v1/metrics/A%20B/points", &json!({ "value": 1 })).expect(201);
    assert_eq!(company.points("a_b").len(), 2);
    let server = Server::shared(engine);
    let founder = server.founder("slugs");
    let other = server.company_of(&founder);
    let narrow = json!({ "name": "reads", "scopes": ["application:read"], "company_id": other.id });
    let made = founder.client.post("/v1/tokens", &narrow).expect(201);
    let reader = server.agent(made["token"].as_str().unwrap());
    for bad in ["%zz", "%e2%82", "%", "%00", "%21%21"] {
        let path = format!("/v1/metrics/{bad}/points");
        company.agent.post(&path, &json!({ "value": 1 })).refused(400, "invalid_metric_key");
        // Who asks is looked at first.
        server.anonymous().post(&path, &json!({ "value": 1 })).refused(401, "missing_token");
        reader.post(&path, &json!({ "value": 1 })).refused(403, "missing_scope");
    }
}

/// All points in pages of a hundred, and the cursor of the last page.
fn paged(company: &Company, order: &str) -> (Vec<Value>, String) {
    let (mut points, mut cursor, mut query) = (Vec::new(), String::new(), String::new());
    loop {
        let page = company.agent.get(&format!("{ARR}?order={order}&limit=100{query}")).expect(200);
        let part = page["points"].as_array().unwrap();
        points.extend(part.iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            assert!(!part.is_empty(), "the last page is one");
            return (points, cursor);
        };
        assert_eq!(part.len(), 100);
        next.clone_into(&mut cursor);
        query = format!("&cursor={next}");
    }
}

fn met_097_pages_hold_each_point_once_in_both_orders(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    company.metric("other");
    let point =
        |n: usize| json!({ "value": n, "timestamp": format!("2026-01-01T00:{:02}:{:02}Z", (n / 60) % 60, n % 60) });
    let points: Vec<Value> = (0..300).map(point).collect();
    for path in ["arr", "other"] {
        company.agent.post(&format!("/v1/metrics/{path}/points/batch"), &json!({ "points": points })).expect(200);
    }
    let mut cursor_of_arr = String::new();
    for order in ["asc", "desc"] {
        let (points, cursor) = paged(&company, order);
        cursor_of_arr = cursor;
        let mut values: Vec<u64> = points.iter().map(|point| point["value"].as_u64().unwrap()).collect();
        if order == "desc" {
            values.reverse();
        }
        assert_eq!(values, (0..300).collect::<Vec<u64>>());
    }
    let foreign = format!("/v1/metrics/other/points?limit=100&cursor={cursor_of_arr}");
    company.agent.get(&foreign).refused(400, "invalid_cursor");
    for mangled in ["x", &cursor_of_arr[1..], &format!("{cursor_of_arr}A")] {
        company.agent.get(&format!("{ARR}?cursor={mangled}")).refused(400, "invalid_cursor");
    }
    let window =
        company.agent.get(&format!("{ARR}?from=2026-01-01T00:01:00Z&to=2026-01-01T00:01:59Z&limit=1000")).expect(200);
    assert_eq!(window["points"].as_array().unwrap().len(), 60, "from the first to the last instant, both included");
    for bad in ["limit=0", "limit=1001", "order=up", "limit=x"] {
        company.agent.get(&format!("{ARR}?{bad}")).refused(400, "invalid_field");
    }
    for bad in ["from=x", "from=", "to=2026-02-30"] {
        company.agent.get(&format!("{ARR}?{bad}")).refused(400, "invalid_timestamp");
    }
}

/// A page may end between points of one instant, which stand as they were recorded.
fn met_097_points_of_one_instant_are_paged_each_once(engine: Engine) {
    let company = with_metric(Server::shared(engine));
    let spelt = ["2026-06-01T12:00:00Z", "2026-06-01T14:00:00+02:00"];
    let point = |n: usize| json!({ "value": n, "timestamp": spelt[n % 2], "idempotency_key": format!("k{n}") });
    let points: Vec<Value> = (0..250).map(point).collect();
    let made = company.agent.post(&format!("{ARR}/batch"), &json!({ "points": points })).expect(200);
    let of = |points: &Value| points.as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<Value>>();
    let recorded = of(&made["results"]);
    for (order, other) in [("asc", "desc"), ("desc", "asc")] {
        let (points, cursor) = paged(&company, order);
        let mut listed = of(&json!(points));
        if order == "desc" {
            listed.reverse();
        }
        assert_eq!(listed, recorded, "{order}");
        let turned = format!("{ARR}?order={other}&limit=100&cursor={cursor}");
        company.agent.get(&turned).refused(400, "invalid_cursor");
    }
    let unasked = company.agent.get(ARR).expect(200);
    let newest: Vec<Value> = recorded.iter().rev().take(100).cloned().collect();
    assert_eq!(of(&unasked["points"]), newest, "a hundred, newest first");
}

both_engines![
    met_080_a_point_is_answered_and_seen_at_once,
    met_081_a_value_is_a_finite_number,
    met_082_timestamps_are_iso_8601_and_shown_as_sent,
    met_083_a_bad_value_is_told_before_an_unknown_metric,
    met_084_source_and_confidence_have_defaults_and_bounds,
    met_093_the_greatest_instant_is_the_latest,
    met_094_a_batch_is_all_or_nothing,
    met_095_a_correction_changes_what_is_shown_and_keeps_what_was,
    a_position_to_come_is_waited_for_as_long_as_is_set,
    a_series_is_listed_as_it_was_known_at_a_position,
    met_096_a_key_in_a_path_is_decoded_and_slugged,
    met_097_pages_hold_each_point_once_in_both_orders,
    met_097_points_of_one_instant_are_paged_each_once,
];
