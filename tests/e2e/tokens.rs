//! Status and the agent tokens of a company (MET-120 to 127).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{
    Company, Engine, Founder, Server, eventually, in_parallel, milliseconds_until, split_token, text, torture,
};

fn founded(server: &Server) -> (Founder, Company) {
    let founder = server.founder("tokens");
    let company = server.company_of(&founder);
    (founder, company)
}

fn tokens(founder: &Founder) -> Vec<Value> {
    founder.client.get("/v1/tokens").expect(200)["tokens"].as_array().unwrap().clone()
}

fn met_120_a_fresh_status_has_exactly_its_keys(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.apply(
        &server.anonymous(),
        "fresh@example.com",
        &json!({ "company_name": "Fresh", "website": "https://fresh.example", "primary_metric": { "key": "arr" } }),
    );
    let status = company.status();
    let submitted_at = status["application"]["submitted_at"].clone();
    assert!(milliseconds_until(&submitted_at).abs() < 60_000);
    let expected = json!({
        "application": {
            "id": company.application, "status": "submitted", "submitted_at": submitted_at,
            "company_name": "Fresh", "website": "https://fresh.example",
        },
        "metrics": [{
            "key": "arr", "display_name": "Arr", "unit": "count", "cadence": "weekly", "direction": "up",
            "verification_level": "self_reported", "latest_value": null, "latest_timestamp": null,
        }],
        "alerts": [],
    });
    assert_eq!(status, expected);
}

