//! Counts rows of the audit that are not as registered (spec/accounts-and-offers.md section 6.6). They stand; a figure
//! moves and a line of the log says which, so that whoever writes them hears of it.

use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_projections::{ReadStore, SqlError, audit_log};
use serde_json::Value;
use tokio::sync::watch;

use crate::config::audit_events::{EventType, Key, Kind};
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
        if let Some(drift) = drift_of(types, &row.event_type, row.outcome == "success", &row.metadata) {
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

/// How a row is not what was registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Drift {
    /// Its type is not registered.
    #[error("the type is not registered")]
    UnknownType,
    /// A known key of its metadata is missing, or not of its kind.
    #[error("the metadata key {key} is missing or not of its kind")]
    Metadata {
        /// The key.
        key: String,
    },
}

/// How many rows drifted, by how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drifted {
    /// Rows whose metadata is not as registered.
    pub metadata: u64,
    /// Rows whose type is not registered.
    pub unknown_types: u64,
}

impl Drifted {
    /// Counts one.
    pub const fn count(&mut self, drift: &Drift) {
        match drift {
            Drift::UnknownType => self.unknown_types += 1,
            Drift::Metadata { .. } => self.metadata += 1,
        }
    }
}

impl std::ops::AddAssign for Drifted {
    fn add_assign(&mut self, more: Self) {
        self.metadata += more.metadata;
        self.unknown_types += more.unknown_types;
    }
}

/// How a row differs from what is registered; nothing when it does not.
#[must_use]
pub fn drift_of(types: &[EventType], event_type: &str, is_success: bool, metadata: &Value) -> Option<Drift> {
    let Some(known) = types.iter().find(|known| known.name == event_type) else { return Some(Drift::UnknownType) };
    let stands = |key: &Key| match metadata.get(&*key.name) {
        None | Some(Value::Null) => !(key.is_required && is_success),
        Some(value) => fits(key.kind, value),
    };
    let broken = known.keys.iter().find(|key| !stands(key))?;
    Some(Drift::Metadata { key: broken.name.clone().into_owned() })
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text => value.is_string() || value.get("$sealed").is_some_and(Value::is_string),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Any => true,
    }
}

#[cfg(test)]
mod tests {
    use muniment_projections::audit_log::shown::{SHOWN, Shown};
    use serde_json::json;

    use super::*;
    use crate::config::audit_events::{built_in, is_built_in};

    #[test]
    fn known_keys_are_checked_and_further_ones_allowed() {
        let known = built_in();
        let judge = |event_type, is_success, metadata| drift_of(&known, event_type, is_success, &metadata);
        let metadata = |key: &str| Some(Drift::Metadata { key: key.to_owned() });
        assert_eq!(judge("login", true, Value::Null), None);
        assert_eq!(judge("logout", true, json!({ "why": "tired" })), None);
        assert_eq!(judge("no_such", true, Value::Null), Some(Drift::UnknownType));
        assert_eq!(judge("invite_delete", true, Value::Null), metadata("invite_id"));
        assert_eq!(judge("invite_delete", true, json!({ "invite_id": null })), metadata("invite_id"));
        assert_eq!(judge("invite_delete", true, json!({ "invite_id": 7 })), metadata("invite_id"));
        assert_eq!(judge("signup", false, json!({ "username": { "$sealed": "v1|…" } })), None);
        assert_eq!(judge("session_revoke_all", false, json!({ "reason": "account_not_found" })), None);
        assert_eq!(judge("session_revoke_all", true, json!({ "count": 1.5 })), metadata("count"));
        assert_eq!(judge("app_settings_update", true, json!({ "setting": "x", "old_value": [] })), None);
    }

    #[test]
    fn every_row_that_an_event_makes_is_of_a_registered_type() {
        for (event, shown) in SHOWN {
            let rows: &[&str] = match shown {
                Shown::Row(rows) | Shown::Sometimes(rows, _) => rows,
                Shown::Named | Shown::Never(_) => &[],
            };
            assert!(rows.iter().all(|row| is_built_in(row)), "{event}: {rows:?}");
        }
    }
}
