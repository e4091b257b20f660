//! One metric that cannot be asked must not keep a policy from the others; a journal that does not answer must.

use muniment_aggregates::decider::Decider;
use muniment_aggregates::metric::{Metric, MetricRefusal};
use muniment_aggregates::record::StreamId;

use crate::runtime::fold::{self, FoldError};
use crate::runtime::{BusError, Runtime};

/// Takes what became of asking one metric. One that no attempt would reach is passed over, counted and logged: its record
/// cannot be read, or its rules fail.
///
/// # Errors
/// The failure itself, where the next attempt may succeed.
pub(super) async fn pass_over(
    runtime: &Runtime,
    policy: &'static str,
    metric: &str,
    outcome: Result<(), BusError<MetricRefusal>>,
) -> Result<(), BusError<MetricRefusal>> {
    let Err(error) = outcome else { return Ok(()) };
    let is_for_good = match &error {
        BusError::Refused(_) | BusError::TooLarge(_) | BusError::Panicked { .. } => true,
        BusError::Unavailable(_) => is_unreadable(runtime, metric).await,
        BusError::Duplicate { .. } | BusError::ClaimTaken { .. } | BusError::Overloaded | BusError::Uncertain(_) => {
            false
        }
    };
    if !is_for_good {
        return Err(error);
    }
    metrics::counter!("muniment_metrics_passed_over_total", "policy" => policy).increment(1);
    tracing::error!(policy, metric.id = metric, error = %error, "a metric cannot be asked and is passed over");
    Ok(())
}

/// Whether an event of the metric does not decode. Its actor only says that it is not available.
async fn is_unreadable(runtime: &Runtime, metric: &str) -> bool {
    let stream = StreamId::new(Metric::TYPE, metric);
    matches!(fold::load::<Metric>(&runtime.journal, &stream).await, Err(FoldError::Undecodable { .. }))
}
