//! Given/when/then over scopes.

use super::*;
use crate::specification::given;

fn join(account: &str) -> Join {
    Join { account: AccountId(account.to_owned()) }
}

#[test]
fn nothing_comes_to_a_destroyed_scope() {
    let scope = given::<Scope>(&[]).and(join("a")).and(join("b"));
    scope.when(join("a")).then_nothing();
    assert_eq!(scope.state.books().count(), 2);
    let destroyed = scope.and(Destroy {});
    destroyed.when(Destroy {}).then_nothing();
    destroyed.when(join("a")).then_refused("scope_destroyed");
}
