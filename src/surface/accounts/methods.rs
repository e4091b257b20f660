//! The table of the RPC methods of `/api`: who may call each, what goes in and comes out, and why it may refuse
//! (spec/accounts-and-offers.md sections 4.3 to 4.6). Dispatch, documents, limits and the tests of section 10 read it,
//! so they cannot disagree.

use super::bus_failure::STEP_TOO_LARGE;
use super::schema::{ACTING, Field, Kind, optional, optional_not_null, required};
use super::shapes;
use crate::surface::shape::Shape;

/// Which RPC method a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each row of the table describes its method")]
pub enum Rpc {
    AccountVerify,
    SessionList,
    SessionRevoke,
    SessionRevokeAll,
    TokenCreate,
    TokenList,
    TokenRevoke,
    AdminAccountList,
    AdminSessionList,
    AdminSessionRevokeAll,
    AdminTokenRevokeAll,
    AuditList,
    AuditGrantHistory,
    InviteCreate,
    InviteList,
    InviteDelete,
    SettingsGet,
    SettingsUpdate,
    GrantRevoke,
    ScopeDestroy,
    OfferCreate,
    OfferAccept,
    OfferDecline,
    OfferRetract,
    OfferList,
    OfferHistory,
    SelfServiceSet,
    RoleWhy,
    ActorLookup,
    ActorSearch,
    ActorCreate,
    ActorList,
    Heartbeat,
}

/// What goes in.
#[derive(Debug, Clone, Copy)]
pub enum Params {
    /// Nothing: `params` must be absent.
    Void,
    /// An object; absent is `{}`.
    Fields(&'static [Field]),
}

/// A method of `/api/rpc` and `/api/ws`.
#[derive(Debug, Clone, Copy)]
pub struct RpcMethod {
    /// Which.
    pub rpc: Rpc,
    /// Its name on the wire.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Whether it acts as a persona.
    pub persona: bool,
    /// The roles of which the persona must hold one everywhere; none for any.
    pub roles: &'static [&'static str],
    /// The types of credential that may call it; none for any.
    pub credentials: &'static [&'static str],
    /// Whether it changes anything. What does not may be read with GET.
    pub side_effects: bool,
    /// Whether it counts against the account's budget.
    pub limited: bool,
    /// Whether a call that ends nothing does, though one that ends something does not.
    pub failures_limited: bool,
    /// Whether only sockets have it.
    pub socket_only: bool,
    /// What goes in.
    pub params: Params,
    /// Fields of which one at least must be there.
    pub one_of: &'static [&'static str],
    /// What comes out.
    pub output: Shape,
    /// Why it may refuse, beyond its gates.
    pub reasons: &'static [&'static str],
}

const READS: RpcMethod = RpcMethod {
    rpc: Rpc::AccountVerify,
    name: "",
    about: "",
    persona: false,
    roles: &[],
    credentials: &[],
    side_effects: false,
    limited: false,
    failures_limited: false,
    socket_only: false,
    params: Params::Void,
    one_of: &[],
    output: shapes::DONE,
    reasons: &[],
};
const WRITES: RpcMethod = RpcMethod { side_effects: true, ..READS };
const SESSION_WRITES: RpcMethod = RpcMethod { credentials: &["session"], ..WRITES };
const ADMIN_READS: RpcMethod = RpcMethod { persona: true, roles: &["admin"], limited: true, ..READS };
const ADMIN_WRITES: RpcMethod = RpcMethod { side_effects: true, ..ADMIN_READS };
const PERSONA_READS: RpcMethod = RpcMethod { persona: true, ..READS };
const PERSONA_WRITES: RpcMethod = RpcMethod { side_effects: true, ..PERSONA_READS };

const REASON: Field = optional("reason", Kind::Text { min: 0, max: 500 });
const PAGE_OFFSET: Field = optional("offset", Kind::Count { min: 0, max: i64::MAX.unsigned_abs() });
const PAGE_200: Field = optional("limit", Kind::Count { min: 1, max: 200 });
const ONLY_ACTING: Params = Params::Fields(&[ACTING]);
const OFFER_ID: Params = Params::Fields(&[required("offer_id", Kind::Uuid), ACTING]);
const ACCOUNT_ID: Params = Params::Fields(&[required("account_id", Kind::Uuid), ACTING]);

