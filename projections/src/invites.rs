//! Invitations. The e-mail is sealed; the username goes when the account that used it up is erased, or whoever the
//! e-mail is of.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, InviteId, PersonaId};
use muniment_aggregates::invite::InviteEvent;
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_aggregates::subject::SubjectEvent;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{Query, position, sealed_or_null};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An invitation that was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// Its id.
    pub id: InviteId,
    /// The e-mail, as it was given.
    pub email: Option<Sealed>,
    /// The username.
    pub username: Option<String>,
    /// The account that was made by it.
    pub claimed_by: Option<AccountId>,
    /// When that was.
    pub claimed_at: Option<DateTime<Utc>>,
    /// The persona that invited.
    pub created_by: PersonaId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Where it was made; invitations are listed in this order.
    pub position: Position,
}

fn from_row(row: &Row) -> Result<InviteRow, SqlError> {
    Ok(InviteRow {
        id: InviteId(row.text("id")?),
        email: sealed_or_null(row, "email")?,
        username: row.text_or_null("username")?,
        claimed_by: row.text_or_null("claimed_by")?.map(AccountId),
        claimed_at: row.instant_or_null("claimed_at")?,
        created_by: PersonaId(row.text("created_by")?),
        created_at: row.instant("created_at")?,
        position: position(row, "position")?,
    })
}

/// Invitations, claimed ones included, newest first, made before this position: that of the last row of the page before.
///
/// # Errors
/// What the database says.
pub async fn page(store: &ReadStore, before: Option<Position>, limit: usize) -> Result<Vec<InviteRow>, SqlError> {
    let mut query = Query::new(
        "SELECT id, email, username, claimed_by, claimed_at, created_by, created_at, position FROM invites_v3_g0 \
         WHERE deleted_at IS NULL",
    );
    if let Some(before) = before {
        query.bind(" AND position < ", before.0);
    }
    query.push(" ORDER BY position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Whether an account claimed an invitation, at its sign-up or later.
///
/// # Errors
/// What the database says.
pub async fn is_claimant(store: &ReadStore, account: &AccountId) -> Result<bool, SqlError> {
    let sql = "SELECT id FROM invites_v3_g0 WHERE claimed_by = $1 LIMIT 1";
    Ok(store.fetch_optional(sql, &[account.0.as_str().into()]).await?.is_some())
}

/// Whether an invitation by the e-mail of this subject still bears a name.
///
/// # Errors
/// What the database says.
pub async fn names(store: &ReadStore, subject: &SubjectId) -> Result<bool, SqlError> {
    let sql = "SELECT id FROM invites_v3_g0 WHERE subject = $1 AND username IS NOT NULL LIMIT 1";
    Ok(store.fetch_optional(sql, &[subject.0.as_str().into()]).await?.is_some())
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Invites;

const TABLES: &[Table] = &[Table { name: "invites_v3", key: &["id"] }];
/// 1 was put in order anew for every list; 2 kept the username where no account was made on the invitation.
const FORMER: &[Former] =
    &[Former { version: 1, tables: &["invites_v1"] }, Former { version: 2, tables: &["invites_v2"] }];

#[async_trait]
impl Projection for Invites {
    fn name(&self) -> &'static str {
        "invites"
    }

    fn version(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn former(&self) -> &'static [Former] {
        FORMER
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "invites_v3.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account", "invite", "subject"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            forget(fact, rows).await?;
            let AnyEvent::Invite(event) = fact.event else { continue };
            let touched = match event {
                InviteEvent::Created(created) => {
                    rows.execute(
                        "INSERT INTO invites_v3_g0 (id, email, subject, username, created_by, created_at, position) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7)",
                        &[
                            fact.stream_id(),
                            created.email.as_ref().map(|email| email.given.as_str()).into(),
                            created.email.as_ref().map(|email| email.subject.0.as_str()).into(),
                            created.username.as_deref().into(),
                            created.created_by.0.as_str().into(),
                            created.at.into(),
                            fact.position(),
                        ],
                    )
                    .await?
                }
                InviteEvent::Claimed(claimed) => {
                    rows.execute(
                        "UPDATE invites_v3_g0 SET claimed_by = $1, claimed_at = $2 WHERE id = $3",
                        &[claimed.account.0.as_str().into(), claimed.at.into(), fact.stream_id()],
                    )
                    .await?
                }
                InviteEvent::Deleted(deleted) => {
                    let sql = "UPDATE invites_v3_g0 SET deleted_at = $1 WHERE id = $2";
                    rows.execute(sql, &[deleted.at.into(), fact.stream_id()]).await?
                }
            };
            fact.expect_touched(touched, "the invitation")?;
        }
        Ok(())
    }
}

/// Takes the username out of the invitation that an erased account used up, and out of those by the e-mail of whoever
/// is erased: nobody need have used them up.
async fn forget(fact: &Fact<'_>, rows: &mut Rows<'_>) -> Result<(), SqlError> {
    let sql = if let AnyEvent::Account(AccountEvent::Erased(_)) = fact.event {
        "UPDATE invites_v3_g0 SET username = NULL WHERE claimed_by = $1"
    } else if let AnyEvent::Subject(SubjectEvent::Erased(_)) = fact.event {
        "UPDATE invites_v3_g0 SET username = NULL WHERE subject = $1"
    } else {
        return Ok(());
    };
    rows.execute(sql, &[fact.stream_id()]).await?;
    Ok(())
}
