//! The request sequence of the published client, with its headers and bodies, answered as that client reads it
//! (MET-149).

use serde_json::json;

use crate::harness::{Engine, Server, unique};

fn met_149_the_published_client_gets_what_it_reads(engine: Engine) {
    let server = Server::shared(engine);
    let email = format!("{}@example.com", unique("founder"));
    let plain = server.anonymous().header("accept", "application/json");
    assert_eq!(plain.get("/health").expect(200)["ok"], true);

    let started = plain.post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
    assert!(started["delivery"].is_string() && started["expires_at"].is_string(), "{started}");
    let code = started["dev_otp"].as_str().unwrap();
    let verified = plain.post("/v1/auth/otp/verify", &json!({ "email": email, "code": code })).expect(200);
    let session = verified["session_token"].as_str().unwrap();
    assert!(verified["expires_at"].is_string(), "{verified}");

    let form = json!({
        "company_name": "Acme", "website": null, "founder_name": "Ana", "founder_email": email,
        "narrative": { "one_liner": "We count" },
        "primary_metric": {
            "key": "weekly_revenue", "display_name": "Weekly Revenue", "unit": "usd", "cadence": "weekly", "direction": "up",
        },
    });
    let applied = plain.bearer(session).post("/v1/applications", &form).expect(201);
    let company = applied["company_id"].as_str().unwrap();
    assert!(applied["application_id"].is_string(), "{applied}");
    let agent = plain.bearer(applied["token"].as_str().unwrap());

    let definition = json!({
        "key": "active_users", "display_name": "Active Users", "unit": "count", "cadence": "weekly", "direction": "up",
        "source_type": "self_reported",
    });
    let created = agent.post("/v1/metrics", &definition).expect(201);
    assert_eq!(created["key"], "active_users");

    for (value, timestamp) in [(12_000, "2026-06-01T00:00:00.000Z"), (18_500, "2026-06-08T00:00:00.000Z")] {
        let key = format!("{company}:weekly_revenue:{timestamp}");
        let point = json!({
            "value": value, "timestamp": timestamp, "source": "alif-cli", "confidence": 0.5, "raw_event_id": null,
            "idempotency_key": key,
        });
        let update = agent.header("idempotency-key", &key);
        let recorded = update.post("/v1/metrics/weekly_revenue/points", &point).expect(201);
        assert!(recorded["id"].is_string() && recorded["duplicate"] == false, "{recorded}");
        let again = update.post("/v1/metrics/weekly_revenue/points", &point).expect(200);
        assert_eq!((&again["id"], &again["duplicate"]), (&recorded["id"], &json!(true)));
    }

    let status = agent.get("/v1/status").expect(200);
    assert_eq!(
        (&status["application"]["company_name"], &status["application"]["status"]),
        (&json!("Acme"), &json!("submitted"))
    );
    let revenue = &status["metrics"][0];
    assert_eq!((&revenue["key"], &revenue["unit"]), (&json!("weekly_revenue"), &json!("usd")));
    assert_eq!(revenue["latest_value"].as_f64(), Some(18_500.0));
    assert_eq!(revenue["latest_timestamp"], "2026-06-08T00:00:00.000Z");
    let alerts = crate::harness::eventually("the alert", || {
        agent.get("/v1/status").expect(200)["alerts"].as_array().cloned().filter(|alerts| !alerts.is_empty())
    });
    assert_eq!(alerts[0]["summary"], "Weekly Revenue increased 54% from 12000 to 18500.");
}

both_engines![met_149_the_published_client_gets_what_it_reads];
