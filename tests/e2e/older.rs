//! Records that older programs made, kept as they left them (`tests/data/older`), are opened by today's: everything that was
//! told then is told now, what was ended stays ended, and what comes next is recorded behind it.
//!
//! A folder a day on whose evening the program was built. None is ever made anew; one is added before what a store holds changes:
//! a backup would not do, since the read models of the older program are not in it. Snapshots are in none of them, for none of
//! their streams is long enough; what form those have is held by `aggregates/golden/snapshots`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::harness::{Engine, Program, Server, Setup, Store, eventually, runtime};

fn kept(maker: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/older").join(maker).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Lays the record of an older program into a store of its own.
fn laid(maker: &str, engine: Engine, folder: &Path) -> Store {
    let store = Store::new(engine, folder);
    match &store {
        Store::Sqlite { folder } => {
            for file in ["journal.db", "read.db"] {
                std::fs::write(folder.join(file), "").unwrap();
            }
            store.execute(&kept(maker, "journal.sqlite.sql"));
            store.execute_on_read_models(&kept(maker, "read.sqlite.sql"));
        }
        Store::Postgres { url } => runtime().block_on(async {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(&kept(maker, "postgres.sql")).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }),
    }
    store
}

/// Whether an answer still says all that one said; it may say more.
fn says(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(name, told)| now.get(name).is_some_and(|now| says(now, told)))
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| says(now, then))
        }
        (now, then) => now == then,
    }
}

fn asked(question: &str, server: &Server, tokens: &Value) -> Value {
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let (how, what) = question.split_once(' ').unwrap();
    match how {
        "GET" => server.agent(&token("agent")).get(what).json(),
        "rpc" => server.agent(&token("api")).rpc(what, &json!({})).0.json(),
        "cli" => Program::operator_of(server).run(&what.split(' ').collect::<Vec<_>>()).json(),
        other => panic!("{other} is no way to ask"),
    }
}

fn opened(maker: &str, engine: Engine, folder: &Path) -> (Server, Value) {
    let store = laid(maker, engine, folder);
    let setup = Setup::new(engine).with_accounts().set("ACCOUNTS_BOOTSTRAP", "").set("MASTER_KEY", &"4a".repeat(32));
    let server = setup.over(store, folder).start();
    let engine = if engine == Engine::Sqlite { "sqlite.json" } else { "postgres.json" };
    (server, serde_json::from_str(&kept(maker, engine)).unwrap())
}

fn is_opened(maker: &str, engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let (server, told) = opened(maker, engine, folder.path());
    for (question, then) in told["answers"].as_object().unwrap() {
        // A read model is made anew while the server serves.
        eventually(&format!("{maker}: {question} says what it said: {then}"), || {
            says(&asked(question, &server, &told["keys"]), then).then_some(())
        });
    }
    for ended in ["ended", "gone"] {
        let token = told["keys"][ended].as_str().unwrap();
        assert_eq!(server.agent(token).get("/v1/status").status, 401, "{ended}");
    }
    let agent = server.agent(told["keys"]["narrow"].as_str().unwrap());
    let again = json!({ "value": 1200, "timestamp": "2024-01-01", "idempotency_key": "one" });
    let same = agent.post("/v1/metrics/arr/points", &again).expect(200);
    assert_eq!(same["duplicate"], json!(true), "{same}");
    // Without a key of its own: what names the point is made now as it was then.
    let first = &told["answers"]["GET /v1/metrics/arr/points?order=asc"]["points"][0];
    let unnamed = json!({ "value": first["value"], "timestamp": first["timestamp"] });
    let same = agent.post("/v1/metrics/arr/points", &unnamed).expect(200);
    assert_eq!(same, json!({ "id": first["id"], "duplicate": true }));
    let next = agent.post("/v1/metrics/arr/points", &json!({ "value": 1, "idempotency_key": "next" })).expect(201);
    assert_eq!(next["duplicate"], json!(false), "{next}");
    let founder = server.sign_in("ana@example.com");
    let own = founder.client.get("/v1/applications").expect(200);
    assert_eq!(own["applications"].as_array().map(Vec::len), Some(1), "the same account as before: {own}");

    server.terminate();
    server.restart();
    let operator = Program::operator_of(&server);
    let verified = operator.run(&["audit", "verify", "--json"]).json();
    let claims = server.store.texts("SELECT CAST(COUNT(*) AS TEXT) FROM claims");
    assert_eq!(verified["claims"]["compared"].to_string(), claims[0], "what it claimed then, it claims now");
    operator.run(&["projections", "verify", "--all"]).ok();

    let fresh = Server::with(engine, &[]);
    let steps = |server: &Server| server.store.texts("SELECT name FROM applied_migrations ORDER BY sequence");
    assert_eq!(steps(&server), steps(&fresh));
    let schema = |server: &Server| server.store.schema().into_iter().collect::<BTreeSet<_>>();
    let new = schema(&fresh);
    // What an older program served from is dropped while the server serves.
    eventually(&format!("{maker}: it has nothing that a new record has not"), || {
        schema(&server).is_subset(&new).then_some(())
    });
    assert_eq!(&new - &schema(&server), BTreeSet::new(), "{maker}: what only a new record has");
}

