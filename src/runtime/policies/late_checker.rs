//! Looks for metrics whose points stay away longer than their cadence tolerates, and asks each to decide.
//!
//! The read model only says which metrics are worth asking; whether one is late is the metric's own decision.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muniment_aggregates::metric::{CheckLate, Metric, MetricCommand};
use muniment_projections::{ReadStore, metrics};
use tokio::sync::watch;

use super::unreadable::{self, pass_over, put_off};
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

/// Asks every metric that is due at `now`, a page at a time and each once: one that cannot be asked stays due, and keeps
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
            if let Err(error) = pass_over(NAME, id, asked.map(drop)) {
                put_off(NAME, id, error, bus.journal()).await?;
            }
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
    use futures_util::future::join_all;
    use muniment_aggregates::record::Position;

    use super::*;
    use crate::runtime::policies::hurt::{self, Hurt};
    use crate::runtime::{BusError, fresh};

    const METRICS: usize = PAGE_METRICS + 1;

    #[actix::test]
    async fn all_that_are_due_are_asked_in_one_round() {
        let (bus, folder) = fresh::bus().await;
        let now = Utc::now();
        join_all((0..METRICS).map(|number| fresh::late_metric(&bus, number))).await;
        let store = fresh::reads(&bus, &folder).await;
        let before = bus.journal().head();
        let (_stop, stopped) = watch::channel(false);
        let mut leadership = Leadership::new(store.clone(), "test");
        check(&bus, &store, now, &mut leadership, &stopped).await.expect("it ends");
        assert_eq!(bus.journal().head(), Position(before.0 + METRICS as u64), "an alert a metric");
    }

    /// Asks all that are due; how many alerts that brought, where the round was not given up.
    async fn round(runtime: &Runtime) -> anyhow::Result<u64> {
        let (before, store) = (runtime.journal.head(), runtime.reads.store());
        let (_stop, stopped) = watch::channel(false);
        let mut leadership = Leadership::new(store.clone(), "test");
        check(&runtime.bus, store, Utc::now(), &mut leadership, &stopped).await?;
        Ok(runtime.journal.head().0 - before.0)
    }

    #[actix::test]
    async fn one_metric_that_cannot_be_asked_keeps_no_other_from_its_turn() {
        for error in [hurt::busy as fn() -> _, hurt::damaged] {
            let (runtime, engine, metrics, _folder) = Hurt::runtime(3).await;
            // The first that is due.
            engine.refuse(&metrics[0], error);
            assert_eq!(round(&runtime).await.expect("it ends"), 2, "{}", error());
        }
    }

    #[actix::test]
    async fn a_row_that_no_attempt_reads_is_a_fault_and_no_reason_to_try_again() {
        let (runtime, engine, metrics, _folder) = Hurt::runtime(1).await;
        engine.refuse(&metrics[0], hurt::busy);
        let failed = runtime.bus.state::<Metric>(&metrics[0]).await.expect_err("as told");
        assert!(matches!(failed, BusError::Unavailable(_)), "{failed}");
        engine.refuse(&metrics[0], hurt::damaged);
        let failed = runtime.bus.state::<Metric>(&metrics[0]).await.expect_err("as told");
        assert!(matches!(failed, BusError::Fault(_)), "{failed}");
    }

    #[actix::test]
    async fn a_round_is_given_up_where_the_journal_does_not_answer() {
        let (runtime, engine, ..) = Hurt::runtime(1).await;
        engine.set_away(true);
        round(&runtime).await.expect_err("nobody can be asked");
        engine.set_away(false);
        assert_eq!(round(&runtime).await.expect("it ends"), 1);
    }
}
