//! What an operator is told on a bad day: a key that is gone, files that are none, a disk without room, a database without rights;
//! and that following the advice helps.

use std::fs;

use muniment_testkit::Cluster;
use serde_json::json;

use crate::harness::{Engine, Installation, Output, Program, Server, Setup};

/// A command that failed with this code, and told each of these.
#[track_caller]
fn told(output: &Output, code: i32, parts: &[&str]) {
    output.ended(code);
    for part in parts {
        assert!(output.stderr.contains(part), "{part} is not in:\n{}", output.stderr);
    }
}

fn a_master_key_that_is_gone_is_asked_for_and_not_replaced_by_a_new_one(engine: Engine) {
    let server = Server::with(engine, &[]);
    let ana = server.founder("ana");
    assert!(server.terminate().success());
    let (key, kept) = (server.data.join("keys/master.key"), server.data.join("kept"));
    fs::rename(&key, &kept).unwrap();
    let operator = Program::operator_of(&server);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for command in [["account", "list"].as_slice(), &["backup", "copy"], &serve] {
        let said = ["keys/master.key does not exist", "next: put the copy that you keep there", "keys_dir"];
        told(&operator.run(command), 1, &said);
        assert!(!key.exists(), "{command:?} made another key, which opens nothing");
    }
    let doctor = operator.run(&["doctor"]);
    assert!(doctor.ended(7).contains("WRONG  master key: "), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("put the copy that you keep there") && !key.exists(), "{}", doctor.stdout);
    fs::rename(&kept, &key).unwrap();
    server.restart();
    let agent = server.anonymous().bearer(&ana.token);
    assert_eq!(agent.get("/v1/auth/session").expect(200)["email"], json!(ana.email));
}

fn a_backup_is_restored_once_the_right_master_key_lies_there(engine: Engine) {
    let server = Server::with(engine, &[]);
    let ana = server.founder("ana");
    let operator = Program::operator_of(&server);
    operator.run(&["backup", "copy"]).ok();
    // A machine that was prepared, and served already, before anybody thought of the key.
    let other = Server::with(engine, &[]);
    assert!(other.terminate().success());
    let elsewhere = Program::operator_of(&other);
    let copy = operator.path("copy").display().to_string();
    let restore = ["restore", &copy, "--yes"];
    let refused = elsewhere.run(&restore);
    told(&refused, 1, &["nothing was restored", "under the master key it was made under"]);
    assert_eq!(refused.stderr.matches("wrapped under another master key").count(), 1, "{}", refused.stderr);
    fs::copy(server.data.join("keys/master.key"), other.data.join("keys/master.key")).unwrap();
    elsewhere.run(&restore).ok();
    assert_eq!(elsewhere.run(&["account", "show", &ana.email, "--json"]).json()["email"], json!(ana.email));
    // The read models of before were of another record.
    other.restart();
}

both_engines![
    a_master_key_that_is_gone_is_asked_for_and_not_replaced_by_a_new_one,
    a_backup_is_restored_once_the_right_master_key_lies_there,
];

/// As on a full disk: no file may grow, and whoever writes is told.
const NO_ROOM: &str = "cd \"$HOME\"; trap '' XFSZ; ulimit -f 0";

#[test]
fn init_on_a_full_disk_leaves_nothing_half_written() {
    let program = Program::alone();
    let without_room = || program.shell(&format!("({NO_ROOM}; muniment init 2>&1 || echo ended $?)"));
    assert!(without_room().ends_with("ended 1\n"));
    assert!(!program.path("data/keys/master.key").exists());
    program.run(&["init"]).ok();
    let (settings, key) = (program.path("muniment.toml"), program.path("data/keys/master.key"));
    let first = (fs::read(&settings).unwrap(), fs::read(&key).unwrap());
    fs::remove_file(&settings).unwrap();
    assert!(without_room().contains("muniment.toml") && !settings.exists());
    program.run(&["init"]).ok();
    assert_eq!((fs::read(&settings).unwrap(), fs::read(&key).unwrap()), first);
}

