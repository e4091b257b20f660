//! An attempt that was refused and that an investigator will ask for: a wrong password, a guess at somebody else's
//! session, an offer without the right to make it. One stream an attempt, so that attackers contend with nobody.
//!
//! What it protects: the record of a refusal is the only thing a refused command leaves behind.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::{AccountId, PersonaId};
use crate::sealed::Sealed;

/// Records a refused attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The audit's event type, for example `login`.
    pub what: String,
    /// The account that tried, where one is known and the credential does not say.
    pub account: Option<AccountId>,
    /// The account it was aimed at, where there is one.
    pub target_account: Option<AccountId>,
    /// The persona it was aimed at.
    pub target_persona: Option<PersonaId>,
    /// What an investigator should know, nothing personal in it.
    pub details: BTreeMap<String, Value>,
    /// Personal details.
    pub sealed: BTreeMap<String, Sealed>,
}

/// Everything an attempt can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptCommand {
    /// See [`Record`].
    Record(Record),
}

from_each!(AttemptCommand: Record);

/// Somebody tried and was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRefused {
    /// The audit's event type.
    pub what: String,
    /// The account that tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The account it was aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_account: Option<AccountId>,
    /// The persona it was aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_persona: Option<PersonaId>,
    /// What an investigator should know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Value>,
    /// Personal details.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<String, Sealed>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEvent {
    /// See [`AttemptRefused`].
    Refused(AttemptRefused),
}

impl DomainEvent for AttemptEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Refused(_) => "attempt.refused",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Refused(_) => "1.0",
        }
    }
}

/// Why an attempt said no: it never does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttemptRefusal {}

impl Refuse for AttemptRefusal {
    fn reason(&self) -> &'static str {
        match *self {}
    }
}

/// The state of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempt {
    refused: Option<AttemptRefused>,
}

impl Decider for Attempt {
    const TYPE: &'static str = "attempt";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = AttemptCommand;
    type Event = AttemptEvent;
    type Refusal = AttemptRefusal;

    fn decide(&self, command: &AttemptCommand, facts: &Facts) -> Result<Vec<AttemptEvent>, AttemptRefusal> {
        match command {
            AttemptCommand::Record(_) if self.refused.is_some() => Ok(Vec::new()),
            AttemptCommand::Record(record) => Ok(vec![AttemptEvent::Refused(AttemptRefused {
                what: record.what.clone(),
                account: record.account.clone(),
                target_account: record.target_account.clone(),
                target_persona: record.target_persona.clone(),
                details: record.details.clone(),
                sealed: record.sealed.clone(),
                at: facts.now,
            })]),
        }
    }

    fn evolve(&mut self, event: &AttemptEvent) {
        match event {
            AttemptEvent::Refused(refused) => self.refused = Some(refused.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
