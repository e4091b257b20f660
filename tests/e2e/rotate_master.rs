//! The master key is rotated: the new one opens everything, the old one and what it had wrapped nothing, and a rotation
//! that is killed leaves nobody unreadable.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Engine, Founder, Program, Server, Setup, Store, contains, eventually, folder_bytes, in_parallel, torture, unique,
};

const ROTATE: [&str; 3] = ["keys", "rotate-master", "--yes"];

/// The stored keys as they are wrapped now, in hexadecimal digits.
fn wrapped_keys(store: &Store) -> Vec<String> {
    store.texts(match store {
        Store::Sqlite { .. } => "SELECT LOWER(HEX(wrapped_key)) FROM subject_keys",
        Store::Postgres { .. } => "SELECT encode(wrapped_key, 'hex') FROM subject_keys",
    })
}

/// Writes what only its owner may read; the folder is made.
fn write_key(file: &Path, text: &str) {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(file.parent().unwrap()).unwrap();
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(file).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

/// What `doctor` says of the master key, and whether that is well.
fn master_key_of(operator: &Program) -> (bool, String) {
    let output = operator.run(&["doctor", "--json"]);
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    let check = found["checks"].as_array().unwrap().iter().find(|check| check["check"] == "master key");
    let check = check.unwrap_or_else(|| panic!("doctor says nothing of the master key: {found}"));
    (check["ok"] == json!(true), check["message"].as_str().unwrap().to_owned())
}

/// The address of an account as the operator's command opens it.
fn shown_email(operator: &Program, email: &str, place: &[&str]) -> Value {
    operator.run(&[&["account", "show", email, "--json"], place].concat()).json()["email"].clone()
}

/// A person's values open, and new people can come.
fn everybody_is_readable(server: &Server, person: &Founder) {
    let agent = server.anonymous().bearer(&person.token);
    assert_eq!(agent.get("/v1/auth/session").expect(200)["email"], json!(person.email));
    server.founder("new");
}

fn only_the_new_master_key_opens_what_is_stored(engine: Engine) {
    let server = Server::with(engine, &[]);
    let [ana, eve] = ["ana", "eve"].map(|name| server.founder(name));
    let operator = Program::operator_of(&server);
    operator.run(&["backup", "old"]).ok();
    server.terminate();
    operator.run(&["erase", &eve.email, "--yes"]).ok();
    let file = server.data.join("keys/master.key");
    let (old_key, old_wrapped) = (fs::read_to_string(&file).unwrap(), wrapped_keys(&server.store));
    let is_in = |files: &[u8], wrapped: &str| contains(files, &hex::decode(wrapped).unwrap());
    let files = folder_bytes(&server.data);
    assert!(contains(&files, old_key.trim().as_bytes()), "before: the search finds the key");
    assert!(engine == Engine::Postgres || old_wrapped.iter().all(|wrapped| is_in(&files, wrapped)));

    let refused = operator.run(&["keys", "rotate-master"]);
    assert!(refused.ended(2).is_empty() && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), old_key);
    let told = operator.run(&[&ROTATE, ["--json"].as_slice()].concat()).json();
    assert_eq!(told["subjects"], json!(old_wrapped.len() - 1), "all but the installation's own: {told}");
    assert_eq!((&told["was_rotated_before"], &told["master_key_file"]), (&json!(false), &json!(file)));
    let new_key = fs::read_to_string(&file).unwrap();
    assert_ne!(new_key, old_key);
    assert!(!told.to_string().contains(new_key.trim()));
    let (is_well, said) = master_key_of(&operator);
    assert!(is_well, "{said}");

    // Neither the old key nor what it had wrapped is left.
    let files = folder_bytes(&server.data);
    assert!(!contains(&files, old_key.trim().as_bytes()), "the old master key is left");
    let new_wrapped = wrapped_keys(&server.store);
    for wrapped in &old_wrapped {
        assert!(!new_wrapped.contains(wrapped));
        assert!(!is_in(&files, wrapped), "a key as the old master key wrapped it is left");
    }
    assert_eq!(shown_email(&operator, &ana.email, &[]), json!(ana.email));

    // With a copy of the old key nothing opens, and it is said why.
    let kept = operator.path("kept/master.key");
    write_key(&kept, &old_key);
    let kept = kept.parent().unwrap().display().to_string();
    let with_old = Program::operator_of(&server).env("MUNIMENT_KEYS_DIR", &kept);
    let (is_well, said) = master_key_of(&with_old);
    assert!(!is_well && said.contains("another master key") && said.contains("config show --origin"), "{said}");
    let refused = with_old.run(&["account", "show", &ana.email]);
    refused.ended(1);
    assert!(refused.stderr.contains("another master key"), "{}", refused.stderr);
    let setup = Setup::new(engine).set("KEYS_DIR", &kept).over(server.store.clone(), &server.data);
    let log = setup.try_start().map(drop).expect_err("a server does not start with the old key").log;
    assert!(log.contains("another master key"), "{log}");

    old_backups_open_with_the_newest_keys_alone(&operator, [&ana, &eve], &new_key);
    server.restart();
    everybody_is_readable(&server, &ana);
    server.anonymous().bearer(&eve.token).get("/v1/auth/session").refused(401, "invalid_session");
}

