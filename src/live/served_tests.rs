//! The routes over a real journal and real sockets, with a stand-in for the surface's credentials.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpServer, web};
use chrono::Utc;
use futures_util::{SinkExt as _, StreamExt as _};
use muniment_aggregates::record::{Metadata, Position, StreamId, Who};
use muniment_journal::{Append, Appended, Journal, JournalLimits, NewEvent};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::hub::Hub;
use super::limits::PAGE_EVENTS;
use super::reader::{Bounds, Ended, Reader};
use super::rights::{Authenticate, Authority};
use crate::runtime::{Clock, fresh};
use crate::surface::errors::V1Error;
use crate::surface::presented::Presented;
use crate::surface::readable::Readable;

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Later than any test here ends.
const HEARTBEAT: Duration = Duration::from_secs(300);

/// Takes `<company>.<credential>` for a token of that company.
struct Credentials;

#[async_trait::async_trait(?Send)]
impl Authenticate for Credentials {
    async fn authenticate(&self, bearer: &str, _client: Option<IpAddr>) -> Result<Readable, V1Error> {
        match bearer.split_once('.') {
            Some((company, credential)) => Ok(Readable {
                credential: credential.to_owned(),
                account: None,
                subject: None,
                companies: HashSet::from([company.to_owned()]),
                expires_at: None,
            }),
            None => Err(V1Error::refuse(401, "invalid_token", "no such token")),
        }
    }

    async fn authenticate_cookie(&self, _presented: &Presented) -> Result<Readable, V1Error> {
        Err(V1Error::refuse(401, "missing_token", "no cookies here"))
    }

    fn presented(&self, request: &HttpRequest) -> Presented {
        let sent = request.headers().get_all("authorization");
        let authorization = sent.map(|value| value.to_str().ok().map(str::to_owned)).collect();
        Presented { client: request.peer_addr().map(|peer| peer.ip()), authorization, ..Presented::default() }
    }

    fn check_socket_origin(&self, _presented: &Presented) -> Result<(), V1Error> {
        Ok(())
    }

    async fn count_look(&self, _credential: &str) -> Result<(), V1Error> {
        Ok(())
    }
}

struct Served {
    journal: Journal,
    hub: Arc<Hub>,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let (journal, folder) = fresh::journal(JournalLimits::default()).await;
        let hub = Hub::start(journal.clone(), Arc::new(Credentials), Clock::system(), HEARTBEAT);
        let data = web::Data::from(Arc::clone(&hub));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(super::configure))
            .on_connect(super::on_connect)
            .workers(2)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("a free port");
        let port = server.addrs()[0].port();
        actix_web::rt::spawn(server.run());
        Self { journal, hub, port, _folder: folder }
    }

    async fn record(&self, kind: &str, id: &str, after: u64, events: Vec<(&'static str, Value)>) -> Appended {
        let stream = StreamId::new(kind, id);
        let metadata = Metadata {
            who: Who::Operator,
            client: None,
            correlation: "test".to_owned(),
            causation: None,
            surface: "test".to_owned(),
            command: "test".to_owned(),
        };
        let new = |(event_type, payload): (&'static str, Value)| NewEvent {
            stream: stream.clone(),
            event_type,
            event_version: "1.0",
            payload: payload.to_string().into_boxed_str(),
            dedupe: None,
        };
        let append = Append {
            events: events.into_iter().map(new).collect(),
            expect: vec![(stream.clone(), after)],
            metadata: serde_json::to_string(&metadata).expect("JSON").into(),
            ..Append::default()
        };
        self.journal.append(append).await.expect("recorded")
    }

    /// Points of a company, `bytes` wide, from sequence `after` on.
    async fn points(&self, company: &str, after: u64, count: u64, bytes: usize) -> Appended {
        let point = |value: u64| {
            let fields = json!({"company": company, "metric_key": "k", "value": value, "source": "x".repeat(bytes)});
            ("metric.point_recorded", json!({ "point_recorded": fields }))
        };
        self.record("metric", &format!("metric_{company}"), after, (0..count).map(point).collect()).await
    }

    async fn connect(&self, token: &str, from: &str) -> Client {
        let (mut client, _) = tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{}/v1/live", self.port))
            .await
            .expect("an upgrade");
        let hello = json!({"t": "hello", "token": token});
        let sub = json!({"t": "sub", "id": 1, "from": from, "credit": 1024});
        client.send(Message::text(hello.to_string())).await.expect("sent");
        assert_eq!(next(&mut client).await["t"], "welcome");
        client.send(Message::text(sub.to_string())).await.expect("sent");
        client
    }

    async fn read(&self, token: &str, from: Position) -> Result<Vec<u64>, Ended> {
        let mut reader = Reader::admit(Arc::clone(&self.hub), token, None).await.expect("admitted");
        reader.start_at(from);
        let mut seen = Vec::new();
        while !reader.caught_up() {
            let portion = Bounds { events: 100, bytes: 1 << 20, positions: 1_000 };
            seen.extend(reader.take(portion).await?.iter().map(|event| event.position.0));
        }
        Ok(seen)
    }
}

