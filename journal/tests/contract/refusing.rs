//! Conflicts, duplicates and faulty appends: who is refused, and that nobody else is.

use muniment_aggregates::record::{DedupeKey, Position};
use muniment_journal::{Append, AppendError, FenceCounter, JournalLimits, Lineage};

use crate::support::{Home, all, both_engines, deduped, one, stream, verify};

both_engines! {
    a_stale_version_is_refused_and_named
    one_bad_append_harms_nobody
    of_racing_duplicates_one_is_recorded
    a_refusal_waits_for_what_it_rests_on
    what_was_decided_on_a_refused_append_falls_with_it
    a_fallen_fence_refuses_its_append_and_no_other
    a_new_stream_that_exists_after_all_is_refused
    an_invalid_append_is_refused_at_once
    a_value_the_database_refuses_falls_alone
    a_full_queue_refuses_at_once
}

async fn a_stale_version_is_refused_and_named(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    journal.append(one(&own, 0, "1")).await.unwrap();
    for stale in [0, 2, 7] {
        let refused = journal.append(one(&own, stale, "x")).await.unwrap_err();
        assert_eq!(refused, AppendError::Conflict { stream: own.clone(), expected: stale, actual: 1 });
    }
    journal.append(one(&own, 1, "2")).await.unwrap();
    let missing = journal.append(one(&stream("none"), 3, "x")).await.unwrap_err();
    assert_eq!(missing, AppendError::Conflict { stream: stream("none"), expected: 3, actual: 0 });
    assert_eq!(all(&journal).await.len(), 2);
    journal.shutdown().await;
}

async fn one_bad_append_harms_nobody(home: Home) {
    let journal = home.open().await;
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for round in 0..50_u64 {
        for writer in 0..8 {
            let own = stream(&format!("w{writer}"));
            good.push(journal.submit(one(&own, round, "good")).unwrap());
            bad.push(journal.submit(one(&own, round, "stale")).unwrap());
        }
    }
    for ticket in good {
        ticket.await.unwrap();
    }
    for ticket in bad {
        assert!(matches!(ticket.await, Err(AppendError::Conflict { .. })));
    }
    assert_eq!(all(&journal).await.len(), 400);
    verify(&journal).await;
    journal.shutdown().await;
}

