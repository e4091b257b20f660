//! A valid request for every method, with what it needs made before it, and the rows of the audit that it must leave.

use serde_json::{Value, json};

use crate::harness::{Installation, Person, text, unique};

/// What to send, by whom, and what it leaves.
pub(super) struct Prepared {
    pub(super) by: Person,
    pub(super) params: Value,
    /// Types of the rows that it leaves, all of them, with the outcome `success`.
    pub(super) rows: &'static [&'static str],
}

/// Prepares a method. A method that is not here fails the suite: say what it needs and which rows it leaves.
#[expect(clippy::too_many_lines, reason = "a table: one arm a method")]
pub(super) fn prepare(house: &Installation, method: &str) -> Prepared {
    let keeper = || house.keeper.clone();
    let (by, params, rows): (Person, Value, &[&str]) = match method {
        "account_verify" | "account_session_list" | "account_token_list" | "actor_list" => {
            (house.person("ann"), Value::Null, &[])
        }
        "account_session_revoke" => {
            let person = house.person("ann");
            let other = house.session_of(&person);
            let listed = person.client.rpc("account_session_list", &Value::Null).result();
            let newest = text(&listed["sessions"][0]["id"]);
            drop(other);
            (person, json!({ "session_id": newest }), &["session_revoke"])
        }
        "account_session_revoke_all" => (house.person("ann"), Value::Null, &["session_revoke_all"]),
        "account_token_create" => (house.person("ann"), json!({ "name": "cron" }), &["token_create"]),
        "account_token_revoke" => {
            let person = house.person("ann");
            let (_, id) = house.token_of(&person);
            (person, json!({ "token_id": id }), &["token_revoke"])
        }
        "admin_account_list"
        | "admin_session_list"
        | "audit_log_list"
        | "audit_log_role_grant_history"
        | "invite_list"
        | "app_settings_get" => (keeper(), json!({}), &[]),
        "admin_session_revoke_all" => {
            (keeper(), json!({ "account_id": house.person("ann").id }), &["session_revoke_all"])
        }
        "admin_token_revoke_all" => {
            let person = house.person("ann");
            house.token_of(&person);
            (keeper(), json!({ "account_id": person.id }), &["token_revoke_all"])
        }
        "invite_create" => (keeper(), json!({ "username": unique("guest") }), &["invite_create"]),
        "invite_delete" => {
            let invite = house.invite(&json!({ "username": unique("guest") }));
            (keeper(), json!({ "invite_id": invite["id"] }), &["invite_delete"])
        }
        "app_settings_update" => {
            let open = house.keeper.client.rpc("app_settings_get", &json!({})).result()["settings"]["open_signup"]
                .as_bool()
                .unwrap();
            (keeper(), json!({ "open_signup": !open }), &["app_settings_update"])
        }
        "role_grant_revoke" => {
            let person = house.person("ann");
            let grant = house.grant(&person, "teacher");
            (keeper(), json!({ "actor_id": person.actor, "role_grant_id": grant }), &["role_grant_revoke"])
        }
        "scope_destroy" => {
            let (ann, ben) = (house.person("ann"), house.person("ben"));
            let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
            house.grant_at(&ann, "teacher", &scope);
            house.offer(&house.keeper, &ben, "teacher", &scope);
            (keeper(), scope, &["role_grant_revoke", "role_grant_offer_supersede", "scope_destroy"])
        }
        "role_grant_offer_create" => {
            let to = house.person("ann").id;
            (
                keeper(),
                json!({ "to_account_id": to, "role": "teacher", "message": "please" }),
                &["role_grant_offer_create"],
            )
        }
        "role_grant_offer_accept" | "role_grant_offer_decline" | "role_grant_offer_retract" => {
            let ann = house.person("ann");
            let offer = house.offer(&house.keeper, &ann, "teacher", &json!({}));
            let rows: &[&str] = match method {
                "role_grant_offer_accept" => &["role_grant_offer_accept", "role_grant_create"],
                "role_grant_offer_decline" => &["role_grant_offer_decline"],
                _ => &["role_grant_offer_retract"],
            };
            let by = if method == "role_grant_offer_retract" { keeper() } else { ann };
            (by, json!({ "offer_id": offer["id"] }), rows)
        }
        "role_grant_offer_list" | "role_grant_offer_history" => {
            let ann = house.person("ann");
            house.offer(&house.keeper, &ann, "teacher", &json!({}));
            (ann, json!({}), &[])
        }
        "self_service_role_set" => {
            (house.person("ann"), json!({ "role": "pal", "enabled": true }), &["role_grant_create"])
        }
        "role_why" => (keeper(), json!({ "role": "admin" }), &[]),
        "actor_lookup" => {
            let ann = house.person("ann");
            let ids = json!({ "ids": [ann.actor] });
            (ann, ids, &[])
        }
        "actor_search" => (keeper(), json!({ "query": "keep" }), &[]),
        "actor_create" => (house.person("ann"), json!({ "name": "Second" }), &["actor_create"]),
        other => panic!("{other} has no valid request in this suite: add one, with the rows it leaves"),
    };
    Prepared { by, params, rows }
}
