//! Framing, sizes, proxies, methods and headers (catalogue H and I).

use std::time::Duration;

use serde_json::{Value, json};

use super::raw::{answers, cut_off, send, send_and_finish, status};
use crate::harness::{Engine, Installation, MailSink, Server, Setup, in_parallel, split_token};

fn i4_ambiguous_framing_never_smuggles_a_second_request(engine: Engine) {
    let server = Server::shared(engine);
    let hidden = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST /v1/auth/otp/start HTTP/1.1\r\nHost: a\r\n";
    let cases = [
        format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{post}Content-Length: 0\r\nContent-Length: 35\r\n\r\n{hidden}"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{post}Content-Length: +5\r\n\r\nhello{hidden}"),
        format!("{post}Content-Length: 99999999999999999999\r\n\r\n{hidden}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n{hidden}"),
    ];
    for case in cases {
        let answer = send_and_finish(server, case.as_bytes());
        assert!(!answer.contains("\"status\":\"ok\""), "a second request was answered:\n{case}\n{answer}");
        assert!(answers(&answer) <= 1, "{answer}");
        assert!(status(&answer) == 0 || status(&answer) >= 400, "{case}\n{answer}");
    }
    server.anonymous().get("/health").expect(200);
}

fn i10_a_huge_header_is_refused_and_the_server_lives(engine: Engine) {
    let server = Server::shared(engine);
    let request = format!("GET /health HTTP/1.1\r\nHost: a\r\nX-Filler: {}\r\n\r\n", "x".repeat(300_000));
    let answer = send(server, request.as_bytes());
    assert!(status(&answer) == 0 || (400..500).contains(&status(&answer)), "{}", status(&answer));
    server.anonymous().get("/health").expect(200);
}

fn i11_other_methods_change_nothing(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    for method in ["PUT", "PATCH", "DELETE", "TRACE", "FOO"] {
        let reply = company.agent.request(method, "/v1/metrics/arr/points");
        assert_eq!(reply.status, 404, "{reply}");
    }
    let overridden = company.agent.header("x-http-method-override", "POST").get("/v1/metrics/arr/points");
    assert_eq!(overridden.expect(200)["points"], json!([]));
    assert_eq!(company.agent.request("HEAD", "/v1/metrics/arr/points").status, 200);
    assert!(company.points("arr").is_empty());
}

fn i1_forwarded_addresses_of_an_untrusted_peer_are_ignored(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_APPLICATIONS_ADDRESS", "2/600")]);
    let apply = |address: &str| {
        let client =
            server.anonymous().header("x-forwarded-for", address).header("forwarded", &format!("for={address}"));
        let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": format!("x{}@example.com", address.len()) });
        client.post("/v1/applications", &form)
    };
    apply("198.51.100.1").expect(201);
    apply("198.51.100.23").expect(201);
    apply("198.51.100.234").limited("rate_limited");
}

fn i1_a_request_without_a_peer_does_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let update = |open: bool| {
        let params = json!({ "open_signup": open });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "app_settings_update", "params": params }).to_string();
        let head = format!("POST /api/rpc HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n", house.keeper.cookie);
        format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    in_parallel(8, |_| {
        for number in 0..50 {
            cut_off(&house.server, update(number % 2 == 0).as_bytes(), Duration::ZERO);
        }
    });
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": false })).result();
    let rows = house.audit(&json!({ "event_type": "app_settings_update", "limit": 200 }));
    let nameless = rows.iter().filter(|row| row["ip"] == Value::Null).count();
    assert_eq!(nameless, 0, "of {} rows so many are by nobody's address", rows.len());
}

