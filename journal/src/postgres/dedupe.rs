//! Dedupe keys, of which each is recorded once: the newest in memory, the others in the table `dedupe_keys`.
//!
//! The table has the keys of all events up to `journal_head.dedupe_indexed`, and maybe some of later ones. Memory has
//! those of later events up to the head that this node wrote or saw last, and is used for a batch only where the batch
//! builds on that very head: what other nodes wrote meanwhile is read first. The statement that moves the head looks into
//! the table; nobody else can have recorded a key between, because the head would have moved.

use std::collections::HashMap;
use std::time::Duration;

use muniment_aggregates::record::{DedupeKey, Position};
use muniment_sql::SqlError;
use muniment_sql::postgres::{ANSWER_MAX, Loan};
use parking_lot::Mutex;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Executor as _, Row as _};

use crate::engine::{Batch, Head, WriteError};
use crate::recent_keys::{Drain, RecentKeys};
use crate::rows::{bytes, count, stored};

/// What a batch with a key that is recorded already is refused with, wherever that was found.
pub(super) const REFUSED: &str = "dedupe_keys_key";

/// The keys of the record, as far as this node must know them.
#[derive(Debug)]
pub(super) struct DedupeKeys {
    generation_events: u64,
    /// `None` until the first write.
    recent: Mutex<Option<RecentKeys>>,
}

fn keyed(row: &PgRow) -> Result<(DedupeKey, Position), SqlError> {
    let key = DedupeKey(bytes("dedupe_key", row.try_get("dedupe_key")?)?);
    Ok((key, Position(count("position", row.try_get("position")?)?)))
}

impl DedupeKeys {
    pub(super) fn new(generation_events: u64) -> Self {
        Self { generation_events: generation_events.max(1), recent: Mutex::new(None) }
    }

