//! The OpenRPC document: every method of JSON-RPC, made from the table that drives dispatch. Two runs give the same bytes.

use std::sync::LazyLock;

use muniment_aggregates::roster::ADMIN;
use serde_json::{Map, Value, json};

use super::caller::CredentialType;
use super::document::{NOTICES, auth};
use super::failure::Code;
use super::methods::{Params, RPC_METHODS, RpcMethod};
use super::refusals::{self, Failures};
use super::routes::API_SOCKET;
use super::schema::{self, Need};
use super::shapes::{ACTOR_SUMMARY, ISSUE};
use crate::surface::shape::{Components, Shape};

/// The document. It is of the tables alone, so one for all servers of a process will do.
#[must_use]
pub(super) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(written);
    &DOCUMENT
}

fn written() -> Value {
    let mut components = Components::default();
    let mut methods: Vec<Value> = RPC_METHODS.iter().map(|row| method(row, &mut components)).collect();
    methods.push(cancel());
    let notices: Vec<Value> = NOTICES
        .iter()
        .map(|(name, about, shape)| {
            json!({ "name": name, "summary": about, "params": shape.reference(&mut components) })
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Muniment",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Accounts, sessions, offers of roles and their audit, by JSON-RPC 2.0.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [
            { "name": "http", "url": "/api/rpc", "summary": "POST for every method, GET for those that change nothing" },
            { "name": "socket", "url": API_SOCKET.path, "summary": "the same methods, and notifications" },
        ],
        "methods": methods,
        "components": { "schemas": components.0 },
        "x-notifications": notices,
    })
}

/// A method of both transports, or of the socket alone.
fn method(row: &RpcMethod, components: &mut Components) -> Value {
    let mut transports = Vec::new();
    if !row.socket_only {
        transports.push("POST");
        if !row.side_effects {
            transports.push("GET");
        }
    }
    transports.push("socket");
    let mut method = json!({
        "name": row.name,
        "summary": row.about,
        "paramStructure": "by-name",
        "params": params(row.params),
        "result": { "name": "result", "schema": row.output.reference(components) },
        "errors": errors(row, &refusals::of_method(row), components),
        "x-auth": auth(&row.access),
        "x-side-effects": row.side_effects,
        "x-rate-limit": row.rate_limit_key(),
        "x-transports": transports,
        "x-void": matches!(row.params, Params::Void),
    });
    if row.socket_only {
        method["servers"] = json!([{ "name": "socket", "url": API_SOCKET.path }]);
    }
    method
}

/// The one notification that clients send: it has no result.
fn cancel() -> Value {
    let id = json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] });
    json!({
        "name": "cancel",
        "summary": "Takes back a request of the same socket that is not recorded yet",
        "paramStructure": "by-name",
        "params": [{ "name": "request_id", "required": true, "schema": id }],
        "servers": [{ "name": "socket", "url": API_SOCKET.path }],
        "x-auth": null,
        "x-side-effects": true,
        "x-rate-limit": null,
        "x-transports": ["socket"],
        "x-void": false,
    })
}

fn params(params: Params) -> Vec<Value> {
    let Params::Fields(fields) = params else { return Vec::new() };
    let schema = schema::object(fields);
    let descriptor = |field: &schema::Field| {
        let schema = &schema["properties"][field.name];
        json!({ "name": field.name, "required": field.need == Need::Required, "schema": schema })
    };
    fields.iter().map(descriptor).collect()
}

