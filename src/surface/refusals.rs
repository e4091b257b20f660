//! Every refusal a row of `/v1` may answer with: those of its gates, which follow from who may call, from its limit, verb
//! and path, and its own. The OpenAPI document lists them, and in development each answer is compared with them.

use std::collections::BTreeMap;

use super::methods::{Gate, LimitClass, Method, Verb};

/// Codes by status.
pub type Codes = BTreeMap<u16, Vec<&'static str>>;

/// What any route may answer: a query may hold the one character that no text may have.
const ANYWHERE: &[(u16, &str)] = &[(400, "invalid_field"), (500, "internal_error"), (503, "service_unavailable")];
/// A path with parameters, percent-encoded.
const PARAMETER: (u16, &str) = (400, "invalid_metric_key");
const BODY: &[(u16, &str)] =
    &[(400, "invalid_json"), (400, "unknown_field"), (408, "request_timeout"), (413, "payload_too_large")];
const SESSION: &[(u16, &str)] = &[(401, "invalid_session"), (401, "expired_session"), (429, "rate_limited")];
const TOKEN: &[(u16, &str)] = &[(401, "invalid_token"), (401, "expired_token"), (429, "rate_limited")];
const NO_TOKEN: (u16, &str) = (401, "missing_token");
const SCOPE: (u16, &str) = (403, "missing_scope");
const NO_AGENTS: (u16, &str) = (403, "credential_type_required");
const COOKIE: &[(u16, &str)] =
    &[(401, "invalid_session"), (403, "forbidden_origin"), (403, "insufficient_permissions")];
/// A cookie's POST must be JSON.
const COOKIE_POST: (u16, &str) = (415, "unsupported_media_type");
/// A company that is not named where there are several, or not the caller's.
const COMPANY: &[(u16, &str)] = &[(400, "company_required"), (404, "not_found")];
/// A reviewer acts as one of several personas.
const PERSONA: &[(u16, &str)] = &[(400, "actor_required"), (400, "actor_not_on_account")];

/// Codes by status, each once, from pairs.
#[must_use]
pub fn by_status(pairs: impl IntoIterator<Item = (u16, &'static str)>) -> Codes {
    let mut codes = Codes::new();
    for (status, code) in pairs {
        let known = codes.entry(status).or_default();
        if !known.contains(&code) {
            known.push(code);
        }
    }
    codes
}

/// The codes of a row, by status.
#[must_use]
pub fn of(method: &Method) -> Codes {
    let is_post = method.verb == Verb::Post;
    let mut pairs = method.refusals.to_vec();
    pairs.extend(ANYWHERE);
    if method.path.contains('{') {
        pairs.push(PARAMETER);
    }
    if is_post {
        pairs.extend(BODY);
    }
    match method.limit {
        LimitClass::None => {}
        LimitClass::Writes | LimitClass::Reads => pairs.push((429, "rate_limited")),
    }
    let takes_cookie = match method.who {
        Gate::Public => false,
        Gate::OptionalSession => {
            pairs.extend(SESSION);
            true
        }
        Gate::Agent(_) => {
            pairs.extend(TOKEN);
            pairs.extend([NO_TOKEN, SCOPE]);
            false
        }
        Gate::AgentOrFounder(_) => {
            for codes in [TOKEN, SESSION, COMPANY, PERSONA] {
                pairs.extend(codes);
            }
            pairs.extend([NO_TOKEN, SCOPE]);
            true
        }
        Gate::Founder => {
            pairs.extend(TOKEN);
            pairs.extend(SESSION);
            pairs.push(NO_AGENTS);
            true
        }
        Gate::SessionItself => {
            pairs.extend(SESSION);
            false
        }
        Gate::Reviewer => {
            for codes in [TOKEN, SESSION, PERSONA] {
                pairs.extend(codes);
            }
            pairs.extend([NO_TOKEN, NO_AGENTS]);
            true
        }
    };
    if takes_cookie {
        pairs.extend(COOKIE);
        if is_post {
            pairs.push(COOKIE_POST);
        }
    }
    by_status(pairs)
}
