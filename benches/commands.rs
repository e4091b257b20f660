//! Commands a second through the actors, durable, beside stock cqrs-es on the same engine and beside the engine's own
//! limit, in one run: rounds of all rows interleaved after one that warms up, medians with minimum and maximum, ratios.
//!
//! `cargo xtask bench commands [rounds] [seconds] [actor threads] [rows]`. Without threads of their own, the actors live
//! where the clients and the journal's writer do. `rows` is part of the rows to run, as in `SQLite: actors, many metrics,
//! 64`. The report goes to stdout as Markdown.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

#[path = "engine/processor.rs"]
mod processor;
#[path = "engine/raw.rs"]
mod raw;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Arbiter, ArbiterHandle};
use cqrs_es::CqrsFramework;
use cqrs_es::persist::PersistedEventStore;
use muniment::runtime::{Clock, CommandBus, Origin};
use muniment_aggregates::cqrs::{CqrsAggregate, CqrsCommand};
use muniment_aggregates::decider::Facts;
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{Define, Metric, MetricCommand, NewPoint, RecordPoints};
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_testkit::Cluster;
use postgres_es::PostgresEventRepository;
use processor::seconds;
use raw::Raw;
use sqlite_es::SqliteEventRepository;
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Mutex;

const METRICS: u32 = 10_000;
const HOT_POINTS: u32 = 10_000;
const STOCK_HOT_POINTS: u32 = 1_000;
const RAW_ROWS: u32 = 100;

type Work = Rc<dyn Fn(u64) -> Pin<Box<dyn Future<Output = ()>>>>;

struct Row {
    name: String,
    clients: u32,
    /// Events one call records.
    events: u32,
    work: Work,
    rates: Vec<f64>,
    p99s: Vec<f64>,
    /// Microseconds of the processor an event, of this process and of the database's.
    own: Vec<f64>,
    database: Vec<f64>,
}

fn metric_id(number: u32) -> MetricId {
    let mut bytes = [0_u8; 12];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    MetricId::from_random(bytes)
}

fn define(number: u32) -> MetricCommand {
    MetricCommand::Define(Define {
        company: CompanyId::from_random([1; 12]),
        application: ApplicationId::from_random([1; 12]),
        key: format!("metric_{number}"),
        display_name: format!("Metric {number}"),
        unit: "count".to_owned(),
        cadence: "weekly".to_owned(),
        direction: "up".to_owned(),
        source_type: "self_reported".to_owned(),
    })
}

fn points(number: u64, count: u32) -> MetricCommand {
    let at = chrono::DateTime::from_timestamp(1_767_225_600, 0).expect("an instant of 2026");
    let point = |index: u32| {
        let mut id = [0_u8; 12];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id[8..].copy_from_slice(&index.to_be_bytes());
        NewPoint {
            id: PointId::from_random(id),
            value: 12_000.0,
            timestamp: "2026-01-01T00:00:00Z".to_owned(),
            instant: at,
            source: "default-agent-token".to_owned(),
            confidence: 0.5,
            raw_event_id: None,
            idempotency_key: format!("bench-{number}-{index}"),
        }
    };
    MetricCommand::RecordPoints(RecordPoints { points: (0..count).map(point).collect() })
}

fn origin() -> Origin {
    Origin::system("bench", "record_points", None)
}

async fn ours(store: Store, keys: std::path::PathBuf, arbiters: Arc<[ArbiterHandle]>) -> CommandBus {
    let keys = KeySource::Directory { path: keys, create_missing: true };
    let journal = Journal::open(JournalConfig { store, keys, limits: JournalLimits::default() }).await.expect("opens");
    let bus = CommandBus::new(journal, Clock::system(), arbiters);
    let numbers: Vec<u32> = (0..=METRICS).collect();
    for chunk in numbers.chunks(512) {
        let defined = chunk.iter().map(|number| {
            let bus = bus.clone();
            let number = *number;
            async move { bus.execute::<Metric>(metric_id(number).as_str(), define(number), &origin()).await.map(drop) }
        });
        for outcome in futures_util::future::join_all(defined).await {
            outcome.expect("a fresh metric");
        }
    }
    for batch in 0..HOT_POINTS / 1_000 {
        let command = points(u64::MAX - u64::from(batch), 1_000);
        bus.execute::<Metric>(metric_id(METRICS).as_str(), command, &origin()).await.expect("fresh points");
    }
    bus
}

