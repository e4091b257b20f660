//! An aggregate as it was: its stream folded up to a moment by the aggregate's own `evolve`.

use anyhow::{Context as _, Result};
use clap::Args;
use muniment_aggregates::account::Account;
use muniment_aggregates::application::Application;
use muniment_aggregates::attempt::Attempt;
use muniment_aggregates::catalog;
use muniment_aggregates::challenge::Challenge;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::invite::Invite;
use muniment_aggregates::metric::Metric;
use muniment_aggregates::note::Note;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::record::{Position, StreamId};
use muniment_aggregates::roster::Roster;
use muniment_aggregates::scheduler::Scheduler;
use muniment_aggregates::scope::Scope;
use muniment_aggregates::seal_context::InStream;
use muniment_aggregates::session::Session;
use muniment_aggregates::settings::Settings;
use muniment_aggregates::subject::Subject;
use muniment_journal::Journal;
use serde_json::{Value, json};

use super::event::reveal;
use super::stream;
use crate::cli::exit::{Exit, unfolded, with_next};
use crate::cli::flags::Global;
use crate::cli::operator::moment::{Moment, last_position, moment};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::runtime::fold::expect_next;
use crate::runtime::limits::PAGE_EVENTS;

/// `audit state`.
#[derive(Debug, Args)]
pub struct State {
    /// The stream, <kind>/<id>
    #[arg(value_parser = stream)]
    stream: StreamId,
    /// The moment, right after what it names: a position, or a time as lists show it [default: now]
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    at: Option<Moment>,
    /// Open personal values
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// `audit diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The stream, <kind>/<id>
    #[arg(value_parser = stream)]
    stream: StreamId,
    /// The earlier moment: a position, or a time as lists show it
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    from: Moment,
    /// The later moment [default: now]
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    at: Option<Moment>,
    #[command(flatten)]
    store: StoreFlags,
}

/// The first words of streams.
const KINDS: [&str; 14] = [
    Account::TYPE,
    Application::TYPE,
    Attempt::TYPE,
    Challenge::TYPE,
    Invite::TYPE,
    Metric::TYPE,
    Note::TYPE,
    OfferBook::TYPE,
    Roster::TYPE,
    Scheduler::TYPE,
    Scope::TYPE,
    Session::TYPE,
    Settings::TYPE,
    Subject::TYPE,
];

/// How a command ends for a stream that had no event yet, or never has one.
fn nothing_there(stream: &StreamId, at: Position) -> anyhow::Error {
    let ended = Exit::NotFound.because(format!("{stream} has no event at or before position {at}"));
    // Streams are named by ids, and people know keys, names and addresses.
    let next = match &*stream.kind {
        Metric::TYPE => "`muniment audit log --resource-type metric` lists the ids of metrics, and since when they are",
        Account::TYPE | OfferBook::TYPE => "`muniment account show <account>` prints the id of an account",
        Application::TYPE => {
            "`muniment audit log --resource-type application` lists their ids, and since when they are"
        }
        _ => return ended,
    };
    with_next(ended, next)
}

/// Prints a state.
pub(super) async fn state(global: &Global, printer: &Printer, command: &State) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let at = last_position(&journal, command.at).await?;
    let mut folded = fold(&journal, &command.stream, at, global).await?;
    if folded.sequence == 0 {
        return Err(nothing_there(&command.stream, at));
    }
    if command.reveal {
        reveal(&mut folded.state, &InStream::of(&command.stream, None), journal.keyring()).await?;
    }
    let shown = json!({
        "stream": command.stream.to_string(),
        "at": at.to_string(),
        "sequence": folded.sequence,
        "state": folded.state,
    });
    printer.result(&shown, || {
        // A Value serialises to text without a failing case.
        let pretty = serde_json::to_string_pretty(&folded.state).unwrap_or_default();
        let head = format!("{} at position {at}, event {} of its stream", command.stream, folded.sequence);
        std::iter::once(head).chain(pretty.lines().map(str::to_owned)).collect()
    })
}

