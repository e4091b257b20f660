//! How metrics are folded: what a row knows beyond what is asked of it, above all of its `late` rule.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{MetricId, PointId};
use muniment_aggregates::metric::{Condition, CoolDown, Fired, MetricEvent, PointRecorded, RuleType, rules};
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use super::{LatestPoint, MetricRow, SELECT, from_row};
use crate::fact::Fact;
use crate::projection::{ApplyError, Former, Projection, Table};
use crate::query::{Query, parsed_or_null, position_or_start};
use crate::rows::{InsertBatch, Rows};

/// The projection. It folds a batch in memory, over the rows of the metrics concerned, and writes each once.
#[derive(Debug, Clone, Copy)]
pub struct Metrics;

const TABLES: &[Table] = &[Table { name: "metrics_v2", key: &["id"] }];
/// 1 did not know how long a `late` rule is silent.
const FORMER: &[Former] = &[Former { version: 1, tables: &["metrics_v1"] }];

/// Metrics read by one statement.
const LOAD_ROWS: usize = 256;

const COLUMNS: &[&str] = &[
    "id",
    "company_id",
    "application_id",
    "key",
    "display_name",
    "unit",
    "cadence",
    "direction",
    "source_type",
    "verification_level",
    "created_at",
    "position",
    "points_count",
    "last_point_at",
    "latest_point_id",
    "latest_instant",
    "latest_position",
    "latest_value",
    "latest_timestamp",
    "late_tolerance",
    "late_quiet_points",
    "late_quiet_seconds",
    "late_raised_point",
    "late_fired_instant",
    "late_points_since",
    "late_due_at",
];

/// Everything that an event other than the first may change.
const UPSERT: &str = "ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, unit = excluded.unit, \
    cadence = excluded.cadence, direction = excluded.direction, source_type = excluded.source_type, \
    points_count = excluded.points_count, last_point_at = excluded.last_point_at, \
    latest_point_id = excluded.latest_point_id, latest_instant = excluded.latest_instant, \
    latest_position = excluded.latest_position, latest_value = excluded.latest_value, \
    latest_timestamp = excluded.latest_timestamp, late_tolerance = excluded.late_tolerance, \
    late_quiet_points = excluded.late_quiet_points, late_quiet_seconds = excluded.late_quiet_seconds, \
    late_raised_point = excluded.late_raised_point, late_fired_instant = excluded.late_fired_instant, \
    late_points_since = excluded.late_points_since, late_due_at = excluded.late_due_at";

/// A row together with what only the fold needs.
struct Folded {
    row: MetricRow,
    latest_position: Position,
    late_rule: Option<LateRule>,
    late_raised: Option<PointId>,
    late_fired: Option<Fired>,
}

/// What the row knows of an enabled `late` rule.
#[derive(Clone, Copy)]
struct LateRule {
    tolerance: f64,
    cool_down: CoolDown,
}

impl LateRule {
    fn from_row(row: &Row) -> Result<Option<Self>, SqlError> {
        let Some(tolerance) = row.real_or_null("late_tolerance")? else { return Ok(None) };
        let quiet = |column: &str| {
            row.int_or_null(column).map(|count| count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
        };
        let cool_down = match (quiet("late_quiet_points")?, quiet("late_quiet_seconds")?) {
            (Some(points), _) => CoolDown::Points(points),
            (None, Some(seconds)) => CoolDown::Seconds(seconds),
            (None, None) => CoolDown::None,
        };
        Ok(Some(Self { tolerance, cool_down }))
    }

    /// Points and seconds that it is silent for after it fired.
    fn quiet(&self) -> (Option<i64>, Option<i64>) {
        match self.cool_down {
            CoolDown::None => (None, None),
            CoolDown::Points(points) => (Some(i64::from(points)), None),
            CoolDown::Seconds(seconds) => (None, Some(i64::from(seconds))),
        }
    }
}

impl Folded {
    const fn new(row: MetricRow) -> Self {
        Self { row, latest_position: Position::START, late_rule: None, late_raised: None, late_fired: None }
    }

    fn point_recorded(&mut self, point: &PointRecorded, at: Position, recorded_at: DateTime<Utc>) {
        self.row.points_count += 1;
        self.row.last_point_at = Some(recorded_at);
        let newest =
            self.row.latest.as_ref().is_none_or(|latest| (point.instant, at) > (latest.instant, self.latest_position));
        if newest {
            self.latest_position = at;
            self.row.latest = Some(LatestPoint {
                point: point.point.clone(),
                value: point.value,
                timestamp: point.timestamp.clone(),
                instant: point.instant,
            });
            if let Some(fired) = &mut self.late_fired {
                fired.count_point();
            }
        }
    }

    /// From when the metric is late, as the aggregate's own `late_due_at` says, from what the row knows.
    fn late_due_at(&self) -> Option<DateTime<Utc>> {
        let latest = self.row.latest.as_ref()?;
        if self.late_raised.as_ref() == Some(&latest.point) {
            return None;
        }
        let rule = self.late_rule?;
        let due_at = rules::late_due_at(&self.row.cadence, latest.instant, rule.tolerance)?;
        match &self.late_fired {
            Some(fired) => fired.late_from(rule.cool_down, latest.instant, due_at),
            None => Some(due_at),
        }
    }

