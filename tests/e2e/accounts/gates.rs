//! The order of the gates, personas and roles (ACC-090 to ACC-097).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Person, text, unique};

fn with_second_persona(house: &Installation) -> (Person, String) {
    let person = house.person("two");
    let second = person.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    (person, text(&second["actor"]["id"]))
}

fn acc_090_who_asks_comes_before_what_and_what_before_whether(engine: Engine) {
    let house = Installation::shared(engine);
    let (nobody, plain) = (house.server.anonymous(), house.person("ann"));
    let bad = json!({ "limit": 0, "more": 1 });
    assert!(nobody.rpc("admin_account_list", &bad).refused(401, -32_001, "").is_null());
    let anonymous = nobody.post("/api/account/password", &json!({ "x": 1 })).refused(401, "authentication_required");
    assert!(anonymous.get("issues").is_none());
    assert_eq!(plain.client.rpc("admin_account_list", &bad).issues().len(), 2);
    plain.client.rpc("admin_account_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
}

fn acc_090_an_input_is_judged_as_a_whole_before_whoever_sent_it(engine: Engine) {
    let house = Installation::shared(engine);
    // No administrator, and of two personas none is named.
    let (person, _) = with_second_persona(house);
    let id = &person.id;
    for (method, params, path) in [
        ("invite_create", json!({}), "email"),
        ("invite_create", json!({ "email": null, "username": null }), "email"),
        ("scope_destroy", json!({ "scope_kind": "nowhere", "scope_id": id }), "scope_kind"),
        ("role_grant_offer_create", json!({ "to_account_id": id, "role": "teacher", "scope_id": id }), "scope_kind"),
        ("role_why", json!({ "role": "teacher", "scope_kind": "class" }), "scope_id"),
        ("role_why", json!({ "role": "teacher", "at": "yesterday" }), "at"),
    ] {
        let issues = person.client.rpc(method, &params).issues();
        assert!(matches!(issues.as_slice(), [(at, _)] if at == path), "{method}: {issues:?}");
        house.server.anonymous().rpc(method, &params).refused(401, -32_001, "");
    }
}

fn acc_091_the_credential_is_judged_before_the_role(engine: Engine) {
    let house = Installation::shared(engine);
    house.person("ann").client.get("/api/db/health").refused(403, "credential_type_required");
}

fn acc_092_of_several_personas_one_must_be_named(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, second) = with_second_persona(house);
    let reply = person.client.rpc("role_grant_offer_list", &json!({}));
    let data = reply.refused(400, -32_602, "actor_required");
    assert_eq!(reply.0.json()["error"]["message"], "actor_required");
    let available = json!([{ "id": person.actor, "name": person.username }, { "id": second, "name": "Second" }]);
    assert_eq!(data["available"], available);
    let flat = house.server.anonymous().header("cookie", &person.cookie).get("/api/db/health");
    assert_eq!(flat.refused(400, "actor_required")["available"], available);
    person.client.rpc("role_grant_offer_list", &json!({ "acting": second })).result();
}

fn acc_093_a_persona_of_others_is_refused_and_not_listed(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, _) = with_second_persona(house);
    let other = house.person("ben");
    let call = |acting: Value| person.client.rpc("role_grant_offer_list", &json!({ "acting": acting }));
    let data = call(json!(other.actor)).refused(400, -32_602, "actor_not_on_account");
    assert!(data.get("available").is_none());
    for bad in [Value::Null, json!("x"), json!("{00000000-0000-0000-0000-000000000000}")] {
        assert_eq!(call(bad).issues()[0].0, "acting");
    }
}

