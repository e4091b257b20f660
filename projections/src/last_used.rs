//! When a credential was last used: a coalesced fact, not an event and not a projection (spec/metrics.md section 9).
//! A credential costs at most one write a minute, however often it is used and on however many nodes.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use muniment_aggregates::ids::CredentialId;
use muniment_sql::SqlError;
use parking_lot::Mutex;

use crate::store::ReadStore;

/// Least time between two writes for one credential.
const WRITE_SECONDS: i64 = 60;

/// Credentials whose last write is remembered; one that fell out costs one statement, which then changes no row.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not zero");

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

    /// Notes a use at `now`; `true` when that was written.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note(&self, credential: &CredentialId, now: DateTime<Utc>) -> Result<bool, SqlError> {
        let stale_before = now - TimeDelta::seconds(WRITE_SECONDS);
        {
            let mut written = self.written.lock();
            if written.get(&credential.0).is_some_and(|at| *at > stale_before) {
                return Ok(false);
            }
            // Remembered before the write, so that parallel requests of one credential write once.
            written.put(credential.0.clone(), now);
        }
        let written = self
            .store
            .writer()
            .execute(
                "INSERT INTO last_used_v1 (credential_id, used_at) VALUES ($1, $2) \
                 ON CONFLICT (credential_id) DO UPDATE SET used_at = excluded.used_at \
                 WHERE last_used_v1.used_at <= $3",
                &[credential.0.as_str().into(), now.into(), stale_before.into()],
            )
            .await;
        if written.is_err() {
            self.written.lock().pop(&credential.0);
        }
        Ok(written? == 1)
    }
}

/// When a credential was last used, as far as it was written.
///
/// # Errors
/// What the database says.
pub async fn of(store: &ReadStore, credential: &CredentialId) -> Result<Option<DateTime<Utc>>, SqlError> {
    let row = store
        .fetch_optional("SELECT used_at FROM last_used_v1 WHERE credential_id = $1", &[credential.0.as_str().into()])
        .await?;
    row.map(|row| row.instant("used_at")).transpose()
}
