//! Traces: what a request's spans tell a collector and what they never tell, and a collector that is not there.

use std::net::TcpListener;

use muniment_testkit::free_port;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::accounts::socket::{Incoming, Socket, Stream, WAIT};
use crate::harness::{
    COOKIE_KEY, Collector, Engine, Installation, PASSWORD, Program, Server, attribute, contains, eventually,
    split_token, unique,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const POINTS: &str = "/v1/metrics/arr/points";

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name} in {names:?}"))
}

fn trc_001_a_request_is_one_trace_from_its_caller_to_the_database(engine: Engine) {
    let collector = Collector::start();
    let server = Server::with(engine, &[("TELEMETRY_OTLP_ENDPOINT", &collector.url())]);
    let company = server.company();
    company.metric("arr");
    // So that the metric's state has to be loaded.
    assert!(server.terminate().success());
    server.restart();
    let caller = company.agent.header("traceparent", &format!("00-{TRACE}-{CALLER}-01"));
    let reply = caller.post(POINTS, &json!({ "value": 4711 }));
    reply.expect(201);
    // What is no trace context begins a trace of its own and harms nothing; neither is a query or a path told.
    for hostile in ["", "00-zz", "00-00000000000000000000000000000000-0000000000000000-01", "sentinel-traceparent"] {
        let client = company.agent.header("traceparent", hostile).header("tracestate", "a=sentinel-state");
        client.get(&format!("{POINTS}?limit=1&q=sentinel-query")).expect(200);
        assert_eq!(client.get("/v1/sentinel-path").status, 404);
    }
    // Without waiting for the next batch: the end of the program sends what waits.
    assert!(server.terminate().success());
    let spans = collector.trace(TRACE);
    let request = named(&spans, "POST /v1/metrics/{key}/points");
    assert_eq!(hex::encode(&request.parent_span_id), CALLER);
    let told = |key: &str| attribute(request, key).unwrap_or_else(|| panic!("no {key}: {request:?}"));
    assert_eq!(told("http.request.method"), "POST");
    assert_eq!(told("http.route"), "/v1/metrics/{key}/points");
    assert_eq!(told("http.response.status_code"), "201");
    assert_eq!(told("correlation.id"), reply.headers["x-request-id"].to_str().unwrap());
    let command = named(&spans, "record_points");
    assert_eq!(command.parent_span_id, request.span_id);
    assert_eq!(attribute(command, "outcome").as_deref(), Some("recorded"));
    assert_eq!(named(&spans, "load").parent_span_id, command.span_id);
    assert_eq!(named(&spans, "decide").parent_span_id, command.span_id);
    let append = named(&spans, "journal.append");
    assert_eq!(append.parent_span_id, command.span_id);
    assert_eq!(attribute(append, "position"), attribute(command, "position"));
    // The write may be another append's first of all, and is linked with ours then.
    let all = collector.spans();
    let commit = all.iter().find(|span| {
        let linked = span.links.iter().any(|link| link.span_id == append.span_id);
        span.name == "journal.commit" && (span.parent_span_id == append.span_id || linked)
    });
    let system = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgresql",
    };
    assert_eq!(attribute(commit.unwrap(), "db.system.name").as_deref(), Some(system));
    named(&all, "projector.advance");
    let secrets = [split_token(&company.token).1, "sentinel", "4711", "example.com", &company.token];
    for secret in secrets {
        assert!(!contains(&collector.bytes(), secret.as_bytes()), "a span holds {secret}");
    }
}

/// What `doctor` says of the traces, and whether that is well.
fn diagnosis(server: &Server) -> (bool, String) {
    // Other checks have their own reasons to fail here.
    let output = Program::operator_of(server).run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    let check = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "traces").unwrap();
    (check["ok"] == true, check["message"].as_str().unwrap().to_owned())
}

/// Works against a collector from which nothing comes back; `told` is what `doctor` finds.
fn answers_without(engine: Engine, port: u16, batches: usize, told: &str) {
    let server = Server::with(engine, &[("TELEMETRY_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}"))]);
    let company = server.company();
    company.metric("arr");
    let lost = || {
        let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
        let line = figures.lines().find(|line| line.starts_with("muniment_spans_lost_total "))?;
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let mut before = 0;
    for _ in 0..batches {
        company.point("arr", &json!({ "value": 1 }));
        before = eventually("spans are lost", || lost().filter(|lost| *lost > before));
    }
    // However many batches are lost, one line says so.
    let log = server.log_with("the collector takes no spans");
    assert_eq!(log.matches("the collector takes no spans").count(), 1, "{log}");
    company.agent.get(POINTS).expect(200);
    let (well, message) = diagnosis(&server);
    assert!(!well && message.contains(told), "{message}");
    assert!(server.terminate().success());
}

fn trc_002_a_collector_that_refuses_connections_changes_no_answer(engine: Engine) {
    answers_without(engine, free_port(), 2, "takes no connection");
}

