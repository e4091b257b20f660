//! ACC-160: over random histories of everything a book can be asked, the invariants of spec/accounts-and-offers.md section
//! 5.1 hold after every append. What must hold is folded from the events by rules of its own, not by the book.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::decider::{Decider as _, Facts};
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::sealed::Sealed;
use crate::specification::{at, fold};

/// What somebody tries; whether it is allowed is the book's to say. `nth` picks an offer or a grant there is.
#[derive(Debug, Clone)]
enum Step {
    Offer { grantor: u8, to: Option<u8>, role: u8, scoped: bool, seconds: i64 },
    Accept { nth: usize, persona: u8 },
    Decline { nth: usize, persona: u8, reason: bool },
    Retract { nth: usize, grantor: u8 },
    Revoke { nth: usize, persona: u8 },
    RevokeRole { persona: u8, role: u8 },
    Direct { persona: u8, role: u8, scoped: bool, seconds: Option<i64> },
    SelfService { persona: u8, role: u8, enabled: bool },
    EndScope,
    NoteLapsed,
    Erase,
}

fn step() -> impl Strategy<Value = Step> {
    let (persona, role, nth) = (0..2_u8, 0..2_u8, 0..12_usize);
    prop_oneof![
        8 => (0..3_u8, proptest::option::of(persona.clone()), role.clone(), any::<bool>(), 50..900_i64)
            .prop_map(|(grantor, to, role, scoped, seconds)| Step::Offer { grantor, to, role, scoped, seconds }),
        8 => (nth.clone(), persona.clone()).prop_map(|(nth, persona)| Step::Accept { nth, persona }),
        2 => (nth.clone(), persona.clone(), any::<bool>())
            .prop_map(|(nth, persona, reason)| Step::Decline { nth, persona, reason }),
        2 => (nth.clone(), 0..3_u8).prop_map(|(nth, grantor)| Step::Retract { nth, grantor }),
        3 => (nth, persona.clone()).prop_map(|(nth, persona)| Step::Revoke { nth, persona }),
        1 => (persona.clone(), role.clone()).prop_map(|(persona, role)| Step::RevokeRole { persona, role }),
        3 => (persona.clone(), role.clone(), any::<bool>(), proptest::option::of(50..400_i64))
            .prop_map(|(persona, role, scoped, seconds)| Step::Direct { persona, role, scoped, seconds }),
        3 => (persona, role, any::<bool>())
            .prop_map(|(persona, role, enabled)| Step::SelfService { persona, role, enabled }),
        1 => Just(Step::EndScope),
        2 => Just(Step::NoteLapsed),
        1 => Just(Step::Erase),
    ]
}

fn persona(number: u8) -> PersonaId {
    PersonaId(format!("p{number}"))
}

fn grantor(number: u8) -> PersonaId {
    PersonaId(format!("g{number}"))
}

fn role(number: u8) -> String {
    if number == 0 { "teacher" } else { "pal" }.to_owned()
}

fn scope() -> GrantScope {
    GrantScope { kind: "class".to_owned(), id: "s".to_owned() }
}

