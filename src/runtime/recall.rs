//! Requests that can be taken back: until the first of their appends is handed to the journal, and never after.
//!
//! Whoever may take a request back announces it by its correlation id; the bus and the actors ask here right before they
//! hand something over. A request that nobody announced is not looked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// What a command of a request that was taken back ends with; nobody waits for it.
pub(super) const TAKEN_BACK: &str = "the request was taken back";

const OPEN: u8 = 0;
const HANDED_OVER: u8 = 1;
const GONE: u8 = 2;

/// Whether something of one request was handed to the journal. The first of the two who asks decides.
#[derive(Debug, Default)]
pub struct Recall(AtomicU8);

impl Recall {
    fn first_or_same(&self, wanted: u8) -> bool {
        match self.0.compare_exchange(OPEN, wanted, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(found) => found == wanted,
        }
    }

    /// To be asked right before an append is handed over: false when the request was taken back.
    pub(super) fn hand_over(&self) -> bool {
        self.first_or_same(HANDED_OVER)
    }
}

/// The requests on their way that can be taken back.
#[derive(Debug, Default)]
pub struct Recalls {
    requests: Mutex<HashMap<String, Arc<Recall>>>,
    /// As many as there are, so that nobody locks to find none.
    count: AtomicUsize,
}

impl Recalls {
    /// Announces a request.
    #[must_use]
    pub fn announce(self: &Arc<Self>, correlation: &str) -> Recallable {
        let recall = Arc::new(Recall::default());
        let mut requests = self.requests.lock();
        requests.insert(correlation.to_owned(), Arc::clone(&recall));
        self.count.store(requests.len(), Ordering::Release);
        Recallable { correlation: correlation.to_owned(), recall, recalls: Arc::clone(self) }
    }

    pub(super) fn of(&self, correlation: &str) -> Option<Arc<Recall>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.requests.lock().get(correlation).cloned()
    }
}

/// An announced request. Dropped without an answer, it is taken back where that is still possible.
#[derive(Debug)]
pub struct Recallable {
    correlation: String,
    recall: Arc<Recall>,
    recalls: Arc<Recalls>,
}

impl Recallable {
    /// Takes the request back: nothing of it will be recorded. False when something may be recorded already.
    #[must_use]
    pub fn take_back(&self) -> bool {
        self.recall.first_or_same(GONE)
    }

    /// It was answered: what still goes on in its name goes on.
    pub fn answered(self) {
        // Whatever this says, nothing can be taken back any more.
        let _too_late = self.recall.hand_over();
    }
}

impl Drop for Recallable {
    fn drop(&mut self) {
        let _gone = self.take_back();
        let mut requests = self.recalls.requests.lock();
        requests.remove(&self.correlation);
        self.recalls.count.store(requests.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use muniment_aggregates::note::{Note, NoteRefusal};

    use crate::runtime::{BusError, CommandBus, Origin, fresh};

    /// Records a note by a transaction, taking the request back while it decides.
    async fn transact(bus: &CommandBus, origin: &Origin, meanwhile: impl Fn()) -> Result<(), BusError<NoteRefusal>> {
        let decided = bus.transact(origin, async |tx| {
            let mut note = tx.begin::<Note>(&origin.correlation);
            tx.decide(&mut note, &fresh::note())?;
            meanwhile();
            Ok::<_, BusError<NoteRefusal>>(())
        });
        decided.await.map(|_| ())
    }

    #[actix::test]
    async fn acc_214_what_was_taken_back_is_not_recorded_and_what_is_recorded_not_taken_back() {
        let (bus, _folder) = fresh::bus().await;
        let origin = || Origin::system("test", "test", None);

        let asked = origin();
        let request = bus.recalls().announce(&asked.correlation);
        let taken_back = || assert!(request.take_back());
        assert!(matches!(transact(&bus, &asked, taken_back).await, Err(BusError::Unavailable(_))));
        assert!(matches!(bus.execute::<Note>("one", fresh::note(), &asked).await, Err(BusError::Unavailable(_))));
        assert_eq!(bus.journal().head().0, 0, "neither is recorded");
        drop(request);

        for by_actor in [false, true] {
            let asked = origin();
            let request = bus.recalls().announce(&asked.correlation);
            if by_actor {
                bus.execute::<Note>("two", fresh::note(), &asked).await.map(|_| ()).expect("recorded");
            } else {
                transact(&bus, &asked, || ()).await.expect("recorded");
            }
            assert!(!request.take_back(), "it is recorded");
        }
        assert_eq!(bus.journal().head().0, 2);
    }

    #[actix::test]
    async fn acc_214_a_request_that_nobody_waits_for_is_taken_back_and_one_that_was_answered_is_not() {
        let (bus, _folder) = fresh::bus().await;
        let (left, answered) = (Origin::system("test", "test", None), Origin::system("test", "test", None));
        let request = bus.recalls().announce(&left.correlation);
        let leaves = std::cell::Cell::new(Some(request));
        assert!(transact(&bus, &left, || drop(leaves.take())).await.is_err());
        let request = bus.recalls().announce(&answered.correlation);
        let ends = std::cell::Cell::new(Some(request));
        let answer = || {
            if let Some(request) = ends.take() {
                request.answered();
            }
        };
        assert!(transact(&bus, &answered, answer).await.is_ok());
        assert_eq!(bus.journal().head().0, 1);
        assert!(bus.recalls().of(&answered.correlation).is_none(), "nothing is kept");
    }
}
