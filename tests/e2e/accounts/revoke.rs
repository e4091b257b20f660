//! Taking roles away, roles of one's own choice, the end of a scope (ACC-140 to ACC-147).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Person, Program, eventually, in_parallel, milliseconds_until, text};

fn revoke(house: &Installation, holder: &Person, grant: &str, reason: Value) -> crate::harness::Rpc {
    let params = json!({ "actor_id": holder.actor, "role_grant_id": grant, "reason": reason });
    house.keeper.client.rpc("role_grant_revoke", &params)
}

fn class(number: u32) -> Value {
    json!({ "scope_kind": "class", "scope_id": format!("66666666-6666-4666-8666-{number:012}") })
}

fn acc_140_a_role_that_is_taken_is_gone_at_once(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let grant = house.grant(&ben, "admin");
    ben.client.rpc("invite_list", &json!({})).result();
    assert_eq!(revoke(house, &ben, &grant, json!("left")).result(), json!({ "ok": true, "revoked": true }));
    ben.client.rpc("invite_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
    let row = house.row("role_grant_revoke", &ben.id);
    assert_eq!(row["metadata"], json!({ "role": "admin", "role_grant_id": grant, "scope_id": null, "reason": "left" }));
    revoke(house, &ben, &grant, Value::Null).refused(404, -32_003, "role_grant_not_found");
}

fn acc_140_the_command_line_takes_no_longer_reason_and_knows_whose_actors_are_whose(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    house.grant(&ben, "teacher");
    let program = Program::operator_of(&house.server);
    house.server.terminate();
    let refused = program.run(&["role", "revoke", &ben.username, "teacher", "--reason", &"é".repeat(501)]);
    refused.ended(2);
    assert!(refused.stderr.contains("500 characters"), "{}", refused.stderr);
    let unknown = program.run(&["role", "grant", &ben.username, "student", "--actor", "nobody"]);
    unknown.ended(3);
    assert!(unknown.stderr.contains("no actor nobody"), "{}", unknown.stderr);
    program.run(&["role", "why", &ben.username, "teacher"]).ok();
    program.run(&["role", "revoke", &ben.username, "teacher", "--reason", &"é".repeat(500)]).ok();
    program.run(&["role", "why", &ben.username, "teacher", "--not"]).ok();
}

fn acc_141_only_what_is_there_and_given_by_offer_is_taken(engine: Engine) {
    let house = Installation::shared(engine);
    let (ben, eve) = (house.person("ben"), house.person("eve"));
    let grant = house.grant(&ben, "teacher");
    revoke(house, &eve, &grant, Value::Null).refused(404, -32_003, "role_grant_not_found");
    let unknown = "22222222-2222-4222-8222-222222222222";
    revoke(house, &ben, unknown, Value::Null).refused(404, -32_003, "role_grant_not_found");
    let status = house.keeper.client.get("/api/account/status").expect(200);
    let keeper = status["role_grants"].as_array().unwrap().iter().find(|grant| grant["role"] == "keeper").unwrap();
    let id = text(&keeper["id"]);
    revoke(house, &house.keeper, &id, Value::Null).refused(403, -32_002, "role_not_web_grantable");
    let rows = house.audit(&json!({ "event_type": "role_grant_revoke", "outcome": "failure" }));
    assert_eq!(rows[0]["metadata"], json!({ "role": "keeper", "role_grant_id": id }));
    assert_eq!(house.daemon().get("/api/account/verify").status, 200, "the grant stands");
    let before = house.rows(&eve.id);
    let params = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    eve.client.rpc("role_grant_revoke", &params).refused(403, -32_002, "insufficient_permissions");
    assert_eq!(house.rows(&eve.id), before);
    assert_eq!(revoke(house, &ben, &grant, json!("r".repeat(501))).issues()[0].0, "reason");
}

fn acc_142_open_offers_of_the_role_fall_away_with_it(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let sibling = text(&ben.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"]);
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accept = json!({ "offer_id": offer["id"], "acting": ben.actor });
    let grant = text(&ben.client.rpc("role_grant_offer_accept", &accept).result()["role_grant_id"]);
    let to_sibling = house.offer(&boss, &ben, "teacher", &json!({ "to_actor_id": sibling }));
    let scoped = house.offer(&boss, &ben, "teacher", &class(1));
    revoke(house, &ben, &grant, Value::Null).result();
    let row = house.row("role_grant_offer_supersede", &ben.id);
    assert_eq!(row["metadata"]["offer_id"], to_sibling["id"]);
    assert_eq!(
        (&row["metadata"]["reason"], &row["metadata"]["cause_id"]),
        (&json!("role_grant_revoked"), &json!(grant))
    );
    let pending = ben.client.rpc("role_grant_offer_list", &json!({ "acting": ben.actor })).result();
    assert_eq!(pending["offers"].as_array().unwrap().len(), 1);
    assert_eq!(pending["offers"][0]["id"], scoped["id"]);
}

fn acc_142_lapsed_offers_fall_too_and_other_scopes_stand(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "5s")]);
    let ben = house.named("ben-b");
    let (everywhere, at_class) = (house.grant(&ben, "teacher"), house.grant_at(&ben, "teacher", &class(1)));
    let lapsing = [json!({}), class(1)].map(|scope| house.offer(&house.keeper, &ben, "teacher", &scope));
    eventually("both lapse", || (milliseconds_until(&lapsing[1]["expires_at"]) < 0).then_some(()));
    let fallen = || -> Vec<(Value, Value)> {
        let rows = house.audit(&json!({ "event_type": "role_grant_offer_supersede" }));
        rows.iter().map(|row| (row["metadata"]["offer_id"].clone(), row["metadata"]["cause_id"].clone())).collect()
    };
    revoke(&house, &ben, &at_class, Value::Null).result();
    assert_eq!(fallen(), [(lapsing[1]["id"].clone(), json!(at_class))]);
    let status = ben.client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"][0]["id"], json!(everywhere), "{status}");
    revoke(&house, &ben, &everywhere, Value::Null).result();
    assert_eq!(fallen()[0], (lapsing[0]["id"].clone(), json!(everywhere)));
    assert_eq!(fallen().len(), 2);
}

