//! The investigator's commands. An audit is a replay of the record: nothing here has a log of its own.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use muniment_aggregates::metric::timestamp;
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::Journal;

use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::operator::open::StoreFlags;
use crate::cli::output::Printer;

mod event;
mod export;
mod log;
mod state;
mod trace;
mod verify;

/// Investigate the record
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Prove that no event was changed, removed, inserted or moved; exit 7 names the first bad position
    #[command(
        after_help = "Examples:\n  muniment audit verify\n  muniment audit verify --checkpoint head-2026-11-20.txt"
    )]
    Verify(verify::Verify),
    /// Print a signed statement of the head, to be kept elsewhere
    #[command(after_help = "Example:\n  muniment audit checkpoint > head-$(date +%F).txt")]
    Checkpoint(StoreFlags),
    /// List what was done, newest first
    #[command(after_help = "Examples:\n  muniment audit log --limit 20\n  \
                            muniment audit log --action metric_point.created --company co_… --output ndjson")]
    Log(log::Log),
    /// Show one event, whole
    Show(event::Show),
    /// What an aggregate was at a position or time
    #[command(after_help = "Examples:\n  muniment audit state metric/metric_…\n  \
                            muniment audit state metric/metric_… --at 2026-03-31T23:59:59Z")]
    State(state::State),
    /// What changed in an aggregate between two positions or times
    #[command(after_help = "Example:\n  muniment audit diff metric/metric_… --from 120 --at 2026-04-01")]
    Diff(state::Diff),
    /// What caused an event and what it caused
    Trace(trace::Trace),
    /// Print every event as a JSON object a line; personal values stay sealed
    #[command(after_help = "Example:\n  muniment audit export --after 1000 > events.ndjson")]
    Export(export::Export),
}

/// Runs one.
///
/// # Errors
/// When the record cannot be read, or a check fails.
pub async fn audit(global: &Global, command: Audit) -> Result<()> {
    let printer = Printer::new(global);
    match command {
        Audit::Verify(command) => verify::verify(global, &printer, &command).await,
        Audit::Checkpoint(store) => verify::checkpoint(&printer, &store).await,
        Audit::Log(command) => log::log(&printer, &command).await,
        Audit::Show(command) => event::show(&printer, &command).await,
        Audit::State(command) => state::state(&printer, &command).await,
        Audit::Diff(command) => state::diff(&printer, &command).await,
        Audit::Trace(command) => trace::trace(global, &printer, &command).await,
        Audit::Export(command) => export::export(global, &command).await,
    }
}

/// A place in the record as a person names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Position(Position),
    Time(DateTime<Utc>),
}

/// A position, or a time as metrics take it.
fn moment(text: &str) -> Result<Moment, String> {
    // Four digits are a position here, not a year: a year alone names no moment.
    if let Ok(position) = text.parse() {
        return Ok(Moment::Position(Position(position)));
    }
    let time = timestamp::parse(text).map_err(|_| "write a position as 120, or a time as 2026-03-31T23:59:59Z")?;
    Ok(Moment::Time(time))
}

/// `<kind>/<id>`.
fn stream(text: &str) -> Result<StreamId, String> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(StreamId::new(kind, id)),
        _ => Err("a stream is <kind>/<id>, as metric/metric_…".to_owned()),
    }
}

/// The last position recorded at or before a moment. Times of recording never go backwards along positions.
async fn last_position(journal: &Journal, moment: Option<Moment>) -> Result<Position> {
    let head = journal.head();
    let time = match moment {
        None => return Ok(head),
        Some(Moment::Position(position)) if position > head => {
            return Err(Exit::NotFound.because(format!("position {position} is beyond the head {head}")));
        }
        Some(Moment::Position(position)) => return Ok(position),
        Some(Moment::Time(time)) => time,
    };
    let (mut before, mut after) = (0, head.0);
    while before < after {
        let middle = before + (after - before).div_ceil(2);
        let event = journal.event(Position(middle)).await?.with_context(|| format!("position {middle} is missing"))?;
        if event.recorded_at <= time { before = middle } else { after = middle - 1 }
    }
    Ok(Position(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_positions_or_times() {
        assert_eq!(moment("2026"), Ok(Moment::Position(Position(2026))));
        assert!(matches!(moment("2026-03-31"), Ok(Moment::Time(_))));
        assert!(moment("yesterday").is_err());
        assert!(stream("metric/").is_err() && stream("metric").is_err());
        assert_eq!(stream("metric/m/1").unwrap().to_string(), "metric/m/1");
    }
}
