//! What `/v1` answers, and the health routes: the objects of spec/metrics.md sections 2 to 11 and spec/live.md, each
//! under the name it has in the OpenAPI document.

use muniment_aggregates::ids::{AlertId, ApplicationId, CompanyId, FounderId, MetricId, PointId};

use super::shape::Shape;
use Shape::{Count, Flag, Id, Instant, List, Named, No, Number, Object, Ok, OneOf, Open, OrNull, Position, PublicId};
use Shape::{Text, Uuid};

const TEXT_OR_NULL: Shape = OrNull(&Text);
const NUMBER_OR_NULL: Shape = OrNull(&Number);
const INSTANT_OR_NULL: Shape = OrNull(&Instant);
const UUID_OR_NULL: Shape = OrNull(&Uuid);

const COMPANY_ID: Shape = Id(CompanyId::PREFIX);
const APPLICATION_ID: Shape = Id(ApplicationId::PREFIX);
const METRIC_ID: Shape = Id(MetricId::PREFIX);
const POINT_ID: Shape = Id(PointId::PREFIX);

/// Where an application stands.
pub const APPLICATION_STATUS: Shape =
    Named("ApplicationStatus", &OneOf(&["submitted", "in_review", "accepted", "rejected", "withdrawn"]));
/// What a token may do.
pub const SCOPE: Shape = Named("Scope", &OneOf(&["application:read", "metrics:create", "metrics:write", "alerts:ack"]));
/// Types of rules and of the alerts they raise.
pub const RULE_TYPE: Shape = Named("RuleType", &OneOf(&["growth_spike", "growth", "drop", "above", "below", "late"]));
/// How bad an alert is.
pub const SEVERITY: Shape = Named("Severity", &OneOf(&["low", "medium", "high"]));
/// Where an alert stands.
pub const ALERT_STATE: Shape = Named("AlertState", &OneOf(&["open", "acknowledged", "resolved"]));

/// Every answer that is not success; a row and status narrow `error` to their codes.
pub const ERROR: Shape = Named(
    "Error",
    &Object(&[
        ("error", Text),
        ("message?", Text),
        ("issues?", List(&Named("Issue", &Object(&[("path", Text), ("code", Text), ("message", Text)])))),
        ("retry_after?", Count),
        ("available?", List(&CHOICE)),
        ("id?", Text),
    ]),
);

/// What a caller may name: a company, or a persona.
const CHOICE: Shape =
    Named("Choice", &Object(&[("company_id?", COMPANY_ID), ("company_name?", Text), ("id?", Uuid), ("name?", Text)]));

/// `{ok}`.
pub const DONE: Shape = Named("Done", &Object(&[("ok", Ok)]));

/// A code was sent, or is echoed in development.
pub const CODE_SENT: Shape = Named(
    "CodeSent",
    &Object(&[
        ("ok", Ok),
        ("email", Text),
        ("expires_at", Instant),
        ("delivery", OneOf(&["email", "development_response"])),
        ("dev_otp?", Text),
    ]),
);

/// A founder session that was made.
pub const SIGNED_IN: Shape =
    Named("SignedIn", &Object(&[("ok", Ok), ("email", Text), ("session_token", Text), ("expires_at", Instant)]));

const OWN_COMPANY: Shape = Named(
    "OwnCompany",
    &Object(&[
        ("company_id", COMPANY_ID),
        ("company_name", Text),
        ("application_id", APPLICATION_ID),
        ("status", APPLICATION_STATUS),
    ]),
);

/// The presented founder session.
pub const SESSION: Shape = Named(
    "Session",
    &Object(&[
        ("email", Text),
        ("account_id", Uuid),
        ("created_at", Instant),
        ("expires_at", Instant),
        ("companies", List(&OWN_COMPANY)),
    ]),
);

/// An application that was made, with its token.
pub const APPLICATION_MADE: Shape = Named(
    "ApplicationMade",
    &Object(&[
        ("company_id", COMPANY_ID),
        ("application_id", APPLICATION_ID),
        ("founder_email_verified", Flag),
        ("token", Text),
        ("token_scopes", List(&SCOPE)),
    ]),
);

