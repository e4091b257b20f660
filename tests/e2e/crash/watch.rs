//! A client that looked and listened before the disaster and goes on afterwards from what it kept: a snapshot with its
//! position, the cursor of a page of events, the cursor of a live subscription. None of the three may leave a gap.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::ledger::StopsWhenDropped;
use crate::harness::{Company, Server, eventually};
use crate::live::socket::Socket;
use crate::live::{listing, store};

/// Events that the live subscription reads before the disaster; what else it was sent goes with its connection.
const HEARD: usize = 40;

/// Events that may be on their way to the subscriber.
const CREDIT: u32 = 1_024;

/// What one client of a company keeps over one disaster.
pub(crate) struct Watch<'a> {
    server: &'a Server,
    company: &'a Company,
    /// The metric of this round, of which the snapshots are.
    metric: String,
    /// Where the record stood before the round.
    begun: String,
    socket: Mutex<Socket>,
    posted: AtomicUsize,
    over: AtomicBool,
}

/// What it had before the disaster.
pub(crate) struct Kept {
    snapshot: Vec<Value>,
    as_of: String,
    paged: Vec<Value>,
    page_cursor: String,
    heard: Vec<Value>,
    live_cursor: String,
}

impl<'a> Watch<'a> {
    /// Subscribes from here on, and defines the metric of the round.
    pub(crate) fn begin(server: &'a Server, company: &'a Company, round: usize) -> Self {
        let metric = format!("watched{round}");
        company.metric(&metric);
        let head = company.agent.get("/v1/events?after=head").expect(200);
        let begun = head["next"].as_str().unwrap().to_owned();
        let mut socket = Socket::connect(server, &company.token);
        let from = json!({ "after": begun });
        assert_eq!(socket.subscribe(1, &from, CREDIT, &Value::Null)["t"], "subok");
        let (posted, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { server, company, metric, begun, socket: Mutex::new(socket), posted, over }
    }

    /// Runs the work, in which the disaster happens, while points of the round's metric are recorded one after the
    /// other.
    pub(crate) fn while_posting(&self, work: impl FnOnce()) {
        std::thread::scope(|scope| {
            let _stops = StopsWhenDropped(&self.over);
            scope.spawn(|| self.post());
            work();
        });
    }

    /// Values 0, 1, 2 … until one is not answered: whether that one is recorded nobody can know.
    fn post(&self) {
        let path = format!("/v1/metrics/{}/points", self.metric);
        for value in 0.. {
            let body = json!({ "value": value, "idempotency_key": format!("{}-{value}", self.metric) });
            let answer = self.company.agent.try_post(&path, &body);
            if answer.is_none_or(|reply| reply.status != 201) || self.over.load(Ordering::Relaxed) {
                return;
            }
            self.posted.store(value + 1, Ordering::Relaxed);
        }
    }

    /// Takes a snapshot, a page of events and what the subscription has brought so far, while the writers run.
    pub(crate) fn look(&self) -> Kept {
        let (snapshot, position) = eventually("a snapshot with points", || {
            let reply = self.company.agent.get(&self.snapshot_path());
            let points = reply.expect(200)["points"].as_array().unwrap().clone();
            (!points.is_empty()).then(|| (points, reply.position()))
        });
        let page = self.company.agent.get(&format!("/v1/events?after={}&limit={HEARD}", self.begun)).expect(200);
        let (mut heard, mut live_cursor) = (Vec::new(), String::new());
        let store = store(&self.company.agent);
        let mut socket = self.socket.lock().unwrap();
        while heard.len() < HEARD {
            let batch = socket.frame_of("batch");
            heard.extend(batch["ev"].as_array().unwrap().iter().cloned());
            live_cursor = format!("{store}:{}", batch["upto"].as_str().unwrap());
        }
        Kept {
            snapshot,
            as_of: format!("{store}:{position}"),
            paged: page["events"].as_array().unwrap().clone(),
            page_cursor: page["next"].as_str().unwrap().to_owned(),
            heard,
            live_cursor,
        }
    }

    fn snapshot_path(&self) -> String {
        format!("/v1/metrics/{}/points?order=asc&limit=1000", self.metric)
    }

    /// Goes on from everything that was kept, and compares with the listing; how many events came after the cursors.
    pub(crate) fn resumes(self, kept: Kept) -> usize {
        let agent = &self.company.agent;
        let head = agent.get("/v1/events?after=head").expect(200)["head"].as_str().unwrap().parse::<u64>().unwrap();
        // Alerts may still be raised on what was recorded: each list is compared as far as the record goes now.
        let until_now = |lists: [Vec<Value>; 2]| {
            let position = |event: &Value| event["p"].as_str().unwrap().parse::<u64>().unwrap();
            lists.concat().into_iter().filter(|event| position(event) <= head).collect::<Vec<_>>()
        };
        let whole = until_now([Vec::new(), listing(agent, &self.begun)]);
        let paged = until_now([kept.paged, listing(agent, &kept.page_cursor)]);
        assert_eq!(paged, whole, "a page of events and what follows its cursor");
        let resumed = self.subscribe_after(&kept.live_cursor, &Value::Null);
        let count = resumed.len();
        assert_eq!(until_now([kept.heard, resumed]), whole, "what was heard live and what follows its cursor");

        let of_points = json!({ "all": [
            { "eq": { "type": "metric.point_recorded" } },
            { "eq": { "metric": self.metric } },
        ] });
        let value = |object: &Value| object["value"].as_u64().or_else(|| object["value"].as_f64().map(whole_number));
        let mut values: Vec<Option<u64>> = kept.snapshot.iter().map(value).collect();
        values.extend(self.subscribe_after(&kept.as_of, &of_points).iter().map(|event| value(&event["data"])));
        let posted = self.posted.load(Ordering::Relaxed);
        assert!((posted..=posted + 1).contains(&values.len()), "{posted} were acknowledged: {values:?}");
        let expected: Vec<Option<u64>> = (0..u64::try_from(values.len()).unwrap()).map(Some).collect();
        assert_eq!(values, expected, "a snapshot and what follows its position: each point once, in order");
        let now = agent.get(&self.snapshot_path()).expect(200);
        let now: Vec<Option<u64>> = now["points"].as_array().unwrap().iter().map(value).collect();
        assert_eq!(values, now, "and that is the snapshot of today");
        count
    }

    fn subscribe_after(&self, cursor: &str, filter: &Value) -> Vec<Value> {
        let mut socket = Socket::connect(self.server, &self.company.token);
        assert_eq!(socket.subscribe(1, &json!({ "after": cursor }), CREDIT, filter)["t"], "subok");
        let (mut events, mut used) = (Vec::new(), 0);
        loop {
            let frame = socket.frame();
            if frame["t"] == "live" {
                return events;
            }
            let batch = frame["ev"].as_array().unwrap_or_else(|| panic!("{frame}"));
            events.extend(batch.iter().cloned());
            used += u32::try_from(batch.len()).unwrap();
            // Given back in portions: a client may not send a frame for every one it gets.
            if used > CREDIT / 2 {
                socket.send(&json!({ "t": "credit", "id": 1, "n": std::mem::take(&mut used) }));
            }
        }
    }
}

/// A value of this test, which is a count.
fn whole_number(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap()
}
