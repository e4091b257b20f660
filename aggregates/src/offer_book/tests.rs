//! Given/when/then over offer books, then the invariants of spec/accounts-and-offers.md section 5.1 over random
//! histories.

use proptest::prelude::*;

use super::*;
use crate::decider::{Decider as _, DomainEvent as _, Facts};
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::specification::{Specification, at, fold, given};

fn persona(name: &str) -> PersonaId {
    PersonaId(name.to_owned())
}

fn offer(number: u32, grantor: &str) -> MakeOffer {
    MakeOffer {
        offer: OfferId(format!("offer-{number}")),
        grantor: persona(grantor),
        grantor_account: AccountId(format!("account-of-{grantor}")),
        to_persona: None,
        role: "teacher".to_owned(),
        scope: None,
        message: None,
        expires_at: at(1_000),
    }
}

fn accept(number: u32, as_persona: &str) -> Accept {
    Accept {
        offer: OfferId(format!("offer-{number}")),
        persona: persona(as_persona),
        grant: GrantId(format!("grant-of-{number}-by-{as_persona}")),
    }
}

fn decline(number: u32) -> Decline {
    Decline { offer: OfferId(format!("offer-{number}")), persona: persona("p1"), reason: None }
}

fn retract(number: u32, grantor: &str) -> Retract {
    Retract { offer: OfferId(format!("offer-{number}")), grantor: persona(grantor) }
}

fn revoke(grant: &str, holder: &str) -> RevokeGrant {
    RevokeGrant {
        grant: GrantId(grant.to_owned()),
        persona: persona(holder),
        revocable_roles: Some(vec!["teacher".to_owned()]),
        path: GrantPath::Admin,
        revoked_by: Some(persona("boss")),
        reason: None,
    }
}

fn types(events: &[OfferBookEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.event_type()).collect()
}

fn book() -> Specification<OfferBook> {
    given::<OfferBook>(&[])
}

#[test]
fn acc_117_the_same_grantor_makes_the_same_offer_again() {
    let again = book().and(offer(1, "g")).at(10).when(MakeOffer { expires_at: at(2_000), ..offer(2, "g") }).events();
    assert_eq!(types(&again), ["offer.refreshed"]);
    let lapsed = book().and(offer(1, "g")).at(1_500).when(offer(2, "g")).events();
    assert_eq!(types(&lapsed), ["offer.refreshed"], "a lapsed offer keeps its slot");
    let other = book().and(offer(1, "g")).when(offer(2, "h")).events();
    assert_eq!(types(&other), ["offer.made"]);
    let settled = book().and(offer(1, "g")).and(decline(1)).when(offer(2, "g")).events();
    assert_eq!(types(&settled), ["offer.made"]);
}

#[test]
fn acc_126_accepting_gives_the_role_and_ends_the_siblings() {
    let both = book().and(offer(1, "g")).and(offer(2, "h"));
    assert_eq!(types(&both.when(accept(1, "p1")).events()), ["offer.accepted", "grant.created", "offer.superseded"]);
    let after = both.and(accept(1, "p1"));
    after.when(accept(2, "p1")).then_refused("role_grant_offer_terminal");
    after.when(decline(2)).then_refused("role_grant_offer_terminal");
    after.when(retract(2, "h")).then_refused("role_grant_offer_terminal");
}

#[test]
fn acc_127_accepting_again_changes_nothing_even_later_and_after_the_loss() {
    let accepted = book().and(offer(1, "g")).and(accept(1, "p1"));
    accepted.clone().at(5_000).when(accept(1, "p1")).then_nothing();
    let revoked = accepted.and(revoke("grant-of-1-by-p1", "p1"));
    revoked.when(accept(1, "p1")).then_nothing();
    assert!(revoked.state.active_grant(&persona("p1"), "teacher", None, at(0)).is_none());
    revoked.when(accept(1, "p2")).then_refused("role_grant_offer_terminal");
}

#[test]
fn acc_129_an_offer_to_one_persona_is_that_personas() {
    let addressed = book().and(MakeOffer { to_persona: Some(persona("p1")), ..offer(1, "g") });
    addressed.when(accept(1, "p2")).then_refused("role_grant_offer_actor_mismatch");
    assert!(addressed.when(accept(1, "p1")).0.is_ok());
    book().when(accept(9, "p1")).then_refused("role_grant_offer_not_found");
}

#[test]
fn acc_130_an_offer_lapses_at_the_instant_of_its_end() {
    let made = book().and(offer(1, "g"));
    assert!(made.clone().at(999).when(accept(1, "p1")).0.is_ok());
    made.clone().at(1_000).when(accept(1, "p1")).then_refused("role_grant_offer_expired");
    assert!(made.clone().at(1_000).when(decline(1)).0.is_ok());
    assert!(made.at(1_000).when(retract(1, "g")).0.is_ok());
}

