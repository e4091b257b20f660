//! What reaches a thousand subscribers of one topic: the built server on `/v1/live` beside a bare broadcaster made of
//! actix-web-actors, which stores nothing and asks nobody for a right. Subscribers, posters and servers share the
//! machine, so what counts are the ratios.
//!
//! `cargo xtask bench push [rounds] [seconds]`. The report goes to stdout as Markdown.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

#[path = "push/broadcaster.rs"]
mod broadcaster;
#[path = "engine/processor.rs"]
mod processor;
#[path = "push/subscribers.rs"]
mod subscribers;

use std::cell::Cell;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use muniment_testkit::{Cluster, free_port};
use processor::seconds;
use reqwest::Client;
use serde_json::{Value, json};
use subscribers::{Dialect, Readers, SUBSCRIBERS};
use tempfile::TempDir;

const IN_FLIGHT: u32 = 16;
/// The text that the broadcaster sends: as the aim has it, and as many bytes as a point of ours is in its frame.
const MESSAGE_BYTES: usize = 200;
const HEAVY_MESSAGE_BYTES: usize = 438;
/// Events of a round that are measured alone.
const ALONE: u32 = 60;
/// Settled memory is read after this.
const SETTLE: Duration = Duration::from_secs(2);
const FOUNDER: &str = "founder@example.com";

/// A server of one side, as a child of this process.
struct Served {
    name: &'static str,
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    fn spawn(name: &'static str, port: u16, folder: TempDir, command: &mut Command) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let child = command.current_dir(folder.path()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
        Self { name, child, port, folder }
    }

    fn muniment(name: &'static str, database: Option<String>) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_muniment"));
        // A setting of whoever measures may name a record that is in use.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.arg("serve").args(["--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(folder.path().join("data")).env("HOME", folder.path()).env("MUNIMENT_ENV", "development");
        for limit in ["OTP_ADDRESS", "READS", "METRIC_WRITES", "APPLICATIONS_ADDRESS"] {
            command.env(format!("MUNIMENT_LIMITS_{limit}"), "off");
        }
        if let Some(url) = database {
            command.env("MUNIMENT_DATABASE_URL", url);
        }
        Self::spawn(name, port, folder, &mut command)
    }

    /// This program again, as the peer.
    fn broadcaster(name: &'static str) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["broadcaster", &format!("127.0.0.1:{port}")]);
        Self::spawn(name, port, folder, &mut command)
    }

