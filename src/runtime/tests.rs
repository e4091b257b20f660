//! What bounds the actors and what a fault of one of them does to the others, through the real bus over a real journal.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use actix::Arbiter;
use muniment_aggregates::note::{Note, NoteCommand, Record};
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::{Append, NewEvent};
use tokio::sync::watch;

use super::command_bus::Hosted as _;
use super::fragile::{Fragile, FragileCommand, FragileEvent, FragileRefusal, let_panic, panics_left};
use super::fresh;
use super::limits::{ActorLimits, SNAPSHOT_EVENTS};
use super::{BusError, CommandBus, Done, Origin};

type Ended = Result<Done<FragileEvent>, BusError<FragileRefusal>>;

/// A bus over a fresh record.
struct Rig {
    bus: CommandBus,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn with(limits: ActorLimits, arbiters: &[&Arbiter]) -> Self {
        let (bus, folder) = fresh::bus_with(limits, arbiters).await;
        Self { bus, _folder: folder }
    }

    async fn new() -> Self {
        Self::with(ActorLimits::default(), &[]).await
    }

    async fn ask(&self, id: &str, command: FragileCommand) -> Ended {
        self.bus.execute::<Fragile>(id, command, &origin()).await
    }

    async fn count(&self, id: &str) {
        self.ask(id, FragileCommand::Count).await.expect("it counts");
    }

    /// What an instance has counted, as its actor says.
    async fn counted(&self, id: &str) -> u64 {
        self.bus.state::<Fragile>(id).await.expect("its state").state.count
    }

    /// Records the first event of a stream past its actor.
    async fn record(&self, stream: &StreamId, payload: &str) -> Position {
        let event = NewEvent {
            stream: stream.clone(),
            event_type: "note.recorded",
            event_version: "1.0",
            payload: Box::from(payload),
            dedupe: None,
        };
        let append = Append {
            events: vec![event],
            expect: vec![(stream.clone(), 0)],
            metadata: origin().to_metadata(),
            ..Append::default()
        };
        self.bus.journal().append(append).await.expect("the journal takes any text").first
    }

    fn live(&self) -> usize {
        Fragile::directory(self.bus.directories()).live_count()
    }
}

fn origin() -> Origin {
    Origin::system("test", "test", None)
}

/// Waits until something holds; a test that waits longer has failed.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came about: {what}");
}

fn bound(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("not 0")
}

/// An event loop that does nothing until the sender is dropped.
fn held() -> (Arbiter, Sender<()>) {
    let (release, held) = channel::<()>();
    let arbiter = Arbiter::new();
    assert!(arbiter.spawn_fn(move || assert!(held.recv().is_err(), "it is let go by dropping")), "it runs");
    (arbiter, release)
}

#[actix::test]
async fn an_actor_that_nobody_asks_leaves_memory_and_comes_back_with_its_state() {
    let rig = Rig::with(ActorLimits { idle_max: Duration::ZERO, ..ActorLimits::default() }, &[]).await;
    rig.count("a").await;
    let (address, _) = Fragile::directory(rig.bus.directories()).find("a");
    assert!(address.connected());
    let (stop, stopped) = watch::channel(false);
    let sweeping = actix::spawn(rig.bus.clone().sweep_idle(stopped));
    until("the directory forgets it", || rig.live() == 0).await;
    until("its actor ends", || !address.connected()).await;
    stop.send_replace(true);
    sweeping.await.expect("the sweep ends when it is told to");
    rig.count("a").await;
    assert_eq!((rig.counted("a").await, rig.live()), (2, 1));
}

#[actix::test]
async fn an_actor_that_was_just_asked_stays() {
    let rig = Rig::new().await;
    rig.count("a").await;
    let (address, _) = Fragile::directory(rig.bus.directories()).find("a");
    rig.bus.directories().sweep();
    assert_eq!(rig.live(), 1);
    rig.count("a").await;
    assert!(address.connected());
}

