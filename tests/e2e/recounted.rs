//! What is acted on beside the events, which no hash covers, is changed behind the server's back: the claims of unique keys and
//! the snapshots of states. `muniment audit verify` counts both again from the events, names what differs and ends with 7; where
//! nobody changed anything it says so, whatever was recorded and while a server goes on recording.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use serde_json::{Value, json};

use crate::harness::{
    Company, Engine, Installation, Person, Program, Server, Store, cookie_of, eventually, text, unique,
};

/// What `audit verify` says to programs.
#[track_caller]
fn told(operator: &Program, code: i32) -> Value {
    let output = operator.run(&["audit", "verify", "--json"]);
    let told: Value = serde_json::from_str(output.ended(code)).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(told["ok"], json!(code == 0), "{told}");
    told
}

/// That nothing differs, and how many claims and snapshots were compared.
#[track_caller]
fn nothing_differs(operator: &Program) -> [u64; 2] {
    let told = told(operator, 0);
    ["claims", "snapshots"].map(|what| {
        assert_eq!((&told[what]["differing"], &told[what]["more"]), (&json!([]), &json!(false)), "{told}");
        told[what]["compared"].as_u64().unwrap_or_else(|| panic!("{told}"))
    })
}

/// The differences of one kind, and that those are all; people are told of each too.
#[track_caller]
fn differences(operator: &Program, what: &str) -> Vec<Value> {
    let told = told(operator, 7);
    let of = |what: &str| told[what]["differing"].as_array().unwrap_or_else(|| panic!("{told}")).clone();
    let other = if what == "claims" { "snapshots" } else { "claims" };
    assert!(of(other).is_empty() && told["events"].is_u64(), "{told}");
    let said = operator.run(&["audit", "verify"]);
    for found in of(what) {
        let line = found["told"].as_str().unwrap();
        assert!(said.ended(7).lines().any(|said| said == line), "{line} in:\n{}", said.stdout);
    }
    of(what)
}

fn count(store: &Store, table: &str) -> u64 {
    store.texts(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}"))[0].parse().unwrap()
}

/// Where the first event of a stream stands.
fn beginning(store: &Store, id: &str) -> String {
    store.texts(&format!("SELECT CAST(MIN(position) AS TEXT) FROM events WHERE aggregate_id = '{id}'")).remove(0)
}

/// The claims as they are now.
fn keep_claims(store: &Store) {
    store.execute("CREATE TABLE kept AS SELECT * FROM claims");
}

fn put_claims_back(store: &Store) {
    store.execute("DELETE FROM claims; INSERT INTO claims SELECT * FROM kept");
}