fn trc_003_a_collector_that_never_answers_changes_no_answer_and_holds_up_no_end(engine: Engine) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    answers_without(
        engine,
        silent.local_addr().unwrap().port(),
        1,
        "muniment_spans_dropped_total 0, muniment_spans_lost_total ",
    );
}

fn trc_004_of_what_is_sampled_out_nothing_leaves(engine: Engine) {
    let collector = Collector::start();
    let settings = [("TELEMETRY_OTLP_ENDPOINT", collector.url()), ("TELEMETRY_SAMPLE_RATIO", "0".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::with(engine, &settings);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    // Who asks for a trace gets it; who says that his is not sampled does not.
    let other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (trace, flags) in [(TRACE, "01"), (other, "00")] {
        let caller = company.agent.header("traceparent", &format!("00-{trace}-{CALLER}-{flags}"));
        caller.post(POINTS, &json!({ "value": 2 })).expect(201);
    }
    assert!(server.terminate().success());
    let spans = collector.spans();
    assert!(!spans.is_empty() && spans.iter().all(|span| hex::encode(&span.trace_id) == TRACE), "{spans:?}");
}

fn trc_005_accounts_and_their_secrets_are_in_no_span(engine: Engine) {
    let collector = Collector::start();
    let house = Installation::with(engine, &[("TELEMETRY_OTLP_ENDPOINT", &collector.url())]);
    let ann = house.person("sentinel");
    let (by_token, _) = house.token_of(&ann);
    let made = ann.client.rpc("account_token_create", &Value::Null).result();
    house.login(&ann.username, "sentinel-password").refused(401, "invalid_credentials");
    house.session_of(&ann);
    by_token.rpc("account_verify", &Value::Null).result();
    house.grant(&ann, "teacher");
    assert_eq!(ann.client.get("/api/sentinel-path?q=sentinel-query").status, 404);
    assert_eq!(ann.client.post("/api/rpc?q=sentinel-query", &json!({ "method": "sentinel_method" })).status, 400);
    ann.client.rpc("sentinel_method", &json!({ "sentinel": "sentinel" })).refused(404, -32_601, "");
    ann.client.request("SENTINEL", "/api/account/status");
    let daemon = std::fs::read_to_string(house.server.data.join("run/daemon_token")).unwrap();
    house.daemon().rpc("account_verify", &Value::Null).result();
    assert!(house.server.terminate().success());
    let spans = collector.spans();
    for name in ["POST /api/account/login", "POST /api/rpc", "role_grant_offer_accept", "_OTHER"] {
        named(&spans, name);
    }
    let method = named(&spans, "role_grant_offer_accept");
    assert_eq!(attribute(method, "rpc.method").as_deref(), Some("role_grant_offer_accept"));
    let session = ann.cookie.split_once('=').unwrap().1.split(':').next().unwrap();
    let token = made["token"].as_str().unwrap();
    for secret in ["sentinel", PASSWORD, session, token, daemon.trim(), &ann.id, COOKIE_KEY] {
        assert!(!contains(&collector.bytes(), secret.as_bytes()), "a span holds {secret}");
    }
}

/// A socket with our trace around its handshake.
fn traced(server: &Server, path: &str, name: &str, value: &str) -> Socket {
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    Socket::open(server, path, &[(name, value), ("traceparent", &traceparent)]).unwrap()
}

/// The life of a connection and the request that opened it: one trace, and the life reaches beyond the request.
fn lives<'a>(spans: &'a [Span], route: &str) -> Vec<&'a Span> {
    let name = format!("{route} connection");
    let lives: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert!(!lives.is_empty(), "no {name}");
    for life in &lives {
        let request = spans.iter().find(|span| span.span_id == life.parent_span_id).unwrap();
        assert_eq!(request.name, format!("GET {route}"));
        assert_eq!(request.trace_id, life.trace_id);
        assert_eq!(attribute(request, "http.route").as_deref(), Some(route));
        assert_eq!(attribute(life, "http.route").as_deref(), Some(route));
        assert!(life.start_time_unix_nano <= request.end_time_unix_nano, "{life:?}");
        assert!(life.end_time_unix_nano >= request.end_time_unix_nano, "{life:?}");
    }
    lives
}