    /// Makes memory exact for the head that a batch builds on; `false` where the record has another.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub(super) async fn prepare(&self, connection: &mut PgConnection, before: &Head) -> Result<bool, SqlError> {
        if self.is_at(before) {
            return Ok(true);
        }
        if !self.follow(connection, before).await? {
            // What is known stays where the head has moved: it is brought up to date sooner than read anew.
            let Some(loaded) = self.load(connection, before).await? else { return Ok(false) };
            *self.recent.lock() = Some(loaded);
        }
        Ok(self.is_at(before))
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
        pool: &PgPool,
        keys: &[DedupeKey],
    ) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        let mut found = HashMap::new();
        let mut elsewhere: Vec<&[u8]> = Vec::with_capacity(keys.len());
        let seen = {
            let recent = self.recent.lock();
            for key in keys {
                match recent.as_ref().and_then(|recent| recent.find(key)) {
                    Some(position) => drop(found.insert(*key, position)),
                    None => elsewhere.push(&key.0),
                }
            }
            recent.as_ref().map_or(Position::START, RecentKeys::position)
        };
        if elsewhere.is_empty() {
            return Ok(found);
        }
        // Above the head that memory is exact for, the events are asked themselves: there mostly are none.
        let sql = "SELECT dedupe_key, position FROM dedupe_keys WHERE dedupe_key = ANY($1) \
             UNION ALL SELECT dedupe_key, position FROM events \
             WHERE position > greatest($2, (SELECT dedupe_indexed FROM journal_head)) AND dedupe_key = ANY($1)";
        let query = sqlx::query(sql).bind(elsewhere).bind(stored(seen.0));
        for row in Loan::of(pool).await?.fetch_all(ANSWER_MAX, query).await? {
            let (key, position) = keyed(&row)?;
            found.insert(key, position);
        }
        Ok(found)
    }

    /// Puts the keys that the table lacks into it, where they are a generation and more: each process that ends before its
    /// generation is through leaves it to the next.
    pub(super) async fn index_left(&self, pool: &PgPool) -> Result<(), SqlError> {
        let mut loan = Loan::of(pool).await?;
        // A record that was cut goes on below, and its streams are numbered by positions.
        let cut = "UPDATE journal_head SET dedupe_indexed = position WHERE dedupe_indexed > position";
        loan.execute(ANSWER_MAX, sqlx::query(cut)).await?;
        let beyond = "DELETE FROM streams WHERE number > (SELECT position FROM journal_head)";
        loan.execute(ANSWER_MAX, sqlx::query(beyond)).await?;
        let head = loan.fetch_all(ANSWER_MAX, sqlx::query(HEAD)).await?;
        let Some(head) = head.first() else { return Ok(()) };
        let (position, indexed): (i64, i64) = (head.try_get("position")?, head.try_get("dedupe_indexed")?);
        let behind = u64::try_from(position.saturating_sub(indexed)).unwrap_or(0);
        if behind < self.generation_events {
            return Ok(());
        }
        // In the order of the keys, as whoever drains beside this does, so that neither waits for the other for good.
        let insert = "INSERT INTO dedupe_keys (dedupe_key, position) SELECT dedupe_key, position FROM events \
            WHERE position > $1 AND position <= $2 AND dedupe_key IS NOT NULL ORDER BY dedupe_key ON CONFLICT DO NOTHING";
        let moved = "UPDATE journal_head SET dedupe_indexed = greatest(dedupe_indexed, $1)";
        let bound = ANSWER_MAX + KEY_MAX.saturating_mul(u32::try_from(behind).unwrap_or(u32::MAX));
        loan.execute(bound, sqlx::query(insert).bind(indexed).bind(position)).await?;
        loan.execute(ANSWER_MAX, sqlx::query(moved).bind(position)).await?;
        Ok(())
    }

    /// Adds what other nodes recorded since; `false` where memory is of another future, or of none.
    async fn follow(&self, connection: &mut PgConnection, before: &Head) -> Result<bool, SqlError> {
        let Some((position, hash)) = self.recent.lock().as_ref().map(RecentKeys::end) else { return Ok(false) };
        // Behind by more, reading what the table lacks is less.
        let behind = before.position.0.checked_sub(position.0);
        if behind.is_none_or(|behind| behind == 0 || behind > self.generation_events) {
            return Ok(false);
        }
        let sql =
            "SELECT position, hash, dedupe_key FROM events WHERE position >= $1 AND position <= $2 ORDER BY position";
        let rows =
            connection.fetch_all(sqlx::query(sql).bind(stored(position.0)).bind(stored(before.position.0))).await?;
        let mut keys = HashMap::with_capacity(rows.len());
        let mut last = None;
        for (index, row) in rows.iter().enumerate() {
            let found: &[u8] = row.try_get("hash")?;
            if index == 0 && found != hash {
                return Ok(false);
            }
            last = Some((Position(count("position", row.try_get("position")?)?), bytes("hash", found)?));
            if index > 0 && row.try_get::<Option<&[u8]>, _>("dedupe_key")?.is_some() {
                keys.extend([keyed(row)?]);
            }
        }
        let Some(end) = last.filter(|_| rows.len() > 1) else { return Ok(false) };
        if let Some(recent) = self.recent.lock().as_mut() {
            recent.follow(end, keys);
        }
        Ok(true)
    }

    /// Reads the keys that the table may lack; `None` where the record has another head.
    async fn load(&self, connection: &mut PgConnection, before: &Head) -> Result<Option<RecentKeys>, SqlError> {
        let head = connection.fetch_one(sqlx::query(HEAD)).await?;
        let position = count("position", head.try_get("position")?)?;
        let indexed = count("dedupe_indexed", head.try_get("dedupe_indexed")?)?;
        if position != before.position.0 || head.try_get::<&[u8], _>("hash")? != before.hash {
            return Ok(None);
        }
        // A record that was cut goes on below what is indexed.
        let indexed = Position(indexed.min(position));
        let sql = "SELECT dedupe_key, position FROM events \
             WHERE position > $1 AND position <= $2 AND dedupe_key IS NOT NULL";
        let query = sqlx::query(sql).bind(stored(indexed.0)).bind(stored(position));
        let keys = connection.fetch_all(query).await?.iter().map(keyed).collect::<Result<_, _>>()?;
        Ok(Some(RecentKeys::new(self.generation_events, indexed, (before.position, before.hash), keys)))
    }
}

const HEAD: &str = "SELECT position, hash, dedupe_indexed FROM journal_head";
/// How long one key may take to be put into the table.
const KEY_MAX: Duration = Duration::from_millis(1);
