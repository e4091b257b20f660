//! Replays a set of events under the rules and says whether a role follows from them: nothing acts before it exists,
//! nothing is offered without the right to, nothing is held without its reason.
//!
//! What an event proves is replayed from the set alone. That a role had *not* ended when it was used is what no single
//! event shows; it comes from reading whole books, as [`Ends`].

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use muniment_aggregates::account::{AccountEvent, Via};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, GrantId, InviteId, OfferId, PersonaId};
use muniment_aggregates::invite::InviteEvent;
use muniment_aggregates::offer_book::{GrantCreated, GrantPath, GrantScope, OfferBookEvent, OfferMade};
use muniment_aggregates::record::Position;
use muniment_aggregates::roster::RosterEvent;
use muniment_aggregates::settings::SettingsEvent;

use super::OfferRules;
use super::records::Evidence;

/// Where grants were revoked.
pub(super) type Ends = HashMap<GrantId, Position>;

/// What is to follow.
pub(super) struct Claim<'a> {
    pub(super) account: &'a AccountId,
    pub(super) role: &'a str,
    pub(super) scope: Option<&'a GrantScope>,
    /// After the event at this position.
    pub(super) at: Position,
    pub(super) instant: DateTime<Utc>,
}

/// Whether a role follows from events that stand in order.
pub(super) fn follows<'e>(
    events: impl IntoIterator<Item = &'e Evidence>,
    ends: &Ends,
    rules: &OfferRules,
    claim: &Claim<'_>,
) -> bool {
    let mut replay = Replay::new(ends, rules);
    for event in events {
        replay.take(event);
    }
    let after = claim.at.next();
    replay.held.iter().any(|held| {
        held.account == *claim.account
            && held.created.role == claim.role
            && held.created.scope.as_ref() == claim.scope
            && replay.holds(held, after, claim.instant)
    })
}

struct Held {
    account: AccountId,
    created: GrantCreated,
    from: Position,
}

struct Offer {
    account: AccountId,
    made: OfferMade,
    /// Whether it was made or made again by right.
    by_right: bool,
    accepted: Option<(PersonaId, GrantId)>,
}

struct Replay<'a> {
    ends: &'a Ends,
    rules: &'a OfferRules,
    founded: HashSet<AccountId>,
    invites: HashSet<InviteId>,
    open_signup: bool,
    accounts: HashSet<AccountId>,
    personas: HashMap<PersonaId, AccountId>,
    offers: HashMap<OfferId, Offer>,
    held: Vec<Held>,
}

impl<'a> Replay<'a> {
    fn new(ends: &'a Ends, rules: &'a OfferRules) -> Self {
        Self {
            ends,
            rules,
            founded: HashSet::new(),
            invites: HashSet::new(),
            open_signup: false,
            accounts: HashSet::new(),
            personas: HashMap::new(),
            offers: HashMap::new(),
            held: Vec::new(),
        }
    }

    fn is_of(&self, persona: &PersonaId, account: &AccountId) -> bool {
        self.personas.get(persona) == Some(account)
    }

    /// Whether a grant holds right before a position, at an instant.
    fn holds(&self, held: &Held, before: Position, instant: DateTime<Utc>) -> bool {
        held.from < before
            && self.ends.get(&held.created.grant).is_none_or(|end| *end >= before)
            && held.created.expires_at.is_none_or(|end| end > instant)
    }

    fn has_right(&self, persona: &PersonaId, what: (&str, Option<&GrantScope>), by: (Position, DateTime<Utc>)) -> bool {
        self.held.iter().filter(|held| held.created.persona == *persona).any(|held| {
            let own = (held.created.role.as_str(), held.created.scope.as_ref());
            self.rules.rank(own, what).is_some() && self.holds(held, by.0, by.1)
        })
    }

    fn administers(&self, persona: &PersonaId, by: (Position, DateTime<Utc>)) -> bool {
        self.has_right(persona, ("admin", None), by)
    }

