//! Mode `log`: order, resuming, credit, filters, and what a client can do wrong (LIV-01 to LIV-09).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::line::Line;
use super::socket::{EventStream, Incoming, Socket};
use super::{LEVEL, StopsWhenDropped, company_with_metric, issue, listing, positions, store, write_points};
use crate::harness::{Engine, Installation, Server, contains, eventually, in_parallel, torture, within};

fn liv_01_from_start_brings_everything_in_order_and_then_live(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 300);
    let mut socket = Socket::connect(server, &company.token);
    let subok = socket.subscribe(1, &json!("start"), 1024, &Value::Null);
    assert_eq!((&subok["t"], &subok["phase"], &subok["from"]), (&json!("subok"), &json!("catchup"), &json!("0")));
    let events = socket.until_live();
    let seen = positions(&events);
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert_eq!(events, listing(&company.agent, "start"));
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types.iter().filter(|name| **name == "metric.point_recorded").count(), 300);
    for name in ["application.submitted", "agent_token.issued", "metric.defined"] {
        assert!(types.contains(&name), "{types:?}");
    }
    let text = serde_json::to_string(&events).unwrap();
    for secret in ["secret_hash", "digest", "v1|", &company.email] {
        assert!(!text.contains(secret), "{secret} leaves");
    }
}

fn liv_02_after_a_position_nothing_is_missing(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 100);
    let all = listing(&company.agent, "start");
    let middle = all[50]["p"].as_str().unwrap();
    let cursor = format!("{}:{middle}", store(&company.agent));
    let mut socket = Socket::connect(server, &company.token);
    socket.subscribe(1, &json!({ "after": cursor }), 1024, &Value::Null);
    let events = socket.until_live();
    assert_eq!(events, all[51..]);
    assert_eq!(events, listing(&company.agent, &cursor));
    company.point("revenue", &json!({ "value": LEVEL }));
    assert_eq!(socket.events(1)[0]["data"]["value"], json!(1_000_000.0));
}

