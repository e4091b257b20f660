//! The command line as scripts and people use it (MET-140 to 147).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use muniment_testkit::free_port;
use serde_json::json;

use crate::harness::{Engine, Program, Server, split_token, unique};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Signs in through the echoed code, as the program prints it.
pub(crate) fn sign_in(program: &Program, email: &str) {
    let asked = program.run(&["login", "--email", email]);
    assert!(asked.stderr.contains("--code"), "{}", asked.stderr);
    let code = asked.ended(2).trim().strip_prefix("Development OTP: ").unwrap().to_owned();
    assert!(program.run(&["login", "--email", email, "--code", &code]).ok().contains(email));
}

/// The command that applies for a company.
pub(crate) fn applying(email: &str) -> Vec<&str> {
    let flags = ["--company", "Acme", "--website", "", "--founder-name", "Ana", "--one-liner", "Anvils"];
    ["apply", "--founder-email", email].into_iter().chain(flags).collect()
}

pub(crate) fn apply(program: &Program, email: &str) -> String {
    program.run(&applying(email)).ok().to_owned()
}

/// A program that knows a company by its environment alone.
fn with_token(server: &Server) -> (Program, String) {
    let company = server.company();
    company.metric("arr");
    (Program::client_of(server).env("MUNIMENT_TOKEN", &company.token), company.token)
}

/// In a container nothing may be written: no code is used up for a session that is lost, and no company is made whose
/// token nobody ever sees.
fn met_140_where_nothing_can_be_saved_nothing_is_lost(engine: Engine) {
    let server = Server::shared(engine);
    let email = format!("{}@example.com", unique("ana"));
    let code = server.code_for(&email);
    let bare = Program::client_of(server).env("XDG_CONFIG_HOME", "/proc/no-such-folder");
    let login = ["login", "--email", email.as_str(), "--code", code.as_str()];
    let refused = bare.run(&login);
    refused.ended(1);
    assert!(refused.stderr.contains("cannot save"), "{}", refused.stderr);
    assert!(refused.stderr.contains("next: name a folder"), "{}", refused.stderr);
    Program::client_of(server).run(&login).ok();

    let founder = server.founder("bea");
    let flags = ["--company", "Acme", "--website", "", "--founder-name", "Bea", "--one-liner", "Anvils"];
    let arguments: Vec<&str> = ["apply", "--founder-email", &founder.email].into_iter().chain(flags).collect();
    let applied = bare.env("MUNIMENT_SESSION_TOKEN", &founder.token).run(&arguments);
    let shown = applied.ok();
    let token = shown.lines().find_map(|line| line.strip_prefix("export MUNIMENT_TOKEN='")?.strip_suffix('\''));
    server.agent(token.unwrap_or_else(|| panic!("no token: {shown}"))).get("/v1/status").expect(200);
    assert!(applied.stderr.contains("cannot save"), "{}", applied.stderr);
}

