//! Under load and at the end: clients that do not read, many subscribers, restarts (LIV-12, 13, 14, 18).

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::line::Line;
use super::socket::{Incoming, Socket, incoming};
use super::{LEVEL, StopsWhenDropped, company_with_metric, issue, listing, store};
use crate::harness::{Company, Engine, Founder, Server, contains, eventually, pause, runtime, torture};

/// Resident memory of the server, in bytes.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Live connections, as the server's figures say; up to a second old, and not told before that second.
fn live_connections(server: &Server) -> Option<usize> {
    let figures = server.anonymous().request("GET", "/metrics").body;
    let figures = String::from_utf8_lossy(&figures);
    let figure = figures.lines().find_map(|line| line.strip_prefix("muniment_live_sockets "));
    figure.map(|figure| figure.trim().parse().unwrap())
}

/// Waits until the server counts so many live connections.
fn counted(server: &Server, what: &str, enough: impl Fn(usize) -> bool) {
    eventually(what, || live_connections(server).filter(|count| enough(*count)));
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
    /// By how much jammed readers may slow the others down: the noise between two measurements.
    const RATIO_MAX: f64 = 1.5;
    /// How long memory has to be given back.
    const GIVEN_BACK: Duration = Duration::from_secs(2);
    let (healthy_count, rounds) = if torture() { (1_000, 10) } else { (50, 3) };
    // No heartbeats: subscribers that wait for the next measurement do not read.
    let server = Server::with(engine, &[("LIVE_HEARTBEAT", "5m")]);
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
    let first = jam(&server, &token, JAMMED, "head");
    counted(&server, "all of them are connected", |count| count >= JAMMED);
    let begun = Instant::now();
    write_kibibytes(&company, "jammed", 2_000);
    let beside = resident(&server);
    all_gone(&server, 0, begun);
    drop(first);
    // What came with them beside what the points alone cost, and what went with them: each says too little where memory of
    // before is used again, or kept.
    let came = beside.saturating_sub(before).saturating_sub(growth_alone);
    let mut went = 0;
    let begun = Instant::now();
    while begun.elapsed() < GIVEN_BACK {
        went = went.max(beside.saturating_sub(resident(&server)));
        pause(Duration::from_millis(50));
    }
    let [came, went] = [came, went].map(|bytes| bytes / u64::try_from(JAMMED).unwrap());
    println!("a jammed reader costs {} KiB, its connection included; {} KiB went with it", came / 1024, went / 1024);
    assert!(came.max(went) <= 64 * 1024, "{came} and {went} bytes each");

    // The same subscribers without and beside jammed readers, in one run.
    let tokens = tokens_for(&founder, &company, healthy_count);
    let mut healthy = subscribers(&server, &[(&company, &tokens)], healthy_count);
    let alone = fan_out(&mut healthy, &[&company], rounds);
    let begun = Instant::now();
    let second = jam(&server, &token, JAMMED, "start");
    let beside = fan_out(&mut healthy, &[&company], rounds);
    counted(&server, "the jammed readers were there to the end", |count| count > healthy_count);
    let ratio = percentile(&beside, 99).as_secs_f64() / percentile(&alone, 99).as_secs_f64();
    println!("{healthy_count} healthy subscribers: {}", figures(&alone));
    println!("the same beside {JAMMED} jammed readers: {}; p99 times {ratio:.2}", figures(&beside));
    assert!(!torture() || ratio <= RATIO_MAX, "{ratio}");
    all_gone(&server, healthy_count, begun);
    drop(second);
}

/// Subscribers who will read nothing any more.
fn jam(server: &Server, token: &str, count: usize, from: &str) -> Vec<Socket> {
    let jammed = (0..count).map(|_| {
        let mut socket = Socket::connect_from(server, "127.0.0.2", token);
        socket.send(&json!({ "t": "sub", "id": 1, "from": from, "credit": 1024 }));
        socket
    });
    jammed.collect()
}

