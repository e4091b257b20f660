//! Lost races, through the real bus over a real journal: what was decided on a state that is no more is decided again, on the
//! state that there is and in the order in which it was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join, join3, select};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, Head, WriteError};
use muniment_journal::{Append, Engine, Journal, JournalLimits, NewEvent};
use muniment_sql::SqlError;
use tempfile::TempDir;
use tokio::sync::watch;

use super::fragile::{Fragile, FragileCommand, FragileRefusal};
use super::interposed::{Interpose, Interposed};
use super::{BusError, Clock, CommandBus, Origin, fresh};

/// The engine of a node that hears of what others record only when it asks for the head: every other node's news are on
/// their way for as long as a test lasts.
struct Deaf {
    inner: Arc<dyn Engine>,
    /// Readings of streams.
    readings: AtomicUsize,
    /// How often it was asked for the head since the last of them.
    asked: AtomicUsize,
    /// The other node, and whether it writes to `a` between an actor's answer and the look at the head that follows.
    other: Journal,
    is_other_busy: AtomicBool,
    /// Whether writes reach the record, or are held back until they do.
    is_open: watch::Sender<bool>,
    /// The next write fails.
    is_disk_full: AtomicBool,
}

#[async_trait]
impl Interpose for Deaf {
    fn inner(&self) -> &Arc<dyn Engine> {
        &self.inner
    }

