//! Who may call what, credential by credential (spec/metrics.md section 3.4), and how long a founder session lasts.

use serde_json::json;

use crate::email_code::make_earlier;
use crate::harness::{Company, Engine, Installation, ORIGIN, Program, Server, milliseconds_until, text};
use crate::points::{ARR, with_metric};

const DAY: i64 = 24 * 3_600;

/// The alert of a value that jumped.
fn alert_of(company: &Company) -> String {
    company.metric("arr");
    company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    text(&company.wait_for_alerts(1)[0]["id"])
}

fn met_041_a_founder_by_cookie_does_what_one_by_session_does(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("otto");
    let company = house.server.company_of(&founder);
    let alert = alert_of(&company);
    let otto = house.by_cookie(&founder).client;
    let form = |email: &str| json!({ "company_name": "Acme", "founder_name": "Otto", "founder_email": email });
    let default = text(&otto.get("/v1/tokens").expect(200)["tokens"][0]["public_id"]);
    let application = format!("/v1/applications/{}", company.application);
    let (withdraw, ack) = (format!("{application}/withdraw"), format!("/v1/alerts/{alert}/ack"));
    let token = json!({ "name": "ci", "scopes": ["application:read"] });
    let before = house.server.store.count("%");
    for (path, body) in [
        ("/v1/applications", &form(&founder.email)),
        (&withdraw, &json!({})),
        ("/v1/tokens", &token),
        (&format!("/v1/tokens/{default}/rotate"), &json!({})),
        (&format!("/v1/tokens/{default}/revoke"), &json!({})),
        (&ack, &json!({})),
        (&format!("/v1/alerts/{alert}/resolve"), &json!({})),
    ] {
        for origin in ["https://rogue.example", "null"] {
            otto.header("origin", origin).post(path, body).refused(403, "forbidden_origin");
        }
        otto.post_bytes(path, body.to_string()).refused(415, "unsupported_media_type");
    }
    otto.header("origin", "https://rogue.example").get("/v1/tokens").refused(403, "forbidden_origin");
    assert_eq!(house.server.store.count("%"), before, "another site's page and a form change nothing");

    let otto = otto.header("origin", ORIGIN);
    let made = otto.post("/v1/tokens", &token);
    assert_eq!(made.header("access-control-allow-origin"), "");
    let made = made.expect(201);
    house.server.agent(&text(&made["token"])).get("/v1/status").expect(200);
    let rotated = otto.post(&format!("/v1/tokens/{}/rotate", text(&made["public_id"])), &json!({})).expect(201);
    let replacement = house.server.agent(&text(&rotated["token"]));
    replacement.get("/v1/status").expect(200);
    otto.post(&format!("/v1/tokens/{}/revoke", text(&rotated["public_id"])), &json!({})).expect(200);
    replacement.get("/v1/status").refused(401, "invalid_token");
    assert_eq!(otto.get("/v1/tokens").expect(200)["tokens"].as_array().unwrap().len(), 3);
    assert_eq!(otto.post(&ack, &json!({})).expect(200)["state"], "acknowledged");
    assert_eq!(otto.get("/v1/applications").expect(200)["applications"][0]["id"], json!(company.application));
    assert_eq!(otto.get(&application).expect(200)["application"]["id"], json!(company.application));
    otto.post("/v1/applications", &form("somebody.else@example.com")).refused(403, "email_mismatch");
    assert_eq!(otto.post("/v1/applications", &form(&founder.email)).expect(201)["founder_email_verified"], true);
    assert_eq!(otto.post(&withdraw, &json!({})).expect(200)["status"], "withdrawn");
}

