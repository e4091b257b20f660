//! Given/when/then over the application and its tokens.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::decider::{Decider as _, Facts};
use crate::ids::{CompanyId, CredentialId, FounderId};
use crate::sealed::{Sealed, SubjectId};
use crate::specification::{Specification, at, fold, given};

fn credential(number: u32) -> CredentialId {
    CredentialId(format!("{number:018x}"))
}

fn token(number: u32) -> NewToken {
    NewToken {
        id: credential(number),
        name: format!("token-{number}"),
        secret_hash: "0".repeat(64),
        scopes: TokenScope::DEFAULT.to_vec(),
        allowed_metrics: None,
        expires_at: None,
        created_by: None,
    }
}

fn submit() -> Submit {
    Submit {
        company: CompanyId::from_random([1; 12]),
        company_name: "Acme".to_owned(),
        founder: FounderId::from_random([2; 12]),
        founder_name: Sealed::from_text("v1|s|application/a/founder_name|x"),
        founder_email: Sealed::from_text("v1|s|application/a/founder_email|x"),
        founder_email_verified: true,
        subject: SubjectId("s".to_owned()),
        website: None,
        narrative: Narrative::Sealed(Sealed::from_text("v1|s|application/a/narrative|x")),
        token: token(0),
    }
}

fn submitted() -> Specification<Application> {
    given::<Application>(&[]).and(submit())
}

fn issue(number: u32) -> IssueToken {
    IssueToken { token: token(number) }
}

fn revoke(number: u32) -> RevokeToken {
    RevokeToken { token: credential(number), reason: None, by: "ana".to_owned() }
}

fn rotate(number: u32, replacement: u32, grace_seconds: u32) -> RotateToken {
    RotateToken {
        token: credential(number),
        replacement: credential(replacement),
        secret_hash: "1".repeat(64),
        grace_seconds,
        by: "ana".to_owned(),
    }
}

fn change(status: ApplicationStatus, reason: Option<&str>) -> ChangeStatus {
    ChangeStatus { status, reason: reason.map(str::to_owned), by: "rex".to_owned() }
}

#[test]
fn an_application_comes_with_its_first_token() {
    let events = given::<Application>(&[]).when(submit()).events();
    let types: Vec<_> = events.iter().map(crate::decider::DomainEvent::event_type).collect();
    assert_eq!(types, ["application.submitted", "agent_token.issued"]);
    let state: Application = fold(&events);
    assert_eq!(state.company_of(), Some(&submit().company));
    assert_eq!(state.status(), Some(ApplicationStatus::Submitted));
    submitted().when(submit()).then_refused("application_exists");
}

#[test]
fn nothing_can_be_asked_of_an_application_that_is_not() {
    given::<Application>(&[]).when(issue(1)).then_refused("application_not_found");
    let withdraw = Withdraw { reason: None, by: "ana".to_owned() };
    given::<Application>(&[]).when(withdraw).then_refused("application_not_found");
}

#[test]
fn met_132_the_status_moves_as_the_table_says() {
    use ApplicationStatus::{Accepted, InReview, Rejected, Submitted, Withdrawn};
    let allowed = [
        (Submitted, InReview),
        (Submitted, Accepted),
        (Submitted, Rejected),
        (InReview, Accepted),
        (InReview, Rejected),
        (Accepted, InReview),
        (Rejected, InReview),
    ];
    for from in ApplicationStatus::ALL {
        let application = match from {
            Submitted => submitted(),
            Withdrawn => submitted().and(Withdraw { reason: None, by: "ana".to_owned() }),
            InReview | Accepted | Rejected => submitted().and(change(from, None)),
        };
        for to in ApplicationStatus::ALL {
            let outcome = application.when(change(to, Some("because")));
            if from == to && from != Withdrawn {
                outcome.then_nothing();
            } else if allowed.contains(&(from, to)) {
                assert_eq!(outcome.events().len(), 1, "{from:?} to {to:?}");
            } else {
                outcome.then_refused("invalid_transition");
            }
        }
    }
}

