//! One seed: two nodes over one store, clients that post points under keys (some twice) and set rules, readers who ask
//! either node for what it has seen, a projector on each, one node that crashes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use muniment::runtime::{BusError, Clock, CommandBus, Origin};
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{
    Define, Metric, MetricCommand, MetricEvent, NewPoint, RecordPoints, RuleChange, RuleType, SetRule,
};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::{Journal, JournalLimits, KeyRing};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::checks;
use crate::engine::{SharedStore, SimulatedEngine};
use crate::faults::Faults;
use crate::models::{self, Models};
use crate::rights::{self, Remembered};

const METRICS: usize = 3;
const CLIENTS: u64 = 6;
const COMMANDS_PER_CLIENT: u64 = 12;
/// Clients that set rules: what such a command records hangs on the one before it.
const TUNERS: u64 = 4;
const RULES_PER_TUNER: u64 = 8;
const READERS: u64 = 3;
const READS_PER_READER: u64 = 16;
/// Of so many seeds one also compares every read model with its replay, row for row, which takes longer than the seed.
const REPLAYED_EVERY: u64 = 20;
/// Far longer than anything lasts on a node that lives: the lock of the head and the end of who held it, a few times over.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Whose the metrics are.
static COMPANY: LazyLock<CompanyId> = LazyLock::new(|| CompanyId::from_random([7; 12]));

/// What a seed came to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    pub(crate) rules: u64,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
    /// Points that the journal could not record, as their clients were told.
    pub(crate) failed: u64,
    pub(crate) unanswered: u64,
    pub(crate) crashes: u64,
    pub(crate) events: u64,
    pub(crate) reads: u64,
    pub(crate) pages: u64,
    pub(crate) pages_of_another: u64,
    /// Points recorded by who had a right that could end.
    pub(crate) under_rights: u64,
    /// Points that were refused because some right had ended.
    pub(crate) fenced: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.rules += other.rules;
        self.duplicates += other.duplicates;
        self.refused += other.refused;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.crashes += other.crashes;
        self.events += other.events;
        self.reads += other.reads;
        self.pages += other.pages;
        self.pages_of_another += other.pages_of_another;
        self.under_rights += other.under_rights;
        self.fenced += other.fenced;
    }
}

/// What the clients were told.
#[derive(Default)]
pub(crate) struct Answers {
    /// Point id to the position it was acknowledged at.
    pub(crate) acknowledged: HashMap<String, Position>,
    /// Metric and version of a rule, with the position it was acknowledged at.
    pub(crate) rules: Vec<(String, u64, Position)>,
    /// Point ids whose command was refused, with what was said.
    pub(crate) refused: Vec<(String, String)>,
    /// Idempotency key (with its metric) to the positions clients were told for it.
    pub(crate) by_key: HashMap<(String, String), Vec<Position>>,
    pub(crate) counts: Counts,
}

pub(crate) struct Node {
    pub(crate) engine: Arc<SimulatedEngine>,
    pub(crate) journal: Journal,
    pub(crate) bus: CommandBus,
    pub(crate) rights: Arc<Remembered>,
}

impl Node {
    pub(crate) async fn start(store: &Arc<SharedStore>) -> Self {
        let engine = SimulatedEngine::new(store);
        let keys = KeyRing::in_memory([7; 32], store.installation()).expect("a key ring in memory");
        let journal = loop {
            // As whoever starts it again after it has refused to start.
            let opened = Journal::with_engine(engine.clone(), keys.clone(), JournalLimits::default()).await;
            if let Ok(journal) = opened {
                break journal;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let rights = Remembered::listening_to(&journal);
        let clock_store = Arc::clone(store);
        let clock = Clock::from_source(move || clock_store.now());
        let bus = CommandBus::new(journal.clone(), clock, Arc::from([]));
        Self { engine, journal, bus, rights }
    }

    /// The node's answer; none where it crashed. One that lives and gives none has lost whoever asked.
    pub(crate) async fn answered<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let answer = tokio::time::timeout(ANSWER_MAX, work).await.ok();
        assert!(answer.is_some() || self.engine.has_crashed(), "{} lives and gives no answer", self.engine);
        answer
    }

    /// A node that lives can say whether something was recorded: no trouble here lasts until it gives up.
    pub(crate) fn must_have_crashed(&self, told: &str) {
        assert!(self.engine.has_crashed(), "{} lives and cannot say what came of it: {told}", self.engine);
    }
}

pub(crate) fn bytes(random: &mut SmallRng) -> [u8; 12] {
    std::array::from_fn(|_| random.random())
}

/// Runs a future with actors and simulated time.
pub(crate) fn paused<T>(work: impl Future<Output = T>) -> T {
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime on the current thread")
    });
    system.block_on(work)
}

