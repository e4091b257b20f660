//! What cannot be read is never taken for nothing: neither the roles of an account nor what was counted against it. Nor does
//! it keep what can be read from being done.

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Person, Program, Setup, eventually};

fn roles_that_cannot_be_read_are_not_told_as_none(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ann = house.admin("ann");
    assert_eq!(ann.client.get("/api/account/status").expect(200)["role_grants"][0]["role"], "admin");
    house.server.kill9();
    let store = &house.server.store;
    store.execute(&format!(
        "UPDATE events SET payload = '{{}}' WHERE aggregate_type = 'offer' AND aggregate_id = '{}' AND sequence = 1;
         DELETE FROM snapshots;",
        ann.id
    ));
    house.server.restart();
    let correlation = ann.client.get_a_fault("/api/account/status");
    assert_eq!(house.server.log_with(&correlation).lines().filter(|line| line.contains(&correlation)).count(), 1);
    assert_eq!(house.keeper.client.get("/api/account/status").expect(200)["actor"]["id"], house.keeper.actor);
}

fn counted_failures_that_cannot_be_read_are_not_forgiven(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_ACCOUNT", "3/900")]);
    let ann = house.person("ann");
    house.login(&ann.username, "wrong").refused(401, "invalid_credentials");
    let store = &house.server.store;
    store.execute_on_read_models("UPDATE request_windows_v1 SET counted = 'damaged'");
    let body = json!({ "username": ann.username, "password": PASSWORD });
    house.server.anonymous().post_a_fault("/api/account/login", &body);
    store.execute_on_read_models("DELETE FROM request_windows_v1");
    house.login(&ann.username, PASSWORD).expect(200);
}

fn acc_220_a_book_that_cannot_be_read_keeps_no_other_from_the_sweep(engine: Engine) {
    let lapsing = |setup: Setup| setup.set("OFFERS_TTL", "1s");
    let setup = lapsing(Setup::new(engine).with_accounts()).set("CLEANUP_INTERVAL", "12h");
    let house = Installation::start(setup);
    let [broken, ben, cid] = ["broken", "ben", "cid"].map(|name| house.person(name));
    let lapses = |to: &Person| {
        house.offer(&house.keeper, to, "teacher", &json!({}));
        eventually("it lapses", || {
            let listed = to.client.rpc("role_grant_offer_list", &json!({})).result();
            (listed["offers"] == json!([])).then_some(())
        });
    };
    // The one that cannot be read comes first.
    [&broken, &ben].into_iter().for_each(lapses);
    house.server.terminate();
    let store = &house.server.store;
    store.execute(&format!(
        "UPDATE events SET payload = '{{}}' WHERE aggregate_type = 'offer' AND aggregate_id = '{}' AND sequence = 1;
         DELETE FROM snapshots;",
        broken.id
    ));
    let operator = Program::operator_of(&house.server);
    for offers in [1, 0] {
        let swept = operator.run(&["cleanup", "--json"]);
        let told: Value = serde_json::from_str(swept.ended(1)).unwrap();
        assert_eq!(told, json!({ "expired_sessions": 0, "expired_offers": offers }));
        assert!(swept.stderr.contains("1 could not be swept") && swept.stderr.contains(&broken.id), "{}", swept.stderr);
    }
    house.server.restart();
    house.row("role_grant_offer_expire", &ben.id);
    lapses(&cid);
    house.server.terminate();
    // A server does it by itself, and its log says both.
    let often = lapsing(Setup::new(engine).with_accounts()).set("CLEANUP_INTERVAL", "1s");
    let server = often.over(store.clone(), &house.server.data).start();
    let says = |line: &str, words: &[&str]| words.iter().all(|word| line.contains(word));
    eventually("the other is swept", || (store.count("offer.lapsed") == 2).then_some(()));
    eventually("the log says so", || {
        let log = server.log();
        let lines = |words: &[&str]| log.lines().any(|line| says(line, words));
        let swept = lines(&["swept what ran out", "expired_sessions", "expired_offers", "failures"]);
        (swept && lines(&["lapsed offers could not be noted", &broken.id])).then_some(())
    });
    assert_eq!(store.count("offer.lapsed"), 2, "once each");
}

fn acc_221_a_session_that_cannot_be_read_keeps_no_other_from_the_sweep(engine: Engine) {
    let settings =
        [("ACCOUNTS_SESSION_MAX_AGE", "2s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0"), ("CLEANUP_INTERVAL", "12h")];
    let house = Installation::with(engine, &settings);
    house.login("keeper", PASSWORD).expect(200);
    // By the file, for both may have run out; once it answers, what follows is not folded any more.
    house.daemon().rpc("admin_session_list", &json!({})).result();
    house.server.terminate();
    let store = &house.server.store;
    // The older one, which the sweep asks first.
    store.execute(
        "UPDATE events SET payload = '{}' WHERE position = \
         (SELECT MIN(position) FROM events WHERE event_type = 'session.started'); DELETE FROM snapshots;",
    );
    let damaged =
        &store.texts("SELECT aggregate_id FROM events WHERE event_type = 'session.started' ORDER BY position")[0];
    let operator = Program::operator_of(&house.server);
    let sweep = || {
        let swept = operator.run(&["cleanup", "--json"]);
        assert_eq!(swept.code == 1, swept.stderr.contains(damaged), "{}", swept.stderr);
        let told: Value = serde_json::from_str(&swept.stdout).unwrap();
        (swept.code, told["expired_sessions"].clone())
    };
    eventually("the other runs out and is closed", || {
        let swept = sweep();
        (swept.1 != json!(0)).then(|| assert_eq!(swept, (1, json!(1))))
    });
    assert_eq!(sweep(), (1, json!(0)));
    assert_eq!(["session.revoked", "account.session_closed"].map(|ended| store.count(ended)), [1, 1]);
}

both_engines![
    acc_221_a_session_that_cannot_be_read_keeps_no_other_from_the_sweep,
    roles_that_cannot_be_read_are_not_told_as_none,
    counted_failures_that_cannot_be_read_are_not_forgiven,
    acc_220_a_book_that_cannot_be_read_keeps_no_other_from_the_sweep,
];
