//! What a refused request records: nothing (spec/metrics.md section 2.1). That each of these is refused, and how, the tests
//! of its own id say.

use serde_json::{Value, json};

use crate::harness::{Client, Company, Engine, Founder, Installation, Server, unique};
use crate::points::ARR;

/// Runs what must be refused, and asserts that no event came of it.
#[track_caller]
fn records_nothing(server: &Server, refused: impl FnOnce()) {
    let before = server.store.count("%");
    refused();
    assert_eq!(server.store.count("%"), before);
}

/// Posts each of these, which must be answered so.
#[track_caller]
fn refuse(client: &Client, path: &str, bodies: &[Value], status: u16, code: &str) {
    for body in bodies {
        client.post(path, body).refused(status, code);
    }
}

fn sign_in(server: &Server) {
    let email = format!("{}@example.com", unique("ana"));
    let code = server.code_for(&email);
    let client = server.anonymous();
    let (start, verify) = ("/v1/auth/otp/start", "/v1/auth/otp/verify");
    records_nothing(server, || {
        let missing = [json!({}), json!({ "email": " " }), json!({ "email": 7 })];
        refuse(&client, start, &missing, 400, "missing_field");
        let none = ["a", "a@b", "a b@c.d", "@c.d"].map(|email| json!({ "email": email }));
        refuse(&client, start, &none, 400, "invalid_email");
        let ill_formed = ["12345", "1234567", "12345a", "1e5"].map(|code| json!({ "email": email, "code": code }));
        refuse(&client, verify, &ill_formed, 400, "invalid_otp");
        refuse(&client, verify, &[json!({ "email": email, "code": 123_456 })], 400, "missing_field");
    });
    client.post(verify, &json!({ "email": email, "code": code })).expect(200);
}

fn points_and_rules(server: &Server, company: &Company) {
    let agent = &company.agent;
    records_nothing(server, || {
        for bad in ["", &"k".repeat(256), "a\tb"] {
            let keyed = agent.header("idempotency-key", bad);
            refuse(&keyed, ARR, &[json!({ "value": 1 })], 400, "invalid_idempotency_key");
        }
        let keys = [json!(""), json!("k".repeat(256)), json!("a\u{1}b")];
        let keyed = keys.map(|key| json!({ "value": 1, "idempotency_key": key }));
        refuse(agent, ARR, &keyed, 400, "invalid_idempotency_key");
        let thresholds = [json!(0), json!(-1), json!(1_000.5), json!("x")];
        let rules = thresholds.map(|threshold| json!({ "type": "growth_spike", "threshold": threshold }));
        refuse(agent, "/v1/metrics/arr/rules", &rules, 400, "invalid_field");
        let rules = [json!({ "type": "nonsense" }), json!({ "type": "growth_spike", "severity": "urgent" })];
        refuse(agent, "/v1/metrics/arr/rules", &rules, 400, "invalid_field");
    });
}

fn tokens(server: &Server, founder: &Founder) {
    let token = |field: &str, value: Value| {
        let mut body = json!({ "name": "ok", "scopes": ["application:read"] });
        body[field] = value;
        body
    };
    let make = |n: u32| json!({ "name": format!("t{n}"), "scopes": ["application:read"] });
    records_nothing(server, || {
        let bodies = [
            token("scopes", json!(["metrics:admin"])),
            token("scopes", json!(["application:read", "application:read"])),
            token("allowed_metrics", json!([])),
            token("expires_in_days", json!(366)),
            token("name", json!("default-agent-token")),
        ];
        refuse(&founder.client, "/v1/tokens", &bodies, 400, "invalid_field");
    });
    // With the default one these are twenty.
    for n in 0..19 {
        founder.client.post("/v1/tokens", &make(n)).expect(201);
    }
    records_nothing(server, || refuse(&founder.client, "/v1/tokens", &[make(19)], 409, "token_limit"));
}

fn decisions(house: &Installation, company: &Company) {
    let keeper = &house.keeper.client;
    let path = format!("/v1/review/applications/{}/status", company.application);
    let to = |status: Value| json!({ "status": status });
    keeper.post(&path, &to(json!("accepted"))).expect(200);
    records_nothing(&house.server, || {
        let bodies = ["submitted", "rejected", "withdrawn", "in_review"].map(|status| to(json!(status)));
        refuse(keeper, &path, &bodies, 409, "invalid_transition");
        refuse(keeper, &path, &[to(json!("unheard")), to(json!(5))], 400, "invalid_field");
        refuse(keeper, &path, &[to(json!(null)), json!({})], 400, "missing_field");
        keeper.post(&path, &to(json!("accepted"))).expect(200);
    });
}

fn met_012_017_090_112_126_132_what_is_refused_is_recorded_nowhere(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric("arr");
    sign_in(server);
    points_and_rules(server, &company);
    tokens(server, &founder);
    decisions(&house, &company);
}

both_engines![met_012_017_090_112_126_132_what_is_refused_is_recorded_nowhere];
