//! Sign-ins: what the check of a session token reads, and the sessions of an account, newest first.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ended::{Credentials, Ended, ended};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::Position;
use muniment_aggregates::session::{SessionEvent, SessionKind};
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{Query, position, word};
use crate::rows::{InsertBatch, Rows};
use crate::store::ReadStore;

/// A session. The secret is known only as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its public id.
    pub public_id: CredentialId,
    /// Who is signed in.
    pub account: AccountId,
    /// What kind of sign-in it is of.
    pub kind: SessionKind,
    /// Hash of the whole raw token.
    pub secret_hash: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was ended before that.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// Where it began; the sessions of an account are listed in this order.
    pub position: Position,
    /// When it was last used, as far as that was written.
    pub last_used_at: Option<DateTime<Utc>>,
}

const SELECT: &str = "SELECT s.public_id, s.account_id, s.kind, s.secret_hash, s.created_at, s.expires_at, s.ended_at, \
    s.end_reason, s.position, u.used_at AS last_used_at \
    FROM sessions_v2_g0 s LEFT JOIN last_used_v1 u ON u.credential_id = s.public_id";

fn from_row(row: &Row) -> Result<SessionRow, SqlError> {
    Ok(SessionRow {
        public_id: CredentialId(row.text("public_id")?),
        account: AccountId(row.text("account_id")?),
        kind: word(row, "kind")?,
        secret_hash: row.text("secret_hash")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
        ended_at: row.instant_or_null("ended_at")?,
        end_reason: row.text_or_null("end_reason")?,
        position: position(row, "position")?,
        last_used_at: row.instant_or_null("last_used_at")?,
    })
}

/// The session with this public id, ended and expired ones included.
///
/// # Errors
/// What the database says.
pub async fn by_public_id(store: &ReadStore, public_id: &CredentialId) -> Result<Option<SessionRow>, SqlError> {
    let sql = format!("{SELECT} WHERE s.public_id = $1");
    store.fetch_optional(&sql, &[public_id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// Sessions of an account that are neither ended nor expired at `now`, newest first.
///
/// # Errors
/// What the database says.
pub async fn live_of_account(
    store: &ReadStore,
    account: &AccountId,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<SessionRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE s.ended_at IS NULL AND s.account_id = ", account.0.as_str()).bind(" AND s.expires_at > ", now);
    query.push(" ORDER BY s.position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Sessions of all accounts that are neither ended nor expired at `now`, last seen first: at their last use or, before
/// the first, at their beginning.
///
/// # Errors
/// What the database says.
pub async fn live_all(store: &ReadStore, now: DateTime<Utc>, limit: usize) -> Result<Vec<SessionRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE s.ended_at IS NULL AND s.expires_at > ", now);
    query.push(" ORDER BY COALESCE(u.used_at, s.created_at) DESC, s.position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Sessions that passed their end by `now` and were not ended, the longest expired first: housekeeping closes them.
///
/// # Errors
/// What the database says.
pub async fn expired(store: &ReadStore, now: DateTime<Utc>, limit: usize) -> Result<Vec<SessionRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE s.ended_at IS NULL AND s.expires_at <= ", now);
    query.push(" ORDER BY s.expires_at, s.position").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Sessions;

/// 1 had what ended in the index of what an account has open.
const FORMER: &[Former] = &[Former { version: 1, tables: &["sessions_v1"] }];
const TABLES: &[Table] = &[Table { name: "sessions_v2", key: &["public_id"] }];

const SESSION_COLUMNS: &[&str] =
    &["public_id", "account_id", "kind", "secret_hash", "created_at", "expires_at", "position"];

#[async_trait]
impl Projection for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn version(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn former(&self) -> &'static [Former] {
        FORMER
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "sessions_v2.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["session", "account"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        let mut started = InsertBatch::new("sessions_v2_g0", SESSION_COLUMNS);
        for fact in facts {
            if let AnyEvent::Session(SessionEvent::Started(session)) = fact.event {
                started.push([
                    fact.stream_id(),
                    session.account.0.clone().into(),
                    session.kind.as_str().into(),
                    session.secret_hash.clone().into(),
                    session.at.into(),
                    session.expires_at.into(),
                    fact.position(),
                ]);
                continue;
            }
            if let AnyEvent::Session(SessionEvent::Extended(extended)) = fact.event {
                rows.insert(started.take(), "").await?;
                let touched = rows
                    .execute(
                        "UPDATE sessions_v2_g0 SET expires_at = $1 WHERE public_id = $2",
                        &[extended.expires_at.into(), fact.stream_id()],
                    )
                    .await?;
                fact.expect_touched(touched, "the extended session")?;
                continue;
            }
            let Some(ended) = ended(&fact.recorded.stream.id, fact.event) else { continue };
            match &ended.credentials {
                Credentials::Session { session, .. } => {
                    rows.insert(started.take(), "").await?;
                    let touched = end(session, &ended, rows).await?;
                    // The account's word ends a session even where the session's own stream is silent.
                    if let AnyEvent::Session(_) = fact.event {
                        fact.expect_touched(touched, "the revoked session")?;
                    }
                }
                Credentials::SessionsOf(account) | Credentials::AllOf(account) => {
                    rows.insert(started.take(), "").await?;
                    end_all(account, &ended, rows).await?;
                }
                Credentials::ApiToken(_)
                | Credentials::ApiTokensOf(_)
                | Credentials::AgentToken(_)
                | Credentials::OfSubject(_) => {}
            }
        }
        Ok(rows.insert(started, "").await?)
    }
}

/// Ends every session of an account.
async fn end_all(account: &AccountId, ended: &Ended, rows: &mut Rows<'_>) -> Result<(), SqlError> {
    rows.execute(
        "UPDATE sessions_v2_g0 SET ended_at = $1, end_reason = $2 WHERE account_id = $3 AND ended_at IS NULL",
        &[ended.at.into(), ended.reason.as_str().into(), account.0.as_str().into()],
    )
    .await?;
    Ok(())
}

/// The first end of a session counts; later ones change nothing.
async fn end(session: &CredentialId, ended: &Ended, rows: &mut Rows<'_>) -> Result<u64, SqlError> {
    rows.execute(
        "UPDATE sessions_v2_g0 SET end_reason = CASE WHEN ended_at IS NULL THEN $1 ELSE end_reason END, \
         ended_at = COALESCE(ended_at, $2) WHERE public_id = $3",
        &[ended.reason.as_str().into(), ended.at.into(), session.0.as_str().into()],
    )
    .await
}
