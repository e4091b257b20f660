//! Looks for metrics whose points stay away longer than their cadence tolerates, and asks each to decide.
//!
//! The read model only says which metrics are worth asking; whether one is late is the metric's own decision.

use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::metric::{CheckLate, Metric, MetricCommand};
use muniment_projections::metrics;
use tokio::sync::watch;

use super::unreadable::pass_over;
use crate::runtime::leadership::Leadership;
use crate::runtime::{Origin, Runtime};

/// Name of the component that asks.
const NAME: &str = "late-checker";

/// Metrics asked in one round.
const ASKED_MAX: usize = 500;

/// Runs until `stop` turns true.
pub async fn run(
    runtime: Arc<Runtime>,
    mut leadership: Leadership,
    interval: Duration,
    mut stop: watch::Receiver<bool>,
) {
    while leadership.turn(interval, &mut stop).await {
        if let Err(error) = check(&runtime, &stop).await {
            tracing::warn!(error = %error, "late metrics cannot be looked for at present");
        }
    }
}

async fn check(runtime: &Runtime, stop: &watch::Receiver<bool>) -> anyhow::Result<()> {
    let due = metrics::late_due(runtime.reads.store(), runtime.clock.now(), ASKED_MAX).await?;
    for metric in due {
        if *stop.borrow() {
            return Ok(());
        }
        let (id, origin) = (metric.id.as_str(), Origin::system(NAME, "check_late", None));
        let asked = runtime.bus.execute::<Metric>(id, MetricCommand::CheckLate(CheckLate {}), &origin).await;
        pass_over(NAME, id, asked.map(drop))?;
    }
    Ok(())
}
