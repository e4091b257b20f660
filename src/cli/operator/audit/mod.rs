//! The investigator's commands. An audit is a replay of the record: nothing here has a log of its own.

use anyhow::Result;
use clap::Subcommand;
use muniment_aggregates::record::StreamId;

use crate::cli::flags::Global;
use crate::cli::operator::open::StoreFlags;
use crate::cli::output::Printer;

mod accounts;
pub mod event;
mod export;
mod log;
mod record;
mod recounted;
mod state;
mod trace;
mod verify;

/// Investigate the record
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Prove that no event was changed, removed, inserted or moved, and that what is acted on beside the events is what they
    /// give; exit 7 names the first bad position, claim or snapshot
    #[command(
        before_help = "Examples:\n  muniment audit verify\n  muniment audit verify --checkpoint head-2026-11-20.txt",
        after_help = "It covers the rows of events, those before position 1 too, what leads from streams and dedupe keys to them, the\n\
                      head and the epochs. Claims (whose an address, a username or a key is) and snapshots (the states that are loaded\n\
                      in place of old events) are counted again from the events: each claim must be of the event that took it, and each\n\
                      snapshot what its events give. Snapshots in the form of another program are passed over, for nothing loads them.\n\
                      Read models are compared by `muniment projections verify`."
    )]
    Verify(verify::Verify),
    /// Print a signed statement of the head, to be kept elsewhere
    #[command(before_help = "Example:\n  muniment audit checkpoint > head-$(date +%F).txt")]
    Checkpoint(StoreFlags),
    /// List what was done to applications, metrics, points, alerts and agent tokens, newest first; `audit accounts` has
    /// accounts and roles
    #[command(before_help = "Examples:\n  muniment audit log --limit 20\n  \
                            muniment audit log --action metric_point.created --company co_… --output ndjson\n  \
                            muniment audit log --account ana")]
    Log(log::Log),
    /// List what happened to accounts, roles and offers, refusals too, newest first
    #[command(before_help = "Examples:\n  muniment audit accounts --account ana\n  \
                            muniment audit accounts --event-type login --outcome failure --json")]
    Accounts(accounts::Accounts),
    /// Show one event, whole
    #[command(before_help = "Examples:\n  muniment audit show 120\n  muniment audit show 120 --reveal --json")]
    Show(event::Show),
    /// What an aggregate was at a position or time
    #[command(before_help = "Examples:\n  muniment audit state metric/metric_…\n  \
                            muniment audit state metric/metric_… --at 2026-03-31T23:59:59Z\n  \
                            muniment audit state offer/3f2b…      # offers to an account and roles it holds\n  \
                            muniment audit state roster/main      # who holds keeper and admin")]
    State(state::State),
    /// What changed in an aggregate between two positions or times
    #[command(before_help = "Example:\n  muniment audit diff metric/metric_… --from 120 --at 2026-04-01")]
    Diff(state::Diff),
    /// What caused an event and what it caused; or what a request recorded
    #[command(before_help = "Examples:\n  muniment audit trace 120\n  \
                            muniment audit trace --correlation 3f2b…   # the X-Request-Id of an answer")]
    Trace(trace::Trace),
    /// Print every event as a JSON object a line; personal values stay sealed
    #[command(before_help = "Example:\n  muniment audit export --after 1000 > events.ndjson")]
    Export(export::Export),
    /// Add an event of a type of your own; listed, filtered and streamed like the built-in ones
    #[command(
        before_help = "Example:\n  muniment audit record lesson.held --account ana --metadata '{\"pupils\": 12}'",
        after_help = "With the embedded store, stop the server first."
    )]
    Record(record::Record),
}

/// Runs one.
///
/// # Errors
/// When the record cannot be read or written, or a check fails.
pub async fn audit(global: &Global, command: Audit) -> Result<()> {
    let printer = Printer::new(global);
    match command {
        Audit::Verify(command) => verify::verify(global, &printer, &command).await,
        Audit::Checkpoint(store) => verify::checkpoint(&printer, &store).await,
        Audit::Log(command) => log::log(&printer, &command).await,
        Audit::Accounts(command) => accounts::list(&printer, &command).await,
        Audit::Show(command) => event::show(&printer, &command).await,
        Audit::State(command) => state::state(global, &printer, &command).await,
        Audit::Diff(command) => state::diff(global, &printer, &command).await,
        Audit::Trace(command) => trace::trace(global, &printer, &command).await,
        Audit::Export(command) => export::export(global, &command).await,
        Audit::Record(command) => record::record(global, &command).await,
    }
}

/// `<kind>/<id>`.
fn stream(text: &str) -> Result<StreamId, String> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(StreamId::new(kind, id)),
        _ => Err("a stream is <kind>/<id>, as metric/metric_…".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_a_kind_and_an_id() {
        assert!(stream("metric/").is_err() && stream("metric").is_err());
        assert_eq!(stream("metric/m/1").unwrap().to_string(), "metric/m/1");
    }
}
