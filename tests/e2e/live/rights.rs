//! Who reads what, and until when (LIV-09, LIV-11, LIV-15).

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::socket::{EventStream, Socket};
use super::{company_with_metric, issue, listing, write_points};
use crate::harness::{Client, Engine, Installation, ORIGIN, PASSWORD, Program, Server, cookie_of, text, unique};

fn liv_11_auth_renews_without_losing_subscriptions(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    let (old, old_id) = issue(&founder, &company, &json!(["application:read"]));
    let (new, _) = issue(&founder, &company, &json!(["application:read"]));
    let mut socket = Socket::connect(server, &old);
    socket.subscribe(1, &json!("head"), 100, &Value::Null);
    socket.frame_of("live");
    socket.send(&json!({ "t": "auth", "token": new }));
    socket.frame_of("authok");
    founder.client.post(&format!("/v1/tokens/{old_id}/revoke"), &json!({})).expect(200);
    company.point("revenue", &json!({ "value": 42 }));
    assert_eq!(socket.events(2)[1]["data"]["value"], json!(42.0));

    let stranger = server.company();
    socket.send(&json!({ "t": "auth", "token": stranger.token }));
    assert_eq!(socket.frame_of("err")["code"], "forbidden");
    socket.send(&json!({ "t": "auth", "token": "nonsense" }));
    assert_eq!(socket.frame_of("err")["code"], "forbidden");
}

fn liv_11_the_end_of_a_credential_is_announced_and_comes_unless_renewed(engine: Engine) {
    const GRACE_SECONDS: u64 = 8;
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    let (old, old_id) = issue(&founder, &company, &json!(["application:read"]));
    let [mut renewing, mut ending] = [(); 2].map(|()| {
        let mut socket = Socket::connect(server, &old);
        socket.subscribe(1, &json!("head"), 100, &Value::Null);
        socket.frame_of("live");
        socket
    });
    let mut stream = EventStream::open(server, &old, "after=head", None).unwrap();
    let rotated =
        founder.client.post(&format!("/v1/tokens/{old_id}/rotate"), &json!({ "grace_seconds": GRACE_SECONDS }));
    let new = rotated.expect(201)["token"].as_str().unwrap().to_owned();
    for socket in [&mut renewing, &mut ending] {
        let told = socket.frame_of("auth_expiring")["in_ms"].as_u64().unwrap();
        assert!(told <= GRACE_SECONDS * 1_000, "{told}");
    }
    renewing.send(&json!({ "t": "auth", "token": new }));
    assert_eq!(renewing.frame_of("authok")["auth_exp"], Value::Null);
    let (frames, code) = ending.until_closed();
    assert_eq!(code, Some(4005), "{frames:?}");
    assert_eq!(frames.last().map(|frame| frame["code"].clone()), Some(json!("token_expired")), "{frames:?}");
    while let Some(told) = stream.next() {
        if told.event == "token_expired" {
            break;
        }
    }
    company.point("revenue", &json!({ "value": 42 }));
    let events = renewing.events_of("metric.point_recorded", 1);
    assert_eq!(events[0]["data"]["value"], json!(42.0), "the subscription of the renewed credential goes on");
}

/// Whether every event belongs to one of these companies, or to the reader's own account, which an agent has not.
fn only_of(events: &[Value], companies: &[&str], account: Option<&str>) {
    for event in events {
        let is_own =
            account.is_some_and(|id| event["agg"] == format!("account/{id}") || event["data"]["account"] == id);
        let company = event["data"]["company"].as_str();
        assert!(is_own || company.is_some_and(|company| companies.contains(&company)), "{event}");
    }
}

fn liv_15_nobody_receives_what_is_not_his_on_any_transport(engine: Engine) {
    let server = Server::shared(engine);
    let (ana, first) = company_with_metric(server, "revenue");
    let second = server.company_of(&ana);
    let (bob, other) = company_with_metric(server, "revenue");
    let [ana_id, bob_id] = [&ana, &bob].map(|it| text(&it.client.get("/v1/auth/session").expect(200)["account_id"]));
    let readers: [(&str, Client, Vec<&str>, Option<&str>); 4] = [
        (&first.token, first.agent.clone(), vec![&first.id], None),
        (&other.token, other.agent.clone(), vec![&other.id], None),
        (&ana.token, ana.client.clone(), vec![&first.id, &second.id], Some(&ana_id)),
        (&bob.token, bob.client.clone(), vec![&other.id], Some(&bob_id)),
    ];
    let widening = json!({ "any": [{ "eq": { "company": other.id } }, { "not": { "exists": "nothing" } }] });
    for (token, client, companies, account) in &readers {
        let mut socket = Socket::connect(server, token);
        let refused = socket.subscribe(9, &json!("start"), 10, &widening);
        assert_eq!(refused["code"], "bad_filter");
        let everything = json!({ "any": [{ "exists": "company" }, { "exists": "type" }] });
        socket.subscribe(1, &json!("start"), 1024, &everything);
        let replayed = socket.until_live();
        assert!(!replayed.is_empty());
        only_of(&replayed, companies, *account);
        assert_eq!(replayed, listing(client, "start"), "long-poll and socket agree");
        let mut stream = EventStream::open(server, token, "after=start", None).unwrap();
        let told: Vec<Value> = stream.events(replayed.len()).into_iter().filter_map(|told| told.data).collect();
        assert_eq!(told, replayed, "stream and socket agree");

        first.point("revenue", &json!({ "value": 1, "idempotency_key": unique("a") }));
        other.point("revenue", &json!({ "value": 2, "idempotency_key": unique("b") }));
        let live = socket.events(1);
        only_of(&live, companies, *account);
        only_of(&[stream.events(1)[0].data.clone().unwrap()], companies, *account);
        // Events of an account, and of a session of it, which nobody else reads.
        if *token != bob.token {
            server.sign_in(&bob.email);
        }
        socket.quiet_for(Duration::from_millis(300));
    }
    let ana_reads = listing(&ana.client, "start");
    let companies: Vec<_> = ana_reads.iter().filter_map(|event| event["data"]["company"].as_str()).collect();
    assert!(companies.contains(&first.id.as_str()) && companies.contains(&second.id.as_str()));
    assert!(ana_reads.iter().any(|event| event["type"] == "account.registered"), "her own account");
    let bob_reads = listing(&bob.client, "start");
    assert_eq!(bob_reads.iter().filter(|event| event["type"] == "session.started").count(), 4, "his own sessions");
}