/// Runs one seed and checks it.
pub(crate) fn run(seed: u64) -> (Counts, Faults) {
    paused(async move {
        // One seed in four is quiet, so that the plain path is simulated too.
        let trouble_percent = if seed.is_multiple_of(4) { 0 } else { u32::try_from(seed % 40).unwrap_or(0) };
        let store = SharedStore::new(seed, trouble_percent);
        let mut random = SmallRng::seed_from_u64(seed ^ 0x5eed);
        let nodes = Rc::new(RefCell::new([Rc::new(Node::start(&store).await), Rc::new(Node::start(&store).await)]));
        let answers = Rc::new(RefCell::new(Answers::default()));
        let metrics: Vec<String> =
            (0..METRICS).map(|_| MetricId::from_random(bytes(&mut random)).as_str().to_owned()).collect();
        let first = Rc::clone(&nodes.borrow()[0]);
        define(&first, &metrics, &mut random).await;

        let mut tasks = Vec::new();
        for client in 0..CLIENTS {
            let (nodes, answers, metrics) = (Rc::clone(&nodes), Rc::clone(&answers), metrics.clone());
            let random = SmallRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(client));
            tasks.push(tokio::task::spawn_local(post(client, nodes, answers, metrics, random)));
        }
        for tuner in 0..TUNERS {
            let (nodes, answers, metrics) = (Rc::clone(&nodes), Rc::clone(&answers), metrics.clone());
            let random = SmallRng::seed_from_u64(seed.wrapping_mul(41).wrapping_add(tuner));
            tasks.push(tokio::task::spawn_local(tune(nodes, answers, metrics, random)));
        }
        for reader in 0..READERS {
            let (nodes, answers, metrics) = (Rc::clone(&nodes), Rc::clone(&answers), metrics.clone());
            let random = SmallRng::seed_from_u64(seed.wrapping_mul(37).wrapping_add(reader));
            tasks.push(tokio::task::spawn_local(read(Arc::clone(&store), nodes, answers, metrics, random)));
        }
        let of_rights = |task: u64| SmallRng::seed_from_u64(seed.wrapping_mul(47).wrapping_add(task));
        tasks.extend(rights::tasks(&store, &nodes, &answers, &metrics, of_rights));
        let models = Rc::new(Models::open(&store.installation().to_string()));
        let stop = Rc::new(Cell::new(false));
        let projectors = [0, 1].map(|which| {
            let (models, nodes, stop) = (Rc::clone(&models), Rc::clone(&nodes), Rc::clone(&stop));
            let random = SmallRng::seed_from_u64(seed.wrapping_mul(43).wrapping_add(which));
            tokio::task::spawn_local(models::project(models, nodes, usize::from(which == 1), stop, random))
        });
        if random.random_bool(0.6) {
            tokio::time::sleep(Duration::from_millis(random.random_range(1..400))).await;
            let fresh = Rc::new(Node::start(&store).await);
            // The old node is forgotten in the middle of whatever it does: its tasks die with its handles.
            let crashed = std::mem::replace(&mut nodes.borrow_mut()[0], fresh);
            crashed.engine.crash();
            answers.borrow_mut().counts.crashes += 1;
        }
        for task in tasks {
            task.await.expect("a client does not panic");
        }
        stop.set(true);
        for projector in projectors {
            projector.await.expect("a projector does not panic");
        }
        store.calm().await;
        let survivors = nodes.borrow().clone();
        for node in &survivors {
            checks::goes_on(node, &metrics, &mut random).await;
        }
        let last = Node::start(&store).await;
        let answers = answers.take();
        checks::everything_holds(&store, &last.journal, &last.bus, &metrics, &answers).await;
        models.catch_up(&last.journal).await;
        checks::read_models_equal_a_fold(&models, &store, &last.journal, &COMPANY).await;
        if seed.is_multiple_of(REPLAYED_EVERY) {
            models.equal_a_replay(&store.events());
        }
        models.close();
        let mut counts = answers.counts;
        counts.pages = models.folded().pages;
        counts.pages_of_another = models.folded().ahead;
        counts.events = u64::try_from(store.events().len()).unwrap_or(0);
        (counts, store.faults())
    })
}

