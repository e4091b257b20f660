//! Metrics and their points, one at a time. Many points at once are `import`'s.

use anyhow::Result;
use chrono::Utc;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use muniment_aggregates::metric::{IDEMPOTENCY_KEY_CHARACTERS_MAX, is_idempotency_key};
use muniment_aggregates::wire;
use serde_json::{Map, Value, json};

use super::http::{Call, CallError};
use super::import::Import;
use super::paged::paged;
use super::{Company, Session};
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::output::cell;

/// Points of one request.
const PAGE_POINTS: usize = 1_000;

/// Metrics and their points
#[derive(Debug, Subcommand)]
pub enum Metric {
    /// Define a metric
    #[command(before_help = "Example:\n  muniment metric create arr --name ARR --unit usd --cadence monthly")]
    Create(Create),
    /// Record a value
    #[command(
        before_help = "Examples:\n  muniment metric update weekly_revenue 18500 --idempotency-key acme-2026-W23\n  \
                            muniment metric update churn -5 --timestamp 2026-06-08"
    )]
    Update(Update),
    /// List the company's metrics
    #[command(before_help = "Example:\n  muniment metric list --output ndjson")]
    List(Company),
    /// Show a metric and its newest points
    #[command(before_help = "Example:\n  muniment metric show arr --limit 5")]
    Show {
        /// Its key
        key: String,
        /// How many points
        #[arg(long, default_value_t = 20, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
        limit: usize,
        /// Whose
        #[command(flatten)]
        company: Company,
    },
    /// Import points from CSV or NDJSON
    #[command(
        before_help = "Examples:\n  muniment metric import arr --file arr.csv --timestamp-column month --value-column arr\n  \
                            psql -c 'copy (…) to stdout csv header' | muniment metric import arr --format csv\n  \
                            muniment metric import arr --file arr.csv --dry-run"
    )]
    Import(Import),
}

/// `metric create`.
#[derive(Debug, Args)]
pub struct Create {
    /// Its key; letters and digits, the rest becomes `_`
    key: String,
    /// Its name [default: made from the key]
    #[arg(long)]
    name: Option<String>,
    /// Its unit
    #[arg(long, default_value = "count")]
    unit: String,
    /// How often it has a point: daily, weekly, monthly, quarterly, yearly, or another word
    #[arg(long, default_value = "weekly")]
    cadence: String,
    /// Which way is good: up, down or neutral
    #[arg(long, default_value = "up")]
    direction: String,
    /// Where its figures come from
    #[arg(long, default_value = "self_reported")]
    source: String,
}

/// `metric update`.
#[derive(Debug, Args)]
pub struct Update {
    /// Key of the metric
    #[arg(value_name = "KEY", conflicts_with = "key")]
    metric: Option<String>,
    /// The value; -5 is a value
    #[arg(value_name = "VALUE", allow_hyphen_values = true, value_parser = super::value::parse, conflicts_with = "value")]
    figure: Option<f64>,
    /// Key of the metric
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, value_parser = super::value::parse)]
    value: Option<f64>,
    /// When it was so, as 2026-06-08 or 2026-06-08T12:00:00Z [default: now]
    #[arg(long)]
    timestamp: Option<String>,
    /// The point is recorded once under this key [default: <company>:<metric>:<timestamp>]
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    /// Where the figure comes from
    #[arg(long, default_value = "muniment-cli")]
    source: String,
    /// How sure it is, 0 to 1
    #[arg(long)]
    confidence: Option<f64>,
    /// Id of what it was taken from
    #[arg(long, value_name = "ID")]
    raw_event_id: Option<String>,
}

/// Runs a metric command.
///
/// # Errors
/// When the server refuses or is away, or a value is missing.
pub async fn metric(session: &Session, command: Metric) -> Result<()> {
    match command {
        Metric::Create(command) => create(session, &command).await,
        Metric::Update(command) => update(session, &command).await,
        Metric::List(company) => list(session, &company).await,
        Metric::Show { key, limit, company } => show(session, &key, limit, &company).await,
        Metric::Import(command) => super::import::import(session, &command).await,
    }
}

async fn create(session: &Session, command: &Create) -> Result<()> {
    let mut body = json!({
        "key": command.key,
        "unit": command.unit,
        "cadence": command.cadence,
        "direction": command.direction,
        "source_type": command.source,
    });
    if let Some(name) = &command.name {
        body["display_name"] = json!(name);
    }
    let flags = session.flags();
    let if_lost = format!("`muniment metric list{flags}` shows whether it is there; if not, the same command again");
    let call = Call::post_once(&["v1", "metrics"], body, if_lost).auth(session.agent()?);
    let answer = session.api.send(call).await?;
    session
        .printer
        .result(&answer, || vec![format!("Metric created: {} ({})", cell(&answer["key"]), cell(&answer["id"]))])
}

