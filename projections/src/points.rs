//! Points of metrics: by page, by id, and as they were known at a position of the journal.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{MetricId, PointId};
use muniment_aggregates::metric::{MetricEvent, PointCorrected};
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::Fact;
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{Query, parsed, position};
use crate::rows::{InsertBatch, Rows};
use crate::store::ReadStore;

/// A point.
#[derive(Debug, Clone, PartialEq)]
pub struct PointRow {
    /// Its id.
    pub id: PointId,
    /// The metric it belongs to.
    pub metric: MetricId,
    /// Where it was recorded.
    pub position: Position,
    /// Its time as it is ordered.
    pub instant: DateTime<Utc>,
    /// Its time as it was given.
    pub timestamp: String,
    /// Its value, the newest correction included.
    pub value: f64,
    /// The value first recorded, where a correction followed.
    pub original_value: Option<f64>,
    /// Who or what reported it.
    pub source: String,
    /// How sure the reporter is, from 0 to 1.
    pub confidence: f64,
    /// The reporter's own id of it.
    pub raw_event_id: Option<String>,
    /// The key under which it was recorded at most once.
    pub idempotency_key: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// When the newest correction was made.
    pub corrected_at: Option<DateTime<Utc>>,
}

impl PointRow {
    /// Its place in the order of points.
    #[must_use]
    pub const fn key(&self) -> PointKey {
        PointKey { instant: self.instant, position: self.position }
    }
}

/// The order of points: instant, then position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PointKey {
    /// Instant of the point.
    pub instant: DateTime<Utc>,
    /// Position of the point.
    pub position: Position,
}

/// Which way a page runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest instant first.
    Ascending,
    /// Newest instant first.
    Descending,
}

/// Which points of a metric, and which page of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointQuery {
    /// Only instants from here on, this one included.
    pub from: Option<DateTime<Utc>>,
    /// Only instants up to here, this one included.
    pub to: Option<DateTime<Utc>>,
    /// Which way.
    pub order: Order,
    /// Only points behind this one, in the order asked for.
    pub after: Option<PointKey>,
    /// Rows at most.
    pub limit: usize,
}

const COLUMNS: &str = "p.id, p.metric_id, p.position, p.instant, p.timestamp_text, p.source, p.confidence, \
    p.raw_event_id, p.idempotency_key, p.recorded_at";

fn from_row(row: &Row) -> Result<PointRow, SqlError> {
    Ok(PointRow {
        id: parsed(row, "id", PointId::parse)?,
        metric: parsed(row, "metric_id", MetricId::parse)?,
        position: position(row, "position")?,
        instant: row.instant("instant")?,
        timestamp: row.text("timestamp_text")?,
        value: row.real("value")?,
        original_value: row.real_or_null("original_value")?,
        source: row.text("source")?,
        confidence: row.real("confidence")?,
        raw_event_id: row.text_or_null("raw_event_id")?,
        idempotency_key: row.text("idempotency_key")?,
        recorded_at: row.instant("recorded_at")?,
        corrected_at: row.instant_or_null("corrected_at")?,
    })
}

fn conditions<'a>(query: &mut Query<'a>, metric: &'a MetricId, page: &PointQuery) {
    query.bind(" p.metric_id = ", metric.as_str());
    if let Some(from) = page.from {
        query.bind(" AND p.instant >= ", from);
    }
    if let Some(to) = page.to {
        query.bind(" AND p.instant <= ", to);
    }
    let (beyond, order) = match page.order {
        Order::Ascending => (">", " ORDER BY p.instant, p.position"),
        Order::Descending => ("<", " ORDER BY p.instant DESC, p.position DESC"),
    };
    if let Some(after) = page.after {
        query
            .push(&format!(" AND (p.instant, p.position) {beyond} ("))
            .bind("", after.instant)
            .bind(", ", after.position.0)
            .push(")");
    }
    query.push(order).limit(page.limit);
}

