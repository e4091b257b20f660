//! Files and folders that are not what the command line expects of them: hostile CSV, a store that was named by mistake,
//! a backup that is not there, a signing key that is gone (spec/cli.md, MET-094).

use std::fs;

use muniment_testkit::free_port;
use serde_json::json;

use crate::harness::{Company, Engine, Output, Program, Server, Store};

fn with_metric(engine: Engine) -> (Company, Program) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    (company, program)
}

fn import(program: &Program, name: &str, content: &[u8]) -> Output {
    fs::write(program.path(name), content).unwrap();
    program.run(&["metric", "import", "arr", "--file", name, "--output", "json"])
}

fn report(output: &Output) -> (u64, Vec<u64>) {
    let shown: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let lines = shown["refused"].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    (shown["recorded"].as_u64().unwrap(), lines)
}

fn met_094_an_import_refuses_the_rows_it_cannot_read_and_records_the_others(engine: Engine) {
    let (company, program) = with_metric(engine);
    // A note in another encoding is nobody's concern; a time that is no text is.
    let rows = b"timestamp,value,note\n2026-01-01,1,caf\xe9\n2026-01-0\xff,2,x\n2026-01-03,3,y\n";
    let output = import(&program, "latin.csv", rows);
    output.ended(1);
    assert_eq!(report(&output), (2, vec![3]));
    // What follows an open quote is one field to the parser: nothing of it may be taken for a row, or pass unseen.
    let rows = b"timestamp,value,note\n2026-02-01,1,a\n2026-02-02,2,\"b\n2026-02-03,3,c\n2026-02-04,4,d\n";
    let output = import(&program, "open.csv", rows);
    output.ended(1);
    assert_eq!(report(&output), (1, vec![3]));
    let endless = format!("timestamp,value,note\n2026-02-05,1,\"{}", "2026-02-06,2,x\n".repeat(8_000));
    let output = import(&program, "endless.csv", endless.as_bytes());
    output.ended(2);
    assert!(output.stderr.contains("is a quote left open?"), "{}", output.stderr);
    let output = import(&program, "bom.ndjson", "\u{feff}{\"timestamp\":\"2026-03-01\",\"value\":1}\r\n".as_bytes());
    output.ok();
    assert_eq!(report(&output), (1, vec![]));
    let wide: Vec<u8> = "\u{feff}timestamp,value\n2026-04-01,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let output = import(&program, "wide.csv", &wide);
    output.ended(2);
    assert!(output.stderr.contains("UTF-16"), "{}", output.stderr);
    assert_eq!(company.points("arr").len(), 4);
}

fn met_094_a_batch_says_of_each_element_what_is_wrong(engine: Engine) {
    let (company, program) = with_metric(engine);
    let good = json!({ "value": 1 });
    let points = json!({ "points": [
        good,
        { "value": "x" },
        good,
        5,
        { "value": 1, "timestamp": "soon" },
        { "value": 1, "my note": 2 },
        { "value": 1, "": 2 },
        { "value": 1, ".value": 2 },
        { "value": 1, "confidence": 2 },
        { "value": 1, "idempotency_key": "" },
    ] });
    let refused = company.agent.post("/v1/metrics/arr/points/batch", &points).refused(400, "invalid_batch");
    let issues = refused["issues"].as_array().unwrap();
    let told: Vec<_> =
        issues.iter().map(|issue| (issue["path"].as_str().unwrap(), issue["code"].as_str().unwrap())).collect();
    let expected = [
        ("points.1.value", "invalid_value"),
        ("points.3", "invalid_field"),
        ("points.4.timestamp", "invalid_timestamp"),
        ("points.5.my note", "unknown_field"),
        ("points.6.", "unknown_field"),
        ("points.7..value", "unknown_field"),
        ("points.8.confidence", "invalid_field"),
        ("points.9.idempotency_key", "invalid_idempotency_key"),
    ];
    assert_eq!(told, expected);
    assert_eq!(company.points("arr").len(), 0);
    // So an import needs two requests, not one a row, to leave out what the server alone can refuse.
    let rows: String = (0..1_500)
        .map(|row| format!("{}-01-01T00:{:02}:{:02}Z,1\n", 2_100 + row / 900, row / 60 % 60, row % 60))
        .collect();
    let output = import(&program, "ahead.csv", format!("timestamp,value\n2026-01-01,1\n{rows}").as_bytes());
    output.ended(1);
    let (recorded, lines) = report(&output);
    assert_eq!((recorded, lines.len()), (1, 1_500));
}

/// An operator in a folder, or with a database, that holds no record.
fn nowhere(engine: Engine) -> (Program, Store) {
    let program = Program::alone();
    let store = Store::new(engine, program.home());
    let program = match &store {
        Store::Sqlite { .. } => program,
        Store::Postgres { url } => program.env("MUNIMENT_DATABASE_URL", &url.to_string()),
    };
    (program, store)
}