#[actix::test]
async fn an_actor_with_work_in_hand_finishes_it_before_it_leaves() {
    let rig = Arc::new(Rig::with(ActorLimits { idle_max: Duration::ZERO, ..ActorLimits::default() }, &[]).await);
    let asked: Vec<_> = (0..200)
        .map(|_| {
            let rig = Arc::clone(&rig);
            actix::spawn(async move { rig.ask("a", FragileCommand::Count).await.map(|done| done.position) })
        })
        .collect();
    while !asked.iter().all(tokio::task::JoinHandle::is_finished) {
        rig.bus.directories().sweep();
        tokio::task::yield_now().await;
    }
    for answer in asked {
        answer.await.expect("no panic").expect("every command is recorded");
    }
    assert_eq!(rig.counted("a").await, 200);
}

#[actix::test]
async fn beyond_the_ceiling_the_actor_that_was_asked_longest_ago_leaves() {
    let rig = Rig::with(ActorLimits { live_actors_max: bound(2), ..ActorLimits::default() }, &[]).await;
    let mut addresses = Vec::new();
    for id in ["a", "b"] {
        rig.count(id).await;
        addresses.push(Fragile::directory(rig.bus.directories()).find(id).0);
    }
    rig.count("a").await;
    rig.count("c").await;
    assert_eq!(rig.live(), 2);
    until("the one that was asked longest ago leaves", || !addresses[1].connected()).await;
    assert!(addresses[0].connected());
    for id in ["a", "b", "c", "d", "e"] {
        rig.count(id).await;
        assert!(rig.live() <= 2);
    }
    assert_eq!([rig.counted("a").await, rig.counted("b").await, rig.counted("e").await], [3, 2, 1]);
}

#[actix::test]
async fn what_does_not_fit_into_a_mailbox_is_refused_at_once_and_the_rest_is_recorded() {
    let (arbiter, release) = held();
    let limits = ActorLimits { mailbox_commands_max: bound(40), ..ActorLimits::default() };
    let rig = Arc::new(Rig::with(limits, &[&arbiter]).await);
    let (mut waiting, mut refused) = (Vec::new(), 0);
    for _ in 0..100 {
        let asking = Arc::clone(&rig);
        let mut answer = Box::pin(async move { asking.ask("a", FragileCommand::Count).await });
        match futures_util::poll!(&mut answer) {
            std::task::Poll::Ready(Err(BusError::Overloaded)) => refused += 1,
            std::task::Poll::Ready(other) => panic!("nobody can have answered: {other:?}"),
            std::task::Poll::Pending => waiting.push(answer),
        }
    }
    assert_eq!((waiting.len(), refused), (40, 60));
    assert!(matches!(rig.bus.state::<Fragile>("a").await, Err(BusError::Overloaded)), "a state waits there, too");
    let other = rig.ask("elsewhere", FragileCommand::Nothing);
    let mut other = Box::pin(other);
    assert!(futures_util::poll!(&mut other).is_pending(), "another actor has a mailbox of its own");
    drop(release);
    let accepted = u64::try_from(waiting.len()).expect("small");
    for answer in waiting {
        answer.await.expect("what was taken is recorded");
    }
    other.await.expect("and so is that");
    assert_eq!(rig.counted("a").await, accepted);
    for _ in 0..100 {
        rig.count("a").await;
    }
    arbiter.stop();
}

#[actix::test]
async fn while_a_state_loads_only_so_many_commands_wait_for_it() {
    let (arbiter, release) = held();
    let limits = ActorLimits { waiting_commands_max: 4, ..ActorLimits::default() };
    let rig = Arc::new(Rig::with(limits, &[&arbiter]).await);
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let rig = Arc::clone(&rig);
            actix::spawn(async move { rig.ask("a", FragileCommand::Count).await.map(|_| ()) })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(release);
    let (mut recorded, mut refused) = (0, 0);
    for answer in asked {
        match answer.await.expect("no panic") {
            Ok(()) => recorded += 1,
            Err(BusError::Overloaded) => refused += 1,
            Err(other) => panic!("it is overloaded, not {other}"),
        }
    }
    assert_eq!((recorded, refused), (4, 46));
    assert_eq!(rig.counted("a").await, 4);
    arbiter.stop();
}

