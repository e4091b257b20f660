//! From an [`Append`] as the caller made it to a [`Submission`] as the writer takes it: checked, sequenced, and with
//! everything prepared that needs no knowledge of the record. Runs on the caller's thread.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::DateTime;
use muniment_aggregates::claims::ClaimChange;
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_aggregates::sealed::SubjectId;
use parking_lot::RwLock;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::append::{Append, AppendError, Appended, Lineage, NewMail};
use crate::engine::ClaimId;
use crate::fence::Fence;
use crate::limits::JournalLimits;
use crate::spans;

/// How many distinct type names and versions are kept; programs have dozens.
const NAMES_MAX: usize = 4_096;

/// A claim change whose key is digested.
#[derive(Debug, Clone)]
pub(crate) enum ClaimStep {
    Take { claim: ClaimId, owner: StreamId, subject: Option<SubjectId> },
    Release { claim: ClaimId, owner: StreamId },
}

/// An append on its way through the writer.
#[derive(Debug)]
pub(crate) struct Submission {
    /// Complete but for position, instant and hash. Shared with the batch it goes into.
    pub(crate) events: Vec<Arc<RecordedEvent>>,
    /// Versions the decision was taken on, written streams first.
    pub(crate) expect: Vec<(StreamId, u64)>,
    /// What falls with it, and with what it falls.
    pub(crate) lineage: Option<Lineage>,
    /// Compared each time it is judged.
    pub(crate) fence: Option<Fence>,
    /// How many of `expect` are written, and the version each has afterwards.
    pub(crate) written: Vec<u64>,
    /// Claim changes as they came, until their keys are digested.
    pub(crate) undigested: Vec<(StreamId, ClaimChange)>,
    pub(crate) claims: Vec<ClaimStep>,
    pub(crate) erase: Vec<SubjectId>,
    pub(crate) mail: Vec<NewMail>,
    /// Bytes of payload and metadata.
    pub(crate) bytes: usize,
    pub(crate) reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(crate) submitted: Instant,
    /// From here to the answer.
    pub(crate) span: tracing::Span,
    /// The database is asked about everything the append touches before it is judged.
    pub(crate) careful: bool,
    /// What it needs to know from outside has been asked.
    pub(crate) gathered: bool,
    /// How often it fell with a batch that the database refused.
    pub(crate) refusals: u32,
    /// It goes into a batch of its own, so that it can be refused alone.
    pub(crate) alone: bool,
}

impl Submission {
    /// Gives the caller the verdict. Nobody may wait for it any more.
    pub(crate) fn answer(self, verdict: Result<Appended, AppendError>) {
        if verdict.is_err() {
            self.fall();
        }
        metrics::histogram!("muniment_journal_append_seconds").record(self.submitted.elapsed().as_secs_f64());
        spans::answered(&self.span, &verdict);
        drop(self.reply.send(verdict));
    }

    /// It is refused, and so is everything later that was decided on it.
    pub(crate) fn fall(&self) {
        if let Some(lineage) = &self.lineage {
            lineage.fall();
        }
    }

    /// Whether the fence that it is recorded under fell.
    pub(crate) fn is_fenced_off(&self) -> bool {
        self.fence.as_ref().is_some_and(|fence| !fence.holds())
    }

    /// The streams it writes, with the version each has before and after.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (&StreamId, u64, u64)> {
        self.expect.iter().zip(&self.written).map(|((stream, before), after)| (stream, *before, *after))
    }
}

/// Shares the texts of type names and versions between events.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<HashMap<&'static str, Arc<str>>>);

impl Names {
    fn share(&self, name: &'static str) -> Arc<str> {
        if let Some(shared) = self.0.read().get(name) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(name);
        let mut names = self.0.write();
        if names.len() < NAMES_MAX {
            names.insert(name, Arc::clone(&shared));
        }
        shared
    }
}

fn invalid<T>(what: impl Into<String>) -> Result<T, AppendError> {
    Err(AppendError::Invalid(what.into()))
}

