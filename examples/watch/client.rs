//! A client of the push protocol (docs/integrate/live.md): subscribes from the start, gives credit back as it reads, and
//! after a break goes on behind the last position it was told.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Events that may be on their way to us.
const CREDIT: usize = 256;
/// Before another try, where the server did not say when.
const PAUSE: Duration = Duration::from_millis(1_500);
/// From this close code on, coming back is of no use.
const DO_NOT_COME_BACK: u16 = 4500;
/// Coming back is of use with another token only.
const EXPIRED: u16 = 4005;

/// Hands every event to `seen`, in order and each once, for as long as the server lets us.
///
/// # Errors
/// When the server refuses the token, the subscription or the cursor, or can never be reached by this address.
pub(crate) async fn watch(server: &str, token: &str, mut seen: impl FnMut(&Value)) -> Result<()> {
    let mut from = json!("start");
    loop {
        let pause = follow(server, token, &mut from, &mut seen).await?;
        tokio::time::sleep(pause.unwrap_or(PAUSE)).await;
    }
}

/// One connection, to its end; how long to stay away, where the server says so.
async fn follow(
    server: &str,
    token: &str,
    from: &mut Value,
    seen: &mut impl FnMut(&Value),
) -> Result<Option<Duration>> {
    let address = server.trim_end_matches('/').replacen("http", "ws", 1);
    let mut request = format!("{address}/v1/live").into_client_request().context("the server's address")?;
    request.headers_mut().insert("sec-websocket-protocol", "muniment.live.v1".parse()?);
    let mut socket = match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => socket,
        // A server that restarts is not there for a moment; one that never is has another address.
        Err(error) if may_pass(&error) => {
            eprintln!("{address} does not answer ({error}); trying again");
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("{address} cannot be watched")),
    };
    let hello = json!({ "t": "hello", "token": token, "client": "watch" });
    let subscribe = json!({ "t": "sub", "id": 1, "mode": "log", "from": from, "credit": CREDIT });
    let mut store = String::new();
    let (mut used, mut pause) = (0, None);
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return Ok(None);
    }
    // A connection that breaks needs no other answer than one that is closed: another one.
    while let Some(Ok(message)) = socket.next().await {
        let frame: Value = match message {
            Message::Text(text) => serde_json::from_str(&text)?,
            Message::Close(Some(close)) if matches!(u16::from(close.code), EXPIRED | DO_NOT_COME_BACK..) => {
                bail!("the server closed the connection: {} {}", close.code, close.reason)
            }
            _ => continue,
        };
        let answer = match frame["t"].as_str() {
            Some("welcome") => {
                store = frame["store"].as_str().context("a welcome names the store")?.to_owned();
                subscribe.clone()
            }
            Some("batch") => {
                let events = frame["ev"].as_array().context("a batch has events")?;
                events.iter().for_each(&mut *seen);
                let upto = frame["upto"].as_str().context("a batch says how far it goes")?;
                *from = json!({ "after": format!("{store}:{upto}") });
                used += events.len();
                // Half at a time: a frame for each batch would be more frames than a client may send.
                if used < CREDIT / 2 {
                    continue;
                }
                json!({ "t": "credit", "id": 1, "n": std::mem::take(&mut used) })
            }
            Some("bye") => {
                pause = frame["retry_ms"].as_u64().map(Duration::from_millis);
                continue;
            }
            Some("err") if frame.get("id").is_some() => bail!("the server refuses the subscription: {frame}"),
            // Whether coming back is of use is said by the code that it closes with.
            Some("err" | "revoked") => {
                eprintln!("the server says: {frame}");
                continue;
            }
            _ => continue,
        };
        if socket.send(Message::text(answer.to_string())).await.is_err() {
            break;
        }
    }
    Ok(pause)
}

/// Whether another try may end otherwise: not at an address that this client cannot speak to, as one of https, for which it
/// would need TLS, nor where something else answers.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Url(_) => false,
        Error::Http(answer) => answer.status().is_server_error() || matches!(answer.status().as_u16(), 408 | 429),
        _ => true,
    }
}
