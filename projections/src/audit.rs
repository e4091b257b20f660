//! The audit view: one row a recorded mutation, newest first (spec/metrics.md section 11). It is a replay of the
//! journal, so it cannot disagree with what happened; `seq` is the journal position.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::ids::{CompanyId, PointId};
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::Sealed;
use muniment_sql::{Engine, Row, SqlError};
use serde_json::{Map, Value};

use crate::fact::Fact;
use crate::points::Points;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{Query, json, parsed_or_null, position, sealed_or_null};
use crate::rows::{InsertBatch, Rows};
use crate::store::ReadStore;
use pending::Pending;

mod describe;
mod pending;

/// Who did it, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorLabel {
    /// Nobody's personal data: the name of a token, or `system`.
    Clear(String),
    /// An e-mail; reads as erased once its subject is.
    Sealed(Sealed),
}

/// A row of the audit view.
#[derive(Debug, Clone, PartialEq)]
pub struct MutationRow {
    /// Its place in the journal.
    pub seq: Position,
    /// Its id, made from the event's hash.
    pub id: String,
    /// What happened, for example `metric_point.created`.
    pub action: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The company it concerns.
    pub company: Option<CompanyId>,
    /// What kind of thing it was done to.
    pub resource_type: String,
    /// Which one.
    pub resource_id: Option<String>,
    /// `anonymous`, `system`, `operator`, `account` or `agent`.
    pub actor_kind: String,
    /// Who did it.
    pub actor: ActorLabel,
    /// The account that did it, where one did.
    pub account_id: Option<String>,
    /// The persona it acted as.
    pub persona_id: Option<String>,
    /// How the request proved itself.
    pub credential: Option<String>,
    /// Public id of that credential.
    pub credential_id: Option<String>,
    /// The client's address.
    pub client: Option<Sealed>,
    /// Correlates everything that one request caused.
    pub correlation: String,
    /// The event that caused this one.
    pub causation: Option<Position>,
    /// The surface the command came by.
    pub surface: String,
    /// Name of the command.
    pub command: String,
    /// The facts of the action, a JSON object; never a code, secret or hash.
    pub metadata: Value,
}

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only of this company.
    pub company: Option<CompanyId>,
    /// Only of this kind of resource.
    pub resource_type: Option<String>,
    /// Only of this resource.
    pub resource_id: Option<String>,
    /// Only done by this account.
    pub account_id: Option<String>,
    /// Only of this request.
    pub correlation: Option<String>,
    /// Only later than this position.
    pub since: Option<Position>,
    /// Only earlier than this position: the last row of the page before.
    pub before: Option<Position>,
}

const SELECT: &str = "SELECT a.seq, a.id, a.action, a.recorded_at, a.company_id, a.resource_type, a.resource_id, \
    a.actor_kind, COALESCE(l.email, a.actor_label) AS actor_label, \
    CASE WHEN l.email IS NULL THEN a.actor_sealed ELSE 1 END AS actor_sealed, a.account_id, a.persona_id, \
    a.credential, a.credential_id, a.client, a.correlation, a.causation, a.surface, a.command, a.metadata, \
    a.occurrences FROM audit_v3_g0 a LEFT JOIN audit_labels_v3_g0 l ON l.label_key = a.label_key";

/// The action whose rows are limited to one an e-mail and minute and say how often.
const COUNTED: &str = "auth.otp.failed";

fn from_row(row: &Row) -> Result<MutationRow, SqlError> {
    let label = row.text("actor_label")?;
    let action = row.text("action")?;
    let mut metadata: Map<String, Value> = json(row, "metadata")?;
    if action == COUNTED {
        metadata.insert("count".to_owned(), row.count("occurrences")?.into());
    }
    Ok(MutationRow {
        seq: position(row, "seq")?,
        id: row.text("id")?,
        action,
        recorded_at: row.instant("recorded_at")?,
        company: parsed_or_null(row, "company_id", CompanyId::parse)?,
        resource_type: row.text("resource_type")?,
        resource_id: row.text_or_null("resource_id")?,
        actor_kind: row.text("actor_kind")?,
        actor: if row.flag("actor_sealed")? {
            ActorLabel::Sealed(Sealed::from_text(label))
        } else {
            ActorLabel::Clear(label)
        },
        account_id: row.text_or_null("account_id")?,
        persona_id: row.text_or_null("persona_id")?,
        credential: row.text_or_null("credential")?,
        credential_id: row.text_or_null("credential_id")?,
        client: sealed_or_null(row, "client")?,
        correlation: row.text("correlation")?,
        causation: match row.int_or_null("causation")? {
            None => None,
            Some(_) => Some(position(row, "causation")?),
        },
        surface: row.text("surface")?,
        command: row.text("command")?,
        metadata: metadata.into(),
    })
}