fn a_claim_that_no_event_makes_or_that_is_gone_is_found(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let [arr, mrr] = ["arr", "mrr"].map(|key| company.metric(key));
    let account = text(&founder.client.get("/v1/auth/session").expect(200)["account_id"]);
    server.terminate();
    let (operator, store) = (Program::operator_of(&server), &server.store);
    assert_eq!(nothing_differs(&operator), [count(store, "claims"), 0]);
    let said = operator.run(&["audit", "verify"]);
    let counted = format!("compared: {} claims and 0 snapshots; all are as the record says", count(store, "claims"));
    assert!(said.ok().starts_with("intact: ") && said.stdout.contains(&counted), "{}", said.stdout);
    keep_claims(store);
    let found_after = |change: &str| {
        put_claims_back(store);
        store.execute(change);
        differences(&operator, "claims")
    };
    let of = |id: &str| (json!(format!("metric/{id}")), json!(beginning(store, id)));
    let key = |key: &str| json!(format!("{}/{key}", company.id));

    // Somebody else could take the key.
    let found = found_after(&format!("DELETE FROM claims WHERE owner_id = '{arr}'"));
    let (owner, position) = of(&arr);
    let [gone] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&gone["what"], &gone["scope"], &gone["key"]), (&json!("missing"), &json!("metric-key"), &key("arr")));
    assert_eq!((&gone["owner"], &gone["position"], &gone["held_by"]), (&owner, &position, &Value::Null));

    // An address is told by its digest alone.
    let digest = store.texts(match engine {
        Engine::Sqlite => "SELECT LOWER(HEX(digest)) FROM claims WHERE scope = 'account-email'",
        Engine::Postgres => "SELECT ENCODE(digest, 'hex') FROM kept WHERE scope = 'account-email'",
    });
    let of_address = "DELETE FROM claims WHERE scope = 'account-email'";
    let found = found_after(of_address);
    let [gone] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&gone["what"], &gone["key"], &gone["digest"]), (&json!("missing"), &Value::Null, &json!(digest[0])));
    assert_eq!(gone["owner"], json!(format!("account/{account}")), "{gone}");
    assert!(!gone.to_string().contains(&founder.email), "{gone}");

    // A name that nobody has is held against whoever wants it.
    let found = found_after(&format!(
        "INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position)
         SELECT 'account-username', digest, 'account', 'nobody', NULL, 1 FROM kept WHERE owner_id = '{arr}'"
    ));
    let [surplus] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&surplus["what"], &surplus["held_by"]), (&json!("surplus"), &json!("account/nobody")));
    assert_eq!((&surplus["owner"], &surplus["position"]), (&Value::Null, &Value::Null), "{surplus}");

    // Two keys change owners.
    let found = found_after(&format!(
        "UPDATE claims SET owner_id = CASE owner_id WHEN '{arr}' THEN '{mrr}' ELSE '{arr}' END
         WHERE owner_id IN ('{arr}', '{mrr}')"
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    for (id, name, other) in [(&arr, "arr", &mrr), (&mrr, "mrr", &arr)] {
        let swapped = found.iter().find(|found| found["key"] == key(name)).unwrap_or_else(|| panic!("{found:?}"));
        let (owner, position) = of(id);
        assert_eq!((&swapped["what"], &swapped["owner"]), (&json!("held_by_another"), &owner));
        assert_eq!((&swapped["position"], &swapped["held_by"]), (&position, &of(other).0));
    }

    // The address would be held for ever, also once its owner is erased.
    let found = found_after("UPDATE claims SET subject = NULL WHERE scope = 'account-email'");
    let whats: Vec<&Value> = found.iter().map(|found| &found["what"]).collect();
    assert_eq!(whats, [&json!("freed_with_another")], "{found:?}");

    // What no claim has is a finding, and no outage.
    if engine == Engine::Sqlite {
        let found = found_after(&format!("UPDATE claims SET owner_kind = X'ff' WHERE owner_id = '{arr}'"));
        assert!(found.iter().any(|found| found["what"] == "unreadable"), "{found:?}");
    }

    put_claims_back(store);
    nothing_differs(&operator);
    store.execute("DELETE FROM claims");
    assert_eq!(u64::try_from(differences(&operator, "claims").len()).unwrap(), count(store, "kept"));
}

/// A name that was given back is not held again by whoever had it, although an event took it once.
fn a_claim_that_was_given_back_and_stands_again_is_found(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (operator, store) = (Program::operator_of(&house.server), &house.server.store);
    let username = unique("ben").replace("--", "-");
    let invite = house.invite(&json!({ "username": username, "email": format!("{username}@example.com") }));
    keep_claims(store);
    house.keeper.client.rpc("invite_delete", &json!({ "invite_id": invite["id"] })).result();
    house.server.terminate();
    nothing_differs(&operator);
    put_claims_back(store);
    let mut found = differences(&operator, "claims");
    found.sort_by_key(|found| found["scope"].to_string());
    let scopes: Vec<(&Value, &Value)> = found.iter().map(|found| (&found["what"], &found["scope"])).collect();
    let surplus = json!("surplus");
    assert_eq!(scopes, [(&surplus, &json!("invite-email")), (&surplus, &json!("invite-username"))], "{found:?}");
    let held_by = json!(format!("invite/{}", invite["id"].as_str().unwrap()));
    assert!(found.iter().all(|found| found["held_by"] == held_by), "{found:?}");
}

/// A state as an actor would load it, of the newest event of its stream.
fn state_of(operator: &Program, stream: &str) -> Value {
    operator.run(&["audit", "state", stream, "--json"]).json()
}

/// Puts a snapshot of its newest event into the database.
fn insert_snapshot(store: &Store, stream: &str, schema: u32, state: &Value) {
    let (kind, id) = stream.split_once('/').unwrap();
    let state = state.to_string().replace('\'', "''");
    store.execute(&format!(
        "DELETE FROM snapshots WHERE aggregate_id = '{id}';
         INSERT INTO snapshots (aggregate_type, aggregate_id, sequence, position, state_schema, state, taken_at)
         SELECT aggregate_type, aggregate_id, sequence, position, {schema}, '{state}', 0 FROM events
         WHERE aggregate_type = '{kind}' AND aggregate_id = '{id}' ORDER BY sequence DESC LIMIT 1"
    ));
}

fn a_role_that_was_put_into_a_snapshot_is_found(engine: Engine) {
    const SCHEMA: u32 = 2;
    let house = Installation::with(engine, &[]);
    let ana = house.person("ana");
    let grant = house.grant(&ana, "teacher");
    house.server.terminate();
    let (operator, store) = (Program::operator_of(&house.server), &house.server.store);
    let stream = format!("offer/{}", ana.id);
    let honest = state_of(&operator, &stream);
    insert_snapshot(store, &stream, SCHEMA, &honest["state"]);
    let [_, snapshots] = nothing_differs(&operator);
    assert_eq!(snapshots, count(store, "snapshots"), "it is written otherwise, and says the same");

    let mut forged = honest["state"].clone();
    assert_eq!(forged["grants"][&grant]["role"], "teacher", "{forged}");
    forged["grants"][&grant]["role"] = json!("admin");
    insert_snapshot(store, &stream, SCHEMA, &forged);
    let found = differences(&operator, "snapshots");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let newest = format!("SELECT CAST(MAX(position) AS TEXT) FROM events WHERE aggregate_id = '{}'", ana.id);
    assert_eq!((&found["what"], &found["stream"]), (&json!("state"), &json!(stream)));
    assert_eq!((&found["sequence"], &found["position"]), (&honest["sequence"], &json!(store.texts(&newest)[0])));
    assert_eq!(found["paths"], json!([format!("grants.{grant}.role")]), "{found}");

    // One that another program wrote is not loaded by this one, whatever it says.
    insert_snapshot(store, &stream, SCHEMA + 1, &forged);
    let told = told(&operator, 0);
    assert_eq!(told["snapshots"]["skipped"], json!(1), "{told}");
    let said = operator.run(&["audit", "verify"]);
    assert!(said.ok().contains("passed over: 1 snapshot in the form of another program"), "{}", said.stdout);

    insert_snapshot(store, &stream, SCHEMA, &json!("no state"));
    let found = differences(&operator, "snapshots");
    assert_eq!((&found[0]["what"], found.len()), (&json!("unreadable"), 1), "{found:?}");
}

/// Records so many points, in one request.
fn record_points(company: &Company, key: &str, count: usize) {
    let points: Vec<Value> =
        (0..count).map(|value| json!({ "value": value, "idempotency_key": unique("p") })).collect();
    company.agent.post(&format!("/v1/metrics/{key}/points/batch"), &json!({ "points": points })).expect(200);
}

fn a_count_that_was_changed_in_a_snapshot_is_found(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    let arr = company.metric("arr");
    record_points(&company, "arr", 300);
    let (operator, store) = (Program::operator_of(&server), &server.store);
    eventually("the server took a snapshot", || (count(store, "snapshots") > 0).then_some(()));
    company.point("arr", &json!({ "value": 7 }));
    server.terminate();
    assert_eq!(nothing_differs(&operator), [count(store, "claims"), count(store, "snapshots")]);
    let of_arr = format!("WHERE aggregate_type = 'metric' AND aggregate_id = '{arr}'");
    let taken = store.texts(&format!("SELECT state FROM snapshots {of_arr}")).remove(0);
    let points = serde_json::from_str::<Value>(&taken).unwrap()["points"].clone();
    let forged = taken.replacen(&format!("\"points\":{points}"), "\"points\":1", 1);
    assert_ne!(forged, taken);
    store.execute(&format!("UPDATE snapshots SET state = '{}' {of_arr}", forged.replace('\'', "''")));
    let found = differences(&operator, "snapshots");
    assert_eq!((&found[0]["paths"], found.len()), (&json!(["points"]), 1), "{found:?}");

    // An actor that loaded it would wait for events that never come.
    let honest = taken.replace('\'', "''");
    store.execute(&format!("UPDATE snapshots SET state = '{honest}', sequence = sequence + 1000 {of_arr}"));
    let found = differences(&operator, "snapshots");
    assert_eq!((&found[0]["what"], found.len()), (&json!("beyond"), 1), "{found:?}");
    let stream = json!(format!("metric/{arr}"));
    assert_eq!((&found[0]["stream"], &found[0]["position"]), (&stream, &Value::Null), "{found:?}");
}

/// Somebody with an address of their own.
fn with_address(house: &Installation, stem: &str) -> Person {
    let username = unique(stem).replace("--", "-");
    let email = format!("{username}@example.com");
    house.invite(&json!({ "username": username, "email": email }));
    let password = crate::harness::PASSWORD;
    let reply = house.sign_up(&json!({ "username": username, "password": password, "email": email }));
    reply.expect(200);
    house.person_of(&username, &cookie_of(&reply))
}

fn nothing_differs_after_everything_that_ends(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let [gone, stays] = ["gone", "stays"].map(|stem| with_address(&house, stem));
    let class = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    house.grant_at(&stays, "teacher", &class);
    house.keeper.client.rpc("scope_destroy", &class).result();
    let grant = house.grant(&stays, "teacher");
    let revoke = json!({ "actor_id": stays.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let (_, token) = house.token_of(&stays);
    stays.client.rpc("account_token_revoke", &json!({ "token_id": token })).result();
    let invite = house.invite(&json!({ "username": unique("nobody").replace("--", "-") }));
    house.keeper.client.rpc("invite_delete", &json!({ "invite_id": invite["id"] })).result();
    // An open one, and a founder who applies, signs in and is erased.
    house.invite(&json!({ "email": format!("{}@example.com", unique("open")) }));
    let founder = server.founder("founder");
    let company = server.company_of(&founder);
    company.metric("arr");
    record_points(&company, "arr", 300);
    eventually("the server took a snapshot", || (count(&server.store, "snapshots") > 0).then_some(()));
    server.terminate();
    let operator = Program::operator_of(server);
    for who in [&gone.username, &founder.email] {
        operator.run(&["erase", who, "--yes"]).ok();
    }
    server.restart();
    // The name and the address of the erased are taken by others.
    house.named(&gone.username);
    server.sign_in(&founder.email);
    server.terminate();
    let counted = nothing_differs(&operator);
    assert_eq!(counted, ["claims", "snapshots"].map(|table| count(&server.store, table)));
    assert!(counted.iter().all(|count| *count > 0), "{counted:?}");

    operator.run(&["backup", "record"]).ok();
    let folder = operator.path("restored");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("keys")).unwrap();
    fs::copy(server.data.join("keys/master.key"), folder.join("keys/master.key")).unwrap();
    let (data, database) = (folder.display().to_string(), format!("sqlite:{}", folder.display()));
    let place = ["--data-dir", data.as_str(), "--database", database.as_str()];
    operator.run(&[&["restore", "record", "--yes"], place.as_slice()].concat()).ok();
    let verified = operator.run(&[&["audit", "verify", "--json"], place.as_slice()].concat()).json();
    assert_eq!((&verified["claims"]["compared"], &verified["ok"]), (&json!(counted[0]), &json!(true)), "{verified}");
}

/// Keys are taken and given back, states written down and people erased while it compares.
fn nothing_differs_beside_a_server_that_records(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let company = house.server.company();
    company.metric("arr");
    let operator = Program::operator_of(&house.server);
    let invited_and_uninvited = || {
        let name = unique("passing").replace("--", "-");
        let invite = house.invite(&json!({ "username": name, "email": format!("{name}@example.com") }));
        house.keeper.client.rpc("invite_delete", &json!({ "invite_id": invite["id"] })).result();
    };
    let come_and_gone = || {
        let founder = house.server.founder("passing");
        // Beside the embedded store's server nobody is erased.
        if engine == Engine::Postgres {
            Program::operator_of(&house.server).run(&["erase", &founder.email, "--yes"]).ok();
        }
    };
    let writers: [(usize, &(dyn Fn() + Sync)); 3] =
        [(20, &|| record_points(&company, "arr", 300)), (100, &invited_and_uninvited), (15, &come_and_gone)];
    std::thread::scope(|scope| {
        let writing = writers.map(|(times, write)| scope.spawn(move || (0..times).for_each(|_| write())));
        while writing.iter().any(|thread| !thread.is_finished()) {
            nothing_differs(&operator);
        }
    });
    let counted = nothing_differs(&operator);
    assert!(counted.iter().all(|count| *count > 0), "{counted:?}");
}

both_engines![
    a_claim_that_no_event_makes_or_that_is_gone_is_found,
    a_claim_that_was_given_back_and_stands_again_is_found,
    a_role_that_was_put_into_a_snapshot_is_found,
    a_count_that_was_changed_in_a_snapshot_is_found,
    nothing_differs_after_everything_that_ends,
    nothing_differs_beside_a_server_that_records,
];
