//! A role counts at the decision, not only at the gate: what its holder decides while somebody takes it away is recorded
//! before that, or not at all (ACC-095).

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Person, Reply, Server, in_parallel, pause, torture};

/// Where a run gives up in which one of two requests came first always.
const ROUNDS_MAX: usize = 40;

/// The same person at another node.
fn at(node: &Server, person: &Person) -> Person {
    Person { client: node.anonymous().header("cookie", &person.cookie), ..person.clone() }
}

fn revoke(whose: &Person, grant: &str) -> Value {
    json!({ "actor_id": whose.actor, "role_grant_id": grant })
}

/// A refusal by the gate, whichever of its two looks it was.
#[track_caller]
fn lost_the_role(reply: &Reply) {
    let body = reply.expect(403);
    assert_eq!(body["error"]["data"]["reason"], "insufficient_permissions", "{reply}");
    assert_eq!(body["error"]["data"]["required_roles"], json!(["admin"]), "{reply}");
}

fn acc_095_of_two_administrators_who_revoke_each_other_one_succeeds(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let elsewhere = at(second.as_ref().unwrap_or(&house.server), &ben);
    let (rounds, mut won_here) = (if torture() { 200 } else { 12 }, 0);
    for _ in 0..rounds {
        let grants = [&ann, &ben].map(|person| house.grant(person, "admin"));
        let replies = in_parallel(2, |number| match number {
            0 => ann.client.rpc("role_grant_revoke", &revoke(&ben, &grants[1])).0,
            _ => elsewhere.client.rpc("role_grant_revoke", &revoke(&ann, &grants[0])).0,
        });
        let (won, lost): (Vec<&Reply>, Vec<&Reply>) = replies.iter().partition(|reply| reply.status == 200);
        assert_eq!(won.len(), 1, "{} and {}", replies[0], replies[1]);
        lost_the_role(lost[0]);
        won_here += usize::from(replies[0].status == 200);
        // Whoever is left gives the role up, so that the next round begins as this one did.
        let left = usize::from(replies[1].status == 200);
        house.keeper.client.rpc("role_grant_revoke", &revoke([&ann, &ben][left], &grants[left])).result();
    }
    println!("acc_095 on {engine:?}: {rounds} rounds, one of the two each time, {won_here} times the first");
}

fn acc_095_nothing_of_an_administrator_is_recorded_behind_the_end_of_the_role(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (boss, pupil) = (house.person("boss"), house.person("pupil"));
    // Whoever came first waits longer the next time: it closes in on the other, until each of the two came first.
    let (mut waits, mut before, mut after) = ([Duration::ZERO; 2], 0, 0);
    let (rounds, mut round) = (if torture() { 200 } else { 4 }, 0);
    while round < rounds || ((before == 0 || after == 0) && round < ROUNDS_MAX) {
        for (method, params) in [
            ("scope_destroy", json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() })),
            ("app_settings_update", json!({ "open_signup": round % 2 == 0 })),
            ("invite_create", json!({ "username": format!("guest-{round}") })),
            ("admin_session_revoke_all", json!({ "account_id": pupil.id })),
        ] {
            let grant = house.grant(&boss, "admin");
            let replies = in_parallel(2, |number| {
                pause(waits[number]);
                match number {
                    0 => house.keeper.client.rpc("role_grant_revoke", &revoke(&boss, &grant)).0,
                    _ => boss.client.rpc(method, &params).0,
                }
            });
            let was_first = usize::from(replies[1].status == 200);
            waits[was_first] = waits[was_first] * 2 + Duration::from_micros(500);
            waits[1 - was_first] /= 2;
            replies[0].expect(200);
            if replies[1].status == 200 {
                before += 1;
                // What changed nothing has no position.
                let at: Option<u64> = replies[1].header("muniment-position").parse().ok();
                assert!(at.is_none_or(|at| at < replies[0].position()), "{method}: {} and {}", replies[0], replies[1]);
            } else {
                lost_the_role(&replies[1]);
                after += 1;
            }
        }
        round += 1;
    }
    assert!(before > 0 && after > 0, "nothing ran against the end of the role: {before} came before it, {after} after");
    println!("acc_095 on {engine:?}: {before} decisions came before the end of the role, {after} were refused");
}

both_engines![
    acc_095_of_two_administrators_who_revoke_each_other_one_succeeds,
    acc_095_nothing_of_an_administrator_is_recorded_behind_the_end_of_the_role,
];
