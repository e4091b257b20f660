//! The record is changed behind the server's back; `muniment audit verify` names the position and ends with 7.

use std::fmt::Display;

use serde_json::json;

use crate::harness::{Engine, Installation, Person, Program, Server, cookie_of, unique};

/// A stopped server with some history; its operator's shell; a position in the middle; the head.
fn with_history(engine: Engine) -> (Server, Program, u64, u64) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    for value in 0..20 {
        company.point("arr", &json!({ "value": 1_000 - value }));
    }
    server.terminate();
    let operator = Program::operator_of(&server);
    operator.run(&["audit", "verify"]).ok();
    let head: u64 = server.store.texts("SELECT CAST(position AS TEXT) FROM journal_head")[0].parse().unwrap();
    (server, operator, head / 2, head)
}

/// The check fails and its output names the position as a number of its own.
#[track_caller]
fn found_at(operator: &Program, position: impl Display) {
    let output = operator.run(&["audit", "verify"]);
    output.ended(7);
    let said = format!("{}\n{}", output.stdout, output.stderr);
    let numbers = said.split(|c: char| !(c.is_ascii_digit() || c == '-')).any(|number| number == position.to_string());
    assert!(numbers, "position {position} is not named in:\n{said}");
    let told = operator.run(&["audit", "verify", "--json"]);
    let told: serde_json::Value = serde_json::from_str(told.ended(7)).unwrap();
    assert_eq!(told["first_bad_position"], position.to_string(), "{told}");
}

fn a_changed_event_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    let payload = if engine == Engine::Postgres {
        "REPLACE(payload::text, '9', '8')::json"
    } else {
        "REPLACE(payload, '9', '8')"
    };
    server.store.execute(&format!("UPDATE events SET payload = {payload} WHERE position = {middle}"));
    found_at(&operator, middle);
}

fn changed_metadata_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    server.store.execute(&format!("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = {middle}"));
    found_at(&operator, middle);
}

/// It neither looks like an outage, which a script would wait for, nor is it backed up as if it could be restored.
fn a_row_that_no_event_has_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    let changes = match engine {
        Engine::Sqlite => ["payload = CAST(payload AS BLOB)", "hash = X'00'"],
        Engine::Postgres => ["recorded_at = 9223372036854775807", r"hash = '\x00'"],
    };
    for (change, at) in changes.into_iter().zip([middle, middle - 1]) {
        server.store.execute(&format!("UPDATE events SET {change} WHERE position = {at}"));
        found_at(&operator, at);
        let refused = operator.run(&["backup", "record"]);
        assert!(
            refused.ended(7).is_empty() && refused.stderr.contains(&format!("position {at}:")),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("audit verify"), "{}", refused.stderr);
        assert!(!operator.path("record").exists() && !operator.path("record.keys").exists());
    }
}

fn a_deleted_event_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    server.store.execute(&format!("DELETE FROM events WHERE position = {middle}"));
    found_at(&operator, middle);
}

/// What is asked for by its position is that or nothing, and an export is whole or says where it ends.
fn a_deleted_event_is_neither_another_one_nor_passed_over(engine: Engine) {
    let (server, operator, middle, head) = with_history(engine);
    let lines = |code: i32| {
        let exported = operator.run(&["audit", "export"]);
        let lines = u64::try_from(exported.ended(code).lines().count()).unwrap();
        (lines, exported.stderr)
    };
    assert_eq!(lines(0).0, head);
    server.store.execute(&format!("DELETE FROM events WHERE position = {head}"));
    let (printed, said) = lines(7);
    assert_eq!(printed, head - 1);
    assert!(said.contains(&head.to_string()) && said.contains("audit verify"), "{said}");
    server.store.execute(&format!("DELETE FROM events WHERE position = {middle}"));
    assert_eq!(lines(7).0, middle - 1);
    let position = middle.to_string();
    operator.run(&["audit", "show", &position]).ended(3);
    operator.run(&["audit", "trace", &position]).ended(3);
    let before = operator.run(&["audit", "export", "--until", &(middle - 1).to_string()]);
    assert_eq!(u64::try_from(before.ok().lines().count()).unwrap(), middle - 1);
}