/// One entry a code, as OpenRPC demands. `data` is the schema of what `error.data` holds, where it holds anything.
fn errors(row: &RpcMethod, failures: &Failures, components: &mut Components) -> Vec<Value> {
    let entry = |(number, (code, reasons)): (&i32, &(Code, Vec<&'static str>))| {
        let mut error = json!({ "code": number, "message": code.name() });
        if let Some(data) = data(row, *code, reasons, components) {
            error["data"] = data;
        }
        error
    };
    failures.iter().rev().map(entry).collect()
}

fn strict(properties: Value, needed: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
}

/// What stands beside one of these reasons.
fn told(reason: &str, row: &RpcMethod, components: &mut Components) -> Value {
    let mut properties = Map::new();
    let mut needed = vec!["reason"];
    properties.insert("reason".to_owned(), json!({ "type": "string", "const": reason }));
    let beside = match reason {
        "credential_type_required" => {
            Some(("required_credential_types", json!({ "const": CredentialType::words(row.access.credentials) })))
        }
        // A row that has no role of its own asks for the administrator's where the input names somebody else.
        "insufficient_permissions" => {
            let roles = if row.access.roles().is_empty() { &[ADMIN] } else { row.access.roles() };
            Some(("required_roles", json!({ "const": roles })))
        }
        "actor_required" => Some(("available", Shape::List(&ACTOR_SUMMARY).reference(components))),
        _ => None,
    };
    if let Some((name, schema)) = beside {
        properties.insert(name.to_owned(), schema);
        needed.push(name);
    }
    strict(properties.into(), &needed)
}

fn data(row: &RpcMethod, code: Code, reasons: &[&str], components: &mut Components) -> Option<Value> {
    let mut choices = Vec::new();
    match code {
        Code::InvalidParams => {
            choices.push(strict(json!({ "issues": Shape::List(&ISSUE).reference(components) }), &["issues"]));
        }
        Code::RateLimited => {
            choices.push(strict(json!({ "retry_after": Shape::Count.schema() }), &["retry_after"]));
        }
        Code::Parse
        | Code::InvalidRequest
        | Code::MethodNotFound
        | Code::Internal
        | Code::Unauthenticated
        | Code::Forbidden
        | Code::NotFound
        | Code::Conflict
        | Code::Unavailable
        | Code::Cancelled => {}
    }
    choices.extend(reasons.iter().map(|reason| told(reason, row, components)));
    match choices.len() {
        0 => None,
        1 => choices.pop(),
        _ => Some(json!({ "anyOf": choices })),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::methods::Counted;
    use super::super::schema::Field;
    use super::*;

    #[test]
    fn every_method_is_in_the_document_as_the_table_has_it_and_nothing_else_is() {
        let document = document();
        let rows = document["methods"].as_array().unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        let wanted: Vec<&str> = RPC_METHODS.iter().map(|method| method.name).chain(["cancel"]).collect();
        assert_eq!(names, wanted);
        for (method, row) in RPC_METHODS.iter().zip(rows) {
            let fields: &[Field] = match method.params {
                Params::Void => &[],
                Params::Fields(fields) => fields,
            };
            let params = row["params"].as_array().unwrap();
            let given: Vec<&str> = params.iter().map(|param| param["name"].as_str().unwrap()).collect();
            assert_eq!(given, fields.iter().map(|field| field.name).collect::<Vec<_>>(), "{}", method.name);
            assert_eq!(row["summary"], method.about);
            assert_eq!(row["x-side-effects"], method.side_effects);
            assert_eq!(row["x-rate-limit"].is_string(), method.counted == Counted::Always);
            let told = row["errors"].to_string();
            assert!(method.reasons.iter().all(|reason| told.contains(&format!("\"{reason}\""))), "{}", method.name);
        }
    }

    #[test]
    fn every_schema_compiles_and_every_code_of_a_method_stands_once() {
        let document = document();
        let whole = |schema: &Value| json!({ "allOf": [schema], "components": document["components"] });
        for row in document["methods"].as_array().unwrap() {
            let mut schemas: Vec<&Value> =
                row["params"].as_array().unwrap().iter().map(|param| &param["schema"]).collect();
            schemas.extend(row.get("result").map(|result| &result["schema"]));
            let none = Vec::new();
            let errors = row["errors"].as_array().unwrap_or(&none);
            let codes: BTreeSet<i64> = errors.iter().map(|error| error["code"].as_i64().unwrap()).collect();
            assert_eq!(codes.len(), errors.len(), "{}", row["name"]);
            schemas.extend(errors.iter().filter_map(|error| error.get("data")));
            for schema in schemas {
                assert!(jsonschema::meta::is_valid(schema), "{schema}");
                assert!(jsonschema::validator_for(&whole(schema)).is_ok(), "{}: {schema}", row["name"]);
            }
        }
    }

    #[test]
    fn the_document_is_the_same_each_time() {
        assert_eq!(written().to_string(), written().to_string());
    }
}
