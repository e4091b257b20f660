//! Comparing a live read model with a fresh replay of the journal, row for row. The live tables serve and advance
//! meanwhile; only for the moment of taking a common snapshot are they held still.

use std::error::Error;
use std::fs::{File, TryLockError};
use std::future::Future;
use std::sync::Arc;

use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{NodeLock, SqlError, Transaction, private};

use crate::checkpoint::{self, GenerationId, Purpose};
use crate::projection::{Projection, Table};
use crate::rebuild::{self, Progress, RebuildError};
use crate::store::ReadStore;

/// Differing keys reported of one table; the first say enough.
const DIFFERENCES_MAX: usize = 100;

/// Locked beside `read.db` while somebody verifies.
const LOCK_FILE: &str = "verify.lock";

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
    /// How many rows differ, also beyond those.
    pub differing: u64,
}

/// Held by whoever verifies, until it is dropped. The tables of a second verification take the place of the first one's,
/// which ends with [`RebuildError::Dropped`]; nothing else rests on the lock.
pub struct Verifying {
    _node: NodeLock,
    /// On SQLite.
    _file: Option<File>,
}

impl ReadStore {
    /// `None` where somebody verifies read models of this store already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_verifying(&self) -> Result<Option<Verifying>, SqlError> {
        let file = match self.folder() {
            None => None,
            Some(folder) => {
                // Nothing rests on it: where another user made the file, or nothing can be locked, it is done without.
                match private::open(&folder.join(LOCK_FILE)).map(|file| (file.try_lock(), file)) {
                    Ok((Ok(()), file)) => Some(file),
                    Ok((Err(TryLockError::WouldBlock), _)) => return Ok(None),
                    Ok((Err(TryLockError::Error(error)), _)) | Err(error) => {
                        tracing::debug!(%error, "whether another verification runs cannot be told");
                        None
                    }
                }
            }
        };
        let node = self.try_lock("verify").await?;
        Ok(node.map(|node| Verifying { _node: node, _file: file }))
    }
}

/// Replays the journal from the first event into new shadow tables up to where the live ones are, compares, and drops the
/// shadow, also where it could not be compared: no erasure would be folded into it. One that an earlier run left is given up.
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
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let projection = store.projection(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    let projection = projection.as_ref();
    let shadow = rebuild::begin_anew(store, projection, Purpose::Verify).await?;
    let compared = compare_with(store, projection, shadow, &read, progress).await;
    if matches!(compared, Err(RebuildError::Dropped(_))) {
        // Tables of this number are another run's by now.
        return compared;
    }
    let given_up = give_up_shadow(store, projection, shadow).await;
    let found = compared?;
    given_up?;
    Ok(found)
}

async fn give_up_shadow(store: &ReadStore, projection: &dyn Projection, shadow: GenerationId) -> Result<(), SqlError> {
    let mut tx = store.begin_schema_change().await?;
    checkpoint::give_up(&mut tx, shadow).await?;
    tx.commit().await?;
    store.drop_what_can_be(projection).await;
    Ok(())
}

async fn compare_with<R, F, E>(
    store: &ReadStore,
    projection: &dyn Projection,
    shadow: GenerationId,
    read: &R,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Verified, RebuildError>
where
    R: Fn(Position, usize) -> F,
    F: Future<Output = Result<Vec<Arc<RecordedEvent>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut attempts = 0;
    let (mut snapshot, live, position) = loop {
        rebuild::catch_up(store, projection, shadow, read, progress).await?;
        let still = store.advancing().write().await;
        rebuild::catch_up(store, projection, shadow, read, progress).await?;
        let live = store.live_id(projection);
        let mut snapshot = store.reader().begin_snapshot().await?;
        let live_at = checkpoint::find(&mut snapshot, live).await?;
        let live_at = live_at.filter(|at| at.purpose == Purpose::Live).map(|at| at.position);
        let shadow_at = checkpoint::find(&mut snapshot, shadow).await?;
        drop(still);
        // From here on the snapshot keeps its rows, whoever gives it up.
        let Some(shadow_at) = shadow_at.filter(|at| at.purpose == Purpose::Verify).map(|at| at.position) else {
            return Err(RebuildError::Dropped(projection.name()));
        };
        match live_at {
            Some(live_at) if live_at == shadow_at => break (snapshot, live, live_at),
            _ if attempts < SNAPSHOT_ATTEMPTS => attempts += 1,
            live_at => {
                return Err(RebuildError::NoCommonMoment { name: projection.name(), live_at });
            }
        }
    };
    let mut found = Verified { name: projection.name(), position, rows: 0, differences: Vec::new(), differing: 0 };
    for table in projection.tables() {
        compare(&mut snapshot, table, live, shadow, &mut found).await?;
    }
    snapshot.commit().await?;
    Ok(found)
}

async fn compare(
    snapshot: &mut Transaction,
    table: &Table,
    live: GenerationId,
    shadow: GenerationId,
    found: &mut Verified,
) -> Result<(), SqlError> {
    let (live_table, shadow_table) = (live.table(table.name), shadow.table(table.name));
    let counted = snapshot.fetch_optional(&format!("SELECT COUNT(*) AS total FROM {live_table}"), &[]).await?;
    found.rows += crate::query::total(counted)?;
    let rows = snapshot.fetch_all(&differing_rows(table, &live_table, &shadow_table), &[]).await?;
    found.differing += rows.first().map_or(Ok(0), |row| row.count("total"))?;
    for row in &rows {
        let parts = table.key.iter().map(|column| row.text(column)).collect::<Result<Vec<_>, _>>()?;
        let kind = match (row.flag("is_live")?, row.flag("is_replayed")?) {
            (true, true) => DifferenceKind::Altered,
            (true, false) => DifferenceKind::Surplus,
            (false, _) => DifferenceKind::Missing,
        };
        found.differences.push(Difference { table: table.name, key: parts.join("/"), kind });
    }
    Ok(())
}

/// Asks for the first keys whose rows are not alike in both tables, on which side each has one, and how many keys there are.
/// Whole rows are compared; `EXCEPT` takes nulls as equal.
fn differing_rows(table: &Table, live: &str, replayed: &str) -> String {
    let keys = table.key.join(", ");
    let side = |left: &str, right: &str, sides: &str| {
        format!("SELECT {keys}, {sides} FROM (SELECT * FROM {left} EXCEPT SELECT * FROM {right}) AS one_sided")
    };
    let of_live = side(live, replayed, "1 AS in_live, 0 AS in_replay");
    let of_replay = side(replayed, live, "0 AS in_live, 1 AS in_replay");
    let columns = table.key.iter();
    let texts: Vec<String> =
        columns.clone().map(|column| format!("CAST(differing.{column} AS TEXT) AS {column}")).collect();
    let grouped: Vec<String> = columns.map(|column| format!("differing.{column}")).collect();
    let (texts, grouped) = (texts.join(", "), grouped.join(", "));
    format!(
        "SELECT {texts}, CAST(MAX(in_live) AS BIGINT) AS is_live, CAST(MAX(in_replay) AS BIGINT) AS is_replayed, \
         COUNT(*) OVER () AS total FROM ({of_live} UNION ALL {of_replay}) AS differing \
         GROUP BY {grouped} ORDER BY {keys} LIMIT {DIFFERENCES_MAX}"
    )
}
