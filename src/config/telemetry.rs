//! Logs.

use super::reader::Reader;

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// How a line looks. Default: pretty on a terminal, else JSON.
    pub format: LogFormat,
    /// Which lines, in the syntax of tracing's `EnvFilter`. Default `info`.
    pub filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".to_owned() }
    }
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let format = match reader.one_of("telemetry.format", &["auto", "pretty", "json"], "auto") {
            "pretty" => LogFormat::Pretty,
            "json" => LogFormat::Json,
            _ => LogFormat::Auto,
        };
        let filter = reader.get("telemetry.filter", "info".to_owned());
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
            reader.refuse("telemetry.filter", format!("is no filter: {error}"));
        }
        Self { format, filter }
    }
}
