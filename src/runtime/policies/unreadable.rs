//! One metric that cannot be asked must not keep a policy from the others; a journal that does not answer must.

use muniment_aggregates::metric::MetricRefusal;
use muniment_journal::Journal;

use crate::runtime::BusError;

/// Metrics that could not be asked, by policy.
const PASSED_OVER: &str = "muniment_metrics_passed_over_total";

/// Begins to count at 0: of a count that was not there before, nobody sees the first increase.
pub(super) fn begin(policy: &'static str) {
    metrics::counter!(PASSED_OVER, "policy" => policy).absolute(0);
}

/// Takes what became of asking one metric: whether it was asked. One that no attempt would reach is passed over, counted
/// and logged: its record cannot be read, or its rules fail.
///
/// # Errors
/// The failure itself, where the next attempt may succeed.
pub(super) fn pass_over(
    policy: &'static str,
    metric: &str,
    outcome: Result<(), BusError<MetricRefusal>>,
) -> Result<bool, BusError<MetricRefusal>> {
    let Err(error) = outcome else { return Ok(true) };
    let is_for_good = match &error {
        BusError::Refused(_)
        | BusError::TooLarge(_)
        | BusError::Panicked { .. }
        | BusError::Fault(_)
        | BusError::Unreadable { .. } => true,
        BusError::Duplicate { .. }
        | BusError::ClaimTaken { .. }
        | BusError::Fenced
        | BusError::Overloaded
        | BusError::Unavailable(_)
        | BusError::Uncertain(_) => false,
    };
    if !is_for_good {
        return Err(error);
    }
    metrics::counter!(PASSED_OVER, "policy" => policy).increment(1);
    tracing::error!(policy, metric.id = metric, error = %error, "a metric cannot be asked and is passed over");
    Ok(false)
}

/// Takes a failure that another attempt may not meet. One of this metric alone, as where its waiting line is full, keeps
/// no other from its turn; it is logged.
///
/// # Errors
/// The failure itself, where the journal does not answer or takes nothing: the others would meet the same.
pub(super) async fn put_off(
    policy: &'static str,
    metric: &str,
    error: BusError<MetricRefusal>,
    journal: &Journal,
) -> Result<(), BusError<MetricRefusal>> {
    if !journal.has_room() || journal.confirm_head().await.is_err() || journal.check_writable().await.is_err() {
        return Err(error);
    }
    tracing::warn!(policy, metric.id = metric, error = %error, "a metric cannot be asked at present and is left for later");
    Ok(())
}
