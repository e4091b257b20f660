//! An invitation: permission for one sign-up, addressed to an e-mail, a username or both.
//!
//! What it protects:
//! 1. It is claimed by at most one account, and deleted only while unclaimed.
//! 2. At most one unclaimed invitation an e-mail, and one a username (claims `invite-email`, `invite-username`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::{AccountId, PersonaId};
use crate::record::StreamId;
use crate::sealed::{Sealed, SubjectId};

/// Scope of the claim on an invited e-mail.
pub const INVITE_EMAIL_CLAIM: &str = "invite-email";
/// Scope of the claim on an invited username.
pub const INVITE_USERNAME_CLAIM: &str = "invite-username";

/// An invited e-mail, in the two forms that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedEmail {
    /// As it was given.
    pub given: Sealed,
    /// Normalised, by which it is told apart.
    pub key: Sealed,
    /// Whose key seals both.
    pub subject: SubjectId,
}

/// Invites somebody; at least one of the two must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The e-mail.
    pub email: Option<InvitedEmail>,
    /// The username, lower-cased.
    pub username: Option<String>,
    /// The persona that invites.
    pub created_by: PersonaId,
}

/// Uses the invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The account that was made by it.
    pub account: AccountId,
}

/// Takes the invitation back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {}

/// Everything an invitation can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InviteCommand {
    /// See [`Create`].
    Create(Create),
    /// See [`Claim`].
    Claim(Claim),
    /// See [`Delete`].
    Delete(Delete),
}

from_each!(InviteCommand: Create, Claim, Delete);

/// Somebody was invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCreated {
    /// The e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<InvitedEmail>,
    /// The username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The persona that invited.
    pub created_by: PersonaId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Somebody signed up by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteClaimed {
    /// The account.
    pub account: AccountId,
    /// The e-mail that is free for another invitation again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_key: Option<Sealed>,
    /// The username that is free again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// It was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteDeleted {
    /// The e-mail that is free again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_key: Option<Sealed>,
    /// The username that is free again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteEvent {
    /// See [`InviteCreated`].
    Created(InviteCreated),
    /// See [`InviteClaimed`].
    Claimed(InviteClaimed),
    /// See [`InviteDeleted`].
    Deleted(InviteDeleted),
}

fn releases(email: Option<&Sealed>, username: Option<&String>) -> Vec<ClaimChange> {
    let email =
        email.map(|key| ClaimChange::Release { namespace: INVITE_EMAIL_CLAIM, key: ClaimKey::Sealed(key.clone()) });
    let username = username
        .map(|name| ClaimChange::Release { namespace: INVITE_USERNAME_CLAIM, key: ClaimKey::Clear(name.clone()) });
    email.into_iter().chain(username).collect()
}

impl DomainEvent for InviteEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Created(_) => "invite.created",
            Self::Claimed(_) => "invite.claimed",
            Self::Deleted(_) => "invite.deleted",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Created(_) | Self::Claimed(_) | Self::Deleted(_) => "1.0",
        }
    }

    fn claims(&self, _stream: &StreamId) -> Vec<ClaimChange> {
        match self {
            Self::Created(created) => {
                let email = created.email.iter().map(|email| ClaimChange::Take {
                    namespace: INVITE_EMAIL_CLAIM,
                    key: ClaimKey::Sealed(email.key.clone()),
                });
                let username = created.username.iter().map(|name| ClaimChange::Take {
                    namespace: INVITE_USERNAME_CLAIM,
                    key: ClaimKey::Clear(name.clone()),
                });
                email.chain(username).collect()
            }
            Self::Claimed(claimed) => releases(claimed.email_key.as_ref(), claimed.username.as_ref()),
            Self::Deleted(deleted) => releases(deleted.email_key.as_ref(), deleted.username.as_ref()),
        }
    }
}

/// Why an invitation said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InviteRefusal {
    /// It names nobody.
    #[error("an invitation needs an e-mail or a username")]
    Empty,
    /// The stream has an invitation already.
    #[error("the invitation exists already")]
    AlreadyCreated,
    /// There is none, or it was claimed or deleted.
    #[error("there is no such open invitation")]
    NotFound,
}

impl Refuse for InviteRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "invalid_field",
            Self::AlreadyCreated => "invite_exists",
            Self::NotFound => "invite_not_found",
        }
    }
}

/// The state of one invitation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Invite {
    created: Option<InviteCreated>,
    claimed_by: Option<AccountId>,
    deleted: bool,
}

impl Invite {
    /// How it was made; `None` before that.
    #[must_use]
    pub fn created(&self) -> Option<&InviteCreated> {
        self.created.as_ref()
    }

    /// Whether somebody may still sign up by it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.created.is_some() && self.claimed_by.is_none() && !self.deleted
    }

    /// Whose sign-up or application used it up.
    #[must_use]
    pub fn claimed_by(&self) -> Option<&AccountId> {
        self.claimed_by.as_ref()
    }

    fn open(&self) -> Result<&InviteCreated, InviteRefusal> {
        self.created.as_ref().filter(|_| self.is_open()).ok_or(InviteRefusal::NotFound)
    }
}

impl Decider for Invite {
    const TYPE: &'static str = "invite";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = InviteCommand;
    type Event = InviteEvent;
    type Refusal = InviteRefusal;

    fn decide(&self, command: &InviteCommand, facts: &Facts) -> Result<Vec<InviteEvent>, InviteRefusal> {
        match command {
            InviteCommand::Create(_) if self.created.is_some() => Err(InviteRefusal::AlreadyCreated),
            InviteCommand::Create(create) if create.email.is_none() && create.username.is_none() => {
                Err(InviteRefusal::Empty)
            }
            InviteCommand::Create(create) => Ok(vec![InviteEvent::Created(InviteCreated {
                email: create.email.clone(),
                username: create.username.clone(),
                created_by: create.created_by.clone(),
                at: facts.now,
            })]),
            InviteCommand::Claim(claim) => {
                let open = self.open()?;
                Ok(vec![InviteEvent::Claimed(InviteClaimed {
                    account: claim.account.clone(),
                    email_key: open.email.as_ref().map(|email| email.key.clone()),
                    username: open.username.clone(),
                    at: facts.now,
                })])
            }
            InviteCommand::Delete(_) => {
                let open = self.open()?;
                Ok(vec![InviteEvent::Deleted(InviteDeleted {
                    email_key: open.email.as_ref().map(|email| email.key.clone()),
                    username: open.username.clone(),
                    at: facts.now,
                })])
            }
        }
    }

    fn evolve(&mut self, event: &InviteEvent) {
        match event {
            InviteEvent::Created(created) => self.created = Some(created.clone()),
            InviteEvent::Claimed(claimed) => self.claimed_by = Some(claimed.account.clone()),
            InviteEvent::Deleted(_) => self.deleted = true,
        }
    }
}

#[cfg(test)]
mod tests;
