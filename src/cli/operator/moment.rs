//! A moment of the record as a person names it: a position, or a time.

use anyhow::Result;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use muniment_journal::Journal;

use crate::cli::exit::Exit;
use crate::runtime::moment::{last_recorded_by, read_time};

/// A place in the record as a person names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after the event at a position.
    Position(Position),
    /// At a time.
    Time(DateTime<Utc>),
}

/// A position, or a time ([`read_time`]).
///
/// # Errors
/// When it is neither.
pub fn moment(text: &str) -> Result<Moment, String> {
    // Four digits are a position here, not a year: a year alone names no moment.
    if let Ok(position) = text.parse() {
        return Ok(Moment::Position(Position(position)));
    }
    let time = read_time(text).map_err(|_| "write a position as 120, or a time as 2026-03-31T23:59:59Z")?;
    Ok(Moment::Time(time))
}

/// The last position recorded at or before a moment.
///
/// # Errors
/// When the position is beyond the head, or the record cannot be read.
pub async fn last_position(journal: &Journal, moment: Option<Moment>) -> Result<Position> {
    let head = journal.head();
    match moment {
        None => Ok(head),
        Some(Moment::Position(position)) if position > head => {
            Err(Exit::NotFound.because(format!("position {position} is beyond the head {head}")))
        }
        Some(Moment::Position(position)) => Ok(position),
        Some(Moment::Time(time)) => Ok(last_recorded_by(journal, time).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_positions_or_times() {
        assert_eq!(moment("2026"), Ok(Moment::Position(Position(2026))));
        assert!(matches!(moment("2026-03-31"), Ok(Moment::Time(_))));
        assert!(moment("yesterday").is_err());
    }
}
