//! Positions, order, reads, and what several streams in one append mean.

use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::limits::SHUTDOWN_MILLISECONDS_MAX;
use muniment_journal::{Append, AppendError, JournalLimits, Store};
use parking_lot::Mutex;
use sqlx::Connection as _;

use crate::support::{Home, all, both_engines, event, one, stream, verify};

both_engines! {
    positions_are_contiguous_under_64_writers
    an_append_spans_several_streams_or_nothing
    a_version_that_was_only_read_guards_the_append
    ring_and_database_read_the_same
    hooks_see_everything_in_order_before_the_answer
    a_hook_that_panics_ends_the_writing_and_the_journal_says_so
    the_database_may_be_waited_for_without_end
    a_record_is_the_same_after_it_is_opened_again
    the_largest_append_there_may_be_lands_whole
}

async fn positions_are_contiguous_under_64_writers(home: Home) {
    let journal = home.open().await;
    let writers: Vec<_> = (0..64_u64)
        .map(|writer| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let own = stream(&format!("w{writer}"));
                let mut last = Position::START;
                for version in 0..20 {
                    let appended = journal.append(one(&own, version, "x")).await.unwrap();
                    assert!(appended.first > last, "the positions of one writer grow");
                    last = appended.last;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let events = all(&journal).await;
    assert_eq!(events.len(), 64 * 20);
    assert!(events.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at), "time does not run backwards");
    for writer in 0..64 {
        let own = journal.read_stream(&stream(&format!("w{writer}")), 0, 100).await.unwrap();
        let sequences: Vec<u64> = own.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (1..=20).collect::<Vec<_>>());
    }
    verify(&journal).await;
    journal.shutdown().await;
}

