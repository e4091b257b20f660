//! What is recorded right behind what changes it is decided again on what there is then. On PostgreSQL, where two nodes, and
//! an operator's command beside them, can be held at the head of the record.

use serde_json::{Value, json};

use crate::harness::{
    Client, Engine, Installation, OpenTransaction, PASSWORD, Person, Reply, Server, eventually, unique,
};
use crate::meanwhile::{behind_an_erasure, wait_for_waiting};

/// What two nodes answer of which the second comes to the record right behind the first.
fn one_behind_the_other(
    house: &Installation,
    second: &Server,
    first: impl Fn(&Server) -> Reply + Sync,
    behind: impl Fn(&Server) -> Reply + Sync,
) -> (Reply, Reply) {
    let held = OpenTransaction::before_appends(&house.server.store);
    std::thread::scope(|threads| {
        let goes_first = threads.spawn(|| first(&house.server));
        wait_for_waiting(&house.server, 1);
        let comes_behind = threads.spawn(|| behind(second));
        let waits = || house.server.store.texts(crate::lost_events::WAITING).len() >= 2 || goes_first.is_finished();
        eventually("both wait, or the first gave up", || waits().then_some(()));
        held.end("ROLLBACK");
        (goes_first.join().unwrap(), comes_behind.join().unwrap())
    })
}

fn sign_up(node: &Server, username: &str) -> Reply {
    node.anonymous().post("/api/account/signup", &json!({ "username": username, "password": PASSWORD }))
}

#[test]
fn acc_038_nobody_signs_up_openly_behind_the_event_that_ended_it() {
    let house = Installation::with(Engine::Postgres, &[]);
    let second = house.server.second_node();
    // A statement waits for some seconds only; on a busy machine the next attempt comes in time.
    eventually("both come in time", || {
        house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
        let (closed, signed_up) = one_behind_the_other(
            &house,
            &second,
            |_| house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": false })).0,
            |node| sign_up(node, &unique("late")),
        );
        if closed.status == 503 || signed_up.status == 503 {
            return None;
        }
        closed.expect(200);
        signed_up.refused(403, "no_matching_invite");
        Some(())
    });
    let rows = house.audit(&json!({ "event_type": "signup", "outcome": "failure" }));
    assert_eq!((&rows[0]["metadata"]["reason"], &rows[0]["account_id"]), (&json!("race_lost"), &Value::Null));
}

#[test]
fn nobody_is_invited_behind_the_sign_up_that_took_the_name() {
    let house = Installation::with(Engine::Postgres, &[]);
    let second = house.server.second_node();
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let keeper = second.anonymous().header("cookie", &house.keeper.cookie);
    eventually("both come in time", || {
        let name = unique("ben").replace("--", "-");
        let (signed_up, invited) = one_behind_the_other(
            &house,
            &second,
            |node| sign_up(node, &name),
            |_| keeper.rpc("invite_create", &json!({ "username": name })).0,
        );
        if signed_up.status == 503 || invited.status == 503 {
            return None;
        }
        signed_up.expect(200);
        let body = invited.expect(409);
        assert_eq!(body["error"]["data"]["reason"], "invite_account_exists_username", "{invited}");
        Some(())
    });
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    assert_eq!(listed["invites"], json!([]), "none stands that nobody can use");
}

/// Somebody by the id that `erase` takes.
fn somebody(house: &Installation) -> (String, Person) {
    let person = house.person("leaving");
    (person.id.clone(), person)
}

#[test]
fn k11_a_call_behind_the_erasure_of_its_own_account_is_nobodys() {
    let house = Installation::with(Engine::Postgres, &[]);
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let calls: [&(dyn Fn(&Client) -> Reply + Sync); 3] = [
        &|client| client.rpc("actor_create", &json!({ "name": "Second" })).0,
        &|client| client.rpc("account_session_revoke_all", &Value::Null).0,
        &|client| client.post("/api/account/password", &change),
    ];
    for call in calls {
        let (_, answer) = behind_an_erasure(&house.server, || somebody(&house), |person| call(&person.client));
        // What could not be recorded in time is another matter.
        assert!(matches!(answer.status, 401 | 503), "{answer}");
    }
}

#[test]
fn acc_103_an_account_that_is_erased_meanwhile_is_one_that_is_not_there() {
    let house = Installation::with(Engine::Postgres, &[]);
    let end = |person: &Person| json!({ "account_id": person.id });
    let (gone, answer) = behind_an_erasure(
        &house.server,
        || somebody(&house),
        |person| house.keeper.client.rpc("admin_session_revoke_all", &end(person)).0,
    );
    if answer.status != 503 {
        assert_eq!(answer.expect(404)["error"]["data"]["reason"], "account_not_found", "{answer}");
        let rows = house.audit(&json!({ "event_type": "session_revoke_all", "outcome": "failure" }));
        assert_eq!(rows[0]["metadata"]["attempted_account_id"], json!(gone.id), "{rows:?}");
    }
}

#[test]
fn a2_a_sign_in_behind_the_erasure_of_its_account_is_answered_as_one_by_an_unknown_name() {
    let house = Installation::with(Engine::Postgres, &[]);
    let (_, answer) =
        behind_an_erasure(&house.server, || somebody(&house), |person| house.login(&person.username, PASSWORD));
    if answer.status != 503 {
        let unknown = house.login(&unique("nobody"), PASSWORD);
        unknown.refused(401, "invalid_credentials");
        assert_eq!((answer.status, &answer.body), (unknown.status, &unknown.body));
        let rows = house.audit(&json!({ "event_type": "login", "outcome": "failure" }));
        assert_eq!(rows.len(), 2, "{rows:?}");
    }
}