/// `{applications}` of a founder.
pub const APPLICATIONS: Shape = Named(
    "Applications",
    &Object(&[(
        "applications",
        List(&Named(
            "Application",
            &Object(&[
                ("id", APPLICATION_ID),
                ("company_id", COMPANY_ID),
                ("company_name", Text),
                ("website", TEXT_OR_NULL),
                ("status", APPLICATION_STATUS),
                ("submitted_at", Instant),
                ("founder_email_verified", Flag),
            ]),
        )),
    )]),
);

const STATUS_STEP: Shape =
    Named("StatusStep", &Object(&[("status", APPLICATION_STATUS), ("at", Instant), ("reason", TEXT_OR_NULL)]));

/// An application as its founder sees it.
pub const APPLICATION_SHOWN: Shape = Named(
    "ApplicationShown",
    &Object(&[
        (
            "application",
            Named(
                "ApplicationDetails",
                &Object(&[
                    ("id", APPLICATION_ID),
                    ("company_id", COMPANY_ID),
                    ("company_name", Text),
                    ("website", TEXT_OR_NULL),
                    ("status", APPLICATION_STATUS),
                    ("submitted_at", Instant),
                    ("founder_email_verified", Flag),
                    ("narrative", Open),
                    ("status_history", List(&STATUS_STEP)),
                ]),
            ),
        ),
        ("metrics", List(&STATUS_METRIC)),
        ("alerts", List(&STATUS_ALERT)),
    ]),
);

/// Where an application has come.
pub const APPLICATION_DECIDED: Shape =
    Named("ApplicationDecided", &Object(&[("id", APPLICATION_ID), ("status", APPLICATION_STATUS)]));

const STATUS_METRIC: Shape = Named(
    "StatusMetric",
    &Object(&[
        ("key", Text),
        ("display_name", Text),
        ("unit", Text),
        ("cadence", Text),
        ("direction", Text),
        ("verification_level", Text),
        ("latest_value", NUMBER_OR_NULL),
        ("latest_timestamp", TEXT_OR_NULL),
    ]),
);

const STATUS_ALERT: Shape = Named(
    "StatusAlert",
    &Object(&[("alert_type", RULE_TYPE), ("severity", SEVERITY), ("summary", Text), ("created_at", Instant)]),
);

/// Application, metrics and newest alerts of a token's company.
pub const STATUS: Shape = Named(
    "Status",
    &Object(&[
        (
            "application",
            Named(
                "StatusApplication",
                &Object(&[
                    ("id", APPLICATION_ID),
                    ("status", APPLICATION_STATUS),
                    ("submitted_at", Instant),
                    ("company_name", Text),
                    ("website", TEXT_OR_NULL),
                ]),
            ),
        ),
        ("metrics", List(&STATUS_METRIC)),
        ("alerts", List(&STATUS_ALERT)),
    ]),
);

/// A metric that was made.
pub const METRIC_MADE: Shape = Named("MetricMade", &Object(&[("id", METRIC_ID), ("key", Text)]));

/// A metric. `latest_timestamp` is the text that was sent.
pub const METRIC: Shape = Named(
    "Metric",
    &Object(&[
        ("id", METRIC_ID),
        ("key", Text),
        ("display_name", Text),
        ("unit", Text),
        ("cadence", Text),
        ("direction", Text),
        ("source_type", Text),
        ("verification_level", Text),
        ("created_at", Instant),
        ("latest_value", NUMBER_OR_NULL),
        ("latest_timestamp", TEXT_OR_NULL),
    ]),
);
/// `{metrics}`.
pub const METRICS: Shape = Named("Metrics", &Object(&[("metrics", List(&METRIC))]));

/// A point that was recorded.
pub const POINT_MADE: Shape = Named("PointMade", &Object(&[("id", POINT_ID), ("duplicate", No)]));
/// A point whose key was known.
pub const POINT_KNOWN: Shape = Named("PointKnown", &Object(&[("id", POINT_ID), ("duplicate", Ok), ("differs?", Ok)]));
/// What came of a batch, in its order.
pub const BATCH_RECORDED: Shape = Named(
    "BatchRecorded",
    &Object(&[
        ("results", List(&Named("BatchResult", &Object(&[("id", POINT_ID), ("duplicate", Flag), ("differs?", Ok)])))),
        ("created", Count),
        ("duplicates", Count),
    ]),
);
/// A point that was corrected.
pub const POINT_CORRECTED: Shape =
    Named("PointCorrected", &Object(&[("id", POINT_ID), ("value", Number), ("corrected_at", Instant)]));
