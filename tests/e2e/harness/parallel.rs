//! Many at once, and waiting for what happens by itself.

use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// How long a thing that happens by itself may take before a test gives up: long, because a busy machine is no fault.
const WAIT_SECONDS_MAX: u64 = 60;

/// The runtime behind the blocking clients; one for the process.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// Asks again and again until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(WAIT_SECONDS_MAX), "{what}: not within {WAIT_SECONDS_MAX} s");
        pause(Duration::from_millis(10));
    }
}

/// Does a thing that has a meaning only within a span, and once more where the machine took longer: what came of the first
/// that was in time. Each attempt must stand by itself.
pub(crate) fn within<T>(span: Duration, mut attempt: impl FnMut() -> T) -> T {
    eventually("an attempt that is in time", || {
        let begun = Instant::now();
        let outcome = attempt();
        (begun.elapsed() < span).then_some(outcome)
    })
}

/// Looks for the whole span whether something stays true: for what must *not* happen.
pub(crate) fn holds_for(span: Duration, what: &str, mut look: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < span {
        assert!(look(), "{what}: no longer true after {:?}", begun.elapsed());
        pause(Duration::from_millis(50));
    }
}

/// Runs `count` copies of the work at the same instant; their results in order.
pub(crate) fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    std::thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let threads: Vec<_> = (0..count)
            .map(|index| {
                scope.spawn(move || {
                    start.wait();
                    work(index)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Lets things happen for a while, where there is nothing to wait for: the length is the test's matter.
pub(crate) fn pause(length: Duration) {
    runtime().block_on(async { tokio::time::sleep(length).await });
}
