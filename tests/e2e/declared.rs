//! What `/openapi.json` declares of `/v1`, from outside: every operation is called, and each success and refusal fits the
//! schema that the document has for its status; `/api` is called by `suites::documents`. What the other suites meet, the
//! server's own check compares.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Installation, Reply, eventually, unique};

/// The document, and which of its operations were answered with which status.
struct Declared {
    document: Value,
    met: BTreeSet<(String, String)>,
}

impl Declared {
    /// Compares an answer with what its operation declares under its status.
    #[track_caller]
    fn fits(&mut self, verb: &str, path: &str, reply: &Reply) -> Value {
        let responses = &self.document["paths"][path][verb]["responses"];
        let schema = &responses[reply.status.to_string()]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{verb} {path} declares no {}\n{reply}", reply.status);
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::options().should_validate_formats(true).build(&whole);
        let validator = validator.unwrap_or_else(|error| panic!("{verb} {path}: {error}"));
        let body = reply.json();
        let issues: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(issues.is_empty(), "{verb} {path} {}: {issues:?}\n{reply}", reply.status);
        self.met.insert((format!("{verb} {path}"), reply.status.to_string()));
        body
    }

    /// A read of a path with its parameters filled in.
    #[track_caller]
    fn get(&mut self, client: &Client, path: &str, parameters: &[&str], query: &str) -> Value {
        let reply = client.get(&format!("{}{query}", filled(path, parameters)));
        self.fits("get", path, &reply)
    }

    #[track_caller]
    fn post(&mut self, client: &Client, path: &str, parameters: &[&str], body: &Value) -> Value {
        let reply = client.post(&filled(path, parameters), body);
        self.fits("post", path, &reply)
    }

    fn was_met(&self, operation: &str, status: &str) -> bool {
        self.met.contains(&(operation.to_owned(), status.to_owned()))
    }
}

