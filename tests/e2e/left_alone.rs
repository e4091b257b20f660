//! A metric whose record cannot be read stands alone: alerts and late checks of the others go on, and its own are raised
//! once it can be read again.

use serde_json::{Value, json};

use crate::alerts_record::assert_own_causes;
use crate::harness::{Engine, Server, Setup, eventually};
use crate::real_data::events_from_the_start;

/// How far the evaluation of alerts is behind, as `/metrics` says.
fn lag(server: &Server) -> Option<String> {
    let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    figures.lines().find_map(|line| line.strip_prefix("muniment_alert_evaluator_lag_events ")).map(str::to_owned)
}

fn one_unreadable_metric_keeps_no_other_from_its_alerts(engine: Engine) {
    // Nothing is evaluated yet: both policies find the unreadable metric before the other one.
    let held_back = [("RUNTIME_EVALUATOR_PAUSE_SECONDS", "3600"), ("METRICS_LATE_CHECK_SECONDS", "3600")];
    let first = held_back.iter().fold(Setup::new(engine), |setup, (name, value)| setup.set(name, value)).start();
    let company = first.company();
    let bad = company.metric("bad");
    company.metric("good");
    for key in ["bad", "good"] {
        let rule = json!({ "type": "late", "enabled": true });
        company.agent.post(&format!("/v1/metrics/{key}/rules"), &rule).expect(200);
        for (value, day) in [(100, "2026-01-01"), (200, "2026-01-02")] {
            company.point(key, &json!({ "value": value, "timestamp": day }));
        }
    }
    company.status();
    assert_ne!(lag(&first).as_deref(), Some("0"), "nothing is evaluated yet");
    first.kill9();
    let of_bad = format!("aggregate_id = '{bad}' AND sequence = 1");
    let defined = first.store.texts(&format!("SELECT CAST(payload AS TEXT) FROM events WHERE {of_bad}")).remove(0);
    first.store.execute(&format!("UPDATE events SET payload = '{{}}' WHERE {of_bad}"));
    first.store.execute("DELETE FROM snapshots");

    let second =
        Setup::new(engine).over(first.store.clone(), &first.data).set("METRICS_LATE_CHECK_SECONDS", "1").start();
    let agent = second.agent(&company.token);
    let types = eventually("both alerts of the metric that can be read", || {
        let alerts = agent.get("/v1/alerts").expect(200)["alerts"].as_array().unwrap().clone();
        let of = |key: &str| -> Vec<Value> {
            alerts.iter().filter(|alert| alert["metric_key"] == key).map(|alert| alert["alert_type"].clone()).collect()
        };
        assert!(of("bad").is_empty(), "{alerts:?}");
        Some(of("good")).filter(|types| types.len() >= 2)
    });
    assert!(types.contains(&json!("growth_spike")) && types.contains(&json!("late")), "{types:?}");
    let figures = String::from_utf8(second.anonymous().get("/metrics").body).unwrap();
    for policy in ["alert-evaluator", "late-checker"] {
        let counted = format!("muniment_metrics_passed_over_total{{policy=\"{policy}\"}}");
        let line = figures.lines().find(|line| line.starts_with(&counted)).unwrap();
        assert!(!line.ends_with(" 0"), "{policy} passed nothing over: {line}");
    }

    eventually("the evaluator is at the head", || (lag(&second).as_deref() == Some("0")).then_some(()));

    // Whoever asks it is not told to try again: no other attempt ends otherwise until somebody mends it.
    let correlation = agent.post_a_fault("/v1/metrics/bad/points", &json!({ "value": 300 }));
    let log = second.log_with(&correlation);
    let told: Vec<&str> = log.lines().filter(|line| line.contains(&correlation)).collect();
    assert!(
        matches!(told.as_slice(), [line] if line.contains("metric.defined")),
        "one line says which event: {told:?}"
    );

    second.kill9();
    first.store.execute(&format!("UPDATE events SET payload = '{defined}' WHERE {of_bad}"));
    let third = Setup::new(engine).over(first.store.clone(), &first.data).start();
    let agent = third.agent(&company.token);
    eventually("what was due when it could not be read, without a further point", || {
        let alerts = agent.get("/v1/alerts?metric=bad").expect(200)["alerts"].as_array().unwrap().clone();
        alerts.iter().any(|alert| alert["alert_type"] == "growth_spike").then_some(())
    });
    agent.post("/v1/metrics/bad/points", &json!({ "value": 400, "timestamp": "2026-01-03" })).expect(201);
    let events = eventually("what is due since", || {
        let mut events = events_from_the_start(&agent);
        // A late alert answers no point, but that there is none.
        events.retain(|event| event["data"]["finding"]["alert_type"] != "late");
        let of_bad = |event: &&Value| event["type"] == "metric.alert_raised" && event["data"]["metric_key"] == "bad";
        let raised = events.iter().filter(of_bad).count();
        Some(events).filter(|_| raised == 2)
    });
    assert_own_causes(&events);
}

both_engines![one_unreadable_metric_keeps_no_other_from_its_alerts];
