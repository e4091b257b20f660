//! What a challenge remembers: the live code, and when codes were started and guessed wrong.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::messages::{ChallengeEvent, Rate};
use crate::ids::OtpId;
use crate::sealed::{Sealed, SubjectId};

/// How many starts and how many wrong guesses are remembered. A limit above it is held at it.
pub const HISTORY_MAX: usize = 1_000;

/// The code that would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCode {
    /// Its id.
    pub otp: OtpId,
    /// Whose it is.
    pub subject: SubjectId,
    /// The address it went to.
    pub email: Sealed,
    /// Its keyed digest.
    pub digest: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Wrong guesses at it.
    pub wrong_guesses: u32,
}

/// What came of a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The code was right and is used up.
    Right {
        /// The code.
        otp: OtpId,
    },
    /// The code was wrong; the guess is counted.
    Wrong {
        /// The how-manieth wrong guess at this code.
        wrong_guesses: u32,
    },
}

/// The state of one challenge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Challenge {
    live: Option<LiveCode>,
    started: Vec<DateTime<Utc>>,
    guessed_wrong: Vec<DateTime<Utc>>,
}

impl Challenge {
    /// The code that would be accepted, expired or not.
    #[must_use]
    pub fn live(&self) -> Option<&LiveCode> {
        self.live.as_ref()
    }

    /// What the events of a [`super::Guess`] say; `None` for events of another command.
    #[must_use]
    pub fn verdict(events: &[ChallengeEvent]) -> Option<Verdict> {
        events.iter().find_map(|event| match event {
            ChallengeEvent::Consumed(consumed) => Some(Verdict::Right { otp: consumed.otp.clone() }),
            ChallengeEvent::GuessFailed(failed) => Some(Verdict::Wrong { wrong_guesses: failed.wrong_guesses }),
            ChallengeEvent::Issued(_) | ChallengeEvent::Superseded(_) => None,
        })
    }

    pub(super) fn starts_wait(&self, rate: Rate, now: DateTime<Utc>) -> Option<u64> {
        wait_seconds(&self.started, rate, now)
    }

    pub(super) fn guesses_wait(&self, rate: Rate, now: DateTime<Utc>) -> Option<u64> {
        wait_seconds(&self.guessed_wrong, rate, now)
    }

    pub(super) fn take_event(&mut self, event: &ChallengeEvent) {
        match event {
            ChallengeEvent::Issued(issued) => {
                remember(&mut self.started, issued.at);
                self.live = Some(LiveCode {
                    otp: issued.otp.clone(),
                    subject: issued.subject.clone(),
                    email: issued.email.clone(),
                    digest: issued.digest.clone(),
                    expires_at: issued.expires_at,
                    wrong_guesses: 0,
                });
            }
            ChallengeEvent::Superseded(superseded) => self.end(&superseded.otp),
            ChallengeEvent::GuessFailed(failed) => {
                remember(&mut self.guessed_wrong, failed.at);
                if let Some(live) = self.live.as_mut().filter(|live| live.otp == failed.otp) {
                    live.wrong_guesses = live.wrong_guesses.saturating_add(1);
                }
            }
            ChallengeEvent::Consumed(consumed) => self.end(&consumed.otp),
        }
    }

    fn end(&mut self, otp: &OtpId) {
        if self.live.as_ref().is_some_and(|live| live.otp == *otp) {
            self.live = None;
        }
    }
}

fn remember(instants: &mut Vec<DateTime<Utc>>, at: DateTime<Utc>) {
    if instants.len() == HISTORY_MAX {
        instants.remove(0);
    }
    instants.push(at);
}

/// How long until the rate has room again; `None` when it has. A hit exactly at the window's edge is gone.
fn wait_seconds(hits: &[DateTime<Utc>], rate: Rate, now: DateTime<Utc>) -> Option<u64> {
    let count = usize::try_from(rate.count).unwrap_or(HISTORY_MAX).min(HISTORY_MAX);
    if count == 0 {
        return Some(u64::from(rate.seconds).max(1));
    }
    let window = chrono::Duration::seconds(i64::from(rate.seconds));
    // A hit further ahead than a window was made by a clock that was wrong: it must not keep anybody out until then.
    let counts: Vec<_> = hits.iter().filter(|hit| **hit - window <= now).collect();
    // The hit that must have left before another fits.
    let hit = counts.get(counts.len().checked_sub(count)?)?;
    seconds_until(**hit + window, now)
}

/// Whole seconds from `now` to a later instant, rounded up; `None` when it has come.
pub(super) fn seconds_until(instant: DateTime<Utc>, now: DateTime<Utc>) -> Option<u64> {
    let left = instant.signed_duration_since(now).to_std().ok()?;
    if left.is_zero() {
        return None;
    }
    Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}
