//! Commands and events of a challenge. Codes arrive as keyed digests made at the edge; a code itself is never here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::decider::DomainEvent;
use crate::ids::OtpId;
use crate::sealed::{Sealed, SubjectId};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signing in by e-mail.
    SignIn,
}

impl Purpose {
    /// The name in stream ids and digests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
        }
    }
}

/// So many in any so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long a window.
    pub seconds: u32,
}

/// The limits in force, from the settings. `None` = off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Starts.
    pub starts: Option<Rate>,
    /// Wrong guesses at one code.
    pub guesses_per_code: Option<u32>,
    /// Wrong guesses at all codes.
    pub guesses: Option<Rate>,
}

/// Starts a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Fresh id.
    pub otp: OtpId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub subject: SubjectId,
    /// The address it goes to.
    pub email: Sealed,
    /// Keyed digest of purpose, address and code, lower-case hex.
    pub digest: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether it goes to the outbox in the same append.
    pub sent: bool,
    /// The limits in force.
    pub limits: Limits,
}

/// Tries a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// Keyed digest of purpose, address and the code that was given.
    pub digest: String,
    /// The limits in force.
    pub limits: Limits,
}

/// Everything a challenge can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeCommand {
    /// See [`Issue`].
    Issue(Issue),
    /// See [`Guess`].
    Guess(Guess),
}

from_each!(ChallengeCommand: Issue, Guess);

/// A code was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeIssued {
    /// The code's id.
    pub otp: OtpId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub subject: SubjectId,
    /// The address it went to.
    pub email: Sealed,
    /// Keyed digest.
    pub digest: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether it was handed to the outbox.
    pub sent: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// A newer code made this one worthless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeSuperseded {
    /// The older code.
    pub otp: OtpId,
    /// The newer one.
    pub superseded_by: OtpId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A wrong code was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuessFailed {
    /// The code it was compared with.
    pub otp: OtpId,
    /// Whose it is.
    pub subject: SubjectId,
    /// The address it went to.
    pub email: Sealed,
    /// The how-manieth wrong guess at this code.
    pub wrong_guesses: u32,
    /// When.
    pub at: DateTime<Utc>,
}

/// The right code was given; it is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeConsumed {
    /// The code.
    pub otp: OtpId,
    /// Whose it was.
    pub subject: SubjectId,
    /// The address it went to: its owner reads that mailbox.
    pub email: Sealed,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeEvent {
    /// See [`ChallengeIssued`].
    Issued(ChallengeIssued),
    /// See [`ChallengeSuperseded`].
    Superseded(ChallengeSuperseded),
    /// See [`GuessFailed`].
    GuessFailed(GuessFailed),
    /// See [`ChallengeConsumed`].
    Consumed(ChallengeConsumed),
}

impl DomainEvent for ChallengeEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Issued(_) => "challenge.issued",
            Self::Superseded(_) => "challenge.superseded",
            Self::GuessFailed(_) => "challenge.guess_failed",
            Self::Consumed(_) => "challenge.consumed",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Issued(_) | Self::Superseded(_) | Self::GuessFailed(_) | Self::Consumed(_) => "1.0",
        }
    }
}
