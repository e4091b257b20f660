//! Mail from the outbox, and when a code may be echoed instead (MET-035 to 039).

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use muniment_testkit::free_port;
use serde_json::{Value, json};

use crate::harness::{Client, Engine, MailSink, Program, Server, Setup, contains, eventually, unique};
use crate::schedule::audit_rows;

/// The code in a mail's text.
fn code_in(mail: &str) -> String {
    let (_, rest) = mail.split_once("login code is ").unwrap_or_else(|| panic!("no code in:\n{mail}"));
    rest.chars().take(6).collect()
}

fn met_035_a_code_travels_by_mail_and_is_not_echoed(engine: Engine) {
    let sink = MailSink::start();
    let server = Setup::new(engine).with_mail(&sink.url()).start();
    let email = format!("{}@example.com", unique("ana"));
    let answer = server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    assert_eq!(answer["delivery"], "email");
    assert!(answer.get("dev_otp").is_none(), "{answer}");
    let mail = eventually("the mail arrives", || sink.mails().first().cloned());
    let code = code_in(&mail);
    assert!(mail.contains("Subject: Your Muniment login code\r\n"), "{mail}");
    assert!(mail.contains(&format!("Your Muniment login code is {code}. It expires in 10 minutes.")), "{mail}");
    assert!(mail.contains(&format!("<strong>{code}</strong>")), "{mail}");
    assert!(mail.contains(&format!("To: {email}")), "{mail}");
    assert!(mail.contains("From: Muniment <codes@muniment.example>\r\n"), "{mail}");
    let verified = json!({ "email": email, "code": code });
    server.anonymous().post("/v1/auth/otp/verify", &verified).expect(200);
    assert_eq!(sink.mails().len(), 1);
    let rows = audit_rows(&server);
    let started: Vec<&Value> = rows.iter().filter(|row| row["event_type"] == "auth.otp.started").collect();
    assert!(matches!(started.as_slice(), [row] if row["metadata"] == json!({ "sent": true })), "{started:?}");
}

fn met_035_the_names_that_are_set_stand_in_both_parts(engine: Engine) {
    let sink = MailSink::start();
    let setup = Setup::new(engine).with_mail(&sink.url());
    let server = setup.set("MAIL_FROM_NAME", "Anvil Post").set("MAIL_PRODUCT_NAME", "A & B").start();
    server.anonymous().post("/v1/auth/otp/start", &json!({ "email": "ana@example.com" })).expect(200);
    let mail = eventually("the mail arrives", || sink.mails().first().cloned());
    let (head, parts) = mail.split_once("\r\n\r\n").unwrap();
    let headers: Vec<&str> = head.lines().collect();
    for header in ["From: \"Anvil Post\" <codes@muniment.example>", "Subject: Your A & B login code"] {
        assert_eq!(headers.iter().filter(|line| **line == header).count(), 1, "{header}: {mail}");
    }
    let of_kind = |kind: &str| {
        let mut found = parts.split("\r\n--").filter(|part| part.contains(&format!("Content-Type: {kind};")));
        let part = found.next().unwrap_or_else(|| panic!("no {kind} in:\n{mail}")).to_owned();
        assert!(found.next().is_none(), "{kind} twice:\n{mail}");
        part
    };
    let (text, html) = (of_kind("text/plain"), of_kind("text/html"));
    let (_, rest) = text.split_once("Your A & B login code is ").unwrap_or_else(|| panic!("{text}"));
    let (code, rest) = rest.split_at(6);
    assert!(rest.starts_with(". It expires in 10 minutes."), "{text}");
    assert!(html.contains(&format!("Your A &amp; B login code is <strong>{code}</strong>.")), "{html}");
    server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": "ana@example.com", "code": code })).expect(200);
}

/// A figure without labels, as `/metrics` tells it.
fn figure(server: &Server, name: &str) -> String {
    let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    let told = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    told.unwrap_or_else(|| panic!("no {name} in:\n{figures}")).to_owned()
}

