//! What can have happened to a metric. Every event names the company and the key, so that audit and live
//! streams understand it without looking elsewhere; the metric's id is the stream's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::rules::{Finding, Rule};
use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::DomainEvent;
use crate::ids::{AlertId, ApplicationId, CompanyId, PointId};
use crate::record::{DedupeKey, StreamId};

/// The metric came into being.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricDefined {
    /// The company it belongs to.
    pub company: CompanyId,
    /// The application of that company.
    pub application: ApplicationId,
    /// Its key; never changes.
    pub metric_key: String,
    /// Shown name.
    pub display_name: String,
    /// Unit.
    pub unit: String,
    /// Cadence.
    pub cadence: String,
    /// Direction.
    pub direction: String,
    /// Where the figures come from.
    pub source_type: String,
    /// How far the figures are verified; `self_reported` at first.
    pub verification_level: String,
}

/// Settings took new values; absent ones stayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingsChanged {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// New shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// New unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// New cadence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence: Option<String>,
    /// New direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// New source type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
}

/// A point was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointRecorded {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// The point.
    pub point: PointId,
    /// Its value; finite, never −0.
    pub value: f64,
    /// The time as it was given.
    pub timestamp: String,
    /// The instant it names, to the microsecond; points are ordered by it.
    pub instant: DateTime<Utc>,
    /// Who or what reported it.
    pub source: String,
    /// Confidence, 0 to 1.
    pub confidence: f64,
    /// Id of the raw event behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_event_id: Option<String>,
    /// Key under which it is recorded once.
    pub idempotency_key: String,
}

/// A point's value was corrected; the first one stays in the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointCorrected {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// The point.
    pub point: PointId,
    /// The value it should have had.
    pub value: f64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the correction was made.
    pub at: DateTime<Utc>,
}

/// A rule got a new version, which counts for points recorded after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// The rule, whole.
    pub rule: Rule,
    /// Who set it, as the wire shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An alert was raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRaised {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// What the rule found, whole.
    pub finding: Finding,
}

/// Somebody saw the alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertAcknowledged {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// The alert.
    pub alert: AlertId,
    /// Who, as the wire shows it.
    pub by: String,
    /// What they had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The cause of the alert was dealt with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertResolved {
    /// The company.
    pub company: CompanyId,
    /// The metric's key.
    pub metric_key: String,
    /// The alert.
    pub alert: AlertId,
    /// Who, as the wire shows it.
    pub by: String,
    /// What they had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricEvent {
    /// See [`MetricDefined`].
    Defined(MetricDefined),
    /// See [`SettingsChanged`].
    SettingsChanged(SettingsChanged),
    /// See [`PointRecorded`].
    PointRecorded(PointRecorded),
    /// See [`PointCorrected`].
    PointCorrected(PointCorrected),
    /// See [`RuleSet`].
    RuleSet(RuleSet),
    /// See [`AlertRaised`].
    AlertRaised(AlertRaised),
    /// See [`AlertAcknowledged`].
    AlertAcknowledged(AlertAcknowledged),
    /// See [`AlertResolved`].
    AlertResolved(AlertResolved),
}

/// Scope of the claim that makes a key unique in its company.
pub const METRIC_KEY_CLAIM: &str = "metric-key";

/// The key of the claim `metric-key`.
#[must_use]
pub fn metric_key_claim(company: &CompanyId, metric_key: &str) -> String {
    format!("{company}/{metric_key}")
}

impl DomainEvent for MetricEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Defined(_) => "metric.defined",
            Self::SettingsChanged(_) => "metric.settings_changed",
            Self::PointRecorded(_) => "metric.point_recorded",
            Self::PointCorrected(_) => "metric.point_corrected",
            Self::RuleSet(_) => "metric.rule_set",
            Self::AlertRaised(_) => "metric.alert_raised",
            Self::AlertAcknowledged(_) => "metric.alert_acknowledged",
            Self::AlertResolved(_) => "metric.alert_resolved",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Defined(_)
            | Self::SettingsChanged(_)
            | Self::PointRecorded(_)
            | Self::PointCorrected(_)
            | Self::RuleSet(_)
            | Self::AlertRaised(_)
            | Self::AlertAcknowledged(_)
            | Self::AlertResolved(_) => "1.0",
        }
    }

    fn claims(&self, _stream: &StreamId) -> Vec<ClaimChange> {
        match self {
            Self::Defined(defined) => vec![ClaimChange::Take {
                namespace: METRIC_KEY_CLAIM,
                key: ClaimKey::Clear(metric_key_claim(&defined.company, &defined.metric_key)),
            }],
            Self::SettingsChanged(_)
            | Self::PointRecorded(_)
            | Self::PointCorrected(_)
            | Self::RuleSet(_)
            | Self::AlertRaised(_)
            | Self::AlertAcknowledged(_)
            | Self::AlertResolved(_) => Vec::new(),
        }
    }

    fn dedupe(&self, stream: &StreamId) -> Option<DedupeKey> {
        match self {
            Self::PointRecorded(recorded) => Some(DedupeKey::of(stream, &recorded.idempotency_key)),
            // A caller's key has no control character, so an alert's key is never one of theirs.
            Self::AlertRaised(raised) => Some(DedupeKey::of(stream, &format!("\u{1}{}", raised.finding.alert))),
            Self::Defined(_)
            | Self::SettingsChanged(_)
            | Self::PointCorrected(_)
            | Self::RuleSet(_)
            | Self::AlertAcknowledged(_)
            | Self::AlertResolved(_) => None,
        }
    }
}
