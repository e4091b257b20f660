//! The table of the RPC methods of `/api`: who may call each, what goes in and comes out, and why it may refuse
//! (spec/accounts-and-offers.md sections 4.3 to 4.6). Dispatch, documents, limits and the tests of section 10 read it,
//! so they cannot disagree.

use muniment_aggregates::roster::ADMIN;

use super::access::Access;
use super::bus_failure::STEP_TOO_LARGE;
use super::schema::{ACTING, Field, Kind, optional, optional_not_null, required};
use super::shapes;
use crate::surface::rows::row_names;
use crate::surface::shape::Shape;

row_names! {
    /// Which RPC method a row is.
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
}

/// What goes in.
#[derive(Debug, Clone, Copy)]
pub enum Params {
    /// Nothing: `params` must be absent.
    Void,
    /// An object; absent is `{}`.
    Fields(&'static [Field]),
}

/// Which calls of a method count against the account's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// None.
    Never,
    /// All.
    Always,
    /// Those that end nothing, though one that ends something does not.
    WhenNothingEnded,
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
    /// Who may call it; an account at least.
    pub access: Access,
    /// Whether it changes anything. What does not may be read with GET.
    pub side_effects: bool,
    /// Which of its calls count against the account's budget.
    pub counted: Counted,
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

impl RpcMethod {
    /// What counts its calls, as the documents say it; none where not all of them count.
    #[must_use]
    pub fn rate_limit_key(&self) -> Option<&'static str> {
        (self.counted == Counted::Always).then_some("account")
    }
}

/// A method that any account may call and that changes nothing. What says which row it is stands here, and cannot be left
/// out of one.
const fn reads(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod {
        rpc,
        name,
        about,
        access: Access::ACCOUNT,
        side_effects: false,
        counted: Counted::Never,
        socket_only: false,
        params: Params::Void,
        one_of: &[],
        output,
        reasons: &[],
    }
}

const fn session_writes(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod { access: Access::SESSION, side_effects: true, ..reads(rpc, name, about, output) }
}

const fn persona_reads(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod { access: Access::PERSONA, ..reads(rpc, name, about, output) }
}

const fn persona_writes(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod { side_effects: true, ..persona_reads(rpc, name, about, output) }
}

const fn admin_reads(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod { access: Access::role(&[ADMIN]), counted: Counted::Always, ..reads(rpc, name, about, output) }
}

const fn admin_writes(rpc: Rpc, name: &'static str, about: &'static str, output: Shape) -> RpcMethod {
    RpcMethod { side_effects: true, ..admin_reads(rpc, name, about, output) }
}

/// Longest reason of what is done to roles and offers, in characters.
pub const REASON_CHARACTERS_MAX: usize = 500;

const REASON: Field = optional("reason", Kind::Text { min: 0, max: REASON_CHARACTERS_MAX });
const PAGE_OFFSET: Field = optional("offset", Kind::Count { min: 0, max: i64::MAX.unsigned_abs() });
const PAGE_200: Field = optional("limit", Kind::Count { min: 1, max: 200 });
const ONLY_ACTING: Params = Params::Fields(&[ACTING]);
const OFFER_ID: Params = Params::Fields(&[required("offer_id", Kind::Uuid), ACTING]);
const ACCOUNT_ID: Params = Params::Fields(&[required("account_id", Kind::Uuid), ACTING]);