    async fn head(&self) -> Result<Head, SqlError> {
        // First it is asked by the actor, which has read its stream; then for what the actor has answered.
        if self.asked.fetch_add(1, Ordering::Relaxed) == 1 && self.is_other_busy.load(Ordering::Relaxed) {
            let stream = StreamId::new("fragile", "a");
            let version = self.versions(std::slice::from_ref(&stream)).await?.get(&stream).copied().unwrap_or(0);
            self.other.append(counted(vec![(stream, version)])).await.expect("the other node writes");
        }
        self.inner.head().await
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        // The other end is here.
        drop(self.is_open.subscribe().wait_for(|is_open| *is_open).await);
        if self.is_disk_full.swap(false, Ordering::Relaxed) {
            return Err(WriteError::Failed("disk full".to_owned()));
        }
        self.inner.write(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.readings.fetch_add(1, Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
        self.inner.read_stream(stream, after, limit).await
    }

    fn shared(&self) -> bool {
        true
    }
}

/// One record and the node that made it.
struct Rig {
    other: CommandBus,
    _folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        let (other, folder) = fresh::bus().await;
        Self { other, _folder: folder }
    }

    /// A deaf node, which knows what is recorded when it starts.
    async fn deaf(&self) -> (CommandBus, Arc<Interposed<Deaf>>) {
        let journal = self.other.journal();
        let engine = Arc::new(Interposed(Deaf {
            inner: Arc::clone(journal.engine()),
            readings: AtomicUsize::new(0),
            other: journal.clone(),
            asked: AtomicUsize::new(0),
            is_other_busy: AtomicBool::new(false),
            is_open: watch::Sender::new(true),
            is_disk_full: AtomicBool::new(false),
        }));
        let opened = Journal::with_engine(engine.clone(), journal.keyring().clone(), JournalLimits::default()).await;
        (CommandBus::new(opened.expect("it tells its head"), Clock::system(), Arc::from([])), engine)
    }
}

fn origin() -> Origin {
    Origin::system("test", "test", None)
}

/// One more for `a`, whoever decides it.
fn counted(expect: Vec<(StreamId, u64)>) -> Append {
    let event = NewEvent {
        stream: StreamId::new("fragile", "a"),
        event_type: "note.recorded",
        event_version: "1.0",
        payload: Box::from(r#""counted""#),
        dedupe: None,
    };
    Append { events: vec![event], expect, metadata: origin().to_metadata(), ..Append::default() }
}

async fn count(bus: &CommandBus, id: &str) -> Result<Option<Position>, BusError<FragileRefusal>> {
    Ok(bus.execute::<Fragile>(id, FragileCommand::Count, &origin()).await?.position)
}

/// Decided again at once, it would be on the same state as before, until its turns are over.
#[actix::test]
async fn a_decision_over_several_streams_that_lost_a_race_is_made_again_on_what_it_lost_to() {
    let rig = Rig::new().await;
    count(&rig.other, "a").await.expect("it counts");
    let (deaf, _) = rig.deaf().await;
    assert_eq!(deaf.state::<Fragile>("a").await.expect("its state").version, 1);
    count(&rig.other, "a").await.expect("it counts");
    let (mut decisions, origin) = (0, origin());
    let decided = deaf.transact(&origin, async |tx| {
        decisions += 1;
        let mut loaded = tx.load::<Fragile, FragileRefusal>("a").await?;
        let before = loaded.state.count;
        tx.decide(&mut loaded, &FragileCommand::Count)?;
        Ok::<_, BusError<FragileRefusal>>(before)
    });
    let before = decided.await.expect("it is decided again").value;
    assert_eq!((before, decisions), (2, 2));
}

/// Whoever looks up a key in the database may learn of what his own node has not heard of yet.
#[actix::test]
async fn what_the_database_names_can_be_read_once_it_was_waited_for() {
    let rig = Rig::new().await;
    let (deaf, _) = rig.deaf().await;
    let stream = StreamId::new("note", "a");
    let key = DedupeKey::of(&stream, "once");
    let recorded = NewEvent {
        stream: stream.clone(),
        event_type: "note.recorded",
        event_version: "1.0",
        payload: Box::from("{}"),
        dedupe: Some(key),
    };
    let append = Append {
        events: vec![recorded],
        expect: vec![(stream, 0)],
        metadata: origin().to_metadata(),
        ..Append::default()
    };
    let elsewhere = rig.other.journal().append(append).await.expect("it is recorded");
    let journal = deaf.journal();
    assert_eq!(journal.find_dedupe(&[key]).await.expect("it answers")[&key], elsewhere.first);
    assert!(journal.event(elsewhere.first).await.expect("it answers").is_none(), "the node had heard of it");
    journal.wait_for(elsewhere.first).await.expect("it hears of it");
    let event = journal.event(elsewhere.first).await.expect("it answers");
    assert_eq!(event.expect("it can be read").dedupe, Some(key));
}

/// Otherwise whoever comes anew may take the race from it again and again, until its turns are over.
#[actix::test]
async fn who_comes_anew_waits_behind_one_that_lost_before() {
    let (bus, _folder) = fresh::bus().await;
    count(&bus, "a").await.expect("it counts");
    let queues = Arc::clone(&bus.stream_queues);
    let first = queues.turn_at(&StreamId::new("fragile", "a")).await;
    let (mut decisions, origin) = (0, origin());
    let mut decided = Box::pin(bus.transact(&origin, async |tx| {
        decisions += 1;
        let mut loaded = tx.load::<Fragile, FragileRefusal>("a").await?;
        tx.decide(&mut loaded, &FragileCommand::Count)
    }));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut decided).await;
    assert!(early.is_err(), "somebody else's turn was taken");
    count(&bus, "a").await.expect("whose turn it is counts");
    drop(first);
    let appended = decided.as_mut().await.expect("it counts").appended.expect("it is recorded");
    drop(decided);
    assert_eq!((appended.first, decisions), (Position(3), 2));
}

/// The writer would refuse what is decided on more than it knows, as often as it is decided.
#[actix::test]
async fn an_actor_that_reads_more_than_the_writer_has_heard_of_has_it_catch_up() {
    let rig = Rig::new().await;
    let (deaf, engine) = rig.deaf().await;
    let origin = origin();
    let begun = deaf.transact(&origin, async |tx| {
        let mut begun = tx.begin::<Fragile>("a");
        tx.decide(&mut begun, &FragileCommand::Count)
    });
    begun.await.expect("it begins");
    count(&rig.other, "a").await.expect("it counts");
    assert_eq!(count(&deaf, "a").await.expect("it counts"), Some(Position(3)));
    assert_eq!(engine.readings.load(Ordering::Relaxed), 1, "it was not decided again");
}

/// Another writer fills the very version that the first of two commands would have made, so that only what they hang by
/// tells that the second was decided on the first.
#[actix::test]
async fn commands_that_were_decided_on_a_lost_race_are_recorded_in_their_order() {
    let (bus, _folder) = fresh::bus().await;
    count(&bus, "a").await.expect("it counts");
    let first = counted(vec![(StreamId::new("fragile", "a"), 1)]);
    // All three wait for the writer before it looks at the first.
    let ticket = bus.journal().submit(first).expect("it is taken");
    let (first, second) = join(count(&bus, "a"), count(&bus, "a")).await;
    assert_eq!(ticket.await.expect("it came first").first, Position(2));
    let positions = [first, second].map(|answer| answer.expect("it counts"));
    assert_eq!(positions, [Some(Position(3)), Some(Position(4))]);
    assert_eq!(bus.state::<Fragile>("a").await.expect("its state").state.count, 4);
}

/// Asked again whenever the other node has written meanwhile, it would be answered that it changes too fast.
#[actix::test]
async fn what_changes_nothing_is_answered_however_fast_another_node_writes() {
    let rig = Rig::new().await;
    let (deaf, engine) = rig.deaf().await;
    engine.is_other_busy.store(true, Ordering::Relaxed);
    let refused = deaf.execute::<Fragile>("a", FragileCommand::Refuse, &origin()).await;
    assert!(matches!(refused, Err(BusError::Refused(FragileRefusal))), "{refused:?}");
    let nothing = deaf.execute::<Fragile>("a", FragileCommand::Nothing, &origin()).await.expect("it is answered");
    assert_eq!(nothing.position, None);
}

/// An actor goes on deciding while what it decided is on its way. What then changes nothing, or is refused, rests on that.
#[actix::test]
async fn a_refusal_on_what_is_in_flight_waits_for_it_and_falls_with_it() {
    let rig = Rig::new().await;
    let (deaf, engine) = rig.deaf().await;
    assert_eq!(deaf.state::<Fragile>("a").await.expect("its state").version, 0);
    engine.is_open.send_replace(false);
    let origin = origin();
    let mut first = Box::pin(count(&deaf, "a"));
    let mut refused = Box::pin(deaf.execute::<Fragile>("a", FragileCommand::CountFirst, &origin));
    let mut nothing = Box::pin(deaf.execute::<Fragile>("a", FragileCommand::CountTo(1), &origin));
    let answered = select(first.as_mut(), select(refused.as_mut(), nothing.as_mut()));
    let early = tokio::time::timeout(Duration::from_millis(100), answered).await;
    assert!(early.is_err(), "it rests on what may still fail");

    engine.is_disk_full.store(true, Ordering::Relaxed);
    engine.is_open.send_replace(true);
    let (first, refused, nothing) = join3(first, refused, nothing).await;
    assert!(matches!(first, Err(BusError::Unavailable(_))), "{first:?}");
    // Each is decided again, in its turn, on what there is.
    assert_eq!(refused.expect("there is none to refuse it for").position, Some(Position(1)));
    assert_eq!(nothing.expect("it is answered").position, None, "one is counted");
    assert_eq!(deaf.state::<Fragile>("a").await.expect("its state").state.count, 1);
}
