//! Every way a challenge refuses, with the reason code the wire speaks.

use thiserror::Error;

use crate::decider::Refuse;

/// Why a challenge said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChallengeRefusal {
    /// Too many starts; wait.
    #[error("too many codes were asked for; wait {retry_after_seconds} seconds")]
    TooManyStarts {
        /// Whole seconds, rounded up, at least 1.
        retry_after_seconds: u64,
    },
    /// No code is live.
    #[error("the code is not valid")]
    NoLiveCode,
    /// The live code has run out.
    #[error("the code has expired")]
    Expired,
    /// Too many wrong guesses; not even the right code passes.
    #[error("too many wrong codes were given; wait {retry_after_seconds} seconds or ask for a new one")]
    TooManyGuesses {
        /// Whole seconds, rounded up, at least 1: until this code has ended, or the oldest guess is forgotten.
        retry_after_seconds: u64,
    },
}

impl ChallengeRefusal {
    /// How long to wait, where waiting helps.
    #[must_use]
    pub const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooManyStarts { retry_after_seconds } | Self::TooManyGuesses { retry_after_seconds } => {
                Some(*retry_after_seconds)
            }
            Self::NoLiveCode | Self::Expired => None,
        }
    }
}

impl Refuse for ChallengeRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::TooManyStarts { .. } => "otp_rate_limited",
            Self::NoLiveCode => "invalid_otp",
            Self::Expired => "expired_otp",
            Self::TooManyGuesses { .. } => "otp_attempts_exceeded",
        }
    }
}
