//! Signing in with a password under attack (catalogue A and B).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::raw::cut_off;
use crate::harness::{
    Client, Engine, Installation, PASSWORD, Program, Reply, cookie_of, eventually, in_parallel, text, unique,
};

fn login(client: &Client, name: &str, password: &str) -> Reply {
    client.post("/api/account/login", &json!({ "username": name, "password": password }))
}

fn from(house: &Installation, address: &str) -> Client {
    house.server.anonymous().header("x-forwarded-for", address)
}

/// Signs somebody up under a password of one's choice.
fn with_password(house: &Installation, password: &str) -> String {
    let username = unique("ann");
    house.invite(&json!({ "username": username }));
    house.sign_up(&json!({ "username": username, "password": password })).expect(200);
    username
}

fn a2_an_erased_account_answers_as_if_there_never_was_one(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.named("ann-a");
    let (by_token, _) = house.token_of(&ann);
    house.server.terminate();
    Program::operator_of(&house.server).run(&["erase", &ann.id, "--yes"]).ok();
    house.server.restart();
    let (erased, unknown) = (house.login("ann-a", PASSWORD), house.login("nobody-here", PASSWORD));
    erased.refused(401, "invalid_credentials");
    assert_eq!((erased.status, &erased.body), (unknown.status, &unknown.body));
    assert_eq!(erased.header("set-cookie"), "");
    // D10: what the account held open has ended with it.
    for client in [&ann.client, &by_token] {
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
}

fn a5_a_code_that_was_never_sent_is_answered_alike_for_every_address(engine: Engine) {
    let house = Installation::shared(engine);
    let server = &house.server;
    let (account, applicant) = (server.founder("ana").email, server.company().email);
    let invited = format!("{}@example.com", unique("invited"));
    house.invite(&json!({ "email": invited }));
    let sent = format!("{}@example.com", unique("sent"));
    let code = server.code_for(&sent);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let guess = |email: &str, code: &str| {
        let reply = server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": email, "code": code }));
        reply.refused(401, "invalid_otp");
        let own = ["date", "x-request-id"];
        let headers = reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        // Where the record stands is told alike; it moves with whatever anybody does.
        let value = |name: &str, value| if name == "muniment-position" { String::new() } else { format!("{value:?}") };
        let mut headers: Vec<_> =
            headers.map(|(name, told)| format!("{name}: {}", value(name.as_str(), told))).collect();
        headers.sort();
        (headers, String::from_utf8_lossy(&reply.body).into_owned())
    };
    let unknown = guess(&format!("{}@example.com", unique("nobody")), "000000");
    for email in [&account, &applicant, &invited] {
        assert_eq!(guess(email, "000000"), unknown, "{email}");
    }
    assert_eq!(guess(&sent, wrong), unknown, "a wrong code");
}

/// Memory of a process that is in use, in MiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn a20_guesses_take_the_memory_of_those_that_are_compared_at_once(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_HASHING_CONCURRENCY", "2"), ("HTTP_WORKERS", "8")]);
    let pid = house.server.pid();
    let before = resident(pid);
    for _ in 0..4 {
        in_parallel(30, |number| {
            login(&house.server.anonymous(), &format!("nobody-{number}"), "wrong").refused(401, "invalid_credentials");
        });
    }
    let grown = resident(pid).saturating_sub(before);
    // Two of 19 MiB each, and whatever else 120 requests leave behind.
    assert!(grown < 2 * 19 + 60, "{grown} MiB more than {before} MiB");
}

