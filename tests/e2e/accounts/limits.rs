//! Limits of sign-ins, tokens and calls (ACC-080 to ACC-086).

use std::time::Duration;

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{
    Client, Engine, Installation, ORIGIN, PASSWORD, Reply, Setup, eventually, in_parallel, pause, text, within,
};

pub(super) fn login(client: &Client, name: &str, password: &str) -> Reply {
    client.post("/api/account/login", &json!({ "username": name, "password": password }))
}

pub(super) fn from(house: &Installation, address: &str) -> Client {
    house.server.anonymous().header("x-forwarded-for", address)
}

fn acc_080_an_address_has_five_failures(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "5/900")]);
    let person = house.named("ann-a");
    let client = from(&house, "198.51.100.1");
    for _ in 0..5 {
        login(&client, "ann-a", "wrong").refused(401, "invalid_credentials");
    }
    let rows = || house.audit(&json!({ "event_type": "login", "limit": 200 })).len();
    let before = rows();
    let reply = login(&client, "ann-a", PASSWORD);
    reply.limited("rate_limit_exceeded");
    let keys: Vec<String> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["error", "retry_after"]);
    assert_eq!(rows(), before);
    login(&from(&house, "198.51.100.2"), "ann-a", PASSWORD).expect(200);
    // Signing in and changing the password are one budget.
    let change = |address: &str| {
        let body = json!({ "current_password": "wrong", "new_password": "another horse battery" });
        person.client.header("x-forwarded-for", address).post("/api/account/password", &body)
    };
    change("198.51.100.1").limited("rate_limit_exceeded");
    for _ in 0..5 {
        change("198.51.100.3").refused(401, "invalid_credentials");
    }
    login(&from(&house, "198.51.100.3"), "ben-b", "wrong").limited("rate_limit_exceeded");
}

fn acc_080_sign_ups_have_budgets_of_their_own(engine: Engine) {
    let settings = [("LIMITS_SIGNUP_IP", "5/900"), ("LIMITS_SIGNUP_ACCOUNT", "3/1800"), ("LIMITS_LOGIN_IP", "5/900")];
    let house = Installation::with(engine, &settings);
    let sign_up = |address: &str, name: &str| {
        from(&house, address).post("/api/account/signup", &json!({ "username": name, "password": PASSWORD }))
    };
    for number in 0..5 {
        sign_up("198.51.100.1", &format!("nobody-{number}")).refused(403, "no_matching_invite");
    }
    sign_up("198.51.100.1", "nobody-z").limited("rate_limit_exceeded");
    assert_eq!(house.server.store.count("attempt.refused"), 5, "who is limited leaves no row");
    login(&from(&house, "198.51.100.1"), "keeper", PASSWORD).expect(200);
    for (number, name) in ["same-name", "SAME-NAME", "Same-Name"].iter().enumerate() {
        sign_up(&format!("198.51.100.{}", 10 + number), name).refused(403, "no_matching_invite");
    }
    sign_up("198.51.100.20", "same-Name").limited("rate_limit_exceeded");
    sign_up("198.51.100.20", "other-name").refused(403, "no_matching_invite");
}

fn acc_080_the_bootstrap_has_a_budget_of_its_own(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.set("LIMITS_BOOTSTRAP_IP", "5/900").start();
    for _ in 0..5 {
        server.bootstrap_with("wrong", "first").refused(401, "invalid_token");
    }
    server.bootstrap("first").limited("rate_limit_exceeded");
    assert_eq!(server.store.count("attempt.refused"), 5, "who is limited leaves no row");
    let body = json!({ "token": "bootstrap-token-of-the-tests", "username": "first", "password": PASSWORD });
    let elsewhere = server.anonymous().header("x-forwarded-for", "198.51.100.2");
    elsewhere.post("/api/account/bootstrap", &body).expect(200);
}

fn acc_081_an_account_has_ten_failures_whatever_it_is_called_and_from_where(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "10/1800")]);
    house.invite(&json!({ "username": "ann-a" }));
    let body = json!({ "username": "ann-a", "password": PASSWORD, "email": "ann@example.com" });
    house.sign_up(&body).expect(200);
    house.named("ben-b");
    let spellings = ["ann-a", " ANN-A ", "ann@example.com", "Ann@Example.COM"];
    let guess = |number: usize, name: &str| login(&from(&house, &format!("198.51.100.{number}")), name, "wrong");
    for number in 0..10 {
        guess(number, spellings[number % 4]).refused(401, "invalid_credentials");
        guess(number, "nobody-here").refused(401, "invalid_credentials");
    }
    // Their windows began milliseconds apart, so the seconds may differ for that long; what is refused counts nothing.
    eventually("equal refusals", || {
        let [known, unknown] = [guess(11, "ann-a"), guess(12, "nobody-here")];
        for reply in [&known, &unknown] {
            reply.limited("rate_limit_exceeded");
        }
        (known.body == unknown.body && known.header("retry-after") == unknown.header("retry-after")).then_some(())
    });
    guess(13, "Ann@Example.COM").limited("rate_limit_exceeded");
    login(&from(&house, "198.51.100.13"), "ben-b", PASSWORD).expect(200);
}

