//! The spans that explain a slow request, and how one is hung into the trace of whoever called.
//!
//! A span costs a load of one atomic while no traces are exported: the log's filter takes no span of this target. Spans
//! hold names, counts and positions; never a path as it came, a query, a body, an address or a credential.

use tracing::Span;

use super::export;

/// The target of every span; the journal has the same in its `spans.rs`.
pub const SPANS: &str = "muniment::span";

/// Hangs a span that was not entered yet into the trace that a W3C `traceparent` names. What is none changes nothing.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent.filter(|_| !span.is_disabled()) {
        export::adopt(span, traceparent);
    }
}