/// What a step asks for: one command, or every role that an erasure takes. What it declines then is [`declines`].
fn commands(book: &OfferBook, step: &Step, number: usize, now: DateTime<Utc>) -> Vec<OfferBookCommand> {
    let nth_offer = |nth: usize| book.offers().nth(nth % book.offers().count().max(1)).map(|offer| offer.id.clone());
    let nth_grant = |nth: usize| book.grants().nth(nth % book.grants().count().max(1)).map(|grant| grant.id.clone());
    let grant = GrantId(format!("grant-{number:04}"));
    let one: Option<OfferBookCommand> = match step.clone() {
        Step::Offer { grantor: by, to, role: what, scoped, seconds } => Some(
            MakeOffer {
                offer: OfferId(format!("offer-{number:04}")),
                grantor: grantor(by),
                grantor_account: AccountId(format!("account-of-g{by}")),
                to_persona: to.map(persona),
                role: role(what),
                scope: scoped.then(scope),
                message: None,
                expires_at: now + TimeDelta::seconds(seconds),
            }
            .into(),
        ),
        Step::Accept { nth, persona: by } => {
            nth_offer(nth).map(|offer| Accept { offer, persona: persona(by), grant }.into())
        }
        Step::Decline { nth, persona: by, reason } => nth_offer(nth).map(|offer| {
            let reason = reason.then(|| Sealed::from_text("v1|s|why|c2VhbGVk"));
            Decline { offer, persona: persona(by), reason }.into()
        }),
        Step::Retract { nth, grantor: by } => {
            nth_offer(nth).map(|offer| Retract { offer, grantor: grantor(by) }.into())
        }
        Step::Revoke { nth, persona: of } => nth_grant(nth).map(|grant| revoke(grant, persona(of)).into()),
        Step::RevokeRole { persona: of, role: what } => {
            Some(RevokeRole { persona: persona(of), role: role(what), reason: None }.into())
        }
        Step::Direct { persona: to, role: what, scoped, seconds } => Some(
            GrantDirectly {
                grant,
                persona: persona(to),
                role: role(what),
                scope: scoped.then(scope),
                path: GrantPath::System,
                expires_at: seconds.map(|seconds| now + TimeDelta::seconds(seconds)),
            }
            .into(),
        ),
        Step::SelfService { persona: of, role: what, enabled } => {
            Some(SetSelfService { persona: persona(of), role: role(what), enabled, grant }.into())
        }
        Step::EndScope => Some(EndScope { scope: scope(), revoked_by: None, reason: None }.into()),
        Step::NoteLapsed => Some(NoteLapsed {}.into()),
        Step::Erase => {
            let held = book.grants().filter(|grant| grant.is_active(now));
            return held.map(|grant| revoke(grant.id.clone(), grant.persona.clone()).into()).collect();
        }
    };
    one.into_iter().collect()
}

/// The second half of an erasure: what the end of the roles has left open.
fn declines(book: &OfferBook) -> Vec<OfferBookCommand> {
    let open = book.offers().filter(|offer| offer.is_open());
    open.map(|offer| Decline { offer: offer.id.clone(), persona: persona(0), reason: None }.into()).collect()
}

/// Decides commands in one append; nothing of it where one is refused.
fn append(
    book: &OfferBook,
    step: &Step,
    number: usize,
    now: DateTime<Utc>,
) -> Option<(OfferBook, Vec<OfferBookEvent>)> {
    let (mut next, mut appended) = (book.clone(), Vec::new());
    let mut decide = |next: &mut OfferBook, commands: Vec<OfferBookCommand>| {
        for command in commands {
            for event in next.decide(&command, &Facts { now }).ok()? {
                next.evolve(&event);
                appended.push(event);
            }
        }
        Some(())
    };
    decide(&mut next, commands(book, step, number, now))?;
    if matches!(step, Step::Erase) {
        let left = declines(&next);
        decide(&mut next, left)?;
    }
    Some((next, appended))
}

fn revoke(grant: GrantId, persona: PersonaId) -> RevokeGrant {
    RevokeGrant { grant, persona, revocable_roles: None, path: GrantPath::System, revoked_by: None, reason: None }
}

/// How an offer ended.
#[derive(Debug, Clone, PartialEq)]
enum End {
    Accepted(GrantId),
    Declined(Option<Sealed>),
    Retracted,
    Superseded,
}

#[derive(Debug, Clone)]
struct OfferSeen {
    grantor: PersonaId,
    to: Option<PersonaId>,
    tuple: (String, Option<GrantScope>),
    expires_at: DateTime<Utc>,
    noted: Option<DateTime<Utc>>,
    end: Option<End>,
}

#[derive(Debug, Clone)]
struct GrantSeen {
    holder: (PersonaId, String, Option<GrantScope>),
    source: Option<OfferId>,
    expires_at: Option<DateTime<Utc>>,
    revoked: bool,
}

