//! Given/when/then over the roster.

use super::*;
use crate::specification::given;

fn admit(grant: &str) -> Admit {
    Admit {
        role: "admin".to_owned(),
        grant: GrantId(grant.to_owned()),
        persona: PersonaId(format!("p-{grant}")),
        account: AccountId(format!("a-{grant}")),
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
fn an_installation_is_founded_once() {
    let found = Found { account: AccountId("a".to_owned()), persona: PersonaId("p".to_owned()) };
    given::<Roster>(&[]).and(found.clone()).when(found).then_refused("already_bootstrapped");
}
