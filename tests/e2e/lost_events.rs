//! The histories in which other stores on PostgreSQL lost events or stood still: a slow writer, a writer that rolled
//! back, a session idle in its transaction, a writer in another database, a restored dump. Ours must not notice.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use muniment_testkit::{Cluster, SilentWay};
use serde_json::{Value, json};

use crate::crash::{contiguous, verifies};
use crate::harness::{Company, Engine, OpenTransaction, Reply, Server, Setup, Store, eventually, in_parallel};
use crate::live::listing;
use crate::live::socket::{EventStream, Socket};

fn started() -> (Server, Company, String) {
    let server = Server::with(Engine::Postgres, &[]);
    let company = server.company();
    company.metric("arr");
    let Store::Postgres { url } = server.store.clone() else { panic!("a test of PostgreSQL") };
    (server, company, url.to_string())
}

/// Who reads all along, by socket and by stream.
struct Readers {
    socket: Socket,
    seen: Vec<Value>,
    stream: EventStream,
}

impl Readers {
    fn of(server: &Server, company: &Company) -> Self {
        let stream = EventStream::open(server, &company.token, "after=start", None).unwrap();
        let mut socket = Socket::connect(server, &company.token);
        socket.subscribe(1, &json!("start"), 1024, &Value::Null);
        Self { seen: socket.until_live(), socket, stream }
    }

    /// Every event of the company came to both, once and in order.
    fn have_all(mut self, company: &Company) {
        let all = listing(&company.agent, "start");
        self.socket.reads_on(self.seen, &all);
        let told: Vec<Value> = self.stream.events(all.len()).into_iter().filter_map(|told| told.data).collect();
        assert_eq!(told, all);
    }
}

/// Writes points and reads every event after them at once: each write must be in the very next listing.
fn writes_are_seen_at_once(company: &Company, count: usize) {
    for n in 0..count {
        let before = positions(company).len();
        company.point("arr", &json!({ "value": 1_000 - n }));
        let after = positions(company);
        assert!(after.len() > before, "a write that was answered is not listed");
        assert!(after.windows(2).all(|pair| pair[0] < pair[1]), "{after:?}");
    }
}

fn positions(company: &Company) -> Vec<u64> {
    let page = company.agent.get("/v1/events?after=start&limit=1000&wait=0").expect(200);
    let position = |event: &Value| event["p"].as_str().unwrap().parse().unwrap();
    page["events"].as_array().unwrap().iter().map(position).collect()
}

const FORGED: &str = "
    INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        recorded_at, hash, stream)
    SELECT position + 1, 'metric', 'metric_never', 1, 'metric.never', '1.0', '{}', '{}', recorded_at, hash, position + 1
    FROM journal_head;
    UPDATE journal_head SET position = position + 1;";

/// Who waits for a lock with a statement on the head of the record.
pub(crate) const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND wait_event_type = 'Lock' AND query LIKE '%journal_head%'";

fn keyed(company: &Company, n: usize) -> Reply {
    company.agent.post("/v1/metrics/arr/points", &json!({ "value": n, "idempotency_key": format!("slow-{n}") }))
}

#[test]
fn a_slow_writer_that_commits_late_hides_nothing() {
    let (server, company, _) = started();
    let readers = Readers::of(&server, &company);
    let slow = Mutex::new(Some(OpenTransaction::before_appends(&server.store)));
    let replies = in_parallel(5, |n| {
        if n == 4 {
            eventually("an append waits for the slow writer", || server.store.texts(WAITING).pop());
            slow.lock().unwrap().take().unwrap().end("COMMIT");
            return None;
        }
        Some(keyed(&company, n))
    });
    for (n, reply) in replies.iter().flatten().enumerate() {
        let first = reply.expect(201);
        assert_eq!(keyed(&company, n).expect(200)["id"], first["id"]);
    }
    assert_eq!(company.points("arr").len(), 4);
    writes_are_seen_at_once(&company, 3);
    readers.have_all(&company);
    contiguous(&server);
    verifies(&server);
}

#[test]
fn a_writer_that_hangs_makes_writes_wait_or_fail_and_none_is_lost() {
    let (server, company, _) = started();
    let hanging = OpenTransaction::before_appends(&server.store);
    let begun = Instant::now();
    let reply = keyed(&company, 0);
    assert!(begun.elapsed() < Duration::from_secs(50), "the answer took {:?}", begun.elapsed());
    reply.refused(503, "service_unavailable");
    assert!(!reply.header("retry-after").is_empty(), "{reply}");
    hanging.end("COMMIT");
    eventually("the point is recorded", || (keyed(&company, 0).status < 300).then_some(()));
    assert_eq!(company.points("arr").len(), 1);
    contiguous(&server);
    verifies(&server);
}