impl GrantSeen {
    fn is_active(&self, now: DateTime<Utc>) -> bool {
        !self.revoked && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The book as the section's rules read its events.
#[derive(Debug, Default)]
struct Reading {
    offers: BTreeMap<OfferId, OfferSeen>,
    grants: BTreeMap<GrantId, GrantSeen>,
}

impl Reading {
    /// Reads one event; each kind may follow certain states only.
    fn take(&mut self, event: &OfferBookEvent) -> Result<(), TestCaseError> {
        match event {
            OfferBookEvent::Made(made) => {
                let offer = OfferSeen {
                    grantor: made.grantor.clone(),
                    to: made.to_persona.clone(),
                    tuple: (made.role.clone(), made.scope.clone()),
                    expires_at: made.expires_at,
                    noted: None,
                    end: None,
                };
                let before = self.offers.insert(made.offer.clone(), offer);
                prop_assert!(before.is_none(), "an id is an offer's for good");
            }
            OfferBookEvent::Refreshed(again) => {
                let offer = self.open(&again.offer)?;
                (offer.to, offer.expires_at) = (again.to_persona.clone(), again.expires_at);
            }
            OfferBookEvent::Accepted(accepted) => {
                let offer = self.open(&accepted.offer)?;
                prop_assert!(accepted.at < offer.expires_at, "a lapsed offer is never accepted");
                let is_meant = offer.to.as_ref().is_none_or(|to| *to == accepted.persona);
                prop_assert!(is_meant, "an offer to one persona is that persona's");
                offer.end = Some(End::Accepted(accepted.grant.clone()));
            }
            OfferBookEvent::Declined(it) => self.open(&it.offer)?.end = Some(End::Declined(it.reason.clone())),
            OfferBookEvent::Retracted(it) => self.open(&it.offer)?.end = Some(End::Retracted),
            OfferBookEvent::Superseded(it) => self.open(&it.offer)?.end = Some(End::Superseded),
            OfferBookEvent::Lapsed(lapsed) => {
                let offer = self.open(&lapsed.offer)?;
                prop_assert!(offer.expires_at == lapsed.expires_at && lapsed.expires_at <= lapsed.at);
                prop_assert!(offer.noted != Some(lapsed.expires_at), "a lapse is noted once an end");
                offer.noted = Some(lapsed.expires_at);
            }
            OfferBookEvent::GrantCreated(created) => {
                let grant = GrantSeen {
                    holder: (created.persona.clone(), created.role.clone(), created.scope.clone()),
                    source: created.source_offer.clone(),
                    expires_at: created.expires_at,
                    revoked: false,
                };
                let is_by_offer = created.source_offer.is_some();
                prop_assert!(!is_by_offer || created.expires_at.is_none(), "a grant made by an offer has no end");
                let before = self.grants.insert(created.grant.clone(), grant);
                prop_assert!(before.is_none(), "an id is a grant's for good");
            }
            OfferBookEvent::GrantRevoked(revoked) => {
                let grant = self.grants.get_mut(&revoked.grant);
                let ended = grant.map(|grant| std::mem::replace(&mut grant.revoked, true));
                prop_assert_eq!(ended, Some(false), "a grant that stands is revoked once");
            }
        }
        Ok(())
    }

    /// An offer that nothing has settled.
    fn open(&mut self, id: &OfferId) -> Result<&mut OfferSeen, TestCaseError> {
        let offer = self.offers.get_mut(id).filter(|offer| offer.end.is_none());
        offer.ok_or_else(|| TestCaseError::fail(format!("{id} is not open")))
    }

    /// What holds between any two appends.
    fn holds(&self, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let open: Vec<&OfferSeen> = self.offers.values().filter(|offer| offer.end.is_none()).collect();
        for offer in &open {
            let slot = open.iter().filter(|it| (&it.grantor, &it.tuple) == (&offer.grantor, &offer.tuple));
            prop_assert_eq!(slot.count(), 1, "one open offer a slot");
        }
        let active: Vec<&GrantSeen> = self.grants.values().filter(|grant| grant.is_active(now)).collect();
        for grant in &active {
            let same = active.iter().filter(|it| it.holder == grant.holder);
            prop_assert_eq!(same.count(), 1, "one active grant a persona, role and scope");
        }
        for (id, offer) in &self.offers {
            if let Some(End::Accepted(grant)) = &offer.end {
                let grant = self.grants.get(grant);
                let is_of = |grant: &GrantSeen| (&grant.holder.1, &grant.holder.2) == (&offer.tuple.0, &offer.tuple.1);
                prop_assert!(grant.is_some_and(is_of), "the accepted {} has its grant", id);
            }
        }
        for (id, grant) in self.grants.iter().filter(|(_, grant)| grant.source.is_some()) {
            let source = grant.source.as_ref().and_then(|source| self.offers.get(source));
            let made_it = source.is_some_and(|offer| offer.end == Some(End::Accepted(id.clone())));
            prop_assert!(made_it, "{} has the offer that was accepted for it", id);
        }
        Ok(())
    }

    /// What holds after a step that ends things.
    fn ended(&self, step: &Step, appended: &[OfferBookEvent], now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let stands = |tuple: &dyn Fn(&str, Option<&GrantScope>) -> bool| {
            let offers = self.offers.values().filter(|it| it.end.is_none() && tuple(&it.tuple.0, it.tuple.1.as_ref()));
            let grants =
                self.grants.values().filter(|it| it.is_active(now) && tuple(&it.holder.1, it.holder.2.as_ref()));
            (offers.count(), grants.count())
        };
        match step {
            Step::EndScope => prop_assert_eq!(stands(&|_, at| at == Some(&scope())), (0, 0), "a scope ends whole"),
            Step::Erase => prop_assert_eq!(stands(&|_, _| true), (0, 0), "an erasure leaves nothing"),
            Step::Offer { .. }
            | Step::Accept { .. }
            | Step::Decline { .. }
            | Step::Retract { .. }
            | Step::Revoke { .. }
            | Step::RevokeRole { .. }
            | Step::Direct { .. }
            | Step::SelfService { .. }
            | Step::NoteLapsed => {}
        }
        for event in appended {
            if let OfferBookEvent::GrantRevoked(revoked) = event {
                let (open, _) = stands(&|role, at| role == revoked.role && at == revoked.scope.as_ref());
                prop_assert_eq!(open, 0, "no offer of before brings a revoked role back");
            }
        }
        Ok(())
    }

    /// The book remembers each offer's end, and a reason with a declined one alone.
    fn agrees(&self, book: &OfferBook, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        prop_assert_eq!(book.offers().count(), self.offers.len());
        for (id, seen) in &self.offers {
            let end = match &book.offer(id).expect("an offer that was made").status {
                OfferStatus::Pending => None,
                OfferStatus::Accepted { grant, .. } => Some(End::Accepted(grant.clone())),
                OfferStatus::Declined { reason, .. } => Some(End::Declined(reason.clone())),
                OfferStatus::Retracted { .. } => Some(End::Retracted),
                OfferStatus::Superseded { .. } => Some(End::Superseded),
            };
            prop_assert_eq!(&end, &seen.end);
        }
        let active = book.grants().filter(|grant| grant.is_active(now)).map(|grant| &grant.id);
        let read = self.grants.iter().filter(|(_, grant)| grant.is_active(now)).map(|(id, _)| id);
        prop_assert!(active.eq(read), "the same grants are active");
        let kept = book.grants().map(|grant| &grant.id);
        let standing = self.grants.iter().filter(|(_, grant)| !grant.revoked).map(|(id, _)| id);
        prop_assert!(kept.eq(standing), "a revoked grant is not kept");
        Ok(())
    }
}

/// Cases of the short form.
const CASES: u32 = 256;
/// Cases of the full form.
const CASES_FULL: u32 = 20_000;

fn cases() -> ProptestConfig {
    let full = std::env::var("MUNIMENT_TORTURE").is_ok_and(|form| form == "full");
    ProptestConfig {
        cases: if full { CASES_FULL } else { CASES },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn acc_160_the_invariants_of_a_book_hold_after_every_append(steps in prop::collection::vec(step(), 1..60)) {
        let (mut book, mut reading) = (OfferBook::default(), Reading::default());
        let mut events: Vec<OfferBookEvent> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let now = at(i64::try_from(number).unwrap() * 100);
            let Some((next, appended)) = append(&book, step, number, now) else {
                prop_assert!(!matches!(step, Step::Erase | Step::EndScope), "what ends everything is never refused");
                continue;
            };
            book = next;
            for event in &appended {
                if let OfferBookEvent::GrantCreated(created) = event {
                    let holder = (created.persona.clone(), created.role.clone(), created.scope.clone());
                    let held = reading.grants.values().any(|it| it.is_active(now) && it.holder == holder);
                    prop_assert!(!held, "a role that is held is not given");
                }
                reading.take(event)?;
            }
            reading.holds(now)?;
            reading.ended(step, &appended, now)?;
            reading.agrees(&book, now)?;
            events.extend(appended);
        }
        let text = serde_json::to_string(&book).unwrap();
        prop_assert_eq!(serde_json::from_str::<OfferBook>(&text).unwrap(), fold::<OfferBook>(&events));
    }
}
