//! The daemon token (ACC-065 to ACC-069).

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Engine, Installation, PASSWORD, Server, Setup, base64url, eventually};

fn token(server: &Server) -> String {
    std::fs::read_to_string(server.data.join("run/daemon_token")).unwrap()
}

fn acc_065_the_file_is_the_servers_alone_and_goes_with_it(engine: Engine) {
    let server = Setup::new(engine).with_accounts().start();
    let path = server.data.join("run/daemon_token");
    let text = token(&server);
    assert!(text.ends_with('\n') && text.trim_end().len() == 43 && text.trim_end().chars().all(base64url), "{text}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    server.terminate();
    assert!(!path.exists());
}

fn acc_066_the_token_and_the_one_before_hold(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_DAEMON_ROTATION", "1s")]);
    let first = token(&house.server).trim_end().to_owned();
    let status =
        |token: &str| house.server.anonymous().header("x-daemon-token", token).get("/api/account/verify").status;
    assert_eq!(status(&first), 200);
    let second =
        eventually("a rotation", || Some(token(&house.server).trim_end().to_owned()).filter(|second| *second != first));
    assert_eq!(status(&first), 200);
    eventually("a second rotation", || (status(&first) == 401).then_some(()));
    assert_ne!(token(&house.server).trim_end(), second);
    let mut wrong = token(&house.server).trim_end().to_owned();
    let last = if wrong.ends_with('a') { "b" } else { "a" };
    wrong.replace_range(42.., last);
    let malformed = house.server.anonymous().header("x-daemon-token", "short");
    for client in [&house.server.anonymous().header("x-daemon-token", &wrong), &malformed] {
        client.get("/api/account/verify").refused(401, "invalid_daemon_token");
        let body = json!({ "username": "keeper", "password": PASSWORD });
        client.post("/api/account/login", &body).refused(401, "invalid_daemon_token");
    }
    assert_eq!(house.server.anonymous().header("x-daemon-token", "").get("/api/account/verify").status, 401);
}

fn acc_067_before_the_bootstrap_there_is_no_keeper_and_right_after_there_is(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let client = server.anonymous().header("x-daemon-token", token(&server).trim_end());
    client.get("/api/account/verify").refused(503, "keeper_account_not_configured");
    server.bootstrap("keeper").expect(200);
    assert_eq!(client.get("/api/account/verify").status, 200);
}

fn acc_068_the_daemon_token_wins_over_a_cookie(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let both = house.daemon().header("cookie", &ben.cookie);
    let account = both.rpc("account_verify", &serde_json::Value::Null).result();
    assert_eq!(account["id"], json!(house.keeper.id));
}

fn acc_069_the_databases_health_is_the_keepers_by_the_file_alone(engine: Engine) {
    let house = Installation::shared(engine);
    let health = house.daemon().get("/api/db/health").expect(200);
    assert_eq!(health["connected"], true);
    assert!(health["type"].is_string() && health["name"].is_string());
    let (by_token, _) = house.token_of(&house.keeper);
    for client in [&house.keeper.client, &by_token] {
        let refusal = client.get("/api/db/health").refused(403, "credential_type_required");
        assert_eq!(refusal["required_credential_types"], json!(["daemon_token"]));
    }
}

both_engines![
    acc_065_the_file_is_the_servers_alone_and_goes_with_it,
    acc_066_the_token_and_the_one_before_hold,
    acc_067_before_the_bootstrap_there_is_no_keeper_and_right_after_there_is,
    acc_068_the_daemon_token_wins_over_a_cookie,
    acc_069_the_databases_health_is_the_keepers_by_the_file_alone,
];
