//! The one task that appends: takes submissions from the queue, judges them in memory, builds a batch while the one
//! before it is in flight, answers when it is durable.
//!
//! Order is kept throughout: what falls with a failed batch is judged again before anything that came later.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use muniment_aggregates::record::Position;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::admit::Submission;
use crate::append::AppendError;
use crate::batch::{Building, Entry};
use crate::commit::{self, Sending};
use crate::core::Core;
use crate::engine::{Batch, Head, WriteError};
use crate::foreign::{Departure, Trouble, departed};
use crate::gather::{Gathered, gather};
use crate::limits::{LOST_HEADS_BEFORE_LOCK, REJUDGE_MAX, SHUTDOWN_MILLISECONDS_MAX};
use crate::pace::Landed;
use crate::spans;
use crate::verdicts::Knowledge;

/// Appends taken from the queue or asked about at once.
const ROUND_APPENDS_MAX: usize = 1_024;
/// Streams asked about at once: well below what is kept in memory, so that the answers stay there.
const ROUND_STREAMS_MAX: usize = 4_096;

/// Batches that another node's came before.
const HEAD_LOST: &str = "muniment_journal_head_lost_total";

struct InFlight {
    batch: Arc<Batch>,
    entries: Vec<Entry>,
    sending: Sending,
    sent: Instant,
}

/// The writer's state; [`Writer::run`] is its life.
pub(crate) struct Writer {
    pub(crate) core: Arc<Core>,
    queue: mpsc::Receiver<Submission>,
    queue_open: bool,
    /// In order of arrival; what fell with a batch stands first.
    backlog: VecDeque<Submission>,
    gathering: Option<JoinHandle<Gathered>>,
    building: Building,
    in_flight: Option<InFlight>,
    landed: Option<Landed>,
    pub(crate) knowledge: Knowledge,
    pub(crate) durable: Head,
    /// Head comparisons lost in a row.
    lost: u32,
    /// The head is locked for the next batch.
    holding: bool,
    closing: watch::Receiver<bool>,
    /// When to give up on what is still unknown; set by the shutdown.
    deadline: Option<Instant>,
}

/// What woke the writer.
enum Wake {
    Settled(commit::Outcome),
    Gathered(Result<Gathered, tokio::task::JoinError>),
    Arrived(usize),
    Foreign,
    Closing,
    Departed(Departure),
    Deadline,
}

