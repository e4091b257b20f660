//! Follows the events that the caller may see, through the long-poll of the server.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

use super::Session;
use super::http::{Auth, Call, CallError};
use crate::cli::exit::{self, Exit, with_next};
use crate::cli::interrupt::Farewell;
use crate::cli::output::cell;

/// How long one request waits for something to happen.
const WAIT_SECONDS: u64 = 25;
/// Events of one request.
const PAGE_EVENTS: usize = 500;

/// The company's events
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print events in order; with --follow an event a line, with --json too
    #[command(
        before_help = "Examples:\n  muniment events tail --follow\n  muniment events tail --after head --follow --output ndjson\n  \
                            muniment events tail --filter type=metric.alert_raised\n  \
                            muniment events tail --filter '{\"prefix\":{\"type\":\"metric.\"}}'"
    )]
    Tail {
        /// Go on after this position or cursor; `start` or `head`
        #[arg(long, default_value = "start", value_name = "POSITION")]
        after: String,
        /// Wait for more
        #[arg(long)]
        follow: bool,
        /// Only these: FIELD=VALUE (type, aggregate, account, company, metric, correlation), or a JSON filter
        #[arg(long, value_name = "FILTER")]
        filter: Vec<String>,
    },
}

/// How far the events are printed, for who is interrupted.
#[derive(Debug, Clone, Default)]
pub struct Printed(Arc<Mutex<Option<String>>>);

impl Printed {
    fn upto(&self, after: String) {
        *self.0.lock() = Some(after);
    }

    /// Says with which `--after` nothing is printed twice and nothing left out.
    #[must_use]
    pub fn farewell(&self) -> Farewell {
        let printed = self.clone();
        Arc::new(move || match &*printed.0.lock() {
            Some(after) => format!("interrupted; {}", goes_on(after)),
            None => "interrupted".to_owned(),
        })
    }
}

fn goes_on(after: &str) -> String {
    format!("the same command with --after {after} goes on")
}

/// Prints events.
///
/// # Errors
/// When the server refuses, or is away for longer than `--timeout`.
pub async fn events(session: &Session, command: Events, printed: &Printed) -> Result<()> {
    let Events::Tail { mut after, follow, filter } = command;
    let auth = session.either()?;
    let filter = compiled(&filter)?;
    if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        after = cursor(session, &auth, &after).await?;
    }
    // What has no end cannot be one document; everything else with `--json` is.
    let one_document = session.printer.is_one_document() && !follow;
    let (mut collected, begun) = (Vec::new(), after.clone());
    loop {
        let call = |wait: u64| {
            let query = [("after", after.clone()), ("limit", PAGE_EVENTS.to_string()), ("wait", wait.to_string())];
            let filter = filter.iter().map(|filter| ("filter", filter.to_string()));
            Call::get(&["v1", "events"]).query(query).query(filter).auth(auth.clone())
        };
        let page = tokio::select! {
            page = poll(session, call, if follow { WAIT_SECONDS } else { 0 }) => page,
            () = unread(), if follow => return Err(Exit::Unread.because("nobody reads the events")),
        };
        // What is refused as it stands does not go on, and behind a position of another record there is nothing to go on to.
        let page = page.map_err(|error| match exit::of(&error) {
            Exit::Failure => error,
            Exit::Conflict => {
                with_next(error, "the same command with --after start reads the record that is there now")
            }
            // Of a document that was not printed nothing is gone on behind.
            _ => with_next(error, goes_on(if one_document { &begun } else { &after })),
        })?;
        let store = cell(&page["store"]);
        for event in page["events"].as_array().into_iter().flatten() {
            if one_document {
                collected.push(event.clone());
                continue;
            }
            session.printer.line(event, || {
                let (position, at, what) = (cell(&event["p"]), cell(&event["at"]), cell(&event["type"]));
                format!("{position}  {at}  {what}  {}", cell(&event["data"]))
            })?;
            printed.upto(format!("{store}:{}", cell(&event["p"])));
        }
        let next = page["next"].as_str().context("the answer has no next")?;
        if !follow && page["upto"] == page["head"] {
            if one_document {
                let whole = json!({ "events": collected, "next": next });
                session.printer.result(&whole, Vec::new)?;
            }
            return Ok(());
        }
        next.clone_into(&mut after);
        if !one_document {
            // Further than the last event where a filter left out what followed.
            printed.upto(after.clone());
        }
    }
}

/// Waits until nobody reads standard output any more, which a pipe tells of without being written to. What else it may be,
/// as a file, always has its reader.
async fn unread() {
    // Only looked at: whoever writes has the other handle, which keeps its mode.
    let looked_at = std::io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    if let Ok(output) = looked_at
        && output.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// A position that a person names, as a cursor of the record that the server has now.
async fn cursor(session: &Session, auth: &Auth, position: &str) -> Result<String> {
    let head = vec![("after", "head".to_owned())];
    let call = Call::get(&["v1", "events"]).query(head).auth(auth.clone());
    let answer = session.api.insist(&call).await.map_err(CallError::ending)?;
    let store = answer["store"].as_str().context("the answer has no store")?;
    Ok(format!("{store}:{position}"))
}

/// One answer, asked for with so many seconds that the server waits for something to happen. One that restarts is waited
/// for as long as `--timeout` allows; the cursor loses nothing.
async fn poll<'a>(session: &Session, call: impl Fn(u64) -> Call<'a>, wait: u64) -> Result<Value> {
    match session.api.once(&call(wait), session.global.timeout + Duration::from_secs(wait)).await {
        // It is to say that it is there, and not first to wait for longer than it may still take.
        Err(error) if error.is_transient() => session.api.insist(&call(0)).await.map_err(CallError::ending),
        other => other.map_err(CallError::ending),
    }
}

fn compiled(filters: &[String]) -> Result<Option<Value>> {
    let mut parts = Vec::new();
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for filter in filters {
        if filter.trim_start().starts_with('{') {
            let tree = serde_json::from_str(filter);
            parts.push(tree.map_err(|error| Exit::Usage.because(format!("--filter is no JSON: {error}")))?);
        } else {
            let refused = || Exit::Usage.because(format!("--filter {filter:?} must be FIELD=VALUE or JSON"));
            let (field, value) = filter.split_once('=').ok_or_else(refused)?;
            fields.entry(field.trim()).or_default().push(value.trim());
        }
    }
    parts.extend(fields.into_iter().map(|(field, values)| json!({ "in": { field: values } })));
    Ok(match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(json!({ "all": parts })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_field_are_alternatives_and_fields_add_up() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(compiled(&[]).unwrap(), None);
        let one = compiled(&texts(&["type=a", "type=b"])).unwrap();
        assert_eq!(one, Some(json!({ "in": { "type": ["a", "b"] } })));
        let both = compiled(&texts(&["{\"exists\":\"metric\"}", "type=a"])).unwrap();
        assert_eq!(both, Some(json!({ "all": [{ "exists": "metric" }, { "in": { "type": ["a"] } }] })));
        assert!(compiled(&texts(&["type"])).is_err() && compiled(&texts(&["{"])).is_err());
    }
}
