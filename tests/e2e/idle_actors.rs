//! Aggregates that nobody asks leave the memory of every node, each by itself, and come back when they are asked again.

use serde_json::json;

use crate::harness::{Engine, Installation, Server, eventually};

/// Aggregates of a type that a node keeps in memory.
fn live(node: &Server, aggregate: &str) -> Option<u64> {
    let figures = String::from_utf8(node.anonymous().get("/metrics").body).unwrap();
    let figure = format!("muniment_live_actors{{aggregate=\"{aggregate}\"}} ");
    let line = figures.lines().find_map(|line| line.strip_prefix(&figure))?;
    Some(line.parse().unwrap())
}

fn idle_actors_leave_every_node(engine: Engine) {
    let first = Server::with(engine, &[("RUNTIME_IDLE_SECONDS", "1")]);
    let second = (engine == Engine::Postgres).then(|| first.second_node());
    let company = first.company();
    company.metric("revenue");
    let nodes: Vec<&Server> = std::iter::once(&first).chain(&second).collect();
    for (number, node) in nodes.iter().enumerate() {
        let point = json!({ "value": number });
        node.agent(&company.token).post("/v1/metrics/revenue/points", &point).expect(201);
    }
    for node in &nodes {
        eventually("its metric leaves memory", || (live(node, "metric") == Some(0)).then_some(()));
    }
    for node in &nodes {
        node.agent(&company.token).post("/v1/metrics/revenue/points", &json!({ "value": 7 })).expect(201);
    }
    assert_eq!(company.points("revenue").len(), nodes.len() * 2);
}

fn refused_attempts_stay_in_no_memory(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.named("ann-a");
    for name in ["ann-a", "nobody-here"] {
        house.login(name, "wrong").refused(401, "invalid_credentials");
    }
    ann.client
        .post("/api/account/password", &json!({ "current_password": "wrong", "new_password": "long enough 123" }));
    assert_eq!(house.audit(&json!({ "outcome": "failure" })).len(), 3, "they are recorded");
    assert_eq!(live(&house.server, "attempt"), Some(0));
}

both_engines![idle_actors_leave_every_node, refused_attempts_stay_in_no_memory];
