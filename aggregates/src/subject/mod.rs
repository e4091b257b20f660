//! A subject: whoever's key seals personal values. Its stream holds the one thing that can happen to it.
//!
//! What it protects: an erasure is recorded once, with who asked and why. The journal destroys the key and frees
//! the subject's claims in the transaction that appends the event.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};

/// Destroys what the subject's key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// Why; nothing personal.
    pub reason: String,
}

/// Everything a subject can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectCommand {
    /// See [`Erase`].
    Erase(Erase),
}

from_each!(SubjectCommand: Erase);

/// The subject's key was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectErased {
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectEvent {
    /// See [`SubjectErased`].
    Erased(SubjectErased),
}

impl DomainEvent for SubjectEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Erased(_) => "subject.erased",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Erased(_) => "1.0",
        }
    }
}

/// Why a subject said no: it never does. Erasing twice is erasing once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubjectRefusal {}

impl Refuse for SubjectRefusal {
    fn reason(&self) -> &'static str {
        match *self {}
    }
}

/// The state of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subject {
    erased_at: Option<DateTime<Utc>>,
}

impl Subject {
    /// When it was erased.
    #[must_use]
    pub fn erased_at(&self) -> Option<DateTime<Utc>> {
        self.erased_at
    }
}

impl Decider for Subject {
    const TYPE: &'static str = "subject";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = SubjectCommand;
    type Event = SubjectEvent;
    type Refusal = SubjectRefusal;

    fn decide(&self, command: &SubjectCommand, facts: &Facts) -> Result<Vec<SubjectEvent>, SubjectRefusal> {
        let SubjectCommand::Erase(erase) = command;
        if self.erased_at.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![SubjectEvent::Erased(SubjectErased { reason: erase.reason.clone(), at: facts.now })])
    }

    fn evolve(&mut self, event: &SubjectEvent) {
        let SubjectEvent::Erased(erased) = event;
        self.erased_at.get_or_insert(erased.at);
    }
}

#[cfg(test)]
mod tests;
