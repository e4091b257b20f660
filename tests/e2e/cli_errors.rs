//! What the command line says when something goes wrong: what failed, why, what to do; and the code it ends with.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use muniment_testkit::free_port;
use serde_json::json;

use crate::harness::{Client, Engine, PASSWORD, Program, Server};

/// What a command must end with and what its report must name.
#[track_caller]
fn fails(program: &Program, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = program.run(arguments);
    output.ended(code);
    for part in parts {
        assert!(output.stderr.contains(part), "{arguments:?} does not say {part}:\n{}", output.stderr);
    }
}

fn every_kind_of_failure_has_its_code_and_says_what_to_do(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(server);
    fails(&client, &["status"], 4, &["there is no agent token", "muniment apply"]);
    // Reading a file takes nobody's leave.
    let dry = client.run_with_input(&["metric", "import", "arr", "--dry-run"], "timestamp,value\n2026-01-01,1\n");
    assert!(dry.ok().starts_with("1 ready"), "{}", dry.stdout);
    fails(&client, &["events", "tail"], 4, &["neither a token nor a session", "muniment login"]);
    fails(&client, &["token", "list"], 4, &["muniment login --email"]);
    let client = client.env("MUNIMENT_TOKEN", "alif_live_000000000000000000_nothing");
    fails(&client, &["status"], 4, &["next: `muniment whoami`", "muniment login"]);
    let client = client.env("MUNIMENT_TOKEN", &company.token);
    fails(&client, &["metric", "show", "nope"], 3, &["next: `muniment metric list`"]);
    fails(&client, &["metric", "create", "arr"], 5, &["already"]);
    fails(&client, &["alert", "ack", "alert_x"], 4, &["alerts:ack", "next: `muniment token create"]);
    fails(&client, &["metric", "import", "arr", "--file", "nope.csv"], 3, &["nope.csv"]);
    // A token of companies is not tried on accounts: five wrong ones would close this address to good ones.
    for _ in 0..6 {
        fails(&client, &["offer", "list"], 4, &["agent token", "next: make one with account_token_create"]);
    }
    fs::write(client.path("other.csv"), "when,what\n").unwrap();
    fails(&client, &["metric", "import", "arr", "--file", "other.csv"], 2, &["there are when, what"]);
    fails(&client, &["metric", "import", "arr"], 2, &["the input is empty"]);
    fs::write(client.path("days.csv"), "timestamp,value\n20260101,1\n").unwrap();
    let days = ["metric", "import", "arr", "--file", "days.csv"];
    let output = client.run(&days);
    assert!(
        output.ended(1).contains("line 2: \"20260101\" is no time") && output.stdout.contains("--timestamp-format")
    );
    fails(&client, &[&days[..], &["--timestamp-format", "%b %Y"]].concat(), 2, &["which day is meant", "%Y-%m-%d"]);
    // What is told of the hour would be lost.
    fails(&client, &[&days[..], &["--timestamp-format", "%Y%m%d %H"]].concat(), 2, &["hour and minute", "%H:%M"]);
    // There is nothing to go on with where the same command meets the same again.
    let nowhere = client.run(&["metric", "import", "nope", "--file", "days.csv", "--timestamp-format", "%Y%m%d"]);
    nowhere.ended(3);
    assert!(
        nowhere.stderr.contains("`muniment metric list`") && !nowhere.stderr.contains("Go on"),
        "{}",
        nowhere.stderr
    );
    // What to do next is another command than the one that was just refused.
    let elsewhere = "00000000-0000-4000-8000-000000000000:1";
    fails(&client, &["events", "tail", "--after", elsewhere], 5, &["next: the same command with --after start"]);
    fails(&client, &["statsu"], 2, &["'status'"]);
    fails(&client, &["login", "--email", "a@example.com", "--code", "000000"], 4, &["next: `muniment login --email"]);
    let deeper = format!("{}/v1", server.base);
    fails(&client, &["status", "--url", &deeper], 3, &["not_found", "next: `muniment whoami`", "URL"]);
    let down = format!("http://127.0.0.1:{}", free_port());
    fails(&client, &["status", "--url", &down], 6, &["does not answer", "next: start one with `muniment serve`"]);
}

