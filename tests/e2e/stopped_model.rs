//! A read model that an event stops (design section 6): it alone stops, says so with position and reason, and goes on by
//! itself once the cause is mended.

use serde_json::{Value, json};

use crate::harness::{
    Engine, Installation, OpenTransaction, PASSWORD, Program, SHORT_READ_WAIT, Server, Setup, eventually,
};

/// What `/ready` or `projections list` says of a read model.
fn model(told: &Value, name: &str) -> Value {
    let models = told["projections"].as_array().unwrap();
    models.iter().find(|model| model["name"] == name).unwrap().clone()
}

fn an_event_stops_one_read_model_until_its_cause_is_mended(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let (ben, store, company) = (house.person("ben"), &house.server.store, house.server.company());
    company.metric("arr");
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    assert_eq!(house.row("role_grant_offer_create", &ben.id)["metadata"]["offer_id"], offer["id"]);
    let table = store.columns().into_iter().find_map(|column| {
        let (table, column) = column.split_once('.')?;
        (table.starts_with("audit_offers_v3_g") && column == "grantor").then(|| table.to_owned())
    });
    let table = table.unwrap();
    let (live, operator) = (house.server.anonymous(), Program::operator_of(&house.server));

    // What the audit keeps of the offer for later rows is taken away behind its back.
    store.execute_on_read_models(&format!("CREATE TABLE aside AS SELECT * FROM {table}; DELETE FROM {table}"));
    let accept = json!({ "offer_id": offer["id"], "acting": ben.actor });
    let accepted = ben.client.rpc("role_grant_offer_accept", &accept);
    accepted.result();
    let stopped = eventually("the node says that it is not ready", || {
        let ready = live.get("/ready");
        (ready.status == 503).then(|| ready.json())
    });
    let told = &model(&stopped, "audit_log")["stopped_by"];
    assert_eq!(told["event_type"], "offer.accepted");
    assert!(told["reason"].as_str().unwrap().contains("not in the read model"), "{told}");
    let position: u64 = told["position"].as_str().unwrap().parse().unwrap();
    assert!(position <= accepted.0.position(), "{told}");

    // The others go on, and what does not need it is served; what does need it shows nothing old as if it were new.
    ben.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    eventually("the other read models are at the head", || {
        let ready = live.get("/ready").json();
        let models = ready["projections"].as_array().unwrap();
        let mut others = models.iter().filter(|model| model["name"] != "audit_log");
        let at_head = |model: &Value| model["position"] == ready["head"] && model["stopped_by"].is_null();
        others.all(at_head).then_some(())
    });
    assert_eq!(ben.client.rpc("actor_list", &Value::Null).result()["actors"].as_array().unwrap().len(), 2);
    let seen = live.get("/ready").json()["head"].as_str().unwrap().to_owned();
    let agent = company.agent.header("muniment-after", &seen);
    assert_eq!(agent.get("/v1/metrics").expect(200)["metrics"].as_array().unwrap().len(), 1);
    agent.post("/v1/metrics/arr/points", &json!({ "value": 1 })).expect(201);
    let held_up = house.keeper.client.rpc("audit_log_list", &json!({}));
    assert_eq!(held_up.0.status, 503, "{}", held_up.0);
    let listed = operator.run(&["projections", "list", "--json"]).json();
    let audit_log = model(&listed, "audit_log");
    assert_eq!(audit_log["position"], json!((position - 1).to_string()), "nothing is skipped");
    let reason = audit_log["stopped_by"].as_str().unwrap();
    assert!(reason.contains(&position.to_string()) && reason.contains("offer.accepted"), "{reason}");
    let figures = String::from_utf8(live.get("/metrics").body).unwrap();
    let lag = figures.lines().find(|line| line.starts_with("muniment_projection_lag_events{projection=\"audit_log\"}"));
    assert!(!lag.unwrap().ends_with(" 0"), "{lag:?}");

    store.execute_on_read_models(&format!("INSERT INTO {table} SELECT * FROM aside; DROP TABLE aside"));
    eventually("it goes on by itself", || (live.get("/ready").status == 200).then_some(()));
    let row = house.row("role_grant_offer_accept", &ben.id);
    assert_eq!(
        (&row["seq"], &row["metadata"]["offer_id"]),
        (&json!(position), &offer["id"]),
        "the event that stopped it"
    );
    house.row("actor_create", &ben.id);
    operator.run(&["projections", "verify", "--all"]).ok();
}

