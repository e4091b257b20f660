//! How a metric decides, one function a command.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::commands::{
    AcknowledgeAlert, ChangeSettings, CorrectPoint, Define, MetricCommand, NewPoint, RecordPoints, ResolveAlert,
    RuleChange, SetRule,
};
use super::errors::MetricRefusal;
use super::events::{
    AlertAcknowledged, AlertRaised, AlertResolved, MetricDefined, MetricEvent, PointCorrected, PointRecorded, RuleSet,
    SettingsChanged,
};
use super::rules::{self, Condition, CoolDown, Finding, Rule, RuleType, Severity};
use super::state::{AlertState, Definition, Metric};
use super::{number, slug, timestamp};
use crate::decider::{Decider, Facts};
use crate::ids::AlertId;

/// Most points of one command.
pub const POINTS_PER_COMMAND_MAX: usize = 1_000;
/// Longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 255;

impl Decider for Metric {
    const TYPE: &'static str = "metric";
    // 1 did not hold when a `late` rule fired.
    const SNAPSHOT_SCHEMA: u32 = 2;

    type Command = MetricCommand;
    type Event = MetricEvent;
    type Refusal = MetricRefusal;

    fn decide(&self, command: &MetricCommand, facts: &Facts) -> Result<Vec<MetricEvent>, MetricRefusal> {
        if let MetricCommand::Define(define) = command {
            return define_metric(self, define);
        }
        let definition = self.definition().ok_or(MetricRefusal::NotDefined)?;
        match command {
            MetricCommand::Define(_) => Err(MetricRefusal::AlreadyDefined),
            MetricCommand::ChangeSettings(change) => change_settings(definition, change),
            MetricCommand::RecordPoints(record) => record_points(definition, record, facts.now),
            MetricCommand::CorrectPoint(correct) => correct_point(definition, correct),
            MetricCommand::SetRule(set) => set_rule(self, definition, set, facts.now),
            MetricCommand::RaiseDue(raise) => {
                Ok(self.due_about(&raise.point).map(|finding| raised(definition, finding)).collect())
            }
            MetricCommand::CheckLate(_) => {
                Ok(self.late_at(facts.now).iter().map(|finding| raised(definition, finding)).collect())
            }
            MetricCommand::AcknowledgeAlert(acknowledge) => acknowledge_alert(self, definition, acknowledge, facts.now),
            MetricCommand::ResolveAlert(resolve) => resolve_alert(self, definition, resolve, facts.now),
        }
    }

    fn evolve(&mut self, event: &MetricEvent) {
        self.take_event(event);
    }
}

fn define_metric(metric: &Metric, define: &Define) -> Result<Vec<MetricEvent>, MetricRefusal> {
    if metric.definition().is_some() {
        return Err(MetricRefusal::AlreadyDefined);
    }
    if !slug::is_valid(&define.key) {
        return Err(MetricRefusal::InvalidKey);
    }
    Ok(vec![MetricEvent::Defined(MetricDefined {
        company: define.company.clone(),
        application: define.application.clone(),
        metric_key: define.key.clone(),
        display_name: define.display_name.clone(),
        unit: define.unit.clone(),
        cadence: define.cadence.clone(),
        direction: define.direction.clone(),
        source_type: define.source_type.clone(),
        verification_level: "self_reported".to_owned(),
    })])
}

fn change_settings(definition: &Definition, change: &ChangeSettings) -> Result<Vec<MetricEvent>, MetricRefusal> {
    let changed = SettingsChanged {
        company: definition.company.clone(),
        metric_key: definition.metric_key.clone(),
        display_name: differing(change.display_name.as_ref(), &definition.display_name),
        unit: differing(change.unit.as_ref(), &definition.unit),
        cadence: differing(change.cadence.as_ref(), &definition.cadence),
        direction: differing(change.direction.as_ref(), &definition.direction),
        source_type: differing(change.source_type.as_ref(), &definition.source_type),
    };
    let fields = [&changed.display_name, &changed.unit, &changed.cadence, &changed.direction, &changed.source_type];
    if fields.iter().all(|field| field.is_none()) {
        return Ok(Vec::new());
    }
    Ok(vec![MetricEvent::SettingsChanged(changed)])
}

fn differing(wanted: Option<&String>, current: &str) -> Option<String> {
    wanted.filter(|wanted| wanted.as_str() != current).cloned()
}

