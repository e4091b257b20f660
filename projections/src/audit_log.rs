//! The audit view of accounts and consent (spec/accounts-and-offers.md section 6): one row an event that an
//! investigator asks for. It is a projection of the record and no second log, so it cannot disagree with it.

mod describe;
pub mod everywhere;
mod forget;
pub mod shown;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::offer_book::OfferBookEvent;
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::Sealed;
use muniment_aggregates::subject::SubjectEvent;
use muniment_sql::{Engine, Row, SqlError};
use serde_json::Value;

use self::describe::OfferFacts;
use crate::fact::Fact;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{PAGE_ROWS_MAX, Query, json, position, sealed_or_null};
use crate::rows::Rows;
use crate::store::ReadStore;

/// A row of the audit. Sealed values inside `metadata` stand as `{"$sealed": text}`.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its id, a UUID made from the event's hash: the same after every rebuild.
    pub id: String,
    /// Position of its event.
    pub seq: Position,
    /// Its type, for example `login`.
    pub event_type: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// The persona that did it, where the type names one.
    pub actor_id: Option<String>,
    /// The account that did it.
    pub account_id: Option<String>,
    /// The account it was done to.
    pub target_account_id: Option<String>,
    /// The persona it was done to.
    pub target_actor_id: Option<String>,
    /// Whom the request came from.
    pub client: Option<Sealed>,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// What an investigator should know; `null` for nothing.
    pub metadata: Value,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this type.
    pub event_type: Option<String>,
    /// Of this outcome.
    pub outcome: Option<String>,
    /// By or to this account.
    pub account: Option<AccountId>,
    /// Behind this position.
    pub since_seq: Option<Position>,
    /// Before this position: the last row of the page before.
    pub before_seq: Option<Position>,
    /// So many.
    pub limit: usize,
    /// Behind so many.
    pub offset: usize,
}

const SELECT: &str = "SELECT seq, id, event_type, outcome, actor_id, account_id, target_account_id, target_actor_id, \
    client, created_at, metadata FROM audit_log_v3_g0";

fn from_row(row: &Row) -> Result<AuditRow, SqlError> {
    Ok(AuditRow {
        id: row.text("id")?,
        seq: position(row, "seq")?,
        event_type: row.text("event_type")?,
        outcome: row.text("outcome")?,
        actor_id: row.text_or_null("actor_id")?,
        account_id: row.text_or_null("account_id")?,
        target_account_id: row.text_or_null("target_account_id")?,
        target_actor_id: row.text_or_null("target_actor_id")?,
        client: sealed_or_null(row, "client")?,
        created_at: row.instant("created_at")?,
        metadata: json(row, "metadata")?,
    })
}

/// Rows that match, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(store: &ReadStore, filter: &Filter) -> Result<Vec<AuditRow>, SqlError> {
    let mut query = Query::new(SELECT);
    // What an offset passes over is read from an index where one has it, and not with all its columns.
    query.push(" WHERE seq IN (");
    match &filter.account {
        None => numbers(&mut query, filter, None),
        // Each side by its own index: an OR would walk through the rows of everybody else.
        Some(account) => {
            let reached = filter.limit.min(PAGE_ROWS_MAX).saturating_add(filter.offset);
            query.push("SELECT seq FROM (SELECT * FROM (");
            numbers(&mut query, filter, Some((" AND account_id = ", account)));
            query.push(NEWEST).bind(" LIMIT ", reached).push(") by_it UNION SELECT * FROM (");
            numbers(&mut query, filter, Some((" AND target_account_id = ", account)));
            query.push(NEWEST).bind(" LIMIT ", reached).push(") to_it) both_sides");
        }
    }
    query.push(NEWEST).limit(filter.limit).bind(" OFFSET ", filter.offset).push(")").push(NEWEST);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

const NEWEST: &str = " ORDER BY seq DESC";

