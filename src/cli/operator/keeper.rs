//! What the commands share that write as whoever has the server's files.

use std::sync::Arc;

use anyhow::Result;
use muniment_aggregates::ids::AccountId;
use muniment_journal::Journal;

use crate::cli::exit::{Exit, unfolded};
use crate::runtime::why::find_account;
use crate::runtime::{BusError, Clock, CommandBus};

pub use crate::runtime::accounts::origin;

/// A way in for commands, its actors on this thread.
#[must_use]
pub fn bus(journal: &Journal) -> CommandBus {
    CommandBus::new(journal.clone(), Clock::system(), Arc::from([]))
}

/// The account of a username, an e-mail address or an id.
///
/// # Errors
/// When there is none, or the record cannot be read.
pub async fn account(journal: &Journal, named: &str) -> Result<AccountId> {
    let found = find_account(journal, named).await.map_err(unfolded)?;
    found.ok_or_else(|| Exit::NotFound.because(format!("there is no account {named}")))
}

/// How the program ends because what follows a recorded command could not be looked up; `what` says what stands. The same was
/// looked up before the command was recorded, so another try is worth it.
pub fn cut_short(what: &str, error: anyhow::Error) -> anyhow::Error {
    Exit::Unavailable.because_of(what, error)
}

/// How the program ends because a command was not recorded.
pub fn ended<R: std::fmt::Display>(what: &str, error: BusError<R>) -> anyhow::Error {
    let exit = match &error {
        BusError::Refused(_) | BusError::Duplicate { .. } | BusError::ClaimTaken { .. } => Exit::Conflict,
        BusError::Fenced | BusError::Overloaded | BusError::Unavailable(_) | BusError::Uncertain(_) => {
            Exit::Unavailable
        }
        BusError::TooLarge(_) | BusError::Panicked { .. } | BusError::Fault(_) | BusError::Unreadable { .. } => {
            Exit::Failure
        }
    };
    let why = match error {
        BusError::Refused(reason) => reason.to_string(),
        BusError::Duplicate { position, .. } => format!("recorded already at position {position}"),
        BusError::ClaimTaken { namespace, owner } => format!("{namespace} is taken by {owner}"),
        BusError::Overloaded => "a queue is full; try again".to_owned(),
        BusError::Unavailable(why) => why,
        BusError::Uncertain(why) => {
            format!("it is not known whether this was recorded, look before you repeat it: {why}")
        }
        error @ (BusError::Fenced
        | BusError::TooLarge(_)
        | BusError::Panicked { .. }
        | BusError::Fault(_)
        | BusError::Unreadable { .. }) => error.to_string(),
    };
    exit.because(format!("{what}: {why}"))
}
