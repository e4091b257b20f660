//! That figures of `/metrics` have values: an alert on one that stands still never rings.

use serde_json::{Value, json};

use crate::harness::{Engine, Server, eventually, text};
use crate::live::socket::Socket;

fn the_journal_tells_how_long_its_appends_take_and_what_its_batches_hold(engine: Engine) {
    const POINTS: u32 = 10;
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    for value in 0..POINTS {
        company.point("arr", &json!({ "value": value }));
    }
    let figure = |name: &str| server.figure(&format!("muniment_journal_{name}")).unwrap_or_else(|| panic!("no {name}"));
    assert!(figure("append_seconds_count") >= f64::from(POINTS) && figure("append_seconds_sum") > 0.0);
    assert!(figure("flush_seconds_count") >= f64::from(POINTS) && figure("flush_seconds_sum") > 0.0);
    eventually("every event was in a batch", || (figure("batch_events_sum") == head(&server)).then_some(()));
    assert!(figure("batch_events_count") <= figure("append_seconds_count"), "no append needs two batches");
}

/// How far the record reaches.
fn head(server: &Server) -> f64 {
    text(&server.anonymous().get("/ready").json()["head"]).parse().unwrap()
}

fn the_slowest_reader_is_told(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    let lag = || server.figure("muniment_live_cursor_lag_events");
    let mut slow = Socket::connect(&server, &company.token);
    let mut quick = Socket::connect(&server, &company.token);
    let from = head(&server);
    slow.subscribe(1, &json!("head"), 0, &Value::Null);
    quick.subscribe(1, &json!("head"), 1024, &Value::Null);
    eventually("nobody is behind", || (lag() == Some(0.0)).then_some(()));
    for value in 0..10 {
        company.point("arr", &json!({ "value": value }));
    }
    eventually("how far the slow one is behind", || {
        let behind = head(&server) - from;
        (behind >= 10.0 && lag() == Some(behind)).then_some(())
    });
    drop(slow);
    eventually("the slow one is gone", || (lag() == Some(0.0)).then_some(()));
}

both_engines![the_journal_tells_how_long_its_appends_take_and_what_its_batches_hold, the_slowest_reader_is_told,];
