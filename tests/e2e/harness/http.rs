//! A client of the wire and an answer that asserts. Blocking, so that a test reads from top to bottom.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::runtime;

/// How long an answer may take before a test gives up: long, because a busy machine is no fault, and one that stood still
/// for a minute neither.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(180);

/// Speaks to one server, with or without a credential.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    http: reqwest::Client,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        static SHARED: OnceLock<reqwest::Client> = OnceLock::new();
        let http = SHARED.get_or_init(|| connect_from(None)).clone();
        Self { base: base.to_owned(), http, headers: Vec::new() }
    }

    /// The same client seen from another address of this machine.
    pub(crate) fn at_address(&self, address: &str) -> Self {
        Self { http: connect_from(Some(address.parse().unwrap())), ..self.clone() }
    }

    /// Sends a bearer token with every request.
    pub(crate) fn bearer(&self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends one more header with every request; a second one of the same name is sent as well.
    pub(crate) fn header(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.header("content-type", "application/json").send(Method::POST, path, Some(body.to_string().into_bytes()))
    }

    /// Status and body of an answer that may be a fault, which no other call takes.
    pub(crate) fn post_to_a_fault(&self, path: &str, body: &Value) -> (u16, String) {
        let client = self.header("content-type", "application/json");
        let (status, _, body) = client.to_a_fault(Method::POST, path, body.to_string());
        (status, body)
    }

    /// The correlation id of a GET that ends in a fault of the server's.
    pub(crate) fn get_a_fault(&self, path: &str) -> String {
        self.is_a_fault(Method::GET, path, String::new())
    }

    /// The same of a POST.
    pub(crate) fn post_a_fault(&self, path: &str, body: &Value) -> String {
        self.header("content-type", "application/json").is_a_fault(Method::POST, path, body.to_string())
    }

    fn is_a_fault(&self, method: Method, path: &str, body: String) -> String {
        let (status, headers, body) = self.to_a_fault(method, path, body);
        assert_eq!((status, body.as_str()), (500, "{\"error\":\"internal_error\"}"), "{path}");
        assert!(!headers.contains_key("retry-after"), "{headers:?}");
        headers["x-request-id"].to_str().unwrap().to_owned()
    }

    fn to_a_fault(&self, method: Method, path: &str, body: String) -> (u16, HeaderMap, String) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        runtime().block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            (status, headers, response.text().await.unwrap())
        })
    }

    /// A POST whose body is taken as it is.
    pub(crate) fn post_bytes(&self, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.send(Method::POST, path, Some(body.into()))
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Reply {
        self.send(method.parse().unwrap(), path, None)
    }

    fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Reply {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// A POST to a server that may be gone: the answer, or nothing when none came.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Reply> {
        self.header("content-type", "application/json")
            .try_send(Method::POST, path, Some(body.to_string().into_bytes()))
            .ok()
    }

    /// A GET of a server that may be gone.
    pub(crate) fn try_get(&self, path: &str) -> Option<Reply> {
        self.try_send(Method::GET, path, None).ok()
    }

    fn try_send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Reply, reqwest::Error> {
        let what = format!("{method} {path}");
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(headers);
        let sent = body.clone().unwrap_or_default();
        if let Some(body) = body {
            request = request.body(body);
        }
        runtime().block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let body = response.bytes().await?.to_vec();
            let reply = Reply { what, status, headers, body };
            reply.check_error_shape();
            reply.check_headers();
            super::secrets::heed(reply.status, &reply.headers, &reply.body);
            if reply.status < 300 {
                super::secrets::heed_request(&sent);
            }
            Ok(reply)
        })
    }
}

