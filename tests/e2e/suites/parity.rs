//! Both engines have the same tables with the same columns, keys and indexes, but for those of one engine's own.

use std::collections::BTreeSet;

use crate::harness::{Engine, Installation, Store};

/// On SQLite alone dedupe keys are indexed later (docs/decisions/0011), and a column that came later is one that may be null.
const SQLITE_ALONE: [&str; 5] = [
    "dedupe_keys (dedupe_key) unique",
    "dedupe_keys.dedupe_key not null",
    "dedupe_keys.position not null",
    "events.stream null",
    "journal_head.dedupe_indexed not null",
];
const POSTGRES_ALONE: [&str; 2] = ["events (dedupe_key) unique", "events.stream not null"];

fn texts(engine: Engine, of: fn(&Store) -> Vec<String>) -> BTreeSet<String> {
    of(&Installation::shared(engine).server.store).into_iter().collect()
}

fn only(have: &BTreeSet<String>, other: &BTreeSet<String>) -> Vec<String> {
    have.difference(other).cloned().collect()
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    let [sqlite, postgres] = [Engine::Sqlite, Engine::Postgres].map(|engine| texts(engine, Store::columns));
    let alone = ["dedupe_keys.dedupe_key", "dedupe_keys.position", "journal_head.dedupe_indexed"];
    assert_eq!((only(&sqlite, &postgres), only(&postgres, &sqlite)), (alone.map(str::to_owned).to_vec(), Vec::new()));
    assert!(sqlite.len() > 100, "{} columns are too few to have read the schema", sqlite.len());
}

#[test]
fn both_engines_have_the_same_keys_and_indexes_and_may_leave_the_same_empty() {
    let [sqlite, postgres] = [Engine::Sqlite, Engine::Postgres].map(|engine| texts(engine, Store::schema));
    let alone = (SQLITE_ALONE.map(str::to_owned).to_vec(), POSTGRES_ALONE.map(str::to_owned).to_vec());
    assert_eq!((only(&sqlite, &postgres), only(&postgres, &sqlite)), alone);
    let indexes = sqlite.iter().filter(|line| line.contains('(')).count();
    assert!(indexes > 50, "{indexes} indexes are too few to have read the schema");
}
