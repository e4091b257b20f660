//! A metric: a named series of one company, its points, the rules that watch it, and the alerts they raised.
//!
//! What it protects:
//! 1. A point is never deleted or overwritten; a correction is an event of its own.
//! 2. An idempotency key is recorded once in a metric, for ever (the journal holds it, through `dedupe`).
//! 3. A batch of points is recorded whole or not at all.
//! 4. Whether a rule fires for a point is a function of the stream up to that point and of nothing else, so the
//!    answer is the same live, late, on replay and in a back-test.
//! 5. A rule raises at most one alert about one point: the alert's id is made from the two.
//! 6. The key of a metric never changes and is unique in its company (claim `metric-key`).
//! 7. The state is bounded, whatever the number of points and alerts behind it; only findings that were not
//!    raised yet wait in it, and none of those is ever dropped.

pub mod backtest;
mod commands;
mod decide;
mod errors;
mod events;
pub mod number;
pub mod rules;
pub mod slug;
mod state;
pub mod timestamp;

pub use backtest::{Backtest, Episode, backtest, judge_newest};
pub use commands::{
    AcknowledgeAlert, ChangeSettings, CheckLate, CorrectPoint, Define, MetricCommand, NewPoint, RaiseDue, RecordPoints,
    ResolveAlert, RuleChange, SetRule,
};
pub use decide::{IDEMPOTENCY_KEY_CHARACTERS_MAX, POINTS_PER_COMMAND_MAX, is_idempotency_key, next_version};
pub use errors::MetricRefusal;
pub use events::{
    AlertAcknowledged, AlertRaised, AlertResolved, METRIC_KEY_CLAIM, MetricDefined, MetricEvent, PointCorrected,
    PointRecorded, RuleSet, SettingsChanged, metric_key_claim,
};
pub use rules::{Condition, CoolDown, Finding, Fired, Rule, RuleType, Severity};
pub use slug::{slug, title};
pub use state::{ALERT_LEDGER, AlertState, Definition, Metric, PointSeen, WINDOW};

#[cfg(test)]
mod tests;