/// A backup of before an erasure and a rotation brings the erased back in no way.
fn old_backups_open_with_the_newest_keys_alone(operator: &Program, [ana, eve]: [&Founder; 2], key: &str) {
    operator.run(&["backup", "new"]).ok();
    let elsewhere = operator.path("restored");
    write_key(&elsewhere.join("keys/master.key"), key);
    let elsewhere = elsewhere.display().to_string();
    let database = format!("sqlite:{elsewhere}");
    let place = ["--data-dir", &elsewhere, "--database", &database];
    let refused = operator.run(&[&["restore", "old", "--yes"], place.as_slice()].concat());
    refused.ended(1);
    assert!(refused.stderr.contains("the keys file of the newest backup"), "{}", refused.stderr);
    operator.run(&[&["restore", "old", "--keys", "new.keys", "--yes"], place.as_slice()].concat()).ok();
    assert_eq!(shown_email(operator, &ana.email, &place), json!(ana.email));
    operator.run(&[&["account", "show", &eve.email], place.as_slice()].concat()).ended(3);
}

fn beside_a_running_server_it_is_refused_or_followed(engine: Engine) {
    let server = Server::with(engine, &[]);
    let [ana, eve] = ["ana", "eve"].map(|name| server.founder(name));
    server.terminate();
    server.restart();
    // One is known to the running server before the rotation, the other is not.
    everybody_is_readable(&server, &ana);
    let operator = Program::operator_of(&server);
    let before = wrapped_keys(&server.store);
    let output = operator.run(&ROTATE);
    match engine {
        Engine::Sqlite => {
            output.ended(6);
            assert!(output.stderr.contains("stop the server"), "{}", output.stderr);
            assert_eq!(wrapped_keys(&server.store), before);
        }
        Engine::Postgres => {
            output.ok();
            assert!(wrapped_keys(&server.store).iter().all(|wrapped| !before.contains(wrapped)));
        }
    }
    everybody_is_readable(&server, &ana);
    everybody_is_readable(&server, &eve);
}

fn a_key_of_the_settings_is_rotated_by_giving_the_next(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let (store, [old, next]) = (Store::new(engine, folder.path()), ["4a", "5b"].map(|byte| byte.repeat(32)));
    let with = |key: &str| Setup::new(engine).set("MASTER_KEY", key).over(store.clone(), folder.path()).start();
    let server = with(&old);
    let ana = server.founder("ana");
    server.terminate();
    let operator = Program::operator_of(&server);
    let note = operator.path("head.note");
    fs::write(&note, operator.run(&["audit", "checkpoint"]).ok()).unwrap();
    let before = wrapped_keys(&store);
    for (given, code, said) in [
        (None, 2, "--next-key-file"),
        (Some("5b"), 2, "64 hexadecimal digits"),
        (Some("not a key\n"), 2, "64 hexadecimal digits"),
        (Some(&*format!("{next}00")), 2, "64 hexadecimal digits"),
        (Some(&*format!("{old}\n")), 5, "already"),
    ] {
        let flag: &[&str] = if given.is_some() { &["--next-key-stdin"] } else { &[] };
        let output = operator.run_with_input(&[&ROTATE, flag].concat(), given.unwrap_or_default());
        output.ended(code);
        assert!(output.stderr.contains(said) && !output.stderr.contains(&next), "{}", output.stderr);
    }
    let missing = operator.run(&[&ROTATE, ["--next-key-file", "missing"].as_slice()].concat());
    missing.ended(2);
    assert_eq!(wrapped_keys(&store), before);

    write_key(&operator.path("next"), &format!("{next}\n"));
    let rotate = [&ROTATE, ["--next-key-file", "next", "--json"].as_slice()].concat();
    let told = operator.run(&rotate).json();
    assert_eq!(told["subjects"], json!(before.len() - 1), "{told}");
    assert_eq!(told["master_key_file"], Value::Null);
    // Whoever does not know whether it came to its end asks again, with the settings as they were.
    assert_eq!(operator.run(&rotate).json()["was_rotated_before"], json!(true));
    let said = operator.run(&rotate[..5]);
    assert!(said.ok().contains("MUNIMENT_MASTER_KEY") && !said.stdout.contains(&next), "{}", said.stdout);
    let (is_well, said) = master_key_of(&operator);
    assert!(!is_well && said.contains("another master key"), "{said}");
    let refused = server.try_restart().expect_err("a server does not start with the old key");
    assert!(refused.log.contains("another master key"), "{}", refused.log);
    let server = with(&next);
    everybody_is_readable(&server, &ana);
    let compared = Program::operator_of(&server).run(&["audit", "verify", "--checkpoint", &note.display().to_string()]);
    assert!(compared.ok().contains("still holds"), "{}", compared.stdout);
}

