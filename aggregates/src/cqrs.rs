//! Makes each [`Decider`] a `cqrs_es::Aggregate`. The only file here that names `cqrs_es`.
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

#[cfg(test)]
mod tests {
    use cqrs_es::test::TestFramework;

    use super::*;
    use crate::scheduler::{Scheduler, SchedulerCommand, SchedulerEvent, SchedulerRefusal, Tick, Ticked};
    use crate::specification::at;

    fn ticked(seconds: i64) -> CqrsEvent<SchedulerEvent> {
        CqrsEvent(SchedulerEvent::Ticked(Ticked { interval_seconds: 60, at: at(seconds) }))
    }

    fn tick(seconds: i64) -> CqrsCommand<SchedulerCommand> {
        CqrsCommand { command: Tick { interval_seconds: 60 }.into(), facts: Facts { now: at(seconds) } }
    }

    #[test]
    fn an_aggregate_of_ours_answers_as_one_of_cqrs_es() {
        let framework = || TestFramework::<CqrsAggregate<Scheduler>>::with(());
        framework().given_no_previous_events().when(tick(0)).then_expect_events(vec![ticked(0)]);
        framework().given(vec![ticked(0)]).when(tick(60)).then_expect_events(vec![ticked(60)]);
        framework()
            .given(vec![ticked(0)])
            .when(tick(59))
            .then_expect_error(SchedulerRefusal::NotDue { due_at: at(60) });
    }

    #[test]
    fn several_events_of_one_decision_are_written_in_order() {
        use crate::account::{Account, AccountCommand, AccountEvent, RegisterByEmail};
        use crate::ids::PersonaId;
        use crate::sealed::{Sealed, SubjectId};
        let command: AccountCommand = RegisterByEmail {
            invite: None,
            username: "ana".to_owned(),
            email: Sealed::from_text("sealed"),
            subject: SubjectId("s".to_owned()),
            persona: PersonaId("p".to_owned()),
        }
        .into();
        let events = TestFramework::<CqrsAggregate<Account>>::with(())
            .given_no_previous_events()
            .when(CqrsCommand { command, facts: Facts { now: at(0) } })
            .inspect_result()
            .unwrap();
        assert!(matches!(
            events[..],
            [CqrsEvent(AccountEvent::Registered(_)), CqrsEvent(AccountEvent::EmailVerified(_))]
        ));
    }

    #[test]
    fn the_adapter_stores_what_the_journal_stores() {
        let event = ticked(0);
        assert_eq!(serde_json::to_string(&event).unwrap(), serde_json::to_string(&event.0).unwrap());
        let aggregate = CqrsAggregate { state: Scheduler::default() };
        assert_eq!(serde_json::to_string(&aggregate).unwrap(), serde_json::to_string(&aggregate.state).unwrap());
    }
}
