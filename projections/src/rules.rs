//! Rules of metrics: the current version of each that was set. A metric without a row for `growth_spike` has
//! [`muniment_aggregates::metric::Rule::implicit_growth_spike`]; rendering that is the surface's.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::MetricId;
use muniment_aggregates::metric::{MetricEvent, Rule};
use muniment_aggregates::record::Position;
use muniment_sql::{Engine, Row, SqlError};

use crate::fact::{Fact, to_json};
use crate::projection::{ApplyError, Projection, Table};
use crate::query::{json, parsed, position};
use crate::rows::Rows;
use crate::store::ReadStore;

/// The current version of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRow {
    /// The metric it watches.
    pub metric: MetricId,
    /// The rule.
    pub rule: Rule,
    /// When this version was set.
    pub set_at: DateTime<Utc>,
    /// By whom, as the wire shows it.
    pub set_by: Option<String>,
    /// Where; the version counts for points recorded after it.
    pub position: Position,
}

fn from_row(row: &Row) -> Result<RuleRow, SqlError> {
    Ok(RuleRow {
        metric: parsed(row, "metric_id", MetricId::parse)?,
        rule: json(row, "rule")?,
        set_at: row.instant("set_at")?,
        set_by: row.text_or_null("set_by")?,
        position: position(row, "position")?,
    })
}

/// The rules that were set on a metric, by type.
///
/// # Errors
/// What the database says.
pub async fn of_metric(store: &ReadStore, metric: &MetricId) -> Result<Vec<RuleRow>, SqlError> {
    let sql = "SELECT metric_id, rule, set_at, set_by, position FROM rules_v1_g0 WHERE metric_id = $1 \
        ORDER BY rule_type";
    store.fetch_all(sql, &[metric.as_str().into()]).await?.iter().map(from_row).collect()
}

/// The projection.
#[derive(Debug, Clone, Copy)]
pub struct Rules;

const TABLES: &[Table] = &[Table { name: "rules_v1", key: &["metric_id", "rule_type"] }];

#[async_trait]
impl Projection for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn schema(&self, engine: Engine) -> &'static str {
        schema_of!(engine, "rules_v1.sql")
    }

    fn interest(&self) -> &'static [&'static str] {
        &["metric"]
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        for fact in facts {
            let AnyEvent::Metric(MetricEvent::RuleSet(set)) = fact.event else { continue };
            let rule = to_json(fact, &set.rule)?;
            rows.execute(
                "INSERT INTO rules_v1_g0 (metric_id, rule_type, rule, set_at, set_by, position) \
                 VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (metric_id, rule_type) DO UPDATE SET rule = excluded.rule, set_at = excluded.set_at, \
                 set_by = excluded.set_by, position = excluded.position",
                &[
                    fact.stream_id(),
                    set.rule.condition.rule_type().as_str().into(),
                    rule.into(),
                    set.at.into(),
                    set.by.clone().into(),
                    fact.position(),
                ],
            )
            .await?;
        }
        Ok(())
    }
}
