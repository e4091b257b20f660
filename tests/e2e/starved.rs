//! Full disks, databases that were made read-only, logs that nobody takes, clocks that were wrong: the server says so and goes on
//! by itself when it can.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;

use muniment_testkit::Cluster;
use serde_json::{Value, json};

use crate::harness::{Company, Engine, Installation, PASSWORD, Program, Reply, Server, Setup, Store, eventually};

const LINES_LOST: &str = "muniment_log_lines_lost_total";

fn a_log_that_nobody_takes_ends_nothing(engine: Engine) {
    let server = Setup::new(engine).logs_to("/dev/full").start();
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    assert_eq!(company.points("arr").len(), 1);
    eventually("it is counted", || server.figure(LINES_LOST).filter(|lines| *lines > 0.0));
    assert!(server.terminate().success());
}

/// Fills a pipe that nobody reads.
fn fill(pipe: &mut File) {
    while pipe.write(&[b'\n'; 4_096]).is_ok() {}
}

/// As a collector that was stopped, or has no room itself: what is written to it is not refused, it waits.
fn a_log_whose_reader_stands_still_holds_up_nothing(engine: Engine) {
    // So that whoever writes what does not fit, or reads what is not there, is told so; that of Linux.
    const O_NONBLOCK: i32 = 0o4000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut pipe = File::options().read(true).write(true).custom_flags(O_NONBLOCK).open(&path).unwrap();
    fill(&mut pipe);
    let server = Setup::new(engine).logs_to(path).start();
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    assert_eq!(company.points("arr").len(), 1);
    assert_eq!(server.figure(LINES_LOST), Some(0.0), "they wait");
    let (mut log, mut part) = (String::new(), [0; 65_536]);
    eventually("it reads again, and nothing is missing", || {
        while let Ok(read) = pipe.read(&mut part) {
            log.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        log.contains("\"serving\"").then_some(())
    });
    // Nor does it keep the server from its end.
    fill(&mut pipe);
    assert!(server.terminate().success());
}

/// Everything that is written is refused for a while, and what is recorded can be read.
fn nothing_is_written(house: &Installation, company: &Company) {
    let anybody = house.server.anonymous();
    let person = json!({ "username": "bob-the-late", "password": PASSWORD });
    let late = json!({ "value": 2, "idempotency_key": "late" });
    let rest: [(&str, Reply); 4] = [
        ("point", company.agent.post("/v1/metrics/arr/points", &late)),
        ("code", anybody.post("/v1/auth/otp/start", &json!({ "email": "eve@example.com" }))),
        ("login", house.login("keeper", PASSWORD)),
        ("signup", anybody.post("/api/account/signup", &person)),
    ];
    for (what, reply) in rest {
        assert_eq!((reply.status, reply.code().as_str()), (503, "service_unavailable"), "{what}: {reply}");
        assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{what}");
    }
    assert_eq!(company.points("arr").len(), 1, "what is recorded can be read");
    assert_eq!(anybody.get("/health").status, 200);
    let ready = anybody.get("/ready");
    assert_eq!((ready.status, ready.json()["journal"].as_str()), (503, Some("the database cannot be written")));
}

/// Nobody did anything to the server, and it serves.
fn everything_is_written(house: &Installation, company: &Company) {
    eventually("the server is ready", || (house.server.anonymous().get("/ready").status == 200).then_some(()));
    // Each pool of connections learns by one refusal that its own only read.
    eventually("who signs in is counted", || (house.login("keeper", PASSWORD).status == 200).then_some(()));
    company.point("arr", &json!({ "value": 2, "idempotency_key": "late" }));
    eventually("the point can be read", || (company.points("arr").len() == 2).then_some(()));
}

fn house(setup: Setup) -> (Installation, Company) {
    // What is counted is written, so that it is tried too.
    let setup = setup.with_accounts().set("LIMITS_LOGIN_IP", "100/900").set("LIMITS_SIGNUP_IP", "100/900");
    let house = Installation::start(setup);
    let company = house.server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    assert_eq!(company.points("arr").len(), 1);
    (house, company)
}

#[test]
fn a_full_disk_is_told_and_outlived() {
    let (house, company) = house(Setup::new(Engine::Sqlite).on_little_disk());
    house.server.limit_files(Some(4_096));
    nothing_is_written(&house, &company);
    house.server.limit_files(None);
    everything_is_written(&house, &company);
    house.server.kill9();
    house.server.restart();
    assert_eq!(company.points("arr").len(), 2);
    assert_eq!(house.server.terminate().code(), Some(0));
    Program::operator_of(&house.server).run(&["audit", "verify"]).ok();
}

/// As hosts of PostgreSQL do to a database whose disk fills up; what they allow later counts for new sessions alone.
#[test]
fn a_database_that_was_made_read_only_is_told_and_outlived() {
    let (house, company) = house(Setup::new(Engine::Postgres));
    let Store::Postgres { url } = &house.server.store else { panic!("it is on PostgreSQL") };
    let name = url.rsplit_once('/').unwrap().1;
    let cluster = Cluster::shared();
    cluster.psql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let ended = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    cluster.psql("postgres", &ended);
    eventually("the server has its connections again", || {
        company.agent.try_get("/v1/metrics/arr/points").filter(|reply| reply.status == 200).map(drop)
    });
    nothing_is_written(&house, &company);
    cluster.psql("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    everything_is_written(&house, &company);
}

fn doctor_says_when_the_record_is_ahead_of_the_clock(engine: Engine) {
    let server = Server::with(engine, &[]);
    server.company();
    let clock = || {
        let told: Value =
            serde_json::from_str(&Program::operator_of(&server).run(&["doctor", "--json"]).stdout).unwrap();
        told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "clock").unwrap().clone()
    };
    assert_eq!(clock()["ok"], true, "{}", clock());
    server.terminate();
    let newest = "position = (SELECT MAX(position) FROM events)";
    server.store.execute(&format!("UPDATE events SET recorded_at = recorded_at + 86400000000 WHERE {newest}"));
    let told = clock();
    assert_eq!(told["ok"], false, "{told}");
    assert!(told["message"].as_str().unwrap().contains("ahead of this machine's clock"), "{told}");
}

both_engines![
    a_log_that_nobody_takes_ends_nothing,
    a_log_whose_reader_stands_still_holds_up_nothing,
    doctor_says_when_the_record_is_ahead_of_the_clock,
];