/// What is left of a stream may say the opposite of what was.
fn a_stream_that_lacks_an_event_proves_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (operator, store) = (Program::operator_of(&house.server), &house.server.store);
    let ana = house.person("ana");
    let grant = house.grant(&ana, "admin");
    let revoke = json!({ "actor_id": ana.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let offer = house.offer(&house.keeper, &ana, "admin", &json!({}));
    house.server.kill9();
    let own = format!("aggregate_type = 'offer' AND aggregate_id = '{}'", ana.id);
    let revoked = format!("FROM events WHERE {own} AND event_type = 'grant.revoked'");
    let of_revoked = |column: &str| store.texts(&format!("SELECT CAST({column} AS TEXT) {revoked}"))[0].clone();
    let (sequence, position) = (of_revoked("sequence"), of_revoked("position").parse::<u64>().unwrap());
    store.execute(&format!("DELETE {revoked}; DELETE FROM snapshots;"));

    let stream = format!("offer/{}", ana.id);
    let before = (position - 1).to_string();
    for asked in [
        &["role", "why", &ana.username, "admin"][..],
        &["role", "why", &ana.username, "admin", "--not"],
        &["audit", "state", &stream],
        &["audit", "diff", &stream, "--from", &before],
    ] {
        let output = operator.run(asked);
        assert!(output.ended(7).is_empty(), "{asked:?}: {}", output.stdout);
        let lacking = format!("the record lacks event {sequence} of {stream}");
        assert!(output.stderr.contains(&lacking) && output.stderr.contains("audit verify"), "{}", output.stderr);
    }
    let traced = operator.run(&["audit", "trace", &before]);
    assert!(traced.ended(7).contains("grant.created"), "{}", traced.stdout);
    assert!(traced.stderr.contains(&format!("position {position} of the record is missing")), "{}", traced.stderr);
    house.server.restart();
    let count = || store.texts(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM events WHERE {own}"));
    let before = count();
    // Nor does she hold again what was taken from her, and nothing is recorded on what is left.
    for (method, params) in [
        ("role_why", json!({ "role": "admin" })),
        ("admin_account_list", json!({})),
        ("role_grant_offer_accept", json!({ "offer_id": offer["id"], "acting": ana.actor })),
    ] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, told) = ana.client.post_to_a_fault("/api/rpc", &body);
        assert!(status == 500 && told.contains("-32603") && !told.contains("holds"), "{method}: {status}: {told}");
    }
    assert_eq!(count(), before);
}

fn a_row_before_the_first_event_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    for position in [0, -2] {
        server.store.execute(&format!(
            "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash, stream)
             SELECT {position}, aggregate_type, aggregate_id, 1000 - {position}, event_type, event_version, payload, metadata, recorded_at, hash, stream
             FROM events WHERE position = {middle};"
        ));
        found_at(&operator, position);
        let refused = operator.run(&["backup", "record"]);
        assert!(refused.ended(7).is_empty(), "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("position {position}:")), "{}", refused.stderr);
    }
}

/// What would be recorded on it could never be verified.
fn a_server_does_not_start_on_a_head_of_another_epoch(engine: Engine) {
    let (server, operator, _, head) = with_history(engine);
    server.store.execute("UPDATE journal_head SET epoch = epoch + 1");
    found_at(&operator, head);
    let refused = operator.run(&["serve"]);
    assert!(refused.ended(7).is_empty(), "{}", refused.stdout);
    assert!(refused.stderr.contains(&format!("position {head}:")), "{}", refused.stderr);
    assert!(refused.stderr.contains("audit verify"), "{}", refused.stderr);
}