#[test]
fn acc_131_a_role_that_is_held_is_not_given_twice() {
    let held = book().and(offer(1, "g")).and(accept(1, "p1")).and(offer(2, "h"));
    let events = held.when(accept(2, "p1")).events();
    assert_eq!(types(&events), ["offer.accepted"]);
    let ended = GrantDirectly {
        grant: GrantId("old".to_owned()),
        persona: persona("p1"),
        role: "teacher".to_owned(),
        scope: None,
        path: GrantPath::System,
        expires_at: Some(at(5)),
    };
    let expired = book().and(ended).and(offer(1, "g")).at(10);
    assert_eq!(types(&expired.when(accept(1, "p1")).events()), ["offer.accepted", "grant.created"]);
}

#[test]
fn acc_134_only_its_grantor_takes_an_offer_back() {
    let made = book().and(offer(1, "g"));
    made.when(retract(1, "h")).then_refused("role_grant_offer_not_found");
    assert_eq!(types(&made.when(retract(1, "g")).events()), ["offer.retracted"]);
}

#[test]
fn acc_142_losing_a_role_ends_every_open_offer_of_it_lapsed_ones_too() {
    let held = book().and(offer(1, "g")).and(accept(1, "p1")).and(offer(2, "h"));
    let held = held.and(MakeOffer { to_persona: Some(persona("p2")), ..offer(3, "i") });
    let scoped = Some(GrantScope { kind: "class".to_owned(), id: "s".to_owned() });
    let held = held.and(MakeOffer { scope: scoped, ..offer(4, "g") }).at(2_000);
    let events = held.when(revoke("grant-of-1-by-p1", "p1")).events();
    assert_eq!(types(&events), ["grant.revoked", "offer.superseded", "offer.superseded"]);
    let after = held.and(revoke("grant-of-1-by-p1", "p1"));
    after.when(revoke("grant-of-1-by-p1", "p1")).then_refused("role_grant_not_found");
    after.when(revoke("grant-of-1-by-p1", "p2")).then_refused("role_grant_not_found");
    assert!(after.state.offer(&OfferId("offer-4".to_owned())).is_some_and(Offer::is_open));
}

#[test]
fn acc_141_what_is_not_the_surfaces_to_give_is_not_its_to_take() {
    let direct = GrantDirectly {
        grant: GrantId("k".to_owned()),
        persona: persona("p1"),
        role: "keeper".to_owned(),
        scope: None,
        path: GrantPath::Bootstrap,
        expires_at: None,
    };
    book().and(direct).when(revoke("k", "p1")).then_refused("role_not_web_grantable");
}

#[test]
fn acc_145_a_switch_that_stands_is_not_turned() {
    let set = |enabled| SetSelfService {
        persona: persona("p1"),
        role: "pal".to_owned(),
        enabled,
        grant: GrantId("pal".to_owned()),
    };
    book().when(set(false)).then_nothing();
    let on = book().and(set(true));
    on.when(set(true)).then_nothing();
    assert_eq!(types(&on.when(set(false)).events()), ["grant.revoked"]);
}

#[test]
fn acc_220_a_lapse_is_noted_once_an_end() {
    let made = book().and(offer(1, "g")).at(1_000);
    assert_eq!(types(&made.when(NoteLapsed {}).events()), ["offer.lapsed"]);
    let noted = made.and(NoteLapsed {});
    noted.when(NoteLapsed {}).then_nothing();
    let again = noted.and(MakeOffer { expires_at: at(2_000), ..offer(2, "g") }).at(2_000);
    assert_eq!(types(&again.when(NoteLapsed {}).events()), ["offer.lapsed"]);
    let settled = book().and(offer(1, "g")).and(decline(1)).at(1_000);
    settled.when(NoteLapsed {}).then_nothing();
}

#[test]
fn acc_220_lapses_are_noted_a_portion_at_a_time_soonest_end_first() {
    let mut state = OfferBook::default();
    for number in 1..=2 * u32::try_from(LAPSES_NOTED_MAX).unwrap() + 1 {
        let grantor = format!("g{number}");
        // The later it is made, the sooner it ends.
        let made = MakeOffer { expires_at: at(10_000 - i64::from(number)), ..offer(number, &grantor) };
        state.decide(&made.into(), &Facts { now: at(0) }).unwrap().iter().for_each(|event| state.evolve(event));
    }
    let mut ends = Vec::new();
    let mut portions = Vec::new();
    while portions.last() != Some(&0) {
        let noted = state.decide(&NoteLapsed {}.into(), &Facts { now: at(10_000) }).unwrap();
        portions.push(noted.len());
        for event in noted {
            let OfferBookEvent::Lapsed(lapsed) = &event else { panic!("{event:?}") };
            ends.push(lapsed.expires_at);
            state.evolve(&event);
        }
    }
    assert_eq!(portions, [LAPSES_NOTED_MAX, LAPSES_NOTED_MAX, 1, 0]);
    assert!(ends.is_sorted());
}

