//! Every refusal a row of `/api` may answer with: those of its gates, which follow from who may call, from its limit and
//! its input, and its own. The documents list them, and in development each answer is compared with them.

use std::collections::BTreeMap;

use super::bus_failure::STEP_TOO_LARGE;
use super::failure::Code;
use super::methods::{Counted, RpcMethod};
use super::routes::{LiveAnswer, LiveRoute, RestRoute, Route};
use crate::surface::methods::Verb;
use crate::surface::refusals::{Codes, by_status};

/// What stands before every route, in order, and why it refuses.
pub(super) const MIDDLEWARE: [(&str, &[(u16, &str)]); 5] = [
    ("body_limit", &[(413, "payload_too_large")]),
    ("origin", &[(403, "forbidden_origin")]),
    ("session_cookie", &[]),
    ("bearer_token", &[(401, "authentication_required"), (429, "rate_limit_exceeded")]),
    (
        "daemon_token",
        &[(401, "invalid_daemon_token"), (500, "keeper_account_not_found"), (503, "keeper_account_not_configured")],
    ),
];

const UNAUTHENTICATED: (u16, &str) = (401, "authentication_required");
const VANISHED: (u16, &str) = (500, "account_vanished");
/// Why the choice of a persona fails (section 3.13).
const NO_PERSONA: [(u16, &str); 4] =
    [(400, "actor_required"), (400, "actor_not_on_account"), (500, "no_actors_on_account"), VANISHED];
const OTHER_CREDENTIAL: (u16, &str) = (403, "credential_type_required");
const NO_ROLE: (u16, &str) = (403, "insufficient_permissions");
const TOO_MANY: (u16, &str) = (429, "rate_limit_exceeded");
const WRONG_QUERY: (u16, &str) = (400, "invalid_query_params");
const BROKEN_BODY: (u16, &str) = (400, "invalid_json_body");
const WRONG_BODY: (u16, &str) = (400, "invalid_request_body");
const POST: [(u16, &str); 3] = [(408, "request_timeout"), (413, "payload_too_large"), (415, "unsupported_media_type")];
const ANYWHERE: [(u16, &str); 2] = [(500, "internal_error"), (503, "service_unavailable")];

/// The refusals of a REST route, by status, without those of what stands before it.
#[must_use]
pub fn of_route(route: &RestRoute) -> Codes {
    let is_rpc = matches!(route.route, Route::RpcPost | Route::RpcGet);
    let mut pairs = route.errors.to_vec();
    if route.access.needs_persona() {
        pairs.extend(NO_PERSONA);
    }
    // The status answers whatever its query holds, and a call by GET says what is wrong in its own form.
    if !is_rpc && route.route != Route::Status {
        pairs.push(WRONG_QUERY);
    }
    if route.body.is_some() {
        pairs.extend([BROKEN_BODY, WRONG_BODY]);
    }
    if route.route == Route::RpcPost {
        pairs.push(BROKEN_BODY);
    }
    if route.verb == Verb::Post {
        pairs.extend(POST);
    }
    if route.access.needs_account() {
        pairs.extend([UNAUTHENTICATED, VANISHED]);
    }
    if !route.access.credentials.is_empty() {
        pairs.push(OTHER_CREDENTIAL);
    }
    if !route.access.roles().is_empty() {
        pairs.push(NO_ROLE);
    }
    if route.limit.is_some() {
        pairs.push(TOO_MANY);
    }
    pairs.extend(ANYWHERE);
    by_status(pairs)
}

/// The same of a route that `live` serves.
#[must_use]
pub fn of_live(route: &LiveRoute) -> Codes {
    let mut pairs = vec![UNAUTHENTICATED];
    pairs.extend(NO_PERSONA);
    match route.answer {
        LiveAnswer::AuditRows => pairs.push(WRONG_QUERY),
        // What asks for no upgrade finds nothing here; one account has so many sockets and no more.
        LiveAnswer::Socket => pairs.extend([WRONG_QUERY, (404, "not_found"), TOO_MANY]),
    }
    if !route.access.roles().is_empty() {
        pairs.push(NO_ROLE);
    }
    pairs.extend(ANYWHERE);
    by_status(pairs)
}