/// The numbers of rows that match, by or to an account where it says so.
fn numbers<'a>(query: &mut Query<'a>, filter: &'a Filter, side: Option<(&str, &'a AccountId)>) {
    query.push("SELECT seq FROM audit_log_v3_g0 WHERE TRUE");
    if let Some((condition, account)) = side {
        query.bind(condition, account.0.as_str());
    }
    if let Some(event_type) = &filter.event_type {
        query.bind(" AND event_type = ", event_type.as_str());
    }
    if let Some(outcome) = &filter.outcome {
        query.bind(" AND outcome = ", outcome.as_str());
    }
    if let Some(since) = filter.since_seq {
        query.bind(" AND seq > ", since.0);
    }
    if let Some(before) = filter.before_seq {
        query.bind(" AND seq < ", before.0);
    }
}

/// Which roles were given and taken up to a position, newest first.
///
/// # Errors
/// What the database says.
pub async fn grant_history(
    store: &ReadStore,
    until: Position,
    limit: usize,
    offset: usize,
) -> Result<Vec<AuditRow>, SqlError> {
    let reached = limit.min(PAGE_ROWS_MAX).saturating_add(offset);
    let mut query = Query::new(SELECT);
    // Each type by its own index: all that ever were of both would be sorted.
    query.push(" WHERE seq IN (SELECT seq FROM (SELECT * FROM (");
    for (event_type, rest) in
        [("role_grant_create", ") given UNION ALL SELECT * FROM ("), ("role_grant_revoke", ") taken) both_types")]
    {
        query.bind("SELECT seq FROM audit_log_v3_g0 WHERE event_type = ", event_type).bind(" AND seq <= ", until.0);
        query.push(NEWEST).bind(" LIMIT ", reached).push(rest);
    }
    query.push(NEWEST).limit(limit).bind(" OFFSET ", offset).push(")").push(NEWEST);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Rows behind a position, oldest first.
///
/// # Errors
/// What the database says.
pub async fn after(store: &ReadStore, seq: Position, limit: usize) -> Result<Vec<AuditRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE seq > ", seq.0).push(" ORDER BY seq").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The position behind which so many of the newest rows are.
///
/// # Errors
/// What the database says.
pub async fn newest(store: &ReadStore, rows: usize) -> Result<Position, SqlError> {
    let mut query = Query::new("SELECT seq FROM audit_log_v3_g0 ORDER BY seq DESC LIMIT 1");
    query.bind(" OFFSET ", rows);
    let row = store.fetch_optional(query.sql(), query.args()).await?;
    row.map_or(Ok(Position::START), |row| position(&row, "seq"))
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct AuditLog;

const TABLES: &[Table] =
    &[Table { name: "audit_log_v3", key: &["seq"] }, Table { name: "audit_offers_v3", key: &["id"] }];
/// 1 had no rows of much that operators do; 2 kept the username of an invitation where no account was made on it.
const FORMER: &[Former] = &[
    Former { version: 1, tables: &["audit_log_v1", "audit_offers_v1"] },
    Former { version: 2, tables: &["audit_log_v2", "audit_offers_v2"] },
];

#[async_trait]
impl Projection for AuditLog {
    fn name(&self) -> &'static str {
        "audit_log"
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
        schema_of!(engine, "audit_log_v3.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account", "attempt", "invite", "note", "offer", "scope", "settings", "subject"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let offer = match fact.event {
                AnyEvent::OfferBook(event) => offer_of(fact, event, rows).await?,
                AnyEvent::Account(_)
                | AnyEvent::Attempt(_)
                | AnyEvent::Note(_)
                | AnyEvent::Invite(_)
                | AnyEvent::Settings(_)
                | AnyEvent::Metric(_)
                | AnyEvent::Application(_)
                | AnyEvent::Challenge(_)
                | AnyEvent::Session(_)
                | AnyEvent::Scope(_)
                | AnyEvent::Roster(_)
                | AnyEvent::Scheduler(_)
                | AnyEvent::Subject(_) => None,
            };
            if let Some(described) = describe::describe(fact, offer.as_ref())? {
                insert(fact, described, rows).await?;
            }
            if let AnyEvent::Account(AccountEvent::Erased(_)) = fact.event {
                forget::names_of(&fact.recorded.stream.id, rows).await?;
            }
            if let AnyEvent::Subject(SubjectEvent::Erased(_)) = fact.event {
                forget::names_of_invited(&fact.recorded.stream.id, rows).await?;
            }
        }
        Ok(())
    }
}

async fn insert(fact: &Fact<'_>, row: describe::Described, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    rows.execute(
        "INSERT INTO audit_log_v3_g0 (seq, id, event_type, outcome, actor_id, account_id, target_account_id, \
         target_actor_id, client, created_at, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            fact.position(),
            row_id(&fact.recorded.hash).into(),
            row.event_type.into(),
            if row.is_failure { "failure" } else { "success" }.into(),
            row.actor.into(),
            row.account.into(),
            row.target_account.into(),
            row.target_actor.into(),
            fact.metadata.client.as_ref().map(Sealed::as_str).into(),
            fact.recorded.recorded_at.into(),
            row.metadata.to_string().into(),
        ],
    )
    .await?;
    Ok(())
}

