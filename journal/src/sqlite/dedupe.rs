//! Dedupe keys, of which each is recorded once: the newest in memory, the others in the table `dedupe_keys`.
//!
//! The table has the keys of all events up to `journal_head.dedupe_indexed`, and maybe some of later ones. Memory has
//! those of later events up to the head that this process saw, and is used for a batch only where the batch builds on that
//! very head: whatever went wrong before, a head that moved without it makes it load anew.

use std::collections::HashMap;

use muniment_aggregates::record::{DedupeKey, Position};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::recent_keys::{Drain, RecentKeys};
use super::texts::{ALL_INDEXED, INDEX_KEYS, filled, placeholders};
use super::writing::refusal;
use crate::engine::{Batch, Head, WriteError};
use crate::rows::{bytes, count, stored};

/// What a batch with a key that is recorded already is refused with, wherever that was found.
const REFUSED: &str = "UNIQUE constraint failed: dedupe_keys.dedupe_key";

/// The keys of the record that this process writes.
#[derive(Debug)]
pub(super) struct DedupeKeys {
    generation_events: u64,
    /// `None` until the first write, and after a panic until the next.
    recent: Mutex<Option<RecentKeys>>,
}

fn keyed(row: &SqliteRow) -> Result<(DedupeKey, Position), SqlError> {
    let key = DedupeKey(bytes("dedupe_key", row.try_get("dedupe_key")?)?);
    Ok((key, Position(count("position", row.try_get("position")?)?)))
}

impl DedupeKeys {
    pub(super) fn new(generation_events: u64) -> Self {
        Self { generation_events: generation_events.max(1), recent: Mutex::new(None) }
    }

    /// Makes memory exact for the head that a batch builds on; the caller holds the writing connection.
    pub(super) fn prepare(&self, connection: &mut Connection, before: &Head) -> Result<(), WriteError> {
        if self.is_at(before) {
            return Ok(());
        }
        let loaded = self.load(connection).map_err(|error| WriteError::Failed(error.to_string()))?;
        *self.recent.lock() = Some(loaded);
        if self.is_at(before) { Ok(()) } else { Err(WriteError::HeadMoved) }
    }

    /// Memory may be half changed, so it no longer tells which head it is exact for.
    pub(super) fn forget(&self) {
        *self.recent.lock() = None;
    }

    fn is_at(&self, head: &Head) -> bool {
        self.recent.lock().as_ref().is_some_and(|recent| recent.is_at(head))
    }

    /// Refuses a batch with a key that memory has or the batch has twice; otherwise what is to be drained along with it.
    pub(super) fn admit(&self, batch: &Batch) -> Result<Drain, WriteError> {
        let recent = self.recent.lock();
        let recent = recent.as_ref().ok_or(WriteError::HeadMoved)?;
        match recent.doubled(batch) {
            Some(_) => Err(WriteError::Unique(REFUSED.to_owned())),
            None => Ok(recent.drain(batch.events.len())),
        }
    }

    /// The batch is durable, and what was drained along with it too.
    pub(super) fn committed(&self, batch: &Batch, drain: &Drain) {
        if let Some(recent) = self.recent.lock().as_mut() {
            recent.committed(batch, drain);
        }
    }