fn liv_03_killed_connections_resume_with_every_event_once(engine: Engine) {
    let kills = if torture() { 200 } else { 25 };
    let seed: u64 = rand::random();
    println!("{kills} kills; seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let store = store(&company.agent);
    let done = AtomicBool::new(false);
    let mut seen: Vec<Value> = Vec::new();
    std::thread::scope(|scope| {
        let writers = StopsWhenDropped(&done);
        scope.spawn(|| {
            let mut value = 0;
            while !done.load(Ordering::Relaxed) {
                company.point("revenue", &json!({ "value": LEVEL + value, "idempotency_key": format!("k-{value}") }));
                value += 1;
            }
        });
        let mut cursor = format!("{store}:0");
        for _ in 0..kills {
            let line = Line::to(server);
            let mut socket = Socket::connect_over(&line, &company.token);
            // Cut after any number of bytes: before the answer, between two frames, in the middle of one.
            line.cut_after(random.random_range(0..16 * 1024));
            socket.ask(1, &json!({ "after": cursor }), 1024, &Value::Null);
            loop {
                match socket.within(Duration::from_secs(60)) {
                    Some(Incoming::Frame(frame)) if frame["t"] == "batch" => {
                        seen.extend(frame["ev"].as_array().unwrap().iter().cloned());
                        cursor = format!("{store}:{}", frame["upto"].as_str().unwrap());
                    }
                    Some(Incoming::Frame(_)) => {}
                    Some(Incoming::Reset) => break,
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
        }
        drop(writers);
    });
    let mut socket = Socket::connect(server, &company.token);
    let last = seen.last().map_or("0", |event| event["p"].as_str().unwrap()).to_owned();
    socket.subscribe(1, &json!({ "after": format!("{store}:{last}") }), 1024, &Value::Null);
    seen.extend(socket.until_live());
    assert_eq!(seen, listing(&company.agent, "start"));
}

fn liv_04_cursors_of_the_future_and_of_other_records_are_refused(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let store = store(&company.agent);
    let is_uuid = store.len() == 36 && store.chars().all(|it| it == '-' || it.is_ascii_hexdigit());
    assert!(is_uuid, "{store} is no UUID");
    let mut socket = Socket::connect(server, &company.token);
    let future = socket.subscribe(1, &json!({ "after": format!("{store}:999999999") }), 1, &Value::Null);
    assert_eq!((&future["t"], &future["code"], &future["id"]), (&json!("err"), &json!("cursor_future"), &json!(1)));
    let other = "00000000-0000-4000-8000-000000000000:1";
    let changed = socket.subscribe(1, &json!({ "after": other }), 1, &Value::Null);
    assert_eq!(changed["code"], "store_changed");
    company.agent.get(&format!("/v1/events?after={store}:999999999")).refused(400, "cursor_future");
    // Further than any record reaches is the future too.
    for beyond in ["9223372036854775808", "18446744073709551616", "100000000000000000000000000000"] {
        let cursor = format!("{store}:{beyond}");
        let future = socket.subscribe(1, &json!({ "after": cursor }), 1, &Value::Null);
        assert_eq!(future["code"], "cursor_future", "{beyond}");
        company.agent.get(&format!("/v1/events?after={cursor}")).refused(400, "cursor_future");
    }
    company.agent.get(&format!("/v1/events?after={other}")).refused(409, "store_changed");
    assert_eq!(EventStream::open(server, &company.token, "", Some(other)).err(), Some(409));

    // The last event there is is no future, and the one behind it is.
    eventually("the record stands still for a moment", || {
        let head = store_head(&company.agent);
        let [last, next] = [head, head + 1].map(|position| format!("{store}:{position}"));
        let mut socket = Socket::connect(server, &company.token);
        let at_head = socket.subscribe(1, &json!({ "after": last }), 1, &Value::Null);
        let refused = socket.frame();
        let refused = if refused["t"] == "live" {
            socket.subscribe(2, &json!({ "after": next }), 1, &Value::Null)
        } else {
            refused
        };
        let by_page = company.agent.get(&format!("/v1/events?after={next}"));
        let by_stream = EventStream::open(server, &company.token, &format!("after={next}"), None).err();
        if store_head(&company.agent) != head {
            return None;
        }
        assert_eq!((&at_head["t"], &at_head["phase"]), (&json!("subok"), &json!("live")), "{at_head}");
        assert_eq!(
            (&refused["code"], &refused["head"]),
            (&json!("cursor_future"), &json!(head.to_string())),
            "{refused}"
        );
        by_page.refused(400, "cursor_future");
        assert_eq!(by_stream, Some(400));
        Some(())
    });
}

fn liv_01_a_welcome_says_all_that_it_promises(engine: Engine) {
    let server = &Server::with(engine, &[("LIVE_HEARTBEAT", "25s")]);
    let (founder, company) = company_with_metric(server, "revenue");
    for (token, has_end) in [(&company.token, false), (&founder.token, true)] {
        let mut socket = Socket::upgrade(server, &[]).unwrap();
        socket.send(&json!({ "t": "hello", "token": token }));
        let welcome = socket.frame();
        let names: BTreeSet<&str> = welcome.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["t", "conn", "store", "head", "hb_ms", "limits", "auth_exp"]));
        assert!(welcome["conn"].is_string() && welcome["head"].as_str().unwrap().parse::<u64>().is_ok(), "{welcome}");
        assert_eq!(welcome["store"], store(&company.agent));
        assert_eq!(welcome["hb_ms"], 25_000);
        assert_eq!(welcome["limits"], json!({ "subs": 64, "credit": 1024, "frame": 65_536 }));
        assert_eq!(welcome["auth_exp"].is_string(), has_end, "{welcome}");
    }
}

/// Its id is free again, and begins where it is told to.
fn liv_01_a_subscription_that_is_ended_brings_nothing_and_leaves_the_others(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let points = json!({ "eq": { "type": "metric.point_recorded" } });
    let mut socket = Socket::connect(server, &company.token);
    for id in [1, 2] {
        assert_eq!(socket.subscribe(id, &json!("head"), 10, &points)["t"], "subok");
        assert_eq!(socket.frame_of("live")["id"], id);
    }
    socket.send(&json!({ "t": "unsub", "id": 1 }));
    company.point("revenue", &json!({ "value": LEVEL }));
    let only = loop {
        let batch = socket.frame_of("batch");
        assert_eq!(batch["id"], 2, "{batch}");
        if batch["ev"] != json!([]) {
            break batch;
        }
    };
    assert_eq!(only["ev"].as_array().unwrap().len(), 1);
    socket.send(&json!({ "t": "unsub", "id": 2 }));
    assert_eq!(socket.subscribe(1, &json!("start"), 10, &points)["t"], "subok");
    assert_eq!(socket.until_live(), only["ev"].as_array().unwrap()[..]);
}

fn liv_05_exactly_as_many_events_as_credit(engine: Engine) {
    let server = Server::with(engine, &[("LIVE_HEARTBEAT", "1s")]);
    let (_, company) = company_with_metric(&server, "revenue");
    write_points(&company, "revenue", 1_000);
    let mut socket = Socket::connect(&server, &company.token);
    socket.subscribe(1, &json!("start"), 10, &Value::Null);
    let first = socket.events(10);
    let head = store_head(&company.agent);
    for heard in socket.heartbeats(2) {
        assert!(heard["head"].as_str().unwrap().parse::<u64>().unwrap() >= head, "{heard}: what waits for credit");
        assert!(heard["now"].is_string(), "{heard}");
    }
    socket.send(&json!({ "t": "credit", "id": 1, "n": 5 }));
    let more = socket.events(5);
    socket.quiet_for(Duration::from_millis(300));
    assert_eq!([first, more].concat(), listing(&company.agent, "start")[..15]);
}

/// Whoever gives more than may be outstanding, at once or bit by bit, is served up to the limit and goes on by giving
/// credit back.
fn liv_05_credit_beyond_its_limit_counts_up_to_it(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 2_200);
    let points = json!({ "eq": { "type": "metric.point_recorded" } });
    let give = |socket: &mut Socket, n: u32| socket.send(&json!({ "t": "credit", "id": 1, "n": n }));
    let mut socket = Socket::connect(server, &company.token);
    let answer = socket.subscribe(1, &json!("start"), 5_000, &points);
    assert_eq!(answer["t"], "subok", "{answer}");
    let mut heard = Vec::new();
    for (count, more) in [(1_024, u32::MAX), (1_024, 5_000), (152, 1)] {
        heard.extend(socket.events(count));
        socket.quiet_for(Duration::from_millis(300));
        give(&mut socket, more);
    }
    let mut positions: Vec<&Value> = heard.iter().map(|event| &event["p"]).collect();
    positions.dedup();
    assert_eq!(positions.len(), 2_200);

    let mut patient = Socket::connect(server, &company.token);
    patient.subscribe(1, &json!("head"), 1_000, &points);
    assert_eq!(patient.frame()["t"], "live");
    give(&mut patient, 24);
    give(&mut patient, 100);
    company.metric("orders");
    write_points(&company, "orders", 1_100);
    patient.events(1_024);
    patient.quiet_for(Duration::from_millis(300));
}

