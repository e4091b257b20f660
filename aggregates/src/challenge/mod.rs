//! A challenge: the one-time codes of one purpose sent to one subject (spec/metrics.md section 4). The stream
//! is `<purpose>-<subject>`; see [`stream_key`].
//!
//! What it protects:
//! 1. At most one code is live; a newer one ends the older for good.
//! 2. A code is used once.
//! 3. No more codes are started in a window than the limit says, whether they were used or not.
//! 4. No more wrong guesses are compared than the limits say, a code and a day.
//! 5. A code of one purpose is nothing to another: they are different streams, and digests differ by purpose.
//!
//! A wrong guess is both an event and an answer: `decide` returns it, and [`Challenge::verdict`] tells which.

mod decide;
mod errors;
mod messages;
mod state;

pub use errors::ChallengeRefusal;
pub use messages::{
    ChallengeCommand, ChallengeConsumed, ChallengeEvent, ChallengeIssued, ChallengeSuperseded, Guess, GuessFailed,
    Issue, Limits, Purpose, Rate,
};
pub use state::{Challenge, HISTORY_MAX, LiveCode, Verdict};

use crate::sealed::SubjectId;

/// The id of the stream that holds the codes of this purpose for this subject.
#[must_use]
pub fn stream_key(purpose: Purpose, subject: &SubjectId) -> String {
    format!("{}-{subject}", purpose.as_str())
}

#[cfg(test)]
mod tests;
