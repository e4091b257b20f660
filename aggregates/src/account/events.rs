//! What can have happened to an account. The account's id is the stream's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::DomainEvent;
use crate::ids::{CredentialId, InviteId, PersonaId};
use crate::record::StreamId;
use crate::sealed::{Sealed, SubjectId};
use crate::session::SessionKind;

/// By which way an account came into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By proving an e-mail with a code.
    EmailCode,
    /// By signing up with a password, on an invitation.
    Invite,
    /// By signing up with a password while anybody may.
    OpenSignup,
    /// As the first account of the installation.
    Bootstrap,
    /// By whoever has the server's files.
    Operator,
}

/// The account came into being, its e-mail not proved yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRegistered {
    /// Username, lower-cased.
    pub username: String,
    /// E-mail, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Sealed>,
    /// E-mail in normalised form, where that may differ from `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_key: Option<Sealed>,
    /// Whose key seals what is personal of it.
    pub subject: SubjectId,
    /// The first persona; it is named like the account.
    pub persona: PersonaId,
    /// By which way.
    pub via: Via,
    /// The password's PHC string, sealed; none where it signs in by e-mail code alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Sealed>,
    /// The invitation it claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<InviteId>,
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

/// A session that is used lasts longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionExtended {
    /// The session.
    pub session: CredentialId,
    /// When it ends from now on.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Every session of the account ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// How many had not run out.
    pub count: u32,
    /// Why, one word.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An API token was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenIssued {
    /// Its public id.
    pub token: CredentialId,
    /// Its name.
    pub name: String,
    /// Hash of the whole raw token.
    pub secret_hash: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An API token was ended because newer ones fill the cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenEvicted {
    /// The token.
    pub token: CredentialId,
    /// The one that was made.
    pub evicted_by: CredentialId,
    /// When.
    pub at: DateTime<Utc>,
}

/// An API token was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenRevoked {
    /// The token.
    pub token: CredentialId,
    /// Why, one word.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Every API token of the account ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensEnded {
    /// How many had not run out.
    pub count: u32,
    /// Why, one word.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The password was changed; every session and token of the account ended with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// The new password's PHC string, sealed.
    pub password: Sealed,
    /// Sessions that had not run out.
    pub sessions_revoked: u32,
    /// Tokens that had not run out.
    pub tokens_revoked: u32,
    /// When.
    pub at: DateTime<Utc>,
}

/// The password no longer signs in; a new one has to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRemoved {
    /// Why, one word.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The account has one more persona.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonaAdded {
    /// The persona.
    pub persona: PersonaId,
    /// Its name.
    pub name: String,
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
#[expect(missing_docs, reason = "each variant's payload says what it means")]
pub enum AccountEvent {
    Registered(AccountRegistered),
    EmailVerified(EmailVerified),
    SessionOpened(SessionOpened),
    SessionExtended(SessionExtended),
    SessionEvicted(SessionEvicted),
    SessionClosed(SessionClosed),
    SessionsEnded(SessionsEnded),
    ApiTokenIssued(ApiTokenIssued),
    ApiTokenEvicted(ApiTokenEvicted),
    ApiTokenRevoked(ApiTokenRevoked),
    TokensEnded(TokensEnded),
    PasswordChanged(PasswordChanged),
    PasswordRemoved(PasswordRemoved),
    PersonaAdded(PersonaAdded),
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
            Self::SessionExtended(_) => "account.session_extended",
            Self::SessionEvicted(_) => "account.session_evicted",
            Self::SessionClosed(_) => "account.session_closed",
            Self::SessionsEnded(_) => "account.sessions_ended",
            Self::ApiTokenIssued(_) => "account.api_token_issued",
            Self::ApiTokenEvicted(_) => "account.api_token_evicted",
            Self::ApiTokenRevoked(_) => "account.api_token_revoked",
            Self::TokensEnded(_) => "account.tokens_ended",
            Self::PasswordChanged(_) => "account.password_changed",
            Self::PasswordRemoved(_) => "account.password_removed",
            Self::PersonaAdded(_) => "account.persona_added",
            Self::Erased(_) => "account.erased",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Registered(_) => "1.1",
            Self::EmailVerified(_)
            | Self::SessionOpened(_)
            | Self::SessionExtended(_)
            | Self::SessionEvicted(_)
            | Self::SessionClosed(_)
            | Self::SessionsEnded(_)
            | Self::ApiTokenIssued(_)
            | Self::ApiTokenEvicted(_)
            | Self::ApiTokenRevoked(_)
            | Self::TokensEnded(_)
            | Self::PasswordChanged(_)
            | Self::PasswordRemoved(_)
            | Self::PersonaAdded(_)
            | Self::Erased(_) => "1.0",
        }
    }

    fn claims(&self, _stream: &StreamId) -> Vec<ClaimChange> {
        match self {
            Self::Registered(registered) => {
                let key = registered.email_key.as_ref().or(registered.email.as_ref());
                let email = key.map(|key| ClaimChange::Take {
                    namespace: ACCOUNT_EMAIL_CLAIM,
                    key: ClaimKey::Sealed(key.clone()),
                });
                let username =
                    ClaimChange::Take { namespace: ACCOUNT_USERNAME_CLAIM, key: username_key(&registered.username) };
                email.into_iter().chain(std::iter::once(username)).collect()
            }
            // The e-mail's claim goes with the subject's key: the journal frees it where the key is destroyed.
            Self::Erased(erased) => {
                vec![ClaimChange::Release { namespace: ACCOUNT_USERNAME_CLAIM, key: username_key(&erased.username) }]
            }
            Self::EmailVerified(_)
            | Self::SessionOpened(_)
            | Self::SessionExtended(_)
            | Self::SessionEvicted(_)
            | Self::SessionClosed(_)
            | Self::SessionsEnded(_)
            | Self::ApiTokenIssued(_)
            | Self::ApiTokenEvicted(_)
            | Self::ApiTokenRevoked(_)
            | Self::TokensEnded(_)
            | Self::PasswordChanged(_)
            | Self::PasswordRemoved(_)
            | Self::PersonaAdded(_) => Vec::new(),
        }
    }
}

fn username_key(username: &str) -> ClaimKey {
    ClaimKey::Clear(username.to_lowercase())
}
