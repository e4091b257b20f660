//! Looks for metrics whose points stay away longer than their cadence tolerates, and asks each to decide.
//!
//! The read model only says which metrics are worth asking; whether one is late is the metric's own decision.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muniment_aggregates::metric::{CheckLate, Metric, MetricCommand};
use muniment_projections::{ReadStore, metrics};
use tokio::sync::watch;

use super::unreadable::{self, pass_over};
use crate::runtime::leadership::Leadership;
use crate::runtime::{CommandBus, Origin, Runtime};

/// Name of the component that asks.
const NAME: &str = "late-checker";

/// Metrics of one page of those that are due.
const PAGE_METRICS: usize = 500;

/// Runs until `stop` turns true.
pub async fn run(
    runtime: Arc<Runtime>,
    mut leadership: Leadership,
    interval: Duration,
    mut stop: watch::Receiver<bool>,
) {
    unreadable::begin(NAME);
    while leadership.turn(interval, &mut stop).await {
        let (store, now) = (runtime.reads.store(), runtime.clock.now());
        if let Err(error) = check(&runtime.bus, store, now, &mut leadership, &stop).await {
            tracing::warn!(error = %error, "late metrics cannot be looked for at present");
        }
    }
}

/// Asks every metric that is due at `now`, a page at a time and each once: one that is passed over stays due, and keeps
/// no other from its turn.
async fn check(
    bus: &CommandBus,
    store: &ReadStore,
    now: DateTime<Utc>,
    leadership: &mut Leadership,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut after = None;
    while leadership.holds().await {
        let due = metrics::late_due(store, now, after, PAGE_METRICS).await?;
        for metric in &due {
            if *stop.borrow() {
                return Ok(());
            }
            let (id, origin) = (metric.id.as_str(), Origin::system(NAME, "check_late", None));
            let asked = bus.execute::<Metric>(id, MetricCommand::CheckLate(CheckLate {}), &origin).await;
            pass_over(NAME, id, asked.map(drop))?;
        }
        after = due.last().and_then(|last| Some((last.late_due_at?, last.position)));
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{SubsecRound as _, TimeDelta};
    use futures_util::future::join_all;
    use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
    use muniment_aggregates::metric::{Define, NewPoint, RecordPoints, RuleChange, RuleType, SetRule};
    use muniment_aggregates::record::Position;

    use super::*;
    use crate::runtime::fresh;

    const METRICS: usize = PAGE_METRICS + 1;

    fn bytes(number: usize) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    /// A daily metric with a `late` rule and one point.
    async fn metric(bus: &CommandBus, number: usize, instant: DateTime<Utc>) {
        let id = MetricId::from_random(bytes(number));
        let define = Define {
            company: CompanyId::from_random(bytes(0)),
            application: ApplicationId::from_random(bytes(0)),
            key: format!("metric_{number}"),
            display_name: format!("Metric {number}"),
            unit: "count".to_owned(),
            cadence: "daily".to_owned(),
            direction: "up".to_owned(),
            source_type: "self_reported".to_owned(),
        };
        let point = NewPoint {
            id: PointId::from_random(bytes(number)),
            value: 1.0,
            timestamp: instant.to_rfc3339(),
            instant,
            source: "bot".to_owned(),
            confidence: 0.5,
            raw_event_id: None,
            idempotency_key: "once".to_owned(),
        };
        for command in [
            MetricCommand::Define(define),
            MetricCommand::SetRule(SetRule { rule: RuleChange::of(RuleType::Late), by: None }),
            MetricCommand::RecordPoints(RecordPoints { points: vec![point] }),
        ] {
            let origin = Origin::system("test", "test", None);
            bus.execute::<Metric>(id.as_str(), command, &origin).await.expect("it is recorded");
        }
    }

    #[actix::test]
    async fn all_that_are_due_are_asked_in_one_round() {
        let (bus, folder) = fresh::bus().await;
        let now = Utc::now();
        let long_ago = now.trunc_subsecs(0) - TimeDelta::days(9);
        join_all((0..METRICS).map(|number| metric(&bus, number, long_ago))).await;
        let store = fresh::reads(&bus, &folder).await;
        let before = bus.journal().head();
        let (_stop, stopped) = watch::channel(false);
        let mut leadership = Leadership::new(store.clone(), "test");
        check(&bus, &store, now, &mut leadership, &stopped).await.expect("it ends");
        assert_eq!(bus.journal().head(), Position(before.0 + METRICS as u64), "an alert a metric");
    }
}