    async fn answers(&self, http: &Client) {
        let begun = Instant::now();
        while http.get(self.url("/health")).send().await.is_err() {
            let log = self.folder.path().join("log");
            assert!(begun.elapsed() < Duration::from_secs(30), "{}: see {}", self.name, log.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn resident_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Seconds of the processor that the server has used.
    fn cpu_seconds(&self) -> f64 {
        seconds(|process, _| process == self.child.id()).expect("the server runs")
    }
}

async fn post(http: &Client, url: String, token: &str, body: &Value) -> Value {
    let reply = http.post(url).bearer_auth(token).json(body).send().await.expect("an answer");
    let status = reply.status();
    let answer = reply.text().await.expect("a body");
    assert!(status.is_success(), "{status} {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("{name} in {answer}")).to_owned()
}

/// One company with a metric: the token of its agent, and tokens enough for its readers.
async fn company(http: &Client, served: &Served) -> (String, Vec<String>) {
    let started = post(http, served.url("/v1/auth/otp/start"), "", &json!({ "email": FOUNDER })).await;
    let answer = json!({ "email": FOUNDER, "code": text(&started, "dev_otp") });
    let session = text(&post(http, served.url("/v1/auth/otp/verify"), "", &answer).await, "session_token");
    let form = json!({ "company_name": "A", "founder_name": "B", "founder_email": FOUNDER });
    let made = post(http, served.url("/v1/applications"), &session, &form).await;
    let agent = text(&made, "token");
    post(http, served.url("/v1/metrics"), &agent, &json!({ "key": "arr" })).await;
    let mut tokens = Vec::new();
    for number in 0..SUBSCRIBERS.div_ceil(100) {
        let wanted = json!({ "name": format!("reader-{number}"), "scopes": ["application:read"], "company_id": text(&made, "company_id") });
        tokens.push(text(&post(http, served.url("/v1/tokens"), &session, &wanted).await, "token"));
    }
    (agent, tokens)
}

/// How events are set off.
enum Poster {
    /// As points, by the token of an agent.
    Agent(String),
    /// As texts of this many bytes, to a broadcaster.
    Text(usize),
}

/// One side with its subscribers, and what was measured of it.
struct Side {
    served: Served,
    http: Client,
    poster: Poster,
    readers: Readers,
    next: Cell<u64>,
    idle_kib: f64,
    rates: Vec<f64>,
    cpu_microseconds: Vec<f64>,
    events_a_frame: Vec<f64>,
    bytes_an_event: Vec<f64>,
    from_sent: [Vec<f64>; 2],
    from_answer: [Vec<f64>; 2],
}

impl Side {
    /// `text_bytes` is `None` for Muniment.
    async fn new(served: Served, text_bytes: Option<usize>) -> Self {
        let http = Client::new();
        served.answers(&http).await;
        let (poster, dialect) = match text_bytes {
            Some(bytes) => (Poster::Text(bytes), Dialect::Broadcaster),
            None => {
                let (agent, tokens) = company(&http, &served).await;
                (Poster::Agent(agent), Dialect::Muniment { tokens })
            }
        };
        tokio::time::sleep(SETTLE).await;
        let before = served.resident_kib();
        let readers = subscribers::subscribe(served.port, &dialect).await;
        tokio::time::sleep(SETTLE).await;
        let idle_kib = (served.resident_kib() - before) / f64::from(SUBSCRIBERS);
        Self {
            served,
            http,
            poster,
            readers,
            next: Cell::new(0),
            idle_kib,
            rates: Vec::new(),
            cpu_microseconds: Vec::new(),
            events_a_frame: Vec::new(),
            bytes_an_event: Vec::new(),
            from_sent: [Vec::new(), Vec::new()],
            from_answer: [Vec::new(), Vec::new()],
        }
    }

    /// Sets one event off and waits for the answer of the server.
    async fn publish(&self) {
        let number = self.next.replace(self.next.get() + 1);
        match &self.poster {
            Poster::Agent(agent) => {
                let point = json!({ "value": 1_000_000, "idempotency_key": format!("k{number}") });
                post(&self.http, self.served.url("/v1/metrics/arr/points"), agent, &point).await;
            }
            Poster::Text(bytes) => {
                let text = format!("{number:0>bytes$}");
                let reply = self.http.post(self.served.url("/publish")).body(text).send().await.expect("an answer");
                assert_eq!(reply.text().await.expect("a body"), SUBSCRIBERS.to_string());
            }
        }
    }

    /// Keeps events in flight for a while. An event is in flight until its last subscriber has it.
    async fn throughput(self: &Rc<Self>, run: Duration) -> [f64; 4] {
        let board = &self.readers.board;
        let (delivered, frames) = (board.delivered.load(Ordering::Relaxed), board.frames.load(Ordering::Relaxed));
        let (bytes, cpu, begun) = (board.bytes.load(Ordering::Relaxed), self.served.cpu_seconds(), Instant::now());
        board.allow(usize::try_from(IN_FLIGHT).expect("small"));
        let posters = (0..IN_FLIGHT).map(|_| {
            let side = Rc::clone(self);
            tokio::task::spawn_local(async move {
                while begun.elapsed() < run {
                    side.readers.board.depart().await;
                    side.publish().await;
                }
            })
        });
        for poster in posters.collect::<Vec<_>>() {
            poster.await.expect("a poster that ends");
        }
        board.drain(IN_FLIGHT).await;
        let seconds = begun.elapsed().as_secs_f64();
        let delivered = count(board.delivered.load(Ordering::Relaxed) - delivered);
        let frames = count(board.frames.load(Ordering::Relaxed) - frames);
        let bytes = count(board.bytes.load(Ordering::Relaxed) - bytes);
        let cpu = self.served.cpu_seconds() - cpu;
        [delivered / seconds, cpu * 1e6 / delivered, delivered / frames, bytes / delivered]
    }

    /// One event at a time: p50 and p99 in milliseconds over all subscribers, from the command's departure and from
    /// its answer. A frame that overtakes the answer counts as less than nothing.
    async fn latency(&self) -> [[f64; 2]; 2] {
        let board = &self.readers.board;
        let (mut from_sent, mut from_answer) = (Vec::new(), Vec::new());
        for _ in 0..ALONE {
            board.note(true);
            board.allow(1);
            board.depart().await;
            let sent = Instant::now();
            self.publish().await;
            let answered = Instant::now();
            board.drain(1).await;
            let arrivals = board.note(false);
            assert_eq!(arrivals.len(), usize::try_from(SUBSCRIBERS).expect("small"));
            let answer = (answered - sent).as_secs_f64();
            let times = arrivals.iter().map(|arrived| (*arrived - sent).as_secs_f64());
            from_answer.extend(times.clone().map(|time| (time - answer) * 1e3));
            from_sent.extend(times.map(|time| time * 1e3));
        }
        [from_sent, from_answer].map(|mut times| {
            times.sort_by(f64::total_cmp);
            [50, 99].map(|percent| times[(times.len() - 1) * percent / 100])
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn count(of: u64) -> f64 {
    of as f64
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn spread(figures: &[f64], digits: usize) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.digits$} ({least:.digits$}–{most:.digits$})", median(figures))
}

fn report(sides: &[Rc<Side>]) {
    let row = |what: &str, figure: &dyn Fn(&Side) -> String| {
        let figures: Vec<String> = sides.iter().map(|side| figure(side)).collect();
        println!("| {what} | {} |", figures.join(" | "));
    };
    row("median (min–max)", &|side| side.served.name.to_owned());
    println!("|---|{}", "---|".repeat(sides.len()));
    row("deliveries/s, 16 in flight", &|side| spread(&side.rates, 0));
    row("processor of the server a delivery, µs", &|side| spread(&side.cpu_microseconds, 2));
    row("events a frame", &|side| spread(&side.events_a_frame, 1));
    row("bytes an event, framing included", &|side| spread(&side.bytes_an_event, 0));
    for (place, percentile) in ["p50", "p99"].into_iter().enumerate() {
        row(&format!("command sent → frame, {percentile} ms"), &|side| spread(&side.from_sent[place], 1));
        row(&format!("command answered → frame, {percentile} ms"), &|side| spread(&side.from_answer[place], 1));
    }
    row("idle connection, KiB", &|side| format!("{:.1}", side.idle_kib));
    println!("\n| ratio | value |\n|---|---|");
    let (ours, peers): (Vec<_>, Vec<_>) = sides.iter().partition(|side| matches!(side.poster, Poster::Agent(_)));
    for peer in peers {
        for side in &ours {
            let ratios: Vec<f64> = side.rates.iter().zip(&peer.rates).map(|(ours, theirs)| ours / theirs).collect();
            println!("| deliveries of {} / of the {} | {} |", side.served.name, peer.served.name, spread(&ratios, 2));
        }
    }
}

async fn run(rounds: u32, run: Duration) {
    let mut sides = Vec::new();
    for (served, text_bytes) in [
        (Served::muniment("PostgreSQL", Some(Cluster::shared().fresh_database())), None),
        (Served::muniment("SQLite", None), None),
        (Served::broadcaster("bare broadcaster"), Some(MESSAGE_BYTES)),
        (Served::broadcaster("broadcaster of as many bytes"), Some(HEAVY_MESSAGE_BYTES)),
    ] {
        sides.push(Rc::new(Side::new(served, text_bytes).await));
    }
    for round in 0..=rounds {
        for side in &mut sides {
            let [rate, cpu, events, bytes] = side.throughput(run).await;
            let [from_sent, from_answer] = side.latency().await;
            if round == 0 {
                continue; // It warms up.
            }
            let side = Rc::get_mut(side).expect("the posters have ended");
            side.rates.push(rate);
            side.cpu_microseconds.push(cpu);
            side.events_a_frame.push(events);
            side.bytes_an_event.push(bytes);
            for place in 0..2 {
                side.from_sent[place].push(from_sent[place]);
                side.from_answer[place].push(from_answer[place]);
            }
        }
    }
    report(&sides);
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    if arguments.next_if_eq("broadcaster").is_some() {
        return broadcaster::serve(&arguments.next().expect("an address"));
    }
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3.0);
    rustls::crypto::ring::default_provider().install_default().expect("the first of this process");
    println!("# Push to {SUBSCRIBERS} subscribers: {rounds} rounds of {seconds} s a side\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(rounds, Duration::from_secs_f64(seconds)));
}