fn trc_006_a_connection_is_told_at_its_end_and_its_messages_are_linked_with_its_opening(engine: Engine) {
    let collector = Collector::start();
    let house = Installation::with(engine, &[("TELEMETRY_OTLP_ENDPOINT", &collector.url())]);
    let server = &house.server;
    let founder = server.founder("sentinel");
    let company = server.company_of(&founder);
    let ann = house.person("sentinel");

    let mut rpc = traced(server, "/api/ws", "cookie", &ann.cookie);
    rpc.call("account_verify", &Value::Null);
    rpc.call("heartbeat", &Value::Null);
    rpc.send(Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "sentinel-reason".into() })));
    rpc.closed();

    let bearer = format!("Bearer {}", company.token);
    let hello = json!({ "t": "hello", "client": "sentinel-client" });
    let mut live = traced(server, "/v1/live", "authorization", &bearer);
    live.send_json(&hello);
    let mut lost = traced(server, "/v1/live", "authorization", &bearer);
    lost.send_json(&hello);
    for socket in [&mut live, &mut lost] {
        let welcome = socket.next_within(WAIT);
        assert!(matches!(&welcome, Some(Incoming::Frame(frame)) if frame["t"] == "welcome"), "{welcome:?}");
    }
    drop(lost);
    let mut stream = Stream::open(server, "/v1/stream?after=start", &[("authorization", &bearer)]);
    stream.line().unwrap();
    drop(stream);
    // A reader who left is noticed by what is written next.
    eventually("the reader of the stream is gone", || {
        company.metric(&unique("m"));
        collector.spans().iter().any(|span| span.name == "/v1/stream connection").then_some(())
    });
    let mut audit = Stream::open(server, "/api/audit/stream", &[("cookie", &house.keeper.cookie)]);
    assert_eq!(audit.line().as_deref(), Some(": connected"));

    let public = split_token(&company.token).0.rsplit('_').next().unwrap().to_owned();
    founder.client.post(&format!("/v1/tokens/{public}/revoke"), &json!({})).expect(200);
    assert_eq!(live.closed(), 4503);
    assert!(server.terminate().success());
    let spans = collector.spans();

    let life = lives(&spans, "/api/ws")[0];
    let told = |span: &Span, key: &str| attribute(span, key).unwrap_or_else(|| panic!("no {key}: {span:?}"));
    assert_eq!(hex::encode(&life.trace_id), TRACE);
    assert_eq!((told(life, "websocket.close.code"), told(life, "closed_by")), ("1001".to_owned(), "client".to_owned()));
    assert_eq!(told(life, "network.protocol.name"), "websocket");
    assert_eq!(told(life, "frames_sent"), "2");
    let opening = spans.iter().find(|span| span.span_id == life.parent_span_id).unwrap();
    assert_eq!(told(opening, "http.response.status_code"), "101");
    assert_eq!(hex::encode(&opening.parent_span_id), CALLER);
    let method = named(&spans, "account_verify");
    let message = spans.iter().find(|span| span.span_id == method.parent_span_id).unwrap();
    assert_eq!(message.name, "/api/ws message");
    assert_ne!(message.trace_id, opening.trace_id, "a message has a trace of its own");
    assert!(message.links.iter().any(|link| link.span_id == opening.span_id), "{message:?}");

    let mut codes: Vec<(String, String)> = lives(&spans, "/v1/live")
        .into_iter()
        .map(|life| (told(life, "websocket.close.code"), told(life, "closed_by")))
        .collect();
    codes.sort();
    assert_eq!(codes, [("1006".to_owned(), "network".to_owned()), ("4503".to_owned(), "server".to_owned())]);
    let streams = [lives(&spans, "/v1/stream")[0], lives(&spans, "/api/audit/stream")[0]];
    assert_eq!(streams.map(|life| told(life, "closed_by")), ["client", "server"]);
    assert!(streams.iter().all(|life| attribute(life, "websocket.close.code").is_none()));
    let session = ann.cookie.split_once('=').unwrap().1.split(':').next().unwrap();
    for secret in ["sentinel", session, split_token(&company.token).1, &company.token] {
        assert!(!contains(&collector.bytes(), secret.as_bytes()), "a span holds {secret}");
    }
}

fn doctor_says_where_traces_go_and_that_none_is_lost(engine: Engine) {
    let collector = Collector::start();
    let server = Server::with(engine, &[("TELEMETRY_OTLP_ENDPOINT", &collector.url())]);
    let (well, message) = diagnosis(&server);
    assert!(well && message.contains(&collector.url()), "{message}");
    assert!(message.contains("muniment_spans_dropped_total 0, muniment_spans_lost_total 0"), "{message}");
    let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    assert!(figures.contains("muniment_spans_dropped_total 0") && figures.contains("muniment_spans_lost_total 0"));
    assert!(server.terminate().success());
    let (well, message) = diagnosis(&server);
    assert!(well && message.contains("no server answers"), "{message}");
}

both_engines![
    doctor_says_where_traces_go_and_that_none_is_lost,
    trc_001_a_request_is_one_trace_from_its_caller_to_the_database,
    trc_002_a_collector_that_refuses_connections_changes_no_answer,
    trc_003_a_collector_that_never_answers_changes_no_answer_and_holds_up_no_end,
    trc_004_of_what_is_sampled_out_nothing_leaves,
    trc_005_accounts_and_their_secrets_are_in_no_span,
    trc_006_a_connection_is_told_at_its_end_and_its_messages_are_linked_with_its_opening,
];