fn through_actors(bus: &CommandBus, hot: bool) -> Work {
    let bus = bus.clone();
    Rc::new(move |number| {
        let bus = bus.clone();
        let metric = if hot { METRICS } else { u32::try_from(number % u64::from(METRICS)).unwrap_or(0) };
        Box::pin(async move {
            let done = bus.execute::<Metric>(metric_id(metric).as_str(), points(number, 1), &origin()).await;
            done.expect("a fresh point");
        })
    })
}

/// One command on stock cqrs-es, decided again on every lost race, as its callers must.
macro_rules! stock_work {
    ($framework:expr, $hot:expr) => {{
        let framework = Rc::clone(&$framework);
        let hot: bool = $hot;
        let work: Work = Rc::new(move |number| {
            let framework = Rc::clone(&framework);
            let metric = if hot { METRICS } else { u32::try_from(number % u64::from(METRICS)).unwrap_or(0) };
            Box::pin(async move {
                let facts = Facts { now: chrono::Utc::now() };
                loop {
                    let command = CqrsCommand { command: points(number, 1), facts };
                    match framework.execute(metric_id(metric).as_str(), command).await {
                        Ok(()) => return,
                        Err(cqrs_es::AggregateError::AggregateConflict) => {}
                        // SQLite's own lock conflicts are unknown errors to the crate (field notes 2, no. 11).
                        Err(
                            cqrs_es::AggregateError::UnexpectedError(_)
                            | cqrs_es::AggregateError::DatabaseConnectionError(_),
                        ) => {
                            tokio::task::yield_now().await;
                        }
                        Err(error) => panic!("stock cqrs-es: {error}"),
                    }
                }
            })
        });
        work
    }};
}

macro_rules! stock {
    ($repository:expr) => {{
        let store = PersistedEventStore::<_, CqrsAggregate<Metric>>::new_event_store($repository);
        let framework = Rc::new(CqrsFramework::new(store, vec![], ()));
        let facts = Facts { now: chrono::Utc::now() };
        for number in 0..=METRICS {
            let command = CqrsCommand { command: define(number), facts };
            framework.execute(metric_id(number).as_str(), command).await.expect("a fresh metric");
        }
        let command = CqrsCommand { command: points(u64::MAX, STOCK_HOT_POINTS), facts };
        framework.execute(metric_id(METRICS).as_str(), command).await.expect("fresh points");
        framework
    }};
}

