//! The audit of the whole installation: beside the rows of accounts and consent those of applications and metrics, in
//! the same form (spec/metrics.md section 11: company, resource and actor stand in the metadata).

use muniment_aggregates::record::Position;
use muniment_sql::{Row, SqlError};
use serde_json::{Map, Value, json};

use super::{AuditRow, Filter, uuid_of};
use crate::audit::of_action;
use crate::query::Query;
use crate::store::ReadStore;

/// The read models that these rows are of.
pub const MODELS: &[&str] = &["audit_log", "audit"];

const ACCOUNTS: &str = "SELECT seq, id, event_type, outcome, actor_id, account_id, target_account_id, \
    target_actor_id, client, created_at, metadata, CAST(NULL AS TEXT) AS company_id, \
    CAST(NULL AS TEXT) AS resource_type, CAST(NULL AS TEXT) AS resource_id, CAST(NULL AS TEXT) AS label, 0 AS sealed, \
    0 AS occurrences FROM audit_log_v3_g0 WHERE TRUE";

/// Characters of a founder session's id, the public part of its token. The id of a session by cookie is a hash of 64, and
/// an event that ends a session says nothing else of its kind.
pub const FOUNDER_SESSION_ID_CHARACTERS: usize = 18;

/// Erasures have their rows with the accounts, and whatever else has one there has none here.
const METRICS: &str = "SELECT a.seq, a.id, a.action AS event_type, \
    CASE WHEN a.action = 'auth.otp.failed' THEN 'failure' ELSE 'success' END AS outcome, a.persona_id AS actor_id, \
    a.account_id, CAST(NULL AS TEXT) AS target_account_id, CAST(NULL AS TEXT) AS target_actor_id, a.client, \
    a.recorded_at AS created_at, a.metadata, a.company_id, a.resource_type, a.resource_id, \
    COALESCE(l.email, a.actor_label) AS label, CASE WHEN l.email IS NULL THEN a.actor_sealed ELSE 1 END AS sealed, \
    a.occurrences FROM audit_v3_g0 a LEFT JOIN audit_labels_v3_g0 l ON l.label_key = a.label_key \
    WHERE a.action NOT IN ('account.erased', 'subject.erased') \
    AND NOT EXISTS (SELECT 1 FROM audit_log_v3_g0 x WHERE x.seq = a.seq)";

/// A row of either kind; those of applications and metrics say in their metadata what they are of.
fn from_row(row: &Row) -> Result<AuditRow, SqlError> {
    let mut shown = super::from_row(row)?;
    if let Some(resource_type) = row.text_or_null("resource_type")? {
        let mut fields: Map<String, Value> = shown.metadata.as_object().cloned().unwrap_or_default();
        if shown.event_type == "auth.otp.failed" {
            fields.insert("count".to_owned(), row.count("occurrences")?.into());
        }
        let label = row.text("label")?;
        let actor = if row.flag("sealed")? { json!({ "$sealed": label }) } else { json!(label) };
        fields.insert("actor".to_owned(), actor);
        fields.insert("resource_type".to_owned(), json!(resource_type));
        fields.insert("resource_id".to_owned(), json!(row.text_or_null("resource_id")?));
        if let Some(company) = row.text_or_null("company_id")? {
            fields.insert("company_id".to_owned(), json!(company));
        }
        shown.id = uuid_of(&shown.id, shown.seq);
        shown.metadata = fields.into();
    }
    Ok(shown)
}

/// Sessions by cookie end in rows of the accounts' view; of the others', only founder sessions are left.
fn without_cookie_sessions<'q, 'a>(query: &'q mut Query<'a>) -> &'q mut Query<'a> {
    query
        .bind(" AND (a.action <> 'session.revoked' OR length(a.resource_id) = ", FOUNDER_SESSION_ID_CHARACTERS)
        .push(")")
}

/// A part of the audit that is in the order of one index.
struct Arm {
    select: &'static str,
    is_metrics: bool,
    /// What makes a row one of an account.
    of_account: &'static [&'static str],
}

/// The parts that a list is put together from. Rows by an account and rows about it are two, or all that ever were of it
/// would be sorted.
fn arms(filter: &Filter) -> Vec<Arm> {
    let accounts = |of_account| Arm { select: ACCOUNTS, is_metrics: false, of_account };
    let mut arms = vec![accounts(&[" AND account_id = "])];
    if filter.account.is_some() {
        arms.push(accounts(&[" AND target_account_id = ", " AND account_id IS DISTINCT FROM "]));
    }
    arms.push(Arm { select: METRICS, is_metrics: true, of_account: &[" AND a.account_id = "] });
    arms
}

/// Rows that match, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(store: &ReadStore, filter: &Filter) -> Result<Vec<AuditRow>, SqlError> {
    let mut query = Query::new("SELECT * FROM (");
    for (number, arm) in arms(filter).iter().enumerate() {
        query.push(if number == 0 { "" } else { ") p UNION ALL SELECT * FROM (" }).push(arm.select);
        if arm.is_metrics {
            without_cookie_sessions(&mut query);
        }
        if let Some(wanted) = &filter.event_type {
            if arm.is_metrics {
                of_action(&mut query, wanted);
            } else {
                query.bind(" AND event_type = ", wanted.as_str());
            }
        }
        match &filter.outcome {
            Some(wanted) if arm.is_metrics && wanted == "failure" => of_action(&mut query, "auth.otp.failed"),
            Some(_) if arm.is_metrics => {
                query.push(" AND a.action <> 'auth.otp.failed'");
            }
            Some(wanted) => {
                query.bind(" AND outcome = ", wanted.as_str());
            }
            None => {}
        }
        if let Some(account) = &filter.account {
            for condition in arm.of_account {
                query.bind(condition, account.0.as_str());
            }
        }
        if let Some(since) = filter.since_seq {
            query.bind(if arm.is_metrics { " AND a.seq > " } else { " AND seq > " }, since.0);
        }
        if let Some(before) = filter.before_seq {
            query.bind(if arm.is_metrics { " AND a.seq < " } else { " AND seq < " }, before.0);
        }
        query.push(" ORDER BY seq DESC").bind(" LIMIT ", filter.limit.saturating_add(filter.offset));
    }
    query.push(") q ORDER BY seq DESC").limit(filter.limit).bind(" OFFSET ", filter.offset);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Rows behind a position, oldest first.
///
/// # Errors
/// What the database says.
pub async fn after(store: &ReadStore, seq: Position, limit: usize) -> Result<Vec<AuditRow>, SqlError> {
    let mut query = Query::new("SELECT * FROM (");
    query.push(ACCOUNTS).bind(" AND seq > ", seq.0).push(" ORDER BY seq").limit(limit);
    query.push(") p UNION ALL SELECT * FROM (");
    without_cookie_sessions(query.push(METRICS)).bind(" AND a.seq > ", seq.0).push(" ORDER BY seq").limit(limit);
    query.push(") q ORDER BY seq").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}
