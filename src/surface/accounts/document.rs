//! `GET /api/surface`: everything that can be called, from the tables that drive dispatch
//! (spec/accounts-and-offers.md section 8.9). Two runs give the same bytes.

use serde_json::{Map, Value, json};

use super::methods::{Params, RPC_METHODS, RpcMethod};
use super::routes::{REST_ROUTES, RestRoute, Route, STREAM_QUERY};
use super::schema;
use super::shapes;
use crate::config::registry::SETTINGS;
use crate::surface::Surface;
use crate::surface::shape::Shape;
use crate::surface::shapes::HEALTH;

/// What stands before every route, in order, and why it refuses.
const MIDDLEWARE: [(&str, &[(u16, &str)]); 5] = [
    ("body_limit", &[(413, "payload_too_large")]),
    ("origin", &[(403, "forbidden_origin")]),
    ("session_cookie", &[]),
    ("bearer_token", &[(401, "authentication_required"), (429, "rate_limit_exceeded")]),
    (
        "daemon_token",
        &[(401, "invalid_daemon_token"), (500, "keeper_account_not_found"), (503, "keeper_account_not_configured")],
    ),
];

/// Why the choice of a persona fails (section 3.13).
const NO_PERSONA: [(u16, &[&str]); 2] =
    [(400, &["actor_required", "actor_not_on_account"]), (500, &["no_actors_on_account", "account_vanished"])];

/// Notifications (section 7): name, one line, params.
pub(in crate::surface) const NOTICES: [(&str, &str, Shape); 6] = [
    ("role_grant_offer_received", "A role was offered to the account", shapes::OFFER_NOTICE),
    ("role_grant_offer_retracted", "An offer to the account was taken back", shapes::OFFER_NOTICE),
    ("role_grant_offer_accepted", "An offer of the account was accepted", shapes::OFFER_NOTICE),
    ("role_grant_offer_declined", "An offer of the account was declined", shapes::OFFER_NOTICE),
    ("role_grant_offer_supersede", "An offer of the account fell away", shapes::SUPERSEDE_NOTICE),
    ("role_grant_revoke", "A role of the account was taken", shapes::REVOKE_NOTICE),
];

/// Rows of section 4.1 that are served outside the table of REST routes.
struct Outside {
    path: &'static str,
    about: &'static str,
    account: bool,
    roles: &'static [&'static str],
}

const OUTSIDE: [Outside; 3] = [
    Outside {
        path: "/api/audit/stream",
        about: "Streams what happens, row by row, as server-sent events",
        account: true,
        roles: &["admin"],
    },
    Outside {
        path: "/api/admin/audit/stream",
        about: "The same under the name that older clients know",
        account: true,
        roles: &["admin"],
    },
    Outside { path: "/health", about: "Says that the server answers", account: false, roles: &[] },
];

/// Refusals of a route, with those that every route may give at such a status.
fn refusal_schema(status: u16, reasons: &[&str]) -> Value {
    let mut reasons: Vec<&str> = reasons.to_vec();
    reasons.extend(match status {
        400 => ["invalid_json_body", "invalid_request_body", "invalid_query_params"].as_slice(),
        401 => &["authentication_required"],
        403 => &["forbidden_origin"],
        408 => &["request_timeout"],
        413 => &["payload_too_large"],
        415 => &["unsupported_media_type"],
        429 => &["rate_limit_exceeded"],
        500 => &["internal_error"],
        503 => &["service_unavailable"],
        _ => &[],
    });
    error_schema(reasons)
}

fn error_schema(mut reasons: Vec<&str>) -> Value {
    let mut seen = std::collections::BTreeSet::new();
    reasons.retain(|reason| seen.insert(*reason));
    json!({
        "type": "object",
        "properties": { "error": { "type": "string", "enum": reasons } },
        "required": ["error"],
    })
}

fn errors(entries: &[(u16, &str)], always: &[(u16, &[&str])]) -> Value {
    let mut by_status: std::collections::BTreeMap<u16, Vec<&str>> = std::collections::BTreeMap::new();
    for (status, reasons) in always {
        by_status.entry(*status).or_default().extend(*reasons);
    }
    for (status, reason) in entries {
        by_status.entry(*status).or_default().push(reason);
    }
    let schemas: Map<String, Value> =
        by_status.into_iter().map(|(status, reasons)| (status.to_string(), refusal_schema(status, &reasons))).collect();
    schemas.into()
}

fn auth(account: bool, persona: bool, roles: &[&str], credentials: &[&str]) -> Value {
    let word = |needed: bool| if needed { "required" } else { "none" };
    let mut auth = json!({ "account": word(account), "actor": word(persona) });
    if !roles.is_empty() {
        auth["roles"] = json!(roles);
    }
    if !credentials.is_empty() {
        auth["credential_types"] = json!(credentials);
    }
    auth
}

