//! Given/when/then over invitations.

use super::*;
use crate::specification::given;

fn create() -> Create {
    Create { email: None, username: Some("ann".to_owned()), created_by: PersonaId("p".to_owned()) }
}

fn claim() -> Claim {
    Claim { account: AccountId("a".to_owned()) }
}

#[test]
fn an_invitation_names_somebody_and_is_used_or_taken_back_once() {
    given::<Invite>(&[]).when(Create { username: None, ..create() }).then_refused("invalid_field");
    given::<Invite>(&[]).when(claim()).then_refused("invite_not_found");
    let made = given::<Invite>(&[]).and(create());
    made.when(create()).then_refused("invite_exists");
    let claimed = made.clone().and(claim());
    claimed.when(claim()).then_refused("invite_not_found");
    claimed.when(Delete {}).then_refused("invite_not_found");
    made.and(Delete {}).when(claim()).then_refused("invite_not_found");
}

#[test]
fn names_are_taken_while_the_invitation_is_open() {
    let created = given::<Invite>(&[]).when(create()).events().remove(0);
    let stream = StreamId::new("invite", "i");
    let key = || ClaimKey::Clear("ann".to_owned());
    assert_eq!(created.claims(&stream), [ClaimChange::Take { namespace: INVITE_USERNAME_CLAIM, key: key() }]);
    let claimed = given::<Invite>(&[created]).when(claim()).events().remove(0);
    assert_eq!(claimed.claims(&stream), [ClaimChange::Release { namespace: INVITE_USERNAME_CLAIM, key: key() }]);
}
