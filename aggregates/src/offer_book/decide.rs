//! How an offer book decides, one function a command.

use chrono::{DateTime, Utc};

use super::commands::{
    Accept, Decline, EndScope, GrantDirectly, LAPSES_NOTED_MAX, MakeOffer, OfferBookCommand, Retract, RevokeGrant,
    RevokeRole, SetSelfService,
};
use super::errors::OfferBookRefusal;
use super::events::{
    GrantCreated, GrantPath, GrantRevoked, GrantScope, OfferAccepted, OfferBookEvent, OfferDeclined, OfferLapsed,
    OfferMade, OfferRefreshed, OfferRetracted, OfferSuperseded, SupersedeReason,
};
use super::state::{Grant, Offer, OfferBook, OfferStatus};
use crate::decider::{Decider, Facts};
use crate::ids::{OfferId, PersonaId};
use crate::sealed::Sealed;

type Decision = Result<Vec<OfferBookEvent>, OfferBookRefusal>;

impl Decider for OfferBook {
    const TYPE: &'static str = "offer";
    const SNAPSHOT_SCHEMA: u32 = 2;

    type Command = OfferBookCommand;
    type Event = OfferBookEvent;
    type Refusal = OfferBookRefusal;

    fn decide(&self, command: &OfferBookCommand, facts: &Facts) -> Decision {
        let now = facts.now;
        match command {
            OfferBookCommand::MakeOffer(make) => Ok(vec![make_offer(self, make, now)]),
            OfferBookCommand::Accept(accept) => accept_offer(self, accept, now),
            OfferBookCommand::Decline(decline) => decline_offer(self, decline, now),
            OfferBookCommand::Retract(retract) => retract_offer(self, retract, now),
            OfferBookCommand::RevokeGrant(revoke) => revoke_grant(self, revoke, now),
            OfferBookCommand::RevokeRole(revoke) => Ok(revoke_role(self, revoke, now)),
            OfferBookCommand::GrantDirectly(grant) => Ok(grant_directly(self, grant, now)),
            OfferBookCommand::SetSelfService(set) => Ok(set_self_service(self, set, now)),
            OfferBookCommand::EndScope(end) => Ok(end_scope(self, end, now)),
            OfferBookCommand::NoteLapsed(_) => Ok(note_lapsed(self, now)),
        }
    }

    fn evolve(&mut self, event: &OfferBookEvent) {
        self.take_event(event);
    }
}

fn make_offer(book: &OfferBook, make: &MakeOffer, now: DateTime<Utc>) -> OfferBookEvent {
    let slot = book
        .offers()
        .find(|it| it.is_open() && it.grantor == make.grantor && it.is_of(&make.role, make.scope.as_ref()));
    match slot {
        Some(offer) => OfferBookEvent::Refreshed(OfferRefreshed {
            offer: offer.id.clone(),
            to_persona: make.to_persona.clone(),
            message: make.message.clone(),
            expires_at: make.expires_at,
            at: now,
        }),
        None => OfferBookEvent::Made(OfferMade {
            offer: make.offer.clone(),
            grantor: make.grantor.clone(),
            grantor_account: make.grantor_account.clone(),
            to_persona: make.to_persona.clone(),
            role: make.role.clone(),
            scope: make.scope.clone(),
            message: make.message.clone(),
            expires_at: make.expires_at,
            at: now,
        }),
    }
}

