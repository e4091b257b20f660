//! From a time to a place in the record.

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::metric::timestamp::{self, InvalidTimestamp};
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalError};

/// Digits of a second's fraction that lists show; what they do not show is cut.
const DIGITS_SHOWN: usize = 3;

/// Reads the time of a moment that is asked about. A time that is written no finer than lists show it means all of its
/// millisecond: else what is shown with an event would name the moment before that event. A finer one means itself.
///
/// # Errors
/// [`InvalidTimestamp`] for what metrics do not take as a time either.
pub fn read_time(text: &str) -> Result<DateTime<Utc>, InvalidTimestamp> {
    let time = timestamp::parse(text)?;
    let fraction = text.split_once('.').map(|(_, rest)| rest).unwrap_or_default();
    let is_finer = fraction.bytes().take_while(u8::is_ascii_digit).count() > DIGITS_SHOWN;
    Ok(if is_finer { time } else { time + TimeDelta::microseconds(999) })
}

/// The last position recorded at or before a time. Times of recording never go backwards along positions.
///
/// # Errors
/// When the record cannot be read.
pub async fn last_recorded_by(journal: &Journal, time: DateTime<Utc>) -> Result<Position, JournalError> {
    let (mut before, mut after) = (0, journal.head().0);
    while before < after {
        let middle = before + (after - before).div_ceil(2);
        // Up to the head every position has its event; where a damaged record lacks one, the next one's time serves.
        let events = journal.read(Position(middle - 1), 1).await?;
        if events.first().is_some_and(|event| event.recorded_at <= time) { before = middle } else { after = middle - 1 }
    }
    Ok(Position(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_as_lists_show_it_means_all_of_its_millisecond_and_a_finer_one_itself() {
        let micros = |text: &str| read_time(text).map(|time| time.timestamp_subsec_micros());
        for (text, read) in [
            ("2026-11-21T03:36:33.121Z", 121_999),
            ("2026-11-21T04:36:33.121+01:00", 121_999),
            ("2026-11-21T03:36:33.1Z", 100_999),
            ("2026-11-21T03:36:33Z", 999),
            ("2026-11-21", 999),
            ("2026-11-21T03:36:33.121456Z", 121_456),
            ("2026-11-21T03:36:33.121000Z", 121_000),
            ("2026-11-21T03:36:33.1214567Z", 121_456),
        ] {
            assert_eq!(micros(text), Ok(read), "{text}");
        }
        assert_eq!(read_time("yesterday"), Err(InvalidTimestamp));
    }
}
