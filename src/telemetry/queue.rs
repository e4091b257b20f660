//! The bound on the spans that wait for a collector. The SDK's own queue drops what does not fit and tells nobody before
//! the end; here the same bound stands in front of it, and what is dropped is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::figures::SPANS_DROPPED;

/// Spans that wait, counted by who puts them in and who takes them out.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// A batch has left the queue.
    pub(super) fn left(&self, spans: usize) {
        self.0.fetch_sub(spans, Ordering::Relaxed);
    }
}

/// Lets so many spans wait and counts the rest. The queue behind it must be as long.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    pub(super) next: P,
    pub(super) waiting: Waiting,
    pub(super) spans_max: usize,
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.0.fetch_add(1, Ordering::Relaxed) >= self.spans_max {
            self.waiting.left(1);
            metrics::counter!(SPANS_DROPPED).increment(1);
            return;
        }
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// Keeps count of what it is given; nothing ever leaves it.
    #[derive(Debug, Clone, Default)]
    struct Stuck(Arc<AtomicUsize>);

    impl SpanProcessor for Stuck {
        fn on_start(&self, _span: &mut Span, _context: &Context) {}

        fn on_end(&self, _span: SpanData) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_there_is_room_again_when_a_batch_has_left() {
        let (queue, waiting) = (Stuck::default(), Waiting::default());
        let bounded = Bounded { next: queue.clone(), waiting: waiting.clone(), spans_max: 3 };
        let provider = SdkTracerProvider::builder().with_span_processor(bounded).build();
        let tracer = provider.tracer("test");
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            (0..5).for_each(|_| drop(tracer.start("span")));
            waiting.left(2);
            (0..3).for_each(|_| drop(tracer.start("span")));
        });
        assert_eq!(queue.0.load(Ordering::Relaxed), 5);
        let figures = recorder.handle().render();
        assert!(figures.contains(&format!("{SPANS_DROPPED} 3")), "{figures}");
    }
}
