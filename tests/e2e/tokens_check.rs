//! What an agent token opens and how it is refused (MET-060 to 068).

use serde_json::{Value, json};

use crate::email_code::make_earlier;
use crate::harness::{
    Company, Engine, Founder, Installation, Program, Server, contains, eventually, folder_bytes, split_token,
};

fn founded(server: &Server) -> (Founder, Company) {
    let founder = server.founder("tokens");
    let company = server.company_of(&founder);
    (founder, company)
}

fn token(founder: &Founder, body: &Value) -> Value {
    founder.client.post("/v1/tokens", body).expect(201)
}

fn met_060_a_missing_credential_is_told_apart(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let anonymous = server.anonymous();
    anonymous.get("/v1/status").refused(401, "missing_token");
    for header in ["Basic x", "Bearer", "Bearer ", "Digest a=b"] {
        anonymous.header("authorization", header).get("/v1/status").refused(401, "missing_token");
    }
    for scheme in ["bearer", "BEARER", "Bearer  "] {
        anonymous.header("authorization", &format!("{scheme} {}", company.token)).get("/v1/status").expect(200);
    }
    let twice = company.agent.bearer(&company.token);
    twice.get("/v1/status").refused(401, "invalid_token");
}

fn met_061_another_kind_of_token_is_invalid_here(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("wrong-kind");
    for other in ["nonsense", &founder.token, "mun_pat_0123456789", "alif_live_", "alif_live_zz_x"] {
        server.agent(other).get("/v1/status").refused(401, "invalid_token");
    }
    // One that opens the other surface.
    let house = Installation::shared(engine);
    let (of_api, _) = house.token_of(&house.person("ann"));
    assert_eq!(of_api.get("/api/account/verify").status, 200);
    of_api.get("/v1/status").refused(401, "invalid_token");
}

fn met_062_wrong_unknown_and_revoked_tokens_are_told_the_same(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    let made = token(&founder, &json!({ "name": "doomed", "scopes": ["application:read"] }));
    let doomed = made["token"].as_str().unwrap();
    server.agent(doomed).get("/v1/status").expect(200);
    let revoke = format!("/v1/tokens/{}/revoke", made["public_id"].as_str().unwrap());
    founder.client.post_bytes(&revoke, "").expect(200);
    let (public, secret) = split_token(&company.token);
    let wrong_secret = format!("{public}_{}", secret.chars().rev().collect::<String>());
    let unknown = format!("alif_live_{}_{secret}", "0".repeat(18));
    let replies = [doomed, &wrong_secret, &unknown].map(|bad| server.agent(bad).get("/v1/status"));
    for reply in &replies {
        reply.refused(401, "invalid_token");
        assert_eq!(reply.body, replies[0].body);
    }
}

fn met_063_an_expired_token_says_so_only_with_its_secret(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    let public = company.token.split('_').nth(2).unwrap();
    founder.client.post(&format!("/v1/tokens/{public}/rotate"), &json!({ "grace_seconds": 1 })).expect(201);
    eventually("the old token ends", || (company.agent.get("/v1/status").code() == "expired_token").then_some(()));
    company.agent.get("/v1/status").refused(401, "expired_token");
    let (front, secret) = split_token(&company.token);
    let guessed = format!("{front}_{}", secret.chars().rev().collect::<String>());
    server.agent(&guessed).get("/v1/status").refused(401, "invalid_token");
}

fn met_063_a_token_ends_with_its_last_day(engine: Engine) {
    const POINTS: &str = "/v1/metrics/arr/points";
    let server = Server::with(engine, &[]);
    let (founder, company) = founded(&server);
    company.metric("arr");
    let body = json!({ "name": "brief", "scopes": ["application:read", "metrics:write"], "expires_in_days": 1 });
    let made = token(&founder, &body);
    let brief = server.agent(made["token"].as_str().unwrap());
    brief.get("/v1/status").expect(200);
    brief.post(POINTS, &json!({ "value": 1 })).expect(201);
    server.terminate();
    make_earlier(&server, "agent_token.issued", 2 * 24 * 3_600);
    Program::operator_of(&server).run(&["projections", "rebuild", "--all"]).ok();
    server.restart();
    let (front, secret) = split_token(made["token"].as_str().unwrap());
    let guessed = server.agent(&format!("{front}_{}", secret.chars().rev().collect::<String>()));
    // Points ask in a way of their own.
    for (client, code) in [(&brief, "expired_token"), (&guessed, "invalid_token")] {
        client.get("/v1/status").refused(401, code);
        client.post(POINTS, &json!({ "value": 2 })).refused(401, code);
        client.post_bytes(&format!("{POINTS}/batch"), "{").refused(401, code);
    }
    assert_eq!(company.points("arr").len(), 1);
    // Its name is free again.
    let again = token(&founder, &body);
    server.agent(again["token"].as_str().unwrap()).post(POINTS, &json!({ "value": 3 })).expect(201);
}

fn met_064_a_lacking_scope_is_named(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    company.metric("arr");
    let made = token(&founder, &json!({ "name": "reader", "scopes": ["application:read"] }));
    let reader = server.agent(made["token"].as_str().unwrap());
    let cases = [
        ("/v1/metrics", "metrics:create"),
        ("/v1/metrics/arr/settings", "metrics:create"),
        ("/v1/metrics/arr/rules", "metrics:create"),
        ("/v1/metrics/arr/points", "metrics:write"),
        ("/v1/metrics/arr/points/batch", "metrics:write"),
        ("/v1/metrics/arr/points/point_AAAAAAAAAAAAAAAA/correct", "metrics:write"),
        ("/v1/alerts/alert_AAAAAAAAAAAAAAAA/ack", "alerts:ack"),
    ];
    for (path, scope) in cases {
        // The gate stands before the body: a broken one changes nothing.
        let refusal = reader.post_bytes(path, "{").refused(403, "missing_scope");
        assert!(refusal["message"].as_str().unwrap().contains(scope), "{path}: {refusal}");
    }
    reader.get("/v1/status").expect(200);
    let writer = token(&founder, &json!({ "name": "writer", "scopes": ["metrics:write"] }));
    server.agent(writer["token"].as_str().unwrap()).get("/v1/status").refused(403, "missing_scope");
}

