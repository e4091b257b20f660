//! Whoever changes the tables behind the journal's back is found, and the position is named.

use muniment_aggregates::record::{DedupeKey, Position};
use muniment_journal::{AppendError, Journal, OpenError, Store, VerifyError};

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
    a_row_before_the_first_event_is_named_and_no_event
    a_head_of_another_time_or_epoch_is_named_and_nothing_is_appended_on_it
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
    let journal = Journal::open_read_only(home.config()).await.unwrap();
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

/// No walk comes by there, so nothing else may either: neither who folds a stream nor who asks for a key.
async fn a_row_before_the_first_event_is_named_and_no_event(home: Home) {
    let key = DedupeKey::of(&stream("s"), "yet to come");
    let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    for position in [0_i64, -3] {
        let (on, key_text) = match &home.store {
            Store::Sqlite { .. } => (Home::sqlite(), format!("X'{hex}'")),
            Store::Postgres { .. } => (Home::postgres(), format!(r"'\x{hex}'")),
        };
        let forged = format!(
            "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                 recorded_at, hash, dedupe_key, stream) SELECT {position}, aggregate_type, aggregate_id, 13, event_type,
                 event_version, payload, metadata, recorded_at, hash, {key_text}, stream FROM events WHERE position = 5"
        );
        let error = after(&on, &forged).await;
        assert!(matches!(error, VerifyError::BelowFirst { position: named } if named == position), "{error}");
        assert!(error.to_string().starts_with(&format!("position {position}: ")), "{error}");
        let journal = on.open().await;
        assert_eq!(journal.read_stream(&stream("s"), 0, 100).await.unwrap().len(), 12);
        assert!(journal.engine().find_dedupe(&[key]).await.unwrap().is_empty());
        let over_it = journal.append(one(&stream("s"), 13, "over it")).await.unwrap_err();
        assert!(matches!(over_it, AppendError::Conflict { actual: 12, .. }), "{over_it:?}");
        journal.append(one(&stream("t"), 0, "others go on")).await.unwrap();
        journal.shutdown().await;
    }
}

/// What is recorded next would be hashed under what the head says and checked under what the tables say.
async fn a_head_of_another_time_or_epoch_is_named_and_nothing_is_appended_on_it(home: Home) {
    let on = || match &home.store {
        Store::Sqlite { .. } => Home::sqlite(),
        Store::Postgres { .. } => Home::postgres(),
    };
    let epoch = |epoch: u64, after: u64| {
        format!("INSERT INTO journal_epochs (epoch, after_position, started_at) VALUES ({epoch}, {after}, 0)")
    };
    for (tampering, of_epochs) in [
        ("UPDATE journal_head SET recorded_at = recorded_at + 1".to_owned(), false),
        ("UPDATE journal_head SET epoch = epoch + 1".to_owned(), true),
        (epoch(9, 12), true),
        (format!("{}; UPDATE journal_head SET epoch = 9", epoch(9, 13)), true),
    ] {
        let on = on();
        let error = after(&on, &tampering).await;
        let named = match error {
            VerifyError::HeadDiffers { position } => !of_epochs && position == Position(12),
            VerifyError::EpochsDiffer { position } => of_epochs && position == Position(12),
            _ => false,
        };
        assert!(named, "{tampering}: {error}");
        let refused = Journal::open(on.config()).await.err();
        assert!(matches!(refused, Some(OpenError::Damaged(_))), "{tampering}: {refused:?}");
    }
    let empty = on();
    empty.open().await.shutdown().await;
    empty.open().await.shutdown().await;
    empty.meddle("UPDATE journal_head SET recorded_at = 5").await;
    let refused = Journal::open(empty.config()).await.err();
    assert!(matches!(refused, Some(OpenError::Damaged(VerifyError::HeadDiffers { .. }))), "{refused:?}");
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
