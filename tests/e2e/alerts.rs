//! Alerts and their rules (MET-100 to 113; MET-111: `alerts_replayed`).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::alerts_record::{RULES, assert_own_causes, traced};
use crate::harness::{
    Company, Engine, Installation, Server, Setup, assert_id, eventually, holds_for, milliseconds_until, text, torture,
};
use crate::real_data::events_from_the_start;

fn with_metric(server: &Server, name: &str) -> Company {
    let company = server.company();
    company.agent.post("/v1/metrics", &json!({ "key": "arr", "display_name": name })).expect(201);
    company
}

fn point(company: &Company, key: &str, value: &Value, timestamp: &str) -> String {
    company.point(key, &json!({ "value": value, "timestamp": timestamp }))
}

fn met_100_a_rise_by_half_raises_one_alert_within_five_seconds(engine: Engine) {
    let server = Server::shared(engine);
    // A busy machine may be late once.
    let (company, previous, latest, alert, status) = eventually("an alert within five seconds", || {
        let company = with_metric(server, "Weekly Revenue");
        let previous = point(&company, "arr", &json!(100), "2026-01-01");
        let latest = point(&company, "arr", &json!(150), "2026-01-02");
        let begun = Instant::now();
        let alert = company.wait_for_alerts(1)[0].clone();
        let status = company.status();
        (begun.elapsed() < Duration::from_secs(5)).then_some((company, previous, latest, alert, status))
    });
    assert_id(&alert["id"], "alert");
    assert_eq!((&alert["alert_type"], &alert["severity"]), (&json!("growth_spike"), &json!("high")));
    assert_eq!(alert["summary"], "Weekly Revenue increased 50% from 100 to 150.");
    assert_eq!((&alert["point_id"], &alert["previous_point_id"]), (&json!(latest), &json!(previous)));
    assert_eq!((&alert["metric_key"], &alert["state"]), (&json!("arr"), &json!("open")));
    assert_eq!(alert["growth"].as_f64(), Some(0.5));
    assert_eq!((&alert["acknowledged_at"], &alert["acknowledged_by"]), (&Value::Null, &Value::Null));
    let told = json!({
        "alert_type": "growth_spike", "severity": "high", "summary": alert["summary"], "created_at": alert["created_at"],
    });
    assert_eq!(status["alerts"], json!([told]), "exactly these keys, and as the list has them");
    assert!((-60_000..=0).contains(&milliseconds_until(&alert["created_at"])), "{alert}");
    assert_only_the_watched_metric_alerts(&company, 1);
}

/// §7.2's table: previous, latest, and the per cent of the summary when it fires.
const PAIRS: [(&str, &str, Option<&str>); 13] = [
    ("100", "150", Some("50")),
    ("100", "149.99", None),
    ("12000", "18500", Some("54")),
    ("0", "5", None),
    ("-5", "10", None),
    ("80", "130", Some("63")),
    ("0.2", "0.3", None),
    ("1.1", "1.65", None),
    ("0.3", "0.45", Some("50")),
    ("200", "301", Some("51")),
    ("1", "1.505", Some("50")),
    ("1e-7", "1", Some("999999900")),
    ("1", "1e+21", Some("1e+23")),
];

fn met_101_each_pair_of_the_table_fires_or_not(engine: Engine) {
    let company = Server::shared(engine).company();
    let mut expected = Vec::new();
    for (index, (previous, latest, percent)) in PAIRS.iter().enumerate() {
        let key = format!("m{index}");
        company.metric(&key);
        for (value, day) in [(previous, "2026-01-01"), (latest, "2026-01-02")] {
            let body = format!("{{\"value\":{value},\"timestamp\":\"{day}\"}}");
            company.agent.post_bytes(&format!("/v1/metrics/{key}/points"), body).expect(201);
        }
        if let Some(percent) = percent {
            expected.push(format!("M{index} increased {percent}% from {previous} to {latest}."));
        }
    }
    let alerts = company.wait_for_alerts(expected.len());
    let mut summaries: Vec<&str> = alerts.iter().map(|alert| alert["summary"].as_str().unwrap()).collect();
    summaries.sort_unstable();
    expected.sort_unstable();
    assert_eq!(summaries, expected);
}

fn met_103_one_point_or_nothing_positive_before_it_raises_nothing(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Arr");
    company.metric("negative");
    point(&company, "arr", &json!(1_000_000), "2026-01-01");
    for (value, day) in [(0, "2026-01-01"), (5, "2026-01-02"), (-5, "2026-01-03"), (10, "2026-01-04")] {
        point(&company, "negative", &json!(value), day);
    }
    assert_only_the_watched_metric_alerts(&company, 0);
}

