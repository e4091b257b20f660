//! What an offer book can be asked. Who may ask is decided before; ids are fresh and come from outside.

use chrono::{DateTime, Utc};

use super::events::{GrantPath, GrantScope};
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::sealed::Sealed;

/// Offers a role to the account. The same grantor's offer of the same role and scope is made again instead of twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeOffer {
    /// Fresh id, used where the slot is empty.
    pub offer: OfferId,
    /// The persona that offers.
    pub grantor: PersonaId,
    /// The account of that persona.
    pub grantor_account: AccountId,
    /// The one persona that may accept.
    pub to_persona: Option<PersonaId>,
    /// The role.
    pub role: String,
    /// Where.
    pub scope: Option<GrantScope>,
    /// What the grantor wrote.
    pub message: Option<Sealed>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// Accepts an offer as a persona of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The offer.
    pub offer: OfferId,
    /// The persona.
    pub persona: PersonaId,
    /// Fresh id, used where the persona does not hold the role already.
    pub grant: GrantId,
}

/// Declines an offer as a persona of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// The offer.
    pub offer: OfferId,
    /// The persona.
    pub persona: PersonaId,
    /// Why.
    pub reason: Option<Sealed>,
}

/// Takes an offer back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retract {
    /// The offer.
    pub offer: OfferId,
    /// The persona that made it; for any other there is no such offer.
    pub grantor: PersonaId,
}

/// Takes one role from a persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeGrant {
    /// The grant.
    pub grant: GrantId,
    /// Who holds it; for any other there is no such grant.
    pub persona: PersonaId,
    /// The roles that may be taken this way; `None` for all.
    pub revocable_roles: Option<Vec<String>>,
    /// The way.
    pub path: GrantPath,
    /// The persona that revokes.
    pub revoked_by: Option<PersonaId>,
    /// Why.
    pub reason: Option<Sealed>,
}

/// Takes a role from a persona in every scope, and with it all open offers of the role to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeRole {
    /// Who holds it.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// Why.
    pub reason: Option<Sealed>,
}

/// Gives a role without an offer: bootstrap, whoever has the server's files, seeds of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantDirectly {
    /// Fresh id.
    pub grant: GrantId,
    /// Who gets it.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// Where.
    pub scope: Option<GrantScope>,
    /// The way.
    pub path: GrantPath,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Switches a role that its holder may take and leave, on the global grant only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSelfService {
    /// Whose.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// On or off.
    pub enabled: bool,
    /// Fresh id, used where it is switched on.
    pub grant: GrantId,
}

/// Ends everything at a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndScope {
    /// The scope.
    pub scope: GrantScope,
    /// The persona that destroyed it.
    pub revoked_by: Option<PersonaId>,
    /// Why.
    pub reason: Option<Sealed>,
}

/// Notes offers whose end has passed, once an end and [`LAPSES_NOTED_MAX`] at once, soonest end first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLapsed {}

/// Lapses noted by one decision: each stands for itself, so whoever has more asks again.
pub const LAPSES_NOTED_MAX: usize = 1_000;

/// Everything an offer book can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's payload says what it means")]
pub enum OfferBookCommand {
    MakeOffer(MakeOffer),
    Accept(Accept),
    Decline(Decline),
    Retract(Retract),
    RevokeGrant(RevokeGrant),
    RevokeRole(RevokeRole),
    GrantDirectly(GrantDirectly),
    SetSelfService(SetSelfService),
    EndScope(EndScope),
    NoteLapsed(NoteLapsed),
}

from_each!(OfferBookCommand: MakeOffer, Accept, Decline, Retract, RevokeGrant, RevokeRole, GrantDirectly, SetSelfService, EndScope, NoteLapsed);
