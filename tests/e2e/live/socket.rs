//! A client of `/v1/live` and one of `/v1/stream`. Blocking, so that a test reads from top to bottom.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use super::line::Line;
use crate::harness::{Server, runtime};

/// How long a frame that must come may take.
const WAIT: Duration = Duration::from_secs(60);

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    Frame(Value),
    Closed(u16),
    /// The connection ended without a close frame.
    Reset,
}

pub(crate) struct Socket {
    inner: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Upgrades with these headers, or tells the status of the refusal.
    pub(super) fn upgrade(server: &Server, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::upgrade_from(server, "127.0.0.1", "/v1/live", headers)
    }

    /// The same from another address of this machine, with a path of one's own.
    pub(super) fn upgrade_from(server: &Server, from: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::upgrade_to(server.port, from, path, headers)
    }

    fn upgrade_to(port: u16, from: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let address = format!("127.0.0.1:{port}");
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "muniment.live.v1".parse().unwrap());
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        runtime().block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            let stream = socket.connect(address.parse().unwrap()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            match tokio_tungstenite::client_async(request, stream).await {
                Ok((inner, response)) => {
                    assert_eq!(response.headers()["sec-websocket-protocol"], "muniment.live.v1");
                    Ok(Self { inner })
                }
                Err(Error::Http(response)) => Err(response.status().as_u16()),
                Err(error) => panic!("upgrade: {error}"),
            }
        })
    }

    /// Upgrades, says hello and is welcomed.
    pub(crate) fn connect(server: &Server, token: &str) -> Self {
        Self::connect_from(server, "127.0.0.1", token)
    }

    pub(super) fn connect_from(server: &Server, from: &str, token: &str) -> Self {
        Self::upgrade_from(server, from, "/v1/live", &[]).unwrap().greeted(token)
    }

    /// The same over a line of one's own.
    pub(super) fn connect_over(line: &Line, token: &str) -> Self {
        Self::upgrade_to(line.port, "127.0.0.1", "/v1/live", &[]).unwrap().greeted(token)
    }

    fn greeted(mut self, token: &str) -> Self {
        self.send(&json!({ "t": "hello", "token": token, "client": "e2e" }));
        assert_eq!(self.frame()["t"], "welcome");
        self
    }

    /// Upgrades with headers of one's own choice for the subprotocol, as no library of a client lets anyone; the socket, and
    /// the subprotocol that was chosen.
    pub(super) fn upgrade_speaking(server: &Server, subprotocols: &[&str]) -> (Self, Option<String>) {
        let offered: String =
            subprotocols.iter().map(|subprotocol| format!("sec-websocket-protocol: {subprotocol}\r\n")).collect();
        let request = format!(
            "GET /v1/live HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offered}\r\n"
        );
        runtime().block_on(async {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.starts_with("http/1.1 101 "), "{head}");
            let chosen = head.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: ")).map(str::to_owned);
            (Self { inner: WebSocketStream::from_raw_socket(stream, Role::Client, None).await }, chosen)
        })
    }

    pub(crate) fn send(&mut self, frame: &Value) {
        self.raw(Message::text(frame.to_string()));
    }

    pub(super) fn raw(&mut self, message: Message) {
        self.try_raw(message).unwrap();
    }

    /// Sends on a connection that may be gone.
    pub(super) fn try_raw(&mut self, message: Message) -> Result<(), Error> {
        runtime().block_on(self.inner.send(message))
    }

    /// Sends bytes as they are, a frame or not.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        runtime().block_on(self.inner.get_mut().write_all(bytes)).unwrap();
    }

    /// What comes within a time.
    pub(super) fn within(&mut self, wait: Duration) -> Option<Incoming> {
        runtime().block_on(incoming(&mut self.inner, wait))
    }

    /// The next frame; heartbeats are passed over.
    pub(crate) fn frame(&mut self) -> Value {
        match self.within(WAIT) {
            Some(Incoming::Frame(frame)) => frame,
            other => panic!("expected a frame, found {other:?}"),
        }
    }

    /// The next frame of a type; others that come before it are passed over.
    pub(crate) fn frame_of(&mut self, t: &str) -> Value {
        loop {
            let frame = self.frame();
            if frame["t"] == t {
                return frame;
            }
        }
    }

    /// Reads until the end; the close code, or `None` for a connection that was cut.
    pub(super) fn closed(&mut self) -> Option<u16> {
        self.until_closed().1
    }

    /// Reads until the end: the frames that came before it, and the close code.
    pub(super) fn until_closed(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut frames = Vec::new();
        loop {
            match self.within(WAIT) {
                Some(Incoming::Frame(frame)) => frames.push(frame),
                Some(Incoming::Closed(code)) => return (frames, Some(code)),
                Some(Incoming::Reset) => return (frames, None),
                None => panic!("not closed within {WAIT:?}; frames {frames:?}"),
            }
        }
    }

    /// Subscribes; the answer.
    pub(crate) fn subscribe(&mut self, id: u32, from: &Value, credit: u32, filter: &Value) -> Value {
        self.ask(id, from, credit, filter);
        self.frame()
    }

    /// Subscribes, and leaves the answer to whoever reads next.
    pub(super) fn ask(&mut self, id: u32, from: &Value, credit: u32, filter: &Value) {
        self.send(&json!({ "t": "sub", "id": id, "mode": "log", "from": from, "credit": credit, "filter": filter }));
    }

    /// Events up to the `live` frame of the one subscription; credit is given back as it is used.
    pub(crate) fn until_live(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let frame = self.frame();
            match frame["t"].as_str().unwrap() {
                "batch" => {
                    let batch = frame["ev"].as_array().unwrap();
                    events.extend(batch.iter().cloned());
                    self.send(&json!({ "t": "credit", "id": frame["id"], "n": batch.len() }));
                }
                "live" => return events,
                _ => panic!("{frame}"),
            }
        }
    }

    /// Events until the last of these has come, which with those that were seen before are all of them, each once.
    pub(crate) fn reads_on(&mut self, mut seen: Vec<Value>, all: &[Value]) {
        while seen.last() != all.last() {
            let frame = self.frame_of("batch");
            seen.extend(frame["ev"].as_array().unwrap().iter().cloned());
        }
        assert_eq!(seen, all);
    }

    /// Events until there are this many.
    pub(super) fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let frame = self.frame_of("batch");
            events.extend(frame["ev"].as_array().unwrap().iter().cloned());
        }
        assert_eq!(events.len(), count, "more than were waited for");
        events
    }

    /// Events of one type until there are this many; others are passed over.
    pub(super) fn events_of(&mut self, event_type: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let frame = self.frame_of("batch");
            let batch = frame["ev"].as_array().unwrap().iter();
            events.extend(batch.filter(|event| event["type"] == event_type).cloned());
        }
        events
    }

    /// Waits for this many heartbeats; nothing but control frames comes before the last.
    pub(super) fn heartbeats(&mut self, count: usize) -> Vec<Value> {
        let mut heard = Vec::new();
        while heard.len() < count {
            let next = runtime().block_on(async { tokio::time::timeout(WAIT, any_frame(&mut self.inner)).await });
            match next.expect("a heartbeat in time") {
                Incoming::Frame(frame) if frame["t"] == "hb" => heard.push(frame),
                Incoming::Frame(frame) if frame["ev"].as_array().is_none_or(Vec::is_empty) => {}
                other => panic!("expected heartbeats, found {other:?}"),
            }
        }
        heard
    }

    /// All bytes that came and were not looked at, up to the end of the connection.
    pub(super) fn unread(&mut self) -> Vec<u8> {
        runtime().block_on(async {
            let mut bytes = Vec::new();
            // A reset after the last byte is an end, too.
            match self.inner.get_mut().read_to_end(&mut bytes).await {
                Ok(_) | Err(_) => bytes,
            }
        })
    }

    /// Nothing but control frames comes for a while.
    pub(super) fn quiet_for(&mut self, span: Duration) {
        let begun = Instant::now();
        while let Some(left) = span.checked_sub(begun.elapsed()) {
            match self.within(left) {
                None => return,
                Some(Incoming::Frame(frame)) if frame["ev"].as_array().is_none_or(Vec::is_empty) => {}
                Some(other) => panic!("expected quiet, found {other:?}"),
            }
        }
    }

    /// The client of a stream that was read elsewhere.
    pub(super) fn from_inner(inner: WebSocketStream<TcpStream>) -> Self {
        Self { inner }
    }

    /// The stream itself, for a test that reads many at once.
    pub(super) fn into_inner(self) -> WebSocketStream<TcpStream> {
        self.inner
    }
}