/// A row without an end stops an import: what was before it is recorded, counted, and known when the file was mended.
fn an_import_that_stops_at_a_row_says_what_it_did(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let row = |day: u32, more: &str| format!("{{\"timestamp\":\"2026-01-{day:02}\",\"value\":{day}{more}}}\n");
    let endless = row(3, &" ".repeat(70_000));
    fs::write(client.path("rows.ndjson"), [row(1, ""), row(2, ""), endless].concat()).unwrap();
    let import = ["metric", "import", "arr", "--file", "rows.ndjson"];
    fails(&client, &import, 2, &["line 3 is longer", "2 recorded, 0 known", "go on with: muniment metric import arr"]);
    fs::write(client.path("rows.ndjson"), [row(1, ""), row(2, ""), row(3, "")].concat()).unwrap();
    assert!(client.run(&import).ok().starts_with("1 recorded, 2 duplicates"));
}

/// A server, or what stands before it, may take less at once than others do.
fn an_import_is_sent_in_parts_that_the_server_takes(engine: Engine) {
    let server = Server::with(engine, &[("HTTP_MAX_BODY_SIZE", "8192")]);
    let company = server.company();
    company.metric("arr");
    let client = Program::client_of(&server).env("MUNIMENT_TOKEN", &company.token);
    let day = |number| (DateTime::UNIX_EPOCH + TimeDelta::days(number)).date_naive();
    let rows: String = (0..1_000).map(|number| format!("{},{number}\n", day(number))).collect();
    let imported = client.run_with_input(&["metric", "import", "arr"], &format!("timestamp,value\n{rows}"));
    assert!(imported.ok().starts_with("1000 recorded, 0 duplicates"), "{}", imported.stdout);
    let recorded: Vec<f64> = company.points("arr").iter().map(|point| point["value"].as_f64().unwrap()).collect();
    assert_eq!(recorded, (0..1_000).map(f64::from).collect::<Vec<_>>());
}

both_engines![
    every_kind_of_failure_has_its_code_and_says_what_to_do,
    an_import_that_stops_at_a_row_says_what_it_did,
    an_import_is_sent_in_parts_that_the_server_takes
];

#[test]
fn a_record_that_is_not_there_or_is_taken_is_named_with_the_way_out() {
    let program = Program::alone();
    for command in [["audit", "verify"], ["projections", "list"], ["account", "list"], ["role", "why"]] {
        let arguments: Vec<&str> = match command {
            ["role", "why"] => vec!["role", "why", "ana", "admin"],
            [group, name] => vec![group, name],
        };
        fails(&program, &arguments, 3, &["there is no record here", "--data-dir"]);
    }
    // A check that finds something wrong is a check that failed, whatever it found.
    fails(&program, &["doctor"], 7, &["checks failed"]);
    let server = Server::with(Engine::Sqlite, &[]);
    let operator = Program::operator_of(&server);
    fails(&operator, &["role", "why", "nobody", "admin"], 3, &["next: `muniment account list`"]);
    operator.run(&["backup", "copy"]).ok();
    fails(&operator, &["backup", "copy"], 5, &["exists already"]);
    let nowhere = ["no folder nowhere/yet for", "nowhere/yet/copy", "next: make the folder"];
    fails(&operator, &["backup", "nowhere/yet/copy"], 3, &nowhere);
    fs::write(operator.path("file"), "").unwrap();
    fails(&operator, &["backup", "file/copy"], 3, &["no folder file for"]);
    fails(&operator, &["cleanup"], 6, &["next: stop the server"]);
    // Whoever starts servers tries again after a 6.
    fails(&operator, &["serve", "--listen", "127.0.0.1:0"], 6, &["next: stop the server"]);
    let away = Program::alone().env("MUNIMENT_DATABASE_URL", &format!("postgres://ana@127.0.0.1:{}/x", free_port()));
    fails(&away, &["serve", "--listen", "127.0.0.1:0"], 6, &["next: start the database"]);
    let taken = server.base.trim_start_matches("http://");
    fails(
        &Program::alone(),
        &["serve", "--listen", taken],
        1,
        &["cannot be listened on", "next: name another address"],
    );
}

