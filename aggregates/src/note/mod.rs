//! A note that an operator, or a program of theirs, adds to the audit: an event of a type that is theirs and not ours
//! (spec/accounts-and-offers.md section 6.6). One stream a note, so that notes contend with nobody.
//!
//! What it protects: a note is written once and stands. Its type and its metadata are not judged here: one that drifted
//! from its registration is recorded all the same, and counted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::AccountId;

/// Records a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The audit's event type, for example `lesson.held`.
    pub what: String,
    /// Whether it tells of a failure.
    pub is_failure: bool,
    /// The account that did it, where there is one.
    pub account: Option<AccountId>,
    /// The account it was done to, where there is one.
    pub target_account: Option<AccountId>,
    /// What an investigator should know; nothing personal, for it is kept in clear.
    pub details: Option<BTreeMap<String, Value>>,
}

/// Everything a note can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteCommand {
    /// See [`Record`].
    Record(Record),
}

from_each!(NoteCommand: Record);

/// Something happened that an operator wants in the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRecorded {
    /// The audit's event type.
    pub what: String,
    /// Whether it tells of a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_failure: bool,
    /// The account that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The account it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_account: Option<AccountId>,
    /// What an investigator should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<BTreeMap<String, Value>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteEvent {
    /// See [`NoteRecorded`].
    Recorded(NoteRecorded),
}

impl DomainEvent for NoteEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Recorded(_) => "note.recorded",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Recorded(_) => "1.0",
        }
    }
}

/// Why a note said no: it never does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteRefusal {}

impl Refuse for NoteRefusal {
    fn reason(&self) -> &'static str {
        match *self {}
    }
}

/// The state of one note.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Note {
    recorded: Option<NoteRecorded>,
}

impl Decider for Note {
    const TYPE: &'static str = "note";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = NoteCommand;
    type Event = NoteEvent;
    type Refusal = NoteRefusal;

    fn decide(&self, command: &NoteCommand, facts: &Facts) -> Result<Vec<NoteEvent>, NoteRefusal> {
        match command {
            NoteCommand::Record(_) if self.recorded.is_some() => Ok(Vec::new()),
            NoteCommand::Record(record) => Ok(vec![NoteEvent::Recorded(NoteRecorded {
                what: record.what.clone(),
                is_failure: record.is_failure,
                account: record.account.clone(),
                target_account: record.target_account.clone(),
                details: record.details.clone(),
                at: facts.now,
            })]),
        }
    }

    fn evolve(&mut self, event: &NoteEvent) {
        match event {
            NoteEvent::Recorded(recorded) => self.recorded = Some(recorded.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
