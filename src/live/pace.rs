//! How the sockets of one worker are woken: all in one pass, by one task of the worker's own that watches the hub.
//!
//! A wake is a turn and a frame for every socket. While a pass runs, what is published waits for the next; and when a
//! pass brought more than one event, more are on their way, so the next waits for them, at most as long as the pass
//! took, and brings all in one frame. An event that comes alone is never held, and neither is a change of rights.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::hub::{Hub, Signal};
use super::limits;

/// Something changed: the head, a right, or the server is closing.
pub(crate) struct Wake;

/// The sockets of one hub on this thread.
struct Sockets {
    hub: Weak<Hub>,
    /// Grows with every pass.
    pass: Cell<u64>,
    /// A place for each socket, with its waker once it has waited.
    places: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<usize>>,
}

thread_local! {
    /// One for each hub; there is more than one only in tests.
    static ON_THIS_THREAD: RefCell<Vec<Rc<Sockets>>> = const { RefCell::new(Vec::new()) };
}

impl Sockets {
    fn new(hub: Weak<Hub>) -> Self {
        Self { hub, pass: Cell::new(0), places: RefCell::default(), free: RefCell::default() }
    }

    /// Those of this hub on this thread, with a task that wakes them. Needs a worker's runtime.
    fn of(hub: &Arc<Hub>) -> Rc<Self> {
        ON_THIS_THREAD.with_borrow_mut(|all| {
            if let Some(known) = all.iter().find(|sockets| std::ptr::eq(sockets.hub.as_ptr(), Arc::as_ptr(hub))) {
                return Rc::clone(known);
            }
            let sockets = Rc::new(Self::new(Arc::downgrade(hub)));
            all.push(Rc::clone(&sockets));
            actix_web::rt::spawn(walk(Walker(Rc::clone(&sockets)), hub.watch()));
            sockets
        })
    }

    fn wake(&self) {
        self.pass.set(self.pass.get() + 1);
        // A waker stays in its place: to wake a socket that is awake costs nothing, and to register anew does.
        self.places.borrow().iter().flatten().for_each(Waker::wake_by_ref);
    }
}

/// Forgets the sockets when the task ends, with its hub or with its runtime.
struct Walker(Rc<Sockets>);

impl Drop for Walker {
    fn drop(&mut self) {
        // The thread may be ending, and then there is nothing to forget.
        let _ended = ON_THIS_THREAD.try_with(|all| all.borrow_mut().retain(|sockets| !Rc::ptr_eq(sockets, &self.0)));
    }
}

async fn walk(walker: Walker, mut signals: watch::Receiver<Signal>) {
    // Not marked as seen: what was published since the first socket came is for it, too.
    let mut told = *signals.borrow();
    // An error means that the hub is gone.
    while signals.changed().await.is_ok() {
        let (signal, begun) = (*signals.borrow_and_update(), Instant::now());
        walker.0.wake();
        let events = signal.head.0.saturating_sub(told.head.0);
        told = signal;
        // Those that were woken stand before this task in the worker's queue, so the pass ends here.
        tokio::task::yield_now().await;
        if let Some(most) = gathering(events, begun.elapsed()) {
            gather(told, most, &mut signals).await;
        }
    }
}

/// How long to wait for more events after a pass that brought this many and took this long.
fn gathering(events: u64, pass: Duration) -> Option<Duration> {
    let most = pass.min(limits::GATHER_MAX);
    (events > 1 && most >= limits::GATHER_MIN).then_some(most)
}

/// Waits for what is about to be published, but not with anything urgent.
async fn gather(told: Signal, most: Duration, signals: &mut watch::Receiver<Signal>) {
    let urgent = signals.wait_for(|signal| signal.urgent != told.urgent);
    // How this ends does not matter; that the hub is gone shows in the loop.
    let _pressed = tokio::time::timeout(most, urgent).await.is_ok();
    // What came meanwhile counts as seen, but the sockets have not been told.
    if *signals.borrow() != told {
        signals.mark_changed();
    }
}

/// A stream of wakes for one socket, for as long as it lives on this worker.
pub(crate) struct Wakes {
    sockets: Rc<Sockets>,
    place: usize,
    seen: u64,
}

/// Wakes for a socket on this thread.
pub(crate) fn wakes(hub: &Arc<Hub>) -> Wakes {
    Wakes::new(Sockets::of(hub))
}

impl Wakes {
    fn new(sockets: Rc<Sockets>) -> Self {
        let free = sockets.free.borrow_mut().pop();
        let place = free.unwrap_or_else(|| {
            let mut places = sockets.places.borrow_mut();
            places.push(None);
            places.len() - 1
        });
        let seen = sockets.pass.get();
        Self { sockets, place, seen }
    }
}

impl Stream for Wakes {
    type Item = Wake;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Wake>> {
        let pass = self.sockets.pass.get();
        if self.seen != pass {
            self.seen = pass;
            return Poll::Ready(Some(Wake));
        }
        if let Some(place) = self.sockets.places.borrow_mut().get_mut(self.place)
            && !place.as_ref().is_some_and(|waker| waker.will_wake(task.waker()))
        {
            *place = Some(task.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        if let Some(place) = self.sockets.places.borrow_mut().get_mut(self.place) {
            *place = None;
        }
        self.sockets.free.borrow_mut().push(self.place);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use muniment_aggregates::record::Position;

    use super::*;

    const PASS: Duration = Duration::from_millis(3);

    fn signal(head: u64, urgent: u64) -> Signal {
        Signal { head: Position(head), closing: false, urgent }
    }

    #[test]
    fn events_that_come_alone_or_are_brought_fast_are_never_held() {
        assert_eq!(gathering(1, Duration::from_secs(1)), None);
        assert_eq!(gathering(2, limits::GATHER_MIN / 2), None);
        assert_eq!(gathering(2, PASS), Some(PASS));
        assert_eq!(gathering(9, Duration::from_secs(1)), Some(limits::GATHER_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_published_meanwhile_is_told_when_the_wait_is_over() {
        let (hub, mut signals) = watch::channel(signal(5, 0));
        let begun = Instant::now();
        let publish = async {
            hub.send_replace(signal(6, 0));
        };
        tokio::join!(gather(signal(5, 0), PASS, &mut signals), publish);
        assert_eq!(begun.elapsed(), PASS);
        assert_eq!(signals.has_changed().ok(), Some(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_rights_ends_the_wait() {
        let (hub, mut signals) = watch::channel(signal(5, 0));
        let begun = Instant::now();
        let publish = async {
            hub.send_replace(signal(6, 1));
        };
        tokio::join!(gather(signal(5, 0), PASS, &mut signals), publish);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(signals.has_changed().ok(), Some(true));
    }

    #[actix_web::test]
    async fn sockets_are_woken_once_a_pass_until_they_leave() {
        let sockets = Rc::new(Sockets::new(Weak::new()));
        let (hub, signals) = watch::channel(signal(0, 0));
        actix_web::rt::spawn(walk(Walker(Rc::clone(&sockets)), signals));
        let mut staying = Wakes::new(Rc::clone(&sockets));
        let leaving = Wakes::new(Rc::clone(&sockets));
        for head in 1..=3 {
            hub.send_replace(signal(head, 0));
            assert!(staying.next().await.is_some());
            assert!(futures_util::poll!(staying.next()).is_pending(), "woken once");
        }
        drop(leaving);
        let _place_of_the_one_that_left = Wakes::new(Rc::clone(&sockets));
        assert_eq!(sockets.places.borrow().len(), 2);
    }
}
