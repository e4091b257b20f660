//! The one table of methods: path, who may call, limit, input and every answer. Routing, gates, the OpenAPI document
//! and the tests read it, so they cannot disagree.

use muniment_aggregates::application::Scope;

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
pub enum Who {
    /// Anybody.
    Public,
    /// Anybody; a founder session counts where it is presented.
    OptionalSession,
    /// An agent token with this scope.
    Agent(Scope),
    /// An agent token with this scope, or a founder of the company.
    AgentOrFounder(Scope),
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
    /// JSON type, or `string|null` and the like.
    pub kind: &'static str,
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
    pub who: Who,
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
    /// Success status.
    pub success: u16,
    /// Further success status, where there is one.
    pub also: Option<u16>,
    /// Statuses of refusals, beside 500 and 503, which every route has.
    pub refusals: &'static [u16],
}

const fn required(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn optional(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

const COMPANY: Field = optional("company_id", "string", "which company, for a founder of several");
const LIMIT: Field = optional("limit", "integer", "rows of a page");
const CURSOR: Field = optional("cursor", "string", "where the page before ended");

const SETTINGS: &[Field] = &[
    optional("display_name", "string", "shown name; default: the key as a title"),
    optional("unit", "string", "free text; default count"),
    optional("cadence", "string", "daily, weekly, monthly, quarterly, yearly or free text; default weekly"),
    optional("direction", "string", "up, down, neutral or free text; default up"),
    optional("source_type", "string", "free text; default self_reported"),
];

const DEFINE: &[Field] = &[
    required("key", "string", "name of the metric; becomes a slug"),
    SETTINGS[0],
    SETTINGS[1],
    SETTINGS[2],
    SETTINGS[3],
    SETTINGS[4],
];

/// Fields of a point, single or in a batch.
pub const POINT: &[Field] = &[
    required("value", "number", "finite"),
    optional("timestamp", "string", "ISO 8601; default now"),
    optional("source", "string", "default: name of the token"),
    optional("confidence", "number", "0 to 1; default 0.5"),
    optional("raw_event_id", "string", "id of what is behind the figure"),
    optional("idempotency_key", "string", "recorded once under this key, for ever"),
];

const RULE: &[Field] = &[
    required("type", "string", "growth_spike, growth, drop, above, below or late"),
    optional("enabled", "boolean", "default: as it stands"),
    optional("threshold", "number", "a fraction for growth_spike, growth, drop and late; a value for above and below"),
    optional("periods", "integer", "1 to 32: how far back, or how many in a row"),
    optional("severity", "string", "low, medium or high"),
    optional("cool_down_points", "integer", "points of silence after it fired"),
    optional("cool_down_seconds", "integer", "seconds of silence after it fired"),
];

macro_rules! row {
    (@also) => { None };
    (@also $status:literal) => { Some($status) };
    ($name:ident, $verb:ident $path:literal, $who:expr, $limit:ident, $about:literal,
     body: $body:expr, absent: $absent:literal, query: $query:expr, $success:literal $(or $also:literal)?, $refusals:expr) => {
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
            success: $success,
            also: row!(@also $($also)?),
            refusals: $refusals,
        }
    };
}

/// Every method of `/v1` but the live ones, which `live.md` describes.
pub const METHODS: &[Method] = &[
    row!(OtpStart, Post "/v1/auth/otp/start", Who::Public, None, "Asks for a one-time code by e-mail",
        body: &[required("email", "string", "where the code goes")], absent: false, query: &[], 200, &[400, 413, 429]),
    row!(OtpVerify, Post "/v1/auth/otp/verify", Who::Public, None, "Turns a one-time code into a founder session",
        body: &[required("email", "string", "as at the start"), required("code", "string", "six digits"),
            optional("totp", "string", "second factor, where the account has one")],
        absent: false, query: &[], 200, &[400, 401, 403, 413, 429]),
    row!(SessionShow, Get "/v1/auth/session", Who::SessionItself, Reads, "Shows the presented session",
        body: &[], absent: true, query: &[], 200, &[401, 429]),
    row!(Logout, Post "/v1/auth/logout", Who::SessionItself, None, "Revokes the presented session",
        body: &[], absent: true, query: &[], 200, &[400, 401, 413, 429]),
    row!(ApplicationSubmit, Post "/v1/applications", Who::OptionalSession, None, "Applies as a company; makes its agent token",
        body: &[required("company_name", "string", "name of the company"), required("founder_name", "string", "name of the founder"),
            required("founder_email", "string", "address of the founder"), optional("website", "string", "kept as given"),
            optional("narrative", "object", "free form, 64 KiB"), optional("primary_metric", "object", "key and settings of a first metric")],
        absent: false, query: &[], 201, &[400, 401, 403, 413, 429]),
    row!(ApplicationList, Get "/v1/applications", Who::Founder, Reads, "Lists one's own applications, newest first",
        body: &[], absent: true, query: &[], 200, &[401, 403, 429]),
    row!(ApplicationShow, Get "/v1/applications/{id}", Who::Founder, Reads, "Shows one of one's own applications",
        body: &[], absent: true, query: &[], 200, &[401, 403, 404, 429]),
    row!(ApplicationWithdraw, Post "/v1/applications/{id}/withdraw", Who::Founder, None, "Withdraws an application",
        body: &[optional("reason", "string", "why")], absent: true, query: &[], 200, &[400, 401, 403, 404, 409, 413, 429]),
    row!(Status, Get "/v1/status", Who::Agent(Scope::ApplicationRead), Reads, "Application, metrics and newest alerts of the token's company",
        body: &[], absent: true, query: &[], 200, &[401, 403, 429]),
    row!(MetricDefine, Post "/v1/metrics", Who::Agent(Scope::MetricsCreate), Writes, "Defines a metric",
        body: DEFINE, absent: false, query: &[], 201, &[400, 401, 403, 409, 413, 429]),
    row!(MetricList, Get "/v1/metrics", Who::AgentOrFounder(Scope::ApplicationRead), Reads, "Lists the metrics of a company, oldest first",
        body: &[], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 429]),
    row!(MetricShow, Get "/v1/metrics/{key}", Who::AgentOrFounder(Scope::ApplicationRead), Reads, "Shows a metric",
        body: &[], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 429]),
    row!(MetricSettings, Post "/v1/metrics/{key}/settings", Who::Agent(Scope::MetricsCreate), Writes, "Changes a metric's settings; the key never changes",
        body: SETTINGS, absent: true, query: &[], 200, &[400, 401, 403, 404, 413, 429]),
    row!(PointRecord, Post "/v1/metrics/{key}/points", Who::Agent(Scope::MetricsWrite), Writes, "Records a point, once a key",
        body: POINT, absent: false, query: &[], 201 or 200, &[400, 401, 403, 404, 413, 429]),
    row!(PointBatch, Post "/v1/metrics/{key}/points/batch", Who::Agent(Scope::MetricsWrite), Writes, "Records up to 1,000 points, all or none",
        body: &[required("points", "array", "1 to 1,000 points")], absent: false, query: &[], 200, &[400, 401, 403, 404, 413, 429]),
    row!(PointCorrect, Post "/v1/metrics/{key}/points/{id}/correct", Who::Agent(Scope::MetricsWrite), Writes, "Corrects a point; the first value stays in the record",
        body: &[required("value", "number", "finite"), optional("reason", "string", "why")], absent: false, query: &[], 200, &[400, 401, 403, 404, 413, 429]),
    row!(PointList, Get "/v1/metrics/{key}/points", Who::AgentOrFounder(Scope::ApplicationRead), Reads, "Lists points by instant",
        body: &[], absent: true, query: &[COMPANY, optional("from", "string", "earliest instant"), optional("to", "string", "latest instant"),
            optional("order", "string", "desc (default) or asc"), LIMIT, CURSOR,
            optional("known_at", "string", "a position: the series as it was known then")],
        200, &[400, 401, 403, 404, 429]),
    row!(RuleList, Get "/v1/metrics/{key}/rules", Who::AgentOrFounder(Scope::ApplicationRead), Reads, "Lists a metric's rules",
        body: &[], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 429]),
    row!(RuleSet, Post "/v1/metrics/{key}/rules", Who::Agent(Scope::MetricsCreate), Writes, "Sets a new version of a rule",
        body: RULE, absent: false, query: &[], 200, &[400, 401, 403, 404, 413, 429]),
    row!(AlertList, Get "/v1/alerts", Who::AgentOrFounder(Scope::ApplicationRead), Reads, "Lists alerts, newest first",
        body: &[], absent: true, query: &[COMPANY, optional("state", "string", "open or acknowledged"),
            optional("metric", "string", "key of a metric"), LIMIT, CURSOR], 200, &[400, 401, 403, 404, 429]),
    row!(AlertAcknowledge, Post "/v1/alerts/{id}/ack", Who::AgentOrFounder(Scope::AlertsAck), Writes, "Acknowledges an alert",
        body: &[optional("note", "string", "for whoever looks next")], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 413, 429]),
    row!(AlertResolve, Post "/v1/alerts/{id}/resolve", Who::AgentOrFounder(Scope::AlertsAck), Writes, "Resolves an alert: its cause is dealt with",
        body: &[optional("note", "string", "what was done")], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 413, 429]),
    row!(TokenCreate, Post "/v1/tokens", Who::Founder, None, "Makes an agent token; the raw token is shown this once",
        body: &[required("name", "string", "1 to 100 characters, unique among live tokens"), required("scopes", "array", "1 to 4 scopes"),
            optional("allowed_metrics", "array", "keys it may write; absent: all"),
            optional("expires_in_days", "integer", "1 to 365; absent: no end"), COMPANY],
        absent: false, query: &[COMPANY], 201, &[400, 401, 403, 404, 409, 413, 429]),
    row!(TokenList, Get "/v1/tokens", Who::Founder, Reads, "Lists the agent tokens of a company, newest first",
        body: &[], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 429]),
    row!(TokenRevoke, Post "/v1/tokens/{public_id}/revoke", Who::Founder, None, "Revokes an agent token at once, on every node",
        body: &[optional("reason", "string", "why")], absent: true, query: &[COMPANY], 200, &[400, 401, 403, 404, 413, 429]),
    row!(TokenRotate, Post "/v1/tokens/{public_id}/rotate", Who::Founder, None, "Replaces an agent token; the old one ends after the grace",
        body: &[optional("grace_seconds", "integer", "0 to 604,800; default 0")], absent: true, query: &[COMPANY], 201, &[400, 401, 403, 404, 409, 413, 429]),
    row!(ReviewList, Get "/v1/review/applications", Who::Reviewer, None, "Lists applications for review",
        body: &[], absent: true, query: &[optional("status", "string", "only this status"), optional("q", "string", "prefix of the company's name"), LIMIT, CURSOR],
        200, &[400, 401, 403]),
    row!(ReviewShow, Get "/v1/review/applications/{id}", Who::Reviewer, None, "Shows an application for review",
        body: &[], absent: true, query: &[], 200, &[401, 403, 404]),
    row!(ReviewStatus, Post "/v1/review/applications/{id}/status", Who::Reviewer, None, "Decides on an application",
        body: &[required("status", "string", "in_review, accepted, rejected or submitted"), optional("reason", "string", "needed to reopen")],
        absent: false, query: &[], 200, &[400, 401, 403, 404, 409, 413, 415]),
];

impl Method {
    /// The names of the body's fields.
    #[must_use]
    pub fn body_fields(&self) -> Vec<&'static str> {
        self.body.iter().map(|field| field.name).collect()
    }
}

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
