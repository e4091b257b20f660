//! API tokens of accounts: what the check of a bearer token reads, and what an account holds.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ended::{Credentials, Ended, ended};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{PAGE_ROWS_MAX, Query, position};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An API token. The secret is known only as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Its public id.
    pub id: CredentialId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Hash of the whole raw token.
    pub secret_hash: String,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was ended before that.
    pub ended_at: Option<DateTime<Utc>>,
    /// Where it was made.
    pub position: Position,
}

const SELECT: &str = "SELECT id, account_id, name, secret_hash, expires_at, created_at, ended_at, position \
    FROM api_tokens_v1_g0";

fn from_row(row: &Row) -> Result<ApiTokenRow, SqlError> {
    Ok(ApiTokenRow {
        id: CredentialId(row.text("id")?),
        account: AccountId(row.text("account_id")?),
        name: row.text("name")?,
        secret_hash: row.text("secret_hash")?,
        expires_at: row.instant_or_null("expires_at")?,
        created_at: row.instant("created_at")?,
        ended_at: row.instant_or_null("ended_at")?,
        position: position(row, "position")?,
    })
}

/// The token with this public id, ended ones included.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &CredentialId) -> Result<Option<ApiTokenRow>, SqlError> {
    let sql = format!("{SELECT} WHERE id = $1");
    store.fetch_optional(&sql, &[id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// Tokens of an account that are neither ended nor expired at `now`, newest first.
///
/// # Errors
/// What the database says.
pub async fn of_account_live(
    store: &ReadStore,
    account: &AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<ApiTokenRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE ended_at IS NULL AND account_id = ", account.0.as_str());
    query.bind(" AND (expires_at IS NULL OR expires_at > ", now).push(") ORDER BY position DESC").limit(PAGE_ROWS_MAX);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct ApiTokens;

const TABLES: &[Table] = &[Table { name: "api_tokens_v1", key: &["id"] }];

#[async_trait]
impl Projection for ApiTokens {
    fn name(&self) -> &'static str {
        "api_tokens"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "api_tokens_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            if let AnyEvent::Account(AccountEvent::ApiTokenIssued(issued)) = fact.event {
                rows.execute(
                    "INSERT INTO api_tokens_v1_g0 (id, account_id, name, secret_hash, expires_at, created_at, \
                     position) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    &[
                        issued.token.0.as_str().into(),
                        fact.stream_id(),
                        issued.name.as_str().into(),
                        issued.secret_hash.as_str().into(),
                        issued.expires_at.into(),
                        issued.at.into(),
                        fact.position(),
                    ],
                )
                .await?;
                continue;
            }
            let Some(ended) = ended(&fact.recorded.stream.id, fact.event) else { continue };
            match &ended.credentials {
                Credentials::ApiToken(token) => end(token, &ended, rows).await?,
                Credentials::ApiTokensOf(account) | Credentials::AllOf(account) => {
                    end_all(account, &ended, rows).await?;
                }
                Credentials::Session { .. }
                | Credentials::SessionsOf(_)
                | Credentials::AgentToken(_)
                | Credentials::OfSubject(_) => {}
            }
            if let AnyEvent::Account(AccountEvent::Erased(_)) = fact.event {
                let sql = "UPDATE api_tokens_v1_g0 SET name = '' WHERE account_id = $1";
                rows.execute(sql, &[fact.stream_id()]).await?;
            }
        }
        Ok(())
    }
}

async fn end(token: &CredentialId, ended: &Ended, rows: &mut Rows<'_>) -> Result<(), SqlError> {
    let sql = "UPDATE api_tokens_v1_g0 SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL";
    rows.execute(sql, &[ended.at.into(), ended.reason.as_str().into(), token.0.as_str().into()]).await?;
    Ok(())
}

/// Ends every API token of an account.
async fn end_all(account: &AccountId, ended: &Ended, rows: &mut Rows<'_>) -> Result<(), SqlError> {
    let sql = "UPDATE api_tokens_v1_g0 SET ended_at = $1, end_reason = $2 WHERE account_id = $3 AND ended_at IS NULL";
    rows.execute(sql, &[ended.at.into(), ended.reason.as_str().into(), account.0.as_str().into()]).await?;
    Ok(())
}