fn a_token_without_the_scope_reads_nothing(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    let (token, _) = issue(&founder, &company, &json!(["metrics:write"]));
    server.agent(&token).get("/v1/events").refused(403, "missing_scope");
    let mut socket = Socket::upgrade(server, &[]).unwrap();
    socket.send(&json!({ "t": "hello", "token": token }));
    assert_eq!(socket.closed(), Some(4501));
}

/// A founder who comes by cookie reads as one with a session token, from an allowed page and until the session ends.
fn liv_09_a_sessions_cookie_serves_where_its_origin_is_allowed(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let (founder, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 3);
    company_with_metric(server, "foreign");
    server.terminate();
    let set = ["account", "set-password", founder.email.as_str(), "--password-stdin"];
    Program::operator_of(server).run_with_input(&set, &format!("{PASSWORD}\n")).ok();
    server.restart();
    let session = house.login(&founder.email, PASSWORD);
    session.expect(200);
    let cookie = cookie_of(&session);

    let by_cookie = server.anonymous().header("cookie", &cookie);
    let own = |client: &Client| {
        let filter = format!("filter=%7B%22eq%22%3A%7B%22company%22%3A%22{}%22%7D%7D", company.id);
        client.get(&format!("/v1/events?{filter}")).expect(200)["events"].as_array().unwrap().clone()
    };
    assert_eq!(own(&by_cookie), own(&company.agent));
    let everything = by_cookie.get("/v1/events?limit=1000");
    assert_eq!(everything.header("access-control-allow-origin"), "", "{everything}");
    let companies: HashSet<_> = everything.expect(200)["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["data"]["company"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(companies, HashSet::from([company.id.clone()]));
    by_cookie.header("origin", "https://evil.example").get("/v1/events").refused(403, "forbidden_origin");
    house.keeper.client.get("/v1/events").refused(403, "insufficient_permissions");
    by_cookie.bearer("nonsense").get("/v1/events").refused(401, "invalid_token");
    server.anonymous().header("cookie", "muniment_session=x").get("/v1/events").refused(401, "invalid_session");

    for origin in [ORIGIN, server.base.as_str()] {
        let mut socket = Socket::upgrade(server, &[("cookie", &cookie), ("origin", origin)]).unwrap();
        socket.send(&json!({ "t": "hello", "token": null }));
        assert_eq!(socket.frame()["t"], "welcome", "{origin}");
    }
    let evil = Socket::upgrade(server, &[("cookie", &cookie), ("origin", "https://evil.example")]);
    assert_eq!(evil.err(), Some(403));
    let mut keeper = Socket::upgrade(server, &[("cookie", &house.keeper.cookie), ("origin", ORIGIN)]).unwrap();
    keeper.send(&json!({ "t": "hello", "token": null }));
    assert_eq!(keeper.closed(), Some(4501), "no founder");

    let mut socket = Socket::upgrade(server, &[("cookie", &cookie), ("origin", ORIGIN)]).unwrap();
    socket.send(&json!({ "t": "hello", "token": null }));
    assert_eq!(socket.frame()["t"], "welcome");
    socket.subscribe(7, &json!("start"), 1024, &json!({ "eq": { "company": company.id } }));
    assert_eq!(socket.until_live(), own(&company.agent));
    by_cookie.post("/api/account/logout", &json!({})).expect(200);
    let (frames, code) = socket.until_closed();
    assert_eq!((&frames.last().unwrap()["t"], code), (&json!("revoked"), Some(4503)));
}

both_engines![
    liv_09_a_sessions_cookie_serves_where_its_origin_is_allowed,
    liv_11_auth_renews_without_losing_subscriptions,
    liv_11_the_end_of_a_credential_is_announced_and_comes_unless_renewed,
    liv_15_nobody_receives_what_is_not_his_on_any_transport,
    a_token_without_the_scope_reads_nothing,
];