/// Starts a command whose output nobody reads.
fn started(operator: &Program, arguments: &[&str]) -> Child {
    let mut child = operator.start(arguments);
    drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
    child
}

/// Lets a rotation run until it has put its next key there, and `longer`, or until it ends; kills it.
fn killed(operator: &Program, next: &Path, longer: Duration) {
    let mut rotation = started(operator, &[&ROTATE, ["--quiet"].as_slice()].concat());
    let mut begun = None;
    // Without a pause: what is waited for lasts milliseconds.
    while rotation.try_wait().unwrap().is_none() {
        if begun.is_none() && next.exists() {
            begun = Some(Instant::now());
        }
        if begun.is_some_and(|begun| begun.elapsed() >= longer) {
            break;
        }
        std::thread::yield_now();
    }
    rotation.kill().unwrap();
    rotation.wait().unwrap();
}

/// Makes keys enough for a rotation to last.
fn crowd(server: &Server) {
    let people = if torture() { 400 } else { 80 };
    in_parallel(4, |_| {
        for _ in 0..people / 4 {
            server.code_for(&format!("{}@example.com", unique("somebody")));
        }
    });
}

fn a_rotation_that_is_killed_leaves_everybody_readable(engine: Engine) {
    let server = Server::with(engine, &[]);
    let ana = server.founder("ana");
    crowd(&server);
    server.terminate();
    let operator = Program::operator_of(&server);
    let next = server.data.join("keys/master.key.next");
    let kills = if torture() { 60 } else { 5 };
    let mut midway = 0;
    for kill in 0..kills {
        killed(&operator, &next, Duration::from_millis(kill % 20));
        midway += u32::from(next.exists());
        // A reader changes nothing, whatever it finds.
        let found = next.exists();
        assert_eq!(shown_email(&operator, &ana.email, &[]), json!(ana.email), "kill {kill}");
        assert_eq!(next.exists(), found);
        let (is_well, said) = master_key_of(&operator);
        assert!(is_well != found && (is_well || said.contains("cut off")), "{said}");
    }
    println!("rotate_master on {engine:?}: {kills} rotations killed, {midway} of them midway");
    // The last one reads every key.
    let told = operator.run(&[&ROTATE, ["--json"].as_slice()].concat()).json();
    assert_eq!(told["subjects"], json!(wrapped_keys(&server.store).len() - 1));
    assert!(!next.exists());
    assert!(master_key_of(&operator).0);
    killed(&operator, &next, Duration::ZERO);
    server.restart();
    assert!(!next.exists(), "a start finishes or undoes what was cut off");
    everybody_is_readable(&server, &ana);
}

fn a_rotation_of_a_key_of_the_settings_that_is_killed_leaves_one_of_the_two(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(engine, folder.path());
    let with = |key: &str| Setup::new(engine).set("MASTER_KEY", key).over(store.clone(), folder.path()).start();
    let [mut old, mut next] = ["4a", "5b"].map(|byte| byte.repeat(32));
    let server = with(&old);
    let ana = server.founder("ana");
    crowd(&server);
    server.terminate();
    let operator = |key: &str| Program::operator_of(&server).env("MUNIMENT_MASTER_KEY", key);
    let file = |key: &str| -> PathBuf {
        let path = folder.path().join("given/next");
        write_key(&path, key);
        path
    };
    let kills = if torture() { 40 } else { 4 };
    let mut rotated = 0;
    let mut longest = Duration::from_millis(1);
    for kill in 0..kills {
        let path = file(&next).display().to_string();
        let begun = Instant::now();
        let mut rotation =
            started(&operator(&old), &[&ROTATE, ["--next-key-file", &path, "--quiet"].as_slice()].concat());
        // The first one tells how long it takes; the others are killed ever later.
        while rotation.try_wait().unwrap().is_none() && (kill == 0 || begun.elapsed() < longest * kill / kills) {
            std::thread::yield_now();
        }
        longest = longest.max(begun.elapsed());
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        let opens = |key: &str| operator(key).run(&["account", "show", &ana.email]).code == 0;
        assert_ne!(opens(&old), opens(&next), "kill {kill}: one of the two keys opens, and only one");
        if opens(&next) {
            rotated += 1;
            std::mem::swap(&mut old, &mut next);
        }
    }
    println!("rotate_master on {engine:?}: {kills} rotations killed, {rotated} of them after they had come to pass");
    let server = with(&old);
    everybody_is_readable(&server, &ana);
    eventually("the server is ready", || server.anonymous().try_get("/ready").filter(|reply| reply.status == 200));
}

both_engines![
    only_the_new_master_key_opens_what_is_stored,
    beside_a_running_server_it_is_refused_or_followed,
    a_key_of_the_settings_is_rotated_by_giving_the_next,
    a_rotation_that_is_killed_leaves_everybody_readable,
    a_rotation_of_a_key_of_the_settings_that_is_killed_leaves_one_of_the_two,
];