/// Makes a later rise elsewhere and waits for its alert: had one point more than these fired, its alert would be there.
fn assert_only_the_watched_metric_alerts(company: &Company, besides: usize) -> Vec<Value> {
    company.metric("watched");
    point(company, "watched", &json!(1), "2026-01-01");
    point(company, "watched", &json!(2), "2026-01-02");
    let is_watched = |alert: &Value| alert["metric_key"] == "watched";
    let all = eventually("its alert", || Some(company.alerts()).filter(|all| all.iter().any(is_watched)));
    assert_eq!(all.len(), besides + 1, "{all:?}");
    all
}

fn met_104_a_point_dated_back_raises_nothing(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Arr");
    point(&company, "arr", &json!(100), "2026-01-02");
    point(&company, "arr", &json!(150), "2026-01-03");
    company.wait_for_alerts(1);
    point(&company, "arr", &json!(90), "2026-01-01");
    point(&company, "arr", &json!(900), "2026-01-02T12:00:00Z");
    assert_only_the_watched_metric_alerts(&company, 1);
}

fn met_105_a_spike_that_a_later_point_overtook_is_not_lost(engine: Engine) {
    // Nothing is evaluated before the last point is recorded: one page has all three.
    let first = Server::with(engine, &[("RUNTIME_EVALUATOR_PAUSE_SECONDS", "3600")]);
    let company = with_metric(&first, "Arr");
    let positions = [(100, "2026-01-01"), (200, "2026-01-02"), (210, "2026-01-03")].map(|(value, day)| {
        let reply = company.agent.post("/v1/metrics/arr/points", &json!({ "value": value, "timestamp": day }));
        reply.expect(201);
        reply.position()
    });
    first.kill9();
    let server = Setup::new(engine).over(first.store.clone(), &first.data).start();
    let company = Company { agent: server.agent(&company.token), ..company };
    let alerts = assert_only_the_watched_metric_alerts_after(&company, 1);
    assert_eq!(alerts, ["Arr increased 100% from 100 to 200."]);
    // Its own alert stands beside the point, and beside no other.
    let own = json!(positions[1].to_string());
    let recorded = || ("metric.point_recorded".to_owned(), Value::Null);
    assert_eq!(traced(&server, positions[1]), [recorded(), ("metric.alert_raised".to_owned(), own)]);
    assert_eq!(traced(&server, positions[2]), [recorded()]);
}

fn assert_only_the_watched_metric_alerts_after(company: &Company, count: usize) -> Vec<String> {
    company.wait_for_alerts(count);
    let all = assert_only_the_watched_metric_alerts(company, count);
    let of_arr = all.iter().filter(|alert| alert["metric_key"] == "arr");
    of_arr.map(|alert| alert["summary"].as_str().unwrap().to_owned()).collect()
}

fn met_106_a_duplicate_of_a_firing_point_raises_no_second_alert(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Arr");
    point(&company, "arr", &json!(100), "2026-01-01");
    let firing = json!({ "value": 150, "timestamp": "2026-01-02" });
    company.point("arr", &firing);
    for _ in 0..5 {
        company.agent.post("/v1/metrics/arr/points", &firing).expect(200);
    }
    let alerts = assert_only_the_watched_metric_alerts_after(&company, 1);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
}

