//! The roster of an installation: who holds the roles that must never die out, and whether it was bootstrapped.
//! One stream, `roster/main`; every append that gives or takes such a role writes it too.
//!
//! What it protects:
//! 1. Once somebody holds `keeper` or `admin`, somebody always does, whatever races.
//! 2. An installation is bootstrapped once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::{AccountId, GrantId, PersonaId};

/// Id of the one stream.
pub const ROSTER_ID: &str = "main";

/// The role of whoever looks after the server.
pub const KEEPER: &str = "keeper";
/// The role of whoever looks after accounts, roles and the audit.
pub const ADMIN: &str = "admin";
/// The roles that must never die out.
pub const LASTING_ROLES: [&str; 2] = [KEEPER, ADMIN];

/// Whether a role held everywhere is one of those that must never die out.
#[must_use]
pub fn is_lasting(role: &str) -> bool {
    LASTING_ROLES.contains(&role)
}

/// Takes the lock of the bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The first account.
    pub account: AccountId,
    /// Its persona.
    pub persona: PersonaId,
}

/// Notes a new holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admit {
    /// The role.
    pub role: String,
    /// The grant.
    pub grant: GrantId,
    /// Who holds it.
    pub persona: PersonaId,
    /// The account of that persona.
    pub account: AccountId,
    /// When it ends by itself: then it is not counted on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Notes that a grant ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// The grant.
    pub grant: GrantId,
}

/// Everything a roster can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterCommand {
    /// See [`Found`].
    Found(Found),
    /// See [`Admit`].
    Admit(Admit),
    /// See [`Leave`].
    Leave(Leave),
}

from_each!(RosterCommand: Found, Admit, Leave);

/// The installation was bootstrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterFounded {
    /// The first account.
    pub account: AccountId,
    /// Its persona.
    pub persona: PersonaId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Somebody holds a lasting role from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterAdmitted {
    /// The role.
    pub role: String,
    /// The grant.
    pub grant: GrantId,
    /// Who holds it.
    pub persona: PersonaId,
    /// The account of that persona.
    pub account: AccountId,
    /// When it ends by itself: then it is not counted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Somebody no longer holds a lasting role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterLeft {
    /// The role.
    pub role: String,
    /// The grant.
    pub grant: GrantId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterEvent {
    /// See [`RosterFounded`].
    Founded(RosterFounded),
    /// See [`RosterAdmitted`].
    Admitted(RosterAdmitted),
    /// See [`RosterLeft`].
    Left(RosterLeft),
}

impl DomainEvent for RosterEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Founded(_) => "roster.founded",
            Self::Admitted(_) => "roster.admitted",
            Self::Left(_) => "roster.left",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Founded(_) | Self::Admitted(_) | Self::Left(_) => "1.0",
        }
    }
}

/// Why a roster said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterRefusal {
    /// The installation is bootstrapped.
    #[error("the installation is bootstrapped already")]
    AlreadyFounded,
    /// Nobody would hold the role any more.
    #[error("nobody else holds the role {role}")]
    LastHolder {
        /// The role.
        role: String,
    },
}

impl Refuse for RosterRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyFounded => "already_bootstrapped",
            Self::LastHolder { .. } => "last_holder",
        }
    }
}

/// Somebody who holds a lasting role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The role.
    pub role: String,
    /// The grant.
    pub grant: GrantId,
    /// Who holds it.
    pub persona: PersonaId,
    /// The account of that persona.
    pub account: AccountId,
    /// When it ends by itself: then it is not counted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// The state of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Roster {
    founded: bool,
    holders: Vec<Holder>,
}

impl Roster {
    /// Whether the installation was bootstrapped.
    #[must_use]
    pub fn is_founded(&self) -> bool {
        self.founded
    }

    /// Who holds a role, in the order they came to it, also for a while only: those whose time has passed too.
    pub fn holders(&self, role: &str) -> impl Iterator<Item = &Holder> {
        self.holders.iter().filter(move |holder| holder.role == role)
    }

    /// All holders of an account.
    pub fn of_account(&self, account: &AccountId) -> impl Iterator<Item = &Holder> {
        self.holders.iter().filter(move |holder| holder.account == *account)
    }
}

impl Decider for Roster {
    const TYPE: &'static str = "roster";
    const SNAPSHOT_SCHEMA: u32 = 2;

    type Command = RosterCommand;
    type Event = RosterEvent;
    type Refusal = RosterRefusal;

    fn decide(&self, command: &RosterCommand, facts: &Facts) -> Result<Vec<RosterEvent>, RosterRefusal> {
        match command {
            RosterCommand::Found(_) if self.founded => Err(RosterRefusal::AlreadyFounded),
            RosterCommand::Found(found) => Ok(vec![RosterEvent::Founded(RosterFounded {
                account: found.account.clone(),
                persona: found.persona.clone(),
                at: facts.now,
            })]),
            RosterCommand::Admit(admit) if self.holders.iter().any(|holder| holder.grant == admit.grant) => {
                Ok(Vec::new())
            }
            RosterCommand::Admit(admit) => Ok(vec![RosterEvent::Admitted(RosterAdmitted {
                role: admit.role.clone(),
                grant: admit.grant.clone(),
                persona: admit.persona.clone(),
                account: admit.account.clone(),
                expires_at: admit.expires_at,
                at: facts.now,
            })]),
            RosterCommand::Leave(leave) => {
                let Some(leaving) = self.holders.iter().find(|holder| holder.grant == leave.grant) else {
                    return Ok(Vec::new());
                };
                // Who holds it for a while only must not be counted on: then the last other holder could go.
                let lasting = self.holders(&leaving.role).filter(|holder| holder.expires_at.is_none()).count();
                if leaving.expires_at.is_none() && lasting == 1 {
                    return Err(RosterRefusal::LastHolder { role: leaving.role.clone() });
                }
                Ok(vec![RosterEvent::Left(RosterLeft {
                    role: leaving.role.clone(),
                    grant: leave.grant.clone(),
                    at: facts.now,
                })])
            }
        }
    }

    fn evolve(&mut self, event: &RosterEvent) {
        match event {
            RosterEvent::Founded(_) => self.founded = true,
            RosterEvent::Admitted(admitted) => self.holders.push(Holder {
                role: admitted.role.clone(),
                grant: admitted.grant.clone(),
                persona: admitted.persona.clone(),
                account: admitted.account.clone(),
                expires_at: admitted.expires_at,
            }),
            RosterEvent::Left(left) => self.holders.retain(|holder| holder.grant != left.grant),
        }
    }
}

#[cfg(test)]
mod tests;