fn met_036_a_dead_mail_server_changes_nothing_and_the_mail_arrives_once_it_lives(engine: Engine) {
    let port = free_port();
    let server = Setup::new(engine).with_mail(&format!("smtp://127.0.0.1:{port}")).start();
    let told = |what: &str| figure(&server, &format!("muniment_mails_{what}"));
    assert_eq!(["pending", "sent_total", "failed_total"].map(told), ["0", "0", "0"], "there before the first");
    let email = format!("{}@example.com", unique("ana"));
    let answer = server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    assert_eq!(answer["delivery"], "email");
    assert_eq!(told("pending"), "1");
    let outbox = || Program::operator_of(&server).run(&["mail", "outbox", "--json"]).json().to_string();
    assert!(outbox().contains("pending"), "{}", outbox());
    let sink = MailSink::start_on(port);
    let mail = eventually("the mail arrives", || sink.mails().first().cloned());
    eventually("the outbox says so", || outbox().contains("sent").then_some(()));
    assert_eq!(["pending", "sent_total", "failed_total"].map(told), ["0", "1", "0"]);
    let verified = json!({ "email": email, "code": code_in(&mail) });
    server.anonymous().post("/v1/auth/otp/verify", &verified).expect(200);
    assert_eq!(sink.mails().len(), 1, "the mail arrived more than once");
}

fn met_026_a_letter_that_waits_is_sealed_and_one_that_was_sent_is_gone(engine: Engine) {
    let port = free_port();
    let server = Setup::new(engine).with_mail(&format!("smtp://127.0.0.1:{port}")).start();
    let email = format!("{}@example.com", unique("ana"));
    server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    let waiting = server.store.bytes();
    let lengths = || server.store.texts("SELECT CAST(LENGTH(body) AS TEXT) FROM outbox");
    assert!(lengths().iter().all(|length| length != "0") && lengths().len() == 1, "it waits: {:?}", lengths());
    let sink = MailSink::start_on(port);
    let code = code_in(&eventually("the mail arrives", || sink.mails().first().cloned()));
    eventually("what was sent is wiped", || (lengths() == ["0"]).then_some(()));
    for (when, bytes) in [("waits", waiting), ("was sent", server.store.bytes()), ("is told of", server.log().into())] {
        for told in [email.clone(), format!("\"{code}\""), format!("is {code}."), format!("<strong>{code}")] {
            assert!(!contains(&bytes, told.as_bytes()), "{told} stands there while the letter {when}");
        }
    }
}

fn met_036_a_mail_that_the_server_refuses_is_tried_again(engine: Engine) {
    let sink = MailSink::refusing_first(1);
    let server = Setup::new(engine).with_mail(&sink.url()).start();
    let email = format!("{}@example.com", unique("ana"));
    server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    let mail = eventually("the mail arrives", || sink.mails().first().cloned());
    let outbox = || Program::operator_of(&server).run(&["mail", "outbox", "--json"]).json().to_string();
    eventually("the outbox says so", || outbox().contains("sent").then_some(()));
    let verified = json!({ "email": email, "code": code_in(&mail) });
    server.anonymous().post("/v1/auth/otp/verify", &verified).expect(200);
    assert_eq!(sink.mails().len(), 1, "the mail arrived more than once");
}

fn a_recipient_whose_mail_server_is_slow_holds_up_nobody_elses_mail(engine: Engine) {
    let sink = MailSink::slow_for("slow.example");
    let server = Setup::new(engine).with_mail(&sink.url()).start();
    let start = |email: &str| server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    let attempts = || -> Vec<u64> {
        let outbox = Program::operator_of(&server).run(&["mail", "outbox", "--json"]).json();
        outbox["mails"].as_array().unwrap().iter().map(|mail| mail["attempts"].as_u64().unwrap()).collect()
    };
    start("eve@slow.example");
    eventually("the slow mail is on its way", || (attempts() == [1]).then_some(()));
    start("ana@example.com");
    let mails = eventually("both mails arrive", || Some(sink.mails()).filter(|mails| mails.len() == 2));
    assert!(mails[0].contains("To: ana@example.com") && mails[1].contains("To: eve@slow.example"), "{mails:?}");
    assert_eq!(attempts(), [1, 1], "neither waited for the end of the other's attempt");
}

/// What expired in the queue is given up like any other.
fn mail_that_expires_while_it_waits_is_counted_as_given_up(engine: Engine) {
    let server = Setup::new(engine).with_mail(&format!("smtp://127.0.0.1:{}", free_port())).start();
    server.anonymous().post("/v1/auth/otp/start", &json!({ "email": "ana@example.com" })).expect(200);
    server.terminate();
    server.store.execute("UPDATE outbox SET next_attempt_at = 1, expires_at = 1");
    server.restart();
    let failed = || figure(&server, "muniment_mails_failed_total");
    eventually("it is counted", || (failed() == "1").then_some(()));
    server.log_with("mails were given up");
    let listed = Program::operator_of(&server).run(&["mail", "outbox", "--json"]).json().to_string();
    assert!(listed.contains("expired before it could be sent"), "{listed}");
}