fn met_140_from_a_fresh_home_to_a_first_status(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    let email = format!("{}@example.com", unique("ana"));
    sign_in(&program, &email);
    let said = apply(&program, &email);
    for part in ["Application: app_", "Company: co_", "weekly_revenue", "export MUNIMENT_TOKEN='alif_live_"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    let status = program.run(&["status"]);
    assert!(status.ok().contains("weekly_revenue: no points"), "{}", status.stdout);
    let update = program.run(&["metric", "update", "weekly_revenue", "12000", "--timestamp", "2026-06-01"]);
    assert!(update.ok().starts_with("Metric point created: point_"), "{}", update.stdout);
    let status = program.run(&["status"]);
    assert!(status.ok().starts_with("Acme (submitted)\napp_"), "{}", status.stdout);
    assert!(status.stdout.contains("weekly_revenue: 12000 usd at 2026-06-01\n"), "{}", status.stdout);
    let folder = program.home().join(".config/muniment");
    assert_eq!(mode(&folder), 0o700);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(mode(&names[0].path()), 0o600);
}

/// What somebody pastes into an agent's instructions or a bug report holds no secret, unless that was asked for.
fn met_140_what_is_told_of_oneself_and_to_an_agent_holds_no_token_unasked(engine: Engine) {
    let server = Server::with(engine, &[]);
    let program = Program::client_of(&server);
    let email = format!("{}@example.com", unique("ana"));
    sign_in(&program, &email);
    let applied = apply(&program, &email);
    let after = |start: &str| applied.lines().find_map(|line| line.strip_prefix(start)).unwrap().to_owned();
    let token = after("export MUNIMENT_TOKEN='").trim_end_matches('\'').to_owned();
    let saved = fs::read_to_string(program.home().join(".config/muniment/credentials.toml")).unwrap();
    let session = saved.split('"').find(|text| text.starts_with("alif_session_")).unwrap().to_owned();
    let tells_no_secret = |program: &Program, arguments: &[&str]| {
        let output = program.run(arguments);
        output.ok();
        let said = format!("{}{}", output.stdout, output.stderr);
        for secret in [split_token(&token).1, split_token(&session).1, "alif_live_", "alif_session_"] {
            assert!(!said.contains(secret), "{arguments:?} tells {secret}:\n{said}");
        }
        output.stdout
    };
    let by_variable = Program::client_of(&server).env("MUNIMENT_TOKEN", &token);
    for program in [&program, &by_variable] {
        for arguments in [["setup-agent", "arr"].as_slice(), &["setup-agent", "--metric", "arr", "--json"]] {
            assert!(tells_no_secret(program, arguments).contains("muniment metric update arr <value>"));
        }
        assert!(tells_no_secret(program, &["setup-agent"]).contains("muniment metric update weekly_revenue"));
        for arguments in [["setup-agent", "--show-token"].as_slice(), &["setup-agent", "--show-token", "--json"]] {
            assert_eq!(program.run(arguments).ok().matches(&token).count(), 1, "{arguments:?}");
        }
    }

    server.terminate();
    let told = tells_no_secret(&program, &["whoami"]);
    let until = &saved.lines().find_map(|line| line.strip_prefix("session_expires_at = ")).unwrap().replace('"', "");
    for line in [
        format!("URL: {}", server.base),
        format!("E-mail: {email}"),
        format!("Session: yes, until {until}"),
        format!("Company: {}", after("Company: ")),
        format!("Application: {}", after("Application: ")),
        "Token: yes".to_owned(),
    ] {
        assert!(told.lines().any(|told| told == line), "{line} is not in:\n{told}");
    }
    let shown = tells_no_secret(&program, &["whoami", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["session"], &shown["token"], &shown["email"]), (&json!(true), &json!(true), &json!(email)));
    assert!(tells_no_secret(&by_variable, &["whoami"]).contains("Session: no"));
}

fn met_141_which_credential_and_server_count(engine: Engine) {
    let server = Server::shared(engine);
    let companies: Vec<_> = (0..3).map(|_| server.company()).collect();
    let saved = Program::client_of(server);
    fs::create_dir_all(saved.home().join(".config/muniment")).unwrap();
    let text = format!("url = \"http://127.0.0.1:9\"\ntoken = \"{}\"\n", companies[0].token);
    fs::write(saved.home().join(".config/muniment/credentials.toml"), text).unwrap();
    let application = |program: &Program, arguments: &[&str]| {
        let shown = program.run(&[&["status", "--json"], arguments].concat()).json();
        shown["application"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(application(&saved, &[]), companies[0].application);
    let other = saved.env("ALIF_API_TOKEN", &companies[1].token);
    assert_eq!(application(&other, &[]), companies[1].application);
    let ours = other.env("MUNIMENT_TOKEN", &companies[2].token);
    assert_eq!(application(&ours, &[]), companies[2].application);
    let elsewhere = ours.env("MUNIMENT_URL", "http://127.0.0.1:9").env("ALIF_API_URL", "http://127.0.0.1:9");
    elsewhere.run(&["status"]).ended(6);
    assert_eq!(application(&elsewhere, &["--url", &server.base]), companies[2].application);
    assert_eq!(application(&elsewhere, &["--api-url", &server.base]), companies[2].application);
    let theirs = elsewhere.env("MUNIMENT_URL", "").env("ALIF_API_URL", &server.base);
    assert_eq!(application(&theirs, &[]), companies[2].application);
    let both = theirs.env("MUNIMENT_URL", &server.base).env("ALIF_API_URL", "http://127.0.0.1:9");
    assert_eq!(application(&both, &[]), companies[2].application);
    let swapped = both.env("MUNIMENT_URL", "http://127.0.0.1:9").env("ALIF_API_URL", &server.base);
    swapped.run(&["status"]).ended(6);
}

/// The session that a variable gives is ended, and the saved one stays.
fn met_141_signing_out_ends_the_session_that_counts(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    sign_in(&program, &format!("{}@example.com", unique("ana")));
    let founder = server.founder("bea");
    let other = program.env("MUNIMENT_SESSION_TOKEN", &founder.token);
    other.run(&["logout"]).ok();
    founder.client.post_bytes("/v1/auth/logout", "").refused(401, "invalid_session");
    let own = other.without("MUNIMENT_SESSION_TOKEN");
    own.run(&["logout"]).ok();
    own.run(&["logout"]).ended(4);
}

/// Whoever is signed in here, a job applies with the session that its environment gives it.
fn met_141_applying_takes_the_session_of_the_environment(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    sign_in(&program, &format!("{}@example.com", unique("ana")));
    let founder = server.founder("bea");
    let program = program.env("MUNIMENT_SESSION_TOKEN", &founder.token);
    let said = apply(&program, &founder.email);
    assert!(said.starts_with("Application: app_"), "{said}");
    // What is saved is of one person: hers, and the other's login beside it.
    let folder = program.home().join(".config/muniment");
    let [saved, aside] = ["credentials.toml", "credentials.toml.old"].map(|name| fs::read_to_string(folder.join(name)));
    let (saved, aside) = (saved.unwrap(), aside.unwrap());
    assert!(
        saved.contains(&founder.email) && saved.contains("company_id") && !saved.contains("session_token"),
        "{saved}"
    );
    assert!(aside.contains("session_token") && !aside.contains("company_id"), "{aside}");
}

/// Whoever signs in after somebody else has his own company, and the token of the other is not thrown away.
fn met_141_another_founder_does_not_keep_the_former_ones_company(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    let email = format!("{}@example.com", unique("ana"));
    sign_in(&program, &email);
    apply(&program, &email);
    let saved = program.home().join(".config/muniment/credentials.toml");
    let former = fs::read_to_string(&saved).unwrap();
    sign_in(&program, &email);
    program.run(&["token", "list"]).ok();
    assert!(!saved.with_extension("toml.old").exists(), "signing in again puts nothing aside");

    let founder = server.founder("bea");
    server.company_of(&founder);
    let code = server.code_for(&founder.email);
    let said = program.run(&["login", "--email", &founder.email, "--code", &code]);
    said.ok();
    assert!(said.stderr.contains(&email) && said.stderr.contains("credentials.toml.old"), "{}", said.stderr);
    program.run(&["token", "list"]).ok();
    let token = former.lines().find(|line| line.starts_with("token = ")).unwrap();
    assert!(fs::read_to_string(saved.with_extension("toml.old")).unwrap().contains(token));
    assert!(!fs::read_to_string(&saved).unwrap().contains(token));
    sign_in(&program, &email);
    assert!(
        fs::read_to_string(saved.with_extension("toml.old")).unwrap().contains(token),
        "nothing is written over it"
    );
    assert!(saved.with_extension("toml.old2").exists(), "and what was hers is kept too");
}

fn met_142_a_repeated_key_is_a_duplicate_and_a_success(engine: Engine) {
    let (program, _) = with_token(Server::shared(engine));
    let first = program.run(&["metric", "update", "arr", "1", "--idempotency-key", "k"]);
    let id = first.ok().trim().strip_prefix("Metric point created: ").unwrap().to_owned();
    let again = program.run(&["metric", "update", "arr", "1", "--idempotency-key", "k"]);
    assert_eq!(again.ok(), format!("Duplicate ignored: {id}\n"));
    let other = program.run(&["metric", "update", "arr", "2", "--idempotency-key=k"]);
    assert_eq!(other.ok(), format!("Duplicate ignored: {id}\n"));
    assert!(other.stderr.contains("differs"), "{}", other.stderr);
}

fn met_143_what_is_a_value_and_what_is_none(engine: Engine) {
    let (program, token) = with_token(Server::shared(engine));
    for (value, time) in [("-5", "2026-01-01"), ("1e3", "2026-01-02"), ("0", "2026-01-03")] {
        program.run(&["metric", "update", "arr", value, "--timestamp", time]).ok();
    }
    for value in ["0x10", "1,000", "nan", "inf", ""] {
        program.run(&["metric", "update", "arr", value]).ended(2);
        program.run(&["metric", "update", "--key", "arr", "--value", value]).ended(2);
    }
    let points = Server::shared(engine).agent(&token).get("/v1/metrics/arr/points?order=asc").expect(200);
    let values: Vec<f64> =
        points["points"].as_array().unwrap().iter().map(|point| point["value"].as_f64().unwrap()).collect();
    assert_eq!(values, [-5.0, 1000.0, 0.0]);
}

fn met_144_what_is_missing_is_named_and_secrets_are_no_flags(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    for (arguments, flag) in [
        (vec!["login"], "--email"),
        (vec!["apply"], "--founder-email"),
        (vec!["apply", "--founder-email", "a@example.com"], "--company"),
        (vec!["metric", "update"], "--key"),
        (vec!["metric", "update", "arr"], "--value"),
    ] {
        let output = program.run_with_input(&arguments, "ana@example.com\n");
        output.ended(2);
        assert!(output.stderr.contains(flag), "{arguments:?}: {}", output.stderr);
    }
    for (flag, variable) in [
        ("--token", "MUNIMENT_TOKEN"),
        ("--session-token", "MUNIMENT_SESSION_TOKEN"),
        ("--signup-secret", "MUNIMENT_SIGNUP_SECRET"),
    ] {
        let output = program.run(&["status", flag, "x"]);
        output.ended(2);
        assert!(output.stderr.contains(variable), "{}", output.stderr);
    }
}

fn met_145_the_other_clients_file_is_enough_and_stays_as_it_is(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let program = Program::client_of(server).env("MUNIMENT_URL", "");
    let file = program.home().join(".alif/config.json");
    fs::create_dir(file.parent().unwrap()).unwrap();
    let text = json!({ "apiUrl": server.base, "token": company.token, "companyId": company.id }).to_string();
    fs::write(&file, &text).unwrap();
    let shown = program.run(&["status", "--json"]).json();
    assert_eq!(shown["application"]["id"], json!(company.application));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

/// Reads one HTTP message: head and as much body as it announces.
fn read_message(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if bytes.len() >= head.len() + 4 + length.map_or(0, |length| length.trim().parse().unwrap()) {
                return bytes;
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        if read == 0 {
            return bytes;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A server that answers its one request so.
fn answering(status: u16, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = body.to_owned();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_message(&mut stream);
        let head = format!("HTTP/1.1 {status} X\r\nretry-after: 60\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    url
}

#[test]
fn met_146_failures_have_their_words_and_exit_codes() {
    let server = Server::shared(Engine::Sqlite);
    for (status, code) in [(400, 1), (401, 4), (403, 4), (404, 3), (409, 5), (429, 6), (500, 1), (503, 6)] {
        let told = format!("words for {status}");
        let both = json!({ "error": format!("code_{status}"), "message": told }).to_string();
        let bare = format!("HTTP {status}");
        for (body, words) in [
            (both.as_str(), told.as_str()),
            (r#"{"error":"the_code_alone"}"#, "the_code_alone"),
            ("{}", &bare),
            ("", &bare),
            ("<html><body>Bad day</body></html>", &bare),
        ] {
            let url = answering(status, body);
            let program = Program::client_of(server).env("MUNIMENT_TOKEN", "x").env("MUNIMENT_URL", &url);
            let output = program.run(&["metric", "update", "arr", "1"]);
            assert_eq!(output.ended(code), "", "{status} {body}");
            assert!(output.stderr.contains(words), "{body}: {}", output.stderr);
            for inside in ["panicked", "backtrace", "<html>"] {
                assert!(!output.stderr.contains(inside), "{body}: {}", output.stderr);
            }
        }
    }
    let down = format!("http://127.0.0.1:{}", free_port());
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", "x").env("MUNIMENT_URL", &down);
    let output = program.run(&["status"]);
    output.ended(6);
    assert!(output.stderr.contains("does not answer"), "{}", output.stderr);
}

fn met_147_a_retry_after_a_lost_answer_records_one_point(engine: Engine) {
    let server = Server::with(engine, &[]);
    let (program, token) = with_token(&server);
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let program = program.env("MUNIMENT_URL", &url);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            let forward = |client: &mut TcpStream| {
                let request = read_message(client);
                let mut upstream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
                upstream.write_all(&request).unwrap();
                read_message(&mut upstream)
            };
            let (mut first, _) = proxy.accept().unwrap();
            let answer = forward(&mut first);
            assert!(answer.starts_with(b"HTTP/1.1 201"), "the point is recorded");
            server.kill9();
            drop(first);
            server.restart();
            let (mut second, _) = proxy.accept().unwrap();
            let answer = forward(&mut second);
            second.write_all(&answer).unwrap();
        });
        program.run(&["metric", "update", "arr", "7", "--timeout", "60s"])
    });
    assert!(output.ok().starts_with("Duplicate ignored: point_"), "{}", output.stdout);
    let points = server.agent(&token).get("/v1/metrics/arr/points").expect(200);
    assert_eq!(points["points"].as_array().unwrap().len(), 1);
}

both_engines![
    met_140_from_a_fresh_home_to_a_first_status,
    met_140_what_is_told_of_oneself_and_to_an_agent_holds_no_token_unasked,
    met_140_where_nothing_can_be_saved_nothing_is_lost,
    met_141_another_founder_does_not_keep_the_former_ones_company,
    met_141_which_credential_and_server_count,
    met_141_applying_takes_the_session_of_the_environment,
    met_141_signing_out_ends_the_session_that_counts,
    met_142_a_repeated_key_is_a_duplicate_and_a_success,
    met_143_what_is_a_value_and_what_is_none,
    met_144_what_is_missing_is_named_and_secrets_are_no_flags,
    met_145_the_other_clients_file_is_enough_and_stays_as_it_is,
    met_147_a_retry_after_a_lost_answer_records_one_point,
];