/// What a restore lacks is named before it makes anything.
#[test]
fn a_restore_without_its_files_leaves_nothing_behind() {
    let program = Program::alone().env("MUNIMENT_DATA_DIR", "kept");
    fails(&program, &["restore", "b1", "--yes"], 3, &["b1"]);
    fs::write(program.path("b1"), "").unwrap();
    fails(&program, &["restore", "b1", "--keys", "nope.keys", "--yes"], 3, &["nope.keys"]);
    assert!(!program.path("kept").exists());
}

#[test]
fn a_variable_that_cannot_be_read_is_not_passed_over() {
    let said =
        Program::alone().shell("MUNIMENT_DATA_DIR=$(printf 'caf\\351') muniment config show 2>&1 || echo ended $?");
    assert!(said.contains("MUNIMENT_DATA_DIR") && said.contains("UTF-8") && said.ends_with("ended 2\n"), "{said}");
}

/// `init` reads the same settings as `serve`, so that the key it makes is the one that `serve` looks for.
#[test]
fn init_prepares_the_folders_that_the_variables_name() {
    let program = Program::alone().env("MUNIMENT_DATA_DIR", "kept").env("MUNIMENT_KEYS_DIR", "apart");
    let made = program.run(&["init", "--json"]).json();
    assert!(program.path("apart/master.key").is_file(), "{made}");
    assert!(!program.path("data").exists() && !program.path("kept/keys").exists(), "{made}");
    assert!(made["master_key"].as_str().unwrap().ends_with("/apart/master.key"), "{made}");
    let written = fs::read_to_string(program.path("muniment.toml")).unwrap();
    assert!(written.contains("/kept\"\n"), "{written}");
    let flag = Program::alone().env("MUNIMENT_DATA_DIR", "kept").env("MUNIMENT_ENV", "production");
    flag.run(&["init", "--data-dir", "chosen"]).ok();
    assert!(flag.path("chosen/keys/master.key").is_file() && !flag.path("kept").exists());
    assert!(fs::read_to_string(flag.path("muniment.toml")).unwrap().contains("env = \"production\"\n"));
    let given = Program::alone().env("MUNIMENT_MASTER_KEY", &"5a".repeat(32));
    assert!(given.run(&["init", "--json"]).json()["master_key"].is_null());
    assert!(!given.path("data").exists());
}

/// A kind of installation that follows from the address would stay in the file when the address changes.
#[test]
fn init_writes_the_kind_of_installation_only_where_it_was_chosen() {
    let kind = |program: &Program, listen: &str| {
        let shown =
            program.shell(&format!("cd \"$HOME\"; MUNIMENT_LISTEN={listen} muniment config show --origin --json"));
        serde_json::from_str::<serde_json::Value>(&shown).unwrap()["env"].clone()
    };
    let open = Program::alone();
    open.run(&["init"]).ok();
    assert_eq!(kind(&open, "127.0.0.1:0")["value"], "development");
    assert_eq!(kind(&open, "0.0.0.0:0")["value"], "production");
    let chosen = Program::alone();
    chosen.run(&["init", "--env", "production"]).ok();
    let told = kind(&chosen, "127.0.0.1:0");
    assert_eq!(told["value"], "production");
    assert!(told["origin"].as_str().unwrap().ends_with("muniment.toml"), "{told}");
    // What is production by its address stays that behind a proxy of its machine.
    let reached = Program::alone();
    reached.shell("cd \"$HOME\"; MUNIMENT_LISTEN=0.0.0.0:0 muniment init");
    assert_eq!(kind(&reached, "127.0.0.1:0")["value"], "production");
}

/// Behind a proxy of the same machine everybody may seem to be on it.
#[test]
fn a_server_that_answers_sign_in_codes_says_so_at_its_start() {
    let told = |echo: &str| Server::with(Engine::Sqlite, &[("MAIL_DEV_ECHO", echo)]).log_with("serving");
    assert!(told("loopback").contains("sign-in codes are answered to whoever seems to be on this machine"));
    assert!(told("any").contains("sign-in codes are answered to everybody"));
    assert!(!told("off").contains("sign-in codes"));
}

