//! What holds of every command: where a setting comes from, what the global flags do, what is asked before something is
//! destroyed.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::cli_contexts::{interrupted, silent};
use crate::harness::{Engine, Installation, OpenTransaction, Output, PASSWORD, Program, Server, Setup, Store, text};

/// A store of its own with one account, and no server.
fn with_an_account() -> Program {
    let program = Program::alone().env("MUNIMENT_DATA_DIR", "kept");
    program.run_with_input(&["account", "create", "ana-first", "--password-stdin"], PASSWORD).ok();
    program
}

/// How a command ends on a terminal where this is typed.
fn typed(program: &Program, arguments: &[&str], words: &str) -> Output {
    let mut child = program.start_on_terminal(arguments);
    child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Output { code: output.status.code().unwrap_or(-1), stdout: said, stderr: String::new() }
}

#[test]
fn the_nearest_setting_counts_and_its_source_is_named() {
    let program = Program::alone();
    fs::create_dir_all(program.path(".config/muniment")).unwrap();
    let of_user = "listen = \"127.0.0.1:1001\"\ndata_dir = \"user\"\n[mail]\nproduct_name = \"U\"\n";
    fs::write(program.path(".config/muniment/muniment.toml"), of_user).unwrap();
    fs::write(program.path("muniment.toml"), "listen = \"127.0.0.1:1002\"\ndata_dir = \"project\"\n").unwrap();
    let program = program.env("MUNIMENT_LISTEN", "127.0.0.1:1003");
    let shown = program.run(&["config", "show", "--origin", "--json"]).json();
    let of = |name: &str| (text(&shown[name]["value"]), text(&shown[name]["origin"]));
    assert_eq!(of("listen"), ("127.0.0.1:1003".to_owned(), "variable MUNIMENT_LISTEN".to_owned()));
    let (folder, origin) = of("data_dir");
    assert!(folder == "project" && origin.ends_with("muniment.toml") && !origin.contains(".config"), "{origin}");
    let (product, origin) = of("mail.product_name");
    assert!(product == "U" && origin.contains(".config/muniment/muniment.toml"), "{origin}");
    assert_eq!(of("ws.heartbeat_timeout").1, "default");
}

#[test]
fn the_global_flags_do_what_they_say() {
    let program = with_an_account();
    let asked = typed(&program, &["login", "--no-input"], "");
    assert!(asked.ended(2).contains("--email is missing"), "{}", asked.stdout);
    let printed = |flags: &[&str]| program.run(&[&["config", "show"], flags].concat()).ok().to_owned();
    assert_eq!(printed(&["--output", "json"]), printed(&["--json"]));
    assert_eq!(printed(&["--output", "table"]), printed(&[]));
    assert_ne!(printed(&["--json"]), printed(&[]));
    program.run(&["version", "--json", "--output", "table"]).ended(2);
    let listed = |flags: &[&str]| program.run(&[flags, &["account", "list", "--json"]].concat());
    let plain = listed(&[]);
    for flag in ["-v", "-vv"] {
        let said = listed(&[flag]);
        assert_eq!(said.json(), plain.json(), "what more is said is no result");
    }
    let rebuilt = |flags: &[&str]| program.run(&[flags, &["projections", "rebuild", "accounts", "--json"]].concat());
    let quiet = rebuilt(&["-q"]);
    assert!(quiet.json()["rebuilt"][0]["name"] == "accounts" && quiet.stderr.is_empty(), "{}", quiet.stderr);
    assert!(!rebuilt(&[]).stderr.is_empty(), "there is something to keep quiet about");
    let help = program.run(&["status", "--help"]).ok().split_whitespace().collect::<Vec<_>>().join(" ");
    for code in [
        "Exit codes: 0 ok",
        "1 failure",
        "2 usage or configuration",
        "3 not found",
        "4 unauthenticated or forbidden",
        "5 conflict",
        "6 unavailable or timed out (retry)",
        "7 a check failed",
        "130 interrupted",
    ] {
        assert!(help.contains(code), "{code}: {help}");
    }
    let (_server, program) = silent();
    program.run(&["status", "--timeout", "300ms"]).ended(6);
}

