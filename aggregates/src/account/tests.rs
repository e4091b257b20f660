//! Given/when/then over accounts and their open sessions.

use proptest::prelude::*;

use super::*;
use crate::claims::{ClaimChange, ClaimKey};
use crate::decider::{Decider as _, DomainEvent as _, Facts};
use crate::ids::{CredentialId, PersonaId};
use crate::record::StreamId;
use crate::sealed::{Sealed, SubjectId};
use crate::session::SessionKind;
use crate::specification::{Specification, at, fold, given};

fn register() -> RegisterByEmail {
    RegisterByEmail {
        username: "founder-a1b2c3d4e5".to_owned(),
        email: Sealed::from_text("v1|s|account/a/email|x"),
        subject: SubjectId("s".to_owned()),
        persona: PersonaId("p".to_owned()),
        invite: None,
    }
}

fn registered() -> Specification<Account> {
    given::<Account>(&[]).and(register())
}

fn session(number: u32) -> CredentialId {
    CredentialId(format!("{number:018x}"))
}

fn open(number: u32) -> OpenSession {
    OpenSession { session: session(number), kind: SessionKind::Founder, expires_at: at(1_000), max_sessions: Some(3) }
}

fn close(number: u32) -> CloseSession {
    CloseSession { session: session(number), reason: "logout".to_owned() }
}

fn open_ids(account: &Account) -> Vec<CredentialId> {
    account.sessions().iter().map(|open| open.session.clone()).collect()
}

#[test]
fn registering_by_email_proves_it() {
    let events = given::<Account>(&[]).when(register()).events();
    let types: Vec<_> = events.iter().map(|event| event.event_type()).collect();
    assert_eq!(types, ["account.registered", "account.email_verified"]);
    registered().when(register()).then_refused("account_exists");
    registered().when(VerifyEmail {}).then_nothing();
}

#[test]
fn usernames_are_of_one_form() {
    for username in ["ab", "1ab", "a_", "-ab", "Founder", "a b", "a.b", "é1é", "", &"a".repeat(40)] {
        let register = RegisterByEmail { username: username.to_owned(), ..register() };
        given::<Account>(&[]).when(register).then_refused("invalid_username");
    }
    for username in ["abc", "a-1", &"a".repeat(39)] {
        let register = RegisterByEmail { username: username.to_owned(), ..register() };
        assert!(given::<Account>(&[]).when(register).0.is_ok(), "{username}");
    }
}

#[test]
fn email_and_username_are_claimed_and_the_username_freed() {
    let stream = StreamId::new("account", "a");
    let username = || ClaimKey::Clear(register().username);
    let registered_event = given::<Account>(&[]).when(register()).events().remove(0);
    assert_eq!(
        registered_event.claims(&stream),
        [
            ClaimChange::Take { namespace: "account-email", key: ClaimKey::Sealed(register().email) },
            ClaimChange::Take { namespace: "account-username", key: username() },
        ]
    );
    let erased = registered().when(Erase { reason: "asked".to_owned() }).events().remove(0);
    assert_eq!(erased.claims(&stream), [ClaimChange::Release { namespace: "account-username", key: username() }]);
}

#[test]
fn nothing_can_be_asked_of_an_account_that_is_not() {
    given::<Account>(&[]).when(open(1)).then_refused("account_not_found");
    given::<Account>(&[]).when(VerifyEmail {}).then_refused("account_not_found");
}

#[test]
fn the_oldest_sessions_beyond_the_cap_are_evicted() {
    let account = registered().and(open(1)).and(open(2)).and(open(3));
    let types: Vec<_> = account.when(open(4)).events().iter().map(|event| event.event_type()).collect();
    assert_eq!(types, ["account.session_opened", "account.session_evicted"]);
    let account = account.and(open(4));
    assert_eq!(open_ids(&account.state), [session(2), session(3), session(4)]);
    let account = account.and(OpenSession { max_sessions: Some(1), ..open(5) });
    assert_eq!(open_ids(&account.state), [session(5)]);
    account.when(open(5)).then_refused("session_exists");
    let dead_at_birth = account.and(OpenSession { max_sessions: Some(0), ..open(6) });
    assert_eq!(open_ids(&dead_at_birth.state), []);
}

#[test]
fn sessions_that_ran_out_take_no_place() {
    let account = registered().and(open(1)).and(open(2)).and(open(3)).at(1_000);
    assert_eq!(account.when(OpenSession { expires_at: at(2_000), ..open(4) }).events().len(), 1);
}

#[test]
fn a_session_is_closed_once() {
    let account = registered().and(open(1));
    assert_eq!(account.when(close(1)).events().len(), 1);
    account.when(close(2)).then_nothing();
    account.and(close(1)).when(close(1)).then_nothing();
}

#[test]
fn a_session_that_was_extended_has_not_run_out() {
    let expire = |number| ExpireSession { session: session(number) };
    let account = registered().and(open(1)).and(ExtendSession { session: session(1), expires_at: at(2_000) });
    let account = account.at(1_000);
    account.when(expire(1)).then_nothing();
    let ended = account.at(2_000);
    ended.when(expire(2)).then_nothing();
    let closed = ended.and(expire(1));
    assert_eq!(open_ids(&closed.state), []);
    closed.and(Erase { reason: "asked".to_owned() }).when(expire(1)).then_nothing();
}

#[test]
fn met_030_proving_the_mailbox_ends_what_was_open_before() {
    let unproved = given::<Account>(&[]).when(register()).events().remove(0);
    let account = given::<Account>(&[unproved]).and(open(1)).and(open(2));
    assert_eq!(account.when(VerifyEmail {}).events().len(), 3);
    let account = account.and(VerifyEmail {});
    assert!(account.state.email_verified() && account.state.sessions().is_empty());
}