async fn measure(row: &mut Row, run: Duration, serial: &Rc<RefCell<u64>>) {
    let used = || {
        let own = seconds(|process, _| process == std::process::id());
        // On SQLite there is no such process.
        (own.expect("this process runs"), seconds(|_, name| name == "postgres").unwrap_or_default())
    };
    let before = used();
    let started = Instant::now();
    let latencies = Rc::new(RefCell::new(Vec::new()));
    let clients = (0..row.clients).map(|_| {
        let (work, serial, latencies) = (Rc::clone(&row.work), Rc::clone(serial), Rc::clone(&latencies));
        tokio::task::spawn_local(async move {
            while started.elapsed() < run {
                let number = {
                    let mut next = serial.borrow_mut();
                    *next += 1;
                    *next
                };
                let begun = Instant::now();
                work(number).await;
                latencies.borrow_mut().push(begun.elapsed());
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client does not panic");
    }
    let elapsed = started.elapsed().as_secs_f64();
    let mut latencies = latencies.take();
    latencies.sort_unstable();
    let calls = f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX));
    let events = calls * f64::from(row.events);
    row.rates.push(events / elapsed);
    let (own, database) = used();
    row.own.push((own - before.0) * 1e6 / events);
    row.database.push((database - before.1) * 1e6 / events);
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    row.p99s.push(p99.as_secs_f64() * 1_000.0);
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(engine: &str, rows: &[Row]) {
    println!("\n## {engine}\n");
    println!(
        "| row | clients | events/s, median (min–max) | p99 ms, median | processor an event, µs: program, database |"
    );
    println!("|---|---|---|---|---|");
    for row in rows {
        let least = row.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = row.rates.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {} | {:.0} ({least:.0}–{most:.0}) | {:.2} | {:.1}, {:.1} |",
            row.name,
            row.clients,
            median(&row.rates),
            median(&row.p99s),
            median(&row.own),
            median(&row.database)
        );
    }
    let rate = |name: &str, clients: u32| {
        rows.iter().find(|row| row.name == name && row.clients == clients).map_or(f64::NAN, |row| median(&row.rates))
    };
    println!("\n| ratio | value |\n|---|---|");
    for (name, one, other) in [
        // One caller at a time: the inverse of the rate is the latency.
        (
            "latency of a lone client / a bare single-row insert",
            rate("raw, single rows", 1),
            rate("actors, many metrics", 1),
        ),
        (
            "actors / stock, many metrics, 64 clients",
            rate("actors, many metrics", 64),
            rate("stock, many aggregates", 64),
        ),
        (
            "actors at 1,024 clients / raw batches of 100",
            rate("actors, many metrics", 1_024),
            rate("raw, batches of 100", 1),
        ),
        ("hot / many, 64 clients", rate("actors, one hot metric", 64), rate("actors, many metrics", 64)),
        ("hot / many, 1,024 clients", rate("actors, one hot metric", 1_024), rate("actors, many metrics", 1_024)),
        (
            "hot actors / hot stock, 64 clients",
            rate("actors, one hot metric", 64),
            rate("stock, one hot aggregate", 64),
        ),
    ] {
        println!("| {name} | {:.2} |", one / other);
    }
}

fn row(name: &str, clients: u32, events: u32, work: Work) -> Row {
    let [rates, p99s, own, database] = [const { Vec::new() }; 4];
    Row { name: name.to_owned(), clients, events, work, rates, p99s, own, database }
}

fn actor_rows(bus: &CommandBus) -> Vec<Row> {
    vec![
        row("actors, many metrics", 1, 1, through_actors(bus, false)),
        row("actors, many metrics", 64, 1, through_actors(bus, false)),
        row("actors, many metrics", 1_024, 1, through_actors(bus, false)),
        row("actors, one hot metric", 64, 1, through_actors(bus, true)),
        row("actors, one hot metric", 1_024, 1, through_actors(bus, true)),
    ]
}

fn raw_row(raw: &Rc<Mutex<Raw>>, name: &str, rows: u32) -> Row {
    let raw = Rc::clone(raw);
    let statement: Rc<str> = Rc::from(raw.try_lock().expect("nobody else has it yet").statement(rows));
    let work: Work = Rc::new(move |_| {
        let (raw, statement) = (Rc::clone(&raw), Rc::clone(&statement));
        Box::pin(async move { raw.lock().await.insert(&statement, rows).await })
    });
    row(name, 1, rows, work)
}

/// How often, how long and which.
struct Plan {
    rounds: u32,
    run: Duration,
    only: String,
}

impl Plan {
    fn wants(&self, engine: &str, row: &Row) -> bool {
        format!("{engine}: {}, {}", row.name, row.clients).contains(&self.only)
    }

    /// Whether the peers' stores must be filled: for all rows, or for theirs.
    fn wants_stock(&self) -> bool {
        self.only.is_empty() || self.only.contains("stock")
    }
}

/// `settle` lets the store finish what the row before left to be written back, so that no row pays for another.
async fn rounds(engine: &str, mut rows: Vec<Row>, plan: &Plan, settle: impl Fn()) {
    let serial = Rc::new(RefCell::new(0));
    rows.retain(|row| plan.wants(engine, row));
    if rows.is_empty() {
        return;
    }
    for round in 0..=plan.rounds {
        for row in &mut rows {
            settle();
            measure(row, plan.run, &serial).await;
            // The first round fills caches, prepares statements and loads actors, ours and the peers'.
            if round == 0 {
                row.rates.clear();
                row.p99s.clear();
                row.own.clear();
                row.database.clear();
            }
        }
    }
    report(engine, &rows);
}

const STOCK_TABLE: &str = "CREATE TABLE events (aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL, \
    sequence BIGINT NOT NULL, event_type TEXT NOT NULL, event_version TEXT NOT NULL, payload JSON NOT NULL, \
    metadata JSON NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))";

async fn postgres(arbiters: &Arc<[ArbiterHandle]>, plan: &Plan) {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::shared();
    let bus =
        ours(Store::Postgres { url: cluster.fresh_database() }, folder.path().join("keys"), Arc::clone(arbiters)).await;
    let pool = PgPool::connect(&cluster.fresh_database()).await.expect("connects");
    sqlx::query(STOCK_TABLE).execute(&pool).await.expect("the stock table");
    let raw = Rc::new(Mutex::new(Raw::postgres(&cluster.fresh_database()).await));
    let mut rows = vec![raw_row(&raw, "raw, single rows", 1), raw_row(&raw, "raw, batches of 100", RAW_ROWS)];
    if plan.wants_stock() {
        let framework = stock!(PostgresEventRepository::new(pool.clone()));
        rows.push(row("stock, many aggregates", 64, 1, stock_work!(framework, false)));
        rows.push(row("stock, one hot aggregate", 64, 1, stock_work!(framework, true)));
    }
    rows.extend(actor_rows(&bus));
    rounds("PostgreSQL", rows, plan, || drop(cluster.psql("postgres", "CHECKPOINT"))).await;
    bus_shutdown(&bus).await;
}

async fn sqlite(arbiters: &Arc<[ArbiterHandle]>, plan: &Plan) {
    let folder = tempfile::tempdir().expect("a folder");
    let bus =
        ours(Store::Sqlite { directory: folder.path().to_owned() }, folder.path().join("keys"), Arc::clone(arbiters))
            .await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("stock.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePool::connect_with(options).await.expect("connects");
    sqlx::query(STOCK_TABLE).execute(&pool).await.expect("the stock table");
    let raw = Rc::new(Mutex::new(Raw::sqlite(&folder.path().join("raw.db")).await));
    let mut rows = vec![raw_row(&raw, "raw, single rows", 1), raw_row(&raw, "raw, batches of 100", RAW_ROWS)];
    if plan.wants_stock() {
        let framework = stock!(SqliteEventRepository::new(pool.clone()));
        rows.push(row("stock, many aggregates", 64, 1, stock_work!(framework, false)));
        rows.push(row("stock, one hot aggregate", 64, 1, stock_work!(framework, true)));
    }
    rows.extend(actor_rows(&bus));
    rounds("SQLite", rows, plan, || ()).await;
    bus_shutdown(&bus).await;
}

async fn bus_shutdown(bus: &CommandBus) {
    bus.journal().shutdown().await;
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(2.0);
    let threads = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let only = arguments.next().unwrap_or_default();
    let plan = Plan { rounds, run: Duration::from_secs_f64(seconds), only };
    actix::System::new().block_on(async move {
        let actors: Vec<Arbiter> = (0..threads).map(|_| Arbiter::new()).collect();
        let arbiters: Arc<[ArbiterHandle]> = actors.iter().map(Arbiter::handle).collect();
        println!("# Commands: {rounds} rounds of {seconds} s a row, {threads} threads of actors");
        postgres(&arbiters, &plan).await;
        sqlite(&arbiters, &plan).await;
        for arbiter in &actors {
            arbiter.stop();
        }
    });
}