async fn an_append_spans_several_streams_or_nothing(home: Home) {
    let journal = home.open().await;
    let (a, b) = (stream("a"), stream("b"));
    journal.append(one(&b, 0, "first")).await.unwrap();
    let both = |b_version| Append {
        events: vec![event(&a, "1"), event(&b, "2"), event(&a, "3")],
        expect: vec![(a.clone(), 0), (b.clone(), b_version)],
        metadata: Arc::from("{}"),
        ..Append::default()
    };
    let refused = journal.append(both(0)).await.unwrap_err();
    assert_eq!(refused, AppendError::Conflict { stream: b.clone(), expected: 0, actual: 1 });
    assert!(journal.read_stream(&a, 0, 10).await.unwrap().is_empty(), "nothing of it is there");
    let appended = journal.append(both(1)).await.unwrap();
    assert_eq!((appended.first, appended.last), (Position(2), Position(4)));
    let sequences: Vec<_> =
        all(&journal).await.iter().map(|event| (event.stream.id.to_string(), event.sequence)).collect();
    let expected = [("b", 1), ("a", 1), ("b", 2), ("a", 2)].map(|(id, sequence)| (id.to_owned(), sequence));
    assert_eq!(sequences, expected);
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_version_that_was_only_read_guards_the_append(home: Home) {
    let journal = home.open().await;
    let (written, read) = (stream("written"), stream("read"));
    journal.append(one(&read, 0, "1")).await.unwrap();
    let guarded = |expected, version| {
        let mut append = one(&written, expected, "w");
        append.expect.push((read.clone(), version));
        append
    };
    journal.append(guarded(0, 1)).await.unwrap();
    journal.append(one(&read, 1, "2")).await.unwrap();
    let refused = journal.append(guarded(1, 1)).await.unwrap_err();
    assert_eq!(refused, AppendError::Conflict { stream: read.clone(), expected: 1, actual: 2 });
    journal.append(guarded(1, 2)).await.unwrap();
    journal.shutdown().await;
}

async fn ring_and_database_read_the_same(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    for version in 0..50 {
        journal.append(one(&own, version, "é\u{1F600}\\u0000 <script>")).await.unwrap();
    }
    let from_ring = all(&journal).await;
    assert_eq!(journal.event(Position(7)).await.unwrap().unwrap(), from_ring[6]);
    assert!(journal.event(Position(51)).await.unwrap().is_none());
    assert!(journal.event(Position(0)).await.unwrap().is_none());
    journal.shutdown().await;
    let mut config = home.config();
    config.limits = JournalLimits { ring_bytes_max: 0, ..config.limits };
    let journal = muniment_journal::Journal::open(config).await.unwrap();
    let from_database = all(&journal).await;
    assert_eq!(from_ring, from_database);
    journal.append(one(&own, 50, "next")).await.unwrap();
    assert_eq!(journal.read(Position(50), 10).await.unwrap().len(), 1, "a ring without room reads from the database");
    journal.shutdown().await;
}

async fn the_database_may_be_waited_for_without_end(home: Home) {
    let mut config = home.config();
    config.limits = JournalLimits { answer_max: Duration::MAX, ..config.limits };
    let journal = muniment_journal::Journal::open(config).await.unwrap();
    journal.append(one(&stream("s"), 0, "x")).await.unwrap();
    assert_eq!(journal.confirm_head().await.unwrap(), Position(1));
    journal.shutdown().await;
}

async fn hooks_see_everything_in_order_before_the_answer(home: Home) {
    let journal = home.open().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    journal.on_publish(Arc::new(move |events| log.lock().extend(events.iter().map(|event| event.position))));
    let own = stream("s");
    let mut head = journal.watch_head();
    for version in 0..10 {
        let appended = journal.append(one(&own, version, "x")).await.unwrap();
        assert_eq!(seen.lock().last(), Some(&appended.last));
        assert_eq!(*head.borrow_and_update(), appended.last);
    }
    let expected: Vec<_> = (1..=10).map(Position).collect();
    assert_eq!(*seen.lock(), expected);
    journal.shutdown().await;
}

async fn a_record_is_the_same_after_it_is_opened_again(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    let tickets: Vec<_> = (0..100).map(|version| journal.submit(one(&own, version, "x")).unwrap()).collect();
    journal.shutdown().await;
    for ticket in tickets {
        ticket.await.expect("what was queued at the shutdown is finished");
    }
    assert_eq!(journal.append(one(&own, 100, "late")).await.unwrap_err(), AppendError::Closed);
    let again = home.open().await;
    assert_eq!(again.identity(), journal.identity());
    assert_eq!(again.head(), Position(100));
    assert_eq!(again.append(one(&own, 100, "next")).await.unwrap().first, Position(101));
    verify(&again).await;
    again.shutdown().await;
}

/// A step over as many streams as it may touch, each with an event that the writer does not remember.
async fn the_largest_append_there_may_be_lands_whole(home: Home) {
    let limits = JournalLimits::default();
    let parts = limits.append_events_max;
    let streams: Vec<_> = (0..parts).map(|number| stream(&format!("book-{number:027}"))).collect();
    let over = |streams: &[StreamId], version: u64, letters: usize| Append {
        events: streams.iter().map(|own| event(own, &"x".repeat(letters))).collect(),
        expect: streams.iter().map(|own| (own.clone(), version)).collect(),
        metadata: Arc::from(format!("{{\"who\":\"{}\"}}", "m".repeat(250))),
        ..Append::default()
    };
    let journal = home.open().await;
    for some in streams.chunks(2_000) {
        journal.append(over(some, 0, 1)).await.unwrap();
    }
    journal.shutdown().await;

    let journal = home.open().await;
    let mut more = streams.clone();
    more.push(stream("one more"));
    assert!(matches!(journal.append(over(&more, 1, 1)).await, Err(AppendError::TooLarge(_))));
    let letters = limits.append_bytes_max / parts;
    assert!(matches!(journal.append(over(&streams, 1, letters)).await, Err(AppendError::TooLarge(_))));
    let step = journal.submit(over(&streams, 1, letters - 300)).unwrap();
    let beside = journal.submit(one(&stream("beside"), 0, "x")).unwrap();
    let (step, beside) = (step.await.unwrap(), beside.await.unwrap());
    assert_eq!(step.last.0 - step.first.0 + 1, parts as u64);
    assert_eq!(beside.first, step.last.next(), "who came behind it was not refused");
    let read = journal.read(Position(step.last.0 - 1), 10).await.unwrap();
    assert_eq!(read.len(), 2, "the ring holds it");
    verify(&journal).await;
    journal.shutdown().await;
}

/// The embedded store's log of writes is as long as whoever reads longest makes it, and not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_writes_that_a_long_reading_made_long_is_cut_back() {
    let home = Home::sqlite();
    let journal = home.open().await;
    let Store::Sqlite { directory } = &home.store else { unreachable!("it is the embedded one") };
    let length = || std::fs::metadata(directory.join("journal.db-wal")).unwrap().len();
    let url = format!("sqlite:{}", directory.join("journal.db").display());
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM events").execute(&mut reader).await.unwrap();
    let (own, large) = (stream("large"), "x".repeat(8 << 20));
    for sequence in 0..12 {
        journal.append(one(&own, sequence, &large)).await.unwrap();
    }
    let while_read = length();
    reader.close().await.unwrap();
    for sequence in 12..16 {
        journal.append(one(&own, sequence, "small")).await.unwrap();
    }
    assert!(while_read > 96 << 20, "{while_read}");
    assert!(length() < 64 << 20, "{} of {while_read} bytes are left", length());
}

async fn a_hook_that_panics_ends_the_writing_and_the_journal_says_so(home: Home) {
    let journal = home.open().await;
    let own = stream("s");
    journal.append(one(&own, 0, "1")).await.unwrap();
    journal.on_publish(Arc::new(|_| panic!("told to")));
    let told = journal.append(one(&own, 1, "2")).await.unwrap_err();
    assert!(matches!(told, AppendError::Uncertain(_)), "{told}");
    let ended = async {
        loop {
            match journal.check_writable().await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(reason) => return reason,
            }
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the journal says so");
    assert!(reason.contains("panicked"), "{reason}");
    let refused = journal.append(one(&own, 2, "3")).await.unwrap_err();
    assert_eq!(refused, AppendError::Unavailable(reason));
    let told =
        tokio::time::timeout(Duration::from_secs(20), journal.departed()).await.expect("the node is told to end");
    assert!(told.contains("panicked") && told.contains("start it again"), "{told}");
    let bound = Duration::from_millis(SHUTDOWN_MILLISECONDS_MAX);
    tokio::time::timeout(bound, journal.shutdown()).await.expect("there is nobody to wait for");

    let journal = home.open().await;
    assert_eq!(all(&journal).await.len(), 2, "what was durable is");
    verify(&journal).await;
    journal.shutdown().await;
}
