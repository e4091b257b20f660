//! Definitions of metrics (MET-070 to 075).

use serde_json::{Value, json};

use crate::harness::{Engine, Server, assert_id, eventually, in_parallel, milliseconds_until};

fn met_070_keys_become_slugs_and_titles(engine: Engine) {
    let company = Server::shared(engine).company();
    for (key, slug, title) in [
        ("Weekly Revenue", "weekly_revenue", "Weekly Revenue"),
        ("  MRR (USD) ", "mrr_usd", "Mrr Usd"),
        ("weekly--costs__", "weekly_costs", "Weekly Costs"),
        ("ünïcode KPI", "n_code_kpi", "N Code Kpi"),
        ("ARR-2026/Q1", "arr_2026_q1", "Arr 2026 Q1"),
        ("İstanbul", "i_stanbul", "I Stanbul"),
        ("Éclair", "clair", "Clair"),
    ] {
        let made = company.agent.post("/v1/metrics", &json!({ "key": key })).expect(201);
        assert_eq!(made["key"], slug);
        assert_eq!(company.status_of(slug)["display_name"], title);
    }
    for empty in ["!!!", "日本"] {
        company.agent.post("/v1/metrics", &json!({ "key": empty })).refused(400, "invalid_metric_key");
    }
    let long = "k".repeat(100);
    company.agent.post("/v1/metrics", &json!({ "key": long })).expect(201);
    company.agent.post("/v1/metrics", &json!({ "key": format!("{long}k") })).refused(400, "invalid_metric_key");
}

fn met_071_a_metric_gets_the_defaults_or_what_was_given(engine: Engine) {
    let company = Server::shared(engine).company();
    let made = company.agent.post("/v1/metrics", &json!({ "key": "Weekly Revenue" })).expect(201);
    assert_id(&made["id"], "metric");
    assert_eq!(made, json!({ "id": made["id"], "key": "weekly_revenue" }));
    let defaults = json!({
        "key": "weekly_revenue", "display_name": "Weekly Revenue", "unit": "count", "cadence": "weekly",
        "direction": "up", "verification_level": "self_reported", "latest_value": null, "latest_timestamp": null,
    });
    assert_eq!(company.status_of("weekly_revenue"), defaults);
    let nulls = json!({ "key": "nulls", "display_name": null, "unit": null, "cadence": null, "direction": null, "source_type": null });
    company.agent.post("/v1/metrics", &nulls).expect(201);
    let mut of_nulls = defaults;
    (of_nulls["key"], of_nulls["display_name"]) = (json!("nulls"), json!("Nulls"));
    assert_eq!(company.status_of("nulls"), of_nulls);
    let source = |key: &str| company.agent.get(&format!("/v1/metrics/{key}")).expect(200)["source_type"].clone();
    assert_eq!(source("nulls"), source("weekly_revenue"));
    let given = json!({
        "key": "churn", "display_name": "Lost customers", "unit": "%", "cadence": "monthly", "direction": "down",
        "source_type": "stripe",
    });
    company.agent.post("/v1/metrics", &given).expect(201);
    let shown = company.agent.get("/v1/metrics/churn").expect(200);
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{shown}");
    }
    company.agent.post("/v1/metrics", &json!({ "key": "blank", "display_name": " " })).expect(201);
    assert_eq!(company.status_of("blank")["display_name"], "Blank");
}

fn met_072_a_bad_definition_names_what_is_wrong(engine: Engine) {
    let company = Server::shared(engine).company();
    for body in [json!({}), json!({ "key": "  " }), json!({ "key": 7 }), json!({ "key": null })] {
        company.agent.post("/v1/metrics", &body).refused(400, "missing_field");
    }
    company.agent.post("/v1/metrics", &json!({ "key": "!!!" })).refused(400, "invalid_metric_key");
    for field in ["unit", "cadence", "direction", "display_name", "source_type"] {
        for wrong in [json!(5), json!([]), json!("x".repeat(201))] {
            let refusal =
                company.agent.post("/v1/metrics", &json!({ "key": "a", field: wrong })).refused(400, "invalid_field");
            assert!(refusal["message"].as_str().unwrap().contains(field), "{refusal}");
        }
    }
    assert_eq!(company.status()["metrics"], json!([]));
}

fn met_073_a_key_is_used_once_in_a_company(engine: Engine) {
    let server = Server::shared(engine);
    let (company, other) = (server.company(), server.company());
    let first = company.metric("Weekly Revenue");
    let refusal = company.agent.post("/v1/metrics", &json!({ "key": "weekly-revenue" })).refused(409, "metric_exists");
    assert_eq!(refusal["id"], json!(first));
    other.metric("weekly_revenue");
}

