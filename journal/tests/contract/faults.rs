//! Faults put exactly where they hurt: an engine that stores and loses the answer, sends nothing, refuses, or is slow.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, WriteError};
use muniment_journal::limits::{ANSWER_MAX, LOST_HEADS_BEFORE_LOCK};
use muniment_journal::{Append, AppendError, Engine, FenceCounter, Journal, JournalLimits, KeyRing, Ticket};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::interposed::{Interpose, Interposed};
use crate::support::{Home, all, one, stream, verify};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The batch is stored; the answer does not arrive.
    AnswerLost,
    /// The connection breaks before the batch arrives.
    NeverArrives,
    /// The database refuses for a reason of its own.
    DiskFull,
    /// A unique key refuses what memory let pass.
    Unique,
    /// The engine has a defect.
    Panics,
    /// The answer is lost while the batch waits in the database; it is stored just before the next write.
    Late,
}

/// A real engine with a script of faults, one a write, and a gate that every write passes.
struct Faulty {
    inner: Arc<dyn Engine>,
    script: Mutex<VecDeque<Option<Fault>>>,
    late: Mutex<Option<Batch>>,
    /// Whether others write the record too.
    shared: bool,
    gate: Semaphore,
    /// Writes that have come to the gate.
    writes: watch::Sender<usize>,
    /// How many events each of them had.
    sizes: Mutex<Vec<usize>>,
    /// Times that versions of streams were asked for.
    questions: watch::Sender<usize>,
    /// Why events are not read.
    unread: Mutex<Option<fn() -> SqlError>>,
    /// Times that the head's lock was given back.
    releases: watch::Sender<usize>,
}

impl Faulty {
    /// Waits until so many writes have come to the gate.
    async fn writes(&self, count: usize) {
        reached(&self.writes, count).await;
    }

    /// Waits until the writer has judged everything that was submitted before: it judges in order and one group after the
    /// other, so when it asks about the second of two streams it does not know, it has judged what came with the first.
    async fn judged(&self, journal: &Journal) {
        for _ in 0..2 {
            let asked = *self.questions.borrow();
            let unknown = stream(&format!("unknown-{asked}"));
            drop(journal.submit(one(&unknown, 7, "of a version that there is not")).unwrap());
            reached(&self.questions, asked + 1).await;
        }
    }
}

async fn reached(counter: &watch::Sender<usize>, count: usize) {
    let mut counted = counter.subscribe();
    let waited = tokio::time::timeout(Duration::from_secs(20), counted.wait_for(|counted| *counted >= count)).await;
    waited.expect("it comes about within 20 s").unwrap();
}

#[async_trait]
impl Interpose for Faulty {
    fn inner(&self) -> &Arc<dyn Engine> {
        &self.inner
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.sizes.lock().push(batch.events.len());
        self.writes.send_modify(|writes| *writes += 1);
        self.gate.acquire().await.unwrap().forget();
        let fault = self.script.lock().pop_front().flatten();
        let late = self.late.lock().take();
        if let Some(late) = late {
            self.inner.write(&late).await?;
        }
        match fault {
            Some(Fault::AnswerLost) => {}
            Some(Fault::NeverArrives) => return Err(WriteError::Unknown("cut before".to_owned())),
            Some(Fault::DiskFull) => return Err(WriteError::Failed("disk full".to_owned())),
            Some(Fault::Panics) => panic!("at a batch"),
            Some(Fault::Late) => {
                *self.late.lock() = Some(batch.clone());
                return Err(WriteError::Unknown("cut while it waited".to_owned()));
            }
            Some(Fault::Unique) => return Err(WriteError::Unique("events_stream".to_owned())),
            None => return self.inner.write(batch).await,
        }
        self.inner.write(batch).await?;
        Err(WriteError::Unknown("cut after".to_owned()))
    }

    async fn release(&self) -> Result<(), SqlError> {
        self.releases.send_modify(|releases| *releases += 1);
        self.inner.release().await
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        let unread = self.unread.lock().map(|error| error());
        if let Some(error) = unread {
            return Err(error);
        }
        self.inner.read(after, through, limit).await
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        let versions = self.inner.versions(streams).await;
        self.questions.send_modify(|questions| *questions += 1);
        versions
    }

    fn shared(&self) -> bool {
        self.shared
    }
}

/// A journal on a faulty engine over a fresh record; `open_gates` writes may pass at once.
async fn faulty(home: &Home, script: &[Option<Fault>], open_gates: usize) -> (Journal, Arc<Interposed<Faulty>>) {
    faulty_over(&home.open().await, script, open_gates, script.contains(&Some(Fault::Late))).await
}

