//! Offers of roles, in every state: an account's history, and what lapsed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, GrantId, OfferId, PersonaId};
use muniment_aggregates::offer_book::OfferBookEvent;
use muniment_aggregates::sealed::Sealed;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{PAGE_ROWS_MAX, Query, sealed_or_null};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRow {
    /// Its id.
    pub id: OfferId,
    /// The account it was made to.
    pub account: AccountId,
    /// The persona that made it.
    pub grantor: PersonaId,
    /// The one persona that may accept.
    pub to_persona: Option<PersonaId>,
    /// The role.
    pub role: String,
    /// Kind of the scope.
    pub scope_kind: Option<String>,
    /// Id of the scope.
    pub scope_id: Option<String>,
    /// What the grantor wrote.
    pub message: Option<Sealed>,
    /// When it was first made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was declined.
    pub declined_at: Option<DateTime<Utc>>,
    /// Why it was declined.
    pub decline_reason: Option<Sealed>,
    /// When it was taken back.
    pub retracted_at: Option<DateTime<Utc>>,
    /// When it fell away.
    pub superseded_at: Option<DateTime<Utc>>,
    /// The role that its acceptance gave.
    pub resulting_grant: Option<GrantId>,
}

const COLUMNS: &str = "id, account_id, grantor, to_persona, role, scope_kind, scope_id, message, created_at, \
    expires_at, accepted_at, declined_at, decline_reason, retracted_at, superseded_at, resulting_grant";

fn from_row(row: &Row) -> Result<OfferRow, SqlError> {
    Ok(OfferRow {
        id: OfferId(row.text("id")?),
        account: AccountId(row.text("account_id")?),
        grantor: PersonaId(row.text("grantor")?),
        to_persona: row.text_or_null("to_persona")?.map(PersonaId),
        role: row.text("role")?,
        scope_kind: row.text_or_null("scope_kind")?,
        scope_id: row.text_or_null("scope_id")?,
        message: sealed_or_null(row, "message")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
        accepted_at: row.instant_or_null("accepted_at")?,
        declined_at: row.instant_or_null("declined_at")?,
        decline_reason: sealed_or_null(row, "decline_reason")?,
        retracted_at: row.instant_or_null("retracted_at")?,
        superseded_at: row.instant_or_null("superseded_at")?,
        resulting_grant: row.text_or_null("resulting_grant")?.map(GrantId),
    })
}

