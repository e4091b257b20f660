//! Which step of a sign-in by code is told of first, and what a logout ends (MET-012, 031).

use serde_json::json;

use crate::harness::{Engine, Server, unique};

fn met_012_the_steps_of_a_verification_are_told_in_their_order(engine: Engine) {
    let server = Server::shared(engine);
    let client = server.anonymous();
    let email = format!("{}@example.com", unique("ana"));
    let stranger = format!("{}@example.com", unique("eve"));
    let code = server.code_for(&email);
    let verify = |body: &str| client.post_bytes("/v1/auth/otp/verify", body);
    verify("{").refused(400, "invalid_json");
    // Whatever comes later is wrong as well.
    for (body, refusal, named) in [
        (json!({ "code": "x" }), "missing_field", "email"),
        (json!({ "email": null, "code": 7 }), "missing_field", "email"),
        (json!({ "email": " \t", "code": 7 }), "missing_field", "email"),
        (json!({ "email": 7, "code": "x" }), "missing_field", "email"),
        (json!({ "email": "a@b" }), "invalid_email", "email"),
        (json!({ "email": "a@b", "code": 7 }), "invalid_email", "email"),
        (json!({ "email": stranger }), "missing_field", "code"),
        (json!({ "email": email }), "missing_field", "code"),
        (json!({ "email": email, "code": null }), "missing_field", "code"),
        (json!({ "email": email, "code": " \t" }), "missing_field", "code"),
        (json!({ "email": email, "code": 123_456 }), "missing_field", "code"),
        (json!({ "email": stranger, "code": "x" }), "invalid_otp", "code"),
        (json!({ "email": email, "code": "x" }), "invalid_otp", "code"),
    ] {
        let refusal = verify(&body.to_string()).refused(400, refusal);
        let message = refusal["message"].as_str().unwrap();
        assert!(message.starts_with(named), "{body}: {message}");
    }
    verify(&json!({ "email": stranger, "code": "123456" }).to_string()).refused(401, "invalid_otp");
    verify(&json!({ "email": email, "code": code }).to_string()).expect(200);
}

fn met_031_a_logout_ends_no_other_session_of_the_account(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let further = server.sign_in(&founder.email);
    let own = |client: &crate::harness::Client| client.get("/v1/auth/session");
    let account = own(&founder.client).expect(200)["account_id"].clone();
    founder.client.post_bytes("/v1/auth/logout", "").expect(200);
    own(&founder.client).refused(401, "invalid_session");
    assert_eq!(own(&further.client).expect(200)["account_id"], account);
    assert_eq!(server.store.count("session.revoked"), 1);
}

both_engines![
    met_012_the_steps_of_a_verification_are_told_in_their_order,
    met_031_a_logout_ends_no_other_session_of_the_account,
];