/// A journal on a faulty engine over the record of another journal.
async fn faulty_over(
    made: &Journal,
    script: &[Option<Fault>],
    open_gates: usize,
    shared: bool,
) -> (Journal, Arc<Interposed<Faulty>>) {
    let engine = Arc::new(Interposed(Faulty {
        inner: Arc::clone(made.engine()),
        script: Mutex::new(script.iter().copied().collect()),
        late: Mutex::new(None),
        shared,
        gate: Semaphore::new(open_gates),
        writes: watch::Sender::new(0),
        sizes: Mutex::new(Vec::new()),
        questions: watch::Sender::new(0),
        unread: Mutex::new(None),
        releases: watch::Sender::new(0),
    }));
    let keyring = KeyRing::in_memory([7; 32], made.identity().installation).unwrap();
    let journal = Journal::with_engine(engine.clone(), keyring, JournalLimits::default()).await.unwrap();
    (journal, engine)
}

const ENOUGH: usize = 1_000;

#[tokio::test]
async fn a_lost_answer_is_found_out_and_nothing_is_doubled() {
    let home = Home::sqlite();
    let script = [Some(Fault::AnswerLost), None, Some(Fault::NeverArrives), Some(Fault::AnswerLost)];
    let (journal, _) = faulty(&home, &script, ENOUGH).await;
    let own = stream("s");
    for version in 0..4 {
        let appended = journal.append(one(&own, version, "x")).await.unwrap();
        assert_eq!(appended.first, Position(version + 1));
    }
    assert_eq!(all(&journal).await.len(), 4);
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn an_engine_that_panics_ends_the_writing_and_leaves_nobody_waiting() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[Some(Fault::Panics)], 0).await;
    let own = stream("s");
    let sent = journal.submit(one(&own, 0, "1")).unwrap();
    engine.writes(1).await;
    let behind = journal.submit(one(&own, 1, "2")).unwrap();
    engine.gate.add_permits(ENOUGH);
    let uncertain = "a batch ended in a fault: it panicked".to_owned();
    assert_eq!(sent.await.unwrap_err(), AppendError::Uncertain(uncertain.clone()), "nobody knows what it did");
    assert_eq!(behind.await.unwrap_err(), AppendError::Unavailable(uncertain));
    assert!(journal.append(one(&stream("t"), 0, "later")).await.is_err());
    journal.shutdown().await;
}

#[tokio::test]
async fn a_write_that_fails_is_told_and_what_built_on_it_falls() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[Some(Fault::DiskFull)], 0).await;
    let own = stream("s");
    let failed = journal.submit(one(&own, 0, "1")).unwrap();
    // The first is in flight when the next ones come: one builds on it, one does not.
    engine.writes(1).await;
    let built_on_it = journal.submit(one(&own, 1, "2")).unwrap();
    let apart = journal.submit(one(&stream("t"), 0, "t")).unwrap();
    engine.judged(&journal).await;
    engine.gate.add_permits(ENOUGH);
    assert!(matches!(failed.await, Err(AppendError::Unavailable(reason)) if reason == "disk full"));
    let conflict = AppendError::Conflict { stream: own.clone(), expected: 1, actual: 0 };
    assert_eq!(built_on_it.await.unwrap_err(), conflict);
    assert_eq!(apart.await.unwrap().first, Position(1));
    assert_eq!(journal.append(one(&own, 0, "again")).await.unwrap().first, Position(2));
    verify(&journal).await;
    journal.shutdown().await;
}

