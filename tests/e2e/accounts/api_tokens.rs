//! API tokens and one's own sessions (ACC-050 to ACC-059).

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{
    Client, Engine, Installation, ORIGIN, PASSWORD, Person, Reply, base64url, in_parallel, looks_like, text,
};

const PREFIX: &str = "secret_muniment_token_";

fn acc_050_a_token_is_shown_once_and_named_by_its_beginning(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let made = person.client.rpc("account_token_create", &Value::Null).result();
    let (token, id) = (text(&made["token"]), text(&made["id"]));
    assert!(looks_like(&token, PREFIX, 43, base64url), "{token}");
    assert_eq!(id, format!("tok_{}", &token[PREFIX.len()..PREFIX.len() + 12]));
    assert_eq!(made["name"], "CLI token");
    let issued = json!({ "token_id": id, "name": "CLI token", "credential_type": "session" });
    is_own_row(house, &person, "token_create", &issued);
    let named = person.client.rpc("account_token_create", &json!({ "name": "cron" })).result();
    assert_eq!(named["name"], "cron");
    let kept = "  two blanks on either side  ";
    let spaced = person.client.rpc("account_token_create", &json!({ "name": kept })).result();
    assert_eq!(spaced["name"], kept, "a name is kept as given");
    let long = "n".repeat(201);
    assert_eq!(person.client.rpc("account_token_create", &json!({ "name": long })).issues()[0].0, "name");
    assert_eq!(person.client.rpc("account_token_create", &json!({ "name": null })).issues()[0].0, "name");
    let listed = person.client.rpc("account_token_list", &Value::Null).result();
    assert_eq!((&listed["tokens"][0]["name"], &listed["tokens"][1]["name"]), (&json!(kept), &json!("cron")));
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 3);
    assert!(!listed.to_string().contains(&token));
    assert!(!crate::harness::contains(&house.server.store.bytes(), token.as_bytes()));
}

fn acc_051_the_scheme_is_of_any_case_and_use_is_noted(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let made = person.client.rpc("account_token_create", &Value::Null).result();
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let client = house.server.anonymous().header("authorization", &format!("{scheme} {}", text(&made["token"])));
        let client = client.header("x-forwarded-for", "198.51.100.7");
        assert_eq!(client.get("/api/account/verify").status, 200, "{scheme}");
    }
    let listed = person.client.rpc("account_token_list", &Value::Null).result();
    assert!(listed["tokens"][0]["last_used_at"].is_string());
    assert_eq!(listed["tokens"][0]["last_used_ip"], "198.51.100.7");
}

fn acc_052_what_a_browser_sends_is_no_token(engine: Engine) {
    let house = Installation::shared(engine);
    let (by_token, _) = house.token_of(&house.person("ann"));
    for (name, value) in [("origin", ORIGIN), ("referer", "https://x.example"), ("referer", "")] {
        let [with_token, without] = [&by_token, &house.server.anonymous()].map(|client| client.header(name, value));
        let alike = |ask: &dyn Fn(&Client) -> Reply| {
            let (seen, nobodys) = (ask(&with_token), ask(&without));
            assert_eq!((seen.status, &seen.body), (nobodys.status, &nobodys.body), "{name}: {value}");
            let headers = [&seen, &nobodys].map(|reply| {
                let mut headers = reply.headers.clone();
                for own in ["date", "x-request-id"] {
                    headers.remove(own);
                }
                headers
            });
            assert_eq!(headers[0], headers[1], "{name}: {value}");
            seen.status
        };
        for path in ["/api/account/verify", "/api/account/status", "/api/rpc?method=account_verify&id=1"] {
            assert_eq!(alike(&|client| client.get(path)), 401, "{path}");
        }
        assert_eq!(alike(&|client| client.rpc("account_verify", &Value::Null).0), 401);
        with_token.get("/api/account/verify").refused(401, "authentication_required");
    }
    for origin in ["", "https://rogue.example"] {
        by_token.header("origin", origin).get("/api/account/verify").refused(403, "forbidden_origin");
    }
}

