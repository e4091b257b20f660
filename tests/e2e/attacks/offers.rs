//! Offers whose maker lost the right (catalogue G).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Person, Program};

/// Runs an operator's command, on a stopped server where only one process may write.
fn operate(house: &Installation, arguments: &[&str]) -> Value {
    let beside = house.server.engine == Engine::Postgres;
    if !beside {
        house.server.terminate();
    }
    let done = Program::operator_of(&house.server).run(&[arguments, &["--json"]].concat()).json();
    if !beside {
        house.server.restart();
    }
    done
}

fn accept(person: &Person, offer: &Value) -> crate::harness::Rpc {
    person.client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"] }))
}

fn g9_taking_a_role_takes_back_the_offers_of_it_that_its_holder_made(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (eve, twin, ben) = (house.admin("eve"), house.person("evetwo"), house.person("ben"));
    let planted = house.offer(&eve, &twin, "admin", &json!({}));
    let other = house.offer(&eve, &twin, "teacher", &json!({}));
    let grant = house.row("role_grant_create", &eve.id)["metadata"]["role_grant_id"].clone();
    let revoke = json!({ "actor_id": eve.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": eve.id })).result();

    // She holds nothing any more; what she left behind goes all the same.
    let taken = operate(&house, &["role", "revoke", &eve.id, "admin"]);
    assert_eq!(taken["retracted_offer_ids"], json!([planted["id"]]));
    accept(&twin, &planted).refused(400, -32_600, "role_grant_offer_terminal");
    let row = house.row("role_grant_offer_retract", &twin.id);
    assert_eq!((&row["metadata"]["offer_id"], &row["account_id"]), (&planted["id"], &Value::Null));
    assert_eq!(accept(&twin, &other).0.status, 200, "offers of other roles stand");

    // An offer to somebody who does not hold the role can be ended from his side, too.
    let pending = house.offer(&house.keeper, &ben, "admin", &json!({}));
    let taken = operate(&house, &["role", "revoke", &ben.id, "admin"]);
    assert_eq!(taken["retracted_offer_ids"], json!([pending["id"]]));
    accept(&ben, &pending).refused(400, -32_600, "role_grant_offer_terminal");
    let again = operate(&house, &["role", "revoke", &ben.id, "admin"]);
    assert_eq!((&again["retracted_offer_ids"], &again["position"]), (&json!([]), &Value::Null));
}

fn g17_a_change_that_names_nothing_changes_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let company = house.server.company();
    company.metric("arr");
    let shown = || company.agent.get("/v1/metrics").expect(200)["metrics"].clone();
    let before = shown();
    company.agent.post("/v1/metrics/arr/settings", &json!({})).expect(200);
    assert_eq!(shown(), before);
    // Nobody who may not change is let in by asking for nothing.
    let stranger = house.server.company();
    stranger.agent.post("/v1/metrics/arr/settings", &json!({})).refused(404, "metric_not_found");
    let ann = house.person("ann");
    for method in ["app_settings_update", "self_service_role_set"] {
        assert!(!house.keeper.client.rpc(method, &json!({})).issues().is_empty(), "{method}");
    }
    ann.client.rpc("app_settings_update", &json!({})).0.expect(400);
    ann.client.rpc("app_settings_update", &json!({ "open_signup": false })).refused(
        403,
        -32_002,
        "insufficient_permissions",
    );
}

both_engines![
    g17_a_change_that_names_nothing_changes_nothing,
    g9_taking_a_role_takes_back_the_offers_of_it_that_its_holder_made,
];
