//! The whole tree of commands held to the rules of the command line: every command's help begins with examples that
//! can be typed, and `--json` makes one JSON document of whatever a command prints.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::DirBuilderExt as _;

use muniment_testkit::Cluster;
use serde_json::{Value, json};

use crate::harness::{Engine, Installation, MailSink, PASSWORD, Program, text, unique};

/// Commands that serve until they are stopped print log lines, not results.
const SERVERS: [&str; 2] = ["serve", "dev"];

/// Last words of commands that change nothing, so that they may be asked again in another format.
const READERS: [&str; 12] =
    ["list", "show", "log", "status", "whoami", "tail", "accounts", "trace", "why", "verify", "doctor", "diff"];

/// The commands that do something, as words, and the help of each.
fn leaves(program: &Program) -> Vec<(String, String)> {
    fn walk(program: &Program, words: &[String], leaves: &mut Vec<(String, String)>) {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = program.run(&arguments).ok().to_owned();
        assert!(help.contains("Exit codes: 0 ok"), "{words:?}:\n{help}");
        let Some((_, rest)) = help.split_once("\nCommands:\n") else {
            leaves.push((words.join(" "), help));
            return;
        };
        let names = rest.lines().take_while(|line| line.starts_with("  "));
        let names = names.filter(|line| !line.starts_with("   ")).map(|line| line.trim().split(' ').next().unwrap());
        for name in names.filter(|name| *name != "help") {
            walk(program, &[words, &[name.to_owned()]].concat(), leaves);
        }
    }
    let mut found = Vec::new();
    walk(program, &[], &mut found);
    found
}

#[test]
fn every_help_begins_with_examples_that_can_be_typed() {
    let program = Program::alone();
    let leaves = leaves(&program);
    assert!(leaves.len() > 50, "{leaves:?}");
    let mut examples = 0;
    for (command, help) in &leaves {
        assert!(help.starts_with("Example"), "{command}:\n{help}");
        // An example that is too long for a line is broken by the help and cannot be copied.
        let after = help.lines().skip(1).find(|line| !line.starts_with("  "));
        assert_eq!(after, Some(""), "{command}:\n{help}");
        let lines = help.lines().skip(1).take_while(|line| line.starts_with("  "));
        let lines: Vec<&str> = lines.collect();
        assert!(lines.iter().all(|line| line.contains("muniment ")), "{command}:\n{help}");
        let mine: Vec<&str> = lines.into_iter().filter(|line| line.contains(&format!("muniment {command}"))).collect();
        assert!(!mine.is_empty(), "{command} has no example of itself:\n{help}");
        for example in mine {
            let example = &example[example.find("muniment").unwrap()..];
            let end = example.find(['|', '>', '<']).or_else(|| example.find("&&")).unwrap_or(example.len());
            // The help of a command is printed only where everything before `--help` was understood.
            let said = program.shell(&format!("{} --help", example[..end].replace('#', "--help #")));
            assert!(said.contains("Exit codes"), "{example}");
            examples += 1;
        }
    }
    assert!(examples >= leaves.len());
}

/// A group of commands shows how each of its commands is typed.
#[test]
fn the_help_of_a_group_begins_with_an_example_of_each_command() {
    let program = Program::alone();
    let mut commands: BTreeMap<String, usize> = BTreeMap::new();
    for (command, _) in leaves(&program) {
        if let Some((group, _)) = command.rsplit_once(' ') {
            *commands.entry(group.to_owned()).or_default() += 1;
        }
    }
    assert!(commands.len() > 10, "{commands:?}");
    for (group, commands) in commands {
        let said = program.shell(&format!("muniment {group} --help"));
        let examples = said.lines().skip(1).take_while(|line| line.starts_with("  "));
        assert!(said.starts_with("Examples:\n"), "{group}:\n{said}");
        assert_eq!(examples.filter(|line| line.contains(&format!("muniment {group} "))).count(), commands, "{said}");
        let about =
            said.lines().find(|line| !line.is_empty() && !line.starts_with(' ') && *line != "Examples:").unwrap();
        let words: Vec<&str> = about.split(' ').collect();
        let (first, second) = words.split_at(words.len() / 2);
        assert_ne!(first, second, "{group} says it twice");
    }
}

