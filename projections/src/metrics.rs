//! Metrics: definitions with their latest value, oldest first.

mod fold;

use chrono::{DateTime, Utc};
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{Definition, SettingsChanged};
use muniment_aggregates::record::Position;
use muniment_sql::{Row, SqlError};

pub use self::fold::Metrics;
use crate::query::{Query, parsed, parsed_or_null, position, total};
use crate::store::ReadStore;

/// A metric as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// Its id.
    pub id: MetricId,
    /// Whose it is.
    pub company: CompanyId,
    /// The company's application.
    pub application: ApplicationId,
    /// Its slug, unique in the company.
    pub key: String,
    /// What people read.
    pub display_name: String,
    /// Unit, free text.
    pub unit: String,
    /// How often a value is expected, free text.
    pub cadence: String,
    /// Which way is good, free text.
    pub direction: String,
    /// Where values come from, free text.
    pub source_type: String,
    /// How far values were verified.
    pub verification_level: String,
    /// When it was defined.
    pub created_at: DateTime<Utc>,
    /// Where it was defined; metrics are listed in this order.
    pub position: Position,
    /// Points recorded.
    pub points_count: u64,
    /// When the newest point was recorded, whatever its instant.
    pub last_point_at: Option<DateTime<Utc>>,
    /// The point of the greatest instant, ties the later recorded.
    pub latest: Option<LatestPoint>,
    /// From when it is late by its enabled `late` rule; none once that was raised, while the rule cools down, and
    /// without rule or point.
    pub late_due_at: Option<DateTime<Utc>>,
}

impl MetricRow {
    /// Takes the settings as they stand in a definition.
    pub fn take_settings(&mut self, definition: &Definition) {
        self.display_name.clone_from(&definition.display_name);
        self.unit.clone_from(&definition.unit);
        self.cadence.clone_from(&definition.cadence);
        self.direction.clone_from(&definition.direction);
        self.source_type.clone_from(&definition.source_type);
    }

    /// Takes the settings that an event changed; the others stay.
    pub fn change_settings(&mut self, changed: &SettingsChanged) {
        let settings = [
            (&mut self.display_name, &changed.display_name),
            (&mut self.unit, &changed.unit),
            (&mut self.cadence, &changed.cadence),
            (&mut self.direction, &changed.direction),
            (&mut self.source_type, &changed.source_type),
        ];
        for (setting, new) in settings {
            if let Some(new) = new {
                setting.clone_from(new);
            }
        }
    }
}

/// The latest point of a metric, corrections included.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestPoint {
    /// Its id.
    pub point: PointId,
    /// Its value.
    pub value: f64,
    /// Its time as it was given.
    pub timestamp: String,
    /// Its time as it is ordered.
    pub instant: DateTime<Utc>,
}

const SELECT: &str = "SELECT id, company_id, application_id, key, display_name, unit, cadence, direction, source_type, \
    verification_level, created_at, position, points_count, last_point_at, latest_point_id, latest_instant, \
    latest_position, latest_value, latest_timestamp, late_tolerance, late_quiet_points, \
    late_quiet_seconds, late_raised_point, late_fired_instant, late_points_since, late_due_at FROM metrics_v2_g0";

fn from_row(row: &Row) -> Result<MetricRow, SqlError> {
    let latest = match parsed_or_null(row, "latest_point_id", PointId::parse)? {
        None => None,
        Some(point) => Some(LatestPoint {
            point,
            value: row.real("latest_value")?,
            timestamp: row.text("latest_timestamp")?,
            instant: row.instant("latest_instant")?,
        }),
    };
    Ok(MetricRow {
        id: parsed(row, "id", MetricId::parse)?,
        company: parsed(row, "company_id", CompanyId::parse)?,
        application: parsed(row, "application_id", ApplicationId::parse)?,
        key: row.text("key")?,
        display_name: row.text("display_name")?,
        unit: row.text("unit")?,
        cadence: row.text("cadence")?,
        direction: row.text("direction")?,
        source_type: row.text("source_type")?,
        verification_level: row.text("verification_level")?,
        created_at: row.instant("created_at")?,
        position: position(row, "position")?,
        points_count: row.count("points_count")?,
        last_point_at: row.instant_or_null("last_point_at")?,
        latest,
        late_due_at: row.instant_or_null("late_due_at")?,
    })
}

/// Metrics of a company, oldest first, from behind `after`.
///
/// # Errors
/// What the database says.
pub async fn of_company(
    store: &ReadStore,
    company: &CompanyId,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<MetricRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE company_id = ", company.as_str());
    if let Some(after) = after {
        query.bind(" AND position > ", after.0);
    }
    query.push(" ORDER BY position").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The metric of a company with this slug.
///
/// # Errors
/// What the database says.
pub async fn by_key(store: &ReadStore, company: &CompanyId, key: &str) -> Result<Option<MetricRow>, SqlError> {
    let sql = format!("{SELECT} WHERE company_id = $1 AND key = $2");
    store.fetch_optional(&sql, &[company.as_str().into(), key.into()]).await?.as_ref().map(from_row).transpose()
}

/// How many metrics a company has.
///
/// # Errors
/// What the database says.
pub async fn count_of_company(store: &ReadStore, company: &CompanyId) -> Result<u64, SqlError> {
    let sql = "SELECT COUNT(*) AS total FROM metrics_v2_g0 WHERE company_id = $1";
    total(store.fetch_optional(sql, &[company.as_str().into()]).await?)
}

/// Metrics that are late at `now` by their rule and were not said to be, the longest overdue first, from behind
/// `after`: since when the last of the page before is late, and where it was defined.
///
/// # Errors
/// What the database says.
pub async fn late_due(
    store: &ReadStore,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Position)>,
    limit: usize,
) -> Result<Vec<MetricRow>, SqlError> {
    let mut query = Query::new(SELECT);
    query.bind(" WHERE late_due_at <= ", now);
    if let Some((due_at, position)) = after {
        query.bind(" AND (late_due_at, position) > (", due_at).bind(", ", position.0).push(")");
    }
    query.push(" ORDER BY late_due_at, position").limit(limit);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}
