//! The audit view (ACC-165 to ACC-175; ACC-173 has a file of its own).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Installation, PASSWORD, Person, Program, Rpc, Server, text};

/// Leaves every row there is, once or more, by several people; the observer has no part in it.
fn live_through_everything(house: &Installation) -> Person {
    let observer = house.admin("observer");
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let (by_token, token) = house.token_of(&ben);
    assert_eq!(by_token.get("/api/account/verify").status, 200);
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    house.login(&ben.username, "wrong").refused(401, "invalid_credentials");
    let second = house.session_of(&ben);
    second.client.post("/api/account/logout", &json!({})).expect(200);
    ben.client.rpc("account_token_revoke", &json!({ "token_id": token })).result();
    ben.client.rpc("account_token_revoke", &json!({ "token_id": token })).result();
    ben.client.rpc("account_session_revoke", &json!({ "session_id": "a".repeat(64) })).result();
    let third = house.session_of(&ben);
    let listed = third.client.rpc("account_session_list", &Value::Null).result();
    third.client.rpc("account_session_revoke", &json!({ "session_id": listed["sessions"][1]["id"] })).result();
    let ben = house.session_of(&ben);
    ben.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let invite = house.invite(&json!({ "email": "somebody@example.com" }));
    house.keeper.client.rpc("invite_delete", &json!({ "invite_id": invite["id"] })).result();
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": false })).result();
    house
        .sign_up(&json!({ "username": "uninvited", "password": crate::harness::PASSWORD }))
        .refused(403, "no_matching_invite");
    let acting = json!(ben.actor);
    let a = house.offer(&boss, &ben, "teacher", &json!({ "message": "the secret message" }));
    house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accept = json!({ "offer_id": a["id"], "acting": acting });
    let grant = ben.client.rpc("role_grant_offer_accept", &accept).result()["role_grant_id"].clone();
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant, "reason": "moved" });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let b = house.offer(&boss, &ben, "student", &json!({}));
    ben.client.rpc("role_grant_offer_decline", &json!({ "offer_id": b["id"], "acting": acting })).result();
    let c = house.offer(&boss, &ben, "student", &json!({ "to_actor_id": ben.actor }));
    boss.client.rpc("role_grant_offer_retract", &json!({ "offer_id": c["id"] })).result();
    let keeper = json!({ "to_account_id": ben.id, "role": "keeper" });
    assert_eq!(boss.client.rpc("role_grant_offer_create", &keeper).0.status, 403);
    for enabled in [true, false] {
        let set = json!({ "role": "pal", "enabled": enabled, "acting": acting });
        ben.client.rpc("self_service_role_set", &set).result();
    }
    house.keeper.client.rpc("admin_token_revoke_all", &json!({ "account_id": ben.id })).result();
    let unknown = json!({ "account_id": "22222222-2222-4222-8222-222222222222" });
    assert_eq!(house.keeper.client.rpc("admin_session_revoke_all", &unknown).0.status, 404);
    let body = json!({ "current_password": crate::harness::PASSWORD, "new_password": "another horse battery" });
    ben.client.post("/api/account/password", &body).expect(200);
    house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": ben.id })).result();
    observer
}