fn met_121_metrics_stand_in_order_of_creation(engine: Engine) {
    let company = Server::shared(engine).company();
    for key in ["zebra", "ant", "mole"] {
        company.metric(key);
    }
    let status = company.status();
    let keys: Vec<&str> = status["metrics"].as_array().unwrap().iter().map(|m| m["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["zebra", "ant", "mole"]);
    let listed = company.agent.get("/v1/metrics").expect(200)["metrics"].clone();
    let keys: Vec<String> = listed.as_array().unwrap().iter().map(|metric| text(&metric["key"])).collect();
    assert_eq!(keys, ["zebra", "ant", "mole"]);
}

fn met_122_a_founder_makes_a_token_that_works_within_its_bounds(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    company.metric("arr");
    let body = json!({
        "name": "ci", "scopes": ["metrics:write"], "allowed_metrics": ["ARR"], "expires_in_days": 30,
    });
    let made = founder.client.post("/v1/tokens", &body).expect(201);
    assert_eq!(
        (&made["name"], &made["scopes"], &made["allowed_metrics"]),
        (&json!("ci"), &body["scopes"], &json!(["arr"]))
    );
    assert_eq!((&made["company_id"], &made["application_id"]), (&json!(company.id), &json!(company.application)));
    assert!((milliseconds_until(&made["expires_at"]) - 30 * 24 * 3_600_000).abs() < 60_000, "{made}");
    let ci = server.agent(made["token"].as_str().unwrap());
    ci.post("/v1/metrics/arr/points", &json!({ "value": 1 })).expect(201);
    ci.get("/v1/status").refused(403, "missing_scope");
    ci.post("/v1/metrics/mrr/points", &json!({ "value": 1 })).refused(403, "forbidden");
    assert_eq!(company.points("arr")[0]["source"], "ci");
    let listed = tokens(&founder);
    let names: Vec<&str> = listed.iter().map(|token| token["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ci", "default-agent-token"], "newest first");
    assert!(listed.iter().all(|token| token.get("token").is_none()), "{listed:?}");
    let secret = split_token(made["token"].as_str().unwrap()).1;
    assert!(!json!(listed).to_string().contains(secret));
}

fn met_122_the_list_tells_all_of_a_token_but_its_secret(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    let body = json!({
        "name": "ci", "scopes": ["metrics:write", "application:read"], "allowed_metrics": ["arr", "mrr"],
        "expires_in_days": 30,
    });
    let mut made = founder.client.post("/v1/tokens", &body).expect(201);
    let listed = tokens(&founder);
    let of_application = json!({
        "public_id": company.token.split('_').nth(2), "name": "default-agent-token",
        "scopes": ["application:read", "metrics:create", "metrics:write"], "allowed_metrics": null, "expires_at": null,
        "company_id": company.id, "application_id": company.application, "created_at": listed[1]["created_at"],
        "last_used_at": null, "revoked_at": null, "created_by": null,
    });
    made.as_object_mut().unwrap().remove("token");
    let account = founder.client.get("/v1/auth/session").expect(200)["account_id"].clone();
    (made["last_used_at"], made["revoked_at"], made["created_by"]) = (Value::Null, Value::Null, account);
    assert_eq!(listed, [made, of_application]);
    for token in listed {
        assert!((-60_000..=0).contains(&milliseconds_until(&token["created_at"])), "{token}");
    }
}

fn met_122_a_founder_of_two_companies_says_whose_the_token_is(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, first) = founded(server);
    let (second, foreign) = (server.company_of(&founder), server.company());
    let make = |company: Value| {
        let body = json!({ "name": "ci", "scopes": ["application:read"], "company_id": company });
        founder.client.post("/v1/tokens", &body)
    };
    let refusal = make(Value::Null).refused(400, "company_required");
    let available = refusal["available"].as_array().unwrap();
    assert_eq!(available.len(), 2, "{refusal}");
    let (other, random) = (make(json!(foreign.id)), make(json!("co_AAAAAAAAAAAAAAAA")));
    other.refused(404, "not_found");
    assert_eq!((other.status, &other.body), (random.status, &random.body));
    for company in [&first, &second] {
        let name = company.status()["application"]["company_name"].clone();
        assert!(available.contains(&json!({ "company_id": company.id, "company_name": name })), "{refusal}");
        let made = make(json!(company.id)).expect(201);
        assert_eq!((&made["company_id"], &made["application_id"]), (&json!(company.id), &json!(company.application)));
        let status = server.agent(made["token"].as_str().unwrap()).get("/v1/status").expect(200);
        assert_eq!(status["application"]["id"], json!(company.application));
    }
}

fn met_123_a_token_cannot_manage_tokens(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = founded(server);
    company.agent.get("/v1/tokens").refused(403, "credential_type_required");
    for path in ["/v1/tokens", "/v1/tokens/0/revoke", "/v1/tokens/0/rotate"] {
        company.agent.post_bytes(path, "{").refused(403, "credential_type_required");
    }
    server.anonymous().post_bytes("/v1/tokens", "{").refused(401, "invalid_session");
}

fn met_124_a_revoked_token_is_dead_on_every_node_at_once(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let (founder, company) = founded(&server);
    let public = company.token.split('_').nth(2).unwrap();
    let elsewhere = second.as_ref().unwrap_or(&server).agent(&company.token);
    elsewhere.get("/v1/status").expect(200);
    let path = format!("/v1/tokens/{public}/revoke");
    let first = founder.client.post(&path, &json!({ "reason": "leaked" })).expect(200);
    elsewhere.get("/v1/status").refused(401, "invalid_token");
    company.agent.get("/v1/status").refused(401, "invalid_token");
    assert_eq!(first["public_id"], json!(public));
    assert!(milliseconds_until(&first["revoked_at"]) <= 0);
    let before = server.store.count("%");
    assert_eq!(founder.client.post_bytes(&path, "").expect(200), first);
    assert_eq!(server.store.count("%"), before);
    let (stranger, _) = founded(&server);
    stranger.client.post_bytes(&path, "").refused(404, "token_not_found");
    stranger.client.post_bytes("/v1/tokens/000000000000000000/revoke", "").refused(404, "token_not_found");
    assert_eq!(tokens(&founder)[0]["revoked_at"], first["revoked_at"]);
}

/// Its own node has not heard of the end yet when the request comes.
fn met_124_a_token_that_ended_on_another_node_records_no_point(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let elsewhere = second.as_ref().unwrap_or(&server);
    let (founder, company) = founded(&server);
    company.metric("arr");
    let (points, other) = ("/v1/metrics/arr/points", "/v1/metrics/none/points");
    let rounds = if torture() { 200 } else { 16 };
    for round in 0..rounds {
        let scopes = if round % 4 == 3 { "application:read" } else { "metrics:write" };
        let made = founder.client.post("/v1/tokens", &json!({ "name": "ci", "scopes": [scopes] })).expect(201);
        let agent = elsewhere.agent(made["token"].as_str().unwrap());
        let point = json!({ "value": round, "idempotency_key": format!("first-{round}") });
        let first = agent.post(points, &point);
        let revoke = format!("/v1/tokens/{}/revoke", made["public_id"].as_str().unwrap());
        founder.client.post_bytes(&revoke, "").expect(200);
        let late = match round % 4 {
            0 => agent.post(points, &json!({ "value": round })),
            1 => agent.post(points, &point),
            2 => agent.post(other, &point),
            _ => agent.post(points, &json!({ "value": "x" })),
        };
        late.refused(401, "invalid_token");
        first.expect(if round % 4 == 3 { 403 } else { 201 });
        for reply in in_parallel(4, |n| agent.post(points, &json!({ "value": n }))) {
            reply.refused(401, "invalid_token");
        }
    }
    assert_eq!(server.store.count("metric.point_recorded"), rounds - rounds / 4);
    println!("a token that ended on another node, on {engine:?}: {rounds} ended, none did anything after");
}

fn points_are_recorded_while_other_tokens_end(engine: Engine) {
    let server = Server::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| server.second_node());
    let (founder, company) = founded(&server);
    company.metric("arr");
    let agent = second.as_ref().unwrap_or(&server).agent(&company.token);
    let ends = 20;
    in_parallel(2, |side| {
        for round in 0..ends {
            if side == 0 {
                let body = json!({ "name": "ci", "scopes": ["metrics:write"] });
                let made = founder.client.post("/v1/tokens", &body).expect(201);
                let revoke = format!("/v1/tokens/{}/revoke", made["public_id"].as_str().unwrap());
                founder.client.post_bytes(&revoke, "").expect(200);
            } else {
                for n in 0..5 {
                    let key = format!("{round}-{n}");
                    let point = json!({ "value": n, "idempotency_key": key });
                    assert_eq!(agent.post("/v1/metrics/arr/points", &point).expect(201)["duplicate"], false);
                }
            }
        }
    });
    assert_eq!(server.store.count("metric.point_recorded"), ends * 5);
}

