//! One live aggregate: an actix actor that holds its state, decides one command at a time and pipelines.
//!
//! Proposed events are applied at once and the next command is taken while the append is in flight; replies
//! leave only after durability. When an append is refused, what stands behind it in flight is collected, the
//! state is loaded again and everything unacknowledged is decided anew, in order (design section 4).
//!
//! **Invariant:** a reply never depends on an event that is not durable, refusals and states included, nor misses one
//! that this node had seen when it was asked.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll};

use actix::fut::ActorFuture;
use actix::prelude::*;
use chrono::{DateTime, Utc};
use lru::LruCache;
use muniment_aggregates::decider::{Decider, Facts};
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_journal::{Append, AppendError, Appended, Journal, Lineage, Snapshot};
use tokio::sync::oneshot;

use super::actor_messages::{ActorFlags, Execute, GetState, Outcome, Passivate, Pending, StateCache};
use super::clock::Clock;
use super::command_bus::Done;
use super::errors::BusError;
use super::fold::{self, FoldError, Folded};
use super::in_flight::{InFlight, StateReply, Waiting};
use super::limits::{ActorLimits, RECENT_KEYS_MAX};
use super::recall::TAKEN_BACK;
use crate::telemetry::panics;

mod loading;

type Loading<D> = Pin<Box<dyn Future<Output = Result<Folded<D>, FoldError>> + Send>>;
type Saving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the actor is doing with its state.
enum Phase<D: Decider> {
    /// No state in memory; the next request loads it.
    Unloaded,
    /// Deciding.
    Ready,
    /// The state is not to be trusted; what is in flight is collected first.
    Draining,
    /// Reading snapshot and events.
    Loading(Loading<D>),
}

/// The actor of one aggregate instance.
pub struct AggregateActor<D: Decider> {
    stream: StreamId,
    journal: Journal,
    clock: Clock,
    limits: ActorLimits,
    flags: Arc<ActorFlags>,
    cached: Arc<StateCache<D>>,
    /// Whether the cache holds the state: then a change of it takes the cache's away first, or it would cost a copy.
    is_cached: bool,
    phase: Phase<D>,
    state: Arc<D>,
    /// Of the appends that were decided since the state was loaded.
    lineage: Lineage,
    /// Whether `state` is what the events up to `version` make of it. If not, it is made again from its snapshot.
    is_sound: bool,
    version: u64,
    durable_version: u64,
    snapshot_version: u64,
    /// When the newest snapshot was taken.
    snapshot_at: DateTime<Utc>,
    /// Taken ahead of durability; saved once the journal has everything in it.
    snapshot: Option<Snapshot>,
    saving: Option<Saving>,
    in_flight: VecDeque<InFlight<D>>,
    waiting: VecDeque<Waiting<D>>,
    /// What is unanswered, collected while draining, in order.
    collected: VecDeque<Waiting<D>>,
    /// Those of the appends in `in_flight`.
    keys_in_flight: HashSet<DedupeKey>,
    recent_keys: LruCache<DedupeKey, Position>,
}

/// Nothing in an actor is pinned in place; its futures are boxed.
impl<D: Decider> Unpin for AggregateActor<D> {}

impl<D: Decider> AggregateActor<D> {
    /// An actor for `stream` that has loaded nothing yet.
    #[must_use]
    pub fn new(
        stream: StreamId,
        journal: Journal,
        clock: Clock,
        flags: Arc<ActorFlags>,
        cached: Arc<StateCache<D>>,
        limits: ActorLimits,
    ) -> Self {
        Self {
            stream,
            journal,
            clock,
            limits,
            flags,
            cached,
            is_cached: false,
            phase: Phase::Unloaded,
            state: Arc::default(),
            lineage: Lineage::default(),
            is_sound: false,
            version: 0,
            durable_version: 0,
            snapshot_version: 0,
            snapshot_at: DateTime::UNIX_EPOCH,
            snapshot: None,
            saving: None,
            in_flight: VecDeque::new(),
            waiting: VecDeque::new(),
            collected: VecDeque::new(),
            keys_in_flight: HashSet::new(),
            // With room for none at first: most actors, as those of sessions, never bear a key.
            recent_keys: LruCache::sparse(RECENT_KEYS_MAX),
        }
    }

