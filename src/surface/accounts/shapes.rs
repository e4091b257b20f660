//! Outputs: the objects of the wire (spec/accounts-and-offers.md section 4.2) as JSON Schema. Every key is always
//! there; what may be `null` says so. What has a name is a schema of its own in the documents.

use crate::surface::shape::Shape;
use Shape::{Count, Empty, Flag, Instant, List, Named, No, Object, Ok, OneOf, Open, OrNull, Text, Uuid};

const TEXT_OR_NULL: Shape = OrNull(&Text);
const UUID_OR_NULL: Shape = OrNull(&Uuid);
const INSTANT_OR_NULL: Shape = OrNull(&Instant);

/// An object, and a second one that has its fields and more.
macro_rules! extended {
    (
        $(#[$doc:meta])* $vis:vis $name:ident = $text:literal: [$($field:expr),+ $(,)?]
        $more:ident = $more_text:literal: and [$($added:expr),+ $(,)?]
    ) => {
        $(#[$doc])*
        $vis const $name: Shape = Named($text, &Object(&[$($field),+]));
        const $more: Shape = Named($more_text, &Object(&[$($field),+, $($added),+]));
    };
}

extended! {
    /// The account as its owner sees it.
    pub SESSION_ACCOUNT = "SessionAccount": [
        ("id", Uuid),
        ("username", Text),
        ("email", TEXT_OR_NULL),
        ("email_verified", Flag),
        ("created_at", Instant),
    ]
    ADMIN_ACCOUNT = "AdminAccount": and [
        ("updated_at", Instant),
        ("updated_by", UUID_OR_NULL),
    ]
}

/// A persona by id and name.
pub const ACTOR_SUMMARY: Shape = Named("ActorSummary", &Object(&[("id", Uuid), ("name", Text)]));

/// A role somebody holds.
pub const ROLE_GRANT: Shape = Named(
    "RoleGrant",
    &Object(&[
        ("id", Uuid),
        ("role", Text),
        ("scope_kind", TEXT_OR_NULL),
        ("scope_id", UUID_OR_NULL),
        ("created_at", Instant),
        ("expires_at", INSTANT_OR_NULL),
        ("granted_by", UUID_OR_NULL),
    ]),
);

const PENDING_OFFER: Shape = Named(
    "PendingOffer",
    &Object(&[
        ("id", Uuid),
        ("role", Text),
        ("scope_kind", TEXT_OR_NULL),
        ("scope_id", UUID_OR_NULL),
        ("from_actor_id", Uuid),
        ("from_username", TEXT_OR_NULL),
        ("created_at", Instant),
        ("expires_at", Instant),
    ]),
);

const ACTOR_WITH_GRANTS: Shape =
    Named("ActorWithGrants", &Object(&[("id", Uuid), ("name", Text), ("role_grants", List(&ROLE_GRANT))]));

const ADMIN_ENTRY: Shape = Named(
    "AdminEntry",
    &Object(&[
        ("account", ADMIN_ACCOUNT),
        ("actor", OrNull(&ACTOR_SUMMARY)),
        ("role_grants", List(&ROLE_GRANT)),
        ("pending_offers", List(&PENDING_OFFER)),
        ("actors", List(&ACTOR_WITH_GRANTS)),
    ]),
);

extended! {
    SESSION = "AccountSession": [
        ("id", Text),
        ("account_id", Uuid),
        ("created_at", Instant),
        ("expires_at", Instant),
        ("last_seen_at", Instant),
    ]
    ADMIN_SESSION = "AdminSession": and [
        ("username", Text),
    ]
}

const API_TOKEN: Shape = Named(
    "ApiToken",
    &Object(&[
        ("id", Text),
        ("account_id", Uuid),
        ("name", Text),
        ("expires_at", INSTANT_OR_NULL),
        ("last_used_at", INSTANT_OR_NULL),
        ("last_used_ip", TEXT_OR_NULL),
        ("created_at", Instant),
    ]),
);

/// An offer of a role.
pub const OFFER: Shape = Named(
    "Offer",
    &Object(&[
        ("id", Uuid),
        ("from_actor_id", Uuid),
        ("to_account_id", Uuid),
        ("to_actor_id", UUID_OR_NULL),
        ("role", Text),
        ("scope_kind", TEXT_OR_NULL),
        ("scope_id", UUID_OR_NULL),
        ("message", TEXT_OR_NULL),
        ("created_at", Instant),
        ("expires_at", Instant),
        ("accepted_at", INSTANT_OR_NULL),
        ("declined_at", INSTANT_OR_NULL),
        ("decline_reason", TEXT_OR_NULL),
        ("retracted_at", INSTANT_OR_NULL),
        ("superseded_at", INSTANT_OR_NULL),
        ("resulting_role_grant_id", UUID_OR_NULL),
    ]),
);

extended! {
    INVITE = "Invite": [
        ("id", Uuid),
        ("email", TEXT_OR_NULL),
        ("username", TEXT_OR_NULL),
        ("claimed_by", UUID_OR_NULL),
        ("claimed_at", INSTANT_OR_NULL),
        ("created_at", Instant),
        ("created_by", UUID_OR_NULL),
    ]
    INVITE_LISTED = "InviteListed": and [
        ("created_by_username", TEXT_OR_NULL),
        ("claimed_by_username", TEXT_OR_NULL),
    ]
}

const SETTINGS: Shape = Named(
    "Settings",
    &Object(&[
        ("open_signup", Flag),
        ("updated_at", INSTANT_OR_NULL),
        ("updated_by", UUID_OR_NULL),
        ("updated_by_username", TEXT_OR_NULL),
    ]),
);

extended! {
    /// A row of the audit as the stream sends it.
    pub AUDIT_EVENT = "AuditEvent": [
        ("id", Uuid),
        ("seq", Count),
        ("event_type", Text),
        ("outcome", Text),
        ("actor_id", UUID_OR_NULL),
        ("account_id", UUID_OR_NULL),
        ("target_account_id", UUID_OR_NULL),
        ("target_actor_id", UUID_OR_NULL),
        ("ip", TEXT_OR_NULL),
        ("created_at", Instant),
        ("metadata", OrNull(&Open)),
    ]
    AUDIT_LISTED = "AuditListed": and [
        ("username", TEXT_OR_NULL),
        ("target_username", TEXT_OR_NULL),
    ]
}

const ACTOR_LABEL: Shape = Named("ActorLabel", &Object(&[("id", Uuid), ("username", Text), ("display_name?", Text)]));

/// `{ok: true}`.
pub const DONE: Shape = Named("Done", &Object(&[("ok", Ok)]));
/// `{}`.
pub const NOTHING: Shape = Empty;
/// `{sessions}`.
pub const SESSIONS: Shape = Object(&[("sessions", List(&SESSION))]);
/// `{sessions}` of all accounts.
pub const ADMIN_SESSIONS: Shape = Object(&[("sessions", List(&ADMIN_SESSION))]);
/// `{ok, revoked}`.
pub const REVOKED: Shape = Object(&[("ok", Ok), ("revoked", Flag)]);
/// `{ok, count}`.
pub const COUNTED: Shape = Object(&[("ok", Ok), ("count", Count)]);
/// `{ok, token, id, name}`.
pub const TOKEN_MADE: Shape = Object(&[("ok", Ok), ("token", Text), ("id", Text), ("name", Text)]);
/// `{tokens}`.
pub const TOKENS: Shape = Object(&[("tokens", List(&API_TOKEN))]);
/// `{accounts, grantable_roles}`.
pub const ADMIN_ACCOUNTS: Shape = Object(&[("accounts", List(&ADMIN_ENTRY)), ("grantable_roles", List(&Text))]);
/// `{events}`.
pub const AUDIT_EVENTS: Shape = Object(&[("events", List(&AUDIT_LISTED))]);
/// `{ok, invite}`.
pub const INVITE_MADE: Shape = Object(&[("ok", Ok), ("invite", INVITE)]);
/// `{invites}`.
pub const INVITES: Shape = Object(&[("invites", List(&INVITE_LISTED))]);
/// `{settings}`.
pub const SETTINGS_SHOWN: Shape = Object(&[("settings", SETTINGS)]);
/// `{ok, settings}`.
pub const SETTINGS_CHANGED: Shape = Object(&[("ok", Ok), ("settings", SETTINGS)]);
/// `{ok, revoked_role_grant_ids, superseded_offer_ids}`.
pub const SCOPE_ENDED: Shape =
    Object(&[("ok", Ok), ("revoked_role_grant_ids", List(&Uuid)), ("superseded_offer_ids", List(&Uuid))]);
/// `{offer}`.
pub const OFFER_MADE: Shape = Object(&[("offer", OFFER)]);
/// `{role_grant_id, offer, superseded_offer_ids}`.
pub const OFFER_ACCEPTED: Shape =
    Object(&[("role_grant_id", Uuid), ("offer", OFFER), ("superseded_offer_ids", List(&Uuid))]);
/// `{offers}`.
pub const OFFERS: Shape = Object(&[("offers", List(&OFFER))]);
/// `{ok, enabled, changed}`.
pub const SWITCHED: Shape = Object(&[("ok", Ok), ("enabled", Flag), ("changed", Flag)]);
/// `{actors}` by label.
pub const ACTOR_LABELS: Shape = Object(&[("actors", List(&ACTOR_LABEL))]);
/// `{actors}` by id and name.
pub const ACTORS: Shape = Object(&[("actors", List(&ACTOR_SUMMARY))]);
/// `{ok, actor}`.
pub const ACTOR_MADE: Shape = Object(&[("ok", Ok), ("actor", ACTOR_SUMMARY)]);
/// `{holds, sentence, proof}`.
pub const WHY: Shape = Object(&[("holds", Flag), ("sentence", Text), ("proof", List(&Open))]);
/// `{ok, sessions_revoked, tokens_revoked}`.
pub const PASSWORD_CHANGED: Shape =
    Named("PasswordChanged", &Object(&[("ok", Ok), ("sessions_revoked", Count), ("tokens_revoked", Count)]));
/// `{ok, username}`.
pub const LOGGED_OUT: Shape = Named("LoggedOut", &Object(&[("ok", Ok), ("username", Text)]));
/// `{account, actor, role_grants}`.
pub const STATUS: Shape = Named(
    "AccountStatus",
    &Object(&[("account", SESSION_ACCOUNT), ("actor", OrNull(&ACTOR_SUMMARY)), ("role_grants", List(&ROLE_GRANT))]),
);
/// `{ok, account, actor}`.
pub const BOOTSTRAPPED: Shape = Named(
    "Bootstrapped",
    &Object(&[
        ("ok", Ok),
        ("account", Object(&[("id", Uuid), ("username", Text)])),
        ("actor", Object(&[("id", Uuid)])),
    ]),
);
/// `{version, uptime_ms}`.
pub const SERVER: Shape = Named("ServerStatus", &Object(&[("version", Text), ("uptime_ms", Count)]));
/// `{connected, type, name}`.
pub const DATABASE: Shape = Named("Database", &Object(&[("connected", Flag), ("type", Text), ("name", Text)]));
/// The answer of a database that does not answer.
pub const DATABASE_DOWN: Shape = Named(
    "DatabaseDown",
    &Object(&[("connected", No), ("type", Text), ("error", OneOf(&["database_connection_failed"]))]),
);
/// A refusal of REST (section 8.4); a row and status narrow `error` to their reasons.
pub const REFUSAL: Shape = Named(
    "ApiRefusal",
    &Object(&[
        ("error", Text),
        ("issues?", List(&ISSUE)),
        ("required_roles?", List(&Text)),
        ("required_credential_types?", List(&Text)),
        ("retry_after?", Count),
        ("available?", List(&ACTOR_SUMMARY)),
        ("bootstrap_available?", Ok),
        ("message?", Text),
    ]),
);
/// Something wrong with an input, by its path.
pub const ISSUE: Shape = Named(
    "InputIssue",
    &Object(&[
        (
            "code",
            OneOf(&[
                "invalid_type",
                "too_small",
                "too_big",
                "invalid_format",
                "invalid_value",
                "unrecognized_keys",
                "custom",
            ]),
        ),
        ("message", Text),
        ("path", List(&Text)),
    ]),
);
/// Params of a notification about an offer.
pub const OFFER_NOTICE: Shape = Object(&[("offer", OFFER)]);
/// Params of a notification that an offer fell away.
pub const SUPERSEDE_NOTICE: Shape = Object(&[("offer", OFFER), ("reason", Text), ("cause_id", Uuid)]);
/// Params of a notification that a role was taken.
pub const REVOKE_NOTICE: Shape =
    Object(&[("role_grant_id", Uuid), ("role", Text), ("scope_id", UUID_OR_NULL), ("reason", TEXT_OR_NULL)]);
