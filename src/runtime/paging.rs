//! The pace of whoever follows the journal in pages.

use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_journal::Journal;
use tokio::sync::watch;
use tokio::time::Instant;

use super::limits::PAGE_EVENTS;

/// Smallest distance between two pages that nobody waits for. A page has a price of its own, whatever it holds: under a
/// stream of small commits it would be paid for each of them.
const PAGE_INTERVAL: Duration = Duration::from_millis(20);

/// Lets a page that was begun at `begun` and ended at `reached` be the last for a moment, unless the next one is full
/// already, `wanted` resolves or `stop` turns.
pub(super) async fn rest(
    journal: &Journal,
    reached: Position,
    begun: Instant,
    wanted: impl Future<Output = ()>,
    stop: &mut watch::Receiver<bool>,
) {
    let behind = journal.head().0.saturating_sub(reached.0);
    if usize::try_from(behind).is_ok_and(|events| events < PAGE_EVENTS) {
        tokio::select! {
            () = tokio::time::sleep_until(begun + PAGE_INTERVAL) => {}
            () = wanted => {}
            _ = stop.changed() => {}
        }
    }
}
