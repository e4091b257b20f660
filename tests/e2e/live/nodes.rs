//! Two nodes over one database (LIV-20).

use serde_json::{Value, json};

use super::socket::Socket;
use super::{LEVEL, company_with_metric, listing};
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
