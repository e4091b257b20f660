//! How long texts may be (spec/metrics.md section 2.1): the longest is taken, one character more is refused by name and
//! records nothing. Characters are counted, not bytes.

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Installation, text};
use crate::points::ARR;

/// So many characters of two bytes each.
fn long(characters: usize) -> String {
    "é".repeat(characters)
}

/// One place that takes a text.
struct Place<'a> {
    client: &'a Client,
    path: &'a str,
    /// What else the body has.
    body: Value,
    field: &'a str,
    longest: usize,
    /// The status of success.
    status: u16,
}

impl Place<'_> {
    fn with(&self, characters: usize) -> Value {
        let mut body = self.body.clone();
        body[self.field] = json!(long(characters));
        body
    }

    /// One more than the longest first, so that what succeeds once may come last.
    #[track_caller]
    fn is_bounded(&self, count: impl Fn() -> usize) {
        let before = count();
        let refusal = self.client.post(self.path, &self.with(self.longest + 1)).refused(400, "invalid_field");
        assert!(text(&refusal["message"]).contains(self.field), "{} {}: {refusal}", self.path, self.field);
        assert_eq!(count(), before, "{} {}", self.path, self.field);
        self.client.post(self.path, &self.with(self.longest)).expect(self.status);
    }
}

fn met_040_the_texts_of_an_application_have_bounds(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let anonymous = server.anonymous();
    let count = || server.store.count("%");
    let body = json!({ "company_name": "Acme", "founder_name": "Ana", "founder_email": "ana@example.com" });
    let place = |field, longest| Place {
        client: &anonymous,
        path: "/v1/applications",
        body: body.clone(),
        field,
        longest,
        status: 201,
    };
    for (field, longest) in [("company_name", 200), ("founder_name", 200), ("website", 2_048)] {
        place(field, longest).is_bounded(count);
    }
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        anonymous.post("/v1/applications", &body)
    };
    let primary =
        |field: &str, characters: usize| with("primary_metric", json!({ "key": "arr", field: long(characters) }));
    // 64 KiB as they are written.
    let narrative = |bytes: usize| json!({ "a": "n".repeat(bytes - "{\"a\":\"\"}".len()) });
    let before = count();
    for field in ["display_name", "unit", "cadence", "direction"] {
        primary(field, 201).refused(400, "invalid_field");
    }
    for bad in [narrative((64 << 10) + 1), json!([]), json!("x"), json!(5), json!(true)] {
        let refusal = with("narrative", bad).refused(400, "invalid_field");
        assert!(text(&refusal["message"]).contains("narrative"), "{refusal}");
    }
    assert_eq!(count(), before);
    for field in ["display_name", "unit", "cadence", "direction"] {
        primary(field, 200).expect(201);
    }
    with("narrative", narrative(64 << 10)).expect(201);
    with("narrative", Value::Null).expect(201);
    for none in [json!(" \t"), json!(""), Value::Null] {
        let made = with("website", none).expect(201);
        let status = server.agent(&text(&made["token"])).get("/v1/status").expect(200);
        assert_eq!(status["application"].get("website"), Some(&Value::Null));
    }
}

fn met_071_the_texts_of_a_company_have_bounds(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric("arr");
    let point = company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 200, "timestamp": "2026-01-02" }));
    let alert = text(&company.wait_for_alerts(1)[0]["id"]);
    let token = json!({ "name": "ci", "scopes": ["metrics:write"] });
    let token = text(&founder.client.post("/v1/tokens", &token).expect(201)["public_id"]);
    let count = || server.store.count("%");
    let (keeper, agent, ana) = (&house.keeper.client, &company.agent, &founder.client);
    for (number, field) in ["display_name", "unit", "cadence", "direction", "source_type"].into_iter().enumerate() {
        let body = json!({ "key": format!("metric {number}") });
        Place { client: agent, path: "/v1/metrics", body, field, longest: 200, status: 201 }.is_bounded(count);
        let path = "/v1/metrics/arr/settings";
        Place { client: agent, path, body: json!({}), field, longest: 200, status: 200 }.is_bounded(count);
    }
    for (field, longest) in [("source", 200), ("raw_event_id", 255)] {
        Place { client: agent, path: ARR, body: json!({ "value": 1 }), field, longest, status: 201 }.is_bounded(count);
    }
    let nothing = json!({});
    let application = &company.application;
    for (client, path, body, field) in [
        (agent, format!("{ARR}/{point}/correct"), json!({ "value": 90 }), "reason"),
        (ana, format!("/v1/alerts/{alert}/ack"), nothing.clone(), "note"),
        (ana, format!("/v1/alerts/{alert}/resolve"), nothing.clone(), "note"),
        (ana, format!("/v1/tokens/{token}/revoke"), nothing.clone(), "reason"),
        (keeper, format!("/v1/review/applications/{application}/status"), json!({ "status": "in_review" }), "reason"),
        (ana, format!("/v1/applications/{application}/withdraw"), nothing, "reason"),
    ] {
        Place { client, path: &path, body, field, longest: 2_000, status: 200 }.is_bounded(count);
    }
}

both_engines![met_040_the_texts_of_an_application_have_bounds, met_071_the_texts_of_a_company_have_bounds];
