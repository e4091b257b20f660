//! Finding personas, and adding one's own (ACC-150 to ACC-153).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Program, eventually, text};

fn acc_150_looking_up_shows_labels_and_nothing_else(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let lookup = |ids: Value| ann.client.rpc("actor_lookup", &json!({ "ids": ids }));
    assert_eq!(lookup(json!([])).issues()[0].0, "ids");
    assert_eq!(lookup(json!(vec![ann.actor.clone(); 51])).issues()[0].0, "ids");
    assert_eq!(lookup(json!(vec![ann.actor.clone(); 50])).result()["actors"].as_array().unwrap().len(), 1);
    let unknown = "22222222-2222-4222-8222-222222222222";
    let found = lookup(json!([ben.actor, ben.actor, unknown])).result();
    let label = json!({ "id": ben.actor, "username": ben.username, "display_name": ben.username });
    assert_eq!(found["actors"], json!([label]));
    house.server.anonymous().rpc("actor_lookup", &json!({ "ids": [ben.actor] })).refused(401, -32_001, "");
}

fn acc_150_who_is_erased_is_not_looked_up(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let found = || ann.client.rpc("actor_lookup", &json!({ "ids": [ben.actor] })).result()["actors"].clone();
    assert_eq!(found()[0]["id"], json!(ben.actor));
    house.server.terminate();
    Program::operator_of(&house.server).run(&["erase", &ben.id, "--yes"]).ok();
    house.server.restart();
    assert_eq!(found(), json!([]));
}

fn acc_151_searching_takes_the_beginning_of_a_name_literally(engine: Engine) {
    let house = Installation::with(engine, &[]);
    for (username, name) in [("ann-a", "Zed_One"), ("ben-b", "zedTwo"), ("cat-c", "100% sure"), ("dan-d", "a\\b")] {
        house.named(username).client.rpc("actor_create", &json!({ "name": name })).result();
    }
    let search = |query: &str| -> Vec<String> {
        let found = house.keeper.client.rpc("actor_search", &json!({ "query": query })).result();
        found["actors"].as_array().unwrap().iter().map(|it| text(&it["display_name"])).collect()
    };
    assert_eq!(search("ZED"), ["Zed_One", "zedTwo"]);
    assert_eq!(search("zed_"), ["Zed_One"]);
    assert_eq!(search("100%"), ["100% sure"]);
    assert_eq!(search("a\\"), ["a\\b"]);
    assert!(search("%").is_empty() && search("ed").is_empty());
    // Where a word ends in capitals its sigma is another small letter than where it goes on.
    let greek = house.named("gil-g");
    for name in ["Νικοσία", "ΝΙΚΟΣ"] {
        greek.client.rpc("actor_create", &json!({ "name": name })).result();
    }
    for query in ["ΝΙΚΟΣ", "νικοσ", "νικος"] {
        assert_eq!(search(query), ["ΝΙΚΟΣ", "Νικοσία"], "{query}");
    }
    assert_eq!(search("ΝΙΚΟΣΊ"), ["Νικοσία"]);
    let crowd: Vec<_> = ["eva-e", "fay-f"].iter().map(|name| house.named(name)).collect();
    for number in 0..24 {
        let name = json!({ "name": format!("Crowd {number:02}") });
        crowd[number % 2].client.rpc("actor_create", &name).result();
    }
    assert_eq!(search("crowd").len(), 20, "where no number is asked for");
    let call = |params: Value| house.keeper.client.rpc("actor_search", &params);
    let all = call(json!({ "query": "crowd", "limit": 50 })).result();
    assert_eq!(all["actors"].as_array().unwrap().len(), 24);
    for (params, path) in [
        (json!({ "query": "" }), "query"),
        (json!({ "query": "q".repeat(51) }), "query"),
        (json!({ "query": "a", "limit": 51 }), "limit"),
        (json!({ "query": "a", "limit": 0 }), "limit"),
        (json!({ "query": "a", "limit": null }), "limit"),
        (json!({ "query": "a", "scope_ids": null }), "scope_ids"),
    ] {
        assert_eq!(call(params).issues()[0].0, path);
    }
}