#[test]
fn a_database_that_does_not_answer_is_told_after_as_long_as_is_set() {
    for (set, seconds) in [("", 2), ("5", 5)] {
        let server = Server::with(Engine::Postgres, &[("DATABASE_WAIT_SECONDS", set)]);
        let company = server.company();
        company.metric("arr");
        let hanging = OpenTransaction::before_appends(&server.store);
        let begun = Instant::now();
        std::thread::scope(|threads| {
            threads.spawn(|| keyed(&company, 0));
            let told = "the database does not answer";
            eventually("the server is told not to be ready", || {
                let ready = server.anonymous().get("/ready");
                (ready.status == 503 && ready.json()["journal"] == told).then_some(())
            });
            // A busy machine may be late, but not for as long as the other servers of these tests wait.
            let waited = begun.elapsed().as_secs();
            assert!((seconds..50).contains(&waited), "{waited} s where {seconds} are set");
            keyed(&company, 1).refused(503, "service_unavailable");
            hanging.end("COMMIT");
        });
        eventually("the server is ready", || (server.anonymous().get("/ready").status == 200).then_some(()));
        keyed(&company, 2).expect(201);
    }
}

#[test]
fn a_server_ends_though_the_database_never_answers_its_own_append() {
    let (url, data) = (Cluster::shared().scratch_database(), tempfile::tempdir().unwrap());
    let way = SilentWay::to(&url);
    let setup = Setup::new(Engine::Postgres).over(Store::Postgres { url }, data.path()).by_way_of(way.url());
    let server = setup.set("RUNTIME_TICK_SECONDS", "1").set("DATABASE_WAIT_SECONDS", "").start();
    let holding = OpenTransaction::before_appends(&server.store);
    eventually("the tick waits for the database", || server.store.texts(WAITING).pop());
    way.cut(true);
    // What becomes of the tick, the server does not hear.
    holding.end("COMMIT");
    assert!(server.terminate().success());
    way.cut(false);
    server.restart();
    contiguous(&server);
    verifies(&server);
}

#[test]
fn a_writer_that_rolls_back_leaves_no_hole() {
    let (server, company, url) = started();
    let readers = Readers::of(&server, &company);
    for _ in 0..3 {
        OpenTransaction::begin(&url, FORGED).end("ROLLBACK");
        writes_are_seen_at_once(&company, 2);
    }
    readers.have_all(&company);
    contiguous(&server);
    verifies(&server);
}

#[test]
fn a_session_idle_in_its_transaction_delays_nobody() {
    let (server, company, url) = started();
    server.store.execute("CREATE TABLE elsewhere (n INT)");
    let idle = OpenTransaction::begin(&url, "INSERT INTO elsewhere VALUES (1)");
    let readers = Readers::of(&server, &company);
    writes_are_seen_at_once(&company, 10);
    readers.have_all(&company);
    idle.end("ROLLBACK");
    server.store.execute("DROP TABLE elsewhere");
    verifies(&server);
}

#[test]
fn a_writer_in_another_database_delays_nobody() {
    let (server, company, _) = started();
    let other = Cluster::shared().fresh_database();
    let _nothing = Cluster::psql_at(&other, "CREATE TABLE elsewhere (n INT)");
    let idle = OpenTransaction::begin(&other, "INSERT INTO elsewhere VALUES (1)");
    let readers = Readers::of(&server, &company);
    writes_are_seen_at_once(&company, 10);
    readers.have_all(&company);
    idle.end("COMMIT");
    verifies(&server);
}

#[test]
fn a_restored_dump_is_read_whole_and_written_on() {
    let (server, company, url) = started();
    writes_are_seen_at_once(&company, 5);
    let before = positions(&company);
    let dump = Cluster::dump_of(&url);
    company.point("arr", &json!({ "value": 1, "timestamp": "2026-01-01" }));
    let page = company.agent.get("/v1/events?after=start&limit=1000&wait=0").expect(200);
    let future = page["next"].as_str().unwrap().to_owned();
    server.terminate();

    let copy = Cluster::shared().scratch_database();
    Cluster::restore(&copy, &dump);
    let restored = Setup::new(Engine::Postgres).over(Store::Postgres { url: copy }, &server.data).start();
    let there = Company { agent: restored.agent(&company.token), ..company };
    assert_eq!(positions(&there), before, "every event of the dump, none of later");
    let refused = there.agent.get(&format!("/v1/events?after={future}&wait=0"));
    assert!(["cursor_future", "store_changed"].contains(&refused.code().as_str()), "{refused}");
    let readers = Readers::of(&restored, &there);
    writes_are_seen_at_once(&there, 5);
    readers.have_all(&there);
    contiguous(&restored);
    verifies(&restored);
}
