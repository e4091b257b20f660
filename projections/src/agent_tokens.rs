//! Agent tokens: what the check of a bearer token reads, and the list of a company, newest first.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::application::{ApplicationEvent, TokenGrant, TokenScope};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{ApplicationId, CompanyId, CredentialId};
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::SubjectId;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::{Fact, to_json};
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{Query, json, parsed, position, subject};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An agent token. The secret is known only as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its public id.
    pub public_id: CredentialId,
    /// The company it is bound to.
    pub company: CompanyId,
    /// The application it is bound to.
    pub application: ApplicationId,
    /// The founder's subject; client addresses of the token's requests are sealed under it.
    pub founder_subject: SubjectId,
    /// Its name.
    pub name: String,
    /// Hash of the whole raw token.
    pub secret_hash: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// Slugs it may write; none = all.
    pub allowed_metrics: Option<BTreeSet<String>>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The account that made it; none when it came with the application.
    pub created_by: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The token that took its place when it was rotated; it ends by itself after the grace.
    pub rotated_to: Option<CredentialId>,
    /// When it was last used, as far as that was written.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Where it was issued; tokens are listed in this order.
    pub position: Position,
}

const SELECT: &str = "SELECT t.public_id, t.company_id, t.application_id, t.founder_subject, t.name, t.secret_hash, \
    t.scopes, t.allowed_metrics, t.expires_at, t.created_at, t.created_by, t.revoked_at, t.rotated_to, t.position, \
    u.used_at AS last_used_at FROM agent_tokens_v1_g0 t LEFT JOIN last_used_v1 u ON u.credential_id = t.public_id";

fn from_row(row: &Row) -> Result<TokenRow, SqlError> {
    Ok(TokenRow {
        public_id: CredentialId(row.text("public_id")?),
        company: parsed(row, "company_id", CompanyId::parse)?,
        application: parsed(row, "application_id", ApplicationId::parse)?,
        founder_subject: subject(row, "founder_subject")?,
        name: row.text("name")?,
        secret_hash: row.text("secret_hash")?,
        scopes: json(row, "scopes")?,
        allowed_metrics: match row.text_or_null("allowed_metrics")? {
            None => None,
            Some(_) => Some(json(row, "allowed_metrics")?),
        },
        expires_at: row.instant_or_null("expires_at")?,
        created_at: row.instant("created_at")?,
        created_by: row.text_or_null("created_by")?,
        revoked_at: row.instant_or_null("revoked_at")?,
        rotated_to: row.text_or_null("rotated_to")?.map(CredentialId),
        last_used_at: row.instant_or_null("last_used_at")?,
        position: position(row, "position")?,
    })
}

/// The token with this public id, revoked and expired ones included.
///
/// # Errors
/// What the database says.
pub async fn by_public_id(store: &ReadStore, public_id: &CredentialId) -> Result<Option<TokenRow>, SqlError> {
    let sql = format!("{SELECT} WHERE t.public_id = $1");
    store.fetch_optional(&sql, &[public_id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// Tokens of a company, newest first, revoked ones included.
///
/// # Errors
/// What the database says.
pub async fn of_company(
    store: &ReadStore,
    company: &CompanyId,
    before: Option<Position>,
    limit: usize,
) -> Result<Vec<TokenRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE t.company_id = ", company.as_str());
    if let Some(before) = before {
        query.bind(" AND t.position < ", before.0);
    }
    query.push(" ORDER BY t.position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct AgentTokens;

const TABLES: &[Table] = &[
    Table { name: "agent_tokens_v1", key: &["public_id"] },
    Table { name: "token_applications_v1", key: &["application_id"] },
];

#[async_trait]
impl Projection for AgentTokens {
    fn name(&self) -> &'static str {
        "agent_tokens"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "agent_tokens_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["application"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let AnyEvent::Application(event) = fact.event else { continue };
            match event {
                ApplicationEvent::Submitted(submitted) => {
                    rows.execute(
                        "INSERT INTO token_applications_v1_g0 (application_id, founder_subject) VALUES ($1, $2)",
                        &[fact.stream_id(), submitted.subject.0.as_str().into()],
                    )
                    .await?;
                }
                ApplicationEvent::TokenIssued(issued) => {
                    issue(fact, &issued.company, &issued.token, issued.at, rows).await?;
                }
                ApplicationEvent::TokenRevoked(revoked) => {
                    let touched = rows
                        .execute(
                            "UPDATE agent_tokens_v1_g0 SET revoked_at = COALESCE(revoked_at, $1), \
                             revoked_reason = COALESCE(revoked_reason, $2) WHERE public_id = $3",
                            &[revoked.at.into(), revoked.reason.clone().into(), revoked.token.0.as_str().into()],
                        )
                        .await?;
                    fact.expect_touched(touched, "the revoked token")?;
                }
                ApplicationEvent::TokenRotated(rotated) => {
                    let touched = rows
                        .execute(
                            "UPDATE agent_tokens_v1_g0 SET expires_at = $1, rotated_to = $2 WHERE public_id = $3",
                            &[
                                rotated.ends_at.into(),
                                rotated.replacement.id.0.as_str().into(),
                                rotated.token.0.as_str().into(),
                            ],
                        )
                        .await?;
                    fact.expect_touched(touched, "the rotated token")?;
                    issue(fact, &rotated.company, &rotated.replacement, rotated.at, rows).await?;
                }
                ApplicationEvent::StatusChanged(_) | ApplicationEvent::Withdrawn(_) => {}
            }
        }
        Ok(())
    }
}

async fn issue(
    fact: &Fact<'_>,
    company: &CompanyId,
    grant: &TokenGrant,
    at: DateTime<Utc>,
    rows: &mut Rows<'_>,
) -> Result<(), ApplyError> {
    let sql = "SELECT founder_subject FROM token_applications_v1_g0 WHERE application_id = $1";
    let Some(application) = rows.fetch_optional(sql, &[fact.stream_id()]).await? else {
        return Err(fact.poison("the application of the token is not in the read model"));
    };
    let scopes = to_json(fact, &grant.scopes)?;
    let allowed = grant.allowed_metrics.as_ref().map(|allowed| to_json(fact, allowed)).transpose()?;
    rows.execute(
        "INSERT INTO agent_tokens_v1_g0 (public_id, company_id, application_id, founder_subject, name, secret_hash, \
         scopes, allowed_metrics, expires_at, created_at, created_by, position) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            grant.id.0.as_str().into(),
            company.as_str().into(),
            fact.stream_id(),
            application.text("founder_subject")?.into(),
            grant.name.as_str().into(),
            grant.secret_hash.as_str().into(),
            scopes.into(),
            allowed.into(),
            grant.expires_at.into(),
            at.into(),
            grant.created_by.clone().into(),
            fact.position(),
        ],
    )
    .await?;
    Ok(())
}
