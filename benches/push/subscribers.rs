//! A thousand readers on two threads, the same code for both sides: each only counts the events that come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Readers of each side.
pub(crate) const SUBSCRIBERS: u32 = 1_000;
/// Threads they run on.
const THREADS: u32 = 2;
/// Credit that a reader has at most, which is the most there is, and what it has used when it gives it back.
const CREDIT: u32 = 1_024;
const CREDIT_BACK: u32 = 512;
/// More than are ever in flight.
const RING: u64 = 1_024;
/// How long everything that is in flight may take to arrive.
const WAIT: Duration = Duration::from_secs(30);

/// What the readers of one side have seen together.
pub(crate) struct Board {
    /// How many have the event of this number, by the order in which all of them get the events.
    seen: Vec<AtomicU32>,
    /// Events times readers.
    pub(crate) delivered: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// One permit for each event that may be set off; it comes back when the last reader has the event.
    flight: Semaphore,
    arrivals: Mutex<Vec<Instant>>,
    noting: std::sync::atomic::AtomicBool,
}

impl Board {
    fn new() -> Self {
        Self {
            seen: (0..RING).map(|_| AtomicU32::new(0)).collect(),
            delivered: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            flight: Semaphore::new(0),
            arrivals: Mutex::new(Vec::new()),
            noting: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Lets this many more events be in flight.
    pub(crate) fn allow(&self, in_flight: usize) {
        self.flight.add_permits(in_flight);
    }

    /// Waits until one more event may be set off.
    pub(crate) async fn depart(&self) {
        self.drain(1).await;
    }

    /// Takes back the permits of this many events, as they arrive.
    pub(crate) async fn drain(&self, in_flight: u32) {
        let permits = tokio::time::timeout(WAIT, self.flight.acquire_many(in_flight)).await;
        permits.expect("every reader gets every event").expect("an open semaphore").forget();
    }

    /// Whether the time of every arrival is noted, and the times noted until now.
    pub(crate) fn note(&self, noting: bool) -> Vec<Instant> {
        self.noting.store(noting, Ordering::Relaxed);
        std::mem::take(&mut self.arrivals.lock())
    }

    fn took(&self, first: u64, count: u32, bytes: usize) {
        if self.noting.load(Ordering::Relaxed) {
            self.arrivals.lock().push(Instant::now());
        }
        self.delivered.fetch_add(count.into(), Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).expect("in memory"), Ordering::Relaxed);
        for number in first..first + u64::from(count) {
            let seen = &self.seen[usize::try_from(number % RING).expect("small")];
            if seen.fetch_add(1, Ordering::AcqRel) + 1 == SUBSCRIBERS {
                seen.store(0, Ordering::Release);
                self.flight.add_permits(1);
            }
        }
    }
}

/// What a reader says, and how many events are in what it hears.
#[derive(Clone)]
pub(crate) enum Dialect {
    /// `/v1/live`, with tokens of a hundred connections each.
    Muniment { tokens: Vec<String> },
    /// Every text is an event.
    Broadcaster,
}

impl Dialect {
    /// How many events a text brings. Nothing but points is recorded while this runs, so the first and the last
    /// position of a batch say how many are in it; `checks` counts them, which costs more than the rest of reading.
    fn events(&self, text: &str, checks: bool) -> u32 {
        match self {
            Self::Muniment { .. } => {
                let Some(first) = position(text, r#""ev":[{"p":""#) else { return 0 };
                let last = position(text, r#""upto":""#).expect("in every batch");
                let count = u32::try_from(last + 1 - first).expect("few");
                // Each event of a batch begins with its position; inside of texts, quotes are escaped.
                assert!(!checks || text.matches(r#"{"p":""#).count() == usize::try_from(count).expect("few"), "{text}");
                count
            }
            Self::Broadcaster => 1,
        }
    }

    fn pays(&self) -> bool {
        matches!(self, Self::Muniment { .. })
    }
}

fn position(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once('"')?.0.parse().ok()
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(port: u16, index: u32, dialect: &Dialect) -> Socket {
    let path = if dialect.pays() { "/v1/live" } else { "/live" };
    let mut request = format!("ws://127.0.0.1:{port}{path}").into_client_request().expect("an address");
    if dialect.pays() {
        request.headers_mut().insert("sec-websocket-protocol", "muniment.live.v1".parse().expect("text"));
    }
    let socket = TcpSocket::new_v4().expect("a socket");
    // An address may have 200 connections.
    socket.bind(format!("127.0.1.{}:0", 1 + index / 150).parse().expect("an address")).expect("bound");
    let stream = socket.connect(format!("127.0.0.1:{port}").parse().expect("an address")).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
    let (mut socket, _) =
        tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await.expect("upgraded");
    match dialect {
        Dialect::Muniment { tokens } => {
            let token = &tokens[usize::try_from(index / 100).expect("small")];
            say(&mut socket, &json!({ "t": "hello", "token": token, "client": "bench" })).await;
            let filter =
                json!({ "all": [{ "eq": { "metric": "arr" } }, { "eq": { "type": "metric.point_recorded" } }] });
            until(&mut socket, r#""t":"welcome""#).await;
            say(
                &mut socket,
                &json!({ "t": "sub", "id": 1, "mode": "log", "from": "head", "credit": CREDIT, "filter": filter }),
            )
            .await;
            until(&mut socket, r#""t":"live""#).await;
        }
        Dialect::Broadcaster => until(&mut socket, "joined").await,
    }
    socket
}

async fn say(socket: &mut Socket, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.expect("sent");
}

/// Reads until a text with this in it.
async fn until(socket: &mut Socket, wanted: &str) {
    loop {
        let heard = socket.next().await.expect("open").expect("a frame");
        let text = heard.to_text().expect("text");
        if heard.is_text() && text.contains(wanted) {
            return;
        }
        assert!(!heard.is_close() && !text.contains(r#""t":"err""#), "{text}");
    }
}

async fn read(mut socket: Socket, board: Arc<Board>, dialect: Dialect, checks: bool) {
    let (mut number, mut used) = (0, 0);
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let count = dialect.events(&text, checks);
        if count == 0 {
            continue;
        }
        board.took(number, count, text.len());
        number += u64::from(count);
        used += count;
        if dialect.pays() && used >= CREDIT_BACK {
            say(&mut socket, &json!({ "t": "credit", "id": 1, "n": used })).await;
            used = 0;
        }
    }
}

/// The readers of one side; they leave when this is dropped.
pub(crate) struct Readers {
    pub(crate) board: Arc<Board>,
    _stop: Vec<oneshot::Sender<()>>,
}

/// Connects all of them and waits until each is subscribed.
pub(crate) async fn subscribe(port: u16, dialect: &Dialect) -> Readers {
    let board = Arc::new(Board::new());
    let mut stops = Vec::new();
    for thread in 0..THREADS {
        let (stop, stopped) = oneshot::channel();
        let (ready, are_ready) = oneshot::channel();
        let (board, dialect) = (Arc::clone(&board), dialect.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let share = SUBSCRIBERS / THREADS;
                for index in thread * share..(thread + 1) * share {
                    let socket = connect(port, index, &dialect).await;
                    tokio::spawn(read(socket, Arc::clone(&board), dialect.clone(), index == 0));
                }
                ready.send(()).expect("somebody waits");
                // An error is the other side being dropped, which says the same.
                drop(stopped.await);
            });
        });
        are_ready.await.expect("all are subscribed");
        stops.push(stop);
    }
    Readers { board, _stop: stops }
}
