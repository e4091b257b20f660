//! The part of the OpenAPI document that is `/api`: its REST routes, its streams and its socket, and the two mounts of
//! JSON-RPC, whose methods `openrpc` describes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::caller::CredentialType;
use super::document::auth;
use super::failure::Code;
use super::methods::RPC_METHODS;
use super::refusals;
use super::routes::{LIVE_ROUTES, LiveAnswer, LiveRoute, REST_ROUTES, RestLimit, RestRoute, Route};
use super::schema::{self, Field, Need};
use super::shapes::{AUDIT_EVENT, DATABASE_DOWN, REFUSAL};
use crate::surface::methods::Verb;
use crate::surface::openapi::{content, narrowed, refusal, snake, success};
use crate::surface::refusals::{Codes, by_status};
use crate::surface::shape::Components;

/// What a caller proves himself by, in the words of section 3 and of the document.
const CREDENTIALS: [(CredentialType, &str); 3] = [
    (CredentialType::Session, "session"),
    (CredentialType::ApiToken, "apiToken"),
    (CredentialType::DaemonToken, "daemonToken"),
];

/// Proofs by name.
#[must_use]
pub(in crate::surface) fn security_schemes(cookie: &str) -> Value {
    json!({
        "session": { "type": "apiKey", "in": "cookie", "name": cookie, "description": "cookie of a session" },
        "apiToken": {
            "type": "http", "scheme": "bearer", "description": "API token of an account; not taken from browsers",
        },
        "daemonToken": {
            "type": "apiKey", "in": "header", "name": "X-Daemon-Token",
            "description": "token in the server's data folder; the keeper's, from this machine alone",
        },
    })
}

/// Every operation: path, verb, description.
#[must_use]
pub(in crate::surface) fn operations(
    is_mounted: &dyn Fn(&RestRoute) -> bool,
    components: &mut Components,
) -> Vec<(&'static str, Verb, Value)> {
    components.0.extend(envelopes());
    let mut operations = Vec::new();
    for route in REST_ROUTES.iter().filter(|route| is_mounted(route)) {
        operations.push((route.path, route.verb, rest(route, components)));
    }
    for route in LIVE_ROUTES {
        operations.push((route.path, Verb::Get, live(route, components)));
    }
    operations
}

/// A call of JSON-RPC and its two answers, as components.
fn envelopes() -> Map<String, Value> {
    let version = json!({ "type": "string", "const": "2.0" });
    let id = json!({ "type": ["string", "number"] });
    let names: Vec<&str> = RPC_METHODS.iter().filter(|method| !method.socket_only).map(|method| method.name).collect();
    let envelopes = [
        (
            "RpcRequest",
            json!({
                "type": "object",
                "properties": {
                    "jsonrpc": version,
                    "id": id,
                    "method": { "type": "string", "enum": names },
                    "params": { "type": "object" },
                },
                "required": ["jsonrpc", "id", "method"],
            }),
        ),
        (
            "RpcSuccess",
            json!({
                "type": "object",
                "properties": { "jsonrpc": version, "id": id, "result": { "type": "object" } },
                "required": ["jsonrpc", "id", "result"],
                "additionalProperties": false,
            }),
        ),
        (
            "RpcFailure",
            json!({
                "type": "object",
                "properties": {
                    "jsonrpc": version,
                    "id": { "type": ["string", "number", "null"] },
                    "error": {
                        "type": "object",
                        "properties": {
                            "code": { "type": "integer" },
                            "message": { "type": "string" },
                            "data": { "type": "object" },
                        },
                        "required": ["code", "message"],
                        "additionalProperties": false,
                    },
                },
                "required": ["jsonrpc", "id", "error"],
                "additionalProperties": false,
            }),
        ),
    ];
    envelopes.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Failures of JSON-RPC that HTTP carries under a status.
fn failures_at(status: u16) -> Vec<Code> {
    Code::ALL.into_iter().filter(|code| *code != Code::Cancelled && code.status() == status).collect()
}

/// A failure of JSON-RPC with one of these codes.
fn failure(codes: &[Code]) -> Value {
    let numbers: Vec<i32> = codes.iter().map(|code| code.number()).collect();
    let code = json!({ "type": "object", "properties": { "code": { "enum": numbers } } });
    json!({ "allOf": [reference("RpcFailure"), { "type": "object", "properties": { "error": code } }] })
}

fn add_refusals(responses: &mut Map<String, Value>, codes: &Codes, components: &mut Components) {
    for (status, reasons) in codes {
        let schema = narrowed(&REFUSAL, reasons, components);
        responses.insert(status.to_string(), refusal(*status, &reasons.join(", "), schema));
    }
}

/// The same where JSON-RPC answers: flat before the call is read, a failure of JSON-RPC after.
fn add_rpc_refusals(responses: &mut Map<String, Value>, flat: &Codes, components: &mut Components) {
    let statuses: BTreeSet<u16> = Code::ALL
        .into_iter()
        .filter(|code| *code != Code::Cancelled)
        .map(Code::status)
        .chain(flat.keys().copied())
        .collect();
    for status in statuses {
        let (failures, reasons) = (failures_at(status), flat.get(&status).cloned().unwrap_or_default());
        let mut choices = Vec::new();
        if !failures.is_empty() {
            choices.push(failure(&failures));
        }
        if !reasons.is_empty() {
            choices.push(narrowed(&REFUSAL, &reasons, components));
        }
        let mut names: Vec<&str> = failures.iter().map(|code| code.name()).collect();
        names.extend(reasons.iter().filter(|reason| !failures.iter().any(|code| code.name() == **reason)));
        responses.insert(status.to_string(), refusal(status, &names.join(", "), json!({ "anyOf": choices })));
    }
}

/// The refusals of a route with those of what stands before it.
fn with_those_before(own: Codes) -> Codes {
    by_status(
        own.into_iter()
            .flat_map(|(status, codes)| codes.into_iter().map(move |code| (status, code)))
            .chain(refusals::before()),
    )
}

fn parameters(fields: &[Field]) -> Vec<Value> {
    let schema = schema::object(fields);
    let parameter = |field: &Field| {
        // In a query nothing is null; what may be is absent there.
        let schema = match (field.need, &schema["properties"][field.name]["anyOf"][0]) {
            (Need::Optional, plain @ Value::Object(_)) => plain.clone(),
            (Need::Optional | Need::OptionalNotNull | Need::Required, _) => schema["properties"][field.name].clone(),
        };
        json!({ "name": field.name, "in": "query", "required": field.need == Need::Required, "schema": schema })
    };
    fields.iter().map(parameter).collect()
}

/// Query parameters of a call by GET (section 8.5).
fn call_in_a_query() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let readable = RPC_METHODS.iter().filter(|method| !method.side_effects && !method.socket_only);
    let names: Vec<&str> = readable.map(|method| method.name).collect();
    vec![
        json!({
            "name": "method", "in": "query", "required": true, "schema": { "type": "string", "enum": names },
            "description": "a method that changes nothing",
        }),
        json!({ "name": "id", "in": "query", "required": true, "schema": text, "description": "comes back as it is" }),
        json!({
            "name": "params", "in": "query", "required": false, "schema": text,
            "description": "an object as JSON text",
        }),
    ]
}

