//! Erases a person: account and sessions end, and the key of their personal values is destroyed, in one append.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use muniment_aggregates::account::{self, ACCOUNT_EMAIL_CLAIM, Account};
use muniment_aggregates::record::Who;
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{self, Session};
use muniment_aggregates::subject::{self, Subject};
use muniment_journal::{Journal, SubjectAlias};
use serde_json::json;
use uuid::Uuid;

use super::open::{self, StoreFlags};
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::output::Printer;
use crate::runtime::{BusError, Clock, CommandBus, Origin};

/// Erase a person's data for ever
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  muniment erase ana@example.com\n  muniment erase 3f2b… --yes --reason 'request of 2026-11-20'\n\
With the embedded store, stop the server first. Backups keep the old keys until their .keys files are renewed."
)]
pub struct Erase {
    /// Account id or e-mail address
    who: String,
    /// Why; nothing personal
    #[arg(long, default_value = "requested")]
    reason: String,
    #[command(flatten)]
    store: StoreFlags,
}

/// Who is to be erased.
struct Person {
    account: Option<String>,
    subject: SubjectId,
}

/// Erases. Runs on an actix system, because the decisions are the actors'.
///
/// # Errors
/// When nobody is found, it is not confirmed, or the record cannot be written.
pub async fn erase(global: &Global, command: &Erase) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::writing(&config).await?;
    let outcome = erase_in(global, command, &journal).await;
    journal.shutdown().await;
    outcome
}

async fn erase_in(global: &Global, command: &Erase, journal: &Journal) -> Result<()> {
    let bus = CommandBus::new(journal.clone(), Clock::system(), Arc::from([]));
    let person = find(journal, &bus, &command.who).await?;
    let name = person.account.as_deref().unwrap_or(&person.subject.0);
    let what = format!("All personal data of {name} becomes unreadable, for ever and everywhere");
    ask::confirm(global, &what, name)?;
    let origin = Origin {
        who: Who::Operator,
        client: None,
        correlation: Uuid::new_v4().to_string(),
        causation: None,
        surface: "cli",
        command: "erase",
    };
    let committed = bus
        .transact(&origin, async |transaction| {
            let mut sessions = 0_usize;
            if let Some(id) = &person.account {
                let mut account = transaction.load::<Account, String>(id).await?;
                for opened in account.state.sessions().to_vec() {
                    let mut session = transaction.load::<Session, String>(&opened.session.0).await?;
                    if session.version == 0 {
                        continue;
                    }
                    let revoke = session::Revoke { reason: "account_erased".to_owned() };
                    transaction.decide(&mut session, &revoke.into()).map_err(said)?;
                    sessions += 1;
                }
                let erase = account::Erase { reason: command.reason.clone() };
                transaction.decide(&mut account, &erase.into()).map_err(said)?;
            }
            let mut subject = transaction.load::<Subject, String>(&person.subject.0).await?;
            let erase = subject::Erase { reason: command.reason.clone() };
            transaction.decide(&mut subject, &erase.into()).map_err(said)?;
            transaction.erase(person.subject.clone());
            Ok(sessions)
        })
        .await
        .map_err(ended)?;
    let shown = json!({
        "account_id": person.account,
        "subject": person.subject,
        "sessions_ended": committed.value,
        "position": committed.appended.map(|appended| appended.last.to_string()),
    });
    Printer::new(global).result(&shown, || {
        let done = match committed.appended {
            Some(appended) => format!("Erased at position {}; {} sessions ended", appended.last, committed.value),
            None => "Erased already; nothing was recorded".to_owned(),
        };
        vec![done, "Renew the .keys file of every backup: `muniment backup <file>` writes one".to_owned()]
    })
}

/// A refusal as its reason code, so that three aggregates speak one language here.
fn said<R: muniment_aggregates::decider::Refuse>(error: BusError<R>) -> BusError<String> {
    error.map_refusal(|refusal| refusal.reason().to_owned())
}

fn ended(error: BusError<String>) -> anyhow::Error {
    let exit = match &error {
        BusError::Refused(_) | BusError::Duplicate { .. } | BusError::ClaimTaken { .. } => Exit::Conflict,
        BusError::Overloaded | BusError::Unavailable(_) => Exit::Unavailable,
        BusError::Panicked { .. } => Exit::Failure,
    };
    exit.because(format!("nothing was erased: {error}"))
}

async fn find(journal: &Journal, bus: &CommandBus, who: &str) -> Result<Person> {
    let nobody = || Exit::NotFound.because(format!("there is no account or founder {who}"));
    if who.contains('@') {
        let email = who.trim().to_lowercase();
        let subject = journal.keyring().find_subject(&SubjectAlias::email(&email)).await?.ok_or_else(nobody)?;
        let owner = journal.claim_owner(ACCOUNT_EMAIL_CLAIM, &email).await?;
        return Ok(Person { account: owner.map(|stream| stream.id.to_string()), subject });
    }
    let folded = bus.state::<Account>(who).await.context("the account cannot be read")?;
    let subject = folded.state.registered().map(|registered| registered.subject.clone()).ok_or_else(nobody)?;
    Ok(Person { account: Some(who.to_owned()), subject })
}