#[test]
fn whoever_wants_more_said_hears_what_the_server_answered() {
    let server = Server::shared(Engine::Sqlite);
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", &server.company().token);
    let listed = |flags: &[&str]| program.run(&[flags, &["metric", "list", "--json"]].concat());
    let plain = listed(&[]);
    for flag in ["-v", "-vv"] {
        let more = listed(&[flag]);
        assert_eq!(more.json(), plain.json(), "what more is said is no result");
        assert!(plain.stderr.is_empty() && more.stderr.contains("/v1/metrics"), "{flag}: {}", more.stderr);
    }
}

#[test]
fn a_rebuild_goes_on_where_it_is_told_to_and_is_of_something() {
    let program = with_an_account();
    let done = program.run(&["projections", "rebuild", "accounts", "--resume", "--json"]).json();
    assert_eq!(done["rebuilt"][0]["name"], "accounts");
    program.run(&["projections", "rebuild"]).ended(2);
}

#[test]
fn a_rebuild_that_is_interrupted_names_the_command_that_goes_on() {
    let server = Server::with(Engine::Postgres, &[]);
    let Store::Postgres { url } = &server.store else { panic!("its store is of PostgreSQL") };
    let held = OpenTransaction::begin(url, "LOCK TABLE read_checkpoints_v1 IN ACCESS EXCLUSIVE MODE");
    let operator = Program::operator_of(&server);
    let (code, said) = interrupted(&operator, &["projections", "rebuild", "points"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Go on with: muniment projections rebuild points"), "{said}");
    held.end("ROLLBACK");
    operator.run(&["projections", "rebuild", "points"]).ok();
}

#[test]
fn nothing_is_destroyed_on_a_word_that_was_not_asked_for() {
    let program = with_an_account();
    let refused = typed(&program, &["erase", "ana-first"], "no\n");
    assert!(refused.ended(130).contains("nothing was changed"), "{}", refused.stdout);
    assert_eq!(program.run(&["account", "show", "ana-first", "--json"]).json()["username"], "ana-first");
    program.run(&["backup", "saved"]).ok();
    let other = Program::alone().env("MUNIMENT_DATA_DIR", "other");
    let refused = other.run(&["restore", program.path("saved").to_str().unwrap()]);
    assert!(refused.ended(2).is_empty() && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert!(!other.path("other/journal.db").exists(), "nothing was made");
}

fn a_doctor_finds_nothing_wrong_where_nothing_is_wrong(engine: Engine) {
    assert_eq!(with_an_account().run(&["doctor", "--json"]).json()["ok"], true);
    let house = Installation::start(Setup::new(engine).with_accounts().with_its_limits());
    fs::set_permissions(&house.server.data, fs::Permissions::from_mode(0o700)).unwrap();
    let operator = Program::operator_of(&house.server);
    let beside = operator.run(&["doctor", "--json"]);
    assert_eq!(beside.json()["ok"], true, "{}", beside.stdout);
    house.server.terminate();
    let stopped = operator.run(&["doctor", "--json"]);
    assert_eq!(stopped.json()["ok"], true, "{}", stopped.stdout);
}

fn the_status_is_printed_as_the_server_answers_it(engine: Engine) {
    let company = Server::shared(engine).company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 3, "timestamp": "2026-01-01" }));
    let program = Program::client_of(Server::shared(engine)).env("MUNIMENT_TOKEN", &company.token);
    assert_eq!(program.run(&["status", "--json"]).json(), company.status());
}

fn the_keys_of_an_import_are_the_callers_where_he_names_them(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let import = |more: &[&str], rows: &str| -> Value {
        program.run_with_input(&[&["metric", "import", "arr", "--json"], more].concat(), rows).json()
    };
    let csv = "timestamp,value,key\n2026-01-01,1,k\n2026-01-02,2,k\n";
    let done = import(&["--format", "csv", "--idempotency-key-column", "key"], csv);
    assert_eq!((&done["recorded"], &done["duplicates"]), (&json!(1), &json!(1)), "{done}");
    let row =
        |day: u32, key: &str| json!({ "timestamp": format!("2026-02-{day:02}"), "value": day, "idempotency_key": key });
    let ndjson = format!("{}\n{}\n{}\n", row(1, "k"), row(2, "j"), row(3, "j"));
    let done = import(&["--format", "ndjson"], &ndjson);
    assert_eq!((&done["recorded"], &done["duplicates"]), (&json!(1), &json!(2)), "{done}");
    assert_eq!(company.points("arr").len(), 2);
}

