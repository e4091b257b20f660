//! Limits by token and by address (MET-137 and §12).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{
    Client, Engine, Installation, Program, Reply, Server, Setup, eventually, in_parallel, split_token, text, within,
};

/// Asserts that a window of so many seconds that opened at `begun` or later passes in so many.
#[track_caller]
pub(crate) fn assert_window(left: u64, begun: Instant, window: u64) {
    // A second for a wall clock that is set meanwhile.
    assert!(left <= window && left + begun.elapsed().as_secs() + 1 >= window, "{left} s of {window} are left");
}

/// What holds where nobody sets anything, by sections 12 and 13.1.
#[test]
fn met_137_figures_are_those_of_the_specification() {
    let shown = Program::alone().run(&["config", "show", "--json"]).json();
    for (setting, figure) in [
        ("limits.otp_starts", "5/600"),
        ("limits.otp_address", "20/600"),
        ("limits.otp_guesses", "30/86400"),
        ("limits.applications_address", "10/3600"),
        ("limits.applications_email", "5/86400"),
        ("limits.signup_secret", "10/900"),
        ("limits.bad_tokens", "20/900"),
        ("limits.metric_writes", "1200/60"),
        ("limits.reads", "600/60"),
        ("runtime.tick_seconds", "1800"),
        ("metrics.max_per_company", "10000"),
        ("metrics.token_prefix", "alif"),
        ("metrics.reviewer_roles", "admin"),
        ("accounts.otp_signup", "always"),
        ("applications.require_invite", "false"),
        ("mail.from_name", "Muniment"),
        ("mail.product_name", "Muniment"),
    ] {
        assert_eq!(shown[setting], json!(figure), "{setting}");
    }
}

fn met_137_the_fourth_write_of_a_token_is_limited_and_no_one_elses(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_METRIC_WRITES", "3/60"), ("LIMITS_BAD_TOKENS", "5/60")]);
    let (company, other) = (server.company(), server.company());
    company.metric("arr");
    other.metric("arr");
    let write =
        |company: &crate::harness::Company| company.agent.post("/v1/metrics/arr/points", &json!({ "value": 1 }));
    write(&company).expect(201);
    write(&company).expect(201);
    assert!(write(&company).limited("rate_limited") <= 60);
    write(&other).expect(201);
    let founder = server.founder("ana");
    let own = server.company_of(&founder);
    own.metric("arr");
    let second =
        founder.client.post("/v1/tokens", &json!({ "name": "second", "scopes": ["metrics:write"] })).expect(201);
    write(&own).expect(201);
    write(&own).expect(201);
    write(&own).limited("rate_limited");
    let beside = server.agent(second["token"].as_str().unwrap());
    beside.post("/v1/metrics/arr/points", &json!({ "value": 1 })).expect(201);
    company.agent.get("/v1/status").expect(200);
    for reply in in_parallel(40, |_| other.agent.get("/v1/status")) {
        reply.expect(200);
    }
}

fn met_137_the_limit_stands_after_the_scope_and_before_metric_and_body(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_METRIC_WRITES", "3/3600")]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric("arr");
    let narrow = json!({ "name": "narrow", "scopes": ["metrics:write"], "allowed_metrics": ["arr"] });
    let made = founder.client.post("/v1/tokens", &narrow).expect(201);
    let token = made["token"].as_str().unwrap();
    let agent = server.agent(token);
    let (front, _) = split_token(token);
    let stranger = server.agent(&format!("{front}_{}", "x".repeat(43)));
    let point = json!({ "value": 1 });
    let lacks_scope = || agent.post("/v1/metrics", &json!({ "key": "mrr" })).refused(403, "missing_scope");
    // What fails at credential or scope is not counted.
    for _ in 0..4 {
        lacks_scope();
        stranger.post("/v1/metrics/arr/points", &point).refused(401, "invalid_token");
    }
    for _ in 0..3 {
        agent.post("/v1/metrics/arr/points", &point).expect(201);
    }
    agent.post("/v1/metrics/arr/points", &point).limited("rate_limited");
    agent.post("/v1/metrics/other/points", &point).limited("rate_limited");
    agent.post_bytes("/v1/metrics/arr/points", "{").limited("rate_limited");
    lacks_scope();
    stranger.post("/v1/metrics/arr/points", &point).refused(401, "invalid_token");
}