fn rest(route: &RestRoute) -> Value {
    let is_rpc = matches!(route.route, Route::RpcPost | Route::RpcGet);
    let mut always: Vec<(u16, &[&str])> = vec![(500, &[]), (503, &[])];
    // Where a route takes no query a parameter is unknown, which is an answer too.
    if !is_rpc {
        always.push((400, &[]));
    }
    if route.verb == "POST" {
        always.extend([(408, [].as_slice()), (413, &[]), (415, &[])]);
    }
    if route.account {
        always.push((401, &[]));
    }
    if !route.credentials.is_empty() {
        always.push((403, &["credential_type_required"]));
    }
    if !route.roles.is_empty() {
        always.push((403, &["insufficient_permissions"]));
    }
    if route.limit.is_some() {
        always.push((429, &[]));
    }
    if route.persona {
        always.extend(NO_PERSONA);
    }
    json!({
        "method": route.verb,
        "path": route.path,
        "auth": auth(route.account, route.persona, route.roles, route.credentials),
        "applicable_middleware": MIDDLEWARE.map(|(name, _)| name),
        "description": route.about,
        "is_mutation": route.verb == "POST" && !is_rpc,
        "transaction": route.verb == "POST" && !is_rpc,
        "rate_limit_key": route.limit,
        "params_schema": null,
        "query_schema": if route.query.is_empty() { Value::Null } else { schema::object(route.query) },
        "input_schema": route.body.map(schema::object),
        "output_schema": route.output.map(|shape| shape.schema()),
        "error_schemas": errors(route.errors, &always),
    })
}

fn outside(route: &Outside) -> Value {
    let mut always: Vec<(u16, &[&str])> = Vec::new();
    if route.account {
        always.extend([(401, [].as_slice()), (403, &["insufficient_permissions"]), (503, &[])]);
        always.extend(NO_PERSONA);
    }
    let middleware: &[&str] = if route.account { &MIDDLEWARE.map(|(name, _)| name) } else { &[] };
    json!({
        "method": "GET",
        "path": route.path,
        "auth": auth(route.account, route.account, route.roles, &[]),
        "applicable_middleware": middleware,
        "description": route.about,
        "is_mutation": false,
        "transaction": false,
        "rate_limit_key": null,
        "params_schema": null,
        "query_schema": if route.account {
            schema::object(&STREAM_QUERY)
        } else {
            Value::Null
        },
        "input_schema": null,
        "output_schema": if route.account { Value::Null } else { HEALTH.schema() },
        "error_schemas": if route.account { errors(&[], &always) } else { Value::Null },
    })
}

fn input_of(method: &RpcMethod) -> Value {
    match method.params {
        Params::Void => json!({ "type": "null" }),
        Params::Fields(fields) => schema::object(fields),
    }
}

fn rpc(method: &RpcMethod, of_socket: bool) -> Value {
    let mut row = json!({
        "name": method.name,
        "auth": auth(true, method.persona, method.roles, method.credentials),
        "input_schema": input_of(method),
        "output_schema": method.output.schema(),
        "description": method.about,
        "side_effects": method.side_effects,
        "rate_limit_key": if method.limited { json!("account") } else { Value::Null },
        "reasons": method.reasons,
    });
    if of_socket {
        row["kind"] = json!("request_response");
    }
    row
}

fn cancel() -> Value {
    json!({
        "name": "cancel",
        "kind": "remote_notification",
        "auth": null,
        "input_schema": {
            "type": "object",
            "properties": { "request_id": { "anyOf": [{ "type": "string" }, { "type": "number" }] } },
            "required": ["request_id"],
        },
        "output_schema": { "type": "null" },
        "description": "Takes back a request of the same socket that is not recorded yet",
        "side_effects": true,
        "rate_limit_key": null,
    })
}

fn events(surface: &Surface) -> Vec<Value> {
    let notices = NOTICES.iter().map(|(method, about, shape)| {
        json!({ "method": method, "description": about, "channel": null, "params_schema": shape.schema() })
    });
    let rows = surface.registries.audit_events().iter().map(|event| {
        json!({
            "method": event.name,
            "description": "A row of the audit",
            "channel": "audit_log",
            "params_schema": shapes::AUDIT_EVENT.schema(),
        })
    });
    notices.chain(rows).collect()
}

/// The whole surface.
#[must_use]
pub(super) fn surface(surface: &Surface) -> Value {
    let middleware: Vec<Value> = MIDDLEWARE
        .iter()
        .map(|(name, refusals)| {
            let schemas: Map<String, Value> =
                refusals.iter().map(|(status, reason)| (status.to_string(), error_schema(vec![*reason]))).collect();
            let schemas = if schemas.is_empty() { Value::Null } else { schemas.into() };
            json!({ "name": name, "path": "/api/*", "error_schemas": schemas })
        })
        .collect();
    let routes: Vec<Value> = REST_ROUTES
        .iter()
        .filter(|route| surface.is_mounted(route))
        .map(rest)
        .chain(OUTSIDE.iter().map(outside))
        .collect();
    let of_http: Vec<Value> =
        RPC_METHODS.iter().filter(|method| !method.socket_only).map(|method| rpc(method, false)).collect();
    let of_socket: Vec<Value> =
        RPC_METHODS.iter().map(|method| rpc(method, true)).chain(std::iter::once(cancel())).collect();
    let env: Vec<Value> = SETTINGS
        .iter()
        .flat_map(|setting| {
            setting.variables().map(|name| {
                json!({
                    "name": name,
                    "description": setting.about,
                    "sensitivity": if setting.secret { json!("secret") } else { Value::Null },
                    "has_default": setting.default != "none",
                    "optional": true,
                })
            })
        })
        .collect();
    json!({
        "middleware": middleware,
        "routes": routes,
        "rpc_endpoints": [{ "path": "/api/rpc", "methods": of_http }],
        "ws_endpoints": [{
            "path": "/api/ws",
            "allowed_origins": surface.origins.iter().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "required_roles": [],
            "methods": of_socket,
        }],
        "env": env,
        "events": events(surface),
        "diagnostics": surface.diagnostics.iter().map(|message| json!({
            "level": "warning", "category": "security", "message": message,
        })).collect::<Vec<_>>(),
    })
}
