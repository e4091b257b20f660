//! The one table of methods: path, who may call, limit, input and every answer. Routing, gates, the OpenAPI document
//! and the tests read it, so they cannot disagree.

use muniment_aggregates::application::TokenScope;

use super::shape::Shape;
use super::shapes;

/// HTTP verb of a route. `HEAD` of a GET route works as GET without a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads; changes nothing.
    Get,
    /// Everything else.
    Post,
}

/// Which method a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each row of the table describes its method")]
pub enum Name {
    OtpStart,
    OtpVerify,
    SessionShow,
    Logout,
    ApplicationSubmit,
    ApplicationList,
    ApplicationShow,
    ApplicationWithdraw,
    Status,
    MetricDefine,
    MetricList,
    MetricShow,
    MetricSettings,
    PointRecord,
    PointBatch,
    PointCorrect,
    PointList,
    RuleList,
    RuleSet,
    AlertList,
    AlertAcknowledge,
    AlertResolve,
    TokenCreate,
    TokenList,
    TokenRevoke,
    TokenRotate,
    ReviewList,
    ReviewShow,
    ReviewStatus,
}

/// Who may call a method (spec/metrics.md section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Anybody.
    Public,
    /// Anybody; a founder session counts where it is presented.
    OptionalSession,
    /// An agent token with this scope.
    Agent(TokenScope),
    /// An agent token with this scope, or a founder of the company.
    AgentOrFounder(TokenScope),
    /// A founder; an agent token is of the wrong type.
    Founder,
    /// A founder session itself; anything else is no session.
    SessionItself,
    /// A reviewer by cookie.
    Reviewer,
}

/// Which limit counts a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitClass {
    /// None beyond what the method itself counts.
    None,
    /// `limits.metric_writes`, by credential.
    Writes,
    /// `limits.reads`, by credential.
    Reads,
}

/// A field of a body or a query parameter, for the document.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, with its default.
    pub about: &'static str,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Which method.
    pub name: Name,
    /// Verb.
    pub verb: Verb,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Who may call.
    pub who: Gate,
    /// Which limit counts it.
    pub limit: LimitClass,
    /// One line.
    pub about: &'static str,
    /// Fields of the body of a POST.
    pub body: &'static [Field],
    /// Whether the body may be absent.
    pub body_may_be_absent: bool,
    /// Query parameters.
    pub query: &'static [Field],
    /// Every answer that is success: status and body.
    pub success: &'static [(u16, Shape)],
    /// Its own refusals, by status and code; [`super::refusals`] adds those of its gates.
    pub refusals: &'static [(u16, &'static str)],
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, required: true, about }
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, required: false, about }
}

const TEXT_OR_NULL: Shape = Shape::OrNull(&Shape::Text);

const COMPANY: Field = optional("company_id", Shape::Text, "which company, for a founder of several");
const CURSOR: Field = optional("cursor", Shape::Text, "where the page before ended");

const ACTING: Field = optional("acting", Shape::Uuid, "as which persona, for an account of several");

const SETTINGS: &[Field] = &[
    optional("display_name", Shape::Text, "shown name; default: the key as a title"),
    optional("unit", Shape::Text, "free text; default count"),
    optional("cadence", Shape::Text, "daily, weekly, monthly, quarterly, yearly or free text; default weekly"),
    optional("direction", Shape::Text, "up, down, neutral or free text; default up"),
    optional("source_type", Shape::Text, "free text; default self_reported"),
];

const DEFINE: &[Field] = &[
    required("key", Shape::Text, "name of the metric; becomes a slug"),
    SETTINGS[0],
    SETTINGS[1],
    SETTINGS[2],
    SETTINGS[3],
    SETTINGS[4],
];

/// Fields of a point, single or in a batch.
pub const POINT: &[Field] = &[
    required("value", Shape::Number, "finite"),
    optional("timestamp", Shape::Text, "ISO 8601; default now"),
    optional("source", Shape::Text, "default: name of the token"),
    optional("confidence", Shape::Number, "0 to 1; default 0.5"),
    optional("raw_event_id", Shape::Text, "id of what is behind the figure"),
    optional("idempotency_key", Shape::Text, "recorded once under this key, for ever"),
];

/// An element of a batch.
const NEW_POINT: Shape = Shape::Named(
    "NewPoint",
    &Shape::Object(&[
        ("value", Shape::Number),
        ("timestamp?", TEXT_OR_NULL),
        ("source?", TEXT_OR_NULL),
        ("confidence?", Shape::OrNull(&Shape::Number)),
        ("raw_event_id?", TEXT_OR_NULL),
        ("idempotency_key?", TEXT_OR_NULL),
    ]),
);

