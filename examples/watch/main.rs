//! A second client: prints every event that a token may read, from the first one on, as `/v1/live` pushes them.
//!
//! `MUNIMENT_TOKEN=… cargo run --example watch`; another server than the one of this machine is named as an argument, by http:
//! the example speaks no TLS.

mod client;

use std::io::Write as _;

use anyhow::{Context as _, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let token = std::env::var("MUNIMENT_TOKEN").context("set MUNIMENT_TOKEN to an agent token or a session's")?;
    let server = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let print = |event: &serde_json::Value| {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let line = format!("{}  {}  {}  {}", text("p"), text("at"), text("type"), event["data"]);
        // Nobody reads on, as behind `head`.
        if writeln!(std::io::stdout(), "{line}").is_err() {
            std::process::exit(0);
        }
    };
    client::watch(&server, &token, print).await
}
