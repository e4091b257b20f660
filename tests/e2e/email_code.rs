//! Sign-in by e-mail code and the session it makes (MET-010 to 032).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{
    Client, Engine, MailSink, Program, Reply, Server, Setup, base64url, contains, eventually, folder_bytes,
    in_parallel, looks_like, milliseconds_until, split_token, unique, within,
};
use crate::limits::assert_window;

fn start(client: &Client, email: &str) -> Reply {
    client.post("/v1/auth/otp/start", &json!({ "email": email }))
}

fn verify(client: &Client, email: &str, code: &str) -> Reply {
    client.post("/v1/auth/otp/verify", &json!({ "email": email, "code": code }))
}

fn address() -> String {
    format!("{}@example.com", unique("ana"))
}

/// Asserts that what was answered to a request made at `begun` or later runs out so long after it was made.
#[track_caller]
fn assert_lasts(answer: &Value, begun: Instant, span: Duration) {
    let left = milliseconds_until(&answer["expires_at"]);
    let [span, passed] = [span, begun.elapsed()].map(|it| i64::try_from(it.as_millis()).unwrap());
    // A second for a wall clock that is set meanwhile.
    assert!(left <= span + 1_000 && left + passed >= span - 1_000, "{answer} after {passed} ms");
}

/// A code that differs from the right one, another for each `n`.
fn wrong(right: &str, n: usize) -> String {
    let right: usize = right.parse().unwrap();
    format!("{:06}", (right + 1 + n) % 1_000_000)
}

fn met_010_a_start_echoes_the_code_in_development(engine: Engine) {
    let email = address();
    let begun = Instant::now();
    let answer = start(&Server::shared(engine).anonymous(), &email).expect(200);
    assert_lasts(&answer, begun, Duration::from_secs(600));
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["email"], json!(email));
    assert_eq!(answer["delivery"], "development_response");
    assert!(looks_like(answer["dev_otp"].as_str().unwrap(), "", 6, |c| c.is_ascii_digit()), "{answer}");
    assert_eq!(answer.as_object().unwrap().len(), 5, "{answer}");
}

fn met_011_an_address_is_trimmed_and_lower_cased(engine: Engine) {
    let server = Server::shared(engine);
    let name = unique("founder");
    let typed = format!(" {}@Example.COM ", name.to_uppercase());
    let answer = start(&server.anonymous(), &typed).expect(200);
    let email = format!("{name}@example.com");
    assert_eq!(answer["email"], json!(email));
    let code = answer["dev_otp"].as_str().unwrap();
    let session = verify(&server.anonymous(), &typed, code).expect(200);
    assert_eq!(session["email"], json!(email));
    let own = server.agent(session["session_token"].as_str().unwrap()).get("/v1/auth/session").expect(200);
    assert_eq!(own["email"], json!(email));
}

fn met_012_an_address_that_is_missing_or_none_is_refused(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    for body in [json!({}), json!({ "email": " \t" }), json!({ "email": 7 }), json!({ "email": null })] {
        client.post("/v1/auth/otp/start", &body).refused(400, "missing_field");
    }
    for email in ["a", "a@b", "a b@c.d", "@c.d", "a@c.d\r\nbcc: x@y.z"] {
        start(&client, email).refused(400, "invalid_email");
    }
}

fn met_013_the_sixth_start_in_the_window_is_limited(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_OTP_STARTS", "5/4")]);
    let client = server.anonymous();
    let (email, sixth) = within(Duration::from_secs(4), || {
        let email = address();
        for _ in 0..5 {
            start(&client, &email).expect(200);
        }
        let sixth = start(&client, &email);
        (email, sixth)
    });
    assert!(sixth.limited("otp_rate_limited") <= 4);
    start(&client, &address()).expect(200);
    eventually("the window passes", || (start(&client, &email).status == 200).then_some(()));
}

fn met_014_used_codes_count_as_starts(engine: Engine) {
    let server = Server::shared(engine);
    let (email, begun) = (address(), Instant::now());
    for _ in 0..4 {
        server.sign_in(&email);
    }
    start(&server.anonymous(), &email).expect(200);
    assert_window(start(&server.anonymous(), &email).limited("otp_rate_limited"), begun, 600);
}

