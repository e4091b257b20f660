//! What was recorded is answered from the record: a read model that does not move turns nothing that was done into an
//! error, and what is answered is what it shows once it moves again.

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Store, eventually};

/// A read model that cannot take anything in until it is let go.
struct Held<'a> {
    store: &'a Store,
    table: String,
}

impl<'a> Held<'a> {
    fn hold(store: &'a Store, model: &str) -> Self {
        let prefix = format!("{model}_v");
        let mut tables = store.columns().into_iter().filter_map(|it| Some(it.split_once('.')?.0.to_owned()));
        let table = tables
            .find(|table| table.starts_with(&prefix) && table.contains("_g"))
            .unwrap_or_else(|| panic!("no table of {model}"));
        store.hold(&table, "TRUE");
        Self { store, table }
    }

    fn let_go(self) {
        self.store.let_go(&self.table);
    }
}

/// Each key of the answer as the listing has it, once there is one.
#[track_caller]
fn same_as(answer: &Value, listed: impl FnMut() -> Option<Value>, besides: &[&str]) {
    let listed = eventually("the read model moves again", listed);
    for (key, value) in answer.as_object().unwrap() {
        if !besides.contains(&key.as_str()) {
            assert_eq!(*value, listed[key], "{key} of {answer} and {listed}");
        }
    }
}

fn row(rows: &Value, key: &str, wanted: &Value) -> Option<Value> {
    rows.as_array().unwrap().iter().find(|row| row[key] == *wanted).cloned()
}

fn tokens_are_made_and_ended_whatever_their_read_model_does(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (server, store) = (&house.server, &house.server.store);
    let founder = server.founder("held");
    server.company_of(&founder);
    let listed = |id: &Value| {
        let reply = founder.client.get("/v1/tokens");
        (reply.status == 200).then(|| row(&reply.json()["tokens"], "public_id", id)).flatten()
    };

    let held = Held::hold(store, "agent_tokens");
    let wanted = json!({ "name": "ci", "scopes": ["metrics:write", "application:read"], "allowed_metrics": ["b", "a"],
                         "expires_in_days": 3 });
    let made = founder.client.post("/v1/tokens", &wanted).expect(201);
    held.let_go();
    same_as(&made, || listed(&made["public_id"]), &["token"]);

    let path = format!("/v1/tokens/{}/rotate", made["public_id"].as_str().unwrap());
    let held = Held::hold(store, "agent_tokens");
    let rotated = founder.client.post(&path, &json!({ "grace_seconds": 0 })).expect(201);
    held.let_go();
    same_as(&rotated, || listed(&rotated["public_id"]), &["token"]);
    server.agent(made["token"].as_str().unwrap()).get("/v1/status").refused(401, "expired_token");
    server.agent(rotated["token"].as_str().unwrap()).get("/v1/status").expect(200);

    let path = format!("/v1/tokens/{}/revoke", rotated["public_id"].as_str().unwrap());
    let held = Held::hold(store, "agent_tokens");
    let revoked = founder.client.post(&path, &json!({ "reason": "done" })).expect(200);
    held.let_go();
    same_as(&revoked, || listed(&revoked["public_id"]).filter(|row| !row["revoked_at"].is_null()), &[]);
    server.agent(rotated["token"].as_str().unwrap()).get("/v1/status").refused(401, "invalid_token");
}

fn metrics_rules_and_alerts_are_changed_whatever_their_read_models_do(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (server, store) = (&house.server, &house.server.store);
    let founder = server.founder("held");
    let company = server.company_of(&founder);
    company.metric("arr");
    for (timestamp, value) in [("2026-01-01", 100), ("2026-01-02", 150)] {
        company.point("arr", &json!({ "value": value, "timestamp": timestamp }));
    }
    let alert = company.wait_for_alerts(1)[0].clone();

    let held = Held::hold(store, "rules");
    let wanted = json!({ "type": "drop", "threshold": 0.25, "periods": 3, "cool_down_points": 2 });
    let set = [1, 2].map(|version| {
        let set = company.agent.post("/v1/metrics/arr/rules", &wanted).expect(200);
        assert_eq!(set["version"], version);
        set
    });
    held.let_go();
    let listed = || {
        let reply = company.agent.get("/v1/metrics/arr/rules");
        (reply.status == 200).then(|| row(&reply.json()["rules"], "type", &json!("drop"))).flatten()
    };
    same_as(&set[1], listed, &[]);

    let held = Held::hold(store, "metrics");
    let wanted = json!({ "display_name": "Revenue", "unit": "EUR" });
    let changed = company.agent.post("/v1/metrics/arr/settings", &wanted).expect(200);
    held.let_go();
    let shown = || {
        let reply = company.agent.get("/v1/metrics/arr");
        (reply.status == 200).then(|| reply.json())
    };
    same_as(&changed, shown, &[]);
    assert_eq!((&changed["unit"], &changed["latest_value"]), (&json!("EUR"), &json!(150)));

    for (deed, state) in [("ack", "acknowledged"), ("resolve", "resolved")] {
        let held = Held::hold(store, "alerts");
        let path = format!("/v1/alerts/{}/{deed}", alert["id"].as_str().unwrap());
        let done = founder.client.post(&path, &json!({ "note": "seen" })).expect(200);
        assert_eq!(done["state"], state);
        held.let_go();
        let listed = || {
            let reply = founder.client.get("/v1/alerts");
            (reply.status == 200).then(|| row(&reply.json()["alerts"], "id", &alert["id"])).flatten()
        };
        same_as(&done, listed, &[]);
    }
}

fn settings_are_changed_whatever_the_read_model_of_names_does(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.person("ben");
    let held = Held::hold(&house.server.store, "personas");
    ben.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let changed = house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    held.let_go();
    let shown = || {
        let reply = house.keeper.client.rpc("app_settings_get", &Value::Null);
        (reply.0.status == 200).then(|| reply.result()["settings"].clone())
    };
    same_as(&changed["settings"], shown, &[]);
    assert_eq!(changed["settings"]["updated_by"], json!(house.keeper.actor));
}

both_engines![
    tokens_are_made_and_ended_whatever_their_read_model_does,
    metrics_rules_and_alerts_are_changed_whatever_their_read_models_do,
    settings_are_changed_whatever_the_read_model_of_names_does,
];