#[test]
fn the_manual_page_lists_the_commands_and_no_page_that_is_not_there() {
    let program = Program::alone();
    let page = program.run(&["man"]).ok().to_owned();
    assert_eq!(page.matches("(1)").count(), 0, "{page}");
    for line in ["muniment serve\nRun the server\n", "muniment config\nThe settings\n"] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
}

/// Runs commands with `--json` and notes which were run.
struct Tried {
    commands: BTreeSet<String>,
    leaves: BTreeSet<String>,
}

impl Tried {
    /// What a command prints with `--json`: one document, whatever it ends with.
    #[track_caller]
    fn run(&mut self, program: &Program, arguments: &[&str]) -> Value {
        self.run_with_input(program, arguments, "", 0)
    }

    #[track_caller]
    fn run_with_input(&mut self, program: &Program, arguments: &[&str], input: &str, code: i32) -> Value {
        let words = |count: usize| arguments.iter().take(count).copied().collect::<Vec<_>>().join(" ");
        let command = (1..=2).map(words).find(|words| self.leaves.contains(words)).unwrap();
        let output = program.run_with_input(&[arguments, &["--json"]].concat(), input);
        let printed = output.ended(code);
        let document = serde_json::from_str(printed);
        let document = document.unwrap_or_else(|error| panic!("{command}: {error} in:\n{printed}"));
        // Beside the document nothing but messages: no colours where there is no terminal.
        assert!(!output.stderr.contains('\u{1b}'), "{command}:\n{}", output.stderr);
        if READERS.contains(&command.rsplit(' ').next().unwrap()) {
            let output = program.run_with_input(&[arguments, &["--output", "ndjson", "--quiet"]].concat(), input);
            for line in output.ended(code).lines() {
                assert!(serde_json::from_str::<Value>(line).is_ok(), "{command}: {line}");
            }
            // Quiet leaves the results, and what went wrong where something did.
            assert_eq!(output.stderr.is_empty(), code == 0, "{command}:\n{}", output.stderr);
        }
        self.commands.insert(command);
        document
    }
}

fn every_command_prints_one_json_document(engine: Engine) {
    let installation = Installation::with(engine, &[("AUDIT_EVENTS", "lesson.held")]);
    let client = Program::client_of(&installation.server);
    let leaves: BTreeSet<String> = leaves(&client).into_iter().map(|(command, _)| command).collect();
    let mut tried = Tried { commands: BTreeSet::new(), leaves };
    of_the_program(&mut tried, &client);
    of_a_founder(&mut tried, &client);
    of_accounts(&mut tried, &installation);
    let operator = Program::operator_of(&installation.server);
    of_a_reader(&mut tried, &operator);
    installation.server.terminate();
    of_a_writer(&mut tried, &operator, &installation, engine);
    let served = SERVERS.iter().map(|name| (*name).to_owned());
    let missing: Vec<_> = tried.leaves.iter().filter(|leaf| !tried.commands.contains(*leaf)).cloned().collect();
    assert_eq!(missing, served.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
}

/// What needs no server.
fn of_the_program(tried: &mut Tried, client: &Program) {
    tried.run(client, &["version"]);
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&tried.run(client, &["completions", shell])["text"]);
        assert!(script.contains("complete") || script.contains("compdef"), "{shell}");
        let words: BTreeSet<&str> = script.split(|it: char| !it.is_alphanumeric() && it != '-').collect();
        for word in tried.leaves.iter().flat_map(|leaf| leaf.split(' ')) {
            assert!(words.contains(word), "{shell} knows no {word}");
        }
    }
    let page = text(&tried.run(client, &["man"])["text"]);
    assert!(page.contains(".TH muniment 1"));
    for leaf in &tried.leaves {
        let name = format!("\n.SH MUNIMENT {}\n", leaf.to_uppercase());
        let section = page.split_once(&name).unwrap_or_else(|| panic!("{leaf} is not in the manual")).1;
        let section = section.split("\n.SH ").next().unwrap();
        assert!(section.contains(".SS EXAMPLES"), "{leaf} has no example in the manual:\n{section}");
    }
    tried.run(client, &["config", "show", "--origin"]);
    tried.run(client, &["init", "--data-dir", "kept"]);
    std::fs::remove_file(client.path("muniment.toml")).unwrap();
    tried.run(client, &["whoami"]);
    tried.run(client, &["setup-agent"]);
    tried.run(client, &["context", "add", "elsewhere", "--url", "http://127.0.0.1:9"]);
    tried.run(client, &["context", "use", "elsewhere"]);
    assert_eq!(tried.run(client, &["context", "list"])["contexts"].as_array().unwrap().len(), 2);
    tried.run(client, &["context", "remove", "elsewhere", "--yes"]);
}

