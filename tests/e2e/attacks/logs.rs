//! What logs, figures and pages must not tell (catalogue K).

use serde_json::json;

use crate::harness::{Engine, Program, Server, contains, folder_bytes, split_token, unique};

fn k1_secrets_pushed_through_every_path_are_found_nowhere(engine: Engine) {
    let server = Server::with(engine, &[("SIGNUP_SECRET", "sentinel-signup-4711"), ("TELEMETRY_FILTER", "trace")]);
    let email = format!("{}@example.com", unique("sentinel"));
    let founder = server.sign_in(&email);
    let gate = founder.client.header("x-alif-signup-secret", "sentinel-signup-4711");
    let company = server.apply(&gate, &email, &json!({}));
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    for bad in ["alif_live_00_sentinelsentinel", "sentinelsentinel", "alif_session_00_sentinelsentinel"] {
        server.agent(bad).get("/v1/status").refused(401, "invalid_token");
        server.agent(bad).get("/v1/auth/session").refused(401, "invalid_session");
    }
    server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": email, "code": "987654" }));
    let figures = server.anonymous().get("/metrics").body;
    let operator = Program::operator_of(&server);
    let config = operator.run(&["config", "show"]);
    let places = [
        ("the log", server.log().into_bytes()),
        ("the store", server.store.bytes()),
        ("the data folder", folder_bytes(&server.data)),
        ("the figures", figures),
        ("the configuration", config.ok().as_bytes().to_vec()),
        ("the export", operator.run(&["audit", "export"]).ok().as_bytes().to_vec()),
    ];
    let secret_of = |token: &str| split_token(token).1.to_owned();
    let (agent, session) = (secret_of(&company.token), secret_of(&founder.token));
    for (place, bytes) in &places {
        for secret in ["sentinel-signup-4711", "sentinelsentinel", &agent, &session] {
            assert!(!contains(bytes, secret.as_bytes()), "{place} holds {secret}");
        }
        assert!(!contains(bytes, email.as_bytes()), "{place} holds the address");
    }
}

fn k2_line_ends_and_escapes_from_outside_stay_one_log_line(engine: Engine) {
    let server = Server::with(engine, &[("TELEMETRY_FORMAT", "json")]);
    let client = server.anonymous().header("user-agent", "evil\tagent");
    client.get("/v1/%0a%1b%5b31mforged-line");
    client.post("/v1/auth/otp/start", &json!({ "email": "a\nforged-line@example.com" })).refused(400, "invalid_email");
    let company = server.company();
    company.agent.post("/v1/metrics", &json!({ "key": "a", "display_name": "x\u{1b}[31m\nforged-line" }));
    // What a person reads at the start is no line of the log.
    let log = server.log();
    for line in log.lines().filter(|line| !line.starts_with("Muniment listens on ")) {
        assert!(!line.starts_with("forged-line") && !line.contains('\u{1b}'), "{line:?}");
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    }
}

fn k16_figures_have_no_address_no_token_and_few_labels(engine: Engine) {
    let server = Server::with(engine, &[]);
    for _ in 0..5 {
        let company = server.company();
        company.metric("arr");
        company.point("arr", &json!({ "value": 1 }));
        server.anonymous().get(&format!("/v1/{}", unique("nothing")));
    }
    let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    assert!(figures.contains("# TYPE"), "{figures}");
    for personal in ["example.com", "alif_", "co_", "metric_A", "nothing-"] {
        assert!(!figures.contains(personal), "{personal} in the figures");
    }
    assert!(figures.lines().count() < 3_000, "{} lines", figures.lines().count());
}

both_engines![
    k1_secrets_pushed_through_every_path_are_found_nowhere,
    k2_line_ends_and_escapes_from_outside_stay_one_log_line,
    k16_figures_have_no_address_no_token_and_few_labels,
];
