//! What administrators see and end (ACC-004, ACC-005, ACC-100 to ACC-104).

use serde_json::{Value, json};

use super::configuration::refused_start;
use super::socket::Socket;
use crate::harness::{Engine, Installation, PASSWORD, Program, eventually, text};

const NOBODY: &str = "22222222-2222-4222-8222-222222222222";

fn acc_004_the_roles_that_can_be_given_are_those_with_the_path(engine: Engine) {
    let house = Installation::with(engine, &[("ROLES", "teacher:admin,pal:self_service,hidden")]);
    let listed = house.keeper.client.rpc("admin_account_list", &json!({})).result();
    assert_eq!(listed["grantable_roles"], json!(["admin", "teacher"]));
}

fn acc_005_a_role_that_is_not_eligible_is_nobodys_to_switch(engine: Engine) {
    // A list without a name is an empty list, which turns the feature off; it is not the absence of a list.
    for eligible in ["teacher", ","] {
        let house = Installation::with(engine, &[("SELF_SERVICE_ELIGIBLE_ROLES", eligible)]);
        let rows = house.rows(&house.keeper.id);
        for (role, enabled) in [("pal", true), ("pal", false), ("teacher", true), ("admin", false), ("unheard", true)] {
            let call = house.keeper.client.rpc("self_service_role_set", &json!({ "role": role, "enabled": enabled }));
            call.refused(403, -32_002, "role_not_self_service_eligible");
        }
        assert_eq!(house.rows(&house.keeper.id), rows);
    }
    // Some of those with the path: they and no others.
    let some = [("ROLES", "pal:self_service,pup:self_service"), ("SELF_SERVICE_ELIGIBLE_ROLES", "pal")];
    let house = Installation::with(engine, &some);
    let set = |role: &str| house.keeper.client.rpc("self_service_role_set", &json!({ "role": role, "enabled": true }));
    assert_eq!(set("pal").result(), json!({ "ok": true, "enabled": true, "changed": true }));
    set("pup").refused(403, -32_002, "role_not_self_service_eligible");
    refused_start(
        engine,
        &[("SELF_SERVICE_ELIGIBLE_ROLES", "pal,unheard")],
        &["self_service.eligible_roles", "unheard"],
    );
}

fn acc_100_accounts_are_listed_oldest_first_with_what_they_hold_now(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let people: Vec<_> = ["ann-a", "ben-b", "cat-c"].iter().map(|name| house.named(name)).collect();
    let revoked = house.grant(&people[0], "teacher");
    house.grant(&people[0], "student");
    let revoke = json!({ "actor_id": people[0].actor, "role_grant_id": revoked });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    for role in ["teacher", "student", "teacher"] {
        house.offer(&house.keeper, &people[1], role, &json!({ "message": "please" }));
    }
    let list = |params: Value| house.keeper.client.rpc("admin_account_list", &params).result()["accounts"].clone();
    let all = list(json!({}));
    let names: Vec<_> = all.as_array().unwrap().iter().map(|it| text(&it["account"]["username"])).collect();
    assert_eq!(names, ["keeper", "ann-a", "ben-b", "cat-c"]);
    let page = list(json!({ "limit": 2, "offset": 1 }));
    assert_eq!(page.as_array().unwrap().len(), 2);
    assert_eq!(page[0]["account"]["username"], "ann-a");
    assert_eq!(page[0]["role_grants"].as_array().unwrap().len(), 1);
    assert_eq!(page[0]["role_grants"][0]["role"], "student");
    let keys: Vec<&String> = page[0]["account"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["created_at", "email", "email_verified", "id", "updated_at", "updated_by", "username"]);
    // The one that was made anew ends last, and an offer's message is its recipient's.
    let pending = page[1]["pending_offers"].as_array().unwrap();
    assert_eq!(pending.iter().map(|it| text(&it["role"])).collect::<Vec<_>>(), ["student", "teacher"]);
    for offer in pending {
        let keys: Vec<&String> = offer.as_object().unwrap().keys().collect();
        let shown =
            ["created_at", "expires_at", "from_actor_id", "from_username", "id", "role", "scope_id", "scope_kind"];
        assert_eq!(keys, shown);
        assert_eq!(offer["from_username"], "keeper");
    }
    // JSON knows one kind of number: what is whole is whole, however it is written.
    for (written, expected) in [("2.0", 2), ("2e0", 2), ("20.0e-1", 2)] {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"admin_account_list","params":{{"limit":{written}}}}}"#);
        let keeper = house.keeper.client.header("content-type", "application/json");
        let listed = keeper.post_bytes("/api/rpc", body).expect(200);
        assert_eq!(listed["result"]["accounts"].as_array().map(Vec::len), Some(expected), "{written}: {listed}");
    }
    for limit in [0, 201] {
        let issues = house.keeper.client.rpc("admin_account_list", &json!({ "limit": limit })).issues();
        assert_eq!(issues[0].0, "limit");
    }
}

