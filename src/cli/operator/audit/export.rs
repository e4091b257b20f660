//! Every event as it is stored, one JSON object a line.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::Position;

use super::event::as_json;
use crate::cli::exit::damaged;
use crate::cli::flags::Global;
use crate::cli::operator::moment::{Moment, last_position, moment};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::print;
use crate::cli::progress::Progress;
use crate::runtime::limits::PAGE_EVENTS;

/// `audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Begin after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// End with this position, or with the last one of this time as lists show it [default: the head]
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    until: Option<Moment>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Prints the events.
pub(super) async fn export(global: &Global, command: &Export) -> Result<()> {
    let journal = open::reading(&command.store.load()?.config).await?;
    let until = last_position(&journal, command.until).await?;
    let progress = Progress::new(global, "export");
    let mut at = Position(command.after);
    while at < until {
        let page = journal.read(at, PAGE_EVENTS).await?;
        // A damaged record may lack events: what is printed ends there and is not taken for the whole.
        let following = page.iter().zip(at.0 + 1..=until.0).take_while(|(event, due)| event.position.0 == *due);
        let following: Vec<_> = following.map(|(event, _)| event).collect();
        print(|out| following.iter().try_for_each(|event| writeln!(out, "{}", as_json(event))))?;
        let Some(last) = following.last() else {
            let lacking = format!("the record lacks position {}, and what was printed ends before it", at.next());
            return Err(damaged(lacking));
        };
        at = last.position;
        progress.at(at.0, until.0);
    }
    Ok(())
}
