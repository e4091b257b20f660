//! Unique keys that are taken and given back on two nodes, several at once and one decided on the other: nobody takes what
//! another holds, nobody gives back what is not his, and who is refused has recorded nothing.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::{Append, AppendError, Appended, Lineage, NewEvent};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use crate::engine::SharedStore;
use crate::scenario::{ANSWER_MAX, Node, paused};
use crate::seeds;

const SEEDS: u64 = 200;
const ACTORS: u64 = 5;
const STEPS_PER_ACTOR: u64 = 16;
/// Fewer than actors, so that one fills the version that another's refused append would have had.
const OWNERS: u64 = 3;
const KEYS: u32 = 3;
/// Appends that are decided one on the other.
const PIPELINED: u64 = 3;
const NAMESPACE: &str = "name";

/// What an event says that it does to the keys, beside its name.
#[derive(Debug, Serialize, Deserialize)]
struct Happened {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Step {
    Take(String),
    GiveBack(String),
}

/// What the owners were told.
#[derive(Default)]
struct Told {
    recorded: HashMap<String, Position>,
    refused: HashSet<String>,
    /// Keys that are recorded once, with where they were said to be.
    doubled: Vec<(DedupeKey, Position)>,
    counts: Counts,
}

/// What the seeds came to.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    recorded: u64,
    taken_by_another: u64,
    /// Keys that were given back by who did not hold them.
    not_his: u64,
    fallen: u64,
    doubled: u64,
    failed: u64,
}

fn owner(actor: u64) -> StreamId {
    StreamId::new("owner", &format!("owner-{}", actor % OWNERS))
}

fn steps(random: &mut SmallRng) -> Vec<Step> {
    let count = random.random_range(1..3_usize);
    let step = |random: &mut SmallRng| {
        let key = format!("key-{}", random.random_range(0..KEYS));
        if random.random_bool(0.5) { Step::Take(key) } else { Step::GiveBack(key) }
    };
    (0..count).map(|_| step(random)).collect()
}

fn append(own: &StreamId, version: u64, happened: &Happened, dedupe: Option<DedupeKey>, lineage: &Lineage) -> Append {
    let key = |key: &str| ClaimKey::Clear(key.to_owned());
    let change = |step: &Step| match step {
        Step::Take(taken) => ClaimChange::Take { namespace: NAMESPACE, key: key(taken) },
        Step::GiveBack(given) => ClaimChange::Release { namespace: NAMESPACE, key: key(given) },
    };
    let event = NewEvent {
        stream: own.clone(),
        event_type: "owner.changed",
        event_version: "1.0",
        payload: serde_json::to_string(happened).expect("it serialises").into_boxed_str(),
        dedupe,
    };
    Append {
        events: vec![event],
        expect: vec![(own.clone(), version)],
        claims: happened.steps.iter().map(|step| (own.clone(), change(step))).collect(),
        lineage: Some(lineage.clone()),
        metadata: Arc::from("{}"),
        ..Append::default()
    }
}

/// A key of repetition that other appends have too, now and then.
fn shared_by_some(random: &mut SmallRng) -> Option<DedupeKey> {
    let shared = random.random_bool(0.2).then(|| format!("once-{}", random.random_range(0..20_u32)));
    shared.map(|once| DedupeKey::of(&StreamId::new("owner", "all"), &once))
}

async fn act(number: u64, nodes: Rc<RefCell<[Rc<Node>; 2]>>, told: Rc<RefCell<Told>>, mut random: SmallRng) {
    let (own, mut version) = (owner(number), 0);
    for step in 0..STEPS_PER_ACTOR {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let lineage = Lineage::default();
        let mut sent = Vec::new();
        for ahead in 0..random.random_range(1..=PIPELINED) {
            // What it is decided on may be in another batch then, and others' appends between the two.
            if ahead > 0 && random.random_bool(0.5) {
                tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
            }
            let name = format!("{number}-{step}-{ahead}");
            let happened = Happened { name: name.clone(), steps: steps(&mut random) };
            let dedupe = shared_by_some(&mut random);
            let append = append(&own, version + ahead, &happened, dedupe, &lineage);
            match node.journal.submit(append) {
                Ok(ticket) => sent.push((name, ticket)),
                // Nothing is decided on what was not even taken.
                Err(_) => {
                    told.borrow_mut().refused.insert(name);
                    break;
                }
            }
        }
        for (name, ticket) in sent {
            let Some(outcome) = node.answered(ticket).await else { continue };
            if let Err(AppendError::Uncertain(told)) = &outcome {
                node.must_have_crashed(told);
            }
            version = told.borrow_mut().note(name, outcome, version);
        }
    }
}

impl Told {
    /// Keeps an answer; the version that the stream has as far as it tells.
    fn note(&mut self, name: String, outcome: Result<Appended, AppendError>, version: u64) -> u64 {
        let error = match outcome {
            Ok(appended) => {
                self.counts.recorded += 1;
                self.recorded.insert(name, appended.first);
                return version + 1;
            }
            // It may be there or not.
            Err(AppendError::Uncertain(_)) => return version,
            Err(error) => error,
        };
        self.refused.insert(name);
        match error {
            AppendError::Conflict { actual, .. } => return actual,
            AppendError::ClaimTaken { .. } => self.counts.taken_by_another += 1,
            AppendError::Fallen => self.counts.fallen += 1,
            AppendError::Duplicate { key, position } => {
                self.counts.doubled += 1;
                self.doubled.push((key, position));
            }
            _ => self.counts.failed += 1,
        }
        version
    }
}

