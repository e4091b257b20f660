//! The offer book of an account: every offer of a role made to it, and every role its personas hold
//! (spec/accounts-and-offers.md section 5). One stream an account, so that accepting, granting and superseding are
//! one decision, as are revoking and superseding.
//!
//! What it protects:
//! 1. Accepted, declined, retracted and superseded exclude each other and are final.
//! 2. At most one offer that is not final a slot: recipient, role, scope and grantor persona.
//! 3. At most one active grant a persona, role and scope.
//! 4. An accepted offer names its grant, and a grant by consent names its offer.
//! 5. Who lost a role gets it again only by an offer made after the loss.

mod commands;
mod decide;
mod errors;
mod events;
mod state;

pub use commands::{
    Accept, Decline, EndScope, GrantDirectly, LAPSES_NOTED_MAX, MakeOffer, NoteLapsed, OfferBookCommand, Retract,
    RevokeGrant, RevokeRole, SetSelfService,
};
pub use errors::OfferBookRefusal;
pub use events::{
    GrantCreated, GrantPath, GrantRevoked, GrantScope, OfferAccepted, OfferBookEvent, OfferDeclined, OfferLapsed,
    OfferMade, OfferRefreshed, OfferRetracted, OfferSuperseded, SupersedeReason,
};
pub use state::{Grant, Offer, OfferBook, OfferStatus};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
