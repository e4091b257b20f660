//! Applications with their company, founder and history, newest first; names and e-mails of founders are sealed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::application::{ApplicationEvent, ApplicationStatus, ApplicationSubmitted, Narrative};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{ApplicationId, CompanyId, FounderId};
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::{Fact, to_json};
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{PAGE_ROWS_MAX, Query, folded, parsed, position, sealed, subject};
use crate::rows::Rows;
use crate::store::ReadStore;

/// An application.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationRow {
    /// Its id.
    pub id: ApplicationId,
    /// The company it made.
    pub company: CompanyId,
    /// The company's name.
    pub company_name: String,
    /// The company's website as given.
    pub website: Option<String>,
    /// The founder's id.
    pub founder: FounderId,
    /// The founder's name.
    pub founder_name: Sealed,
    /// The founder's e-mail.
    pub founder_email: Sealed,
    /// Whether a session proved the e-mail when the application was made.
    pub founder_email_verified: bool,
    /// Whose key seals the founder's name and e-mail; an account of the same subject is this founder.
    pub founder_subject: SubjectId,
    /// The narrative.
    pub narrative: Narrative,
    /// Where the review stands.
    pub status: ApplicationStatus,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// Where; applications are listed in this order.
    pub position: Position,
}

/// An application as a reviewer sees it in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRow {
    /// The application.
    pub application: ApplicationRow,
    /// Metrics of the company.
    pub metrics_count: u64,
    /// When the company's newest point was recorded.
    pub last_point_at: Option<DateTime<Utc>>,
    /// Alerts of the company that are open.
    pub open_alerts: u64,
}

/// Which applications a reviewer asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Only of this status.
    pub status: Option<ApplicationStatus>,
    /// Only companies whose name begins so, without regard to case.
    pub name_prefix: Option<String>,
    /// Only submitted before this position: the last row of the page before.
    pub before: Option<Position>,
}

/// One step of an application's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// The status it took.
    pub status: ApplicationStatus,
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it: an account id, or none for the submission itself.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where.
    pub position: Position,
}

const COLUMNS: &str = "a.id, a.company_id, a.company_name, a.website, a.founder_id, a.founder_name, a.founder_email, \
    a.founder_email_verified, a.founder_subject, a.narrative, a.status, a.submitted_at, a.position";

/// Spans three models; whoever asks waits until all three have what he has seen.
const REVIEW_COLUMNS: &str = "(SELECT COUNT(*) FROM metrics_v2_g0 m WHERE m.company_id = a.company_id) AS metrics_count, \
    (SELECT MAX(m.last_point_at) FROM metrics_v2_g0 m WHERE m.company_id = a.company_id) AS last_point_at, \
    (SELECT COUNT(*) FROM alerts_v1_g0 l WHERE l.company_id = a.company_id AND l.state = 'open') AS open_alerts";

fn from_row(row: &Row) -> Result<ApplicationRow, SqlError> {
    Ok(ApplicationRow {
        id: parsed(row, "id", ApplicationId::parse)?,
        company: parsed(row, "company_id", CompanyId::parse)?,
        company_name: row.text("company_name")?,
        website: row.text_or_null("website")?,
        founder: parsed(row, "founder_id", FounderId::parse)?,
        founder_name: sealed(row, "founder_name")?,
        founder_email: sealed(row, "founder_email")?,
        founder_email_verified: row.flag("founder_email_verified")?,
        founder_subject: subject(row, "founder_subject")?,
        narrative: crate::query::json(row, "narrative")?,
        status: parsed(row, "status", ApplicationStatus::parse)?,
        submitted_at: row.instant("submitted_at")?,
        position: position(row, "position")?,
    })
}

fn review_from_row(row: &Row) -> Result<ReviewRow, SqlError> {
    Ok(ReviewRow {
        application: from_row(row)?,
        metrics_count: row.count("metrics_count")?,
        last_point_at: row.instant_or_null("last_point_at")?,
        open_alerts: row.count("open_alerts")?,
    })
}