fn accept_offer(book: &OfferBook, accept: &Accept, now: DateTime<Utc>) -> Decision {
    let offer = book.offer(&accept.offer).ok_or(OfferBookRefusal::OfferNotFound)?;
    match &offer.status {
        OfferStatus::Accepted { persona, .. } if *persona == accept.persona => return Ok(Vec::new()),
        OfferStatus::Accepted { .. }
        | OfferStatus::Declined { .. }
        | OfferStatus::Retracted { .. }
        | OfferStatus::Superseded { .. } => return Err(OfferBookRefusal::OfferTerminal),
        OfferStatus::Pending => {}
    }
    if offer.expires_at <= now {
        return Err(OfferBookRefusal::OfferExpired);
    }
    if offer.to_persona.as_ref().is_some_and(|persona| *persona != accept.persona) {
        return Err(OfferBookRefusal::PersonaMismatch);
    }
    let held = book.active_grant(&accept.persona, &offer.role, offer.scope.as_ref(), now);
    let grant = held.map_or_else(|| accept.grant.clone(), |held| held.id.clone());
    let mut events = vec![OfferBookEvent::Accepted(OfferAccepted {
        offer: offer.id.clone(),
        persona: accept.persona.clone(),
        grant: grant.clone(),
        at: now,
    })];
    if held.is_none() {
        events.push(OfferBookEvent::GrantCreated(GrantCreated {
            grant,
            persona: accept.persona.clone(),
            role: offer.role.clone(),
            scope: offer.scope.clone(),
            path: GrantPath::Admin,
            granted_by: Some(offer.grantor.clone()),
            source_offer: Some(offer.id.clone()),
            expires_at: None,
            at: now,
        }));
    }
    let siblings = open_offers(book, &offer.role, offer.scope.as_ref()).filter(|sibling| sibling.id != offer.id);
    let cause = offer.id.to_string();
    events.extend(siblings.map(|it| superseded(&it.id, SupersedeReason::SiblingAccepted, &cause, now)));
    Ok(events)
}

/// The offer where it can still be settled by one of its two sides; a lapsed one can.
fn open_offer<'b>(book: &'b OfferBook, id: &OfferId) -> Result<&'b Offer, OfferBookRefusal> {
    let offer = book.offer(id).ok_or(OfferBookRefusal::OfferNotFound)?;
    if offer.is_open() { Ok(offer) } else { Err(OfferBookRefusal::OfferTerminal) }
}

fn decline_offer(book: &OfferBook, decline: &Decline, now: DateTime<Utc>) -> Decision {
    let offer = open_offer(book, &decline.offer)?;
    Ok(vec![OfferBookEvent::Declined(OfferDeclined {
        offer: offer.id.clone(),
        persona: decline.persona.clone(),
        reason: decline.reason.clone(),
        at: now,
    })])
}

fn retract_offer(book: &OfferBook, retract: &Retract, now: DateTime<Utc>) -> Decision {
    if book.offer(&retract.offer).is_none_or(|offer| offer.grantor != retract.grantor) {
        return Err(OfferBookRefusal::OfferNotFound);
    }
    let offer = open_offer(book, &retract.offer)?;
    Ok(vec![OfferBookEvent::Retracted(OfferRetracted { offer: offer.id.clone(), at: now })])
}

/// Everything open for this role in this scope, whoever made it and whichever persona it is for.
fn open_offers<'b>(
    book: &'b OfferBook,
    role: &'b str,
    scope: Option<&'b GrantScope>,
) -> impl Iterator<Item = &'b Offer> {
    book.offers().filter(move |offer| offer.is_open() && offer.is_of(role, scope))
}

fn superseded(offer: &OfferId, reason: SupersedeReason, cause: &str, now: DateTime<Utc>) -> OfferBookEvent {
    OfferBookEvent::Superseded(OfferSuperseded { offer: offer.clone(), reason, cause: cause.to_owned(), at: now })
}

fn revoked(
    grant: &Grant,
    path: GrantPath,
    revoked_by: Option<&PersonaId>,
    reason: Option<&Sealed>,
    now: DateTime<Utc>,
) -> OfferBookEvent {
    OfferBookEvent::GrantRevoked(GrantRevoked {
        grant: grant.id.clone(),
        persona: grant.persona.clone(),
        role: grant.role.clone(),
        scope: grant.scope.clone(),
        path,
        revoked_by: revoked_by.cloned(),
        reason: reason.cloned(),
        at: now,
    })
}

/// Ends a grant, and with it every open offer of the same role in the same scope, so that none of them brings it back.
fn revoke_with_offers(
    book: &OfferBook,
    grant: &Grant,
    revocation: OfferBookEvent,
    now: DateTime<Utc>,
) -> Vec<OfferBookEvent> {
    let cause = grant.id.to_string();
    let fallen = open_offers(book, &grant.role, grant.scope.as_ref())
        .map(|offer| superseded(&offer.id, SupersedeReason::RoleGrantRevoked, &cause, now));
    std::iter::once(revocation).chain(fallen).collect()
}

