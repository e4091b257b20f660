//! Cookies, sessions and the daemon token under attack (catalogue D and F).

use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use super::raw::{self, Held};
use crate::harness::{Client, Engine, Installation, ORIGIN, PASSWORD, Setup, cookie_of, in_parallel, text};
use crate::mail::own_address;

fn d3_a_session_that_the_client_brings_is_never_taken_on(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, mallory) = (house.person("ann"), house.person("mallory"));
    let body = json!({ "username": ann.username, "password": PASSWORD });
    for planted in ["muniment_session=chosen:9999999999.sig", mallory.cookie.as_str()] {
        let client = house.server.anonymous().header("cookie", planted);
        let reply = client.post("/api/account/login", &body);
        reply.expect(200);
        let fresh = cookie_of(&reply);
        assert!(fresh != planted && fresh != ann.cookie, "{fresh}");
    }
    // D2: a sign-in that fails sets none.
    assert_eq!(house.login(&ann.username, "wrong").header("set-cookie"), "");
    // The planted session is still of whom it was.
    let whose = mallory.client.get("/api/account/status").expect(200);
    assert_eq!(whose["account"]["id"], json!(mallory.id));
}

fn d5_a_cookie_that_is_not_whole_is_nobodys(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    let (name, value) = ann.cookie.split_once('=').unwrap();
    let refused = |cookie: &str| {
        let reply = house.server.anonymous().header("cookie", cookie).get("/api/account/verify");
        assert_eq!(reply.status, 401, "{cookie}: {reply}");
    };
    for at in [0, value.len() / 3, value.len() / 2, value.len() - 2] {
        let mut bytes = value.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        refused(&format!("{name}={}", String::from_utf8(bytes).unwrap()));
    }
    for length in [1, value.len() / 2, value.len() - 1] {
        refused(&format!("{name}={}", &value[..length]));
    }
    refused(&format!("{name}="));
    refused(&format!("{name}=garbage; {name}={value}"));
    refused(&format!("{name}={value}; {name}=garbage"));
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
}

fn d8_many_sign_ins_at_once_leave_no_more_sessions_than_the_cap(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.named("ann-a");
    let cookies = in_parallel(20, |_| {
        let reply = house.login("ann-a", PASSWORD);
        reply.expect(200);
        cookie_of(&reply)
    });
    let alive = cookies
        .iter()
        .filter(|cookie| house.server.anonymous().header("cookie", cookie).get("/api/account/verify").status == 200);
    assert_eq!(alive.count(), 5);
    assert_eq!(ann.client.get("/api/account/verify").status, 401);
}

fn d12_a_cookie_beside_a_token_never_adds_their_rights(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, boss) = (house.person("ann"), house.admin("boss"));
    let (by_token, _) = house.token_of(&boss);
    by_token.rpc("admin_account_list", &Value::Null).result();
    let both = by_token.header("cookie", &ann.cookie);
    assert_eq!(both.rpc("account_verify", &Value::Null).result()["id"], json!(ann.id));
    both.rpc("admin_account_list", &Value::Null).refused(403, -32_002, "insufficient_permissions");
}

fn f8_a_daemon_token_file_that_is_not_the_servers_alone_stops_the_start(engine: Engine) {
    let server = Setup::new(engine).with_accounts().start();
    let path = server.data.join("run/daemon_token");
    let precious = server.data.join("precious");
    std::fs::write(&precious, "precious").unwrap();
    let refuses = || {
        let refused = server.try_restart().expect_err("a start that is refused");
        assert!(refused.log.contains("daemon_token"), "{}", refused.log);
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    };
    server.terminate();
    symlink(&precious, &path).unwrap();
    refuses();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "readable by all\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    refuses();
    std::fs::remove_file(&path).unwrap();
    // The name under which the next token is written leads elsewhere: it is replaced, not written through.
    symlink(&precious, path.with_extension("new")).unwrap();
    server.restart();
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    let token = std::fs::read_to_string(&path).unwrap();
    assert_eq!(token.trim_end().len(), 43);
}

fn d13_what_lists_and_the_store_show_opens_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.named("ann-a");
    let (_, token) = house.token_of(&ann);
    let listed = ann.client.rpc("account_session_list", &Value::Null).result();
    let session = text(&listed["sessions"][0]["id"]);
    let (name, value) = ann.cookie.split_once('=').unwrap();
    let signed = value.split_once(':').unwrap().1;
    // K14: what a dump has in place of the secrets are digests, and no digest is a credential.
    let hashes = ["sessions_v2_g0", "api_tokens_v1_g0"].map(|table| {
        let hashes = house.server.store.texts_of_read_models(&format!("SELECT secret_hash FROM {table}"));
        assert!(!hashes.is_empty(), "{table}");
        hashes
    });
    for shown in [session, token].into_iter().chain(hashes.concat()) {
        let anonymous = house.server.anonymous();
        for client in [
            anonymous.header("cookie", &format!("{name}={shown}")),
            anonymous.header("cookie", &format!("{name}={shown}:{signed}")),
            anonymous.bearer(&shown),
            anonymous.header("x-daemon-token", &shown),
        ] {
            assert_eq!(client.get("/api/account/verify").status, 401, "{shown}");
        }
    }
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
}

