//! What the built server answers a second over HTTP: sign-ins beside the bare Argon2 limit of the machine, authenticated
//! reads beside `/health`, accepted offers beside metric points, batches of points beside the engine's own limit,
//! points with their traces exported beside points without. Clients, server and database share the machine, so what counts
//! are the ratios.
//!
//! `cargo xtask bench served [rounds] [seconds] [rows]`; `rows` is a part of those to run, as in
//! `SQLite: point, 64`. The report goes to stdout as Markdown.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

#[path = "served/collector.rs"]
mod collector;
#[path = "engine/processor.rs"]
mod processor;
#[path = "engine/raw.rs"]
mod raw;
#[path = "engine/server.rs"]
mod server;

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muniment::auth::passwords::Passwords;
use muniment_testkit::Cluster;
use processor::seconds;
use raw::Raw;
use reqwest::Client;
use serde_json::{Value, json};
use server::{PASSWORD, Place, Served, company, cookie, founded, post, rpc};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

const CONNECTIONS: u32 = 32;
/// The same as a count of things.
const MEMBERS: usize = 32;
/// Points of a batch, and rows of the raw one beside it.
const BATCH: u32 = 1_000;
/// Offers that wait before a round of accepts; a round ends early when none is left.
const OFFERS: usize = 3_000;

type Work = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = u64>>>>;

struct Row {
    name: &'static str,
    clients: u32,
    work: Work,
    rates: Vec<f64>,
    /// Microseconds of the processor each, of the servers, of the database and of the clients.
    processor: Vec<[f64; 3]>,
}

