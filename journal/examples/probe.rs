//! Events a second through the journal in this process, at 1, 64 and 1,024 submitters, beside the engine's own limit:
//! inserts of 100 rows a statement into a table of the same form, committed each.
//!
//! `cargo run --release -p muniment-journal --example probe [sqlite|postgres] [seconds]`. SQLite writes below the
//! working folder, PostgreSQL is a private instance; both on the disk that `TMPDIR` names.

#![expect(clippy::expect_used, reason = "a measurement that fails is none")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use muniment_aggregates::record::StreamId;
use muniment_journal::{Append, Journal, JournalConfig, JournalLimits, KeySource, NewEvent, Store};
use muniment_testkit::Cluster;
use sqlx::{ConnectOptions as _, Connection as _};

const RAW_ROWS: usize = 100;
const PAYLOAD: &str = r#"{"point_recorded":{"id":"point_AAAAAAAAAAAAAAAA","value":1234.5,"timestamp":"2026-11-20T22:00:00.000Z","source":"agent","confidence":"verified","raw_event_id":"evt_000000000000"}}"#;
const METADATA: &str = r#"{"who":{"kind":"agent","company":"co_AAAAAAAAAAAAAAAA","application":"app_AAAAAAAAAAAAAAAA","token":"0123456789abcdef01","name":"probe"},"correlation":"01234567-89ab-cdef-0123-456789abcdef","surface":"http","command":"record_points"}"#;

fn append(stream: &StreamId, version: u64, metadata: &Arc<str>) -> Append {
    Append {
        events: vec![NewEvent {
            stream: stream.clone(),
            event_type: "metric.point_recorded",
            event_version: "1.0",
            payload: Box::from(PAYLOAD),
            dedupe: None,
        }],
        expect: vec![(stream.clone(), version)],
        metadata: Arc::clone(metadata),
        ..Append::default()
    }
}

async fn measure(journal: &Journal, submitters: usize, run: Duration) -> (f64, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|number| {
            let (journal, stop, done) = (journal.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let stream = StreamId::new("metric", &format!("{submitters}-{number}"));
                let metadata = Arc::from(METADATA);
                let mut version = 0;
                while !stop.load(Ordering::Relaxed) {
                    journal.append(append(&stream, version, &metadata)).await.expect("nobody else writes");
                    version += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(run).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a submitter does not panic");
    }
    let (count, elapsed) = (done.load(Ordering::Relaxed), started.elapsed());
    let rate = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / elapsed.as_secs_f64();
    (
        rate,
        elapsed.mul_f64(f64::from(u32::try_from(submitters).unwrap_or(u32::MAX))).div_f64(rate * elapsed.as_secs_f64()),
    )
}

const RAW_TABLE: &str = "CREATE TABLE raw_limit (position BIGINT PRIMARY KEY, kind TEXT, id TEXT, sequence BIGINT, \
     type TEXT, version TEXT, payload TEXT, metadata TEXT, UNIQUE (kind, id, sequence))";

/// Rows a second of plain multi-row inserts, one commit each, on one connection.
macro_rules! raw_limit {
    ($connection:expr, $placeholder:expr, $run:expr) => {{
        let mut connection = $connection;
        sqlx::raw_sql(RAW_TABLE).execute(&mut connection).await.expect("an empty database");
        let row =
            |row: usize| (0..8).map(|column| $placeholder(row * 8 + column + 1)).collect::<Vec<String>>().join(", ");
        let rows: Vec<String> = (0..RAW_ROWS).map(|number| format!("({})", row(number))).collect();
        let sql = format!("INSERT INTO raw_limit VALUES {}", rows.join(", "));
        let started = Instant::now();
        let mut position = 0_i64;
        while started.elapsed() < $run {
            let mut query = sqlx::query(&sql);
            for _ in 0..RAW_ROWS {
                position += 1;
                query = query.bind(position).bind("metric").bind("raw").bind(position).bind("metric.point_recorded");
                query = query.bind("1.0").bind(PAYLOAD).bind(METADATA);
            }
            query.execute(&mut connection).await.expect("nobody else writes");
        }
        let rate = f64::from(i32::try_from(position).unwrap_or(i32::MAX)) / started.elapsed().as_secs_f64();
        connection.close().await.expect("an idle connection closes");
        rate
    }};
}

async fn probe(name: &str, store: Store, raw: f64, run: Duration) {
    println!("{name}: raw limit, batches of {RAW_ROWS}: {raw:.0} events/s");
    let keys = tempfile::tempdir().expect("a temporary folder");
    let keys = KeySource::Directory { path: keys.path().join("keys"), create_missing: true };
    let config = JournalConfig { store, keys, limits: JournalLimits::default() };
    let journal = Journal::open(config).await.expect("a new record opens");
    for submitters in [1, 64, 1_024] {
        let (rate, latency) = measure(&journal, submitters, run).await;
        println!(
            "{name}: {submitters:>5} submitters: {rate:>8.0} events/s, {:>8.3} ms mean, {:.2} of raw",
            latency.as_secs_f64() * 1_000.0,
            rate / raw
        );
    }
    let started = Instant::now();
    let verified = journal.verify(None, &|_, _| ()).await.expect("the chain holds");
    let events = f64::from(u32::try_from(verified.events).unwrap_or(u32::MAX));
    println!("{name}: verify: {:.0} events/s over {events} events", events / started.elapsed().as_secs_f64());
    journal.shutdown().await;
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let only = arguments.next();
    let run = Duration::from_secs(arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(folder.path().join("raw.db"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
        let raw = raw_limit!(options.connect().await.expect("a new file opens"), |_| "?".to_owned(), run);
        probe("sqlite", Store::Sqlite { directory: folder.path().join("data") }, raw, run).await;
    }
    if wanted("postgres") {
        let cluster = Cluster::shared();
        let connection = sqlx::PgConnection::connect(&cluster.fresh_database()).await.expect("the server answers");
        let raw = raw_limit!(connection, |place| format!("${place}"), run);
        probe("postgres", Store::Postgres { url: cluster.fresh_database() }, raw, run).await;
    }
}
