//! What the writers were promised, and the comparison with what is there after a crash.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use crate::harness::{Company, Engine, Program, Server, pause};

/// Writers at work at the same time.
pub(crate) const WRITERS: usize = 64;

/// Acknowledged keys with the id that was answered, and keys whose answer never came.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: Mutex<BTreeMap<String, String>>,
    pub(crate) open: Mutex<Vec<String>>,
    next: AtomicU64,
}

impl Ledger {
    /// Lets 64 writers post keyed points until something breaks their connections or `stop` says so; meanwhile
    /// `disaster` runs, after at least `points` were acknowledged in this round.
    pub(crate) fn write_until(&self, company: &Company, points: usize, disaster: impl FnOnce()) {
        let stop = AtomicBool::new(false);
        let before = self.acknowledged.lock().unwrap().len();
        std::thread::scope(|scope| {
            let _stops = StopsWhenDropped(&stop);
            for writer in 0..WRITERS {
                let stop = &stop;
                scope.spawn(move || self.write(company, writer, stop));
            }
            crate::harness::eventually("some points are acknowledged", || {
                (self.acknowledged.lock().unwrap().len() >= before + points).then_some(())
            });
            disaster();
        });
    }

    fn write(&self, company: &Company, writer: usize, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let key = format!("w{writer}-{number}");
            let client = company.agent.header("idempotency-key", &key);
            // Half of the writers share one hot metric, the others have four of their own.
            let metric = if writer.is_multiple_of(2) { "hot".to_owned() } else { format!("m{}", writer % 4) };
            match client.try_post(&format!("/v1/metrics/{metric}/points"), &json!({ "value": number })) {
                Some(reply) if reply.status == 201 => {
                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                    self.acknowledged.lock().unwrap().insert(format!("{metric} {key}"), id);
                }
                // Who is sent away asks again, and not at once.
                answer if answer.as_ref().is_none_or(|reply| reply.status == 503) => {
                    self.open.lock().unwrap().push(format!("{metric} {key} {number}"));
                    pause(std::time::Duration::from_millis(200));
                }
                answer => panic!("{answer:?}"),
            }
        }
    }

    /// Resends what got no answer; each must now be recorded or found, and is promised from here on.
    pub(crate) fn resend(&self, company: &Company) -> (usize, usize) {
        let open = std::mem::take(&mut *self.open.lock().unwrap());
        let mut duplicates = 0;
        let resent = open.len();
        for entry in open {
            let [metric, key, number] = entry.split(' ').collect::<Vec<_>>()[..] else { panic!("{entry}") };
            let number: u64 = number.parse().unwrap();
            let client = company.agent.header("idempotency-key", key);
            let reply = client.post(&format!("/v1/metrics/{metric}/points"), &json!({ "value": number }));
            let answer = reply.json();
            assert!(reply.status == 201 || reply.status == 200, "{reply}");
            assert!(answer.get("differs").is_none(), "{reply}");
            duplicates += usize::from(reply.status == 200);
            let id = answer["id"].as_str().unwrap().to_owned();
            self.acknowledged.lock().unwrap().insert(format!("{metric} {key}"), id);
        }
        (resent, duplicates)
    }

    /// Every promise is kept, once, and nothing else is there.
    pub(crate) fn check(&self, server: &Server, company: &Company) {
        let acknowledged = self.acknowledged.lock().unwrap();
        let mut found = BTreeMap::new();
        for metric in ["hot", "m1", "m3"] {
            for point in company.points(metric) {
                let key = format!("{metric} {}", point["idempotency_key"].as_str().unwrap());
                let id = point["id"].as_str().unwrap().to_owned();
                let before = found.insert(key.clone(), id);
                assert!(before.is_none(), "{key} is there twice");
            }
        }
        for (key, id) in acknowledged.iter() {
            assert_eq!(found.get(key), Some(id), "the acknowledged {key}");
        }
        assert_eq!(found.len(), acknowledged.len(), "points that nobody was promised");
        contiguous(server);
    }
}

/// Ends what goes on until it is told to, also when a test fails: its scope waits for all threads.
pub(super) struct StopsWhenDropped<'a>(pub(super) &'a AtomicBool);

impl Drop for StopsWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Positions are 1, 2, 3 … without a gap.
pub(crate) fn contiguous(server: &Server) {
    let sql = "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(MIN(position) AS TEXT) || ' ' || CAST(MAX(position) AS TEXT) FROM events";
    let row = server.store.texts(sql).remove(0);
    let numbers: Vec<u64> = row.split(' ').map(|number| number.parse().unwrap()).collect();
    assert_eq!((numbers[0], 1), (numbers[2], numbers[1]), "count, first and last position: {row}");
}

/// The chain verifies and every read model equals a rebuild from zero.
pub(crate) fn verifies(server: &Server) {
    let operator = Program::operator_of(server);
    operator.run(&["audit", "verify"]).ok();
    operator.run(&["projections", "verify"]).ok();
}

/// A company with the metrics that the writers use.
pub(crate) fn company(server: &Server) -> Company {
    let company = server.company();
    for metric in ["hot", "m1", "m3"] {
        company.metric(metric);
    }
    company
}

/// How many rounds: the short form, or the full one of the torture task.
pub(crate) fn rounds() -> usize {
    if crate::harness::torture() { 50 } else { 2 }
}

/// One line of counts for the report.
pub(super) fn tell(what: &str, engine: Engine, rounds: usize, promised: usize, resent: (usize, usize)) {
    let (resent, found) = resent;
    println!(
        "{what} {engine:?}: {rounds} kills, {promised} promises kept, {resent} resent, {found} of them already recorded"
    );
}
