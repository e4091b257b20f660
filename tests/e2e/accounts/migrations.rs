//! What a start does with the schema it finds (ACC-230 to ACC-233).

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::{Engine, Program, Refused, Server, Setup, Store, in_parallel};

const RECORDED: &str = "SELECT namespace || ' ' || name || ' ' || CAST(sequence AS TEXT) || ' ' || \
    CAST(applied_at AS TEXT) FROM applied_migrations ORDER BY namespace, sequence";
const EVENTS: &str = "SELECT CAST(position AS TEXT) || ' ' || CAST(payload AS TEXT) FROM events ORDER BY position";

fn recorded(store: &Store) -> Vec<String> {
    store.texts(RECORDED)
}

fn released(engine: Engine) -> Vec<String> {
    let engine = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine).join("journal");
    let names = std::fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    // In the order of their numbers.
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn names(rows: &[String]) -> Vec<String> {
    rows.iter().map(|row| row.split(' ').nth(1).unwrap().to_owned()).collect()
}

fn refused(server: &Server) -> Refused {
    server.try_restart().expect_err("a start that is refused")
}

fn acc_230_a_fresh_store_gets_every_step_once(engine: Engine) {
    let server = Setup::new(engine).start();
    let first = recorded(&server.store);
    assert_eq!(names(&first), released(engine));
    server.terminate();
    server.restart();
    assert_eq!(recorded(&server.store), first, "the second start runs none");
}

fn acc_231_a_store_of_another_program_is_told_and_left_alone(engine: Engine) {
    let server = Setup::new(engine).start();
    server.founder("ada");
    server.terminate();
    let store = &server.store;
    let (was, events) = (recorded(store), store.texts(EVENTS));
    let operator = Program::operator_of(&server);
    let expect = |kind: &str, named: &str| {
        let refused = refused(&server);
        assert!(!refused.status.success() && refused.log.contains(kind) && refused.log.contains(named), "{refused:?}");
        let found = operator.run(&["doctor", "--json"]);
        assert!(found.ended(7).contains(kind), "the doctor names the kind");
    };
    store.execute(
        "INSERT INTO applied_migrations (namespace, name, sequence, applied_at) \
         VALUES ('muniment.journal', '0099_future', 99, 0)",
    );
    expect("binary-older-than-db", "0099_future");
    let rename = |from: &str, to: &str| {
        store.execute(&format!("UPDATE applied_migrations SET name = '{to}' WHERE name = '{from}'"));
    };
    rename("0001_events", "0001_other");
    expect("binary-older-than-db", "0099_future");
    store.execute("DELETE FROM applied_migrations WHERE name = '0099_future'");
    expect("name-divergence-at-0", "0001_other");
    rename("0001_other", "0001_events");
    assert_eq!((recorded(store), store.texts(EVENTS)), (was, events));
    server.restart();
}

fn acc_232_a_step_that_fails_leaves_nothing_recorded(engine: Engine) {
    let server = Setup::new(engine).start();
    server.terminate();
    let store = &server.store;
    store.execute("DROP VIEW stream_events");
    let tables = ["streams", "events", "journal_head", "journal_epochs", "claims", "snapshots", "subject_keys"];
    for table in tables {
        store.execute(&format!("DROP TABLE {table}"));
    }
    if engine == Engine::Sqlite {
        store.execute("DROP TABLE dedupe_keys");
    }
    // What the step makes last is there already, in another form.
    store.execute("DELETE FROM applied_migrations; ALTER TABLE outbox RENAME TO kept; CREATE TABLE outbox (a BIGINT)");
    let refused = refused(&server);
    assert!(!refused.status.success() && refused.log.contains("migration-failed"), "{refused:?}");
    assert!(recorded(store).is_empty());
    // Possible only where the tables that the step made before it failed are gone again.
    store.execute("CREATE TABLE events (a BIGINT); DROP TABLE events");
    store.execute("DROP TABLE outbox; DROP TABLE kept");
    // The same where a later step fails: nothing of those before it is left.
    store.execute("CREATE TABLE streams (a BIGINT)");
    let refused = self::refused(&server);
    assert!(!refused.status.success() && refused.log.contains("migration-failed"), "{refused:?}");
    assert!(refused.log.contains("0002_streams"), "{refused:?}");
    assert!(recorded(store).is_empty());
    store.execute("CREATE TABLE events (a BIGINT); DROP TABLE events; DROP TABLE streams");
    server.restart();
    assert_eq!(names(&recorded(store)), released(engine));
}

fn acc_232_two_programs_that_start_at_once_make_one_schema(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(engine, folder.path());
    let started: Vec<_> = in_parallel(2, |node| {
        let own = folder.path().join(node.to_string());
        let data = if engine == Engine::Sqlite { folder.path() } else { &own };
        Setup::new(engine).set("MASTER_KEY", &"4a".repeat(32)).over(store.clone(), data).try_start()
    });
    let running = started.iter().filter(|server| server.is_ok()).count();
    assert_eq!(running, if engine == Engine::Sqlite { 1 } else { 2 }, "an embedded store has one program");
    assert_eq!(names(&recorded(&store)), released(engine));
}

fn acc_233_nothing_skips_the_comparison(engine: Engine) {
    let server = Setup::new(engine).start();
    server.terminate();
    server.store.execute("UPDATE applied_migrations SET name = '0001_other' WHERE name = '0001_events'");
    let operator = Program::operator_of(&server);
    for flag in ["--force", "--skip-migrations", "--baseline"] {
        assert!(operator.run(&["serve", flag]).stderr.contains(flag), "{flag} is no flag of serve");
    }
    for name in ["FORCE", "SKIP_MIGRATIONS", "MIGRATIONS", "BASELINE"] {
        let over = Setup::new(engine).set(name, "true").over(server.store.clone(), &server.data);
        let Err(refused) = over.try_start() else { panic!("MUNIMENT_{name} skips it") };
        assert!(!refused.status.success(), "MUNIMENT_{name}");
    }
    let settings = operator.run(&["config", "show"]);
    for word in ["migration", "baseline", "force", "skip"] {
        assert!(!settings.ok().contains(word), "a setting is called {word}");
    }
    assert!(refused(&server).log.contains("name-divergence-at-0"));
    server.store.execute("UPDATE applied_migrations SET name = '0001_events' WHERE name = '0001_other'");
}

both_engines![
    acc_230_a_fresh_store_gets_every_step_once,
    acc_231_a_store_of_another_program_is_told_and_left_alone,
    acc_232_a_step_that_fails_leaves_nothing_recorded,
    acc_232_two_programs_that_start_at_once_make_one_schema,
    acc_233_nothing_skips_the_comparison,
];