async fn update(session: &Session, command: &Update) -> Result<()> {
    if command.idempotency_key.as_deref().is_some_and(|key| !is_idempotency_key(key)) {
        let form = format!("1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} characters, no line end or other control character");
        return Err(Exit::Usage.because(format!("--idempotency-key takes {form}")));
    }
    let given = command.metric.as_ref().or(command.key.as_ref()).map(String::as_str);
    let key = &ask::for_flag(&session.global, given, "--key", "Key of the metric")?;
    let value = match command.figure.or(command.value) {
        Some(value) => value,
        None => {
            let typed = ask::for_flag(&session.global, None, "--value", "Value")?;
            super::value::parse(&typed).map_err(|refused| Exit::Usage.because(refused))?
        }
    };
    let now = || wire::instant(Utc::now());
    let timestamp = command.timestamp.clone().unwrap_or_else(now);
    let company = session.credentials.saved.company_id.as_deref().unwrap_or("company");
    let default_key = || format!("{company}:{key}:{timestamp}");
    let idempotency_key = command.idempotency_key.clone().unwrap_or_else(default_key);
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(value));
    body.insert("timestamp".to_owned(), json!(timestamp));
    body.insert("source".to_owned(), json!(command.source));
    body.insert("idempotency_key".to_owned(), json!(idempotency_key));
    body.extend(command.confidence.map(|confidence| ("confidence".to_owned(), json!(confidence))));
    body.extend(command.raw_event_id.iter().map(|id| ("raw_event_id".to_owned(), json!(id))));
    let call = Call::post(&["v1", "metrics", key, "points"], Value::Object(body));
    let call = call.auth(session.agent()?).header("idempotency-key", &idempotency_key, "KEY or --timestamp")?;
    // The same key makes a repeated request harmless, also where only the answer was lost.
    let answer = session.api.insist(&call).await.map_err(CallError::ending)?;
    let duplicate = answer["duplicate"] == true;
    session.printer.result(&answer, || {
        let said = if duplicate { "Duplicate ignored" } else { "Metric point created" };
        vec![format!("{said}: {}", cell(&answer["id"]))]
    })?;
    if answer["differs"] == true {
        session.printer.warning("the recorded value under this idempotency key differs; this value was not taken");
    }
    Ok(())
}

async fn list(session: &Session, company: &Company) -> Result<()> {
    let auth = session.reader(company)?;
    let query = session.company_query(&auth, company);
    let answer = session.api.send(Call::get(&["v1", "metrics"]).query(query).auth(auth)).await?;
    let items = answer["metrics"].as_array().cloned().unwrap_or_default();
    let columns = ["key", "display_name", "latest_value", "unit", "latest_timestamp", "cadence"];
    session.printer.list(&answer, &items, &columns)
}

async fn show(session: &Session, key: &str, limit: usize, company: &Company) -> Result<()> {
    let auth = session.reader(company)?;
    let query = session.company_query(&auth, company);
    let call = Call::get(&["v1", "metrics", key]).query(query.clone()).auth(auth.clone());
    let mut answer = session.api.send(call).await?;
    let of_points = ["v1", "metrics", key, "points"];
    let (points, place) = paged(session, (&of_points, "points"), (&auth, &query), (limit, PAGE_POINTS)).await?;
    answer["points"] = Value::Array(points);
    answer["more"] = json!(!place.is_null());
    session.printer.result(&answer, || {
        let mut lines = vec![
            format!("{} ({})", cell(&answer["display_name"]), cell(&answer["key"])),
            format!(
                "unit {}, {}, {} is good",
                cell(&answer["unit"]),
                cell(&answer["cadence"]),
                cell(&answer["direction"])
            ),
        ];
        let points = answer["points"].as_array().cloned().unwrap_or_default();
        if points.is_empty() {
            lines.push("no points".to_owned());
        }
        lines.extend(points.iter().map(|point| {
            format!("{}  {}  {}", cell(&point["timestamp"]), cell(&point["value"]), cell(&point["source"]))
        }));
        lines
    })?;
    if !place.is_null() {
        session.printer.message(&format!("older points are left out; --limit shows more than these {limit}"));
    }
    Ok(())
}
