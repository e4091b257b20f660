//! Many at once: one wins, and two nodes write one record (issue: races; MET-023, 074, 091 stand with their resource).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Company, Engine, Server, in_parallel, pause, text, torture};

fn thirty_two_posts_of_one_key_record_one_point_each_time(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    let rounds = if torture() { 200 } else { 5 };
    for round in 0..rounds {
        let client = company.agent.header("idempotency-key", &format!("round-{round}"));
        let replies = in_parallel(32, |_| client.post("/v1/metrics/arr/points", &json!({ "value": round })));
        let created = replies.iter().filter(|reply| reply.status == 201).count();
        let ids: BTreeSet<String> = replies.iter().map(|reply| reply.json()["id"].to_string()).collect();
        assert_eq!((created, ids.len()), (1, 1));
    }
    assert_eq!(server.store.count("metric.point_recorded"), rounds);
    println!("32 posts of one key on {engine:?}: {rounds} rounds, one point each");
}

fn thirty_two_right_codes_open_one_session_each_time(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let nodes = [&server, second.as_ref().unwrap_or(&server)];
    let rounds = if torture() { 50 } else { 2 };
    for round in 0..rounds {
        let email = format!("race{round}@example.com");
        let code = server.code_for(&email);
        let body = json!({ "email": email, "code": code });
        let replies = in_parallel(32, |index| nodes[index % 2].anonymous().post("/v1/auth/otp/verify", &body));
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    }
    assert_eq!(server.store.count("session.started"), rounds);
    println!("32 right codes on {engine:?}: {rounds} rounds, one session each");
}

#[test]
fn two_nodes_on_one_hot_metric_lose_nothing() {
    let first = Server::with(Engine::Postgres, &[]);
    let second = first.second_node();
    let company = first.company();
    company.metric("hot");
    let clients = [company.agent.clone(), second.agent(&company.token)];
    let each = if torture() { 400 } else { 25 };
    let refused = AtomicUsize::new(0);
    // Two nodes that decide on one stream lose to each other now and then. Past a bound the caller is told to come
    // back; he does, with the same key, and a refusal must have recorded nothing.
    let post = |writer: usize, n: usize| -> String {
        let body = json!({ "value": n, "idempotency_key": format!("{writer}-{n}") });
        loop {
            let reply = clients[writer % 2].post("/v1/metrics/hot/points", &body);
            if reply.status != 503 {
                return reply.expect(201)["id"].to_string();
            }
            refused.fetch_add(1, Ordering::Relaxed);
        }
    };
    let answered = in_parallel(32, |writer| (0..each).map(|n| post(writer, n)).collect::<Vec<_>>());
    let ids: BTreeSet<String> = answered.into_iter().flatten().collect();
    println!("two nodes, one hot metric: {} points, {} told to come back", ids.len(), refused.into_inner());
    assert_eq!(ids.len(), 32 * each);
    let points = company.points("hot");
    assert_eq!(points.len(), ids.len());
    let head = text(&first.anonymous().get("/ready").expect(200)["head"]);
    let elsewhere = Company { agent: clients[1].header("muniment-after", &head), ..company.clone() };
    assert_eq!(elsewhere.points("hot"), points);
    let row = "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(MAX(sequence) AS TEXT) FROM events WHERE aggregate_type = 'metric' GROUP BY aggregate_id";
    for stream in first.store.texts(row) {
        let (count, last) = stream.split_once(' ').unwrap();
        assert_eq!(count, last, "a stream's sequence has a gap");
    }
    crate::crash::contiguous(&first);
    crate::crash::verifies(&first);
}

/// What such a command records hangs on the one before it, which another may have got in between.
#[test]
fn rules_set_by_two_nodes_at_once_follow_one_another() {
    let first = Server::with(Engine::Postgres, &[]);
    let second = first.second_node();
    let company = first.company();
    company.metric("arr");
    let clients = [company.agent.clone(), second.agent(&company.token)];
    let each = if torture() { 100 } else { 10 };
    let set = |writer: usize, n: usize| -> u64 {
        let body = json!({ "type": "above", "threshold": writer * 1_000 + n });
        loop {
            let reply = clients[writer % 2].post("/v1/metrics/arr/rules", &body);
            // Too many races lost in a row: nothing was recorded, come again.
            if reply.status != 503 {
                return reply.expect(200)["version"].as_u64().unwrap();
            }
        }
    };
    let versions = in_parallel(16, |writer| (0..each).map(|n| set(writer, n)).collect::<Vec<_>>());
    let versions: BTreeSet<u64> = versions.into_iter().flatten().collect();
    let answered = u64::try_from(16 * each).unwrap();
    assert!(versions.into_iter().eq(1..=answered), "every version is answered once");
    let recorded = first.store.texts("SELECT payload::json->'rule_set'->'rule'->>'version' FROM events WHERE event_type = 'metric.rule_set' ORDER BY position");
    assert!(recorded.into_iter().eq((1..=answered).map(|version| version.to_string())), "each follows the one before");
    println!("rules by 16 writers on two nodes: {answered} versions, each on the one before");
}

#[test]
fn a_write_through_one_node_is_read_through_the_other() {
    let first = Server::with(Engine::Postgres, &[]);
    let second = first.second_node();
    let company = first.company();
    company.metric("arr");
    let elsewhere = second.agent(&company.token);
    for value in 1..50 {
        let reply = company.agent.post("/v1/metrics/arr/points", &json!({ "value": value }));
        reply.expect(201);
        let there = elsewhere.header("muniment-after", &reply.position().to_string()).get("/v1/status").expect(200);
        assert_eq!(there["metrics"][0]["latest_value"].as_u64(), Some(value), "{there}");
    }
}

fn a_token_used_in_the_moment_of_its_revocation_is_dead_from_then_on(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let rounds = if torture() { 600 } else { 60 };
    let mut too_late = 0;
    for round in 0..rounds {
        let asked = json!({ "name": "bot", "scopes": ["application:read"], "company_id": company.id });
        let made = founder.client.post("/v1/tokens", &asked).expect(201);
        let path = format!("/v1/tokens/{}/revoke", made["public_id"].as_str().unwrap());
        let agent = server.agent(made["token"].as_str().unwrap());
        // Its first use, which is looked up, begins before, while and after the revocation is recorded.
        let statuses = in_parallel(2, |index| {
            if index == 0 {
                return founder.client.post(&path, &json!({})).status;
            }
            pause(Duration::from_micros(250 * (round % 30)));
            agent.get("/v1/status").status
        });
        assert_eq!(statuses[0], 200);
        too_late += u64::from(statuses[1] == 401);
        agent.get("/v1/status").refused(401, "invalid_token");
    }
    println!("{engine:?}: of {rounds} tokens in use while they were revoked, {too_late} were used too late");
}

both_engines![
    thirty_two_posts_of_one_key_record_one_point_each_time,
    thirty_two_right_codes_open_one_session_each_time,
    a_token_used_in_the_moment_of_its_revocation_is_dead_from_then_on,
];
