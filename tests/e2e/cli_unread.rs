//! Pipes whose other end is closed, as `| head` leaves them, and words that are no text: neither changes what a command does
//! nor how it ends.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::harness::{Engine, Program, Server, eventually};

/// Which of the program's streams nobody reads.
#[derive(Clone, Copy, PartialEq)]
enum Unread {
    Results,
    Messages,
}

/// How a command ends whose stream is closed before it writes, and what it printed on the other one.
fn run(program: &Program, arguments: &[&str], input: &str, unread: Unread) -> (i32, String) {
    let mut child = program.start(arguments);
    match unread {
        Unread::Results => drop(child.stdout.take()),
        Unread::Messages => drop(child.stderr.take()),
    }
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input may close it first; that is its right.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let other = if unread == Unread::Results { output.stderr } else { output.stdout };
    (output.status.code().unwrap_or(-1), String::from_utf8(other).unwrap())
}

const GOOD_AND_BAD: &str = "timestamp,value\n2026-01-01,1\n2026-13-01,2\n";

fn a_check_that_fails_has_failed_whoever_reads_of_it(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(&server).env("MUNIMENT_TOKEN", &company.token);
    let ends = |program: &Program, arguments: &[&str], input: &str, code: i32| {
        let (ended, said) = run(program, arguments, input, Unread::Results);
        assert_eq!(ended, code, "{arguments:?}: {said}");
    };
    ends(&client, &["metric", "import", "arr"], GOOD_AND_BAD, 1);
    let test = ["alert", "test", "--metric", "arr", "--value", "1", "--threshold", "0.5", "--expect", "fires"];
    ends(&client, &test, "", 7);
    ends(&Program::alone(), &["doctor"], "", 7);
    // Where nothing is wrong, to stop reading is the reader's right.
    ends(&client, &["status"], "", 0);
    ends(&client, &["man"], "", 0);

    server.terminate();
    let operator = Program::operator_of(&server);
    ends(&operator, &["audit", "verify"], "", 0);
    ends(&operator, &["audit", "export"], "", 0);
    server.store.execute_on_read_models("UPDATE metrics_v2_g0 SET unit = 'bent'");
    ends(&operator, &["projections", "verify", "metrics"], "", 7);
    server.store.execute("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 3");
    ends(&operator, &["audit", "verify"], "", 7);
}

/// A tail has nothing to write for as long as nothing happens; that nobody reads any more ends it all the same.
fn a_tail_ends_when_nobody_reads_it_any_more(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let mut child = client.start(&["events", "tail", "--follow"]);
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    assert!(first.contains("application.submitted"), "{first}");
    drop(lines);
    let status = eventually("the tail ends with its reader", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

fn work_goes_on_though_nobody_reads_its_messages(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(&server).env("MUNIMENT_TOKEN", &company.token);
    let (code, printed) = run(&client, &["metric", "import", "arr", "--json"], GOOD_AND_BAD, Unread::Messages);
    assert_eq!(code, 1, "{printed}");
    let counts: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&counts["recorded"], &counts["refused"][0]["line"]), (&json!(1), &json!(3)), "{counts}");
    let (code, _) = run(&client, &["metric", "show", "nope"], "", Unread::Messages);
    assert_eq!(code, 3);

    let operator = Program::operator_of(&server);
    let (code, printed) = run(&operator, &["projections", "rebuild", "--all", "--json"], "", Unread::Messages);
    assert_eq!(code, 0, "{printed}");
    // Where somebody listens, each of them is an object.
    let said = operator.run(&["projections", "rebuild", "--all", "--json"]).stderr;
    let objects: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let done = objects.iter().filter(|object| object["position"] == object["total"]).count();
    assert!(done > 5 && objects.iter().all(|object| object["job"].is_string()), "{said}");
    let rebuilt: Value = serde_json::from_str(&printed).unwrap();
    assert!(rebuilt["rebuilt"].as_array().unwrap().len() > 5, "{rebuilt}");
    server.terminate();
    let (code, _) = run(&client, &["status"], "", Unread::Messages);
    assert_eq!(code, 6);
}

/// A name that is no UTF-8 is a name of a file all the same, in the command that goes on as well.
fn a_file_may_have_any_name(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let said = client.shell(
        "name=$(printf 'caf\\351 1.csv'); cd \"$HOME\"; printf 'timestamp,value\\n2026-01-01,1\\n' > \"$name\"; \
         muniment metric import arr --file \"$name\"; \
         muniment metric import arr --file \"$name\" --url http://127.0.0.1:9 --timeout 100ms 2>&1 || true",
    );
    assert!(said.starts_with("1 recorded"), "{said}");
    assert!(said.contains(r"Go on with: muniment metric import arr --file $'caf\xe9 1.csv'"), "{said}");
}

both_engines![
    a_tail_ends_when_nobody_reads_it_any_more,
    a_check_that_fails_has_failed_whoever_reads_of_it,
    work_goes_on_though_nobody_reads_its_messages,
    a_file_may_have_any_name,
];
