//! Personas by id and by name, and in which scopes each holds a role.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::offer_book::OfferBookEvent;
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{Query, folded, position};
use crate::rows::Rows;
use crate::store::ReadStore;

/// A persona of an account that is not erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaRow {
    /// Its id.
    pub id: PersonaId,
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Where it was added.
    pub position: Position,
}

const SELECT: &str = "SELECT p.id, p.account_id, p.name, p.created_at, p.position FROM personas_v1_g0 p";

fn from_row(row: &Row) -> Result<PersonaRow, SqlError> {
    Ok(PersonaRow {
        id: PersonaId(row.text("id")?),
        account: AccountId(row.text("account_id")?),
        name: row.text("name")?,
        created_at: row.instant("created_at")?,
        position: position(row, "position")?,
    })
}

/// The persona with this id.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &PersonaId) -> Result<Option<PersonaRow>, SqlError> {
    let sql = format!("{SELECT} WHERE p.id = $1");
    store.fetch_optional(&sql, &[id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// The personas with these ids, in any order; unknown ids are left out.
///
/// # Errors
/// What the database says.
pub async fn by_ids(store: &ReadStore, ids: &[PersonaId]) -> Result<Vec<PersonaRow>, SqlError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(SELECT);
    query.push(" WHERE p.id IN (").list(ids.iter().map(|id| id.0.as_str())).push(")");
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Personas whose name begins with a text, whatever its case, by name. With `scopes`, only those that hold a role in
/// one of them at `now`.
///
/// # Errors
/// What the database says.
pub async fn search(
    store: &ReadStore,
    beginning: &str,
    scopes: Option<&[String]>,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Vec<PersonaRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.push(" WHERE ").begins("p.name_folded", beginning);
    if let Some(scopes) = scopes {
        query.push(" AND EXISTS (SELECT 1 FROM persona_scopes_v1_g0 s WHERE s.persona_id = p.id");
        query.bind(" AND (s.expires_at IS NULL OR s.expires_at > ", now).push(") AND s.scope_id IN (");
        query.list(scopes.iter().map(String::as_str)).push("))");
    }
    query.push(" ORDER BY p.name_folded, p.id").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Personas;

const TABLES: &[Table] =
    &[Table { name: "personas_v1", key: &["id"] }, Table { name: "persona_scopes_v1", key: &["grant_id"] }];

#[async_trait]
impl Projection for Personas {
    fn name(&self) -> &'static str {
        "personas"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "personas_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account", "offer"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            if let AnyEvent::Account(event) = fact.event {
                of_account(fact, event, rows).await?;
            } else if let AnyEvent::OfferBook(event) = fact.event {
                of_book(event, rows).await?;
            }
        }
        Ok(())
    }
}

async fn of_account(fact: &Fact<'_>, event: &AccountEvent, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let (persona, name, at) = match event {
        AccountEvent::Registered(registered) => (&registered.persona, &registered.username, registered.at),
        AccountEvent::PersonaAdded(added) => (&added.persona, &added.name, added.at),
        AccountEvent::Erased(_) => {
            rows.execute("DELETE FROM personas_v1_g0 WHERE account_id = $1", &[fact.stream_id()]).await?;
            return Ok(());
        }
        AccountEvent::EmailVerified(_)
        | AccountEvent::SessionOpened(_)
        | AccountEvent::SessionExtended(_)
        | AccountEvent::SessionEvicted(_)
        | AccountEvent::SessionClosed(_)
        | AccountEvent::SessionsEnded(_)
        | AccountEvent::ApiTokenIssued(_)
        | AccountEvent::ApiTokenEvicted(_)
        | AccountEvent::ApiTokenRevoked(_)
        | AccountEvent::TokensEnded(_)
        | AccountEvent::PasswordChanged(_)
        | AccountEvent::PasswordRemoved(_) => return Ok(()),
    };
    rows.execute(
        "INSERT INTO personas_v1_g0 (id, account_id, name, name_folded, created_at, position) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            persona.0.as_str().into(),
            fact.stream_id(),
            name.as_str().into(),
            folded(name).into(),
            at.into(),
            fact.position(),
        ],
    )
    .await?;
    Ok(())
}

async fn of_book(event: &OfferBookEvent, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    match event {
        OfferBookEvent::GrantCreated(created) => {
            let Some(scope) = &created.scope else { return Ok(()) };
            rows.execute(
                "INSERT INTO persona_scopes_v1_g0 (grant_id, persona_id, scope_id, expires_at) VALUES ($1, $2, $3, $4)",
                &[
                    created.grant.0.as_str().into(),
                    created.persona.0.as_str().into(),
                    scope.id.as_str().into(),
                    created.expires_at.into(),
                ],
            )
            .await?;
        }
        OfferBookEvent::GrantRevoked(revoked) => {
            let sql = "DELETE FROM persona_scopes_v1_g0 WHERE grant_id = $1";
            rows.execute(sql, &[revoked.grant.0.as_str().into()]).await?;
        }
        OfferBookEvent::Made(_)
        | OfferBookEvent::Refreshed(_)
        | OfferBookEvent::Accepted(_)
        | OfferBookEvent::Declined(_)
        | OfferBookEvent::Retracted(_)
        | OfferBookEvent::Superseded(_)
        | OfferBookEvent::Lapsed(_) => {}
    }
    Ok(())
}
