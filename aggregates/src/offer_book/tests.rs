//! Given/when/then over offer books.

use super::*;
use crate::decider::DomainEvent as _;
use crate::decider::{Decider as _, Facts};
use crate::ids::{AccountId, GrantId, OfferId, PersonaId};
use crate::specification::{Specification, at, given};

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
    let offer = revoked.state.offer(&OfferId("offer-1".to_owned())).map(|offer| &offer.status);
    let is_named = matches!(offer, Some(OfferStatus::Accepted { grant, .. }) if grant.0 == "grant-of-1-by-p1");
    assert!(is_named, "it still answers with its grant: {offer:?}");
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

/// What is reused keeps its end (docs/decisions/0021), and the grant that an administrator sees is the one that he takes away.
#[test]
fn acc_131_a_role_that_is_held_for_a_while_is_not_lengthened_by_an_offer() {
    let for_a_while = GrantDirectly {
        grant: GrantId("for-a-while".to_owned()),
        persona: persona("p1"),
        role: "teacher".to_owned(),
        scope: None,
        path: GrantPath::System,
        expires_at: Some(at(5)),
    };
    let accepted = book().and(for_a_while).and(offer(1, "g")).and(accept(1, "p1"));
    let held = |now: i64| accepted.state.active_grant(&persona("p1"), "teacher", None, at(now)).map(|it| it.expires_at);
    assert_eq!((held(4), held(5)), (Some(Some(at(5))), None));
    let revoked = accepted.and(revoke("for-a-while", "p1"));
    assert!(revoked.state.active_grant(&persona("p1"), "teacher", None, at(0)).is_none(), "in every order");
}

#[test]
fn what_is_given_directly_lasts_as_asked_whatever_is_held() {
    let direct = |id: &str, end: Option<i64>| GrantDirectly {
        grant: GrantId(id.to_owned()),
        persona: persona("p1"),
        role: "teacher".to_owned(),
        scope: None,
        path: GrantPath::System,
        expires_at: end.map(at),
    };
    let held = book().and(offer(1, "g")).and(direct("until-500", Some(500)));
    held.when(direct("no-longer", Some(500))).then_nothing();
    for end in [Some(501), None] {
        let events = held.when(direct("longer", end)).events();
        assert_eq!(types(&events), ["grant.revoked", "offer.superseded", "grant.created"]);
    }
    let lasting = held.and(direct("for-good", None));
    lasting.when(direct("no-longer", Some(500))).then_nothing();
    let active = lasting.state.active_grant(&persona("p1"), "teacher", None, at(0));
    assert_eq!(active.map(|grant| (grant.id.0.as_str(), grant.expires_at)), Some(("for-good", None)));
    assert!(!lasting.state.offer(&OfferId("offer-1".to_owned())).is_some_and(Offer::is_open), "it brings nothing back");
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
fn a_role_switched_on_and_off_for_years_leaves_nothing_in_the_book() {
    let mut state = OfferBook::default();
    let size = |book: &OfferBook| serde_json::to_string(book).unwrap().len();
    let unused = size(&state);
    for number in 0..2_000 {
        let grant = GrantId(format!("pal-{number}"));
        let set = SetSelfService { persona: persona("p1"), role: "pal".to_owned(), enabled: number % 2 == 0, grant };
        let events = state.decide(&set.into(), &Facts { now: at(number) }).unwrap();
        events.iter().for_each(|event| state.evolve(event));
    }
    assert_eq!((state.grants().count(), size(&state)), (0, unused));
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
