//! Two nodes over one database (LIV-20).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use muniment_testkit::SilentWay;
use serde_json::{Value, json};

use super::socket::{EventStream, Incoming, Socket};
use super::{LEVEL, company_with_metric, issue, listing, positions, store, write_points};
use crate::harness::{Company, Engine, Server, Setup, Store, eventually, pause};

/// A node, a company with a metric, and another node.
fn two_nodes() -> (Server, Company, Server) {
    let first = Server::with(Engine::Postgres, &[]);
    let (_, company) = company_with_metric(&first, "revenue");
    let second = first.second_node();
    (first, company, second)
}

#[test]
fn liv_20_events_of_one_node_reach_the_subscribers_of_another() {
    let (first, company, second) = two_nodes();
    let mut socket = Socket::connect(&second, &company.token);
    socket.subscribe(1, &json!("start"), 1024, &Value::Null);
    let mut seen = socket.until_live();
    for value in 0..20 {
        company.point("revenue", &json!({ "value": LEVEL + value, "idempotency_key": format!("n-{value}") }));
    }
    seen.extend(socket.events(20));
    first.kill9();
    let there = second.agent(&company.token);
    there.post("/v1/metrics/revenue/points", &json!({ "value": LEVEL })).expect(201);
    seen.extend(socket.events(1));
    assert_eq!(seen, listing(&there, "start"));
}

#[test]
fn liv_20_what_a_killed_node_acknowledged_last_reaches_the_subscribers_of_another() {
    let (first, company, second) = two_nodes();
    let mut socket = Socket::connect(&second, &company.token);
    socket.subscribe(1, &json!("start"), 1024, &Value::Null);
    let mut seen = socket.until_live();
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (company, acknowledged) = (&company, &acknowledged);
            scope.spawn(move || {
                for n in 0..100 {
                    let point = json!({ "value": LEVEL, "idempotency_key": format!("{writer}-{n}") });
                    match company.agent.try_post("/v1/metrics/revenue/points", &point) {
                        Some(reply) if reply.status == 201 => acknowledged.lock().unwrap().push(reply.position()),
                        _ => return,
                    }
                }
            });
        }
        eventually("points are acknowledged", || (acknowledged.lock().unwrap().len() > 100).then_some(()));
        first.kill9();
    });
    // Without a question to the other node, which might make it look.
    let acknowledged = acknowledged.into_inner().unwrap();
    while positions(&seen).last() < acknowledged.iter().max() {
        seen.extend(socket.frame_of("batch")["ev"].as_array().unwrap().iter().cloned());
    }
    // Behind what the killed one may still have had under way in the database.
    let there = second.agent(&company.token);
    there.post("/v1/metrics/revenue/points", &json!({ "value": LEVEL })).expect(201);
    let all = listing(&there, "start");
    socket.reads_on(seen, &all);
    let recorded = positions(&all);
    assert!(acknowledged.iter().all(|position| recorded.contains(position)), "{acknowledged:?} of {recorded:?}");
}

#[test]
fn met_124_what_a_revoked_token_opened_on_the_other_node_ends_there() {
    let first = Server::with(Engine::Postgres, &[]);
    let (founder, company) = company_with_metric(&first, "revenue");
    let second = first.second_node();
    let (token, id) = issue(&founder, &company, &json!(["application:read"]));
    let mut socket = Socket::connect(&second, &token);
    socket.subscribe(7, &json!("head"), 1024, &Value::Null);
    socket.frame_of("live");
    let mut stream = EventStream::open(&second, &token, "after=head", None).unwrap();
    let revoked = founder.client.post_bytes(&format!("/v1/tokens/{id}/revoke"), "");
    revoked.expect(200);
    company.point("revenue", &json!({ "value": LEVEL }));
    let (frames, code) = socket.until_closed();
    let last = frames.last().unwrap();
    assert_eq!((&last["t"], code), (&json!("revoked"), Some(4503)), "{frames:?}");
    assert!(last["at"].as_str().unwrap().parse::<u64>().unwrap() <= revoked.position(), "{last}");
    assert!(frames.iter().all(|frame| frame["ev"].as_array().is_none_or(Vec::is_empty)), "{frames:?}");
    let told: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
    assert!(matches!(&told[..], [last] if last.event == "revoked"), "{told:?}");
}