/// Prints what differs between two states.
pub(super) async fn diff(global: &Global, printer: &Printer, command: &Diff) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let from = last_position(&journal, Some(command.from)).await?;
    let at = last_position(&journal, command.at).await?;
    if from > at {
        return Err(Exit::Usage.because(format!("--from is position {from}, later than --at, which is {at}")));
    }
    let before = fold(&journal, &command.stream, from, global).await?;
    let after = fold(&journal, &command.stream, at, global).await?;
    if after.sequence == 0 {
        return Err(nothing_there(&command.stream, at));
    }
    let mut changes = Vec::new();
    compare("", &before.state, &after.state, &mut changes);
    let items: Vec<Value> =
        changes.iter().map(|(path, before, after)| json!({ "path": path, "before": before, "after": after })).collect();
    let shown = json!({
        "stream": command.stream.to_string(),
        "from": from.to_string(),
        "at": at.to_string(),
        "changes": items,
    });
    printer.list(&shown, &items, &["path", "before", "after"])
}

struct Folded {
    state: Value,
    sequence: u64,
}

async fn fold(journal: &Journal, stream: &StreamId, at: Position, global: &Global) -> Result<Folded> {
    let progress = Progress::new(global, format!("replay {stream}"));
    match &*stream.kind {
        Metric::TYPE => fold_as::<Metric>(journal, stream, at, &progress).await,
        Application::TYPE => fold_as::<Application>(journal, stream, at, &progress).await,
        Challenge::TYPE => fold_as::<Challenge>(journal, stream, at, &progress).await,
        Account::TYPE => fold_as::<Account>(journal, stream, at, &progress).await,
        Session::TYPE => fold_as::<Session>(journal, stream, at, &progress).await,
        OfferBook::TYPE => fold_as::<OfferBook>(journal, stream, at, &progress).await,
        Scope::TYPE => fold_as::<Scope>(journal, stream, at, &progress).await,
        Roster::TYPE => fold_as::<Roster>(journal, stream, at, &progress).await,
        Invite::TYPE => fold_as::<Invite>(journal, stream, at, &progress).await,
        Settings::TYPE => fold_as::<Settings>(journal, stream, at, &progress).await,
        Attempt::TYPE => fold_as::<Attempt>(journal, stream, at, &progress).await,
        Note::TYPE => fold_as::<Note>(journal, stream, at, &progress).await,
        Scheduler::TYPE => fold_as::<Scheduler>(journal, stream, at, &progress).await,
        Subject::TYPE => fold_as::<Subject>(journal, stream, at, &progress).await,
        other => {
            Err(Exit::Usage.because(format!("there is no aggregate called {other}; there are {}", KINDS.join(", "))))
        }
    }
}

async fn fold_as<D: Decider>(
    journal: &Journal,
    stream: &StreamId,
    at: Position,
    progress: &Progress,
) -> Result<Folded> {
    let (mut state, mut sequence, mut reached) = (D::default(), 0, Position::START);
    loop {
        let page = journal.read_stream(stream, sequence, PAGE_EVENTS).await?;
        let full = page.len() == PAGE_EVENTS;
        for event in page {
            // Also of the first event after the moment: what is missing before it may be of before.
            expect_next(&event, sequence).map_err(unfolded)?;
            if event.position > at {
                return Ok(Folded { state: serde_json::to_value(&state)?, sequence });
            }
            let decoded = catalog::decode_recorded::<D::Event>(&event);
            state.evolve(&decoded.with_context(|| format!("position {} cannot be read", event.position))?);
            sequence = event.sequence;
            reached = event.position;
        }
        progress.at(reached.0, at.0);
        if !full {
            return Ok(Folded { state: serde_json::to_value(&state)?, sequence });
        }
    }
}

/// Collects the paths at which two documents differ, with both values.
fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<(String, Value, Value)>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, after) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let none = Value::Null;
            for key in keys {
                compare(&inside(key), left.get(key).unwrap_or(&none), right.get(key).unwrap_or(&none), changes);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&inside(&index.to_string()), left, right, changes);
            }
        }
        (before, after) if before == after => {}
        (before, after) => changes.push((path.to_owned(), before.clone(), after.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_its_path() {
        let before = json!({ "a": 1, "b": { "c": [1, 2] }, "gone": true });
        let after = json!({ "a": 1, "b": { "c": [1, 3] }, "new": "x" });
        let mut changes = Vec::new();
        compare("", &before, &after, &mut changes);
        let paths: Vec<&str> = changes.iter().map(|(path, _, _)| path.as_str()).collect();
        assert_eq!(paths, ["b.c.1", "gone", "new"]);
        assert_eq!(changes[0].1, json!(2));
    }
}