fn met_015_the_right_code_opens_a_session(engine: Engine) {
    let server = Server::shared(engine);
    let email = address();
    let code = server.code_for(&email);
    let begun = Instant::now();
    let answer = verify(&server.anonymous(), &email, &code).expect(200);
    assert_lasts(&answer, begun, Duration::from_secs(30 * 24 * 3_600));
    let token = answer["session_token"].as_str().unwrap();
    assert_session_form(token);
    assert_eq!((&answer["ok"], &answer["email"]), (&json!(true), &json!(email)));
}

/// What leads from an address to an account stands in no hash.
fn a_code_opens_no_account_that_its_address_was_moved_to(engine: Engine) {
    let server = Server::with(engine, &[]);
    let client = server.anonymous();
    let sign_in = |email: &str| verify(&client, email, &server.code_for(email)).expect(200);
    let [victim, mallory] = [address(), address()];
    let accounts = [&victim, &mallory].map(|email| {
        sign_in(email);
        let newest =
            "SELECT aggregate_id FROM events WHERE event_type = 'account.registered' ORDER BY position DESC LIMIT 1";
        server.store.texts(newest).remove(0)
    });
    let events = || server.store.texts("SELECT CAST(COUNT(*) AS TEXT) FROM events");
    // Of the claim that was taken last.
    let lead_to = |account: &str| {
        server.store.execute(&format!(
            "UPDATE claims SET owner_id = '{account}' WHERE scope = 'account-email' AND position = \
             (SELECT MAX(position) FROM claims WHERE scope = 'account-email')"
        ));
    };
    let code = server.code_for(&mallory);
    lead_to(&accounts[0]);
    let before = events();
    let (status, told) = client.post_to_a_fault("/v1/auth/otp/verify", &json!({ "email": mallory, "code": code }));
    assert!(status == 500 && told.contains("internal_error") && !told.contains("session_token"), "{status}: {told}");
    assert_eq!(events(), before, "no session is opened");
    sign_in(&victim);
    lead_to(&accounts[1]);
    verify(&client, &mallory, &code).expect(200);
}

#[track_caller]
fn assert_session_form(token: &str) {
    let rest = token.strip_prefix("alif_session_").unwrap_or_else(|| panic!("{token}"));
    let (public, secret) = rest.split_once('_').unwrap();
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(looks_like(public, "", 18, hexadecimal) && looks_like(secret, "", 43, base64url), "{token}");
}

fn met_016_white_space_inside_a_code_is_ignored(engine: Engine) {
    let server = Server::shared(engine);
    for separator in [" ", "\t", "\u{a0}"] {
        let email = address();
        let code = server.code_for(&email);
        let pairs: Vec<&str> = [&code[0..2], &code[2..4], &code[4..6]].to_vec();
        verify(&server.anonymous(), &email, &format!(" {}\t", pairs.join(separator))).expect(200);
    }
}

fn met_017_a_code_of_another_form_is_refused_and_not_counted(engine: Engine) {
    let server = Server::shared(engine);
    let client = server.anonymous();
    let email = address();
    let code = server.code_for(&email);
    for _ in 0..2 {
        for bad in ["12345", "1234567", "12345a", "１２３４５６", "1e5", "-12345"] {
            verify(&client, &email, bad).refused(400, "invalid_otp");
        }
    }
    let number = json!({ "email": email, "code": 123_456 });
    client.post("/v1/auth/otp/verify", &number).refused(400, "missing_field");
    verify(&client, &email, &code).expect(200);
}

fn met_018_a_code_without_a_start_is_refused(engine: Engine) {
    verify(&Server::shared(engine).anonymous(), &address(), "123456").refused(401, "invalid_otp");
}

fn met_019_a_used_code_is_dead(engine: Engine) {
    let server = Server::shared(engine);
    let email = address();
    let code = server.code_for(&email);
    verify(&server.anonymous(), &email, &code).expect(200);
    verify(&server.anonymous(), &email, &code).refused(401, "invalid_otp");
}

fn met_020_an_old_code_is_expired_also_after_wrong_guesses(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (fresh, guessed) = (address(), address());
    let codes = [server.code_for(&fresh), server.code_for(&guessed)];
    for n in 0..5 {
        verify(&server.anonymous(), &guessed, &wrong(&codes[1], n)).refused(401, "invalid_otp");
    }
    server.terminate();
    make_earlier(&server, "challenge.issued", 11 * 60);
    server.restart();
    for (email, code) in [&fresh, &guessed].into_iter().zip(&codes) {
        verify(&server.anonymous(), email, code).refused(401, "expired_otp");
    }
}

