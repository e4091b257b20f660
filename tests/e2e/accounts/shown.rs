//! Nothing can be done that the audit does not show: what an operator does, and what falls away with the proof of a mailbox.

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Program, cookie_of, text, unique};

fn newest(house: &Installation) -> u64 {
    house.audit(&json!({ "limit": 1 }))[0]["seq"].as_u64().unwrap()
}

/// The rows of an account behind a position, oldest first.
fn told(house: &Installation, account: &str, since: u64) -> Vec<Value> {
    let mut rows = house.audit(&json!({ "account_id": account, "since_seq": since, "limit": 200 }));
    rows.reverse();
    rows
}

fn types(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["event_type"].as_str().unwrap()).collect()
}

fn the_audit_shows_whatever_an_operator_does_to_an_account(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let since = newest(&house);
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    let with_password = |command: &str| {
        operator.run_with_input(&["account", command, "opal-o", "--password-stdin", "--json"], PASSWORD).json()
    };
    let id = text(&with_password("create")["id"]);
    let listed = operator.run(&["audit", "accounts", "--event-type", "account_create", "--json"]);
    assert!(listed.ok().contains("opal-o"), "{}", listed.stdout);
    with_password("set-password");
    operator.run(&["account", "unthrottle", "opal-o"]).ok();
    operator.run(&["role", "grant", "opal-o", "teacher", "--yes"]).ok();
    operator.run(&["erase", "opal-o", "--yes", "--reason", "asked"]).ok();
    house.server.restart();

    let rows = told(&house, &id, since);
    let expected = [
        "account_create",
        "password_change",
        "account_unthrottle",
        "role_grant_create",
        "role_grant_revoke",
        "account_erase",
    ];
    assert_eq!(types(&rows), expected);
    // Its name is no longer shown.
    assert_eq!(rows[0]["metadata"], json!({ "username": null, "via": "operator" }));
    assert_eq!(rows[5]["metadata"], json!({ "reason": "asked" }));
    for row in [&rows[0], &rows[5]] {
        let who = (&row["account_id"], &row["actor_id"], &row["target_account_id"], &row["outcome"]);
        assert_eq!(who, (&Value::Null, &Value::Null, &json!(id), &json!("success")), "an operator has no account");
    }
    let keys = house.audit(&json!({ "event_type": "subject_erase", "since_seq": since }));
    assert_eq!((keys.len(), &keys[0]["metadata"]["reason"]), (1, &json!("asked")));
}

fn the_audit_shows_what_falls_away_with_the_proof_of_a_mailbox(engine: Engine) {
    let house = Installation::shared(engine);
    let (name, email) = (unique("early").replace("--", "-"), format!("{}@example.com", unique("early")));
    house.invite(&json!({ "username": name }));
    let reply = house.sign_up(&json!({ "username": name, "password": PASSWORD, "email": email }));
    reply.expect(200);
    let early = house.person_of(&name, &cookie_of(&reply));
    house.token_of(&early);
    let since = newest(house);
    house.server.sign_in(&email);
    let rows = told(house, &early.id, since);
    let expected = ["email_verify", "session_end", "token_revoke_all", "password_remove", "auth.otp.verified"];
    assert_eq!(types(&rows), expected);
    assert_eq!(rows[1]["metadata"]["reason"], "email_proved");
    assert_eq!(rows[1]["metadata"]["session_id"].as_str().unwrap().len(), 64);
    assert_eq!(rows[2]["metadata"], json!({ "count": 1, "reason": "email_proved" }));
    assert_eq!(rows[3]["metadata"], json!({ "reason": "email_proved" }));

    let founder = house.server.founder("late");
    let id = text(&founder.client.get("/v1/auth/session").expect(200)["account_id"]);
    let rows = told(house, &id, since);
    assert_eq!(types(&rows), ["account_create", "email_verify", "auth.otp.verified"]);
    assert_eq!(rows[0]["metadata"]["via"], "email_code");
    assert_eq!((&rows[0]["account_id"], &rows[0]["target_account_id"]), (&json!(id), &Value::Null));
}

fn the_audit_shows_the_end_of_a_scope_at_which_nothing_was(engine: Engine) {
    let house = Installation::shared(engine);
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    let since = newest(house);
    for _ in 0..2 {
        house.keeper.client.rpc("scope_destroy", &scope).result();
    }
    let rows = house.audit(&json!({ "event_type": "scope_destroy", "since_seq": since, "limit": 200 }));
    let of_scope: Vec<&Value> = rows.iter().filter(|row| row["metadata"] == scope).collect();
    assert_eq!(of_scope.len(), 1, "what changes nothing has no row: {rows:?}");
    let who = (&of_scope[0]["account_id"], &of_scope[0]["actor_id"]);
    assert_eq!(who, (&json!(house.keeper.id), &json!(house.keeper.actor)));
}

both_engines![
    the_audit_shows_whatever_an_operator_does_to_an_account,
    the_audit_shows_what_falls_away_with_the_proof_of_a_mailbox,
    the_audit_shows_the_end_of_a_scope_at_which_nothing_was,
];