/// Another node may have seen the batch, and acknowledged what it ends, while this one waits for the answer.
#[tokio::test]
async fn what_is_built_on_a_batch_that_lets_its_fence_fall_is_not_recorded() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let ends = FenceCounter::default();
    let counter = ends.clone();
    journal.on_durable(Arc::new(move |events| {
        if events.iter().any(|event| event.payload.contains("ended")) {
            counter.advance();
        }
    }));
    let ended = journal.submit(one(&stream("right"), 0, "ended")).unwrap();
    engine.writes(1).await;
    let own = stream("act");
    let before = journal.submit(one(&own, 0, "without a fence")).unwrap();
    let late = journal.submit(Append { fence: Some(ends.fence()), ..one(&own, 1, "too late") }).unwrap();
    let beside = journal.submit(one(&stream("beside"), 0, "beside")).unwrap();
    engine.judged(&journal).await;
    engine.gate.add_permits(ENOUGH);
    ended.await.unwrap();
    before.await.unwrap();
    assert_eq!(late.await.unwrap_err(), AppendError::Fenced);
    beside.await.unwrap();
    journal.append(one(&own, 1, "after it")).await.unwrap();
    assert_eq!(all(&journal).await.len(), 4);
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn what_lands_late_is_not_told_as_failed() {
    let home = Home::sqlite();
    let (journal, _) = faulty(&home, &[Some(Fault::Late), Some(Fault::DiskFull)], ENOUGH).await;
    assert_eq!(journal.append(one(&stream("s"), 0, "x")).await.unwrap().first, Position(1));
    assert_eq!(all(&journal).await.len(), 1);
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn a_database_that_hangs_is_not_waited_for_by_those_who_come_later() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let own = stream("s");
    let mut waiting = Vec::new();
    let refused = loop {
        match journal.submit(one(&own, waiting.len() as u64, "x")) {
            Ok(ticket) => waiting.push(ticket),
            Err(refused) => break refused,
        }
        assert!(waiting.len() < 1_000, "nobody says that the database does not answer");
        tokio::time::sleep(ANSWER_MAX / 20).await;
    };
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused}");
    engine.gate.add_permits(ENOUGH);
    let version = waiting.len() as u64;
    for ticket in waiting {
        ticket.await.unwrap();
    }
    journal.append(one(&own, version, "x")).await.unwrap();
    journal.shutdown().await;
}

#[tokio::test]
async fn what_a_shutdown_leaves_in_flight_is_told_as_uncertain() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let hanging = journal.submit(one(&stream("s"), 0, "x")).unwrap();
    engine.writes(1).await;
    let behind = journal.submit(one(&stream("t"), 0, "x")).unwrap();
    journal.shutdown().await;
    assert!(matches!(hanging.await, Err(AppendError::Uncertain(_))), "it may yet be stored");
    assert!(matches!(behind.await, Err(AppendError::Unavailable(_))), "it was never sent");
}

#[tokio::test]
async fn a_unique_key_that_refuses_leads_to_a_second_look() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[Some(Fault::Unique), Some(Fault::Unique)], 0).await;
    let tickets: Vec<_> = (0..10).map(|id| journal.submit(one(&stream(&format!("s{id}")), 0, "x")).unwrap()).collect();
    engine.gate.add_permits(ENOUGH);
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(all(&journal).await.len(), 10);
    journal.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_not_told_before_what_it_rests_on_is_durable() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let own = stream("s");
    let accepted = journal.submit(one(&own, 0, "1")).unwrap();
    engine.writes(1).await;
    let mut refused = journal.submit(one(&own, 0, "stale")).unwrap();
    engine.judged(&journal).await;
    let early = tokio::time::timeout(Duration::ZERO, &mut refused).await;
    assert!(early.is_err(), "it rests on an append that may still vanish: {early:?}");
    engine.gate.add_permits(ENOUGH);
    accepted.await.unwrap();
    assert!(matches!(refused.await, Err(AppendError::Conflict { actual: 1, .. })));
    journal.shutdown().await;
}

#[tokio::test]
async fn callers_who_came_back_together_go_in_two_halves() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let streams: Vec<StreamId> = (0..32).map(|nth| stream(&format!("s{nth}"))).collect();
    for version in 0..2 {
        let begun = Instant::now();
        let tickets: Vec<_> = streams.iter().map(|own| journal.submit(one(own, version, "x")).unwrap()).collect();
        engine.gate.add_permits(ENOUGH);
        for ticket in tickets {
            ticket.await.unwrap();
        }
        engine.gate.forget_permits(ENOUGH);
        // The database waits for longer than it worked, as where callers need long to come back.
        tokio::time::sleep(begun.elapsed() * 2).await;
    }
    assert_eq!(*engine.sizes.lock(), [32, 16, 16]);
    engine.gate.add_permits(ENOUGH);
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn a_batch_fills_while_the_one_before_it_is_in_flight() {
    let home = Home::sqlite();
    let (journal, engine) = faulty(&home, &[], 0).await;
    let own = stream("s");
    let mut tickets = vec![journal.submit(one(&own, 0, "x")).unwrap()];
    // The first is in flight when the others come.
    engine.writes(1).await;
    tickets.extend((1..100).map(|version| journal.submit(one(&own, version, "x")).unwrap()));
    engine.judged(&journal).await;
    engine.gate.add_permits(2);
    for (index, ticket) in tickets.into_iter().enumerate() {
        assert_eq!(ticket.await.unwrap().first, Position(index as u64 + 1));
    }
    assert_eq!(engine.gate.available_permits(), 0, "99 appends of one hot stream went in the second write");
    engine.gate.add_permits(ENOUGH);
    journal.shutdown().await;
}