#[test]
fn reopening_needs_a_reason() {
    let accepted = submitted().and(change(ApplicationStatus::Accepted, None));
    accepted.when(change(ApplicationStatus::InReview, None)).then_refused("invalid_transition");
    accepted.when(change(ApplicationStatus::InReview, Some(" "))).then_refused("invalid_transition");
}

#[test]
fn an_application_is_withdrawn_once_and_its_tokens_stay() {
    let withdraw = Withdraw { reason: Some("sold".to_owned()), by: "ana".to_owned() };
    let application = submitted().and(withdraw.clone());
    assert!(application.state.token(&credential(0)).unwrap().works(at(0)));
    application.when(withdraw).then_refused("invalid_transition");
}

#[test]
fn met_126_tokens_out_of_bounds_are_refused() {
    let application = submitted();
    let slugs = |slugs: &[&str]| Some(slugs.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<_>>());
    let many: Vec<String> = (0..101).map(|number| format!("m{number}")).collect();
    let bad = [
        NewToken { name: String::new(), ..token(1) },
        NewToken { name: "x".repeat(101), ..token(1) },
        NewToken { scopes: vec![], ..token(1) },
        NewToken { scopes: vec![TokenScope::AlertsAck, TokenScope::AlertsAck], ..token(1) },
        NewToken { allowed_metrics: slugs(&[]), ..token(1) },
        NewToken { allowed_metrics: slugs(&["Not A Slug"]), ..token(1) },
        NewToken { allowed_metrics: Some(many.into_iter().collect()), ..token(1) },
        NewToken { expires_at: Some(at(0)), ..token(1) },
        NewToken { name: "token-0".to_owned(), ..token(1) },
        NewToken { id: credential(0), ..token(1) },
    ];
    for token in bad {
        application.when(IssueToken { token }).then_refused("invalid_field");
    }
}

#[test]
fn a_company_has_at_most_twenty_live_tokens() {
    let mut application = submitted();
    for number in 1..20 {
        application = application.and(issue(number));
    }
    application.when(issue(20)).then_refused("token_limit");
    assert_eq!(application.when(rotate(3, 40, 60)).events().len(), 1, "a successor takes the place of the old one");
    assert_eq!(application.and(revoke(5)).when(issue(20)).events().len(), 1);
}

#[test]
fn a_name_is_free_again_when_its_token_has_ended() {
    let ending = NewToken { expires_at: Some(at(10)), ..token(1) };
    let again = IssueToken { token: NewToken { name: "token-1".to_owned(), ..token(2) } };
    let application = submitted().and(IssueToken { token: ending });
    application.when(again.clone()).then_refused("invalid_field");
    assert_eq!(application.clone().at(10).when(again.clone()).events().len(), 1);
    assert_eq!(application.and(revoke(1)).when(again).events().len(), 1);
}

#[test]
fn a_token_is_revoked_once() {
    let application = submitted().and(issue(1)).and(revoke(1));
    assert!(!application.state.token(&credential(1)).unwrap().works(at(0)));
    application.when(revoke(1)).then_nothing();
    application.when(revoke(9)).then_refused("token_not_found");
}

#[test]
fn met_125_a_rotated_token_works_until_its_grace_ends() {
    let bound = NewToken { allowed_metrics: Some(["a".to_owned()].into()), ..token(1) };
    let application = submitted().and(IssueToken { token: bound }).and(rotate(1, 2, 2));
    let works = |number, seconds| application.state.token(&credential(number)).unwrap().works(at(seconds));
    assert!(works(1, 1) && works(2, 1));
    assert!(!works(1, 2) && works(2, 2));
    let (old, new) =
        (application.state.token(&credential(1)).unwrap(), application.state.token(&credential(2)).unwrap());
    assert_eq!((&old.grant.name, &old.grant.scopes), (&new.grant.name, &new.grant.scopes));
    assert_eq!(old.grant.allowed_metrics, new.grant.allowed_metrics);
    assert_eq!(new.grant.expires_at, None);
    application.when(rotate(1, 3, 0)).then_refused("token_not_found");
    application.when(rotate(2, 3, TOKEN_GRACE_SECONDS_MAX + 1)).then_refused("invalid_field");
    application.when(rotate(2, 1, 0)).then_refused("invalid_field");
}

