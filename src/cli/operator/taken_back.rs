//! Offers that an account has made and that are open are taken back: when its maker is erased, or loses the role.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use muniment_aggregates::ids::{AccountId, OfferId};
use muniment_aggregates::offer_book::{Offer, OfferBook, Retract};
use muniment_journal::Journal;
use muniment_projections::OnMismatch;
use muniment_projections::offers::{self, OfferRow};

use super::{keeper, open};
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::runtime::transaction::{Loaded, Transaction};
use crate::runtime::{BusError, CommandBus};

/// Offers taken back in one append, which has a bound.
const TAKEN_BACK_MAX: usize = 5_000;
/// Offers read in one page.
const PAGE_OFFERS: usize = 1_000;
/// How often it is looked for offers that were made meanwhile; each look takes back up to [`TAKEN_BACK_MAX`].
const LATE_LOOKS_MAX: usize = 100;

/// Whose offers, and of which role; `None` for every role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) by: &'a AccountId,
    pub(super) role: Option<&'a str>,
}

impl Made<'_> {
    fn covers(&self, role: &str) -> bool {
        self.role.is_none_or(|wanted| wanted == role)
    }

    /// Whom the account has offered something that is open.
    ///
    /// # Errors
    /// When the record or the read model cannot be read.
    pub(super) async fn recipients(&self, config: &Config, journal: &Journal) -> Result<BTreeSet<AccountId>> {
        let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
        // A server beside us records too.
        journal.confirm_head().await.context("the head of the record cannot be read")?;
        open::catch_up(journal, &store, &offers::Offers).await?;
        let (mut found, mut offset) = (BTreeSet::new(), 0);
        loop {
            let page = offers::history(&store, self.by, PAGE_OFFERS, offset).await?;
            let full = page.len() == PAGE_OFFERS;
            offset += page.len();
            let standing =
                page.into_iter().filter(|row| row.account != *self.by && is_open(row) && self.covers(&row.role));
            found.extend(standing.map(|row| row.account));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Takes back what is open of it with these, as much as goes into one append; what it was.
    pub(super) async fn take_back(
        &self,
        tx: &mut Transaction<'_>,
        recipients: &BTreeSet<AccountId>,
    ) -> Result<Vec<OfferId>, BusError<String>> {
        let mut taken = Vec::new();
        for recipient in recipients {
            let left = TAKEN_BACK_MAX.saturating_sub(taken.len());
            if left == 0 {
                break;
            }
            let mut theirs = tx.load::<OfferBook, String>(&recipient.0).await?;
            let is_meant = |offer: &Offer| offer.grantor_account == *self.by && self.covers(&offer.role);
            taken.extend(retract(tx, &mut theirs, left, is_meant)?);
        }
        Ok(taken)
    }

    /// Beside a running server the account may have made an offer after its recipients were looked up. Who has lost what
    /// he offered by offers nothing more, and an offer checks at its append that its maker still holds it; who may offer
    /// by another right goes on, so the looks are numbered.
    ///
    /// # Errors
    /// When it cannot be looked or recorded; `what` then says what stands.
    pub(super) async fn take_back_late(
        &self,
        config: &Config,
        journal: &Journal,
        bus: &CommandBus,
        command: &'static str,
        what: &str,
    ) -> Result<Vec<OfferId>> {
        let mut taken = Vec::new();
        for _ in 0..LATE_LOOKS_MAX {
            let late = self.recipients(config, journal).await?;
            if late.is_empty() {
                return Ok(taken);
            }
            let origin = keeper::origin(command);
            let done = bus.transact(&origin, async |transaction| self.take_back(transaction, &late).await).await;
            taken.extend(done.map_err(|error| keeper::ended(what, error))?.value);
        }
        Err(Exit::Conflict.because(what.to_owned()))
    }
}

/// Takes back open offers of a book that a test holds for, so many at most; which.
pub(super) fn retract(
    tx: &mut Transaction<'_>,
    book: &mut Loaded<OfferBook>,
    most: usize,
    is_meant: impl Fn(&Offer) -> bool,
) -> Result<Vec<OfferId>, BusError<String>> {
    let meant: Vec<Offer> =
        book.state.offers().filter(|offer| offer.is_open() && is_meant(offer)).take(most).cloned().collect();
    let mut taken = Vec::with_capacity(meant.len());
    for offer in meant {
        let retract = Retract { offer: offer.id.clone(), grantor: offer.grantor };
        tx.decide(book, &retract.into()).map_err(keeper::said)?;
        taken.push(offer.id);
    }
    Ok(taken)
}

fn is_open(row: &OfferRow) -> bool {
    let ends = [row.accepted_at, row.declined_at, row.retracted_at, row.superseded_at];
    ends.iter().all(Option::is_none)
}
