//! The spans of an append, for traces: one from the submission to the answer, one for the database's part.
//!
//! Both are off, and cost a load of one atomic each, unless traces are exported. They hold counts and positions, nothing
//! of what is recorded.

use tracing::Span;
use tracing::field::Empty;

use crate::append::{AppendError, Appended};
use crate::batch::Entry;
use crate::engine::Batch;

/// The target by which the exporter knows a span; the program's `telemetry::spans` has the same.
const SPANS: &str = "muniment::span";

/// An append from here to its answer, under the caller's span.
pub(crate) fn append(events: usize) -> Span {
    tracing::info_span!(target: SPANS, "journal.append", events, position = Empty, error.type = Empty)
}

/// Notes on an append's span how it ended.
pub(crate) fn answered(span: &Span, verdict: &Result<Appended, AppendError>) {
    if span.is_disabled() {
        return;
    }
    match verdict {
        Ok(appended) => span.record("position", appended.last.0),
        Err(refusal) => span.record("error.type", refusal.word()),
    };
}

/// The writing of a batch. It stands in the trace of the append that was first, and is linked with those of the others.
pub(crate) fn commit(system: &'static str, batch: &Batch, entries: &[Entry]) -> Span {
    let mut recorded = entries.iter().filter(|entry| entry.verdict.is_ok()).map(|entry| &entry.submission.span);
    let Some(first) = recorded.next() else { return Span::none() };
    let span = tracing::info_span!(
        target: SPANS,
        parent: first,
        "journal.commit",
        otel.kind = "client",
        db.system.name = system,
        db.operation.name = "append",
        db.operation.batch.size = entries.len(),
        events = batch.events.len(),
        position = batch.after().position.0,
    );
    if !span.is_disabled() {
        recorded.for_each(|other| {
            span.follows_from(other);
        });
    }
    span
}