fn met_122_a_thousand_tokens_and_more_are_listed_each_once(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (founder, _) = founded(&server);
    in_parallel(10, |side| {
        let body = json!({ "name": format!("ci-{side}"), "scopes": ["application:read"] });
        let mut public = text(&founder.client.post("/v1/tokens", &body).expect(201)["public_id"]);
        for _ in 0..100 {
            let rotate = format!("/v1/tokens/{public}/rotate");
            public = text(&founder.client.post(&rotate, &json!({})).expect(201)["public_id"]);
        }
    });
    let listed = tokens(&founder);
    let ids: BTreeSet<&str> = listed.iter().map(|token| token["public_id"].as_str().unwrap()).collect();
    assert_eq!((listed.len(), ids.len()), (1_011, 1_011));
    assert_eq!(listed[1_010]["name"], "default-agent-token", "newest first");
}

fn met_125_a_rotated_token_gives_way_after_its_grace(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    let body = json!({ "name": "ci", "scopes": ["application:read", "metrics:write"], "allowed_metrics": ["arr"] });
    let old = founder.client.post("/v1/tokens", &body).expect(201);
    let path = format!("/v1/tokens/{}/rotate", old["public_id"].as_str().unwrap());
    let new = founder.client.post(&path, &json!({ "grace_seconds": 2 })).expect(201);
    for field in ["name", "scopes", "allowed_metrics", "expires_at", "company_id"] {
        assert_eq!(old[field], new[field], "{field}");
    }
    let [old_agent, new_agent] = [&old, &new].map(|token| server.agent(token["token"].as_str().unwrap()));
    old_agent.get("/v1/status").expect(200);
    new_agent.get("/v1/status").expect(200);
    eventually("the old token ends", || (old_agent.get("/v1/status").status == 401).then_some(()));
    new_agent.get("/v1/status").expect(200);
    company.agent.get("/v1/status").expect(200);
    for bad in [json!(-1), json!(604_801), json!("x")] {
        let path = format!("/v1/tokens/{}/rotate", new["public_id"].as_str().unwrap());
        founder.client.post(&path, &json!({ "grace_seconds": bad })).refused(400, "invalid_field");
    }
}