fn connect_from(address: Option<IpAddr>) -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    let client = reqwest::Client::builder().local_address(address).timeout(ANSWER_TIME_MAX).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    what: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json()
    }

    /// The body of a refusal that must have this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let found = (self.status, self.code());
        assert_eq!((found.0, found.1.as_str()), (status, code), "{self}");
        self.json()
    }

    /// The code of a refusal; empty when there is none.
    pub(crate) fn code(&self) -> String {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        body.and_then(|body| Some(body.get("error")?.as_str()?.to_owned())).unwrap_or_default()
    }

    /// A header, empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The journal position that the answer names.
    pub(crate) fn position(&self) -> u64 {
        self.header("muniment-position").parse().unwrap_or_else(|error| panic!("{self}: muniment-position: {error}"))
    }

    /// Asserts a 429: `Retry-After` and `retry_after` agree and are positive.
    #[track_caller]
    pub(crate) fn limited(&self, code: &str) -> u64 {
        let body = self.refused(429, code);
        let seconds: u64 = self.header("retry-after").parse().unwrap_or_else(|_| panic!("{self}: no Retry-After"));
        assert!(seconds > 0, "{self}");
        assert_eq!(body["retry_after"].as_u64(), Some(seconds), "{self}");
        seconds
    }

    /// MET-008 for every refusal of every test: only keys that its surface's specification names, and nothing from inside
    /// the server.
    fn check_error_shape(&self) {
        // A node that is not ready answers with its state, not with a refusal.
        if self.status < 400 || self.body.is_empty() || self.what == "GET /ready" {
            return;
        }
        let body = self.json();
        if body.get("jsonrpc").is_some() {
            return self.check_rpc_error_shape(&body);
        }
        let keys: Vec<&String> = body.as_object().unwrap_or_else(|| panic!("{self}")).keys().collect();
        let of_all = ["error", "message", "issues", "retry_after", "available"];
        let of_its_surface: &[&str] = match self.is_of_api() {
            true => &["required_roles", "required_credential_types", "bootstrap_available"],
            false => &["id"],
        };
        let of_health: &[&str] = if self.what == "GET /api/db/health" { &["connected", "type"] } else { &[] };
        let is_known = |key: &str| of_all.iter().chain(of_its_surface).chain(of_health).any(|known| *known == key);
        assert!(keys.iter().all(|key| is_known(key)), "{self}: an unknown key in an error");
        assert!(body["error"].is_string(), "{self}: an error without a code");
        if !self.is_of_api() {
            self.check_keys_of_v1(&body);
        }
        assert!(self.status < 500 || self.status == 503, "{self}: a fault of the server");
        self.check_nothing_leaks();
    }

    /// An unknown path and a fault of ours alone have no words, and each further key belongs to its codes.
    fn check_keys_of_v1(&self, body: &Value) {
        let code = self.code();
        let comes_again = matches!(self.status, 429 | 503);
        let path = self.what.split(' ').nth(1).unwrap_or_default();
        let is_live = ["/v1/events", "/v1/stream", "/v1/live"].iter().any(|live| path.starts_with(live));
        let is_bare = *body == serde_json::json!({ "error": "not_found" });
        let told = body["message"].as_str().unwrap_or_default();
        assert!(is_bare || !told.is_empty(), "{self}: no message");
        let is_sentence = !told.starts_with(|first: char| first.is_lowercase()) && told.ends_with(['.', '…']);
        assert!(is_bare || !is_live || is_sentence, "{self}: no sentence");
        for (key, belongs) in [
            ("retry_after", self.status == 429 || (is_live && comes_again)),
            ("available", ["company_required", "actor_required"].contains(&code.as_str())),
            ("issues", code == "invalid_batch"),
            ("id", code == "metric_exists"),
        ] {
            assert_eq!(body.get(key).is_some(), belongs, "{self}: {key}");
        }
        assert_eq!(!self.header("retry-after").is_empty(), comes_again, "{self}: Retry-After");
    }

    fn check_rpc_error_shape(&self, body: &Value) {
        // Declared: the account was erased between two looks of one request.
        let is_declared = self.status == 503 || body["error"]["message"] == "account_vanished";
        assert!(self.status < 500 || is_declared, "{self}: a fault of the server");
        check_rpc_error(body);
        self.check_nothing_leaks();
    }

    fn check_nothing_leaks(&self) {
        check_nothing_leaks(&String::from_utf8_lossy(&self.body));
    }

    fn is_of_api(&self) -> bool {
        self.what.split(' ').nth(1).is_some_and(|path| path.starts_with("/api/"))
    }

    /// ACC-194 for every answer of every test: nobody keeps it, and nothing tells what made it.
    fn check_headers(&self) {
        if !self.is_of_api() {
            return;
        }
        for name in ["server", "x-powered-by", "www-authenticate"] {
            assert_eq!(self.header(name), "", "{self}: {name}");
        }
        assert_eq!(self.header("cache-control"), "no-store", "{self}");
    }
}

/// ACC-194 for every JSON-RPC refusal of every test, whatever brought it; anything else passes.
pub(crate) fn check_rpc_error(body: &Value) {
    let Some(error) = body.get("error") else { return };
    let keys =
        |value: &Value| value.as_object().unwrap_or_else(|| panic!("{body}")).keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(body), ["error", "id", "jsonrpc"], "{body}");
    let known = |value: &Value, known: &[&str]| keys(value).iter().all(|key| known.contains(&key.as_str()));
    assert!(known(error, &["code", "data", "message"]), "{body}: an unknown key in an error");
    let of_data = ["available", "issues", "reason", "required_credential_types", "required_roles", "retry_after"];
    assert!(error.get("data").is_none_or(|data| known(data, &of_data)), "{body}: an unknown key in an error's data");
    check_nothing_leaks(&body.to_string());
}

fn check_nothing_leaks(body: &str) {
    let text = body.to_lowercase();
    for inside in
        ["select ", "insert into", "sqlx", ".rs:", "/src/", "panicked", "backtrace", "journal.db", "argon", "blake3"]
    {
        assert!(!text.contains(inside), "{body}: tells `{inside}`");
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} answered {} {}", self.what, self.status, String::from_utf8_lossy(&self.body))
    }
}
