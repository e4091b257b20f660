//! Rights that end while both nodes remember them: what was begun after an end was acknowledged is never recorded, however
//! late the other node hears of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use muniment::runtime::{BusError, Origin};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::metric::Metric;
use muniment_aggregates::note::{Note, NoteCommand, Record};
use muniment_journal::{Fence, FenceCounter, Journal};
use parking_lot::Mutex;
use rand::RngExt as _;
use rand::rngs::SmallRng;

use crate::engine::SharedStore;
use crate::scenario::{Answers, Node, point};

/// Each is used by one client and ended once.
const RIGHTS: u64 = 3;
const COMMANDS_PER_RIGHT: u64 = 12;

/// What one node remembers of them, as the surface does of credentials.
#[derive(Default)]
pub(crate) struct Remembered {
    held: Mutex<HashMap<u64, Fence>>,
    ends: FenceCounter,
}

impl Remembered {
    pub(crate) fn listening_to(journal: &Journal) -> Arc<Self> {
        let remembered = Arc::new(Self::default());
        let listening = Arc::clone(&remembered);
        journal.on_durable(Arc::new(move |events| {
            if events.iter().any(|event| &*event.stream.kind == Note::TYPE) {
                listening.ends.advance();
                listening.held.lock().clear();
            }
        }));
        remembered
    }

    /// The fence of a right that holds as far as this node has seen; `None` where it has ended, or cannot be looked up.
    async fn find(&self, right: u64, store: &SharedStore, journal: &Journal) -> Option<Fence> {
        if let Some(fence) = self.held.lock().get(&right) {
            return Some(fence.clone());
        }
        let fence = self.ends.fence();
        journal.confirm_head().await.ok()?;
        let end = end_of(right);
        if store.events().iter().any(|event| &*event.stream.kind == Note::TYPE && *event.stream.id == *end) {
            return None;
        }
        let mut held = self.held.lock();
        if fence.holds() {
            held.insert(right, fence.clone());
        }
        Some(fence)
    }
}

fn end_of(right: u64) -> String {
    format!("end-of-{right}")
}

/// Rights whose end was acknowledged.
type Ended = Rc<RefCell<HashSet<u64>>>;

/// The tasks that use the rights and those that end them.
pub(crate) fn tasks(
    store: &Arc<SharedStore>,
    nodes: &Rc<RefCell<[Rc<Node>; 2]>>,
    answers: &Rc<RefCell<Answers>>,
    metrics: &[String],
    random: impl Fn(u64) -> SmallRng,
) -> Vec<tokio::task::JoinHandle<()>> {
    let ended = Ended::default();
    let mut tasks = Vec::new();
    for right in 0..RIGHTS {
        let (store, nodes, answers) = (Arc::clone(store), Rc::clone(nodes), Rc::clone(answers));
        let user = User { right, store, nodes: Rc::clone(&nodes), answers, ended: Rc::clone(&ended) };
        tasks.push(tokio::task::spawn_local(user.act(metrics.to_vec(), random(right))));
        tasks.push(tokio::task::spawn_local(end(right, nodes, Rc::clone(&ended), random(RIGHTS + right))));
    }
    tasks
}

/// Who acts by one right.
struct User {
    right: u64,
    store: Arc<SharedStore>,
    nodes: Rc<RefCell<[Rc<Node>; 2]>>,
    answers: Rc<RefCell<Answers>>,
    ended: Ended,
}

impl User {
    async fn act(self, metrics: Vec<String>, mut random: SmallRng) {
        for number in 0..COMMANDS_PER_RIGHT {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
            let metric = metrics[random.random_range(0..metrics.len())].clone();
            let node = Rc::clone(&self.nodes.borrow()[random.random_range(0..2)]);
            let (id, command) = point(&mut random, number, format!("by-{}-{number}", self.right));
            // Asked before anything else: what is acknowledged from here on is at the same time.
            if self.ended.borrow().contains(&self.right) {
                self.answers.borrow_mut().refused.push((id.as_str().to_owned(), "the right had ended".to_owned()));
            }
            let found = node.rights.find(self.right, &self.store, &node.journal);
            let Some(Some(fence)) = node.answered(found).await else { continue };
            let origin = Origin::system("simulation", "record_points", None);
            let outcome = node.bus.execute_under::<Metric>(Some(&fence), &metric, command, &origin);
            let outcome = node.answered(outcome).await;
            let mut answers = self.answers.borrow_mut();
            match outcome {
                Some(Ok(done)) => {
                    let position = done.position.expect("a recorded point has a position");
                    answers.acknowledged.insert(id.as_str().to_owned(), position);
                    answers.counts.under_rights += 1;
                }
                Some(Err(BusError::Fenced)) => {
                    answers.refused.push((id.as_str().to_owned(), "fenced".to_owned()));
                    answers.counts.fenced += 1;
                }
                Some(Err(BusError::Uncertain(told))) => node.must_have_crashed(&told),
                // Refused, or nobody can say.
                Some(Err(_)) | None => {}
            }
        }
    }
}

/// Ends a right on one of the nodes, until that is acknowledged.
async fn end(right: u64, nodes: Rc<RefCell<[Rc<Node>; 2]>>, ended: Ended, mut random: SmallRng) {
    tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
    let record = Record {
        what: "right.ended".to_owned(),
        is_failure: false,
        account: None,
        target_account: None,
        details: Some(BTreeMap::new()),
    };
    let (origin, note) = (Origin::system("simulation", "end", None), end_of(right));
    for _ in 0..100 {
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let command = NoteCommand::Record(record.clone());
        let outcome = node.bus.execute::<Note>(&note, command, &origin);
        // Whoever gets no answer soon asks the other node, which may know already what the first is still to hear.
        if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(100), outcome).await {
            ended.borrow_mut().insert(right);
            return;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(1..50))).await;
    }
}
