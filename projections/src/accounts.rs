//! Accounts: who there is. The e-mail is sealed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::{Fact, to_json};
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{Query, json, position, sealed_or_null, subject};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// Its user name; empty once erased.
    pub username: String,
    /// Its e-mail, where it has one.
    pub email: Option<Sealed>,
    /// Whether the e-mail was proved.
    pub email_verified: bool,
    /// Whose key seals its personal values.
    pub subject: SubjectId,
    /// Its personas, oldest first.
    pub personas: Vec<PersonaId>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it changed last, its sessions and tokens not counted.
    pub updated_at: DateTime<Utc>,
    /// When it was erased.
    pub erased_at: Option<DateTime<Utc>>,
    /// Where it was registered.
    pub position: Position,
}

const SELECT: &str = "SELECT id, username, email, email_verified, subject, personas, created_at, updated_at, \
    erased_at, position \
    FROM accounts_v2_g0";

fn from_row(row: &Row) -> Result<AccountRow, SqlError> {
    Ok(AccountRow {
        id: AccountId(row.text("id")?),
        username: row.text("username")?,
        email: sealed_or_null(row, "email")?,
        email_verified: row.flag("email_verified")?,
        subject: subject(row, "subject")?,
        personas: json(row, "personas")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        erased_at: row.instant_or_null("erased_at")?,
        position: position(row, "position")?,
    })
}

/// The account with this id, an erased one included.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &AccountId) -> Result<Option<AccountRow>, SqlError> {
    let sql = format!("{SELECT} WHERE id = $1");
    store.fetch_optional(&sql, &[id.0.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// The account of a subject, where it has one that is not erased.
///
/// # Errors
/// What the database says.
pub async fn of_subject(store: &ReadStore, subject: &SubjectId) -> Result<Option<AccountId>, SqlError> {
    let sql = "SELECT id FROM accounts_v2_g0 WHERE subject = $1 AND erased_at IS NULL LIMIT 1";
    let row = store.fetch_optional(sql, &[subject.0.as_str().into()]).await?;
    row.map(|row| row.text("id").map(AccountId)).transpose()
}

/// Accounts that are not erased, oldest first; those behind `after`, the last row of the page before.
///
/// # Errors
/// What the database says.
pub async fn list(
    store: &ReadStore,
    after: Option<&AccountRow>,
    limit: usize,
    offset: usize,
) -> Result<Vec<AccountRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.push(" WHERE erased_at IS NULL");
    if let Some(after) = after {
        query.bind(" AND (created_at, position) > (", after.created_at).bind(", ", after.position.0).push(")");
    }
    query.push(" ORDER BY created_at, position").limit(limit).bind(" OFFSET ", offset);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Whether there is an account that is not erased.
///
/// # Errors
/// What the database says.
pub async fn is_any(store: &ReadStore) -> Result<bool, SqlError> {
    let found = store.fetch_optional("SELECT id FROM accounts_v2_g0 WHERE erased_at IS NULL LIMIT 1", &[]).await?;
    Ok(found.is_some())
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Accounts;

/// 1 had no instant of the last change, and demanded an e-mail, in what the first programs made.
const FORMER: &[Former] = &[Former { version: 1, tables: &["accounts_v1"] }];
const TABLES: &[Table] = &[Table { name: "accounts_v2", key: &["id"] }];

#[async_trait]
impl Projection for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
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
        schema_of!(engine, "accounts_v2.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let AnyEvent::Account(event) = fact.event else { continue };
            match event {
                AccountEvent::Registered(registered) => {
                    let personas = to_json(fact, &[&registered.persona])?;
                    rows.execute(
                        "INSERT INTO accounts_v2_g0 (id, username, email, email_verified, subject, personas, \
                         created_at, updated_at, position) VALUES ($1, $2, $3, 0, $4, $5, $6, $6, $7)",
                        &[
                            fact.stream_id(),
                            registered.username.as_str().into(),
                            registered.email.as_ref().map(|email| email.as_str().to_owned()).into(),
                            registered.subject.0.as_str().into(),
                            personas.into(),
                            registered.at.into(),
                            fact.position(),
                        ],
                    )
                    .await?;
                }
                AccountEvent::EmailVerified(verified) => {
                    let touched = rows
                        .execute(
                            "UPDATE accounts_v2_g0 SET email = $1, subject = $2, email_verified = 1, updated_at = $4 \
                             WHERE id = $3",
                            &[
                                verified.email.as_str().into(),
                                verified.subject.0.as_str().into(),
                                fact.stream_id(),
                                verified.at.into(),
                            ],
                        )
                        .await?;
                    fact.expect_touched(touched, "the account")?;
                }
                AccountEvent::Erased(erased) => {
                    let touched = rows
                        .execute(
                            "UPDATE accounts_v2_g0 SET username = '', erased_at = $1, updated_at = $1 WHERE id = $2",
                            &[erased.at.into(), fact.stream_id()],
                        )
                        .await?;
                    fact.expect_touched(touched, "the account")?;
                }
                AccountEvent::SessionOpened(_)
                | AccountEvent::SessionExtended(_)
                | AccountEvent::SessionEvicted(_)
                | AccountEvent::SessionClosed(_)
                | AccountEvent::SessionsEnded(_)
                | AccountEvent::ApiTokenIssued(_)
                | AccountEvent::ApiTokenEvicted(_)
                | AccountEvent::ApiTokenRevoked(_)
                | AccountEvent::TokensEnded(_) => {}
                AccountEvent::PasswordChanged(changed) => touch(fact, changed.at, rows).await?,
                AccountEvent::PasswordRemoved(removed) => touch(fact, removed.at, rows).await?,
                AccountEvent::PersonaAdded(added) => touch(fact, added.at, rows).await?,
            }
        }
        Ok(())
    }
}

/// The account changed at this instant.
async fn touch(fact: &Fact<'_>, at: DateTime<Utc>, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let sql = "UPDATE accounts_v2_g0 SET updated_at = $1 WHERE id = $2";
    let touched = rows.execute(sql, &[at.into(), fact.stream_id()]).await?;
    fact.expect_touched(touched, "the account")
}
