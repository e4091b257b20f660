//! A store that an older program made is brought up to date: every stream, version and dedupe key is found.

use std::path::Path;

use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_journal::{AppendError, Journal, Store};
use sqlx::{Executor as _, SqlitePool};

use crate::support::{Home, all, both_engines, deduped, one, stream, verify};

both_engines! {
    an_older_store_keeps_its_streams_versions_and_keys
}

/// Tables that are still as the first step made them.
const UNCHANGED: [&str; 5] = ["journal_epochs", "claims", "snapshots", "subject_keys", "outbox"];
const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
    recorded_at, hash, dedupe_key";

/// Puts the record into the schema of the program that knew the first step only.
async fn made_old(home: &Home) {
    match &home.store {
        Store::Sqlite { directory } => made_old_file(&directory.join("journal.db")).await,
        Store::Postgres { .. } => home.meddle(POSTGRES_BEFORE).await,
    }
}

/// The steps after the first, backwards.
const POSTGRES_BEFORE: &str = "DROP VIEW stream_events;
    DROP INDEX events_stream;
    ALTER TABLE events DROP COLUMN stream;
    ALTER TABLE events ADD CONSTRAINT events_stream UNIQUE (aggregate_type, aggregate_id, sequence);
    DROP TABLE streams;
    DELETE FROM applied_migrations WHERE namespace = 'muniment.journal' AND name <> '0001_events';";

async fn made_old_file(file: &Path) {
    let step = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite/journal/0001_events.sql");
    let old = file.with_extension("old");
    let pool = SqlitePool::connect(&format!("sqlite:{}?mode=rwc", old.display())).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    connection.execute(&*std::fs::read_to_string(step).unwrap()).await.unwrap();
    let mut copy = format!(
        "ATTACH '{}' AS new;
         INSERT INTO events ({COLUMNS}) SELECT {COLUMNS} FROM new.events;
         INSERT INTO journal_head SELECT singleton, position, hash, recorded_at, installation, epoch
             FROM new.journal_head;
         CREATE TABLE applied_migrations (namespace TEXT NOT NULL, name TEXT NOT NULL, sequence BIGINT NOT NULL,
             applied_at BIGINT NOT NULL, CONSTRAINT applied_migrations_name PRIMARY KEY (namespace, name));
         INSERT INTO applied_migrations SELECT * FROM new.applied_migrations WHERE name = '0001_events';",
        file.display()
    );
    for table in UNCHANGED {
        copy += &format!("INSERT INTO {table} SELECT * FROM new.{table};");
    }
    connection.execute(&*copy).await.unwrap();
    drop(connection);
    pool.close().await;
    for rest in ["journal.db-wal", "journal.db-shm"] {
        drop(std::fs::remove_file(file.with_file_name(rest)));
    }
    std::fs::rename(old, file).unwrap();
}

fn of(n: u64) -> StreamId {
    // Two types with equal ids, neither first at the lowest position of its id.
    StreamId::new(if n.is_multiple_of(2) { "thing" } else { "other" }, &format!("s{}", n / 2))
}

async fn an_older_store_keeps_its_streams_versions_and_keys(home: Home) {
    let journal = home.open().await;
    for version in 0..3 {
        for n in (0..10).rev() {
            let append = match version {
                1 => one(&of(n), version, "plain"),
                _ => deduped(&of(n), version, &format!("{n}/{version}")),
            };
            journal.append(append).await.unwrap();
        }
    }
    let before = all(&journal).await;
    journal.shutdown().await;
    made_old(&home).await;
    assert!(Journal::open_read_only(home.config()).await.is_err(), "a reader runs no steps");

    let journal = home.open().await;
    verify(&journal).await;
    assert_eq!(all(&journal).await, before);
    let streams: Vec<StreamId> = (0..10).map(of).collect();
    let versions = journal.engine().versions(&streams).await.unwrap();
    assert!(streams.iter().all(|stream| versions.get(stream) == Some(&3)), "{versions:?}");
    for n in 0..10 {
        let read = journal.read_stream(&of(n), 0, 10).await.unwrap();
        let own: Vec<_> = before.iter().filter(|event| event.stream == of(n)).cloned().collect();
        assert_eq!(read, own);
        let key = DedupeKey::of(&of(n), &format!("{n}/2"));
        let found = journal.find_dedupe(&[key]).await.unwrap();
        assert_eq!(found.get(&key), Some(&own[2].position));
        let doubled = journal.append(deduped(&of(n), 3, &format!("{n}/0"))).await.unwrap_err();
        assert_eq!(doubled, AppendError::Duplicate { key: own[0].dedupe.unwrap(), position: own[0].position });
        journal.append(one(&of(n), 3, "goes on")).await.unwrap();
    }
    assert_eq!(journal.append(one(&stream("new"), 0, "x")).await.unwrap().first, Position(41));
    verify(&journal).await;
    journal.shutdown().await;
}
