//! A client of `/api/ws` and one of the audit's stream. Blocking, so that a test reads from top to bottom.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::harness::{Server, check_rpc_error, runtime};

/// How long a frame that must come may take.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// How long a frame may take before the way is taken to be jammed.
const JAMMED_AFTER: Duration = Duration::from_secs(1);

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    Frame(Value),
    Closed(u16),
    /// The connection ended without a close frame.
    Reset,
}

pub(crate) struct Socket {
    inner: WebSocketStream<TcpStream>,
    next: u64,
    /// Notifications that came while an answer was waited for.
    notices: Vec<Value>,
}

impl Socket {
    /// Opens a socket with these headers, or tells the status and the body of the refusal.
    pub(crate) fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Result<Self, (u16, Value)> {
        let address = format!("127.0.0.1:{}", server.port);
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        runtime().block_on(async {
            let stream = TcpStream::connect(&address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            match tokio_tungstenite::client_async(request, stream).await {
                Ok((inner, _)) => Ok(Self { inner, next: 0, notices: Vec::new() }),
                Err(Error::Http(response)) => {
                    let body = response.body().clone().unwrap_or_default();
                    Err((response.status().as_u16(), serde_json::from_slice(&body).unwrap_or(Value::Null)))
                }
                Err(error) => panic!("{error}"),
            }
        })
    }

    /// Opens one by cookie.
    pub(crate) fn of(server: &Server, cookie: &str) -> Self {
        Self::open(server, "/api/ws", &[("cookie", cookie)]).unwrap()
    }

    pub(crate) fn send(&mut self, message: Message) {
        runtime().block_on(async { self.inner.send(message).await.unwrap() });
    }

    /// Sends bytes as they are, a frame or not.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        runtime().block_on(self.inner.get_mut().write_all(bytes)).unwrap();
    }

    /// Whether it could still be sent.
    pub(crate) fn try_send(&mut self, message: Message) -> bool {
        runtime().block_on(async { self.inner.send(message).await.is_ok() })
    }

    /// Asks for long answers and reads none, until nothing goes either way any more.
    pub(crate) fn jam(&mut self) {
        let ask = json!({ "jsonrpc": "2.0", "id": "x".repeat(256 * 1024), "method": "heartbeat" }).to_string();
        runtime().block_on(async {
            loop {
                let sent = self.inner.send(Message::text(ask.clone()));
                if !matches!(tokio::time::timeout(JAMMED_AFTER, sent).await, Ok(Ok(()))) {
                    return;
                }
            }
        });
    }

    pub(crate) fn send_json(&mut self, value: &Value) {
        self.send(Message::text(value.to_string()));
    }

