//! A session: one stream a sign-in. Its account notes that it was opened; what only the session knows is here.
//!
//! What it protects:
//! 1. It starts once and never again after its end.
//! 2. Of its token only the hash is known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::AccountId;

/// Why a session ended that ran out.
pub const EXPIRED: &str = "expired";

/// What kind of sign-in a session is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// By e-mail code, used as a bearer token.
    Founder,
    /// By password, used as a cookie.
    Cookie,
}

impl SessionKind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Founder => "founder",
            Self::Cookie => "cookie",
        }
    }
}

/// Starts the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Whose it is.
    pub account: AccountId,
    /// Its kind.
    pub kind: SessionKind,
    /// BLAKE3 of the whole raw token, 64 lower-case hex characters.
    pub secret_hash: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Moves the end of a session that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extend {
    /// When it ends from now on.
    pub expires_at: DateTime<Utc>,
}

/// Ends the session now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// Why, one word: `logout`, `revoked`.
    pub reason: String,
}

/// Notes that the session ran out. Nothing happens where it has not, by an extension that the asker did not know of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expire {}

/// Everything a session can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// See [`Start`].
    Start(Start),
    /// See [`Extend`].
    Extend(Extend),
    /// See [`Revoke`].
    Revoke(Revoke),
    /// See [`Expire`].
    Expire(Expire),
}

from_each!(SessionCommand: Start, Extend, Revoke, Expire);

/// The session started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Whose it is.
    pub account: AccountId,
    /// Its kind.
    pub kind: SessionKind,
    /// Hash of its token.
    pub secret_hash: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The session lasts longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionExtended {
    /// Whose it is.
    pub account: AccountId,
    /// When it ends from now on.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The session was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRevoked {
    /// Whose it was.
    pub account: AccountId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEvent {
    /// See [`SessionStarted`].
    Started(SessionStarted),
    /// See [`SessionExtended`].
    Extended(SessionExtended),
    /// See [`SessionRevoked`].
    Revoked(SessionRevoked),
}

impl DomainEvent for SessionEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Started(_) => "session.started",
            Self::Extended(_) => "session.extended",
            Self::Revoked(_) => "session.revoked",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Started(_) | Self::Extended(_) | Self::Revoked(_) => "1.0",
        }
    }
}

/// Why a session said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionRefusal {
    /// The stream has a session already.
    #[error("the session was started already")]
    AlreadyStarted,
    /// The stream has no session.
    #[error("there is no such session")]
    NotStarted,
}

impl Refuse for SessionRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyStarted => "session_exists",
            Self::NotStarted => "invalid_session",
        }
    }
}

/// The state of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Session {
    started: Option<SessionStarted>,
    revoked_at: Option<DateTime<Utc>>,
}

impl Session {
    /// How it started; `None` before that.
    #[must_use]
    pub fn started(&self) -> Option<&SessionStarted> {
        self.started.as_ref()
    }

    /// When it was revoked.
    #[must_use]
    pub fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.revoked_at
    }
}

impl Decider for Session {
    const TYPE: &'static str = "session";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = SessionCommand;
    type Event = SessionEvent;
    type Refusal = SessionRefusal;

    fn decide(&self, command: &SessionCommand, facts: &Facts) -> Result<Vec<SessionEvent>, SessionRefusal> {
        match (command, &self.started) {
            (SessionCommand::Start(_), Some(_)) => Err(SessionRefusal::AlreadyStarted),
            (SessionCommand::Start(start), None) => Ok(vec![SessionEvent::Started(SessionStarted {
                account: start.account.clone(),
                kind: start.kind,
                secret_hash: start.secret_hash.clone(),
                expires_at: start.expires_at,
                at: facts.now,
            })]),
            (SessionCommand::Extend(_) | SessionCommand::Revoke(_) | SessionCommand::Expire(_), None) => {
                Err(SessionRefusal::NotStarted)
            }
            (SessionCommand::Extend(_) | SessionCommand::Revoke(_) | SessionCommand::Expire(_), Some(_))
                if self.revoked_at.is_some() =>
            {
                Ok(Vec::new())
            }
            (SessionCommand::Extend(extend), Some(started)) => Ok(vec![SessionEvent::Extended(SessionExtended {
                account: started.account.clone(),
                expires_at: extend.expires_at,
                at: facts.now,
            })]),
            (SessionCommand::Revoke(revoke), Some(started)) => Ok(vec![revoked(started, &revoke.reason, facts)]),
            (SessionCommand::Expire(_), Some(started)) if started.expires_at > facts.now => Ok(Vec::new()),
            (SessionCommand::Expire(_), Some(started)) => Ok(vec![revoked(started, EXPIRED, facts)]),
        }
    }

    fn evolve(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::Started(started) => self.started = Some(started.clone()),
            SessionEvent::Extended(extended) => {
                if let Some(started) = &mut self.started {
                    started.expires_at = extended.expires_at;
                }
            }
            SessionEvent::Revoked(revoked) => {
                self.revoked_at.get_or_insert(revoked.at);
            }
        }
    }
}

fn revoked(started: &SessionStarted, reason: &str, facts: &Facts) -> SessionEvent {
    SessionEvent::Revoked(SessionRevoked { account: started.account.clone(), reason: reason.to_owned(), at: facts.now })
}

#[cfg(test)]
mod tests;
