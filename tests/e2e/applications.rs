//! Applications of companies (MET-040 to 054, but for invites).

use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{
    Company, Engine, Installation, MailSink, OpenTransaction, Program, Server, Setup, assert_id, base64url,
    in_parallel, looks_like, unique,
};
use crate::limits::assert_window;

fn form(email: &str) -> Value {
    json!({ "company_name": "Acme", "founder_name": "Ana Founder", "founder_email": email })
}

fn address() -> String {
    format!("{}@example.com", unique("ana"))
}

fn met_040_an_application_needs_only_three_names(engine: Engine) {
    let made = Server::shared(engine).anonymous().post("/v1/applications", &form(&address())).expect(201);
    let mut keys: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["application_id", "company_id", "founder_email_verified", "token", "token_scopes"]);
    assert_eq!(made["token_scopes"], json!(["application:read", "metrics:create", "metrics:write"]));
    assert_eq!(made["founder_email_verified"], false);
    assert_id(&made["company_id"], "co");
    assert_id(&made["application_id"], "app");
    let token = made["token"].as_str().unwrap().strip_prefix("alif_live_").unwrap();
    let (public, secret) = token.split_once('_').unwrap();
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(looks_like(public, "", 18, hexadecimal) && looks_like(secret, "", 43, base64url), "{token}");
}

fn met_041_a_session_of_the_address_verifies_it(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("verified");
    let made = founder.client.post("/v1/applications", &form(&founder.email)).expect(201);
    assert_eq!(made["founder_email_verified"], true);
}

fn met_042_a_session_of_another_address_is_refused(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("other");
    let before = server.store.count("%");
    founder.client.post("/v1/applications", &form(&address())).refused(403, "email_mismatch");
    assert_eq!(server.store.count("%"), before);
}

fn met_043_a_bad_session_is_refused_and_another_bearer_is_ignored(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    server.agent("alif_session_00_x").post("/v1/applications", &form(&address())).refused(401, "invalid_session");
    let founder = server.founder("gone");
    founder.client.post_bytes("/v1/auth/logout", "").expect(200);
    founder.client.post("/v1/applications", &form(&founder.email)).refused(401, "invalid_session");
    for ignored in [company.token.as_str(), "alif_live_00_x", "eyJhbGciOiJub25lIn0.e30."] {
        let made = server.agent(ignored).post("/v1/applications", &form(&address())).expect(201);
        assert_eq!(made["founder_email_verified"], false, "as if absent");
    }
}

fn met_043_a_cookie_without_a_verified_address_is_as_if_absent(engine: Engine) {
    let plain = Installation::shared(engine).person("plain").client;
    let body = form(&address());
    assert_eq!(plain.post("/v1/applications", &body).expect(201)["founder_email_verified"], false);
    // A page elsewhere applies for nobody all the same.
    let rogue = plain.header("origin", "https://rogue.example");
    rogue.post("/v1/applications", &body).refused(403, "forbidden_origin");
    plain.post_bytes("/v1/applications", body.to_string()).refused(415, "unsupported_media_type");
}

fn met_044_a_signup_secret_is_demanded_before_the_body_is_read(engine: Engine) {
    let settings = [("SIGNUP_SECRET", "open-sesame-4711"), ("REQUIRE_EMAIL_OTP", "true")];
    let server = Server::with(engine, &settings);
    let plain = server.anonymous();
    let wrong = plain.header("x-alif-signup-secret", "open-sesame-4712");
    let right = plain.header("x-alif-signup-secret", "open-sesame-4711");
    for client in [&plain, &wrong] {
        client.post("/v1/applications", &form(&address())).refused(401, "unauthorized");
        client.post_bytes("/v1/applications", "{").refused(401, "unauthorized");
    }
    right.post("/v1/applications", &form(&address())).expect(201);
    right.post_bytes("/v1/applications", "{").refused(400, "invalid_json");
}

fn met_045_a_required_code_means_a_session(engine: Engine) {
    let server = Server::with(engine, &[("REQUIRE_EMAIL_OTP", "true")]);
    server.anonymous().post("/v1/applications", &form(&address())).refused(401, "email_otp_required");
    server.anonymous().post_bytes("/v1/applications", "{").refused(401, "email_otp_required");
    let founder = server.founder("required");
    founder.client.post("/v1/applications", &form(&founder.email)).expect(201);
}

