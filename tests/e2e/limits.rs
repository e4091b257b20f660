//! Limits by token and by address (MET-137 and §12).

use serde_json::json;

use crate::harness::{Engine, Server, eventually, in_parallel};

fn met_137_the_fourth_write_of_a_token_is_limited_and_no_one_elses(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_METRIC_WRITES", "3/60"), ("LIMITS_BAD_TOKENS", "5/60")]);
    let (company, other) = (server.company(), server.company());
    company.metric("arr");
    other.metric("arr");
    let write =
        |company: &crate::harness::Company| company.agent.post("/v1/metrics/arr/points", &json!({ "value": 1 }));
    write(&company).expect(201);
    write(&company).expect(201);
    assert!(write(&company).limited("rate_limited") <= 60);
    write(&other).expect(201);
    company.agent.get("/v1/status").expect(200);
    for reply in in_parallel(40, |_| other.agent.get("/v1/status")) {
        reply.expect(200);
    }
}

fn bad_tokens_of_an_address_are_limited_and_good_ones_pass(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_BAD_TOKENS", "5/60")]);
    let company = server.company();
    let guess = |n: usize| server.agent(&format!("alif_live_{n:018x}_{}", "x".repeat(43))).get("/v1/status");
    for n in 0..5 {
        guess(n).refused(401, "invalid_token");
    }
    guess(6).limited("rate_limited");
    company.agent.get("/v1/status").expect(200);
    let elsewhere = server.anonymous().at_address("127.0.0.3").bearer("alif_live_00_x");
    elsewhere.get("/v1/status").refused(401, "invalid_token");
}

fn wrong_signup_secrets_of_an_address_are_limited_before_comparing(engine: Engine) {
    let server = Server::with(engine, &[("SIGNUP_SECRET", "right-4711"), ("LIMITS_SIGNUP_SECRET", "3/60")]);
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "c@example.com" });
    let apply =
        |secret: &str| server.anonymous().header("x-alif-signup-secret", secret).post("/v1/applications", &form);
    for _ in 0..3 {
        apply("wrong").refused(401, "unauthorized");
    }
    apply("right-4711").limited("rate_limited");
    let elsewhere = server.anonymous().at_address("127.0.0.4").header("x-alif-signup-secret", "right-4711");
    elsewhere.post("/v1/applications", &form).expect(201);
}

fn reads_of_a_token_are_limited(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_READS", "3/2")]);
    let company = server.company();
    for _ in 0..3 {
        company.agent.get("/v1/status").expect(200);
    }
    company.agent.get("/v1/status").limited("rate_limited");
    eventually("the window passes", || (company.agent.get("/v1/status").status == 200).then_some(()));
}

fn starts_of_an_address_are_limited_whatever_header_it_sends(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_OTP_ADDRESS", "4/600")]);
    let start = |n: usize, header: &str, value: &str| {
        let client = server.anonymous().header(header, value);
        client.post("/v1/auth/otp/start", &json!({ "email": format!("a{n}@example.com") }))
    };
    for n in 0..4 {
        start(n, "x-forwarded-for", &format!("198.51.100.{n}")).expect(200);
    }
    for (n, header) in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"].iter().enumerate() {
        start(10 + n, header, "for=198.51.100.77").limited("otp_rate_limited");
    }
}

both_engines![
    met_137_the_fourth_write_of_a_token_is_limited_and_no_one_elses,
    bad_tokens_of_an_address_are_limited_and_good_ones_pass,
    wrong_signup_secrets_of_an_address_are_limited_before_comparing,
    reads_of_a_token_are_limited,
    starts_of_an_address_are_limited_whatever_header_it_sends,
];