fn acc_100_what_lapsed_or_ran_out_is_not_listed(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "1s")]);
    let ben = house.named("ben-b");
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    operator.grant_for(15, &["ben-b", "teacher"]);
    operator.run(&["role", "grant", "ben-b", "student"]).ok();
    house.server.restart();
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let entry = || {
        let listed = house.keeper.client.rpc("admin_account_list", &json!({})).result();
        listed["accounts"].as_array().unwrap().iter().find(|it| it["account"]["id"] == json!(ben.id)).unwrap().clone()
    };
    let roles = |grants: &Value| grants.as_array().unwrap().iter().map(|it| text(&it["role"])).collect::<Vec<_>>();
    eventually("what ended is left out", || {
        let entry = entry();
        let (all, of_first) = (roles(&entry["role_grants"]), roles(&entry["actors"][0]["role_grants"]));
        assert_eq!(all, of_first);
        (all == ["student"] && entry["pending_offers"] == json!([])).then_some(())
    });
    // It is the time alone that took it away: the same offer again waits again.
    let again = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    assert_eq!(again["id"], offer["id"]);
}

fn acc_101_live_sessions_of_all_are_listed_with_names(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.named("ann-a");
    house.session_of(&ann);
    let gone = house.named("gone-g");
    gone.client.rpc("account_session_revoke_all", &Value::Null).result();
    let listed = house.keeper.client.rpc("admin_session_list", &json!({})).result();
    let mut names: Vec<_> =
        listed["sessions"].as_array().unwrap().iter().map(|session| text(&session["username"])).collect();
    names.sort();
    assert_eq!(names, ["ann-a", "ann-a", "keeper"]);
}

fn acc_101_sessions_that_ran_out_are_not_listed(engine: Engine) {
    let settings = [("ACCOUNTS_SESSION_MAX_AGE", "5s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0")];
    let house = Installation::with(engine, &settings);
    // By the file, for the keeper's own session ends too.
    let listed = || house.daemon().rpc("admin_session_list", &json!({})).result()["sessions"].clone();
    eventually("every session runs out", || (listed() == json!([])).then_some(()));
    let one = eventually("a session that has not run out", || {
        house.login("keeper", PASSWORD).expect(200);
        Some(listed()).filter(|one| *one != json!([]))
    });
    assert_eq!((one.as_array().unwrap().len(), &one[0]["username"]), (1, &json!("keeper")), "{one}");
}

fn acc_102_administrators_end_all_of_an_account(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    house.session_of(&ann);
    let (by_token, _) = house.token_of(&ann);
    let target = json!({ "account_id": ann.id });
    let tokens = house.keeper.client.rpc("admin_token_revoke_all", &target).result();
    assert_eq!(tokens, json!({ "ok": true, "count": 1 }));
    by_token.get("/api/account/verify").refused(401, "authentication_required");
    let sessions = house.keeper.client.rpc("admin_session_revoke_all", &target).result();
    assert_eq!(sessions, json!({ "ok": true, "count": 2 }));
    ann.client.get("/api/account/verify").refused(401, "authentication_required");
    let again = house.keeper.client.rpc("admin_session_revoke_all", &target).result();
    assert_eq!(again, json!({ "ok": true, "count": 0 }));
    let row = house.row("session_revoke_all", &ann.id);
    assert_eq!((&row["account_id"], &row["target_account_id"]), (&json!(house.keeper.id), &json!(ann.id)));
    assert_eq!((&row["metadata"], &row["actor_id"]), (&json!({ "count": 0 }), &Value::Null));
    assert_eq!(row["target_username"], json!(ann.username));
    let boss = house.admin("boss");
    let own = boss.client.rpc("admin_session_revoke_all", &json!({ "account_id": boss.id })).result();
    assert_eq!(own["count"], 1);
    boss.client.get("/api/account/verify").refused(401, "authentication_required");

    // Each closes every socket of the account, whatever it was opened by, when there is nothing to revoke too.
    let chief = house.admin("chief");
    let mut by_session = Socket::of(&house.server, &chief.cookie);
    let none = house.keeper.client.rpc("admin_token_revoke_all", &json!({ "account_id": chief.id })).result();
    assert_eq!((none["count"].as_u64(), by_session.closed()), (Some(0), 4001));
    let made = chief.client.rpc("account_token_create", &Value::Null).result();
    house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": chief.id })).result();
    let authorization = format!("Bearer {}", text(&made["token"]));
    let mut by_token = Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap();
    let none = house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": chief.id })).result();
    assert_eq!((none["count"].as_u64(), by_token.closed()), (Some(0), 4001));
    let row = house.row("token_revoke_all", &chief.id);
    assert_eq!((&row["metadata"], &row["target_account_id"]), (&json!({ "count": 0 }), &json!(chief.id)));
}