/// Each route is called by a credential of its own, twice, which is all that it may.
fn met_137_every_write_and_every_read_is_counted(engine: Engine) {
    let before = Server::with(engine, &[]);
    let founder = before.founder("ana");
    let company = before.company_of(&founder);
    company.metric("arr");
    let first = company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let alert = text(&company.wait_for_alerts(1)[0]["id"]);
    let point = json!({ "value": 1 });
    let writes = [
        ("/v1/metrics".to_owned(), json!({ "key": "mrr" })),
        ("/v1/metrics/arr/settings".to_owned(), json!({ "unit": "usd" })),
        ("/v1/metrics/arr/rules".to_owned(), json!({ "type": "growth_spike" })),
        ("/v1/metrics/arr/points".to_owned(), point.clone()),
        ("/v1/metrics/arr/points/batch".to_owned(), json!({ "points": [point] })),
        (format!("/v1/metrics/arr/points/{first}/correct"), json!({ "value": 2 })),
        (format!("/v1/alerts/{alert}/ack"), json!({})),
        (format!("/v1/alerts/{alert}/resolve"), json!({})),
    ];
    let reads = ["status", "metrics", "metrics/arr", "metrics/arr/points", "metrics/arr/rules", "alerts"];
    let application = format!("applications/{}", company.application);
    let of_founder = ["tokens", "applications", &application, "auth/session"];
    let scopes = ["application:read", "metrics:create", "metrics:write", "alerts:ack"];
    let tokens = (0..writes.len() + reads.len()).map(|n| {
        let body = json!({ "name": format!("t{n}"), "scopes": scopes });
        text(&founder.client.post("/v1/tokens", &body).expect(201)["token"])
    });
    let tokens: Vec<String> = tokens.collect();
    let sessions = of_founder.map(|_| before.sign_in(&founder.email).token);
    before.terminate();

    let limits = [("LIMITS_METRIC_WRITES", "2/3600"), ("LIMITS_READS", "2/3600")];
    let setup = Setup::new(engine).over(before.store.clone(), &before.data);
    let server = limits.iter().fold(setup, |setup, (name, value)| setup.set(name, value)).start();
    let is_counted = |call: &dyn Fn() -> Reply| {
        for _ in 0..2 {
            let reply = call();
            assert!(reply.status < 300 || reply.status == 409, "{reply}");
        }
        call().limited("rate_limited");
    };
    let (of_writes, of_reads) = tokens.split_at(writes.len());
    for ((path, body), token) in writes.iter().zip(of_writes) {
        let agent = server.agent(token);
        is_counted(&|| agent.post(path, body));
        agent.post("/v1/metrics/arr/points", &point).limited("rate_limited");
        // Reads are counted apart.
        agent.get("/v1/status").expect(200);
    }
    let credentials = of_reads.iter().chain(&sessions);
    for (path, token) in reads.iter().chain(&of_founder).zip(credentials) {
        let client = server.agent(token);
        is_counted(&|| client.get(&format!("/v1/{path}")));
        client.get("/v1/metrics").limited("rate_limited");
    }
}

fn bad_tokens_of_an_address_are_limited_and_good_ones_pass(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_BAD_TOKENS", "5/60")]);
    let company = server.company();
    let guess = |n: usize| server.agent(&format!("alif_live_{n:018x}_{}", "x".repeat(43))).get("/v1/status");
    for n in 0..5 {
        guess(n).refused(401, "invalid_token");
    }
    guess(6).limited("rate_limited");
    company.agent.get("/v1/status").expect(200);
    let elsewhere = server.anonymous().at_address("127.0.0.3").bearer("alif_live_00_x");
    elsewhere.get("/v1/status").refused(401, "invalid_token");
    // Sessions are guessed at no more often.
    let founder = server.founder("ana");
    let guess = |n: usize| {
        let guessed = format!("alif_session_{n:018x}_{}", "x".repeat(43));
        server.anonymous().at_address("127.0.0.5").bearer(&guessed).get("/v1/auth/session")
    };
    for n in 0..5 {
        guess(n).refused(401, "invalid_session");
    }
    guess(6).limited("rate_limited");
    founder.client.get("/v1/auth/session").expect(200);
}

