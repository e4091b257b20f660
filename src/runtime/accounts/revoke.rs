//! A role taken from an account without anybody's request, with every open offer of it to the account or by it.

use std::collections::BTreeSet;

use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, GrantId, OfferId};
use muniment_aggregates::offer_book::{OfferBook, OfferBookEvent, RevokeRole};
use muniment_aggregates::record::Position;
use muniment_aggregates::roster::{Leave, ROSTER_ID, Roster, is_lasting};
use muniment_aggregates::sealed::Sealed;

use super::taken_back::{Made, retract};
use super::{origin, said};
use crate::runtime::{BusError, CommandBus};

/// What went with a role.
#[derive(Debug, Clone)]
pub struct RevokedRole {
    /// The grants that ended.
    pub grants: Vec<GrantId>,
    /// The offers that were taken back.
    pub offers: Vec<OfferId>,
    /// Where it was recorded; `None` where there was nothing to take.
    pub position: Option<Position>,
}

/// Takes a role in every scope. `made` are the account's own offers of it, `recipients` those who have some that are open.
///
/// # Errors
/// `last_holder`, what else the aggregates refuse; or when the record cannot be written.
pub async fn revoke_directly(
    bus: &CommandBus,
    account: &AccountId,
    role: &str,
    reason: Option<&Sealed>,
    made: &Made<'_>,
    recipients: &BTreeSet<AccountId>,
) -> Result<RevokedRole, BusError<String>> {
    let committed = bus
        .transact(&origin("role_revoke"), async |tx| {
            let personas = tx.load::<Account, String>(&account.0).await?.state.personas().to_vec();
            let mut book = tx.load::<OfferBook, String>(&account.0).await?;
            let mut ended = Vec::new();
            for persona in personas {
                let revoke = RevokeRole { persona: persona.id, role: role.to_owned(), reason: reason.cloned() };
                let events = tx.decide(&mut book, &revoke.into()).map_err(said)?;
                ended.extend(events.into_iter().filter_map(|event| match event {
                    OfferBookEvent::GrantRevoked(revoked) => Some((revoked.grant, revoked.scope)),
                    OfferBookEvent::Made(_)
                    | OfferBookEvent::Refreshed(_)
                    | OfferBookEvent::Accepted(_)
                    | OfferBookEvent::Declined(_)
                    | OfferBookEvent::Retracted(_)
                    | OfferBookEvent::Superseded(_)
                    | OfferBookEvent::Lapsed(_)
                    | OfferBookEvent::GrantCreated(_) => None,
                }));
            }
            let lasting = ended.iter().any(|(_, scope)| scope.is_none()) && is_lasting(role);
            if lasting {
                let mut roster = tx.load::<Roster, String>(ROSTER_ID).await?;
                for (grant, _) in ended.iter().filter(|(_, scope)| scope.is_none()) {
                    tx.decide(&mut roster, &Leave { grant: grant.clone() }.into()).map_err(said)?;
                }
            }
            // What fell with a grant has fallen; the rest is offered to who does not hold the role.
            let mut taken = retract(tx, &mut book, usize::MAX, |offer| offer.role == role)?;
            taken.extend(made.take_back(tx, recipients).await?);
            Ok((ended.into_iter().map(|(grant, _)| grant).collect::<Vec<_>>(), taken))
        })
        .await?;
    let (grants, offers) = committed.value;
    Ok(RevokedRole { grants, offers, position: committed.appended.map(|appended| appended.last) })
}
