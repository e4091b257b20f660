//! The test-support program, seen from outside, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use muniment_testkit::{Cluster, free_port};
use reqwest::header::COOKIE;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "test-password-123";

#[derive(Clone, Copy)]
enum Engine {
    Sqlite,
    Postgres,
}

struct Program {
    child: Child,
    base: String,
    folder: TempDir,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Program {
    async fn start(engine: Engine) -> Self {
        let url = matches!(engine, Engine::Postgres).then(|| Cluster::shared().fresh_database());
        Self::start_in(tempfile::tempdir().unwrap(), url.as_deref()).await
    }

    /// The program with a folder of its own, to be started in it.
    fn command(base: &str, folder: &Path, database_url: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muniment-testing"));
        command.args(["--listen", base, "--data-dir", folder.to_str().unwrap()]).current_dir(folder);
        // It begins by emptying its store, and a setting of whoever runs the tests may name another one.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("MUNIMENT_ROLES", "teacher:admin")
            .env("MUNIMENT_OFFERS_AUTHORIZE", "admin_or_holder")
            .env("MUNIMENT_LIMITS_LOGIN_IP", "off");
        command.envs(database_url.map(|url| ("MUNIMENT_DATABASE_URL", url)));
        command
    }

    /// What it says where it does not start.
    fn refused(folder: &Path, database_url: Option<&str>) -> String {
        let mut command = Self::command("127.0.0.1:0", folder, database_url);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                drop(child.kill());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }

    async fn start_in(folder: TempDir, database_url: Option<&str>) -> Self {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = format!("127.0.0.1:{}", free_port());
        let mut command = Self::command(&base, folder.path(), database_url);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let program = Self { child, base: format!("http://{base}"), folder, http: reqwest::Client::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while program.http.get(format!("{}/health", program.base)).send().await.is_err() {
            assert!(Instant::now() < deadline, "{}", program.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn daemon_token(&self) -> String {
        let token = std::fs::read_to_string(self.folder.path().join("run/daemon_token")).unwrap();
        token.trim().to_owned()
    }

    async fn rpc(&self, header: (&str, &str), method: &str, params: Value) -> (u16, Value) {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.http.post(format!("{}/api/rpc", self.base)).header(header.0, header.1).json(&request).send();
        let reply = sent.await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    async fn privileged(&self, method: &str, params: Value) -> (u16, Value) {
        self.rpc(("x-daemon-token", &self.daemon_token()), method, params).await
    }

    #[track_caller]
    fn result((status, body): (u16, Value), log: &str) -> Value {
        assert_eq!(status, 200, "{body}\n{log}");
        body["result"].clone()
    }

    async fn reset(&self, params: Value) -> Value {
        Self::result(self.privileged("_testing_reset", params).await, &self.log())
    }

    async fn status_by_cookie(&self, value: &str) -> u16 {
        let cookie = format!("muniment_session={value}");
        let sent = self.http.get(format!("{}/api/account/verify", self.base)).header(COOKIE, cookie).send();
        sent.await.unwrap().status().as_u16()
    }

    async fn login(&self, username: &str, password: &str) -> u16 {
        let body = json!({ "username": username, "password": password });
        let sent = self.http.post(format!("{}/api/account/login", self.base)).json(&body).send();
        sent.await.unwrap().status().as_u16()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

async fn a_reset_leaves_nothing_of_before_and_makes_what_is_wanted(engine: Engine) {
    let program = Program::start(engine).await;
    let wanted = json!({
        "extra_keeper_roles": ["teacher"],
        "extra_accounts": [
            { "username": "only-keeper", "roles": ["keeper"] },
            { "username": "ann", "password_value": "a password of her own", "roles": ["admin", "teacher"] },
        ],
        "extra_actors": ["second"],
    });
    let first = program.reset(wanted.clone()).await;
    assert_eq!(program.login("keeper", PASSWORD).await, 200);
    assert_eq!(program.login("ann", "a password of her own").await, 200);
    let ann = &first["extra_accounts"][1];
    assert_eq!((text(&ann["account"]["username"]), first["extra_accounts"].as_array().unwrap().len()), ("ann", 2));
    for seeded in [&first, ann, &first["extra_accounts"][0]] {
        assert_eq!(program.status_by_cookie(text(&seeded["session_cookie"])).await, 200);
        let bearer = format!("Bearer {}", text(&seeded["api_token"]));
        let verified = program.rpc(("authorization", &bearer), "account_verify", json!(null)).await;
        assert_eq!(verified.0, 400, "params must be absent");
    }
    let cookie = format!("muniment_session={}", text(&first["session_cookie"]));
    let keeper_token = format!("Bearer {}", text(&first["api_token"]));
    let actors = program.http.get(format!("{}/api/rpc?method=actor_list&id=1", program.base));
    let actors: Value = actors.header(COOKIE, &cookie).send().await.unwrap().json().await.unwrap();
    let names: Vec<&str> = actors["result"]["actors"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    assert_eq!(names, ["keeper", "second"]);
    assert_eq!(first["extra_actors"][0]["name"], "second");
    let acting = json!({ "acting": first["actor"]["id"] });
    let listed = Program::result(program.rpc(("cookie", &cookie), "admin_account_list", acting).await, "");
    let accounts = listed["accounts"].as_array().unwrap();
    let held = |username: &str| -> Vec<&str> {
        let row = accounts.iter().find(|row| row["account"]["username"] == username).unwrap();
        let mut roles: Vec<&str> = row["role_grants"].as_array().unwrap().iter().map(|it| text(&it["role"])).collect();
        roles.sort_unstable();
        roles
    };
    assert_eq!(held("keeper"), ["admin", "keeper", "teacher"]);
    assert_eq!((held("ann"), held("only-keeper")), (vec!["admin", "teacher"], vec!["keeper"]));

    let second = program.reset(json!({})).await;
    assert_ne!(first["account"]["id"], second["account"]["id"]);
    assert_eq!(program.login("ann", "a password of her own").await, 401);
    assert_eq!(program.status_by_cookie(text(&first["session_cookie"])).await, 401);
    assert_eq!(program.rpc(("authorization", &keeper_token), "admin_account_list", json!({})).await.0, 401);
    let cookie = format!("muniment_session={}", text(&second["session_cookie"]));
    let listed = Program::result(program.rpc(("cookie", &cookie), "admin_account_list", json!({})).await, "");
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 1);
}

async fn a_minted_session_ends_when_it_was_said(engine: Engine) {
    let program = Program::start(engine).await;
    let seeded = program.reset(json!({})).await;
    let mint = async |milliseconds: i64| {
        let params = json!({ "account_id": seeded["account"]["id"], "expires_in_ms": milliseconds });
        Program::result(program.privileged("_testing_mint_session", params).await, &program.log())
    };
    let alive = mint(60_000).await;
    assert_eq!(program.status_by_cookie(text(&alive["session_cookie"])).await, 200);
    for milliseconds in [0, -60_000] {
        let ended = mint(milliseconds).await;
        assert_eq!(program.status_by_cookie(text(&ended["session_cookie"])).await, 401);
    }
    let unknown = json!({ "account_id": "00000000-0000-4000-8000-000000000000", "expires_in_ms": 1 });
    let (status, body) = program.privileged("_testing_mint_session", unknown).await;
    assert_eq!((status, &body["error"]["data"]["reason"]), (404, &json!("account_not_found")));
}

async fn what_is_recorded_can_be_read_after_a_drain(engine: Engine) {
    let program = Program::start(engine).await;
    let seeded = program.reset(json!({ "extra_accounts": [{ "username": "ann", "roles": [] }] })).await;
    let cookie = format!("muniment_session={}", text(&seeded["session_cookie"]));
    let offer = json!({ "to_account_id": seeded["extra_accounts"][0]["account"]["id"], "role": "teacher" });
    Program::result(program.rpc(("cookie", &cookie), "role_grant_offer_create", offer).await, &program.log());
    let drained = Program::result(program.privileged("_testing_drain_effects", json!({})).await, &program.log());
    assert_eq!(drained, json!({}));
    let rows = json!({ "event_type": "role_grant_offer_create" });
    let rows = Program::result(program.rpc(("cookie", &cookie), "audit_log_list", rows).await, "");
    assert_eq!(rows["events"].as_array().unwrap().len(), 1);
}

async fn only_the_daemon_token_resets_and_bad_input_wipes_nothing(engine: Engine) {
    let program = Program::start(engine).await;
    let seeded = program.reset(json!({})).await;
    let cookie = format!("muniment_session={}", text(&seeded["session_cookie"]));
    let bearer = format!("Bearer {}", text(&seeded["api_token"]));
    let mint = json!({ "account_id": seeded["account"]["id"], "expires_in_ms": 1 });
    for (method, good) in
        [("_testing_reset", json!({})), ("_testing_drain_effects", json!({})), ("_testing_mint_session", mint)]
    {
        let bad = json!({ "unheard_of": 1 });
        assert_eq!(program.rpc(("x-nobody", "x"), method, bad.clone()).await.0, 401);
        let daemon = program.daemon_token();
        for header in [("cookie", cookie.as_str()), ("authorization", &bearer), ("x-daemon-token", &daemon)] {
            let (status, body) = program.rpc(header, method, bad.clone()).await;
            assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_602)), "{method} {header:?}");
            let by_get = program.http.get(format!("{}/api/rpc?method={method}&id=1", program.base));
            let reply = by_get.header(header.0, header.1).send().await.unwrap();
            let (status, body) = (reply.status().as_u16(), reply.json::<Value>().await.unwrap());
            assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_600)), "{method} {header:?}");
        }
        for header in [("cookie", cookie.as_str()), ("authorization", &bearer)] {
            let (status, body) = program.rpc(header, method, good.clone()).await;
            assert_eq!(
                (status, &body["error"]["data"]["reason"]),
                (403, &json!("credential_type_required")),
                "{method}"
            );
        }
    }
    let nobody = json!({ "account_id": "nobody", "expires_in_ms": 1 });
    let (status, body) = program.privileged("_testing_mint_session", nobody).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_602)));
    for bad in [
        json!({ "extra_keeper_roles": ["unheard"] }),
        json!({ "extra_accounts": [{ "username": "keeper", "roles": [] }] }),
        json!({ "extra_accounts": [{ "username": "x", "roles": [] }] }),
        json!({ "extra_accounts": [{ "username": "ann" }] }),
        json!({ "extra_accounts": {} }),
        json!({ "extra_actors": vec!["one too many"; 20] }),
    ] {
        let (status, body) = program.privileged("_testing_reset", bad).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_602)));
    }
    assert_eq!(program.status_by_cookie(text(&seeded["session_cookie"])).await, 200);
    let listing = program.http.get(format!("{}/api/surface", program.base)).header(COOKIE, &cookie).send();
    assert!(!listing.await.unwrap().text().await.unwrap().contains("_testing"));
}