/// Waits until no more than these are connected, in time.
fn all_gone(server: &Server, but: usize, begun: Instant) {
    counted(server, "the jammed readers are gone", |count| count <= but);
    let took = begun.elapsed();
    println!("all jammed readers are gone after {took:?}");
    assert!(!torture() || took < Duration::from_secs(15), "{took:?}");
}

/// Bytes wait for him, and no pong says that he has read any.
fn liv_12_who_reads_nothing_of_what_he_asked_for_is_told_so(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_kibibytes(&company, "slow", 250);
    let mut slow = Socket::connect(server, &company.token);
    slow.ask(1, &json!("start"), 1024, &Value::Null);
    let last = slow.unread();
    let close = 4002_u16.to_be_bytes();
    assert!(contains(&last, br#""code":4002"#) && contains(&last, &close), "{}", String::from_utf8_lossy(&last));
}

fn liv_13_who_does_not_answer_is_found_and_closed(engine: Engine) {
    let server = Server::with(engine, &[("LIVE_HEARTBEAT", "1s")]);
    let company = server.company();
    let begun = Instant::now();
    // One reads nothing; of one, both ends stand and nothing arrives; one answers.
    let mut silent = Socket::connect(&server, &company.token);
    let mut line = Line::to(&server);
    let vanished = Socket::connect_over(&line, &company.token);
    line.go_dead();
    let mut alive = Socket::connect(&server, &company.token);
    let is_found = AtomicBool::new(false);
    let (heard, found) = std::thread::scope(|scope| {
        let hearing = scope.spawn(|| {
            let mut heard = Vec::new();
            while !is_found.load(Ordering::Relaxed) {
                heard.extend(alive.heartbeats(1).into_iter().map(|beat| (Instant::now(), beat)));
            }
            heard
        });
        let done = StopsWhenDropped(&is_found);
        let found = line.ended_by_server(Duration::from_secs(60));
        drop(done);
        (hearing.join().unwrap(), found)
    });
    let (took, beats) = (found.duration_since(begun), heard.iter().filter(|(at, _)| *at < found).count());
    println!("a peer that is no longer there is found after {took:?} and {beats} heartbeats");
    // A heartbeat, and ten seconds for its answer; deadlines are looked at once a second. What slows the server down slows
    // its heartbeats down too, so they are the clock of what comes too late.
    assert!(took > Duration::from_secs(10), "{took:?}");
    assert!(beats <= 13, "found after {beats} heartbeats, {took:?}");
    drop(vanished);
    let last = silent.unread();
    let (bye, close) = (r#""code":4003"#.as_bytes(), [0x0f, 0xa3]);
    assert!(contains(&last, bye) && contains(&last, &close), "{}", String::from_utf8_lossy(&last));
    let times: Vec<&str> = heard.iter().map(|(_, beat)| beat["now"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    company.metric("revenue");
    alive.subscribe(1, &json!("start"), 1024, &Value::Null);
    assert_eq!(alive.until_live(), listing(&company.agent, "start"), "who answers is served on");
}

fn liv_14_a_restart_sends_everybody_away_and_nothing_is_lost(engine: Engine) {
    let count: usize = if torture() { 200 } else { 40 };
    let server = Server::with(engine, &[]);
    let (founder, company) = company_with_metric(&server, "revenue");
    let store = store(&company.agent);
    let tokens = tokens_for(&founder, &company, count);
    let mut readers: Vec<(Socket, Vec<Value>)> = (0..count)
        .map(|index| {
            let mut socket = Socket::connect_from(&server, &address(index), &tokens[index / 100]);
            socket.subscribe(1, &json!("start"), 1024, &Value::Null);
            let seen = socket.until_live();
            (socket, seen)
        })
        .collect();
    company.point("revenue", &json!({ "value": LEVEL }));
    let mut waits: Vec<u64> = std::thread::scope(|scope| {
        let reading: Vec<_> = readers
            .iter_mut()
            .map(|(socket, seen)| {
                scope.spawn(move || {
                    seen.extend(socket.events(1));
                    socket.until_closed()
                })
            })
            .collect();
        assert!(server.terminate().success());
        let sent_away = reading.into_iter().map(|reader| {
            let (frames, code) = reader.join().unwrap();
            assert_eq!(code, Some(4000), "{frames:?}");
            let bye = frames.last().unwrap();
            assert_eq!((&bye["t"], &bye["code"]), (&json!("bye"), &json!(4000)));
            bye["retry_ms"].as_u64().unwrap()
        });
        sent_away.collect()
    });
    assert!(waits.iter().all(|wait| (1_500..3_000).contains(wait)), "{waits:?}");
    waits.sort_unstable();
    // Nobody is asked to come back in a crowd: of any tenth of the span, at most a fifth of all.
    let crowd = |from: u64| waits.iter().filter(|wait| (from..from + 150).contains(wait)).count();
    assert!((1_500..2_850).all(|from| crowd(from) <= count.div_ceil(5)), "{waits:?}");

    server.restart();
    company.point("revenue", &json!({ "value": LEVEL }));
    let all = listing(&company.agent, "start");
    for (index, (_, mut seen)) in readers.into_iter().enumerate() {
        let last = seen.last().unwrap()["p"].as_str().unwrap();
        let mut socket = Socket::connect_from(&server, &address(index), &tokens[index / 100]);
        socket.subscribe(1, &json!({ "after": format!("{store}:{last}") }), 1024, &Value::Null);
        seen.extend(socket.until_live());
        assert_eq!(seen, all);
    }
    println!("{count} sockets were sent away, to come back within {} to {} ms", waits[0], waits[count - 1]);
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
    let mut sockets = subscribers(&server, &readers, count);
    let of: Vec<&Company> = companies.iter().map(|(company, _)| company).collect();
    let latencies = fan_out(&mut sockets, &of, 3);
    let each = resident(&server).saturating_sub(before) / u64::try_from(count).unwrap();
    println!("{count} subscribers: {}; {} KiB a connection", figures(&latencies), each / 1024);
    assert_eq!(latencies.len(), 3 * count);
}

/// Opens this many subscribers, in turn of each company's tokens.
fn subscribers(server: &Server, readers: &[(&Company, &Vec<String>)], count: usize) -> Vec<Socket> {
    let subscriber = |index: usize| {
        let (_, tokens) = readers[index % readers.len()];
        let token = &tokens[index / readers.len() / 100];
        let mut socket = Socket::connect_from(server, &address(index), token);
        socket.subscribe(1, &json!("head"), 1024, &Value::Null);
        socket.frame_of("live");
        socket
    };
    (0..count).map(subscriber).collect()
}

/// Records an event of each company a round and measures until each subscriber has it.
fn fan_out(sockets: &mut Vec<Socket>, companies: &[&Company], rounds: usize) -> Vec<Duration> {
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
        for company in companies {
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

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn figures(sorted: &[Duration]) -> String {
    let (half, most) = (percentile(sorted, 50), percentile(sorted, 99));
    format!("p50 {half:?}, p99 {most:?} from the command to the subscriber")
}

/// One address of the server's own machine stands for every service on it.
fn liv_18_the_machine_itself_may_have_more_connections_than_an_address(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (founder, company) = company_with_metric(&server, "revenue");
    let tokens = tokens_for(&founder, &company, 250);
    // Whoever is one too many is upgraded all the same, and sent away instead of welcomed.
    let mut sockets: Vec<Socket> = (0..250).map(|index| Socket::connect(&server, &tokens[index / 100])).collect();
    for index in [0, 200, 249] {
        assert_eq!(sockets[index].subscribe(1, &json!("head"), 1, &Value::Null)["t"], "subok", "{index}");
    }
}

both_engines![
    liv_18_the_machine_itself_may_have_more_connections_than_an_address,
    liv_12_a_jammed_reader_costs_little_and_is_gone_soon,
    liv_12_who_reads_nothing_of_what_he_asked_for_is_told_so,
    liv_13_who_does_not_answer_is_found_and_closed,
    liv_14_a_restart_sends_everybody_away_and_nothing_is_lost,
    liv_18_one_event_reaches_every_subscriber,
];