async fn of_racing_duplicates_one_is_recorded(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    let first = journal.submit(deduped(&own, 0, "k")).unwrap();
    let second = journal.submit(deduped(&own, 1, "k")).unwrap();
    let third = journal.submit(deduped(&own, 1, "other")).unwrap();
    let key = DedupeKey::of(&own, "k");
    assert_eq!(first.await.unwrap().first, Position(1));
    assert_eq!(second.await.unwrap_err(), AppendError::Duplicate { key, position: Position(1) });
    assert_eq!(third.await.unwrap().first, Position(2));
    journal.shutdown().await;
    // A journal that remembers nothing learns it from the unique key of the schema.
    let journal = home.open().await;
    let neighbours: Vec<_> =
        (0..5).map(|id| journal.submit(one(&stream(&format!("n{id}")), 0, "n")).unwrap()).collect();
    let again = journal.submit(deduped(&own, 2, "k")).unwrap();
    assert_eq!(again.await.unwrap_err(), AppendError::Duplicate { key, position: Position(1) });
    for neighbour in neighbours {
        neighbour.await.unwrap();
    }
    let found = journal.find_dedupe(&[key, DedupeKey::of(&own, "never")]).await.unwrap();
    assert_eq!(found, [(key, Position(1))].into());
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_refusal_waits_for_what_it_rests_on(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    for round in 0..50 {
        let accepted = journal.submit(one(&own, round, "x")).unwrap();
        let refused = journal.submit(one(&own, round, "stale")).unwrap();
        let error = refused.await.unwrap_err();
        let AppendError::Conflict { actual, .. } = error else { panic!("{error}") };
        let stored = journal.read_stream(&own, round, 10).await.unwrap();
        assert_eq!(stored.last().map(|event| event.sequence), Some(actual), "the version it names is durable");
        accepted.await.unwrap();
    }
    journal.shutdown().await;
}

/// Another writer fills the very number that the refused append would have had.
async fn what_was_decided_on_a_refused_append_falls_with_it(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    let lineage = Lineage::default();
    let of_lineage = |expected, payload| Append { lineage: Some(lineage.clone()), ..one(&own, expected, payload) };
    let other = journal.submit(one(&own, 0, "another writer")).unwrap();
    let first = journal.submit(of_lineage(0, "first")).unwrap();
    let second = journal.submit(of_lineage(1, "decided on the first")).unwrap();
    other.await.unwrap();
    assert_eq!(first.await.unwrap_err(), AppendError::Conflict { stream: own.clone(), expected: 0, actual: 1 });
    assert_eq!(second.await.unwrap_err(), AppendError::Fallen);
    let late = journal.append(of_lineage(1, "decided on the first, long after")).await;
    assert_eq!(late.unwrap_err(), AppendError::Fallen);
    let fresh = Append { lineage: Some(Lineage::default()), ..one(&own, 1, "decided anew") };
    journal.append(fresh).await.unwrap();
    assert_eq!(all(&journal).await.len(), 2);
    journal.shutdown().await;
}

async fn a_fallen_fence_refuses_its_append_and_no_other(home: Home) {
    let journal = home.open().await;
    let (own, other) = (stream("s"), stream("o"));
    let counter = FenceCounter::default();
    let under = |expected, payload| Append { fence: Some(counter.fence()), ..one(&own, expected, payload) };
    journal.append(under(0, "while it holds")).await.unwrap();
    let lineage = Lineage::default();
    let late = Append { lineage: Some(lineage.clone()), ..under(1, "too late") };
    counter.advance();
    let late = journal.submit(late).unwrap();
    let on_it = Append { lineage: Some(lineage), ..one(&own, 2, "decided on it") };
    let on_it = journal.submit(on_it).unwrap();
    let beside = journal.submit(one(&other, 0, "beside it")).unwrap();
    let anew = journal.submit(under(1, "under another")).unwrap();
    assert_eq!(late.await.unwrap_err(), AppendError::Fenced);
    assert_eq!(on_it.await.unwrap_err(), AppendError::Fallen);
    beside.await.unwrap();
    anew.await.unwrap();
    assert_eq!(all(&journal).await.len(), 3);
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_new_stream_that_exists_after_all_is_refused(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    journal.append(one(&own, 0, "1")).await.unwrap();
    journal.append(one(&own, 1, "2")).await.unwrap();
    journal.shutdown().await;
    let journal = home.open().await;
    let neighbour = journal.submit(one(&stream("n"), 0, "n")).unwrap();
    let stale = journal.submit(one(&own, 0, "again")).unwrap();
    let follower = journal.submit(one(&own, 2, "3")).unwrap();
    assert_eq!(stale.await.unwrap_err(), AppendError::Conflict { stream: own.clone(), expected: 0, actual: 2 });
    neighbour.await.unwrap();
    follower.await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
}

async fn an_invalid_append_is_refused_at_once(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    let mut unexpected = one(&own, 0, "x");
    unexpected.expect.clear();
    let mut twice = one(&own, 0, "x");
    twice.expect.push((own.clone(), 0));
    let mut nul = one(&own, 0, "x");
    nul.events[0].payload = Box::from("\"a\0b\"");
    for append in [Append::default(), unexpected, twice, nul] {
        assert!(matches!(journal.submit(append), Err(AppendError::Invalid(_))));
    }
    journal.shutdown().await;
}

async fn a_value_the_database_refuses_falls_alone(home: Home) {
    let journal = home.open().await;
    let good: Vec<_> = (0..20).map(|id| journal.submit(one(&stream(&format!("a{id}")), 0, "x")).unwrap()).collect();
    let mut faulty = one(&stream("bad"), 0, "x");
    // PostgreSQL checks that a payload is JSON; SQLite keeps any text.
    faulty.events[0].payload = Box::from("{not json");
    let bad = journal.submit(faulty).unwrap();
    let more: Vec<_> = (0..20).map(|id| journal.submit(one(&stream(&format!("b{id}")), 0, "x")).unwrap()).collect();
    for ticket in good.into_iter().chain(more) {
        ticket.await.unwrap();
    }
    let kept = bad.await;
    assert!(matches!(kept, Ok(_) | Err(AppendError::Invalid(_))), "{kept:?}");
    assert_eq!(all(&journal).await.len(), 40 + usize::from(kept.is_ok()));
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_full_queue_refuses_at_once(home: Home) {
    let mut config = home.config();
    config.limits = JournalLimits { queue_appends_max: 4, batch_events_max: 1, ..config.limits };
    let journal = muniment_journal::Journal::open(config).await.unwrap();
    let tickets: Vec<_> = (0..3000).map(|id| journal.submit(one(&stream(&format!("s{id}")), 0, "x"))).collect();
    let refused = tickets.iter().filter(|ticket| matches!(ticket, Err(AppendError::Overloaded))).count();
    assert!(refused > 0, "the queue has a bound");
    let mut accepted = 0;
    for ticket in tickets.into_iter().flatten() {
        ticket.await.unwrap();
        accepted += 1;
    }
    assert_eq!(accepted + refused, 3000);
    assert_eq!(all(&journal).await.len(), accepted);
    journal.shutdown().await;
}