fn revoke_grant(book: &OfferBook, revoke: &RevokeGrant, now: DateTime<Utc>) -> Decision {
    let grant = book
        .grant(&revoke.grant)
        .filter(|grant| grant.persona == revoke.persona)
        .ok_or(OfferBookRefusal::GrantNotFound)?;
    if revoke.revocable_roles.as_ref().is_some_and(|roles| !roles.contains(&grant.role)) {
        return Err(OfferBookRefusal::NotWebGrantable { role: grant.role.clone() });
    }
    let revocation = revoked(grant, revoke.path, revoke.revoked_by.as_ref(), revoke.reason.as_ref(), now);
    Ok(revoke_with_offers(book, grant, revocation, now))
}

fn revoke_role(book: &OfferBook, revoke: &RevokeRole, now: DateTime<Utc>) -> Vec<OfferBookEvent> {
    let held: Vec<_> = book
        .grants()
        .filter(|it| it.persona == revoke.persona && it.role == revoke.role && it.is_active(now))
        .collect();
    let Some(first) = held.first() else { return Vec::new() };
    let cause = first.id.to_string();
    let revocations = held.iter().map(|it| revoked(it, GrantPath::System, None, revoke.reason.as_ref(), now));
    let offers = book.offers().filter(|offer| offer.is_open() && offer.role == revoke.role);
    let fallen = offers.map(|offer| superseded(&offer.id, SupersedeReason::RoleGrantRevoked, &cause, now));
    revocations.chain(fallen).collect()
}

fn grant_directly(book: &OfferBook, grant: &GrantDirectly, now: DateTime<Utc>) -> Vec<OfferBookEvent> {
    let held = book.active_grant(&grant.persona, &grant.role, grant.scope.as_ref(), now);
    if held.is_some_and(|held| held.lasts_until(grant.expires_at)) {
        return Vec::new();
    }
    // What ends earlier is replaced, for there is one active grant at most.
    let replaced = held.map(|held| revoke_with_offers(book, held, revoked(held, grant.path, None, None, now), now));
    let created = OfferBookEvent::GrantCreated(GrantCreated {
        grant: grant.grant.clone(),
        persona: grant.persona.clone(),
        role: grant.role.clone(),
        scope: grant.scope.clone(),
        path: grant.path,
        granted_by: None,
        source_offer: None,
        expires_at: grant.expires_at,
        at: now,
    });
    replaced.into_iter().flatten().chain([created]).collect()
}

fn set_self_service(book: &OfferBook, set: &SetSelfService, now: DateTime<Utc>) -> Vec<OfferBookEvent> {
    match (book.active_grant(&set.persona, &set.role, None, now), set.enabled) {
        (Some(_), true) | (None, false) => Vec::new(),
        (Some(grant), false) => {
            let revocation = revoked(grant, GrantPath::SelfService, Some(&set.persona), None, now);
            revoke_with_offers(book, grant, revocation, now)
        }
        (None, true) => vec![OfferBookEvent::GrantCreated(GrantCreated {
            grant: set.grant.clone(),
            persona: set.persona.clone(),
            role: set.role.clone(),
            scope: None,
            path: GrantPath::SelfService,
            granted_by: None,
            source_offer: None,
            expires_at: None,
            at: now,
        })],
    }
}

fn end_scope(book: &OfferBook, end: &EndScope, now: DateTime<Utc>) -> Vec<OfferBookEvent> {
    let revocations = book
        .held_at(&end.scope, now)
        .map(|it| revoked(it, GrantPath::Admin, end.revoked_by.as_ref(), end.reason.as_ref(), now));
    let fallen =
        book.open_at(&end.scope).map(|it| superseded(&it.id, SupersedeReason::ScopeDestroyed, &end.scope.id, now));
    revocations.chain(fallen).collect()
}

fn note_lapsed(book: &OfferBook, now: DateTime<Utc>) -> Vec<OfferBookEvent> {
    let mut due: Vec<_> = book
        .offers()
        .filter(|it| it.is_open() && it.expires_at <= now && it.lapse_noted != Some(it.expires_at))
        .collect();
    due.sort_by_key(|offer| offer.expires_at);
    let note = |offer: &Offer| {
        OfferBookEvent::Lapsed(OfferLapsed { offer: offer.id.clone(), expires_at: offer.expires_at, at: now })
    };
    due.into_iter().take(LAPSES_NOTED_MAX).map(note).collect()
}
