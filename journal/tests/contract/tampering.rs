//! Whoever changes the tables behind the journal's back is found, and the position is named.

use muniment_aggregates::record::Position;
use muniment_journal::{Journal, Store, VerifyError};

use crate::support::{Home, both_engines, one, stream};

both_engines! {
    a_changed_event_is_named
    a_row_that_no_event_has_is_named
    a_deleted_event_is_named
    two_swapped_events_are_named
    an_inserted_event_is_named
    a_cut_tail_is_named
    a_changed_head_is_named
    an_event_filed_under_another_stream_is_named
    an_event_without_a_number_is_named
}

/// Twelve events, a meddler, and what the walk says.
async fn after(home: &Home, sql: &str) -> VerifyError {
    let journal = home.open().await;
    for version in 0..12 {
        journal.append(one(&stream("s"), version, &format!("number {version}"))).await.unwrap();
    }
    journal.verify(None, &|_, _| ()).await.unwrap();
    journal.shutdown().await;
    if let Store::Postgres { .. } = home.store {
        // Whoever rules the tables rules what they refuse, too.
        home.meddle("ALTER TABLE events ALTER COLUMN stream DROP NOT NULL").await;
    }
    home.meddle(sql).await;
    let journal = Journal::open(home.config()).await.unwrap();
    let error = journal.verify(None, &|_, _| ()).await.unwrap_err();
    journal.shutdown().await;
    error
}

async fn a_changed_event_is_named(home: Home) {
    let error = after(&home, "UPDATE events SET payload = '{\"what\":\"else\"}' WHERE position = 5").await;
    assert!(matches!(error, VerifyError::Changed { position: Position(5) }), "{error}");
}

/// It is no failure of the database either, of which nobody could say when it passes.
async fn a_row_that_no_event_has_is_named(home: Home) {
    let on_sqlite = matches!(home.store, Store::Sqlite { .. });
    let on = || if on_sqlite { Home::sqlite() } else { Home::postgres() };
    let common = [
        "recorded_at = 9223372036854775807",
        "sequence = -sequence",
        if on_sqlite { "hash = X'00'" } else { r"hash = '\x00'" },
        if on_sqlite { "dedupe_key = X'00'" } else { r"dedupe_key = '\x00'" },
    ];
    let loosely_typed = [
        "payload = CAST(payload AS BLOB)",
        "metadata = CAST(X'ff' AS TEXT)",
        "event_type = CAST(X'ff' AS TEXT)",
        "recorded_at = 'yesterday'",
        "hash = 'a hash'",
    ];
    for change in common.iter().chain(loosely_typed.iter().take_while(|_| on_sqlite)) {
        let error = after(&on(), &format!("UPDATE events SET {change} WHERE position = 5")).await;
        let VerifyError::Unreadable { position: Position(5), source } = &error else { panic!("{change}: {error}") };
        assert!(!source.is_driver(), "{change}: {error}");
    }
    // What is wrong before it comes first.
    let sql = format!(
        "UPDATE events SET payload = '{{}}' WHERE position = 4; UPDATE events SET {} WHERE position = 5",
        common[2]
    );
    let error = after(&home, &sql).await;
    assert!(matches!(error, VerifyError::Changed { position: Position(4) }), "{error}");
}

async fn a_deleted_event_is_named(home: Home) {
    let error = after(&home, "DELETE FROM events WHERE position = 5").await;
    assert!(matches!(error, VerifyError::Gap { position: Position(5) }), "{error}");
}

async fn two_swapped_events_are_named(home: Home) {
    let sql = "UPDATE events SET position = 100 WHERE position = 5;
               UPDATE events SET position = 5 WHERE position = 8;
               UPDATE events SET position = 8 WHERE position = 100";
    let error = after(&home, sql).await;
    assert!(matches!(error, VerifyError::Reordered { position: Position(5) }), "{error}");
}

async fn an_inserted_event_is_named(home: Home) {
    let sql = "UPDATE events SET position = position + 100 WHERE position >= 5;
               UPDATE events SET position = position - 99 WHERE position >= 100;
               INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                   metadata, recorded_at, hash, dedupe_key) SELECT 5, aggregate_type, 'forged', sequence, event_type, event_version, payload,
                   metadata, recorded_at, hash, dedupe_key FROM events WHERE position = 4;
               UPDATE journal_head SET position = 13";
    let error = after(&home, sql).await;
    assert!(matches!(error, VerifyError::Inserted { position: Position(5) }), "{error}");
}

async fn a_cut_tail_is_named(home: Home) {
    let error = after(&home, "DELETE FROM events WHERE position > 9").await;
    assert!(matches!(error, VerifyError::TailCut { position: Position(10), head: Position(12) }), "{error}");
}

async fn a_changed_head_is_named(home: Home) {
    let error = after(&home, "UPDATE journal_head SET position = 9").await;
    assert!(matches!(error, VerifyError::HeadDiffers { position: Position(9) }), "{error}");
}

/// What leads to a stream's events stands in no hash.
async fn an_event_filed_under_another_stream_is_named(home: Home) {
    let on = || match &home.store {
        Store::Sqlite { .. } => Home::sqlite(),
        Store::Postgres { .. } => Home::postgres(),
    };
    let second = "INSERT INTO streams (number, aggregate_type, aggregate_id) VALUES (7, 'thing', 't');";
    for tampering in [
        "UPDATE events SET stream = NULL WHERE position = 5",
        "UPDATE events SET stream = 7 WHERE position = 5",
        "UPDATE events SET stream = 99 WHERE position = 5",
    ] {
        let error = after(&on(), &format!("{second} {tampering}")).await;
        assert!(matches!(error, VerifyError::Misfiled { position: Position(5) }), "{tampering}: {error}");
    }
    for tampering in [
        "DELETE FROM streams",
        "UPDATE streams SET aggregate_id = 'other'",
        "UPDATE streams SET aggregate_type = 'other'",
        "UPDATE streams SET number = 8",
    ] {
        let error = after(&on(), tampering).await;
        assert!(matches!(error, VerifyError::Misfiled { position: Position(1) }), "{tampering}: {error}");
    }
    // Of two faults the first is named.
    for (hash, misfiled, first) in [(4, 5, 4), (5, 4, 4)] {
        let sql = format!(
            "UPDATE events SET payload = '{{}}' WHERE position = {hash};
             UPDATE events SET stream = NULL WHERE position = {misfiled}"
        );
        let error = after(&on(), &sql).await;
        assert_eq!(error.position(), Some(Position(first)), "{error}");
    }
}

#[tokio::test]
async fn a_name_of_another_type_is_no_name_on_sqlite() {
    let error = after(&Home::sqlite(), "UPDATE streams SET aggregate_id = CAST(aggregate_id AS BLOB)").await;
    assert!(matches!(error, VerifyError::Misfiled { position: Position(1) }), "{error}");
}

/// Whoever adds an event by the columns of other tools is found. On PostgreSQL the table refuses it first.
async fn an_event_without_a_number_is_named(home: Home) {
    let sql = "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                   recorded_at, hash) SELECT 13, 'thing', 's', 13, event_type, event_version, payload, metadata, recorded_at, hash
                   FROM events WHERE position = 12;
               UPDATE journal_head SET position = 13";
    let error = after(&home, sql).await;
    assert_eq!(error.position(), Some(Position(13)), "{error}");
}