fn wrong_signup_secrets_of_an_address_are_limited_before_comparing(engine: Engine) {
    let server = Server::with(engine, &[("SIGNUP_SECRET", "right-4711"), ("LIMITS_SIGNUP_SECRET", "3/60")]);
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "c@example.com" });
    let apply =
        |secret: &str| server.anonymous().header("x-alif-signup-secret", secret).post("/v1/applications", &form);
    for _ in 0..3 {
        apply("wrong").refused(401, "unauthorized");
    }
    apply("right-4711").limited("rate_limited");
    let elsewhere = server.anonymous().at_address("127.0.0.4").header("x-alif-signup-secret", "right-4711");
    elsewhere.post("/v1/applications", &form).expect(201);
}

fn reads_are_counted_by_token_and_by_session(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_READS", "3/600")]);
    let server = &house.server;
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let further = json!({ "name": "second", "scopes": ["application:read"] });
    let second = founder.client.post("/v1/tokens", &further).expect(201);
    let beside = server.agent(second["token"].as_str().unwrap());
    let elsewhere = server.sign_in(&founder.email).client;
    for client in [&company.agent, &beside, &founder.client, &elsewhere] {
        for _ in 0..3 {
            client.get("/v1/metrics").expect(200);
        }
        assert!(client.get("/v1/metrics").limited("rate_limited") <= 600);
    }
    let list = "/v1/review/applications";
    let one = format!("{list}/{}", company.application);
    for path in [list, &one, list] {
        house.keeper.client.get(path).expect(200);
    }
    for path in [list, &one] {
        house.keeper.client.get(path).limited("rate_limited");
    }
    server.company().status();
}

fn a_window_of_reads_passes(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_READS", "3/8")]);
    let (company, fourth) = within(Duration::from_secs(8), || {
        let company = server.company();
        for _ in 0..3 {
            company.agent.get("/v1/status").expect(200);
        }
        let fourth = company.agent.get("/v1/status");
        (company, fourth)
    });
    fourth.limited("rate_limited");
    eventually("the window passes", || (company.agent.get("/v1/status").status == 200).then_some(()));
}

fn met_many_wrong_signup_secrets_at_once_are_no_more_than_one_after_the_other(engine: Engine) {
    // One thread serves in the order in which requests come.
    let settings = [("SIGNUP_SECRET", "right-4711"), ("LIMITS_SIGNUP_SECRET", "20/600"), ("HTTP_WORKERS", "1")];
    let server = Server::with(engine, &settings);
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "a@example.com" }).to_string();
    let request = |secret: &str| {
        let head = format!("POST /v1/applications HTTP/1.1\r\nHost: a\r\nX-Alif-Signup-Secret: {secret}\r\n");
        let kind = "Connection: close\r\nContent-Type: application/json\r\n";
        format!("{head}{kind}Content-Length: {}\r\n\r\n{form}", form.len())
    };
    let connect = |_| TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut guesses: Vec<TcpStream> = (0..120).map(connect).collect();
    let mut late: Vec<TcpStream> = (0..5).map(connect).collect();
    for guess in &mut guesses {
        guess.write_all(request("wrong").as_bytes()).unwrap();
    }
    // Once one is answered, all of them wait for their turn; whoever comes now comes after them.
    let mut statuses = vec![status_of(&mut guesses[0])];
    for right in &mut late {
        right.write_all(request("right-4711").as_bytes()).unwrap();
    }
    statuses.extend(guesses.iter_mut().skip(1).map(status_of));
    let compared = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!((compared, statuses.iter().filter(|status| **status == 429).count()), (20, 100), "{statuses:?}");
    let late: Vec<u16> = late.iter_mut().map(status_of).collect();
    assert_eq!(late, [429; 5], "a right secret after 120 wrong ones");
}