fn acc_053_a_token_that_does_not_hold_is_nobody(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let person = house.named("ann-a");
    // The expired one last: what has expired is forgotten when the next token is made.
    let [lasting, expired] = ["lasting", "expired"].map(|name| {
        let made = person.client.rpc("account_token_create", &json!({ "name": name })).result();
        (text(&made["token"]), text(&made["id"]))
    });
    // No call gives a token an end, so it is written into the record: one that has passed and one that has not.
    house.server.terminate();
    house.server.store.rewrite("account.api_token_issued", |payload| {
        let issued = &mut payload["api_token_issued"];
        let hours = if issued["token"] == json!(expired.1) { -1 } else { 1 };
        issued["expires_at"] = json!(chrono::Utc::now() + chrono::Duration::hours(hours));
    });
    house.server.restart();
    let by = |token: &str| house.server.anonymous().header("authorization", &format!("Bearer {token}"));
    assert_eq!(by(&lasting.0).get("/api/account/verify").status, 200);
    let nobody = house.server.anonymous();
    let unknown = format!("{PREFIX}{}", "a".repeat(43));
    let login = json!({ "username": "ann-a", "password": PASSWORD });
    for token in [expired.0.as_str(), unknown.as_str(), "", "x", "secret_muniment_token_short"] {
        let client = by(token);
        let call = client.rpc("account_verify", &Value::Null);
        call.refused(401, -32_001, "");
        assert_eq!(call.0.body, nobody.rpc("account_verify", &Value::Null).0.body, "`{token}` is told apart");
        for path in ["/api/account/status", "/api/account/verify"] {
            let reply = client.get(path);
            reply.refused(401, "authentication_required");
            assert_eq!(reply.body, nobody.get(path).body, "`{token}` is told apart");
        }
        client.post("/api/account/login", &login).expect(200);
    }
}

fn acc_054_the_oldest_token_beyond_the_cap_ends_and_so_does_a_revoked_one(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let tokens: Vec<(String, String)> = (0..11)
        .map(|_| {
            let made = person.client.rpc("account_token_create", &Value::Null).result();
            (text(&made["token"]), text(&made["id"]))
        })
        .collect();
    let status = |token: &str| house.server.anonymous().bearer(token).get("/api/account/verify").status;
    assert_eq!(status(&tokens[0].0), 401);
    assert!(tokens[1..].iter().all(|(token, _)| status(token) == 200));
    let socket = |token: &str| {
        let authorization = format!("Bearer {token}");
        Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap()
    };
    let (mut of_revoked, of_other) = (socket(&tokens[5].0), socket(&tokens[6].0));
    let of_session = Socket::of(&house.server, &person.cookie);
    let revoked = person.client.rpc("account_token_revoke", &json!({ "token_id": tokens[5].1 })).result();
    assert_eq!(revoked, json!({ "ok": true, "revoked": true }));
    assert_eq!((status(&tokens[5].0), status(&tokens[6].0)), (401, 200));
    let ended = json!({ "token_id": tokens[5].1, "credential_type": "session" });
    is_own_row(house, &person, "token_revoke", &ended);
    assert_eq!(person.client.get("/api/account/verify").status, 200);
    assert_eq!(of_revoked.closed(), 4001);
    for mut socket in [of_other, of_session] {
        assert_eq!(socket.call("heartbeat", &Value::Null)["result"], json!({}));
    }
}

fn acc_055_a_token_does_not_mint_or_revoke(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (by_token, id) = house.token_of(&person);
    let before = house.rows(&person.id);
    let hash = "a".repeat(64);
    for (method, params) in [
        ("account_token_create", Value::Null),
        ("account_token_revoke", json!({ "token_id": id })),
        ("account_session_revoke", json!({ "session_id": hash })),
        ("account_session_revoke_all", Value::Null),
    ] {
        let data = by_token.rpc(method, &params).refused(403, -32_002, "credential_type_required");
        assert_eq!(data["required_credential_types"], json!(["session"]), "{method}");
    }
    assert_eq!(house.rows(&person.id), before);
    for method in ["account_token_list", "account_verify"] {
        by_token.rpc(method, &Value::Null).result();
    }
    house.daemon().rpc("account_token_create", &Value::Null).refused(403, -32_002, "credential_type_required");
}

