//! The rules and the one pure function that decides them: live, late, on replay and in a back-test.
//!
//! A rule is judged when a point becomes the newest of its metric. A point that was dated back fires nothing.

use std::fmt;

use chrono::{DateTime, Duration, Months, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::number;
use super::state::PointSeen;
use crate::ids::{AlertId, ID_BYTES, PointId};

/// Most points back, or in a row, that a rule may ask for. Well below the window the state keeps.
pub const PERIODS_MAX: u32 = 32;
/// Largest fraction a rule may have as threshold.
pub const FRACTION_MAX: f64 = 1000.0;
/// Longest cool-down in points.
pub const COOL_DOWN_POINTS_MAX: u32 = 10_000;
/// Longest cool-down in seconds: ten years.
pub const COOL_DOWN_SECONDS_MAX: u32 = 315_360_000;
/// Threshold of `growth_spike` until it is set.
pub const GROWTH_SPIKE_THRESHOLD: f64 = 0.5;
/// Tolerance of `late` where none is given: a quarter of the cadence.
pub const LATE_TOLERANCE: f64 = 0.25;

/// The types of rules. A metric has at most one rule of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Growth over the previous point; on every metric from the start.
    GrowthSpike,
    /// Growth over the point so many back.
    Growth,
    /// Fall below the point so many back.
    Drop,
    /// Above a value, so many points in a row.
    Above,
    /// Below a value, so many points in a row.
    Below,
    /// No point within the cadence and a tolerance.
    Late,
}

impl RuleType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::GrowthSpike, Self::Growth, Self::Drop, Self::Above, Self::Below, Self::Late];

    /// The name on the wire and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GrowthSpike => "growth_spike",
            Self::Growth => "growth",
            Self::Drop => "drop",
            Self::Above => "above",
            Self::Below => "below",
            Self::Late => "late",
        }
    }

    /// Reads the name of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule_type| rule_type.as_str() == text)
    }
}

impl fmt::Display for RuleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How grave an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
}

impl Severity {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Reads the name of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|severity| severity.as_str() == text)
    }
}

/// How long a rule is silent after it fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoolDown {
    /// Not at all.
    None,
    /// For so many further newest points.
    Points(u32),
    /// For points dated less than so many seconds after the one that fired.
    Seconds(u32),
}

/// What a rule looks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Condition {
    /// Growth over the previous point of at least `threshold` (spec/metrics.md section 7.2).
    GrowthSpike {
        /// Fraction: 0.5 is half as much again.
        threshold: f64,
    },
    /// Growth of at least `threshold` over the point `periods` back.
    Growth {
        /// Fraction.
        threshold: f64,
        /// Points back.
        periods: u32,
    },
    /// Fall of at least `threshold` below the point `periods` back.
    Drop {
        /// Fraction.
        threshold: f64,
        /// Points back.
        periods: u32,
    },
    /// The newest `periods` points are all greater than `threshold`.
    Above {
        /// A value of the metric.
        threshold: f64,
        /// Points in a row.
        periods: u32,
    },
    /// The newest `periods` points are all less than `threshold`.
    Below {
        /// A value of the metric.
        threshold: f64,
        /// Points in a row.
        periods: u32,
    },
    /// The newest point is older than the cadence and `threshold` of it.
    Late {
        /// Tolerance as a fraction of the cadence.
        threshold: f64,
    },
}

impl Condition {
    /// The type of rule this is the condition of.
    #[must_use]
    pub const fn rule_type(&self) -> RuleType {
        match self {
            Self::GrowthSpike { .. } => RuleType::GrowthSpike,
            Self::Growth { .. } => RuleType::Growth,
            Self::Drop { .. } => RuleType::Drop,
            Self::Above { .. } => RuleType::Above,
            Self::Below { .. } => RuleType::Below,
            Self::Late { .. } => RuleType::Late,
        }
    }

