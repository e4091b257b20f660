//! An aggregate as it was: its stream folded up to a moment by the aggregate's own `evolve`.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::account::Account;
use muniment_aggregates::application::Application;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::metric::Metric;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::record::{Position, StreamId};
use muniment_aggregates::seal_context::InStream;
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
use crate::runtime::documents::{Change, changes};
use crate::runtime::fold::{self, fold_while};
use crate::runtime::kinds::{KINDS, OfAnyKind, of_kind};

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
    let item = |change: Change| json!({ "path": change.path, "before": change.before, "after": change.after });
    let items: Vec<Value> = changes(&before.state, &after.state).into_iter().map(item).collect();
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

/// A stream, folded up to a moment.
struct Fold<'a> {
    journal: &'a Journal,
    stream: &'a StreamId,
    at: Position,
    progress: Progress,
}

impl OfAnyKind for Fold<'_> {
    type Output = Result<Folded>;

    async fn with<D: Decider>(self) -> Result<Folded> {
        let Self { journal, stream, at, progress } = self;
        let reached = |reached: Position| progress.at(reached.0, at.0);
        let folding = fold_while::<D>(journal, stream, fold::Folded::nothing(), |event| event.position <= at, reached);
        let folded = folding.await.map_err(unfolded)?;
        Ok(Folded { state: serde_json::to_value(&*folded.state)?, sequence: folded.version })
    }
}

async fn fold(journal: &Journal, stream: &StreamId, at: Position, global: &Global) -> Result<Folded> {
    let progress = Progress::new(global, format!("replay {stream}"));
    let (kind, names) = (&*stream.kind, KINDS.join(", "));
    of_kind(kind, Fold { journal, stream, at, progress })
        .await
        .unwrap_or_else(|| Err(Exit::Usage.because(format!("there is no aggregate called {kind}; there are {names}"))))
}
