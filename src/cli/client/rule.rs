//! The rules of a metric.

use anyhow::Result;
use clap::{Args, Subcommand};
use muniment_aggregates::metric::rules::{CoolDown, Rule as MetricRule, RuleType, Severity};
use muniment_aggregates::metric::{MetricRefusal, RuleChange, next_version};
use serde_json::{Map, Value, json};

use super::http::Call;
use super::{Company, Session};
use crate::cli::exit::Exit;
use crate::cli::interrupt::quoted;
use crate::cli::output::cell;

/// The rules of a metric
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Set a rule; it counts for points recorded from then on, a late rule also for the newest point there is
    #[command(before_help = "Examples:\n  muniment rule set --metric arr --threshold 0.3\n  \
                            muniment rule set --metric arr --type below --threshold 10000 --severity high\n  \
                            muniment rule set --metric arr --type drop --threshold 0.2 --cool-down-points 5\n  \
                            muniment rule set --metric arr --disable")]
    Set(Set),
    /// List a metric's rules
    #[command(before_help = "Example:\n  muniment rule list --metric arr")]
    List {
        /// Key of the metric
        #[arg(long)]
        metric: String,
        /// Whose
        #[command(flatten)]
        company: Company,
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
    /// growth_spike, growth, drop, above, below or late [default: growth_spike]
    #[arg(long = "type", value_name = "TYPE", value_parser = rule_type)]
    rule_type: Option<RuleType>,
    /// A fraction (0.5 is half as much again), or for above and below a value
    #[arg(long, allow_hyphen_values = true, value_parser = super::value::parse)]
    threshold: Option<f64>,
    /// Points back, or in a row
    #[arg(long, value_name = "COUNT")]
    periods: Option<u32>,
    /// low, medium or high
    #[arg(long, value_parser = severity)]
    severity: Option<Severity>,
    /// Further points it is silent for after it fired; 0 for none
    #[arg(long, value_name = "COUNT", conflicts_with = "cool_down_seconds")]
    cool_down_points: Option<u32>,
    /// Silent for points dated less than so many seconds after the one that fired; 0 for none
    #[arg(long, value_name = "SECONDS")]
    cool_down_seconds: Option<u32>,
}

fn rule_type(text: &str) -> Result<RuleType, String> {
    RuleType::parse(text).ok_or_else(|| format!("the types are {}", RuleType::ALL.map(RuleType::as_str).join(", ")))
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| "the severities are low, medium and high".to_owned())
}

impl Candidate {
    /// Which of a metric's rules it is about.
    #[must_use]
    pub fn rule_type(&self) -> RuleType {
        self.rule_type.unwrap_or(RuleType::GrowthSpike)
    }

    /// Whether any flag describes a rule.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.rule_type.is_some() || self.change() != RuleChange::of(self.rule_type())
    }

    /// The rule to try: the metric's own one of the type where it has one, else the type's defaults, with what the flags
    /// change. What is tried is in force, also where the metric's own rule is disabled.
    ///
    /// # Errors
    /// As the server refuses such a rule.
    pub fn applied_to(&self, own: Option<&MetricRule>) -> Result<MetricRule> {
        let change = self.change();
        let rule = match own {
            Some(own) if change == RuleChange::of(change.rule_type) => own.clone(),
            Some(_) | None => next_version(own, &change).map_err(|refusal| unusable(&change, &refusal))?,
        };
        Ok(MetricRule { enabled: true, ..rule })
    }

    fn change(&self) -> RuleChange {
        let cool_down = match (self.cool_down_points, self.cool_down_seconds) {
            (None, None) => None,
            (Some(0), _) | (None, Some(0)) => Some(CoolDown::None),
            (Some(points), _) => Some(CoolDown::Points(points)),
            (None, Some(seconds)) => Some(CoolDown::Seconds(seconds)),
        };
        let (threshold, periods, severity) = (self.threshold, self.periods, self.severity);
        RuleChange { threshold, periods, severity, cool_down, ..RuleChange::of(self.rule_type()) }
    }
}

fn unusable(change: &RuleChange, refusal: &MetricRefusal) -> anyhow::Error {
    let flag = |field: &str| format!("--{}", field.replace('_', "-"));
    Exit::Usage.because(match refusal {
        MetricRefusal::MissingField { field } => {
            format!("the metric has no rule {}: name its {}", change.rule_type, flag(field))
        }
        MetricRefusal::InvalidField { field } => format!("{} is not within its bounds", flag(field)),
        refusal => refusal.to_string(),
    })
}

/// Runs a rule command.
///
/// # Errors
/// When the server refuses or is away.
pub async fn rule(session: &Session, command: Rule) -> Result<()> {
    match command {
        Rule::Set(command) => set(session, &command).await,
        Rule::List { metric, company } => {
            let auth = session.reader(&company)?;
            let query = session.company_query(&auth, &company);
            let call = Call::get(&["v1", "metrics", &metric, "rules"]).query(query).auth(auth);
            let answer = session.api.send(call).await?;
            let items = answer["rules"].as_array().cloned().unwrap_or_default();
            let silence = ["cool_down_points", "cool_down_seconds"];
            let columns = [&["type", "version", "enabled", "threshold", "severity"], silence.as_slice(), &["set_at"]];
            session.printer.list(&answer, &items, &columns.concat())
        }
    }
}

async fn set(session: &Session, command: &Set) -> Result<()> {
    let mut body = Map::new();
    let candidate = &command.candidate;
    let mut add = |name: &str, value: Option<Value>| body.extend(value.map(|value| (name.to_owned(), value)));
    add("type", Some(json!(candidate.rule_type().as_str())));
    add("threshold", candidate.threshold.map(|threshold| json!(threshold)));
    add("periods", candidate.periods.map(|periods| json!(periods)));
    add("severity", candidate.severity.map(|severity| json!(severity.as_str())));
    add("cool_down_points", candidate.cool_down_points.map(|points| json!(points)));
    add("cool_down_seconds", candidate.cool_down_seconds.map(|seconds| json!(seconds)));
    if command.enable || command.disable {
        body.insert("enabled".to_owned(), json!(command.enable));
    }
    let look = format!("muniment rule list --metric {}{}", quoted(command.metric.as_bytes()), session.flags());
    let if_lost = format!("`{look}` shows whether it was set; if not, the same command again");
    let call = Call::post_once(&["v1", "metrics", &command.metric, "rules"], Value::Object(body), if_lost);
    let answer = session.api.send(call.auth(session.agent()?)).await?;
    session.printer.result(&answer, || {
        vec![format!("Rule set: {} of {}, version {}", cell(&answer["type"]), command.metric, cell(&answer["version"]))]
    })
}
