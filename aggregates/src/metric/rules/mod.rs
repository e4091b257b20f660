//! What a rule is and what it finds. Deciding is [`evaluate()`]'s: the one pure function behind live, late, replay
//! and back-test.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, PointId};

mod evaluate;

pub use evaluate::{alert_id, evaluate, late_due_at, late_finding};

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

/// When a rule last fired, as far as its cool-down asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Instant of the point it fired about.
    pub instant: DateTime<Utc>,
    /// How many newest points were recorded since.
    pub points_since: u32,
}

impl Fired {
    /// It fired about the newest point, of this instant.
    #[must_use]
    pub const fn about(instant: DateTime<Utc>) -> Self {
        Self { instant, points_since: 0 }
    }

    /// Another newest point was recorded.
    pub const fn count_point(&mut self) {
        self.points_since = self.points_since.saturating_add(1);
    }

    /// From when a `late` rule speaks of the newest point, which is late from `due`; `None` while points have to come first.
    /// A metric is late because no point comes, so a span of silence has to end by itself.
    #[must_use]
    pub fn late_from(&self, cool_down: CoolDown, newest: DateTime<Utc>, due: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match cool_down {
            CoolDown::None | CoolDown::Points(_) => (!self.silences(cool_down, newest)).then_some(due),
            CoolDown::Seconds(seconds) => {
                self.instant.checked_add_signed(Duration::seconds(i64::from(seconds))).map(|end| end.max(due))
            }
        }
    }

    /// Whether the rule is silent about the newest point, of this instant.
    #[must_use]
    pub fn silences(&self, cool_down: CoolDown, newest: DateTime<Utc>) -> bool {
        match cool_down {
            CoolDown::None => false,
            CoolDown::Points(points) => self.points_since <= points,
            CoolDown::Seconds(seconds) => {
                newest.signed_duration_since(self.instant) < Duration::seconds(i64::from(seconds))
            }
        }
    }
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