/// Checks an append and prepares it.
pub(crate) fn admit(
    append: Append,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
    names: &Names,
    limits: &JournalLimits,
) -> Result<Submission, AppendError> {
    let bytes = append.events.iter().map(|event| event.payload.len() + append.metadata.len()).sum();
    check_size(&append, bytes, limits)?;
    check_texts(&append)?;

    let places = Places::of(&append.expect)?;
    let mut after: Vec<u64> = append.expect.iter().map(|(_, version)| *version).collect();
    // One event cannot contradict itself; most appends have one.
    let mut dedupe = (append.events.len() > 1).then(HashSet::new);
    let mut events = Vec::with_capacity(append.events.len());
    for event in append.events {
        let Some(place) = places.find(&append.expect, &event.stream) else {
            return invalid(format!("no version is expected of stream {}, which is written", event.stream));
        };
        if let (Some(key), Some(seen)) = (event.dedupe, &mut dedupe)
            && !seen.insert(key)
        {
            return invalid("two events have one dedupe key");
        }
        after[place] += 1;
        events.push(Arc::new(RecordedEvent {
            position: Position::START,
            sequence: after[place],
            event_type: names.share(event.event_type),
            event_version: names.share(event.event_version),
            payload: event.payload,
            metadata: Arc::clone(&append.metadata),
            recorded_at: DateTime::UNIX_EPOCH,
            dedupe: event.dedupe,
            hash: [0; 32],
            stream: event.stream,
        }));
    }
    drop(places);
    let (expect, written) = written_first(append.expect, after);
    Ok(Submission {
        span: spans::append(events.len()),
        events,
        expect,
        lineage: append.lineage,
        fence: append.fence,
        written,
        undigested: append.claims,
        claims: Vec::new(),
        erase: append.erase_subjects,
        mail: append.outbox,
        bytes,
        reply,
        submitted: Instant::now(),
        careful: false,
        gathered: false,
        refusals: 0,
        alone: false,
    })
}

/// Up to this many streams a scan is cheaper than a table.
const SCANNED_STREAMS_MAX: usize = 8;

/// Where each expected stream stands.
enum Places<'a> {
    Scan,
    Table(HashMap<&'a StreamId, usize>),
}

impl<'a> Places<'a> {
    fn of(expect: &'a [(StreamId, u64)]) -> Result<Self, AppendError> {
        let twice = |stream: &StreamId| invalid(format!("stream {stream} is expected twice"));
        if expect.len() <= SCANNED_STREAMS_MAX {
            let mut seen = expect.iter().enumerate();
            let repeated = seen.find(|(index, (stream, _))| expect[..*index].iter().any(|(other, _)| other == stream));
            return repeated.map_or(Ok(Self::Scan), |(_, (stream, _))| twice(stream));
        }
        let mut places = HashMap::with_capacity(expect.len());
        for (index, (stream, _)) in expect.iter().enumerate() {
            if places.insert(stream, index).is_some() {
                return twice(stream);
            }
        }
        Ok(Self::Table(places))
    }

    fn find(&self, expect: &[(StreamId, u64)], wanted: &StreamId) -> Option<usize> {
        match self {
            Self::Scan => expect.iter().position(|(stream, _)| stream == wanted),
            Self::Table(places) => places.get(wanted).copied(),
        }
    }
}

/// Written streams before those only read; with the version that each written one has afterwards.
fn written_first(expect: Vec<(StreamId, u64)>, after: Vec<u64>) -> (Vec<(StreamId, u64)>, Vec<u64>) {
    if expect.iter().zip(&after).all(|((_, before), after)| after > before) {
        return (expect, after);
    }
    let (written, read): (Vec<_>, Vec<_>) =
        expect.into_iter().zip(after).partition(|((_, before), after)| after > before);
    let (mut expect, written): (Vec<_>, Vec<_>) = written.into_iter().unzip();
    expect.extend(read.into_iter().map(|(expected, _)| expected));
    (expect, written)
}

fn check_size(append: &Append, bytes: usize, limits: &JournalLimits) -> Result<(), AppendError> {
    if append.events.is_empty() {
        return invalid("it has no events");
    }
    let most = append.events.len().max(append.expect.len()).max(append.claims.len()).max(append.outbox.len());
    if most > limits.append_events_max {
        let what = format!("it has {most} parts, more than {}", limits.append_events_max);
        return Err(AppendError::TooLarge(what));
    }
    if bytes > limits.append_bytes_max {
        let what = format!("it has {bytes} bytes, more than {}", limits.append_bytes_max);
        return Err(AppendError::TooLarge(what));
    }
    Ok(())
}

/// PostgreSQL stores no NUL in a text; one of them would refuse the whole batch.
fn check_texts(append: &Append) -> Result<(), AppendError> {
    let has_nul = |text: &str| text.as_bytes().contains(&0);
    let bad_stream = |stream: &StreamId| has_nul(&stream.kind) || has_nul(&stream.id) || stream.kind.is_empty();
    if append.metadata.is_empty() || has_nul(&append.metadata) {
        return invalid("its metadata is empty or holds a NUL");
    }
    if append.events.iter().any(|event| event.payload.is_empty() || has_nul(&event.payload)) {
        return invalid("a payload is empty or holds a NUL");
    }
    if append.expect.iter().any(|(stream, _)| bad_stream(stream))
        || append.claims.iter().any(|(owner, _)| bad_stream(owner))
    {
        return invalid("the name of a stream is empty or holds a NUL");
    }
    if append.outbox.iter().any(|mail| has_nul(&mail.id) || has_nul(mail.body.as_str()) || has_nul(&mail.subject.0)) {
        return invalid("a mail holds a NUL");
    }
    Ok(())
}