/// The metric that is made with an application; none without a key.
const PRIMARY_METRIC: Shape = Shape::Named(
    "PrimaryMetric",
    &Shape::Object(&[
        ("key?", TEXT_OR_NULL),
        ("display_name?", TEXT_OR_NULL),
        ("unit?", TEXT_OR_NULL),
        ("cadence?", TEXT_OR_NULL),
        ("direction?", TEXT_OR_NULL),
    ]),
);

const RULE: &[Field] = &[
    required("type", shapes::RULE_TYPE, "what it looks for"),
    optional("enabled", Shape::Flag, "default: as it stands"),
    optional(
        "threshold",
        Shape::Number,
        "a fraction for growth_spike, growth, drop and late; a value for above and below",
    ),
    optional("periods", Shape::Count, "1 to 32: how far back, or how many in a row"),
    optional("severity", shapes::SEVERITY, "of the alerts it raises"),
    optional("cool_down_points", Shape::Count, "points of silence after it fired"),
    optional("cool_down_seconds", Shape::Count, "seconds of silence after it fired"),
];

macro_rules! row {
    ($name:ident, $verb:ident $path:literal, $who:expr, $limit:ident, $about:literal,
     body: $body:expr, absent: $absent:literal, query: $query:expr,
     answers: $($status:literal $shape:ident),+; refuses: $($refused:literal $code:ident),*) => {
        Method {
            name: Name::$name,
            verb: Verb::$verb,
            path: $path,
            who: $who,
            limit: LimitClass::$limit,
            about: $about,
            body: $body,
            body_may_be_absent: $absent,
            query: $query,
            success: &[$(($status, shapes::$shape)),+],
            refusals: &[$(($refused, stringify!($code))),*],
        }
    };
}

