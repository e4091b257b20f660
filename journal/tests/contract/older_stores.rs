//! A store that an older program made is brought up to date: every stream, version and dedupe key is found.

use std::path::Path;

use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_journal::{AppendError, Journal, OpenError, Store};
use sqlx::{Executor as _, SqlitePool};

use crate::support::{Home, all, both_engines, deduped, one, stream, verify};

both_engines! {
    an_older_store_keeps_its_streams_versions_and_keys
}

/// What a node of the program before the second step says to append an event.
const OLD_INSERT: &str = "WITH head AS (UPDATE journal_head SET position = position + 1 RETURNING position)
    INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
        recorded_at, hash) SELECT head.position, 'thing', 's', sequence + 1, event_type, event_version, payload, metadata,
        recorded_at, hash FROM events, head WHERE aggregate_id = 's' ORDER BY sequence DESC LIMIT 1";

/// An old node knows nothing of numbers, and nothing tells it to stop.
#[tokio::test]
async fn a_node_of_the_program_before_is_refused_on_postgres() {
    let home = Home::postgres();
    let journal = home.open().await;
    journal.append(one(&stream("s"), 0, "first")).await.unwrap();
    let Store::Postgres { url } = &home.store else { return };
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let refused = sqlx::raw_sql(OLD_INSERT).execute(&pool).await.unwrap_err();
    let code = refused.as_database_error().and_then(|error| error.code());
    assert!(code.is_some_and(|code| code == "23502"), "an event without a number: {refused}");
    assert_eq!(journal.append(one(&stream("s"), 1, "second")).await.unwrap().first, Position(2));
    verify(&journal).await;
    journal.shutdown().await;
}

/// Where the second step was all there was, old nodes were not refused.
#[tokio::test]
async fn what_a_node_of_the_program_before_wrote_is_found_in_its_stream() {
    let home = Home::postgres();
    let journal = home.open().await;
    for version in 0..3 {
        journal.append(one(&stream("s"), version, "own")).await.unwrap();
    }
    journal.append(one(&stream("t"), 0, "own")).await.unwrap();
    let before = all(&journal).await;
    journal.shutdown().await;
    home.meddle(
        "DELETE FROM applied_migrations WHERE name = '0003_streams_required';
         ALTER TABLE events ALTER COLUMN stream DROP NOT NULL;
         UPDATE events SET stream = NULL WHERE position > 2;
         DELETE FROM streams WHERE aggregate_id = 't'",
    )
    .await;
    let journal = home.open().await;
    verify(&journal).await;
    assert_eq!(all(&journal).await, before);
    assert_eq!(journal.read_stream(&stream("s"), 0, 10).await.unwrap().len(), 3);
    let stale = journal.append(one(&stream("s"), 2, "over it")).await.unwrap_err();
    assert!(matches!(stale, AppendError::Conflict { actual: 3, .. }), "{stale:?}");
    journal.append(one(&stream("t"), 1, "goes on")).await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
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
    let behind = Journal::open_existing(home.config()).await.err();
    assert!(matches!(behind, Some(OpenError::SchemaBehind(_))), "nor does who only looks for a record: {behind:?}");

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
