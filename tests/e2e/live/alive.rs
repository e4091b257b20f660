//! Streams that have nothing to tell say every 15 seconds that they are there (section 3; section 6.5 of accounts).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::socket::EventStream;
use super::{LEVEL, StopsWhenDropped, company_with_metric};
use crate::accounts::socket::Stream;
use crate::harness::{Engine, Installation, Server, eventually, pause, within};

/// How often they say so.
const EVERY: Duration = Duration::from_secs(15);
/// How long two of them may take on a machine that stands still now and then.
const TWICE: Duration = Duration::from_secs(45);

/// Listens while something is done all the time that is not told to whoever listens.
fn beside(work: impl Fn() + Sync, listen: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let _stops = StopsWhenDropped(&stop);
        threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                work();
                pause(Duration::from_millis(500));
            }
        });
        listen();
    });
}

fn liv_16_a_stream_whose_filter_takes_nothing_is_alive(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let filter = "filter=%7B%22eq%22%3A%7B%22type%22%3A%22nothing%22%7D%7D";
    within(TWICE, || {
        let begun = Instant::now();
        let mut stream = EventStream::open(server, &company.token, filter, None).unwrap();
        let record = || drop(company.point("revenue", &json!({ "value": LEVEL })));
        beside(record, || {
            let mut said = 0;
            while said < 2 {
                said += usize::from(stream.comment() == "still here");
            }
        });
        assert!(begun.elapsed() >= 2 * EVERY, "twice within {:?}", begun.elapsed());
    });
}

fn acc_180_a_stream_of_the_audit_is_alive_while_nothing_has_a_row(engine: Engine) {
    // A session that lasts so short is extended every few seconds, which is an event and no row.
    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "120s")]);
    let cookie = [("cookie", house.keeper.cookie.as_str())];
    let mut greeted = Stream::open(&house.server, "/api/audit/stream", &cookie);
    let lines = [(); 3].map(|()| greeted.whole_line());
    assert_eq!(lines[1..], [": connected", ""], "behind the length of a chunk");
    // The scheduler's row comes soon after the start, and again in half an hour.
    let ticked = json!({ "event_type": "scheduled_tick" });
    eventually("the scheduler has ticked", || (!house.audit(&ticked).is_empty()).then_some(()));
    within(TWICE, || {
        let extended = || house.server.store.count("session.extended");
        let before = extended();
        let mut stream = Stream::open(&house.server, "/api/audit/stream", &cookie);
        assert_eq!((stream.status, stream.line().as_deref()), (200, Some(": connected")));
        let come_back = || assert_eq!(house.keeper.client.get("/api/account/verify").status, 200);
        beside(come_back, || {
            let mut said = 0;
            while said < 2 {
                let line = stream.line().expect("it goes on");
                assert!(!line.starts_with("data: "), "{line}");
                said += usize::from(line == ": still here");
            }
        });
        assert!(extended() > before + 1, "an event came between the signs of life");
    });
}

both_engines![
    liv_16_a_stream_whose_filter_takes_nothing_is_alive,
    acc_180_a_stream_of_the_audit_is_alive_while_nothing_has_a_row,
];