    /// The threshold, whatever it means to the type.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        match self {
            Self::GrowthSpike { threshold }
            | Self::Growth { threshold, .. }
            | Self::Drop { threshold, .. }
            | Self::Above { threshold, .. }
            | Self::Below { threshold, .. }
            | Self::Late { threshold } => *threshold,
        }
    }

    /// Points back or in a row, where the type has them.
    #[must_use]
    pub const fn periods(&self) -> Option<u32> {
        match self {
            Self::Growth { periods, .. }
            | Self::Drop { periods, .. }
            | Self::Above { periods, .. }
            | Self::Below { periods, .. } => Some(*periods),
            Self::GrowthSpike { .. } | Self::Late { .. } => None,
        }
    }
}

/// One version of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// 1, 2, 3 … within its type and metric.
    pub version: u32,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// Severity of its alerts.
    pub severity: Severity,
    /// How long it is silent after it fired.
    pub cool_down: CoolDown,
    /// What it looks for.
    pub condition: Condition,
}

impl Rule {
    /// The rule every metric has until it is set.
    #[must_use]
    pub const fn implicit_growth_spike() -> Self {
        Self {
            version: 1,
            enabled: true,
            severity: Severity::High,
            cool_down: CoolDown::None,
            condition: Condition::GrowthSpike { threshold: GROWTH_SPIKE_THRESHOLD },
        }
    }
}

/// What a rule found about one point: everything an alert says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The alert's id, made from point and rule type.
    pub alert: AlertId,
    /// Which rule.
    pub alert_type: RuleType,
    /// Which version of it.
    pub rule_version: u32,
    /// How grave.
    pub severity: Severity,
    /// The sentence people read, with the display name as it was.
    pub summary: String,
    /// The metric's display name as it was.
    pub display_name: String,
    /// The point the finding is about.
    pub point: PointId,
    /// Its value as known then.
    pub value: f64,
    /// Its instant.
    pub instant: DateTime<Utc>,
    /// The point it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_point: Option<PointId>,
    /// The value of that point as known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_value: Option<f64>,
    /// (value − previous) / previous, where the rule computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<f64>,
    /// The rule's threshold.
    pub threshold: f64,
}

