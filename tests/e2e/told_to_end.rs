//! Operator's commands that are ended in the middle, by a signal or by a database that goes away: what they leave, what they say, and
//! with which code. On PostgreSQL, where somebody else can hold them up.

use std::process::{Child, Command};

use crate::harness::{Engine, OpenTransaction, Program, Server, Store, eventually};

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until a session of the server's database waits for this, and gives its number.
fn waiting(store: &Store, which: &str) -> String {
    let sql = format!("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {which} LIMIT 1");
    eventually("a session waits", || store.texts(&sql).pop())
}

const FOR_A_LOCK: &str = "wait_event_type = 'Lock'";
const IN_SLEEP: &str = "wait_event = 'PgSleep'";

/// Has whoever does this to a table wait.
fn slow_down(store: &Store, does: &str) {
    store.execute(&format!(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(25); RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE {does} EXECUTE FUNCTION slow()"
    ));
}

/// Has whoever moves such a checkpoint of a read model wait.
fn slow_down_models(store: &Store, when: &str) {
    slow_down(store, &format!("UPDATE ON read_checkpoints_v1 FOR EACH ROW WHEN ({when})"));
}

fn end_session(store: &Store, number: &str) {
    store.execute(&format!("SELECT pg_terminate_backend({number})"));
}

/// How a command ended, and what it said.
fn ended(mut child: Child) -> (Option<i32>, String) {
    drop(child.stdin.take());
    let status = eventually("it ends", || child.try_wait().unwrap());
    (status.code(), std::io::read_to_string(child.stderr.take().unwrap()).unwrap())
}

#[test]
fn a_backup_that_is_told_to_end_leaves_nothing() {
    let server = Server::with(Engine::Postgres, &[]);
    server.company();
    server.terminate();
    let operator = Program::operator_of(&server);
    let Store::Postgres { url } = &server.store else { unreachable!() };
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let held = OpenTransaction::begin(url, "LOCK TABLE claims IN ACCESS EXCLUSIVE MODE");
        let child = operator.start(&["backup", "copy"]);
        eventually("it has begun", || operator.path("copy.part").exists().then_some(()));
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim().to_owned();
        if name == "-HUP" && u64::from_str_radix(&ignored, 16).unwrap() & 1 == 1 {
            // Whoever runs the tests lets them outlive the terminal, and so the program.
            signal(&child, "-KILL");
            ended(child);
        } else {
            signal(&child, name);
            let (ended_with, said) = ended(child);
            assert_eq!(ended_with, Some(code), "{name}: {said}");
            assert!(said.contains("interrupted"), "{said}");
            for left in ["copy", "copy.part", "copy.keys", "copy.keys.part"] {
                assert!(!operator.path(left).exists(), "{name}: {left}");
            }
        }
        held.end("ROLLBACK");
    }
    operator.run(&["backup", "copy"]).ok();
}

#[test]
fn who_is_interrupted_while_something_is_recorded_is_told_that_nobody_knows() {
    let server = Server::with(Engine::Postgres, &[]);
    server.terminate();
    let operator = Program::operator_of(&server);
    let password = "correct horse battery staple\n";
    for name in ["ana", "ben"] {
        operator.run_with_input(&["account", "create", name, "--password-stdin"], password).ok();
        operator.run(&["role", "grant", name, "admin"]).ok();
    }
    slow_down(&server.store, "INSERT ON events FOR EACH STATEMENT");
    for (arguments, input, goes_on) in [
        (&["role", "grant", "ana", "keeper"][..], "", "`muniment role grant ana keeper` again"),
        (&["role", "revoke", "ana", "admin"], "", "`muniment role revoke "),
        (
            &["account", "set-password", "ana", "--password-stdin"],
            password,
            "`muniment account set-password ana --password-stdin` again",
        ),
        (&["erase", "ana", "--yes"], "", "`muniment erase "),
    ] {
        let mut child = operator.start(arguments);
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let number = waiting(&server.store, IN_SLEEP);
        signal(&child, "-INT");
        let (code, said) = ended(child);
        end_session(&server.store, &number);
        assert_eq!(code, Some(130), "{said}");
        let is_told = said.contains("interrupted: it is not known whether") && said.contains(goes_on);
        assert!(is_told, "{arguments:?}: {said}");
        // Its sessions may be there a little longer than the program.
        let others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        eventually("it is gone", || server.store.texts(others).is_empty().then_some(()));
    }
    let mut asked = operator.start(&["account", "set-password", "ana", "--password-stdin"]);
    let input = asked.stdin.take();
    eventually("it listens", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", asked.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        // SIGINT is the second signal.
        (u64::from_str_radix(&caught, 16).ok()? & 2 == 2).then_some(())
    });
    signal(&asked, "-INT");
    let status = eventually("it ends", || asked.try_wait().unwrap());
    drop(input);
    let said = std::io::read_to_string(asked.stderr.take().unwrap()).unwrap();
    assert!(status.code() == Some(130) && said.contains("interrupted: nothing was recorded"), "{said}");
}

#[test]
fn an_erasure_that_is_interrupted_once_it_is_recorded_says_so_and_how_it_goes_on() {
    let server = Server::with(Engine::Postgres, &[]);
    let founder = server.founder("ana");
    server.company_of(&founder);
    let account = founder.client.get("/v1/auth/session").expect(200)["account_id"].as_str().unwrap().to_owned();
    server.terminate();
    let operator = Program::operator_of(&server);
    // What follows the erasure waits for the read models.
    let head = server.store.texts("SELECT position FROM journal_head")[0].clone();
    slow_down_models(&server.store, &format!("NEW.position > {head}"));
    let child = operator.start(&["erase", &founder.email, "--yes"]);
    let number = waiting(&server.store, IN_SLEEP);
    signal(&child, "-INT");
    let (code, said) = ended(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("interrupted: erased at position "), "{said}");
    assert!(said.contains(&format!("`muniment erase {account}` again")), "{said}");
    end_session(&server.store, &number);
    server.store.execute("DROP TRIGGER slow ON read_checkpoints_v1");
    let again = operator.run(&["erase", &account, "--yes"]);
    assert!(again.ok().starts_with("Erased already"), "{}", again.stdout);
    server.restart();
}

#[test]
fn a_database_that_goes_away_in_the_middle_is_worth_another_try() {
    let server = Server::with(Engine::Postgres, &[]);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &serde_json::json!({ "value": 1 }));
    server.terminate();
    let operator = Program::operator_of(&server);
    slow_down_models(&server.store, "NEW.name = 'points' AND NEW.purpose IN ('rebuild', 'verify')");
    for verb in ["rebuild", "verify"] {
        let child = operator.start(&["projections", verb, "points"]);
        end_session(&server.store, &waiting(&server.store, IN_SLEEP));
        let (code, said) = ended(child);
        assert_eq!(code, Some(6), "{verb}: {said}");
    }
    let Store::Postgres { url } = &server.store else { unreachable!() };
    let held = OpenTransaction::begin(url, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    let child = operator.start(&["audit", "show", "1"]);
    end_session(&server.store, &waiting(&server.store, FOR_A_LOCK));
    let (code, said) = ended(child);
    held.end("ROLLBACK");
    assert_eq!(code, Some(6), "{said}");
    server.store.execute("DROP TRIGGER slow ON read_checkpoints_v1");
}