    fn push_to(self, batch: &mut InsertBatch) {
        let late_due_at = self.late_due_at();
        let (quiet_points, quiet_seconds) = self.late_rule.map_or((None, None), |rule| rule.quiet());
        let latest = self.row.latest.as_ref();
        batch.push([
            self.row.id.to_string().into(),
            self.row.company.to_string().into(),
            self.row.application.to_string().into(),
            self.row.key.clone().into(),
            self.row.display_name.clone().into(),
            self.row.unit.clone().into(),
            self.row.cadence.clone().into(),
            self.row.direction.clone().into(),
            self.row.source_type.clone().into(),
            self.row.verification_level.clone().into(),
            self.row.created_at.into(),
            self.row.position.0.into(),
            self.row.points_count.into(),
            self.row.last_point_at.into(),
            latest.map(|latest| latest.point.to_string()).into(),
            latest.map(|latest| latest.instant).into(),
            latest.map(|_| self.latest_position.0).into(),
            latest.map(|latest| latest.value).into(),
            latest.map(|latest| latest.timestamp.clone()).into(),
            self.late_rule.map(|rule| rule.tolerance).into(),
            quiet_points.into(),
            quiet_seconds.into(),
            self.late_raised.as_ref().map(ToString::to_string).into(),
            self.late_fired.as_ref().map(|fired| fired.instant).into(),
            self.late_fired.as_ref().map(|fired| i64::from(fired.points_since)).into(),
            late_due_at.into(),
        ]);
    }
}

fn fired_from_row(row: &Row) -> Result<Option<Fired>, SqlError> {
    let Some(instant) = row.instant_or_null("late_fired_instant")? else { return Ok(None) };
    let points_since = u32::try_from(row.count("late_points_since")?).unwrap_or(u32::MAX);
    Ok(Some(Fired { instant, points_since }))
}

/// The rows of the metrics that `facts` are about, as far as there are any yet.
async fn load(facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<BTreeMap<String, Folded>, SqlError> {
    let ids: BTreeSet<&str> = facts.iter().map(|fact| &*fact.recorded.stream.id).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(LOAD_ROWS) {
        let mut query = Query::new(SELECT);
        for (nth, id) in chunk.iter().enumerate() {
            query.bind(if nth == 0 { " WHERE id IN (" } else { ", " }, *id);
        }
        query.push(")");
        for row in rows.fetch_all(query.sql(), query.args()).await? {
            let folded = Folded {
                row: from_row(&row)?,
                latest_position: position_or_start(&row, "latest_position")?,
                late_rule: LateRule::from_row(&row)?,
                late_raised: parsed_or_null(&row, "late_raised_point", PointId::parse)?,
                late_fired: fired_from_row(&row)?,
            };
            found.insert(folded.row.id.to_string(), folded);
        }
    }
    Ok(found)
}

#[async_trait]
impl Projection for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
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
        schema_of!(engine, "metrics_v2.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["metric"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        let mut metrics = load(facts, rows).await?;
        for fact in facts {
            let AnyEvent::Metric(event) = fact.event else { continue };
            let id = &*fact.recorded.stream.id;
            if let MetricEvent::Defined(defined) = event {
                let id = MetricId::parse(id).ok_or_else(|| fact.poison(format!("{id} is no metric id")))?;
                let row = MetricRow {
                    id: id.clone(),
                    company: defined.company.clone(),
                    application: defined.application.clone(),
                    key: defined.metric_key.clone(),
                    display_name: defined.display_name.clone(),
                    unit: defined.unit.clone(),
                    cadence: defined.cadence.clone(),
                    direction: defined.direction.clone(),
                    source_type: defined.source_type.clone(),
                    verification_level: defined.verification_level.clone(),
                    created_at: fact.recorded.recorded_at,
                    position: fact.recorded.position,
                    points_count: 0,
                    last_point_at: None,
                    latest: None,
                    late_due_at: None,
                };
                metrics.insert(id.to_string(), Folded::new(row));
                continue;
            }
            let Some(folded) = metrics.get_mut(id) else {
                return Err(fact.poison(format!("metric {id} is not in the read model")));
            };
            fold(folded, event, fact);
        }
        let mut batch = InsertBatch::new("metrics_v2_g0", COLUMNS);
        for folded in metrics.into_values() {
            folded.push_to(&mut batch);
        }
        Ok(rows.insert(batch, UPSERT).await?)
    }
}

fn fold(folded: &mut Folded, event: &MetricEvent, fact: &Fact<'_>) {
    match event {
        // A stream has one definition, at its beginning.
        MetricEvent::Defined(_) => {}
        MetricEvent::SettingsChanged(changed) => folded.row.change_settings(changed),
        MetricEvent::PointRecorded(point) => {
            folded.point_recorded(point, fact.recorded.position, fact.recorded.recorded_at);
        }
        MetricEvent::PointCorrected(corrected) => {
            if let Some(latest) = folded.row.latest.as_mut().filter(|latest| latest.point == corrected.point) {
                latest.value = corrected.value;
            }
        }
        MetricEvent::RuleSet(set) => {
            if let Condition::Late { threshold } = set.rule.condition {
                let rule = LateRule { tolerance: threshold, cool_down: set.rule.cool_down };
                folded.late_rule = set.rule.enabled.then_some(rule);
                folded.late_fired = None;
            }
        }
        MetricEvent::AlertRaised(raised) => {
            if raised.finding.alert_type == RuleType::Late {
                folded.late_raised = Some(raised.finding.point.clone());
                folded.late_fired = Some(Fired::about(raised.finding.instant));
            }
        }
        MetricEvent::AlertAcknowledged(_) | MetricEvent::AlertResolved(_) => {}
    }
}