fn record_points(
    definition: &Definition,
    record: &RecordPoints,
    now: DateTime<Utc>,
) -> Result<Vec<MetricEvent>, MetricRefusal> {
    if record.points.is_empty() || record.points.len() > POINTS_PER_COMMAND_MAX {
        return Err(MetricRefusal::InvalidBatch);
    }
    let mut keys = HashSet::with_capacity(record.points.len());
    let mut events = Vec::with_capacity(record.points.len());
    for point in &record.points {
        check_point(point, now)?;
        if !keys.insert(point.idempotency_key.as_str()) {
            return Err(MetricRefusal::InvalidBatch);
        }
        events.push(MetricEvent::PointRecorded(PointRecorded {
            company: definition.company.clone(),
            metric_key: definition.metric_key.clone(),
            point: point.id.clone(),
            value: number::stored(point.value),
            timestamp: point.timestamp.clone(),
            instant: point.instant,
            source: point.source.clone(),
            confidence: number::stored(point.confidence),
            raw_event_id: point.raw_event_id.clone(),
            idempotency_key: point.idempotency_key.clone(),
        }));
    }
    Ok(events)
}

fn check_point(point: &NewPoint, now: DateTime<Utc>) -> Result<(), MetricRefusal> {
    if !point.value.is_finite() {
        return Err(MetricRefusal::InvalidValue);
    }
    let is_its_text = timestamp::parse(&point.timestamp).is_ok_and(|instant| instant == point.instant);
    if !is_its_text || timestamp::is_too_far_ahead(point.instant, now) {
        return Err(MetricRefusal::InvalidTimestamp);
    }
    if !is_idempotency_key(&point.idempotency_key) {
        return Err(MetricRefusal::InvalidIdempotencyKey);
    }
    if !(0.0..=1.0).contains(&point.confidence) {
        return Err(MetricRefusal::InvalidField { field: "confidence" });
    }
    Ok(())
}

/// Whether a text may be an idempotency key: 1 to 255 characters, none of them a control character.
#[must_use]
pub fn is_idempotency_key(text: &str) -> bool {
    let characters = text.chars().count();
    (1..=IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&characters) && !text.chars().any(char::is_control)
}

fn correct_point(definition: &Definition, correct: &CorrectPoint) -> Result<Vec<MetricEvent>, MetricRefusal> {
    if !correct.value.is_finite() {
        return Err(MetricRefusal::InvalidValue);
    }
    Ok(vec![MetricEvent::PointCorrected(PointCorrected {
        company: definition.company.clone(),
        metric_key: definition.metric_key.clone(),
        point: correct.point.clone(),
        value: number::stored(correct.value),
        reason: correct.reason.clone(),
        at: correct.at,
    })])
}

fn set_rule(
    metric: &Metric,
    definition: &Definition,
    set: &SetRule,
    now: DateTime<Utc>,
) -> Result<Vec<MetricEvent>, MetricRefusal> {
    Ok(vec![MetricEvent::RuleSet(RuleSet {
        company: definition.company.clone(),
        metric_key: definition.metric_key.clone(),
        rule: next_version(metric.rule(set.rule.rule_type), &set.rule)?,
        by: set.by.clone(),
        at: now,
    })])
}

/// The version a change makes of the current rule of its type, or of the type's defaults where there is none.
///
/// # Errors
/// [`MetricRefusal::InvalidField`] for what is out of bounds, [`MetricRefusal::MissingField`] for a threshold
/// that has no default.
pub fn next_version(current: Option<&Rule>, change: &RuleChange) -> Result<Rule, MetricRefusal> {
    let default_severity = if change.rule_type == RuleType::GrowthSpike { Severity::High } else { Severity::Medium };
    let cool_down = change.cool_down.or(current.map(|rule| rule.cool_down)).unwrap_or(CoolDown::None);
    check_cool_down(cool_down)?;
    Ok(Rule {
        version: current.map_or(1, |rule| rule.version.saturating_add(1)),
        enabled: change.enabled.or(current.map(|rule| rule.enabled)).unwrap_or(true),
        severity: change.severity.or(current.map(|rule| rule.severity)).unwrap_or(default_severity),
        cool_down,
        condition: next_condition(current, change)?,
    })
}