/// `{points, next_cursor}`. `timestamp` is the text that was sent; `original_value` is there once it was corrected.
pub const POINTS: Shape = Named(
    "Points",
    &Object(&[
        (
            "points",
            List(&Named(
                "Point",
                &Object(&[
                    ("id", POINT_ID),
                    ("timestamp", Text),
                    ("value", Number),
                    ("original_value?", Number),
                    ("source", Text),
                    ("confidence", Number),
                    ("raw_event_id", TEXT_OR_NULL),
                    ("idempotency_key", Text),
                    ("created_at", Instant),
                ]),
            )),
        ),
        ("next_cursor", TEXT_OR_NULL),
    ]),
);

/// A rule in its newest version.
pub const RULE: Shape = Named(
    "Rule",
    &Object(&[
        ("type", RULE_TYPE),
        ("version", Count),
        ("enabled", Flag),
        ("threshold", Number),
        ("periods?", Count),
        ("severity", SEVERITY),
        ("cool_down_points?", Count),
        ("cool_down_seconds?", Count),
        ("set_at", Instant),
        ("set_by", Text),
    ]),
);
/// `{rules}`.
pub const RULES: Shape = Named("Rules", &Object(&[("rules", List(&RULE))]));

/// An alert.
pub const ALERT: Shape = Named(
    "Alert",
    &Object(&[
        ("id", Id(AlertId::PREFIX)),
        ("metric_key", Text),
        ("alert_type", RULE_TYPE),
        ("severity", SEVERITY),
        ("summary", Text),
        ("created_at", Instant),
        ("state", ALERT_STATE),
        ("acknowledged_at", INSTANT_OR_NULL),
        ("acknowledged_by", TEXT_OR_NULL),
        ("point_id", POINT_ID),
        ("previous_point_id", OrNull(&POINT_ID)),
        ("growth", NUMBER_OR_NULL),
        ("rule_version", Count),
    ]),
);
/// `{alerts, next_cursor}`.
pub const ALERTS: Shape = Named("Alerts", &Object(&[("alerts", List(&ALERT)), ("next_cursor", TEXT_OR_NULL)]));

/// A token that was made; the raw token is shown this once.
pub const TOKEN_MADE: Shape = Named(
    "TokenMade",
    &Object(&[
        ("token", Text),
        ("public_id", PublicId),
        ("name", Text),
        ("scopes", List(&SCOPE)),
        ("allowed_metrics", OrNull(&List(&Text))),
        ("expires_at", INSTANT_OR_NULL),
        ("company_id", COMPANY_ID),
        ("application_id", APPLICATION_ID),
        ("created_at", Instant),
    ]),
);
/// `{tokens}`.
pub const TOKENS: Shape = Named(
    "Tokens",
    &Object(&[(
        "tokens",
        List(&Named(
            "Token",
            &Object(&[
                ("public_id", PublicId),
                ("name", Text),
                ("scopes", List(&SCOPE)),
                ("allowed_metrics", OrNull(&List(&Text))),
                ("expires_at", INSTANT_OR_NULL),
                ("company_id", COMPANY_ID),
                ("application_id", APPLICATION_ID),
                ("created_at", Instant),
                ("last_used_at", INSTANT_OR_NULL),
                ("revoked_at", INSTANT_OR_NULL),
                ("created_by", UUID_OR_NULL),
            ]),
        )),
    )]),
);
/// A token that was revoked.
pub const TOKEN_REVOKED: Shape = Named("TokenRevoked", &Object(&[("public_id", PublicId), ("revoked_at", Instant)]));

const REVIEWED_COMPANY: Shape =
    Named("ReviewedCompany", &Object(&[("id", COMPANY_ID), ("name", Text), ("website", TEXT_OR_NULL)]));
