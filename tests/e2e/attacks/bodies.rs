//! Bodies meant to break a parser (catalogue I).

use serde_json::json;

use super::raw::{send, status};
use crate::harness::{Engine, Installation, Server};

fn i7_hostile_json_is_refused_without_a_fault(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let many_keys: String = (0..50_000).map(|n| format!("\"k{n}\":1,")).collect();
    let bodies: Vec<(Vec<u8>, u16)> = vec![
        (format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(), 400),
        (format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).into_bytes(), 400),
        (format!("{{{many_keys}\"value\":1}}").into_bytes(), 400),
        (b"{\"value\":1,\"value\":2}".to_vec(), 400),
        (b"{\"value\":1e400}".to_vec(), 400),
        (b"{\"value\":1,\"source\":\"\\ud800\"}".to_vec(), 400),
        (b"\xef\xbb\xbf{\"value\":1}".to_vec(), 400),
        (b"{\"value\":1,\"source\":\"a\\u0000b\"}".to_vec(), 400),
        (b"{\"value\":1}\0".to_vec(), 400),
        (b"{\"value\":0x10}".to_vec(), 400),
        (b"{\"value\":NaN}".to_vec(), 400),
        (b"{value:1}".to_vec(), 400),
        (b"{\"value\":01}".to_vec(), 400),
    ];
    for (body, expected) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = company.agent.post_bytes("/v1/metrics/arr/points", body);
        assert_eq!(reply.status, expected, "{shown}: {reply}");
    }
    assert!(company.points("arr").is_empty());
    let at_the_limit = format!("{}1{}", "{\"a\":".repeat(30), "}".repeat(30));
    let narrative = json!({ "narrative": serde_json::from_str::<serde_json::Value>(&at_the_limit).unwrap() });
    server.apply(&server.anonymous(), "deep@example.com", &narrative);
}

fn i7_doubled_names_are_refused_beside_a_huge_number(engine: Engine) {
    let company = Server::shared(engine).company();
    company.metric("arr");
    let bodies = ["{\"value\":1e400,\"value\":2}", "{\"value\":2,\"confidence\":1e400,\"confidence\":0.5}"];
    for body in bodies {
        let reply = company.agent.post_bytes("/v1/metrics/arr/points", body);
        reply.refused(400, "invalid_json");
    }
    company.agent.post_bytes("/v1/metrics/arr/points", "{\"value\":1e400}").refused(400, "invalid_value");
    assert!(company.points("arr").is_empty());
}

fn i13_names_of_personas_hold_no_controls(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    let founder = house.server.founder("ana");
    house.server.company_of(&founder);
    let wrong = vec![("name".to_owned(), "invalid_format".to_owned())];
    for mark in ['\u{1b}', '\n', '\u{85}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2066}'] {
        let name = json!({ "name": format!("a{mark}b") });
        for method in ["actor_create", "account_token_create"] {
            assert_eq!(ann.client.rpc(method, &name).issues(), wrong, "{method} {mark:?}");
        }
        let token = json!({ "name": name["name"], "scopes": ["metrics:write"] });
        founder.client.post("/v1/tokens", &token).refused(400, "invalid_field");
    }
    let plain = json!({ "name": "  Ann Müller-李 👩‍🚀 " });
    let made = ann.client.rpc("actor_create", &plain).result();
    assert_eq!(made["actor"]["name"], "Ann Müller-李 👩‍🚀");
    ann.client.rpc("account_token_create", &plain).result();
}

fn i5_a_chunked_body_is_cut_at_the_limit(engine: Engine) {
    let server = Server::shared(engine);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let head = "POST /v1/auth/otp/start HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = format!("{head}{}", chunk.repeat(40));
    let answer = send(server, endless.as_bytes());
    assert!([0, 400, 413].contains(&status(&answer)), "{answer}");
    server.anonymous().get("/health").expect(200);
}

fn i8_a_compressed_body_is_not_inflated_without_bound(engine: Engine) {
    let server = Server::shared(engine);
    let client = server.anonymous().header("content-encoding", "gzip");
    let reply = client.post_bytes("/v1/auth/otp/start", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    assert!([400, 413, 415].contains(&reply.status), "{reply}");
}

fn i14_addresses_are_normalised_before_they_are_checked(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    for email in [
        "ana\u{ff20}example.com",
        "ana@exam\u{200b}ple.com",
        "ana@example.com,bo@example.com",
        "\u{202e}ana@example.com",
    ] {
        client.post("/v1/auth/otp/start", &json!({ "email": email })).refused(400, "invalid_email");
    }
}

fn g15_a_field_that_only_the_server_sets_is_refused(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    for field in ["id", "company_id", "recorded_at", "position", "created_at", "verification_level", "is_admin"] {
        company.agent.post("/v1/metrics/arr/points", &json!({ "value": 1, field: 1 })).refused(400, "unknown_field");
        company.agent.post("/v1/metrics", &json!({ "key": "a", field: 1 })).refused(400, "unknown_field");
    }
    let mut form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "c@example.com" });
    form["founder_email_verified"] = json!(true);
    server.anonymous().post("/v1/applications", &form).refused(400, "unknown_field");
}

both_engines![
    i5_a_chunked_body_is_cut_at_the_limit,
    i7_hostile_json_is_refused_without_a_fault,
    i7_doubled_names_are_refused_beside_a_huge_number,
    i13_names_of_personas_hold_no_controls,
    i8_a_compressed_body_is_not_inflated_without_bound,
    i14_addresses_are_normalised_before_they_are_checked,
    g15_a_field_that_only_the_server_sets_is_refused,
];
