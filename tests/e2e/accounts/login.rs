//! Signing in with a password (ACC-010 to ACC-017).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Engine, Installation, PASSWORD, contains, cookie_end, cookie_of, eventually, in_parallel, text, unique,
};

fn acc_010_the_right_password_sets_one_cookie_with_every_mark(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let reply = house.login(&person.username, PASSWORD);
    assert_eq!(reply.expect(200), json!({ "ok": true }));
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 1);
    let header = reply.header("set-cookie");
    assert!(header.starts_with("muniment_session="), "{header}");
    for mark in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(header.split("; ").any(|part| part == mark), "{header} lacks {mark}");
    }
    let (end, due) = (cookie_end(&reply), chrono::Utc::now().timestamp() + 2_592_000);
    assert!((end - due).abs() <= 60, "what it says of its own end: {end}, not about {due}");
}

fn acc_011_a_wrong_password_and_an_unknown_name_answer_alike(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let wrong = house.login(&person.username, "not the password at all");
    let unknown = house.login(&unique("nobody"), "not the password at all");
    for reply in [&wrong, &unknown] {
        reply.refused(401, "invalid_credentials");
        assert_eq!(reply.header("set-cookie"), "");
    }
    assert_eq!(wrong.body, unknown.body);
}

fn acc_012_failures_take_their_time_and_nothing_else_does(engine: Engine) {
    const EARLIEST: Duration = Duration::from_millis(1_900);
    let settings = [
        ("ACCOUNTS_LOGIN_FAIL_FLOOR_MS", "2000"),
        ("ACCOUNTS_LOGIN_FAIL_JITTER_MS", "100"),
        ("LIMITS_LOGIN_ACCOUNT", "6/600"),
    ];
    let house = Installation::with(engine, &settings);
    let person = house.person("ann");
    let timed = |name: &str, password: &str| {
        let begun = Instant::now();
        (house.login(name, password).status, begun.elapsed())
    };
    // A busy machine may take its time once; the floor would hold up every one.
    let is_early = |password: &str, expected: u16| {
        eventually("an answer before the floor", || {
            let (status, took) = timed(&person.username, password);
            assert_eq!(status, expected);
            (took < EARLIEST).then_some(())
        });
    };
    is_early(PASSWORD, 200);
    // Twelve, half of them of a name that is there; six at once, so that the test takes four seconds and not 24.
    let failures: Vec<_> = (0..2)
        .flat_map(|_| in_parallel(6, |index| timed(if index < 3 { &person.username } else { "nobody-here" }, "wrong")))
        .collect();
    for (status, took) in &failures {
        assert!(*status == 401 && *took >= EARLIEST, "{status} after {took:?}");
    }
    // Twelve of a uniform spread over 200 ms lie within 50 ms of each other once in millions of runs.
    let times = || failures.iter().map(|(_, took)| *took);
    let spread = times().max().unwrap() - times().min().unwrap();
    assert!(spread >= Duration::from_millis(50), "no jitter: {failures:?}");
    is_early("wrong", 429);
}

fn acc_013_names_are_trimmed_and_of_any_case_and_may_be_the_e_mail(engine: Engine) {
    let house = Installation::shared(engine);
    let username = unique("alice");
    let email = format!("{}@Example.com", unique("Alice"));
    house.invite(&json!({ "username": username }));
    let body = json!({ "username": username, "password": PASSWORD, "email": email });
    house.sign_up(&body).expect(200);
    for name in [format!(" {} ", username.to_uppercase()), email.to_lowercase(), email.to_uppercase()] {
        house.login(&name, PASSWORD).expect(200);
    }
}