pub(crate) async fn define(node: &Node, metrics: &[String], random: &mut SmallRng) {
    for (index, metric) in metrics.iter().enumerate() {
        let command = MetricCommand::Define(Define {
            company: COMPANY.clone(),
            application: ApplicationId::from_random([7; 12]),
            key: format!("metric_{index}"),
            display_name: format!("Metric {index}"),
            unit: "count".to_owned(),
            cadence: "weekly".to_owned(),
            direction: "up".to_owned(),
            source_type: "self_reported".to_owned(),
        });
        let origin = Origin::system("simulation", "define", None);
        // Whatever goes wrong before the definition is stored is the clients' trouble as well: ask until it is.
        for _ in 0..200 {
            match node.bus.execute::<Metric>(metric, command.clone(), &origin).await {
                Ok(_) | Err(BusError::Refused(_) | BusError::ClaimTaken { .. }) => break,
                Err(_) => tokio::time::sleep(Duration::from_millis(random.random_range(1..100))).await,
            }
        }
    }
}

/// Asks for states: each has everything that its node had seen when it was asked, and nothing that is not stored.
async fn read(
    store: Arc<SharedStore>,
    nodes: Rc<RefCell<[Rc<Node>; 2]>>,
    answers: Rc<RefCell<Answers>>,
    metrics: Vec<String>,
    mut random: SmallRng,
) {
    for _ in 0..READS_PER_READER {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..15_000))).await;
        let metric = metrics[random.random_range(0..metrics.len())].clone();
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let stored = |until: Option<Position>| {
            let of_metric = |event: &&Arc<RecordedEvent>| *event.stream.id == *metric;
            let events = store.events();
            let until = |event: &&Arc<RecordedEvent>| until.is_none_or(|until| event.position <= until);
            u64::try_from(events.iter().filter(of_metric).filter(until).count()).unwrap_or(u64::MAX)
        };
        let Some(Ok(seen)) = node.answered(node.journal.confirm_head()).await else { continue };
        // A node that crashed answers nothing, and whose question to the store has no answer cannot say.
        let Some(Ok(folded)) = node.answered(node.bus.state::<Metric>(&metric)).await else { continue };
        assert!(folded.version >= stored(Some(seen)), "a state misses what its node had seen");
        assert!(folded.version <= stored(None), "a state holds what is not stored");
        answers.borrow_mut().counts.reads += 1;
    }
}

