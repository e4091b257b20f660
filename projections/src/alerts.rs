//! Alerts: findings of rules about points, newest first.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AlertId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{MetricEvent, RuleType, Severity};
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{Query, parsed, parsed_or_null, position};
use crate::rows::{InsertBatch, Rows};
use crate::store::ReadStore;

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// Nobody has looked at it.
    Open,
    /// Somebody has.
    Acknowledged,
    /// It is dealt with.
    Resolved,
}

impl AlertState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the name of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Acknowledged, Self::Resolved].into_iter().find(|state| state.as_str() == text)
    }
}

/// An alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// Whose metric it is about.
    pub company: CompanyId,
    /// The metric.
    pub metric: MetricId,
    /// The metric's key.
    pub metric_key: String,
    /// The rule that fired.
    pub alert_type: RuleType,
    /// How grave.
    pub severity: Severity,
    /// The sentence people read.
    pub summary: String,
    /// Where it stands.
    pub state: AlertState,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// Where it was raised; alerts are listed in this order.
    pub position: Position,
    /// The point it is about.
    pub point: PointId,
    /// The point it was compared with.
    pub previous_point: Option<PointId>,
    /// Growth between the two.
    pub growth: Option<f64>,
    /// Which version of the rule fired.
    pub rule_version: u32,
    /// When it was first acknowledged.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// By whom.
    pub acknowledged_by: Option<String>,
    /// What they had to say, or who resolved it.
    pub note: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom.
    pub resolved_by: Option<String>,
}

impl AlertRow {
    /// The alert after what somebody did about it; what is about another alert, or is nobody's doing, changes nothing.
    pub fn take(&mut self, event: &MetricEvent) {
        match event {
            MetricEvent::AlertAcknowledged(acknowledged) if acknowledged.alert == self.id => {
                self.state = AlertState::Acknowledged;
                self.acknowledged_at = Some(acknowledged.at);
                self.acknowledged_by = Some(acknowledged.by.clone());
                self.note.clone_from(&acknowledged.note);
            }
            MetricEvent::AlertResolved(resolved) if resolved.alert == self.id => {
                self.state = AlertState::Resolved;
                self.resolved_at = Some(resolved.at);
                self.resolved_by = Some(resolved.by.clone());
                if resolved.note.is_some() {
                    self.note.clone_from(&resolved.note);
                }
            }
            MetricEvent::AlertAcknowledged(_)
            | MetricEvent::AlertResolved(_)
            | MetricEvent::AlertRaised(_)
            | MetricEvent::Defined(_)
            | MetricEvent::SettingsChanged(_)
            | MetricEvent::PointRecorded(_)
            | MetricEvent::PointCorrected(_)
            | MetricEvent::RuleSet(_) => {}
        }
    }
}

/// Which alerts of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only of this state.
    pub state: Option<AlertState>,
    /// Only about this metric, by id.
    pub metric: Option<MetricId>,
    /// Only raised before this position: the last row of the page before.
    pub before: Option<Position>,
}

const SELECT: &str = "SELECT id, company_id, metric_id, metric_key, alert_type, severity, summary, state, raised_at, \
    position, point_id, previous_point_id, growth, rule_version, acknowledged_at, acknowledged_by, note, resolved_at, \
    resolved_by FROM alerts_v1_g0";

fn from_row(row: &Row) -> Result<AlertRow, SqlError> {
    let version = row.count("rule_version")?;
    Ok(AlertRow {
        id: parsed(row, "id", AlertId::parse)?,
        company: parsed(row, "company_id", CompanyId::parse)?,
        metric: parsed(row, "metric_id", MetricId::parse)?,
        metric_key: row.text("metric_key")?,
        alert_type: parsed(row, "alert_type", RuleType::parse)?,
        severity: parsed(row, "severity", Severity::parse)?,
        summary: row.text("summary")?,
        state: parsed(row, "state", AlertState::parse)?,
        raised_at: row.instant("raised_at")?,
        position: position(row, "position")?,
        point: parsed(row, "point_id", PointId::parse)?,
        previous_point: parsed_or_null(row, "previous_point_id", PointId::parse)?,
        growth: row.real_or_null("growth")?,
        rule_version: u32::try_from(version).map_err(|_| SqlError::Column {
            column: "rule_version".to_owned(),
            what: format!("is too great: {version}"),
        })?,
        acknowledged_at: row.instant_or_null("acknowledged_at")?,
        acknowledged_by: row.text_or_null("acknowledged_by")?,
        note: row.text_or_null("note")?,
        resolved_at: row.instant_or_null("resolved_at")?,
        resolved_by: row.text_or_null("resolved_by")?,
    })
}

