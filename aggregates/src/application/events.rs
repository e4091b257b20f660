//! What can have happened to an application and the tokens of its company. The application's id is the stream's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::narrative::Narrative;
use super::state::ApplicationStatus;
use super::tokens::TokenGrant;
use crate::decider::DomainEvent;
use crate::ids::{CompanyId, CredentialId, FounderId};
use crate::sealed::{Sealed, SubjectId};

/// Company, founder and application came into being.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicationSubmitted {
    /// The company.
    pub company: CompanyId,
    /// Its name.
    pub company_name: String,
    /// The founder.
    pub founder: FounderId,
    /// The founder's name.
    pub founder_name: Sealed,
    /// The founder's e-mail, normalised.
    pub founder_email: Sealed,
    /// Whether a session proved the e-mail.
    pub founder_email_verified: bool,
    /// Whose key seals the founder's fields. An account is a founder when its verified e-mail has this subject.
    pub subject: SubjectId,
    /// Website as given.
    pub website: Option<String>,
    /// Narrative.
    pub narrative: Narrative,
    /// When.
    pub submitted_at: DateTime<Utc>,
}

/// A reviewer moved the application on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    /// The company.
    pub company: CompanyId,
    /// Where from.
    pub previous: ApplicationStatus,
    /// Where to.
    pub status: ApplicationStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The founder took the application back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationWithdrawn {
    /// The company.
    pub company: CompanyId,
    /// Where it stood.
    pub previous: ApplicationStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An agent token was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenIssued {
    /// The company it is bound to.
    pub company: CompanyId,
    /// The token.
    pub token: TokenGrant,
    /// When.
    pub at: DateTime<Utc>,
}

/// An agent token was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// The company it was bound to.
    pub company: CompanyId,
    /// The token.
    pub token: CredentialId,
    /// Its name.
    pub name: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An agent token got a successor. This one event makes the successor too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRotated {
    /// The company both are bound to.
    pub company: CompanyId,
    /// The old token.
    pub token: CredentialId,
    /// When the old one ends.
    pub ends_at: DateTime<Utc>,
    /// The successor, whole.
    pub replacement: TokenGrant,
    /// Who, as the wire shows it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationEvent {
    /// See [`ApplicationSubmitted`].
    Submitted(ApplicationSubmitted),
    /// See [`StatusChanged`].
    StatusChanged(StatusChanged),
    /// See [`ApplicationWithdrawn`].
    Withdrawn(ApplicationWithdrawn),
    /// See [`TokenIssued`].
    TokenIssued(TokenIssued),
    /// See [`TokenRevoked`].
    TokenRevoked(TokenRevoked),
    /// See [`TokenRotated`].
    TokenRotated(TokenRotated),
}

impl DomainEvent for ApplicationEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Submitted(_) => "application.submitted",
            Self::StatusChanged(_) => "application.status_changed",
            Self::Withdrawn(_) => "application.withdrawn",
            Self::TokenIssued(_) => "agent_token.issued",
            Self::TokenRevoked(_) => "agent_token.revoked",
            Self::TokenRotated(_) => "agent_token.rotated",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Submitted(_) => "1.1",
            Self::StatusChanged(_)
            | Self::Withdrawn(_)
            | Self::TokenIssued(_)
            | Self::TokenRevoked(_)
            | Self::TokenRotated(_) => "1.0",
        }
    }
}