/// The next frame that is not a heartbeat, a close or an end.
pub(super) async fn incoming(inner: &mut WebSocketStream<TcpStream>, wait: Duration) -> Option<Incoming> {
    let next = async {
        loop {
            match any_frame(inner).await {
                Incoming::Frame(frame) if frame["t"] == "hb" => {}
                other => return other,
            }
        }
    };
    tokio::time::timeout(wait, next).await.ok()
}

async fn any_frame(inner: &mut WebSocketStream<TcpStream>) -> Incoming {
    loop {
        match inner.next().await {
            Some(Ok(Message::Text(text))) => return Incoming::Frame(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(close)))) => return Incoming::Closed(close.code.into()),
            Some(Ok(Message::Close(None)) | Err(_)) | None => return Incoming::Reset,
            Some(Ok(_)) => {}
        }
    }
}

/// A client of `/v1/stream`.
pub(crate) struct EventStream {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
}

/// One event of a stream, or the comment of an idle one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(super) id: String,
    pub(super) event: String,
    pub(crate) data: Option<Value>,
}

impl EventStream {
    /// Opens the stream; the status if it is not 200.
    pub(crate) fn open(server: &Server, token: &str, query: &str, last_event_id: Option<&str>) -> Result<Self, u16> {
        let resume = last_event_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        Self::open_by(server, &format!("authorization: Bearer {token}\r\n{resume}"), query)
    }