/// Those of what stands before every route.
pub fn before() -> impl Iterator<Item = (u16, &'static str)> {
    MIDDLEWARE.iter().flat_map(|(_, refusals)| refusals.iter().copied())
}

/// Codes that a method may fail with, each once, with the reasons that `error.data` may bear under it.
pub type Failures = BTreeMap<i32, (Code, Vec<&'static str>)>;

/// The one code under which a method refuses for a reason of its own; `None` for a reason that is none of ours.
#[must_use]
pub fn code_of(reason: &str) -> Option<Code> {
    Some(match reason {
        "role_grant_offer_self_target"
        | "role_grant_offer_actor_account_mismatch"
        | "scope_destroyed"
        | "actor_search_scope_required" => Code::InvalidParams,
        "role_grant_offer_terminal" | "role_grant_offer_expired" | "last_holder" | STEP_TOO_LARGE => {
            Code::InvalidRequest
        }
        "insufficient_permissions"
        | "role_not_web_grantable"
        | "role_not_self_service_eligible"
        | "role_grant_offer_role_not_grantable"
        | "role_grant_offer_not_authorized"
        | "role_grant_offer_actor_mismatch" => Code::Forbidden,
        "account_not_found" | "invite_not_found" | "role_grant_not_found" | "role_grant_offer_not_found" => {
            Code::NotFound
        }
        "invite_account_exists_username" | "invite_account_exists_email" | "invite_duplicate" | "actor_limit" => {
            Code::Conflict
        }
        _ => return None,
    })
}

/// How a method may fail once its name is known: its gates in their order, then itself.
#[must_use]
pub fn of_method(method: &RpcMethod) -> Failures {
    let mut failures = Failures::new();
    let mut add = |code: Code, reasons: &[&'static str]| {
        let known = &mut failures.entry(code.number()).or_insert((code, Vec::new())).1;
        known.extend(reasons.iter().filter(|reason| !known.contains(reason)).copied().collect::<Vec<_>>());
    };
    // An envelope may be wrong around any method, and an account may be erased under any call.
    add(Code::InvalidRequest, &[]);
    add(Code::Unauthenticated, &[]);
    add(Code::InvalidParams, &[]);
    add(Code::Internal, &["account_vanished"]);
    add(Code::Unavailable, &[]);
    if method.access.needs_persona() {
        add(Code::InvalidParams, &["actor_required", "actor_not_on_account"]);
        add(Code::Internal, &["no_actors_on_account"]);
    }
    if !method.access.credentials.is_empty() {
        add(Code::Forbidden, &["credential_type_required"]);
    }
    if !method.access.roles().is_empty() {
        add(Code::Forbidden, &["insufficient_permissions"]);
    }
    if method.counted != Counted::Never {
        add(Code::RateLimited, &[]);
    }
    // Any call may be taken back by its socket, as long as nothing of it was handed to the journal.
    add(Code::Cancelled, &[]);
    for reason in method.reasons {
        if let Some(code) = code_of(reason) {
            add(code, &[reason]);
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::methods::RPC_METHODS;
    use super::super::routes::{LIVE_ROUTES, REST_ROUTES};
    use super::*;

    #[test]
    fn every_reason_of_the_table_has_its_one_code() {
        for method in RPC_METHODS {
            for reason in method.reasons {
                assert!(code_of(reason).is_some(), "{}: {reason} has no code", method.name);
            }
        }
    }

    /// Section 8.4: one reason never appears at two statuses.
    #[test]
    fn a_reason_stands_at_one_status_everywhere() {
        let mut statuses: BTreeMap<&str, u16> = BTreeMap::new();
        let mut meet = |reason, status| {
            assert_eq!(*statuses.entry(reason).or_insert(status), status, "{reason}");
        };
        let routes = REST_ROUTES.iter().map(of_route).chain(LIVE_ROUTES.iter().map(of_live));
        for (status, reasons) in routes.flatten().chain(by_status(before())) {
            reasons.into_iter().for_each(|reason| meet(reason, status));
        }
        for (code, reasons) in RPC_METHODS.iter().flat_map(of_method).map(|(_, failure)| failure) {
            reasons.into_iter().for_each(|reason| meet(reason, code.status()));
        }
    }
}