/// Moves the end that events of a type name into the past, as if the time had passed.
pub(crate) fn make_earlier(server: &Server, event_type: &str, seconds: i64) {
    fn shift(value: &mut Value, seconds: i64) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    // What ends never, stays so.
                    if let ("expires_at", Some(end)) = (name.as_str(), field.as_str()) {
                        let end: chrono::DateTime<chrono::Utc> = end.parse().unwrap();
                        *field = json!(end - chrono::Duration::seconds(seconds));
                    } else {
                        shift(field, seconds);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| shift(item, seconds)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    server.store.rewrite(event_type, |payload| shift(payload, seconds));
}

fn met_021_five_wrong_guesses_close_a_code_and_a_new_one_opens(engine: Engine) {
    let server = Server::shared(engine);
    let client = server.anonymous();
    let email = address();
    let code = server.code_for(&email);
    let mut recorded = 0;
    for n in 0..5 {
        let reply = verify(&client, &email, &wrong(&code, n));
        reply.refused(401, "invalid_otp");
        // Each is recorded, and the answer says where.
        assert!(reply.position() > recorded, "{reply}: {recorded} before");
        recorded = reply.position();
    }
    verify(&client, &email, &code).limited("otp_attempts_exceeded");
    let fresh = server.code_for(&email);
    verify(&client, &email, &fresh).expect(200);
}

/// Two codes of an address that are not the same by chance, of which the second is in force.
fn two_codes(server: &Server, email: &str) -> (String, String) {
    let first = server.code_for(email);
    let second = std::iter::repeat_with(|| server.code_for(email)).find(|code| *code != first);
    (first, second.unwrap())
}

fn met_022_a_new_code_makes_the_earlier_one_worthless(engine: Engine) {
    let server = Server::shared(engine);
    let client = server.anonymous();
    let email = address();
    let (first, second) = two_codes(server, &email);
    verify(&client, &email, &first).refused(401, "invalid_otp");
    for n in 0..3 {
        verify(&client, &email, &wrong(&second, n)).refused(401, "invalid_otp");
    }
    verify(&client, &email, &second).expect(200);
    verify(&client, &email, &first).refused(401, "invalid_otp");
    // It counts as a guess like any other: with four more the newer one is closed.
    let email = address();
    let (first, second) = two_codes(server, &email);
    verify(&client, &email, &first).refused(401, "invalid_otp");
    for n in 0..4 {
        verify(&client, &email, &wrong(&second, n)).refused(401, "invalid_otp");
    }
    verify(&client, &email, &second).limited("otp_attempts_exceeded");
}

fn met_023_of_parallel_right_answers_exactly_one_wins(engine: Engine) {
    let server = Server::with(engine, &[]);
    let email = address();
    let code = server.code_for(&email);
    let replies = in_parallel(32, |_| verify(&server.anonymous(), &email, &code));
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(won, 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.refused(401, "invalid_otp");
    }
    assert_eq!(server.store.count("session.started"), 1);
}

fn met_024_of_parallel_wrong_guesses_at_most_five_are_compared(engine: Engine) {
    let server = Server::with(engine, &[]);
    let email = address();
    let code = server.code_for(&email);
    let replies = in_parallel(64, |n| verify(&server.anonymous(), &email, &wrong(&code, n)));
    let (compared, limited): (Vec<&Reply>, Vec<&Reply>) = replies.iter().partition(|reply| reply.status == 401);
    assert!((1..=5).contains(&compared.len()), "{} guesses were compared", compared.len());
    for reply in &compared {
        reply.refused(401, "invalid_otp");
    }
    for reply in limited {
        reply.limited("otp_attempts_exceeded");
    }
    assert_eq!(server.store.count("challenge.guess_failed"), compared.len());
    verify(&server.anonymous(), &email, &code).limited("otp_attempts_exceeded");
}

fn met_025_thirty_wrong_guesses_a_day_close_an_address(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_OTP_STARTS", "off")]);
    let client = server.anonymous();
    let (email, begun) = (address(), Instant::now());
    for _ in 0..6 {
        let code = server.code_for(&email);
        for n in 0..5 {
            verify(&client, &email, &wrong(&code, n)).refused(401, "invalid_otp");
        }
    }
    let code = server.code_for(&email);
    assert_window(verify(&client, &email, &code).limited("otp_attempts_exceeded"), begun, 86_400);
}

fn met_026_neither_code_nor_session_secret_is_stored_in_clear(engine: Engine) {
    let server = Server::with(engine, &[]);
    let email = address();
    let code = server.code_for(&email);
    let used = verify(&server.anonymous(), &email, &code).expect(200);
    let session = used["session_token"].as_str().unwrap();
    server.agent(session).get("/v1/auth/session").expect(200);
    let export = Program::operator_of(&server).run(&["audit", "export"]);
    let mut everything = server.store.bytes();
    everything.extend(folder_bytes(&server.data));
    everything.extend(export.ok().bytes());
    everything.extend(server.log().bytes());
    let digest = Sha256::digest(format!("{email}:{code}"));
    assert!(!contains(&everything, &digest), "the bare hash of the code is stored");
    assert!(!contains(&everything, hex::encode(digest).as_bytes()), "the bare hash of the code is stored");
    let secret = split_token(session).1;
    assert!(!contains(&everything, secret.as_bytes()), "the session's secret is stored");
    assert!(!contains(&everything, email.as_bytes()), "the address is stored in clear");
    let alone = |at: usize| {
        let digit =
            |index: Option<usize>| index.and_then(|index| everything.get(index)).is_some_and(u8::is_ascii_digit);
        !digit(at.checked_sub(1)) && !digit(Some(at + 6))
    };
    let found = everything.windows(6).enumerate().find(|(at, window)| *window == code.as_bytes() && alone(*at));
    assert!(found.is_none(), "the code is stored");
}

fn met_028_a_start_does_not_tell_whether_an_address_is_known(engine: Engine) {
    let server = Server::shared(engine);
    let known = server.founder("known").email;
    let replies = [start(&server.anonymous(), &known), start(&server.anonymous(), &address())];
    // The order of headers is the framework's, and changes from answer to answer.
    let shape = |reply: &Reply| -> (u16, Vec<String>, BTreeSet<String>) {
        let keys = reply.json().as_object().unwrap().keys().cloned().collect();
        (reply.status, keys, reply.headers.keys().map(ToString::to_string).collect())
    };
    assert_eq!(shape(&replies[0]), shape(&replies[1]));

    // With mail nothing is echoed, and what is left is the same.
    let sink = MailSink::start();
    let server = Setup::new(engine).start();
    let known = server.founder("known").email;
    server.terminate();
    let server = Setup::new(engine).over(server.store.clone(), &server.data).with_mail(&sink.url()).start();
    let replies = [known, address()].map(|email| {
        let begun = Instant::now();
        let reply = start(&server.anonymous(), &email);
        assert_lasts(&reply.expect(200), begun, Duration::from_secs(600));
        reply
    });
    assert_eq!(shape(&replies[0]), shape(&replies[1]));
    let [one, other] = replies.map(|reply| reply.json());
    assert_eq!((&one["ok"], &one["delivery"]), (&json!(true), &json!("email")));
    assert_eq!((&other["ok"], &other["delivery"]), (&one["ok"], &one["delivery"]));
}

fn met_031_a_session_shows_itself_until_logout(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("session");
    let company = server.apply(&founder.client, &founder.email, &json!({ "company_name": "Sessions" }));
    let own = founder.client.get("/v1/auth/session").expect(200);
    assert_eq!(own["email"], json!(founder.email));
    assert!(milliseconds_until(&own["expires_at"]) > 29 * 24 * 3_600_000, "{own}");
    assert!(milliseconds_until(&own["created_at"]) <= 0, "{own}");
    assert!(own["account_id"].is_string(), "{own}");
    assert_eq!(own["companies"].as_array().unwrap().len(), 1, "{own}");
    let listed = &own["companies"][0];
    assert_eq!(listed["company_id"], json!(company.id));
    assert_eq!(listed["application_id"], json!(company.application));
    assert_eq!((&listed["company_name"], &listed["status"]), (&json!("Sessions"), &json!("submitted")));
    assert_eq!(founder.client.post_bytes("/v1/auth/logout", "").expect(200), json!({ "ok": true }));
    founder.client.get("/v1/auth/session").refused(401, "invalid_session");
    founder.client.post_bytes("/v1/auth/logout", "").refused(401, "invalid_session");
}

fn met_032_an_expired_or_forged_session_is_refused(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("expired");
    let forged = |token: &str| server.agent(token).get("/v1/auth/session").refused(401, "invalid_session");
    let (public, secret) = split_token(&founder.token);
    forged(&format!("{public}_{}", secret.chars().rev().collect::<String>()));
    forged("alif_session_zz");
    forged("alif_session_00_x");
    server.anonymous().get("/v1/auth/session").refused(401, "invalid_session");
    server.terminate();
    for event_type in ["session.started", "account.session_opened"] {
        make_earlier(&server, event_type, 31 * 24 * 3_600);
    }
    Program::operator_of(&server).run(&["projections", "rebuild", "--all"]).ok();
    server.restart();
    founder.client.get("/v1/auth/session").refused(401, "expired_session");
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": founder.email });
    founder.client.post("/v1/applications", &form).refused(401, "expired_session");
    forged(&format!("{public}_{}", secret.chars().rev().collect::<String>()));
    // It stays so once the sweep has closed it.
    server.terminate();
    let swept = Program::operator_of(&server).run(&["cleanup", "--json"]).json();
    assert_eq!(swept["expired_sessions"], 1, "{swept}");
    server.restart();
    founder.client.get("/v1/auth/session").refused(401, "expired_session");
    forged(&format!("{public}_{}", secret.chars().rev().collect::<String>()));
}

fn an_eleventh_session_ends_the_oldest_of_the_account(engine: Engine) {
    let server = Setup::new(engine).set("LIMITS_OTP_STARTS", "off").start();
    let email = address();
    let sessions: Vec<Client> = (0..11).map(|_| server.sign_in(&email).client).collect();
    sessions[0].get("/v1/auth/session").refused(401, "invalid_session");
    for session in &sessions[1..] {
        session.get("/v1/auth/session").expect(200);
    }
}

fn met_037_a_code_is_echoed_to_nobody_behind_a_proxy_or_a_page(engine: Engine) {
    let server = Server::shared(engine);
    let own_page = format!("http://127.0.0.1:{}", server.port);
    let from = |headers: &[(&str, &str)]| {
        let client = headers.iter().fold(server.anonymous(), |client, (name, value)| client.header(name, value));
        start(&client, &address())
    };
    for headers in [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("referer", "https://evil.example/page")],
        vec![("x-forwarded-for", "203.0.113.9")],
        vec![("x-forwarded-for", "127.0.0.1")],
        vec![("x-forwarded-host", "localhost")],
        vec![("forwarded", "for=203.0.113.9")],
        vec![("via", "1.1 proxy")],
        vec![("x-real-ip", "127.0.0.1")],
        vec![("host", "evil.example")],
        vec![("host", "evil.example:80"), ("origin", "http://evil.example:80")],
        vec![("host", "127.0.0.1.evil.example")],
    ] {
        let reply = from(&headers);
        reply.refused(503, "service_unavailable");
        assert!(!contains(&reply.body, b"dev_otp"), "{headers:?}: {reply}");
    }
    for headers in [
        vec![],
        vec![("host", "localhost")],
        vec![("host", "[::1]:8080")],
        vec![("origin", own_page.as_str()), ("sec-fetch-site", "same-origin")],
    ] {
        assert!(from(&headers).expect(200)["dev_otp"].is_string(), "{headers:?}");
    }
}