/// Alerts of a company, newest first.
///
/// # Errors
/// What the database says.
pub async fn of_company(
    store: &ReadStore,
    company: &CompanyId,
    filter: &AlertFilter,
    limit: usize,
) -> Result<Vec<AlertRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE company_id = ", company.as_str());
    if let Some(state) = filter.state {
        query.bind(" AND state = ", state.as_str());
    }
    if let Some(metric) = &filter.metric {
        query.bind(" AND metric_id = ", metric.as_str());
    }
    if let Some(before) = filter.before {
        query.bind(" AND position < ", before.0);
    }
    query.push(" ORDER BY position DESC").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The alert with this id.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &AlertId) -> Result<Option<AlertRow>, SqlError> {
    let sql = format!("{SELECT} WHERE id = $1");
    store.fetch_optional(&sql, &[id.as_str().into()]).await?.as_ref().map(from_row).transpose()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Alerts;

const TABLES: &[Table] = &[Table { name: "alerts_v1", key: &["id"] }];

const ALERT_COLUMNS: &[&str] = &[
    "id",
    "company_id",
    "metric_id",
    "metric_key",
    "alert_type",
    "severity",
    "summary",
    "state",
    "raised_at",
    "position",
    "point_id",
    "previous_point_id",
    "growth",
    "rule_version",
];

#[async_trait]
impl Projection for Alerts {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "alerts_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["metric"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        let mut raised = InsertBatch::new("alerts_v1_g0", ALERT_COLUMNS);
        for fact in facts {
            let AnyEvent::Metric(event) = fact.event else { continue };
            match event {
                MetricEvent::AlertRaised(alert) => raised.push([
                    alert.finding.alert.to_string().into(),
                    alert.company.to_string().into(),
                    fact.stream_id(),
                    alert.metric_key.clone().into(),
                    alert.finding.alert_type.as_str().into(),
                    alert.finding.severity.as_str().into(),
                    alert.finding.summary.clone().into(),
                    AlertState::Open.as_str().into(),
                    fact.recorded.recorded_at.into(),
                    fact.position(),
                    alert.finding.point.to_string().into(),
                    alert.finding.previous_point.as_ref().map(ToString::to_string).into(),
                    alert.finding.growth.into(),
                    i64::from(alert.finding.rule_version).into(),
                ]),
                MetricEvent::AlertAcknowledged(acknowledged) => {
                    rows.insert(raised.take(), "").await?;
                    let touched = rows
                        .execute(
                            "UPDATE alerts_v1_g0 SET state = 'acknowledged', acknowledged_at = $1, \
                             acknowledged_by = $2, note = $3 WHERE id = $4",
                            &[
                                acknowledged.at.into(),
                                acknowledged.by.as_str().into(),
                                acknowledged.note.clone().into(),
                                acknowledged.alert.as_str().into(),
                            ],
                        )
                        .await?;
                    fact.expect_touched(touched, "the acknowledged alert")?;
                }
                MetricEvent::AlertResolved(resolved) => {
                    rows.insert(raised.take(), "").await?;
                    let touched = rows
                        .execute(
                            "UPDATE alerts_v1_g0 SET state = 'resolved', resolved_at = $1, resolved_by = $2, \
                             note = COALESCE($3, note) WHERE id = $4",
                            &[
                                resolved.at.into(),
                                resolved.by.as_str().into(),
                                resolved.note.clone().into(),
                                resolved.alert.as_str().into(),
                            ],
                        )
                        .await?;
                    fact.expect_touched(touched, "the resolved alert")?;
                }
                MetricEvent::Defined(_)
                | MetricEvent::SettingsChanged(_)
                | MetricEvent::PointRecorded(_)
                | MetricEvent::PointCorrected(_)
                | MetricEvent::RuleSet(_) => {}
            }
        }
        Ok(rows.insert(raised, "").await?)
    }
}