fn acc_082_success_forgives_the_account_and_not_the_address(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    house.named("ann-a");
    for _ in 0..4 {
        for _ in 0..2 {
            login(&house.server.anonymous(), "ann-a", "wrong").refused(401, "invalid_credentials");
        }
        login(&house.server.anonymous(), "ann-a", PASSWORD).expect(200);
    }
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "5/900")]);
    house.named("ann-a");
    let client = from(&house, "198.51.100.1");
    let passes = |guess: &usize| {
        let passes = login(&client, &format!("victim-{guess}"), "wrong").status != 429;
        login(&client, "ann-a", PASSWORD);
        passes
    };
    assert_eq!((0..8).take_while(passes).count(), 5);
}

fn acc_083_bad_tokens_are_counted_and_a_browsers_are_not(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_BEARER_IP", "5/900")]);
    let made = house.named("ann-a").client.rpc("account_token_create", &Value::Null).result();
    let by = |address: &str, token: &str| from(&house, address).bearer(token);
    let (bad, good) = (format!("secret_muniment_token_{}", "a".repeat(43)), text(&made["token"]));
    let client = by("198.51.100.1", &bad);
    for (name, value) in [("origin", ORIGIN), ("referer", "")] {
        for _ in 0..8 {
            client.header(name, value).get("/api/account/verify").refused(401, "authentication_required");
        }
    }
    for _ in 0..5 {
        assert_eq!(by("198.51.100.1", &good).get("/api/account/verify").status, 200);
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
    client.get("/api/account/verify").limited("rate_limit_exceeded");
    client.rpc("account_verify", &Value::Null).0.limited("rate_limit_exceeded");
    // Before any look-up: a token that holds is refused like one that does not.
    by("198.51.100.1", &good).get("/api/account/verify").limited("rate_limit_exceeded");
    assert_eq!(by("198.51.100.2", &good).get("/api/account/verify").status, 200);
}

fn acc_084_only_a_trusted_peer_says_where_a_request_comes_from(engine: Engine) {
    let settings = [("LIMITS_LOGIN_IP", "2/900"), ("HTTP_TRUSTED_PROXIES", "10.0.0.0/8")];
    let house = Installation::with(engine, &settings);
    for number in 0..2 {
        let client = from(&house, &format!("198.51.100.{number}"));
        login(&client, "nobody-a", "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "198.51.100.9"), "nobody-b", "wrong").limited("rate_limit_exceeded");

    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "4/900")]);
    for spelling in ["2001:db8::1", "2001:DB8:0:0::1", "2001:db8:0000::0001", "2001:db8::0:1"] {
        login(&from(&house, spelling), "nobody-a", "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "2001:0db8::1"), "nobody-b", "wrong").limited("rate_limit_exceeded");
    login(&from(&house, "2001:db8:1::1"), "nobody-b", "wrong").refused(401, "invalid_credentials");
    for spelling in ["198.51.100.7", "::ffff:198.51.100.7", "::FFFF:c633:6407", "0:0:0:0:0:ffff:c633:6407"] {
        login(&from(&house, spelling), "nobody-a", "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "198.51.100.7"), "nobody-b", "wrong").limited("rate_limit_exceeded");
}

fn acc_085_limited_methods_share_one_budget_over_both_transports(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_ACTION_ACCOUNT", "3/900")]);
    let (ann, ben) = (house.named("ann-a"), house.named("ben-b"));
    let lookup = json!({ "ids": [ann.actor] });
    let gone = house.session_of(&ann);
    // A logout closes all sockets of the account, so this one opens after it.
    gone.client.post("/api/account/logout", &json!({})).expect(200);
    let mut socket = Socket::of(&house.server, &ann.cookie);
    let (by_token, _) = house.token_of(&ann);
    // One of three is spent on the token. More refusals than there is budget, of each kind and over both transports.
    for _ in 0..4 {
        gone.client.rpc("actor_lookup", &lookup).refused(401, -32_001, "");
        ann.client.rpc("actor_lookup", &json!({})).issues();
        ann.client.rpc("role_why", &json!({ "role": "teacher", "scope_kind": "class" })).issues();
        assert_eq!(socket.call("actor_lookup", &json!({}))["error"]["code"], -32_602);
        ann.client.rpc("invite_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
        assert_eq!(socket.call("invite_list", &json!({}))["error"]["code"], -32_002);
        by_token.rpc("account_token_create", &Value::Null).refused(403, -32_002, "credential_type_required");
    }
    ann.client.rpc("actor_lookup", &lookup).result();
    let third = socket.call("actor_search", &json!({ "query": "a", "scope_ids": [ann.actor] }));
    assert_eq!(third["result"]["actors"], json!([]), "{third}");
    let call = ann.client.rpc("actor_search", &json!({ "query": "a", "scope_ids": [] }));
    let body = call.0.expect(429);
    assert_eq!(body["error"]["code"], -32_006);
    assert!(
        body["error"]["data"]["retry_after"].as_u64().is_some_and(|seconds| (1..=900).contains(&seconds)),
        "{body}"
    );
    assert_eq!(body["error"]["data"]["retry_after"].to_string(), call.0.header("retry-after"));
    let refused = socket.call("actor_lookup", &lookup);
    assert_eq!(refused["error"]["code"], -32_006);
    assert!(refused["error"]["data"]["retry_after"].is_u64(), "{refused}");
    assert_eq!(by_token.rpc("actor_lookup", &lookup).0.expect(429)["error"]["code"], -32_006);
    ann.client.rpc("actor_list", &Value::Null).result();
    ben.client.rpc("actor_lookup", &lookup).result();
}

fn acc_086_the_window_slides(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "2/2")]);
    let mut number = 0;
    let (client, third) = within(Duration::from_secs(2), || {
        number += 1;
        let client = from(&house, &format!("198.51.100.{number}"));
        for _ in 0..2 {
            login(&client, "nobody-a", "wrong").refused(401, "invalid_credentials");
        }
        let third = login(&client, "nobody-a", "wrong");
        (client, third)
    });
    let seconds = third.limited("rate_limit_exceeded");
    assert!(seconds <= 2);
    pause(Duration::from_secs(seconds));
    login(&client, "nobody-a", "wrong").refused(401, "invalid_credentials");
}

fn many_guesses_at_once_are_no_more_than_one_after_the_other(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "10/900")]);
    let ann = house.named("ann-a");
    let statuses = in_parallel(64, |_| login(&house.server.anonymous(), "ann-a", "wrong").status);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 54);
    let rows = house.audit(&json!({ "event_type": "login", "account_id": ann.id, "limit": 200 }));
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "failure").count(), 10);
    assert_eq!(text(&rows[0]["metadata"]["username"]), "ann-a");
}

