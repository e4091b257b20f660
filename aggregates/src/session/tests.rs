//! Given/when/then over sessions.

use super::*;
use crate::specification::{at, given};

fn start() -> Start {
    Start {
        account: AccountId("a".to_owned()),
        kind: SessionKind::Founder,
        secret_hash: "0".repeat(64),
        expires_at: at(60),
    }
}

fn revoke() -> Revoke {
    Revoke { reason: "logout".to_owned() }
}

#[test]
fn a_session_starts_once_and_ends_once() {
    given::<Session>(&[]).when(revoke()).then_refused("invalid_session");
    let session = given::<Session>(&[]).and(start());
    session.when(start()).then_refused("session_exists");
    let ended = session.at(5).and(revoke());
    assert_eq!(ended.state.revoked_at(), Some(at(5)));
    ended.when(revoke()).then_nothing();
    ended.when(start()).then_refused("session_exists");
}

#[test]
fn a_session_runs_out_at_its_end_and_no_sooner() {
    given::<Session>(&[]).when(Expire {}).then_refused("invalid_session");
    let session = given::<Session>(&[]).and(start());
    let session = session.at(59);
    session.when(Expire {}).then_nothing();
    let extended = session.and(Extend { expires_at: at(90) }).at(60);
    extended.when(Expire {}).then_nothing();
    let ended = extended.at(90).and(Expire {});
    assert_eq!(ended.state.revoked_at(), Some(at(90)));
    ended.when(Expire {}).then_nothing();
}