    /// The same with these lines of headers.
    pub(super) fn open_by(server: &Server, headers: &str, query: &str) -> Result<Self, u16> {
        let request =
            format!("GET /v1/stream?{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{headers}\r\n");
        runtime().block_on(async {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            let status = lines.next_line().await.unwrap().unwrap();
            let status: u16 = status.split(' ').nth(1).unwrap().parse().unwrap();
            let mut head = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                head.push(line.to_lowercase());
            }
            if status != 200 {
                return Err(status);
            }
            // Without its type a browser gives it up for good, and what is kept or collected on the way comes too late.
            for has in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
                assert!(head.iter().any(|line| line.starts_with(has)), "{has} is not in {head:?}");
            }
            Ok(Self { lines })
        })
    }

    /// The next event with data; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> Option<Told> {
        runtime().block_on(async {
            let mut told = Told { id: String::new(), event: String::new(), data: None };
            loop {
                let line = tokio::time::timeout(WAIT, self.lines.next_line()).await.expect("an event in time");
                let Ok(Some(line)) = line else { return None };
                if let Some(id) = line.strip_prefix("id: ") {
                    id.clone_into(&mut told.id);
                } else if let Some(event) = line.strip_prefix("event: ") {
                    event.clone_into(&mut told.event);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    told.data = Some(serde_json::from_str(data).unwrap());
                } else if line.is_empty() && told.data.is_some() {
                    return Some(told);
                }
            }
        })
    }

    /// The next comment; events before it are passed over.
    pub(super) fn comment(&mut self) -> String {
        runtime().block_on(async {
            loop {
                let line = tokio::time::timeout(WAIT, self.lines.next_line()).await.expect("a comment in time");
                if let Some(comment) = line.unwrap().expect("the stream goes on").strip_prefix(": ") {
                    return comment.to_owned();
                }
            }
        })
    }

    /// Events until there are this many.
    pub(crate) fn events(&mut self, count: usize) -> Vec<Told> {
        (0..count).map(|_| self.next().expect("the stream goes on")).collect()
    }
}