fn a10_a_limit_holds_over_nodes_and_restarts(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "4/900"), ("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    house.named("ann-a");
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let nodes = [&house.server, second.as_ref().unwrap_or(&house.server)];
    let guess = |node: usize, address: &str, name: &str| {
        login(&nodes[node].anonymous().header("x-forwarded-for", address), name, "wrong")
    };
    for number in 0..4 {
        let name = format!("nobody-{number}");
        guess(number % 2, "198.51.100.1", &name).refused(401, "invalid_credentials");
    }
    for number in 0..3 {
        guess(number % 2, &format!("203.0.113.{number}"), "ann-a").refused(401, "invalid_credentials");
    }
    let both_are_limited = || {
        for node in [0, 1] {
            let seconds = guess(node, "198.51.100.1", "nobody-z").limited("rate_limit_exceeded");
            assert!((1..=900).contains(&seconds), "{seconds}");
            guess(node, "203.0.113.99", "ann-a").limited("rate_limit_exceeded");
        }
    };
    both_are_limited();
    house.server.terminate();
    house.server.restart();
    both_are_limited();
    guess(0, "198.51.100.2", "nobody-z").refused(401, "invalid_credentials");
    for text in ["198.51.100.1", "nobody-0"] {
        let kept = house.server.store.texts_of_read_models("SELECT key || counted FROM request_windows_v1");
        assert!(kept.iter().all(|row| !row.contains(text)), "a counter names {text}: {kept:?}");
        assert!(kept.len() >= 2);
    }
}

both_engines![
    a10_a_limit_holds_over_nodes_and_restarts,
    acc_080_an_address_has_five_failures,
    acc_080_sign_ups_have_budgets_of_their_own,
    acc_080_the_bootstrap_has_a_budget_of_its_own,
    acc_081_an_account_has_ten_failures_whatever_it_is_called_and_from_where,
    acc_082_success_forgives_the_account_and_not_the_address,
    acc_083_bad_tokens_are_counted_and_a_browsers_are_not,
    acc_084_only_a_trusted_peer_says_where_a_request_comes_from,
    acc_085_limited_methods_share_one_budget_over_both_transports,
    acc_086_the_window_slides,
    many_guesses_at_once_are_no_more_than_one_after_the_other,
];