    fn take(&mut self, request: Waiting<D>) {
        self.doubt_when_stale();
        let has_room = self.in_flight.len() < self.limits.in_flight_appends_max.get();
        let can_decide = matches!(self.phase, Phase::Ready) && has_room;
        if can_decide && self.waiting.is_empty() {
            self.serve(request);
        } else if self.waiting.len() < self.limits.waiting_commands_max {
            self.waiting.push_back(request);
        } else {
            match request {
                Waiting::Command(pending) => reply(pending.reply, Err(BusError::Overloaded)),
                Waiting::State(sender) => reply(sender, Err(BusError::Overloaded)),
            }
        }
    }

    /// Another node wrote the stream since the state was loaded. Asked before every request that is served: a request
    /// may have waited through a load that had begun before the event it must see.
    fn doubt_when_stale(&mut self) {
        if matches!(self.phase, Phase::Ready) && self.flags.is_stale() {
            self.phase = Phase::Draining;
        }
    }

    fn serve(&mut self, request: Waiting<D>) {
        match request {
            Waiting::Command(pending) => self.execute(pending),
            Waiting::State(sender) => self.tell(sender),
        }
    }

    /// Tells the state, once everything in it is durable: what is in flight may yet be refused, because another node
    /// wrote first.
    fn tell(&mut self, sender: StateReply<D>) {
        let (state, version) = (Arc::clone(&self.state), self.version);
        let folded = Folded { state, version, snapshot_version: self.snapshot_version };
        if self.in_flight.is_empty() {
            self.cached.set(Some(folded.clone()));
            self.is_cached = true;
            reply(sender, Ok(folded));
        } else {
            self.in_flight.push_back(InFlight::State { sender, folded });
        }
    }

    fn forget_cached(&mut self) {
        if std::mem::take(&mut self.is_cached) {
            self.cached.set(None);
        }
    }

    fn execute(&mut self, pending: Pending<D>) {
        let facts = Facts { now: self.clock.now() };
        let decision = || self.state.decide(&pending.command, &facts);
        match pending.decision().in_scope(|| panics::catch(decision)) {
            Ok(Ok(events)) if events.is_empty() => self.answer(pending, Ok(Done::nothing(facts.now))),
            Ok(Ok(events)) => self.propose(pending, events),
            Ok(Err(refusal)) => self.answer(pending, Err(BusError::Refused(refusal))),
            Err(place) => self.answer(pending, Err(BusError::Panicked { stream: self.stream.clone(), place })),
        }
    }

    fn answer(&mut self, pending: Pending<D>, outcome: Outcome<D>) {
        if self.in_flight.is_empty() {
            reply(pending.reply, outcome);
        } else {
            self.in_flight.push_back(InFlight::Answer { pending, outcome });
        }
    }

