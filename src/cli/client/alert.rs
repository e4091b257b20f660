//! Alerts: what was found, and what a rule would find. Trying out runs the rules' own function, the one that
//! decides on the server, on the metric's recorded events or on points read from a file.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chrono::Utc;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use muniment_aggregates::metric::backtest::{Backtest, backtest, judge_newest};
use muniment_aggregates::metric::{Finding, MetricEvent};
use muniment_aggregates::wire;
use serde_json::{Value, json};

use super::history::History;
use super::http::{Auth, Call};
use super::paged::paged;
use super::rule::Candidate;
use super::{Company, Session};
use crate::cli::exit::{self, Exit};
use crate::cli::listing::print_part;
use crate::cli::output::cell;

/// Alerts of one request.
const PAGE_ALERTS: usize = 200;

/// Alerts, and trying out rules
#[derive(Debug, Subcommand)]
pub enum Alert {
    /// List alerts, newest first
    #[command(before_help = "Examples:\n  muniment alert list --state open\n  \
                            muniment alert list --metric arr --state resolved --json")]
    List(List),
    /// Acknowledge an alert
    #[command(before_help = "Example:\n  muniment alert ack alert_… --note 'a big customer'")]
    Ack(Noted),
    /// Resolve an alert: its cause is dealt with
    #[command(before_help = "Example:\n  muniment alert resolve alert_… --note 'the invoice was booked twice'")]
    Resolve(Noted),
    /// Would the newest point, or a value not yet recorded, fire? By the metric's own rules, or by one that flags change
    #[command(before_help = "Examples:\n  muniment alert test --metric arr --value 30000\n  \
                            muniment alert test --metric arr --value 30000 --threshold 0.5\n  \
                            muniment alert test --metric arr --value 30000 --expect fires   # exit 7 otherwise")]
    Test(Test),
    /// What a rule would have found in all points so far, had it been in force all along
    #[command(before_help = "Examples:\n  muniment alert backtest --metric arr --threshold 0.3\n  \
                            muniment alert backtest --metric arr --type drop --threshold 0.2 --file arr.csv")]
    Backtest(Tried),
}

/// `alert list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only of this metric
    #[arg(long, value_name = "KEY")]
    metric: Option<String>,
    /// Only open, acknowledged or resolved ones
    #[arg(long, value_parser = ["open", "acknowledged", "resolved"])]
    state: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    limit: usize,
    /// Whose
    #[command(flatten)]
    company: Company,
}

/// An alert, and what there is to say about it.
#[derive(Debug, Args)]
pub struct Noted {
    /// Its id
    id: String,
    /// A note
    #[arg(long)]
    note: Option<String>,
    /// Whose
    #[command(flatten)]
    company: Company,
}

/// The metric and the rule to try.
#[derive(Debug, Args)]
pub struct Tried {
    /// Key of the metric
    #[arg(long, value_name = "KEY")]
    metric: String,
    /// The rule
    #[command(flatten)]
    candidate: Candidate,
    /// Take the points from a CSV (timestamp, value) or NDJSON file instead of the server, and the rules every metric has
    #[arg(long)]
    file: Option<PathBuf>,
    /// Whose
    #[command(flatten)]
    company: Company,
}

/// `alert test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Metric and rule
    #[command(flatten)]
    tried: Tried,
    /// A value that is not recorded
    #[arg(long, allow_hyphen_values = true, value_parser = super::value::parse)]
    value: Option<f64>,
    /// Its time [default: now]
    #[arg(long, requires = "value")]
    timestamp: Option<String>,
    /// End with exit code 7 when it turns out otherwise
    #[arg(long, value_enum)]
    expect: Option<Expected>,
}

/// What a test expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Expected {
    /// The rule fires
    Fires,
    /// It does not
    Quiet,
}

/// Runs an alert command.
///
/// # Errors
/// When the server refuses or is away, or a test turns out otherwise than expected.
pub async fn alert(session: &Session, command: Alert) -> Result<()> {
    match command {
        Alert::List(command) => list(session, command).await,
        Alert::Ack(noted) => settle(session, &noted, "ack", "Acknowledged").await,
        Alert::Resolve(noted) => settle(session, &noted, "resolve", "Resolved").await,
        Alert::Test(command) => test(session, &command).await,
        Alert::Backtest(command) => {
            let outcome = run(&command, history(session, &command).await?)?;
            let shown = serde_json::to_value(&outcome)?;
            session.printer.result(&shown, || backtest_lines(&outcome))
        }
    }
}

