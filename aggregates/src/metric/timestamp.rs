//! The times callers may give a point (spec/metrics.md section 6.3): ISO 8601 calendar dates, with or without a
//! time of day. Pure: whether a time is too far ahead is judged against the instant of the decision.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeZone, Utc};
use thiserror::Error;

/// How far ahead of the server a point may be dated.
pub const DAYS_AHEAD_MAX: i64 = 366;

/// Longest text read as a time.
pub const TIMESTAMP_BYTES_MAX: usize = 64;

/// The text is no time this surface takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an ISO 8601 calendar time")]
pub struct InvalidTimestamp;

/// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a date, `T` or a blank, and `hh:mm[:ss[.fraction]]` with `Z`,
/// `±hh:mm` or no offset, which means UTC. The instant is cut to microseconds, the grain points are ordered by.
///
/// # Errors
/// [`InvalidTimestamp`] for every other text and for times that are in no calendar.
pub fn parse(text: &str) -> Result<DateTime<Utc>, InvalidTimestamp> {
    if text.len() > TIMESTAMP_BYTES_MAX || !text.is_ascii() {
        return Err(InvalidTimestamp);
    }
    let (date, rest) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let date = match (date.len(), rest) {
        (4, None) => calendar_date(digits(date)?, 1, 1)?,
        (7, None) => calendar_date(digits(&date[..4])?, part(date, 4, '-')?, 1)?,
        (10, _) => calendar_date(digits(&date[..4])?, part(&date[..7], 4, '-')?, part(date, 7, '-')?)?,
        _ => return Err(InvalidTimestamp),
    };
    let Some(rest) = rest else {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    };
    let (time, offset) = split_offset(rest)?;
    let local = NaiveDateTime::new(date, time_of_day(time)?);
    let instant = offset.from_local_datetime(&local).single().ok_or(InvalidTimestamp)?;
    Ok(instant.with_timezone(&Utc).trunc_subsecs(6))
}

/// Whether an instant is too far ahead of `now` to be taken.
#[must_use]
pub fn is_too_far_ahead(instant: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    instant.signed_duration_since(now) > Duration::days(DAYS_AHEAD_MAX)
}

fn calendar_date(year: u32, month: u32, day: u32) -> Result<NaiveDate, InvalidTimestamp> {
    let year = i32::try_from(year).map_err(|_| InvalidTimestamp)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(InvalidTimestamp)
}

/// The two digits that follow `separator` at byte `at` and end the text.
fn part(text: &str, at: usize, separator: char) -> Result<u32, InvalidTimestamp> {
    let tail = text[at..].strip_prefix(separator).ok_or(InvalidTimestamp)?;
    if tail.len() == 2 { digits(tail) } else { Err(InvalidTimestamp) }
}

fn digits(text: &str) -> Result<u32, InvalidTimestamp> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidTimestamp);
    }
    text.parse().map_err(|_| InvalidTimestamp)
}

fn split_offset(text: &str) -> Result<(&str, FixedOffset), InvalidTimestamp> {
    let utc = FixedOffset::east_opt(0).ok_or(InvalidTimestamp)?;
    if let Some(time) = text.strip_suffix('Z') {
        return Ok((time, utc));
    }
    let Some(at) = text.find(['+', '-']) else {
        return Ok((text, utc));
    };
    let (time, offset) = text.split_at(at);
    if offset.len() != 6 {
        return Err(InvalidTimestamp);
    }
    let (hours, minutes) = (digits(&offset[1..3])?, part(offset, 3, ':')?);
    if hours > 23 || minutes > 59 {
        return Err(InvalidTimestamp);
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).map_err(|_| InvalidTimestamp)?;
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    Ok((time, FixedOffset::east_opt(seconds).ok_or(InvalidTimestamp)?))
}

fn time_of_day(text: &str) -> Result<NaiveTime, InvalidTimestamp> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let (hours, minutes, seconds) = match clock.len() {
        5 if fraction.is_none() => (digits(&clock[..2])?, part(clock, 2, ':')?, 0),
        8 => (digits(&clock[..2])?, part(&clock[..5], 2, ':')?, part(clock, 5, ':')?),
        _ => return Err(InvalidTimestamp),
    };
    let nanoseconds = match fraction {
        None => 0,
        Some(fraction) => {
            digits_only(fraction)?;
            format!("{fraction:0<9}")[..9].parse().map_err(|_| InvalidTimestamp)?
        }
    };
    NaiveTime::from_hms_nano_opt(hours, minutes, seconds, nanoseconds).ok_or(InvalidTimestamp)
}

fn digits_only(text: &str) -> Result<(), InvalidTimestamp> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { Ok(()) } else { Err(InvalidTimestamp) }
}