fn f7_a_daemon_token_that_came_through_a_proxy_is_refused(engine: Engine) {
    let house = Installation::shared(engine);
    assert_eq!(house.daemon().get("/api/account/verify").status, 200);
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("x-forwarded-host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("x-forwarded-anything", "1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "127.0.0.1"),
        ("origin", ORIGIN),
        ("referer", ""),
    ] {
        let through = house.daemon().header(name, value);
        through.get("/api/account/verify").refused(401, "invalid_daemon_token");
        through.rpc("invite_list", &json!({})).0.expect(401);
    }
}

fn f7_a_daemon_token_from_another_machine_is_refused(engine: Engine) {
    let Some(outside) = own_address() else { return };
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.listen_everywhere().start();
    server.bootstrap("keeper").expect(200);
    let token = std::fs::read_to_string(server.data.join("run/daemon_token")).unwrap();
    let at = |base: &str| Client::new(base).header("x-daemon-token", token.trim_end());
    assert_eq!(at(&server.base).get("/api/account/verify").status, 200);
    let far = at(&format!("http://{outside}:{}", server.port));
    for client in [&far, &far.header("x-forwarded-for", "127.0.0.1"), &far.header("host", "127.0.0.1")] {
        client.get("/api/account/verify").refused(401, "invalid_daemon_token");
        client.rpc("invite_list", &json!({})).0.expect(401);
    }
}

fn k17_the_program_knows_no_method_of_tests(engine: Engine) {
    let house = Installation::shared(engine);
    for method in ["_testing_reset", "_testing_drain_effects", "_testing_mint_session"] {
        for client in [&house.daemon(), &house.keeper.client, &house.server.anonymous()] {
            let unknown = client.rpc("unheard_of", &json!({})).0;
            assert_eq!(client.rpc(method, &json!({})).0.body, unknown.body, "{method}");
            assert_eq!(unknown.status, 404);
        }
    }
    let program = std::fs::read(env!("CARGO_BIN_EXE_muniment")).unwrap();
    assert!(!crate::harness::contains(&program, b"_testing_reset"), "the program holds a method of tests");
}

/// Who has a stolen session could keep such a request open, and make himself a token once its owner had ended it.
fn e17_a_credential_that_ends_while_the_body_is_on_its_way_does_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let server = &house.server;
    let ann = house.person("ann");
    let create = json!({ "jsonrpc": "2.0", "id": 1, "method": "account_token_create", "params": {} });
    let by_cookie = format!("origin: {ORIGIN}\r\ncookie: {}", ann.cookie);
    let held = Held::post(server, "/api/rpc", &by_cookie, &create);
    let change = json!({ "current_password": PASSWORD, "new_password": "another good passphrase" });
    ann.client.post("/api/account/password", &change).expect(200);
    let answer = held.finish();
    assert!(raw::status(&answer) == 401 && !answer.contains("token\""), "{answer}");

    let founder = server.founder("bo");
    let company = server.company_of(&founder);
    company.metric("arr");
    let batch = json!({ "points": [{ "value": 1, "timestamp": "2026-01-01" }] });
    let by_agent = format!("authorization: Bearer {}", company.token);
    let held = Held::post(server, "/v1/metrics/arr/points/batch", &by_agent, &batch);
    let public_id = founder.client.get("/v1/tokens").expect(200)["tokens"][0]["public_id"].clone();
    founder.client.post(&format!("/v1/tokens/{}/revoke", public_id.as_str().unwrap()), &json!({})).expect(200);
    let answer = held.finish();
    assert!(raw::status(&answer) == 401 && answer.contains("invalid_token"), "{answer}");
    let points = founder.client.get("/v1/metrics/arr/points").expect(200)["points"].clone();
    assert_eq!(points, json!([]));

    let token = json!({ "name": "lasting", "scopes": ["metrics:write"] });
    let by_founder = format!("authorization: Bearer {}", founder.token);
    let held = Held::post(server, "/v1/tokens", &by_founder, &token);
    founder.client.post("/v1/auth/logout", &json!({})).expect(200);
    let answer = held.finish();
    assert!(raw::status(&answer) == 401 && answer.contains("invalid_session"), "{answer}");
    let again = server.sign_in(&founder.email);
    let tokens = again.client.get("/v1/tokens").expect(200)["tokens"].clone();
    assert_eq!(tokens.as_array().unwrap().len(), 1, "{tokens}");
}

both_engines![
    e17_a_credential_that_ends_while_the_body_is_on_its_way_does_nothing,
    d3_a_session_that_the_client_brings_is_never_taken_on,
    d5_a_cookie_that_is_not_whole_is_nobodys,
    d8_many_sign_ins_at_once_leave_no_more_sessions_than_the_cap,
    d12_a_cookie_beside_a_token_never_adds_their_rights,
    f7_a_daemon_token_from_another_machine_is_refused,
    f8_a_daemon_token_file_that_is_not_the_servers_alone_stops_the_start,
    d13_what_lists_and_the_store_show_opens_nothing,
    f7_a_daemon_token_that_came_through_a_proxy_is_refused,
    k17_the_program_knows_no_method_of_tests,
];
