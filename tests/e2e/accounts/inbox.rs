//! Which offers somebody sees, and in which order (ACC-136, ACC-137).

use serde_json::{Value, json};

use super::offers::{CLASS, NOBODY, at_class};
use crate::harness::{Engine, Installation, Person, text};

fn acc_136_the_inbox_is_ones_own_or_an_administrators_to_read(engine: Engine) {
    let house = Installation::shared(engine);
    let (ben, eve) = (house.person("ben"), house.person("eve"));
    let list = |person: &Person, params: Value| person.client.rpc("role_grant_offer_list", &params);
    assert_eq!(list(&ben, json!({})).result(), json!({ "offers": [] }));
    house.offer(&house.keeper, &ben, "teacher", &json!({}));
    house.offer(&house.keeper, &ben, "student", &json!({}));
    // Made anew it keeps its place, and its end is the later one.
    house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let offers = list(&ben, json!({ "account_id": ben.id })).result()["offers"].clone();
    let roles: Vec<_> = offers.as_array().unwrap().iter().map(|it| text(&it["role"])).collect();
    assert_eq!(roles, ["student", "teacher"], "soonest end first: {offers}");
    for is_admin_there in [false, true] {
        if is_admin_there {
            house.grant_at(&eve, "admin", &at_class(CLASS));
        }
        for method in ["role_grant_offer_list", "role_grant_offer_history"] {
            for whose in [ben.id.as_str(), NOBODY] {
                let call = eve.client.rpc(method, &json!({ "account_id": whose }));
                let data = call.refused(403, -32_002, "insufficient_permissions");
                assert_eq!(data["required_roles"], json!(["admin"]), "{method} of {whose}");
            }
        }
    }
    for method in ["role_grant_offer_list", "role_grant_offer_history"] {
        let theirs = house.keeper.client.rpc(method, &json!({ "account_id": ben.id })).result();
        assert_eq!(theirs["offers"].as_array().unwrap().len(), 2, "{method}");
    }
}

fn acc_137_history_shows_both_directions_newest_first(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let scope = |number: u32| at_class(&format!("55555555-5555-4555-8555-{number:012}"));
    let made: Vec<Value> =
        (0..5).map(|number| house.offer(&boss, &ben, "teacher", &scope(number))["id"].clone()).collect();
    ben.client.rpc("role_grant_offer_accept", &json!({ "offer_id": made[0] })).result();
    let ids = |person: &Person, params: Value| -> Vec<Value> {
        let listed = person.client.rpc("role_grant_offer_history", &params).result();
        listed["offers"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
    };
    let newest: Vec<Value> = made.iter().rev().cloned().collect();
    assert_eq!(ids(&ben, json!({})), newest);
    assert_eq!(ids(&boss, json!({ "limit": 5 })), newest);
    let paged: Vec<Value> = (0..3).flat_map(|page| ids(&ben, json!({ "limit": 2, "offset": page * 2 }))).collect();
    assert_eq!(paged, newest);
    // Received before all of them as an administrator, and after all of them.
    house.offer(&house.keeper, &boss, "teacher", &json!({}));
    let both = ids(&boss, json!({}));
    assert_eq!((both.len(), &both[1..6]), (7, newest.as_slice()));
    let paged: Vec<Value> = (0..4).flat_map(|page| ids(&boss, json!({ "limit": 2, "offset": page * 2 }))).collect();
    assert_eq!(paged, both, "pages over both directions");
    for limit in [0, 501] {
        let call = ben.client.rpc("role_grant_offer_history", &json!({ "limit": limit }));
        assert_eq!(call.issues()[0].0, "limit");
    }
}

both_engines![
    acc_136_the_inbox_is_ones_own_or_an_administrators_to_read,
    acc_137_history_shows_both_directions_newest_first,
];
