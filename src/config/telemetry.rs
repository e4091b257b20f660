//! Logs and traces.

use super::reader::Reader;

/// Logs and traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TelemetryConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines, in the syntax of tracing's `EnvFilter`.
    pub filter: String,
    /// Where traces go. By default they are not exported.
    pub traces: Option<TracesConfig>,
}

/// Where traces go, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct TracesConfig {
    /// An OpenTelemetry collector that takes OTLP over HTTP, without the path of a signal.
    pub endpoint: reqwest::Url,
    /// Which share of the traces that begin here is exported, 0 to 1. One that a caller began follows the caller.
    pub sample_ratio: f64,
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
        Self { format: LogFormat::Auto, filter: "info".to_owned(), traces: None }
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
        let endpoint: Option<String> = reader.optional("telemetry.otlp_endpoint");
        let endpoint = endpoint.and_then(|given| match endpoint_of(&given) {
            Ok(endpoint) => Some(endpoint),
            Err(what) => {
                reader.refuse("telemetry.otlp_endpoint", what);
                None
            }
        });
        let sample_ratio = reader.get("telemetry.sample_ratio", 1.0);
        if !(0.0..=1.0).contains(&sample_ratio) {
            reader.refuse("telemetry.sample_ratio", "must be between 0 and 1");
        }
        Self { format, filter, traces: endpoint.map(|endpoint| TracesConfig { endpoint, sample_ratio }) }
    }
}

/// The collector's address. A credential does not belong in it: `config show` shows it.
fn endpoint_of(given: &str) -> Result<reqwest::Url, &'static str> {
    if !cfg!(feature = "otel") {
        return Err("is set, but this program was built without the feature otel");
    }
    let url = reqwest::Url::parse(given).map_err(|_| "must be http://host:port or https://host:port")?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || url.fragment().is_some() {
        return Err("must be http://host:port or https://host:port, without user, password or query");
    }
    Ok(url)
}
