//! What a rule would have found, had it been in force all along: the recorded events, the live evaluator, and
//! no other clock than the events' own.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::MetricEvent;
use super::rules::{Finding, Rule, RuleType};
use super::state::Metric;
use crate::decider::Decider;

/// Findings about points that followed each other without one in between that the rule was silent about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its first finding.
    pub first: Finding,
    /// Its last finding.
    pub last: Finding,
    /// How many it has.
    pub findings: usize,
}

/// The outcome of a back-test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// How many points were looked at.
    pub points: u64,
    /// What the rule would have found, in order.
    pub findings: Vec<Finding>,
    /// The same, in episodes.
    pub episodes: Vec<Episode>,
}

/// Runs `rule` over the events of one metric, each with the time it was recorded at: a corrected point has the value
/// that was known when the rule would have looked. `until` ends the history: a `late` rule may find something between
/// the last event and it. It is asked once an append, whose events bear one time: live nobody can look between them.
#[must_use]
pub fn backtest(
    history: impl IntoIterator<Item = (DateTime<Utc>, MetricEvent)>,
    rule: &Rule,
    until: DateTime<Utc>,
) -> Backtest {
    let mut run = Run { metric: Metric::default(), findings: Vec::new(), episodes: Vec::new(), is_open: false };
    let mut before = None;
    for (recorded_at, event) in history {
        if before.is_none_or(|before| before < recorded_at) {
            run.take_late(rule, recorded_at);
        }
        before = Some(recorded_at);
        run.take_event(rule, &event);
    }
    run.take_late(rule, until);
    Backtest { points: run.metric.points(), findings: run.findings, episodes: run.episodes }
}

/// What the metric's own rules, as they stand at the end of the history, find about the point recorded last: what the
/// live evaluator would say of it. `now` is what a `late` rule goes by.
#[must_use]
pub fn judge_newest(history: &[MetricEvent], now: DateTime<Utc>) -> Vec<Finding> {
    let newest = history.iter().rposition(|event| matches!(event, MetricEvent::PointRecorded(_)));
    let Some((newest, recorded)) = newest.and_then(|at| Some((at, history.get(at)?))) else { return Vec::new() };
    let mut metric = Metric::default();
    let set_since = history[newest..].iter().filter(|event| matches!(event, MetricEvent::RuleSet(_)));
    for event in history[..newest].iter().chain(set_since) {
        metric.evolve(event);
    }
    metric.drain_due();
    metric.evolve(recorded);
    let mut found = Vec::from(metric.drain_due());
    // What a point says is said when it comes; whether the next one stays away is asked of the settings there are now.
    for event in history[newest..].iter().filter(|event| matches!(event, MetricEvent::SettingsChanged(_))) {
        metric.evolve(event);
    }
    let is_about_it =
        |finding: &Finding| matches!(recorded, MetricEvent::PointRecorded(recorded) if recorded.point == finding.point);
    found.extend(metric.late_at(now).filter(is_about_it));
    found
}

struct Run {
    metric: Metric,
    findings: Vec<Finding>,
    episodes: Vec<Episode>,
    is_open: bool,
}

impl Run {
    fn take_event(&mut self, rule: &Rule, event: &MetricEvent) {
        match event {
            // The candidate alone is in force; what was set and raised in its time is not.
            MetricEvent::RuleSet(_)
            | MetricEvent::AlertRaised(_)
            | MetricEvent::AlertAcknowledged(_)
            | MetricEvent::AlertResolved(_) => {}
            MetricEvent::Defined(_) => {
                self.metric.evolve(event);
                self.metric.keep_only_rule(rule);
            }
            MetricEvent::SettingsChanged(_) | MetricEvent::PointCorrected(_) => self.metric.evolve(event),
            MetricEvent::PointRecorded(recorded) => {
                self.metric.evolve(event);
                let is_newest = self.metric.latest().is_some_and(|latest| latest.point == recorded.point);
                let found = self.metric.drain_due();
                if rule.condition.rule_type() != RuleType::Late && is_newest && found.is_empty() {
                    self.is_open = false;
                }
                for finding in found {
                    self.note(finding);
                }
            }
        }
    }

    fn take_late(&mut self, rule: &Rule, now: DateTime<Utc>) {
        if rule.condition.rule_type() != RuleType::Late {
            return;
        }
        if let Some(finding) = self.metric.late_at(now) {
            self.metric.mark_late(&finding);
            // Each lateness ends with the point that ends it.
            self.is_open = false;
            self.note(finding);
        }
    }

    fn note(&mut self, finding: Finding) {
        match self.episodes.last_mut() {
            Some(episode) if self.is_open => {
                episode.last = finding.clone();
                episode.findings += 1;
            }
            Some(_) | None => {
                self.episodes.push(Episode { first: finding.clone(), last: finding.clone(), findings: 1 });
                self.is_open = true;
            }
        }
        self.findings.push(finding);
    }
}
