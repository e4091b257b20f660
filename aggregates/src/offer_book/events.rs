//! What can have happened in an offer book. The account it belongs to is the stream's id.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::decider::DomainEvent;
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::sealed::Sealed;

/// What a role is limited to. Without one it is global.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GrantScope {
    /// A registered name.
    pub kind: String,
    /// A UUID.
    pub id: String,
}

/// The way by which a role was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantPath {
    /// By an offer that was accepted, or taken away by an administrator.
    Admin,
    /// By the holder's own switch.
    SelfService,
    /// By the installation itself, or by whoever has its files.
    System,
    /// By making the first account.
    Bootstrap,
}

impl GrantPath {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SelfService => "self_service",
            Self::System => "system",
            Self::Bootstrap => "bootstrap",
        }
    }
}

/// Why an offer fell away without its recipient's or grantor's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupersedeReason {
    /// Another offer of the same role was accepted; the cause is that offer.
    SiblingAccepted,
    /// The role was taken away; the cause is the grant.
    RoleGrantRevoked,
    /// Its scope is gone; the cause is the scope.
    ScopeDestroyed,
}

impl SupersedeReason {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SiblingAccepted => "sibling_accepted",
            Self::RoleGrantRevoked => "role_grant_revoked",
            Self::ScopeDestroyed => "scope_destroyed",
        }
    }
}

/// An offer was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferMade {
    /// The offer.
    pub offer: OfferId,
    /// The persona that made it.
    pub grantor: PersonaId,
    /// The account of that persona.
    pub grantor_account: AccountId,
    /// The one persona that may accept; any of the account's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_persona: Option<PersonaId>,
    /// The role.
    pub role: String,
    /// Where; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<GrantScope>,
    /// What the grantor wrote, sealed under the recipient's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Sealed>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The grantor made the same offer again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRefreshed {
    /// The offer.
    pub offer: OfferId,
    /// Who may accept from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_persona: Option<PersonaId>,
    /// The message from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Sealed>,
    /// When it lapses from now on.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The recipient accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferAccepted {
    /// The offer.
    pub offer: OfferId,
    /// The persona that accepted and holds the role now.
    pub persona: PersonaId,
    /// The grant: made by this, or held before.
    pub grant: GrantId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The recipient declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferDeclined {
    /// The offer.
    pub offer: OfferId,
    /// The persona that declined.
    pub persona: PersonaId,
    /// Why, sealed under the recipient's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The grantor took the offer back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRetracted {
    /// The offer.
    pub offer: OfferId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The offer fell away because of something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferSuperseded {
    /// The offer.
    pub offer: OfferId,
    /// Why.
    pub reason: SupersedeReason,
    /// Id of the accepted offer, the revoked grant or the destroyed scope.
    pub cause: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// It was noted that nobody accepted in time. The offer can still be refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferLapsed {
    /// The offer.
    pub offer: OfferId,
    /// The end that passed; noted once an end.
    pub expires_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A persona holds a role from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantCreated {
    /// The grant.
    pub grant: GrantId,
    /// Who holds it.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// Where; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<GrantScope>,
    /// The way it was given.
    pub path: GrantPath,
    /// The persona that offered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<PersonaId>,
    /// The offer that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_offer: Option<OfferId>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A persona no longer holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRevoked {
    /// The grant.
    pub grant: GrantId,
    /// Who held it.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<GrantScope>,
    /// The way it was taken.
    pub path: GrantPath,
    /// The persona that revoked it; absent outside the surface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<PersonaId>,
    /// Why, sealed under the holder's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened in an offer book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's payload says what it means")]
pub enum OfferBookEvent {
    Made(OfferMade),
    Refreshed(OfferRefreshed),
    Accepted(OfferAccepted),
    Declined(OfferDeclined),
    Retracted(OfferRetracted),
    Superseded(OfferSuperseded),
    Lapsed(OfferLapsed),
    GrantCreated(GrantCreated),
    GrantRevoked(GrantRevoked),
}

impl DomainEvent for OfferBookEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Made(_) => "offer.made",
            Self::Refreshed(_) => "offer.refreshed",
            Self::Accepted(_) => "offer.accepted",
            Self::Declined(_) => "offer.declined",
            Self::Retracted(_) => "offer.retracted",
            Self::Superseded(_) => "offer.superseded",
            Self::Lapsed(_) => "offer.lapsed",
            Self::GrantCreated(_) => "grant.created",
            Self::GrantRevoked(_) => "grant.revoked",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Made(_)
            | Self::Refreshed(_)
            | Self::Accepted(_)
            | Self::Declined(_)
            | Self::Retracted(_)
            | Self::Superseded(_)
            | Self::Lapsed(_)
            | Self::GrantCreated(_)
            | Self::GrantRevoked(_) => "1.0",
        }
    }
}
