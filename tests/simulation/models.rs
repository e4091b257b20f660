//! The read models of a simulated installation: the real ones, on an SQLite database of their own that both nodes share,
//! moved by a projector on each node over that node's journal.
//!
//! The database is no part of the simulation: while it works this thread stands still, and simulated time with it, so
//! that a seed replays. What is simulated is what reaches it: pages of any size, late wake-ups, a node that dies between
//! its page and its commit, another that has already folded what it brings.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::Journal;
use muniment_journal::limits::ANSWER_MAX;
use muniment_projections::metrics::MetricRow;
use muniment_projections::points::{Order, PointQuery, PointRow};
use muniment_projections::rules::RuleRow;
use muniment_projections::{
    Advance, AskHead, OnMismatch, Projection, ReadDatabase, ReadStore, ReadStoreConfig, audit, metrics, points, rules,
    verify,
};
use rand::RngExt as _;
use rand::rngs::SmallRng;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::scenario::Node;

/// Where the database runs, in real time.
static OUTSIDE: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime with a thread")
});

/// How long a projector waits for a node that may have crashed.
const NODE_SECONDS_MAX: u64 = 5;

/// Does work of the database while everything simulated stands still.
fn outside<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        scope.spawn(|| OUTSIDE.block_on(work)).join().expect("the database's work does not panic")
    })
}

/// A folder in memory where the machine has one: what is in it is worth as much as the seed.
fn folder() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }
}

/// What the projectors did.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Folded {
    pub(crate) pages: u64,
    /// Pages that another node had folded already, wholly or in part.
    pub(crate) ahead: u64,
}

/// The read models of one seed.
pub(crate) struct Models {
    store: ReadStore,
    folded: Cell<Folded>,
    _folder: TempDir,
}

impl Models {
    pub(crate) fn open(record: &str) -> Self {
        let folder = folder().expect("a folder");
        let config = ReadStoreConfig {
            database: ReadDatabase::Sqlite { directory: folder.path().to_owned() },
            record: record.to_owned(),
            head: AskHead::at(Position::START),
            on_mismatch: OnMismatch::Refuse,
            answer_max: ANSWER_MAX,
        };
        let models: Vec<Arc<dyn Projection>> =
            vec![Arc::new(metrics::Metrics), Arc::new(points::Points), Arc::new(rules::Rules), Arc::new(audit::Audit)];
        let store = outside(ReadStore::open_with(config, models)).expect("an empty database opens");
        Self { store, folded: Cell::default(), _folder: folder }
    }

    pub(crate) fn folded(&self) -> Folded {
        self.folded.get()
    }

    /// Folds a page in; where the models are then.
    fn advance(&self, page: &[Arc<RecordedEvent>]) -> Position {
        let outcomes = outside(self.store.advance_together(self.store.projections(), page));
        let mut folded = self.folded.get();
        folded.pages += 1;
        let mut reached = Vec::new();
        for outcome in outcomes {
            match outcome.result.unwrap_or_else(|error| panic!("{}: {error}", outcome.name)) {
                Advance::Moved(position) | Advance::Behind(position) => reached.push(position),
                Advance::Ahead(position) => {
                    folded.ahead += 1;
                    reached.push(position);
                }
            }
        }
        self.folded.set(folded);
        reached.into_iter().min().expect("there are models")
    }

    /// Folds everything in that the journal has.
    pub(crate) async fn catch_up(&self, journal: &Journal) {
        let mut position = Position::START;
        loop {
            let page = journal.read(position, 64).await.expect("a journal without trouble reads");
            if page.is_empty() {
                return;
            }
            position = self.advance(&page);
        }
    }

    pub(crate) fn metrics_of(&self, company: &CompanyId) -> Vec<MetricRow> {
        outside(metrics::of_company(&self.store, company, None, 1_000)).expect("the metrics are there")
    }

    pub(crate) fn points_of(&self, row: &MetricRow) -> Vec<PointRow> {
        let all = PointQuery { from: None, to: None, order: Order::Ascending, after: None, limit: 10_000 };
        outside(points::page(&self.store, &row.id, &all)).expect("the points are there")
    }

    pub(crate) fn rules_of(&self, row: &MetricRow) -> Vec<RuleRow> {
        outside(rules::of_metric(&self.store, &row.id)).expect("the rules are there")
    }

    /// Replays the record into tables beside the live ones, which must be the same row for row.
    pub(crate) fn equal_a_replay(&self, events: &[Arc<RecordedEvent>]) {
        let read = |after: Position, limit: usize| {
            let from = usize::try_from(after.0).expect("a simulated position");
            let page: Vec<_> = events.iter().skip(from).take(limit).cloned().collect();
            std::future::ready(Ok::<_, std::convert::Infallible>(page))
        };
        for model in self.store.projections() {
            let verified = outside(verify::verify(&self.store, model.name(), read, &|_| {})).expect("it replays");
            assert_eq!(verified.differences, [], "{} differs from its replay", model.name());
        }
    }

    pub(crate) fn close(&self) {
        outside(self.store.close());
    }
}

/// One node's projector, until it is told to stop; a node that takes a crashed one's place goes on with it.
pub(crate) async fn project(
    models: Rc<Models>,
    nodes: Rc<RefCell<[Rc<Node>; 2]>>,
    which: usize,
    stop: Rc<Cell<bool>>,
    mut random: SmallRng,
) {
    let mut position = Position::START;
    while !stop.get() {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..120_000))).await;
        let node = Rc::clone(&nodes.borrow()[which]);
        let limit = random.random_range(1..60_usize);
        let page = tokio::time::timeout(Duration::from_secs(NODE_SECONDS_MAX), node.journal.read(position, limit));
        // A node that crashed or has trouble brings nothing.
        let Ok(Ok(page)) = page.await else { continue };
        if !page.is_empty() {
            position = models.advance(&page);
        }
    }
}
