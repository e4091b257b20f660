//! Under load and at the end: clients that do not read, many subscribers, restarts (LIV-12, 13, 14, 18).

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::socket::{Incoming, Socket, incoming};
use super::{LEVEL, company_with_metric, issue, listing, pause, store};
use crate::harness::{Company, Engine, Founder, Server, eventually, runtime, torture};

/// Resident memory of the server, in bytes.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Live connections, as the server's figures say; up to a second old.
fn live_connections(server: &Server) -> u64 {
    let figures = server.anonymous().request("GET", "/metrics").body;
    let figures = String::from_utf8_lossy(&figures);
    let figure = figures.lines().find_map(|line| line.strip_prefix("muniment_live_sockets "));
    figure.map_or(0, |figure| figure.trim().parse().unwrap())
}

/// Records points whose events are about 1 KiB each.
fn write_kibibytes(company: &Company, stem: &str, count: usize) {
    let wide = "w".repeat(200);
    let points: Vec<Value> = (0..count)
        .map(|index| {
            json!({
                "value": LEVEL, "source": wide, "raw_event_id": format!("{wide}{wide:.50}"),
                "idempotency_key": format!("{stem}-{index}-{wide}"),
            })
        })
        .collect();
    for batch in points.chunks(250) {
        let made = company.agent.post("/v1/metrics/revenue/points/batch", &json!({ "points": batch }));
        assert!(made.status < 300, "{made}");
    }
}

/// Tokens enough for this many connections.
fn tokens_for(founder: &Founder, company: &Company, connections: usize) -> Vec<String> {
    (0..connections.div_ceil(100)).map(|_| issue(founder, company, &json!(["application:read"])).0).collect()
}

/// An address of this machine for the `index`th connection; 150 connections each.
fn address(index: usize) -> String {
    format!("127.0.1.{}", 1 + index / 150)
}

fn liv_12_a_jammed_reader_costs_little_and_is_gone_soon(engine: Engine) {
    const JAMMED: usize = 100;
    let healthy_count: usize = if torture() { 1_000 } else { 50 };
    let server = Server::with(engine, &[]);
    let (founder, company) = company_with_metric(&server, "revenue");
    // The pages of these events are made once, whoever reads them: the listing makes them here too.
    write_kibibytes(&company, "warm", 2_000);
    listing(&company.agent, "start");
    let before = resident(&server);
    write_kibibytes(&company, "alone", 2_000);
    listing(&company.agent, "start");
    let growth_alone = resident(&server).saturating_sub(before);

    let token = issue(&founder, &company, &json!(["application:read"])).0;
    let before = resident(&server);
    let jammed: Vec<Socket> = (0..JAMMED)
        .map(|_| {
            let mut socket = Socket::connect_from(&server, "127.0.0.2", &token);
            socket.send(&json!({ "t": "sub", "id": 1, "from": "head", "credit": 1024 }));
            socket
        })
        .collect();
    let begun = Instant::now();
    write_kibibytes(&company, "jammed", 2_000);
    let growth = resident(&server).saturating_sub(before).saturating_sub(growth_alone);
    let each = growth / u64::try_from(JAMMED).unwrap();
    println!("a jammed reader costs {} KiB, its connection included", each / 1024);
    assert!(each <= 64 * 1024, "{each} bytes each");

    eventually("the jammed readers are counted", || (live_connections(&server) >= 100).then_some(()));
    let tokens = tokens_for(&founder, &company, healthy_count);
    let latencies = fan_out(&server, &[(&company, &tokens)], healthy_count, 3);
    println!("{healthy_count} healthy subscribers beside {JAMMED} jammed ones: {}", figures(&latencies));
    eventually("the jammed readers are gone", || (live_connections(&server) == 0).then_some(()));
    let took = begun.elapsed();
    println!("all jammed readers are gone after {took:?}");
    drop(jammed);
    assert!(took < Duration::from_secs(15), "{took:?}");
}

fn liv_13_a_client_without_a_pong_is_closed(engine: Engine) {
    if !torture() {
        return; // A heartbeat and its deadline are 35 seconds; the state machine's test has the same rule.
    }
    let server = Server::with(engine, &[]);
    let company = server.company();
    let idle = Socket::connect(&server, &company.token);
    let begun = Instant::now();
    eventually("the socket is counted", || (live_connections(&server) == 1).then_some(()));
    while live_connections(&server) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(45), "still open");
        pause(500);
    }
    let took = begun.elapsed();
    println!("a client that never answers is gone after {took:?}");
    assert!(took > Duration::from_secs(25), "{took:?}: before its first heartbeat was due");
    drop(idle);
}