fn acc_143_after_a_loss_only_a_new_offer_gives_the_role(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let a = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let b = house.offer(&boss, &ben, "teacher", &json!({}));
    let accept = |offer: &Value| ben.client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"] }));
    let grant = text(&accept(&a).result()["role_grant_id"]);
    revoke(house, &ben, &grant, Value::Null).result();
    accept(&b).refused(400, -32_600, "role_grant_offer_terminal");
    let fresh = house.offer(&boss, &ben, "teacher", &json!({}));
    accept(&fresh).result();
}

fn acc_144_the_row_names_the_persona_that_lost_the_role(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let second = text(&ben.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"]);
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accept = json!({ "offer_id": offer["id"], "acting": second });
    let grant = text(&ben.client.rpc("role_grant_offer_accept", &accept).result()["role_grant_id"]);
    let params = json!({ "actor_id": second, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &params).result();
    assert_eq!(house.row("role_grant_revoke", &ben.id)["target_actor_id"], json!(second));
}

fn acc_145_a_switch_turns_and_stays(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let set = |role: &str, enabled: bool| {
        ben.client.rpc("self_service_role_set", &json!({ "role": role, "enabled": enabled }))
    };
    for (enabled, event_type) in [(true, "role_grant_create"), (false, "role_grant_revoke")] {
        assert_eq!(set("pal", enabled).result(), json!({ "ok": true, "enabled": enabled, "changed": true }));
        let row = house.row(event_type, &ben.id);
        assert_eq!((&row["metadata"]["role"], &row["metadata"]["self_service"]), (&json!("pal"), &json!(true)));
        let rows = house.rows(&ben.id);
        assert_eq!(set("pal", enabled).result()["changed"], false);
        assert_eq!(house.rows(&ben.id), rows);
        set("teacher", enabled).refused(403, -32_002, "role_not_self_service_eligible");
    }
}

fn acc_146_many_switches_at_once_give_the_role_once(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let changed = in_parallel(20, |_| {
        let params = json!({ "role": "pal", "enabled": true });
        ben.client.rpc("self_service_role_set", &params).result()["changed"] == json!(true)
    });
    assert_eq!(changed.iter().filter(|changed| **changed).count(), 1);
    let status = ben.client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"].as_array().unwrap().len(), 1);
}

fn acc_146_a_role_in_a_scope_is_not_the_switchs(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    house.server.terminate();
    let scope = text(&class(1)["scope_id"]);
    let operator = Program::operator_of(&house.server);
    operator.run(&["role", "grant", "ben-b", "pal", "--scope", &format!("class:{scope}")]).ok();
    house.server.restart();
    let set = |enabled: bool| {
        ben.client.rpc("self_service_role_set", &json!({ "role": "pal", "enabled": enabled })).result()["changed"]
            .clone()
    };
    let scopes = || {
        let status = ben.client.get("/api/account/status").expect(200);
        status["role_grants"].as_array().unwrap().iter().map(|it| it["scope_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((set(false), scopes()), (json!(false), vec![json!(scope)]));
    assert_eq!((set(true), scopes().len()), (json!(true), 2));
    assert_eq!((set(false), scopes()), (json!(true), vec![json!(scope)]));
}

fn acc_147_a_destroyed_scope_ends_everything_at_it_for_good(engine: Engine) {
    let house = Installation::shared(engine);
    let people: Vec<Person> = (0..3).map(|_| house.person("pupil")).collect();
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    let grants: Vec<String> = people.iter().map(|person| house.grant_at(person, "student", &scope)).collect();
    let pending = house.offer(&house.keeper, &people[0], "teacher", &scope);
    let settled = house.offer(&house.keeper, &people[1], "teacher", &scope);
    people[1].client.rpc("role_grant_offer_decline", &json!({ "offer_id": settled["id"] })).result();
    let offered_elsewhere = house.offer(&house.keeper, &people[0], "teacher", &class(9));
    let elsewhere = house.grant_at(&people[0], "student", &class(9));
    let destroy = || house.keeper.client.rpc("scope_destroy", &scope).result();
    let ended = destroy();
    let mut revoked: Vec<String> = ended["revoked_role_grant_ids"].as_array().unwrap().iter().map(text).collect();
    let mut wanted = grants;
    revoked.sort();
    wanted.sort();
    assert_eq!(revoked, wanted);
    assert_eq!(ended["superseded_offer_ids"], json!([pending["id"]]));
    let row = house.row("role_grant_offer_supersede", &people[0].id);
    assert_eq!(
        (&row["metadata"]["reason"], &row["metadata"]["cause_id"]),
        (&json!("scope_destroyed"), &scope["scope_id"])
    );
    // Three roles and an offer end in one step: rows that nothing stands between.
    let mut places = vec![row["seq"].as_u64().unwrap()];
    for person in &people {
        let row = house.row("role_grant_revoke", &person.id);
        assert_eq!((&row["metadata"]["role"], &row["metadata"]["scope_id"]), (&json!("student"), &scope["scope_id"]));
        assert_eq!((&row["target_actor_id"], &row["actor_id"]), (&json!(person.actor), &json!(house.keeper.actor)));
        places.push(row["seq"].as_u64().unwrap());
    }
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[1] == pair[0] + 1), "{places:?}");
    let history = people[1].client.rpc("role_grant_offer_history", &json!({})).result()["offers"].clone();
    let shown = history.as_array().unwrap().iter().find(|it| it["id"] == settled["id"]).unwrap();
    assert!(shown["declined_at"].is_string() && shown["superseded_at"].is_null(), "{shown}");
    let waiting = people[0].client.rpc("role_grant_offer_list", &json!({})).result()["offers"].clone();
    assert_eq!(waiting, json!([offered_elsewhere]));
    let status = people[0].client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"].as_array().unwrap().len(), 1);
    assert_eq!(status["role_grants"][0]["id"], json!(elsewhere));
    let mut offer = json!({ "to_account_id": people[1].id, "role": "student" });
    offer.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    house.keeper.client.rpc("role_grant_offer_create", &offer).refused(400, -32_602, "scope_destroyed");
    let again = destroy();
    assert_eq!((&again["revoked_role_grant_ids"], &again["superseded_offer_ids"]), (&json!([]), &json!([])));
}

both_engines![
    acc_140_a_role_that_is_taken_is_gone_at_once,
    acc_140_the_command_line_takes_no_longer_reason_and_knows_whose_actors_are_whose,
    acc_141_only_what_is_there_and_given_by_offer_is_taken,
    acc_142_open_offers_of_the_role_fall_away_with_it,
    acc_142_lapsed_offers_fall_too_and_other_scopes_stand,
    acc_143_after_a_loss_only_a_new_offer_gives_the_role,
    acc_144_the_row_names_the_persona_that_lost_the_role,
    acc_145_a_switch_turns_and_stays,
    acc_146_a_role_in_a_scope_is_not_the_switchs,
    acc_146_many_switches_at_once_give_the_role_once,
    acc_147_a_destroyed_scope_ends_everything_at_it_for_good,
];
