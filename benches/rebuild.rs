//! Rebuilding from the record: a fold of state beside reading and decoding the same events with nothing else, and the
//! points' read model beside inserting its own rows with nothing else.
//!
//! `cargo xtask bench rebuild [events] [rounds] [postgres|sqlite]`. The report goes to stdout as Markdown. The record is
//! opened anew once it is filled, so that every page comes from the database and none from the memory of newest events.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Arbiter;
use muniment::runtime::fold::decode;
use muniment::runtime::{Clock, CommandBus, Origin};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{Define, Metric, MetricCommand, MetricEvent, NewPoint, RecordPoints};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_journal::limits::ANSWER_MAX;
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_projections::rebuild::rebuild;
use muniment_projections::{AskHead, OnMismatch, ReadDatabase, ReadStore, ReadStoreConfig, points};
use muniment_testkit::Cluster;

const POINTS_A_COMMAND: usize = 1_000;
const POINTS_A_METRIC: u32 = 10_000;
const METRICS_AT_ONCE: usize = 4;
/// As the rebuild has it.
const PAGE_EVENTS: usize = 5_000;
const STATEMENT_ROWS: usize = 256;
const ROW_VALUES: usize = 11;

/// Ids in no order, as those of the program are: an index on them is not filled from left to right.
fn random(number: u32) -> [u8; 12] {
    let mut bytes = [0_u8; 12];
    bytes.copy_from_slice(&blake3::hash(&number.to_be_bytes()).as_bytes()[..12]);
    bytes
}

