//! Commands and events of an account. The account's id is the stream's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::DomainEvent;
use crate::ids::{CredentialId, PersonaId};
use crate::record::StreamId;
use crate::sealed::{Sealed, SubjectId};
use crate::session::SessionKind;

/// Makes the account of somebody who has just proved an e-mail; the e-mail is verified by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterByEmail {
    /// Username, lower-cased.
    pub username: String,
    /// E-mail, normalised before it was sealed.
    pub email: Sealed,
    /// Whose key seals the e-mail.
    pub subject: SubjectId,
    /// The first persona.
    pub persona: PersonaId,
}

/// Somebody has proved the account's e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyEmail {}

/// Notes a session opened, and ends the oldest of its kind beyond the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The session.
    pub session: CredentialId,
    /// Its kind.
    pub kind: SessionKind,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// How many of its kind may be open, this one included; at least 1.
    pub max_sessions: u32,
}

/// Notes a session closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseSession {
    /// The session.
    pub session: CredentialId,
    /// Why, one word: `logout`, `revoked`.
    pub reason: String,
}

/// Ends the account and everything that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// Why; nothing personal.
    pub reason: String,
}

/// Everything an account can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountCommand {
    /// See [`RegisterByEmail`].
    RegisterByEmail(RegisterByEmail),
    /// See [`VerifyEmail`].
    VerifyEmail(VerifyEmail),
    /// See [`OpenSession`].
    OpenSession(OpenSession),
    /// See [`CloseSession`].
    CloseSession(CloseSession),
    /// See [`Erase`].
    Erase(Erase),
}

from_each!(AccountCommand: RegisterByEmail, VerifyEmail, OpenSession, CloseSession, Erase);

/// The account came into being, its e-mail not proved yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRegistered {
    /// Username, lower-cased.
    pub username: String,
    /// E-mail, normalised before it was sealed.
    pub email: Sealed,
    /// Whose key seals the e-mail.
    pub subject: SubjectId,
    /// The first persona.
    pub persona: PersonaId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The e-mail was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailVerified {
    /// The e-mail.
    pub email: Sealed,
    /// Whose key seals it.
    pub subject: SubjectId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A session was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// The session.
    pub session: CredentialId,
    /// Its kind.
    pub kind: SessionKind,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A session was ended because newer ones fill the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEvicted {
    /// The session.
    pub session: CredentialId,
    /// The one that was opened.
    pub evicted_by: CredentialId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A session was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClosed {
    /// The session.
    pub session: CredentialId,
    /// Why, one word.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The account ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountErased {
    /// The username that is free again.
    pub username: String,
    /// Whose key is to be destroyed with it.
    pub subject: SubjectId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEvent {
    /// See [`AccountRegistered`].
    Registered(AccountRegistered),
    /// See [`EmailVerified`].
    EmailVerified(EmailVerified),
    /// See [`SessionOpened`].
    SessionOpened(SessionOpened),
    /// See [`SessionEvicted`].
    SessionEvicted(SessionEvicted),
    /// See [`SessionClosed`].
    SessionClosed(SessionClosed),
    /// See [`AccountErased`].
    Erased(AccountErased),
}

/// Scope of the claim that makes an e-mail one account's.
pub const ACCOUNT_EMAIL_CLAIM: &str = "account-email";
/// Scope of the claim that makes a username one account's.
pub const ACCOUNT_USERNAME_CLAIM: &str = "account-username";

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Registered(_) => "account.registered",
            Self::EmailVerified(_) => "account.email_verified",
            Self::SessionOpened(_) => "account.session_opened",
            Self::SessionEvicted(_) => "account.session_evicted",
            Self::SessionClosed(_) => "account.session_closed",
            Self::Erased(_) => "account.erased",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Registered(_)
            | Self::EmailVerified(_)
            | Self::SessionOpened(_)
            | Self::SessionEvicted(_)
            | Self::SessionClosed(_)
            | Self::Erased(_) => "1.0",
        }
    }

    fn claims(&self, _stream: &StreamId) -> Vec<ClaimChange> {
        match self {
            Self::Registered(registered) => vec![
                ClaimChange::Take { scope: ACCOUNT_EMAIL_CLAIM, key: ClaimKey::Sealed(registered.email.clone()) },
                ClaimChange::Take { scope: ACCOUNT_USERNAME_CLAIM, key: username_key(&registered.username) },
            ],
            // The e-mail's claim goes with the subject's key: the journal frees it where the key is destroyed.
            Self::Erased(erased) => {
                vec![ClaimChange::Release { scope: ACCOUNT_USERNAME_CLAIM, key: username_key(&erased.username) }]
            }
            Self::EmailVerified(_) | Self::SessionOpened(_) | Self::SessionEvicted(_) | Self::SessionClosed(_) => {
                Vec::new()
            }
        }
    }
}

fn username_key(username: &str) -> ClaimKey {
    ClaimKey::Clear(username.to_lowercase())
}