fn liv_07_a_filter_that_matches_nothing_still_advances(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let mut socket = Socket::connect(server, &company.token);
    let nothing = json!({ "eq": { "type": "no.such.event" } });
    socket.subscribe(1, &json!("start"), 10, &nothing);
    assert_eq!(socket.until_live(), Vec::<Value>::new());
    company.point("revenue", &json!({ "value": 1 }));
    let head: u64 = store_head(&company.agent);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let batch = socket.frame_of("batch");
        assert_eq!(batch["ev"], json!([]));
        if batch["upto"].as_str().unwrap().parse::<u64>().unwrap() >= head {
            break;
        }
        assert!(Instant::now() < deadline, "upto stays at {}", batch["upto"]);
    }
}

fn store_head(client: &crate::harness::Client) -> u64 {
    client.get("/v1/events?after=head").expect(200)["head"].as_str().unwrap().parse().unwrap()
}

fn filters_narrow_by_routing_keys(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    company.metric("users");
    write_points(&company, "revenue", 3);
    write_points(&company, "users", 4);
    let mut socket = Socket::connect(server, &company.token);
    let of = |key: &str| json!({ "all": [{ "eq": { "type": "metric.point_recorded" } }, { "eq": { "metric": key } }] });
    socket.subscribe(1, &json!("start"), 100, &of("users"));
    let events = socket.until_live();
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event["data"]["metric_key"] == "users"));
    let mut everything = Socket::connect(server, &company.token);
    everything.subscribe(1, &json!("start"), 100, &json!({}));
    assert_eq!(everything.until_live(), listing(&company.agent, "start"), "an empty filter narrows nothing");
}

