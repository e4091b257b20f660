//! Aggregates that nobody asks leave the memory of every node, each by itself, and come back when they are asked again.

use serde_json::json;

use crate::harness::{Engine, Server, eventually};

/// Metrics that a node keeps in memory.
fn live_metrics(node: &Server) -> Option<u64> {
    let figures = String::from_utf8(node.anonymous().get("/metrics").body).unwrap();
    let line = figures.lines().find_map(|line| line.strip_prefix("muniment_live_actors{aggregate=\"metric\"} "))?;
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
        eventually("its metric leaves memory", || (live_metrics(node) == Some(0)).then_some(()));
    }
    for node in &nodes {
        node.agent(&company.token).post("/v1/metrics/revenue/points", &json!({ "value": 7 })).expect(201);
    }
    assert_eq!(company.points("revenue").len(), nodes.len() * 2);
}

both_engines![idle_actors_leave_every_node];
