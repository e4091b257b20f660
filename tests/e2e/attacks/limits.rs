//! Floods of what limits are counted by (catalogue A12, spec/accounts-and-offers.md section 3.12).

use serde_json::json;

use crate::harness::{Engine, Installation, PASSWORD, eventually};

fn a12_acc_086_made_up_names_push_nobody_out_who_is_about_to_be_stopped(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/1800"), ("CLEANUP_INTERVAL", "1s")]);
    house.named("ann-a");
    for _ in 0..3 {
        house.login("ann-a", "wrong").refused(401, "invalid_credentials");
    }
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    house.server.terminate();
    // As many names as a limiter keeps, each tried once and after the others.
    house.server.store.execute_on_read_models(
        "INSERT INTO request_windows_v1 (key, counted, expires_at) \
         WITH RECURSIVE made_up(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM made_up WHERE number < 100000) \
         SELECT '0000000000-' || CAST(number AS TEXT), '1763740000000000;', \
         (SELECT MAX(expires_at) FROM request_windows_v1) FROM made_up",
    );
    house.server.restart();
    let kept = || house.server.store.texts_of_read_models("SELECT CAST(COUNT(*) AS TEXT) FROM request_windows_v1");
    eventually("no more keys are kept than a limiter may have", || (kept() == ["100000"]).then_some(()));
    house.login("ann-a", PASSWORD).limited("rate_limit_exceeded");
}

fn what_a_clock_counted_that_was_ahead_keeps_nobody_out(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/20")]);
    let counted = || house.server.store.texts_of_read_models("SELECT key || ' ' || counted FROM request_windows_v1");
    house.named("ann-a");
    for _ in 0..3 {
        house.login("ann-a", "wrong").refused(401, "invalid_credentials");
    }
    house.server.terminate();
    for row in counted() {
        let (key, hits) = row.split_once(' ').unwrap();
        let hits = hits.trim_end_matches(';').split(',').filter(|hit| !hit.is_empty());
        let ahead: Vec<String> = hits.map(|hit| (hit.parse::<i64>().unwrap() + 86_400_000_000).to_string()).collect();
        let sql = format!("UPDATE request_windows_v1 SET counted = '{};' WHERE key = '{key}'", ahead.join(","));
        house.server.store.execute_on_read_models(&sql);
    }
    house.server.restart();
    house.login("ann-a", PASSWORD).limited("rate_limit_exceeded");
    eventually("the window has passed", || (house.login("ann-a", PASSWORD).status == 200).then_some(()));
}

fn what_succeeded_is_answered_so_though_the_failures_before_it_cannot_be_forgiven(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "9/1800"), ("LIMITS_SIGNUP_ACCOUNT", "9/1800")]);
    house.invite(&json!({ "username": "ann-a" }));
    // Failures can be counted, but not taken away.
    house.server.store.hold("request_windows_v1", "NEW.counted = ';'");
    house.sign_up(&json!({ "username": "ann-a", "password": PASSWORD })).expect(200);
    house.login("ann-a", PASSWORD).expect(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another-one-by-far" });
    house.keeper.client.post("/api/account/password", &change).expect(200);
    let told = || house.server.log().matches("the failures before a success still count").count();
    eventually("the log says so of each", || (told() == 3).then_some(()));
}

both_engines![
    what_succeeded_is_answered_so_though_the_failures_before_it_cannot_be_forgiven,
    what_a_clock_counted_that_was_ahead_keeps_nobody_out,
    a12_acc_086_made_up_names_push_nobody_out_who_is_about_to_be_stopped,
];