fn acc_056_what_is_somebody_elses_is_not_there(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let (by_token, token) = house.token_of(&ann);
    let sessions = ann.client.rpc("account_session_list", &Value::Null).result();
    let session = text(&sessions["sessions"][0]["id"]);
    let mut socket = Socket::of(&house.server, &ann.cookie);
    let none = json!({ "ok": true, "revoked": false });
    assert_eq!(ben.client.rpc("account_session_revoke", &json!({ "session_id": session })).result(), none);
    let row = house.row("session_revoke", &ben.id);
    assert_eq!(row["outcome"], "failure");
    assert_eq!(row["metadata"], json!({ "session_id": session, "credential_type": "session" }));
    assert_eq!(ben.client.rpc("account_token_revoke", &json!({ "token_id": token })).result(), none);
    let row = house.row("token_revoke", &ben.id);
    assert_eq!(row["outcome"], "failure");
    assert_eq!(row["metadata"], json!({ "token_id": token, "credential_type": "session" }));
    assert_eq!(socket.call("heartbeat", &Value::Null)["result"], json!({}));
    assert_eq!(by_token.get("/api/account/verify").status, 200);
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
}

fn acc_057_ids_are_of_one_form(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    for id in ["a".repeat(63), "A".repeat(64)] {
        let issues = person.client.rpc("account_session_revoke", &json!({ "session_id": id })).issues();
        assert_eq!(issues, [("session_id".to_owned(), "invalid_format".to_owned())]);
    }
    let issues = person.client.rpc("account_token_revoke", &json!({ "token_id": "tok_x" })).issues();
    assert_eq!(issues, [("token_id".to_owned(), "invalid_format".to_owned())]);
}

fn acc_058_many_requests_of_one_token_are_not_too_many(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_BEARER_IP", "5/900")]);
    let (by_token, _) = house.token_of(&house.person("ann"));
    let statuses = in_parallel(50, |_| by_token.get("/api/account/verify").status);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// Asserts that somebody's newest row of a type is of what he did to himself, with this to say.
#[track_caller]
fn is_own_row(house: &Installation, person: &Person, event_type: &str, metadata: &Value) {
    let row = house.row(event_type, &person.id);
    assert_eq!((&row["metadata"], &row["outcome"]), (metadata, &json!("success")), "{row}");
    assert_eq!(row["account_id"], json!(person.id), "{row}");
    for name in ["actor_id", "target_account_id", "target_actor_id"] {
        assert_eq!(row[name], Value::Null, "{name} of {row}");
    }
}

fn acc_059_sessions_are_ended_one_by_one_and_all_at_once(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (second, third) = (house.session_of(&person), house.session_of(&person));
    let listed = person.client.rpc("account_session_list", &Value::Null).result();
    let newest = text(&listed["sessions"][0]["id"]);
    assert_eq!(person.client.rpc("account_session_revoke", &json!({ "session_id": newest })).result()["revoked"], true);
    let status = |client: &Client| client.get("/api/account/verify").status;
    assert_eq!((status(&person.client), status(&second.client), status(&third.client)), (200, 200, 401));
    let all = person.client.rpc("account_session_revoke_all", &Value::Null).result();
    assert_eq!(all, json!({ "ok": true, "count": 2 }));
    assert_eq!((status(&person.client), status(&second.client)), (401, 401));
    for (event_type, metadata) in [
        ("session_revoke", json!({ "session_id": newest, "credential_type": "session" })),
        ("session_revoke_all", json!({ "count": 2, "credential_type": "session" })),
    ] {
        is_own_row(house, &person, event_type, &metadata);
    }
}

both_engines![
    acc_050_a_token_is_shown_once_and_named_by_its_beginning,
    acc_051_the_scheme_is_of_any_case_and_use_is_noted,
    acc_052_what_a_browser_sends_is_no_token,
    acc_053_a_token_that_does_not_hold_is_nobody,
    acc_054_the_oldest_token_beyond_the_cap_ends_and_so_does_a_revoked_one,
    acc_055_a_token_does_not_mint_or_revoke,
    acc_056_what_is_somebody_elses_is_not_there,
    acc_057_ids_are_of_one_form,
    acc_058_many_requests_of_one_token_are_not_too_many,
    acc_059_sessions_are_ended_one_by_one_and_all_at_once,
];