fn met_124_a_token_that_ended_long_ago_is_revoked_as_it_ended(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = founded(server);
    let first = company.token.split('_').nth(2).unwrap().to_owned();
    // A hundred that ended are remembered beside the record; this one ended before them.
    let mut public = first.clone();
    for _ in 0..102 {
        let made = founder.client.post(&format!("/v1/tokens/{public}/rotate"), &json!({})).expect(201);
        made["public_id"].as_str().unwrap().clone_into(&mut public);
    }
    let ended = tokens(&founder).into_iter().find(|token| token["public_id"] == json!(first)).unwrap();
    let path = format!("/v1/tokens/{first}/revoke");
    for _ in 0..2 {
        let reply = founder.client.post_bytes(&path, "");
        assert_eq!(reply.expect(200), json!({ "public_id": first, "revoked_at": ended["expires_at"] }));
        assert_eq!(reply.header("muniment-position"), "", "nothing was recorded");
    }
    let (stranger, _) = founded(server);
    stranger.client.post_bytes(&path, "").refused(404, "token_not_found");
}

fn met_126_a_token_has_bounds(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (founder, _) = founded(&server);
    let base = json!({ "name": "ok", "scopes": ["application:read"] });
    let before = server.store.count("%");
    for (field, bad) in [
        ("scopes", json!(["metrics:admin"])),
        ("scopes", json!(["application:read", "application:read"])),
        ("scopes", json!([])),
        ("scopes", json!("application:read")),
        ("allowed_metrics", json!([])),
        ("allowed_metrics", json!(vec!["a"; 101])),
        ("allowed_metrics", json!((0..101).map(|n| format!("metric_{n}")).collect::<Vec<_>>())),
        ("allowed_metrics", json!("a")),
        ("expires_in_days", json!(366)),
        ("expires_in_days", json!(0)),
        ("name", json!("x".repeat(101))),
        ("name", json!("default-agent-token")),
        ("name", json!(5)),
    ] {
        let mut body = base.clone();
        body[field] = bad;
        founder.client.post("/v1/tokens", &body).refused(400, "invalid_field");
    }
    let mut keyless = base.clone();
    keyless["allowed_metrics"] = json!(["arr", "!!!"]);
    founder.client.post("/v1/tokens", &keyless).refused(400, "invalid_metric_key");
    assert_eq!(server.store.count("%"), before);
    let replies = in_parallel(24, |n| {
        let body = json!({ "name": format!("t{n}"), "scopes": ["application:read"] });
        founder.client.post("/v1/tokens", &body)
    });
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 19, "with the default one twenty are live");
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.refused(409, "token_limit");
    }
    let listed = tokens(&founder);
    let public = listed[0]["public_id"].as_str().unwrap();
    founder.client.post_bytes(&format!("/v1/tokens/{public}/revoke"), "").expect(200);
    founder.client.post("/v1/tokens", &base).expect(201);
}