fn met_074_of_parallel_creations_one_wins(engine: Engine) {
    let company = Server::shared(engine).company();
    let replies = in_parallel(20, |_| company.agent.post("/v1/metrics", &json!({ "key": "race" })));
    let winners: Vec<Value> = replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.json()).collect();
    assert_eq!(winners.len(), 1);
    for loser in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(loser.refused(409, "metric_exists")["id"], winners[0]["id"]);
    }
    assert_eq!(company.status()["metrics"].as_array().unwrap().len(), 1);
}

fn a_company_has_no_more_metrics_than_are_allowed(engine: Engine) {
    let server = Server::with(engine, &[("METRICS_MAX_PER_COMPANY", "3")]);
    let (company, other) = (server.company(), server.company());
    let first = company.metric("arr");
    company.metric("mrr");
    company.metric("churn");
    let define = |key: &str| company.agent.post("/v1/metrics", &json!({ "key": key }));
    define("runway").refused(409, "metric_limit");
    // A key that is taken is told of first.
    assert_eq!(define("ARR").refused(409, "metric_exists")["id"], json!(first));
    assert_eq!(company.status()["metrics"].as_array().unwrap().len(), 3);
    // Many at once are no more than one after the other.
    let replies = in_parallel(20, |n| other.agent.post("/v1/metrics", &json!({ "key": format!("key {n}") })));
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 3);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.refused(409, "metric_limit");
    }
}

fn met_075_settings_change_the_present_and_not_the_past(engine: Engine) {
    let company = Server::shared(engine).company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let before = company.wait_for_alerts(1);
    let changed = company.agent.post("/v1/metrics/arr/settings", &json!({ "display_name": "Yearly" })).expect(200);
    assert_eq!((&changed["display_name"], &changed["key"]), (&json!("Yearly"), &json!("arr")));
    assert_eq!(company.status_of("arr")["display_name"], "Yearly");
    assert_eq!(company.status_of("arr")["unit"], "count");
    assert_eq!(company.alerts(), before);
    company.agent.post("/v1/metrics/none/settings", &json!({ "unit": "usd" })).refused(404, "metric_not_found");
    let listed =
        eventually("the list shows it", || company.agent.get("/v1/metrics").expect(200)["metrics"].as_array().cloned());
    assert_eq!(listed[0]["display_name"], "Yearly");
}

fn met_075_each_setting_changes_and_what_is_not_named_stays(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    let id = company.metric("arr");
    let change = |body: &Value| company.agent.post("/v1/metrics/arr/settings", body);
    let own = || company.agent.get("/v1/metrics/arr").expect(200);
    let created_at = own()["created_at"].clone();
    assert!((-60_000..=0).contains(&milliseconds_until(&created_at)), "{created_at}");
    let all = json!({
        "display_name": "Lost customers", "unit": "%", "cadence": "monthly", "direction": "down",
        "source_type": "stripe",
    });
    let mut expected = json!({
        "id": id, "key": "arr", "verification_level": "self_reported", "created_at": created_at,
        "latest_value": null, "latest_timestamp": null,
    });
    expected.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
    assert_eq!(change(&all).expect(200), expected);
    assert_eq!(own(), expected);
    assert_eq!(company.agent.get("/v1/metrics").expect(200)["metrics"], json!([expected]));
    for field in ["display_name", "unit", "cadence", "direction", "source_type"] {
        expected[field] = json!(format!("another {field}"));
        assert_eq!(change(&json!({ field: expected[field] })).expect(200), expected);
        assert_eq!(own(), expected);
    }
    let before = server.store.count("metric.settings_changed");
    assert_eq!(before, 6);
    let nulls = json!({ "display_name": null, "unit": null, "cadence": null, "direction": null, "source_type": null });
    for nothing in [json!({}), nulls, json!({ "display_name": " ", "unit": "" }), json!({ "unit": "another unit" })] {
        assert_eq!(change(&nothing).expect(200), expected, "{nothing}");
    }
    assert_eq!(company.agent.post_bytes("/v1/metrics/arr/settings", "").expect(200), expected);
    change(&json!({ "key": "b" })).refused(400, "unknown_field");
    change(&json!({ "display_name": "Refused", "unit": 5 })).refused(400, "invalid_field");
    assert_eq!(own(), expected);
    assert_eq!(server.store.count("metric.settings_changed"), before);
}

both_engines![
    met_070_keys_become_slugs_and_titles,
    met_071_a_metric_gets_the_defaults_or_what_was_given,
    met_072_a_bad_definition_names_what_is_wrong,
    met_073_a_key_is_used_once_in_a_company,
    met_074_of_parallel_creations_one_wins,
    a_company_has_no_more_metrics_than_are_allowed,
    met_075_settings_change_the_present_and_not_the_past,
    met_075_each_setting_changes_and_what_is_not_named_stays,
];