/// Every RPC method.
pub const RPC_METHODS: &[RpcMethod] = &[
    RpcMethod {
        rpc: Rpc::AccountVerify,
        name: "account_verify",
        about: "Shows the account of the credential",
        output: shapes::SESSION_ACCOUNT,
        ..READS
    },
    RpcMethod {
        rpc: Rpc::SessionList,
        name: "account_session_list",
        about: "Lists one's own live sessions, newest first",
        output: shapes::SESSIONS,
        ..READS
    },
    RpcMethod {
        rpc: Rpc::SessionRevoke,
        name: "account_session_revoke",
        about: "Ends one of one's own sessions",
        params: Params::Fields(&[required("session_id", Kind::SessionHash)]),
        output: shapes::REVOKED,
        failures_limited: true,
        ..SESSION_WRITES
    },
    RpcMethod {
        rpc: Rpc::SessionRevokeAll,
        name: "account_session_revoke_all",
        about: "Ends all of one's own sessions, this one too",
        output: shapes::COUNTED,
        ..SESSION_WRITES
    },
    RpcMethod {
        rpc: Rpc::TokenCreate,
        name: "account_token_create",
        about: "Makes an API token; the raw token is shown this once",
        limited: true,
        params: Params::Fields(&[optional_not_null("name", Kind::Line { min: 0, max: 200 })]),
        output: shapes::TOKEN_MADE,
        ..SESSION_WRITES
    },
    RpcMethod {
        rpc: Rpc::TokenList,
        name: "account_token_list",
        about: "Lists one's own API tokens, newest first",
        output: shapes::TOKENS,
        ..READS
    },
    RpcMethod {
        rpc: Rpc::TokenRevoke,
        name: "account_token_revoke",
        about: "Ends one of one's own API tokens",
        params: Params::Fields(&[required("token_id", Kind::TokenId)]),
        output: shapes::REVOKED,
        failures_limited: true,
        ..SESSION_WRITES
    },
    RpcMethod {
        rpc: Rpc::AdminAccountList,
        name: "admin_account_list",
        about: "Lists accounts with their personas, roles and pending offers, oldest first",
        params: Params::Fields(&[PAGE_200, PAGE_OFFSET, ACTING]),
        output: shapes::ADMIN_ACCOUNTS,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::AdminSessionList,
        name: "admin_session_list",
        about: "Lists the live sessions of all accounts, last seen first",
        params: ONLY_ACTING,
        output: shapes::ADMIN_SESSIONS,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::AdminSessionRevokeAll,
        name: "admin_session_revoke_all",
        about: "Ends all sessions of an account",
        params: ACCOUNT_ID,
        output: shapes::COUNTED,
        reasons: &["account_not_found"],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::AdminTokenRevokeAll,
        name: "admin_token_revoke_all",
        about: "Ends all API tokens of an account",
        params: ACCOUNT_ID,
        output: shapes::COUNTED,
        reasons: &["account_not_found"],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::AuditList,
        name: "audit_log_list",
        about: "Lists what happened, newest first",
        params: Params::Fields(&[
            optional("event_type", Kind::EventType),
            optional("outcome", Kind::Outcome),
            optional("account_id", Kind::Uuid),
            PAGE_200,
            PAGE_OFFSET,
            optional("since_seq", Kind::Count { min: 0, max: i64::MAX.unsigned_abs() }),
            ACTING,
        ]),
        output: shapes::AUDIT_EVENTS,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::AuditGrantHistory,
        name: "audit_log_role_grant_history",
        about: "Lists which roles were given and taken, newest first",
        params: Params::Fields(&[PAGE_200, PAGE_OFFSET, ACTING]),
        output: shapes::AUDIT_EVENTS,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::InviteCreate,
        name: "invite_create",
        about: "Invites somebody by e-mail, username or both",
        params: Params::Fields(&[optional("email", Kind::Email), optional("username", Kind::NewUsername), ACTING]),
        one_of: &["email", "username"],
        output: shapes::INVITE_MADE,
        reasons: &["invite_account_exists_username", "invite_account_exists_email", "invite_duplicate"],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::InviteList,
        name: "invite_list",
        about: "Lists invitations, newest first",
        params: ONLY_ACTING,
        output: shapes::INVITES,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::InviteDelete,
        name: "invite_delete",
        about: "Takes back an invitation nobody has used",
        params: Params::Fields(&[required("invite_id", Kind::Uuid), ACTING]),
        output: shapes::DONE,
        reasons: &["invite_not_found"],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::SettingsGet,
        name: "app_settings_get",
        about: "Shows the installation's switches",
        limited: false,
        params: ONLY_ACTING,
        output: shapes::SETTINGS_SHOWN,
        ..ADMIN_READS
    },
    RpcMethod {
        rpc: Rpc::SettingsUpdate,
        name: "app_settings_update",
        about: "Turns the installation's switches",
        params: Params::Fields(&[required("open_signup", Kind::Flag), ACTING]),
        output: shapes::SETTINGS_CHANGED,
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::GrantRevoke,
        name: "role_grant_revoke",
        about: "Takes a role from a persona, and with it the open offers of that role",
        params: Params::Fields(&[
            required("actor_id", Kind::Uuid),
            required("role_grant_id", Kind::Uuid),
            REASON,
            ACTING,
        ]),
        output: shapes::REVOKED,
        reasons: &["role_grant_not_found", "role_not_web_grantable", "last_holder", STEP_TOO_LARGE],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::ScopeDestroy,
        name: "scope_destroy",
        about: "Ends every role and offer at a scope, for good",
        params: Params::Fields(&[required("scope_kind", Kind::Name), required("scope_id", Kind::Uuid), REASON, ACTING]),
        output: shapes::SCOPE_ENDED,
        reasons: &[STEP_TOO_LARGE],
        ..ADMIN_WRITES
    },
    RpcMethod {
        rpc: Rpc::OfferCreate,
        name: "role_grant_offer_create",
        about: "Offers a role to an account",
        limited: true,
        params: Params::Fields(&[
            required("to_account_id", Kind::Uuid),
            optional("to_actor_id", Kind::Uuid),
            required("role", Kind::Name),
            optional("scope_kind", Kind::Name),
            optional("scope_id", Kind::Uuid),
            optional("message", Kind::Text { min: 0, max: 500 }),
            ACTING,
        ]),
        output: shapes::OFFER_MADE,
        reasons: &[
            "role_grant_offer_role_not_grantable",
            "role_grant_offer_not_authorized",
            "account_not_found",
            "role_grant_offer_self_target",
            "role_grant_offer_actor_account_mismatch",
            "scope_destroyed",
        ],
        ..PERSONA_WRITES
    },
    RpcMethod {
        rpc: Rpc::OfferAccept,
        name: "role_grant_offer_accept",
        about: "Accepts an offer: the persona holds the role from then on",
        params: OFFER_ID,
        output: shapes::OFFER_ACCEPTED,
        reasons: &[
            "role_grant_offer_not_found",
            "role_grant_offer_terminal",
            "role_grant_offer_expired",
            "role_grant_offer_actor_mismatch",
            STEP_TOO_LARGE,
        ],
        ..PERSONA_WRITES
    },
    RpcMethod {
        rpc: Rpc::OfferDecline,
        name: "role_grant_offer_decline",
        about: "Declines an offer",
        params: Params::Fields(&[required("offer_id", Kind::Uuid), REASON, ACTING]),
        output: shapes::DONE,
        reasons: &["role_grant_offer_not_found", "role_grant_offer_terminal"],
        ..PERSONA_WRITES
    },
    RpcMethod {
        rpc: Rpc::OfferRetract,
        name: "role_grant_offer_retract",
        about: "Takes back an offer one made",
        params: OFFER_ID,
        output: shapes::DONE,
        reasons: &["role_grant_offer_not_found", "role_grant_offer_terminal"],
        ..PERSONA_WRITES
    },
    RpcMethod {
        rpc: Rpc::OfferList,
        name: "role_grant_offer_list",
        about: "Lists the offers that wait for an account, soonest end first",
        params: Params::Fields(&[optional("account_id", Kind::Uuid), ACTING]),
        output: shapes::OFFERS,
        reasons: &["insufficient_permissions"],
        ..PERSONA_READS
    },
    RpcMethod {
        rpc: Rpc::OfferHistory,
        name: "role_grant_offer_history",
        about: "Lists offers made to and by an account, in every state, newest first",
        params: Params::Fields(&[
            optional("account_id", Kind::Uuid),
            optional("limit", Kind::Count { min: 1, max: 500 }),
            PAGE_OFFSET,
            ACTING,
        ]),
        output: shapes::OFFERS,
        reasons: &["insufficient_permissions"],
        ..PERSONA_READS
    },
    RpcMethod {
        rpc: Rpc::SelfServiceSet,
        name: "self_service_role_set",
        about: "Takes or leaves a role that its holder decides on",
        limited: true,
        params: Params::Fields(&[required("role", Kind::Name), required("enabled", Kind::Flag), ACTING]),
        output: shapes::SWITCHED,
        reasons: &["role_not_self_service_eligible", STEP_TOO_LARGE],
        ..PERSONA_WRITES
    },
    RpcMethod {
        rpc: Rpc::RoleWhy,
        name: "role_why",
        about: "Proves from the record why an account holds a role, or says why it does not, at any past moment",
        params: Params::Fields(&[
            optional("account_id", Kind::Uuid),
            required("role", Kind::Name),
            optional("scope_kind", Kind::Name),
            optional("scope_id", Kind::Uuid),
            optional("at", Kind::Moment),
            ACTING,
        ]),
        output: shapes::WHY,
        reasons: &["insufficient_permissions", "account_not_found"],
        // It walks the record.
        limited: true,
        ..PERSONA_READS
    },
    RpcMethod {
        rpc: Rpc::ActorLookup,
        name: "actor_lookup",
        about: "Names personas by id",
        limited: true,
        params: Params::Fields(&[required("ids", Kind::Uuids { min: 1, max: 50 })]),
        output: shapes::ACTOR_LABELS,
        ..READS
    },
    RpcMethod {
        rpc: Rpc::ActorSearch,
        name: "actor_search",
        about: "Finds personas by the beginning of their name",
        limited: true,
        params: Params::Fields(&[
            required("query", Kind::Text { min: 1, max: 50 }),
            optional_not_null("scope_ids", Kind::Uuids { min: 0, max: 100 }),
            optional_not_null("limit", Kind::Count { min: 1, max: 50 }),
        ]),
        output: shapes::ACTOR_LABELS,
        reasons: &["actor_search_scope_required"],
        ..READS
    },
    RpcMethod {
        rpc: Rpc::ActorCreate,
        name: "actor_create",
        about: "Adds a persona to one's account",
        limited: true,
        params: Params::Fields(&[required("name", Kind::Label { min: 1, max: 100 })]),
        output: shapes::ACTOR_MADE,
        reasons: &["actor_limit"],
        ..SESSION_WRITES
    },
    RpcMethod {
        rpc: Rpc::ActorList,
        name: "actor_list",
        about: "Lists the personas of one's account, oldest first",
        output: shapes::ACTORS,
        ..READS
    },
    RpcMethod {
        rpc: Rpc::Heartbeat,
        name: "heartbeat",
        about: "Says that the socket is alive",
        socket_only: true,
        params: Params::Fields(&[]),
        output: shapes::NOTHING,
        ..READS
    },
];

/// The row of a method by its name on the wire.
#[must_use]
pub fn find(name: &str) -> Option<&'static RpcMethod> {
    RPC_METHODS.iter().find(|method| method.name == name)
}