fn i2_a_trusted_proxy_names_the_rightmost_untrusted_address(engine: Engine) {
    let settings = [("LIMITS_APPLICATIONS_ADDRESS", "1/600"), ("HTTP_TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")];
    let server = Server::with(engine, &settings);
    let mut number = 0;
    let mut apply = |forwarded: &[&str]| {
        number += 1;
        let client = forwarded.iter().fold(server.anonymous(), |client, line| client.header("x-forwarded-for", line));
        let form =
            json!({ "company_name": "A", "founder_name": "B", "founder_email": format!("p{number}@example.com") });
        client.post("/v1/applications", &form)
    };
    apply(&["203.0.113.9, 198.51.100.1"]).expect(201);
    // Another spoof on the left, the same real client: one bucket.
    apply(&["203.0.113.10, 198.51.100.1"]).limited("rate_limited");
    apply(&["198.51.100.1, 10.1.2.3"]).limited("rate_limited");
    apply(&["203.0.113.11", "198.51.100.1"]).limited("rate_limited");
    apply(&["unknown, 198.51.100.1:80, 198.51.100.1"]).limited("rate_limited");
    apply(&["198.51.100.2"]).expect(201);
    apply(&["::ffff:198.51.100.2"]).limited("rate_limited");
    apply(&["2001:db8::1"]).expect(201);
    apply(&["2001:db8::ffff"]).limited("rate_limited");
    apply(&["2001:db8:0:1::1"]).expect(201);
    // What is no text is an entry like any other that is malformed: it hides neither the rest of its line nor the client.
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "raw@example.com" }).to_string();
    let request = format!(
        "POST /v1/applications HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nX-Forwarded-For: ",
        form.len()
    );
    let answer = send(&server, &[request.as_bytes(), b"\xff, 198.51.100.1\r\n\r\n", form.as_bytes()].concat());
    assert_eq!(status(&answer), 429, "{answer}");
    // Where all are trusted, the leftmost counts, and the operator is told once.
    let told = || server.log().matches("http.trusted_proxies").count();
    assert_eq!(told(), 0);
    apply(&["unknown, 10.1.1.1, 10.1.2.3"]).expect(201);
    apply(&["10.1.1.1, 10.1.2.4"]).limited("rate_limited");
    apply(&["10.1.1.2, 10.1.2.3"]).expect(201);
    server.log_with("http.trusted_proxies");
    assert_eq!(told(), 1);
}

fn i9_other_spellings_of_a_path_meet_the_same_gate(engine: Engine) {
    let server = Server::shared(engine);
    for path in [
        "/v1/%73tatus",
        "/v1/./status",
        "/v1/metrics/../status",
        "/v1/status;a=b",
        "/v1/%2e%2e/v1/status",
        "/v1/status.",
    ] {
        let raw = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = send(server, raw.as_bytes());
        assert!([400, 401, 404].contains(&status(&answer)), "{path}: {answer}");
    }
}

fn i15_a_malformed_authorization_is_401(engine: Engine) {
    let server = Server::shared(engine);
    for value in ["", " ", "Bearerx", "Bearer\talif", "Bearer \u{e9}", "Basic a, Bearer b", "bearer alif_live_\u{0}x"] {
        let raw = format!("GET /v1/status HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\nConnection: close\r\n\r\n");
        let answer = send(server, raw.as_bytes());
        assert!([400, 401].contains(&status(&answer)), "{value:?}: {answer}");
    }
}

fn h15_answers_carry_no_server_banner_and_forbid_sniffing(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    for reply in
        [company.agent.get("/v1/status"), server.anonymous().get("/v1/status"), server.anonymous().get("/nothing")]
    {
        for banner in ["server", "x-powered-by", "www-authenticate"] {
            assert!(!reply.headers.contains_key(banner), "{banner} in {:?}", reply.headers);
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply}");
        assert_eq!(reply.header("strict-transport-security"), "", "{reply}");
    }
}

fn h15_in_production_browsers_are_told_to_come_by_tls_alone(engine: Engine) {
    let sink = MailSink::start();
    let server = Setup::new(engine).production(&sink.url()).start();
    for path in ["/health", "/v1/status", "/api/account/status", "/nothing", "/"] {
        let reply = server.anonymous().get(path);
        assert_eq!(reply.header("strict-transport-security"), "max-age=31536000", "{path}: {reply}");
    }
}

fn h8_a_token_in_a_query_string_opens_nothing(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    for name in ["token", "access_token", "authorization"] {
        let status = server.anonymous().get(&format!("/v1/status?{name}={}", company.token)).status;
        assert!(status == 400 || status == 401, "{status}");
    }
    assert!(!server.log().contains(split_token(&company.token).1), "the log holds the token");
}

both_engines![
    i1_forwarded_addresses_of_an_untrusted_peer_are_ignored,
    i1_a_request_without_a_peer_does_nothing,
    i2_a_trusted_proxy_names_the_rightmost_untrusted_address,
    h15_in_production_browsers_are_told_to_come_by_tls_alone,
    i4_ambiguous_framing_never_smuggles_a_second_request,
    i9_other_spellings_of_a_path_meet_the_same_gate,
    i10_a_huge_header_is_refused_and_the_server_lives,
    i11_other_methods_change_nothing,
    i15_a_malformed_authorization_is_401,
    h8_a_token_in_a_query_string_opens_nothing,
    h15_answers_carry_no_server_banner_and_forbid_sniffing,
];
