//! The only shape of a rule test: given these events, when this command comes, then these events or this refusal.

use std::fmt::Debug;

use chrono::{DateTime, Duration, TimeZone, Utc};

use crate::decider::{Decider, Facts, Refuse};

/// The instant tests begin at: Monday, 8 June 2026, noon.
pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 8, 12, 0, 0).unwrap()
}

/// So many seconds after [`noon`].
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    noon() + Duration::seconds(seconds)
}

/// The state that a history leads to.
pub(crate) fn fold<D: Decider>(events: &[D::Event]) -> D {
    let mut state = D::default();
    for event in events {
        state.evolve(event);
    }
    state
}

/// A history, and the commands that are tried on it.
#[derive(Clone)]
pub(crate) struct Specification<D: Decider> {
    pub(crate) state: D,
    now: DateTime<Utc>,
}

/// Begins with a history.
pub(crate) fn given<D: Decider>(events: &[D::Event]) -> Specification<D> {
    Specification { state: fold(events), now: noon() }
}

impl<D: Decider> Specification<D>
where
    D::Event: Debug + PartialEq,
    D::Refusal: PartialEq,
{
    /// Sets the clock to so many seconds after noon.
    pub(crate) fn at(mut self, seconds: i64) -> Self {
        self.now = at(seconds);
        self
    }

    /// A command that is allowed becomes part of the history.
    pub(crate) fn and(mut self, command: impl Into<D::Command>) -> Self {
        let command = command.into();
        let events = self.state.decide(&command, &Facts { now: self.now }).expect("a step of the history is allowed");
        for event in &events {
            self.state.evolve(event);
        }
        self
    }

    /// Tries a command.
    pub(crate) fn when(&self, command: impl Into<D::Command>) -> Outcome<D> {
        Outcome(self.state.decide(&command.into(), &Facts { now: self.now }))
    }
}

/// What came of a command.
pub(crate) struct Outcome<D: Decider>(pub(crate) Result<Vec<D::Event>, D::Refusal>);

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Refusal: PartialEq,
{
    #[track_caller]
    pub(crate) fn then(self, events: &[D::Event]) {
        assert_eq!(self.0, Ok(events.to_vec()));
    }

    #[track_caller]
    pub(crate) fn then_nothing(self) {
        assert_eq!(self.0, Ok(Vec::new()));
    }

    #[track_caller]
    pub(crate) fn then_refused(self, reason: &str) {
        match self.0 {
            Ok(events) => panic!("expected the refusal {reason}, got {events:?}"),
            Err(refusal) => assert_eq!(refusal.reason(), reason, "{refusal}"),
        }
    }

    #[track_caller]
    pub(crate) fn events(self) -> Vec<D::Event> {
        match self.0 {
            Ok(events) => events,
            Err(refusal) => panic!("refused: {refusal}"),
        }
    }
}