/// Every method of `/v1` but the live ones, which stand in [`super::other_routes`].
pub const METHODS: &[Method] = &[
    row!(OtpStart, Post "/v1/auth/otp/start", Gate::Public, None, "Asks for a one-time code by e-mail",
        body: &[required("email", Shape::Text, "where the code goes")], absent: false, query: &[],
        answers: 200 CODE_SENT; refuses: 400 missing_field, 400 invalid_email, 429 otp_rate_limited),
    row!(OtpVerify, Post "/v1/auth/otp/verify", Gate::Public, None, "Turns a one-time code into a founder session",
        body: &[required("email", Shape::Text, "as at the start"), required("code", Shape::Text, "six digits"),
            optional("totp", Shape::Text, "ignored: there is no second factor yet")],
        absent: false, query: &[],
        answers: 200 SIGNED_IN;
        refuses: 400 missing_field, 400 invalid_email, 400 invalid_otp, 401 invalid_otp, 401 expired_otp, 403 no_matching_invite, 429 otp_rate_limited, 429 otp_attempts_exceeded),
    row!(SessionShow, Get "/v1/auth/session", Gate::SessionItself, Reads, "Shows the presented session",
        body: &[], absent: true, query: &[],
        answers: 200 SESSION; refuses:),
    row!(Logout, Post "/v1/auth/logout", Gate::SessionItself, None, "Revokes the presented session",
        body: &[], absent: true, query: &[],
        answers: 200 DONE; refuses:),
    row!(ApplicationSubmit, Post "/v1/applications", Gate::OptionalSession, None, "Applies as a company; makes its agent token",
        body: &[required("company_name", Shape::Text, "name of the company"), required("founder_name", Shape::Text, "name of the founder"),
            required("founder_email", Shape::Text, "address of the founder"), optional("website", Shape::Text, "kept as given"),
            optional("narrative", Shape::Open, "free form, 64 KiB"), optional("primary_metric", PRIMARY_METRIC, "key and settings of a first metric")],
        absent: false, query: &[],
        answers: 201 APPLICATION_MADE;
        refuses: 400 missing_field, 400 invalid_email, 400 invalid_metric_key, 401 unauthorized, 401 email_otp_required, 403 email_mismatch, 403 no_matching_invite, 429 rate_limited),
    row!(ApplicationList, Get "/v1/applications", Gate::Founder, Reads, "Lists one's own applications, newest first",
        body: &[], absent: true, query: &[],
        answers: 200 APPLICATIONS; refuses:),
    row!(ApplicationShow, Get "/v1/applications/{id}", Gate::Founder, Reads, "Shows one of one's own applications",
        body: &[], absent: true, query: &[],
        answers: 200 APPLICATION_SHOWN; refuses: 404 application_not_found),
    row!(ApplicationWithdraw, Post "/v1/applications/{id}/withdraw", Gate::Founder, None, "Withdraws an application",
        body: &[optional("reason", Shape::Text, "why")], absent: true, query: &[],
        answers: 200 APPLICATION_DECIDED; refuses: 404 application_not_found, 409 invalid_transition),
    row!(Status, Get "/v1/status", Gate::Agent(TokenScope::ApplicationRead), Reads, "Application, metrics and newest alerts of the token's company",
        body: &[], absent: true, query: &[],
        answers: 200 STATUS; refuses:),
    row!(MetricDefine, Post "/v1/metrics", Gate::Agent(TokenScope::MetricsCreate), Writes, "Defines a metric",
        body: DEFINE, absent: false, query: &[],
        answers: 201 METRIC_MADE; refuses: 400 missing_field, 400 invalid_metric_key, 403 forbidden, 409 metric_exists, 409 metric_limit),
    row!(MetricList, Get "/v1/metrics", Gate::AgentOrFounder(TokenScope::ApplicationRead), Reads, "Lists the metrics of a company, oldest first",
        body: &[], absent: true, query: &[COMPANY],
        answers: 200 METRICS; refuses:),
    row!(MetricShow, Get "/v1/metrics/{key}", Gate::AgentOrFounder(TokenScope::ApplicationRead), Reads, "Shows a metric",
        body: &[], absent: true, query: &[COMPANY],
        answers: 200 METRIC; refuses: 404 metric_not_found),
    row!(MetricSettings, Post "/v1/metrics/{key}/settings", Gate::Agent(TokenScope::MetricsCreate), Writes, "Changes a metric's settings; the key never changes",
        body: SETTINGS, absent: true, query: &[],
        answers: 200 METRIC; refuses: 403 forbidden, 404 metric_not_found),
    row!(PointRecord, Post "/v1/metrics/{key}/points", Gate::Agent(TokenScope::MetricsWrite), Writes, "Records a point, once a key",
        body: POINT, absent: false, query: &[],
        answers: 201 POINT_MADE, 200 POINT_KNOWN;
        refuses: 400 invalid_value, 400 invalid_timestamp, 400 invalid_idempotency_key, 403 forbidden, 404 metric_not_found),
    row!(PointBatch, Post "/v1/metrics/{key}/points/batch", Gate::Agent(TokenScope::MetricsWrite), Writes, "Records up to 1,000 points, all or none",
        body: &[required("points", Shape::List(&NEW_POINT), "1 to 1,000 points")], absent: false, query: &[],
        answers: 200 BATCH_RECORDED;
        refuses: 400 missing_field, 400 invalid_batch, 400 invalid_idempotency_key, 403 forbidden, 404 metric_not_found),
    row!(PointCorrect, Post "/v1/metrics/{key}/points/{id}/correct", Gate::Agent(TokenScope::MetricsWrite), Writes, "Corrects a point; the first value stays in the record",
        body: &[required("value", Shape::Number, "finite"), optional("reason", Shape::Text, "why")], absent: false, query: &[],
        answers: 200 POINT_CORRECTED; refuses: 400 invalid_value, 403 forbidden, 404 metric_not_found, 404 point_not_found),
    row!(PointList, Get "/v1/metrics/{key}/points", Gate::AgentOrFounder(TokenScope::ApplicationRead), Reads, "Lists points by instant",
        body: &[], absent: true, query: &[COMPANY, optional("from", Shape::Text, "earliest instant"), optional("to", Shape::Text, "latest instant"),
            optional("order", Shape::OneOf(&["desc", "asc"]), "by instant; default desc"),
            optional("limit", Shape::Count, "rows of a page, 1 to 1,000; default 100"), CURSOR,
            optional("known_at", Shape::Text, "a position: the series as it was known then")],
        answers: 200 POINTS; refuses: 400 invalid_timestamp, 400 invalid_cursor, 404 metric_not_found),
    row!(RuleList, Get "/v1/metrics/{key}/rules", Gate::AgentOrFounder(TokenScope::ApplicationRead), Reads, "Lists a metric's rules",
        body: &[], absent: true, query: &[COMPANY],
        answers: 200 RULES; refuses: 404 metric_not_found),
    row!(RuleSet, Post "/v1/metrics/{key}/rules", Gate::Agent(TokenScope::MetricsCreate), Writes, "Sets a new version of a rule",
        body: RULE, absent: false, query: &[],
        answers: 200 RULE; refuses: 400 missing_field, 403 forbidden, 404 metric_not_found),
    row!(AlertList, Get "/v1/alerts", Gate::AgentOrFounder(TokenScope::ApplicationRead), Reads, "Lists alerts, newest first",
        body: &[], absent: true, query: &[COMPANY, optional("state", shapes::ALERT_STATE, "only in this state"),
            optional("metric", Shape::Text, "key of a metric"),
            optional("limit", Shape::Count, "rows of a page, 1 to 200; default 50"), CURSOR],
        answers: 200 ALERTS; refuses: 400 invalid_cursor, 400 invalid_metric_key, 404 metric_not_found),
    row!(AlertAcknowledge, Post "/v1/alerts/{id}/ack", Gate::AgentOrFounder(TokenScope::AlertsAck), Writes, "Acknowledges an alert",
        body: &[optional("note", Shape::Text, "for whoever looks next")], absent: true, query: &[COMPANY],
        answers: 200 ALERT; refuses: 403 forbidden, 404 alert_not_found),
    row!(AlertResolve, Post "/v1/alerts/{id}/resolve", Gate::AgentOrFounder(TokenScope::AlertsAck), Writes, "Resolves an alert: its cause is dealt with",
        body: &[optional("note", Shape::Text, "what was done")], absent: true, query: &[COMPANY],
        answers: 200 ALERT; refuses: 403 forbidden, 404 alert_not_found),
    row!(TokenCreate, Post "/v1/tokens", Gate::Founder, None, "Makes an agent token; the raw token is shown this once",
        body: &[required("name", Shape::Text, "1 to 100 characters, unique among live tokens"), required("scopes", Shape::List(&shapes::SCOPE), "1 to 4, each once"),
            optional("allowed_metrics", Shape::List(&Shape::Text), "keys it may write; absent: all"),
            optional("expires_in_days", Shape::Count, "1 to 365; absent: no end"), COMPANY],
        absent: false, query: &[COMPANY],
        answers: 201 TOKEN_MADE; refuses: 400 missing_field, 400 invalid_metric_key, 400 company_required, 404 not_found, 409 token_limit),
    row!(TokenList, Get "/v1/tokens", Gate::Founder, Reads, "Lists the agent tokens of a company, newest first",
        body: &[], absent: true, query: &[COMPANY],
        answers: 200 TOKENS; refuses: 400 company_required, 404 not_found),
    row!(TokenRevoke, Post "/v1/tokens/{public_id}/revoke", Gate::Founder, None, "Revokes an agent token at once, on every node",
        body: &[optional("reason", Shape::Text, "why")], absent: true, query: &[COMPANY],
        answers: 200 TOKEN_REVOKED; refuses: 404 token_not_found),
    row!(TokenRotate, Post "/v1/tokens/{public_id}/rotate", Gate::Founder, None, "Replaces an agent token; the old one ends after the grace",
        body: &[optional("grace_seconds", Shape::Count, "0 to 604,800; default 0")], absent: true, query: &[COMPANY],
        answers: 201 TOKEN_MADE; refuses: 404 token_not_found, 409 token_limit),
    row!(ReviewList, Get "/v1/review/applications", Gate::Reviewer, Reads, "Lists applications for review",
        body: &[], absent: true, query: &[optional("status", shapes::APPLICATION_STATUS, "only this status"),
            optional("q", Shape::Text, "prefix of the company's name"),
            optional("limit", Shape::Count, "rows of a page, 1 to 100; default 25"), CURSOR, ACTING],
        answers: 200 REVIEWED_APPLICATIONS; refuses: 400 invalid_cursor),
    row!(ReviewShow, Get "/v1/review/applications/{id}", Gate::Reviewer, Reads, "Shows an application for review",
        body: &[], absent: true, query: &[ACTING],
        answers: 200 REVIEWED_DETAILS; refuses: 404 application_not_found),
    row!(ReviewStatus, Post "/v1/review/applications/{id}/status", Gate::Reviewer, None, "Decides on an application",
        body: &[required("status", shapes::APPLICATION_STATUS, "where it goes"), optional("reason", Shape::Text, "needed to reopen")],
        absent: false, query: &[ACTING],
        answers: 200 APPLICATION_DECIDED; refuses: 400 missing_field, 404 application_not_found, 409 invalid_transition),
];

