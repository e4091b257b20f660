//! The rules of a metric.

use anyhow::Result;
use clap::{Args, Subcommand};
use muniment_aggregates::metric::rules::{Condition, CoolDown, GROWTH_SPIKE_THRESHOLD, LATE_TOLERANCE};
use muniment_aggregates::metric::rules::{Rule as MetricRule, RuleType, Severity};
use serde_json::{Map, Value, json};

use super::Session;
use super::http::Call;
use crate::cli::output::cell;

/// The rules of a metric
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Set a rule; it counts for points recorded from then on
    #[command(before_help = "Examples:\n  muniment rule set --metric arr --threshold 0.3\n  \
                            muniment rule set --metric arr --type below --threshold 10000 --severity high\n  \
                            muniment rule set --metric arr --disable")]
    Set(Set),
    /// List a metric's rules
    #[command(before_help = "Example:\n  muniment rule list --metric arr")]
    List {
        /// Key of the metric
        #[arg(long)]
        metric: String,
    },
}

/// `rule set`.
#[derive(Debug, Args)]
pub struct Set {
    /// Key of the metric
    #[arg(long)]
    metric: String,
    /// What the rule is, as far as it changes
    #[command(flatten)]
    candidate: Candidate,
    /// low, medium or high
    #[arg(long, value_parser = severity)]
    severity: Option<Severity>,
    /// Stop evaluating it
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Evaluate it again
    #[arg(long)]
    enable: bool,
}

/// A rule as flags describe it.
#[derive(Debug, Clone, Args)]
pub struct Candidate {
    /// growth_spike, growth, drop, above, below or late
    #[arg(long = "type", value_name = "TYPE", default_value = "growth_spike", value_parser = rule_type)]
    pub rule_type: RuleType,
    /// A fraction (0.5 is half as much again), or for above and below a value
    #[arg(long, allow_hyphen_values = true, value_parser = super::value::parse)]
    pub threshold: Option<f64>,
    /// Points back, or in a row
    #[arg(long, value_name = "COUNT")]
    pub periods: Option<u32>,
}

fn rule_type(text: &str) -> Result<RuleType, String> {
    RuleType::parse(text).ok_or_else(|| format!("the types are {}", RuleType::ALL.map(RuleType::as_str).join(", ")))
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| "the severities are low, medium and high".to_owned())
}

impl Candidate {
    /// The whole rule, for trying it out.
    #[must_use]
    pub fn to_rule(&self) -> MetricRule {
        let threshold = self.threshold.unwrap_or(match self.rule_type {
            RuleType::Late => LATE_TOLERANCE,
            RuleType::Above | RuleType::Below => 0.0,
            RuleType::GrowthSpike | RuleType::Growth | RuleType::Drop => GROWTH_SPIKE_THRESHOLD,
        });
        let periods = self.periods.unwrap_or(1);
        let condition = match self.rule_type {
            RuleType::GrowthSpike => Condition::GrowthSpike { threshold },
            RuleType::Growth => Condition::Growth { threshold, periods },
            RuleType::Drop => Condition::Drop { threshold, periods },
            RuleType::Above => Condition::Above { threshold, periods },
            RuleType::Below => Condition::Below { threshold, periods },
            RuleType::Late => Condition::Late { threshold },
        };
        MetricRule { version: 1, enabled: true, severity: Severity::High, cool_down: CoolDown::None, condition }
    }
}

/// Runs a rule command.
///
/// # Errors
/// When the server refuses or is away.
pub async fn rule(session: &Session, command: Rule) -> Result<()> {
    match command {
        Rule::Set(command) => set(session, &command).await,
        Rule::List { metric } => {
            let auth = session.either()?;
            let query = session.company_query(&auth);
            let call = Call::get(&["v1", "metrics", &metric, "rules"]).query(query).auth(auth);
            let answer = session.api.send(call).await?;
            let items = answer["rules"].as_array().cloned().unwrap_or_default();
            session.printer.list(&answer, &items, &["type", "version", "enabled", "threshold", "severity", "set_at"])
        }
    }
}

async fn set(session: &Session, command: &Set) -> Result<()> {
    let mut body = Map::new();
    body.insert("type".to_owned(), json!(command.candidate.rule_type.as_str()));
    body.extend(command.candidate.threshold.map(|threshold| ("threshold".to_owned(), json!(threshold))));
    body.extend(command.candidate.periods.map(|periods| ("periods".to_owned(), json!(periods))));
    body.extend(command.severity.map(|severity| ("severity".to_owned(), json!(severity.as_str()))));
    if command.enable || command.disable {
        body.insert("enabled".to_owned(), json!(command.enable));
    }
    let call = Call::post(&["v1", "metrics", &command.metric, "rules"], Value::Object(body)).auth(session.agent()?);
    let answer = session.api.send(call).await?;
    session.printer.result(&answer, || {
        vec![format!("Rule set: {} of {}, version {}", cell(&answer["type"]), command.metric, cell(&answer["version"]))]
    })
}