#[test]
fn an_erased_account_opens_nothing() {
    let erase = Erase { reason: "asked".to_owned() };
    let account = registered().and(open(1)).and(erase.clone());
    assert!(account.state.sessions().is_empty());
    account.when(erase).then_nothing();
    account.when(close(1)).then_nothing();
    account.when(open(2)).then_refused("account_erased");
    account.when(VerifyEmail {}).then_refused("account_erased");
    account.when(register()).then_refused("account_exists");
}

proptest! {
    #[test]
    fn open_sessions_never_pass_the_cap(steps in prop::collection::vec((any::<bool>(), 0_u32..12, 1_u32..5), 0..80)) {
        let mut events = given::<Account>(&[]).when(register()).events();
        let mut state: Account = fold(&events);
        for (now, (opens, number, max_sessions)) in (0_i64..).zip(steps) {
            let command: AccountCommand = if opens {
                OpenSession { max_sessions: Some(max_sessions), expires_at: at(now + 20), ..open(number) }.into()
            } else {
                close(number).into()
            };
            let Ok(decided) = state.decide(&command, &Facts { now: at(now) }) else { continue };
            for event in decided {
                state.evolve(&event);
                events.push(event);
            }
            if opens {
                prop_assert!(state.sessions().len() <= usize::try_from(max_sessions).unwrap());
            }
        }
        let snapshot = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Account>(&snapshot).unwrap(), fold::<Account>(&events));
    }
}

fn sign_up() -> SignUp {
    SignUp {
        username: "ann-lee".to_owned(),
        email: Some(AccountEmail {
            given: Sealed::from_text("v1|s|account/a/email|x"),
            key: Sealed::from_text("v1|s|account/a/email_key|x"),
        }),
        subject: SubjectId("s".to_owned()),
        persona: PersonaId("p".to_owned()),
        password: Sealed::from_text("v1|s|account/a/password|x"),
        via: Via::OpenSignup,
        invite: None,
    }
}

fn token(number: u32) -> IssueApiToken {
    IssueApiToken {
        token: CredentialId(format!("tok_{number:012}")),
        name: "t".to_owned(),
        secret_hash: "h".to_owned(),
        expires_at: None,
        max_tokens: Some(2),
    }
}

#[test]
fn acc_039_signing_up_proves_nothing_and_names_the_persona_like_the_account() {
    let account = given::<Account>(&[]).and(sign_up());
    assert!(!account.state.email_verified());
    assert_eq!(account.state.personas()[0].name, "ann-lee");
    account.when(sign_up()).then_refused("account_exists");
}

#[test]
fn acc_045_a_new_password_ends_everything_and_acc_047_only_on_the_one_that_was_verified() {
    let change = ChangePassword { password: Sealed::from_text("v1|s|account/a/password|y"), verified_version: 0 };
    let account = given::<Account>(&[]).and(sign_up()).and(open(1)).and(token(1));
    let events = account.when(change.clone()).events();
    let AccountEvent::PasswordChanged(changed) = &events[0] else { panic!("{events:?}") };
    assert_eq!((changed.sessions_revoked, changed.tokens_revoked), (1, 1));
    let changed = account.and(change.clone());
    assert!(changed.state.sessions().is_empty() && changed.state.tokens().is_empty());
    changed.when(change).then_refused("concurrent_change");
}

#[test]
fn whoever_has_the_files_sets_a_password_without_the_current_one() {
    let set = SetPassword { password: Sealed::from_text("v1|s|account/a/password|z") };
    let by_code = registered().and(open(1));
    let set_first = by_code.and(set.clone());
    assert_eq!(set_first.state.password(), Some(&set.password));
    assert!(set_first.state.sessions().is_empty());
    let again = set_first.and(set.clone());
    assert_eq!(again.state.password_version(), 2);
    given::<Account>(&[]).when(set).then_refused("account_not_found");
}

#[test]
fn acc_054_the_oldest_tokens_beyond_the_cap_are_evicted() {
    let account = given::<Account>(&[]).and(sign_up()).and(token(1)).and(token(2));
    let types: Vec<_> = account.when(token(3)).events().iter().map(|event| event.event_type()).collect();
    assert_eq!(types, ["account.api_token_issued", "account.api_token_evicted"]);
    let held = account.and(token(3));
    assert_eq!(held.state.tokens()[0].token, token(2).token);
    held.when(RevokeApiToken { token: token(1).token, reason: "revoked".to_owned() }).then_nothing();
}

#[test]
fn met_030_proving_the_mailbox_of_a_sign_up_ends_password_and_tokens_too() {
    let account = given::<Account>(&[]).and(sign_up()).and(open(1)).and(token(1));
    let types: Vec<_> = account.when(VerifyEmail {}).events().iter().map(|event| event.event_type()).collect();
    assert_eq!(
        types,
        ["account.email_verified", "account.session_closed", "account.tokens_ended", "account.password_removed"]
    );
    assert!(account.and(VerifyEmail {}).state.password().is_none());
}

#[test]
fn acc_153_personas_are_bounded() {
    let mut account = given::<Account>(&[]).and(sign_up());
    for number in 1..PERSONAS_MAX {
        account = account.and(AddPersona { persona: PersonaId(format!("p{number}")), name: "n".to_owned() });
    }
    account
        .when(AddPersona { persona: PersonaId("one-more".to_owned()), name: "n".to_owned() })
        .then_refused("actor_limit");
}
