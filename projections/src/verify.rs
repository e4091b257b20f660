//! Comparing a live read model with a fresh replay of the journal, row for row. The live tables serve and advance
//! meanwhile; only for the moment of taking a common snapshot are they held still.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{SqlError, Transaction};

use crate::checkpoint::{self, GenerationId, Purpose};
use crate::projection::Table;
use crate::rebuild::{self, Progress, RebuildError};
use crate::store::{ReadStore, drop_generation};

/// Differing keys reported of one table; the first say enough.
const DIFFERENCES_MAX: usize = 100;

/// Attempts at a moment in which both generations are at one position, where another node advances the live one.
const SNAPSHOT_ATTEMPTS: usize = 20;

/// A row that the live tables and a fresh replay do not have alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Key of the row: its key columns, joined with a slash.
    pub key: String,
    /// What is wrong with the live row.
    pub kind: DifferenceKind,
}

/// What is wrong with a live row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The replay has it, the live table has not.
    Missing,
    /// The live table has it, the replay has not.
    Surplus,
    /// Both have it, with other values.
    Altered,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The model.
    pub name: &'static str,
    /// The position at which both were compared.
    pub position: Position,
    /// Rows of the live tables.
    pub rows: u64,
    /// Rows that differ, at most 100 of a table; empty when the model is right.
    pub differences: Vec<Difference>,
}

/// Replays the journal into shadow tables up to where the live ones are, compares, and drops the shadow.
///
/// # Errors
/// When the model is unknown, an event cannot be folded in, or journal or database fail.
pub async fn verify<R, F, E>(
    store: &ReadStore,
    name: &str,
    read: R,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Verified, RebuildError>
where
    R: Fn(Position, usize) -> F,
    F: Future<Output = Result<Vec<Arc<RecordedEvent>>, E>>,
    E: Display,
{
    let projection = store.projection(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    let projection = projection.as_ref();
    let shadow = rebuild::resume_or_create(store, projection, Purpose::Verify).await?;
    let mut attempts = 0;
    let (mut snapshot, live, position) = loop {
        rebuild::catch_up(store, projection, shadow, &read, progress).await?;
        let still = store.advancing().write().await;
        rebuild::catch_up(store, projection, shadow, &read, progress).await?;
        let live = store.live_id(projection);
        let mut snapshot = store.reader().begin_snapshot().await?;
        let live_at = checkpoint::find(&mut snapshot, live).await?.map(|at| at.position);
        let shadow_at = checkpoint::find(&mut snapshot, shadow).await?.map(|at| at.position);
        drop(still);
        match (live_at, shadow_at) {
            (Some(live_at), Some(shadow_at)) if live_at == shadow_at => break (snapshot, live, live_at),
            _ if attempts < SNAPSHOT_ATTEMPTS => attempts += 1,
            (live_at, _) => {
                return Err(RebuildError::Gap(format!(
                    "no moment was found in which the shadow of {name} is where the live tables are ({live_at:?}); \
                     try again when fewer events arrive"
                )));
            }
        }
    };
    let mut found = Verified { name: projection.name(), position, rows: 0, differences: Vec::new() };
    for table in projection.tables() {
        compare(&mut snapshot, table, live, shadow, &mut found).await?;
    }
    snapshot.commit().await?;
    let mut tx = store.begin_schema_change().await?;
    drop_generation(&mut tx, projection, shadow).await?;
    tx.commit().await?;
    Ok(found)
}

async fn compare(
    snapshot: &mut Transaction,
    table: &Table,
    live: GenerationId,
    shadow: GenerationId,
    found: &mut Verified,
) -> Result<(), SqlError> {
    let live_table = format!("{}_g{}", table.name, live.generation);
    let shadow_table = format!("{}_g{}", table.name, shadow.generation);
    let counted = snapshot.fetch_optional(&format!("SELECT COUNT(*) AS total FROM {live_table}"), &[]).await?;
    found.rows += crate::query::total(counted)?;
    let surplus = keys_of_except(snapshot, table, &live_table, &shadow_table).await?;
    let missing = keys_of_except(snapshot, table, &shadow_table, &live_table).await?;
    let mut differences: Vec<Difference> = Vec::new();
    for key in &surplus {
        let kind = if missing.contains(key) { DifferenceKind::Altered } else { DifferenceKind::Surplus };
        differences.push(Difference { table: table.name, key: key.clone(), kind });
    }
    for key in missing.iter().filter(|key| !surplus.contains(key)) {
        differences.push(Difference { table: table.name, key: key.clone(), kind: DifferenceKind::Missing });
    }
    differences.truncate(DIFFERENCES_MAX);
    found.differences.append(&mut differences);
    Ok(())
}

/// Keys of the rows which `left` has and `right` has not, whole rows compared; `EXCEPT` takes nulls as equal.
async fn keys_of_except(
    snapshot: &mut Transaction,
    table: &Table,
    left: &str,
    right: &str,
) -> Result<Vec<String>, SqlError> {
    let columns: Vec<String> = table.key.iter().map(|column| format!("CAST({column} AS TEXT) AS {column}")).collect();
    let sql = format!(
        "SELECT {} FROM (SELECT * FROM {left} EXCEPT SELECT * FROM {right}) AS differing ORDER BY {} LIMIT {}",
        columns.join(", "),
        table.key.join(", "),
        DIFFERENCES_MAX + 1
    );
    let rows = snapshot.fetch_all(&sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let parts = table.key.iter().map(|column| row.text(column)).collect::<Result<Vec<_>, _>>()?;
            Ok(parts.join("/"))
        })
        .collect()
}
