//! Codes and tokens under attack (catalogue C and G).

use serde_json::json;

use crate::harness::{Engine, Server, unique};

fn c18_only_six_plain_digits_are_a_code(engine: Engine) {
    let server = Server::shared(engine);
    let email = format!("{}@example.com", unique("ana"));
    let code = server.code_for(&email);
    let verify = |code: serde_json::Value| {
        server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": email, "code": code }))
    };
    for wrong in [json!("٠١٢٣٤٥"), json!("1e5"), json!("0x1F40"), json!("+12345")] {
        verify(wrong).refused(400, "invalid_otp");
    }
    for none in [json!([code]), json!({ "code": code }), json!(null), json!(true), json!(123_456)] {
        assert_eq!(verify(none).status, 400);
    }
    verify(json!(format!("{code} "))).expect(200);
}

fn c3_a_code_of_another_address_is_worthless(engine: Engine) {
    let server = Server::shared(engine);
    let (ana, bo) = (format!("{}@example.com", unique("ana")), format!("{}@example.com", unique("bo")));
    let mut code = server.code_for(&ana);
    let other = server.code_for(&bo);
    if code == other {
        code = server.code_for(&ana);
    }
    server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": bo, "code": code })).refused(401, "invalid_otp");
    server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": bo, "code": other })).expect(200);
}

fn g16_an_id_of_another_company_is_like_none(engine: Engine) {
    let server = Server::shared(engine);
    let (ana, bo) = (server.founder("ana"), server.founder("bo"));
    let (own, foreign) = (server.company_of(&ana), server.company_of(&bo));
    foreign.metric("arr");
    let point = foreign.point("arr", &json!({ "value": 1 }));
    own.metric("arr");
    let pairs = [
        (format!("/v1/applications/{}", foreign.application), "/v1/applications/app_AAAAAAAAAAAAAAAA".to_owned()),
        (format!("/v1/metrics?company_id={}", foreign.id), "/v1/metrics?company_id=co_AAAAAAAAAAAAAAAA".to_owned()),
        (format!("/v1/alerts?company_id={}", foreign.id), "/v1/alerts?company_id=co_AAAAAAAAAAAAAAAA".to_owned()),
    ];
    for (existing, random) in pairs {
        let (existing, random) = (ana.client.get(&existing), ana.client.get(&random));
        assert_eq!(existing.status, 404, "{existing}");
        assert_eq!(existing.body, random.body);
    }
    // A token is of one company, and never told what another one's has.
    for path in ["/v1/metrics", "/v1/metrics/arr", "/v1/metrics/arr/points", "/v1/alerts"] {
        own.agent.get(&format!("{path}?company_id={}", own.id)).expect(200);
        for id in [&foreign.id, "co_AAAAAAAAAAAAAAAA", "x", ""] {
            own.agent.get(&format!("{path}?company_id={id}")).refused(404, "not_found");
        }
    }
    let public = foreign.token.split('_').nth(2).unwrap();
    for path in [format!("/v1/tokens/{public}/revoke"), format!("/v1/tokens/{public}/rotate")] {
        ana.client.post_bytes(&path, "").refused(404, "token_not_found");
    }
    let correct = format!("/v1/metrics/arr/points/{point}/correct");
    own.agent.post(&correct, &json!({ "value": 2 })).refused(404, "point_not_found");
    assert_eq!(foreign.points("arr")[0]["value"].as_f64(), Some(1.0));
    foreign.agent.get("/v1/status").expect(200);
}

fn g20_gates_stand_before_the_body(engine: Engine) {
    let server = Server::shared(engine);
    for path in ["/v1/metrics", "/v1/metrics/arr/points", "/v1/metrics/arr/points/batch", "/v1/metrics/arr/rules"] {
        server.anonymous().post_bytes(path, "{").refused(401, "missing_token");
    }
    for path in ["/v1/tokens", "/v1/applications/app_AAAAAAAAAAAAAAAA/withdraw"] {
        server.anonymous().post_bytes(path, "{").refused(401, "invalid_session");
    }
}

fn a_founder_of_two_companies_names_one(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("serial");
    let (first, second) = (server.company_of(&founder), server.company_of(&founder));
    first.metric("one");
    second.metric("two");
    let refusal = founder.client.get("/v1/metrics").refused(400, "company_required");
    assert_eq!(refusal["available"].as_array().unwrap().len(), 2, "{refusal}");
    for (company, key) in [(&first, "one"), (&second, "two")] {
        let listed = founder.client.get(&format!("/v1/metrics?company_id={}", company.id)).expect(200);
        assert_eq!(listed["metrics"][0]["key"], key);
    }
}

both_engines![
    c3_a_code_of_another_address_is_worthless,
    c18_only_six_plain_digits_are_a_code,
    g16_an_id_of_another_company_is_like_none,
    g20_gates_stand_before_the_body,
    a_founder_of_two_companies_names_one,
];
