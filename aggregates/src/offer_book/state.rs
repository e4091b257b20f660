//! What an offer book remembers: every offer, settled ones too, because an accept that is repeated years later still
//! answers with its grant; and the grants that nobody revoked. Nothing asks for a revoked one, and whoever may take and
//! leave a role himself makes any number of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::{GrantScope, OfferBookEvent};
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::sealed::Sealed;

/// How an offer stands. That it lapsed is not a state but time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    /// Waits for its recipient.
    Pending,
    /// Accepted.
    Accepted {
        /// By whom.
        persona: PersonaId,
        /// The role he holds by it.
        grant: GrantId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Declined.
    Declined {
        /// Why.
        reason: Option<Sealed>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Taken back.
    Retracted {
        /// When.
        at: DateTime<Utc>,
    },
    /// Fell away.
    Superseded {
        /// When.
        at: DateTime<Utc>,
    },
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// The persona that made it.
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
    /// When it was first made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// The end of which it was noted that it passed.
    pub lapse_noted: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: OfferStatus,
}

impl Offer {
    /// Whether nothing has settled it; it may have lapsed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == OfferStatus::Pending
    }

    /// Whether it is for this role in this scope.
    #[must_use]
    pub fn is_of(&self, role: &str, scope: Option<&GrantScope>) -> bool {
        self.role == role && self.scope.as_ref() == scope
    }
}

/// A role a persona holds, or held until its own end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who holds it.
    pub persona: PersonaId,
    /// The role.
    pub role: String,
    /// Where.
    pub scope: Option<GrantScope>,
    /// The persona that offered it.
    pub granted_by: Option<PersonaId>,
    /// The offer that was accepted.
    pub source_offer: Option<OfferId>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// Whether it holds at this instant.
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// Whether its own end is no earlier than this one; `None` = never.
    #[must_use]
    pub fn lasts_until(&self, end: Option<DateTime<Utc>>) -> bool {
        self.expires_at.is_none_or(|own| end.is_some_and(|end| end <= own))
    }
}

/// The state of one offer book.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferBook {
    offers: BTreeMap<OfferId, Offer>,
    grants: BTreeMap<GrantId, Grant>,
}

impl OfferBook {
    /// An offer, settled or not.
    #[must_use]
    pub fn offer(&self, id: &OfferId) -> Option<&Offer> {
        self.offers.get(id)
    }

    /// All offers, by id.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.values()
    }

    /// A grant that was not revoked; its own end may have passed.
    #[must_use]
    pub fn grant(&self, id: &GrantId) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// All grants that were not revoked, by id.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }

    /// The grant by which a persona holds a role at this instant in exactly this scope.
    #[must_use]
    pub fn active_grant(
        &self,
        persona: &PersonaId,
        role: &str,
        scope: Option<&GrantScope>,
        now: DateTime<Utc>,
    ) -> Option<&Grant> {
        self.grants
            .values()
            .find(|it| it.persona == *persona && it.role == role && it.scope.as_ref() == scope && it.is_active(now))
    }

    /// The roles that are held at this instant, oldest first. What was given at one instant, as the first keeper's roles
    /// are, stands by role, scope and persona: ids are random, and by them the order would be another one each time.
    #[must_use]
    pub fn held(&self, now: DateTime<Utc>) -> Vec<&Grant> {
        let mut held: Vec<&Grant> = self.grants.values().filter(|it| it.is_active(now)).collect();
        held.sort_by_key(|it| (it.created_at, &it.role, &it.scope, &it.persona));
        held
    }

    /// Those of one persona, in the same order.
    #[must_use]
    pub fn held_by(&self, persona: &PersonaId, now: DateTime<Utc>) -> Vec<&Grant> {
        let mut held = self.held(now);
        held.retain(|it| it.persona == *persona);
        held
    }

    /// The roles that are held at this instant at exactly this scope, by id.
    pub(super) fn held_at(&self, scope: &GrantScope, now: DateTime<Utc>) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(move |it| it.scope.as_ref() == Some(scope) && it.is_active(now))
    }

    /// The open offers at exactly this scope, by id; lapsed ones too, for they can be made again.
    pub(super) fn open_at(&self, scope: &GrantScope) -> impl Iterator<Item = &Offer> {
        self.offers.values().filter(move |it| it.is_open() && it.scope.as_ref() == Some(scope))
    }

    /// Whether the end of the scope would end anything here.
    #[must_use]
    pub fn has_anything_at(&self, scope: &GrantScope, now: DateTime<Utc>) -> bool {
        self.held_at(scope, now).next().is_some() || self.open_at(scope).next().is_some()
    }

    fn settle(&mut self, id: &OfferId, status: OfferStatus) {
        if let Some(offer) = self.offers.get_mut(id) {
            offer.status = status;
        }
    }

    pub(super) fn take_event(&mut self, event: &OfferBookEvent) {
        match event {
            OfferBookEvent::Made(made) => {
                let offer = Offer {
                    id: made.offer.clone(),
                    grantor: made.grantor.clone(),
                    grantor_account: made.grantor_account.clone(),
                    to_persona: made.to_persona.clone(),
                    role: made.role.clone(),
                    scope: made.scope.clone(),
                    message: made.message.clone(),
                    created_at: made.at,
                    expires_at: made.expires_at,
                    lapse_noted: None,
                    status: OfferStatus::Pending,
                };
                self.offers.insert(made.offer.clone(), offer);
            }
            OfferBookEvent::Refreshed(refreshed) => {
                if let Some(offer) = self.offers.get_mut(&refreshed.offer) {
                    offer.to_persona.clone_from(&refreshed.to_persona);
                    offer.message.clone_from(&refreshed.message);
                    offer.expires_at = refreshed.expires_at;
                }
            }
            OfferBookEvent::Accepted(accepted) => self.settle(
                &accepted.offer,
                OfferStatus::Accepted {
                    persona: accepted.persona.clone(),
                    grant: accepted.grant.clone(),
                    at: accepted.at,
                },
            ),
            OfferBookEvent::Declined(declined) => {
                let reason = declined.reason.clone();
                self.settle(&declined.offer, OfferStatus::Declined { reason, at: declined.at });
            }
            OfferBookEvent::Retracted(it) => self.settle(&it.offer, OfferStatus::Retracted { at: it.at }),
            OfferBookEvent::Superseded(it) => self.settle(&it.offer, OfferStatus::Superseded { at: it.at }),
            OfferBookEvent::Lapsed(lapsed) => {
                if let Some(offer) = self.offers.get_mut(&lapsed.offer) {
                    offer.lapse_noted = Some(lapsed.expires_at);
                }
            }
            OfferBookEvent::GrantCreated(created) => {
                let grant = Grant {
                    id: created.grant.clone(),
                    persona: created.persona.clone(),
                    role: created.role.clone(),
                    scope: created.scope.clone(),
                    granted_by: created.granted_by.clone(),
                    source_offer: created.source_offer.clone(),
                    created_at: created.at,
                    expires_at: created.expires_at,
                };
                self.grants.insert(created.grant.clone(), grant);
            }
            OfferBookEvent::GrantRevoked(revoked) => {
                self.grants.remove(&revoked.grant);
            }
        }
    }
}
