//! Accounts in tests: an installation with its keeper, people who signed up on an invitation, JSON-RPC and cookies.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{Client, Engine, Founder, Program, Reply, Server, Setup, unique};

/// The password of everybody who says nothing else.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// An origin that the server allows.
pub(crate) const ORIGIN: &str = "https://app.example.com";
/// The keys that sign cookies.
pub(crate) const COOKIE_KEY: &str = "first-key-of-thirty-two-characters-or-more";
/// What the bootstrap asks for.
const BOOTSTRAP_TOKEN: &str = "bootstrap-token-of-the-tests";

/// Limits that one address of this machine would spend for all tests. Tests of limits set them.
const ADDRESS_LIMITS: [&str; 7] =
    ["LOGIN_IP", "SIGNUP_IP", "BOOTSTRAP_IP", "BEARER_IP", "LOGIN_ACCOUNT", "SIGNUP_ACCOUNT", "ACTION_ACCOUNT"];

impl Setup {
    /// With accounts: roles, a kind of scope, an allowed origin, and a bootstrap that waits.
    pub(crate) fn with_accounts(self) -> Self {
        let setup = ADDRESS_LIMITS.iter().fold(self, |setup, name| setup.set(&format!("LIMITS_{name}"), "off"));
        setup
            .set("ROLES", "teacher:admin,student:admin,pal:self_service")
            .set("SCOPE_KINDS", "class")
            .set("OFFERS_AUTHORIZE", "admin_or_holder")
            .set("COOKIE_KEYS", COOKIE_KEY)
            .set("ALLOWED_ORIGINS", ORIGIN)
            .set("HTTP_TRUSTED_PROXIES", "127.0.0.1")
            .set("ACCOUNTS_LOGIN_FAIL_FLOOR_MS", "0")
            .set("ACCOUNTS_BOOTSTRAP", "live")
    }

    /// Where the bootstrap's token lies.
    pub(crate) fn with_bootstrap_file(self) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, format!("{BOOTSTRAP_TOKEN}\n")).unwrap();
        super::secrets::key(BOOTSTRAP_TOKEN);
        (self.set("ACCOUNTS_BOOTSTRAP_TOKEN_PATH", path.to_str().unwrap()), folder)
    }
}

/// A server whose first account was made.
pub(crate) struct Installation {
    pub(crate) server: Server,
    pub(crate) keeper: Person,
    _folder: tempfile::TempDir,
}

/// Somebody with an account and an open session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) username: String,
    pub(crate) id: String,
    pub(crate) actor: String,
    /// The cookie's value, name included.
    pub(crate) cookie: String,
    pub(crate) client: Client,
}

