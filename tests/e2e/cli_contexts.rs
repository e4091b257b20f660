//! Several servers and logins side by side, and what Ctrl-C, the environment and other people's files change.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::{Engine, Program, Server, eventually};

fn application(program: &Program, arguments: &[&str]) -> String {
    let shown = program.run(&[&["status", "--json"], arguments].concat()).json();
    shown["application"]["id"].as_str().unwrap().to_owned()
}

fn a_context_keeps_a_server_and_a_login_of_its_own(engine: Engine) {
    let server = Server::shared(engine);
    let (ours, theirs) = (server.company(), server.company());
    let program = Program::alone();
    for (name, company) in [("ours", &ours), ("theirs", &theirs)] {
        fs::write(program.path("token"), &company.token).unwrap();
        let place = ["context", "add", name, "--url", &server.base, "--token-file", "token"];
        program.run(&place).ok();
        let file = program.home().join(format!(".config/muniment/contexts/{name}.toml"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    program.run(&["context", "add", "ours", "--url", &server.base]).ended(5);
    // Which one counts: the flag, the environment, the choice, and without any the default, which has no token.
    assert_eq!(application(&program, &["--context", "ours"]), ours.application);
    program.run(&["status"]).ended(4);
    program.run(&["context", "use", "theirs"]).ok();
    assert_eq!(application(&program, &[]), theirs.application);
    let program = program.env("MUNIMENT_CONTEXT", "ours");
    assert_eq!(application(&program, &[]), ours.application);
    assert_eq!(application(&program, &["--context", "theirs"]), theirs.application);
    assert_eq!(program.run(&["whoami", "--json"]).json()["context"], "ours");
    // What is chosen now counts later, and both say so.
    let chosen = program.run(&["context", "use", "theirs"]);
    chosen.ok();
    assert!(chosen.stderr.contains("MUNIMENT_CONTEXT names ours"), "{}", chosen.stderr);
    let listed = program.run(&["context", "list", "--json"]).json();
    let counts = listed["contexts"].as_array().unwrap().iter().find(|context| context["chosen"] == true).unwrap();
    assert_eq!(counts["name"], "ours");
    let missing = program.run(&["status", "--context", "nowhere"]);
    missing.ended(3);
    assert!(missing.stderr.contains("muniment login --context nowhere"), "{}", missing.stderr);
    program.run(&["status", "--context", "../ours"]).ended(2);
    // A name that cannot be read is not passed over for another server.
    let unreadable = "MUNIMENT_CONTEXT=$(printf 'our\\377') muniment whoami 2>&1 || echo \"ended with $?\"";
    let said = program.shell(unreadable);
    assert!(said.contains("MUNIMENT_CONTEXT is not written in UTF-8") && said.contains("ended with 2"), "{said}");
    // It is forgotten, and the default counts again.
    program.run(&["context", "remove", "theirs"]).ended(2);
    program.run(&["context", "remove", "theirs", "--yes"]).ok();
    program.run(&["status", "--context", "theirs"]).ended(3);
    assert_eq!(program.env("MUNIMENT_CONTEXT", "").run(&["whoami", "--json"]).json()["context"], "default");
}

fn signing_in_makes_a_context_and_no_token_of_the_environment_goes_to_its_server(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let program = Program::client_of(server);
    let email = company.email.clone();
    let asked = program.run(&["login", "--context", "staging", "--email", &email]);
    let code = asked.ended(2).trim().strip_prefix("Development OTP: ").unwrap().to_owned();
    assert!(asked.stderr.contains("muniment login --context staging --email"), "{}", asked.stderr);
    program.run(&["login", "--context", "staging", "--email", &email, "--code", &code]).ok();
    // The context has a session and no agent token; the one of the environment is for another server.
    let other = program.env("MUNIMENT_TOKEN", &company.token).env("MUNIMENT_URL", "http://127.0.0.1:9");
    let refused = other.run(&["status", "--context", "staging"]);
    refused.ended(4);
    assert!(refused.stderr.contains("there is no agent token"), "{}", refused.stderr);
    let listed = other.run(&["token", "list", "--context", "staging", "--json"]).json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    other.run(&["token", "list"]).ended(4);
}

#[test]
fn a_file_of_credentials_that_others_can_read_is_closed_to_them() {
    let program = Program::alone();
    let folder = program.home().join(".config/muniment");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("credentials.toml");
    fs::write(&file, "url = \"http://127.0.0.1:9\"\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = program.run(&["whoami"]);
    output.ok();
    assert!(output.stderr.contains("could be read by others"), "{}", output.stderr);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(program.run(&["whoami"]).stderr, "");
}

/// Starts the program, presses Ctrl-C once it listens for that, and tells how it ended and what it said.
pub(super) fn interrupted(program: &Program, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = program.start(arguments);
    // Open until the end: what waits for its input waits for ever.
    let input = child.stdin.take();
    let id = child.id().to_string();
    eventually("the program listens for Ctrl-C", || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        let interrupt = 1 << (2 - 1);
        (u64::from_str_radix(caught, 16).unwrap() & interrupt != 0).then_some(())
    });
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let status = eventually("the program ends after Ctrl-C", || child.try_wait().unwrap());
    drop(input);
    (status.code(), std::io::read_to_string(child.stderr.take().unwrap()).unwrap())
}

/// A server that takes requests and never answers, and a program that knows it alone.
pub(super) fn silent() -> (TcpListener, Program) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, Program::alone().env("MUNIMENT_URL", &url).env("MUNIMENT_TOKEN", "x"))
}

/// What it kept would be refused by every later command, and a password in it seen by everyone.
#[test]
fn a_context_takes_no_url_that_no_command_would_take() {
    let program = Program::alone();
    for bad in ["https://ana:secret@host.example", "localhost:8080", "host.example"] {
        let refused = program.run(&["context", "add", "prod", "--url", bad]);
        refused.ended(2);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    assert!(!program.path(".config/muniment/contexts/prod.toml").exists());
    program.run(&["context", "add", "prod", "--url", "https://host.example"]).ok();
}

/// A code that is echoed is for whoever types it, and the answer for the program that reads it.
#[test]
fn a_login_on_a_terminal_prints_one_document() {
    let program = Program::client_of(Server::shared(Engine::Sqlite));
    let address = format!("{}@example.com", crate::harness::unique("terminal"));
    let line = ["login", "--json", "--email", &address, ">", "answer.json"];
    let mut login = program.start_on_terminal(&line);
    let (mut screen, mut shown) = (login.stdout.take().unwrap(), String::new());
    while !shown.ends_with("Code: ") {
        let mut next = [0];
        screen.read_exact(&mut next).unwrap();
        shown.push(char::from(next[0]));
    }
    let code = shown.lines().find_map(|line| line.strip_prefix("Development OTP: "));
    let code = code.unwrap_or_else(|| panic!("no code in {shown}"));
    login.stdin.as_mut().unwrap().write_all(format!("{}\n", code.trim()).as_bytes()).unwrap();
    // Read to its end: a terminal that nobody reads is waited for.
    std::io::copy(&mut screen, &mut std::io::sink()).unwrap();
    assert!(login.wait().unwrap().success());
    let answer = fs::read_to_string(program.path("answer.json")).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(answer["email"], address);
}

#[test]
fn an_interrupted_import_names_the_command_that_goes_on() {
    let (_server, program) = silent();
    fs::write(program.path("a file.csv"), "timestamp,value\n2026-01-01,1\n").unwrap();
    let (code, said) = interrupted(&program, &["metric", "import", "arr", "--file", "a file.csv"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Go on with: muniment metric import arr --file 'a file.csv'"), "{said}");
}

#[test]
fn ctrl_c_ends_a_command_that_waits_for_its_input() {
    let (_server, program) = silent();
    let (code, said) = interrupted(&program, &["metric", "import", "arr"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Go on with: muniment metric import arr, with the same input"), "{said}");
}

#[test]
fn an_interrupted_question_promises_nothing() {
    let (_server, program) = silent();
    let (code, said) = interrupted(&program, &["status"]);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(said, "muniment: interrupted\n");
}

/// The first thing the program says while rows trickle into its input.
fn first_word(program: &Program, flags: &[&str]) -> String {
    let mut child = program.start(&[&["metric", "import", "arr", "--dry-run", "--format", "ndjson"], flags].concat());
    let (mut rows, mut said) = (child.stdin.take().unwrap(), BufReader::new(child.stderr.take().unwrap()));
    let (heard, done) = std::sync::mpsc::channel();
    let line = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            heard.send(line).unwrap();
        });
        eventually("a line about the progress", || {
            rows.write_all(b"{\"timestamp\": 1700000000, \"value\": 1}\n").unwrap();
            done.try_recv().ok()
        })
    });
    drop(rows);
    child.wait().unwrap();
    line
}

#[test]
fn progress_where_there_is_no_terminal_is_a_line_now_and_then() {
    let (_server, program) = silent();
    let (people, programs) = std::thread::scope(|scope| {
        let people = scope.spawn(|| first_word(&program, &[]));
        let programs = first_word(&program, &["--json"]);
        (people.join().unwrap(), programs)
    });
    assert!(people.starts_with("import arr: ") && people.contains(" points/s"), "{people}");
    let line: serde_json::Value = serde_json::from_str(&programs).unwrap();
    assert_eq!((&line["job"], &line["total"]), (&"import arr".into(), &serde_json::Value::Null), "{line}");
    assert!(line["position"].as_u64().unwrap() > 0, "{line}");
}

fn cli_a_saved_token_goes_to_its_own_server_only(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let program = Program::alone();
    fs::write(program.path("token"), &company.token).unwrap();
    let applicant = format!("{}@example.com", crate::harness::unique("saved"));
    let sign_in = ["login", "--url", &server.base, "--email", &applicant];
    let code = program.run(&sign_in).ended(2).trim().strip_prefix("Development OTP: ").unwrap().to_owned();
    program.run(&[&sign_in[..], &["--code", &code]].concat()).ok();
    let apply = ["apply", "--founder-email", &applicant, "--company", "Acme", "--website", "", "--founder-name", "Ana"];
    program.run(&[&apply[..], &["--one-liner", "We count"]].concat()).ok();
    program.run(&["status"]).ok();

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://127.0.0.1:{}", other.local_addr().unwrap().port());
    for arguments in [&["status", "--url", &elsewhere][..], &["metric", "list", "--url", &elsewhere]] {
        let refused = program.run(arguments);
        refused.ended(4);
        assert!(refused.stderr.contains(&server.base) && refused.stderr.contains(&elsewhere), "{}", refused.stderr);
    }
    assert!(other.accept().is_err(), "the other server was asked");
    // One that is named for the call is the caller's own business, and the saved one still opens its server.
    program.run(&["status", "--url", &format!("{}/", server.base), "--token-file", "token"]).ok();
    program.run(&["status"]).ok();
}

both_engines![
    cli_a_saved_token_goes_to_its_own_server_only,
    a_context_keeps_a_server_and_a_login_of_its_own,
    signing_in_makes_a_context_and_no_token_of_the_environment_goes_to_its_server,
];