#[test]
fn an_import_that_is_only_tried_out_asks_no_server() {
    let (listener, program) = silent();
    let tried = program.without("MUNIMENT_TOKEN").run_with_input(
        &["metric", "import", "arr", "--format", "csv", "--dry-run", "--output", "json"],
        "timestamp,value\n2026-01-01,1\n2026-01-02,\n",
    );
    let counts = json!({ "dry_run": true, "ready": 1, "recorded": 0, "duplicates": 0, "skipped": 1, "refused": [] });
    assert_eq!(tried.json(), counts);
    listener.set_nonblocking(true).unwrap();
    let asked = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "nobody called");
}

/// Points are recorded for ever, so what is said of their file is not passed over.
#[test]
fn what_is_said_of_columns_is_not_passed_over_where_there_are_none() {
    let (_server, program) = silent();
    fs::write(program.path("rows.ndjson"), "{\"timestamp\":\"2026-03-04\",\"value\":1}\n").unwrap();
    let import = ["metric", "import", "arr", "--dry-run", "--file", "rows.ndjson"];
    program.run(&import).ok();
    for (flag, value) in [
        ("--timestamp-format", "%Y-%d-%m"),
        ("--timestamp-column", "day"),
        ("--value-column", "price"),
        ("--idempotency-key-column", "key"),
    ] {
        let refused = program.run(&[&import[..], &[flag, value]].concat());
        refused.ended(2);
        assert!(refused.stderr.contains(&format!("{flag} is for CSV")), "{}", refused.stderr);
    }
}

#[test]
fn what_no_header_can_hold_is_refused_before_anything_is_sent() {
    let (listener, program) = silent();
    fs::write(program.path("daemon"), "one\ntwo\n").unwrap();
    let program = program.env("MUNIMENT_SIGNUP_SECRET", "one\ntwo").env("MUNIMENT_SESSION_TOKEN", "x");
    let update = ["metric", "update", "arr", "5", "--timeout", "2s"];
    let apply = [
        &["apply", "--founder-email", "ana@example.com", "--company", "Acme", "--website", ""][..],
        &["--founder-name", "Ana", "--one-liner", "We count", "--timeout", "2s"],
    ];
    for (arguments, named) in [
        ([&update[..], &["--idempotency-key", "2026-W23\r"]].concat(), "--idempotency-key"),
        ([&update[..], &["--idempotency-key", ""]].concat(), "--idempotency-key"),
        ([&update[..], &["--timestamp", "2026-06-08\r"]].concat(), "--timestamp"),
        (apply.concat(), "the signup secret"),
        (vec!["offer", "list", "--daemon-token-file", "daemon", "--timeout", "2s"], "--daemon-token-file"),
    ] {
        let refused = program.run(&arguments);
        refused.ended(2);
        assert!(refused.stderr.contains(named), "{arguments:?}: {}", refused.stderr);
    }
    listener.set_nonblocking(true).unwrap();
    let asked = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "nobody called");
}

/// What it would advise otherwise is to set the variable that is set.
#[test]
fn met_141_an_empty_variable_is_named_by_what_takes_an_api_token_too() {
    let refused = Program::alone().env("MUNIMENT_TOKEN", "").run(&["invite", "list"]);
    refused.ended(4);
    assert!(refused.stderr.contains("MUNIMENT_TOKEN is set and empty"), "{}", refused.stderr);
}

both_engines![
    a_doctor_finds_nothing_wrong_where_nothing_is_wrong,
    the_status_is_printed_as_the_server_answers_it,
    the_keys_of_an_import_are_the_callers_where_he_names_them,
];
