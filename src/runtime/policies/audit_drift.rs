//! Counts rows of the audit that are not as registered (spec/accounts-and-offers.md section 6.6). They stand; a figure
//! moves and a line of the log says which, so that whoever writes them hears of it.

use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_projections::{ReadStore, SqlError, audit_log};
use tokio::sync::watch;

use crate::config::audit_events::{self, Drifted, EventType};
use crate::runtime::Runtime;

/// The newest rows that are looked at when a node starts, and by `doctor`; every later one is looked at as it comes.
pub const ROWS_LOOKED_AT: usize = 10_000;

/// How often it is looked whether there are new rows. Costs nothing while there are none.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Rows read at once.
const PAGE_ROWS: usize = 500;

/// Runs until `stop` turns true.
pub async fn run(runtime: Arc<Runtime>, types: Arc<[EventType]>, mut stop: watch::Receiver<bool>) {
    // Both figures are there from the start, as 0.
    count(Drifted::default());
    let mut seen = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
        if let Err(error) = follow(&runtime, &types, &mut seen).await {
            tracing::warn!(%error, "the audit cannot be looked at for rows that are not as registered");
        }
    }
}

/// Counts what came since the last time.
async fn follow(runtime: &Runtime, types: &[EventType], seen: &mut Option<Position>) -> Result<(), SqlError> {
    let folded = runtime.reads.positions().get("audit_log").map_or(Position::START, |at| at.position);
    let store = runtime.reads.store();
    let mut at = match *seen {
        Some(seen) if seen >= folded => return Ok(()),
        Some(seen) => seen,
        None => audit_log::newest(store, ROWS_LOOKED_AT).await?,
    };
    while let Some(drifted) = look(store, types, &mut at).await? {
        *seen = Some(at);
        count(drifted);
    }
    // Most events make no row of the audit; they are not asked for again.
    *seen = Some(at.max(folded));
    Ok(())
}

/// What of the newest rows is not as registered.
///
/// # Errors
/// What the database says.
pub async fn newest(store: &ReadStore, types: &[EventType]) -> Result<Drifted, SqlError> {
    let mut drifted = Drifted::default();
    let mut seen = audit_log::newest(store, ROWS_LOOKED_AT).await?;
    while let Some(page) = look(store, types, &mut seen).await? {
        drifted += page;
    }
    Ok(drifted)
}

/// Looks at a page of rows behind a position and moves the position behind them; nothing when there are none.
async fn look(store: &ReadStore, types: &[EventType], seen: &mut Position) -> Result<Option<Drifted>, SqlError> {
    let rows = audit_log::after(store, *seen, PAGE_ROWS).await?;
    let Some(newest) = rows.last() else { return Ok(None) };
    *seen = newest.seq;
    let mut drifted = Drifted::default();
    for row in &rows {
        if let Some(drift) = audit_events::drift_of(types, &row.event_type, row.outcome == "success", &row.metadata) {
            drifted.count(&drift);
            tracing::warn!(position = row.seq.0, event.type = row.event_type, why = %drift, "an audit row is not as registered");
        }
    }
    Ok(Some(drifted))
}

fn count(drifted: Drifted) {
    metrics::counter!("audit_metadata_validation_failures").increment(drifted.metadata);
    metrics::counter!("audit_unknown_event_type_failures").increment(drifted.unknown_types);
}

#[cfg(test)]
mod tests {
    use muniment_projections::audit_log::shown::{SHOWN, Shown};

    use super::*;

    #[test]
    fn every_row_that_an_event_makes_is_of_a_registered_type() {
        for (event, shown) in SHOWN {
            let rows: &[&str] = match shown {
                Shown::Row(rows) | Shown::Sometimes(rows, _) => rows,
                Shown::Named | Shown::Never(_) => &[],
            };
            assert!(rows.iter().all(|row| audit_events::is_built_in(row)), "{event}: {rows:?}");
        }
    }
}
