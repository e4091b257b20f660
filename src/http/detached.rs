//! What has begun is brought to its end, whether or not its client stays: a task of its own answers each request, so a
//! reset of the connection takes back nothing that was counted or is being recorded. On shutdown, requests whose client
//! waits are waited for; the others end with their worker, as if the node were killed.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpResponse;

/// Requests of one node that may still run although their client left.
const DETACHED_MAX: usize = 4_096;

/// How many requests of this node run on although their client left.
#[derive(Debug, Clone, Default)]
pub struct DetachedRequests(Arc<AtomicUsize>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Awaited,
    Detached,
    Done,
}

/// The client of one request, who may leave.
struct Client<'l> {
    requests: &'l DetachedRequests,
    stage: Rc<Cell<Stage>>,
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        if self.stage.get() == Stage::Awaited {
            self.stage.set(Stage::Detached);
            self.requests.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An answer that is being made.
struct Running {
    count: Arc<AtomicUsize>,
    stage: Rc<Cell<Stage>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.stage.replace(Stage::Done) == Stage::Detached {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl DetachedRequests {
    /// As many as may.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        Self(Arc::new(AtomicUsize::new(DETACHED_MAX)))
    }

    /// Whether too many do.
    #[must_use]
    pub fn is_too_many(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= DETACHED_MAX
    }

    /// Brings an answer to its end; `None` where it panicked. Needs a worker's runtime.
    pub async fn to_the_end(&self, answer: impl Future<Output = HttpResponse> + 'static) -> Option<HttpResponse> {
        let stage = Rc::new(Cell::new(Stage::Awaited));
        let (count, at) = (Arc::clone(&self.0), Rc::clone(&stage));
        // Boxed, because a task's future is moved several times on its way to where it is polled, and an answer's has
        // several KiB.
        let task = actix_web::rt::spawn(Box::pin(async move {
            let _running = Running { count, stage: at };
            answer.await
        }));
        let client = Client { requests: self, stage };
        let response = task.await;
        drop(client);
        // What a panic says stays out of the log; its place is in it, and the caller's line has the correlation id.
        response.ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[actix_web::test]
    async fn an_answer_nobody_waits_for_runs_on_and_is_counted_until_it_ends() {
        let requests = DetachedRequests::default();
        let (go, gone) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        {
            let answer = requests.to_the_end(async move {
                assert!(gone.await.is_ok());
                assert!(tell.send(()).is_ok());
                HttpResponse::Ok().finish()
            });
            tokio::pin!(answer);
            assert!(futures_util::poll!(answer.as_mut()).is_pending());
        }
        assert_eq!(requests.0.load(Ordering::Relaxed), 1);
        assert!(go.send(()).is_ok());
        assert!(told.await.is_ok());
        tokio::task::yield_now().await;
        assert_eq!(requests.0.load(Ordering::Relaxed), 0);
    }
}