/// Runs `clients` callers for a while; how much was done a second.
async fn measure(row: &Row, run: Duration) -> f64 {
    let done = Rc::new(Cell::new(0_u64));
    let begun = Instant::now();
    let callers = (0..row.clients).map(|_| {
        let (work, done) = (Rc::clone(&row.work), Rc::clone(&done));
        actix::spawn(async move {
            while begun.elapsed() < run {
                match work().await {
                    0 => return,
                    count => done.set(done.get() + count),
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("a caller that ends");
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let count = done.get() as f64;
    count / begun.elapsed().as_secs_f64()
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Hashes a second with nothing beside them, as many at once as the server runs.
async fn bare_argon2(passwords: &Arc<Passwords>, stored: &Arc<str>, run: Duration) -> f64 {
    let work: Work = {
        let (passwords, stored) = (Arc::clone(passwords), Arc::clone(stored));
        Rc::new(move || {
            let (passwords, stored) = (Arc::clone(&passwords), Arc::clone(&stored));
            Box::pin(async move {
                let given = Zeroizing::new(PASSWORD.to_owned());
                u64::from(passwords.verify(given, Some(Zeroizing::new(stored.to_string()))).await.expect("compared"))
            })
        })
    };
    measure(&Row { name: "", clients: CONNECTIONS, work, rates: Vec::new(), processor: Vec::new() }, run).await
}

/// The next of the offers that wait, for whoever comes first.
type Offers = Rc<std::cell::RefCell<Vec<(usize, String)>>>;

/// How often, how long and which.
struct Plan {
    rounds: u32,
    run: Duration,
    only: String,
}

/// Where an engine's servers and the raw rows beside them have their data.
struct Places {
    place: Place,
    /// Of the server that exports its traces.
    traced: Place,
    raw: Raw,
}

/// A credential, as the header that carries it.
type Header = (&'static str, String);

/// An account and its id.
type Member = (Header, Value);

/// Each connection acts for somebody else: what is measured is not how many may write one account at once.
async fn invited(http: &Client, base: &str, keeper: &Header) -> Vec<Member> {
    let mut members = Vec::new();
    for number in 0..2 * CONNECTIONS {
        // The second half signs in again and again, which ends the sessions of before.
        let username = format!("member-{number}");
        rpc(http, base, keeper.clone(), "invite_create", json!({ "username": username })).await;
        let body = json!({ "username": username, "password": PASSWORD });
        let member = ("cookie", cookie(http, format!("{base}/api/account/signup"), body).await);
        let id = rpc(http, base, member.clone(), "account_verify", Value::Null).await["id"].clone();
        members.push((member, id));
    }
    members
}

fn reading(http: &Client, url: String, (name, value): Header) -> Work {
    let http = http.clone();
    Rc::new(move || {
        let request = http.get(&url).header(name, &value);
        Box::pin(async move {
            let reply = request.send().await.expect("an answer");
            assert!(reply.status().is_success(), "{}", reply.status());
            drop(reply.bytes().await);
            1
        })
    })
}

fn signing_in(http: &Client, base: &str) -> Work {
    let (http, url, signer) = (http.clone(), format!("{base}/api/account/login"), Cell::new(0));
    Rc::new(move || {
        let (http, url) = (http.clone(), url.clone());
        signer.set((signer.get() + 1) % CONNECTIONS);
        let username = format!("member-{}", CONNECTIONS + signer.get());
        Box::pin(async move {
            cookie(&http, url, json!({ "username": username, "password": PASSWORD })).await;
            1
        })
    })
}

/// Accepts what waits; done when nothing does.
fn accepting(http: &Client, base: &str, offers: &Offers, members: &[Member]) -> Work {
    let (http, base, offers) = (http.clone(), base.to_owned(), Rc::clone(offers));
    let cookies: Vec<_> = members.iter().map(|(cookie, _)| cookie.clone()).collect();
    Rc::new(move || {
        let (http, base, offer) = (http.clone(), base.clone(), offers.borrow_mut().pop());
        let offer = offer.map(|(member, offer)| (cookies[member].clone(), offer));
        Box::pin(async move {
            let Some((member, offer)) = offer else { return 0 };
            rpc(&http, &base, member, "role_grant_offer_accept", json!({ "offer_id": offer })).await;
            1
        })
    })
}

/// Makes offers until enough wait, each in a scope of its own, so that every accept gives a role.
async fn offer_more(http: &Client, base: &str, keeper: &Header, members: &[Member], offers: &Offers) {
    while offers.borrow().len() < OFFERS {
        let made = futures_util::future::join_all(members.iter().take(MEMBERS).map(|(_, id)| {
            let scope = uuid::Uuid::new_v4().to_string();
            let wanted = json!({ "to_account_id": id, "role": "teacher", "scope_kind": "class", "scope_id": scope });
            rpc(http, base, keeper.clone(), "role_grant_offer_create", wanted)
        }));
        let made = made.await;
        let made = made.iter().enumerate();
        let ids = made.filter_map(|(member, it)| Some((member, it["offer"]["id"].as_str()?.to_owned())));
        offers.borrow_mut().extend(ids);
    }
}

/// Records `points` at a time, each with a number of its own.
fn recording(http: &Client, base: &str, agent: &Header, points: u32, number: &Rc<Cell<u32>>) -> Work {
    let (http, base, agent, number) = (http.clone(), base.to_owned(), agent.clone(), Rc::clone(number));
    Rc::new(move || {
        let (http, base, agent) = (http.clone(), base.clone(), agent.clone());
        let first = number.get();
        number.set(first + points);
        Box::pin(async move {
            let point = |of: u32| json!({ "value": of, "idempotency_key": format!("k{of}") });
            let (path, body) = if points == 1 {
                ("points", point(first))
            } else {
                ("points/batch", json!({ "points": (first..first + points).map(point).collect::<Vec<_>>() }))
            };
            post(&http, format!("{base}/v1/metrics/arr/{path}"), agent, body).await;
            u64::from(points)
        })
    })
}

fn inserting(raw: Raw) -> Work {
    let statement: Rc<str> = Rc::from(raw.statement(BATCH));
    let raw = Rc::new(Mutex::new(raw));
    Rc::new(move || {
        let (raw, statement) = (Rc::clone(&raw), Rc::clone(&statement));
        Box::pin(async move {
            raw.lock().await.insert(&statement, BATCH).await;
            u64::from(BATCH)
        })
    })
}

async fn engine(name: &str, places: Places, plan: &Plan) {
    let Plan { rounds, run, only } = plan;
    let served = Served::start(&places.place, None).await;
    let traced = Served::start(&places.traced, Some(&collector::start())).await;
    let http = Client::new();
    let base = served.base.clone();
    let by_session: Header = ("cookie", founded(&http, &base).await);
    let members = invited(&http, &base, &by_session).await;
    let token = rpc(&http, &base, by_session.clone(), "account_token_create", json!({})).await["token"].clone();
    let by_token = ("authorization", format!("Bearer {}", token.as_str().expect("text")));
    let (agent, traced_agent) = (company(&http, &base).await, company(&http, &traced.base).await);

    let offers = Offers::default();
    let number = Rc::new(Cell::new(0_u32));
    let mut rows: Vec<Row> = Vec::new();
    let mut row = |name: &'static str, clients: u32, work: Work| {
        rows.push(Row { name, clients, work, rates: Vec::new(), processor: Vec::new() });
    };
    let own = format!("{base}/api/rpc?method=account_verify&id=1");
    row("/health", CONNECTIONS, reading(&http, format!("{base}/health"), ("x-bench", "1".to_owned())));
    row("RPC read by session", CONNECTIONS, reading(&http, own.clone(), by_session.clone()));
    row("RPC read by token", CONNECTIONS, reading(&http, own, by_token));
    row("sign-in", CONNECTIONS, signing_in(&http, &base));
    row("accept offer", CONNECTIONS, accepting(&http, &base, &offers, &members));
    for (name, clients, points, traces) in [
        ("point", 1, 1, false),
        ("point", CONNECTIONS, 1, false),
        ("point", 64, 1, false),
        ("point, traces exported", 64, 1, true),
        ("point", 256, 1, false),
        ("batch of 1,000 points", 4, BATCH, false),
    ] {
        let (base, agent) = if traces { (&traced.base, &traced_agent) } else { (&base, &agent) };
        row(name, clients, recording(&http, base, agent, points, &number));
    }
    row("raw batch of 1,000 rows", 1, inserting(places.raw));

    let passwords =
        Arc::new(Passwords::new(std::thread::available_parallelism().map_or(1, usize::from), 64).expect("hashes"));
    let stored: Arc<str> = passwords.hash(Zeroizing::new(PASSWORD.to_owned())).await.expect("hashed").into();
    let mut bare = Vec::new();
    rows.retain(|row| format!("{name}: {}, {}", row.name, row.clients).contains(only.as_str()));
    for _ in 0..*rounds {
        bare.push(bare_argon2(&passwords, &stored, *run).await);
        for row in &mut rows {
            if row.name == "accept offer" {
                offer_more(&http, &base, &by_session, &members, &offers).await;
            }
            let used = || {
                let [served, traced] =
                    [&served, &traced].map(|served| seconds(|process, _| process == served.child.id()));
                let [served, traced] = [served, traced].map(|used| used.expect("the server runs"));
                [
                    served + traced,
                    seconds(|_, name| name == "postgres").unwrap_or_default(),
                    seconds(|process, _| process == std::process::id()).expect("this process runs"),
                ]
            };
            let (before, begun) = (used(), Instant::now());
            let rate = measure(row, *run).await;
            let done = rate * begun.elapsed().as_secs_f64();
            let (before, after) = (before.into_iter(), used());
            let each: Vec<f64> = before.zip(after).map(|(before, after)| (after - before) * 1e6 / done).collect();
            row.rates.push(rate);
            row.processor.push([each[0], each[1], each[2]]);
        }
    }
    report(name, &bare, &rows);
}

fn report(name: &str, bare: &[f64], rows: &[Row]) {
    println!(
        "\n## {name}\n\n| row | connections | a second, median (min–max) | processor each, µs: server, database, clients |\n|---|---|---|---|"
    );
    let line = |what: &str, clients: u32, rates: &[f64], processor: &[[f64; 3]]| {
        let (least, most) =
            rates.iter().fold((f64::MAX, 0.0_f64), |(least, most), rate| (least.min(*rate), most.max(*rate)));
        let of = |whose: usize| median(&processor.iter().map(|each| each[whose]).collect::<Vec<_>>());
        let each =
            if processor.is_empty() { "–".to_owned() } else { format!("{:.1}, {:.1}, {:.1}", of(0), of(1), of(2)) };
        println!("| {what} | {clients} | {:.0} ({least:.0}–{most:.0}) | {each} |", median(rates));
    };
    line("Argon2, nothing else", CONNECTIONS, bare, &[]);
    rows.iter().for_each(|row| line(row.name, row.clients, &row.rates, &row.processor));
    let of = |what: &str, clients: u32| {
        rows.iter().find(|row| row.name == what && row.clients == clients).map_or(f64::NAN, |row| median(&row.rates))
    };
    println!("\n| ratio | value |\n|---|---|");
    println!("| sign-ins / bare Argon2 | {:.2} |", of("sign-in", CONNECTIONS) / median(bare));
    println!(
        "| RPC reads by session / health | {:.2} |",
        of("RPC read by session", CONNECTIONS) / of("/health", CONNECTIONS)
    );
    println!(
        "| RPC reads by token / health | {:.2} |",
        of("RPC read by token", CONNECTIONS) / of("/health", CONNECTIONS)
    );
    println!(
        "| batches of points / raw batches of rows | {:.2} |",
        of("batch of 1,000 points", 4) / of("raw batch of 1,000 rows", 1)
    );
    println!("| points with traces exported / without | {:.2} |", of("point, traces exported", 64) / of("point", 64));
    println!("| accepted offers / points | {:.2} |", of("accept offer", CONNECTIONS) / of("point", CONNECTIONS));
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let plan = Plan { rounds, run: Duration::from_secs_f64(seconds), only: arguments.next().unwrap_or_default() };
    rustls::crypto::ring::default_provider().install_default().expect("the first of this process");
    assert!(Path::new(env!("CARGO_BIN_EXE_muniment")).is_file(), "cargo builds the program with its benches");
    println!("# Over HTTP: {rounds} rounds of {seconds} s a row");
    actix::System::new().block_on(async move {
        let cluster = Cluster::shared();
        let places = Places {
            place: Place::new(Some(cluster.fresh_database())),
            traced: Place::new(Some(cluster.fresh_database())),
            raw: Raw::postgres(&cluster.fresh_database()).await,
        };
        engine("PostgreSQL", places, &plan).await;
        let folder = tempfile::tempdir().expect("a folder");
        let raw = Raw::sqlite(&folder.path().join("raw.db")).await;
        engine("SQLite", Places { place: Place::new(None), traced: Place::new(None), raw }, &plan).await;
    });
}
