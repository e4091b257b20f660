//! One batch against the database, without the writer before it: whole at every size, or nothing of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::Engine;
use muniment_journal::chain::Hasher;
use muniment_journal::engine::{Batch, Change, ClaimId, Head, WriteError};

use crate::support::{Home, all, both_engines, stream, verify};

both_engines! {
    a_batch_of_any_size_is_written_whole
    a_head_that_moved_refuses_the_batch_and_the_next_one_is_written
    a_batch_that_a_key_refuses_leaves_nothing_behind
    a_write_that_is_given_up_midway_harms_no_later_one
}

/// `count` events of one stream on top of `before`, hashed as the writer does.
fn batch(before: Head, id: &str, count: u64) -> Batch {
    let (mut hasher, mut previous) = (Hasher::default(), before.hash);
    let events = (1..=count).map(|sequence| {
        let mut event = RecordedEvent {
            position: Position(before.position.0 + sequence),
            stream: stream(id),
            sequence,
            event_type: Arc::from("thing.happened"),
            event_version: Arc::from("1.0"),
            payload: Box::from(r#"{"what":"written"}"#),
            metadata: Arc::from("{}"),
            recorded_at: before.recorded_at.max(DateTime::UNIX_EPOCH),
            dedupe: None,
            hash: [0; 32],
        };
        event.hash = hasher.hash(&previous, before.identity, &event);
        previous = event.hash;
        Arc::new(event)
    });
    Batch { before, events: events.collect(), changes: Vec::new() }
}

fn take(id: &str, digest: u8) -> Change {
    let claim = ClaimId { namespace: "name", digest: [digest; 32] };
    Change::Take { claim, owner: stream(id), subject: None, position: Position(1) }
}

async fn head(engine: &dyn Engine) -> Head {
    engine.head().await.unwrap()
}

async fn a_batch_of_any_size_is_written_whole(home: Home) {
    let journal = home.open().await;
    let engine = journal.engine().as_ref();
    // With and without changes; around every size at which an engine sends its rows in another way.
    for (number, count) in [1_u64, 2, 63, 64, 65, 127, 128, 255, 256, 257, 320, 600].into_iter().enumerate() {
        for changes in [Vec::new(), vec![take(&format!("s{count}"), u8::try_from(number).unwrap())]] {
            let id = format!("s{count}-{}", changes.len());
            let batch = Batch { changes, ..batch(head(engine).await, &id, count) };
            engine.write(&batch).await.unwrap();
            let stored = head(engine).await;
            assert_eq!((stored.position, stored.hash), (batch.after().position, batch.after().hash), "{id}");
            let first = batch.before.position;
            let read = engine.read(first, batch.after().position, 1_000).await.unwrap();
            assert_eq!(read, batch.events.iter().map(|event| (**event).clone()).collect::<Vec<_>>(), "{id}");
        }
    }
    journal.shutdown().await;
    let journal = home.open().await;
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_head_that_moved_refuses_the_batch_and_the_next_one_is_written(home: Home) {
    let journal = home.open().await;
    let engine = journal.engine().as_ref();
    let start = head(engine).await;
    engine.write(&batch(start, "first", 1)).await.unwrap();
    let now = head(engine).await;
    let elsewhere = Head { hash: [9; 32], ..now };
    let later = Head { position: now.position.next(), ..now };
    let mut other_epoch = now;
    other_epoch.identity.epoch += 1;
    for (place, before) in [start, elsewhere, later, other_epoch].into_iter().enumerate() {
        for (count, changes) in [(1, Vec::new()), (70, Vec::new()), (1, vec![take("late", 1)])] {
            let late = Batch { changes, ..batch(before, "late", count) };
            assert_eq!(engine.write(&late).await, Err(WriteError::HeadMoved), "head {place}, {count} events");
        }
    }
    assert_eq!(head(engine).await, now);
    engine.write(&batch(now, "second", 1)).await.unwrap();
    assert_eq!(engine.read(Position::START, Position(9), 9).await.unwrap().len(), 2);
    assert!(engine.claim_owners(&[ClaimId { namespace: "name", digest: [1; 32] }]).await.unwrap().is_empty());
    journal.shutdown().await;
}

async fn a_batch_that_a_key_refuses_leaves_nothing_behind(home: Home) {
    let journal = home.open().await;
    let engine = journal.engine().as_ref();
    let taken = Batch { changes: vec![take("first", 1)], ..batch(head(engine).await, "first", 1) };
    engine.write(&taken).await.unwrap();
    let now = head(engine).await;
    let again = [
        batch(now, "first", 1),
        batch(now, "first", 70),
        Batch { changes: vec![take("second", 1)], ..batch(now, "second", 1) },
    ];
    for refused in again {
        let outcome = engine.write(&refused).await;
        assert!(matches!(outcome, Err(WriteError::Unique(_))), "{outcome:?}");
        assert_eq!(head(engine).await, now);
    }
    engine.write(&batch(now, "second", 1)).await.unwrap();
    journal.shutdown().await;
    let journal = home.open().await;
    assert_eq!(all(&journal).await.len(), 2);
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_write_that_is_given_up_midway_harms_no_later_one(home: Home) {
    let journal = home.open().await;
    let engine = journal.engine().as_ref();
    for round in 0..20_u64 {
        let given_up = batch(head(engine).await, &format!("given-up-{round}"), 1 + round * 20);
        let patience = Duration::from_micros(round * 50);
        // Whether it was stored is not known here, and does not matter.
        drop(tokio::time::timeout(patience, engine.write(&given_up)).await);
        let own = format!("own-{round}");
        loop {
            match engine.write(&batch(head(engine).await, &own, 1)).await {
                Ok(()) => break,
                // What was given up came first after all.
                Err(error) => assert_eq!(error, WriteError::HeadMoved),
            }
        }
    }
    journal.shutdown().await;
    let journal = home.open().await;
    let own = all(&journal).await.iter().filter(|event| event.stream.id.starts_with("own-")).count();
    assert_eq!(own, 20);
    verify(&journal).await;
    journal.shutdown().await;
}
