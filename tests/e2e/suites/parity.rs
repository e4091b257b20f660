//! Both engines have the same tables with the same columns, but for those of one engine's own.

use std::collections::BTreeSet;

use crate::harness::{Engine, Installation};

/// On SQLite alone dedupe keys are indexed later (docs/decisions/0011).
const SQLITE_ALONE: [&str; 3] = ["dedupe_keys.dedupe_key", "dedupe_keys.position", "journal_head.dedupe_indexed"];

fn columns(engine: Engine) -> BTreeSet<String> {
    let house = Installation::shared(engine);
    house.server.store.columns().into_iter().collect()
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (columns(Engine::Sqlite), columns(Engine::Postgres));
    let only = |have: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        have.difference(other).cloned().collect()
    };
    let alone = SQLITE_ALONE.map(str::to_owned).to_vec();
    assert_eq!((only(&sqlite, &postgres), only(&postgres, &sqlite)), (alone, Vec::new()));
    assert!(sqlite.len() > 100, "{} columns are too few to have read the schema", sqlite.len());
}
