//! The built program as a server in a folder of its own, and the few calls that every bench of it begins with.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use muniment_testkit::free_port;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";
const BOOTSTRAP: &str = "token-of-the-bench";

/// Where a server has its data: a folder, and a database where it is not in the folder.
pub(crate) struct Place {
    folder: TempDir,
    database: Option<String>,
}

impl Place {
    /// A fresh one.
    pub(crate) fn new(database: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), BOOTSTRAP).expect("written");
        Self { folder, database }
    }

    /// The program on this store, as an operator or its server runs it.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_muniment"));
        // A setting of whoever measures may name a record that is in use.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(arguments).current_dir(folder).env("HOME", folder).env("MUNIMENT_ENV", "development");
        command.env("MUNIMENT_DATA_DIR", folder.join("data"));
        command.env("MUNIMENT_ACCOUNTS_BOOTSTRAP", "live");
        command.env("MUNIMENT_ACCOUNTS_BOOTSTRAP_TOKEN_PATH", folder.join("token"));
        command.env("MUNIMENT_ROLES", "teacher:admin").env("MUNIMENT_SCOPE_KINDS", "class");
        command.env("MUNIMENT_OFFERS_AUTHORIZE", "admin_or_holder").env("MUNIMENT_ACCOUNTS_MAX_SESSIONS", "5");
        for limit in [
            "LOGIN_IP",
            "LOGIN_ACCOUNT",
            "BEARER_IP",
            "ACTION_ACCOUNT",
            "READS",
            "METRIC_WRITES",
            "APPLICATIONS_ADDRESS",
        ] {
            command.env(format!("MUNIMENT_LIMITS_{limit}"), "off");
        }
        if let Some(url) = &self.database {
            command.env("MUNIMENT_DATABASE_URL", url);
        }
        command
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct Served {
    /// Its process.
    pub(crate) child: Child,
    /// Its address.
    pub(crate) base: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    /// Starts one and waits until it answers; its traces go to a collector, if there is one.
    pub(crate) async fn start(place: &Place, traces: Option<&str>) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = place.program(&["serve", "--listen", &address]);
        if let Some(collector) = traces {
            command.env("MUNIMENT_TELEMETRY_OTLP_ENDPOINT", collector);
        }
        let log = std::fs::File::create(place.folder.path().join("log")).expect("a log");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the program starts");
        let served = Self { child, base: format!("http://{address}") };
        while reqwest::get(format!("{}/health", served.base)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        served
    }
}

/// One POST; its answer, which must be of success.
pub(crate) async fn post(http: &Client, url: String, header: (&'static str, String), body: Value) -> Value {
    let reply = http.post(url).header(header.0, header.1).json(&body).send().await.expect("an answer");
    assert!(reply.status().is_success(), "{}", reply.status());
    reply.json().await.expect("JSON")
}

/// One call of JSON-RPC; its result.
pub(crate) async fn rpc(
    http: &Client,
    base: &str,
    header: (&'static str, String),
    method: &str,
    params: Value,
) -> Value {
    let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    if !params.is_null() {
        request["params"] = params;
    }
    post(http, format!("{base}/api/rpc"), header, request).await["result"].clone()
}

/// The cookie that a POST sets.
pub(crate) async fn cookie(http: &Client, url: String, body: Value) -> String {
    let reply = http.post(url).json(&body).send().await.expect("an answer");
    assert!(reply.status().is_success(), "{}", reply.status());
    let cookie = reply.headers()["set-cookie"].to_str().expect("text").to_owned();
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// Makes the first account; its cookie.
pub(crate) async fn founded(http: &Client, base: &str) -> String {
    let body = json!({ "token": BOOTSTRAP, "username": "keeper", "password": PASSWORD });
    cookie(http, format!("{base}/api/account/bootstrap"), body).await
}

/// A company with the metric `arr`; how its agent calls.
pub(crate) async fn company(http: &Client, base: &str) -> (&'static str, String) {
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": "b@example.com" });
    let made = post(http, format!("{base}/v1/applications"), ("x-bench", "1".to_owned()), form).await;
    let agent = ("authorization", format!("Bearer {}", made["token"].as_str().expect("text")));
    post(http, format!("{base}/v1/metrics"), agent.clone(), json!({ "key": "arr" })).await;
    agent
}
