//! The first account (ACC-070 to ACC-075).

use serde_json::json;

use crate::harness::{
    Engine, Installation, PASSWORD, SHORT_READ_WAIT, Server, Setup, cookie_of, eventually, in_parallel,
};

fn acc_070_the_first_account_keeps_and_administers(engine: Engine) {
    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let offered = server.anonymous().get("/api/account/status").refused(401, "authentication_required");
    assert_eq!(offered["bootstrap_available"], true);
    let reply = server.bootstrap("Keeper");
    let made = reply.expect(200);
    assert_eq!(made["account"]["username"], "keeper");
    let client = server.anonymous().header("cookie", &cookie_of(&reply));
    let status = client.get("/api/account/status").expect(200);
    assert_eq!(status["actor"]["id"], made["actor"]["id"]);
    let grants = status["role_grants"].as_array().unwrap();
    let roles: Vec<_> = grants.iter().map(|grant| grant["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["admin", "keeper"]);
    assert!(grants.iter().all(|grant| grant["granted_by"].is_null() && grant["scope_id"].is_null()));
    assert!(grants.iter().all(|grant| grant["expires_at"].is_null()), "without an end: {grants:?}");
    assert!(!folder.path().join("token").exists());
    let after = server.anonymous().get("/api/account/status").refused(401, "authentication_required");
    assert!(after.get("bootstrap_available").is_none());
    let rows = client.rpc("audit_log_list", &json!({ "event_type": "bootstrap" })).result();
    assert_eq!(rows["events"][0]["outcome"], "success");
    assert_eq!(rows["events"][0]["account_id"], made["account"]["id"]);
    assert!(rows["events"][0]["actor_id"].is_null() && rows["events"][0]["metadata"].is_null());
}

fn acc_071_a_closed_window_says_one_thing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let rows = || house.audit(&json!({ "event_type": "bootstrap" })).len();
    let before = rows();
    house.server.bootstrap("second").refused(403, "already_bootstrapped");
    assert_eq!(rows(), before);

    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let offers_none = |server: &Server| {
        let status = server.anonymous().get("/api/account/status").refused(401, "authentication_required");
        assert!(status.get("bootstrap_available").is_none(), "{status}");
    };
    let closed = setup.set("ACCOUNTS_BOOTSTRAP", "surface_only").start();
    offers_none(&closed);
    closed.bootstrap("first").refused(403, "already_bootstrapped");
    assert_eq!(closed.store.count("attempt.refused"), 0);
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let disabled = setup.set("ACCOUNTS_BOOTSTRAP", "disabled").start();
    offers_none(&disabled);
    disabled.bootstrap("first").refused(404, "not_found");

    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let attempts = house.server.store.count("attempt.refused");
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let restored = setup.over(house.server.store.clone(), &house.server.data).start();
    offers_none(&restored);
    restored.bootstrap("second").refused(403, "already_bootstrapped");
    assert_eq!(restored.store.count("attempt.refused"), attempts);
    assert!(folder.path().join("token").exists());
}

fn acc_071_another_first_account_closes_the_window_and_the_log_says_so(engine: Engine) {
    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let told = || server.log().lines().filter(|line| line.contains("muniment role grant <account> keeper")).count();
    assert_eq!(told(), 0);
    server.founder("first");
    for round in 1..=2 {
        let status = server.anonymous().get("/api/account/status").refused(401, "authentication_required");
        assert!(status.get("bootstrap_available").is_none(), "{status}");
        server.bootstrap("keeper").refused(403, "already_bootstrapped");
        assert_eq!(server.store.count("attempt.refused"), 0, "the early refusal leaves no row");
        assert_eq!(told(), round, "{}", server.log());
        if round == 1 {
            server.terminate();
            server.restart();
        }
    }
    assert!(folder.path().join("token").exists());
}

fn acc_072_a_wrong_token_and_a_missing_file_make_no_account(engine: Engine) {
    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    server.bootstrap_with("wrong", "first").refused(401, "invalid_token");
    server.bootstrap_with("bootstrap-token-of-the-tests ", "first").refused(401, "invalid_token");
    let path = folder.path().join("token");
    assert!(path.exists());
    assert_eq!(server.store.count("account.registered"), 0);
    assert_eq!(server.store.count("attempt.refused"), 2);
    std::fs::remove_file(&path).unwrap();
    server.bootstrap("first").refused(404, "token_file_missing");
    assert_eq!(server.store.count("attempt.refused"), 3);
    std::fs::write(&path, "bootstrap-token-of-the-tests").unwrap();
    server.bootstrap("first").refused(403, "already_bootstrapped");
    assert_eq!(server.store.count("account.registered"), 0);
    assert!(path.exists());
    // Rows are an administrator's to read: the window opens again at the next start, and makes the first.
    server.terminate();
    server.restart();
    let reply = server.bootstrap("first");
    reply.expect(200);
    let client = server.anonymous().header("cookie", &cookie_of(&reply));
    let failures = json!({ "event_type": "bootstrap", "outcome": "failure" });
    let rows = client.rpc("audit_log_list", &failures).result();
    let rows = rows["events"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| row["metadata"].clone()).collect();
    let error = |reason: &str| json!({ "error": reason });
    assert_eq!(told, [error("token_file_missing"), error("invalid_token"), error("invalid_token")]);
    assert!(rows.iter().all(|row| row["account_id"].is_null() && row["actor_id"].is_null()), "{rows:?}");
}

fn acc_072_what_the_server_cannot_do_now_is_no_refusal(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let (name, value) = SHORT_READ_WAIT;
    let server = setup.set(name, value).set("LIMITS_BOOTSTRAP_IP", "2/600").start();
    // From here on no read model tells whether there is anybody.
    server.store.hold("read_checkpoints_v1", "TRUE");
    server.bootstrap_with("wrong", "first").refused(401, "invalid_token");
    for _ in 0..2 {
        assert_eq!(server.bootstrap("first").status, 503);
    }
    assert_eq!(server.store.count("attempt.refused"), 1);
    server.store.let_go("read_checkpoints_v1");
    eventually("the read models move again", || (server.bootstrap("first").status == 200).then_some(()));
}

fn acc_073_many_at_once_make_one_account(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let replies = in_parallel(20, |index| server.bootstrap(&format!("keeper-{index}")));
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(made.len(), 1, "{replies:?}");
    for reply in refused {
        let told = (reply.status, reply.code());
        let late = [(403, "already_bootstrapped"), (404, "token_file_missing")];
        assert!(late.iter().any(|(status, code)| told == (*status, (*code).to_owned())), "{told:?}");
    }
    assert_eq!((server.store.count("account.registered"), server.store.count("roster.founded")), (1, 1));
    let client = server.anonymous().header("cookie", &cookie_of(made[0]));
    let listed = |method: &str, what: &str| client.rpc(method, &json!(null)).result()[what].as_array().unwrap().len();
    assert_eq!((listed("actor_list", "actors"), listed("account_session_list", "sessions")), (1, 1));
    let rows = json!({ "event_type": "bootstrap", "outcome": "success" });
    assert_eq!(client.rpc("audit_log_list", &rows).result()["events"].as_array().unwrap().len(), 1);
}

fn acc_074_a_file_that_stays_is_told_as_a_fault_and_the_account_stands(engine: Engine) {
    use std::os::fd::AsRawFd as _;
    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let kept = std::fs::File::open(folder.path().join("token")).unwrap();
    // The same file by another name: a link of /proc can be read through and be removed by nobody, root included.
    let path = format!("/proc/{}/fd/{}", std::process::id(), kept.as_raw_fd());
    assert!(std::fs::remove_file(&path).is_err(), "the obstacle is none");
    let server = setup.set("ACCOUNTS_BOOTSTRAP_TOKEN_PATH", &path).start();
    let (status, body) = server.bootstrap_to_a_fault("keeper");
    assert_eq!(status, 500, "{body}");
    assert!(!body.contains("/proc/") && !body.contains("token"), "{body}");
    assert!(std::fs::read_to_string(&path).is_ok(), "the file is still there");
    let told = |line: &str| line.contains(&path) && line.contains("ERROR");
    assert!(server.log_with(&path).lines().any(told), "{}", server.log());
    let login = json!({ "username": "keeper", "password": PASSWORD });
    let reply = server.anonymous().post("/api/account/login", &login);
    reply.expect(200);
    let client = server.anonymous().header("cookie", &cookie_of(&reply));
    let sessions = client.rpc("account_session_list", &json!(null)).result();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2, "the bootstrap's own and this one: {sessions}");
    let account = client.rpc("account_verify", &json!(null)).result();
    let rows = client.rpc("audit_log_list", &json!({ "event_type": "bootstrap" })).result();
    assert_eq!(rows["events"].as_array().unwrap().len(), 1, "{rows}");
    assert_eq!((&rows["events"][0]["outcome"], &rows["events"][0]["account_id"]), (&json!("success"), &account["id"]));
    server.bootstrap("second").refused(403, "already_bootstrapped");
}

fn acc_075_the_rules_of_sign_up_hold_here(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    for (username, password) in [("ab", PASSWORD), ("keeper", "short"), ("a@b", PASSWORD)] {
        let body = json!({ "token": "bootstrap-token-of-the-tests", "username": username, "password": password });
        server.anonymous().post("/api/account/bootstrap", &body).refused(400, "invalid_request_body");
    }
    server.bootstrap("keeper").expect(200);
}

both_engines![
    acc_070_the_first_account_keeps_and_administers,
    acc_071_a_closed_window_says_one_thing,
    acc_071_another_first_account_closes_the_window_and_the_log_says_so,
    acc_072_a_wrong_token_and_a_missing_file_make_no_account,
    acc_072_what_the_server_cannot_do_now_is_no_refusal,
    acc_073_many_at_once_make_one_account,
    acc_074_a_file_that_stays_is_told_as_a_fault_and_the_account_stands,
    acc_075_the_rules_of_sign_up_hold_here,
];
