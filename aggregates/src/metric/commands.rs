//! What a metric can be asked. Texts arrive trimmed and within the bounds of spec/metrics.md section 2.1;
//! what only the metric knows is decided here.

use chrono::{DateTime, Utc};

use super::rules::{CoolDown, RuleType, Severity};
use crate::ids::{AlertId, ApplicationId, CompanyId, PointId};

/// Brings the metric into being.
#[derive(Debug, Clone, PartialEq)]
pub struct Define {
    /// The company it belongs to.
    pub company: CompanyId,
    /// The application of that company.
    pub application: ApplicationId,
    /// Its key, already a slug.
    pub key: String,
    /// Shown name.
    pub display_name: String,
    /// Unit, free text.
    pub unit: String,
    /// Cadence; `daily weekly monthly quarterly yearly` are known, others are never late.
    pub cadence: String,
    /// Direction; `up down neutral` are known.
    pub direction: String,
    /// Where the figures come from.
    pub source_type: String,
}

/// Changes what is given; the key cannot change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeSettings {
    /// New shown name.
    pub display_name: Option<String>,
    /// New unit.
    pub unit: Option<String>,
    /// New cadence.
    pub cadence: Option<String>,
    /// New direction.
    pub direction: Option<String>,
    /// New source type.
    pub source_type: Option<String>,
}

/// One point to record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPoint {
    /// Fresh id.
    pub id: PointId,
    /// The value, finite.
    pub value: f64,
    /// The time as the caller gave it.
    pub timestamp: String,
    /// The instant `timestamp` names (see [`super::timestamp::parse`]).
    pub instant: DateTime<Utc>,
    /// Who or what reports it.
    pub source: String,
    /// Confidence, 0 to 1.
    pub confidence: f64,
    /// Id of the raw event behind it.
    pub raw_event_id: Option<String>,
    /// Key under which it is recorded once.
    pub idempotency_key: String,
}

/// Records points, all or none, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPoints {
    /// 1 to 1,000 points; no idempotency key twice (the surface answers the second as a duplicate).
    pub points: Vec<NewPoint>,
}

/// Corrects the value of a recorded point. That the point exists is the caller's to check: the state does not
/// remember every point.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectPoint {
    /// The point.
    pub point: PointId,
    /// The value it should have had, finite.
    pub value: f64,
    /// Why.
    pub reason: Option<String>,
    /// When the correction was made.
    pub at: DateTime<Utc>,
}

/// What is to change of one rule. Absent = as it stands, or the type's default where the rule is new.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleChange {
    /// Which rule.
    pub rule_type: RuleType,
    /// Whether it is evaluated.
    pub enabled: Option<bool>,
    /// Fraction for growth, drop and late; a value for above and below.
    pub threshold: Option<f64>,
    /// Points back (growth, drop) or points in a row (above, below), 1 to 32.
    pub periods: Option<u32>,
    /// Severity of its alerts.
    pub severity: Option<Severity>,
    /// How long it is silent after it fired.
    pub cool_down: Option<CoolDown>,
}

impl RuleChange {
    /// Changes nothing yet of the rule of this type.
    #[must_use]
    pub const fn of(rule_type: RuleType) -> Self {
        Self { rule_type, enabled: None, threshold: None, periods: None, severity: None, cool_down: None }
    }
}

/// Sets a new version of a rule; it counts for points recorded after it, a `late` one also for the newest there is.
#[derive(Debug, Clone, PartialEq)]
pub struct SetRule {
    /// The change.
    pub rule: RuleChange,
    /// Who sets it, as the wire shows it: a token's name or an account id; never an e-mail.
    pub by: Option<String>,
}

/// Raises an alert for each finding about this point that waits. One point a command: what it records names the point
/// as its cause. No finding: no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaiseDue {
    /// The point.
    pub point: PointId,
}

/// Raises the `late` alert when the newest point is older than the cadence and its tolerance allow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckLate {}

/// Somebody has seen the alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgeAlert {
    /// The alert.
    pub alert: AlertId,
    /// Who, as the wire shows it.
    pub by: String,
    /// What they had to say.
    pub note: Option<String>,
}

/// The cause of the alert is dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveAlert {
    /// The alert.
    pub alert: AlertId,
    /// Who, as the wire shows it.
    pub by: String,
    /// What they had to say.
    pub note: Option<String>,
}

/// Everything a metric can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricCommand {
    /// See [`Define`].
    Define(Define),
    /// See [`ChangeSettings`].
    ChangeSettings(ChangeSettings),
    /// See [`RecordPoints`].
    RecordPoints(RecordPoints),
    /// See [`CorrectPoint`].
    CorrectPoint(CorrectPoint),
    /// See [`SetRule`].
    SetRule(SetRule),
    /// See [`RaiseDue`].
    RaiseDue(RaiseDue),
    /// See [`CheckLate`].
    CheckLate(CheckLate),
    /// See [`AcknowledgeAlert`].
    AcknowledgeAlert(AcknowledgeAlert),
    /// See [`ResolveAlert`].
    ResolveAlert(ResolveAlert),
}

from_each!(MetricCommand: Define, ChangeSettings, RecordPoints, CorrectPoint, SetRule, RaiseDue, CheckLate, AcknowledgeAlert, ResolveAlert);