/// What a founder does.
fn of_a_founder(tried: &mut Tried, client: &Program) {
    let email = format!("{}@example.com", unique("ana"));
    let echoed = client.run(&["login", "--email", &email]).ended(2).to_owned();
    let code = echoed.trim().strip_prefix("Development OTP: ").unwrap();
    tried.run(client, &["login", "--email", &email, "--code", code]);
    let company = ["--company", "Acme", "--website", "", "--founder-name", "Ana", "--one-liner", "Anvils"];
    tried.run(client, &[&["apply", "--founder-email", &email], company.as_slice()].concat());
    tried.run(client, &["metric", "create", "arr"]);
    for (value, time) in [("100", "2026-01-01"), ("900", "2026-01-08")] {
        tried.run(client, &["metric", "update", "arr", value, "--timestamp", time]);
    }
    tried.run(client, &["metric", "list"]);
    tried.run(client, &["metric", "show", "arr"]);
    let rows = "timestamp,value\n2026-01-15,950\n";
    tried.run_with_input(client, &["metric", "import", "arr"], rows, 0);
    tried.run(client, &["status"]);
    tried.run(client, &["rule", "set", "--metric", "arr", "--threshold", "0.3"]);
    tried.run(client, &["rule", "list", "--metric", "arr"]);
    tried.run(client, &["alert", "test", "--metric", "arr", "--value", "30000", "--threshold", "0.5"]);
    tried.run(client, &["alert", "backtest", "--metric", "arr", "--threshold", "0.3"]);
    let alert = crate::harness::eventually("the jump raises an alert", || {
        tried.run(client, &["alert", "list"])["alerts"].get(0).map(|alert| text(&alert["id"]))
    });
    tried.run(client, &["alert", "ack", &alert]);
    tried.run(client, &["alert", "resolve", &alert]);
    let events = tried.run(client, &["events", "tail"]);
    assert!(events["events"].as_array().unwrap().len() > 5, "{events}");
    let made = tried.run(client, &["token", "create", "--name", "nightly"]);
    tried.run(client, &["token", "list"]);
    let rotated = tried.run(client, &["token", "rotate", &text(&made["public_id"])]);
    tried.run(client, &["token", "revoke", &text(&rotated["public_id"])]);
    tried.run(client, &["logout"]);
}