fn a11_the_addresses_one_client_may_pick_from_share_a_budget(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "20/900")]);
    for number in 0..20 {
        let address = format!("2001:db8:7:7:{number:x}::{number:x}");
        login(&from(&house, &address), &format!("nobody-{number}"), "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "2001:db8:7:7:ffff::1"), "nobody-z", "wrong").limited("rate_limit_exceeded");
    login(&from(&house, "2001:db8:7:8::1"), "nobody-z", "wrong").refused(401, "invalid_credentials");
    for number in 0..20 {
        let address = if number % 2 == 0 { "198.51.100.7" } else { "::ffff:198.51.100.7" };
        login(&from(&house, address), &format!("nobody-{number}"), "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "198.51.100.7"), "nobody-z", "wrong").limited("rate_limit_exceeded");
}

fn a13_an_operator_lets_an_account_sign_in_again_at_once(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    let (ann, ben) = (house.named("ann-a"), house.named("ben-b"));
    for name in ["ann-a", "ben-b"] {
        for number in 0..3 {
            let client = from(&house, &format!("198.51.100.{number}"));
            login(&client, name, "wrong").refused(401, "invalid_credentials");
        }
        login(&from(&house, "203.0.113.1"), name, PASSWORD).limited("rate_limit_exceeded");
    }
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let operator = Program::operator_of(&house.server);
    assert_eq!(operator.run(&["account", "unthrottle", "ann-a", "--json"]).json()["was_counted"], true);
    if engine == Engine::Sqlite {
        house.server.restart();
    }
    login(&from(&house, "203.0.113.1"), "ann-a", PASSWORD).expect(200);
    login(&from(&house, "203.0.113.1"), "ben-b", PASSWORD).limited("rate_limit_exceeded");
    let row = house.row("account_unthrottle", &ann.id);
    assert_eq!((&row["target_account_id"], &row["account_id"]), (&json!(ann.id), &Value::Null));
    assert!(house.audit(&json!({ "event_type": "account_unthrottle", "account_id": ben.id })).is_empty());
}

fn a14_whoever_is_locked_out_by_others_keeps_what_is_open(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    let ann = house.named("ann-a");
    for number in 0..3 {
        login(&from(&house, &format!("198.51.100.{number}")), "ann-a", "wrong").refused(401, "invalid_credentials");
    }
    login(&from(&house, "203.0.113.1"), "ann-a", PASSWORD).limited("rate_limit_exceeded");
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
    ann.client.rpc("account_token_create", &Value::Null).result();
}

/// A wrong attempt from `198.51.100.9`, as bytes.
fn attempt(name: &str) -> Vec<u8> {
    let body = json!({ "username": name, "password": "wrong" }).to_string();
    let head = "POST /api/account/login HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n";
    let kind = "Content-Type: application/json\r\n";
    format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn a14_attempts_that_are_cut_off_keep_nobody_waiting(engine: Engine) {
    let limits = [("LIMITS_LOGIN_IP", "5/900"), ("LIMITS_LOGIN_ACCOUNT", "10/1800")];
    let house = Installation::with(engine, &limits);
    house.named("ann-a");
    let attempt = attempt("ann-a");
    in_parallel(4, |_| {
        for number in 0..150 {
            cut_off(&house.server, &attempt, Duration::from_micros(300 * (number % 12 + 1)));
        }
    });
    let begun = Instant::now();
    login(&from(&house, "203.0.113.1"), "ann-a", PASSWORD).expect(200);
    assert!(begun.elapsed() < Duration::from_secs(50), "the owner waited for {:?}", begun.elapsed());
}

fn a20_a_cut_off_attempt_counts_like_any_other(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "3/900")]);
    let mut number = 0;
    eventually("three attempts are recorded", || {
        number += 1;
        cut_off(&house.server, &attempt(&format!("nobody-{number}")), Duration::from_millis(8));
        (house.server.store.count("attempt.refused") >= 3).then_some(())
    });
    login(&from(&house, "198.51.100.9"), "nobody-z", "wrong").limited("rate_limit_exceeded");
    assert_eq!(house.server.store.count("attempt.refused"), 3);
}

fn a15_a_password_that_is_too_long_is_refused_wherever_it_is_given(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    for length in [301, 100_000] {
        let long = "p".repeat(length);
        house.invite(&json!({ "username": unique("bob") }));
        let signup = house.sign_up(&json!({ "username": unique("bob"), "password": long }));
        signup.refused(400, "invalid_request_body");
        house.login(&ann.username, &long).refused(400, "invalid_request_body");
        let change = json!({ "current_password": PASSWORD, "new_password": long });
        ann.client.post("/api/account/password", &change).refused(400, "invalid_request_body");
    }
    house.login(&ann.username, PASSWORD).expect(200);
}

fn a16_a_password_counts_character_by_character(engine: Engine) {
    let house = Installation::shared(engine);
    let spaces = " ".repeat(64);
    let long = "x".repeat(300);
    for (password, alike) in [
        ("NUL \0 and what follows it", vec!["NUL ", "NUL \0 and what follows i", "NUL \0 AND WHAT FOLLOWS IT"]),
        ("🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑", vec!["🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑", "🗝🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑"]),
        (&spaces, vec![&spaces[1..], "x"]),
        (" blanks around it ", vec!["blanks around it", " blanks around it", "blanks around it "]),
        (&long, vec![&long[1..]]),
    ] {
        let username = with_password(house, password);
        house.login(&username, password).expect(200);
        for other in alike {
            house.login(&username, other).refused(401, "invalid_credentials");
        }
    }
}

fn a17_two_spellings_of_one_letter_are_one_password(engine: Engine) {
    let house = Installation::shared(engine);
    let (composed, decomposed) =
        ("caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e", "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e");
    let username = with_password(house, composed);
    let reply = house.login(&username, decomposed);
    reply.expect(200);
    let client = house.server.anonymous().header("cookie", &cookie_of(&reply));
    let change = json!({ "current_password": composed, "new_password": format!("{decomposed} again") });
    client.post("/api/account/password", &change).expect(200);
    house.login(&username, &format!("{composed} again")).expect(200);
}

fn a18_one_of_the_most_common_passwords_is_not_set(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_REFUSE_COMMON_PASSWORDS", "true")]);
    let ann = house.person("ann");
    for common in ["password1234", "PASSWORD1234", "qwertyuiop123", "１２３４５６７８９０１２"] {
        let bob = unique("bob");
        house.invite(&json!({ "username": bob }));
        let issues = |reply: &Reply| reply.refused(400, "invalid_request_body")["issues"][0]["code"].clone();
        let signup = house.sign_up(&json!({ "username": bob, "password": common }));
        assert_eq!(issues(&signup), "invalid_value");
        let change = json!({ "current_password": PASSWORD, "new_password": common });
        let changed = ann.client.post("/api/account/password", &change);
        assert_eq!(issues(&changed), "invalid_value");
        house.login(&ann.username, common).refused(401, "invalid_credentials");
    }
    house.login(&ann.username, PASSWORD).expect(200);
}

fn b8_what_was_set_up_before_the_address_was_proven_falls_away(engine: Engine) {
    let house = Installation::with(engine, &[]);
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let email = "victim@example.com";
    let body = json!({ "username": "squatter", "password": PASSWORD, "email": email });
    let reply = house.sign_up(&body);
    reply.expect(200);
    let squatter = house.person_of("squatter", &cookie_of(&reply));
    let (by_token, _) = house.token_of(&squatter);

    let owner = house.server.sign_in(email);
    assert_eq!(owner.client.get("/v1/auth/session").expect(200)["account_id"], json!(squatter.id));
    for client in [&squatter.client, &by_token] {
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
    house.login("squatter", PASSWORD).refused(401, "invalid_credentials");
    // A second proof takes nothing away from whoever proved it before.
    house.server.sign_in(email);
    owner.client.get("/v1/auth/session").expect(200);
}

fn k7_a_flood_of_failures_adds_no_more_than_its_budget(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "5/900")]);
    let client = from(&house, "198.51.100.1");
    for number in 0..100 {
        let status = login(&client, &format!("nobody-{number}"), "wrong").status;
        assert_eq!(status, if number < 5 { 401 } else { 429 });
    }
    assert_eq!(house.server.store.count("attempt.refused"), 5);
}