#[test]
fn a_node_that_cannot_write_its_read_models_is_not_ready() {
    let server = Setup::new(Engine::Sqlite).start();
    let company = server.company();
    company.metric("arr");
    assert!(company.points("arr").is_empty(), "the read models are at the head");
    let anybody = server.anonymous();
    let lock = OpenTransaction::locking(&server.data.join("read.db"));
    company.point("arr", &json!({ "value": 1 }));
    let failing = eventually("the node says that it is not ready", || {
        let ready = anybody.get("/ready");
        let models = ready.json()["projections"].as_array().unwrap().clone();
        let failing = models.into_iter().find(|model| !model["failing"].is_null());
        failing.filter(|_| ready.status == 503)
    });
    assert!(failing["name"].is_string() && failing["stopped_by"].is_null(), "{failing}");
    assert!(failing["failing"].as_str().unwrap().contains("cannot be written"), "{failing}");
    lock.end("ROLLBACK");
    eventually("it goes on by itself", || (anybody.get("/ready").status == 200).then_some(()));
    assert_eq!(company.points("arr").len(), 1);
}

fn a_read_model_whose_tables_are_dropped_holds_up_no_other(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let ben = house.person("ben");
    house.server.store.execute_on_read_models(
        "DROP TABLE offers_v2_g0; DELETE FROM read_checkpoints_v1 WHERE name = 'offers'; \
         DELETE FROM read_active_v1 WHERE name = 'offers'",
    );
    ben.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let live = house.server.anonymous();
    let failing = eventually("the node says that it is not ready", || {
        let ready = live.get("/ready");
        let failing = model(&ready.json(), "offers")["failing"].as_str().map(str::to_owned);
        failing.filter(|_| ready.status == 503)
    });
    assert!(failing.contains("its checkpoint is gone"), "{failing}");
    ben.client.rpc("actor_create", &json!({ "name": "Third" })).result();
    assert_eq!(ben.client.rpc("actor_list", &Value::Null).result()["actors"].as_array().unwrap().len(), 3);
    eventually("the other read models are at the head", || {
        let ready = live.get("/ready").json();
        let models = ready["projections"].as_array().unwrap();
        models.iter().filter(|model| model["name"] != "offers").all(|it| it["position"] == ready["head"]).then_some(())
    });
    house.server.terminate();
    house.server.restart();
    eventually("it is made anew", || (live.get("/ready").status == 200).then_some(()));
    Program::operator_of(&house.server).run(&["projections", "verify", "--all"]).ok();
}

fn what_ran_out_is_swept_while_the_read_model_of_something_else_stands_still(engine: Engine) {
    let sessions =
        [("ACCOUNTS_SESSION_MAX_AGE", "5s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0"), ("CLEANUP_INTERVAL", "1s")];
    let house = Installation::with(engine, &[&sessions[..], &[SHORT_READ_WAIT]].concat());
    house.server.store.execute_on_read_models(
        "DROP TABLE offers_v2_g0; DELETE FROM read_checkpoints_v1 WHERE name = 'offers'; \
         DELETE FROM read_active_v1 WHERE name = 'offers'",
    );
    // Who comes on a new connection looks whether the database lost something: this it did not lose.
    house.server.store.end_connections();
    house.server.log_with("what ran out cannot be swept at present");
    let closed = || house.server.store.count("account.session_closed");
    let before = closed();
    house.login("keeper", PASSWORD).expect(200);
    eventually("the end of the session is recorded", || (closed() > before).then_some(()));
}

/// Who watches how a count rises sees its first increase only where it stood at 0 before.
fn what_an_alert_looks_at_is_counted_from_0(engine: Engine) {
    let server = Server::with(engine, &[]);
    let counted = [
        "muniment_journal_head_lost_total",
        "muniment_log_lines_lost_total",
        "muniment_mails_failed_total",
        "muniment_metrics_passed_over_total{policy=\"alert-evaluator\"}",
        "muniment_metrics_passed_over_total{policy=\"late-checker\"}",
        "muniment_notices_lost_total",
    ];
    eventually("all of them at 0", || {
        let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
        counted.iter().all(|name| figures.lines().any(|line| line == format!("{name} 0"))).then_some(())
    });
}

both_engines![
    an_event_stops_one_read_model_until_its_cause_is_mended,
    a_read_model_whose_tables_are_dropped_holds_up_no_other,
    what_ran_out_is_swept_while_the_read_model_of_something_else_stands_still,
    what_an_alert_looks_at_is_counted_from_0,
];