#[test]
fn a_silent_mail_server_holds_up_no_shutdown_and_loses_no_mail() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = Setup::new(Engine::Sqlite).with_mail(&format!("smtp://127.0.0.1:{port}")).start();
    let emails: Vec<String> = (0..20).map(|_| format!("{}@example.com", unique("ana"))).collect();
    for email in &emails {
        server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    }
    // It takes the connection and never says a word.
    let taken = silent.accept().unwrap();
    let begun = Instant::now();
    server.terminate();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop((taken, silent));
    let sink = MailSink::start_on(port);
    server.restart();
    let mails = eventually("all mails arrive", || Some(sink.mails()).filter(|mails| mails.len() >= emails.len()));
    for email in &emails {
        assert_eq!(mails.iter().filter(|mail| mail.contains(&format!("To: {email}"))).count(), 1, "{email}");
    }
}

/// In development a folder takes what no mail server does, and the code is echoed all the same.
fn mail_is_written_to_a_folder_in_development(engine: Engine) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("mail");
    let setup = || Setup::new(engine).set("MAIL_DEV_FOLDER", &folder.display().to_string());
    let mails = || -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
        entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    };
    let mail_to = |email: &str| {
        let header = format!("To: {email}\r\n");
        eventually("the mail is written", || mails().into_iter().find(|mail| mail.contains(&header)))
    };
    let start = |server: &Server, email: &str| {
        server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200)
    };

    let server = setup().start();
    let answer = start(&server, "ana@example.com");
    assert_eq!(answer["delivery"], "development_response");
    assert_eq!(code_in(&mail_to("ana@example.com")), answer["dev_otp"].as_str().unwrap());
    let outbox = || Program::operator_of(&server).run(&["mail", "outbox", "--json"]).json().to_string();
    eventually("the outbox says so", || outbox().contains("\"sent\"").then_some(()));
    Program::operator_of(&server).run(&["mail", "test", "ben@example.com"]).ok();
    mail_to("ben@example.com");
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

    // Without the echo the folder is the only way to the code.
    let server = setup().set("MAIL_DEV_ECHO", "off").start();
    let answer = start(&server, "cat@example.com");
    assert_eq!((&answer["delivery"], answer.get("dev_otp")), (&json!("email"), None));
    let verified = json!({ "email": "cat@example.com", "code": code_in(&mail_to("cat@example.com")) });
    server.anonymous().post("/v1/auth/otp/verify", &verified).expect(200);
}

/// A configuration that must not start; the message names the setting.
#[track_caller]
pub(crate) fn refuses(setup: Setup, setting: &str) {
    let Err(refused) = setup.try_start() else { panic!("it started, although {setting} is unsafe") };
    assert_eq!(refused.status.code(), Some(2), "{}", refused.log);
    assert!(refused.log.contains(setting), "{} does not name {setting}", refused.log);
}

fn met_037_production_refuses_to_start_without_mail_or_with_the_echo(engine: Engine) {
    let (smtp, key) = ("smtp://127.0.0.1:25", "4a".repeat(32));
    let production = || Setup::new(engine).set("ENV", "production").set("MASTER_KEY", &key);
    refuses(production(), "mail.smtp_url");
    refuses(production().with_mail(smtp).set("MAIL_DEV_ECHO", "any"), "mail.dev_echo");
    refuses(production().with_mail(smtp).set("MAIL_DEV_FOLDER", "mail"), "mail.dev_folder");
    refuses(Setup::new(engine).set("SMTP_URL", smtp), "mail.from_email");
    refuses(Setup::new(engine).set("MAIL_FROM_EMAIL", "codes@muniment.example"), "mail.smtp_url");
    refuses(Setup::new(engine).set("ENV", "production").with_mail(smtp), "keys_dir");
    refuses(Setup::new(engine).with_mail(smtp).set("MAIL_FROM_EMAIL", "codes@muniment..example"), "mail.from_email");
    refuses(Setup::new(engine).with_mail(smtp).set("MAIL_FROM_NAME", "A\r\nBcc: x@y.z"), "mail.from_name");
}

