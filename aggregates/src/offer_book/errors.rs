//! Every way an offer book refuses, with its reason code (spec/accounts-and-offers.md section 5).

use thiserror::Error;

use crate::decider::Refuse;

/// Why an offer book said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OfferBookRefusal {
    /// There is no such offer, or it is not the caller's business.
    #[error("there is no such offer")]
    OfferNotFound,
    /// The offer was accepted by another persona, declined, retracted or superseded.
    #[error("the offer is settled")]
    OfferTerminal,
    /// The offer lapsed.
    #[error("the offer has lapsed")]
    OfferExpired,
    /// The offer is addressed to another persona of the account.
    #[error("the offer is addressed to another persona")]
    PersonaMismatch,
    /// There is no such grant on that persona, or it was revoked.
    #[error("there is no such grant")]
    GrantNotFound,
    /// The role cannot be taken this way.
    #[error("the role {role} is not taken away over the network")]
    NotWebGrantable {
        /// The role.
        role: String,
    },
}

impl Refuse for OfferBookRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::OfferNotFound => "role_grant_offer_not_found",
            Self::OfferTerminal => "role_grant_offer_terminal",
            Self::OfferExpired => "role_grant_offer_expired",
            Self::PersonaMismatch => "role_grant_offer_actor_mismatch",
            Self::GrantNotFound => "role_grant_not_found",
            Self::NotWebGrantable { .. } => "role_not_web_grantable",
        }
    }
}