async fn resets_may_follow_each_other_while_others_ask(engine: Engine) {
    let program = Program::start(engine).await;
    let asking = async {
        for _ in 0..200 {
            let status = program.http.get(format!("{}/api/server/status", program.base)).send().await.unwrap().status();
            assert!([200, 401, 503].contains(&status.as_u16()), "{status}");
        }
    };
    let resetting = async {
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(program.reset(json!({})).await["account"]["id"].clone());
        }
        ids.sort_by_key(Value::to_string);
        ids.dedup();
        assert_eq!(ids.len(), 5);
    };
    tokio::join!(asking, resetting);
}

/// A folder with a record that somebody else made.
fn foreign_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("journal.db"), "a record of another server").unwrap();
    folder
}

fn is_untouched(folder: &TempDir) -> bool {
    fs::read_to_string(folder.path().join("journal.db")).is_ok_and(|text| text == "a record of another server")
}

#[test]
fn a_folder_with_a_record_of_another_is_refused_and_left_alone() {
    let foreign = foreign_folder();
    let said = Program::refused(foreign.path(), None);
    assert!(said.contains("not of this program") && said.contains("--data-dir"), "{said}");
    let names: Vec<_> = fs::read_dir(foreign.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(is_untouched(&foreign) && !names.iter().any(|name| name == "emptied-by-muniment-testing"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_that_is_named_is_emptied_and_not_the_one_of_the_settings() {
    let foreign = foreign_folder();
    let url = format!("sqlite:{}", foreign.path().display());
    let mut program = Program::start_in(tempfile::tempdir().unwrap(), Some(&url)).await;
    assert!(is_untouched(&foreign) && program.folder.path().join("journal.db").is_file());
    let first = program.reset(json!({})).await;
    // The next one of the same folder finds it marked as its own.
    drop(program.child.kill());
    drop(program.child.wait());
    let folder = std::mem::replace(&mut program.folder, tempfile::tempdir().unwrap());
    fs::write(folder.path().join("muniment.toml"), format!("database_url = \"{url}\"\nkeys_dir = \"elsewhere\"\n"))
        .unwrap();
    let again = Program::start_in(folder, None).await;
    assert_eq!(again.status_by_cookie(text(&first["session_cookie"])).await, 401);
    assert!(is_untouched(&foreign) && !again.folder.path().join("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_tables_of_another_is_refused_and_left_alone() {
    let url = Cluster::shared().fresh_database();
    let folder = tempfile::tempdir().unwrap();
    for (made, dropped) in [("TABLE kept (n INT)", "TABLE kept"), ("TYPE kept AS ENUM ('x')", "TYPE kept")] {
        drop(Cluster::psql_at(&url, &format!("CREATE {made}")));
        let said = Program::refused(folder.path(), Some(&url));
        assert!(said.contains("not of this program") && said.contains("MUNIMENT_DATABASE_URL"), "{said}");
        // Of what is not there any more this fails.
        drop(Cluster::psql_at(&url, &format!("DROP {dropped}")));
    }
    drop(Cluster::psql_at(&url, "CREATE SCHEMA real; CREATE TABLE real.kept (n INT)"));
    let elsewhere = format!("{url}?options=-c%20search_path%3Dreal");
    let said = Program::refused(folder.path(), Some(&elsewhere));
    assert!(said.contains("not of this program"), "of another schema: {said}");
    assert_eq!(Cluster::psql_at(&url, "SELECT to_regclass('real.kept') IS NULL").trim(), "f");
    // One of its own is emptied at each start.
    drop(Program::start_in(folder, Some(&url)).await);
    drop(Cluster::psql_at(&url, "CREATE TABLE kept (n INT)"));
    drop(Program::start_in(tempfile::tempdir().unwrap(), Some(&url)).await);
    assert_eq!(Cluster::psql_at(&url, "SELECT to_regclass('kept') IS NULL").trim(), "t");
}

/// Clients keep idle connections, and send the next request on one of them.
#[tokio::test]
async fn an_idle_connection_is_kept_as_long_as_the_server_keeps_it() {
    let program = Program::start(Engine::Sqlite).await;
    let mut connection = TcpStream::connect(program.base.strip_prefix("http://").unwrap()).unwrap();
    connection.write_all(b"GET /health HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = vec![0; 16];
    connection.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // The framework's own patience is 5 s.
    connection.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    let ended = connection.read_to_end(&mut answer).map_err(|error| error.kind());
    assert!(matches!(ended, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{ended:?}");
}

macro_rules! both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name(super::Engine::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name(super::Engine::Postgres).await;
            }
        }
    )*};
}

both_engines![
    a_reset_leaves_nothing_of_before_and_makes_what_is_wanted,
    a_minted_session_ends_when_it_was_said,
    what_is_recorded_can_be_read_after_a_drain,
    only_the_daemon_token_resets_and_bad_input_wipes_nothing,
    resets_may_follow_each_other_while_others_ask,
];