/// A server that ends with the test, however that ends, and what it says.
struct Running {
    child: Child,
    said: Receiver<String>,
}

impl Running {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut child = program.start(arguments);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, said) = channel();
        spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Self { child, said }
    }

    /// The rest of the next line that begins so.
    fn says(&self, start: &str) -> String {
        loop {
            let line = self.said.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("it does not say {start}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where it listens is said by the flag, whatever the variable says; what it prints makes another terminal the demo's founder.
#[test]
fn the_lines_that_a_demo_prints_show_its_company() {
    for arguments in [&["serve", "--demo", "--listen", "127.0.0.1:0"][..], &["dev", "--listen", "127.0.0.1:0"]] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let program =
            Program::alone().env("MUNIMENT_LISTEN", &address).env("TMPDIR", ".").env("MUNIMENT_DATA_DIR", "kept");
        let server = Running::start(&program, arguments);
        let listens = server.says("Muniment listens on ");
        assert!(listens != format!("http://{address}"), "{arguments:?}");
        server.says("Demo company");
        let lines: String = ["export MUNIMENT_URL=", "export MUNIMENT_TOKEN=", "muniment status"]
            .map(|start| format!("{start}{}\n", server.says(start)))
            .concat();
        assert!(lines.contains(&listens), "{lines}");
        let status = Program::alone().shell(&lines);
        assert!(status.contains("weekly_revenue"), "{arguments:?}: {status}");
    }
}

#[test]
fn what_cannot_be_shown_or_is_not_there_yet_is_no_usage() {
    let with_mail = Program::alone()
        .env("MUNIMENT_DATA_DIR", "kept")
        .env("MUNIMENT_SMTP_URL", "smtp://127.0.0.1:9")
        .env("MUNIMENT_MAIL_FROM_EMAIL", "codes@muniment.example");
    fails(&with_mail, &["serve", "--demo", "--listen", "127.0.0.1:0"], 2, &["--demo signs in by an echoed code"]);
    // Until there are webhooks and a dashboard (decision 0020).
    fails(&Program::alone(), &["listen", "--forward-to", "http://127.0.0.1:9"], 2, &["listen"]);
    fails(&Program::alone(), &["serve", "--open"], 2, &["--open"]);
}

/// Whatever settings and variables of another server there are: its keys and files are left alone, nobody gets mail.
#[test]
fn a_server_to_try_out_keeps_to_a_folder_of_its_own() {
    let program = Program::alone()
        .env("MUNIMENT_ENV", "production")
        .env("MUNIMENT_DATA_DIR", "kept")
        .env("MUNIMENT_DATABASE_URL", "sqlite:record")
        .env("MUNIMENT_MASTER_KEY", &"5a".repeat(32))
        .env("MUNIMENT_KEYS_DIR", "apart")
        .env("MUNIMENT_MAIL_DEV_FOLDER", "letters")
        .env("MUNIMENT_SMTP_URL", "smtp://127.0.0.1:9")
        .env("MUNIMENT_MAIL_FROM_EMAIL", "codes@muniment.example")
        .env("MUNIMENT_ACCOUNTS_BOOTSTRAP", "live")
        .env("MUNIMENT_ACCOUNTS_BOOTSTRAP_TOKEN_PATH", "token")
        .env("MUNIMENT_SIGNUP_SECRET", "of a server that applications are made to from here")
        .env("TMPDIR", ".");
    let settings =
        "keys_dir = \"elsewhere\"\n[applications]\nrequire_invite = true\n[accounts]\notp_signup = \"invited\"\n";
    fs::write(program.path("muniment.toml"), settings).unwrap();
    fs::write(program.path("token"), "a token of another server\n").unwrap();
    let server = Running::start(&program, &["dev", "--listen", "127.0.0.1:0"]);
    let made = Client::new(&server.says("Muniment listens on "));
    let asked = json!({ "token": "a token of another server", "username": "ana-first", "password": PASSWORD });
    made.post("/api/account/bootstrap", &asked).expect(404);
    // The codes of its demo are echoed, not sent.
    server.says("Demo company");
    drop(server);
    for others in ["kept", "record", "apart", "elsewhere", "letters"] {
        assert!(!program.path(others).exists(), "{others}");
    }
    assert!(program.path("token").is_file());
    // Killed, it leaves its own folder.
    let mut folders = fs::read_dir(program.home()).unwrap().map(|entry| entry.unwrap().path());
    let is_own = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("muniment-dev-");
    let own = folders.find(is_own).unwrap();
    for name in ["journal.db", "read.db", "keys/master.key", "mail"] {
        assert!(own.join(name).exists(), "{name}");
    }
}

/// The first account may be made before the first start: the record begins in a folder that is its owner's only.
#[test]
fn a_record_that_begins_with_an_account_is_closed_to_others() {
    let program = Program::alone().env("MUNIMENT_DATA_DIR", "kept");
    let create = ["account", "create", "ana-first", "--password-stdin"];
    program.run_with_input(&create, "a long password of ana").ok();
    let mode = fs::metadata(program.path("kept")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "{mode:04o}");
}

#[test]
fn the_settings_are_printed_whether_or_not_show_is_said() {
    let program = Program::alone().env("MUNIMENT_MAIL_PRODUCT_NAME", "Anvil");
    let shown = program.run(&["config", "show", "--json"]).json();
    assert_eq!(shown["mail.product_name"], "Anvil");
    assert_eq!(program.run(&["config", "--json"]).json(), shown);
    assert_eq!(program.run(&["config"]).ok(), program.run(&["config", "show"]).ok());
}

/// A proxy would be shown the token, and answer for another machine.
#[test]
fn no_proxy_is_asked_for_a_server_on_this_machine() {
    let server = Server::shared(Engine::Sqlite);
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", &server.company().token);
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    program.env("http_proxy", &nowhere).env("HTTP_PROXY", &nowhere).env("ALL_PROXY", &nowhere).run(&["status"]).ok();
}

/// Of what is wrong with the command line, and of lines of the log.
#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    let on_a_terminal = |no_color: &str, arguments: &[&str]| {
        let program = Program::alone().env("TERM", "xterm").env("NO_COLOR", no_color);
        let program = program.env("MUNIMENT_HTTP_MAX_BODY_SIZE", "off");
        let output = program.start_on_terminal(arguments).wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, part) in [(&["statsu"][..], "statsu"), (&["serve", "--listen", &address], "max_body_size is off")] {
        let said = on_a_terminal("", arguments);
        assert!(said.contains(part) && said.contains('\u{1b}'), "a terminal has colours: {said:?}");
        for said in [on_a_terminal("1", arguments), on_a_terminal("", &[arguments, &["--no-color"]].concat())] {
            assert!(said.contains(part) && !said.contains('\u{1b}'), "{said:?}");
        }
    }
}

