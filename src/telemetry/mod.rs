//! What the program tells its operator: log lines to stderr, figures for Prometheus, traces for a collector.
//!
//! A line is written once, where an error is handled; [`redaction`] looks at every line before it leaves; [`lines`] brings it
//! out, and holds up nobody; [`panics`] says where one happened. [`figures`] keeps the counters. [`spans`] are made where a request may wait, and leave by `export` when there is a collector; [`requests`] and [`connections`] come from outside.

pub mod connections;
#[cfg(feature = "otel")]
mod export;
pub mod figures;
pub mod lines;
#[cfg(not(feature = "otel"))]
mod no_export;
pub mod panics;
#[cfg(feature = "otel")]
mod queue;
pub mod redaction;
pub mod requests;
pub mod spans;

use std::io::IsTerminal as _;

use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::TelemetryConfig;
use crate::config::telemetry::LogFormat;

pub use export::ExportError;
pub use figures::Figures;
#[cfg(not(feature = "otel"))]
use no_export as export;
use redaction::RedactedStderr;

/// Why there are no logs or no traces.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Something logs already.
    #[error("logging cannot start")]
    Logs(#[from] TryInitError),
    /// The filter of lines is none.
    #[error("telemetry.filter is no filter")]
    Filter(#[from] ParseError),
    /// Nothing can bring the lines out.
    #[error("the thread of the log cannot be started")]
    Lines(#[source] std::io::Error),
    /// Traces cannot be exported.
    #[error(transparent)]
    Traces(#[from] ExportError),
}

/// Logs and traces, as long as it lives; at its end the last spans leave. To be dropped outside of any event loop.
#[derive(Debug)]
#[must_use = "its end is the end of the export"]
pub struct Telemetry(Option<export::Export>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(export) = &self.0 {
            export.finish();
        }
    }
}

/// Starts to log on behalf of a command that ends, for a person; for the whole process and once. Each `-v` is a level
/// more than errors.
///
/// # Errors
/// When something logs already.
pub fn of_command(verbose: u8, colors: bool) -> Result<(), TelemetryError> {
    let wanted = EnvFilter::new(match verbose {
        0 => "error",
        1 => "warn,muniment=debug",
        _ => "info,muniment=trace",
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(RedactedStderr).compact().with_ansi(colors);
    Ok(tracing_subscriber::registry().with(lines.with_filter(wanted.and(no_spans()))).try_init()?)
}

/// Starts to log and, where a collector is named, to export traces; for the whole process and once. Who ends the process
/// holds a [`lines::UntilRead`].
///
/// # Errors
/// When something logs already, or lines or the export cannot be set up. A collector that does not answer is none.
pub fn start(config: &TelemetryConfig, colors: bool) -> Result<Telemetry, TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !terminal,
    };
    let wanted = EnvFilter::try_new(&config.filter)?;
    let layer = tracing_subscriber::fmt::layer().with_writer(RedactedStderr);
    let layer = if json {
        layer.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        layer.compact().with_ansi(colors).boxed()
    };
    let export = config.traces.as_ref().map(export::Export::start).transpose()?;
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(wanted.and(no_spans())));
    // A layer that is `None` counts as one that wants every span.
    match export.as_ref().map(export::Export::layer) {
        Some(traces) => subscriber.with(traces).try_init()?,
        None => subscriber.try_init()?,
    }
    lines::start().map_err(TelemetryError::Lines)?;
    Ok(Telemetry(export))
}

/// Spans are for traces; a line says what it has to say by itself.
fn no_spans() -> FilterFn {
    let pass: fn(&Metadata<'_>) -> bool = |metadata| metadata.target() != spans::SPANS;
    FilterFn::new(pass).with_max_level_hint(LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_off_where_only_lines_are_written() {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let filter = EnvFilter::new("trace").and(no_spans());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines.with_filter(filter)), || {
            assert!(tracing::info_span!(target: spans::SPANS, "command").is_disabled());
            assert!(!tracing::info_span!(target: "another", "command").is_disabled());
        });
    }

    #[test]
    fn without_a_collector_no_span_is_made() {
        let _until_the_end = start(&TelemetryConfig::default(), false).expect("nothing else logs in this process");
        assert!(tracing::info_span!(target: spans::SPANS, "command").is_disabled());
    }

    #[test]
    fn the_filter_of_spans_opens_no_level() {
        let filter = EnvFilter::new("info").and(no_spans());
        let hint = tracing_subscriber::layer::Filter::<tracing_subscriber::Registry>::max_level_hint(&filter);
        assert_eq!(hint, Some(LevelFilter::INFO));
    }
}
