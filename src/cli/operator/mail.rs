//! The outbox as an operator sees it, and a mail that proves that mail works.

use anyhow::Result;
use clap::Subcommand;
use muniment_aggregates::wire;
use serde_json::{Value, json};
use uuid::Uuid;

use super::open::{self, StoreFlags};
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::listing::print_part;
use crate::cli::output::Printer;
use crate::runtime::policies::letters::{Letter, Sender};

/// Outgoing mail
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// What waits, was sent or was given up; addresses and texts stay sealed
    #[command(before_help = "Example:\n  muniment mail outbox --limit 10")]
    Outbox {
        /// How many entries
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: usize,
        /// Where the record is
        #[command(flatten)]
        store: StoreFlags,
    },
    /// Send one mail now
    #[command(before_help = "Example:\n  muniment mail test ana@example.com")]
    Test {
        /// To whom
        address: String,
        /// Where the record is
        #[command(flatten)]
        store: StoreFlags,
    },
}

/// Runs one.
///
/// # Errors
/// When the outbox cannot be read, or the mail cannot be sent.
pub async fn mail(global: &Global, command: Mail) -> Result<()> {
    let printer = Printer::new(global);
    match command {
        Mail::Outbox { limit, store } => outbox(&printer, limit, &store).await,
        Mail::Test { address, store } => {
            let config = store.load()?.config;
            let Some(sender) = Sender::of(&config.mail) else {
                return Err(Exit::Usage.because("mail is off: set mail.smtp_url and mail.from_email"));
            };
            let sender = sender?;
            let taker = sender.taker();
            let letter = Letter::Trial { to: address.clone() };
            let sent = sender.send(&Uuid::new_v4().to_string(), &letter).await;
            sent.map_err(|error| Exit::Unavailable.because_of("the mail was not sent", error))?;
            let shown = json!({ "ok": true, "host": taker });
            printer.result(&shown, || vec![format!("{taker} took the mail to {address}")])
        }
    }
}

async fn outbox(printer: &Printer, limit: usize, store: &StoreFlags) -> Result<()> {
    let journal = open::reading(&store.load()?.config).await?;
    let outbox = journal.outbox();
    let counts = outbox.counts().await?;
    let mut listed = outbox.list(limit.saturating_add(1)).await?;
    let is_cut = listed.len() > limit;
    listed.truncate(limit);
    let rest = is_cut.then(|| format!("older mails are left out; --limit lists more than these {limit}"));
    let entries: Vec<Value> = listed
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "position": entry.position.to_string(),
                "status": entry.status.as_str(),
                "attempts": entry.attempts,
                "created_at": wire::instant(entry.created_at),
                "next_attempt_at": wire::instant(entry.next_attempt_at),
                "expires_at": wire::instant(entry.expires_at),
                "last_error": entry.last_error,
            })
        })
        .collect();
    // A person reads the totals in the statuses; a program that asks for them by name must not meet the words.
    let totals = json!({ "waiting": counts.pending, "delivered": counts.sent, "given_up": counts.failed });
    let shown = json!({ "totals": totals, "mails": entries });
    let columns = ["id", "status", "attempts", "created_at", "next_attempt_at", "last_error"];
    print_part(printer, shown, &entries, &columns, rest)
}