fn next_condition(current: Option<&Rule>, change: &RuleChange) -> Result<Condition, MetricRefusal> {
    let threshold = change.threshold.or(current.map(|rule| rule.condition.threshold()));
    let periods = change.periods.or(current.and_then(|rule| rule.condition.periods())).unwrap_or(1);
    let needed = || threshold.ok_or(MetricRefusal::MissingField { field: "threshold" });
    match change.rule_type {
        RuleType::GrowthSpike => {
            no_periods(change)?;
            Ok(Condition::GrowthSpike { threshold: fraction(threshold.unwrap_or(rules::GROWTH_SPIKE_THRESHOLD))? })
        }
        RuleType::Growth => Ok(Condition::Growth { threshold: fraction(needed()?)?, periods: in_bounds(periods)? }),
        RuleType::Drop => Ok(Condition::Drop { threshold: fraction(needed()?)?, periods: in_bounds(periods)? }),
        RuleType::Above => Ok(Condition::Above { threshold: finite(needed()?)?, periods: in_bounds(periods)? }),
        RuleType::Below => Ok(Condition::Below { threshold: finite(needed()?)?, periods: in_bounds(periods)? }),
        RuleType::Late => {
            no_periods(change)?;
            Ok(Condition::Late { threshold: fraction(threshold.unwrap_or(rules::LATE_TOLERANCE))? })
        }
    }
}

fn fraction(threshold: f64) -> Result<f64, MetricRefusal> {
    bounded_threshold(threshold, threshold > 0.0 && threshold <= rules::FRACTION_MAX)
}

fn finite(threshold: f64) -> Result<f64, MetricRefusal> {
    bounded_threshold(threshold, threshold.is_finite())
}

fn bounded_threshold(threshold: f64, holds: bool) -> Result<f64, MetricRefusal> {
    if holds { Ok(number::stored(threshold)) } else { Err(MetricRefusal::InvalidField { field: "threshold" }) }
}

fn in_bounds(periods: u32) -> Result<u32, MetricRefusal> {
    let holds = (1..=rules::PERIODS_MAX).contains(&periods);
    if holds { Ok(periods) } else { Err(MetricRefusal::InvalidField { field: "periods" }) }
}

fn no_periods(change: &RuleChange) -> Result<(), MetricRefusal> {
    if change.periods.is_none() { Ok(()) } else { Err(MetricRefusal::InvalidField { field: "periods" }) }
}

fn check_cool_down(cool_down: CoolDown) -> Result<(), MetricRefusal> {
    let (field, holds) = match cool_down {
        CoolDown::None => return Ok(()),
        CoolDown::Points(points) => ("cool_down_points", (1..=rules::COOL_DOWN_POINTS_MAX).contains(&points)),
        CoolDown::Seconds(seconds) => ("cool_down_seconds", (1..=rules::COOL_DOWN_SECONDS_MAX).contains(&seconds)),
    };
    if holds { Ok(()) } else { Err(MetricRefusal::InvalidField { field }) }
}

fn raised(definition: &Definition, finding: &Finding) -> MetricEvent {
    MetricEvent::AlertRaised(AlertRaised {
        company: definition.company.clone(),
        metric_key: definition.metric_key.clone(),
        finding: finding.clone(),
    })
}

fn acknowledge_alert(
    metric: &Metric,
    definition: &Definition,
    acknowledge: &AcknowledgeAlert,
    now: DateTime<Utc>,
) -> Result<Vec<MetricEvent>, MetricRefusal> {
    match standing(metric, &acknowledge.alert)? {
        AlertState::Acknowledged | AlertState::Resolved => Ok(Vec::new()),
        AlertState::Open => Ok(vec![MetricEvent::AlertAcknowledged(AlertAcknowledged {
            company: definition.company.clone(),
            metric_key: definition.metric_key.clone(),
            alert: acknowledge.alert.clone(),
            by: acknowledge.by.clone(),
            note: acknowledge.note.clone(),
            at: now,
        })]),
    }
}

fn resolve_alert(
    metric: &Metric,
    definition: &Definition,
    resolve: &ResolveAlert,
    now: DateTime<Utc>,
) -> Result<Vec<MetricEvent>, MetricRefusal> {
    match standing(metric, &resolve.alert)? {
        AlertState::Resolved => Ok(Vec::new()),
        AlertState::Open | AlertState::Acknowledged => Ok(vec![MetricEvent::AlertResolved(AlertResolved {
            company: definition.company.clone(),
            metric_key: definition.metric_key.clone(),
            alert: resolve.alert.clone(),
            by: resolve.by.clone(),
            note: resolve.note.clone(),
            at: now,
        })]),
    }
}

/// Where an alert stands. One that is older than the ledger counts as open: the surface found it in the read
/// model and answers a second acknowledgement from there.
fn standing(metric: &Metric, alert: &AlertId) -> Result<AlertState, MetricRefusal> {
    match metric.alert_state(alert) {
        Some(state) => Ok(state),
        None if metric.may_have_forgotten_alerts() => Ok(AlertState::Open),
        None => Err(MetricRefusal::AlertNotFound),
    }
}