fn all_rows(observer: &Person) -> Vec<Value> {
    let mut rows = Vec::new();
    loop {
        let page = observer.client.rpc("audit_log_list", &json!({ "limit": 200, "offset": rows.len() })).result();
        let page = page["events"].as_array().unwrap().clone();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

fn keys(row: &Value) -> Vec<String> {
    row["metadata"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn acc_165_each_command_leaves_its_rows_with_their_keys(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let rows = all_rows(&observer);
    let expected: BTreeMap<(&str, &str), &[&str]> = BTreeMap::from([
        (("login", "success"), [].as_slice()),
        (("login", "failure"), &["username"]),
        (("logout", "success"), &[]),
        (("bootstrap", "success"), &[]),
        (("signup", "success"), &["invite_id", "username"]),
        (("signup", "failure"), &["reason", "username"]),
        (("password_change", "success"), &["credential_type", "sessions_revoked", "tokens_revoked"]),
        (("session_revoke", "success"), &["credential_type", "session_id"]),
        (("session_revoke", "failure"), &["credential_type", "session_id"]),
        (("session_revoke_all", "success"), &["count"]),
        (("session_revoke_all", "failure"), &["attempted_account_id", "reason"]),
        (("token_create", "success"), &["credential_type", "name", "token_id"]),
        (("token_revoke", "success"), &["credential_type", "token_id"]),
        (("token_revoke", "failure"), &["credential_type", "token_id"]),
        (("token_revoke_all", "success"), &["count"]),
        (("role_grant_offer_create", "success"), &["offer_id", "role", "scope_id", "to_account_id"]),
        (("role_grant_offer_create", "failure"), &["role", "scope_id", "to_account_id"]),
        (("role_grant_offer_accept", "success"), &["offer_id", "role", "role_grant_id", "scope_id"]),
        (("role_grant_offer_decline", "success"), &["offer_id", "role", "scope_id"]),
        (("role_grant_offer_retract", "success"), &["offer_id", "role", "scope_id"]),
        (("role_grant_offer_supersede", "success"), &["cause_id", "offer_id", "reason", "role", "scope_id"]),
        (("invite_create", "success"), &["email", "invite_id", "username"]),
        (("invite_delete", "success"), &["invite_id"]),
        (("app_settings_update", "success"), &["new_value", "old_value", "setting"]),
        (("actor_create", "success"), &["actor_id", "name"]),
    ]);
    for ((event_type, outcome), wanted) in &expected {
        let found = rows.iter().find(|row| row["event_type"] == *event_type && row["outcome"] == *outcome);
        let found = found.unwrap_or_else(|| panic!("no row {event_type} {outcome}"));
        assert_eq!(keys(found), *wanted, "{found}");
    }
    let with = |event_type: &str, key: &str| {
        rows.iter().any(|row| row["event_type"] == event_type && keys(row).contains(&key.to_owned()))
    };
    assert!(with("role_grant_create", "source_offer_id") && with("role_grant_create", "self_service"));
    assert!(with("role_grant_revoke", "reason") && with("role_grant_revoke", "self_service"));
    let all = json!(rows).to_string();
    assert!(!all.contains("the secret message"), "an offer's message is in no row");
    // Excluded here: bootstrap's failures (ACC-072), and the expiry, which takes a sweep (ACC-220).
}

fn acc_166_what_one_does_to_oneself_names_no_persona(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let rows = all_rows(&observer);
    let own =
        ["login", "logout", "password_change", "signup", "bootstrap", "token_create", "token_revoke", "session_revoke"];
    for row in rows.iter().filter(|row| own.contains(&row["event_type"].as_str().unwrap())) {
        assert!(row["actor_id"].is_null() && row["target_actor_id"].is_null(), "{row}");
    }
    // What is done to the installation and to other accounts is the account's doing, too, and no persona's.
    for kind in ["invite_create", "invite_delete", "app_settings_update", "token_revoke_all", "session_revoke_all"] {
        let done: Vec<&Value> =
            rows.iter().filter(|row| row["event_type"] == kind && row["outcome"] == "success").collect();
        assert!(!done.is_empty(), "{kind}");
        for row in done {
            assert_eq!(row["account_id"], json!(house.keeper.id), "{row}");
            assert!(row["actor_id"].is_null() && row["target_actor_id"].is_null(), "{row}");
        }
    }
    let mut ids: Vec<String> = rows.iter().map(|row| text(&row["id"])).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rows.len());
    assert!(rows.windows(2).all(|pair| pair[0]["seq"].as_u64() > pair[1]["seq"].as_u64()), "newest first");
}

/// The row of a type that is of this offer.
fn row_of(house: &Installation, event_type: &str, offer: &Value) -> Value {
    let rows = house.audit(&json!({ "event_type": event_type, "limit": 200 }));
    rows.into_iter().find(|row| row["metadata"]["offer_id"] == offer["id"]).unwrap()
}

fn who(row: &Value) -> (String, Value) {
    (text(&row["account_id"]), row["actor_id"].clone())
}

fn whom(row: &Value) -> (String, Value) {
    (text(&row["target_account_id"]), row["target_actor_id"].clone())
}

fn persona(person: &Person) -> (String, Value) {
    (person.id.clone(), json!(person.actor))
}

/// Asserts why an offer to somebody fell, by whom, and that its row names whom it was made to.
#[track_caller]
fn fell(house: &Installation, offer: &Value, (reason, cause): (&str, &Value), by: &Person, to: &Person) {
    let fallen = row_of(house, "role_grant_offer_supersede", offer);
    assert_eq!((&fallen["metadata"]["reason"], &fallen["metadata"]["cause_id"]), (&json!(reason), cause), "{fallen}");
    assert_eq!((who(&fallen), fallen["outcome"].clone()), (persona(by), json!("success")), "who caused it: {fallen}");
    assert_eq!(whom(&fallen), (to.id.clone(), offer["to_actor_id"].clone()), "{fallen}");
}

fn acc_167_rows_of_offers_name_whom_they_concern_and_why_they_fell(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let class = json!({ "scope_kind": "class", "scope_id": "c0000000-0000-4000-8000-000000000167" });
    let on = |offer: &Value| json!({ "offer_id": offer["id"], "acting": ben.actor });
    let row = |event_type: &str, offer: &Value| row_of(&house, event_type, offer);

    let declined = house.offer(&boss, &ben, "student", &json!({}));
    ben.client.rpc("role_grant_offer_decline", &on(&declined)).result();
    let decline = row("role_grant_offer_decline", &declined);
    assert_eq!(who(&decline), persona(&ben));
    assert_eq!(whom(&decline), (boss.id.clone(), json!(boss.actor)), "the grantor");

    for (more, named) in [(json!({}), Value::Null), (json!({ "to_actor_id": ben.actor }), json!(ben.actor))] {
        let offer = house.offer(&boss, &ben, "student", &more);
        boss.client.rpc("role_grant_offer_retract", &json!({ "offer_id": offer["id"] })).result();
        for event_type in ["role_grant_offer_create", "role_grant_offer_retract"] {
            let row = row(event_type, &offer);
            assert_eq!(who(&row), persona(&boss), "{event_type}");
            assert_eq!(whom(&row), (ben.id.clone(), named.clone()), "{event_type}");
        }
    }

    let taken = house.offer(&boss, &ben, "teacher", &json!({}));
    let sibling = house.offer(&house.keeper, &ben, "teacher", &json!({ "to_actor_id": ben.actor }));
    let grant = ben.client.rpc("role_grant_offer_accept", &on(&taken)).result()["role_grant_id"].clone();
    let accepted = row("role_grant_offer_accept", &taken);
    let named = ["account_id", "actor_id", "target_account_id", "target_actor_id"].map(|name| text(&accepted[name]));
    assert_eq!(
        named,
        [&ben.id, &ben.actor, &ben.id, &ben.actor].map(String::clone),
        "who accepts, and to whom it was made"
    );
    fell(&house, &sibling, ("sibling_accepted", &taken["id"]), &ben, &ben);
    let again = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    fell(&house, &again, ("role_grant_revoked", &grant), &house.keeper, &ben);
    let scoped = house.offer(&house.keeper, &ben, "teacher", &class);
    house.keeper.client.rpc("scope_destroy", &class).result();
    fell(&house, &scoped, ("scope_destroyed", &class["scope_id"]), &house.keeper, &ben);
}

fn acc_167_what_falls_with_a_switch_names_who_turned_it(engine: Engine) {
    let house = Installation::with(engine, &[("ROLES", "pal:self_service+admin")]);
    let ben = house.person("ben");
    let switch = |enabled: bool| {
        ben.client.rpc("self_service_role_set", &json!({ "role": "pal", "enabled": enabled })).result();
    };
    switch(true);
    let given = house.row("role_grant_create", &ben.id);
    assert_eq!((who(&given), whom(&given)), (persona(&ben), persona(&ben)));
    let offers = [json!({}), json!({ "to_actor_id": ben.actor })].map(|more| {
        let offer = house.offer(&house.keeper, &ben, "pal", &more);
        switch(false);
        let taken = house.row("role_grant_revoke", &ben.id);
        assert_eq!((who(&taken), whom(&taken)), (persona(&ben), persona(&ben)));
        switch(true);
        (offer, taken["metadata"]["role_grant_id"].clone())
    });
    for (offer, grant) in &offers {
        fell(&house, offer, ("role_grant_revoked", grant), &ben, &ben);
    }
}

fn acc_168_a_persona_in_a_row_belongs_to_the_account_beside_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let accounts = house.keeper.client.rpc("admin_account_list", &json!({ "limit": 200 })).result();
    let mut owner_of: BTreeMap<String, String> = BTreeMap::new();
    for entry in accounts["accounts"].as_array().unwrap() {
        for actor in entry["actors"].as_array().unwrap() {
            owner_of.insert(text(&actor["id"]), text(&entry["account"]["id"]));
        }
    }
    let mut pairs = 0;
    for row in all_rows(&observer) {
        for (actor, account) in [("actor_id", "account_id"), ("target_actor_id", "target_account_id")] {
            if let (Some(actor), Some(account)) = (row[actor].as_str(), row[account].as_str()) {
                assert_eq!(owner_of[actor], account, "{row}");
                pairs += 1;
            }
        }
    }
    assert!(pairs > 10);
}

fn acc_169_what_is_malformed_or_stopped_at_a_gate_leaves_no_row(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_ACTION_ACCOUNT", "3/900")]);
    let ben = house.named("ben-b");
    let events = || house.server.store.count("%");
    let lookup = json!({ "ids": [ben.actor] });
    for _ in 0..3 {
        ben.client.rpc("actor_lookup", &lookup).result();
    }
    let before = events();
    ben.client.rpc("actor_lookup", &lookup).0.expect(429);
    ben.client.rpc("invite_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
    ben.client.rpc("role_grant_offer_create", &json!({})).issues();
    house.server.anonymous().rpc("invite_list", &json!({})).refused(401, -32_001, "");
    house.keeper.client.rpc("invite_create", &json!({ "username": "ben-b" })).refused(
        409,
        -32_004,
        "invite_account_exists_username",
    );
    assert_eq!(events(), before);
}

fn acc_169_what_a_route_or_what_stands_before_it_refuses_leaves_no_row(engine: Engine) {
    let settings = [("LIMITS_LOGIN_IP", "1/900"), ("LIMITS_BEARER_IP", "2/900")];
    let house = Installation::with(engine, &settings);
    let (ben, daemon) = (house.named("ben-b"), house.daemon());
    let (by_token, _) = house.token_of(&ben);
    let nobody = house.server.anonymous();
    let login = |client: &Client, name: &str| {
        client.post("/api/account/login", &json!({ "username": name, "password": "wrong password" }))
    };
    login(&nobody, "nobody-here").refused(401, "invalid_credentials");
    let before = house.server.store.count("%");
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    let bad = nobody.bearer(&format!("secret_muniment_token_{}", "a".repeat(43)));
    let refusals = [
        (login(&nobody, "nobody-here"), 429),
        (login(&ben.client.header("origin", "https://rogue.example"), "ben-b"), 403),
        (nobody.post("/api/account/login", &json!({ "username": "ben-b" })), 400),
        (nobody.post("/api/account/login", &json!([])), 400),
        (nobody.post("/api/account/signup", &json!({ "username": "x", "password": "short" })), 400),
        (nobody.post("/api/account/password", &change), 401),
        (ben.client.post("/api/account/password", &json!({})), 400),
        (by_token.post("/api/account/password", &change), 403),
        (by_token.post("/api/account/logout", &json!({})), 403),
        (daemon.post("/api/account/logout", &json!({})), 403),
        (nobody.header("x-daemon-token", "wrong").get("/api/account/verify"), 401),
        (ben.client.get("/api/db/health"), 403),
        (ben.client.get("/api/audit/stream"), 403),
        (by_token.rpc("account_token_create", &Value::Null).0, 403),
        (by_token.rpc("account_session_revoke_all", &Value::Null).0, 403),
        (nobody.rpc("account_token_create", &Value::Null).0, 401),
        (ben.client.rpc("unheard", &json!({})).0, 404),
        (bad.get("/api/account/verify"), 401),
        (bad.rpc("account_verify", &Value::Null).0, 401),
        (bad.get("/api/account/verify"), 429),
        (ben.client.post_bytes("/api/rpc", vec![b' '; (1 << 20) + 1]), 413),
    ];
    for (reply, status) in &refusals {
        assert_eq!(reply.status, *status, "{reply}");
    }
    assert_eq!(house.server.store.count("%"), before);
}

fn acc_170_rows_are_found_by_every_filter(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let list = |params: Value| -> Vec<Value> {
        observer.client.rpc("audit_log_list", &params).result()["events"].as_array().unwrap().clone()
    };
    let all = all_rows(&observer);
    let count = |keep: &dyn Fn(&Value) -> bool| all.iter().filter(|row| keep(row)).count();
    assert_eq!(list(json!({ "event_type": "login", "limit": 200 })).len(), count(&|row| row["event_type"] == "login"));
    assert_eq!(list(json!({ "outcome": "failure", "limit": 200 })).len(), count(&|row| row["outcome"] == "failure"));
    let keeper = json!(house.keeper.id);
    let concerns = |row: &Value| row["account_id"] == keeper || row["target_account_id"] == keeper;
    assert_eq!(list(json!({ "account_id": keeper, "limit": 200 })).len(), count(&concerns));
    let both = json!({ "event_type": "login", "outcome": "failure", "account_id": null, "limit": 200 });
    assert_eq!(list(both).len(), count(&|row| row["event_type"] == "login" && row["outcome"] == "failure"));
    let middle = all[all.len() / 2]["seq"].clone();
    assert_eq!(list(json!({ "since_seq": middle, "limit": 200 })).len(), all.len() / 2);
    assert_eq!(list(json!({ "limit": 3, "offset": 2 })), all[2..5]);
    assert!(list(json!({ "event_type": "unheard_of" })).is_empty());
    let call = |params: Value| -> Rpc { observer.client.rpc("audit_log_list", &params) };
    assert_eq!(call(json!({ "event_type": "9bad" })).issues()[0].0, "event_type");
    assert_eq!(call(json!({ "limit": 201 })).issues()[0].0, "limit");
    assert_eq!(call(json!({ "outcome": "perhaps" })).issues()[0].1, "invalid_value");
    let accept = all.iter().find(|row| row["event_type"] == "role_grant_offer_accept").unwrap();
    assert!(accept["username"].is_string() && accept["username"] == accept["target_username"]);
    let decline = all.iter().find(|row| row["event_type"] == "role_grant_offer_decline").unwrap();
    let names = [&decline["username"], &decline["target_username"]].map(text);
    assert!(names[0].starts_with("ben") && names[1].starts_with("boss"), "who declined, and whose it was: {decline}");
}

fn acc_170_filters_combine_and_page_as_the_same_choice_of_all_rows(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let all = all_rows(&observer);
    let ben = all.iter().find(|row| row["event_type"] == "role_grant_offer_decline").unwrap()["account_id"].clone();
    let middle = &all[all.len() / 2]["seq"];
    let (types, outcomes) = (["login", "role_grant_offer_create", "session_revoke_all"], ["success", "failure"]);
    let or_none = |values: Vec<Value>| [vec![Value::Null], values].concat();
    let mut tried = 0;
    for event_type in or_none(types.map(Value::from).into()) {
        for outcome in or_none(outcomes.map(Value::from).into()) {
            for account in or_none(vec![ben.clone(), json!(house.keeper.id)]) {
                for since in or_none(vec![middle.clone()]) {
                    let chosen: Vec<&Value> = all
                        .iter()
                        .filter(|row| event_type.is_null() || row["event_type"] == event_type)
                        .filter(|row| outcome.is_null() || row["outcome"] == outcome)
                        .filter(|row| {
                            account.is_null() || [&row["account_id"], &row["target_account_id"]].contains(&&account)
                        })
                        .filter(|row| since.is_null() || row["seq"].as_u64() > since.as_u64())
                        .collect();
                    for (limit, offset) in [(200, 0), (2, 0), (1, 1), (3, 2)] {
                        let filter = json!({
                            "event_type": event_type, "outcome": outcome, "account_id": account, "since_seq": since,
                            "limit": limit, "offset": offset,
                        });
                        let listed = observer.client.rpc("audit_log_list", &filter).result()["events"].clone();
                        let page: Vec<&Value> = chosen.iter().copied().skip(offset).take(limit).collect();
                        assert_eq!(listed, json!(page), "{filter}");
                        tried += usize::from(!page.is_empty());
                    }
                }
            }
        }
    }
    assert!(tried > 80, "{tried} pages had a row: too few to tell filters apart");
}

fn acc_171_a_refused_command_leaves_its_row_and_nothing_else(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    let before = house.server.store.count("%");
    let params = json!({ "to_account_id": house.keeper.id, "role": "teacher" });
    ben.client.rpc("role_grant_offer_create", &params).refused(403, -32_002, "role_grant_offer_not_authorized");
    assert_eq!(house.server.store.count("%"), before + 1);
    assert_eq!(house.server.store.count("attempt.refused"), 1);
}

fn acc_172_the_history_of_roles_has_nothing_else(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = live_through_everything(&house);
    let page = |offset: usize| -> Vec<Value> {
        let params = json!({ "limit": 2, "offset": offset });
        let listed = observer.client.rpc("audit_log_role_grant_history", &params).result();
        listed["events"].as_array().unwrap().clone()
    };
    let mut paged: Vec<Value> = Vec::new();
    loop {
        let next = page(paged.len());
        assert!(next.len() <= 2 && paged.len() < 200, "a page that does not end");
        if next.is_empty() {
            break;
        }
        paged.extend(next);
    }
    let kinds = ["role_grant_create", "role_grant_revoke"];
    let all: Vec<Value> =
        all_rows(&observer).into_iter().filter(|row| kinds.contains(&row["event_type"].as_str().unwrap())).collect();
    assert_eq!(paged, all);
    for kind in kinds {
        assert!(paged.iter().any(|row| row["event_type"] == kind && row["target_username"].is_string()), "{kind}");
    }
}

fn acc_174_rows_bear_the_address_they_came_from(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let client = house.server.anonymous().header("x-forwarded-for", "2001:DB8:0::7");
    let body = json!({ "username": ben.username, "password": crate::harness::PASSWORD });
    client.post("/api/account/login", &body).expect(200);
    assert_eq!(house.row("login", &ben.id)["ip"], "2001:db8::7");
    let headers = [("cookie", ben.cookie.as_str()), ("x-forwarded-for", "198.51.100.77")];
    let mut socket = super::socket::Socket::open(&house.server, "/api/ws", &headers).unwrap();
    socket.call("account_token_create", &Value::Null);
    assert_eq!(house.row("token_create", &ben.id)["ip"], "198.51.100.77");
    assert!(!crate::harness::contains(&house.server.store.bytes(), b"198.51.100.77"), "sealed");
}

fn rebuilt_equals_live(server: &Server) {
    let verified = Program::operator_of(server).run(&["projections", "verify", "--all"]);
    verified.ok();
}

fn acc_175_the_rebuilt_view_equals_the_live_one(engine: Engine) {
    let house = Installation::with(engine, &[]);
    live_through_everything(&house);
    house.audit(&json!({}));
    house.server.terminate();
    rebuilt_equals_live(&house.server);
}

both_engines![
    acc_165_each_command_leaves_its_rows_with_their_keys,
    acc_166_what_one_does_to_oneself_names_no_persona,
    acc_167_rows_of_offers_name_whom_they_concern_and_why_they_fell,
    acc_167_what_falls_with_a_switch_names_who_turned_it,
    acc_168_a_persona_in_a_row_belongs_to_the_account_beside_it,
    acc_169_what_is_malformed_or_stopped_at_a_gate_leaves_no_row,
    acc_169_what_a_route_or_what_stands_before_it_refuses_leaves_no_row,
    acc_170_rows_are_found_by_every_filter,
    acc_170_filters_combine_and_page_as_the_same_choice_of_all_rows,
    acc_171_a_refused_command_leaves_its_row_and_nothing_else,
    acc_172_the_history_of_roles_has_nothing_else,
    acc_174_rows_bear_the_address_they_came_from,
    acc_175_the_rebuilt_view_equals_the_live_one,
];