/// What the work comes to, or nothing ever when there is none.
async fn outcome<F: Future + Unpin>(work: Option<&mut F>) -> F::Output {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

impl Writer {
    pub(crate) fn new(core: Arc<Core>, queue: mpsc::Receiver<Submission>, head: Head) -> Self {
        Self {
            queue,
            queue_open: true,
            backlog: VecDeque::new(),
            gathering: None,
            building: Building::on(head),
            in_flight: None,
            landed: None,
            knowledge: Knowledge::new(core.limits.streams_cached_max),
            durable: head,
            lost: 0,
            holding: false,
            closing: core.closing.subscribe(),
            deadline: None,
            core,
        }
    }

    /// Works until the queue is closed and empty, or the record cannot be written any more.
    pub(crate) async fn run(mut self) {
        // There from the start, as 0: of a count that was not there before, nobody sees the first increase.
        metrics::counter!(HEAD_LOST).absolute(0);
        let worked = AssertUnwindSafe(self.work()).catch_unwind().await;
        // Its own state may be half changed, and all that is done with it is to answer whoever waits.
        let ended = worked.unwrap_or_else(|_what_it_says| Err(Trouble::Ended("the writer panicked".to_owned())));
        if let Err(trouble) = ended {
            let reason = trouble.to_string();
            tracing::error!(reason, "the journal stops writing");
            self.abandon(&reason);
            match trouble {
                Trouble::Departed(departure) => {
                    self.core.name_the_rest(&departure).await;
                    self.core.depart(departure);
                }
                Trouble::Ended(_) if *self.closing.borrow() => {}
                // It would lead what it cannot follow any more, and all nodes' read models would stand still.
                Trouble::Ended(reason) => self.core.depart(Departure::Broken(reason)),
            }
        }
        self.core.finished.send_replace(true);
    }

    async fn work(&mut self) -> Result<(), Trouble> {
        loop {
            self.follow().await?;
            self.advance();
            self.launch().await;
            self.release_unused().await;
            if !self.queue_open && self.is_idle() {
                return Ok(());
            }
            let mut arrived = Vec::new();
            let wake = self.wait(&mut arrived).await;
            self.backlog.extend(arrived);
            self.woken(wake).await?;
        }
    }

    fn is_idle(&self) -> bool {
        self.backlog.is_empty() && self.gathering.is_none() && self.in_flight.is_none() && !self.building.has_events()
    }

    async fn wait(&mut self, arrived: &mut Vec<Submission>) -> Wake {
        let accepting = self.queue_open && self.gathering.is_none() && self.backlog.is_empty();
        let deadline = self.deadline;
        let core = Arc::clone(&self.core);
        tokio::select! {
            biased;
            outcome = outcome(self.in_flight.as_mut().map(|sent| &mut sent.sending)) => Wake::Settled(outcome),
            gathered = outcome(self.gathering.as_mut()) => Wake::Gathered(gathered),
            departure = departed(&core) => Wake::Departed(departure),
            () = core.foreign.notified(), if self.in_flight.is_none() => Wake::Foreign,
            count = self.queue.recv_many(arrived, ROUND_APPENDS_MAX), if accepting => Wake::Arrived(count),
            _ = self.closing.wait_for(|closing| *closing), if deadline.is_none() => Wake::Closing,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Wake::Deadline,
        }
    }

    async fn woken(&mut self, wake: Wake) -> Result<(), Trouble> {
        match wake {
            Wake::Settled(outcome) => {
                let outcome = outcome.map_err(|error| Trouble::Ended(format!("a batch ended in a fault: {error}")))?;
                self.settle(outcome).await?;
            }
            Wake::Gathered(gathered) => {
                let gathered =
                    gathered.map_err(|error| Trouble::Ended(format!("a lookup ended in a fault: {error}")))?;
                self.gathering = None;
                self.take_gathered(gathered);
            }
            Wake::Arrived(0) => self.queue_open = false,
            Wake::Arrived(_) => metrics::gauge!("muniment_journal_queue_appends").set(
                // A depth above 2^32 cannot be: the queue is bounded far below.
                f64::from(u32::try_from(self.queue.len() + self.backlog.len()).unwrap_or(u32::MAX)),
            ),
            Wake::Foreign => {}
            Wake::Departed(departure) => return Err(departure.into()),
            Wake::Closing => {
                self.queue.close();
                self.deadline = Some(Instant::now() + Duration::from_millis(SHUTDOWN_MILLISECONDS_MAX));
            }
            Wake::Deadline => {
                return Err(Trouble::Ended(
                    "it was shut down before the outcome of the last batch was known".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Reads what other nodes wrote, if any did and nothing of ours is in flight.
    async fn follow(&mut self) -> Result<(), Trouble> {
        let known = Position(self.core.foreign_head.load(Ordering::Acquire));
        if self.in_flight.is_some() || known <= self.durable.position {
            return Ok(());
        }
        self.reset().await?;
        self.catch_up().await?;
        self.building = Building::on(self.durable);
        Ok(())
    }

    /// How many appends the next batch takes at most; what is built while another is in flight takes all.
    fn appends_max(&self) -> usize {
        let Some(landed) = self.landed.filter(|_| self.in_flight.is_none()) else { return usize::MAX };
        landed.share(self.building.entries.len() + self.backlog.len(), Instant::now())
    }

    /// Judges what waits, in order, until the batch is full or something must be asked first.
    fn advance(&mut self) {
        let appends_max = self.appends_max();
        while self.gathering.is_none() && self.building.entries.len() < appends_max && self.prepare() {
            let Some(next) = self.backlog.front() else { return };
            let (events_max, bytes_max) = (self.core.limits.batch_events_max, self.core.limits.batch_bytes_max);
            let alone = next.alone || self.building.entries.last().is_some_and(|entry| entry.submission.alone);
            if (alone && self.building.has_events())
                || !self.building.fits(next.events.len(), next.bytes, events_max, bytes_max)
            {
                return;
            }
            let Some(submission) = self.backlog.pop_front() else { return };
            self.judge(submission);
        }
    }

    /// Makes sure that the first waiting append can be judged; begins to ask what is missing. False while it asks.
    fn prepare(&mut self) -> bool {
        if self.backlog.front().is_none_or(|next| next.gathered) {
            return true;
        }
        let mut streams = Vec::new();
        let mut asks = false;
        let mut count = 0;
        for submission in self.backlog.iter().take(ROUND_APPENDS_MAX) {
            if submission.gathered || streams.len() >= ROUND_STREAMS_MAX {
                break;
            }
            self.knowledge.unknown_streams(submission, &mut streams);
            asks |= submission.careful || !submission.undigested.is_empty();
            count += 1;
        }
        if streams.is_empty() && !asks {
            self.backlog.iter_mut().take(count).for_each(|submission| submission.gathered = true);
            return true;
        }
        let group = self.backlog.drain(..count).collect();
        self.gathering = Some(tokio::spawn(gather(Arc::clone(&self.core), group, streams)));
        false
    }

    fn take_gathered(&mut self, gathered: Gathered) {
        if let Some(reason) = gathered.failed {
            for submission in gathered.submissions {
                submission.answer(Err(AppendError::Unavailable(reason.clone())));
            }
            return;
        }
        for (stream, version) in gathered.versions {
            self.knowledge.learn_version(stream, version);
        }
        for (key, position) in gathered.dedupe {
            self.knowledge.learn_dedupe(key, position);
        }
        for (claim, holder) in gathered.holders {
            self.knowledge.learn_claim(claim, holder);
        }
        for submission in gathered.submissions.into_iter().rev() {
            self.backlog.push_front(submission);
        }
    }

    fn judge(&mut self, mut submission: Submission) {
        let Some(verdict) = self.knowledge.judge(&submission) else {
            submission.gathered = false;
            return self.backlog.push_front(submission);
        };
        match verdict {
            Ok(claims) => {
                let (appended, changes) = self.building.accept(&mut submission, claims, self.core.engine.now());
                self.knowledge.accept(&submission, changes);
                self.building.entries.push(Entry { submission, verdict: Ok(appended) });
            }
            // It may rest on what is not durable yet, so it waits for the newest batch there is.
            Err(refusal) => {
                submission.fall();
                let waiting = match &mut self.in_flight {
                    _ if self.building.has_events() => &mut self.building.entries,
                    Some(sent) => &mut sent.entries,
                    None => return submission.answer(Err(refusal)),
                };
                waiting.push(Entry { submission, verdict: Err(refusal) });
            }
        }
    }

    async fn launch(&mut self) {
        if self.in_flight.is_some() || !self.building.has_events() {
            return;
        }
        let (batch, entries) = self.building.seal();
        let batch = Arc::new(batch);
        self.holding = false;
        let sent = Instant::now();
        let span = spans::commit(self.core.engine.system(), &batch, &entries);
        let mut sending = Sending::new(&self.core, &batch, span);
        sending.begin().await;
        self.in_flight = Some(InFlight { batch, entries, sending, sent });
    }

    async fn release_unused(&mut self) {
        if self.in_flight.is_none() && self.gathering.is_none() {
            self.release_head().await;
        }
    }

    /// Gives the head's lock back, where this node has it.
    pub(crate) async fn release_head(&mut self) {
        if std::mem::take(&mut self.holding)
            && let Err(error) = self.core.engine.release().await
        {
            tracing::warn!(%error, "the lock of the head was not given back; its session ends by itself");
        }
    }

    async fn settle(&mut self, outcome: Result<(), WriteError>) -> Result<(), Trouble> {
        match outcome {
            Ok(()) => self.landed().await?,
            Err(WriteError::HeadMoved) => {
                metrics::counter!(HEAD_LOST).increment(1);
                self.lost += 1;
                self.reset().await?;
                if self.lost >= LOST_HEADS_BEFORE_LOCK {
                    self.holding = self.core.engine.hold().await.is_ok();
                }
                self.catch_up().await?;
                self.building = Building::on(self.durable);
            }
            Err(WriteError::Unique(constraint)) => {
                tracing::debug!(constraint, "a unique key refused a batch");
                self.suspect(&constraint, REJUDGE_MAX);
                self.reset().await?;
            }
            Err(WriteError::Refused(reason)) => {
                tracing::error!(reason, "the database refused a batch; its appends go one by one");
                self.suspect(&reason, 1);
                self.reset().await?;
            }
            Err(WriteError::Failed(reason) | WriteError::Unknown(reason) | WriteError::Ended(reason)) => {
                tracing::error!(reason, "the database cannot write");
                self.core.set_failing(true);
                if let Some(sent) = self.in_flight.take() {
                    for entry in sent.entries {
                        self.knowledge.take_back(&entry.submission);
                        entry.submission.answer(Err(AppendError::Unavailable(reason.clone())));
                    }
                }
                self.reset().await?;
            }
        }
        Ok(())
    }

    async fn landed(&mut self) -> Result<(), Trouble> {
        let Some(sent) = self.in_flight.take() else { return Ok(()) };
        let flight = sent.sent.elapsed();
        self.landed = Some(Landed { at: Instant::now(), appends: sent.entries.len(), flight });
        self.lost = 0;
        self.core.set_failing(false);
        self.durable = sent.batch.after();
        for entry in sent.entries.iter().filter(|entry| entry.verdict.is_ok()) {
            self.knowledge.settle(&entry.submission);
        }
        // What it ended, another node may have acknowledged already: nothing that rests on that is written on top of it.
        self.core.forewarn(&sent.batch.events);
        if self.building.has_lost_a_fence() {
            self.reset().await?;
        }
        // Before anybody is answered: the database need not wait for that.
        self.launch().await;
        metrics::histogram!("muniment_journal_flush_seconds").record(flight.as_secs_f64());
        // A batch holds at most as many events as its limit, far below 2^32.
        let events = u32::try_from(sent.batch.events.len()).unwrap_or(u32::MAX);
        metrics::histogram!("muniment_journal_batch_events").record(f64::from(events));
        self.core.publish(&sent.batch.events);
        self.core.tell_of_mail(&sent.batch);
        for entry in sent.entries {
            entry.submission.answer(entry.verdict);
        }
        if self.in_flight.is_none() && self.gathering.is_none() {
            self.knowledge.forget_claims();
        }
        self.core.engine.announce(self.durable.position);
        Ok(())
    }

    /// The database refused the batch in flight. Its appends are judged again, with everything asked of the database;
    /// after `patience` such refusals each goes alone, and one that is refused alone is at fault itself.
    fn suspect(&mut self, reason: &str, patience: u32) {
        let Some(sent) = &mut self.in_flight else { return };
        let lone = sent.entries.iter().filter(|entry| entry.verdict.is_ok()).count() == 1;
        let mut kept = Vec::with_capacity(sent.entries.len());
        for mut entry in std::mem::take(&mut sent.entries) {
            self.knowledge.take_back(&entry.submission);
            self.knowledge.doubt(&entry.submission);
            entry.submission.refusals += 1;
            entry.submission.careful = true;
            entry.submission.gathered = false;
            entry.submission.alone = entry.submission.refusals >= patience;
            if lone && entry.verdict.is_ok() && entry.submission.refusals >= patience {
                entry.submission.answer(Err(AppendError::Invalid(reason.to_owned())));
            } else {
                kept.push(entry);
            }
        }
        sent.entries = kept;
    }

    /// Takes back everything that is not durable and puts it, in order, before what waits.
    async fn reset(&mut self) -> Result<(), Trouble> {
        if let Some(task) = self.gathering.take() {
            let gathered = task.await.map_err(|error| Trouble::Ended(format!("a lookup ended in a fault: {error}")))?;
            self.take_gathered(gathered);
        }
        let sent = self.in_flight.take().map(|sent| sent.entries).unwrap_or_default();
        let built = std::mem::replace(&mut self.building, Building::on(self.durable)).entries;
        for entry in sent.into_iter().chain(built).rev() {
            if entry.verdict.is_ok() {
                self.knowledge.take_back(&entry.submission);
            }
            self.backlog.push_front(entry.submission);
        }
        // What was asked may have changed with what failed.
        self.knowledge.forget_claims();
        self.backlog.iter_mut().for_each(|submission| submission.gathered = false);
        Ok(())
    }

    fn abandon(&mut self, reason: &str) {
        self.core.break_down(reason);
        self.queue.close();
        let sent = self.in_flight.take();
        for entry in sent.into_iter().flat_map(|sent| sent.entries) {
            entry.submission.answer(Err(AppendError::Uncertain(reason.to_owned())));
        }
        let built = std::mem::take(&mut self.building.entries).into_iter().map(|entry| entry.submission);
        let mut left: Vec<Submission> = built.chain(self.backlog.drain(..)).collect();
        while let Ok(submission) = self.queue.try_recv() {
            left.push(submission);
        }
        for submission in left {
            submission.answer(Err(AppendError::Unavailable(reason.to_owned())));
        }
    }
}