#[actix::test]
async fn a_handler_that_panics_fails_its_own_command_and_nobody_elses() {
    let rig = Arc::new(Rig::new().await);
    rig.count("a").await;
    let asked: Vec<_> = (0..30)
        .map(|number| {
            let rig = Arc::clone(&rig);
            let command = if number % 10 == 5 { FragileCommand::PanicDeciding } else { FragileCommand::Count };
            actix::spawn(async move { rig.ask("a", command).await })
        })
        .collect();
    let note = NoteCommand::Record(Record {
        what: "test".to_owned(),
        is_failure: false,
        account: None,
        target_account: None,
        details: None,
    });
    rig.bus.execute::<Note>("n", note, &origin()).await.expect("another aggregate notices nothing");
    let mut failed = 0;
    for answer in asked {
        match answer.await.expect("the panic stays inside") {
            Ok(done) => assert!(done.position.is_some()),
            Err(error) => {
                let BusError::Panicked { stream, .. } = &error else { panic!("{error}") };
                assert_eq!(stream, &StreamId::new("fragile", "a"));
                assert!(!error.to_string().contains("the secret of"), "{error}");
                failed += 1;
            }
        }
    }
    assert_eq!((failed, rig.counted("a").await), (3, 28));
}

#[actix::test]
async fn a_state_that_panics_at_an_event_is_made_again_from_the_journal() {
    let rig = Rig::new().await;
    rig.count("a").await;
    let_panic("once", 1);
    let done = rig.ask("a", FragileCommand::PanicTaking("once".to_owned())).await.expect("it is recorded");
    assert_eq!((done.position, panics_left("once")), (Some(Position(2)), 0));
    rig.count("a").await;
    assert_eq!(rig.counted("a").await, 3, "nothing is lost and nothing counted twice");
}

#[actix::test]
async fn a_state_that_always_panics_fails_whoever_asks_it_until_it_is_mended() {
    let rig = Rig::new().await;
    rig.count("well").await;
    let_panic("always", u32::MAX);
    rig.ask("ill", FragileCommand::PanicTaking("always".to_owned())).await.expect("it is recorded");
    for _ in 0..3 {
        let failed = rig.ask("ill", FragileCommand::Count).await.expect_err("its state cannot be made");
        assert!(matches!(failed, BusError::Panicked { .. }), "{failed}");
        let failed = rig.bus.state::<Fragile>("ill").await.expect_err("nor told");
        assert!(matches!(failed, BusError::Panicked { .. }), "{failed}");
        rig.count("well").await;
    }
    let_panic("always", 0);
    rig.count("ill").await;
    assert_eq!((rig.counted("ill").await, rig.counted("well").await), (2, 4));
}

#[actix::test]
async fn what_was_in_flight_when_an_actor_died_is_not_decided_again() {
    let rig = Arc::new(Rig::new().await);
    let word = "the snapshot";
    rig.ask("a", FragileCommand::PanicTaking(word.to_owned())).await.expect("it takes it");
    let_panic(word, 1);
    // The snapshot is due, and panics, with the fifth of these.
    let quiet = SNAPSHOT_EVENTS - 5;
    for _ in 1..quiet {
        rig.count("a").await;
    }
    assert_eq!(panics_left(word), 1);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let rig = Arc::clone(&rig);
            actix::spawn(async move { rig.ask("a", FragileCommand::Count).await.map(|_| ()) })
        })
        .collect();
    let (mut told, mut uncertain) = (0, 0);
    for answer in asked {
        match answer.await.expect("the panic stays inside") {
            Ok(()) => told += 1,
            Err(BusError::Uncertain(_)) => uncertain += 1,
            Err(error) => assert!(matches!(error, BusError::Panicked { .. }), "{error}"),
        }
    }
    assert_eq!(panics_left(word), 0);
    let due = quiet + told + uncertain;
    // What was in flight lands by itself, perhaps after the first look.
    let lands = async {
        while rig.counted("a").await < due {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), lands).await.expect("each is recorded");
    assert_eq!(rig.counted("a").await, due, "each is recorded once, and nothing else");
    assert!(uncertain > 0, "the actor died with appends in flight");
}