/// Finds the row of a path, still percent-encoded, with the raw segments that stand for parameters.
#[must_use]
pub fn find(verb: Verb, path: &str) -> Option<(&'static Method, Vec<&str>)> {
    METHODS.iter().filter(|method| method.verb == verb).find_map(|method| {
        let mut parameters = Vec::new();
        let mut wanted = method.path.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some((method, parameters)),
                (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => parameters.push(segment),
                (Some(name), Some(segment)) if name == segment => {}
                (Some(_) | None, Some(_) | None) => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_route_stands_twice_and_every_method_has_a_row() {
        let routes: HashSet<_> = METHODS.iter().map(|method| (method.path, method.verb == Verb::Get)).collect();
        let names: HashSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(routes.len(), METHODS.len());
        assert_eq!(names.len(), METHODS.len());
    }

    #[test]
    fn paths_match_exactly() {
        assert!(
            find(Verb::Post, "/v1/metrics/a%2Fb/points")
                .is_some_and(|(row, raw)| row.name == Name::PointRecord && raw == ["a%2Fb"])
        );
        for unknown in ["/v1/status/", "/v1/", "/v1/metrics//points", "/V1/status"] {
            assert!(find(Verb::Get, unknown).is_none(), "{unknown}");
        }
        assert!(find(Verb::Get, "/v1/auth/otp/start").is_none());
    }
}