fn acc_152_others_than_administrators_search_in_scopes(engine: Engine) {
    let house = Installation::shared(engine);
    let stem = crate::harness::unique("pupil");
    let scope = |id: &str| json!({ "scope_kind": "class", "scope_id": id });
    let (class, other) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let people: Vec<_> = (0..3).map(|number| house.named(&format!("{stem}-{number}"))).collect();
    house.grant_at(&people[0], "student", &scope(&class));
    house.grant_at(&people[0], "teacher", &scope(&class));
    let gone = house.grant_at(&people[1], "student", &scope(&class));
    let revoke = json!({ "actor_id": people[1].actor, "role_grant_id": gone });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let search = |scopes: Value| people[2].client.rpc("actor_search", &json!({ "query": stem, "scope_ids": scopes }));
    let refused = |call: crate::harness::Rpc| call.refused(400, -32_602, "actor_search_scope_required");
    refused(people[2].client.rpc("actor_search", &json!({ "query": stem })));
    refused(search(json!([])));
    let found = search(json!([class, other])).result();
    assert_eq!(found["actors"].as_array().unwrap().len(), 1);
    assert_eq!(found["actors"][0]["id"], json!(people[0].actor));
    assert_eq!(search(json!([other])).result(), json!({ "actors": [] }));
    let all = house.keeper.client.rpc("actor_search", &json!({ "query": stem })).result();
    assert_eq!(all["actors"].as_array().unwrap().len(), 3);
}

fn acc_152_who_ran_out_is_no_member_and_any_persona_makes_an_administrator(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, ben, boss) = (house.named("pupil-a"), house.named("pupil-b"), house.named("boss-b"));
    let class = uuid::Uuid::new_v4().to_string();
    house.grant_at(&ann, "student", &json!({ "scope_kind": "class", "scope_id": class }));
    house.server.terminate();
    let scope = format!("class:{class}");
    let operator = Program::operator_of(&house.server);
    let end = operator.grant_for(6, &["pupil-b", "student", "--scope", &scope]);
    house.server.restart();
    eventually("the membership runs out", || (chrono::Utc::now() > end).then_some(()));
    let in_class = json!({ "query": "pupil", "scope_ids": [class] });
    let found = ben.client.rpc("actor_search", &in_class).result()["actors"].clone();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!(ann.actor)), "{found}");

    let everywhere = json!({ "query": "pupil" });
    let search = || boss.client.rpc("actor_search", &everywhere);
    search().refused(400, -32_602, "actor_search_scope_required");
    let second = boss.client.rpc("actor_create", &json!({ "name": "Second" })).result()["actor"]["id"].clone();
    let offer = house.offer(&house.keeper, &boss, "admin", &json!({ "to_actor_id": second }));
    let accept = json!({ "offer_id": offer["id"], "acting": second });
    boss.client.rpc("role_grant_offer_accept", &accept).result();
    assert_eq!(search().result()["actors"].as_array().unwrap().len(), 2);
}

fn acc_153_an_account_has_up_to_twenty_personas(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("many");
    let create = |name: &str| person.client.rpc("actor_create", &json!({ "name": name }));
    for number in 1..20 {
        create(&format!(" Persona {number} ")).result();
    }
    create("one more").refused(409, -32_004, "actor_limit");
    let listed = person.client.rpc("actor_list", &Value::Null).result();
    assert_eq!(listed["actors"].as_array().unwrap().len(), 20);
    assert_eq!(listed["actors"][1]["name"], "Persona 1");
    let acting = listed["actors"][19]["id"].clone();
    person.client.rpc("role_grant_offer_list", &json!({ "acting": acting })).result();
    let (by_token, _) = house.token_of(&person);
    by_token.rpc("actor_create", &json!({ "name": "x" })).refused(403, -32_002, "credential_type_required");
    assert_eq!(create("   ").issues()[0].0, "name");
    let row = house.row("actor_create", &person.id);
    assert_eq!((&row["metadata"]["name"], &row["actor_id"]), (&json!("Persona 19"), &Value::Null));
}

both_engines![
    acc_150_looking_up_shows_labels_and_nothing_else,
    acc_150_who_is_erased_is_not_looked_up,
    acc_151_searching_takes_the_beginning_of_a_name_literally,
    acc_152_others_than_administrators_search_in_scopes,
    acc_152_who_ran_out_is_no_member_and_any_persona_makes_an_administrator,
    acc_153_an_account_has_up_to_twenty_personas,
];