fn k7_failed_revocations_have_a_budget(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_ACTION_ACCOUNT", "3/900")]);
    let ann = house.named("ann-a");
    let session = |digit: &str| ann.client.rpc("account_session_revoke", &json!({ "session_id": digit.repeat(64) }));
    let token = || ann.client.rpc("account_token_revoke", &json!({ "token_id": "tok_aaaaaaaaaaaa" }));
    for made in [session("a"), session("b"), token()] {
        assert_eq!(made.result()["revoked"], false);
    }
    for refused in [session("c"), token()] {
        assert_eq!(refused.0.status, 429, "{}", refused.0);
    }
    assert_eq!(house.server.store.count("attempt.refused"), 3);
    // What ends something is never refused.
    house.session_of(&ann);
    let listed = ann.client.rpc("account_session_list", &Value::Null).result();
    let newest = json!({ "session_id": text(&listed["sessions"][0]["id"]) });
    assert_eq!(ann.client.rpc("account_session_revoke", &newest).result()["revoked"], true);
}

both_engines![
    a14_attempts_that_are_cut_off_keep_nobody_waiting,
    a20_a_cut_off_attempt_counts_like_any_other,
    a20_guesses_take_the_memory_of_those_that_are_compared_at_once,
    a5_a_code_that_was_never_sent_is_answered_alike_for_every_address,
    a2_an_erased_account_answers_as_if_there_never_was_one,
    a11_the_addresses_one_client_may_pick_from_share_a_budget,
    a13_an_operator_lets_an_account_sign_in_again_at_once,
    a14_whoever_is_locked_out_by_others_keeps_what_is_open,
    a15_a_password_that_is_too_long_is_refused_wherever_it_is_given,
    a16_a_password_counts_character_by_character,
    a17_two_spellings_of_one_letter_are_one_password,
    a18_one_of_the_most_common_passwords_is_not_set,
    b8_what_was_set_up_before_the_address_was_proven_falls_away,
    k7_a_flood_of_failures_adds_no_more_than_its_budget,
    k7_failed_revocations_have_a_budget,
];
