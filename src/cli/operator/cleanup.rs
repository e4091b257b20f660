//! The sweep of what ran out, asked for by hand; a running server makes it by itself.

use anyhow::Result;
use chrono::Utc;
use clap::Args;
use muniment_journal::Journal;
use muniment_projections::{OnMismatch, offers, sessions};
use serde_json::json;
use tokio::sync::watch;

use super::keeper;
use super::open::{self, StoreFlags};
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::output::Printer;
use crate::config::Config;
use crate::runtime::policies::cleanup::sweep;

/// Close expired sessions and note lapsed offers now; a running server does it every `cleanup.interval`
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  muniment cleanup --json",
    after_help = "With the embedded store, stop the server first."
)]
pub struct Cleanup {
    #[command(flatten)]
    store: StoreFlags,
}

/// Sweeps once.
///
/// # Errors
/// When the record or the read models cannot be opened, or one of what ran out could not be swept.
pub async fn cleanup(global: &Global, command: &Cleanup) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::writing(&config).await?;
    let outcome = cleanup_in(global, &config, &journal).await;
    journal.shutdown().await;
    outcome
}

async fn cleanup_in(global: &Global, config: &Config, journal: &Journal) -> Result<()> {
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    open::catch_up(journal, &store, &sessions::Sessions).await?;
    open::catch_up(journal, &store, &offers::Offers).await?;
    // Ctrl-C ends the process.
    let never = watch::Sender::new(false).subscribe();
    let swept = sweep(&keeper::bus(journal), &store, Utc::now(), &never).await?;
    let shown = json!({ "expired_sessions": swept.expired_sessions, "expired_offers": swept.expired_offers });
    let lines = || vec![format!("{} sessions closed, {} offers lapsed", swept.expired_sessions, swept.expired_offers)];
    let ended = if swept.failures == 0 {
        Ok(())
    } else {
        Err(Exit::Failure.because(format!("{} could not be swept; the log says which", swept.failures)))
    };
    Printer::new(global).verdict(&shown, lines, ended)
}