    /// Where the events of these keys stand.
    pub(super) async fn find(
        &self,
        read: &SqlitePool,
        keys: &[DedupeKey],
    ) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        let mut found = HashMap::new();
        let mut elsewhere = Vec::with_capacity(keys.len());
        let seen = {
            let recent = self.recent.lock();
            for key in keys {
                match recent.as_ref().and_then(|recent| recent.find(key)) {
                    Some(position) => {
                        found.insert(*key, position);
                    }
                    None => elsewhere.push(*key),
                }
            }
            recent.as_ref().map_or(Position::START, RecentKeys::position)
        };
        // Above the head that memory is exact for, the events are asked themselves: there mostly are none.
        for keys in filled(&elsewhere) {
            let asked = placeholders(keys.len(), 1);
            let sql = format!(
                "WITH asked (asked_key) AS (VALUES {asked}) \
                 SELECT dedupe_key, position FROM asked CROSS JOIN dedupe_keys ON dedupe_key = asked_key \
                 WHERE position > 0 \
                 UNION ALL SELECT dedupe_key, position FROM events \
                 WHERE position > max(?, (SELECT dedupe_indexed FROM journal_head)) \
                 AND dedupe_key IN (SELECT asked_key FROM asked)"
            );
            let query = keys.iter().fold(sqlx::query(&sql), |query, key| query.bind(key.0.as_slice()));
            for row in query.bind(stored(seen.0)).fetch_all(read).await? {
                let (key, position) = keyed(&row)?;
                found.insert(key, position);
            }
        }
        Ok(found)
    }

    /// Reads the keys that the table may lack. Where they are a generation and more, as after a crash, they go into the
    /// table here and now, so that they do not become more with every start.
    fn load(&self, connection: &mut Connection) -> Result<RecentKeys, LoadError> {
        // The lock comes first: of a write that was given up midway it must be certain whether it came.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A record that was cut goes on below.
        let cut = "UPDATE journal_head SET dedupe_indexed = position WHERE dedupe_indexed > position";
        transaction.execute(cut, [])?;
        let head = "SELECT position, hash, dedupe_indexed FROM journal_head";
        let (position, hash, indexed): (i64, Vec<u8>, i64) =
            transaction.query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (position, hash) = (count("position", position)?, bytes("hash", &hash)?);
        let mut indexed = count("dedupe_indexed", indexed)?;
        if position.saturating_sub(indexed) >= self.generation_events {
            // Some may be there, from a generation that was on its way.
            transaction.execute(&format!("{INDEX_KEYS} ON CONFLICT DO NOTHING"), [])?;
            transaction.execute(ALL_INDEXED, [])?;
            indexed = position;
        }
        let mut keys = HashMap::new();
        {
            let sql = "SELECT dedupe_key, position FROM events WHERE position > ? AND dedupe_key IS NOT NULL";
            let mut select = transaction.prepare(sql)?;
            let mut rows = select.query(params![stored(indexed)])?;
            while let Some(row) = rows.next()? {
                let key = DedupeKey(bytes("dedupe_key", row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
                keys.insert(key, Position(count("position", row.get(1)?)?));
            }
        }
        transaction.commit()?;
        Ok(RecentKeys::new(self.generation_events, Position(indexed), (Position(position), hash), keys))
    }

    /// Refuses a batch with a key that the table has.
    pub(super) fn refuse_recorded(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), WriteError> {
        let mut find = transaction.prepare_cached("SELECT 1 FROM dedupe_keys WHERE dedupe_key = ?").map_err(refusal)?;
        for key in batch.events.iter().filter_map(|event| event.dedupe.as_ref()) {
            if find.exists([key.0.as_slice()]).map_err(refusal)? {
                return Err(WriteError::Unique(REFUSED.to_owned()));
            }
        }
        Ok(())
    }
}

/// Why the keys could not be loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Value(#[from] SqlError),
}

impl Drain {
    /// Puts its keys into the table.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.keys().is_empty() && self.completes.is_none() {
            return Ok(());
        }
        // One that is there stays: it came with a batch whose outcome was not known.
        let sql = "INSERT INTO dedupe_keys (dedupe_key, position) VALUES (?, ?) ON CONFLICT DO NOTHING";
        let mut insert = transaction.prepare_cached(sql)?;
        for (key, position) in self.keys() {
            insert.execute(params![key.0.as_slice(), stored(position.0)])?;
        }
        if let Some(through) = self.completes {
            let sql = "UPDATE journal_head SET dedupe_indexed = ? WHERE singleton = 1";
            transaction.prepare_cached(sql)?.execute(params![stored(through.0)])?;
        }
        Ok(())
    }
}
