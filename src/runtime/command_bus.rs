//! The one way commands go in: finds the actor, hands the command over, waits for durability.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::prelude::SendError;
use actix::{Actor, ArbiterHandle, Context, Handler, Message};
use chrono::{DateTime, Utc};
use muniment_aggregates::account::Account;
use muniment_aggregates::application::Application;
use muniment_aggregates::attempt::Attempt;
use muniment_aggregates::challenge::Challenge;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::invite::Invite;
use muniment_aggregates::metric::Metric;
use muniment_aggregates::note::Note;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_aggregates::roster::Roster;
use muniment_aggregates::scheduler::Scheduler;
use muniment_aggregates::scope::Scope;
use muniment_aggregates::session::Session;
use muniment_aggregates::settings::Settings;
use muniment_aggregates::subject::Subject;
use muniment_journal::{Fence, Journal};
use tokio::sync::{oneshot, watch};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::actor_messages::{ActorFlags, Execute, GetState, Pending};
use super::aggregate_actor::AggregateActor;
use super::clock::Clock;
use super::directory::Directory;
use super::errors::BusError;
use super::fold::Folded;
use super::limits::ActorLimits;
use super::origin::Origin;
use super::recall::Recalls;
use super::stream_queues::StreamQueues;
use crate::telemetry::spans::SPANS;

/// How often a request is handed over again because its actor was just leaving memory.
const HANDOVERS_MAX: usize = 8;

/// A command that was decided and, where it had events, recorded durably.
#[derive(Debug, Clone)]
pub struct Done<E> {
    /// Position of its last event; `None` when it changed nothing.
    pub position: Option<Position>,
    /// What happened.
    pub events: Vec<E>,
    /// When it was recorded, or decided where nothing was.
    pub recorded_at: DateTime<Utc>,
}

impl<E> Done<E> {
    pub(super) fn nothing(at: DateTime<Utc>) -> Self {
        Self { position: None, events: Vec::new(), recorded_at: at }
    }
}