fn met_061_what_is_for_agents_alone_takes_no_session_and_no_cookie(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("otto");
    let company = house.server.company_of(&founder);
    company.metric("arr");
    let point = company.point("arr", &json!({ "value": 1, "timestamp": "2026-01-01" }));
    let otto = house.by_cookie(&founder).client;
    let session = house.server.sign_in(&founder.email).client;
    session.get("/v1/metrics").expect(200);
    otto.get("/v1/metrics").expect(200);
    let before = house.server.store.count("%");
    for (path, body) in [
        ("/v1/metrics", json!({ "key": "mrr" })),
        (ARR, json!({ "value": 2 })),
        (&format!("{ARR}/batch"), json!({ "points": [{ "value": 2 }] })),
        (&format!("{ARR}/{point}/correct"), json!({ "value": 2 })),
        ("/v1/metrics/arr/settings", json!({ "unit": "usd" })),
        ("/v1/metrics/arr/rules", json!({ "type": "growth_spike", "threshold": 2 })),
    ] {
        session.post(path, &body).refused(401, "invalid_token");
        for by_cookie in [&otto, &house.keeper.client] {
            by_cookie.post(path, &body).refused(401, "missing_token");
        }
    }
    session.get("/v1/status").refused(401, "invalid_token");
    for by_cookie in [&otto, &house.keeper.client] {
        by_cookie.get("/v1/status").refused(401, "missing_token");
    }
    assert_eq!(house.server.store.count("%"), before);
    assert_eq!(company.points("arr").len(), 1);
}

fn met_053_what_is_for_founders_alone_takes_no_agent_token(engine: Engine) {
    let house = Installation::shared(engine);
    let founder = house.server.founder("otto");
    let company = house.server.company_of(&founder);
    let application = format!("/v1/applications/{}", company.application);
    let withdraw = format!("{application}/withdraw");
    company.agent.get(&application).refused(403, "credential_type_required");
    company.agent.post(&withdraw, &json!({})).refused(403, "credential_type_required");
    company.agent.post_bytes(&withdraw, "{").refused(403, "credential_type_required");
    assert_eq!(company.status()["application"]["status"], "submitted");
    // A session is shown and ended by itself alone.
    let person = house.person("plain");
    for other in [&company.agent, &person.client] {
        other.get("/v1/auth/session").refused(401, "invalid_session");
        other.post("/v1/auth/logout", &json!({})).refused(401, "invalid_session");
    }
    company.status();
    assert_eq!(person.client.get("/api/account/verify").status, 200);
    founder.client.get("/v1/auth/session").expect(200);
}

fn met_032_use_does_not_extend_a_founder_session(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("fixed");
    server.terminate();
    for event_type in ["session.started", "account.session_opened"] {
        make_earlier(&server, event_type, 29 * DAY);
    }
    Program::operator_of(&server).run(&["projections", "rebuild", "--all"]).ok();
    server.restart();
    let end = || founder.client.get("/v1/auth/session").expect(200)["expires_at"].clone();
    let first = end();
    assert!((0..=DAY * 1_000).contains(&milliseconds_until(&first)), "{first}");
    server.company_of(&founder);
    founder.client.get("/v1/tokens").expect(200);
    assert_eq!([end(), end()], [first.clone(), first]);
    assert_eq!(server.store.count("%extended"), 0);
}

/// A token with every scope but the one for reading.
fn met_064_each_read_needs_the_scope_for_reading(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("tokens");
    let company = server.company_of(&founder);
    company.metric("arr");
    let token = |name: &str, scopes: &[&str]| {
        let made = founder.client.post("/v1/tokens", &json!({ "name": name, "scopes": scopes })).expect(201);
        server.agent(&text(&made["token"]))
    };
    let reader = token("reader", &["application:read"]);
    let blind = token("blind", &["metrics:create", "metrics:write", "alerts:ack"]);
    for path in
        ["/v1/status", "/v1/metrics", "/v1/metrics/arr", ARR, "/v1/metrics/arr/rules", "/v1/alerts", "/v1/events"]
    {
        let refusal = blind.get(path).refused(403, "missing_scope");
        assert!(text(&refusal["message"]).contains("application:read"), "{path}: {refusal}");
        reader.get(path).expect(200);
    }
    blind.post(ARR, &json!({ "value": 1 })).expect(201);
    let refusal = with_metric(server).agent.post("/v1/alerts/alert_AAAAAAAAAAAAAAAA/resolve", &json!({}));
    assert!(text(&refusal.refused(403, "missing_scope")["message"]).contains("alerts:ack"), "{refusal}");
}

both_engines![
    met_032_use_does_not_extend_a_founder_session,
    met_041_a_founder_by_cookie_does_what_one_by_session_does,
    met_053_what_is_for_founders_alone_takes_no_agent_token,
    met_061_what_is_for_agents_alone_takes_no_session_and_no_cookie,
    met_064_each_read_needs_the_scope_for_reading,
];