/// A client of a few bytes that asks for everything and reads nothing after the handshake.
async fn jam(port: u16, token: &str) -> TcpStream {
    let text = |frame: &Value| {
        let body = frame.to_string().into_bytes();
        let length = u8::try_from(body.len()).expect("a short frame");
        assert!(length < 126, "a frame with a short length");
        // Masked with zeros, which is the text itself.
        [&[0x81, 0x80 | length, 0, 0, 0, 0], body.as_slice()].concat()
    };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let upgrade = "GET /v1/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("sent");
    stream.write_all(&text(&json!({"t": "hello", "token": token}))).await.expect("sent");
    let mut answer = [0; 512];
    let mut read = 0;
    while !answer[..read].windows(7).any(|window| window == b"welcome") {
        read += stream.read(&mut answer[read..]).await.expect("an answer");
    }
    let sub = json!({"t": "sub", "id": 1, "from": "start", "credit": 1024});
    stream.write_all(&text(&sub)).await.expect("sent");
    stream
}

async fn next(client: &mut Client) -> Value {
    loop {
        match client.next().await.expect("the connection is open").expect("a frame") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Close(close) => return json!({"close": close.map(|close| u16::from(close.code))}),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[actix_web::test]
async fn pages_join_without_a_gap_warm_and_cold() {
    let served = Served::start().await;
    for round in 0..6 {
        served.points("co_A", round * 150, 150, 1).await;
        assert_eq!(served.read("co_A.t", Position::START).await.expect("read").len() as u64, (round + 1) * 150);
    }
    served.points("co_B", 0, 10, 1).await;
    let all: Vec<u64> = (1..=900).collect();
    assert_eq!(served.read("co_A.t", Position::START).await, Ok(all.clone()));
    for from in [1, PAGE_EVENTS - 1, PAGE_EVENTS, PAGE_EVENTS + 1, 899] {
        let from = usize::try_from(from).expect("small");
        assert_eq!(served.read("co_A.t", Position(from as u64)).await, Ok(all[from..].to_vec()));
    }
    let cold = Hub::start(served.journal.clone(), Arc::new(Credentials), Clock::system(), HEARTBEAT);
    let served = Served { hub: cold, ..served };
    assert_eq!(served.read("co_A.t", Position::START).await, Ok(all));
    assert_eq!(served.read("co_B.t", Position::START).await, Ok((901..=910).collect()));
}

#[actix_web::test]
async fn a_restart_between_two_turns_of_a_reader_leaves_the_cursor_where_it_was() {
    let served = Served::start().await;
    for round in 0..4 {
        served.points("co_A", round * 250, 250, 1).await;
    }
    let mut reader = Reader::admit(Arc::clone(&served.hub), "co_A.t", None).await.expect("admitted");
    reader.start_at(Position::START);
    // More than one turn, so the restart comes while it is at it, whether or not it has to wait for a page.
    let portion = Bounds { events: 1_000, bytes: 1 << 20, positions: 1_000 };
    let (taken, ()) = futures_util::future::join(reader.take(portion), async { served.hub.shutdown() }).await;
    assert_eq!(taken.map(drop), Err(Ended::Closing));
    assert_eq!(reader.cursor(), Position::START, "what did not leave is read again");
}

#[actix_web::test]
async fn a_reader_of_pages_in_memory_lets_others_have_their_turn() {
    let served = Served::start().await;
    for round in 0..5 {
        served.points("co_A", round * 250, 250, 1).await;
    }
    assert_eq!(served.read("co_A.warm", Position::START).await.expect("read").len(), 1_250);
    // Nothing of this is for the reader, and no page has to be waited for.
    let mut reader = Reader::admit(Arc::clone(&served.hub), "co_B.t", None).await.expect("admitted");
    reader.start_at(Position::START);
    let mut turns = 1;
    {
        let portion = Bounds { events: 100, bytes: 1 << 20, positions: 10_000 };
        let mut take = std::pin::pin!(reader.take(portion));
        while futures_util::poll!(&mut take).is_pending() {
            turns += 1;
            tokio::task::yield_now().await;
        }
    }
    assert!(turns > 2, "{turns} turns");
    assert_eq!(reader.cursor(), Position(1_250));
}

#[actix_web::test]
async fn another_method_is_not_found() {
    let served = Served::start().await;
    for (line, status) in [("POST /v1/events", "404"), ("DELETE /v1/live", "404"), ("HEAD /v1/events", "401")] {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).await.expect("connected");
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answer}");
    }
}