fn met_046_the_first_missing_field_is_named(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    let fields = ["company_name", "founder_name", "founder_email"];
    for (index, missing) in fields.iter().enumerate() {
        for blank in [None, Some(json!(" \t")), Some(json!(null))] {
            let mut body = form(&address());
            for later in &fields[index..] {
                match &blank {
                    Some(value) => body[*later] = value.clone(),
                    None => drop(body.as_object_mut().unwrap().remove(*later)),
                }
            }
            let refusal = client.post("/v1/applications", &body).refused(400, "missing_field");
            let names = |field: &str| refusal["message"].as_str().unwrap().contains(field);
            assert!(names(missing), "{refusal} names not {missing}");
            assert!(!fields[index + 1..].iter().any(|later| names(later)), "{refusal} names more than the first");
        }
    }
    client.post("/v1/applications", &form("ana@nowhere")).refused(400, "invalid_email");
}

fn met_047_a_primary_metric_gets_the_defaults_or_what_was_given(engine: Engine) {
    let server = Server::shared(engine);
    let apply = |metric: Value| {
        let company = server.apply(&server.anonymous(), &address(), &json!({ "primary_metric": metric }));
        company.status()["metrics"].clone()
    };
    let plain = json!({
        "key": "weekly_revenue", "display_name": "Weekly Revenue", "unit": "count", "cadence": "weekly",
        "direction": "up", "verification_level": "self_reported", "latest_value": null, "latest_timestamp": null,
    });
    assert_eq!(apply(json!({ "key": "Weekly Revenue" })), json!([plain]));
    let given =
        json!({ "key": "churn", "display_name": "Lost", "unit": "%", "cadence": "monthly", "direction": "down" });
    let shown = apply(given.clone());
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(&shown[0][field], value);
    }
    for none in [json!({}), json!({ "key": null }), json!({ "key": "" }), json!(null)] {
        assert_eq!(apply(none), json!([]));
    }
    let mut body = form(&address());
    body["primary_metric"] = json!({ "key": 5 });
    server.anonymous().post("/v1/applications", &body).refused(400, "invalid_field");
}

fn met_047_a_primary_metric_is_read_as_strictly_as_the_rest(engine: Engine) {
    let server = Server::with(engine, &[]);
    let before = server.store.count("%");
    for (metric, code, named) in [
        (json!({ "key": "arr", "colour": "red" }), "unknown_field", "colour"),
        (json!({ "key": "arr", "source_type": "stripe" }), "unknown_field", "source_type"),
        (json!("arr"), "invalid_field", "primary_metric"),
        (json!({ "key": "arr", "unit": 5 }), "invalid_field", "unit"),
    ] {
        let mut body = form(&address());
        body["primary_metric"] = metric;
        let refusal = server.anonymous().post("/v1/applications", &body).refused(400, code);
        assert!(refusal["message"].as_str().unwrap().contains(named), "{refusal} names not {named}");
    }
    assert_eq!(server.store.count("%"), before, "nothing is recorded");
    let further = json!({ "primary_metric": { "key": "Weekly Revenue" } });
    let company = server.apply(&server.anonymous(), &address(), &further);
    let shown = company.agent.get("/v1/metrics/weekly_revenue").expect(200);
    assert_eq!(shown["source_type"], "self_reported", "{shown}");
}

fn met_048_a_metric_key_without_a_letter_stops_the_whole_application(engine: Engine) {
    let server = Server::with(engine, &[]);
    let mut body = form(&address());
    body["primary_metric"] = json!({ "key": "!!!" });
    let before = server.store.count("%");
    server.anonymous().post("/v1/applications", &body).refused(400, "invalid_metric_key");
    assert_eq!(server.store.count("%"), before);
}

fn met_049_an_application_is_not_idempotent(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    let body = form(&address());
    let (first, second) =
        (client.post("/v1/applications", &body).expect(201), client.post("/v1/applications", &body).expect(201));
    for key in ["company_id", "application_id", "token"] {
        assert_ne!(first[key], second[key]);
    }
}

fn met_052_an_eleventh_application_an_hour_from_one_address_is_limited(engine: Engine) {
    let server = Setup::new(engine).set("LIMITS_APPLICATIONS_ADDRESS", "").start();
    let begun = Instant::now();
    for _ in 0..10 {
        server.anonymous().post("/v1/applications", &form(&address())).expect(201);
    }
    let eleventh = server.anonymous().post("/v1/applications", &form(&address()));
    assert_window(eleventh.limited("rate_limited"), begun, 3_600);
    server.anonymous().at_address("127.0.0.2").post("/v1/applications", &form(&address())).expect(201);
}

