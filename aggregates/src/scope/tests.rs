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

#[test]
fn a_book_that_left_is_written_again_when_it_comes_back() {
    let leave = |account: &str| Leave { account: AccountId(account.to_owned()) };
    let scope = given::<Scope>(&[]).and(join("a")).and(join("b")).and(leave("a"));
    assert_eq!(scope.state.books().map(|account| account.0.as_str()).collect::<Vec<_>>(), ["b"]);
    scope.when(leave("a")).then_nothing();
    let returned = scope.when(join("a")).events();
    assert!(matches!(returned.as_slice(), [ScopeEvent::Joined(joined)] if joined.account.0 == "a"), "{returned:?}");
    scope.and(Destroy {}).when(leave("b")).then_nothing();
}
