//! What cannot be read is never taken for nothing: neither the roles of an account nor what was counted against it.

use serde_json::json;

use crate::harness::{Engine, Installation, PASSWORD};

fn roles_that_cannot_be_read_are_not_told_as_none(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.admin("ann");
    assert_eq!(ann.client.get("/api/account/status").expect(200)["role_grants"][0]["role"], "admin");
    house.server.kill9();
    let store = &house.server.store;
    store.execute(&format!(
        "UPDATE events SET payload = '{{}}' WHERE aggregate_type = 'offer' AND aggregate_id = '{}' AND sequence = 1;
         DELETE FROM snapshots;",
        ann.id
    ));
    house.server.restart();
    let correlation = ann.client.get_a_fault("/api/account/status");
    assert_eq!(house.server.log_with(&correlation).lines().filter(|line| line.contains(&correlation)).count(), 1);
    assert_eq!(house.keeper.client.get("/api/account/status").expect(200)["actor"]["id"], house.keeper.actor);
}

fn counted_failures_that_cannot_be_read_are_not_forgiven(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    let ann = house.person("ann");
    house.login(&ann.username, "wrong").refused(401, "invalid_credentials");
    let store = &house.server.store;
    store.execute_on_read_models("UPDATE request_windows_v1 SET counted = 'damaged'");
    let body = json!({ "username": ann.username, "password": PASSWORD });
    house.server.anonymous().post_a_fault("/api/account/login", &body);
    store.execute_on_read_models("DELETE FROM request_windows_v1");
    house.login(&ann.username, PASSWORD).expect(200);
}

both_engines![roles_that_cannot_be_read_are_not_told_as_none, counted_failures_that_cannot_be_read_are_not_forgiven,];