macro_rules! directories {
    ($($(#[$attribute:meta])* $field:ident: $aggregate:ty),* $(,)?) => {
        /// One directory an aggregate type.
        pub struct Directories { $($(#[$attribute])* $field: Directory<$aggregate>),* }

        impl Directories {
            fn new(journal: &Journal, clock: &Clock, arbiters: &Arc<[ArbiterHandle]>, limits: ActorLimits) -> Self {
                Self {
                    $($(#[$attribute])* $field: Directory::new(
                        journal.clone(),
                        clock.clone(),
                        Arc::clone(arbiters),
                        limits,
                    )),*
                }
            }

            fn note_published(&self, event: &RecordedEvent) {
                match &*event.stream.kind {
                    $($(#[$attribute])* <$aggregate as Decider>::TYPE => self.$field.note_published(event),)*
                    // A stream of a type this program has no actors for has no actor to tell.
                    _ => {}
                }
            }

            /// Lets idle actors go.
            pub fn sweep(&self) { $($(#[$attribute])* self.$field.sweep();)* }

            /// Live actors by aggregate type.
            pub fn live_counts(&self) -> Vec<(&'static str, usize)> {
                Vec::from([$($(#[$attribute])* (<$aggregate as Decider>::TYPE, self.$field.live_count())),*])
            }
        }

        $($(#[$attribute])* impl Hosted for $aggregate {
            fn directory(directories: &Directories) -> &Directory<Self> { &directories.$field }
        })*
    };
}

/// An aggregate type that has actors here.
pub trait Hosted: Decider {
    /// Its directory.
    fn directory(directories: &Directories) -> &Directory<Self>;
}

directories! {
    account: Account,
    application: Application,
    attempt: Attempt,
    challenge: Challenge,
    invite: Invite,
    metric: Metric,
    note: Note,
    offer_book: OfferBook,
    roster: Roster,
    scheduler: Scheduler,
    scope: Scope,
    session: Session,
    settings: Settings,
    subject: Subject,
    #[cfg(test)]
    fragile: super::fragile::Fragile,
}

/// The way commands go in. Cheap to clone.
#[derive(Clone)]
pub struct CommandBus {
    pub(super) journal: Journal,
    pub(super) clock: Clock,
    pub(super) stream_queues: Arc<StreamQueues>,
    pub(super) recalls: Arc<Recalls>,
    directories: Arc<Directories>,
    limits: ActorLimits,
}

impl CommandBus {
    /// A bus whose actors run on the given event loops, or on the caller's own where none are given, within the built-in
    /// limits.
    #[must_use]
    pub fn new(journal: Journal, clock: Clock, arbiters: Arc<[ArbiterHandle]>) -> Self {
        Self::with_limits(journal, clock, arbiters, ActorLimits::default())
    }

    /// A bus whose actors run on the given event loops, or on the caller's own where none are given, within these limits.
    #[must_use]
    pub fn with_limits(journal: Journal, clock: Clock, arbiters: Arc<[ArbiterHandle]>, limits: ActorLimits) -> Self {
        let directories = Arc::new(Directories::new(&journal, &clock, &arbiters, limits));
        // Not held by the journal, which the directories hold: a bus that is dropped must free both.
        let listening = Arc::downgrade(&directories);
        journal.on_publish(Arc::new(move |events: &[Arc<RecordedEvent>]| {
            let Some(listening) = listening.upgrade() else { return };
            for event in events {
                listening.note_published(event);
            }
        }));
        Self {
            journal,
            clock,
            stream_queues: Arc::new(StreamQueues::new()),
            recalls: Arc::default(),
            directories,
            limits,
        }
    }

    /// The journal behind it.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The requests that can be taken back.
    #[must_use]
    pub fn recalls(&self) -> &Arc<Recalls> {
        &self.recalls
    }

    /// The directories, for counting.
    #[must_use]
    pub fn directories(&self) -> &Directories {
        &self.directories
    }

    /// Lets idle actors go, as often as the limits say, until `stop` turns true. Memory is each node's own, so every node
    /// does it for itself.
    pub async fn sweep_idle(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(self.limits.idle_sweep_interval()) => self.directories.sweep(),
                _ = stop.changed() => {}
            }
        }
    }

    /// Has one aggregate decide a command; answers when what it decided is durable.
    ///
    /// # Errors
    /// A refusal, a duplicate, a taken claim, overload or an unavailable journal; [`BusError::TooLarge`],
    /// [`BusError::Panicked`], [`BusError::Fault`] or [`BusError::Unreadable`]. Nothing is recorded then, except after
    /// [`BusError::Uncertain`]: nobody can say then, and only under an idempotency key may it be sent again unseen.
    pub async fn execute<D: Hosted>(
        &self,
        id: &str,
        command: D::Command,
        origin: &Origin,
    ) -> Result<Done<D::Event>, BusError<D::Refusal>> {
        self.execute_under::<D>(None, id, command, origin).await
    }

    /// Has one aggregate decide a command whose events are recorded only while the fence holds. Only what is recorded was
    /// compared with it: who is answered anything else than that must be looked at again first.
    ///
    /// # Errors
    /// As [`CommandBus::execute`]; [`BusError::Fenced`] where the fence fell.
    pub async fn execute_under<D: Hosted>(
        &self,
        fence: Option<&Fence>,
        id: &str,
        command: D::Command,
        origin: &Origin,
    ) -> Result<Done<D::Event>, BusError<D::Refusal>> {
        let span = tracing::info_span!(
            target: SPANS,
            "command",
            otel.name = origin.command,
            command.name = origin.command,
            aggregate = D::TYPE,
            surface = origin.surface,
            correlation.id = origin.correlation,
            outcome = Empty,
            position = Empty,
        );
        let outcome = self.carry::<D>(fence, id, command, origin, &span).instrument(span.clone()).await;
        if !span.is_disabled() {
            match &outcome {
                Ok(Done { position: Some(position), .. }) => {
                    span.record("outcome", "recorded").record("position", position.0);
                }
                Ok(Done { position: None, .. }) => {
                    span.record("outcome", "unchanged");
                }
                Err(error) => {
                    span.record("outcome", error.word());
                }
            }
        }
        outcome
    }

    async fn carry<D: Hosted>(
        &self,
        fence: Option<&Fence>,
        id: &str,
        command: D::Command,
        origin: &Origin,
        span: &tracing::Span,
    ) -> Result<Done<D::Event>, BusError<D::Refusal>> {
        let command = Arc::new(command);
        let metadata = origin.to_metadata();
        let correlation: Arc<str> = Arc::from(origin.correlation.as_str());
        let recall = self.recalls.of(&origin.correlation);
        let mut was_confirmed = false;
        for _ in 0..HANDOVERS_MAX {
            let ask = |reply| {
                Execute(Pending::<D> {
                    command: Arc::clone(&command),
                    metadata: Arc::clone(&metadata),
                    correlation: Arc::clone(&correlation),
                    span: span.clone(),
                    fence: fence.cloned(),
                    reply,
                    recall: recall.clone(),
                    races_lost: 0,
                })
            };
            let Some((outcome, flags)) = self.hand_over::<D, _, _>(id, ask).await? else { continue };
            let recorded = matches!(&outcome, Ok(done) if done.position.is_some());
            // What may be recorded must not be decided again, nor be told to have done nothing because the database is gone.
            let is_open = matches!(&outcome, Err(BusError::Uncertain(_)));
            if !recorded && !is_open {
                // What changes nothing was not checked by an append: make sure no other node knows better.
                self.journal.confirm_head().await.map_err(|error| BusError::from_journal(&error))?;
                // Decided after that it rests on everything that was acknowledged before the command came; that another node
                // goes on writing makes it no older.
                let was_confirmed_before = std::mem::replace(&mut was_confirmed, true);
                if flags.is_leaving() || (flags.is_stale() && !was_confirmed_before) {
                    continue;
                }
            }
            return outcome;
        }
        Err(BusError::Unavailable(format!("{}/{id} changes too fast", D::TYPE)))
    }

    /// The state of one aggregate and its version, from its actor, or from the cache where nothing has changed.
    ///
    /// # Errors
    /// Overload or an unavailable journal.
    pub async fn state<D: Hosted>(&self, id: &str) -> Result<Folded<D>, BusError<D::Refusal>> {
        self.ask_state(id).instrument(tracing::info_span!(target: SPANS, "state", aggregate = D::TYPE)).await
    }

    async fn ask_state<D: Hosted>(&self, id: &str) -> Result<Folded<D>, BusError<D::Refusal>> {
        if let Some(cached) = D::directory(&self.directories).cached_state(id) {
            return Ok(cached);
        }
        for _ in 0..HANDOVERS_MAX {
            let Some((state, flags)) = self.hand_over::<D, _, _>(id, GetState::<D>).await? else { continue };
            if !flags.is_leaving() {
                return state;
            }
        }
        Err(BusError::Unavailable(format!("{}/{id} does not answer", D::TYPE)))
    }

    /// Hands a message to the actor of an id and waits for its answer; `None` where the actor was just leaving memory, so that
    /// it has neither decided nor told anything and another takes its place.
    async fn hand_over<D, M, A>(
        &self,
        id: &str,
        message: impl FnOnce(oneshot::Sender<A>) -> M,
    ) -> Result<Option<(A, Arc<ActorFlags>)>, BusError<D::Refusal>>
    where
        D: Hosted,
        M: Message<Result = ()> + Send + 'static,
        AggregateActor<D>: Actor<Context = Context<AggregateActor<D>>> + Handler<M>,
    {
        let directory = D::directory(&self.directories);
        let (address, flags) = directory.find(id);
        if !flags.enter(self.limits.mailbox_commands_max) {
            return Err(BusError::Overloaded);
        }
        let (reply, answer) = oneshot::channel();
        match address.try_send(message(reply)) {
            Ok(()) => {}
            Err(SendError::Full(_)) => return Err(BusError::Overloaded),
            Err(SendError::Closed(_)) => {
                directory.forget(id, &flags);
                return Ok(None);
            }
        }
        let Ok(answer) = answer.await else {
            directory.forget(id, &flags);
            let is_retired = flags.retired.load(Ordering::Acquire);
            return if is_retired { Ok(None) } else { Err(died::<D, _>(id)) };
        };
        Ok(Some((answer, flags)))
    }
}

/// An actor that ended out of order, by a panic that nobody caught: the log has its place. The next who asks starts
/// another. Whoever's append was in flight is told that himself: what this is said of was not recorded.
fn died<D: Decider, R>(id: &str) -> BusError<R> {
    BusError::Panicked { stream: StreamId::new(D::TYPE, id), place: "a place outside of its handlers".to_owned() }
}