fn met_126_a_token_at_its_bounds_is_made(engine: Engine) {
    const DAY: i64 = 24 * 3_600_000;
    let server = Server::shared(engine);
    let (founder, _) = founded(server);
    let make = |body: &Value| founder.client.post("/v1/tokens", body).expect(201);
    let listed = |token: &Value| {
        tokens(&founder)
            .into_iter()
            .find(|row| row["public_id"] == token["public_id"])
            .unwrap_or_else(|| panic!("{token}"))
    };
    let ends_after = |token: &Value, days: i64| {
        let off = milliseconds_until(&listed(token)["expires_at"]) - days * DAY;
        assert!(off.abs() < 60_000, "{token}: {off} ms from {days} days");
    };
    let metrics: Vec<String> = (0..100).map(|n| format!("metric_{n:02}")).collect();
    let scopes = ["application:read", "metrics:create", "metrics:write", "alerts:ack"];
    let most = json!({ "name": "é".repeat(100), "scopes": scopes, "allowed_metrics": metrics, "expires_in_days": 365 });
    let least = json!({ "name": "é", "scopes": ["application:read"], "allowed_metrics": ["a"], "expires_in_days": 1 });
    let (longest, shortest) = (make(&most), make(&least));
    for (token, body) in [(&longest, &most), (&shortest, &least)] {
        for field in ["name", "scopes", "allowed_metrics"] {
            assert_eq!((&token[field], &listed(token)[field]), (&body[field], &body[field]));
        }
        ends_after(token, body["expires_in_days"].as_i64().unwrap());
    }
    let status = |token: &Value| server.agent(token["token"].as_str().unwrap()).get("/v1/status");
    let rotate = |token: &Value, grace_seconds: u32| {
        let path = format!("/v1/tokens/{}/rotate", token["public_id"].as_str().unwrap());
        founder.client.post(&path, &json!({ "grace_seconds": grace_seconds })).expect(201)
    };
    let (of_longest, of_shortest) = (rotate(&longest, 604_800), rotate(&shortest, 0));
    status(&longest).expect(200);
    ends_after(&longest, 7);
    status(&shortest).refused(401, "expired_token");
    for (new, old) in [(&of_longest, &longest), (&of_shortest, &shortest)] {
        status(new).expect(200);
        assert_eq!(new["expires_at"], old["expires_at"], "the end is the old one's");
    }
}

fn met_127_the_last_use_is_shown_and_is_no_event(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (founder, company) = founded(&server);
    assert_eq!(tokens(&founder)[0]["last_used_at"], Value::Null);
    let before = server.store.count("%");
    server.store.note("last_used_v1");
    in_parallel(4, |_| (0..250).for_each(|_| drop(company.agent.get("/v1/status").expect(200))));
    // One a minute, and a machine that does much else takes some.
    let writes = server.store.noted();
    assert!((1..=5).contains(&writes), "{writes} writes of 1,000 uses");
    let used =
        eventually("the use is shown", || Some(tokens(&founder)[0]["last_used_at"].clone()).filter(Value::is_string));
    assert!(milliseconds_until(&used).abs() < 60_000, "{used}");
    assert_eq!(server.store.count("%"), before);
    company.metric("arr");
    let made = founder.client.post("/v1/tokens", &json!({ "name": "ci", "scopes": ["metrics:write"] })).expect(201);
    server.agent(made["token"].as_str().unwrap()).post("/v1/metrics/arr/points", &json!({ "value": 1 })).expect(201);
    let newest = || tokens(&founder)[0]["last_used_at"].is_string().then_some(());
    eventually("the use by a point is shown", newest);
}

both_engines![
    met_120_a_fresh_status_has_exactly_its_keys,
    met_121_metrics_stand_in_order_of_creation,
    met_122_a_founder_makes_a_token_that_works_within_its_bounds,
    met_122_a_thousand_tokens_and_more_are_listed_each_once,
    met_122_the_list_tells_all_of_a_token_but_its_secret,
    met_122_a_founder_of_two_companies_says_whose_the_token_is,
    met_123_a_token_cannot_manage_tokens,
    met_124_a_revoked_token_is_dead_on_every_node_at_once,
    met_124_a_token_that_ended_on_another_node_records_no_point,
    met_124_a_token_that_ended_long_ago_is_revoked_as_it_ended,
    points_are_recorded_while_other_tokens_end,
    met_125_a_rotated_token_gives_way_after_its_grace,
    met_126_a_token_has_bounds,
    met_126_a_token_at_its_bounds_is_made,
    met_127_the_last_use_is_shown_and_is_no_event,
];