fn met_053_a_founder_sees_only_own_applications(engine: Engine) {
    let server = Server::shared(engine);
    let (ana, bo) = (server.founder("ana"), server.founder("bo"));
    let narrative =
        json!({ "narrative": { "one_liner": "We count", "team": [1, 2] }, "website": "https://acme.example" });
    let first = server.company_of(&ana);
    let second = server.apply(&ana.client, &ana.email, &narrative);
    let foreign = server.company_of(&bo);
    let listed = ana.client.get("/v1/applications").expect(200);
    let ids: Vec<&str> = listed["applications"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [second.application.as_str(), &first.application], "newest first, own only");
    let shown = ana.client.get(&format!("/v1/applications/{}", second.application)).expect(200);
    assert_eq!(shown["application"]["narrative"], narrative["narrative"]);
    assert_eq!(shown["application"]["website"], narrative["website"]);
    assert_eq!(shown["application"]["status_history"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!((&shown["metrics"], &shown["alerts"]), (&json!([]), &json!([])));
    let other = ana.client.get(&format!("/v1/applications/{}", foreign.application));
    let random = ana.client.get("/v1/applications/app_AAAAAAAAAAAAAAAA");
    other.refused(404, "application_not_found");
    assert_eq!(other.body, random.body);
    first.agent.get("/v1/applications").refused(403, "credential_type_required");
}

fn met_053_a_founder_is_told_all_of_an_application(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("rows");
    let given = json!({ "company_name": "Acme Rows", "website": "https://acme.example" });
    let with_session = server.apply(&founder.client, &founder.email, &given);
    let without = server.apply(&server.anonymous(), &founder.email, &json!({ "company_name": "Acme Plain" }));
    let row = |company: &Company, name: &str, website: Value, is_verified: bool| {
        json!({
            "id": company.application, "company_id": company.id, "company_name": name, "website": website,
            "status": "submitted", "submitted_at": company.status()["application"]["submitted_at"],
            "founder_email_verified": is_verified,
        })
    };
    let rows = [
        row(&without, "Acme Plain", Value::Null, false),
        row(&with_session, "Acme Rows", json!("https://acme.example"), true),
    ];
    assert_eq!(founder.client.get("/v1/applications").expect(200), json!({ "applications": rows }));
    for mut details in rows {
        let shown = founder.client.get(&format!("/v1/applications/{}", details["id"].as_str().unwrap())).expect(200);
        details["narrative"] = json!({});
        details["status_history"] = json!([{ "status": "submitted", "at": details["submitted_at"], "reason": null }]);
        assert_eq!(shown, json!({ "application": details, "metrics": [], "alerts": [] }));
    }
}

fn met_054_production_demands_a_code_unless_there_is_a_secret(engine: Engine) {
    let sink = MailSink::start();
    let server = Setup::new(engine).production(&sink.url()).start();
    server.anonymous().post("/v1/applications", &form(&address())).refused(401, "email_otp_required");
    assert_eq!(server.anonymous().get("/health").expect(200)["env"], "production");
    let secret = "open-sesame-4711";
    let server = Setup::new(engine).production(&sink.url()).set("SIGNUP_SECRET", secret).start();
    server.anonymous().post("/v1/applications", &form(&address())).refused(401, "unauthorized");
    let known = server.anonymous().header("x-alif-signup-secret", secret);
    assert_eq!(known.post("/v1/applications", &form(&address())).expect(201)["founder_email_verified"], false);
}

fn the_oldest_of_more_companies_than_a_page_has_is_its_founders(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let oldest = server.company_of(&founder);
    oldest.metric("arr");
    let more = "SELECT substr(id, 1, length(id) - 4) || (1000 + n), substr(company_id, 1, length(company_id) - 4) || (1000 + n), \
                company_name, company_name_folded, website, founder_id, founder_name, founder_email, founder_email_verified, \
                founder_subject, narrative, status, submitted_at, position + n FROM applications_v1_g0, numbers";
    server.store.execute_on_read_models(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1001) \
         INSERT INTO applications_v1_g0 {more}"
    ));
    let count = |path: &str, list: &str| founder.client.get(path).expect(200)[list].as_array().unwrap().len();
    assert_eq!(count("/v1/applications", "applications"), 1_002);
    assert_eq!(count("/v1/auth/session", "companies"), 1_002);
    let of_oldest = |path: &str| format!("{path}?company_id={}", oldest.id);
    assert_eq!(count(&of_oldest("/v1/metrics"), "metrics"), 1);
    let tokens = founder.client.get(&of_oldest("/v1/tokens")).expect(200);
    let token = tokens["tokens"][0]["public_id"].as_str().unwrap();
    founder.client.post(&format!("/v1/tokens/{token}/revoke"), &json!({})).expect(200);
    let events = founder.client.get("/v1/events?limit=100").expect(200)["events"].to_string();
    assert!(events.contains(&oldest.id), "{events}");

    let stranger = server.founder("bea");
    server.company_of(&stranger);
    stranger.client.get(&of_oldest("/v1/metrics")).refused(404, "not_found");
    stranger.client.post(&format!("/v1/tokens/{token}/revoke"), &json!({})).refused(404, "token_not_found");
    founder.client.get("/v1/metrics?company_id=co_none").refused(404, "not_found");
}

