//! `GET /api/surface`: everything that can be called, from the tables that drive dispatch
//! (spec/accounts-and-offers.md section 8.9). Two runs give the same bytes.

use serde_json::{Map, Value, json};

use super::access::Access;
use super::caller::CredentialType;
use super::methods::{Params, RPC_METHODS, RpcMethod};
use super::refusals::{self, MIDDLEWARE};
use super::routes::{API_SOCKET, LIVE_ROUTES, LiveAnswer, LiveRoute, REST_ROUTES, RestLimit, RestRoute, Route};
use super::schema;
use super::shapes;
use crate::config::registry::SETTINGS;
use crate::surface::Surface;
use crate::surface::methods::Verb;
use crate::surface::other_routes::HEALTH;
use crate::surface::refusals::{Codes, by_status};
use crate::surface::shape::Shape;
use crate::surface::shapes as shapes_of_v1;

/// Notifications (section 7): name, one line, params.
pub(in crate::surface) const NOTICES: [(&str, &str, Shape); 6] = [
    ("role_grant_offer_received", "A role was offered to the account", shapes::OFFER_NOTICE),
    ("role_grant_offer_retracted", "An offer to the account was taken back", shapes::OFFER_NOTICE),
    ("role_grant_offer_accepted", "An offer of the account was accepted", shapes::OFFER_NOTICE),
    ("role_grant_offer_declined", "An offer of the account was declined", shapes::OFFER_NOTICE),
    ("role_grant_offer_supersede", "An offer of the account fell away", shapes::SUPERSEDE_NOTICE),
    ("role_grant_revoke", "A role of the account was taken", shapes::REVOKE_NOTICE),
];

/// A refusal with one of these reasons.
fn refusal(reasons: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": { "error": { "type": "string", "enum": reasons } },
        "required": ["error"],
    })
}

/// Refusals by status; `null` where there are none.
fn refusals_of(codes: Codes) -> Value {
    let schemas: Map<String, Value> =
        codes.into_iter().map(|(status, reasons)| (status.to_string(), refusal(&reasons))).collect();
    if schemas.is_empty() { Value::Null } else { schemas.into() }
}

/// Who may call.
pub(super) fn auth(access: &Access) -> Value {
    let word = |needed: bool| if needed { "required" } else { "none" };
    let mut auth = json!({ "account": word(access.needs_account()), "actor": word(access.needs_persona()) });
    if !access.roles().is_empty() {
        auth["roles"] = json!(access.roles());
    }
    if !access.credentials.is_empty() {
        auth["credential_types"] = json!(CredentialType::words(access.credentials));
    }
    auth
}

fn rest(route: &RestRoute) -> Value {
    let is_rpc = matches!(route.route, Route::RpcPost | Route::RpcGet);
    json!({
        "method": route.verb.word(),
        "path": route.path,
        "auth": auth(&route.access),
        "applicable_middleware": MIDDLEWARE.map(|(name, _)| name),
        "description": route.about,
        "is_mutation": route.verb == Verb::Post && !is_rpc,
        "transaction": route.verb == Verb::Post && !is_rpc,
        "rate_limit_key": route.limit.map(RestLimit::word),
        "params_schema": null,
        "query_schema": if route.query.is_empty() { Value::Null } else { schema::object(route.query) },
        "input_schema": route.body.map(schema::object),
        "output_schema": route.output.map(|shape| shape.schema()),
        "error_schemas": refusals_of(refusals::of_route(route)),
    })
}

/// A route that reads and is served outside the table of REST routes.
fn outside(path: &str, about: &str) -> Value {
    json!({
        "method": "GET",
        "path": path,
        "auth": auth(&Access::ANYBODY),
        "applicable_middleware": [],
        "description": about,
        "is_mutation": false,
        "transaction": false,
        "rate_limit_key": null,
        "params_schema": null,
        "query_schema": null,
        "input_schema": null,
        "output_schema": null,
        "error_schemas": null,
    })
}

/// A stream; sockets stand under `ws_endpoints`.
fn stream(route: &LiveRoute) -> Option<Value> {
    (route.answer == LiveAnswer::AuditRows).then(|| {
        let mut row = outside(route.path, route.about);
        row["auth"] = auth(&route.access);
        row["applicable_middleware"] = json!(MIDDLEWARE.map(|(name, _)| name));
        row["query_schema"] = schema::object(route.query);
        row["error_schemas"] = refusals_of(refusals::of_live(route));
        row
    })
}

fn health() -> Value {
    let mut row = outside(HEALTH.path, "Says that the server answers");
    row["output_schema"] = shapes_of_v1::HEALTH.schema();
    row
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
        "auth": auth(&method.access),
        "input_schema": input_of(method),
        "output_schema": method.output.schema(),
        "description": method.about,
        "side_effects": method.side_effects,
        "rate_limit_key": method.rate_limit_key(),
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
    let middleware = MIDDLEWARE.map(|(name, pairs)| {
        json!({ "name": name, "path": "/api/*", "error_schemas": refusals_of(by_status(pairs.iter().copied())) })
    });
    let routes: Vec<Value> = REST_ROUTES
        .iter()
        .filter(|route| surface.is_mounted(route))
        .map(rest)
        .chain(LIVE_ROUTES.iter().filter_map(stream))
        .chain(std::iter::once(health()))
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
            "path": API_SOCKET.path,
            "allowed_origins": surface.origins.iter().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "required_roles": API_SOCKET.access.roles(),
            "methods": of_socket,
        }],
        "env": env,
        "events": events(surface),
        "diagnostics": surface.diagnostics.iter().map(|message| json!({
            "level": "warning", "category": "security", "message": message,
        })).collect::<Vec<_>>(),
    })
}