fn met_065_allowed_metrics_bound_writing_and_not_reading(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    company.metric("weekly_revenue");
    company.metric("arr");
    let point = company.point("arr", &json!({ "value": 1, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 2, "timestamp": "2026-01-02" }));
    let alert = company.wait_for_alerts(1)[0]["id"].as_str().unwrap().to_owned();
    let scopes = json!(["application:read", "metrics:create", "metrics:write", "alerts:ack"]);
    let made = token(&founder, &json!({ "name": "narrow", "scopes": scopes, "allowed_metrics": ["Weekly Revenue"] }));
    assert_eq!(made["allowed_metrics"], json!(["weekly_revenue"]));
    let narrow = server.agent(made["token"].as_str().unwrap());
    let own = "/v1/metrics/Weekly%20Revenue";
    let first = narrow.post(&format!("{own}/points"), &json!({ "value": 1 })).expect(201);
    let batch = json!({ "points": [{ "value": 1, "timestamp": "2026-01-01" }] });
    narrow.post(&format!("{own}/points/batch"), &batch).expect(200);
    let correct = format!("{own}/points/{}/correct", first["id"].as_str().unwrap());
    narrow.post(&correct, &json!({ "value": 2 })).expect(200);
    let correct = format!("points/{point}/correct");
    for other in ["arr", "none"] {
        for (path, body) in [
            ("points", json!({ "value": 1 })),
            ("points/batch", batch.clone()),
            (correct.as_str(), json!({ "value": 9 })),
            ("settings", json!({ "unit": "usd" })),
            ("rules", json!({ "type": "growth_spike" })),
        ] {
            let path = format!("/v1/metrics/{other}/{path}");
            narrow.post(&path, &body).refused(403, "forbidden");
            narrow.post_bytes(&path, "{").refused(403, "forbidden");
        }
    }
    for end in ["ack", "resolve"] {
        narrow.post(&format!("/v1/alerts/{alert}/{end}"), &json!({})).refused(403, "forbidden");
    }
    let values: Vec<_> = company.points("arr").iter().map(|point| point["value"].as_f64()).collect();
    assert_eq!(values, [Some(1.0), Some(2.0)]);
    assert_eq!(narrow.get("/v1/status").expect(200)["metrics"].as_array().unwrap().len(), 2);
    narrow.get("/v1/metrics/arr").expect(200);
}

fn met_066_allowed_metrics_bound_creating(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    company.metric("arr");
    let body = json!({ "name": "narrow", "scopes": ["metrics:create"], "allowed_metrics": ["weekly_revenue"] });
    let narrow = server.agent(token(&founder, &body)["token"].as_str().unwrap());
    narrow.post("/v1/metrics", &json!({ "key": "other" })).refused(403, "forbidden");
    narrow.post("/v1/metrics", &json!({ "key": "other", "unit": 5 })).refused(403, "forbidden");
    narrow.post("/v1/metrics/arr/settings", &json!({ "unit": "usd" })).refused(403, "forbidden");
    narrow.post("/v1/metrics/arr/rules", &json!({ "type": "growth_spike" })).refused(403, "forbidden");
    narrow.post("/v1/metrics", &json!({ "key": "weekly_revenue" })).expect(201);
}

fn met_067_a_token_never_reaches_another_company(engine: Engine) {
    let server = Server::shared(engine);
    let (a, b) = (server.company(), server.company());
    b.metric("secret_kpi");
    b.point("secret_kpi", &json!({ "value": 77_001 }));
    a.agent.post("/v1/metrics/secret_kpi/points", &json!({ "value": 1 })).refused(404, "metric_not_found");
    a.agent.get("/v1/metrics/secret_kpi").refused(404, "metric_not_found");
    a.agent.get("/v1/metrics/secret_kpi/points").refused(404, "metric_not_found");
    let seen = format!("{}{}", a.status(), a.agent.get("/v1/metrics").expect(200));
    assert!(!seen.contains("secret_kpi") && !seen.contains("77001"), "{seen}");
    assert_eq!(b.points("secret_kpi").len(), 1);
}

fn met_068_a_tokens_secret_is_stored_nowhere(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    let secret = split_token(&company.token).1;
    let export = Program::operator_of(&server).run(&["audit", "export"]);
    for (place, bytes) in [
        ("the store", server.store.bytes()),
        ("the data folder", folder_bytes(&server.data)),
        ("the log", server.log().into_bytes()),
        ("the export", export.ok().as_bytes().to_vec()),
    ] {
        assert!(!contains(&bytes, secret.as_bytes()), "{place} holds the secret");
    }
}

both_engines![
    met_060_a_missing_credential_is_told_apart,
    met_061_another_kind_of_token_is_invalid_here,
    met_062_wrong_unknown_and_revoked_tokens_are_told_the_same,
    met_063_an_expired_token_says_so_only_with_its_secret,
    met_063_a_token_ends_with_its_last_day,
    met_064_a_lacking_scope_is_named,
    met_065_allowed_metrics_bound_writing_and_not_reading,
    met_066_allowed_metrics_bound_creating,
    met_067_a_token_never_reaches_another_company,
    met_068_a_tokens_secret_is_stored_nowhere,
];
