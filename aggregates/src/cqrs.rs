//! Makes each [`Decider`] a `cqrs_es::Aggregate`. The only file that names `cqrs_es`.
//!
//! Only its event-store mode is right: `EventSink::write` applies each event at once, and the snapshot and
//! aggregate modes of 0.5 apply it again.

use std::fmt;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent as CqrsDomainEvent};
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, DomainEvent, Facts};

/// A [`Decider`] as cqrs-es knows aggregates. Serialises as the state alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent, bound = "D: Decider")]
pub struct CqrsAggregate<D> {
    /// The state.
    pub state: D,
}

/// A command with the facts it is decided on; cqrs-es has no other door for them.
#[derive(Debug, Clone)]
pub struct CqrsCommand<C> {
    /// The command.
    pub command: C,
    /// The facts.
    pub facts: Facts,
}

/// An event as cqrs-es knows them. Serialises as the event alone, which is what our journal holds too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "E: DomainEvent")]
pub struct CqrsEvent<E>(
    /// The event.
    pub E,
);

impl<E: DomainEvent + PartialEq + fmt::Debug> CqrsDomainEvent for CqrsEvent<E> {
    fn event_type(&self) -> String {
        self.0.event_type().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.event_version().to_owned()
    }
}

impl<D> Aggregate for CqrsAggregate<D>
where
    D: Decider,
    D::Event: PartialEq + fmt::Debug,
{
    const TYPE: &'static str = D::TYPE;
    type Command = CqrsCommand<D::Command>;
    type Event = CqrsEvent<D::Event>;
    type Error = D::Refusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        // Decided once and whole, on the state before any of its own events.
        for event in self.state.decide(&command.command, &command.facts)? {
            sink.write(CqrsEvent(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.state.evolve(&event.0);
    }
}
