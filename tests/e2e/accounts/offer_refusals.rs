//! What is not offered (ACC-114, ACC-115): the recipient's guards, and what every refusal of an offer leaves.

use std::time::Duration;

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, Person, text};

const NOBODY: &str = "22222222-2222-4222-8222-222222222222";
const CLASS: &str = "33333333-3333-4333-8333-333333333333";

fn create(from: &Person, params: &Value) -> crate::harness::Rpc {
    from.client.rpc("role_grant_offer_create", params)
}

fn acc_114_the_recipient_is_somebody_else_who_is_there(engine: Engine) {
    let house = Installation::shared(engine);
    let (ben, eve) = (house.person("ben"), house.admin("eve"));
    let second = text(&eve.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"]);
    let grant = house.offer(&house.keeper, &eve, "admin", &json!({ "to_actor_id": second }));
    let accept = json!({ "offer_id": grant["id"], "acting": second });
    eve.client.rpc("role_grant_offer_accept", &accept).result();
    for acting in [&eve.actor, &second] {
        let own = json!({ "to_account_id": eve.id, "role": "admin", "acting": acting });
        create(&eve, &own).refused(400, -32_602, "role_grant_offer_self_target");
    }
    let foreign = json!({ "to_account_id": ben.id, "to_actor_id": eve.actor, "role": "admin" });
    create(&house.keeper, &foreign).refused(400, -32_602, "role_grant_offer_actor_account_mismatch");
    let unknown = json!({ "to_account_id": NOBODY, "role": "admin" });
    create(&house.keeper, &unknown).refused(404, -32_003, "account_not_found");
}

fn acc_115_a_refused_offer_leaves_one_row_and_no_offer(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (boss, ben, eve) = (house.admin("boss"), house.named("ben-b"), house.named("eve-e"));
    let offer = |to: &str, role: &str, more: Value| {
        let mut params = json!({ "to_account_id": to, "role": role });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let class = json!({ "scope_kind": "class", "scope_id": CLASS });
    let to_persona = |persona: &str| json!({ "to_actor_id": persona });
    let mut sockets = [&boss, &ben, &eve].map(|person| Socket::of(&house.server, &person.cookie));
    for (from, params, reason) in [
        (&boss, offer(&ben.id, "keeper", to_persona(&ben.actor)), "role_grant_offer_role_not_grantable"),
        (&boss, offer(&ben.id, "unheard", class.clone()), "role_grant_offer_role_not_grantable"),
        (&eve, offer(&ben.id, "teacher", json!({})), "role_grant_offer_not_authorized"),
        (&eve, offer(&ben.id, "teacher", class), "role_grant_offer_not_authorized"),
        (&eve, offer(&ben.id, "teacher", to_persona(&boss.actor)), "role_grant_offer_not_authorized"),
        (&boss, offer(NOBODY, "teacher", json!({})), "account_not_found"),
        (&boss, offer(NOBODY, "teacher", to_persona(&ben.actor)), "account_not_found"),
        (&boss, offer(&boss.id, "teacher", json!({})), "role_grant_offer_self_target"),
        (&boss, offer(&boss.id, "teacher", to_persona(&ben.actor)), "role_grant_offer_self_target"),
        (&boss, offer(&boss.id, "teacher", to_persona(&boss.actor)), "role_grant_offer_self_target"),
        (&boss, offer(&ben.id, "teacher", to_persona(&eve.actor)), "role_grant_offer_actor_account_mismatch"),
    ] {
        let before = house.server.store.count("%");
        let body = create(from, &params).0.json();
        assert_eq!(body["error"]["data"]["reason"], reason, "{params}");
        assert_eq!(house.server.store.count("%"), before + 1, "{params}");
        let row = house.audit(&json!({ "limit": 1 })).remove(0);
        assert_eq!((&row["event_type"], &row["outcome"]), (&json!("role_grant_offer_create"), &json!("failure")));
        assert_eq!((&row["account_id"], &row["actor_id"]), (&json!(from.id), &json!(from.actor)), "{row}");
        let to = &params["to_account_id"];
        let mut metadata = json!({ "role": params["role"], "scope_id": params["scope_id"], "to_account_id": to });
        let mut target = to.clone();
        if reason == "account_not_found" {
            metadata["attempted_account_id"] = to.clone();
            target = Value::Null;
        }
        assert_eq!((&row["metadata"], &row["target_account_id"]), (&metadata, &target), "{row}");
        // A persona of another account may not stand beside the account that was asked for (section 6.3).
        let of_target = [&boss, &ben, &eve].into_iter().find(|it| json!(it.id) == target).map(|it| json!(it.actor));
        let is_its_own = target.is_null() || of_target.as_ref() == Some(&params["to_actor_id"]);
        let persona = if is_its_own { &params["to_actor_id"] } else { &Value::Null };
        assert_eq!(&row["target_actor_id"], persona, "{row}");
    }
    for person in [&boss, &ben, &eve] {
        let offers = person.client.rpc("role_grant_offer_history", &json!({})).result()["offers"].clone();
        let made_by_keeper = offers.as_array().unwrap().iter().filter(|it| it["role"] != "admin").count();
        assert_eq!(made_by_keeper, 0, "{offers}");
    }
    for socket in &mut sockets {
        assert!(socket.is_quiet(Duration::from_millis(200)));
    }
}

both_engines![acc_114_the_recipient_is_somebody_else_who_is_there, acc_115_a_refused_offer_leaves_one_row_and_no_offer,];
