//! What a question to a long record takes: `role why` and `audit state`, now and at an earlier moment, as whole processes
//! of the command line beside the running server. The aim is 150 ms for 95 of 100.
//!
//! `cargo xtask bench history [events] [runs] [postgres|sqlite]`. The report goes to stdout as Markdown. Half of the events
//! are recorded before the roles that are asked about, half after.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

#[path = "engine/server.rs"]
mod server;

use std::process::Stdio;
use std::time::{Duration, Instant};

use muniment_testkit::Cluster;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use server::{PASSWORD, Place, Served, company, cookie, founded, post, rpc};

const AIM: Duration = Duration::from_millis(150);
const CLIENTS: usize = 4;
const BATCH: usize = 1_000;
/// A fresh store has a handful of events of its own; nobody asks about an earlier moment than these.
const EARLY_EVENTS: usize = 1_000;

/// Posts points in batches, several at once, from a number on.
async fn fill(http: &Client, base: &str, agent: &(&'static str, String), from: usize, to: usize) {
    let begun = Instant::now();
    let starts: Vec<usize> = (from..to).step_by(BATCH).collect();
    for together in starts.chunks(CLIENTS) {
        let posts = together.iter().map(|first| {
            let point = |number: usize| json!({ "value": number, "idempotency_key": format!("k{number}") });
            let points: Vec<Value> = (*first..to.min(first + BATCH)).map(point).collect();
            post(http, format!("{base}/v1/metrics/arr/points/batch"), agent.clone(), json!({ "points": points }))
        });
        futures_util::future::join_all(posts).await;
    }
    eprintln!("{} points by {CLIENTS} clients in {:.1} s", to - from, begun.elapsed().as_secs_f64());
}

/// The id of the metric, once the read models have all that was recorded: until then a read is told to come again.
async fn metric_id(http: &Client, base: &str, agent: &(&'static str, String)) -> String {
    loop {
        let asked = http.get(format!("{base}/v1/metrics/arr")).header(agent.0, &agent.1);
        let answer = asked.send().await.expect("an answer");
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            let metric: Value = answer.json().await.expect("JSON");
            return metric["id"].as_str().unwrap_or_else(|| panic!("no metric but {metric}")).to_owned();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The last position of the record.
fn head(place: &Place) -> u64 {
    let shown = place.program(&["doctor", "--json"]).output().expect("runs");
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let record = shown["checks"].as_array().expect("checks").iter().find(|check| check["check"] == "record");
    let said = record.and_then(|check| check["message"].as_str()).expect("the record's check");
    said.rsplit(' ').next().and_then(|text| text.parse().ok()).expect("a position at its end")
}

/// Wall times of whole processes, sorted. Every one must end well.
fn timed(place: &Place, arguments: &[&str], runs: usize) -> Vec<Duration> {
    // One before the measured ones: the program is read from disk.
    let mut times: Vec<Duration> = (0..=runs)
        .map(|_| {
            let begun = Instant::now();
            let ended = place.program(arguments).stdout(Stdio::null()).status().expect("runs");
            assert!(ended.success(), "{arguments:?}: {ended}");
            begun.elapsed()
        })
        .skip(1)
        .collect();
    times.sort();
    times
}

fn report(rows: &[(&str, Vec<Duration>)]) {
    println!(
        "\n| whole process, ms | p50 | p95 | most | 95 of 100 within {} ms |\n|---|---|---|---|---|",
        AIM.as_millis()
    );
    for (name, times) in rows {
        let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
        let shown = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1_000.0);
        let most = shown(at(100));
        let met = if at(95) <= AIM { "met" } else { "missed" };
        println!("| {name} | {} | {} | {most} | {met} |", shown(at(50)), shown(at(95)));
    }
}

async fn engine(name: &str, place: &Place, events: usize, runs: usize) {
    let served = Served::start(place, None).await;
    let (http, base) = (Client::new(), served.base.clone());
    let keeper = ("cookie", founded(&http, &base).await);
    let agent = company(&http, &base).await;
    fill(&http, &base, &agent, 0, events / 2).await;

    rpc(&http, &base, keeper.clone(), "invite_create", json!({ "username": "ann" })).await;
    let signed_up = json!({ "username": "ann", "password": PASSWORD });
    let ann = ("cookie", cookie(&http, format!("{base}/api/account/signup"), signed_up).await);
    let account = rpc(&http, &base, ann.clone(), "account_verify", Value::Null).await["id"].clone();
    let offer = json!({ "to_account_id": account, "role": "teacher" });
    let offer = rpc(&http, &base, keeper, "role_grant_offer_create", offer).await["offer"]["id"].clone();
    rpc(&http, &base, ann, "role_grant_offer_accept", json!({ "offer_id": offer })).await;
    let then = head(place).to_string();

    fill(&http, &base, &agent, events / 2, events).await;
    let metric = format!("metric/{}", metric_id(&http, &base, &agent).await);
    let book = format!("offer/{}", account.as_str().expect("text"));
    let early = EARLY_EVENTS.min(events / 2).to_string();
    let questions: [(&str, &[&str]); 5] = [
        ("`role why`", &["role", "why", "ann", "teacher"]),
        ("`role why --at` the middle", &["role", "why", "ann", "teacher", "--at", &then]),
        ("`audit state` of an offer book", &["audit", "state", &book]),
        ("`audit state --at` the middle of an offer book", &["audit", "state", &book, "--at", &then]),
        ("`audit state --at` the thousandth event of the long metric", &["audit", "state", &metric, "--at", &early]),
    ];
    println!("\n## {name}: {} events", head(place));
    report(&questions.map(|(name, arguments)| (name, timed(place, arguments, runs))));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<usize>().ok());
    let (events, runs) = (number(0).unwrap_or(1_000_000), number(1).unwrap_or(100).max(1));
    let wanted = |engine: &str| arguments.get(2).is_none_or(|only| only == engine);
    rustls::crypto::ring::default_provider().install_default().expect("the first of this process");
    println!("# Questions to a long record: {runs} processes each");
    actix::System::new().block_on(async move {
        if wanted("postgres") {
            engine("PostgreSQL", &Place::new(Some(Cluster::shared().fresh_database())), events, runs).await;
        }
        if wanted("sqlite") {
            engine("SQLite, synchronous=FULL", &Place::new(None), events, runs).await;
        }
    });
}