both_engines![
    met_037_a_code_is_echoed_to_nobody_behind_a_proxy_or_a_page,
    met_010_a_start_echoes_the_code_in_development,
    met_011_an_address_is_trimmed_and_lower_cased,
    met_012_an_address_that_is_missing_or_none_is_refused,
    met_013_the_sixth_start_in_the_window_is_limited,
    met_014_used_codes_count_as_starts,
    met_015_the_right_code_opens_a_session,
    a_code_opens_no_account_that_its_address_was_moved_to,
    met_016_white_space_inside_a_code_is_ignored,
    met_017_a_code_of_another_form_is_refused_and_not_counted,
    met_018_a_code_without_a_start_is_refused,
    met_019_a_used_code_is_dead,
    met_020_an_old_code_is_expired_also_after_wrong_guesses,
    met_021_five_wrong_guesses_close_a_code_and_a_new_one_opens,
    met_022_a_new_code_makes_the_earlier_one_worthless,
    met_023_of_parallel_right_answers_exactly_one_wins,
    met_024_of_parallel_wrong_guesses_at_most_five_are_compared,
    met_025_thirty_wrong_guesses_a_day_close_an_address,
    met_026_neither_code_nor_session_secret_is_stored_in_clear,
    met_028_a_start_does_not_tell_whether_an_address_is_known,
    met_031_a_session_shows_itself_until_logout,
    met_032_an_expired_or_forged_session_is_refused,
    an_eleventh_session_ends_the_oldest_of_the_account,
];