#[actix_web::test]
async fn liv_10_the_right_has_ended_before_the_revoking_command_is_answered() {
    let served = Served::start().await;
    served.points("co_A", 0, 5, 1).await;
    let mut client = served.connect("co_A.abc", "head").await;
    while next(&mut client).await["t"] != "live" {}
    let admission = served.hub.admit("co_A.abc", None).await.expect("admitted");
    let other = served.hub.admit("co_A.def", None).await.expect("admitted");
    let token = json!({"company": "co_A", "token": "abc", "name": "n", "by": "b", "at": "2026-01-01T00:00:00Z"});
    let revoked =
        served.record("application", "app", 0, vec![("agent_token.revoked", json!({ "token_revoked": token }))]).await;
    assert_eq!(admission.authority.revocation().map(|revocation| revocation.at), Some(revoked.last));
    assert!(other.authority.revocation().is_none());
    let replied = Instant::now();
    assert_eq!(next(&mut client).await["t"], "revoked");
    assert_eq!(next(&mut client).await["close"], 4503);
    println!("from the revocation's reply to the close: {:?}", replied.elapsed());
    served.points("co_A", 5, 1, 1).await;
    let stale = served.read("co_A.def", Position::START).await.expect("others read on");
    assert_eq!(stale.len(), 7);
}

#[actix_web::test]
async fn a_session_that_is_extended_lasts_longer_for_who_reads_under_it() {
    let served = Served::start().await;
    let readable = |credential: &str| Readable {
        credential: credential.to_owned(),
        account: Some("a".to_owned()),
        subject: None,
        companies: HashSet::new(),
        expires_at: Some(Utc::now()),
    };
    let admit = |credential| served.hub.registry.admit(Authority::new(readable(credential)), None).expect("admitted");
    let (extended, other) = (admit("s1"), admit("s2"));
    let others_end = other.authority.expires_at();
    let later = "2100-01-01T00:00:00Z";
    let event = json!({"session_extended": {"session": "s1", "expires_at": later, "at": "2026-01-01T00:00:00Z"}});
    served.record("account", "a", 0, vec![("account.session_extended", event)]).await;
    assert_eq!(extended.authority.expires_at(), Some(later.parse().expect("an instant")));
    assert_eq!(other.authority.expires_at(), others_end);
}

#[actix_web::test]
async fn a_session_that_ran_out_is_expired_whichever_clock_said_so() {
    let served = Served::start().await;
    served.points("co_A", 0, 1, 1).await;
    let later = Utc::now() + chrono::TimeDelta::hours(1);
    for (kind, stream, event_type, event) in [
        ("session", "s1", "session.revoked", json!({"revoked": {"account": "a", "reason": "expired", "at": later}})),
        (
            "account",
            "a",
            "account.session_closed",
            json!({"session_closed": {"session": "s1", "reason": "expired", "at": later}}),
        ),
    ] {
        let authority = Authority::new(Readable {
            credential: "s1".to_owned(),
            account: Some("a".to_owned()),
            subject: None,
            companies: HashSet::new(),
            expires_at: Some(later),
        });
        let admission = served.hub.registry.admit(authority, None).expect("admitted");
        served.record(kind, stream, 0, vec![(event_type, event)]).await;
        assert!(admission.authority.expired(served.hub.now()), "{event_type}");
        assert_eq!(admission.authority.revocation(), None, "it may come back with another session");
    }
}

