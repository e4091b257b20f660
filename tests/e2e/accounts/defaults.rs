//! What holds where nobody says otherwise: lengths of lists and pages, limits, settings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::limits::{from, login};
use crate::harness::{Engine, Installation, PASSWORD, Person, Program, Reply, Setup, in_parallel, text, unique};

fn length(reply: &Value, of: &str) -> usize {
    reply[of].as_array().unwrap().len()
}

fn acc_100_acc_137_acc_170_acc_172_a_page_is_as_long_as_said(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.person("ben");
    in_parallel(4, |_| {
        (0..13).for_each(|_| drop(house.person("guest")));
        for _ in 0..26 {
            let class = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
            house.offer(&house.keeper, &ben, "teacher", &class);
        }
    });
    for turn in 0..60 {
        let set = json!({ "role": "pal", "enabled": turn % 2 == 0 });
        ben.client.rpc("self_service_role_set", &set).result();
    }
    for (whose, method, of, page, most) in [
        (&house.keeper, "admin_account_list", "accounts", 50, 200),
        (&house.keeper, "audit_log_list", "events", 50, 200),
        (&house.keeper, "audit_log_role_grant_history", "events", 50, 200),
        (&ben, "role_grant_offer_history", "offers", 100, 500),
    ] {
        let listed = whose.client.rpc(method, &json!({})).result();
        let all = whose.client.rpc(method, &json!({ "limit": most })).result();
        assert!(length(&all, of) > page, "{method}: {}", length(&all, of));
        assert_eq!(listed[of], json!(all[of].as_array().unwrap()[..page]), "{method}: the first of all");
    }
    let found = house.keeper.client.rpc("actor_search", &json!({ "query": "guest" })).result();
    assert_eq!(length(&found, "actors"), 20);
}

fn ids(list: &Value) -> Vec<String> {
    list["sessions"].as_array().unwrap().iter().map(|session| text(&session["id"])).collect()
}

fn acc_101_who_was_seen_last_comes_first_and_lists_of_sessions_end(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_MAX_SESSIONS", "none")]);
    let ann = house.person("ann");
    let own = |person: &Person| person.client.rpc("account_session_list", &Value::Null).result();
    let oldest = ids(&own(&ann))[0].clone();
    let second = house.session_of(&ann);
    let middle = ids(&own(&ann))[0].clone();
    house.session_of(&ann);

    // An hour goes by, and the server no longer remembers when it wrote last.
    house.server.terminate();
    house.server.store.execute_on_read_models("UPDATE last_used_v1 SET used_at = used_at - 3600000000");
    house.server.restart();
    assert_eq!(second.client.get("/api/account/verify").status, 200);
    let all = || house.keeper.client.rpc("admin_session_list", &json!({})).result();
    crate::harness::eventually("the one that was used comes before the newer one", || {
        let listed = all();
        let seen: Vec<&str> =
            listed["sessions"].as_array().unwrap().iter().map(|it| it["last_seen_at"].as_str().unwrap()).collect();
        assert!(seen.windows(2).all(|pair| pair[0] >= pair[1]), "last seen first: {seen:?}");
        let of_ann: Vec<&Value> =
            listed["sessions"].as_array().unwrap().iter().filter(|it| it["username"] == json!(ann.username)).collect();
        assert_eq!(of_ann.len(), 3);
        (of_ann[0]["id"] == json!(middle)).then_some(())
    });

    let sign_in = |count: usize| in_parallel(4, |_| (0..count / 4).for_each(|_| drop(house.session_of(&ann))));
    sign_in(48);
    let listed = own(&ann);
    let created: Vec<&str> =
        listed["sessions"].as_array().unwrap().iter().map(|it| it["created_at"].as_str().unwrap()).collect();
    assert!(created.windows(2).all(|pair| pair[0] >= pair[1]), "newest first: {created:?}");
    assert_eq!(created.len(), 50);
    assert!(!ids(&listed).contains(&oldest), "the 51st newest is not shown");
    assert_eq!(ann.client.get("/api/account/verify").status, 200, "and holds");
    sign_in(152);
    assert_eq!((ids(&all()).len(), ids(&own(&ann)).len()), (200, 50));
}

/// Asserts that a limit holds for this long and that nothing of it has passed but what the requests took.
#[track_caller]
fn limited_for(reply: &Reply, window: u64, begun: Instant) {
    let seconds = reply.limited("rate_limit_exceeded");
    let passed = begun.elapsed().as_secs() + 1;
    assert!(seconds <= window && seconds + passed >= window, "{seconds} of {window} s, {passed} s after the first");
}

