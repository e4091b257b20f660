//! Given/when/then over the roster.

use super::*;
use crate::specification::given;

fn admit(grant: &str) -> Admit {
    Admit {
        role: "admin".to_owned(),
        grant: GrantId(grant.to_owned()),
        persona: PersonaId(format!("p-{grant}")),
        account: AccountId(format!("a-{grant}")),
        expires_at: None,
    }
}

fn leave(grant: &str) -> Leave {
    Leave { grant: GrantId(grant.to_owned()) }
}

#[test]
fn the_last_holder_cannot_leave() {
    let one = given::<Roster>(&[]).and(admit("1"));
    one.when(leave("1")).then_refused("last_holder");
    let two = one.and(admit("2"));
    two.when(admit("2")).then_nothing();
    let again_one = two.and(leave("1"));
    again_one.when(leave("2")).then_refused("last_holder");
    again_one.when(leave("unknown")).then_nothing();
}

#[test]
fn who_holds_a_role_for_a_while_is_not_counted_on() {
    let for_a_while = Admit { expires_at: Some(chrono::DateTime::UNIX_EPOCH), ..admit("2") };
    let both = given::<Roster>(&[]).and(admit("1")).and(for_a_while);
    assert_eq!(both.state.holders("admin").count(), 2);
    both.when(leave("1")).then_refused("last_holder");
    assert_eq!(both.and(leave("2")).state.holders("admin").count(), 1);
}

#[test]
fn an_installation_is_founded_once() {
    let found = Found { account: AccountId("a".to_owned()), persona: PersonaId("p".to_owned()) };
    given::<Roster>(&[]).and(found.clone()).when(found).then_refused("already_bootstrapped");
}
