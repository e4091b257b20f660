//! The record in PostgreSQL: one session writes, a pool reads, the head row orders all nodes.
//!
//! Reading order: [`session`] (the writing session and its one statement), [`streams`] (what it remembers of them),
//! [`announce`] (how nodes hear of each other), then the engine below. [`suitable`] says which databases it refuses.

mod announce;
mod look;
mod session;
mod streams;
mod suitable;

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_sql::postgres::{ANSWER_MAX, Loan, postgres_pool};
use muniment_sql::{Database, SqlError};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Postgres, Row as _};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::engine::{Batch, ClaimId, Engine, Head, Identity, Stores, WriteError};
use crate::open::OpenError;
use crate::rows::{self, POSTGRES_COLUMNS, Reader, count, instant, stored};

use announce::{Announcer, Listener};
use look::Look;
use session::Session;
use streams::StreamNumbers;

const CONNECTIONS_MAX: u32 = 16;
/// A page of ten thousand events may be large, and the way to it narrow.
const PAGE_EVENT_MAX: Duration = Duration::from_millis(5);
const HEAD_SQL: &str = "SELECT position, hash, recorded_at, installation, epoch FROM journal_head";

/// The engine.
pub struct PostgresEngine {
    pool: PgPool,
    /// The writing session; `None` when opened for reading only.
    session: Option<Mutex<Session>>,
    numbers: StreamNumbers,
    announcer: Option<Announcer>,
    listener: Listener,
    look: Look,
}

impl PostgresEngine {
    /// Connects for writing.
    ///
    /// # Errors
    /// When the database cannot be reached, is none that a record can be in, or is set up to lose commits.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = options(url)?;
        suitable::check(&options).await?;
        suitable::check_durable(&options).await?;
        let pool = postgres_pool(CONNECTIONS_MAX, "SET synchronous_commit = on");
        let pool = pool.connect_with(options.clone()).await.map_err(SqlError::from)?;
        Ok(Self {
            listener: Listener::new(pool.clone()),
            announcer: Some(Announcer::start(options.clone())),
            look: Look::new(options.clone()),
            numbers: StreamNumbers::new(),
            session: Some(Mutex::new(Session::new(options))),
            pool,
        })
    }

    /// Connects for reading only.
    ///
    /// # Errors
    /// When the database cannot be reached, or is none that a record can be in.
    pub async fn open_read_only(url: &str) -> Result<Self, OpenError> {
        let options = options(url)?;
        suitable::check(&options).await?;
        let pool = postgres_pool(CONNECTIONS_MAX, "SET default_transaction_read_only = on");
        let pool = pool.connect_with(options.clone()).await.map_err(SqlError::from)?;
        Ok(Self {
            listener: Listener::new(pool.clone()),
            announcer: None,
            session: None,
            numbers: StreamNumbers::new(),
            look: Look::new(options),
            pool,
        })
    }

    pub(crate) fn databases(&self) -> Stores {
        Stores { read: Database::Postgres(self.pool.clone()), write: Database::Postgres(self.pool.clone()) }
    }

    /// All rows of an answer, if it comes in time.
    async fn fetch(&self, bound: Duration, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, SqlError> {
        Loan::of(&self.pool).await?.fetch_all(bound, query).await
    }

    fn session(&self) -> Result<&Mutex<Session>, SqlError> {
        self.session.as_ref().ok_or_else(|| SqlError::Unsuitable("the record is open for reading only".to_owned()))
    }
}

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    Ok(PgConnectOptions::from_str(url).map_err(SqlError::from)?.disable_statement_logging())
}

/// How long reading so many events may take.
fn page_max(events: usize) -> Duration {
    ANSWER_MAX + PAGE_EVENT_MAX.saturating_mul(u32::try_from(events).unwrap_or(u32::MAX))
}

fn head(row: &PgRow) -> Result<Head, SqlError> {
    let installation = Uuid::parse_str(row.try_get("installation")?)
        .map_err(|error| SqlError::Column { column: "installation".to_owned(), what: error.to_string() })?;
    Ok(Head {
        position: Position(count("position", row.try_get("position")?)?),
        hash: rows::bytes("hash", row.try_get("hash")?)?,
        identity: Identity { installation, epoch: count("epoch", row.try_get("epoch")?)? },
        recorded_at: instant("recorded_at", row.try_get("recorded_at")?)?,
    })
}

