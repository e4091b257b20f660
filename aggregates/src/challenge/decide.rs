//! How a challenge decides.

use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;

use super::errors::ChallengeRefusal;
use super::messages::{
    ChallengeCommand, ChallengeConsumed, ChallengeEvent, ChallengeIssued, ChallengeSuperseded, Guess, GuessFailed,
    Issue,
};
use super::state::{Challenge, seconds_until};
use crate::decider::{Decider, Facts};

impl Decider for Challenge {
    const TYPE: &'static str = "challenge";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = ChallengeCommand;
    type Event = ChallengeEvent;
    type Refusal = ChallengeRefusal;

    fn decide(&self, command: &ChallengeCommand, facts: &Facts) -> Result<Vec<ChallengeEvent>, ChallengeRefusal> {
        match command {
            ChallengeCommand::Issue(issue) => issue_code(self, issue, facts.now),
            ChallengeCommand::Guess(guess) => guess_code(self, guess, facts.now),
        }
    }

    fn evolve(&mut self, event: &ChallengeEvent) {
        self.take_event(event);
    }
}

fn issue_code(
    challenge: &Challenge,
    issue: &Issue,
    now: DateTime<Utc>,
) -> Result<Vec<ChallengeEvent>, ChallengeRefusal> {
    if let Some(retry_after_seconds) = issue.limits.starts.and_then(|rate| challenge.starts_wait(rate, now)) {
        return Err(ChallengeRefusal::TooManyStarts { retry_after_seconds });
    }
    let superseded = challenge.live().map(|live| {
        ChallengeEvent::Superseded(ChallengeSuperseded {
            otp: live.otp.clone(),
            superseded_by: issue.otp.clone(),
            at: now,
        })
    });
    let issued = ChallengeEvent::Issued(ChallengeIssued {
        otp: issue.otp.clone(),
        purpose: issue.purpose,
        subject: issue.subject.clone(),
        email: issue.email.clone(),
        digest: issue.digest.clone(),
        expires_at: issue.expires_at,
        sent: issue.sent,
        at: now,
    });
    Ok(superseded.into_iter().chain([issued]).collect())
}

/// The order is the spec's (section 4.2): that a code has expired is told even when its guesses are spent.
fn guess_code(
    challenge: &Challenge,
    guess: &Guess,
    now: DateTime<Utc>,
) -> Result<Vec<ChallengeEvent>, ChallengeRefusal> {
    let live = challenge.live().ok_or(ChallengeRefusal::NoLiveCode)?;
    let Some(expires_in_seconds) = seconds_until(live.expires_at, now) else {
        return Err(ChallengeRefusal::Expired);
    };
    if guess.limits.guesses_per_code.is_some_and(|most| live.wrong_guesses >= most) {
        return Err(ChallengeRefusal::TooManyGuesses { retry_after_seconds: expires_in_seconds });
    }
    if let Some(retry_after_seconds) = guess.limits.guesses.and_then(|rate| challenge.guesses_wait(rate, now)) {
        return Err(ChallengeRefusal::TooManyGuesses { retry_after_seconds });
    }
    let is_right = bool::from(live.digest.as_bytes().ct_eq(guess.digest.as_bytes()));
    Ok(vec![if is_right {
        ChallengeEvent::Consumed(ChallengeConsumed {
            otp: live.otp.clone(),
            subject: live.subject.clone(),
            email: live.email.clone(),
            at: now,
        })
    } else {
        ChallengeEvent::GuessFailed(GuessFailed {
            otp: live.otp.clone(),
            subject: live.subject.clone(),
            email: live.email.clone(),
            wrong_guesses: live.wrong_guesses.saturating_add(1),
            at: now,
        })
    }])
}