/// The offer with this id.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &OfferId) -> Result<Option<OfferRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM offers_v2_g0 WHERE id = $1");
    store.fetch_optional(&sql, &[id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// Offers to and by an account, in every state, newest first.
///
/// # Errors
/// What the database says.
pub async fn history(
    store: &ReadStore,
    account: &AccountId,
    limit: usize,
    offset: usize,
) -> Result<Vec<OfferRow>, SqlError> {
    let newest = " ORDER BY created_at DESC, position DESC";
    let reached = limit.min(PAGE_ROWS_MAX).saturating_add(offset);
    let mut query = Query::new("SELECT ");
    // Each side by its own index: an OR would sort all that the account ever offered or was offered.
    query.push(COLUMNS).push(" FROM (SELECT * FROM (SELECT * FROM offers_v2_g0");
    query.bind(" WHERE account_id = ", account.0.as_str()).push(newest).bind(" LIMIT ", reached);
    query.push(") received UNION ALL SELECT * FROM (SELECT * FROM offers_v2_g0");
    query.bind(" WHERE grantor_account = ", account.0.as_str()).bind(" AND account_id <> ", account.0.as_str());
    query.push(newest).bind(" LIMIT ", reached);
    query.push(") made) both_sides").push(newest).limit(limit).bind(" OFFSET ", offset);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Accounts with offers that lapsed by `now` and of which that was not noted, soonest end first.
///
/// # Errors
/// What the database says.
pub async fn lapsed(store: &ReadStore, now: DateTime<Utc>, limit: usize) -> Result<Vec<AccountId>, SqlError> {
    let mut query = Query::new("SELECT account_id, MIN(lapses_at) AS ends_at FROM offers_v2_g0");
    // That it is not null is said twice, or SQLite walks through all offers in the order of the groups.
    query.bind(" WHERE lapses_at IS NOT NULL AND lapses_at <= ", now);
    query.push(" GROUP BY account_id ORDER BY ends_at").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(|row| row.text("account_id").map(AccountId)).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Offers;

const TABLES: &[Table] = &[Table { name: "offers_v2", key: &["id"] }];
/// 1 was looked through for what had lapsed with all that ever did.
const FORMER: &[Former] = &[Former { version: 1, tables: &["offers_v1"] }];

#[async_trait]
impl Projection for Offers {
    fn name(&self) -> &'static str {
        "offers"
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
        schema_of!(engine, "offers_v2.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["offer"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let AnyEvent::OfferBook(event) = fact.event else { continue };
            let touched = fold(fact, event, rows).await?;
            fact.expect_touched(touched, "the offer")?;
        }
        Ok(())
    }
}

async fn fold(fact: &Fact<'_>, event: &OfferBookEvent, rows: &mut Rows<'_>) -> Result<u64, SqlError> {
    match event {
        OfferBookEvent::Made(made) => {
            rows.execute(
                "INSERT INTO offers_v2_g0 (id, account_id, grantor, grantor_account, to_persona, role, scope_kind, \
                 scope_id, message, created_at, expires_at, lapses_at, position) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
                &[
                    made.offer.0.as_str().into(),
                    fact.stream_id(),
                    made.grantor.0.as_str().into(),
                    made.grantor_account.0.as_str().into(),
                    made.to_persona.as_ref().map(|persona| persona.0.as_str()).into(),
                    made.role.as_str().into(),
                    made.scope.as_ref().map(|scope| scope.kind.as_str()).into(),
                    made.scope.as_ref().map(|scope| scope.id.as_str()).into(),
                    made.message.as_ref().map(Sealed::as_str).into(),
                    made.at.into(),
                    made.expires_at.into(),
                    fact.position(),
                ],
            )
            .await
        }
        OfferBookEvent::Refreshed(refreshed) => {
            rows.execute(
                "UPDATE offers_v2_g0 SET to_persona = $1, message = $2, expires_at = $3, lapses_at = $3 WHERE id = $4",
                &[
                    refreshed.to_persona.as_ref().map(|persona| persona.0.as_str()).into(),
                    refreshed.message.as_ref().map(Sealed::as_str).into(),
                    refreshed.expires_at.into(),
                    refreshed.offer.0.as_str().into(),
                ],
            )
            .await
        }
        OfferBookEvent::Accepted(accepted) => {
            rows.execute(
                "UPDATE offers_v2_g0 SET lapses_at = NULL, accepted_at = $1, resulting_grant = $2 WHERE id = $3",
                &[accepted.at.into(), accepted.grant.0.as_str().into(), accepted.offer.0.as_str().into()],
            )
            .await
        }
        OfferBookEvent::Declined(declined) => {
            rows.execute(
                "UPDATE offers_v2_g0 SET lapses_at = NULL, declined_at = $1, decline_reason = $2 WHERE id = $3",
                &[
                    declined.at.into(),
                    declined.reason.as_ref().map(Sealed::as_str).into(),
                    declined.offer.0.as_str().into(),
                ],
            )
            .await
        }
        OfferBookEvent::Retracted(retracted) => {
            let sql = "UPDATE offers_v2_g0 SET lapses_at = NULL, retracted_at = $1 WHERE id = $2";
            rows.execute(sql, &[retracted.at.into(), retracted.offer.0.as_str().into()]).await
        }
        OfferBookEvent::Superseded(superseded) => {
            let sql = "UPDATE offers_v2_g0 SET lapses_at = NULL, superseded_at = $1 WHERE id = $2";
            rows.execute(sql, &[superseded.at.into(), superseded.offer.0.as_str().into()]).await
        }
        OfferBookEvent::Lapsed(lapsed) => {
            let sql = "UPDATE offers_v2_g0 SET lapses_at = NULL WHERE id = $1";
            rows.execute(sql, &[lapsed.offer.0.as_str().into()]).await
        }
        // Roles are the book's own matter; this model has offers alone.
        OfferBookEvent::GrantCreated(_) | OfferBookEvent::GrantRevoked(_) => Ok(1),
    }
}