#[actix::test]
async fn an_event_whose_decoding_panics_fails_whoever_asks_and_its_actor_goes_on() {
    let rig = Rig::new().await;
    let stream = StreamId::new("fragile", "ill");
    rig.record(&stream, r#"{"unwritable":true}"#).await;
    let (address, _) = Fragile::directory(rig.bus.directories()).find("ill");
    for _ in 0..2 {
        let failed = rig.ask("ill", FragileCommand::Count).await.expect_err("its state cannot be made");
        assert!(matches!(failed, BusError::Panicked { .. }), "{failed}");
    }
    assert!(address.connected());
}

#[actix::test]
async fn an_event_that_cannot_be_written_is_a_fault_and_nothing_is_recorded() {
    let rig = Rig::new().await;
    rig.count("a").await;
    let unwritable = rig.ask("a", FragileCommand::Unwritable).await.expect_err("it does not serialise");
    assert!(matches!(&unwritable, BusError::Fault(why) if why.contains("fragile/a")), "{unwritable}");
    let panicking = rig.ask("a", FragileCommand::PanicWriting).await.expect_err("it panics");
    assert!(matches!(panicking, BusError::Panicked { .. }), "{panicking}");
    rig.count("a").await;
    assert_eq!((rig.counted("a").await, rig.bus.journal().head()), (2, Position(2)));
    let refused = rig.ask("a", FragileCommand::Refuse).await.expect_err("as told");
    assert!(matches!(refused, BusError::Refused(FragileRefusal)), "{refused}");
}

#[actix::test]
async fn a_decision_over_several_streams_that_panics_records_nothing_and_keeps_nobody_waiting() {
    let (rig, origin) = (Rig::new().await, origin());
    for (command, is_panic) in [(FragileCommand::PanicDeciding, true), (FragileCommand::Unwritable, false)] {
        let decided = rig.bus.transact(&origin, async |tx| {
            let mut one = tx.load::<Fragile, FragileRefusal>("one").await?;
            tx.decide(&mut one, &FragileCommand::Count)?;
            let mut other = tx.load::<Fragile, FragileRefusal>("other").await?;
            tx.decide(&mut other, &command)
        });
        let failed = decided.await.expect_err("a fault");
        assert_eq!(matches!(failed, BusError::Panicked { .. }), is_panic, "{failed}");
        assert_eq!(matches!(failed, BusError::Fault(_)), !is_panic, "{failed}");
    }
    rig.count("one").await;
    assert_eq!((rig.counted("one").await, rig.counted("other").await), (1, 0));
}

#[actix::test]
async fn an_event_that_does_not_decode_is_told_with_its_position_and_stops_its_stream_alone() {
    let rig = Rig::new().await;
    rig.count("well").await;
    let stream = StreamId::new("fragile", "strange");
    let at = rig.record(&stream, r#"{"never":"heard of"}"#).await;
    let failed = rig.ask("strange", FragileCommand::Count).await.expect_err("its state cannot be made");
    assert!(matches!(&failed, BusError::Unreadable { position, .. } if *position == at), "{failed}");
    let failed = rig.bus.state::<Fragile>("strange").await.expect_err("nor told");
    assert!(matches!(&failed, BusError::Unreadable { position, .. } if *position == at), "{failed}");
    rig.count("well").await;
}
