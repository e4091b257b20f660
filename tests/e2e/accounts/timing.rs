//! Time tells nothing and nobody is kept waiting. Figures are asserted in the full form alone (`cargo xtask torture`, an
//! optimised build on a machine that does nothing else); the short form checks what holds however slow the machine is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Engine, Installation, PASSWORD, in_parallel, torture};

const FLOOR: Duration = Duration::from_millis(250);
const JITTER: Duration = Duration::from_millis(25);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn a1_failures_of_known_and_unknown_names_take_equally_long(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_LOGIN_FAIL_FLOOR_MS", "250")]);
    house.named("ann-a");
    let failed = |name: &str| {
        let begun = Instant::now();
        house.login(name, "wrong").refused(401, "invalid_credentials");
        begun.elapsed()
    };
    let runs = if torture() { 200 } else { 4 };
    let (known, unknown): (Vec<Duration>, Vec<Duration>) =
        (0..runs).map(|_| (failed("ann-a"), failed("nobody-here"))).unzip();
    assert!(known.iter().chain(&unknown).all(|took| *took >= FLOOR - JITTER), "a failure was faster than the floor");
    let (known, unknown) = (median(known), median(unknown));
    println!("a1 on {engine:?}: medians of {runs} failures, known name {known:?}, unknown name {unknown:?}");
    if torture() {
        assert!(known.abs_diff(unknown) < FLOOR / 20, "{known:?} and {unknown:?} differ by more than 5 % of the floor");
    }
}

/// Without an invitation, whether the name is free or taken.
fn a4_a_sign_up_that_nobody_invited_to_takes_as_long_as_a_failed_sign_in(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_LOGIN_FAIL_FLOOR_MS", "250")]);
    house.named("ann-a");
    for name in ["ann-a", "nobody-here"] {
        let begun = Instant::now();
        let body = serde_json::json!({ "username": name, "password": PASSWORD });
        house.sign_up(&body).refused(403, "no_matching_invite");
        let took = begun.elapsed();
        assert!(took >= FLOOR - JITTER, "{name}: {took:?}");
    }
}

fn a20_many_sign_ins_at_once_leave_the_server_answering(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_MAX_SESSIONS", "none"), ("ACCOUNTS_HASHING_QUEUE", "100")]);
    house.named("ann-a");
    let sign_ins = if torture() { 100 } else { 24 };
    let done = AtomicUsize::new(0);
    let times: Vec<Vec<Duration>> = in_parallel(sign_ins + 1, |index| {
        if index > 0 {
            house.login("ann-a", PASSWORD).expect(200);
            done.fetch_add(1, Ordering::Relaxed);
            return Vec::new();
        }
        let mut times = Vec::new();
        while done.load(Ordering::Relaxed) < sign_ins {
            let begun = Instant::now();
            house.server.anonymous().get("/health").expect(200);
            times.push(begun.elapsed());
        }
        times
    });
    let mut times = times.concat();
    times.sort_unstable();
    let slowest = times[times.len() - 1];
    println!(
        "a20 on {engine:?}: {sign_ins} sign-ins at once, {} answers of /health meanwhile, median {:?}, slowest {slowest:?}",
        times.len(),
        times[times.len() / 2]
    );
    assert!(times.len() > 1, "the server answered nothing while it hashed");
    if torture() {
        assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    }
}

fn a20_whoever_finds_no_place_to_wait_is_told_to_come_back(engine: Engine) {
    let narrow = [("ACCOUNTS_HASHING_CONCURRENCY", "1"), ("ACCOUNTS_HASHING_QUEUE", "1")];
    let house = Installation::with(engine, &[("ACCOUNTS_MAX_SESSIONS", "none"), narrow[0], narrow[1]]);
    let ann = house.named("ann-a");
    let rows = house.rows(&ann.id);
    let replies = in_parallel(24, |_| house.login("ann-a", PASSWORD));
    let (taken, sent_away): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert!(taken.len() >= 2 && !sent_away.is_empty(), "{} taken, {} sent away", taken.len(), sent_away.len());
    for reply in &sent_away {
        reply.refused(503, "service_unavailable");
        assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0, "{reply}");
    }
    assert_eq!(house.rows(&ann.id), rows + taken.len(), "who was sent away left no row");
    house.login("ann-a", PASSWORD).expect(200);
}

both_engines![
    a4_a_sign_up_that_nobody_invited_to_takes_as_long_as_a_failed_sign_in,
    a20_whoever_finds_no_place_to_wait_is_told_to_come_back,
    a1_failures_of_known_and_unknown_names_take_equally_long,
    a20_many_sign_ins_at_once_leave_the_server_answering,
];