/// What others record moves the head at any moment, also at the one when a reader finds that nothing is there for it.
#[actix_web::test]
async fn a_long_poll_waits_on_while_others_record() {
    const READERS: usize = 40;
    const WAIT: Duration = Duration::from_secs(3);
    let served = Served::start().await;
    served.points("co_A", 0, 1, 1).await;
    let port = served.port;
    let readers = (0..READERS).map(|_| async move {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
        let request = format!(
            "GET /v1/events?after=head&wait={} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer co_B.t\r\nconnection: close\r\n\r\n",
            WAIT.as_secs()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""events":[]"#), "{answer}");
        begun.elapsed()
    });
    let mut readers = std::pin::pin!(futures_util::future::join_all(readers));
    let mut recorded = 1;
    let waited = loop {
        tokio::select! {
            waited = &mut readers => break waited,
            _ = served.points("co_A", recorded, 1, 1) => recorded += 1,
        }
    };
    let early = waited.iter().filter(|waited| **waited < WAIT - Duration::from_millis(100)).count();
    assert_eq!(early, 0, "of {READERS}, while {recorded} events were recorded");
}

/// Says in the environment that a process was started for one test.
const ALONE: &str = "MUNIMENT_TEST_ALONE";

fn runs_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs one test in a process of its own, where no other test's memory is counted as its own.
fn run_alone(name: &str) {
    let tests = std::env::current_exe().expect("the test's own path");
    let run = std::process::Command::new(tests).args(["--exact", name, "--nocapture"]).env(ALONE, "1").output();
    let run = run.expect("it can be started again");
    let said = String::from_utf8_lossy(&run.stdout);
    println!("{said}");
    assert!(run.status.success() && said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[actix_web::test]
async fn liv_12_a_hundred_jammed_readers_cost_little_each_and_are_gone_in_time() {
    const JAMMED: u64 = 100;
    if !runs_alone() {
        let name = "live::served_tests::liv_12_a_hundred_jammed_readers_cost_little_each_and_are_gone_in_time";
        return run_alone(name);
    }
    let served = Served::start().await;
    for round in 0..8 {
        served.points("co_A", round * 250, 250, 1_024).await;
    }
    // Warm: the pages are cached once, whoever reads them.
    assert_eq!(served.read("co_A.warm", Position::START).await.expect("read").len(), 2_000);
    let mut healthy = served.connect("co_A.healthy", "head").await;
    while next(&mut healthy).await["t"] != "live" {}
    let before = resident();
    let mut jammed = Vec::new();
    for _ in 0..JAMMED {
        jammed.push(jam(served.port, "co_A.jammed").await);
    }
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = resident().saturating_sub(before) / JAMMED;
    println!("{} KiB a jammed reader, its connection included", each / 1024);
    assert!(each <= 64 * 1024, "{each} bytes");

    let written = Instant::now();
    served.points("co_A", 2_000, 1, 1_024).await;
    while next(&mut healthy).await["t"] != "batch" {}
    println!("a healthy reader beside them is {:?} behind the command", written.elapsed());
    while served.hub.registry.census().0 > 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} readers left", served.hub.registry.census().0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("all are gone after {:?}", begun.elapsed());
    drop(jammed);
}

#[actix_web::test]
async fn published_events_are_ready_for_readers_before_they_ask() {
    let served = Served::start().await;
    // Held: while nobody reads, nothing is made ready.
    let _admission = served.hub.admit("co_A.one", None).await.expect("admitted");
    let mut recorded = 0;
    while recorded < PAGE_EVENTS + 20 {
        served.points("co_A", recorded, 10, 10).await;
        let mut cursor = Position(recorded);
        recorded += 10;
        while cursor < Position(recorded) {
            let page = served.hub.pages.peek(cursor).expect("in memory without having been read");
            assert_eq!(page.after(cursor)[0].position, cursor.next());
            cursor = page.last();
        }
    }
    // A long batch is left to who reads it, and what follows it does not pretend to continue the page.
    let long = 65;
    served.points("co_A", recorded, long, 10).await;
    served.points("co_A", recorded + long, 10, 10).await;
    assert!(served.hub.pages.peek(Position(recorded)).is_none());
    let page = served.hub.page(Position(recorded)).await.expect("read");
    let positions: Vec<u64> = page.after(Position(recorded)).iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (recorded + 1..=recorded + long + 10).collect::<Vec<_>>());
}
