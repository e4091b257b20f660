//! The daemon token (ACC-065 to ACC-069).

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Engine, Installation, PASSWORD, Program, Server, Setup, base64url, eventually, text, unique};

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
    let in_force = || token(&house.server).trim_end().to_owned();
    let status =
        |token: &str| house.server.anonymous().header("x-daemon-token", token).get("/api/account/verify").status;
    // A busy machine may ask late, when the next rotation has come, but not every time.
    let (first, second) = eventually("both hold after one rotation", || {
        let first = in_force();
        let second = eventually("a rotation", || Some(in_force()).filter(|second| *second != first));
        (status(&first) == 200 && status(&second) == 200).then_some((first, second))
    });
    eventually("a second rotation", || (status(&first) == 401).then_some(()));
    eventually("and a third", || (status(&second) == 401).then_some(()));
    let mut wrong = in_force();
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
    let file = server.data.join("run/daemon_token").display().to_string();
    let program = Program::client_of(&server);
    let early = program.run(&["invite", "create", "--username", "ana", "--daemon-token-file", &file]);
    early.ended(6);
    assert!(early.stderr.contains("next: on the server's machine, `muniment role grant"), "{}", early.stderr);
    server.bootstrap("keeper").expect(200);
    assert_eq!(client.get("/api/account/verify").status, 200);
}

fn acc_067_who_keeps_for_a_while_is_the_keeper_for_so_long(engine: Engine) {
    let server = Setup::new(engine).with_accounts().start();
    server.terminate();
    let operator = Program::operator_of(&server);
    operator.run_with_input(&["account", "create", "ann", "--password-stdin"], PASSWORD).ok();
    operator.run(&["role", "grant", "ann", "keeper", "--expires", "2999-01-01"]).ok();
    server.restart();
    let as_keeper =
        || server.anonymous().header("x-daemon-token", token(&server).trim_end()).get("/api/account/verify");
    assert_eq!(as_keeper().status, 200);
    server.terminate();
    operator.run(&["role", "grant", "ann", "keeper", "--expires", "2999-02-01"]).ok();
    operator.run(&["role", "revoke", "ann", "keeper"]).ok();
    server.restart();
    as_keeper().refused(503, "keeper_account_not_configured");
}

/// Who is told to take another address does so; that start is refused too, by the record.
#[test]
fn acc_066_a_start_that_is_refused_leaves_the_token_of_the_server_that_runs() {
    let house = Installation::with(Engine::Sqlite, &[("ACCOUNTS_DAEMON_ROTATION", "1h")]);
    let before = token(&house.server);
    Program::operator_of(&house.server).run(&["serve", "--listen", "127.0.0.1:0"]).ended(6);
    assert_eq!(token(&house.server), before);
    house.daemon().rpc("account_verify", &serde_json::Value::Null).result();
}

fn acc_068_the_daemon_token_wins_over_a_cookie(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let both = house.daemon().header("cookie", &ben.cookie);
    let account = both.rpc("account_verify", &serde_json::Value::Null).result();
    assert_eq!(account["id"], json!(house.keeper.id));
    // Ben may not do this by himself.
    let invited = both.rpc("invite_create", &json!({ "username": unique("guest") })).result();
    let id = &invited["invite"]["id"];
    let rows = house.audit(&json!({ "event_type": "invite_create", "account_id": house.keeper.id }));
    let row = rows.iter().find(|row| row["metadata"]["invite_id"] == *id).unwrap_or_else(|| panic!("{rows:?}"));
    assert_eq!(row["account_id"], json!(house.keeper.id));
    // No row that this credential can leave bears its type among the metadata: what does is for sessions alone
    // (section 4.3). The event that the row is says it.
    let shown = Program::operator_of(&house.server).run(&["audit", "show", &row["seq"].to_string(), "--json"]).json();
    let who = &shown["metadata"]["who"];
    assert_eq!((&who["credential"], &who["account"]), (&json!("daemon_token"), &json!(house.keeper.id)), "{shown}");
}

fn acc_069_the_databases_health_is_the_keepers_by_the_file_alone(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let health = house.daemon().get("/api/db/health").expect(200);
    assert_eq!(health["connected"], true);
    assert!(health["type"].is_string() && health["name"].is_string());
    let (by_token, _) = house.token_of(&house.keeper);
    for client in [&house.keeper.client, &by_token] {
        let refusal = client.get("/api/db/health").refused(403, "credential_type_required");
        assert_eq!(refusal["required_credential_types"], json!(["daemon_token"]));
    }
}

/// The token stands for an account of whoever holds the grant now, so an account that lost it has no daemon token any
/// more: what can be refused is a persona of it that is asked for, and a persona beside the one that holds it.
fn acc_069_the_daemon_token_opens_nothing_to_who_lost_the_grant(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (keeper, ben) = (&house.keeper, house.named("ben-b"));
    let second = keeper.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let second = text(&second["actor"]["id"]);
    let operator = Program::operator_of(&house.server);
    let moved = |steps: &[&[&str]]| {
        house.server.terminate();
        for step in steps {
            operator.run(&[&["role"], *step].concat()).ok();
        }
        house.server.restart();
    };
    let health = |acting: &str| house.daemon().get(&format!("/api/db/health?acting={acting}"));
    health(&keeper.actor).expect(200);

    moved(&[&["grant", "ben-b", "keeper"], &["revoke", "keeper", "keeper"]]);
    health(&keeper.actor).refused(400, "actor_not_on_account");
    health(&second).refused(400, "actor_not_on_account");
    let by_cookie = keeper.client.get(&format!("/api/db/health?acting={}", keeper.actor));
    by_cookie.refused(403, "credential_type_required");
    health(&ben.actor).expect(200);

    moved(&[&["grant", "keeper", "keeper", "--actor", "Second"], &["revoke", "ben-b", "keeper"]]);
    let refusal = health(&keeper.actor).refused(403, "insufficient_permissions");
    assert_eq!(refusal["required_roles"], json!(["keeper"]));
    health(&ben.actor).refused(400, "actor_not_on_account");
    health(&second).expect(200);
}

/// Nothing in the program brings that about: the record itself must be damaged.
fn acc_067_a_keeper_without_an_account_is_a_fault_and_nobody(engine: Engine) {
    let house = Installation::with(engine, &[]);
    house.server.terminate();
    house.server.store.rewrite("roster.admitted", |payload| {
        payload["admitted"]["account"] = json!("22222222-2222-4222-8222-222222222222");
    });
    house.server.restart();
    let client = house.server.anonymous().header("x-daemon-token", token(&house.server).trim_end());
    let verify = json!({ "jsonrpc": "2.0", "id": 1, "method": "account_verify" });
    for (path, body) in [("/api/rpc", verify), ("/api/account/logout", json!({}))] {
        let (status, said) = client.post_to_a_fault(path, &body);
        assert_eq!((status, said.as_str()), (500, r#"{"error":"keeper_account_not_found"}"#), "{path}");
    }
}

both_engines![
    acc_065_the_file_is_the_servers_alone_and_goes_with_it,
    acc_066_the_token_and_the_one_before_hold,
    acc_067_before_the_bootstrap_there_is_no_keeper_and_right_after_there_is,
    acc_067_a_keeper_without_an_account_is_a_fault_and_nobody,
    acc_067_who_keeps_for_a_while_is_the_keeper_for_so_long,
    acc_068_the_daemon_token_wins_over_a_cookie,
    acc_069_the_daemon_token_opens_nothing_to_who_lost_the_grant,
    acc_069_the_databases_health_is_the_keepers_by_the_file_alone,
];