fn met_038_production_never_answers_with_a_code(engine: Engine) {
    let sink = MailSink::start();
    let server = Setup::new(engine).production(&sink.url()).set("LIMITS_OTP_STARTS", "off").start();
    let tricks: [(&str, &str); 8] = [
        ("host", "localhost"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-muniment-env", "development"),
        ("origin", "http://localhost"),
        ("x-forwarded-host", "localhost"),
        ("user-agent", "muniment-cli/0.1.0"),
    ];
    for round in 0..1_000 {
        let (name, value) = tricks[round % tricks.len()];
        let email = format!("p{round}@example.com");
        let reply = server.anonymous().header(name, value).post("/v1/auth/otp/start", &json!({ "email": email }));
        let answer = reply.expect(200);
        let mut keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["delivery", "email", "expires_at", "ok"], "{reply}");
    }
    let mails = eventually("some mails arrive", || Some(sink.mails()).filter(|mails| mails.len() > 10));
    let log = server.log();
    for mail in mails {
        let code = code_in(&mail);
        assert!(!log.contains(&format!(" {code} ")) && !log.contains(&format!("\"{code}\"")), "the log tells {code}");
    }
}

fn met_039_the_echo_reaches_only_this_machine_unless_told_otherwise(engine: Engine) {
    let Some(outside) = own_address() else { return };
    let from_outside = |server: &Server| Client::new(&format!("http://{outside}:{}", server.port));
    let body = json!({ "email": "far@example.com" });
    let server = Setup::new(engine).listen_everywhere().start();
    let refusal = from_outside(&server).post("/v1/auth/otp/start", &body).refused(503, "service_unavailable");
    assert!(refusal.get("dev_otp").is_none());
    let spoofed = from_outside(&server).header("x-forwarded-for", "127.0.0.1");
    spoofed.post("/v1/auth/otp/start", &body).refused(503, "service_unavailable");
    let open = Setup::new(engine).listen_everywhere().set("MAIL_DEV_ECHO", "any").start();
    assert!(from_outside(&open).post("/v1/auth/otp/start", &body).expect(200)["dev_otp"].is_string());
}

fn an_outbox_that_cannot_be_tidied_keeps_no_mail_back(engine: Engine) {
    let sink = MailSink::start();
    let ask = |server: &Server| {
        let email = format!("{}@example.com", unique("ana"));
        server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    };
    let first = Setup::new(engine).with_mail(&sink.url()).start();
    ask(&first);
    let sent = || first.store.texts("SELECT CAST(COUNT(*) AS TEXT) FROM outbox WHERE status = 'sent'").remove(0);
    eventually("the outbox says that it is sent", || (sent() == "1").then_some(()));
    first.kill9();
    // It is old enough to go, and something holds on to it.
    first.store.execute(
        "UPDATE outbox SET created_at = 0; CREATE TABLE held (id TEXT NOT NULL REFERENCES outbox (id)); \
         INSERT INTO held SELECT id FROM outbox",
    );
    let second = Setup::new(engine).over(first.store.clone(), &first.data).with_mail(&sink.url()).start();
    eventually("the log says so", || second.log().contains("finished mails cannot be dropped").then_some(()));
    ask(&second);
    eventually("the mail arrives", || (sink.mails().len() == 2).then_some(()));
}

/// This machine's address towards the world; asking the routing table sends nothing. A machine that has none must say so:
/// what is proved by a caller from outside would else seem proved.
pub(crate) fn own_address() -> Option<std::net::IpAddr> {
    let route = || {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_loopback() && !address.is_unspecified()).then_some(address)
    };
    let address = route();
    let may_lack = std::env::var("MUNIMENT_TESTS_WITHOUT_NETWORK").is_ok_and(|value| value == "1");
    assert!(
        address.is_some() || may_lack,
        "this machine has no address but loopback; MUNIMENT_TESTS_WITHOUT_NETWORK=1 leaves out what needs another"
    );
    address
}

both_engines![
    met_026_a_letter_that_waits_is_sealed_and_one_that_was_sent_is_gone,
    a_recipient_whose_mail_server_is_slow_holds_up_nobody_elses_mail,
    an_outbox_that_cannot_be_tidied_keeps_no_mail_back,
    mail_is_written_to_a_folder_in_development,
    mail_that_expires_while_it_waits_is_counted_as_given_up,
    met_035_a_code_travels_by_mail_and_is_not_echoed,
    met_035_the_names_that_are_set_stand_in_both_parts,
    met_036_a_dead_mail_server_changes_nothing_and_the_mail_arrives_once_it_lives,
    met_036_a_mail_that_the_server_refuses_is_tried_again,
    met_037_production_refuses_to_start_without_mail_or_with_the_echo,
    met_038_production_never_answers_with_a_code,
    met_039_the_echo_reaches_only_this_machine_unless_told_otherwise,
];
