//! When a credential was last used: a coalesced fact, not an event and not a projection (spec/metrics.md section 9).
//! A credential costs at most one write a minute, however often it is used and on however many nodes.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use muniment_aggregates::ids::CredentialId;
use muniment_aggregates::sealed::Sealed;
use muniment_sql::{Engine, SqlError, Transaction};
use parking_lot::Mutex;

use crate::query::{Query, sealed_or_null};
use crate::store::ReadStore;

/// Least time between two writes for one credential.
const WRITE_INTERVAL: TimeDelta = TimeDelta::seconds(60);

/// Further ahead than this no clock of a node is: such a use was noted by one that was wrong, and any later one takes its place.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(10);

/// Credentials whose last write is remembered; one that fell out costs one statement, which then changes no row.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not zero");

/// Adds what the table lacks that the first programs made, which kept no addresses.
pub(crate) async fn complete(tx: &mut Transaction) -> Result<(), SqlError> {
    let found = match tx.engine() {
        Engine::Sqlite => "SELECT name FROM pragma_table_info('last_used_v1') WHERE name = 'client'",
        Engine::Postgres => {
            "SELECT column_name::text AS name FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = 'last_used_v1' AND column_name = 'client'"
        }
    };
    if tx.fetch_optional(found, &[]).await?.is_none() {
        tx.execute("ALTER TABLE last_used_v1 ADD COLUMN client TEXT", &[]).await?;
    }
    Ok(())
}

/// Notes uses of credentials. One a process.
pub struct LastUsed {
    store: ReadStore,
    written: Mutex<LruCache<String, DateTime<Utc>>>,
}

impl LastUsed {
    /// Nothing noted yet.
    #[must_use]
    pub fn new(store: ReadStore) -> Self {
        Self { store, written: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Whether a use at `now` would be written; what it costs to seal an address can then be saved.
    #[must_use]
    pub fn is_due(&self, credential: &CredentialId, now: DateTime<Utc>) -> bool {
        self.written.lock().get(&credential.0).is_none_or(|at| is_stale(*at, now))
    }

    /// Notes a use at `now` and from where; `true` when that was written.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note(
        &self,
        credential: &CredentialId,
        client: Option<&Sealed>,
        now: DateTime<Utc>,
    ) -> Result<bool, SqlError> {
        {
            let mut written = self.written.lock();
            if written.get(&credential.0).is_some_and(|at| !is_stale(*at, now)) {
                return Ok(false);
            }
            // Remembered before the write, so that parallel requests of one credential write once.
            written.put(credential.0.clone(), now);
        }
        let written = self
            .store
            .writer()
            .execute(
                "INSERT INTO last_used_v1 (credential_id, used_at, client) VALUES ($1, $2, $4) \
                 ON CONFLICT (credential_id) DO UPDATE SET used_at = excluded.used_at, client = excluded.client \
                 WHERE last_used_v1.used_at <= $3 OR last_used_v1.used_at > $5",
                &[
                    credential.0.as_str().into(),
                    now.into(),
                    (now - WRITE_INTERVAL).into(),
                    client.map(Sealed::as_str).into(),
                    (now + AHEAD_MAX).into(),
                ],
            )
            .await;
        if written.is_err() {
            self.written.lock().pop(&credential.0);
        }
        Ok(written? == 1)
    }
}

/// Whether a use at `now` is written over one at `at`.
fn is_stale(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at <= now - WRITE_INTERVAL || at > now + AHEAD_MAX
}

/// The last use of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: DateTime<Utc>,
    /// From where.
    pub client: Option<Sealed>,
}

/// When and from where a credential was last used, as far as it was written.
///
/// # Errors
/// What the database says.
pub async fn of(store: &ReadStore, credential: &CredentialId) -> Result<Option<Use>, SqlError> {
    let sql = "SELECT used_at, client FROM last_used_v1 WHERE credential_id = $1";
    let row = store.fetch_optional(sql, &[credential.0.as_str().into()]).await?;
    row.map(|row| Ok(Use { at: row.instant("used_at")?, client: sealed_or_null(&row, "client")? })).transpose()
}

/// Rows that one statement takes away.
const FORGOTTEN_AT_ONCE: usize = 500;

/// Looks at the last uses of so many credentials from behind `behind`, by id, and forgets those of sessions and API tokens
/// that ended, which nobody is shown; those of agent tokens are, and stay. The last it looked at, where there may be others
/// behind.
///
/// # Errors
/// What the database says.
pub async fn forget_ended(
    store: &ReadStore,
    behind: Option<&CredentialId>,
    limit: usize,
) -> Result<Option<CredentialId>, SqlError> {
    let sql = "SELECT l.credential_id, CASE WHEN EXISTS \
               (SELECT 1 FROM sessions_v2_g0 s WHERE s.public_id = l.credential_id AND s.ended_at IS NOT NULL) OR EXISTS \
               (SELECT 1 FROM api_tokens_v1_g0 t WHERE t.id = l.credential_id AND t.ended_at IS NOT NULL) \
               THEN l.credential_id END AS ended FROM last_used_v1 l WHERE l.credential_id > $1 \
               ORDER BY l.credential_id LIMIT $2";
    let behind = behind.map_or("", |id| id.0.as_str());
    let rows = store.fetch_all(sql, &[behind.into(), limit.into()]).await?;
    let ended = rows.iter().filter_map(|row| row.text_or_null("ended").transpose()).collect::<Result<Vec<_>, _>>()?;
    for ids in ended.chunks(FORGOTTEN_AT_ONCE) {
        let mut query = Query::new("DELETE FROM last_used_v1 WHERE credential_id IN (");
        query.list(ids.iter().map(String::as_str)).push(")");
        store.writer().execute(query.sql(), query.args()).await?;
    }
    let last = rows.last().filter(|_| rows.len() == limit);
    last.map(|row| row.text("credential_id").map(CredentialId)).transpose()
}
