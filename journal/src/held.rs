//! The unique keys that are held, row by row as the database has them: for whoever compares them with the events that took
//! them. Who decides by a claim asks [`crate::engine::Engine::claim_owners`].

use muniment_aggregates::record::StreamId;
use muniment_aggregates::sealed::SubjectId;
use muniment_sql::{Row, SqlError};

use crate::journal::{Journal, JournalError};

/// A row of the claims. Whatever can stand in one, for no hash covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldClaim {
    /// What the key is unique in.
    pub namespace: String,
    /// Keyed HMAC of the key.
    pub digest: Vec<u8>,
    /// Who holds it.
    pub owner: StreamId,
    /// Whose erasure frees it.
    pub subject: Option<SubjectId>,
}

const COLUMNS: &str = "scope, digest, owner_kind, owner_id, subject";

impl HeldClaim {
    fn of(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            namespace: row.text("scope")?,
            digest: row.blob("digest")?,
            owner: StreamId::new(&row.text("owner_kind")?, &row.text("owner_id")?),
            subject: row.text_or_null("subject")?.map(SubjectId),
        })
    }
}

impl Journal {
    /// The claims after one of them, or from the first, in the order of namespace and digest, at most `limit`. Empty where the
    /// record is in no database.
    ///
    /// # Errors
    /// When the database fails, or a row holds what no claim has.
    pub async fn held_claims(&self, after: Option<&HeldClaim>, limit: usize) -> Result<Vec<HeldClaim>, JournalError> {
        let Some(stores) = self.engine().stores() else { return Ok(Vec::new()) };
        let sql =
            format!("SELECT {COLUMNS} FROM claims WHERE (scope, digest) > ($1, $2) ORDER BY scope, digest LIMIT $3");
        let (namespace, digest) = after.map_or(("", &[][..]), |last| (&last.namespace, &last.digest));
        let rows = stores.read.fetch_all(&sql, &[namespace.into(), digest.into(), limit.into()]).await?;
        Ok(rows.iter().map(HeldClaim::of).collect::<Result<_, _>>()?)
    }

    /// The claim on one key, if somebody holds it.
    ///
    /// # Errors
    /// When the database fails, or the row holds what no claim has.
    pub async fn held_claim(&self, namespace: &str, digest: &[u8]) -> Result<Option<HeldClaim>, JournalError> {
        let Some(stores) = self.engine().stores() else { return Ok(None) };
        let sql = format!("SELECT {COLUMNS} FROM claims WHERE scope = $1 AND digest = $2");
        let row = stores.read.fetch_optional(&sql, &[namespace.into(), digest.into()]).await?;
        Ok(row.as_ref().map(HeldClaim::of).transpose()?)
    }

    /// How many claims are held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_claims(&self) -> Result<u64, JournalError> {
        self.count_rows("SELECT COUNT(*) AS rows FROM claims").await
    }

    /// How many streams have a snapshot.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_snapshots(&self) -> Result<u64, JournalError> {
        self.count_rows("SELECT COUNT(*) AS rows FROM snapshots").await
    }

    async fn count_rows(&self, sql: &str) -> Result<u64, JournalError> {
        let Some(stores) = self.engine().stores() else { return Ok(0) };
        let row = stores.read.fetch_optional(sql, &[]).await?;
        Ok(row.map(|row| row.count("rows")).transpose()?.unwrap_or_default())
    }
}