fn metric_of(point: u32) -> MetricId {
    MetricId::from_random(random(u32::MAX - point / POINTS_A_METRIC))
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

fn record(first: u32) -> MetricCommand {
    let point = |number: u32| NewPoint {
        id: PointId::from_random(random(number)),
        value: 12_000.0,
        timestamp: "2026-01-01T00:00:00Z".to_owned(),
        instant: chrono::DateTime::from_timestamp(1_767_225_600, 0).expect("an instant of 2026"),
        source: "default-agent-token".to_owned(),
        confidence: 0.5,
        raw_event_id: None,
        idempotency_key: format!("bench-{number}"),
    };
    MetricCommand::RecordPoints(RecordPoints { points: (first..).take(POINTS_A_COMMAND).map(point).collect() })
}

async fn opened(store: &Store, keys: &Path) -> Journal {
    let keys = KeySource::Directory { path: keys.to_owned(), create_missing: true };
    let config = JournalConfig { store: store.clone(), keys, limits: JournalLimits::default() };
    Journal::open(config).await.expect("opens")
}

/// Several metrics at once, so that the journal's batches are full.
async fn filled(store: Store, keys: &Path, events: u32) -> Journal {
    let begun = Instant::now();
    let journal = opened(&store, keys).await;
    let arbiter = Arbiter::new();
    let bus = CommandBus::new(journal.clone(), Clock::system(), Arc::from([arbiter.handle()]));
    let fill = |metric: u32| {
        let bus = bus.clone();
        async move {
            let origin = Origin::system("bench", "record_points", None);
            let from = metric * POINTS_A_METRIC;
            let id = metric_of(from);
            bus.execute::<Metric>(id.as_str(), define(from), &origin).await.expect("a fresh metric");
            for first in (from..events.min(from + POINTS_A_METRIC)).step_by(POINTS_A_COMMAND) {
                bus.execute::<Metric>(id.as_str(), record(first), &origin).await.expect("fresh points");
            }
        }
    };
    let metrics: Vec<u32> = (0..events.div_ceil(POINTS_A_METRIC)).collect();
    for together in metrics.chunks(METRICS_AT_ONCE) {
        futures_util::future::join_all(together.iter().map(|metric| fill(*metric))).await;
    }
    journal.shutdown().await;
    arbiter.stop();
    eprintln!("filled in {:.1} s", begun.elapsed().as_secs_f64());
    opened(&store, keys).await
}

/// Every event in order, decoded.
async fn each(journal: &Journal, mut seen: impl FnMut(&RecordedEvent, &MetricEvent)) {
    let mut after = Position::START;
    loop {
        let page = journal.read(after, PAGE_EVENTS).await.expect("reads");
        let Some(last) = page.last() else { return };
        after = last.position;
        for event in page.iter().filter(|event| &*event.stream.kind == "metric") {
            seen(event, &decode::<Metric>(event).expect("decodes"));
        }
    }
}

async fn read_and_decode(journal: &Journal) -> Duration {
    let begun = Instant::now();
    each(journal, |event, decoded| {
        std::hint::black_box((event, decoded));
    })
    .await;
    begun.elapsed()
}

async fn fold(journal: &Journal) -> Duration {
    let begun = Instant::now();
    let mut states: HashMap<StreamId, Metric> = HashMap::new();
    each(journal, |event, decoded| match states.get_mut(&event.stream) {
        Some(state) => state.evolve(decoded),
        None => states.entry(event.stream.clone()).or_default().evolve(decoded),
    })
    .await;
    std::hint::black_box(&states);
    begun.elapsed()
}

async fn read_model(store: &ReadStore, journal: &Journal) -> Duration {
    let begun = Instant::now();
    let read = |after, limit| async move { journal.read(after, limit).await };
    rebuild(store, "points", read, &|_| {}).await.expect("rebuilds");
    begun.elapsed()
}

/// The live tables are brought to the journal's end: a rebuild goes as far as they are.
async fn caught_up(database: ReadDatabase, journal: &Journal) -> ReadStore {
    let config = ReadStoreConfig {
        database,
        record: journal.identity().to_string(),
        head: AskHead::at(journal.head()),
        on_mismatch: OnMismatch::Reset,
        answer_max: ANSWER_MAX,
    };
    let store = ReadStore::open_with(config, vec![Arc::new(points::Points)]).await.expect("opens");
    let projection = store.projection("points").expect("the registered model");
    let mut after = Position::START;
    loop {
        let page = journal.read(after, PAGE_EVENTS).await.expect("reads");
        let Some(last) = page.last() else { return store };
        after = last.position;
        store.advance(projection.as_ref(), &page).await.expect("advances");
    }
}

/// A numbered placeholder costs SQLite a search through all of them at every bind; its own plain one does not.
fn statement(rows: usize, numbered: bool) -> String {
    let mark = |number: usize| if numbered { format!("${number}") } else { "?".to_owned() };
    let row = |index: usize| {
        let marks: Vec<String> = (1..=ROW_VALUES).map(|value| mark(index * ROW_VALUES + value)).collect();
        format!("({})", marks.join(","))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO points_v1_g0 (position, id, metric_id, instant, timestamp_text, value, source, confidence, \
         raw_event_id, idempotency_key, recorded_at) VALUES {}",
        rows.join(",")
    )
}

/// The same rows into tables with the same indexes, a transaction for as many as a page of the rebuild has. The rows
/// are made beforehand.
macro_rules! raw_rows {
    ($pool:expr, $schema:expr, $events:expr, $numbered:expr) => {{
        let mut connection = $pool.acquire().await.expect("a connection");
        for table in ["points_v1_g0", "point_corrections_v1_g0"] {
            let drop = format!("DROP TABLE IF EXISTS {table}");
            sqlx::query(&drop).execute(&mut *connection).await.expect("dropped");
        }
        sqlx::raw_sql($schema).execute(&mut *connection).await.expect("the tables");
        let rows: Vec<(i64, String, String, String)> = (0..$events)
            .map(|number| {
                let id = PointId::from_random(random(number)).to_string();
                (i64::from(number), id, metric_of(number).to_string(), format!("bench-{number}"))
            })
            .collect();
        let begun = Instant::now();
        let full = statement(STATEMENT_ROWS, $numbered);
        for page in rows.chunks(PAGE_EVENTS) {
            sqlx::query("BEGIN").execute(&mut *connection).await.expect("begins");
            for chunk in page.chunks(STATEMENT_ROWS) {
                let rest = (chunk.len() < STATEMENT_ROWS).then(|| statement(chunk.len(), $numbered));
                let mut query = sqlx::query(rest.as_deref().unwrap_or(&full));
                for (position, id, metric, key) in chunk {
                    query = query
                        .bind(position)
                        .bind(id)
                        .bind(metric)
                        .bind(1_767_225_600_000_000_i64)
                        .bind("2026-01-01T00:00:00Z")
                        .bind(12_000.0)
                        .bind("default-agent-token")
                        .bind(0.5)
                        .bind(None::<&str>)
                        .bind(key)
                        .bind(1_767_225_600_000_000_i64);
                }
                query.execute(&mut *connection).await.expect("raw rows");
            }
            sqlx::query("COMMIT").execute(&mut *connection).await.expect("commits");
        }
        begun.elapsed()
    }};
}

const ROWS: [&str; 4] = ["read and decode", "fold of state", "raw insert of the points' rows", "points' read model"];

fn report(engine: &str, events: u32, taken: &[Vec<f64>; 4]) {
    println!("\n## {engine}\n\n| row | events/s, median (min–max) |\n|---|---|");
    let rates = taken.each_ref().map(|seconds| {
        let mut rates: Vec<f64> = seconds.iter().map(|seconds| f64::from(events) / seconds).collect();
        rates.sort_by(f64::total_cmp);
        rates
    });
    let median = |row: usize| rates[row][rates[row].len() / 2];
    for (row, name) in ROWS.iter().enumerate() {
        let (least, most) = (rates[row][0], rates[row][rates[row].len() - 1]);
        println!("| {name} | {:.0} ({least:.0}–{most:.0}) |", median(row));
    }
    println!("\n| ratio | value |\n|---|---|");
    println!("| fold of state / read and decode | {:.2} |", median(1) / median(0));
    println!("| points' read model / raw insert of its rows | {:.2} |", median(3) / median(2));
}

async fn sqlite(events: u32, rounds: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_owned();
    let store = Store::Sqlite { directory: directory.clone() };
    let journal = filled(store, &directory.join("keys"), events).await;
    let reads = caught_up(ReadDatabase::Sqlite { directory: directory.clone() }, &journal).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(directory.join("raw.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-65536")
        .pragma("wal_autocheckpoint", "4000");
    let raw = sqlx::SqlitePool::connect_with(options).await.expect("connects");
    let schema = include_str!("../migrations/sqlite/read_models/points_v1.sql");
    let mut taken: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        taken[0].push(read_and_decode(&journal).await.as_secs_f64());
        taken[1].push(fold(&journal).await.as_secs_f64());
        taken[2].push(raw_rows!(raw, schema, events, false).as_secs_f64());
        taken[3].push(read_model(&reads, &journal).await.as_secs_f64());
    }
    report("SQLite", events, &taken);
    journal.shutdown().await;
}

async fn postgres(events: u32, rounds: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::shared();
    let url = cluster.fresh_database();
    let journal = filled(Store::Postgres { url: url.clone() }, &folder.path().join("keys"), events).await;
    let reads = caught_up(ReadDatabase::Postgres { url, connections_max: 4 }, &journal).await;
    let options: sqlx::postgres::PgConnectOptions = cluster.fresh_database().parse().expect("a url");
    let raw = sqlx::PgPool::connect_with(options.options([("synchronous_commit", "off")])).await.expect("connects");
    let schema = include_str!("../migrations/postgres/read_models/points_v1.sql");
    let mut taken: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        taken[0].push(read_and_decode(&journal).await.as_secs_f64());
        taken[1].push(fold(&journal).await.as_secs_f64());
        taken[2].push(raw_rows!(raw, schema, events, true).as_secs_f64());
        taken[3].push(read_model(&reads, &journal).await.as_secs_f64());
    }
    report("PostgreSQL", events, &taken);
    journal.shutdown().await;
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let events = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let only = arguments.next();
    let wanted = |engine: &str| only.as_deref().is_none_or(|only| only == engine);
    let (on_postgres, on_sqlite) = (wanted("postgres"), wanted("sqlite"));
    actix::System::new().block_on(async move {
        println!("# Rebuild: {events} events, {rounds} rounds");
        if on_postgres {
            postgres(events, rounds).await;
        }
        if on_sqlite {
            sqlite(events, rounds).await;
        }
    });
}
