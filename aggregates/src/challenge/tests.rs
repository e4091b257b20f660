//! Given/when/then over one-time codes.

use proptest::prelude::*;

use super::*;
use crate::decider::{Decider as _, DomainEvent as _, Facts};
use crate::ids::OtpId;
use crate::sealed::{Sealed, SubjectId};
use crate::specification::{Specification, at, fold, given};

/// Five starts in ten minutes, five wrong guesses a code, thirty in a day.
const LIMITS: Limits = Limits {
    starts: Some(Rate { count: 5, seconds: 600 }),
    guesses_per_code: Some(5),
    guesses: Some(Rate { count: 30, seconds: 86_400 }),
};

fn issue(number: u8) -> Issue {
    Issue {
        otp: OtpId::from_random([number; 12]),
        purpose: Purpose::SignIn,
        subject: SubjectId("s".to_owned()),
        email: Sealed::from_text("v1|s|challenge/sign_in-s/email|x"),
        digest: format!("digest-{number}"),
        expires_at: at(600),
        sent: true,
        limits: LIMITS,
    }
}

fn guess(number: u8) -> Guess {
    Guess { digest: format!("digest-{number}"), limits: LIMITS }
}

fn challenge() -> Specification<Challenge> {
    given::<Challenge>(&[])
}

fn wrong(mut challenge: Specification<Challenge>, times: usize) -> Specification<Challenge> {
    for _ in 0..times {
        challenge = challenge.and(guess(99));
    }
    challenge
}

fn wait(challenge: &Specification<Challenge>, command: impl Into<ChallengeCommand>) -> Option<u64> {
    challenge.when(command).0.unwrap_err().retry_after_seconds()
}

#[test]
fn the_right_code_passes_once() {
    let events = challenge().and(issue(1)).when(guess(1)).events();
    assert_eq!(Challenge::verdict(&events), Some(Verdict::Right { otp: issue(1).otp }));
    challenge().and(issue(1)).and(guess(1)).when(guess(1)).then_refused("invalid_otp");
}

#[test]
fn without_a_start_nothing_passes() {
    challenge().when(guess(1)).then_refused("invalid_otp");
}

#[test]
fn met_021_after_five_wrong_guesses_not_even_the_right_code_passes() {
    let four = wrong(challenge().and(issue(1)), 4);
    assert_eq!(Challenge::verdict(&four.when(guess(99)).events()), Some(Verdict::Wrong { wrong_guesses: 5 }));
    assert!(matches!(Challenge::verdict(&four.when(guess(1)).events()), Some(Verdict::Right { .. })));
    let five = wrong(four, 1);
    five.when(guess(1)).then_refused("otp_attempts_exceeded");
    assert_eq!(wait(&five, guess(1)), Some(600));
    let anew = five.and(issue(2));
    assert!(matches!(Challenge::verdict(&anew.when(guess(2)).events()), Some(Verdict::Right { .. })));
}

#[test]
fn met_020_that_a_code_expired_is_told_even_when_its_guesses_are_spent() {
    let spent = wrong(challenge().and(issue(1)), 5);
    spent.clone().at(599).when(guess(1)).then_refused("otp_attempts_exceeded");
    spent.at(600).when(guess(1)).then_refused("expired_otp");
    challenge().and(issue(1)).at(600).when(guess(1)).then_refused("expired_otp");
}

#[test]
fn met_022_a_newer_code_ends_the_older_for_good() {
    let second = challenge().and(issue(1));
    let types: Vec<_> = second.when(issue(2)).events().iter().map(|event| event.event_type()).collect();
    assert_eq!(types, ["challenge.superseded", "challenge.issued"]);
    let second = second.and(issue(2));
    assert_eq!(Challenge::verdict(&second.when(guess(1)).events()), Some(Verdict::Wrong { wrong_guesses: 1 }));
    second.and(guess(2)).when(guess(1)).then_refused("invalid_otp");
}