fn a_record_of_2026_11_22_is_opened(engine: Engine) {
    is_opened("2026-11-22", engine);
}

/// Nodes of the older program may still have it. The embedded store of that day lacks no step.
#[test]
fn only_a_server_brings_a_record_up_to_date() {
    let engine = Engine::Postgres;
    let folder = tempfile::tempdir().unwrap();
    let server = Setup::new(engine).start();
    server.terminate();
    let store = laid("2026-11-22", engine, folder.path());
    let steps = || store.texts("SELECT name FROM applied_migrations ORDER BY sequence");
    let was = ["0001_events", "0002_streams"];
    assert_eq!(steps(), was);
    let Store::Postgres { url } = &store else { unreachable!("{store:?}") };
    let operator = Program::operator_of(&server)
        .env("MUNIMENT_MASTER_KEY", &"4a".repeat(32))
        .env("MUNIMENT_DATA_DIR", &folder.path().display().to_string())
        .env("MUNIMENT_DATABASE_URL", url);
    let backup = operator.path("backup").display().to_string();
    for command in [
        &["audit", "verify"][..],
        &["audit", "state", "account/x", "--at", "3"],
        &["audit", "log"],
        &["projections", "verify", "--all"],
        &["projections", "rebuild", "--all"],
        &["role", "why", "cid", "admin"],
        &["role", "grant", "cid", "admin"],
        &["account", "list"],
        &["account", "create", "new", "--password-stdin"],
        &["account", "unthrottle", "cid"],
        &["cleanup"],
        &["backup", backup.as_str()],
        &["erase", "cid", "--yes"],
    ] {
        let refused = operator.run_with_input(command, "correct horse battery\n");
        assert_eq!(refused.code, 1, "{command:?}: {refused:?}");
        assert!(refused.stderr.contains("0003_streams_required"), "{command:?}: {refused:?}");
        assert_eq!(steps(), was, "{command:?}");
    }
    assert!(operator.run(&["doctor"]).ended(7).contains("0003_streams_required"));
    assert_eq!(steps(), was);
}

/// A rebuild by the new program runs beside the server, and that may still be an older one.
fn what_an_older_program_serves_from_is_dropped_by_a_server_alone(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    server.store.execute_on_read_models(
        "CREATE TABLE metrics_v1_g0 (id TEXT); \
         INSERT INTO read_checkpoints_v1 (name, version, generation, purpose, position, record) \
         SELECT name, 1, 0, purpose, position, record FROM read_checkpoints_v1 WHERE name = 'metrics'",
    );
    let is_there = || server.store.columns().iter().any(|column| column == "metrics_v1_g0.id");
    Program::operator_of(&server).run(&["projections", "rebuild", "points"]).ok();
    assert!(is_there());
    server.terminate();
    server.restart();
    eventually("it is gone", || (!is_there()).then_some(()));
    assert_eq!(company.points("arr").len(), 1);
}

both_engines![a_record_of_2026_11_22_is_opened, what_an_older_program_serves_from_is_dropped_by_a_server_alone];