/// Sets rules, a few at once, so that one is decided on another that is not yet recorded.
async fn tune(
    nodes: Rc<RefCell<[Rc<Node>; 2]>>,
    answers: Rc<RefCell<Answers>>,
    metrics: Vec<String>,
    mut random: SmallRng,
) {
    let origin = Origin::system("simulation", "set_rule", None);
    for _ in 0..RULES_PER_TUNER {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..30_000))).await;
        let metric = metrics[random.random_range(0..metrics.len())].clone();
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let threshold = f64::from(random.random_range(1..9_u32));
        let rule = RuleChange { threshold: Some(threshold), ..RuleChange::of(RuleType::Above) };
        let command = MetricCommand::SetRule(SetRule { rule, by: None });
        let outcome = node.bus.execute::<Metric>(&metric, command, &origin);
        let done = match node.answered(outcome).await {
            Some(Ok(done)) => done,
            // The rule may be there or not.
            Some(Err(BusError::Uncertain(told))) => {
                node.must_have_crashed(&told);
                continue;
            }
            Some(Err(_)) | None => continue,
        };
        let [MetricEvent::RuleSet(set)] = &*done.events else { panic!("a rule was set, and nothing else") };
        let position = done.position.expect("a recorded rule has a position");
        let mut answers = answers.borrow_mut();
        answers.rules.push((metric, u64::from(set.rule.version), position));
        answers.counts.rules += 1;
    }
}

/// A command that records a point of one day a number, and the point's id.
pub(crate) fn point(random: &mut SmallRng, number: u64, idempotency_key: String) -> (PointId, MetricCommand) {
    let id = PointId::from_random(bytes(random));
    let at = chrono::DateTime::from_timestamp(1_767_225_600 + i64::try_from(number).unwrap_or(0) * 86_400, 0)
        .expect("a date in 2026");
    let point = NewPoint {
        id: id.clone(),
        value: f64::from(random.random_range(1..1_000_u32)),
        timestamp: at.to_rfc3339(),
        instant: at,
        source: "simulation".to_owned(),
        confidence: 0.5,
        raw_event_id: None,
        idempotency_key,
    };
    (id, MetricCommand::RecordPoints(RecordPoints { points: vec![point] }))
}

async fn post(
    client: u64,
    nodes: Rc<RefCell<[Rc<Node>; 2]>>,
    answers: Rc<RefCell<Answers>>,
    metrics: Vec<String>,
    mut random: SmallRng,
) {
    for number in 0..COMMANDS_PER_CLIENT {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        let metric = metrics[random.random_range(0..metrics.len())].clone();
        // A quarter of the keys is shared by all clients, so that duplicates race.
        let key = if random.random_bool(0.25) {
            format!("shared-{}", random.random_range(0..6_u32))
        } else {
            format!("{client}-{number}")
        };
        let (id, command) = point(&mut random, number, key.clone());
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let origin = Origin::system("simulation", "record_points", None);
        let outcome = node.bus.execute::<Metric>(&metric, command, &origin);
        let outcome = node.answered(outcome).await;
        let mut answers = answers.borrow_mut();
        match outcome {
            Some(Ok(done)) => {
                let position = done.position.expect("a recorded point has a position");
                answers.acknowledged.insert(id.as_str().to_owned(), position);
                answers.by_key.entry((metric, key)).or_default().push(position);
                answers.counts.acknowledged += 1;
            }
            Some(Err(error @ BusError::Duplicate { position, .. })) => {
                answers.refused.push((id.as_str().to_owned(), error.to_string()));
                answers.by_key.entry((metric, key)).or_default().push(position);
                answers.counts.duplicates += 1;
            }
            Some(Err(
                error @ (BusError::Refused(_)
                | BusError::Overloaded
                | BusError::TooLarge(_)
                | BusError::Fenced
                | BusError::ClaimTaken { .. }),
            )) => {
                answers.refused.push((id.as_str().to_owned(), error.to_string()));
                answers.counts.refused += 1;
            }
            // What the store does not take, or nothing of it was tried: it is certain that the point is not there.
            Some(Err(error @ (BusError::Unavailable(_) | BusError::Fault(_)))) => {
                answers.refused.push((id.as_str().to_owned(), error.to_string()));
                answers.counts.failed += 1;
            }
            // The node crashed or could not say: the point may be there or not, but at most once.
            Some(Err(BusError::Uncertain(told))) => {
                node.must_have_crashed(&told);
                answers.counts.unanswered += 1;
            }
            Some(Err(BusError::Panicked { .. } | BusError::Unreadable { .. })) | None => answers.counts.unanswered += 1,
        }
    }
}
