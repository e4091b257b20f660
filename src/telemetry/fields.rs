//! The names of log fields, so that one thing has one name in every line and in every span. Those of HTTP and of the
//! database are OpenTelemetry's.
//!
//! `tracing` wants literals in its macros; these are for tests, for the manual and for code that builds fields.

/// Correlation id of a request; also in the metadata of its events and in a 500 answer.
pub const CORRELATION: &str = "correlation.id";
/// Name of a command, for example `record_points`.
pub const COMMAND: &str = "command.name";
/// Stream, `<kind>/<id>`.
pub const STREAM: &str = "stream.id";
/// Position in the journal.
pub const POSITION: &str = "position";
/// Newest position this node has seen.
pub const HEAD: &str = "head.position";
/// Name of a projection.
pub const PROJECTION: &str = "projection.name";
/// Name of a duty that one node has at a time.
pub const DUTY: &str = "duty";
/// HTTP method.
pub const METHOD: &str = "http.request.method";
/// The route's template, never the path: a path may hold what a caller wrote.
pub const ROUTE: &str = "http.route";
/// HTTP status.
pub const STATUS: &str = "http.response.status_code";
/// Reason code of a refusal.
pub const REASON: &str = "reason";
/// How long something took.
pub const DURATION_MS: &str = "duration_ms";
/// What went wrong, with its causes.
pub const ERROR: &str = "error";

/// All of them.
pub const ALL: [&str; 13] =
    [CORRELATION, COMMAND, STREAM, POSITION, HEAD, PROJECTION, DUTY, METHOD, ROUTE, STATUS, REASON, DURATION_MS, ERROR];
