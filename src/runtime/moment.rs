//! From a time to a place in the record.

use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalError};

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