/// Nothing but the grace bounds how many tokens work that were replaced.
#[test]
fn tokens_that_were_replaced_and_still_work_have_a_bound_of_their_own() {
    let mut application = submitted();
    let most = u32::try_from(TOKENS_REPLACED_MAX).unwrap();
    for number in 0..most {
        application = application.and(rotate(number, number + 1, 60));
    }
    application.when(rotate(most, most + 1, 60)).then_refused("token_limit");
    assert_eq!(application.when(rotate(most, most + 1, 0)).events().len(), 1, "without grace it leaves none behind");
    assert_eq!(application.at(60).when(rotate(most, most + 1, 60)).events().len(), 1, "they have ended");
}

#[test]
fn rotating_every_day_does_not_grow_the_state_for_ever() {
    let mut application = submitted();
    for day in 0..400_u32 {
        application = application.at(i64::from(day) * 86_400).and(rotate(day, day + 1, 3 * 86_400));
    }
    assert!(application.state.tokens().count() <= ENDED_TOKENS_MAX + 4);
    for (number, works) in [(396, false), (397, true), (398, true), (399, true), (400, true)] {
        let token = application.state.token(&credential(number)).unwrap();
        assert_eq!(token.works(at(399 * 86_400)), works, "{number}");
    }
    application.when(rotate(0, 500, 0)).then_refused("token_not_found");
}

#[test]
fn a_grace_does_not_outlast_the_token() {
    let ending = NewToken { expires_at: Some(at(10)), ..token(1) };
    let application = submitted().and(IssueToken { token: ending }).and(rotate(1, 2, 60));
    assert_eq!(application.state.token(&credential(1)).unwrap().grant.expires_at, Some(at(10)));
    assert_eq!(application.state.token(&credential(2)).unwrap().grant.expires_at, Some(at(10)));
}

#[test]
fn scopes_and_statuses_read_back() {
    for scope in TokenScope::ALL {
        assert_eq!(TokenScope::parse(scope.as_str()), Some(scope));
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
    }
    for status in ApplicationStatus::ALL {
        assert_eq!(ApplicationStatus::parse(status.as_str()), Some(status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    assert_eq!(TokenScope::parse("METRICS:write"), None);
}

proptest! {
    #[test]
    fn live_tokens_never_pass_the_cap_nor_share_a_name(
        steps in prop::collection::vec((0_u8..4, 0_u32..40, 0_u32..6), 0..150),
    ) {
        let mut events = given::<Application>(&[]).when(submit()).events();
        let mut state: Application = fold(&events);
        for (number, (kind, target, name)) in (100_u32..).zip(steps) {
            let facts = Facts { now: at(i64::from(number)) };
            let command: ApplicationCommand = match kind {
                0 => revoke(target).into(),
                1 => rotate(target, number, target).into(),
                2 => issue(target).into(),
                _ => IssueToken { token: NewToken { name: format!("shared-{name}"), ..token(number) } }.into(),
            };
            for event in state.decide(&command, &facts).unwrap_or_default() {
                state.evolve(&event);
                events.push(event);
            }
            let live: Vec<_> = state.tokens().filter(|token| token.is_live(facts.now)).collect();
            let names: BTreeSet<_> = live.iter().map(|token| &token.grant.name).collect();
            prop_assert!(live.len() <= TOKENS_LIVE_MAX);
            prop_assert_eq!(names.len(), live.len());
        }
        let snapshot = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Application>(&snapshot).unwrap(), fold::<Application>(&events));
    }
}
