//! What notifications say and to whom (ACC-185, ACC-186), where a slow or a distant teller could tell something else.

use std::time::Duration;

use serde_json::json;

use super::socket::{Incoming, Socket};
use crate::harness::{Engine, Installation};

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
    // What is told next is told after it: the holder heard nothing of what he did himself.
    let next = house.offer(&house.keeper, &ben, "pal", &json!({}));
    match to_ben.next_within(Duration::from_secs(20)) {
        Some(Incoming::Frame(frame)) => {
            assert_eq!(frame["method"], "role_grant_offer_received", "{frame}");
            assert_eq!(frame["params"]["offer"]["id"], next["id"]);
        }
        other => panic!("{other:?}"),
    }
}

both_engines![acc_186_a_role_its_holder_leaves_is_told_to_the_grantors_alone];