/// A node that lived through it all records, once nothing goes wrong any more; where it did.
async fn goes_on(node: &Node, number: usize) -> (String, Position) {
    let own = StreamId::new("owner", &format!("after-{number}"));
    let happened = Happened { name: format!("after-{number}-0"), steps: vec![Step::Take(format!("after-{number}"))] };
    let ticket = node.journal.submit(append(&own, 0, &happened, None, &Lineage::default())).expect("it is taken");
    let outcome = tokio::time::timeout(ANSWER_MAX, ticket).await;
    let outcome = outcome.unwrap_or_else(|_elapsed| panic!("{} stands still after all that", node.engine));
    let appended = outcome.unwrap_or_else(|error| panic!("{} records nothing after all that: {error}", node.engine));
    (happened.name, appended.first)
}

fn run(seed: u64) -> Counts {
    paused(async move {
        let trouble_percent = if seed.is_multiple_of(4) { 0 } else { u32::try_from(seed % 40).unwrap_or(0) };
        let store = SharedStore::new(seed, trouble_percent);
        let mut random = SmallRng::seed_from_u64(seed ^ 0x00c1_a135);
        let nodes = Rc::new(RefCell::new([Rc::new(Node::start(&store).await), Rc::new(Node::start(&store).await)]));
        let told = Rc::new(RefCell::new(Told::default()));
        let mut of_task = || SmallRng::from_seed(std::array::from_fn(|_| random.random()));
        let tasks: Vec<_> = (0..ACTORS)
            .map(|number| tokio::task::spawn_local(act(number, Rc::clone(&nodes), Rc::clone(&told), of_task())))
            .collect();
        if random.random_bool(0.4) {
            tokio::time::sleep(Duration::from_millis(random.random_range(1..300))).await;
            let fresh = Rc::new(Node::start(&store).await);
            let crashed = std::mem::replace(&mut nodes.borrow_mut()[0], fresh);
            crashed.engine.crash();
        }
        for task in tasks {
            task.await.expect("nobody panics");
        }
        store.calm().await;
        let mut told = told.take();
        let survivors = nodes.borrow().clone();
        for (number, node) in survivors.iter().enumerate() {
            told.recorded.extend([goes_on(node, number).await]);
        }
        let (holders, not_his) = fold(&store.events(), &told);
        let last = Node::start(&store).await;
        last.journal.verify(None, &|_, _| {}).await.expect("the chain verifies");
        for node in survivors.iter().map(|node| &**node).chain([&last]) {
            for key in (0..KEYS).map(|number| format!("key-{number}")) {
                let holder = node.journal.claim_owner(NAMESPACE, &key).await.expect("it answers");
                assert_eq!(holder.as_ref(), holders.get(&key), "who holds {key}");
            }
        }
        Counts { not_his, ..told.counts }
    })
}

/// Who holds each key behind the last event, and how often one was given back by somebody else; every answer was true.
fn fold(events: &[Arc<RecordedEvent>], told: &Told) -> (HashMap<String, StreamId>, u64) {
    let (mut holders, mut not_his) = (HashMap::<String, StreamId>::new(), 0);
    let (mut recorded, mut keys) = (HashMap::new(), HashMap::new());
    for event in events {
        let happened: Happened = serde_json::from_str(&event.payload).expect("an event of an owner");
        let at = event.position;
        for step in happened.steps {
            match step {
                Step::Take(key) => {
                    let before = holders.insert(key.clone(), event.stream.clone());
                    assert!(before.is_none_or(|holder| holder == event.stream), "{key} is taken from another at {at}");
                }
                Step::GiveBack(key) if holders.get(&key) == Some(&event.stream) => drop(holders.remove(&key)),
                Step::GiveBack(key) => not_his += u64::from(holders.contains_key(&key)),
            }
        }
        if let Some(key) = event.dedupe {
            assert_eq!(keys.insert(key, at), None, "a key is recorded once");
        }
        assert_eq!(recorded.insert(happened.name, at), None, "it is recorded once");
    }
    for name in recorded.keys() {
        let (decision, ahead) = name.rsplit_once('-').expect("a name with its number");
        let before =
            ahead.parse::<u64>().expect("a number").checked_sub(1).map(|before| format!("{decision}-{before}"));
        assert!(before.is_none_or(|before| recorded.contains_key(&before)), "what {name} was decided on is missing");
    }
    for (name, position) in &told.recorded {
        assert_eq!(recorded.get(name), Some(position), "{name} is where it was said to be");
    }
    for name in &told.refused {
        assert!(!recorded.contains_key(name), "{name} was refused and is recorded");
    }
    for (key, position) in &told.doubled {
        assert_eq!(keys.get(key), Some(position), "what an append repeats is where it was said to be");
    }
    (holders, not_his)
}

#[test]
fn a_key_has_one_holder_whatever_fails_while_it_is_taken_and_given_back() {
    let outcomes = seeds::each("claims", SEEDS, run);
    let mut total = Counts::default();
    for counts in &outcomes {
        total.recorded += counts.recorded;
        total.taken_by_another += counts.taken_by_another;
        total.not_his += counts.not_his;
        total.fallen += counts.fallen;
        total.doubled += counts.doubled;
        total.failed += counts.failed;
    }
    println!("{} seeds: {total:?}", outcomes.len());
    if outcomes.len() > 100 {
        let Counts { recorded, taken_by_another, not_his, fallen, doubled, failed } = total;
        let all = [recorded, taken_by_another, not_his, fallen, doubled, failed];
        assert!(all.iter().all(|count| *count > 0), "{total:?}");
    }
}