fn acc_094_what_concerns_the_account_needs_no_persona(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, _) = with_second_persona(house);
    for method in ["account_verify", "account_session_list", "account_token_create", "account_token_list"] {
        person.client.rpc(method, &Value::Null).result();
    }
    let made = person.client.rpc("account_token_create", &Value::Null).result();
    person.client.rpc("account_token_revoke", &json!({ "token_id": made["id"] })).result();
    assert_eq!(person.client.get("/api/account/verify").status, 200);
    house.session_of(&person).client.post("/api/account/logout", &json!({})).expect(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    person.client.post("/api/account/password", &change).expect(200);
}

fn acc_095_a_gate_opens_to_a_role_held_everywhere_and_now(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let list = || person.client.rpc("invite_list", &json!({}));
    let scope = json!({ "scope_kind": "class", "scope_id": "11111111-1111-4111-8111-111111111111" });
    house.grant_at(&person, "admin", &scope);
    let data = list().refused(403, -32_002, "insufficient_permissions");
    assert_eq!(data["required_roles"], json!(["admin"]));
    let grant = house.grant(&person, "admin");
    list().result();
    let revoke = json!({ "actor_id": person.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    list().refused(403, -32_002, "insufficient_permissions");
}

fn acc_096_a_role_is_its_personas_and_not_its_siblings(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, second) = with_second_persona(house);
    let offer = house.offer(&house.keeper, &person, "admin", &json!({}));
    let accept = json!({ "offer_id": offer["id"], "acting": person.actor });
    person.client.rpc("role_grant_offer_accept", &accept).result();
    person.client.rpc("invite_list", &json!({ "acting": person.actor })).result();
    let refused = person.client.rpc("invite_list", &json!({ "acting": second }));
    refused.refused(403, -32_002, "insufficient_permissions");
}

/// Params by which a method works, made anew for every call, since many end what they name.
fn working_params(house: &Installation, method: &str) -> Value {
    match method {
        "admin_session_revoke_all" | "admin_token_revoke_all" => json!({ "account_id": house.person("victim").id }),
        "invite_create" => json!({ "username": unique("guest") }),
        "invite_delete" => json!({ "invite_id": house.invite(&json!({ "username": unique("guest") }))["id"] }),
        "app_settings_update" => json!({ "open_signup": false }),
        "role_grant_revoke" => {
            let holder = house.person("holder");
            json!({ "actor_id": holder.actor, "role_grant_id": house.grant(&holder, "teacher") })
        }
        "scope_destroy" => json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() }),
        _ => json!({}),
    }
}

fn acc_097_every_method_of_administrators_is_theirs_by_any_credential(engine: Engine) {
    let house = Installation::shared(engine);
    let plain = house.person("ann");
    let admin = house.admin("boss");
    let (by_token, _) = house.token_of(&admin);
    for method in [
        "admin_account_list",
        "admin_session_list",
        "admin_session_revoke_all",
        "admin_token_revoke_all",
        "audit_log_list",
        "audit_log_role_grant_history",
        "invite_create",
        "invite_list",
        "invite_delete",
        "app_settings_get",
        "app_settings_update",
        "role_grant_revoke",
        "scope_destroy",
    ] {
        let params = working_params(house, method);
        house.server.anonymous().rpc(method, &params).refused(401, -32_001, "");
        plain.client.rpc(method, &params).refused(403, -32_002, "insufficient_permissions");
        for client in [&admin.client, &by_token, &house.daemon()] {
            client.rpc(method, &working_params(house, method)).result();
        }
    }
}

both_engines![
    acc_090_who_asks_comes_before_what_and_what_before_whether,
    acc_090_an_input_is_judged_as_a_whole_before_whoever_sent_it,
    acc_091_the_credential_is_judged_before_the_role,
    acc_092_of_several_personas_one_must_be_named,
    acc_093_a_persona_of_others_is_refused_and_not_listed,
    acc_094_what_concerns_the_account_needs_no_persona,
    acc_095_a_gate_opens_to_a_role_held_everywhere_and_now,
    acc_096_a_role_is_its_personas_and_not_its_siblings,
    acc_097_every_method_of_administrators_is_theirs_by_any_credential,
];