fn events(rows: &[PgRow]) -> Result<Vec<RecordedEvent>, SqlError> {
    let mut reader = Reader::default();
    rows.iter().map(|row| reader.event(row)).collect()
}

#[async_trait]
impl Engine for PostgresEngine {
    async fn head(&self) -> Result<Head, SqlError> {
        head(&self.look.head().await?)
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let session = self.session().map_err(|error| WriteError::Failed(error.to_string()))?;
        session.lock().await.write(batch, &self.numbers).await
    }

    async fn check_writable(&self) -> Result<(), SqlError> {
        let mut tx = self.databases().write.begin().await?;
        // The row is written anew, although it says what it said.
        tx.execute("UPDATE journal_head SET recorded_at = recorded_at", &[]).await?;
        tx.commit().await
    }

    async fn hold(&self) -> Result<Head, SqlError> {
        head(&self.session()?.lock().await.hold().await?)
    }

    async fn release(&self) -> Result<(), SqlError> {
        Ok(self.session()?.lock().await.release().await?)
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            format!(
                "SELECT {POSTGRES_COLUMNS} FROM events WHERE position > $1 AND position <= $2 \
                 ORDER BY position LIMIT $3"
            )
        });
        let query = sqlx::query(&SQL).bind(stored(after.0)).bind(stored(through.0));
        let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        events(&self.fetch(page_max(limit), query).await?)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, SqlError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            format!(
                "SELECT {POSTGRES_COLUMNS} FROM events WHERE sequence > $3 AND position > 0 AND \
                 stream = (SELECT number FROM streams WHERE aggregate_type = $1 AND aggregate_id = $2) \
                 ORDER BY sequence LIMIT $4"
            )
        });
        let query = sqlx::query(&SQL).bind(&*stream.kind).bind(&*stream.id).bind(stored(after_sequence));
        let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        events(&self.fetch(page_max(limit), query).await?)
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        let (kinds, ids): (Vec<&str>, Vec<&str>) = streams.iter().map(|stream| (&*stream.kind, &*stream.id)).unzip();
        let query = sqlx::query(
            "SELECT kind, id, number, \
             (SELECT max(sequence) FROM events WHERE stream = number AND position > 0) AS version \
             FROM unnest($1::text[], $2::text[]) AS asked (kind, id) \
             JOIN streams ON aggregate_type = kind AND aggregate_id = id",
        )
        .bind(kinds)
        .bind(ids);
        let rows = self.fetch(ANSWER_MAX, query).await?;
        let mut versions = HashMap::with_capacity(rows.len());
        let mut numbers = Vec::with_capacity(rows.len());
        for row in &rows {
            let stream = StreamId::new(row.try_get("kind")?, row.try_get("id")?);
            numbers.push((stream.clone(), row.try_get("number")?));
            if let Some(version) = row.try_get("version")? {
                versions.insert(stream, count("version", version)?);
            }
        }
        self.numbers.learn(numbers);
        Ok(versions)
    }

    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        let asked: Vec<&[u8]> = keys.iter().map(|key| key.0.as_slice()).collect();
        let sql = "SELECT dedupe_key, position FROM events WHERE dedupe_key = ANY($1) AND position > 0";
        let rows = self.fetch(ANSWER_MAX, sqlx::query(sql).bind(asked)).await?;
        let found = |row: &PgRow| {
            let key = DedupeKey(rows::bytes("dedupe_key", row.try_get("dedupe_key")?)?);
            Ok((key, Position(count("position", row.try_get("position")?)?)))
        };
        rows.iter().map(found).collect()
    }

    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError> {
        let (namespaces, digests): (Vec<&str>, Vec<&[u8]>) =
            claims.iter().map(|claim| (claim.namespace, claim.digest.as_slice())).unzip();
        let query = sqlx::query(
            "SELECT asked.ordinality AS place, owner_kind, owner_id \
             FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS asked (scope, digest, ordinality) \
             JOIN claims ON claims.scope = asked.scope AND claims.digest = asked.digest",
        )
        .bind(namespaces)
        .bind(digests);
        let rows = self.fetch(ANSWER_MAX, query).await?;
        let mut found = HashMap::new();
        for row in &rows {
            let place = count("place", row.try_get("place")?)?;
            let claim = usize::try_from(place).ok().and_then(|place| claims.get(place.checked_sub(1)?));
            if let Some(claim) = claim {
                found.insert(claim.clone(), StreamId::new(row.try_get("owner_kind")?, row.try_get("owner_id")?));
            }
        }
        Ok(found)
    }

    async fn epochs(&self) -> Result<Vec<(u64, Position)>, SqlError> {
        let sql = "SELECT epoch, after_position FROM journal_epochs ORDER BY epoch";
        let epoch = |row: &PgRow| {
            let after = Position(count("after_position", row.try_get("after_position")?)?);
            Ok((count("epoch", row.try_get("epoch")?)?, after))
        };
        self.fetch(ANSWER_MAX, sqlx::query(sql)).await?.iter().map(epoch).collect()
    }

    async fn begin_epoch(&self, ours: Identity) -> Result<Option<Identity>, SqlError> {
        let now = Utc::now();
        let theirs = ours.later(now);
        let mut tx = self.databases().write.begin().await?;
        // Whoever writes waits for the row, and finds that its batch was built on another record.
        let renamed = tx
            .fetch_optional(
                "UPDATE journal_head SET epoch = $1 WHERE installation = $2 AND epoch = $3 RETURNING position",
                &[theirs.epoch.into(), ours.installation.to_string().into(), ours.epoch.into()],
            )
            .await?;
        let Some(head) = renamed else { return Ok(None) };
        let insert = "INSERT INTO journal_epochs (epoch, after_position, started_at) VALUES ($1, $2, $3)";
        tx.execute(insert, &[theirs.epoch.into(), head.int("position")?.into(), now.into()]).await?;
        tx.commit().await?;
        Ok(Some(theirs))
    }

    async fn misfiled(&self, after: Position, through: Position) -> Result<Option<Position>, SqlError> {
        let sql = "SELECT position FROM events LEFT JOIN streams ON number = stream \
             WHERE position > $1 AND position <= $2 AND (events.aggregate_type, events.aggregate_id) \
             IS DISTINCT FROM (streams.aggregate_type, streams.aggregate_id) ORDER BY position LIMIT 1";
        let bound = page_max(usize::try_from(through.0.saturating_sub(after.0)).unwrap_or(usize::MAX));
        let query = sqlx::query(sql).bind(stored(after.0)).bind(stored(through.0));
        let found = self.fetch(bound, query).await?;
        found.first().map(|row| Ok(Position(count("position", row.try_get("position")?)?))).transpose()
    }

    async fn below_first(&self) -> Result<Option<i64>, SqlError> {
        let lowest = "SELECT position FROM events WHERE position < 1 ORDER BY position LIMIT 1";
        let found = self.fetch(ANSWER_MAX, sqlx::query(lowest)).await?;
        found.first().map(|row| Ok(row.try_get("position")?)).transpose()
    }

    fn announce(&self, head: Position) {
        self.listener.ignore_through(head);
        if let Some(announcer) = &self.announcer {
            announcer.announce(head);
        }
    }

    async fn changed(&self) {
        self.listener.changed().await;
    }

    fn shared(&self) -> bool {
        true
    }

    fn system(&self) -> &'static str {
        "postgresql"
    }

    fn writable(&self) -> bool {
        self.session.is_some()
    }

    fn stores(&self) -> Option<Stores> {
        Some(self.databases())
    }

    async fn close(&self) {
        if let Some(session) = &self.session {
            session.lock().await.close().await;
        }
        if let Some(announcer) = &self.announcer {
            announcer.stop();
        }
        self.listener.stop().await;
        self.look.close().await;
        self.databases().read.close().await;
    }
}
