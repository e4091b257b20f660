//! What the program tells its operator: log lines to stderr, figures for Prometheus.
//!
//! A line is written once, where an error is handled, with the field names of [`fields`]; [`redaction`] looks at
//! every line before it leaves. [`figures`] keeps the counters. Traces are not exported.

pub mod fields;
pub mod figures;
pub mod redaction;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::TelemetryConfig;
use crate::config::telemetry::LogFormat;

pub use figures::Figures;
use redaction::RedactedStderr;

/// Starts logging, for the whole process and once.
///
/// # Errors
/// When something logs already.
pub fn start_logging(config: &TelemetryConfig) -> Result<(), TryInitError> {
    let terminal = std::io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !terminal,
    };
    // Reading the configuration has refused a filter that is none.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(RedactedStderr);
    if json {
        lines.json().flatten_event(true).with_current_span(false).finish().try_init()
    } else {
        let colors = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        lines.compact().with_ansi(colors).finish().try_init()
    }
}
