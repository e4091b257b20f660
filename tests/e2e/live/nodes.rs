//! Two nodes over one database (LIV-20).

use serde_json::{Value, json};

use super::socket::{EventStream, Socket};
use super::{LEVEL, company_with_metric, listing, store};
use crate::harness::{Engine, Server};

#[test]
fn liv_20_events_of_one_node_reach_the_subscribers_of_another() {
    let first = Server::with(Engine::Postgres, &[]);
    let (_, company) = company_with_metric(&first, "revenue");
    let second = first.second_node();
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
