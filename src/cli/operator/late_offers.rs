//! Whom an account has offered something that is open, looked up and looked up again: what takes it back is in
//! `runtime/accounts/`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use muniment_aggregates::ids::{AccountId, OfferId};
use muniment_journal::Journal;
use muniment_projections::OnMismatch;
use muniment_projections::offers::{self, OfferRow};

use super::{keeper, open};
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::runtime::CommandBus;
use crate::runtime::accounts::taken_back::Made;

/// Offers read in one page.
const PAGE_OFFERS: usize = 1_000;
/// How often it is looked for offers that were made meanwhile; each look takes back up to `TAKEN_BACK_MAX`.
const LATE_LOOKS_MAX: usize = 100;

/// Whom the account has offered something that is open.
///
/// # Errors
/// When the record or the read model cannot be read.
pub(super) async fn recipients(made: &Made<'_>, config: &Config, journal: &Journal) -> Result<BTreeSet<AccountId>> {
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    // A server beside us records too.
    journal.confirm_head().await.context("the head of the record cannot be read")?;
    open::catch_up(journal, &store, &offers::Offers).await?;
    let (mut found, mut offset) = (BTreeSet::new(), 0);
    loop {
        let page = offers::history(&store, made.by, PAGE_OFFERS, offset).await?;
        let full = page.len() == PAGE_OFFERS;
        offset += page.len();
        let standing = page.into_iter().filter(|row| row.account != *made.by && is_open(row) && made.covers(&row.role));
        found.extend(standing.map(|row| row.account));
        if !full {
            return Ok(found);
        }
    }
}

/// Beside a running server the account may have made an offer after its recipients were looked up. Who has lost what
/// he offered by offers nothing more, and an offer checks at its append that its maker still holds it; who may offer
/// by another right goes on, so the looks are numbered.
///
/// # Errors
/// When it cannot be looked or recorded; `what` then says what stands.
pub(super) async fn take_back(
    made: &Made<'_>,
    config: &Config,
    journal: &Journal,
    bus: &CommandBus,
    command: &'static str,
    what: &str,
) -> Result<Vec<OfferId>> {
    let mut taken = Vec::new();
    for _ in 0..LATE_LOOKS_MAX {
        let late = recipients(made, config, journal).await.map_err(|error| keeper::cut_short(what, error))?;
        if late.is_empty() {
            return Ok(taken);
        }
        let done = made.take_back_alone(bus, command, &late).await;
        taken.extend(done.map_err(|error| keeper::ended(what, error))?);
    }
    Err(Exit::Conflict.because(what.to_owned()))
}

fn is_open(row: &OfferRow) -> bool {
    let ends = [row.accepted_at, row.declined_at, row.retracted_at, row.superseded_at];
    ends.iter().all(Option::is_none)
}