/// One page of a metric's points.
///
/// # Errors
/// What the database says.
pub async fn page(store: &ReadStore, metric: &MetricId, page: &PointQuery) -> Result<Vec<PointRow>, SqlError> {
    let mut query = Query::new("SELECT ");
    query.push(COLUMNS).push(", p.value, p.original_value, p.corrected_at FROM points_v1_g0 p WHERE");
    conditions(&mut query, metric, page);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// One page of a metric's points as they were known when the journal stood at `known_at`: points recorded later are
/// absent, corrections made later have not happened.
///
/// # Errors
/// What the database says.
pub async fn page_as_known_at(
    store: &ReadStore,
    metric: &MetricId,
    known_at: Position,
    page: &PointQuery,
) -> Result<Vec<PointRow>, SqlError> {
    let mut query = Query::new("SELECT ");
    query.push(COLUMNS);
    query.bind(
        ", COALESCE((SELECT c.value FROM point_corrections_v1_g0 c WHERE c.point_id = p.id AND c.position <= ",
        known_at.0,
    );
    query.push(
        " ORDER BY c.position DESC LIMIT 1), p.original_value, p.value) AS value, \
         CASE WHEN EXISTS (SELECT 1 FROM point_corrections_v1_g0 c WHERE c.point_id = p.id AND c.position <= $1) \
         THEN p.original_value END AS original_value, \
         (SELECT c.corrected_at FROM point_corrections_v1_g0 c WHERE c.point_id = p.id AND c.position <= $1 \
         ORDER BY c.position DESC LIMIT 1) AS corrected_at \
         FROM points_v1_g0 p WHERE p.position <= $1 AND",
    );
    conditions(&mut query, metric, page);
    store.fetch_all(query.sql(), query.args()).await?.iter().map(from_row).collect()
}

/// The point with this id.
///
/// # Errors
/// What the database says.
pub async fn by_id(store: &ReadStore, id: &PointId) -> Result<Option<PointRow>, SqlError> {
    let mut query = Query::new("SELECT ");
    query.push(COLUMNS).push(", p.value, p.original_value, p.corrected_at FROM points_v1_g0 p WHERE");
    query.bind(" p.id = ", id.as_str());
    store.fetch_optional(query.sql(), query.args()).await?.as_ref().map(from_row).transpose()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Points;

const TABLES: &[Table] =
    &[Table { name: "points_v1", key: &["position"] }, Table { name: "point_corrections_v1", key: &["position"] }];

const POINT_COLUMNS: &[&str] = &[
    "position",
    "id",
    "metric_id",
    "instant",
    "timestamp_text",
    "value",
    "source",
    "confidence",
    "raw_event_id",
    "idempotency_key",
    "recorded_at",
];

#[async_trait]
impl Projection for Points {
    fn name(&self) -> &'static str {
        "points"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "points_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["metric"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        let mut points = InsertBatch::new("points_v1_g0", POINT_COLUMNS);
        for fact in facts {
            let AnyEvent::Metric(event) = fact.event else { continue };
            match event {
                MetricEvent::PointRecorded(point) => points.push([
                    fact.position(),
                    point.point.to_string().into(),
                    fact.stream_id(),
                    point.instant.into(),
                    point.timestamp.clone().into(),
                    point.value.into(),
                    point.source.clone().into(),
                    point.confidence.into(),
                    point.raw_event_id.clone().into(),
                    point.idempotency_key.clone().into(),
                    fact.recorded.recorded_at.into(),
                ]),
                MetricEvent::PointCorrected(corrected) => {
                    // The point may be one of this batch.
                    rows.insert(points.take(), "").await?;
                    correct(fact, corrected, rows).await?;
                }
                MetricEvent::Defined(_)
                | MetricEvent::SettingsChanged(_)
                | MetricEvent::RuleSet(_)
                | MetricEvent::AlertRaised(_)
                | MetricEvent::AlertAcknowledged(_)
                | MetricEvent::AlertResolved(_) => {}
            }
        }
        Ok(rows.insert(points, "").await?)
    }
}

async fn correct(fact: &Fact<'_>, corrected: &PointCorrected, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let touched = rows
        .execute(
            "UPDATE points_v1_g0 SET original_value = COALESCE(original_value, value), value = $1, corrected_at = $2 \
             WHERE id = $3 AND metric_id = $4",
            &[corrected.value.into(), corrected.at.into(), corrected.point.as_str().into(), fact.stream_id()],
        )
        .await?;
    fact.expect_touched(touched, "the corrected point")?;
    rows.execute(
        "INSERT INTO point_corrections_v1_g0 (position, point_id, value, reason, corrected_at) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            fact.position(),
            corrected.point.as_str().into(),
            corrected.value.into(),
            corrected.reason.clone().into(),
            corrected.at.into(),
        ],
    )
    .await?;
    Ok(())
}