/// A UUID of version 8 (RFC 9562: bits of one's own making) from the event's hash.
fn row_id(hash: &[u8; 32]) -> String {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid_text(bytes)
}

/// A UUID of version 8 from the id of a row of the other audit, which keeps the first bytes of the hash.
fn uuid_of(id: &str, seq: Position) -> String {
    let hash = id.split_once('_').and_then(|(_, hash)| URL_SAFE_NO_PAD.decode(hash).ok()).unwrap_or_default();
    let mut bytes = [0_u8; 16];
    bytes
        .iter_mut()
        .zip(hash.into_iter().chain(seq.0.to_be_bytes().into_iter().skip(4)))
        .for_each(|(to, from)| *to = from);
    uuid_text(bytes)
}

fn uuid_text(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// What the rows of an event need of the offer it is about; an offer that is made is kept for later ones.
async fn offer_of(
    fact: &Fact<'_>,
    event: &OfferBookEvent,
    rows: &mut Rows<'_>,
) -> Result<Option<OfferFacts>, ApplyError> {
    let id = match event {
        OfferBookEvent::Made(made) => {
            rows.execute(
                "INSERT INTO audit_offers_v3_g0 (id, grantor, grantor_account, to_persona, role, scope_id) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    made.offer.0.as_str().into(),
                    made.grantor.0.as_str().into(),
                    made.grantor_account.0.as_str().into(),
                    made.to_persona.as_ref().map(|persona| persona.0.as_str()).into(),
                    made.role.as_str().into(),
                    made.scope.as_ref().map(|scope| scope.id.as_str()).into(),
                ],
            )
            .await?;
            &made.offer
        }
        OfferBookEvent::Refreshed(refreshed) => {
            let to = refreshed.to_persona.as_ref().map(|persona| persona.0.as_str());
            let sql = "UPDATE audit_offers_v3_g0 SET to_persona = $1 WHERE id = $2";
            rows.execute(sql, &[to.into(), refreshed.offer.0.as_str().into()]).await?;
            &refreshed.offer
        }
        OfferBookEvent::Accepted(accepted) => &accepted.offer,
        OfferBookEvent::Declined(declined) => &declined.offer,
        OfferBookEvent::Retracted(retracted) => &retracted.offer,
        OfferBookEvent::Superseded(superseded) => &superseded.offer,
        OfferBookEvent::Lapsed(lapsed) => &lapsed.offer,
        OfferBookEvent::GrantCreated(_) | OfferBookEvent::GrantRevoked(_) => return Ok(None),
    };
    let sql = "SELECT grantor, grantor_account, to_persona, role, scope_id FROM audit_offers_v3_g0 WHERE id = $1";
    let Some(row) = rows.fetch_optional(sql, &[id.0.as_str().into()]).await? else {
        return Err(fact.poison("the offer is not in the read model"));
    };
    Ok(Some(OfferFacts {
        id: id.0.clone(),
        grantor: row.text("grantor")?,
        grantor_account: row.text("grantor_account")?,
        to_persona: row.text_or_null("to_persona")?,
        role: row.text("role")?,
        scope_id: row.text_or_null("scope_id")?,
    }))
}