fn acc_014_malformed_sign_ins_are_told_and_leave_nothing(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "1/600")]);
    let client = house.server.anonymous();
    let failures = || house.audit(&json!({ "event_type": "login" })).len();
    let before = failures();
    let long = "a".repeat(256);
    let password = "p".repeat(301);
    for (body, path) in [
        (json!({ "username": "   ", "password": "x" }), "username"),
        (json!({ "username": long, "password": "x" }), "username"),
        (json!({ "username": "ann", "password": "" }), "password"),
        (json!({ "username": "ann", "password": password }), "password"),
        (json!({ "username": "ann", "password": "x", "more": 1 }), ""),
        (json!({ "password": "x" }), "username"),
        (json!({ "username": "ann", "password": "x", "totp": 123_456 }), "totp"),
    ] {
        let refusal = client.post("/api/account/login", &body).refused(400, "invalid_request_body");
        assert_eq!(refusal["issues"][0]["path"][0].as_str().unwrap_or_default(), path, "{refusal}");
    }
    client.post("/api/account/login", &json!([])).refused(400, "invalid_json_body");
    client.post_bytes("/api/account/login", "").refused(400, "invalid_json_body");
    client.post_bytes("/api/account/login", "{").refused(400, "invalid_json_body");
    assert_eq!(failures(), before);
    let ann = house.named("ann-a");
    for totp in [Value::Null, json!("123456")] {
        let body = json!({ "username": ann.username, "password": PASSWORD, "totp": totp });
        client.post("/api/account/login", &body).expect(200);
    }
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
}

fn acc_015_no_password_stands_in_the_store_in_clear(engine: Engine) {
    let house = Installation::shared(engine);
    let username = unique("clear");
    let password = format!("{}-a-long-password", unique("sentinel"));
    house.invite(&json!({ "username": username }));
    house.sign_up(&json!({ "username": username, "password": password })).expect(200);
    let stored = house.server.store.bytes();
    assert!(contains(&stored, username.as_bytes()), "the search finds what is there");
    assert!(!contains(&stored, password.as_bytes()));
    assert!(!contains(&stored, b"$argon2"), "the hash is sealed");
}

fn acc_016_each_sign_in_is_a_session_named_by_a_hash(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let second = house.session_of(&person);
    let listed = person.client.rpc("account_session_list", &Value::Null).result();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions[0]["created_at"].as_str() >= sessions[1]["created_at"].as_str());
    assert_ne!(sessions[0]["id"], sessions[1]["id"]);
    for session in sessions {
        let id = text(&session["id"]);
        assert!(id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
        assert_eq!(session["account_id"], json!(person.id));
        for cookie in [&person.cookie, &second.cookie] {
            let raw = cookie.split('=').nth(1).unwrap().split(':').next().unwrap();
            assert!(!session.to_string().contains(raw));
        }
    }
}

fn acc_017_the_oldest_session_beyond_the_cap_ends(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let newest = (0..5).map(|_| house.session_of(&person)).last().unwrap();
    person.client.get("/api/account/verify").refused(401, "authentication_required");
    let listed = newest.client.rpc("account_session_list", &Value::Null).result();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 5);

    let house = Installation::with(engine, &[("ACCOUNTS_MAX_SESSIONS", "none")]);
    let person = house.person("ann");
    let sessions: Vec<_> = (0..5).map(|_| house.session_of(&person)).collect();
    assert!(sessions.iter().chain([&person]).all(|it| it.client.get("/api/account/verify").status == 200));
}

fn acc_017_a_cap_of_none_at_all_ends_sessions_at_birth(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_MAX_SESSIONS", "none")]);
    let person = house.person("ann");
    let dead = crate::harness::Setup::new(engine)
        .with_accounts()
        .set("ACCOUNTS_MAX_SESSIONS", "0")
        .over(house.server.store.clone(), &house.server.data);
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let node = dead.start();
    let body = json!({ "username": person.username, "password": PASSWORD });
    let reply = node.anonymous().post("/api/account/login", &body);
    reply.expect(200);
    let client = node.anonymous().header("cookie", &cookie_of(&reply));
    client.get("/api/account/verify").refused(401, "authentication_required");
}

both_engines![
    acc_010_the_right_password_sets_one_cookie_with_every_mark,
    acc_011_a_wrong_password_and_an_unknown_name_answer_alike,
    acc_012_failures_take_their_time_and_nothing_else_does,
    acc_013_names_are_trimmed_and_of_any_case_and_may_be_the_e_mail,
    acc_014_malformed_sign_ins_are_told_and_leave_nothing,
    acc_015_no_password_stands_in_the_store_in_clear,
    acc_016_each_sign_in_is_a_session_named_by_a_hash,
    acc_017_the_oldest_session_beyond_the_cap_ends,
    acc_017_a_cap_of_none_at_all_ends_sessions_at_birth,
];
