//! The first word of agent tokens and founder sessions, where another is set (spec/metrics.md sections 3.1 and 13.1).

use serde_json::json;

use crate::harness::{Engine, Installation, Setup, base64url, looks_like, text};
use crate::live::socket::{EventStream, Socket};
use crate::mail::refuses;

#[track_caller]
fn assert_form(token: &str, prefix: &str) {
    let rest = token.strip_prefix(prefix).unwrap_or_else(|| panic!("{token}"));
    let (public, secret) = rest.split_once('_').unwrap();
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(looks_like(public, "", 18, hexadecimal) && looks_like(secret, "", 43, base64url), "{token}");
}

fn tokens_begin_with_the_word_that_is_set(engine: Engine) {
    let house = Installation::with(engine, &[("METRICS_TOKEN_PREFIX", "acme")]);
    let server = &house.server;
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let body = json!({ "name": "bot", "scopes": ["application:read"] });
    let made = text(&founder.client.post("/v1/tokens", &body).expect(201)["token"]);
    let public = made.split('_').nth(2).unwrap();
    let rotated = founder.client.post_bytes(&format!("/v1/tokens/{public}/rotate"), "").expect(201);
    let rotated = text(&rotated["token"]);
    assert_form(&founder.token, "acme_session_");
    for token in [&company.token, &made, &rotated] {
        assert_form(token, "acme_live_");
    }
    founder.client.get("/v1/auth/session").expect(200);
    for token in [&company.token, &rotated] {
        server.agent(token).get("/v1/status").expect(200);
    }
    for token in [&founder.token, &company.token] {
        drop(Socket::connect(server, token));
        assert!(EventStream::open(server, token, "", None).is_ok());
    }

    // The usual word before the same rest is another token, which nobody was given.
    let foreign = |token: &str| token.replacen("acme_", "alif_", 1);
    let (session, agent) = (foreign(&founder.token), foreign(&company.token));
    server.agent(&agent).get("/v1/status").refused(401, "invalid_token");
    server.agent(&session).get("/v1/status").refused(401, "invalid_token");
    server.agent(&session).get("/v1/auth/session").refused(401, "invalid_session");
    for token in [&session, &agent] {
        assert_eq!(EventStream::open(server, token, "", None).map(drop), Err(401), "{token}");
        server.agent(token).get("/v1/events?after=head").refused(401, "invalid_token");
    }
    let form = json!({ "company_name": "Acme", "founder_name": "Ana", "founder_email": founder.email });
    let applied = server.agent(&session).post("/v1/applications", &form).expect(201);
    assert_eq!(applied["founder_email_verified"], false, "any other bearer is as if absent");
    // They open companies, and nothing of accounts.
    for token in [&founder.token, &company.token, &session, &agent] {
        server.agent(token).get("/api/account/verify").refused(401, "authentication_required");
    }
    for bad in ["A_", "a_b", "Acme", "-", "abcdefghijklmnopqrstu"] {
        refuses(Setup::new(engine).set("METRICS_TOKEN_PREFIX", bad), "metrics.token_prefix");
    }
}

both_engines![tokens_begin_with_the_word_that_is_set];
