//! A role granted without an offer.

use chrono::{DateTime, Utc};
use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, GrantId, PersonaId};
use muniment_aggregates::offer_book::{Grant, GrantDirectly, GrantPath, GrantScope, OfferBook, OfferBookEvent};
use muniment_aggregates::record::Position;
use muniment_aggregates::roster::{Admit, Leave, ROSTER_ID, Roster, is_lasting};
use muniment_aggregates::scope::{Join, Scope, stream_id};
use uuid::Uuid;

use super::{origin, said};
use crate::runtime::transaction::Transaction;
use crate::runtime::{BusError, CommandBus};

/// A role that an operator grants without an offer.
#[derive(Debug, Clone)]
pub struct DirectGrant {
    /// The role.
    pub role: String,
    /// Where; `None` = everywhere.
    pub scope: Option<GrantScope>,
    /// When it ends by itself.
    pub expires: Option<DateTime<Utc>>,
}

/// A role that is held now.
#[derive(Debug, Clone)]
pub struct HeldGrant {
    /// Who holds it.
    pub persona: PersonaId,
    /// The grant.
    pub grant: GrantId,
    /// When it ends by itself, which may be later than was asked where it was held already.
    pub expires: Option<DateTime<Utc>>,
    /// Where it was recorded; `None` where it was held already, and as long.
    pub position: Option<Position>,
}

/// Gives a role without an offer, to the persona of that name or id, else to the account's first. One that is held, but
/// ends earlier than this one, is replaced.
///
/// # Errors
/// `account_erased`, `actor_not_found`, `already_ended` where it would end before it begins, what the aggregates refuse; or when the record cannot be written.
pub async fn grant_directly(
    bus: &CommandBus,
    account: &AccountId,
    named: Option<&str>,
    wanted: &DirectGrant,
) -> Result<HeldGrant, BusError<String>> {
    let committed = bus
        .transact(&origin("role_grant"), async |tx| {
            let state = tx.load::<Account, String>(&account.0).await?.state;
            if state.erased_at().is_some() {
                return Err(BusError::Refused("account_erased".to_owned()));
            }
            let is_wanted = |persona: &&muniment_aggregates::account::Persona| {
                named.is_none_or(|named| persona.name == named || persona.id.0 == named)
            };
            let persona = state.personas().iter().find(is_wanted).map(|persona| persona.id.clone());
            let persona = persona.ok_or_else(|| BusError::Refused("actor_not_found".to_owned()))?;
            give(tx, wanted, account, &persona).await
        })
        .await?;
    let Grant { persona, id, expires_at, .. } = committed.value;
    let position = committed.appended.map(|appended| appended.last);
    Ok(HeldGrant { persona, grant: id, expires: expires_at, position })
}

/// Decides the grant, the scope's book-keeping and the roster's.
async fn give(
    tx: &mut Transaction<'_>,
    wanted: &DirectGrant,
    account: &AccountId,
    persona: &PersonaId,
) -> Result<Grant, BusError<String>> {
    if let Some(scope) = &wanted.scope {
        let mut stream = tx.load::<Scope, String>(&stream_id(scope)).await?;
        tx.decide(&mut stream, &Join { account: account.clone() }.into()).map_err(said)?;
    }
    let mut book = tx.load::<OfferBook, String>(&account.0).await?;
    let directly = GrantDirectly {
        grant: GrantId(Uuid::new_v4().to_string()),
        persona: persona.clone(),
        role: wanted.role.clone(),
        scope: wanted.scope.clone(),
        path: GrantPath::System,
        expires_at: wanted.expires,
    };
    let events = tx.decide(&mut book, &directly.into()).map_err(said)?;
    let held = book.state.active_grant(persona, &wanted.role, wanted.scope.as_ref(), tx.facts.now);
    let held = held.cloned().ok_or_else(|| BusError::Refused("already_ended".to_owned()))?;
    // Also one that was given before the roster noted those with an end.
    if wanted.scope.is_none() && is_lasting(&wanted.role) {
        let mut roster = tx.load::<Roster, String>(ROSTER_ID).await?;
        for event in &events {
            let OfferBookEvent::GrantRevoked(replaced) = event else { continue };
            tx.decide(&mut roster, &Leave { grant: replaced.grant.clone() }.into()).map_err(said)?;
        }
        let admit = Admit {
            role: wanted.role.clone(),
            grant: held.id.clone(),
            persona: persona.clone(),
            account: account.clone(),
            expires_at: held.expires_at,
        };
        tx.decide(&mut roster, &admit.into()).map_err(said)?;
    }
    Ok(held)
}
