//! What a metric remembers: its definition, its rules, the newest points, what waits to be raised. Bounded
//! whatever lies behind it (invariant 7).

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::{MetricEvent, PointRecorded};
use super::rules::{self, Condition, Finding, Fired, Rule, RuleType};
use crate::ids::{AlertId, ApplicationId, CompanyId, PointId};

/// How many of the newest points are remembered. No rule looks further back than
/// [`rules::PERIODS_MAX`] + 1, and a point once outside can never come back in.
pub const WINDOW: usize = 128;

/// How many alerts are remembered, so that a second acknowledgement is known for one.
pub const ALERT_LEDGER: usize = 256;

/// What the metric is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The company it belongs to.
    pub company: CompanyId,
    /// The application of that company.
    pub application: ApplicationId,
    /// Its key.
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
    /// How far the figures are verified.
    pub verification_level: String,
}

/// A point as the rules see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointSeen {
    /// Its id.
    pub point: PointId,
    /// Its instant.
    pub instant: DateTime<Utc>,
    /// 1 for the metric's first recorded point, and so on: what decides between equal instants.
    pub ordinal: u64,
    /// Its value as known now: corrected where it was corrected.
    pub value: f64,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has seen it.
    Open,
    /// Somebody has.
    Acknowledged,
    /// Its cause is dealt with.
    Resolved,
}

/// The state of one metric.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metric {
    definition: Option<Definition>,
    rules: BTreeMap<RuleType, Rule>,
    points: u64,
    window: Vec<PointSeen>,
    fired: BTreeMap<RuleType, Fired>,
    due: VecDeque<Finding>,
    late_raised: Option<PointId>,
    alerts_raised: u64,
    ledger: Vec<(AlertId, AlertState)>,
}

impl Metric {
    /// What the metric is; `None` before it is defined.
    #[must_use]
    pub fn definition(&self) -> Option<&Definition> {
        self.definition.as_ref()
    }

    /// The current version of a rule, where the metric has one of this type.
    #[must_use]
    pub fn rule(&self, rule_type: RuleType) -> Option<&Rule> {
        self.rules.get(&rule_type)
    }