#[test]
fn acc_147_the_end_of_a_scope_ends_what_is_at_it_and_nothing_else() {
    let scope = GrantScope { kind: "class".to_owned(), id: "s".to_owned() };
    let at_scope = |number, grantor| MakeOffer { scope: Some(scope.clone()), ..offer(number, grantor) };
    let held = book().and(at_scope(1, "g")).and(accept(1, "p1")).and(at_scope(2, "h")).and(offer(3, "g"));
    let end = EndScope { scope: scope.clone(), revoked_by: None, reason: None };
    assert_eq!(types(&held.when(end.clone()).events()), ["grant.revoked", "offer.superseded"]);
    held.and(end.clone()).when(end).then_nothing();
}

/// One random step over three grantors, two personas, two roles and an optional scope.
fn step() -> impl Strategy<Value = (u8, u8, u8, bool, bool)> {
    (0_u8..7, 0_u8..3, 0_u8..2, any::<bool>(), any::<bool>())
}

proptest! {
    #[test]
    fn acc_160_the_invariants_of_a_book_hold_at_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut state = OfferBook::default();
        let mut events: Vec<OfferBookEvent> = Vec::new();
        for (number, (what, grantor, who, scoped, second)) in (1_u32..).zip(steps) {
            let now = at(i64::from(number) * 100);
            let scope = scoped.then(|| GrantScope { kind: "class".to_owned(), id: "s".to_owned() });
            let role = if second { "student" } else { "teacher" };
            let person = persona(if who == 0 { "p1" } else { "p2" });
            let any_offer = state.offers().nth(usize::from(grantor)).map(|offer| offer.id.clone());
            let any_grant = state.grants().nth(usize::from(grantor)).map(|grant| grant.id.clone());
            let command: OfferBookCommand = match (what, any_offer, any_grant) {
                (1 | 2, Some(offer), _) => {
                    Accept { offer, persona: person, grant: GrantId(format!("grant-{number}")) }.into()
                }
                (3, Some(offer), _) => Decline { offer, persona: person, reason: None }.into(),
                (4, Some(offer), _) => Retract { offer, grantor: persona(&format!("g{grantor}")) }.into(),
                (5, _, Some(grant)) => RevokeGrant {
                    grant, persona: person, revocable_roles: None, path: GrantPath::Admin, revoked_by: None, reason: None,
                }.into(),
                (6, _, _) if scoped => EndScope {
                    scope: GrantScope { kind: "class".to_owned(), id: "s".to_owned() }, revoked_by: None, reason: None,
                }.into(),
                (6, _, _) => NoteLapsed {}.into(),
                _ => MakeOffer {
                    offer: OfferId(format!("offer-{number:04}")),
                    grantor: persona(&format!("g{grantor}")),
                    role: role.to_owned(),
                    scope,
                    to_persona: second.then_some(person),
                    expires_at: now + chrono::TimeDelta::seconds(450),
                    ..offer(number, "g")
                }.into(),
            };
            let Ok(decided) = state.decide(&command, &Facts { now }) else { continue };
            for event in decided {
                state.evolve(&event);
                events.push(event);
            }
            check(&state, &events, now)?;
        }
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<OfferBook>(&text).unwrap(), fold::<OfferBook>(&events));
    }
}

fn check(
    state: &OfferBook,
    events: &[OfferBookEvent],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), TestCaseError> {
    let open: Vec<&Offer> = state.offers().filter(|offer| offer.is_open()).collect();
    for offer in &open {
        let slot = |other: &&&Offer| other.grantor == offer.grantor && other.is_of(&offer.role, offer.scope.as_ref());
        prop_assert_eq!(open.iter().filter(slot).count(), 1, "one open offer a slot");
    }
    for grant in state.grants().filter(|grant| grant.is_active(now)) {
        let same = state.grants().filter(|other| {
            other.is_active(now)
                && (&other.persona, &other.role, &other.scope) == (&grant.persona, &grant.role, &grant.scope)
        });
        prop_assert_eq!(same.count(), 1, "one active grant a persona, role and scope");
        let source = grant.source_offer.as_ref().and_then(|offer| state.offer(offer));
        prop_assert!(
            source.is_some_and(|offer| matches!(&offer.status, OfferStatus::Accepted { .. })),
            "a grant by consent has its accepted offer"
        );
    }
    for offer in state.offers() {
        if let OfferStatus::Accepted { grant, .. } = &offer.status {
            prop_assert!(state.grant(grant).is_some(), "an accepted offer has its grant");
        }
        let ends = events.iter().filter(|event| match event {
            OfferBookEvent::Accepted(it) => it.offer == offer.id,
            OfferBookEvent::Declined(it) => it.offer == offer.id,
            OfferBookEvent::Retracted(it) => it.offer == offer.id,
            OfferBookEvent::Superseded(it) => it.offer == offer.id,
            OfferBookEvent::Made(_)
            | OfferBookEvent::Refreshed(_)
            | OfferBookEvent::Lapsed(_)
            | OfferBookEvent::GrantCreated(_)
            | OfferBookEvent::GrantRevoked(_) => false,
        });
        prop_assert!(ends.count() <= 1, "an offer is settled once");
    }
    Ok(())
}