fn acc_103_an_account_that_is_not_there_leaves_a_row_and_ends_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    let mut sockets = [&ann, &house.keeper].map(|person| Socket::of(&house.server, &person.cookie));
    for (method, event_type) in
        [("admin_session_revoke_all", "session_revoke_all"), ("admin_token_revoke_all", "token_revoke_all")]
    {
        let call = house.keeper.client.rpc(method, &json!({ "account_id": NOBODY }));
        call.refused(404, -32_003, "account_not_found");
        let rows = house.audit(&json!({ "event_type": event_type, "outcome": "failure" }));
        let metadata = json!({ "reason": "account_not_found", "attempted_account_id": NOBODY });
        assert_eq!((&rows[0]["metadata"], &rows[0]["target_account_id"]), (&metadata, &Value::Null));
        assert_eq!(rows[0]["account_id"], json!(house.keeper.id));
    }
    for socket in &mut sockets {
        assert_eq!(socket.call("heartbeat", &Value::Null)["result"], json!({}));
    }
}

fn acc_104_a_switch_says_who_turned_it_and_what_it_was(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let set = |open: bool| house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": open })).result();
    let first = house.keeper.client.rpc("app_settings_get", &json!({})).result();
    let untouched =
        json!({ "open_signup": false, "updated_at": null, "updated_by": null, "updated_by_username": null });
    assert_eq!(first["settings"], untouched);
    set(true);
    // By a persona that is not called like its account.
    let boss = house.named("boss-b");
    let desk = text(&boss.client.rpc("actor_create", &json!({ "name": "Night desk" })).result()["actor"]["id"]);
    let offer = house.offer(&house.keeper, &boss, "admin", &json!({}));
    let accept = json!({ "offer_id": offer["id"], "acting": desk });
    boss.client.rpc("role_grant_offer_accept", &accept).result();
    let off = json!({ "open_signup": false, "acting": desk });
    let second = boss.client.rpc("app_settings_update", &off).result();
    assert_eq!(second["settings"]["updated_by"], json!(desk));
    assert_eq!(second["settings"]["updated_by_username"], "Night desk");
    assert_eq!(house.keeper.client.rpc("app_settings_get", &json!({})).result()["settings"], second["settings"]);
    let rows = house.audit(&json!({ "event_type": "app_settings_update" }));
    let row = |old: bool, new: bool| json!({ "setting": "open_signup", "old_value": old, "new_value": new });
    assert_eq!((&rows[0]["metadata"], &rows[1]["metadata"]), (&row(true, false), &row(false, true)));
    assert_eq!((&rows[0]["account_id"], &rows[0]["actor_id"]), (&json!(boss.id), &Value::Null));
}

both_engines![
    acc_004_the_roles_that_can_be_given_are_those_with_the_path,
    acc_005_a_role_that_is_not_eligible_is_nobodys_to_switch,
    acc_100_accounts_are_listed_oldest_first_with_what_they_hold_now,
    acc_100_what_lapsed_or_ran_out_is_not_listed,
    acc_101_live_sessions_of_all_are_listed_with_names,
    acc_101_sessions_that_ran_out_are_not_listed,
    acc_102_administrators_end_all_of_an_account,
    acc_103_an_account_that_is_not_there_leaves_a_row_and_ends_nothing,
    acc_104_a_switch_says_who_turned_it_and_what_it_was,
];