fn liv_14_a_restart_sends_clients_away_and_nothing_is_lost(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (_, company) = company_with_metric(&server, "revenue");
    let store = store(&company.agent);
    let mut socket = Socket::connect(&server, &company.token);
    socket.subscribe(1, &json!("start"), 1024, &Value::Null);
    let mut seen = socket.until_live();
    company.point("revenue", &json!({ "value": LEVEL }));
    seen.extend(socket.events(1));
    let (frames, code) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| socket.until_closed());
        assert!(server.terminate().success());
        reader.join().unwrap()
    });
    assert!(code == Some(4000) || code.is_none(), "{code:?}");
    if code == Some(4000) {
        let bye = frames.last().unwrap();
        assert_eq!((&bye["t"], &bye["code"]), (&json!("bye"), &json!(4000)));
    }
    server.restart();
    company.point("revenue", &json!({ "value": LEVEL }));
    let last = seen.last().unwrap()["p"].as_str().unwrap().to_owned();
    let mut socket = Socket::connect(&server, &company.token);
    socket.subscribe(1, &json!({ "after": format!("{store}:{last}") }), 1024, &Value::Null);
    seen.extend(socket.until_live());
    assert_eq!(seen, listing(&company.agent, "start"));
}

fn liv_18_one_event_reaches_every_subscriber(engine: Engine) {
    let count: usize = if torture() { 5_000 } else { 300 };
    let server = Server::with(engine, &[]);
    // A company has at most 20 tokens of 100 connections each, so the readers are of several companies.
    let companies: Vec<_> = (0..count.div_ceil(1_700))
        .map(|_| {
            let (founder, company) = company_with_metric(&server, "revenue");
            let tokens = tokens_for(&founder, &company, count.min(1_700));
            (company, tokens)
        })
        .collect();
    let before = resident(&server);
    let readers: Vec<(&Company, &Vec<String>)> = companies.iter().map(|(company, tokens)| (company, tokens)).collect();
    let latencies = fan_out(&server, &readers, count, 3);
    let each = resident(&server).saturating_sub(before) / u64::try_from(count).unwrap();
    println!("{count} subscribers: {}; {} KiB a connection", figures(&latencies), each / 1024);
    assert_eq!(latencies.len(), 3 * count);
}

/// Opens `count` subscribers, writes a few events and measures until each subscriber has each of them.
fn fan_out(server: &Server, readers: &[(&Company, &Vec<String>)], count: usize, rounds: usize) -> Vec<Duration> {
    let mut sockets: Vec<Socket> = (0..count)
        .map(|index| {
            let (_, tokens) = readers[index % readers.len()];
            let token = &tokens[index / readers.len() / 100];
            let mut socket = Socket::connect_from(server, &address(index), token);
            socket.subscribe(1, &json!("head"), 1024, &Value::Null);
            socket.frame_of("live");
            socket
        })
        .collect();
    let stem = crate::harness::unique("fan");
    let mut latencies = Vec::new();
    for round in 0..rounds {
        let begun = Instant::now();
        let reading: Vec<_> = sockets
            .drain(..)
            .map(|socket| {
                runtime().spawn(async move {
                    let mut inner = socket.into_inner();
                    loop {
                        match incoming(&mut inner, Duration::from_secs(30)).await {
                            Some(Incoming::Frame(frame)) if frame["ev"].as_array().is_some_and(|ev| !ev.is_empty()) => {
                                return (begun.elapsed(), inner);
                            }
                            Some(Incoming::Frame(_)) => {}
                            other => panic!("expected the event, found {other:?}"),
                        }
                    }
                })
            })
            .collect();
        for (company, _) in readers {
            company.point("revenue", &json!({ "value": LEVEL, "idempotency_key": format!("{stem}-{round}") }));
        }
        for reader in reading {
            let (latency, inner) = runtime().block_on(reader).unwrap();
            latencies.push(latency);
            sockets.push(Socket::from_inner(inner));
        }
    }
    latencies.sort();
    latencies
}

fn figures(sorted: &[Duration]) -> String {
    let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    format!("p50 {:?}, p99 {:?} from the command to the subscriber", at(50), at(99))
}

/// One address of the server's own machine stands for every service on it.
fn liv_18_the_machine_itself_may_have_more_connections_than_an_address(engine: Engine) {
    let server = Server::with(engine, &[]);
    let sockets: Vec<Socket> = (0..250).map(|_| Socket::upgrade(&server, &[]).unwrap()).collect();
    assert_eq!(sockets.len(), 250);
}

both_engines![
    liv_18_the_machine_itself_may_have_more_connections_than_an_address,
    liv_12_a_jammed_reader_costs_little_and_is_gone_soon,
    liv_13_a_client_without_a_pong_is_closed,
    liv_14_a_restart_sends_clients_away_and_nothing_is_lost,
    liv_18_one_event_reaches_every_subscriber,
];