/// The application with this id.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &ApplicationId) -> Result<Option<ApplicationRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM applications_v1_g0 a WHERE a.id = $1");
    store.fetch_optional(&sql, &[id.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// The application that made this company.
///
/// # Errors
/// What the database says.
pub async fn by_company(store: &ReadStore, company: &CompanyId) -> Result<Option<ApplicationRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM applications_v1_g0 a WHERE a.company_id = $1");
    store.fetch_optional(&sql, &[company.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// Every application of one founder, by the subject of his e-mail, newest first.
///
/// # Errors
/// What the database says.
pub async fn of_founder(store: &ReadStore, founder_subject: &SubjectId) -> Result<Vec<ApplicationRow>, SqlError> {
    let mut rows: Vec<ApplicationRow> = Vec::new();
    loop {
        let page = page_of_founder(store, founder_subject, rows.last().map(|row| row.position)).await?;
        let is_last = page.len() < PAGE_ROWS_MAX;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

async fn page_of_founder(
    store: &ReadStore,
    founder_subject: &SubjectId,
    before: Option<Position>,
) -> Result<Vec<ApplicationRow>, SqlError> {
    let mut query = Query::new("SELECT ");
    query.push(COLUMNS).push(" FROM applications_v1_g0 a");
    query.bind(" WHERE a.founder_subject = ", founder_subject.0.as_str());
    if let Some(before) = before {
        query.bind(" AND a.position < ", before.0);
    }
    query.push(" ORDER BY a.position DESC").limit(PAGE_ROWS_MAX);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// Applications for review, newest first.
///
/// # Errors
/// What the database says.
pub async fn review_page(store: &ReadStore, filter: &ReviewFilter, limit: usize) -> Result<Vec<ReviewRow>, SqlError> {
    let mut query = Query::new("SELECT ");
    query.push(COLUMNS).push(", ").push(REVIEW_COLUMNS).push(" FROM applications_v1_g0 a WHERE TRUE");
    if let Some(status) = filter.status {
        query.bind(" AND a.status = ", status.as_str());
    }
    // Names are kept without blanks around them; one behind what was typed is part of it.
    if let Some(prefix) = filter.name_prefix.as_deref().map(str::trim_start)
        && !prefix.is_empty()
    {
        query.push(" AND ").begins("a.company_name_folded", prefix);
    }
    if let Some(before) = filter.before {
        query.bind(" AND a.position < ", before.0);
    }
    query.push(" ORDER BY a.position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(review_from_row).collect()
}

/// One application as a reviewer sees it.
///
/// # Errors
/// What the database says.
pub async fn review_by_id(store: &ReadStore, id: &ApplicationId) -> Result<Option<ReviewRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS}, {REVIEW_COLUMNS} FROM applications_v1_g0 a WHERE a.id = $1");
    store.fetch_optional(&sql, &[id.as_str().into()]).await?.as_ref().map(review_from_row).transpose()
}

/// The statuses an application had, oldest first; of more than a page the newest, so that the last is the one it has.
///
/// # Errors
/// What the database says.
pub async fn history(store: &ReadStore, id: &ApplicationId) -> Result<Vec<StatusRow>, SqlError> {
    let mut query =
        Query::new("SELECT status, changed_at, changed_by, reason, position FROM application_statuses_v1_g0");
    query.bind(" WHERE application_id = ", id.as_str()).push(" ORDER BY position DESC").limit(PAGE_ROWS_MAX);
    let newest = store.fetch_all(query.sql(), query.args()).await?;
    newest
        .iter()
        .rev()
        .map(|row| {
            Ok(StatusRow {
                status: parsed(row, "status", ApplicationStatus::parse)?,
                at: row.instant("changed_at")?,
                by: row.text_or_null("changed_by")?,
                reason: row.text_or_null("reason")?,
                position: position(row, "position")?,
            })
        })
        .collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Applications;

const TABLES: &[Table] =
    &[Table { name: "applications_v1", key: &["id"] }, Table { name: "application_statuses_v1", key: &["position"] }];

#[async_trait]
impl Projection for Applications {
    fn name(&self) -> &'static str {
        "applications"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "applications_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["application"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let AnyEvent::Application(event) = fact.event else { continue };
            match event {
                ApplicationEvent::Submitted(submitted) => submit(fact, submitted, rows).await?,
                ApplicationEvent::StatusChanged(changed) => {
                    let step = Step { by: Some(&changed.by), reason: changed.reason.as_deref(), at: changed.at };
                    change_status(fact, changed.status, step, rows).await?;
                }
                ApplicationEvent::Withdrawn(withdrawn) => {
                    let step = Step { by: Some(&withdrawn.by), reason: withdrawn.reason.as_deref(), at: withdrawn.at };
                    change_status(fact, ApplicationStatus::Withdrawn, step, rows).await?;
                }
                ApplicationEvent::TokenIssued(_)
                | ApplicationEvent::TokenRevoked(_)
                | ApplicationEvent::TokenRotated(_) => {}
            }
        }
        Ok(())
    }
}

/// Who brought a status about, why and when.
struct Step<'a> {
    by: Option<&'a str>,
    reason: Option<&'a str>,
    at: DateTime<Utc>,
}

async fn submit(fact: &Fact<'_>, submitted: &ApplicationSubmitted, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    rows.execute(
        "INSERT INTO applications_v1_g0 (id, company_id, company_name, company_name_folded, website, founder_id, \
         founder_name, founder_email, founder_email_verified, founder_subject, narrative, status, submitted_at, \
         position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            fact.stream_id(),
            submitted.company.as_str().into(),
            submitted.company_name.as_str().into(),
            folded(submitted.company_name.trim()).into(),
            submitted.website.clone().into(),
            submitted.founder.as_str().into(),
            submitted.founder_name.as_str().into(),
            submitted.founder_email.as_str().into(),
            submitted.founder_email_verified.into(),
            submitted.subject.0.as_str().into(),
            to_json(fact, &submitted.narrative)?.into(),
            ApplicationStatus::Submitted.as_str().into(),
            submitted.submitted_at.into(),
            fact.position(),
        ],
    )
    .await?;
    let step = Step { by: None, reason: None, at: submitted.submitted_at };
    note_status(fact, ApplicationStatus::Submitted, step, rows).await
}

async fn change_status(
    fact: &Fact<'_>,
    status: ApplicationStatus,
    step: Step<'_>,
    rows: &mut Rows<'_>,
) -> Result<(), ApplyError> {
    let touched = rows
        .execute("UPDATE applications_v1_g0 SET status = $1 WHERE id = $2", &[status.as_str().into(), fact.stream_id()])
        .await?;
    fact.expect_touched(touched, "the application")?;
    note_status(fact, status, step, rows).await
}

async fn note_status(
    fact: &Fact<'_>,
    status: ApplicationStatus,
    step: Step<'_>,
    rows: &mut Rows<'_>,
) -> Result<(), ApplyError> {
    rows.execute(
        "INSERT INTO application_statuses_v1_g0 (position, application_id, status, changed_at, changed_by, reason) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            fact.position(),
            fact.stream_id(),
            status.as_str().into(),
            step.at.into(),
            step.by.into(),
            step.reason.into(),
        ],
    )
    .await?;
    Ok(())
}