#[test]
fn a_file_of_the_store_that_is_none_is_named_with_the_way_out() {
    let server = Setup::new(Engine::Sqlite).start();
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    assert!(server.terminate().success());
    let operator = Program::operator_of(&server);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let file = |name: &str| server.data.join(name);

    // What the log of writes holds would stand for the damaged pages.
    let files = ["journal.db", "journal.db-wal", "journal.db-shm"].into_iter().filter(|name| file(name).exists());
    let files: Vec<&str> = files.collect();
    let kept = |name: &str| file(&format!("kept-{name}"));
    files.iter().for_each(|name| fs::rename(file(name), kept(name)).unwrap());
    fs::write(file("journal.db"), "no database").unwrap();
    for command in [["audit", "verify"].as_slice(), &serve] {
        told(&operator.run(command), 1, &["file is not a database", "next: ", "journal.db", "muniment restore"]);
    }
    let doctor = operator.run(&["doctor"]);
    assert_eq!(doctor.ended(7).matches("file is not a database").count(), 1, "{}", doctor.stdout);
    assert!(doctor.stdout.contains("muniment restore"), "{}", doctor.stdout);
    files.iter().for_each(|name| fs::rename(kept(name), file(name)).unwrap());

    for name in ["read.db-wal", "read.db-shm"].into_iter().filter(|name| file(name).exists()) {
        fs::remove_file(file(name)).unwrap();
    }
    fs::write(file("read.db"), "no database").unwrap();
    let advice = "remove read.db, read.db-wal and read.db-shm";
    told(&operator.run(&serve), 1, &["file is not a database", advice]);
    told(&operator.run(&["projections", "list"]), 1, &["file is not a database", advice]);
    assert!(operator.run(&["doctor"]).ended(7).contains(advice));
    for name in ["read.db", "read.db-wal", "read.db-shm"] {
        if file(name).exists() {
            fs::remove_file(file(name)).unwrap();
        }
    }
    server.restart();
    assert_eq!(company.points("arr").len(), 1);
    assert!(server.terminate().success());

    // Root may open whatever there is, but no folder in the place of a file.
    fs::rename(file("journal.db"), file("moved")).unwrap();
    fs::create_dir(file("journal.db")).unwrap();
    told(&operator.run(&serve), 1, &["next: ", "belong to the user that runs"]);
    fs::remove_dir(file("journal.db")).unwrap();
    fs::rename(file("moved"), file("journal.db")).unwrap();
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let program = Program::alone();
    fs::write(program.path("data"), "").unwrap();
    let said = ["the data folder ./data cannot be made", "next: ", "--data-dir"];
    told(&program.run(&["serve", "--listen", "127.0.0.1:0"]), 1, &said);
}

#[test]
fn a_database_without_rights_or_that_is_not_there_is_told_with_what_mends_it() {
    let cluster = Cluster::shared();
    let (scratch, role) = (cluster.scratch_database(), format!("guest_{}", std::process::id()));
    let url = scratch.to_string();
    cluster.psql("postgres", &format!("CREATE ROLE {role} LOGIN"));
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let guest = Program::alone().env("MUNIMENT_DATABASE_URL", &url.replace("muniment@", &format!("{role}@")));
    told(&guest.run(&serve), 1, &["permission denied", "next: ", "GRANT CREATE"]);
    let nowhere = Program::alone().env("MUNIMENT_DATABASE_URL", &cluster.url("nowhere_at_all"));
    told(&nowhere.run(&serve), 1, &["does not exist", "next: ", "CREATE DATABASE", "UTF8"]);
    let nobody = Program::alone().env("MUNIMENT_DATABASE_URL", &url.replace("muniment@", "nobody_at_all@"));
    told(&nobody.run(&serve), 1, &["nobody_at_all", "next: ", "database_url"]);
    cluster.psql("postgres", &format!("DROP ROLE {role}"));
    // It runs: to start it, or to name another, would be no help.
    let name = url.rsplit_once('/').unwrap().1;
    cluster.psql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let only_read = Program::alone().env("MUNIMENT_DATABASE_URL", &url);
    let output = only_read.run(&serve);
    told(&output, 6, &["read-only transaction", "next: let it be written again"]);
}

fn who_cannot_be_erased_or_is_named_by_a_word_is_told_the_next_step(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    house.person("ben");
    let company = server.company();
    company.metric("arr");
    let operator = Program::operator_of(server);
    if engine == Engine::Sqlite {
        assert!(server.terminate().success());
    }
    told(&operator.run(&["erase", "keeper", "--yes"]), 5, &["last_holder", "next: ", "muniment role grant"]);
    told(
        &operator.run(&["audit", "state", "metric/arr"]),
        3,
        &["metric/arr has no event", "audit log --resource-type metric"],
    );
    told(&operator.run(&["audit", "state", "account/ben"]), 3, &["next: `muniment account show"]);
    told(&operator.run(&["audit", "state", "metrics/arr"]), 2, &["there is no aggregate called metrics", "metric,"]);
    let metrics = operator.run(&["audit", "log", "--resource-type", "metric"]);
    assert!(metrics.ok().contains("metric_"), "{}", metrics.stdout);
}

both_engines![who_cannot_be_erased_or_is_named_by_a_word_is_told_the_next_step];