fn status_of(stream: &mut TcpStream) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap()
}

fn starts_of_an_address_are_limited_whatever_header_it_sends(engine: Engine) {
    // A code is not echoed to somebody who seems to come through a proxy.
    let server = Server::with(engine, &[("LIMITS_OTP_ADDRESS", "4/600"), ("MAIL_DEV_ECHO", "any")]);
    let start = |n: usize, header: &str, value: &str| {
        let client = server.anonymous().header(header, value);
        client.post("/v1/auth/otp/start", &json!({ "email": format!("a{n}@example.com") }))
    };
    for n in 0..4 {
        start(n, "x-forwarded-for", &format!("198.51.100.{n}")).expect(200);
    }
    for (n, header) in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"].iter().enumerate() {
        start(10 + n, header, "for=198.51.100.77").limited("otp_rate_limited");
    }
}

fn starts_that_a_mailbox_is_refused_are_not_counted_by_its_address(engine: Engine) {
    // The limits as they are unless somebody sets them: twenty starts an address, five a mailbox.
    let server = Server::with(engine, &[("LIMITS_OTP_ADDRESS", "")]);
    let start = |email: &str| server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email }));
    for _ in 0..5 {
        start("ana@example.com").expect(200);
    }
    for _ in 0..20 {
        start("ana@example.com").limited("otp_rate_limited");
    }
    start("ben@example.com").expect(200);
    // Many at once are let through no more often than one after the other.
    let replies = in_parallel(30, |n| start(&format!("a{n}@example.com")));
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 14);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.limited("otp_rate_limited");
    }
}

fn guesses_of_an_address_are_limited_whatever_mailbox_they_are_at(engine: Engine) {
    // The limits as they are unless somebody sets them: thirty guesses.
    let server = Server::with(engine, &[("LIMITS_OTP_ADDRESS", "")]);
    let code = server.code_for("ana@example.com");
    let guess = |client: &Client, email: &str, code: &str| {
        client.post("/v1/auth/otp/verify", &json!({ "email": email, "code": code }))
    };
    let guesser = server.anonymous();
    guess(&guesser, "ana@example.com", "12345").refused(400, "invalid_otp");
    for n in 0..30 {
        let client = guesser.header("x-forwarded-for", &format!("198.51.100.{n}"));
        guess(&client, &format!("a{n}@example.com"), "000000").refused(401, "invalid_otp");
    }
    assert!(guess(&guesser, "ana@example.com", &code).limited("otp_rate_limited") <= 600);
    let elsewhere = guesser.header("x-forwarded-for", "198.51.100.77");
    guess(&elsewhere, "ana@example.com", &code).limited("otp_rate_limited");
    guess(&server.anonymous().at_address("127.0.0.6"), "ana@example.com", &code).expect(200);
}

fn met_reads_of_the_live_routes_are_counted(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_READS", "3/600")]);
    let company = server.company();
    for _ in 0..3 {
        company.agent.get("/v1/events?after=head").expect(200);
    }
    for path in ["/v1/events?after=start", "/v1/stream", "/v1/status"] {
        company.agent.get(path).limited("rate_limited");
    }
    server.company().agent.get("/v1/events?after=head").expect(200);
}

both_engines![
    met_137_the_fourth_write_of_a_token_is_limited_and_no_one_elses,
    met_137_the_limit_stands_after_the_scope_and_before_metric_and_body,
    met_137_every_write_and_every_read_is_counted,
    bad_tokens_of_an_address_are_limited_and_good_ones_pass,
    wrong_signup_secrets_of_an_address_are_limited_before_comparing,
    reads_are_counted_by_token_and_by_session,
    a_window_of_reads_passes,
    met_many_wrong_signup_secrets_at_once_are_no_more_than_one_after_the_other,
    starts_of_an_address_are_limited_whatever_header_it_sends,
    starts_that_a_mailbox_is_refused_are_not_counted_by_its_address,
    guesses_of_an_address_are_limited_whatever_mailbox_they_are_at,
    met_reads_of_the_live_routes_are_counted,
];
