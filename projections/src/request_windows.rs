//! What counts against a limit: not an event and not a projection, but shared by the nodes and kept over restarts, so that
//! neither a second node nor a restart is a way round a limit (spec/accounts-and-offers.md sections 3.12 and 12).

use chrono::{DateTime, Utc};
use muniment_sql::{Arg, SqlError};

use crate::query::total;
use crate::store::ReadStore;

/// Keys that are kept.
pub const KEYS_MAX: i64 = 100_000;

/// What is counted under a key, as it was stored.
///
/// # Errors
/// What the database says.
pub async fn find(store: &ReadStore, key: &str) -> Result<Option<String>, SqlError> {
    let sql = "SELECT counted FROM request_windows_v1 WHERE key = $1";
    store.reader().fetch_optional(sql, &[key.into()]).await?.map(|row| row.text("counted")).transpose()
}

/// Replaces what is counted under a key, if it is still what was found; `false` where another was first.
///
/// # Errors
/// What the database says.
pub async fn replace(
    store: &ReadStore,
    key: &str,
    found: Option<&str>,
    counted: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, SqlError> {
    let changed = match found {
        Some(found) => {
            store
                .writer()
                .execute(
                    "UPDATE request_windows_v1 SET counted = $1, expires_at = $2 WHERE key = $3 AND counted = $4",
                    &[counted.into(), expires_at.into(), key.into(), found.into()],
                )
                .await?
        }
        None => {
            store
                .writer()
                .execute(
                    "INSERT INTO request_windows_v1 (key, counted, expires_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (key) DO NOTHING",
                    &[key.into(), counted.into(), expires_at.into()],
                )
                .await?
        }
    };
    Ok(changed == 1)
}

/// Forgets what is counted under a key; whether anything was.
///
/// # Errors
/// What the database says.
pub async fn forget(store: &ReadStore, key: &str) -> Result<bool, SqlError> {
    let gone = store.writer().execute("DELETE FROM request_windows_v1 WHERE key = $1", &[key.into()]).await?;
    Ok(gone > 0)
}

/// Forgets what no longer counts, and of more than [`KEYS_MAX`] keys those that counted least, the longest untouched of
/// them first: whoever makes up names by the thousand pushes out his own, and nobody's who is about to be stopped (security
/// catalogue A12). How many went.
///
/// # Errors
/// What the database says.
pub async fn sweep(store: &ReadStore, now: DateTime<Utc>) -> Result<u64, SqlError> {
    let ended = delete(store, "DELETE FROM request_windows_v1 WHERE expires_at <= $1", now.into()).await?;
    // Nearly always there is room: what is counted is not put in order to find that nothing has to go.
    let kept = total(store.reader().fetch_optional("SELECT COUNT(*) AS total FROM request_windows_v1", &[]).await?)?;
    if kept <= KEYS_MAX.unsigned_abs() {
        return Ok(ended);
    }
    let surplus = "DELETE FROM request_windows_v1 WHERE key IN \
                   (SELECT key FROM request_windows_v1 ORDER BY LENGTH(counted) DESC, expires_at DESC, key \
                    LIMIT 1000000 OFFSET $1)";
    Ok(ended + delete(store, surplus, KEYS_MAX.into()).await?)
}

/// In a transaction, which may take longer than a statement that stands alone.
async fn delete(store: &ReadStore, sql: &str, which: Arg<'_>) -> Result<u64, SqlError> {
    let mut tx = store.writer().begin().await?;
    let gone = tx.execute(sql, &[which]).await?;
    tx.commit().await?;
    Ok(gone)
}
