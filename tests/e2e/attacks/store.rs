//! What lies on the disk and what was put into the record: files that others could read, values made to break a page.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Program, Server};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn f8_store_files_are_for_their_owner_alone(engine: Engine) {
    let server = Server::with(engine, &[]);
    fs::set_permissions(&server.data, fs::Permissions::from_mode(0o755)).unwrap();
    server.company().metric("arr");
    let closed = || files(&server.data).into_iter().filter(|path| path.is_file() && mode(path) & 0o077 != 0);
    assert_eq!(closed().collect::<Vec<_>>(), Vec::<PathBuf>::new());
    if engine == Engine::Postgres {
        return;
    }
    // Those that a release before made are closed at the next start.
    server.kill9();
    let names = ["journal.db", "journal.db-wal", "journal.lock", "read.db"];
    for name in names {
        fs::set_permissions(server.data.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    server.restart();
    for name in names {
        assert_eq!(mode(&server.data.join(name)), 0o600, "{name}");
    }
}

/// A text that opens, as somebody with a look at the store could copy it.
fn ciphertext(operator: &Program) -> String {
    let exported = operator.run(&["audit", "export"]);
    let text = exported.ok();
    let at = text.find("v1|subject_").unwrap_or_else(|| panic!("nothing sealed in the export"));
    text[at..].chars().take_while(|letter| !matches!(letter, '"' | '\\')).collect()
}

fn k15_a_value_that_does_not_open_hides_itself_and_nothing_else(engine: Engine) {
    let house = Installation::with(engine, &[("AUDIT_EVENTS", "lesson.held")]);
    house.named("ben");
    let operator = Program::operator_of(&house.server);
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let metadata = json!({
        "a": { "$sealed": "garbage" },
        "b": { "$sealed": "v1|subject_AAAAAAAAAAAAAAAAAAAAAA|account/x/email|AAAA" },
        "c": { "$sealed": ciphertext(&operator) },
        "d": 1,
    });
    operator.run(&["audit", "record", "lesson.held", "--metadata", &metadata.to_string()]).ok();
    let only = &operator.run(&["audit", "accounts", "--limit", "200", "--json"]).json()["events"];
    let of_ours = |rows: &[Value]| rows.iter().find(|row| row["event_type"] == "lesson.held").unwrap().clone();
    assert_eq!(
        of_ours(only.as_array().unwrap())["metadata"],
        metadata,
        "what was written is shown, and nothing opened"
    );
    operator.run(&["audit", "log"]).ok();
    if engine == Engine::Sqlite {
        house.server.restart();
    }
    let rows = house.audit(&json!({ "limit": 200 }));
    assert_eq!(of_ours(&rows)["metadata"], metadata);
    assert!(rows.iter().any(|row| row["event_type"] == "signup"), "the other rows of the page are there");
}

both_engines![f8_store_files_are_for_their_owner_alone, k15_a_value_that_does_not_open_hides_itself_and_nothing_else,];
