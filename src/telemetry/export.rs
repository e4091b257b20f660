//! Traces leave by OTLP over HTTP, in protobuf, from a thread of their own.
//!
//! A collector that is slow or away costs spans and nothing else: the queue is bounded, what does not fit is dropped and
//! counted, one line in the log says that a batch was refused and one that it is over.

use std::fmt;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    self, BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
};
use reqwest::Url;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::connections::Life;
use super::figures::SPANS_LOST;
use super::queue::{Bounded, Waiting};
use super::spans::SPANS;
use crate::config::telemetry::TracesConfig;
use crate::outbound;

/// Spans that wait for the next export: at some 500 bytes each 4 MiB.
const QUEUE_SPANS_MAX: usize = 8_192;
/// Spans of one request to the collector.
const BATCH_SPANS_MAX: usize = 512;
/// How long a span waits for company.
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take for a batch.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
/// How long the last spans may take when the program ends.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(4);

/// Why traces cannot be exported as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The exporter does not take its settings, those of `OTEL_EXPORTER_OTLP_*` included.
    #[error("traces cannot be exported with these settings")]
    Settings(#[from] ExporterBuildError),
    /// No client for HTTP can be made.
    #[error("no client for the collector can be made")]
    Client(#[from] reqwest::Error),
    /// No event loop can be made.
    #[error("no event loop for the collector can be made")]
    Loop(#[from] std::io::Error),
}

/// The running export.
#[derive(Debug)]
pub(super) struct Export(SdkTracerProvider);

impl Export {
    pub(super) fn start(config: &TracesConfig) -> Result<Self, ExportError> {
        let endpoint = format!("{}/v1/traces", config.endpoint.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::of(&config.endpoint)?)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(ANSWER_TIME_MAX)
            .with_endpoint(&endpoint)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_SPANS_MAX)
            .with_max_export_batch_size(BATCH_SPANS_MAX)
            .with_scheduled_delay(DELAY)
            .build();
        let waiting = Waiting::default();
        let exporter = Reporting { exporter, endpoint, waiting: waiting.clone(), away: AtomicBool::new(false) };
        let next = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder()
            .with_service_name("muniment")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded { next, waiting, spans_max: QUEUE_SPANS_MAX })
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio))))
            .with_resource(resource.build());
        Ok(Self(provider.build()))
    }

    /// What hands our spans, and nothing else, to the export.
    pub(super) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let tracer = TRACER.get_or_init(|| self.0.tracer("muniment")).clone();
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == SPANS);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Sends what waits, within a bound.
    pub(super) fn finish(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_TIME_MAX) {
            tracing::warn!(error = %error, "the last spans were not exported");
        }
    }
}

/// Takes over trace and parent. `tracestate` is left: it is a text of the caller's choice.
pub(super) fn adopt(span: &Span, traceparent: &str) {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Traceparent(traceparent));
    if context.span().span_context().is_valid()
        && let Err(error) = span.set_parent(context)
    {
        tracing::debug!(error = %error, "a request's span stands in a trace of its own");
    }
}

/// Where spans are made that are none of `tracing`'s: those that are told after their end.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What is kept of the request that opened a connection.
#[derive(Debug)]
pub(super) struct Opening {
    request: SpanContext,
    at: SystemTime,
}

/// The opening of a connection; none where its trace is not sampled.
pub(super) fn opening(request: &Span) -> Option<Opening> {
    if request.is_disabled() {
        return None;
    }
    let request = request.context().span().span_context().clone();
    request.is_sampled().then(|| Opening { request, at: SystemTime::now() })
}

/// Links a span with the request that opened its connection.
pub(super) fn link(span: &Span, opening: &Opening) {
    span.add_link(opening.request.clone());
}

/// Makes the span of a connection that has ended.
pub(super) fn lived(opening: Opening, life: &Life) {
    let Some(tracer) = TRACER.get() else { return };
    let parent = Context::new().with_remote_span_context(opening.request);
    let mut span = tracer
        .span_builder(life.name.clone())
        .with_kind(SpanKind::Internal)
        .with_start_time(opening.at)
        .with_attributes([
            KeyValue::new("http.route", life.route),
            KeyValue::new("network.protocol.name", life.protocol),
            KeyValue::new("frames_received", count(life.frames_received)),
            KeyValue::new("frames_sent", count(life.frames_sent)),
            KeyValue::new("closed_by", life.closed_by),
        ])
        .start_with_context(tracer, &parent);
    if let Some(code) = life.close_code {
        span.set_attribute(KeyValue::new("websocket.close.code", i64::from(code)));
    }
    if let Some(fault) = life.fault {
        span.set_attribute(KeyValue::new("error.type", fault));
        span.set_status(Status::error(fault));
    }
    span.end();
}

fn count(frames: u64) -> i64 {
    i64::try_from(frames).unwrap_or(i64::MAX)
}

struct Traceparent<'a>(&'a str);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// An exporter whose failure is told once, not once a batch.
#[derive(Debug)]
struct Reporting {
    exporter: SpanExporter,
    endpoint: String,
    waiting: Waiting,
    away: AtomicBool,
}

impl Reporting {
    fn note(&self, count: usize, outcome: &OTelSdkResult) {
        let endpoint = &self.endpoint;
        match outcome {
            Ok(()) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!(endpoint, "the collector takes spans again");
                }
            }
            Err(error) => {
                metrics::counter!(SPANS_LOST).increment(u64::try_from(count).unwrap_or(u64::MAX));
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(endpoint, error = %error, "the collector takes no spans; they are dropped");
                }
            }
        }
    }
}

impl trace::SpanExporter for Reporting {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let count = batch.len();
        self.waiting.left(count);
        async move {
            let outcome = self.exporter.export(batch).await;
            self.note(count, &outcome);
            outcome
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The program's HTTP client on an event loop that turns only while a batch is sent: the thread of the export has none.
struct Client {
    http: reqwest::Client,
    turning: tokio::runtime::Runtime,
}

impl Client {
    fn of(collector: &Url) -> Result<Self, ExportError> {
        let http = outbound::client_of(collector)
            .user_agent(concat!("muniment/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIME_MAX)
            // Nobody would notice the end of a connection that idles between two batches.
            .pool_max_idle_per_host(0)
            .build()?;
        let turning = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { http, turning })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.turning.block_on(async {
            let response = self.http.execute(request.try_into()?).await?;
            let answer = Response::builder().status(response.status());
            // What a collector says beyond its status is nothing we act on, and it could be long.
            drop(response);
            Ok(answer.body(Bytes::new())?)
        })
    }
}