    fn propose(&mut self, pending: Pending<D>, events: Vec<D::Event>) {
        let mut append = Append {
            events: Vec::with_capacity(events.len()),
            expect: vec![(self.stream.clone(), self.version)],
            lineage: Some(self.lineage.clone()),
            fence: pending.fence.clone(),
            metadata: Arc::clone(&pending.metadata),
            ..Append::default()
        };
        if let Err(error) = fold::propose(&mut append, &self.stream, &events) {
            return self.answer(pending, Err(error));
        }
        let keys: Vec<(usize, DedupeKey)> =
            append.events.iter().enumerate().filter_map(|(index, event)| Some((index, event.dedupe?))).collect();
        for (_, key) in &keys {
            if let Some(position) = self.recent_keys.get(key).copied() {
                return self.answer(pending, Err(BusError::Duplicate { key: *key, position }));
            }
        }
        if keys.iter().any(|(_, key)| self.keys_in_flight.contains(key)) {
            return self.in_flight.push_back(InFlight::Again { pending });
        }
        if !pending.hand_over() {
            return self.answer(pending, Err(BusError::Unavailable(TAKEN_BACK.to_owned())));
        }
        let next_version = self.version + u64::try_from(events.len()).unwrap_or(u64::MAX);
        self.flags.version.store(next_version, Ordering::Release);
        self.forget_cached();
        match pending.span.in_scope(|| self.journal.submit(append)) {
            Ok(ticket) => {
                let applied = panics::catch(|| {
                    let state = Arc::make_mut(&mut self.state);
                    events.iter().for_each(|event| state.evolve(event));
                });
                self.version = next_version;
                self.keys_in_flight.extend(keys.iter().map(|(_, key)| *key));
                self.in_flight.push_back(InFlight::Append { pending, events, keys, ticket });
                if let Err(place) = applied {
                    self.is_sound = false;
                    tracing::error!(stream.id = %self.stream, place, "a state panicked at an event; it is loaded again");
                    self.phase = Phase::Draining;
                }
                self.take_snapshot_when_due();
            }
            Err(error) => {
                self.flags.version.store(self.version, Ordering::Release);
                self.answer(pending, Err(BusError::from_append(error)));
            }
        }
    }

    /// Moves everything that can move: settles what is durable, loads, saves, serves what waits.
    fn drive(&mut self, task: &mut TaskContext<'_>) {
        self.drive_snapshot(task);
        loop {
            let moved = match &mut self.phase {
                Phase::Unloaded => self.begin_loading_when_wanted(),
                Phase::Loading(loading) => match loading.as_mut().poll(task) {
                    Poll::Ready(loaded) => {
                        self.finish_loading(loaded);
                        true
                    }
                    Poll::Pending => false,
                },
                Phase::Ready => self.settle_front(task) || self.serve_waiting(),
                Phase::Draining => {
                    if self.in_flight.is_empty() {
                        self.begin_loading();
                        true
                    } else {
                        self.settle_front(task)
                    }
                }
            };
            if !moved {
                return;
            }
        }
    }

    fn serve_waiting(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        self.doubt_when_stale();
        if matches!(self.phase, Phase::Draining) {
            return true;
        }
        if self.in_flight.len() >= self.limits.in_flight_appends_max.get() {
            return false;
        }
        let Some(request) = self.waiting.pop_front() else { return false };
        self.serve(request);
        true
    }

    /// Settles the oldest entry in flight; `false` when it is not ready or there is none.
    fn settle_front(&mut self, task: &mut TaskContext<'_>) -> bool {
        let draining = matches!(self.phase, Phase::Draining);
        let verdict = match self.in_flight.front_mut() {
            None => return false,
            Some(InFlight::Append { ticket, .. }) => match Pin::new(ticket).poll(task) {
                Poll::Pending => return false,
                Poll::Ready(verdict) => Some(verdict),
            },
            Some(InFlight::Answer { .. } | InFlight::Again { .. } | InFlight::State { .. }) => None,
        };
        match (self.in_flight.pop_front(), verdict) {
            (Some(InFlight::Append { pending, events, keys, .. }), Some(verdict)) => {
                self.settle_append(pending, events, &keys, verdict);
            }
            (Some(InFlight::Answer { pending, .. } | InFlight::Again { pending }), _) if draining => {
                self.collected.push_back(Waiting::Command(pending));
            }
            (Some(InFlight::State { sender, .. }), _) if draining => self.collected.push_back(Waiting::State(sender)),
            (Some(InFlight::State { sender, folded }), _) => reply(sender, Ok(folded)),
            (Some(InFlight::Answer { pending, outcome }), _) => reply(pending.reply, outcome),
            (Some(InFlight::Again { pending }), _) => self.execute(pending),
            (Some(InFlight::Append { .. }) | None, _) => {}
        }
        true
    }