impl Installation {
    /// The one installation an engine that tests with unique names share.
    pub(crate) fn shared(engine: Engine) -> &'static Self {
        Self::place(engine).get_or_init(|| Self::start(Setup::new(engine).with_accounts().shared()))
    }

    /// The same, if a test needed it.
    pub(super) fn started(engine: Engine) -> Option<&'static Self> {
        Self::place(engine).get()
    }

    fn place(engine: Engine) -> &'static OnceLock<Self> {
        static SQLITE: OnceLock<Installation> = OnceLock::new();
        static POSTGRES: OnceLock<Installation> = OnceLock::new();
        match engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        }
    }

    /// One of one's own, with these settings beside the usual ones.
    pub(crate) fn with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        let setup = Setup::new(engine).with_accounts();
        Self::start(settings.iter().fold(setup, |setup, (name, value)| setup.set(name, value)))
    }

    /// One on what is set up.
    pub(crate) fn start(setup: Setup) -> Self {
        let (setup, folder) = setup.with_bootstrap_file();
        let server = setup.start();
        let reply = server.bootstrap("keeper");
        let made = reply.expect(200);
        let cookie = cookie_of(&reply);
        let keeper = Person {
            username: "keeper".to_owned(),
            id: text(&made["account"]["id"]),
            actor: text(&made["actor"]["id"]),
            client: server.anonymous().header("cookie", &cookie),
            cookie,
        };
        Self { server, keeper, _folder: folder }
    }

    /// Signs somebody up on an invitation; `stem` becomes a unique username.
    pub(crate) fn person(&self, stem: &str) -> Person {
        self.named(&unique(stem).replace("--", "-"))
    }

    /// The same under this very username.
    pub(crate) fn named(&self, username: &str) -> Person {
        self.invite(&json!({ "username": username }));
        let reply = self.sign_up(&json!({ "username": username, "password": PASSWORD }));
        reply.expect(200);
        self.person_of(username, &cookie_of(&reply))
    }

    /// Whoever holds a cookie.
    pub(crate) fn person_of(&self, username: &str, cookie: &str) -> Person {
        let client = self.server.anonymous().header("cookie", cookie);
        let status = client.get("/api/account/status").expect(200);
        let actor = client.rpc("actor_list", &Value::Null).result()["actors"][0]["id"].clone();
        Person {
            username: username.to_owned(),
            id: text(&status["account"]["id"]),
            actor: text(&actor),
            cookie: cookie.to_owned(),
            client,
        }
    }

    pub(crate) fn invite(&self, params: &Value) -> Value {
        self.keeper.client.rpc("invite_create", params).result()["invite"].clone()
    }

    pub(crate) fn sign_up(&self, body: &Value) -> Reply {
        self.server.anonymous().post("/api/account/signup", body)
    }

    pub(crate) fn login(&self, username: &str, password: &str) -> Reply {
        let body = json!({ "username": username, "password": password });
        self.server.anonymous().post("/api/account/login", &body)
    }

    /// A further session of somebody.
    pub(crate) fn session_of(&self, person: &Person) -> Person {
        let reply = self.login(&person.username, PASSWORD);
        reply.expect(200);
        self.person_of(&person.username, &cookie_of(&reply))
    }

    /// A founder by cookie, to whom the operator gave a password; that ended what was open.
    pub(crate) fn by_cookie(&self, founder: &Founder) -> Person {
        self.server.terminate();
        let set = ["account", "set-password", &founder.email, "--password-stdin"];
        Program::operator_of(&self.server).run_with_input(&set, PASSWORD).ok();
        self.server.restart();
        let reply = self.login(&founder.email, PASSWORD);
        reply.expect(200);
        self.person_of(&founder.email, &cookie_of(&reply))
    }

    /// A client with an API token of somebody, and the token's id.
    pub(crate) fn token_of(&self, person: &Person) -> (Client, String) {
        let made = person.client.rpc("account_token_create", &Value::Null).result();
        (self.server.anonymous().bearer(&text(&made["token"])), text(&made["id"]))
    }

    /// A client with the daemon token that is in force.
    pub(crate) fn daemon(&self) -> Client {
        let token = std::fs::read_to_string(self.server.data.join("run/daemon_token")).unwrap();
        super::secrets::key(&token);
        self.server.anonymous().header("x-daemon-token", token.trim())
    }

    /// Gives a role by offer and acceptance; the grant's id.
    pub(crate) fn grant(&self, to: &Person, role: &str) -> String {
        self.grant_at(to, role, &json!({}))
    }

    /// The same with a scope.
    pub(crate) fn grant_at(&self, to: &Person, role: &str, scope: &Value) -> String {
        text(&self.accepted(to, role, scope).1["role_grant_id"])
    }

    /// An offer of the keeper's, and what accepting it answered.
    pub(crate) fn accepted(&self, to: &Person, role: &str, scope: &Value) -> (Value, Value) {
        // Where offers last a second, a busy machine may let one lapse: it is made again.
        super::eventually("the offer is accepted", || {
            let offer = self.offer(&self.keeper, to, role, scope);
            let accept = json!({ "offer_id": offer["id"], "acting": to.actor });
            let accepted = to.client.rpc("role_grant_offer_accept", &accept);
            let body = accepted.0.json();
            let has_lapsed = body["error"]["data"]["reason"] == "role_grant_offer_expired";
            (!has_lapsed).then(|| (offer, accepted.result()))
        })
    }

    /// An offer from one person to another.
    pub(crate) fn offer(&self, from: &Person, to: &Person, role: &str, more: &Value) -> Value {
        let mut params = json!({ "to_account_id": to.id, "role": role });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        from.client.rpc("role_grant_offer_create", &params).result()["offer"].clone()
    }

    /// Somebody who administers.
    pub(crate) fn admin(&self, stem: &str) -> Person {
        let person = self.person(stem);
        self.grant(&person, "admin");
        person
    }

    /// Rows of the audit, newest first.
    pub(crate) fn audit(&self, filter: &Value) -> Vec<Value> {
        self.keeper.client.rpc("audit_log_list", filter).result()["events"].as_array().unwrap().clone()
    }

    /// The newest row of a type that concerns an account.
    #[track_caller]
    pub(crate) fn row(&self, event_type: &str, account: &str) -> Value {
        let rows = self.audit(&json!({ "event_type": event_type, "account_id": account }));
        rows.first().unwrap_or_else(|| panic!("no {event_type} row of {account}")).clone()
    }

    /// How many rows there are that concern an account.
    pub(crate) fn rows(&self, account: &str) -> usize {
        self.audit(&json!({ "account_id": account, "limit": 200 })).len()
    }
}