fn two_swapped_events_are_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    let next = middle + 1;
    server.store.execute(&format!(
        "UPDATE events SET position = -1 WHERE position = {middle};
         UPDATE events SET position = {middle} WHERE position = {next};
         UPDATE events SET position = {next} WHERE position = -1;"
    ));
    found_at(&operator, middle);
}

fn an_inserted_event_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    let at = middle + 1;
    server.store.execute(&format!(
        "UPDATE events SET position = -position WHERE position > {middle};
         UPDATE events SET position = 1 - position WHERE position < 0;
         INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash, stream)
         SELECT {at}, aggregate_type, aggregate_id, 1000, event_type, event_version, payload, metadata, recorded_at, hash, stream
         FROM events WHERE position = {middle};
         UPDATE journal_head SET position = position + 1;"
    ));
    found_at(&operator, at);
}

fn a_cut_tail_is_found_with_a_signed_head_kept_elsewhere(engine: Engine) {
    let (server, operator, _, head) = with_history(engine);
    let note = operator.path("head.txt").display().to_string();
    let signed = operator.run(&["audit", "checkpoint"]);
    std::fs::write(&note, signed.ok()).unwrap();
    operator.run(&["audit", "verify", "--checkpoint", &note]).ok();
    let cut = head - 3;
    server.store.execute(&format!(
        "DELETE FROM events WHERE position > {cut};
         UPDATE journal_head SET position = {cut}, hash = (SELECT hash FROM events WHERE position = {cut}),
                recorded_at = (SELECT recorded_at FROM events WHERE position = {cut});"
    ));
    operator.run(&["audit", "verify"]).ok();
    let told = operator.run(&["audit", "verify", "--checkpoint", &note, "--json"]);
    let told: serde_json::Value = serde_json::from_str(told.ended(7)).unwrap();
    assert_eq!((&told["ok"], &told["checkpoint_position"]), (&json!(false), &json!(head.to_string())), "{told}");
    let said = told["checkpoint"].as_str().unwrap();
    assert!(said.starts_with(&format!("the record ends at position {cut};")), "{said}");
    assert!(said.contains(&format!("position {head}: events were cut off")), "{said}");
}

/// What leads from a stream to its events stands in no hash.
fn an_event_filed_elsewhere_is_found(engine: Engine) {
    let (server, operator, middle, _) = with_history(engine);
    let elsewhere = "SELECT MIN(number) FROM streams WHERE NOT EXISTS \
        (SELECT 1 FROM events AS own WHERE own.stream = number AND own.sequence = events.sequence)";
    server.store.execute(&format!("UPDATE events SET stream = ({elsewhere}) WHERE position = {middle}"));
    found_at(&operator, middle);
}

fn a_forged_statement_of_the_head_is_not_accepted(engine: Engine) {
    let (_server, operator, _, head) = with_history(engine);
    let genuine = operator.run(&["audit", "checkpoint"]).ok().to_owned();
    let note = operator.path("head.txt");
    let compared = |text: &str, code: i32| {
        std::fs::write(&note, text).unwrap();
        let output = operator.run(&["audit", "verify", "--checkpoint", &note.display().to_string(), "--json"]);
        serde_json::from_str::<serde_json::Value>(output.ended(code)).unwrap()
    };
    let told = compared(&genuine, 0);
    assert_eq!((&told["ok"], &told["checkpoint_position"]), (&json!(true), &json!(head.to_string())), "{told}");
    let position = format!("position: {head}\n");
    let hash = genuine.lines().find(|line| line.starts_with("hash: ")).unwrap();
    let elsewhere = Server::with(engine, &[]);
    elsewhere.terminate();
    let strangers = Program::operator_of(&elsewhere).run(&["audit", "checkpoint"]).ok().to_owned();
    for (what, forged) in [
        ("another position", genuine.replace(&position, &format!("position: {}\n", head - 1))),
        ("another hash", genuine.replace(hash, &format!("hash: {}", "0".repeat(64)))),
        (
            "no signature",
            genuine.lines().filter(|line| !line.starts_with("signature: ")).collect::<Vec<_>>().join("\n"),
        ),
        ("another key", strangers),
    ] {
        assert_ne!(forged, genuine, "{what}");
        let told = compared(&forged, 7);
        let said = told["checkpoint"].as_str().unwrap();
        assert!(said.starts_with("the checkpoint is not accepted"), "{what}: {told}");
        assert_eq!(told["ok"], json!(false), "{what}");
    }
}