/// The id of the alert that a rule of this type raises about this point: always the same one.
#[must_use]
pub fn alert_id(point: &PointId, rule_type: RuleType) -> AlertId {
    let mut hasher = blake3::Hasher::new_derive_key("muniment alert id v1");
    hasher.update(point.as_str().as_bytes());
    // No point id and no rule type contains a zero byte, so no two pairs hash the same text.
    hasher.update(&[0]);
    hasher.update(rule_type.as_str().as_bytes());
    let mut bytes = [0; ID_BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    AlertId::from_random(bytes)
}

/// Judges one rule on the newest point. `window` holds the metric's newest points, oldest first, as known when
/// the last of them was recorded. Cool-down and `enabled` are the caller's; `late` is never found here, because
/// a point that arrives is not late (see [`late_finding`]).
#[must_use]
pub fn evaluate(rule: &Rule, window: &[PointSeen], display_name: &str) -> Option<Finding> {
    let latest = window.last()?;
    match rule.condition {
        Condition::GrowthSpike { threshold } => {
            let (previous, growth) = growth_over(window, 1)?;
            if growth < threshold {
                return None;
            }
            let summary = change_sentence(display_name, "increased", growth, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Growth { threshold, periods } => {
            let (previous, growth) = growth_over(window, periods)?;
            if growth < threshold {
                return None;
            }
            let name = named_over(display_name, "grew", growth, periods);
            let summary = from_to(&name, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Drop { threshold, periods } => {
            let (previous, growth) = growth_over(window, periods)?;
            if -growth < threshold {
                return None;
            }
            let name = named_over(display_name, "fell", -growth, periods);
            let summary = from_to(&name, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Above { threshold, periods } => {
            in_a_row(window, periods, |value| value > threshold)?;
            let summary = beyond_sentence(display_name, "above", threshold, periods, latest.value);
            Some(single(rule, display_name, latest, summary))
        }
        Condition::Below { threshold, periods } => {
            in_a_row(window, periods, |value| value < threshold)?;
            let summary = beyond_sentence(display_name, "below", threshold, periods, latest.value);
            Some(single(rule, display_name, latest, summary))
        }
        Condition::Late { .. } => None,
    }
}

/// The finding of a `late` rule about the newest point; the caller has found that it is due.
#[must_use]
pub fn late_finding(rule: &Rule, latest: &PointSeen, cadence: &str, display_name: &str) -> Finding {
    let since = latest.instant.to_rfc3339_opts(SecondsFormat::Millis, true);
    let summary = format!("{display_name} is late: no point since {since}, expected {cadence}.");
    single(rule, display_name, latest, summary)
}

/// The instant from which a metric of this cadence is late; `None` for cadences that are never late.
#[must_use]
pub fn late_due_at(cadence: &str, latest: DateTime<Utc>, tolerance: f64) -> Option<DateTime<Utc>> {
    let expected = match cadence {
        "daily" => latest.checked_add_signed(Duration::days(1)),
        "weekly" => latest.checked_add_signed(Duration::days(7)),
        "monthly" => latest.checked_add_months(Months::new(1)),
        "quarterly" => latest.checked_add_months(Months::new(3)),
        "yearly" => latest.checked_add_months(Months::new(12)),
        _ => None,
    }?;
    let period_seconds = expected.signed_duration_since(latest).as_seconds_f64();
    let tolerance = std::time::Duration::try_from_secs_f64(period_seconds * tolerance).ok()?;
    expected.checked_add_signed(Duration::from_std(tolerance).ok()?)
}

/// The point `periods` before the newest and the growth since, in 64-bit floats and in this order of
/// operations. Nothing where there is no such point or its value is not above 0.
fn growth_over(window: &[PointSeen], periods: u32) -> Option<(&PointSeen, f64)> {
    let latest = window.last()?;
    let back = usize::try_from(periods).ok()?.checked_add(1)?;
    let previous = &window[window.len().checked_sub(back)?];
    if previous.value <= 0.0 {
        return None;
    }
    Some((previous, (latest.value - previous.value) / previous.value))
}

fn in_a_row(window: &[PointSeen], periods: u32, holds: impl Fn(f64) -> bool) -> Option<()> {
    let from = window.len().checked_sub(usize::try_from(periods).ok()?)?;
    window[from..].iter().all(|point| holds(point.value)).then_some(())
}

fn change_sentence(display_name: &str, verb: &str, growth: f64, previous: f64, latest: f64) -> String {
    from_to(&format!("{display_name} {verb} {}%", number::percent(growth)), previous, latest)
}

fn named_over(display_name: &str, verb: &str, growth: f64, periods: u32) -> String {
    let over = if periods == 1 { String::new() } else { format!(" over {periods} points") };
    format!("{display_name} {verb} {}%{over}", number::percent(growth))
}

fn from_to(beginning: &str, previous: f64, latest: f64) -> String {
    format!("{beginning} from {} to {}.", number::text(previous), number::text(latest))
}

fn beyond_sentence(display_name: &str, side: &str, threshold: f64, periods: u32, latest: f64) -> String {
    let (threshold, latest) = (number::text(threshold), number::text(latest));
    if periods == 1 {
        format!("{display_name} is {side} {threshold} at {latest}.")
    } else {
        format!("{display_name} has been {side} {threshold} for {periods} points, now at {latest}.")
    }
}

fn single(rule: &Rule, display_name: &str, latest: &PointSeen, summary: String) -> Finding {
    let alert_type = rule.condition.rule_type();
    Finding {
        alert: alert_id(&latest.point, alert_type),
        alert_type,
        rule_version: rule.version,
        severity: rule.severity,
        summary,
        display_name: display_name.to_owned(),
        point: latest.point.clone(),
        value: latest.value,
        instant: latest.instant,
        previous_point: None,
        previous_value: None,
        growth: None,
        threshold: rule.condition.threshold(),
    }
}

fn compared(
    rule: &Rule,
    display_name: &str,
    latest: &PointSeen,
    previous: &PointSeen,
    growth: f64,
    summary: String,
) -> Finding {
    Finding {
        previous_point: Some(previous.point.clone()),
        previous_value: Some(previous.value),
        // Past the largest float JSON has no number for it; the summary still says Infinity.
        growth: growth.is_finite().then_some(growth),
        ..single(rule, display_name, latest, summary)
    }
}