fn acc_080_acc_081_acc_083_the_limits_are_those_of_the_documents(engine: Engine) {
    let setup = Setup::new(engine).with_accounts().with_its_limits().set("ACCOUNTS_LOGIN_FAIL_FLOOR_MS", "");
    let house = Installation::start(setup);
    let ann = house.named("ann-a");
    let begun = Instant::now();
    let at = |address: &str| from(&house, address);
    for _ in 0..5 {
        let sent = Instant::now();
        login(&at("198.51.100.1"), "nobody-here", "wrong").refused(401, "invalid_credentials");
        assert!(sent.elapsed() >= Duration::from_millis(225), "{:?}", sent.elapsed());
    }
    limited_for(&login(&at("198.51.100.1"), "keeper", PASSWORD), 900, begun);

    let begun = Instant::now();
    for number in 0..5 {
        let body = json!({ "username": format!("nobody-{number}"), "password": PASSWORD });
        at("198.51.100.2").post("/api/account/signup", &body).refused(403, "no_matching_invite");
    }
    let body = json!({ "username": "nobody-z", "password": PASSWORD });
    limited_for(&at("198.51.100.2").post("/api/account/signup", &body), 900, begun);

    let begun = Instant::now();
    let bad = at("198.51.100.3").bearer(&format!("secret_muniment_token_{}", "a".repeat(43)));
    for _ in 0..5 {
        bad.get("/api/account/verify").refused(401, "authentication_required");
    }
    limited_for(&bad.get("/api/account/verify"), 900, begun);

    let begun = Instant::now();
    let same = json!({ "username": unique("same"), "password": PASSWORD });
    for number in 0..10 {
        let client = at(&format!("203.0.113.{number}"));
        login(&client, &ann.username, "wrong").refused(401, "invalid_credentials");
        client.post("/api/account/signup", &same).refused(403, "no_matching_invite");
    }
    limited_for(&login(&at("203.0.113.99"), &ann.username, PASSWORD), 1_800, begun);
    limited_for(&at("203.0.113.99").post("/api/account/signup", &same), 1_800, begun);
}

fn acc_080_the_bootstrap_has_five_failures(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_its_limits().with_bootstrap_file();
    let server = setup.start();
    let begun = Instant::now();
    for _ in 0..5 {
        server.bootstrap_with("wrong", "first").refused(401, "invalid_token");
    }
    limited_for(&server.bootstrap("first"), 900, begun);
}

/// By the literals of the specification (sections 2 and 3.12).
#[test]
fn acc_085_settings_are_those_of_the_documents() {
    let shown = Program::alone().run(&["config", "show", "--json"]).json();
    for (name, value) in [
        ("accounts.cookie_name", "muniment_session"),
        ("accounts.cookie_secure", "true"),
        ("accounts.cookie_same_site", "strict"),
        ("accounts.cookie_http_only", "true"),
        ("accounts.session_max_age", "30d"),
        ("accounts.refresh_threshold", "1d"),
        ("accounts.max_sessions", "5"),
        ("accounts.max_tokens", "10"),
        ("accounts.login_fail_floor_ms", "250"),
        ("accounts.login_fail_jitter_ms", "25"),
        ("accounts.api_token_prefix", "secret_muniment_token_"),
        ("accounts.bootstrap", "disabled"),
        ("accounts.daemon_token", "true"),
        ("accounts.daemon_rotation", "30s"),
        ("offers.ttl", "30d"),
        ("offers.authorize", "holder"),
        ("limits.login_ip", "5/900"),
        ("limits.signup_ip", "5/900"),
        ("limits.bootstrap_ip", "5/900"),
        ("limits.bearer_ip", "5/900"),
        ("limits.login_account", "10/1800"),
        ("limits.signup_account", "10/1800"),
        ("limits.action_account", "1200/900"),
        ("http.max_body_size", "1048576"),
        ("ws.heartbeat_timeout", "1m"),
        ("cleanup.interval", "10m"),
    ] {
        assert_eq!(shown[name], json!(value), "{name}");
    }
    for unset in ["accounts.cookie_keys", "accounts.bootstrap_token_path", "self_service.eligible_roles"] {
        assert_eq!(shown[unset], Value::Null, "{unset}");
    }
    for none in ["offers.scoped_rules", "roles", "scope_kinds", "credential_types", "grant_paths", "audit_events"] {
        assert_eq!(shown[none], json!(""), "{none}");
    }
}

both_engines![
    acc_100_acc_137_acc_170_acc_172_a_page_is_as_long_as_said,
    acc_101_who_was_seen_last_comes_first_and_lists_of_sessions_end,
    acc_080_acc_081_acc_083_the_limits_are_those_of_the_documents,
    acc_080_the_bootstrap_has_five_failures,
];