/// Name and e-mail are gone once the person is erased.
const REVIEWED_FOUNDER: Shape = Named(
    "ReviewedFounder",
    &Object(&[
        ("id", Id(FounderId::PREFIX)),
        ("name", TEXT_OR_NULL),
        ("email", TEXT_OR_NULL),
        ("email_verified", Flag),
    ]),
);
/// `{applications, next_cursor}` for reviewers.
pub const REVIEWED_APPLICATIONS: Shape = Named(
    "ReviewedApplications",
    &Object(&[
        (
            "applications",
            List(&Named(
                "ReviewedApplication",
                &Object(&[
                    ("id", APPLICATION_ID),
                    ("status", APPLICATION_STATUS),
                    ("submitted_at", Instant),
                    ("company", REVIEWED_COMPANY),
                    ("founders", List(&REVIEWED_FOUNDER)),
                    ("metrics_count", Count),
                    ("last_point_at", INSTANT_OR_NULL),
                    ("open_alerts", Count),
                ]),
            )),
        ),
        ("next_cursor", TEXT_OR_NULL),
    ]),
);
/// An application as a reviewer sees it.
pub const REVIEWED_DETAILS: Shape = Named(
    "ReviewedDetails",
    &Object(&[
        ("id", APPLICATION_ID),
        ("status", APPLICATION_STATUS),
        ("submitted_at", Instant),
        ("company", REVIEWED_COMPANY),
        ("founders", List(&REVIEWED_FOUNDER)),
        ("metrics_count", Count),
        ("last_point_at", INSTANT_OR_NULL),
        ("open_alerts", Count),
        ("narrative", OrNull(&Open)),
        ("metrics", List(&STATUS_METRIC)),
        ("alerts", List(&STATUS_ALERT)),
        (
            "status_history",
            List(&Named(
                "ReviewStep",
                &Object(&[
                    ("status", APPLICATION_STATUS),
                    ("at", Instant),
                    ("by", TEXT_OR_NULL),
                    ("reason", TEXT_OR_NULL),
                ]),
            )),
        ),
    ]),
);

/// The server answers; `ok` and `env` are of `/v1`, `status` is of `/api`.
pub const HEALTH: Shape =
    Named("Health", &Object(&[("ok", Ok), ("status", OneOf(&["ok"])), ("env", OneOf(&["development", "production"]))]));

const POISON: Shape = Named("Poison", &Object(&[("position", Position), ("event_type", Text), ("reason", Text)]));
/// Whether the node can serve, and how far its read models are.
pub const READINESS: Shape = Named(
    "Readiness",
    &Object(&[
        ("ready", Flag),
        ("head", Position),
        ("journal", Text),
        (
            "projections",
            List(&Named(
                "ReadModel",
                &Object(&[
                    ("name", Text),
                    ("position", Position),
                    ("lag", Count),
                    ("stopped_by", OrNull(&POISON)),
                    ("failing", TEXT_OR_NULL),
                ]),
            )),
        ),
    ]),
);

/// An event of the record as it is pushed. `data` has the fields that may leave, by type.
pub const EVENT: Shape = Named(
    "Event",
    &Object(&[
        ("p", Position),
        ("type", Text),
        ("agg", Text),
        ("seq", Count),
        ("at", Instant),
        ("cause?", Position),
        ("corr", Text),
        ("data", Open),
    ]),
);
/// A page of events, and the cursor to come back with.
pub const EVENTS: Shape = Named(
    "Events",
    &Object(&[("store", Uuid), ("events", List(&EVENT)), ("upto", Position), ("next", Text), ("head", Position)]),
);

#[cfg(test)]
mod tests {
    use muniment_aggregates::application::{ApplicationStatus, TokenScope};
    use muniment_aggregates::metric::{RuleType, Severity};
    use muniment_projections::alerts::AlertState;

    use super::*;

    fn words(shape: &Shape) -> &'static [&'static str] {
        match shape {
            Named(_, OneOf(words)) => words,
            other => panic!("no words: {other:?}"),
        }
    }

    #[test]
    fn the_words_are_those_of_the_types() {
        assert_eq!(words(&APPLICATION_STATUS), ApplicationStatus::ALL.map(ApplicationStatus::as_str));
        assert_eq!(words(&SCOPE), TokenScope::ALL.map(TokenScope::as_str));
        assert_eq!(words(&RULE_TYPE), RuleType::ALL.map(RuleType::as_str));
        assert!(words(&SEVERITY).iter().all(|word| Severity::parse(word).is_some_and(|it| it.as_str() == *word)));
        assert!(words(&ALERT_STATE).iter().all(|word| AlertState::parse(word).is_some_and(|it| it.as_str() == *word)));
    }
}
