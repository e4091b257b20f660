//! Lets an account sign in again at once after too many wrong passwords, its own or somebody else's.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::note::{Note, NoteCommand, Record};
use muniment_journal::Journal;
use muniment_projections::OnMismatch;
use serde_json::json;
use uuid::Uuid;

use super::keeper;
use super::open::{self, StoreFlags};
use crate::cli::flags::Global;
use crate::cli::output::Printer;
use crate::config::Config;
use crate::config::audit_events::THROTTLE_LIFTED;
use crate::surface::limits::forgive_sign_in;

/// `account unthrottle`.
#[derive(Debug, Args)]
pub struct Unthrottle {
    /// Username, e-mail address or account id
    account: String,
    #[command(flatten)]
    store: StoreFlags,
}

/// Forgets the failures that are counted against the account. Those of an address go on counting.
pub(super) async fn unthrottle(global: &Global, command: &Unthrottle) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::writing(&config).await?;
    let outcome = unthrottle_in(global, command, &config, &journal).await;
    journal.shutdown().await;
    outcome
}

async fn unthrottle_in(global: &Global, command: &Unthrottle, config: &Config, journal: &Journal) -> Result<()> {
    let id = keeper::account(journal, &command.account).await?;
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    // On record first: what is lifted without a row is not lifted.
    let note = NoteCommand::Record(Record {
        what: THROTTLE_LIFTED.to_owned(),
        is_failure: false,
        account: None,
        target_account: Some(id.clone()),
        details: None,
    });
    let bus = keeper::bus(journal);
    let done = bus.execute::<Note>(&Uuid::new_v4().to_string(), note, &keeper::origin("account_unthrottle")).await;
    let done = done.map_err(|error| keeper::ended("nothing was lifted", error))?;
    let was_counted = forgive_sign_in(&store, journal.keyring(), &id).await?;
    let shown = json!({
        "id": id,
        "was_counted": was_counted,
        "position": done.position.map(|position| position.to_string()),
    });
    Printer::new(global).result(&shown, || {
        vec![if was_counted {
            format!("{} may sign in again; its failures are forgotten", command.account)
        } else {
            format!("{} had no failures that count", command.account)
        }]
    })
}