fn no_command_makes_a_record_where_it_was_to_find_one(engine: Engine) {
    let (program, _store) = nowhere(engine);
    for arguments in [
        ["erase", "ana", "--yes"].as_slice(),
        &["cleanup"],
        &["account", "unthrottle", "ana"],
        &["role", "grant", "ana", "admin"],
        &["role", "revoke", "ana", "admin"],
        &["audit", "record", "shop.opened"],
        &["audit", "verify"],
        &["projections", "verify"],
        &["backup", "copy"],
    ] {
        let output = program.run(arguments);
        output.ended(3);
        assert!(output.stderr.contains("there is no record here"), "{arguments:?}: {}", output.stderr);
        assert!(output.stderr.contains("next: `muniment serve` makes one"), "{arguments:?}: {}", output.stderr);
        assert!(!program.path("data").exists(), "{arguments:?} made a folder");
    }
}

fn a_restore_says_which_of_its_files_is_missing_and_that_a_store_is_taken(engine: Engine) {
    let server = Server::with(engine, &[]);
    server.company();
    let operator = Program::operator_of(&server);
    operator.run(&["backup", "copy"]).ok();
    server.terminate();
    let output = operator.run(&["restore", "nothing", "--yes"]);
    output.ended(3);
    assert!(output.stderr.contains("there is no backup nothing"), "{}", output.stderr);
    let output = operator.run(&["restore", "copy", "--yes"]);
    output.ended(5);
    assert!(output.stderr.contains("the database is not empty"), "{}", output.stderr);
}

fn a_checkpoint_is_not_called_false_where_its_key_is_missing(engine: Engine) {
    let server = Server::with(engine, &[]);
    server.company();
    let operator = Program::operator_of(&server);
    let signed = operator.run(&["audit", "checkpoint"]);
    fs::write(operator.path("head.txt"), signed.ok()).unwrap();
    operator.run(&["audit", "verify", "--checkpoint", "nothing.txt"]).ended(3);
    let key = server.data.join("keys/checkpoint.key");
    let aside = server.data.join("checkpoint.key");
    fs::rename(&key, &aside).unwrap();
    let output = operator.run(&["audit", "verify", "--checkpoint", "head.txt"]);
    output.ended(7);
    assert!(output.stderr.contains("checkpoint.key is missing"), "{}", output.stderr);
    assert!(!key.exists(), "a key that signed nothing was made");
    fs::rename(&aside, &key).unwrap();
    operator.run(&["audit", "verify", "--checkpoint", "head.txt"]).ok();
}

#[test]
fn numbers_of_a_settings_file_are_numbers() {
    let program = Program::alone();
    let settings =
        "[http]\nworkers = 3\nmax_body_size = 2048\n[metrics]\nmax_per_company = 7\n[accounts]\nmax_sessions = 2\n";
    fs::write(program.path("muniment.toml"), settings).unwrap();
    let shown = program.run(&["config", "show", "--json"]).json();
    let told = ["http.workers", "http.max_body_size", "metrics.max_per_company", "accounts.max_sessions"]
        .map(|name| &shown[name]);
    assert_eq!(told, ["3", "2048", "7", "2"]);
    fs::write(program.path("muniment.toml"), "[http]\nworkers = -3\n").unwrap();
    let output = program.run(&["config", "show"]);
    output.ended(2);
    assert!(output.stderr.contains("http.workers"), "{}", output.stderr);
}

#[test]
fn an_init_that_fails_can_be_given_again() {
    let program = Program::alone();
    fs::write(program.path("data"), "in the way").unwrap();
    program.run(&["init"]).ended(1);
    assert!(!program.path("muniment.toml").exists());
    fs::remove_file(program.path("data")).unwrap();
    program.run(&["init"]).ok();
    program.run(&["init"]).ended(5);
}

#[test]
fn met_144_what_is_no_token_is_not_sent() {
    let program = Program::alone();
    fs::write(program.path("blank"), " \n").unwrap();
    program.run(&["status", "--token-file", "blank"]).ended(4);
    fs::write(program.path("lines"), "alif_live_one\nalif_live_two\n").unwrap();
    let output = program.run(&["status", "--token-file", "lines"]);
    output.ended(2);
    assert!(output.stderr.contains("MUNIMENT_TOKEN is no token"), "{}", output.stderr);
    assert!(!output.stderr.contains("alif_live"), "{}", output.stderr);
    fs::write(program.path("ends"), "alif_live_x\r\n\n").unwrap();
    // It is sent: there is nobody to take it.
    program.run(&["status", "--token-file", "ends", "--url", &format!("http://127.0.0.1:{}", free_port())]).ended(6);
}

both_engines![
    met_094_an_import_refuses_the_rows_it_cannot_read_and_records_the_others,
    met_094_a_batch_says_of_each_element_what_is_wrong,
    no_command_makes_a_record_where_it_was_to_find_one,
    a_restore_says_which_of_its_files_is_missing_and_that_a_store_is_taken,
    a_checkpoint_is_not_called_false_where_its_key_is_missing,
];