fn liv_08_what_is_not_understood_is_refused_and_harms_nobody(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let mut healthy = Socket::connect(server, &company.token);
    healthy.subscribe(1, &json!("head"), 10, &Value::Null);
    healthy.frame_of("live");

    let mut socket = Socket::connect(server, &company.token);
    let bad = socket.subscribe(1, &json!("start"), 1, &json!({ "regex": { "type": ".*" } }));
    assert_eq!(bad["code"], "bad_filter");
    for id in 0..64 {
        assert_eq!(socket.subscribe(id, &json!("head"), 0, &Value::Null)["t"], "subok");
        assert_eq!(socket.frame()["t"], "live");
    }
    assert_eq!(socket.subscribe(64, &json!("head"), 0, &Value::Null)["code"], "too_many_subs");
    socket.send(&json!({ "t": "sub", "id": 99, "mode": "view", "topic": "metric/revenue", "credit": 1 }));
    assert_eq!(socket.frame()["t"], "err");

    let mut fits = json!({ "t": "sub", "id": 1, "from": "head", "credit": 0 }).to_string();
    fits.push_str(&" ".repeat(64 * 1024 - fits.len()));
    let mut socket = Socket::connect(server, &company.token);
    socket.raw(Message::text(fits));
    assert_eq!(socket.frame()["t"], "subok");

    let too_long = Message::text(" ".repeat(64 * 1024 + 1));
    for message in [Message::text("{"), Message::text(r#"["pong"]"#), Message::binary(vec![1, 2, 3]), too_long] {
        let mut socket = Socket::connect(server, &company.token);
        socket.raw(message);
        let (frames, code) = socket.until_closed();
        assert_eq!(code, Some(4500));
        assert_eq!(frames.last().map(|frame| frame["code"].clone()), Some(json!("bad_frame")));
    }

    // Announced is enough: nobody may fill the memory with a frame that never ends, before `hello` least of all.
    for mut socket in [Socket::connect(server, &company.token), Socket::upgrade(server, &[]).unwrap()] {
        socket.bytes(&[[0x81, 0xff].as_slice(), &(1_u64 << 62).to_be_bytes(), b"mask{"].concat());
        let (frames, code) = socket.until_closed();
        assert_eq!((code, &frames[0]["code"]), (Some(4500), &json!("bad_frame")), "closed by its announcement");
    }

    // What the server did not read any more may reset the connection before all it said has left.
    eventually("who floods is told why", || {
        let mut flooding = Socket::connect(server, &company.token);
        for _ in 0..300 {
            if flooding.try_raw(Message::text(r#"{"t":"unsub","id":1}"#)).is_err() {
                break;
            }
        }
        let said = flooding.unread();
        let close = 4008_u16.to_be_bytes();
        (contains(&said, br#""code":"rate_limited""#) && contains(&said, &close)).then_some(())
    });

    company.metric("revenue");
    assert_eq!(healthy.events(1)[0]["type"], "metric.defined");
}

/// A credential that has expired says so, as it does on an open connection: who renews it may come back.
fn liv_09_an_expired_token_in_hello_invites_with_a_new_one(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    let (token, id) = issue(&founder, &company, &json!(["application:read"]));
    founder.client.post(&format!("/v1/tokens/{id}/rotate"), &json!({ "grace_seconds": 1 })).expect(201);
    let ended = || (server.agent(&token).get("/v1/status").status != 200).then_some(());
    eventually("the token ends", ended);
    let mut socket = Socket::upgrade(server, &[]).unwrap();
    socket.send(&json!({ "t": "hello", "token": token }));
    let (frames, code) = socket.until_closed();
    assert_eq!((code, &frames[0]["code"]), (Some(4005), &json!("token_expired")));
}

/// Subscriptions of one connection are served in turn, whatever their ids. Both stand when the events come, all at once.
fn liv_08_no_id_of_a_subscription_keeps_the_others_waiting(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let points: Vec<Value> = (0..1_000).map(|value| json!({ "value": value })).collect();
    for (first, second) in [(u32::MAX, 1), (1, u32::MAX), (0, u32::MAX)] {
        let mut socket = Socket::connect(server, &company.token);
        for id in [first, second] {
            socket.subscribe(id, &json!("head"), 1_000, &Value::Null);
        }
        company.agent.post("/v1/metrics/revenue/points/batch", &json!({ "points": points })).expect(200);
        let mut heard = std::collections::BTreeMap::from([(first, 0), (second, 0)]);
        while heard.values().any(|events| *events < 500) {
            let batch = socket.frame_of("batch");
            let id = u32::try_from(batch["id"].as_u64().unwrap()).unwrap();
            *heard.get_mut(&id).unwrap() += batch["ev"].as_array().unwrap().len();
            assert!(heard.values().all(|events| *events < 900), "one waits for the other: {heard:?}");
        }
    }
}

fn liv_09_nobody_reads_without_a_good_hello(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    within(Duration::from_secs(9), || {
        let begun = Instant::now();
        let mut silent = Socket::upgrade(server, &[]).unwrap();
        assert_eq!(silent.closed(), Some(4501));
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(4), "{took:?}");
    });

    let wrong = format!("{}x", company.token);
    for token in ["", "nonsense", wrong.as_str()] {
        let mut socket = Socket::upgrade(server, &[]).unwrap();
        socket.send(&json!({ "t": "hello", "token": token }));
        assert_eq!(socket.closed(), Some(4501), "{token}");
    }
    let mut eager = Socket::upgrade(server, &[]).unwrap();
    eager.send(&json!({ "t": "sub", "id": 1, "from": "start", "credit": 1 }));
    assert_eq!(eager.closed(), Some(4501));

    let (mut other, chosen) = Socket::upgrade_speaking(server, &["muniment.live.v2"]);
    assert_eq!((other.closed(), chosen), (Some(4505), None));
    // Several headers are one list (RFC 6455 section 11.3.4).
    for offered in [["muniment.live.v2", "muniment.live.v1"], ["muniment.live.v1", "muniment.live.v2"]] {
        let (mut ours, chosen) = Socket::upgrade_speaking(server, &offered);
        assert_eq!(chosen.as_deref(), Some("muniment.live.v1"), "{offered:?}");
        ours.send(&json!({ "t": "hello", "token": company.token }));
        assert_eq!(ours.frame()["t"], "welcome", "{offered:?}");
    }

    company.agent.get("/v1/live").refused(400, "upgrade_required");
    let foreign = Socket::upgrade(server, &[("cookie", "muniment=x"), ("origin", "https://evil.example")]);
    assert_eq!(foreign.err(), Some(403));
    assert_eq!(Socket::upgrade(server, &[("cookie", "muniment=x")]).err(), Some(403));
    let in_query = Socket::upgrade_from(server, "127.0.0.1", &format!("/v1/live?token={}", company.token), &[]);
    assert_eq!(in_query.err(), Some(400));
    company.agent.get("/v1/events?token=x").refused(400, "invalid_field");
    server.anonymous().get("/v1/events").refused(401, "missing_token");
}

/// Two hundred of one address stay, by two tokens with a hundred each; whoever comes from elsewhere is let in.
fn h14_an_address_has_two_hundred_sockets_and_the_next_is_told_not_to_come_back(engine: Engine) {
    let house = Installation::with(engine, &[("LIVE_HEARTBEAT", "5m")]);
    let server = &house.server;
    let tokens = [(); 3].map(|()| server.company().token);
    let from = |address: &str| Socket::upgrade(server, &[("x-forwarded-for", address)]).unwrap();
    let welcomed = |mut socket: Socket, token: &str| {
        socket.send(&json!({ "t": "hello", "token": token }));
        assert_eq!(socket.frame()["t"], "welcome");
        socket
    };
    let mut held = in_parallel(200, |number| welcomed(from("198.51.100.7"), &tokens[number % 2]));
    assert_eq!(from("198.51.100.7").until_closed(), (Vec::new(), Some(4504)));
    welcomed(from("198.51.100.8"), &tokens[2]);
    drop(held.pop());
    eventually("a place is free again", || {
        let mut socket = from("198.51.100.7");
        socket.send(&json!({ "t": "hello", "token": "nonsense" }));
        (socket.closed() == Some(4501)).then_some(())
    });
}

both_engines![
    h14_an_address_has_two_hundred_sockets_and_the_next_is_told_not_to_come_back,
    liv_01_from_start_brings_everything_in_order_and_then_live,
    liv_01_a_welcome_says_all_that_it_promises,
    liv_01_a_subscription_that_is_ended_brings_nothing_and_leaves_the_others,
    liv_02_after_a_position_nothing_is_missing,
    liv_03_killed_connections_resume_with_every_event_once,
    liv_04_cursors_of_the_future_and_of_other_records_are_refused,
    liv_05_exactly_as_many_events_as_credit,
    liv_05_credit_beyond_its_limit_counts_up_to_it,
    liv_07_a_filter_that_matches_nothing_still_advances,
    filters_narrow_by_routing_keys,
    liv_08_what_is_not_understood_is_refused_and_harms_nobody,
    liv_08_no_id_of_a_subscription_keeps_the_others_waiting,
    liv_09_nobody_reads_without_a_good_hello,
    liv_09_an_expired_token_in_hello_invites_with_a_new_one,
];