fn k15_a_sealed_value_that_was_moved_does_not_open_there(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let [(ann, anns), (bob, bobs)] =
        [("ann", "the password of ann"), ("bob", "the password of bob")].map(|(stem, password)| {
            let username = unique(stem).replace("--", "-");
            house.invite(&json!({ "username": username }));
            let email = format!("{username}@example.com");
            let reply = house.sign_up(&json!({ "username": username, "password": password, "email": email }));
            reply.expect(200);
            (house.person_of(&username, &cookie_of(&reply)), password)
        });
    let operator = Program::operator_of(&house.server);
    let store = &house.server.store;
    let addresses = || operator.run(&["account", "list", "--json"]);
    assert!(addresses().ok().contains(&format!("{}@example.com", ann.username)), "before: the list has her address");

    // From one account's row of a list to another's.
    let row = |person: &Person| format!("SELECT email FROM accounts_v2_g0 WHERE id = '{}'", person.id);
    let own = store.texts_of_read_models(&row(&bob))[0].clone();
    store.execute_on_read_models(&format!("UPDATE accounts_v2_g0 SET email = ({}) WHERE id = '{}'", row(&ann), bob.id));
    let refused = addresses();
    assert!(refused.ended(1).is_empty() && refused.stderr.contains("changed or moved"), "{}", refused.stderr);
    store.execute_on_read_models(&format!("UPDATE accounts_v2_g0 SET email = '{own}' WHERE id = '{}'", bob.id));
    addresses().ok();

    // From one account's beginning to another's: who knows one password would sign in as the other.
    house.server.kill9();
    let begun = "SELECT CAST(payload AS TEXT) FROM events WHERE event_type = 'account.registered'";
    let begun = store
        .texts(begun)
        .into_iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap()["registered"].take());
    let of_ann = begun.into_iter().find(|begun| begun["username"] == ann.username.as_str()).unwrap();
    store.rewrite("account.registered", |payload| {
        let payload = &mut payload["registered"];
        if payload["username"] == bob.username.as_str() {
            payload["password"] = of_ann["password"].clone();
            // And from one field to another of the same account.
            payload["email"] = payload["email_key"].clone();
        }
    });
    house.server.restart();
    for password in [anns, bobs] {
        let body = json!({ "username": bob.username, "password": password });
        house.server.anonymous().post_a_fault("/api/account/login", &body);
    }
    bob.client.get_a_fault("/api/account/status");
    house.login(&ann.username, anns).expect(200);
    operator.run(&["audit", "verify"]).ended(7);
}

both_engines![
    k15_a_sealed_value_that_was_moved_does_not_open_there,
    an_event_filed_elsewhere_is_found,
    a_forged_statement_of_the_head_is_not_accepted,
    a_changed_event_is_found,
    changed_metadata_is_found,
    a_row_that_no_event_has_is_found,
    a_deleted_event_is_found,
    a_deleted_event_is_neither_another_one_nor_passed_over,
    a_stream_that_lacks_an_event_proves_nothing,
    a_row_before_the_first_event_is_found,
    a_server_does_not_start_on_a_head_of_another_epoch,
    two_swapped_events_are_found,
    an_inserted_event_is_found,
    a_cut_tail_is_found_with_a_signed_head_kept_elsewhere,
];
