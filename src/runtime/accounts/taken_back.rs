//! Offers that an account has made and that are open are taken back: when its maker is erased, or loses the role.

use std::collections::BTreeSet;

use muniment_aggregates::ids::{AccountId, OfferId};
use muniment_aggregates::offer_book::{Offer, OfferBook, Retract};

use super::{origin, said};
use crate::runtime::transaction::{Loaded, Transaction};
use crate::runtime::{BusError, CommandBus};

/// Offers taken back in one append, which has a bound.
const TAKEN_BACK_MAX: usize = 5_000;

/// Whose offers, and of which role; `None` for every role.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// Who made them.
    pub by: &'a AccountId,
    /// Of which role.
    pub role: Option<&'a str>,
}

impl Made<'_> {
    /// Whether offers of a role are meant.
    #[must_use]
    pub fn covers(&self, role: &str) -> bool {
        self.role.is_none_or(|wanted| wanted == role)
    }

    /// Takes back what is open of it with these, as much as goes into one append; what it was.
    ///
    /// # Errors
    /// What the books refuse, or when they cannot be read.
    pub async fn take_back(
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

    /// [`Made::take_back`] in an append of its own, which `command` asked for; what it was.
    ///
    /// # Errors
    /// What the books refuse, or when the record cannot be written.
    pub async fn take_back_alone(
        &self,
        bus: &CommandBus,
        command: &'static str,
        recipients: &BTreeSet<AccountId>,
    ) -> Result<Vec<OfferId>, BusError<String>> {
        let done = bus.transact(&origin(command), async |tx| self.take_back(tx, recipients).await).await?;
        Ok(done.value)
    }
}

/// Takes back open offers of a book that a test holds for, so many at most; which.
///
/// # Errors
/// What the book refuses.
pub fn retract(
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
        tx.decide(book, &retract.into()).map_err(said)?;
        taken.push(offer.id);
    }
    Ok(taken)
}