fn met_107_no_alert_is_lost_or_doubled_when_the_server_dies_before_it(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = with_metric(&server, "Arr");
    let rounds: u64 = if torture() { 200 } else { 4 };
    let mut value = 1.0_f64;
    point(&company, "arr", &json!(value), "2000-01-01");
    for round in 0..rounds {
        value *= 1.5;
        let day = (chrono::NaiveDate::from_ymd_opt(2000, 1, 2).unwrap() + chrono::Days::new(round)).to_string();
        point(&company, "arr", &json!(value), &day);
        server.kill9();
        server.restart();
        value = f64::round(value * 8.0) / 8.0 + 1.0;
        point(&company, "arr", &json!(value), &format!("{day}T12:00:00Z"));
    }
    let points = company.points("arr");
    let expected = firing_points(&points);
    let alerts = company.wait_for_alerts(expected.len());
    holds_for(Duration::from_secs(1), "no alert is added", || company.alerts().len() == alerts.len());
    let mut found: Vec<&str> = alerts.iter().map(|alert| alert["point_id"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    println!("met_107 {engine:?}: {rounds} kills, {} firing points, {} alerts", expected.len(), alerts.len());
}

/// The ids of the points that rise by half over the one before; written anew from §7.2, for points in time order.
fn firing_points(points: &[Value]) -> Vec<&str> {
    let value = |point: &Value| point["value"].as_f64().unwrap();
    let pairs = points.iter().zip(points.iter().skip(1));
    let firing =
        pairs.filter(|(before, after)| value(before) > 0.0 && (value(after) - value(before)) / value(before) >= 0.5);
    let mut ids: Vec<&str> = firing.map(|(_, after)| after["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn met_108_the_status_shows_the_ten_newest_alerts_and_the_list_all(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Arr");
    for n in 0..13_u32 {
        point(&company, "arr", &json!(2_u32.pow(n)), &format!("2026-01-{:02}", n + 1));
    }
    let alerts = company.wait_for_alerts(12);
    assert_eq!(alerts.len(), 12);
    let summary = |alert: &Value| alert["summary"].as_str().unwrap().to_owned();
    let listed: Vec<String> = alerts.iter().map(summary).collect();
    let expected: Vec<String> = (0..12_u32)
        .rev()
        .map(|n| format!("Arr increased 100% from {} to {}.", 2_u32.pow(n), 2_u32.pow(n + 1)))
        .collect();
    assert_eq!(listed, expected, "newest first");
    let shown: Vec<String> = company.status()["alerts"].as_array().unwrap().iter().map(summary).collect();
    assert_eq!(shown, expected[..10]);
    let page = company.agent.get("/v1/alerts?limit=5&metric=arr&state=open").expect(200);
    assert_eq!(page["alerts"].as_array().unwrap().len(), 5);
    let next = page["next_cursor"].as_str().unwrap();
    let second = company.agent.get(&format!("/v1/alerts?limit=5&metric=arr&state=open&cursor={next}")).expect(200);
    assert_eq!(summary(&second["alerts"][0]), expected[5]);
}

fn met_108_alerts_come_in_pages_of_fifty_unless_asked_otherwise(engine: Engine) {
    let server = Server::shared(engine);
    let company = with_metric(server, "Arr");
    // Each of them is twice the one before.
    let risen = |n: i32| json!({ "value": 2.0_f64.powi(n), "timestamp": format!("2026-01-01T00:{n:02}:00Z") });
    let points: Vec<Value> = (0..56).map(risen).collect();
    company.agent.post("/v1/metrics/arr/points/batch", &json!({ "points": points })).expect(200);
    let all = company.wait_for_alerts(55);
    let page = |query: &str| {
        let page = company.agent.get(&format!("/v1/alerts{query}")).expect(200);
        (page["alerts"].as_array().unwrap().clone(), page["next_cursor"].clone())
    };
    let (first, next) = page("");
    assert_eq!(first, all[..50]);
    let next = text(&next);
    assert_eq!(page(&format!("?cursor={next}")), (all[50..].to_vec(), Value::Null));
    assert_eq!(page("?limit=200").0, all);
    assert_eq!(page("?limit=1").0, all[..1]);
    for bad in ["limit=0", "limit=201", "limit=x", "state=x"] {
        company.agent.get(&format!("/v1/alerts?{bad}")).refused(400, "invalid_field");
    }
    company.agent.get("/v1/alerts?metric=none").refused(404, "metric_not_found");
    for mangled in ["x", &next[1..], &format!("{next}A")] {
        company.agent.get(&format!("/v1/alerts?cursor={mangled}")).refused(400, "invalid_cursor");
    }
    server.company().agent.get(&format!("/v1/alerts?cursor={next}")).refused(400, "invalid_cursor");
    company.agent.get(&format!("/v1/metrics/arr/points?cursor={next}")).refused(400, "invalid_cursor");
}

fn met_109_an_alert_keeps_the_name_of_its_moment(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Before");
    point(&company, "arr", &json!(1), "2026-01-01");
    point(&company, "arr", &json!(2), "2026-01-02");
    company.agent.post("/v1/metrics/arr/settings", &json!({ "display_name": "After" })).expect(200);
    point(&company, "arr", &json!(4), "2026-01-03");
    let alerts = company.wait_for_alerts(2);
    assert_eq!(alerts[1]["summary"], "Before increased 100% from 1 to 2.");
    assert_eq!(alerts[0]["summary"], "After increased 100% from 2 to 4.");
}

fn met_110_a_write_is_answered_before_any_rule_ran(engine: Engine) {
    let server = Server::with(engine, &[("RUNTIME_EVALUATOR_PAUSE_SECONDS", "3")]);
    let company = with_metric(&server, "Arr");
    point(&company, "arr", &json!(1), "2026-01-01");
    let replies: Vec<_> = (1..20_u32)
        .map(|n| {
            let body = json!({ "value": 2_u32.pow(n), "timestamp": format!("2026-02-{n:02}") });
            let reply = company.agent.post("/v1/metrics/arr/points", &body);
            reply.expect(201);
            reply
        })
        .collect();
    let positions = |event_type: &str| -> Vec<u64> {
        let sql = format!(
            "SELECT CAST(position AS TEXT) FROM events WHERE event_type = '{event_type}' ORDER BY events.position"
        );
        server.store.texts(&sql).iter().map(|position| position.parse().unwrap()).collect()
    };
    assert_eq!(positions("metric.alert_raised"), [0_u64; 0], "the evaluator rests while the writes are answered");
    company.wait_for_alerts(19);
    let points = positions("metric.point_recorded");
    let answered: Vec<u64> = replies.iter().map(|reply| reply.position()).collect();
    assert_eq!(answered, points[1..], "a reply names the point's own position, not an alert's");
    for (alert, point) in positions("metric.alert_raised").iter().zip(&answered) {
        assert!(alert > point);
    }
    assert_own_causes(&events_from_the_start(&company.agent));
}

fn met_112_a_new_rule_counts_for_points_after_it(engine: Engine) {
    let server = Server::shared(engine);
    let company = with_metric(server, "Arr");
    let rules = "/v1/metrics/arr/rules";
    let growth_spike = |client: &crate::harness::Client| -> Value {
        let listed = client.get(rules).expect(200)["rules"].as_array().unwrap().clone();
        listed.into_iter().find(|rule| rule["type"] == "growth_spike").unwrap()
    };
    let first = growth_spike(&company.agent);
    assert_eq!((first["threshold"].as_f64(), &first["enabled"]), (Some(0.5), &json!(true)));
    let set = company.agent.post(rules, &json!({ "type": "growth_spike", "threshold": 1.0 })).expect(200);
    assert!(set["version"].as_u64() > first["version"].as_u64(), "{set}");
    point(&company, "arr", &json!(100), "2026-01-01");
    point(&company, "arr", &json!(160), "2026-01-02");
    point(&company, "arr", &json!(320), "2026-01-03");
    let alerts = company.wait_for_alerts(1);
    assert_eq!(alerts[0]["summary"], "Arr increased 100% from 160 to 320.");
    assert_eq!(alerts[0]["rule_version"], set["version"]);
    company.agent.post(rules, &json!({ "type": "growth_spike", "enabled": false })).expect(200);
    assert_eq!(growth_spike(&company.agent)["enabled"], false);
    point(&company, "arr", &json!(3_200), "2026-01-04");
    assert_only_the_watched_metric_alerts(&company, 1);
    for bad in [json!(0), json!(-1), json!(1_000.5), json!("x")] {
        company.agent.post(rules, &json!({ "type": "growth_spike", "threshold": bad })).refused(400, "invalid_field");
    }
    for bad in
        [json!({ "type": "nonsense" }), json!({ "type": 5 }), json!({ "type": "growth_spike", "severity": "urgent" })]
    {
        company.agent.post(rules, &bad).refused(400, "invalid_field");
    }
    company.agent.post(rules, &json!({ "type": "growth_spike", "threshold": 1_000 })).expect(200);
}

fn met_112_a_rule_tells_who_set_it_and_its_alerts_bear_its_severity(engine: Engine) {
    let company = with_metric(Server::shared(engine), "Arr");
    let listed = || company.agent.get(RULES).expect(200)["rules"].clone();
    let set = |change: Value| company.agent.post(RULES, &change).expect(200);
    // The one that every metric has is as old as the metric.
    let created_at = company.agent.get("/v1/metrics/arr").expect(200)["created_at"].clone();
    let mut expected = json!({
        "type": "growth_spike", "version": 1, "enabled": true, "threshold": 0.5, "severity": "high",
        "set_at": created_at, "set_by": "system",
    });
    assert_eq!(listed(), json!([expected]));
    let low = set(json!({ "type": "growth_spike", "severity": "low" }));
    assert!((-60_000..=0).contains(&milliseconds_until(&low["set_at"])), "{low}");
    (expected["version"], expected["severity"]) = (json!(2), json!("low"));
    (expected["set_at"], expected["set_by"]) = (low["set_at"].clone(), json!("default-agent-token"));
    assert_eq!(low, expected);
    assert_eq!(listed(), json!([expected]));
    point(&company, "arr", &json!(100), "2026-01-01");
    point(&company, "arr", &json!(150), "2026-01-02");
    let alert = company.wait_for_alerts(1)[0].clone();
    assert_eq!((&alert["severity"], &alert["rule_version"]), (&json!("low"), &json!(2)));
    assert_eq!(company.status()["alerts"][0]["severity"], "low");
    // What a change does not name stays.
    set(json!({ "type": "growth_spike", "threshold": 2 }));
    let off = set(json!({ "type": "growth_spike", "enabled": false }));
    let shown = ["version", "enabled", "threshold", "severity"].map(|field| off[field].clone());
    assert_eq!(json!(shown), json!([4, false, 2, "low"]));
    for bad in [json!({ "threshold": 0 }), json!({ "severity": "urgent" }), json!({ "enabled": "yes" })] {
        let mut change = json!({ "type": "growth_spike" });
        change.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        company.agent.post(RULES, &change).refused(400, "invalid_field");
    }
    assert_eq!(listed(), json!([off]), "a refused change makes no version");
}

fn met_113_an_alert_is_acknowledged_once(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let founder = server.founder("acks");
    let company = server.company_of(&founder);
    company.metric("arr");
    point(&company, "arr", &json!(1), "2026-01-01");
    point(&company, "arr", &json!(2), "2026-01-02");
    let newest = |count| text(&company.wait_for_alerts(count)[0]["id"]);
    let alert = newest(1);
    let path = format!("/v1/alerts/{alert}/ack");
    company.agent.post(&path, &json!({})).refused(403, "missing_scope");
    let first = founder.client.post(&path, &json!({ "note": "seen" })).expect(200);
    assert_eq!(first["state"], "acknowledged");
    assert!(crate::harness::milliseconds_until(&first["acknowledged_at"]) <= 0);
    assert_eq!(first["acknowledged_by"], founder.client.get("/v1/auth/session").expect(200)["account_id"]);
    let before = server.store.count("%");
    assert_eq!(founder.client.post_bytes(&path, "").expect(200), first);
    assert_eq!(server.store.count("%"), before);
    let stranger = server.founder("stranger");
    server.company_of(&stranger);
    stranger.client.post_bytes(&path, "").refused(404, "alert_not_found");
    stranger.client.post_bytes("/v1/alerts/alert_AAAAAAAAAAAAAAAA/ack", "").refused(404, "alert_not_found");
    assert_eq!(company.agent.get("/v1/alerts?state=open").expect(200)["alerts"], json!([]));
    assert_eq!(company.agent.get("/v1/alerts?state=acknowledged").expect(200)["alerts"][0]["id"], json!(alert));
    let acks = json!({ "name": "acker", "scopes": ["alerts:ack"] });
    let acks = founder.client.post("/v1/tokens", &acks).expect(201);
    let acks = server.agent(acks["token"].as_str().unwrap());
    for (count, client, by) in [(2, &acks, "acker"), (3, &house.keeper.client, house.keeper.id.as_str())] {
        point(&company, "arr", &json!(2_u32.pow(count)), &format!("2026-01-{:02}", count + 1));
        let newest = newest(usize::try_from(count).unwrap());
        let path = format!("/v1/alerts/{newest}/ack?company_id={}", company.id);
        let told = client.post(&path, &json!({})).expect(200);
        assert_eq!((&told["state"], &told["acknowledged_by"]), (&json!("acknowledged"), &json!(by)));
    }
}

/// The kinds of rule beyond the growth spike, each on values at and around its threshold.
fn met_112_every_kind_of_rule_fires_where_it_says(engine: Engine) {
    let server = Server::with(engine, &[("METRICS_LATE_CHECK_SECONDS", "1")]);
    let company = server.company();
    let kinds: [(&str, Value, &[f64], &[&str]); 6] = [
        (
            "drop",
            json!({ "type": "drop", "threshold": 0.5 }),
            &[100.0, 50.1, 50.0, 25.0, 0.0, -5.0],
            &["Drop fell 50% from 50 to 25.", "Drop fell 100% from 25 to 0."],
        ),
        (
            "growth",
            json!({ "type": "growth", "threshold": 0.2, "periods": 2 }),
            &[100.0, 110.0, 120.0, 121.0],
            &["Growth grew 20% over 2 points from 100 to 120."],
        ),
        (
            "above",
            json!({ "type": "above", "threshold": 10, "periods": 2 }),
            &[11.0, 10.0, 11.0, 12.0],
            &["Above has been above 10 for 2 points, now at 12."],
        ),
        ("below", json!({ "type": "below", "threshold": -1 }), &[0.0, -1.0, -1.5], &["Below is below -1 at -1.5."]),
        (
            "quiet",
            json!({ "type": "above", "threshold": 0, "cool_down_points": 2 }),
            &[1.0, 2.0, 3.0, 4.0],
            &["Quiet is above 0 at 1.", "Quiet is above 0 at 4."],
        ),
        ("none", json!({ "type": "below", "threshold": 9, "enabled": false }), &[1.0, 2.0], &[]),
    ];
    for (key, rule, values, _) in &kinds {
        company.metric(key);
        let rules = format!("/v1/metrics/{key}/rules");
        company.agent.post(&rules, &json!({ "type": "growth_spike", "enabled": false })).expect(200);
        company.agent.post(&rules, rule).expect(200);
        for (index, value) in values.iter().enumerate() {
            point(&company, key, &json!(value), &format!("2026-01-{:02}", index + 1));
        }
    }
    let two_days_ago = (chrono::Utc::now() - chrono::Duration::days(2)).to_rfc3339();
    for (key, cadence) in [("late", "daily"), ("in_time", "weekly"), ("free", "now and then")] {
        company.agent.post("/v1/metrics", &json!({ "key": key, "cadence": cadence })).expect(201);
        company.agent.post(&format!("/v1/metrics/{key}/rules"), &json!({ "type": "late" })).expect(200);
        point(&company, key, &json!(1), &two_days_ago);
    }
    // Late by its first point, and silent about the second.
    company.agent.post("/v1/metrics", &json!({ "key": "still", "cadence": "daily" })).expect(201);
    let still = json!({ "type": "late", "cool_down_points": 1 });
    company.agent.post("/v1/metrics/still/rules", &still).expect(200);
    point(&company, "still", &json!(1), "2026-01-01");
    let expected = kinds.iter().map(|(_, _, _, summaries)| summaries.len()).sum::<usize>() + 2;
    company.wait_for_alerts(expected);
    point(&company, "still", &json!(1), "2026-01-03");
    let summaries = |key: &str| -> Vec<String> {
        let listed = company.agent.get(&format!("/v1/alerts?metric={key}")).expect(200);
        let text = |alert: &Value| alert["summary"].as_str().unwrap().to_owned();
        listed["alerts"].as_array().unwrap().iter().rev().map(text).collect()
    };
    holds_for(Duration::from_secs(2), "no further alert", || company.alerts().len() == expected);
    for (key, _, _, wanted) in &kinds {
        assert_eq!(summaries(key), *wanted, "{key}");
    }
    let late = summaries("late");
    assert!(late.len() == 1 && late[0].starts_with("Late is late: no point since"), "{late:?}");
    assert_eq!(summaries("still").len(), 1);
    assert!(summaries("in_time").is_empty() && summaries("free").is_empty());
}

both_engines![
    met_112_every_kind_of_rule_fires_where_it_says,
    met_100_a_rise_by_half_raises_one_alert_within_five_seconds,
    met_101_each_pair_of_the_table_fires_or_not,
    met_103_one_point_or_nothing_positive_before_it_raises_nothing,
    met_104_a_point_dated_back_raises_nothing,
    met_105_a_spike_that_a_later_point_overtook_is_not_lost,
    met_106_a_duplicate_of_a_firing_point_raises_no_second_alert,
    met_107_no_alert_is_lost_or_doubled_when_the_server_dies_before_it,
    met_108_the_status_shows_the_ten_newest_alerts_and_the_list_all,
    met_108_alerts_come_in_pages_of_fifty_unless_asked_otherwise,
    met_109_an_alert_keeps_the_name_of_its_moment,
    met_110_a_write_is_answered_before_any_rule_ran,
    met_112_a_new_rule_counts_for_points_after_it,
    met_112_a_rule_tells_who_set_it_and_its_alerts_bear_its_severity,
    met_113_an_alert_is_acknowledged_once,
];
