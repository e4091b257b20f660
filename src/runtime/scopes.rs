//! What is done to a scope over all the books that it knows: those without anything at it leave, and its end
//! (docs/decisions/0008).
//!
//! Whoever ends a scope rests on every book that it knows, and books come to a scope for years. Where they are many, those
//! that have nothing there any more leave first, so that the end is bounded by what there is to end. Leaving changes
//! nobody's roles. It rests on the book and on the scope: a book that something came to meanwhile stays, and one that
//! something comes to later is written into the scope again, which whoever ends it then hears of.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::offer_book::{EndScope, GrantScope, OfferBook, OfferBookEvent};
use muniment_aggregates::scope::{Destroy, Leave, Scope, stream_id};
use muniment_aggregates::sealed::Sealed;

use super::limits::BOOKS_READ_AT_ONCE;
use super::transaction::{Loaded, Transaction};
use super::{BusError, CommandBus};

/// The accounts whose books seem to have nothing at a scope any more, where it stands and knows more than so many. Whoever
/// has them [`leave`] looks again.
///
/// # Errors
/// Overload or an unavailable journal.
pub async fn quiet<R>(bus: &CommandBus, scope: &GrantScope, known_max: usize) -> Result<Vec<AccountId>, BusError<R>> {
    let known = bus.state::<Scope>(&stream_id(scope)).await.map_err(BusError::unexpected)?.state;
    if known.destroyed_at().is_some() || known.books().count() <= known_max {
        return Ok(Vec::new());
    }
    let now = bus.clock.now();
    let look = async |account: AccountId| {
        let book = bus.state::<OfferBook>(&account.0).await.map_err(BusError::unexpected)?.state;
        Ok((!book.has_anything_at(scope, now)).then_some(account))
    };
    let looked = stream::iter(known.books().cloned()).map(look).buffered(BOOKS_READ_AT_ONCE);
    looked.try_filter_map(async |quiet| Ok(quiet)).try_collect().await
}

/// Has those of these books leave a scope that have nothing there.
///
/// # Errors
/// Overload or an unavailable journal.
pub async fn leave<R>(tx: &mut Transaction<'_>, scope: &GrantScope, accounts: &[AccountId]) -> Result<(), BusError<R>> {
    let mut stream = tx.load::<Scope, R>(&stream_id(scope)).await?;
    for account in accounts {
        let book = tx.load::<OfferBook, R>(&account.0).await?;
        if !book.state.has_anything_at(scope, tx.facts.now) {
            let leave = Leave { account: account.clone() };
            tx.decide(&mut stream, &leave.into()).map_err(BusError::unexpected)?;
        }
    }
    Ok(())
}