fn no_connection() -> SqlError {
    SqlError::Driver(sqlx::Error::PoolTimedOut)
}

/// Submits until somebody says that the database does not answer; who was accepted before.
async fn until_refused(journal: &Journal, own: &StreamId) -> Vec<Ticket> {
    let mut waiting = Vec::new();
    loop {
        match journal.submit(one(own, waiting.len() as u64, "x")) {
            Ok(ticket) => waiting.push(ticket),
            Err(AppendError::Unavailable(_)) => return waiting,
            Err(error) => panic!("{error}"),
        }
        assert!(waiting.len() < 500, "nobody says that what others recorded cannot be read");
        tokio::time::sleep(ANSWER_MAX / 20).await;
    }
}

#[tokio::test]
async fn who_cannot_read_what_others_recorded_takes_nothing_on_until_it_can() {
    let home = Home::sqlite();
    let other = home.open().await;
    let (journal, engine) = faulty_over(&other, &[], ENOUGH, true).await;
    other.append(one(&stream("theirs"), 0, "x")).await.unwrap();
    *engine.unread.lock() = Some(no_connection);
    let own = stream("s");
    let waiting = until_refused(&journal, &own).await;
    assert!(!waiting.is_empty(), "it was not known before the first");
    assert!(journal.check_writable().await.is_err(), "it says that it takes appends");
    *engine.unread.lock() = None;
    let version = waiting.len() as u64;
    for (index, ticket) in waiting.into_iter().enumerate() {
        assert_eq!(ticket.await.unwrap().first, Position(index as u64 + 2));
    }
    journal.append(one(&own, version, "x")).await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_until_what_others_recorded_can_be_read() {
    let home = Home::sqlite();
    let other = home.open().await;
    let (journal, engine) = faulty_over(&other, &[], ENOUGH, true).await;
    other.append(one(&stream("theirs"), 0, "x")).await.unwrap();
    *engine.unread.lock() = Some(no_connection);
    let waiting = until_refused(&journal, &stream("s")).await;
    journal.shutdown().await;
    for ticket in waiting {
        let told = ticket.now_or_never().expect("nobody is left waiting").unwrap_err();
        assert!(matches!(told, AppendError::Unavailable(_)), "it was never recorded: {told}");
    }
    other.shutdown().await;
    drop((journal, engine, other));
    let found = home.open().await;
    assert_eq!(found.head(), Position(1));
    found.shutdown().await;
}

#[tokio::test]
async fn who_cannot_read_what_others_recorded_does_not_keep_the_head_from_them() {
    let home = Home::sqlite();
    let other = home.open().await;
    let (journal, engine) = faulty_over(&other, &[], 0, true).await;
    let ticket = journal.submit(one(&stream("s"), 0, "x")).unwrap();
    for lost in 1..=LOST_HEADS_BEFORE_LOCK {
        engine.writes(usize::try_from(lost).unwrap()).await;
        other.append(one(&stream("theirs"), u64::from(lost) - 1, "x")).await.unwrap();
        *engine.unread.lock() = (lost == LOST_HEADS_BEFORE_LOCK).then_some(no_connection);
        engine.gate.add_permits(1);
    }
    reached(&engine.releases, 1).await;
    *engine.unread.lock() = None;
    engine.gate.add_permits(ENOUGH);
    ticket.await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn a_row_of_others_that_no_attempt_reads_ends_the_node() {
    let home = Home::sqlite();
    let other = home.open().await;
    let (journal, engine) = faulty_over(&other, &[], ENOUGH, true).await;
    other.append(one(&stream("theirs"), 0, "x")).await.unwrap();
    *engine.unread.lock() =
        Some(|| SqlError::Column { column: "hash".to_owned(), what: "has 1 bytes, not 32".to_owned() });
    let ticket = journal.submit(one(&stream("s"), 0, "x")).unwrap();
    let reason = tokio::time::timeout(Duration::from_secs(30), journal.departed()).await.expect("it ends");
    let told = ticket.await.unwrap_err();
    assert!(matches!(told, AppendError::Unavailable(_)), "{told}");
    assert!(reason.contains("has 1 bytes") && reason.contains("start it again"), "{reason}");
    journal.shutdown().await;
}