/// Only rows of an action. The index leaves out that of points, which a condition must say that it does not ask for.
pub(crate) fn of_action<'a>(query: &mut Query<'a>, action: &'a str) {
    query.bind(" AND a.action = ", action);
    if action != "metric_point.created" {
        query.push(" AND a.action <> 'metric_point.created'");
    }
}

/// Only rows about things of this kind; the index leaves points out, as that of actions does.
fn of_resource_type<'a>(query: &mut Query<'a>, kind: &'a str) {
    query.bind(" AND a.resource_type = ", kind);
    if kind != "metric_point" {
        query.push(" AND a.resource_type <> 'metric_point'");
    }
}

/// Only rows about the thing with this id. Those about a point stand where the point and its corrections were recorded.
fn of_resource<'a>(query: &mut Query<'a>, id: &'a str) {
    if PointId::parse(id).is_none() {
        query.bind(" AND a.resource_id = ", id).push(" AND a.resource_type <> 'metric_point'");
        return;
    }
    query
        .bind(" AND a.seq IN (SELECT position FROM points_v1_g0 WHERE id = ", id)
        .bind(" UNION ALL SELECT position FROM point_corrections_v1_g0 WHERE point_id = ", id)
        .push(") AND a.resource_type = 'metric_point'");
}

/// The read models that [`page`] reads.
pub const READ_MODELS: &[&dyn Projection] = &[&Audit, &Points];

/// Rows of the audit view, newest first.
///
/// # Errors
/// What the database says.
pub async fn page(store: &ReadStore, filter: &AuditFilter, limit: usize) -> Result<Vec<MutationRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.push(" WHERE TRUE");
    if let Some(action) = &filter.action {
        of_action(&mut query, action);
    }
    if let Some(id) = &filter.resource_id {
        of_resource(&mut query, id);
    }
    if let Some(kind) = &filter.resource_type {
        of_resource_type(&mut query, kind);
    }
    let equals = [
        (" AND a.company_id = ", filter.company.as_ref().map(CompanyId::as_str)),
        (" AND a.account_id = ", filter.account_id.as_deref()),
        (" AND a.correlation = ", filter.correlation.as_deref()),
    ];
    for (condition, value) in equals {
        if let Some(value) = value {
            query.bind(condition, value);
        }
    }
    if let Some(since) = filter.since {
        query.bind(" AND a.seq > ", since.0);
    }
    if let Some(before) = filter.before {
        query.bind(" AND a.seq < ", before.0);
    }
    query.push(" ORDER BY a.seq DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Audit;

const TABLES: &[Table] =
    &[Table { name: "audit_v3", key: &["seq"] }, Table { name: "audit_labels_v3", key: &["label_key"] }];
/// 1 did not tell of a rule how many points it looks at and how long it is silent, 2 had points in all its indexes.
const FORMER: &[Former] = &[
    Former { version: 1, tables: &["audit_v1", "audit_labels_v1"] },
    Former { version: 2, tables: &["audit_v2", "audit_labels_v2"] },
];

const AUDIT_COLUMNS: &[&str] = &[
    "seq",
    "id",
    "action",
    "recorded_at",
    "company_id",
    "resource_type",
    "resource_id",
    "actor_kind",
    "actor_label",
    "actor_sealed",
    "label_key",
    "account_id",
    "persona_id",
    "credential",
    "credential_id",
    "client",
    "correlation",
    "causation",
    "surface",
    "command",
    "metadata",
    "coalesced",
    "occurrences",
];

/// A later event under the key of an earlier row is counted in that row.
const COUNT_AGAIN: &str = "ON CONFLICT (coalesced) WHERE coalesced IS NOT NULL \
    DO UPDATE SET occurrences = audit_v3_g0.occurrences + excluded.occurrences";

#[async_trait]
impl Projection for Audit {
    fn name(&self) -> &'static str {
        "audit"
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
        schema_of!(engine, "audit_v3.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["account", "application", "challenge", "metric", "scheduler", "session", "subject"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        let mut pending = Pending::default();
        for fact in facts {
            if let Some((key, email)) = describe::learned_label(fact) {
                pending.labels.insert(key, email.as_str().to_owned());
            }
            if let Some(described) = describe::describe(fact) {
                pending.row(fact, described);
            }
        }
        let mut labels = InsertBatch::new("audit_labels_v3_g0", &["label_key", "email"]);
        for (key, email) in pending.labels {
            labels.push([key.into(), email.into()]);
        }
        rows.insert(labels, "ON CONFLICT (label_key) DO UPDATE SET email = excluded.email").await?;
        let mut batch = InsertBatch::new("audit_v3_g0", AUDIT_COLUMNS);
        for pending in pending.rows {
            batch.push(pending.columns());
        }
        Ok(rows.insert(batch, COUNT_AGAIN).await?)
    }
}
