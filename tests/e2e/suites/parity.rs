//! Both engines have the same tables with the same columns.

use std::collections::BTreeSet;

use crate::harness::{Engine, Installation};

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
    assert_eq!((only(&sqlite, &postgres), only(&postgres, &sqlite)), (Vec::new(), Vec::new()));
    assert!(sqlite.len() > 100, "{} columns are too few to have read the schema", sqlite.len());
}
