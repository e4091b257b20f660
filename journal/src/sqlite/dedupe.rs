//! Dedupe keys, of which each is recorded once: the newest in memory, the others in the table `dedupe_keys`.
//!
//! The table has the keys of all events up to `journal_head.dedupe_indexed`, and maybe some of later ones. Memory has
//! those of later events up to the head that this process saw, and is used for a batch only where the batch builds on that
//! very head: whatever went wrong before, a head that moved without it makes it load anew.

use std::collections::HashMap;

use muniment_aggregates::record::{DedupeKey, Position};
use muniment_sql::SqlError;
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Executor as _, Row as _};

use super::message::{Message, Step};
use super::recent_keys::{DRAIN_SIZES, Drain, RecentKeys};
use super::texts::{ALL_INDEXED, FILLED_SIZES, INDEX_KEYS, filled, filled_to, insert_keys, placeholders, refuse_keys};
use crate::engine::{Batch, Head, WriteError};
use crate::rows::{bytes, count, stored};

/// What a batch with a key that is recorded already is refused with, wherever that was found.
pub(super) const REFUSED: &str = "UNIQUE constraint failed: dedupe_keys.dedupe_key";

/// The keys of the record that this process writes.
#[derive(Debug)]
pub(super) struct DedupeKeys {
    generation_events: u64,
    /// `None` until the first write.
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
    pub(super) async fn prepare(&self, connection: &mut SqliteConnection, before: &Head) -> Result<(), WriteError> {
        if self.is_at(before) {
            return Ok(());
        }
        let loaded = self.load(connection).await.map_err(|error| WriteError::Failed(error.to_string()))?;
        *self.recent.lock() = Some(loaded);
        if self.is_at(before) { Ok(()) } else { Err(WriteError::HeadMoved) }
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
    async fn load(&self, connection: &mut SqliteConnection) -> Result<RecentKeys, SqlError> {
        // The lock comes first: of a write that was given up midway it must be certain whether it came.
        connection.execute("BEGIN IMMEDIATE").await?;
        // A record that was cut goes on below.
        connection.execute("UPDATE journal_head SET dedupe_indexed = position WHERE dedupe_indexed > position").await?;
        let head = connection.fetch_one("SELECT position, hash, dedupe_indexed FROM journal_head").await?;
        let position = count("position", head.try_get("position")?)?;
        let hash = bytes("hash", head.try_get("hash")?)?;
        let mut indexed = count("dedupe_indexed", head.try_get("dedupe_indexed")?)?;
        if position.saturating_sub(indexed) >= self.generation_events {
            // Some may be there, from a generation that was on its way.
            connection.execute(&*format!("{INDEX_KEYS} ON CONFLICT DO NOTHING")).await?;
            connection.execute(ALL_INDEXED).await?;
            indexed = position;
        }
        let sql = "SELECT dedupe_key, position FROM events WHERE position > ? AND dedupe_key IS NOT NULL";
        let rows = sqlx::query(sql).bind(stored(indexed)).fetch_all(&mut *connection).await?;
        let keys = rows.iter().map(keyed).collect::<Result<_, _>>()?;
        connection.execute("COMMIT").await?;
        Ok(RecentKeys::new(self.generation_events, Position(indexed), (Position(position), hash), keys))
    }
}

/// Adds the statement that fails if the table has a key of these events.
pub(super) fn refuse_recorded<'q>(message: &mut Message<'q>, keys: &[&'q DedupeKey]) {
    for keys in filled_to(keys, &FILLED_SIZES) {
        message.step(Step::RefuseKeys, &refuse_keys(keys.len()));
        for key in keys {
            message.bind(key.0.as_slice());
        }
    }
}

/// Adds the statements that drain along with a batch of one message.
pub(super) fn drain<'q>(message: &mut Message<'q>, drain: &'q Drain) {
    for keys in filled_to(drain.keys(), &DRAIN_SIZES) {
        insert(message, &keys);
    }
    if let Some(through) = drain.completes {
        indexed(message, through);
    }
}

/// The same as a message an insert, so that their texts are few and stay prepared, however large the batch is.
pub(super) fn drain_apart(drain: &Drain) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    for keys in filled_to(drain.keys(), &DRAIN_SIZES) {
        let mut message = Message::default();
        insert(&mut message, &keys);
        messages.push(message);
    }
    if let Some(through) = drain.completes {
        let mut message = Message::default();
        indexed(&mut message, through);
        messages.push(message);
    }
    messages
}

fn insert<'q>(message: &mut Message<'q>, keys: &[&'q (DedupeKey, Position)]) {
    message.step(Step::Write, &insert_keys(keys.len()));
    for (key, position) in keys {
        message.bind(key.0.as_slice()).bind(stored(position.0));
    }
}

/// The table has every key through a position.
fn indexed(message: &mut Message<'_>, through: Position) {
    message.step(Step::Write, "UPDATE journal_head SET dedupe_indexed = ? WHERE singleton = 1");
    message.bind(stored(through.0));
}
