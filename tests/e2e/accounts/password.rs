//! Changing the password (ACC-045 to ACC-048).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Reply, in_parallel};

const NEW: &str = "another horse battery";

fn change(client: &crate::harness::Client, current: &str, new: &str) -> Reply {
    client.post("/api/account/password", &json!({ "current_password": current, "new_password": new }))
}

fn acc_045_a_change_ends_every_session_and_token(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let other = house.session_of(&person);
    let (by_token, _) = house.token_of(&person);
    let reply = change(&person.client, PASSWORD, NEW);
    assert_eq!(reply.expect(200), json!({ "ok": true, "sessions_revoked": 2, "tokens_revoked": 1 }));
    assert!(reply.header("set-cookie").contains("Max-Age=0"));
    for client in [&person.client, &other.client, &by_token] {
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
    house.login(&person.username, PASSWORD).refused(401, "invalid_credentials");
    house.login(&person.username, NEW).expect(200);
    let row = house.row("password_change", &person.id);
    let metadata = json!({ "sessions_revoked": 2, "tokens_revoked": 1, "credential_type": "session" });
    assert_eq!((&row["metadata"], &row["outcome"]), (&metadata, &json!("success")));
}

fn acc_046_a_wrong_current_password_changes_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let reply = change(&person.client, "not my password", NEW);
    reply.refused(401, "invalid_credentials");
    assert_eq!(reply.header("set-cookie"), "");
    assert_eq!(person.client.get("/api/account/verify").status, 200);
    house.login(&person.username, PASSWORD).expect(200);
    let row = house.row("password_change", &person.id);
    assert_eq!((&row["outcome"], &row["metadata"]), (&json!("failure"), &json!({ "credential_type": "session" })));
}

fn acc_047_of_two_changes_at_once_one_wins(engine: Engine) {
    let house = Installation::shared(engine);
    for new in [[NEW, "a third horse battery"], [NEW, NEW]] {
        let person = house.person("ann");
        let other = house.session_of(&person);
        let clients = [&person.client, &other.client];
        let statuses = in_parallel(2, |index| change(clients[index], PASSWORD, new[index]).status);
        let mut sorted = statuses.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [200, 401], "{statuses:?}");
        let row = house.audit(&json!({ "event_type": "password_change", "account_id": person.id }));
        assert_eq!(row.iter().filter(|row| row["outcome"] == "success").count(), 1);
        // The loser either lost the race, or came so late that its session was already ended.
        for row in row.iter().filter(|row| row["outcome"] == "failure") {
            assert_eq!(row["metadata"]["reason"], "concurrent_change", "{row}");
        }
    }
}

fn acc_048_only_a_session_changes_the_password(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (by_token, _) = house.token_of(&person);
    let refusal = change(&by_token, PASSWORD, NEW).refused(403, "credential_type_required");
    assert_eq!(refusal["required_credential_types"], json!(["session"]));
    let anonymous = house.server.anonymous().post("/api/account/password", &json!({ "x": 1 }));
    assert_eq!(anonymous.refused(401, "authentication_required").get("issues"), None::<&Value>);
}

both_engines![
    acc_045_a_change_ends_every_session_and_token,
    acc_046_a_wrong_current_password_changes_nothing,
    acc_047_of_two_changes_at_once_one_wins,
    acc_048_only_a_session_changes_the_password,
];