/// A client behind a balancer asks one node today and the other tomorrow.
#[test]
fn liv_20_a_cursor_of_one_node_is_good_on_the_other_at_once() {
    let first = Server::with(Engine::Postgres, &[]);
    let (_, company) = company_with_metric(&first, "revenue");
    let second = first.second_node();
    let there = second.agent(&company.token);
    let store = store(&there);
    let mut socket = Socket::connect(&second, &company.token);
    for round in 0..40 {
        let cursor = || {
            let point = json!({ "value": LEVEL });
            let written = company.agent.post("/v1/metrics/revenue/points", &point);
            format!("{store}:{}", written.header("muniment-position"))
        };
        there.get(&format!("/v1/events?after={}", cursor())).expect(200);
        let written = cursor();
        let position = written.rsplit(':').next().unwrap();
        let page = there.header("muniment-after", position).get("/v1/events?after=start&limit=1000").expect(200);
        assert_eq!(page["events"].as_array().unwrap().last().unwrap()["p"], position);
        socket.ask(round, &json!({ "after": cursor() }), 0, &Value::Null);
        let answer = loop {
            let frame = socket.frame();
            if frame["t"] != "live" {
                break frame;
            }
        };
        assert_eq!(answer["t"], "subok", "{answer}");
        EventStream::open(&second, &company.token, "", Some(&cursor())).unwrap();
    }
}

/// A node that hears nothing of the others does not know whose rights ended there.
#[test]
fn liv_20_a_node_that_is_cut_off_soon_sends_nothing_more() {
    /// Five seconds are promised; the rest is for a machine that lets this test wait for what was sent in time.
    const LAST_WITHIN: Duration = Duration::from_secs(15);
    const ASKED_FOR: Duration = Duration::from_secs(20);
    const ASKED_EVERY: Duration = Duration::from_millis(200);
    /// More than are asked for.
    const BEHIND: usize = 150;
    let first = Server::with(Engine::Postgres, &[]);
    let (founder, company) = company_with_metric(&first, "revenue");
    let (token, id) = issue(&founder, &company, &json!(["application:read"]));
    let Store::Postgres { url } = &first.store else { unreachable!("{:?}", first.store) };
    let way = SilentWay::to(url);
    let setup = Setup::new(Engine::Postgres).over(first.store.clone(), &first.data).by_way_of(way.url());
    let second = setup.set("DATABASE_WAIT_SECONDS", "").start();
    // What one subscription has read lies in the node's memory; another has given no credit for it yet.
    let mut socket = Socket::connect(&second, &token);
    socket.subscribe(1, &json!("head"), 1024, &Value::Null);
    socket.frame_of("live");
    socket.ask(2, &json!("head"), 0, &Value::Null);
    assert_eq!(socket.frame_of("subok")["id"], 2);
    let mut stream = EventStream::open(&second, &token, "after=head", None).unwrap();
    write_points(&company, "revenue", BEHIND);
    socket.events(BEHIND);
    stream.events(BEHIND);

    let cut_at = Instant::now();
    way.cut(true);
    founder.client.post_bytes(&format!("/v1/tokens/{id}/revoke"), "").expect(200);
    let mut last = Duration::ZERO;
    while cut_at.elapsed() < ASKED_FOR {
        socket.send(&json!({ "t": "credit", "id": 2, "n": 1 }));
        match socket.within(ASKED_EVERY) {
            Some(Incoming::Frame(frame)) if frame["t"] == "batch" => {
                last = cut_at.elapsed();
                pause(ASKED_EVERY);
            }
            None => {}
            other => panic!("of the revocation nobody there can know: {other:?}"),
        }
    }
    println!("the last event of a node that was cut off came {last:?} later");
    assert!(last < LAST_WITHIN, "{last:?}");

    way.cut(false);
    let (frames, code) = socket.until_closed();
    assert_eq!((&frames.last().unwrap()["t"], code), (&json!("revoked"), Some(4503)), "{frames:?}");
    assert!(frames.iter().all(|frame| frame["ev"].as_array().is_none_or(Vec::is_empty)), "{frames:?}");
    // The stream had ended before.
    let told: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
    let [bye] = &told[..] else { panic!("{told:?}") };
    assert_eq!((bye.event.as_str(), &bye.data.as_ref().unwrap()["code"]), ("bye", &json!(4001)), "{bye:?}");
}