/// Every RPC method.
pub const RPC_METHODS: &[RpcMethod] = &[
    reads(Rpc::AccountVerify, "account_verify", "Shows the account of the credential", shapes::SESSION_ACCOUNT),
    reads(Rpc::SessionList, "account_session_list", "Lists one's own live sessions, newest first", shapes::SESSIONS),
    RpcMethod {
        params: Params::Fields(&[required("session_id", Kind::SessionHash)]),
        counted: Counted::WhenNothingEnded,
        ..session_writes(
            Rpc::SessionRevoke,
            "account_session_revoke",
            "Ends one of one's own sessions",
            shapes::REVOKED,
        )
    },
    session_writes(
        Rpc::SessionRevokeAll,
        "account_session_revoke_all",
        "Ends all of one's own sessions, this one too",
        shapes::COUNTED,
    ),
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[optional_not_null("name", Kind::Line { min: 0, max: 200 })]),
        ..session_writes(
            Rpc::TokenCreate,
            "account_token_create",
            "Makes an API token; the raw token is shown this once",
            shapes::TOKEN_MADE,
        )
    },
    reads(Rpc::TokenList, "account_token_list", "Lists one's own API tokens, newest first", shapes::TOKENS),
    RpcMethod {
        params: Params::Fields(&[required("token_id", Kind::TokenId)]),
        counted: Counted::WhenNothingEnded,
        ..session_writes(Rpc::TokenRevoke, "account_token_revoke", "Ends one of one's own API tokens", shapes::REVOKED)
    },
    RpcMethod {
        params: Params::Fields(&[PAGE_200, PAGE_OFFSET, ACTING]),
        ..admin_reads(
            Rpc::AdminAccountList,
            "admin_account_list",
            "Lists accounts with their personas, roles and pending offers, oldest first",
            shapes::ADMIN_ACCOUNTS,
        )
    },
    RpcMethod {
        params: ONLY_ACTING,
        ..admin_reads(
            Rpc::AdminSessionList,
            "admin_session_list",
            "Lists the live sessions of all accounts, last seen first",
            shapes::ADMIN_SESSIONS,
        )
    },
    RpcMethod {
        params: ACCOUNT_ID,
        reasons: &["account_not_found"],
        ..admin_writes(
            Rpc::AdminSessionRevokeAll,
            "admin_session_revoke_all",
            "Ends all sessions of an account",
            shapes::COUNTED,
        )
    },
    RpcMethod {
        params: ACCOUNT_ID,
        reasons: &["account_not_found"],
        ..admin_writes(
            Rpc::AdminTokenRevokeAll,
            "admin_token_revoke_all",
            "Ends all API tokens of an account",
            shapes::COUNTED,
        )
    },
    RpcMethod {
        params: Params::Fields(&[
            optional("event_type", Kind::EventType),
            optional("outcome", Kind::Outcome),
            optional("account_id", Kind::Uuid),
            PAGE_200,
            PAGE_OFFSET,
            optional("since_seq", Kind::Count { min: 0, max: i64::MAX.unsigned_abs() }),
            ACTING,
        ]),
        ..admin_reads(Rpc::AuditList, "audit_log_list", "Lists what happened, newest first", shapes::AUDIT_EVENTS)
    },
    RpcMethod {
        params: Params::Fields(&[PAGE_200, PAGE_OFFSET, ACTING]),
        ..admin_reads(
            Rpc::AuditGrantHistory,
            "audit_log_role_grant_history",
            "Lists which roles were given and taken, newest first",
            shapes::AUDIT_EVENTS,
        )
    },
    RpcMethod {
        params: Params::Fields(&[optional("email", Kind::Email), optional("username", Kind::NewUsername), ACTING]),
        one_of: &["email", "username"],
        reasons: &["invite_account_exists_username", "invite_account_exists_email", "invite_duplicate"],
        ..admin_writes(
            Rpc::InviteCreate,
            "invite_create",
            "Invites somebody by e-mail, username or both",
            shapes::INVITE_MADE,
        )
    },
    RpcMethod {
        params: ONLY_ACTING,
        ..admin_reads(Rpc::InviteList, "invite_list", "Lists invitations, newest first", shapes::INVITES)
    },
    RpcMethod {
        params: Params::Fields(&[required("invite_id", Kind::Uuid), ACTING]),
        reasons: &["invite_not_found"],
        ..admin_writes(Rpc::InviteDelete, "invite_delete", "Takes back an invitation nobody has used", shapes::DONE)
    },
    RpcMethod {
        counted: Counted::Never,
        params: ONLY_ACTING,
        ..admin_reads(Rpc::SettingsGet, "app_settings_get", "Shows the installation's switches", shapes::SETTINGS_SHOWN)
    },
    RpcMethod {
        params: Params::Fields(&[required("open_signup", Kind::Flag), ACTING]),
        ..admin_writes(
            Rpc::SettingsUpdate,
            "app_settings_update",
            "Turns the installation's switches",
            shapes::SETTINGS_CHANGED,
        )
    },
    RpcMethod {
        params: Params::Fields(&[
            required("actor_id", Kind::Uuid),
            required("role_grant_id", Kind::Uuid),
            REASON,
            ACTING,
        ]),
        reasons: &["role_grant_not_found", "role_not_web_grantable", "last_holder", STEP_TOO_LARGE],
        ..admin_writes(
            Rpc::GrantRevoke,
            "role_grant_revoke",
            "Takes a role from a persona, and with it the open offers of that role",
            shapes::REVOKED,
        )
    },
    RpcMethod {
        params: Params::Fields(&[required("scope_kind", Kind::Name), required("scope_id", Kind::Uuid), REASON, ACTING]),
        reasons: &[STEP_TOO_LARGE],
        ..admin_writes(
            Rpc::ScopeDestroy,
            "scope_destroy",
            "Ends every role and offer at a scope, for good",
            shapes::SCOPE_ENDED,
        )
    },
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[
            required("to_account_id", Kind::Uuid),
            optional("to_actor_id", Kind::Uuid),
            required("role", Kind::Name),
            optional("scope_kind", Kind::Name),
            optional("scope_id", Kind::Uuid),
            optional("message", Kind::Text { min: 0, max: 500 }),
            ACTING,
        ]),
        reasons: &[
            "role_grant_offer_role_not_grantable",
            "role_grant_offer_not_authorized",
            "account_not_found",
            "role_grant_offer_self_target",
            "role_grant_offer_actor_account_mismatch",
            "scope_destroyed",
        ],
        ..persona_writes(Rpc::OfferCreate, "role_grant_offer_create", "Offers a role to an account", shapes::OFFER_MADE)
    },
    RpcMethod {
        params: OFFER_ID,
        reasons: &[
            "role_grant_offer_not_found",
            "role_grant_offer_terminal",
            "role_grant_offer_expired",
            "role_grant_offer_actor_mismatch",
            STEP_TOO_LARGE,
        ],
        ..persona_writes(
            Rpc::OfferAccept,
            "role_grant_offer_accept",
            "Accepts an offer: the persona holds the role from then on",
            shapes::OFFER_ACCEPTED,
        )
    },
    RpcMethod {
        params: Params::Fields(&[required("offer_id", Kind::Uuid), REASON, ACTING]),
        reasons: &["role_grant_offer_not_found", "role_grant_offer_terminal"],
        ..persona_writes(Rpc::OfferDecline, "role_grant_offer_decline", "Declines an offer", shapes::DONE)
    },
    RpcMethod {
        params: OFFER_ID,
        reasons: &["role_grant_offer_not_found", "role_grant_offer_terminal"],
        ..persona_writes(Rpc::OfferRetract, "role_grant_offer_retract", "Takes back an offer one made", shapes::DONE)
    },
    RpcMethod {
        params: Params::Fields(&[optional("account_id", Kind::Uuid), ACTING]),
        reasons: &["insufficient_permissions"],
        ..persona_reads(
            Rpc::OfferList,
            "role_grant_offer_list",
            "Lists the offers that wait for an account, soonest end first",
            shapes::OFFERS,
        )
    },
    RpcMethod {
        params: Params::Fields(&[
            optional("account_id", Kind::Uuid),
            optional("limit", Kind::Count { min: 1, max: 500 }),
            PAGE_OFFSET,
            ACTING,
        ]),
        reasons: &["insufficient_permissions"],
        ..persona_reads(
            Rpc::OfferHistory,
            "role_grant_offer_history",
            "Lists offers made to and by an account, in every state, newest first",
            shapes::OFFERS,
        )
    },
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[required("role", Kind::Name), required("enabled", Kind::Flag), ACTING]),
        reasons: &["role_not_self_service_eligible", STEP_TOO_LARGE],
        ..persona_writes(
            Rpc::SelfServiceSet,
            "self_service_role_set",
            "Takes or leaves a role that its holder decides on",
            shapes::SWITCHED,
        )
    },
    RpcMethod {
        params: Params::Fields(&[
            optional("account_id", Kind::Uuid),
            required("role", Kind::Name),
            optional("scope_kind", Kind::Name),
            optional("scope_id", Kind::Uuid),
            optional("at", Kind::Moment),
            ACTING,
        ]),
        reasons: &["insufficient_permissions", "account_not_found"],
        // It walks the record.
        counted: Counted::Always,
        ..persona_reads(
            Rpc::RoleWhy,
            "role_why",
            "Proves from the record why an account holds a role, or says why it does not, at any past moment",
            shapes::WHY,
        )
    },
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[required("ids", Kind::Uuids { min: 1, max: 50 })]),
        ..reads(Rpc::ActorLookup, "actor_lookup", "Names personas by id", shapes::ACTOR_LABELS)
    },
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[
            required("query", Kind::Text { min: 1, max: 50 }),
            optional_not_null("scope_ids", Kind::Uuids { min: 0, max: 100 }),
            optional_not_null("limit", Kind::Count { min: 1, max: 50 }),
        ]),
        reasons: &["actor_search_scope_required"],
        ..reads(Rpc::ActorSearch, "actor_search", "Finds personas by the beginning of their name", shapes::ACTOR_LABELS)
    },
    RpcMethod {
        counted: Counted::Always,
        params: Params::Fields(&[required("name", Kind::Label { min: 1, max: 100 })]),
        reasons: &["actor_limit"],
        ..session_writes(Rpc::ActorCreate, "actor_create", "Adds a persona to one's account", shapes::ACTOR_MADE)
    },
    reads(Rpc::ActorList, "actor_list", "Lists the personas of one's account, oldest first", shapes::ACTORS),
    RpcMethod {
        socket_only: true,
        params: Params::Fields(&[]),
        ..reads(Rpc::Heartbeat, "heartbeat", "Says that the socket is alive", shapes::NOTHING)
    },
];

/// The row of a method by its name on the wire.
#[must_use]
pub fn find(name: &str) -> Option<&'static RpcMethod> {
    RPC_METHODS.iter().find(|method| method.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_its_one_row_in_the_order_of_their_names() {
        let rows: Vec<Rpc> = RPC_METHODS.iter().map(|method| method.rpc).collect();
        assert_eq!(rows, Rpc::ALL);
        for (n, method) in RPC_METHODS.iter().enumerate() {
            assert!(RPC_METHODS[..n].iter().all(|other| other.name != method.name), "{} stands twice", method.name);
        }
    }
}
