//! What each event is in the audit of the whole installation: nothing can be done that it does not show. An event has a
//! row, or the row of the deed that it belongs to stands for it. A test holds this table against the catalogue of events
//! and against the rows that are made.

/// How an event shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// By a row of one of these types.
    Row(&'static [&'static str]),
    /// By a row of the type that the event names.
    Named,
    /// By a row of one of these types where somebody did it; otherwise as is said.
    Sometimes(&'static [&'static str], &'static str),
    /// By no row of its own, for this reason.
    Never(&'static str),
}

use Shown::{Named, Never, Row, Sometimes};

const GRANTS: &str = "the change of the role beside it is the row";

/// Every event there is, in the order of the catalogue.
pub const SHOWN: &[(&str, Shown)] = &[
    ("metric.defined", Row(&["metric.created"])),
    ("metric.settings_changed", Row(&["metric.settings_changed"])),
    ("metric.point_recorded", Row(&["metric_point.created"])),
    ("metric.point_corrected", Row(&["metric_point.corrected"])),
    ("metric.rule_set", Row(&["rule.set"])),
    ("metric.alert_raised", Row(&["alert.raised"])),
    ("metric.alert_acknowledged", Row(&["alert.acknowledged"])),
    ("metric.alert_resolved", Row(&["alert.resolved"])),
    ("application.submitted", Row(&["application.created"])),
    ("application.status_changed", Row(&["application.status_changed"])),
    ("application.withdrawn", Row(&["application.withdrawn"])),
    ("agent_token.issued", Row(&["agent_token.created"])),
    ("agent_token.revoked", Row(&["agent_token.revoked"])),
    ("agent_token.rotated", Row(&["agent_token.rotated"])),
    ("challenge.issued", Row(&["auth.otp.started"])),
    ("challenge.superseded", Never("the newer code of the same append is the row")),
    ("challenge.guess_failed", Row(&["auth.otp.failed"])),
    ("challenge.consumed", Never("the session that starts with it is the row")),
    ("account.registered", Row(&["signup", "bootstrap", "account_create"])),
    ("account.email_verified", Row(&["email_verify"])),
    (
        "account.session_opened",
        Sometimes(&["login"], "the sign-up, the bootstrap or the code that opened it is the row"),
    ),
    ("account.session_extended", Never("a session in use lasts longer; nobody did anything")),
    (
        "account.session_evicted",
        Sometimes(&["session.revoked"], "the sign-in that took the place of a cookie is the row"),
    ),
    (
        "account.session_closed",
        Sometimes(
            &["logout", "session_revoke", "session_end", "session.revoked"],
            "a cookie that ran out was ended by nobody",
        ),
    ),
    ("account.sessions_ended", Row(&["session_revoke_all"])),
    ("account.api_token_issued", Row(&["token_create"])),
    ("account.api_token_evicted", Never("the newer token of the same append is the row")),
    ("account.api_token_revoked", Row(&["token_revoke"])),
    ("account.tokens_ended", Row(&["token_revoke_all"])),
    ("account.password_changed", Row(&["password_change"])),
    ("account.password_removed", Row(&["password_remove"])),
    ("account.persona_added", Row(&["actor_create"])),
    ("account.erased", Row(&["account_erase"])),
    ("session.started", Sometimes(&["auth.otp.verified"], "a cookie's start is a row of its account")),
    ("session.extended", Never("a session in use lasts longer; nobody did anything")),
    ("session.revoked", Sometimes(&["session.revoked"], "a cookie's end is a row of its account")),
    ("offer.made", Row(&["role_grant_offer_create"])),
    ("offer.refreshed", Row(&["role_grant_offer_create"])),
    ("offer.accepted", Row(&["role_grant_offer_accept"])),
    ("offer.declined", Row(&["role_grant_offer_decline"])),
    ("offer.retracted", Row(&["role_grant_offer_retract"])),
    ("offer.superseded", Row(&["role_grant_offer_supersede"])),
    ("offer.lapsed", Row(&["role_grant_offer_expire"])),
    ("grant.created", Row(&["role_grant_create"])),
    ("grant.revoked", Row(&["role_grant_revoke"])),
    ("scope.joined", Never("the offer or the role that brought the account to the scope is the row")),
    ("scope.left", Never("nobody did anything: what ended at the scope was a row then")),
    ("scope.destroyed", Row(&["scope_destroy"])),
    ("roster.founded", Never(GRANTS)),
    ("roster.admitted", Never(GRANTS)),
    ("roster.left", Never(GRANTS)),
    ("invite.created", Row(&["invite_create"])),
    ("invite.claimed", Never("the account that was made on it is the row, with the invitation's id")),
    ("invite.deleted", Row(&["invite_delete"])),
    ("settings.open_signup_set", Row(&["app_settings_update"])),
    ("attempt.refused", Named),
    ("note.recorded", Named),
    ("scheduler.ticked", Row(&["scheduled_tick"])),
    ("subject.erased", Row(&["subject_erase"])),
];
