//! What an account can be asked. Ids, hashes and sealed values are made outside and come in.

use chrono::{DateTime, Utc};

use super::events::Via;
use crate::ids::{CredentialId, InviteId, PersonaId};
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
    /// The invitation it claims.
    pub invite: Option<InviteId>,
}

/// Makes an account that signs in with a password; nothing is proved about its e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Username, lower-cased.
    pub username: String,
    /// E-mail, where one was given.
    pub email: Option<AccountEmail>,
    /// Whose key seals what is personal of this account.
    pub subject: SubjectId,
    /// The first persona; it is named like the account.
    pub persona: PersonaId,
    /// The password's PHC string, sealed.
    pub password: Sealed,
    /// By which way.
    pub via: Via,
    /// The invitation it claims.
    pub invite: Option<InviteId>,
}

/// An e-mail in the two forms that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEmail {
    /// As it was given.
    pub given: Sealed,
    /// Normalised, by which it is told apart.
    pub key: Sealed,
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
    /// How many of its kind may be open, this one included; `None` for any number, 0 ends it at birth.
    pub max_sessions: Option<u32>,
}

/// Notes a session closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseSession {
    /// The session.
    pub session: CredentialId,
    /// Why, one word: `logout`, `revoked`.
    pub reason: String,
}

/// Notes that a session ran out. Nothing happens where it has not, or where none of that id is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireSession {
    /// The session.
    pub session: CredentialId,
}

/// Moves the end of a session that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendSession {
    /// The session.
    pub session: CredentialId,
    /// When it ends from now on.
    pub expires_at: DateTime<Utc>,
}

/// Ends every session at once. Recorded also where none is open: somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSessions {
    /// Why, one word.
    pub reason: String,
}

/// Makes an API token, and ends the oldest beyond the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueApiToken {
    /// Its public id.
    pub token: CredentialId,
    /// Its name.
    pub name: String,
    /// BLAKE3 of the whole raw token, 64 lower-case hex characters.
    pub secret_hash: String,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many may be held, this one included; `None` for any number, 0 ends it at birth.
    pub max_tokens: Option<u32>,
}

/// Ends an API token. Nothing happens where the account has none of that id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeApiToken {
    /// The token.
    pub token: CredentialId,
    /// Why, one word.
    pub reason: String,
}

/// Ends every API token at once. Recorded also where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndApiTokens {
    /// Why, one word.
    pub reason: String,
}

/// Changes the password after the current one was verified, and ends every session and token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePassword {
    /// The new password's PHC string, sealed.
    pub password: Sealed,
    /// The version of the password that was verified; another change in between refuses this one.
    pub verified_version: u64,
}

/// Sets the password without the current one, by whoever has the server's files, and ends every session and token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPassword {
    /// The new password's PHC string, sealed.
    pub password: Sealed,
}

/// Adds a persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddPersona {
    /// Fresh id.
    pub persona: PersonaId,
    /// Its name.
    pub name: String,
}

/// Ends the account and everything that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// Why; nothing personal.
    pub reason: String,
}

/// Everything an account can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's payload says what it means")]
pub enum AccountCommand {
    RegisterByEmail(RegisterByEmail),
    SignUp(SignUp),
    VerifyEmail(VerifyEmail),
    OpenSession(OpenSession),
    ExtendSession(ExtendSession),
    CloseSession(CloseSession),
    ExpireSession(ExpireSession),
    EndSessions(EndSessions),
    IssueApiToken(IssueApiToken),
    RevokeApiToken(RevokeApiToken),
    EndApiTokens(EndApiTokens),
    ChangePassword(ChangePassword),
    SetPassword(SetPassword),
    AddPersona(AddPersona),
    Erase(Erase),
}

from_each!(
    AccountCommand: RegisterByEmail,
    SignUp,
    VerifyEmail,
    OpenSession,
    ExtendSession,
    CloseSession,
    ExpireSession,
    EndSessions,
    IssueApiToken,
    RevokeApiToken,
    EndApiTokens,
    ChangePassword,
    SetPassword,
    AddPersona,
    Erase
);