fn an_application_can_be_withdrawn_once(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("leaving");
    let company = server.company_of(&founder);
    let path = format!("/v1/applications/{}/withdraw", company.application);
    let answer = founder.client.post(&path, &json!({ "reason": "sold" })).expect(200);
    assert_eq!(answer, json!({ "id": company.application, "status": "withdrawn" }));
    founder.client.post_bytes(&path, "").refused(409, "invalid_transition");
    assert_eq!(company.status()["application"]["status"], "withdrawn");
    let shown = founder.client.get(&format!("/v1/applications/{}", company.application)).expect(200);
    assert_eq!(shown["application"]["status_history"][1]["reason"], "sold", "{shown}");
}

fn the_limit_of_applications_an_address_of_mail_holds(engine: Engine) {
    let server = Setup::new(engine).set("LIMITS_APPLICATIONS_EMAIL", "").start();
    let (email, begun) = (address(), Instant::now());
    for _ in 0..5 {
        server.anonymous().post("/v1/applications", &form(&email)).expect(201);
    }
    let sixth = server.anonymous().post("/v1/applications", &form(&email));
    assert_window(sixth.limited("rate_limited"), begun, 86_400);
    server.anonymous().post("/v1/applications", &form(&address())).expect(201);
    Program::operator_of(&server).run(&["audit", "verify"]).ok();
}

/// Who is told that nothing was done and to come again shortly must not be kept out for a day.
fn met_052_an_application_that_could_not_be_recorded_does_not_count(engine: Engine) {
    let limits = ["LIMITS_APPLICATIONS_ADDRESS", "LIMITS_APPLICATIONS_EMAIL"];
    let server = limits.iter().fold(Setup::new(engine), |setup, limit| setup.set(limit, "")).start();
    let email = address();
    // What is sealed for the address has its key already.
    server.code_for(&email);
    let apply = || server.anonymous().post("/v1/applications", &form(&email));
    let held = OpenTransaction::before_appends(&server.store);
    for refused in in_parallel(5, |_| apply()) {
        refused.refused(503, "service_unavailable");
    }
    held.end("ROLLBACK");
    for _ in 0..5 {
        apply().expect(201);
    }
    apply().limited("rate_limited");
    for _ in 0..5 {
        server.anonymous().post("/v1/applications", &form(&address())).expect(201);
    }
    server.anonymous().post("/v1/applications", &form(&address())).limited("rate_limited");
}

both_engines![
    met_040_an_application_needs_only_three_names,
    met_041_a_session_of_the_address_verifies_it,
    met_042_a_session_of_another_address_is_refused,
    met_043_a_bad_session_is_refused_and_another_bearer_is_ignored,
    met_043_a_cookie_without_a_verified_address_is_as_if_absent,
    met_044_a_signup_secret_is_demanded_before_the_body_is_read,
    met_045_a_required_code_means_a_session,
    met_046_the_first_missing_field_is_named,
    met_047_a_primary_metric_gets_the_defaults_or_what_was_given,
    met_047_a_primary_metric_is_read_as_strictly_as_the_rest,
    met_048_a_metric_key_without_a_letter_stops_the_whole_application,
    met_049_an_application_is_not_idempotent,
    met_052_an_eleventh_application_an_hour_from_one_address_is_limited,
    met_052_an_application_that_could_not_be_recorded_does_not_count,
    met_053_a_founder_sees_only_own_applications,
    met_053_a_founder_is_told_all_of_an_application,
    met_054_production_demands_a_code_unless_there_is_a_secret,
    an_application_can_be_withdrawn_once,
    the_oldest_of_more_companies_than_a_page_has_is_its_founders,
    the_limit_of_applications_an_address_of_mail_holds,
];
