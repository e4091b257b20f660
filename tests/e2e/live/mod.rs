//! The live surface as its callers see it (spec/live.md section 4, LIV-01 to LIV-20 without LIV-06).

mod alive;
mod flow;
mod http;
mod line;
mod log;
mod nodes;
mod revoked;
mod rights;
pub(crate) mod socket;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{Client, Company, Server};

/// Everything a caller may read after a cursor, through every page of the long-poll.
pub(crate) fn listing(client: &Client, after: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = after.to_owned();
    loop {
        let page = client.get(&format!("/v1/events?after={cursor}&limit=1000")).expect(200);
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        page["next"].as_str().unwrap().clone_into(&mut cursor);
        if page["upto"] == page["head"] {
            return events;
        }
    }
}

/// The positions of events, in the order they came.
fn positions(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["p"].as_str().unwrap().parse().unwrap()).collect()
}

/// The name of the record, as cursors begin.
pub(crate) fn store(client: &Client) -> String {
    client.get("/v1/events?after=head").expect(200)["store"].as_str().unwrap().to_owned()
}

/// Tells the writers of a test to stop, also when the test fails: its scope waits for them.
struct StopsWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopsWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Values of points start here, so that one more is no growth that raises an alert.
const LEVEL: u64 = 1_000_000;

/// Records this many points, a minute apart, in batches.
fn write_points(company: &Company, key: &str, count: usize) {
    let point = |index: usize| {
        let at = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + index / 1440, index / 60 % 24, index % 60);
        json!({ "value": LEVEL + u64::try_from(index).unwrap(), "timestamp": at })
    };
    let points: Vec<Value> = (0..count).map(point).collect();
    for batch in points.chunks(500) {
        let made = company.agent.post(&format!("/v1/metrics/{key}/points/batch"), &json!({ "points": batch }));
        assert!(made.status < 300, "{made}");
    }
}

/// A company of a founder with a session, with one metric.
fn company_with_metric(server: &Server, key: &str) -> (crate::harness::Founder, Company) {
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric(key);
    (founder, company)
}

/// One more token of the founder's company.
fn issue(founder: &crate::harness::Founder, company: &Company, scopes: &Value) -> (String, String) {
    let body = json!({ "name": crate::harness::unique("bot"), "scopes": scopes, "company_id": company.id });
    let made = founder.client.post("/v1/tokens", &body).expect(201);
    (made["token"].as_str().unwrap().to_owned(), made["public_id"].as_str().unwrap().to_owned())
}
