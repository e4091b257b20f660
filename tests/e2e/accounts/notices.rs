//! What notifications say and to whom (ACC-185, ACC-186), where a slow or a distant teller could tell something else.

use serde_json::{Value, json};

use super::socket::{Incoming, Socket, WAIT};
use crate::harness::{Engine, Installation};

fn acc_185_an_offer_is_told_as_it_stood_after_each_event(engine: Engine) {
    const ROUNDS: usize = 20;
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let node = second.as_ref().unwrap_or(&house.server);
    let ben = house.named("ben-b");
    let mut to_ben = Socket::of(node, &ben.cookie);
    let mut by_keeper = Socket::of(&house.server, &house.keeper.cookie);
    for round in 0..ROUNDS {
        // Neither waits for the other, so that whoever tells of the first may already know the second.
        let make = |message: String| json!({ "to_account_id": ben.id, "role": "teacher", "message": message });
        by_keeper.ask("role_grant_offer_create", &make(format!("{round} one")));
        by_keeper.ask("role_grant_offer_create", &make(format!("{round} two")));
        // Their answers may overtake each other.
        for _ in 0..2 {
            assert!(matches!(by_keeper.next_within(WAIT), Some(Incoming::Frame(_))));
        }
        let listed = ben.client.rpc("role_grant_offer_list", &json!({})).result();
        let id = listed["offers"][0]["id"].clone();
        by_keeper.call("role_grant_offer_retract", &json!({ "offer_id": id }));
    }
    let mut told = Vec::new();
    while told.len() < 3 * ROUNDS {
        match to_ben.next_within(WAIT) {
            Some(Incoming::Frame(frame)) => told.push(frame),
            other => panic!("{} of {} came, then {other:?}", told.len(), 3 * ROUNDS),
        }
    }
    for round in told.chunks(3) {
        let of = |index: usize, field: &str| round[index]["params"]["offer"][field].clone();
        let methods: Vec<&Value> = round.iter().map(|notice| &notice["method"]).collect();
        assert_eq!(methods, ["role_grant_offer_received", "role_grant_offer_received", "role_grant_offer_retracted"]);
        assert_eq!((of(0, "retracted_at"), of(1, "retracted_at")), (Value::Null, Value::Null), "{round:?}");
        assert!(of(2, "retracted_at").is_string());
        assert_ne!(of(0, "message"), of(1, "message"));
        assert_eq!(of(1, "message"), of(2, "message"));
        assert!(of(0, "expires_at").as_str() <= of(1, "expires_at").as_str());
    }
}

fn acc_186_a_role_its_holder_leaves_is_told_to_the_grantors_alone(engine: Engine) {
    let house = Installation::with(engine, &[("ROLES", "pal:self_service+admin")]);
    let ben = house.named("ben-b");
    let set = |enabled: bool| ben.client.rpc("self_service_role_set", &json!({ "role": "pal", "enabled": enabled }));
    set(true).result();
    let mut to_keeper = Socket::of(&house.server, &house.keeper.cookie);
    let offer = house.offer(&house.keeper, &ben, "pal", &json!({}));
    let mut to_ben = Socket::of(&house.server, &ben.cookie);
    set(false).result();
    let told = to_keeper.notice("role_grant_offer_supersede");
    assert_eq!((&told["offer"]["id"], &told["reason"]), (&offer["id"], &json!("role_grant_revoked")));
    assert_eq!(told["cause_id"], house.row("role_grant_revoke", &ben.id)["metadata"]["role_grant_id"]);
    // What is told next is told after it: the holder heard nothing of what he did himself.
    let next = house.offer(&house.keeper, &ben, "pal", &json!({}));
    match to_ben.next_within(WAIT) {
        Some(Incoming::Frame(frame)) => {
            assert_eq!(frame["method"], "role_grant_offer_received", "{frame}");
            assert_eq!(frame["params"]["offer"]["id"], next["id"]);
        }
        other => panic!("{other:?}"),
    }
}

both_engines![
    acc_185_an_offer_is_told_as_it_stood_after_each_event,
    acc_186_a_role_its_holder_leaves_is_told_to_the_grantors_alone,
];