/// A path with its parameters in their places.
fn filled(path: &str, parameters: &[&str]) -> String {
    let mut parameters = parameters.iter();
    let segments = path.split('/').map(|segment| match segment.starts_with('{') {
        true => *parameters.next().unwrap(),
        false => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

const METRIC: &str = "/v1/metrics/{key}";
const POINTS: &str = "/v1/metrics/{key}/points";
const RULES: &str = "/v1/metrics/{key}/rules";

/// Sign-in, application, tokens: what a founder does. Gives the founder's client, the application's answer.
fn founder(declared: &mut Declared, anonymous: &Client) -> (Client, Value) {
    let email = format!("{}@example.com", unique("declared"));
    let code = declared.post(anonymous, "/v1/auth/otp/start", &[], &json!({ "email": email }));
    let proof = json!({ "email": email, "code": code["dev_otp"] });
    let signed_in = declared.post(anonymous, "/v1/auth/otp/verify", &[], &proof);
    declared.post(anonymous, "/v1/auth/otp/verify", &[], &proof);
    let founder = anonymous.bearer(&word(&signed_in["session_token"]));
    let body = json!({
        "company_name": unique("Declared"), "founder_name": "Dora", "founder_email": email,
        "narrative": { "one_liner": "numbers" }, "primary_metric": { "key": "arr" },
    });
    let made = declared.post(&founder, "/v1/applications", &[], &body);
    declared.get(&founder, "/v1/applications", &[], "");
    declared.get(&founder, "/v1/auth/session", &[], "");
    let tokens = json!({ "name": "second", "scopes": ["metrics:write", "alerts:ack"], "allowed_metrics": ["arr"] });
    let second = declared.post(&founder, "/v1/tokens", &[], &tokens);
    let third = declared.post(&founder, "/v1/tokens/{public_id}/rotate", &[&word(&second["public_id"])], &json!({}));
    declared.post(&founder, "/v1/tokens/{public_id}/revoke", &[&word(&third["public_id"])], &json!({}));
    let listed = declared.get(&founder, "/v1/tokens", &[], "");
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 3);
    (founder, made)
}

/// Metrics, points, rules, status: what an agent does.
fn agent(declared: &mut Declared, agent: &Client) {
    declared.post(agent, "/v1/metrics", &[], &json!({ "key": "late_one" }));
    declared.post(agent, "/v1/metrics", &[], &json!({ "key": "late_one" }));
    declared.get(agent, METRIC, &["late_one"], "");
    let first = declared.post(agent, POINTS, &["arr"], &json!({ "value": 100, "timestamp": "2026-01-01" }));
    declared.post(agent, POINTS, &["arr"], &json!({ "value": 7, "timestamp": "2026-01-01" }));
    declared.post(agent, POINTS, &["arr"], &json!({ "value": "x" }));
    let spike = json!({ "value": 150.5, "timestamp": "2026-01-02", "raw_event_id": "e" });
    let batch = json!({ "points": [spike, spike] });
    declared.post(agent, "/v1/metrics/{key}/points/batch", &["arr"], &batch);
    declared.post(agent, "/v1/metrics/{key}/points/batch", &["arr"], &json!({ "points": [{ "value": null }] }));
    let correct = "/v1/metrics/{key}/points/{id}/correct";
    declared.post(agent, correct, &["arr", &word(&first["id"])], &json!({ "value": 90 }));
    let listed = declared.get(agent, POINTS, &["arr"], "");
    assert!(listed["points"].as_array().unwrap().iter().any(|point| point.get("original_value").is_some()));
    declared.get(agent, POINTS, &["arr"], "?limit=1");
    declared.post(agent, "/v1/metrics/{key}/settings", &["arr"], &json!({ "unit": "usd" }));
    declared.get(agent, METRIC, &["arr"], "");
    declared.get(agent, "/v1/metrics", &[], "");
    let above = json!({ "type": "above", "threshold": 1000, "periods": 1, "cool_down_points": 2 });
    declared.post(agent, RULES, &["arr"], &above);
    declared.post(agent, RULES, &["arr"], &json!({ "type": "late", "cool_down_seconds": 60 }));
    declared.get(agent, RULES, &["arr"], "");
    declared.post(agent, POINTS, &["arr"], &json!({ "value": 2000, "timestamp": "2026-01-03" }));
    eventually("the alerts", || {
        let status = declared.get(agent, "/v1/status", &[], "");
        (status["alerts"].as_array().unwrap().len() == 3).then_some(())
    });
}

fn every_operation_answers_as_the_document_says(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let anonymous = house.server.anonymous();
    let document = anonymous.get("/openapi.json").expect(200);
    let mut declared = Declared { document, met: BTreeSet::new() };
    declared.get(&anonymous, "/health", &[], "");
    declared.get(&anonymous, "/ready", &[], "");
    let (client, made) = founder(&mut declared, &anonymous);
    let token = anonymous.bearer(&word(&made["token"]));
    agent(&mut declared, &token);

    let alerts = declared.get(&token, "/v1/alerts", &[], "")["alerts"].clone();
    declared.post(&client, "/v1/alerts/{id}/ack", &[&word(&alerts[0]["id"])], &json!({ "note": "seen" }));
    declared.post(&client, "/v1/alerts/{id}/resolve", &[&word(&alerts[1]["id"])], &json!({}));
    declared.get(&token, "/v1/alerts", &[], "?limit=1");
    let page = declared.get(&token, "/v1/events", &[], "?limit=1000");
    assert!(page["events"].as_array().unwrap().len() > 5, "{page}");
    let stale = format!("/v1/events?after={}:1", uuid_of_nobody());
    declared.fits("get", "/v1/events", &token.get(&stale));
    declared.fits("get", "/v1/stream", &anonymous.get("/v1/stream"));
    declared.fits("get", "/v1/live", &anonymous.get("/v1/live?token=x"));

    let application = word(&made["application_id"]);
    let keeper = &house.keeper.client;
    declared.get(keeper, "/v1/review/applications", &[], "?limit=1");
    let reviewed = declared.get(keeper, "/v1/review/applications/{id}", &[&application], "");
    assert_eq!(reviewed["alerts"].as_array().unwrap().len(), 3);
    let decide = "/v1/review/applications/{id}/status";
    declared.post(keeper, decide, &[&application], &json!({ "status": "accepted", "reason": "good" }));
    declared.post(keeper, decide, &[&application], &json!({ "status": "submitted" }));
    declared.get(&client, "/v1/applications/{id}", &[&application], "");
    declared.post(&client, "/v1/applications/{id}/withdraw", &[&application], &json!({}));
    refusals(&mut declared, &anonymous, &client, &token);
    declared.post(&client, "/v1/auth/logout", &[], &json!({}));
    nothing_is_left_out(&declared);
}

/// Refusals with keys of their own.
fn refusals(declared: &mut Declared, anonymous: &Client, founder: &Client, agent: &Client) {
    let email = declared.get(founder, "/v1/auth/session", &[], "")["email"].clone();
    let another = json!({ "company_name": "Another", "founder_name": "Dora", "founder_email": email });
    declared.post(founder, "/v1/applications", &[], &another);
    let several = declared.get(founder, "/v1/tokens", &[], "");
    assert_eq!(several["available"].as_array().unwrap().len(), 2, "{several}");
    declared.get(agent, "/v1/tokens", &[], "");
    declared.get(anonymous, "/v1/review/applications", &[], "");
    declared.get(agent, "/v1/metrics/{key}", &["%zz"], "");
    declared.get(founder, "/v1/applications/{id}", &["%zz"], "");
    declared.get(agent, "/v1/alerts", &[], "?cursor=x");
    declared.post(agent, "/v1/metrics", &[], &json!({ "surprise": 1 }));
}

/// Every success that the document has was met, and so were refusals of most kinds.
fn nothing_is_left_out(declared: &Declared) {
    // Their answers are streams, which tests of their own read; not ready is a node that is stopped.
    let others = [("get /v1/live", "101"), ("get /v1/stream", "200"), ("get /ready", "503")];
    let paths = declared.document["paths"].as_object().unwrap();
    for (path, verbs) in paths.iter().filter(|(path, _)| !path.starts_with("/api/")) {
        for (verb, about) in verbs.as_object().unwrap() {
            let operation = format!("{verb} {path}");
            for status in about["responses"].as_object().unwrap().keys().filter(|status| status.starts_with('2')) {
                let is_other = others.contains(&(operation.as_str(), status.as_str()));
                assert!(is_other || declared.was_met(&operation, status), "{operation} {status} was not met");
            }
        }
    }
    for status in ["400", "401", "403", "409"] {
        assert!(declared.met.iter().any(|(_, met)| met == status), "no {status}");
    }
}

fn uuid_of_nobody() -> &'static str {
    "00000000-0000-4000-8000-000000000000"
}

both_engines![every_operation_answers_as_the_document_says];