    fn take(&mut self, event: &Evidence) {
        let position = event.position();
        match &event.event {
            AnyEvent::Roster(RosterEvent::Founded(founded)) => {
                self.founded.insert(founded.account.clone());
            }
            AnyEvent::Invite(InviteEvent::Created(created)) => {
                let by = event.caused_by();
                let is_right = by.is_none_or(|account| {
                    self.is_of(&created.created_by, &account)
                        && self.administers(&created.created_by, (position, created.at))
                });
                if is_right {
                    self.invites.insert(InviteId(event.recorded.stream.id.to_string()));
                }
            }
            AnyEvent::Settings(SettingsEvent::OpenSignupSet(set)) => {
                let is_right = set.by.as_ref().is_none_or(|by| self.administers(by, (position, set.at)));
                self.open_signup = set.new_value && is_right;
            }
            AnyEvent::Account(event_of) => self.take_account(event, event_of),
            AnyEvent::OfferBook(event_of) => self.take_book(event, event_of),
            AnyEvent::Roster(RosterEvent::Admitted(_) | RosterEvent::Left(_))
            | AnyEvent::Invite(InviteEvent::Claimed(_) | InviteEvent::Deleted(_))
            | AnyEvent::Metric(_)
            | AnyEvent::Application(_)
            | AnyEvent::Challenge(_)
            | AnyEvent::Session(_)
            | AnyEvent::Scope(_)
            | AnyEvent::Attempt(_)
            | AnyEvent::Note(_)
            | AnyEvent::Scheduler(_)
            | AnyEvent::Subject(_) => {}
        }
    }

    fn take_account(&mut self, event: &Evidence, what: &AccountEvent) {
        let account = event.account();
        if let AccountEvent::Registered(registered) = what {
            let may = match registered.via {
                Via::Bootstrap => self.founded.contains(&account),
                Via::Invite => registered.invite.as_ref().is_some_and(|invite| self.invites.contains(invite)),
                Via::OpenSignup => self.open_signup,
                Via::EmailCode | Via::Operator => true,
            };
            if may {
                self.accounts.insert(account.clone());
                self.personas.insert(registered.persona.clone(), account);
            }
        } else if let AccountEvent::PersonaAdded(added) = what
            && self.accounts.contains(&account)
        {
            self.personas.insert(added.persona.clone(), account);
        }
    }

    fn take_book(&mut self, event: &Evidence, what: &OfferBookEvent) {
        let (account, position) = (event.account(), event.position());
        match what {
            OfferBookEvent::Made(made) => {
                let by_right = self.is_of(&made.grantor, &made.grantor_account)
                    && self.has_right(&made.grantor, (&made.role, made.scope.as_ref()), (position, made.at));
                let offer = Offer { account, made: made.clone(), by_right, accepted: None };
                self.offers.insert(made.offer.clone(), offer);
            }
            OfferBookEvent::Refreshed(again) => {
                let Some(offer) = self.offers.get(&again.offer) else { return };
                let made = &offer.made;
                let by_right = self.is_of(&made.grantor, &made.grantor_account)
                    && self.has_right(&made.grantor, (&made.role, made.scope.as_ref()), (position, again.at));
                if let Some(offer) = self.offers.get_mut(&again.offer) {
                    offer.by_right = by_right;
                    offer.made.expires_at = again.expires_at;
                    offer.made.to_persona.clone_from(&again.to_persona);
                }
            }
            OfferBookEvent::Accepted(accepted) => {
                let is_theirs = self.is_of(&accepted.persona, &account);
                if let Some(offer) = self.offers.get_mut(&accepted.offer) {
                    let is_for = offer.made.to_persona.as_ref().is_none_or(|to| *to == accepted.persona);
                    if offer.account == account
                        && offer.by_right
                        && is_for
                        && is_theirs
                        && offer.made.expires_at > accepted.at
                    {
                        offer.accepted = Some((accepted.persona.clone(), accepted.grant.clone()));
                    }
                }
            }
            OfferBookEvent::GrantCreated(created) => {
                if self.is_of(&created.persona, &account) && self.may_begin(&account, created) {
                    self.held.push(Held { account, created: created.clone(), from: position });
                }
            }
            OfferBookEvent::Declined(_)
            | OfferBookEvent::Retracted(_)
            | OfferBookEvent::Superseded(_)
            | OfferBookEvent::Lapsed(_)
            | OfferBookEvent::GrantRevoked(_) => {}
        }
    }

    fn may_begin(&self, account: &AccountId, created: &GrantCreated) -> bool {
        match created.path {
            GrantPath::Bootstrap => self.founded.contains(account),
            GrantPath::System | GrantPath::SelfService => true,
            GrantPath::Admin => {
                let offer = created.source_offer.as_ref().and_then(|offer| self.offers.get(offer));
                offer.is_some_and(|offer| {
                    let accepted = (created.persona.clone(), created.grant.clone());
                    offer.made.role == created.role
                        && offer.made.scope == created.scope
                        && created.granted_by.as_ref() == Some(&offer.made.grantor)
                        && offer.accepted == Some(accepted)
                })
            }
        }
    }
}