/// Ends everything at a scope over all the books that it knows, in one append. `own` is the book of whoever asks, which
/// is loaded already; `reason` seals what he wrote for an account.
///
/// # Errors
/// Overload or an unavailable journal; what `reason` answers.
pub async fn end<R>(
    tx: &mut Transaction<'_>,
    scope: &GrantScope,
    by: &PersonaId,
    own: (&AccountId, Loaded<OfferBook>),
    reason: impl AsyncFn(&AccountId) -> Result<Option<Sealed>, BusError<R>>,
) -> Result<Vec<OfferBookEvent>, BusError<R>> {
    let mut stream = tx.load::<Scope, R>(&stream_id(scope)).await?;
    let mut ended = Vec::new();
    if tx.decide(&mut stream, &Destroy {}.into()).map_err(BusError::unexpected)?.is_empty() {
        return Ok(ended);
    }
    let (asking, own) = own;
    let mut own = Some(own);
    for account in stream.state.books() {
        let mut book = match own.take_if(|_| account == asking) {
            Some(own) => own,
            None => tx.load::<OfferBook, R>(&account.0).await?,
        };
        if !book.state.has_anything_at(scope, tx.facts.now) {
            continue;
        }
        let end = EndScope { scope: scope.clone(), revoked_by: Some(by.clone()), reason: reason(account).await? };
        ended.extend(tx.decide(&mut book, &end.into()).map_err(BusError::unexpected)?);
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, Utc};
    use muniment_aggregates::ids::OfferId;
    use muniment_aggregates::offer_book::{Decline, MakeOffer, OfferBookRefusal};
    use muniment_aggregates::scope::Join;
    use muniment_journal::JournalLimits;

    use super::*;
    use crate::runtime::transaction::Committed;
    use crate::runtime::{Clock, Origin, fresh};

    type Outcome<T> = Result<T, BusError<OfferBookRefusal>>;

    fn class() -> GrantScope {
        GrantScope { kind: "class".to_owned(), id: "c".to_owned() }
    }

    fn account(number: usize) -> AccountId {
        AccountId(format!("account-{number:02}"))
    }

    fn origin() -> Origin {
        Origin::system("test", "test", None)
    }

    /// Offers a role at the class, as the surface does.
    async fn offer(bus: &CommandBus, to: &AccountId) -> Outcome<OfferId> {
        let offer = OfferId(uuid::Uuid::new_v4().to_string());
        let origin = origin();
        let made = bus.transact(&origin, async |tx| {
            let mut scope = tx.load::<Scope, OfferBookRefusal>(&stream_id(&class())).await?;
            tx.decide(&mut scope, &Join { account: to.clone() }.into()).map_err(BusError::unexpected)?;
            let mut book = tx.load::<OfferBook, OfferBookRefusal>(&to.0).await?;
            let make = MakeOffer {
                offer: offer.clone(),
                grantor: PersonaId("teacher".to_owned()),
                grantor_account: account(99),
                to_persona: None,
                role: "pupil".to_owned(),
                scope: Some(class()),
                message: None,
                expires_at: DateTime::<Utc>::MAX_UTC,
            };
            tx.decide(&mut book, &make.into())
        });
        made.await.map(|_| offer)
    }

    /// Brings a book to the class that has nothing there any more.
    async fn come_and_go(bus: &CommandBus, who: &AccountId) {
        let offer = offer(bus, who).await.expect("it is offered");
        let decline = Decline { offer, persona: PersonaId("pupil".to_owned()), reason: None };
        bus.execute::<OfferBook>(&who.0, decline.into(), &origin()).await.expect("it is declined");
    }

    async fn destroy(bus: &CommandBus, meanwhile: impl AsyncFn()) -> Outcome<Committed<Vec<OfferBookEvent>>> {
        let (by, asking) = (PersonaId("teacher".to_owned()), account(99));
        bus.transact(&origin(), async |tx| {
            let own = tx.load::<OfferBook, OfferBookRefusal>(&asking.0).await?;
            let ended = end(tx, &class(), &by, (&asking, own), async |_| Ok(None)).await?;
            meanwhile().await;
            Ok(ended)
        })
        .await
    }

    async fn have_leave(bus: &CommandBus, accounts: &[AccountId], meanwhile: impl AsyncFn()) {
        let origin = origin();
        let left = bus.transact(&origin, async |tx| {
            leave::<OfferBookRefusal>(tx, &class(), accounts).await?;
            meanwhile().await;
            Ok(())
        });
        left.await.expect("they leave");
    }

    async fn known(bus: &CommandBus) -> Vec<AccountId> {
        bus.state::<Scope>(&stream_id(&class())).await.expect("a scope").state.books().cloned().collect()
    }

    async fn has_anything(bus: &CommandBus, who: &AccountId) -> bool {
        let book = bus.state::<OfferBook>(&who.0).await.expect("a book").state;
        book.has_anything_at(&class(), Utc::now())
    }

    #[actix::test]
    async fn a_scope_that_many_came_to_and_few_are_at_ends_in_one_step() {
        let limits = JournalLimits { append_events_max: 6, ..JournalLimits::default() };
        let (journal, _folder) = fresh::journal(limits).await;
        let bus = &CommandBus::new(journal, Clock::system(), Arc::from([]));
        for number in 0..10 {
            come_and_go(bus, &account(number)).await;
        }
        for number in 10..13 {
            offer(bus, &account(number)).await.expect("it is offered");
        }
        let refused = destroy(bus, async || {}).await.expect_err("it rests on too many books");
        assert!(matches!(refused, BusError::TooLarge(_)), "{refused}");

        assert_eq!(quiet::<OfferBookRefusal>(bus, &class(), 13).await.expect("they are read"), []);
        let gone = quiet::<OfferBookRefusal>(bus, &class(), 12).await.expect("they are read");
        assert_eq!(gone, (0..10).map(account).collect::<Vec<_>>());
        for portion in gone.chunks(4) {
            have_leave(bus, portion, async || {}).await;
        }
        assert_eq!(known(bus).await, (10..13).map(account).collect::<Vec<_>>());
        assert_eq!(destroy(bus, async || {}).await.expect("it ends").value.len(), 3);
        assert_eq!(quiet::<OfferBookRefusal>(bus, &class(), 0).await.expect("they are read"), []);
        for number in [0, 10] {
            offer(bus, &account(number)).await.expect_err("nothing comes to it");
            assert!(!has_anything(bus, &account(number)).await);
        }
    }

    #[actix::test]
    async fn what_comes_to_a_book_while_it_leaves_keeps_it_there() {
        let (bus, _folder) = fresh::bus().await;
        let (bus, who) = (&bus, &account(0));
        come_and_go(bus, who).await;
        let is_first = std::cell::Cell::new(true);
        have_leave(bus, std::slice::from_ref(who), async || {
            if is_first.replace(false) {
                offer(bus, who).await.expect("it is offered");
            }
        })
        .await;
        assert_eq!(known(bus).await, std::slice::from_ref(who));
        assert_eq!(destroy(bus, async || {}).await.expect("it ends").value.len(), 1);
        assert!(!has_anything(bus, who).await);
    }

    #[actix::test]
    async fn what_comes_to_a_book_that_left_while_the_scope_ends_ends_with_it() {
        let (bus, _folder) = fresh::bus().await;
        let (bus, who) = (&bus, &account(0));
        come_and_go(bus, who).await;
        have_leave(bus, std::slice::from_ref(who), async || {}).await;
        assert_eq!(known(bus).await, []);
        let is_first = std::cell::Cell::new(true);
        let ended = destroy(bus, async || {
            if is_first.replace(false) {
                offer(bus, who).await.expect("it is offered");
            }
        });
        assert_eq!(ended.await.expect("it ends").value.len(), 1, "it is decided again");
        assert!(!has_anything(bus, who).await);
    }
}