    /// The current rules, by type.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// How many points were recorded.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.points
    }

    /// The newest points, oldest first, at most [`WINDOW`].
    #[must_use]
    pub fn window(&self) -> &[PointSeen] {
        &self.window
    }

    /// The newest point: greatest instant, of equal ones the later recorded.
    #[must_use]
    pub fn latest(&self) -> Option<&PointSeen> {
        self.window.last()
    }

    /// Findings that no alert was raised for yet, oldest first.
    #[must_use]
    pub fn due(&self) -> &VecDeque<Finding> {
        &self.due
    }

    /// The findings about one point that no alert was raised for yet.
    pub fn due_about(&self, point: &PointId) -> impl Iterator<Item = &Finding> {
        // All rules judge a point when it is recorded, so what they find about it stands together; and alerts are
        // raised oldest first, so that is at the front.
        self.due.iter().skip_while(move |due| due.point != *point).take_while(move |due| due.point == *point)
    }

    /// From when the metric is late by its enabled `late` rule; `None` without such a rule, without points, for
    /// an unknown cadence, once the alert about the newest point is raised, and while the rule cools down.
    #[must_use]
    pub fn late_due_at(&self) -> Option<DateTime<Utc>> {
        self.late_watch().map(|(_, _, due_at)| due_at)
    }

    /// The finding of the `late` rule, where the metric is late at `now` and that was not raised yet.
    #[must_use]
    pub fn late_at(&self, now: DateTime<Utc>) -> Option<Finding> {
        let (rule, latest, due_at) = self.late_watch()?;
        let definition = self.definition.as_ref()?;
        (due_at <= now).then(|| rules::late_finding(rule, latest, &definition.cadence, &definition.display_name))
    }

    /// Where an alert stands, as far as it is remembered.
    #[must_use]
    pub fn alert_state(&self, alert: &AlertId) -> Option<AlertState> {
        self.ledger.iter().find(|(id, _)| id == alert).map(|(_, state)| *state)
    }

    /// Whether an alert that is not remembered may have been raised: more were than are remembered.
    pub(super) fn may_have_forgotten_alerts(&self) -> bool {
        usize::try_from(self.alerts_raised).map_or(true, |raised| raised > ALERT_LEDGER)
    }

    pub(super) fn take_event(&mut self, event: &MetricEvent) {
        match event {
            MetricEvent::Defined(defined) => {
                self.definition = Some(Definition {
                    company: defined.company.clone(),
                    application: defined.application.clone(),
                    metric_key: defined.metric_key.clone(),
                    display_name: defined.display_name.clone(),
                    unit: defined.unit.clone(),
                    cadence: defined.cadence.clone(),
                    direction: defined.direction.clone(),
                    source_type: defined.source_type.clone(),
                    verification_level: defined.verification_level.clone(),
                });
                self.rules.entry(RuleType::GrowthSpike).or_insert_with(Rule::implicit_growth_spike);
            }
            MetricEvent::SettingsChanged(changed) => {
                if let Some(definition) = &mut self.definition {
                    replace(&mut definition.display_name, changed.display_name.as_ref());
                    replace(&mut definition.unit, changed.unit.as_ref());
                    replace(&mut definition.cadence, changed.cadence.as_ref());
                    replace(&mut definition.direction, changed.direction.as_ref());
                    replace(&mut definition.source_type, changed.source_type.as_ref());
                }
            }
            MetricEvent::PointRecorded(recorded) => self.take_point(recorded),
            MetricEvent::PointCorrected(corrected) => {
                if let Some(seen) = self.window.iter_mut().find(|seen| seen.point == corrected.point) {
                    seen.value = corrected.value;
                }
            }
            MetricEvent::RuleSet(set) => self.take_rule(&set.rule),
            MetricEvent::AlertRaised(raised) => {
                let finding = &raised.finding;
                // Alerts are raised oldest first, so this looks no further than the front.
                if let Some(at) = self.due.iter().position(|due| due.alert == finding.alert) {
                    self.due.remove(at);
                }
                if finding.alert_type == RuleType::Late {
                    self.mark_late(finding);
                }
                self.alerts_raised = self.alerts_raised.saturating_add(1);
                self.remember_alert(&finding.alert, AlertState::Open);
            }
            MetricEvent::AlertAcknowledged(acknowledged) => {
                self.remember_alert(&acknowledged.alert, AlertState::Acknowledged);
            }
            MetricEvent::AlertResolved(resolved) => self.remember_alert(&resolved.alert, AlertState::Resolved),
        }
    }

    /// Puts a rule in force. Its cool-down begins anew.
    pub(super) fn take_rule(&mut self, rule: &Rule) {
        self.fired.remove(&rule.condition.rule_type());
        self.rules.insert(rule.condition.rule_type(), rule.clone());
    }

    /// Leaves this rule alone in force, for a back-test.
    pub(super) fn keep_only_rule(&mut self, rule: &Rule) {
        self.rules.clear();
        self.take_rule(rule);
    }

    /// Takes the findings out, for a back-test, which raises nothing.
    pub(super) fn drain_due(&mut self) -> VecDeque<Finding> {
        std::mem::take(&mut self.due)
    }

    /// Counts the lateness after this point as raised: the rule fired.
    pub(super) fn mark_late(&mut self, finding: &Finding) {
        self.late_raised = Some(finding.point.clone());
        self.fired.insert(RuleType::Late, Fired::about(finding.instant));
    }

    fn take_point(&mut self, recorded: &PointRecorded) {
        self.points = self.points.saturating_add(1);
        let seen = PointSeen {
            point: recorded.point.clone(),
            instant: recorded.instant,
            ordinal: self.points,
            value: recorded.value,
        };
        // The ordinal is the greatest so far, so among equal instants the new point goes last.
        let at = self.window.partition_point(|other| other.instant <= seen.instant);
        let is_newest = at == self.window.len();
        self.window.insert(at, seen);
        if self.window.len() > WINDOW {
            self.window.remove(0);
        }
        if is_newest {
            self.judge_newest();
        }
    }

    fn judge_newest(&mut self) {
        let (Some(definition), Some(latest)) = (&self.definition, self.window.last()) else {
            return;
        };
        for (rule_type, rule) in &self.rules {
            let silent = self.fired.get_mut(rule_type).is_some_and(|fired| {
                fired.count_point();
                fired.silences(rule.cool_down, latest.instant)
            });
            if !rule.enabled || silent {
                continue;
            }
            if let Some(finding) = rules::evaluate(rule, &self.window, &definition.display_name) {
                self.fired.insert(*rule_type, Fired::about(latest.instant));
                self.due.push_back(finding);
            }
        }
    }

    /// The rule, the point that nothing has come after, and from when that is told.
    fn late_watch(&self) -> Option<(&Rule, &PointSeen, DateTime<Utc>)> {
        let rule = self.rules.get(&RuleType::Late).filter(|rule| rule.enabled)?;
        debug_assert!(matches!(rule.condition, Condition::Late { .. }), "rules are kept under their own type");
        let latest = self.window.last()?;
        if self.late_raised.as_ref() == Some(&latest.point) {
            return None;
        }
        let cadence = &self.definition.as_ref()?.cadence;
        let due_at = rules::late_due_at(cadence, latest.instant, rule.condition.threshold())?;
        let from = match self.fired.get(&RuleType::Late) {
            Some(fired) => fired.late_from(rule.cool_down, latest.instant, due_at)?,
            None => due_at,
        };
        Some((rule, latest, from))
    }

    fn remember_alert(&mut self, alert: &AlertId, state: AlertState) {
        if let Some(entry) = self.ledger.iter_mut().find(|(id, _)| id == alert) {
            entry.1 = state;
            return;
        }
        if self.ledger.len() == ALERT_LEDGER {
            self.ledger.remove(0);
        }
        self.ledger.push((alert.clone(), state));
    }
}

fn replace(field: &mut String, new: Option<&String>) {
    if let Some(new) = new {
        field.clone_from(new);
    }
}