/// What accounts do with offers and invitations, by an API token and by the daemon token.
fn of_accounts(tried: &mut Tried, installation: &Installation) {
    let ana = installation.person("ana");
    let (_, ben) = (installation.admin("amy"), installation.person("ben"));
    let token = |person: &crate::harness::Person| {
        text(&person.client.rpc("account_token_create", &Value::Null).result()["token"])
    };
    let as_ana = Program::client_of(&installation.server).env("MUNIMENT_TOKEN", &token(&ana));
    let anyone = Program::client_of(&installation.server);
    let daemon = installation.server.data.join("run/daemon_token");
    let keeper = ["--daemon-token-file", daemon.to_str().unwrap()];
    let by_keeper = |arguments: &[&'static str]| [arguments, &keeper].concat();
    let name = unique("eve").replace("--", "-");
    let invited = tried.run(&anyone, &[&["invite", "create", "--username", &name], keeper.as_slice()].concat());
    let listed = tried.run(&anyone, &by_keeper(&["invite", "list"]));
    assert_eq!(listed["invites"][0]["id"], invited["invite"]["id"]);
    let id = text(&invited["invite"]["id"]);
    tried.run(&anyone, &[&["invite", "delete", &id], keeper.as_slice()].concat());
    anyone.run(&[&["invite", "delete", &id], keeper.as_slice()].concat()).ended(3);
    as_ana.run(&["invite", "list"]).ended(4);
    anyone.run(&["invite", "list"]).ended(4);

    let offers = |tried: &mut Tried| {
        // By its name, which only an administrator may look up.
        let made = tried.run(&anyone, &[&["offer", "make", &ana.username, "admin"], keeper.as_slice()].concat());
        text(&made["offer"]["id"])
    };
    let first = offers(tried);
    assert_eq!(tried.run(&as_ana, &["offer", "list"])["offers"][0]["id"], json!(first));
    tried.run(&anyone, &[&["offer", "retract", &first], keeper.as_slice()].concat());
    let second = offers(tried);
    tried.run(&as_ana, &["offer", "decline", &second]);
    let refused = as_ana.run(&["offer", "accept", &second]);
    refused.ended(5);
    assert!(refused.stderr.contains("role_grant_offer_terminal"), "{}", refused.stderr);
    let third = offers(tried);
    let by_ben = Program::client_of(&installation.server).env("MUNIMENT_TOKEN", &token(&ben));
    by_ben.run(&["offer", "accept", &third]).ended(3);
    let accepted = tried.run(&as_ana, &["offer", "accept", &third]);
    assert!(accepted["role_grant_id"].is_string(), "{accepted}");
    assert_eq!(tried.run(&as_ana, &["offer", "list", "--all"])["offers"].as_array().unwrap().len(), 3);
}

/// What an operator looks at beside the server.
fn of_a_reader(tried: &mut Tried, operator: &Program) {
    // The tests' server has no limits, and doctor says so.
    let found = tried.run_with_input(operator, &["doctor"], "", 7);
    assert_eq!(found["ok"], false);
    tried.run(operator, &["audit", "verify"]);
    tried.run(operator, &["audit", "checkpoint"]);
    tried.run(operator, &["audit", "log"]);
    tried.run(operator, &["audit", "accounts"]);
    tried.run(operator, &["audit", "show", "1"]);
    tried.run(operator, &["audit", "state", "roster/main", "--at", "5"]);
    tried.run(operator, &["audit", "diff", "roster/main", "--from", "1"]);
    tried.run(operator, &["audit", "trace", "1"]);
    let exported = operator.run(&["audit", "export", "--json"]);
    for line in exported.ok().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    // A record has no end that a document could wait for: it comes as an object a line, whatever the flags.
    tried.commands.insert("audit export".to_owned());
    tried.run(operator, &["projections", "list"]);
    tried.run(operator, &["projections", "rebuild", "metrics"]);
    tried.run(operator, &["projections", "verify"]);
    tried.run(operator, &["account", "list"]);
    tried.run(operator, &["account", "show", "keeper"]);
    tried.run(operator, &["role", "why", "keeper", "keeper"]);
    tried.run(operator, &["mail", "outbox"]);
    tried.run(operator, &["backup", "copy"]);
}

/// What an operator changes once the server has stopped.
fn of_a_writer(tried: &mut Tried, operator: &Program, installation: &Installation, engine: Engine) {
    let password = format!("{PASSWORD}\n");
    tried.run_with_input(operator, &["account", "create", "kim", "--password-stdin"], &password, 0);
    tried.run_with_input(operator, &["account", "set-password", "kim", "--password-stdin"], &password, 0);
    tried.run(operator, &["account", "unthrottle", "kim"]);
    tried.run(operator, &["role", "grant", "kim", "admin"]);
    tried.run(operator, &["role", "revoke", "kim", "admin"]);
    tried.run(operator, &["audit", "record", "lesson.held", "--account", "kim"]);
    tried.run(operator, &["cleanup"]);
    tried.run(operator, &["erase", "kim", "--yes"]);
    let sink = MailSink::start();
    let mailing_operator = Program::operator_of(&installation.server).env("MUNIMENT_SMTP_URL", &sink.url());
    let mailing_operator = mailing_operator.env("MUNIMENT_MAIL_FROM_EMAIL", "codes@muniment.example");
    tried.run(&mailing_operator, &["mail", "test", "ana@example.com"]);
    let elsewhere = operator.path("restored").display().to_string();
    let scratch = (engine == Engine::Postgres).then(|| Cluster::shared().scratch_database());
    let database = scratch.as_ref().map_or_else(|| format!("sqlite:{elsewhere}"), ToString::to_string);
    // The master key is what opens the keys of a backup.
    let keys = operator.path("restored/keys");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys).unwrap();
    std::fs::copy(installation.server.data.join("keys/master.key"), keys.join("master.key")).unwrap();
    let place = ["--data-dir", &elsewhere, "--database", &database];
    tried.run(operator, &[&["restore", "copy", "--yes"], place.as_slice()].concat());
    tried.run(operator, &["keys", "rotate-master", "--yes"]);
}

both_engines![every_command_prints_one_json_document];
