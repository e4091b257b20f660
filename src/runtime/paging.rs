//! The pace of whoever follows the journal in pages.

use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_journal::Journal;
use tokio::sync::watch;
use tokio::time::Instant;

use super::limits::PAGE_EVENTS;

/// Lets a page that was begun at `begun` and ended at `reached` be the last for `interval`, unless the next one is full
/// already, `wanted` resolves or `stop` turns. A page has a price of its own, whatever it holds: under a stream of small
/// commits it would be paid for each of them.
pub(super) async fn rest(
    journal: &Journal,
    reached: Position,
    begun: Instant,
    interval: Duration,
    wanted: impl Future<Output = ()>,
    stop: &mut watch::Receiver<bool>,
) {
    let behind = journal.head().0.saturating_sub(reached.0);
    if usize::try_from(behind).is_ok_and(|events| events < PAGE_EVENTS) {
        tokio::select! {
            () = tokio::time::sleep_until(begun + interval) => {}
            () = wanted => {}
            _ = stop.changed() => {}
        }
    }
}