    fn settle_append(
        &mut self,
        mut pending: Pending<D>,
        events: Vec<D::Event>,
        keys: &[(usize, DedupeKey)],
        verdict: Result<Appended, AppendError>,
    ) {
        for (_, key) in keys {
            self.keys_in_flight.remove(key);
        }
        match verdict {
            Ok(appended) => {
                self.durable_version += u64::try_from(events.len()).unwrap_or(0);
                for (index, key) in keys {
                    let offset = u64::try_from(*index).unwrap_or(0);
                    self.recent_keys.put(*key, Position(appended.first.0 + offset));
                }
                reply(
                    pending.reply,
                    Ok(Done { position: Some(appended.last), events, recorded_at: appended.recorded_at }),
                );
            }
            Err(AppendError::Conflict { .. } | AppendError::Fallen) => {
                // Entries behind a refused one fall with it through no race of their own, so they do not count.
                if matches!(self.phase, Phase::Ready) {
                    pending.races_lost += 1;
                }
                self.phase = Phase::Draining;
                if pending.races_lost > super::limits::REDECISIONS_MAX {
                    let why = format!("{} is being written by too many at once", self.stream);
                    reply(pending.reply, Err(BusError::Unavailable(why)));
                } else {
                    self.collected.push_back(Waiting::Command(pending));
                }
            }
            Err(error) => {
                self.phase = Phase::Draining;
                if let AppendError::Duplicate { key, position } = &error {
                    self.recent_keys.put(*key, *position);
                }
                reply(pending.reply, Err(BusError::from_append(error)));
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
            && self.waiting.is_empty()
            && self.saving.is_none()
            && self.collected.is_empty()
            && matches!(self.phase, Phase::Ready | Phase::Unloaded)
    }
}

/// A caller that went away no longer wants its reply; what was decided stays decided.
fn reply<T>(sender: oneshot::Sender<T>, value: T) {
    drop(sender.send(value));
}

impl<D: Decider> Actor for AggregateActor<D> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(Drive);
    }
}

/// An actor that leaves in order has nothing in flight. One that ends otherwise, by a panic or with its event loop, cannot
/// say what became of its appends; whatever else it had taken was never handed to the journal.
impl<D: Decider> Drop for AggregateActor<D> {
    fn drop(&mut self) {
        for entry in self.in_flight.drain(..) {
            if let InFlight::Append { pending, .. } = entry {
                reply(pending.reply, Err(BusError::Uncertain(format!("the actor of {} ended", self.stream))));
            }
        }
    }
}

impl<D: Decider> Handler<Execute<D>> for AggregateActor<D> {
    type Result = ();

    fn handle(&mut self, message: Execute<D>, _ctx: &mut Self::Context) {
        self.flags.leave();
        self.take(Waiting::Command(message.0));
    }
}

impl<D: Decider> Handler<GetState<D>> for AggregateActor<D> {
    type Result = ();

    fn handle(&mut self, message: GetState<D>, _ctx: &mut Self::Context) {
        self.flags.leave();
        self.take(Waiting::State(message.0));
    }
}

impl<D: Decider> Handler<Passivate> for AggregateActor<D> {
    type Result = ();

    /// Nothing to do: the message wakes the actor, and it then looks at its flag.
    fn handle(&mut self, _message: Passivate, _ctx: &mut Self::Context) {}
}

/// Polled after every batch of messages and at every wake-up; it ends only with the actor.
struct Drive;

impl<D: Decider> ActorFuture<AggregateActor<D>> for Drive {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut AggregateActor<D>,
        ctx: &mut Context<AggregateActor<D>>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        actor.drive(task);
        if actor.flags.is_leaving() && actor.is_idle() {
            // Said here alone: actix stops an actor in this way, too, whose future is dropped because it panicked.
            actor.flags.retired.store(true, Ordering::Release);
            ctx.stop();
        }
        Poll::Pending
    }
}