async fn list(session: &Session, command: List) -> Result<()> {
    let List { metric, state, limit, company } = command;
    let auth = session.reader(&company)?;
    let mut filter = session.company_query(&auth, &company);
    filter.extend(metric.map(|metric| ("metric", metric)));
    filter.extend(state.map(|state| ("state", state)));
    let of_alerts = (["v1", "alerts"].as_slice(), "alerts");
    let (items, place) = paged(session, of_alerts, (&auth, &filter), (limit, PAGE_ALERTS)).await?;
    let rest = (!place.is_null()).then(|| format!("older alerts are left out; --limit lists more than these {limit}"));
    let whole = json!({ "alerts": items, "next_cursor": place });
    print_part(
        &session.printer,
        whole,
        &items,
        &["id", "severity", "state", "metric_key", "created_at", "summary"],
        rest,
    )
}

async fn settle(session: &Session, noted: &Noted, what: &str, said: &str) -> Result<()> {
    let body = noted.note.as_ref().map_or_else(|| json!({}), |note| json!({ "note": note }));
    let call = |auth: Auth| {
        let call = Call::post(&["v1", "alerts", &noted.id, what], body.clone());
        session.api.send(call.query(session.company_query(&auth, &noted.company)).auth(auth))
    };
    let answer = match (call(session.reader(&noted.company)?).await, session.founder()) {
        // The token of an application lacks the scope; whoever founded the company may do it.
        (Err(error), Ok(founder)) if session.credentials.has_agent() && exit::of(&error) == Exit::Denied => {
            call(founder).await?
        }
        (answer, _) => answer?,
    };
    session.printer.result(&answer, || vec![format!("{said}: {}", cell(&answer["id"]))])
}

async fn history(session: &Session, tried: &Tried) -> Result<History> {
    match &tried.file {
        Some(path) => History::read(path, &tried.metric),
        None => History::fetch(session, &tried.metric, &tried.company).await,
    }
}

/// The metric's own rule with what the flags change, over the whole history.
fn run(tried: &Tried, history: History) -> Result<Backtest> {
    let rule = tried.candidate.applied_to(history.metric().rule(tried.candidate.rule_type()))?;
    Ok(backtest(history.events, &rule, Utc::now()))
}

async fn test(session: &Session, command: &Test) -> Result<()> {
    let mut history = history(session, &command.tried).await?;
    if let Some(value) = command.value {
        let now = Utc::now();
        let timestamp = command.timestamp.clone().unwrap_or_else(|| wire::instant(now));
        history.push(&json!({ "value": value, "timestamp": timestamp }), Some(now))?;
    }
    let newest = history.newest().cloned().context("the metric has no points; name one with --value")?;
    let findings: Vec<Finding> = if command.tried.candidate.is_given() {
        let found = run(&command.tried, history)?.findings;
        found.into_iter().filter(|finding| finding.point == newest).collect()
    } else {
        let events: Vec<MetricEvent> = history.events.into_iter().map(|(_, event)| event).collect();
        judge_newest(&events, Utc::now())
    };
    let fires = !findings.is_empty();
    let shown = json!({ "fires": fires, "finding": findings.first(), "findings": findings });
    let lines = || {
        if !fires {
            return vec!["quiet".to_owned()];
        }
        findings.iter().map(|finding| format!("fires: [{}] {}", finding.severity.as_str(), finding.summary)).collect()
    };
    let ended = match (command.expect, fires) {
        (Some(Expected::Fires), false) => Err(Exit::CheckFailed.because("the rule was expected to fire and is quiet")),
        (Some(Expected::Quiet), true) => Err(Exit::CheckFailed.because("the rule was expected to be quiet and fires")),
        (Some(Expected::Fires), true) | (Some(Expected::Quiet), false) | (None, _) => Ok(()),
    };
    session.printer.verdict(&shown, lines, ended)
}

fn backtest_lines(outcome: &Backtest) -> Vec<String> {
    let mut lines = vec![format!(
        "{} points, {} findings, {} episodes",
        outcome.points,
        outcome.findings.len(),
        outcome.episodes.len()
    )];
    lines.extend(outcome.episodes.iter().map(|episode| {
        let (first, last) = (episode.first.instant.date_naive(), episode.last.instant.date_naive());
        format!("{first} to {last}  {} findings  {}", episode.findings, cell(&Value::from(&*episode.first.summary)))
    }));
    lines
}
