//! Every event as it is stored, one JSON object a line.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::Position;

use super::event::as_json;
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
    /// End at this position or time [default: the head]
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
        let Some(last) = page.last() else { break };
        let mut wanted = page.iter().take_while(|event| event.position <= until);
        print(|out| wanted.try_for_each(|event| writeln!(out, "{}", as_json(event))))?;
        at = last.position.min(until);
        progress.at(at.0, until.0);
    }
    Ok(())
}