#[test]
fn met_013_the_sixth_start_in_ten_minutes_waits() {
    let mut five = challenge();
    for number in 0..5 {
        five = five.at(i64::from(number) * 10).and(issue(number));
    }
    let five = five.at(50);
    five.when(issue(9)).then_refused("otp_rate_limited");
    assert_eq!(wait(&five, issue(9)), Some(550));
    five.clone().at(599).when(issue(9)).then_refused("otp_rate_limited");
    let passed = five.at(600);
    assert_eq!(passed.when(issue(9)).events().len(), 2, "a start exactly at the edge is gone");
    assert_eq!(wait(&passed.and(issue(9)), issue(10)), Some(10));
}

#[test]
fn what_a_clock_counted_that_was_a_day_ahead_keeps_nobody_out_for_a_day() {
    let mut tired = challenge().at(86_400);
    for number in 0..5 {
        tired = tired.and(issue(number));
    }
    tired.when(issue(9)).then_refused("otp_rate_limited");
    tired.clone().at(86_400 - 120).when(issue(9)).then_refused("otp_rate_limited");
    assert_eq!(tired.at(0).when(issue(9)).events().len(), 2);
}

#[test]
fn met_014_used_codes_count_as_starts() {
    let mut used = challenge();
    for number in 0..4 {
        used = used.and(issue(number)).and(guess(number));
    }
    used.and(issue(5)).when(issue(6)).then_refused("otp_rate_limited");
}

#[test]
fn met_025_thirty_wrong_guesses_a_day_are_enough() {
    let limits = Limits { starts: None, ..LIMITS };
    let mut tired = challenge();
    for number in 0..6 {
        tired = wrong(tired.at(i64::from(number) * 60).and(Issue { limits, ..issue(number) }), 5);
    }
    let tired = tired.and(Issue { limits, ..issue(7) });
    tired.when(guess(7)).then_refused("otp_attempts_exceeded");
    assert_eq!(wait(&tired, guess(7)), Some(86_400 - 300));
}

#[test]
fn limits_that_are_off_hold_nothing_back() {
    let limits = Limits { starts: None, guesses_per_code: None, guesses: None };
    let mut free = challenge();
    for number in 0..40 {
        free = free.and(Issue { limits, ..issue(number) }).and(Guess { limits, ..guess(99) });
    }
    assert!(free.when(Guess { limits, ..guess(39) }).0.is_ok());
    let none = Limits { starts: Some(Rate { count: 0, seconds: 60 }), ..limits };
    assert_eq!(wait(&challenge(), Issue { limits: none, ..issue(1) }), Some(60));
}

#[test]
fn a_fraction_of_a_second_is_rounded_up() {
    let mut started = fold::<Challenge>(&[]);
    let limits = Limits { starts: Some(Rate { count: 1, seconds: 60 }), ..LIMITS };
    let command = Issue { limits, ..issue(1) }.into();
    for event in started.decide(&command, &Facts { now: at(0) }).unwrap() {
        started.evolve(&event);
    }
    let almost = Facts { now: at(0) + chrono::Duration::milliseconds(58_500) };
    assert_eq!(started.decide(&command, &almost).unwrap_err().retry_after_seconds(), Some(2));
}

proptest! {
    #[test]
    fn never_more_than_five_wrong_guesses_a_code_are_compared(
        steps in prop::collection::vec((0_u8..6, 0_i64..200), 0..120),
    ) {
        let (mut state, mut events, mut now) = (Challenge::default(), Vec::new(), 0);
        for (number, (kind, pause)) in (0_u8..).zip(steps) {
            now += pause;
            let command: ChallengeCommand = match kind {
                0 => Issue { expires_at: at(now + 600), ..issue(number) }.into(),
                1 => guess(number.saturating_sub(1)).into(),
                _ => guess(200).into(),
            };
            for event in state.decide(&command, &Facts { now: at(now) }).unwrap_or_default() {
                state.evolve(&event);
                events.push(event);
            }
            prop_assert!(state.live().is_none_or(|live| live.wrong_guesses <= 5));
        }
        let snapshot = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Challenge>(&snapshot).unwrap(), fold::<Challenge>(&events));
    }
}