#[test]
fn no_password_is_taken_from_the_command_line_or_repeated() {
    let program = Program::alone();
    for arguments in [
        ["serve", "--database", "postgres://ana:hunter2@127.0.0.1/muniment"],
        ["serve", "--database", "postgres://127.0.0.1/muniment?password=hunter2"],
        ["serve", "--database", "postgres://ana:hunter2@127.0.0.1:port/muniment"],
    ] {
        fails(&program, &arguments, 2, &["MUNIMENT_DATABASE_URL_FILE"]);
        assert!(!program.run(&arguments).stderr.contains("hunter2"));
    }
    // A settings file that cannot be read is named with the place, not with the line.
    fs::write(program.path("muniment.toml"), "[mail]\nsmtp_url = smtps://ana:hunter2@mail.example.com\n").unwrap();
    fails(&program, &["config", "show"], 2, &["muniment.toml", "line 2"]);
    assert!(!program.run(&["config", "show"]).stderr.contains("hunter2"));
    fs::remove_file(program.path("muniment.toml")).unwrap();
    let url = ["status", "--url", "http://ana:hunter2@127.0.0.1:9"];
    fails(&program, &url, 2, &["MUNIMENT_TOKEN"]);
    assert!(!program.run(&url).stderr.contains("hunter2"));
}