impl Server {
    pub(crate) fn bootstrap(&self, username: &str) -> Reply {
        self.bootstrap_with(BOOTSTRAP_TOKEN, username)
    }

    pub(crate) fn bootstrap_with(&self, token: &str, username: &str) -> Reply {
        let body = json!({ "token": token, "username": username, "password": PASSWORD });
        self.anonymous().post("/api/account/bootstrap", &body)
    }
}

impl Client {
    /// Calls a method; `null` sends no params.
    pub(crate) fn rpc(&self, method: &str, params: &Value) -> Rpc {
        let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
        if !params.is_null() {
            request["params"] = params.clone();
        }
        Rpc(self.post("/api/rpc", &request))
    }
}

/// The answer to a method.
pub(crate) struct Rpc(pub(crate) Reply);

impl Rpc {
    /// What a call that must have worked answers.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let body = self.0.expect(200);
        assert!(body.get("error").is_none(), "{}", self.0);
        body["result"].clone()
    }

    /// The data of a call that must have been refused so.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: i64, reason: &str) -> Value {
        let body = self.0.expect(status);
        assert_eq!(body["error"]["code"], code, "{}", self.0);
        let data = body["error"]["data"].clone();
        assert_eq!(data["reason"].as_str().unwrap_or_default(), reason, "{}", self.0);
        data
    }

    /// The paths and codes of the issues of a call that must have been malformed.
    #[track_caller]
    pub(crate) fn issues(&self) -> Vec<(String, String)> {
        let body = self.0.expect(400);
        assert_eq!(body["error"]["code"], -32_602, "{}", self.0);
        assert!(body["error"]["data"].get("reason").is_none(), "{}", self.0);
        let issues = body["error"]["data"]["issues"].as_array().unwrap_or_else(|| panic!("{}", self.0));
        let path = |issue: &Value| issue["path"][0].as_str().unwrap_or_default().to_owned();
        issues.iter().map(|issue| (path(issue), text(&issue["code"]))).collect()
    }
}

/// A text that must be one.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Name and value of the cookie that an answer sets.
#[track_caller]
pub(crate) fn cookie_of(reply: &Reply) -> String {
    let header = reply.header("set-cookie");
    assert!(!header.is_empty(), "{reply}: no cookie");
    header.split(';').next().unwrap().to_owned()
}

/// When the session's cookie that an answer sets ends by its own text, in seconds of Unix time.
#[track_caller]
pub(crate) fn cookie_end(reply: &Reply) -> i64 {
    let cookie = cookie_of(reply);
    let signed = cookie.rsplit_once('.').and_then(|(text, _)| text.rsplit_once(':')).map(|(_, end)| end.to_owned());
    signed.and_then(|end| end.parse().ok()).unwrap_or_else(|| panic!("{cookie} has no end"))
}

impl Server {
    /// Status and body of a bootstrap that is a fault of the server's file system.
    pub(crate) fn bootstrap_to_a_fault(&self, username: &str) -> (u16, String) {
        let body = json!({ "token": BOOTSTRAP_TOKEN, "username": username, "password": PASSWORD });
        self.anonymous().post_to_a_fault("/api/account/bootstrap", &body)
    }
}
