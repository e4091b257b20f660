//! What each event is in the words of the audit view (spec/metrics.md section 11): action, resource, who, metadata.
//! Never a code, a secret or a hash of one.

use chrono::Timelike;
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::application::ApplicationEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::challenge::ChallengeEvent;
use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::metric::MetricEvent;
use muniment_aggregates::record::Who;
use muniment_aggregates::scheduler::SchedulerEvent;
use muniment_aggregates::sealed::Sealed;
use muniment_aggregates::session::{SessionEvent, SessionKind};
use muniment_aggregates::subject::SubjectEvent;
use muniment_aggregates::wire;
use serde_json::{Map, Value, json};

use crate::fact::Fact;

/// Name of the token that an application is made with; a primary metric is recorded as its doing.
const DEFAULT_TOKEN: &str = "default-agent-token";

/// How a row names who did it.
pub(super) enum Label {
    /// By who the metadata say it was.
    Who,
    /// By a name that is nobody's personal data.
    Clear(&'static str),
    /// By this e-mail.
    Email(Sealed),
    /// By the e-mail of this account or application, found under the key when the row is read.
    Key(String),
}

/// A row of the audit view, before who and when.
pub(super) struct Described {
    pub(super) action: &'static str,
    pub(super) company: Option<CompanyId>,
    pub(super) resource_type: &'static str,
    pub(super) resource_id: Option<String>,
    pub(super) label: Label,
    /// The account it is about, where the metadata do not name one.
    pub(super) account: Option<String>,
    pub(super) metadata: Value,
    /// Further events under this key do not make rows; they are counted.
    pub(super) coalesced: Option<String>,
}

impl Described {
    fn new(action: &'static str, resource_type: &'static str, resource_id: impl ToString) -> Self {
        Self {
            action,
            company: None,
            resource_type,
            resource_id: Some(resource_id.to_string()),
            label: Label::Who,
            account: None,
            metadata: json!({}),
            coalesced: None,
        }
    }

    fn company(mut self, company: &CompanyId) -> Self {
        self.company = Some(company.clone());
        self
    }

    fn label(mut self, label: Label) -> Self {
        self.label = label;
        self
    }

    fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Key under which the e-mail of an account is kept for labels.
pub(super) fn account_key(account: &str) -> String {
    format!("account/{account}")
}

/// Key under which the e-mail of an application's founder is kept for labels.
pub(super) fn application_key(application: &str) -> String {
    format!("application/{application}")
}

/// The e-mail that later rows may need for their label, and its key.
pub(super) fn learned_label<'b>(fact: &Fact<'b>) -> Option<(String, &'b Sealed)> {
    let id = &*fact.recorded.stream.id;
    match fact.event {
        AnyEvent::Account(AccountEvent::Registered(registered)) => {
            registered.email.as_ref().map(|email| (account_key(id), email))
        }
        AnyEvent::Account(AccountEvent::EmailVerified(verified)) => Some((account_key(id), &verified.email)),
        AnyEvent::Application(ApplicationEvent::Submitted(submitted)) => {
            Some((application_key(id), &submitted.founder_email))
        }
        AnyEvent::Account(
            AccountEvent::SessionOpened(_)
            | AccountEvent::SessionExtended(_)
            | AccountEvent::SessionEvicted(_)
            | AccountEvent::SessionClosed(_)
            | AccountEvent::SessionsEnded(_)
            | AccountEvent::ApiTokenIssued(_)
            | AccountEvent::ApiTokenEvicted(_)
            | AccountEvent::ApiTokenRevoked(_)
            | AccountEvent::TokensEnded(_)
            | AccountEvent::PasswordChanged(_)
            | AccountEvent::PasswordRemoved(_)
            | AccountEvent::PersonaAdded(_)
            | AccountEvent::Erased(_),
        )
        | AnyEvent::Application(
            ApplicationEvent::StatusChanged(_)
            | ApplicationEvent::Withdrawn(_)
            | ApplicationEvent::TokenIssued(_)
            | ApplicationEvent::TokenRevoked(_)
            | ApplicationEvent::TokenRotated(_),
        )
        | AnyEvent::Metric(_)
        | AnyEvent::Challenge(_)
        | AnyEvent::Session(_)
        | AnyEvent::OfferBook(_)
        | AnyEvent::Scope(_)
        | AnyEvent::Roster(_)
        | AnyEvent::Invite(_)
        | AnyEvent::Settings(_)
        | AnyEvent::Attempt(_)
        | AnyEvent::Note(_)
        | AnyEvent::Scheduler(_)
        | AnyEvent::Subject(_) => None,
    }
}

/// The row of an event, where it makes one.
pub(super) fn describe(fact: &Fact<'_>) -> Option<Described> {
    let id = &*fact.recorded.stream.id;
    match fact.event {
        AnyEvent::Metric(event) => Some(metric(fact, id, event)),
        AnyEvent::Application(event) => Some(application(fact, id, event)),
        AnyEvent::Challenge(event) => challenge(fact, event),
        AnyEvent::Account(event) => account(id, event),
        AnyEvent::Session(event) => session(id, event),
        // Accounts and consent have an audit view of their own.
        AnyEvent::OfferBook(_)
        | AnyEvent::Scope(_)
        | AnyEvent::Roster(_)
        | AnyEvent::Invite(_)
        | AnyEvent::Settings(_)
        | AnyEvent::Attempt(_)
        | AnyEvent::Note(_) => None,
        AnyEvent::Scheduler(SchedulerEvent::Ticked(_)) => Some(Described {
            resource_id: None,
            label: Label::Clear("system"),
            metadata: json!({ "note": "reserved for source sync jobs" }),
            ..Described::new("scheduled_tick", "worker", "")
        }),
        AnyEvent::Subject(SubjectEvent::Erased(erased)) => {
            Some(Described::new("subject.erased", "subject", id).metadata(json!({ "reason": erased.reason })))
        }
    }
}

fn challenge(fact: &Fact<'_>, event: &ChallengeEvent) -> Option<Described> {
    match event {
        ChallengeEvent::Issued(issued) => Some(
            Described::new("auth.otp.started", "email_otp", &issued.otp)
                .label(Label::Email(issued.email.clone()))
                .metadata(json!({ "sent": issued.sent })),
        ),
        ChallengeEvent::GuessFailed(failed) => {
            let at = fact.recorded.recorded_at;
            let minute = at.with_second(0).unwrap_or(at).timestamp();
            let row = Described::new("auth.otp.failed", "email_otp", &failed.otp);
            Some(Described {
                coalesced: Some(format!("auth.otp.failed/{}/{minute}", failed.subject)),
                ..row.label(Label::Email(failed.email.clone()))
            })
        }
        // The session that starts with it is the row.
        ChallengeEvent::Consumed(_) => None,
        // Part of starting the newer code.
        ChallengeEvent::Superseded(_) => None,
    }
}

fn session(id: &str, event: &SessionEvent) -> Option<Described> {
    match event {
        SessionEvent::Started(started) if started.kind == SessionKind::Founder => Some(Described {
            account: Some(started.account.0.clone()),
            ..Described::new("auth.otp.verified", "email_session", id)
                .label(Label::Key(account_key(&started.account.0)))
        }),
        // Sessions by cookie belong to the audit view of accounts.
        SessionEvent::Started(_) | SessionEvent::Extended(_) => None,
        SessionEvent::Revoked(revoked) => Some(session_ended(id, &revoked.reason)),
    }
}

/// A session ends once, whichever of the two streams says so first.
fn session_ended(id: &str, reason: &str) -> Described {
    Described {
        coalesced: Some(format!("session.revoked/{id}")),
        ..Described::new("session.revoked", "email_session", id).metadata(json!({ "reason": reason }))
    }
}

fn account(id: &str, event: &AccountEvent) -> Option<Described> {
    match event {
        AccountEvent::SessionEvicted(evicted) => Some(session_ended(&evicted.session.0, "evicted")),
        AccountEvent::SessionClosed(closed) => Some(session_ended(&closed.session.0, &closed.reason)),
        AccountEvent::Erased(erased) => {
            Some(Described::new("account.erased", "account", id).metadata(json!({ "reason": erased.reason })))
        }
        // The sign-in that made them is the row.
        AccountEvent::Registered(_)
        | AccountEvent::EmailVerified(_)
        | AccountEvent::SessionOpened(_)
        | AccountEvent::SessionExtended(_)
        | AccountEvent::SessionsEnded(_)
        | AccountEvent::ApiTokenIssued(_)
        | AccountEvent::ApiTokenEvicted(_)
        | AccountEvent::ApiTokenRevoked(_)
        | AccountEvent::TokensEnded(_)
        | AccountEvent::PasswordChanged(_)
        | AccountEvent::PasswordRemoved(_)
        | AccountEvent::PersonaAdded(_) => None,
    }
}

/// Whoever proved no identity while an application was made is its founder.
fn founder_or_who(fact: &Fact<'_>, application: &str) -> Label {
    match fact.metadata.who {
        Who::Anonymous => Label::Key(application_key(application)),
        Who::System { .. } | Who::Operator | Who::Account { .. } | Who::Agent { .. } => Label::Who,
    }
}

fn application(fact: &Fact<'_>, id: &str, event: &ApplicationEvent) -> Described {
    match event {
        ApplicationEvent::Submitted(submitted) => Described::new("application.created", "application", id)
            .company(&submitted.company)
            .label(Label::Email(submitted.founder_email.clone())),
        ApplicationEvent::StatusChanged(changed) => {
            let mut metadata = Map::new();
            metadata.insert("from".to_owned(), json!(changed.previous.as_str()));
            metadata.insert("to".to_owned(), json!(changed.status.as_str()));
            insert_some(&mut metadata, "reason", changed.reason.as_deref());
            Described::new("application.status_changed", "application", id)
                .company(&changed.company)
                .metadata(metadata.into())
        }
        ApplicationEvent::Withdrawn(withdrawn) => {
            let mut metadata = Map::new();
            metadata.insert("from".to_owned(), json!(withdrawn.previous.as_str()));
            insert_some(&mut metadata, "reason", withdrawn.reason.as_deref());
            Described::new("application.withdrawn", "application", id)
                .company(&withdrawn.company)
                .metadata(metadata.into())
        }
        ApplicationEvent::TokenIssued(issued) => Described::new("agent_token.created", "agent_token", &issued.token.id)
            .company(&issued.company)
            .label(founder_or_who(fact, id))
            .metadata(json!({
                "name": issued.token.name,
                "scopes": issued.token.scopes,
                "allowed_metrics": issued.token.allowed_metrics,
                "expires_at": issued.token.expires_at.map(wire::instant),
            })),
        ApplicationEvent::TokenRevoked(revoked) => {
            let mut metadata = Map::new();
            metadata.insert("name".to_owned(), json!(revoked.name));
            insert_some(&mut metadata, "reason", revoked.reason.as_deref());
            Described::new("agent_token.revoked", "agent_token", &revoked.token)
                .company(&revoked.company)
                .metadata(metadata.into())
        }
        ApplicationEvent::TokenRotated(rotated) => Described::new("agent_token.rotated", "agent_token", &rotated.token)
            .company(&rotated.company)
            .metadata(json!({
                "name": rotated.replacement.name,
                "replacement": rotated.replacement.id,
                "ends_at": wire::instant(rotated.ends_at),
            })),
    }
}

fn metric(fact: &Fact<'_>, id: &str, event: &MetricEvent) -> Described {
    match event {
        MetricEvent::Defined(defined) => {
            let label = match fact.metadata.who {
                Who::Agent { .. } => Label::Who,
                Who::Anonymous | Who::System { .. } | Who::Operator | Who::Account { .. } => {
                    Label::Clear(DEFAULT_TOKEN)
                }
            };
            Described::new("metric.created", "metric", id)
                .company(&defined.company)
                .label(label)
                .metadata(json!({ "key": defined.metric_key }))
        }
        MetricEvent::SettingsChanged(changed) => {
            let mut metadata = Map::new();
            metadata.insert("key".to_owned(), json!(changed.metric_key));
            insert_some(&mut metadata, "display_name", changed.display_name.as_deref());
            insert_some(&mut metadata, "unit", changed.unit.as_deref());
            insert_some(&mut metadata, "cadence", changed.cadence.as_deref());
            insert_some(&mut metadata, "direction", changed.direction.as_deref());
            insert_some(&mut metadata, "source_type", changed.source_type.as_deref());
            Described::new("metric.settings_changed", "metric", id).company(&changed.company).metadata(metadata.into())
        }
        MetricEvent::PointRecorded(point) => Described::new("metric_point.created", "metric_point", &point.point)
            .company(&point.company)
            .metadata(json!({ "key": point.metric_key, "value": wire::number(point.value) })),
        MetricEvent::PointCorrected(corrected) => {
            let mut metadata = Map::new();
            metadata.insert("key".to_owned(), json!(corrected.metric_key));
            metadata.insert("value".to_owned(), wire::number(corrected.value));
            insert_some(&mut metadata, "reason", corrected.reason.as_deref());
            Described::new("metric_point.corrected", "metric_point", &corrected.point)
                .company(&corrected.company)
                .metadata(metadata.into())
        }
        MetricEvent::RuleSet(set) => {
            let rule_type = set.rule.condition.rule_type();
            let mut metadata = wire::rule(&set.rule);
            metadata.insert("key".to_owned(), json!(set.metric_key));
            Described::new("rule.set", "rule", format!("{id}/{rule_type}"))
                .company(&set.company)
                .metadata(metadata.into())
        }
        MetricEvent::AlertRaised(raised) => {
            Described::new("alert.raised", "alert", &raised.finding.alert).company(&raised.company).metadata(json!({
                "key": raised.metric_key,
                "alert_type": raised.finding.alert_type.as_str(),
                "severity": raised.finding.severity.as_str(),
                "point_id": raised.finding.point,
                "rule_version": raised.finding.rule_version,
            }))
        }
        MetricEvent::AlertAcknowledged(acknowledged) => {
            let mut metadata = Map::new();
            metadata.insert("key".to_owned(), json!(acknowledged.metric_key));
            insert_some(&mut metadata, "note", acknowledged.note.as_deref());
            Described::new("alert.acknowledged", "alert", &acknowledged.alert)
                .company(&acknowledged.company)
                .metadata(metadata.into())
        }
        MetricEvent::AlertResolved(resolved) => {
            let mut metadata = Map::new();
            metadata.insert("key".to_owned(), json!(resolved.metric_key));
            insert_some(&mut metadata, "note", resolved.note.as_deref());
            Described::new("alert.resolved", "alert", &resolved.alert)
                .company(&resolved.company)
                .metadata(metadata.into())
        }
    }
}

fn insert_some(metadata: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        metadata.insert(name.to_owned(), json!(value));
    }
}