    /// Sends a request; its id.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let mut request = json!({ "jsonrpc": "2.0", "id": self.next, "method": method });
        if !params.is_null() {
            request["params"] = params.clone();
        }
        self.send_json(&request);
        self.next
    }

    /// Calls a method and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        self.answer(&json!(id))
    }

    /// The answer under an id; notifications that come before it are kept.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        loop {
            match self.next_within(WAIT) {
                Some(Incoming::Frame(frame)) if frame.get("id") == Some(id) => return frame,
                Some(Incoming::Frame(frame)) if frame.get("method").is_some() => self.notices.push(frame),
                other => panic!("waited for the answer {id}: {other:?}"),
            }
        }
    }

    /// The next notification of a method.
    pub(crate) fn notice(&mut self, method: &str) -> Value {
        if let Some(at) = self.notices.iter().position(|notice| notice["method"] == method) {
            return self.notices.remove(at)["params"].clone();
        }
        loop {
            match self.next_within(WAIT) {
                Some(Incoming::Frame(frame)) if frame["method"] == method => return frame["params"].clone(),
                Some(Incoming::Frame(frame)) if frame.get("method").is_some() => self.notices.push(frame),
                other => panic!("waited for {method}: {other:?}"),
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) fn is_quiet(&mut self, span: Duration) -> bool {
        self.notices.is_empty() && self.next_within(span).is_none()
    }

    /// Whatever comes within a while and is no notification.
    pub(crate) fn stray(&mut self, span: Duration) -> Option<Incoming> {
        loop {
            match self.next_within(span) {
                Some(Incoming::Frame(frame)) if frame.get("method").is_some() => self.notices.push(frame),
                other => return other,
            }
        }
    }

    /// The code it is closed with.
    pub(crate) fn closed(&mut self) -> u16 {
        self.closed_within(WAIT)
    }

    pub(crate) fn closed_within(&mut self, span: Duration) -> u16 {
        loop {
            match self.next_within(span) {
                Some(Incoming::Closed(code)) => return code,
                Some(Incoming::Frame(frame)) if frame.get("method").is_some() => {}
                other => panic!("waited for the close: {other:?}"),
            }
        }
    }

    /// The next frame as it stands.
    pub(crate) fn text(&mut self) -> String {
        runtime().block_on(async {
            loop {
                if let Message::Text(text) = self.inner.next().await.unwrap().unwrap() {
                    return text.as_str().to_owned();
                }
            }
        })
    }

    pub(crate) fn next_within(&mut self, span: Duration) -> Option<Incoming> {
        runtime().block_on(async {
            let next = async {
                loop {
                    match self.inner.next().await {
                        Some(Ok(Message::Text(text))) => {
                            let frame = serde_json::from_str(text.as_str()).unwrap();
                            check_rpc_error(&frame);
                            return Incoming::Frame(frame);
                        }
                        Some(Ok(Message::Close(frame))) => {
                            return Incoming::Closed(frame.map_or(1005, |frame| frame.code.into()));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return Incoming::Reset,
                    }
                }
            };
            tokio::time::timeout(span, next).await.ok()
        })
    }
}

/// The audit as server-sent events.
pub(crate) struct Stream {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
    pub(crate) status: u16,
}

impl Stream {
    pub(crate) fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n", server.port);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        runtime().block_on(async {
            let mut stream = TcpStream::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            let first = lines.next_line().await.unwrap().unwrap();
            let status = first.split(' ').nth(1).unwrap().parse().unwrap();
            let mut head = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                head.push(line.to_lowercase());
            }
            // Without its type a browser gives it up for good.
            for has in ["content-type: text/event-stream", "cache-control: no-store"] {
                assert!(status != 200 || head.iter().any(|line| line.starts_with(has)), "{has} is not in {head:?}");
            }
            Self { lines, status }
        })
    }

    /// The next line as it stands, which may be empty or the length of a chunk.
    pub(crate) fn whole_line(&mut self) -> String {
        let next = runtime().block_on(async { tokio::time::timeout(WAIT, self.lines.next_line()).await });
        next.expect("a line in time").unwrap().expect("the stream goes on")
    }

    /// The next line that is not empty and no length of a chunk; `None` at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        runtime().block_on(async {
            let next = async {
                loop {
                    let line = self.lines.next_line().await.ok().flatten()?;
                    let line = line.trim_end().to_owned();
                    if line.starts_with(": ") || line.starts_with("id: ") || line.starts_with("data: ") {
                        return Some(line);
                    }
                    // The last chunk of a body has no length.
                    if line == "0" {
                        return None;
                    }
                }
            };
            tokio::time::timeout(WAIT, next).await.expect("a line or the end")
        })
    }

    /// The next row: its id and its data.
    pub(crate) fn row(&mut self) -> Option<(u64, Value)> {
        let mut id = None;
        let begun = Instant::now();
        loop {
            // The signs of life between rows are lines too.
            assert!(begun.elapsed() < WAIT, "neither a row nor the end");
            let line = self.line()?;
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().ok();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((id.unwrap(), serde_json::from_str(data).unwrap()));
            }
        }
    }
}