/// Who may call: any of the proofs a route takes, or nobody in particular.
fn security(route: &RestRoute) -> Value {
    // These answer everybody, and those who prove who they are otherwise.
    let is_optional = matches!(route.route, Route::Status | Route::RpcPost | Route::RpcGet);
    if !route.access.needs_account() && !is_optional {
        return json!([]);
    }
    let taken = CREDENTIALS.iter().filter(|(credential, _)| route.access.takes(*credential));
    let nobody = is_optional.then(|| json!({}));
    nobody.into_iter().chain(taken.map(|(_, scheme)| json!({ (*scheme): [] }))).collect()
}

fn rest(route: &RestRoute, components: &mut Components) -> Value {
    let mut responses = Map::new();
    let codes = with_those_before(refusals::of_route(route));
    let is_rpc = matches!(route.route, Route::RpcPost | Route::RpcGet);
    let answer = match (is_rpc, route.output) {
        (true, _) => success(reference("RpcSuccess")),
        (false, Some(shape)) => success(shape.reference(components)),
        (false, None) => json!({ "description": "success, without a body" }),
    };
    responses.insert("200".to_owned(), answer);
    if is_rpc {
        add_rpc_refusals(&mut responses, &codes, components);
    } else {
        add_refusals(&mut responses, &codes, components);
    }
    if route.route == Route::DatabaseHealth {
        let said = &mut responses["503"]["content"]["application/json"]["schema"];
        *said = json!({ "anyOf": [said.take(), DATABASE_DOWN.reference(components)] });
    }
    let mut operation = json!({
        "operationId": format!("api_{}", snake(&format!("{:?}", route.route))),
        "summary": route.about,
        "parameters": if route.route == Route::RpcGet { call_in_a_query() } else { parameters(route.query) },
        "responses": responses,
        "security": security(route),
        "x-auth": auth(&route.access),
        "x-rate-limit": route.limit.map(RestLimit::word),
    });
    let body =
        if route.route == Route::RpcPost { Some(reference("RpcRequest")) } else { route.body.map(schema::object) };
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "required": true, "content": content(schema) });
    }
    operation
}

fn live(route: &LiveRoute, components: &mut Components) -> Value {
    let mut responses = Map::new();
    add_refusals(&mut responses, &with_those_before(refusals::of_live(route)), components);
    let (status, answer) = match route.answer {
        LiveAnswer::AuditRows => (
            "200",
            json!({
                "description": "server-sent events until either side ends it",
                "content": { "text/event-stream": {
                    "schema": { "type": "string" },
                    "x-event-data": {
                        "type": "object",
                        "properties": { "method": { "type": "string" }, "params": AUDIT_EVENT.reference(components) },
                        "required": ["method", "params"],
                        "additionalProperties": false,
                    },
                } },
            }),
        ),
        LiveAnswer::Socket => (
            "101",
            json!({
                "description": "the connection is a WebSocket from here on",
                "headers": { "Upgrade": { "schema": { "type": "string", "const": "websocket" } } },
            }),
        ),
    };
    responses.insert(status.to_owned(), answer);
    let proofs: Vec<Value> = CREDENTIALS.iter().map(|(_, scheme)| json!({ (*scheme): [] })).collect();
    let mut parameters = parameters(route.query);
    parameters.extend(route.headers.iter().map(|(name, about)| {
        json!({
            "name": name, "in": "header", "required": false, "schema": { "type": "string" }, "description": about,
        })
    }));
    json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters,
        "responses": responses,
        "security": proofs,
        "x-auth": auth(&route.access),
        "x-rate-limit": null,
    })
}
