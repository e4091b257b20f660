//! The OpenAPI 3.1 document, made from the tables of `/v1` and of `/api` and nothing else.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Surface;
use super::accounts::openapi as api;
use super::accounts::routes::RestRoute;
use super::methods::{Field, Gate, METHODS, Method, Name, Verb};
use super::other_routes::{Answer, Bearer, OTHER_ROUTES, OtherRoute, SEEN};
use super::refusals::{self, Codes};
use super::shape::{Components, Shape, or_null};
use super::shapes::ERROR;

impl Surface {
    /// The document of this server as text. Written once: anybody may ask for it, and it is large.
    #[must_use]
    pub fn openapi(&self) -> Bytes {
        let written = || document(&self.accounts.cookie_name, &|route| self.is_mounted(route)).to_string().into();
        self.openapi.get_or_init(written).clone()
    }
}

/// The document, with the name of the session's cookie and those routes of `/api` that are mounted.
#[must_use]
pub fn document(cookie: &str, is_mounted: &dyn Fn(&RestRoute) -> bool) -> Value {
    let mut components = Components::default();
    let mut paths: Map<String, Value> = Map::new();
    for method in METHODS {
        let operation = operation(method, &mut components);
        paths.entry(method.path).or_insert_with(|| json!({}))[method.verb.key()] = operation;
    }
    for route in OTHER_ROUTES {
        paths.insert(route.path.to_owned(), json!({"get": other(route, &mut components)}));
    }
    for (path, verb, operation) in api::operations(is_mounted, &mut components) {
        paths.entry(path).or_insert_with(|| json!({}))[verb.key()] = operation;
    }
    let mut schemes = api::security_schemes(cookie);
    schemes["agent"] = json!({"type": "http", "scheme": "bearer", "description": "agent token alif_live_…"});
    schemes["founder"] = json!({"type": "http", "scheme": "bearer", "description": "founder session alif_session_…"});
    schemes["reviewer"] =
        json!({"type": "apiKey", "in": "cookie", "name": cookie, "description": "cookie of a reviewer's session"});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Muniment",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Metrics, applications, agent tokens, accounts, offers of roles and their audit on an \
                append-only record.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": schemes,
            "schemas": components.0,
        },
    })
}

pub(super) fn content(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

/// A success whose body is JSON, with the position it was read or written at.
pub(super) fn success(schema: Value) -> Value {
    let position = json!({
        "description": "position of what was appended, or of the state that was read",
        "schema": Shape::Position.schema(),
    });
    json!({"description": "success", "headers": {"Muniment-Position": position}, "content": content(schema)})
}

/// The shape of refusals, narrowed to these codes.
pub(super) fn narrowed(shape: &Shape, codes: &[&str], components: &mut Components) -> Value {
    let code = json!({"type": "string", "enum": codes});
    let any = shape.reference(components);
    json!({"allOf": [any, {"type": "object", "properties": {"error": code}, "required": ["error"]}]})
}

/// An answer that is no success.
pub(super) fn refusal(status: u16, description: &str, schema: Value) -> Value {
    let mut response = json!({"description": description, "content": content(schema)});
    if matches!(status, 429 | 503) {
        let seconds = json!({"description": "seconds to wait", "schema": Shape::Count.schema()});
        response["headers"] = json!({"Retry-After": seconds});
    }
    response
}

/// Adds the refusals: `Error`, narrowed to the codes there are under each status.
fn add_refusals(responses: &mut Map<String, Value>, codes: &Codes, components: &mut Components) {
    for (status, codes) in codes {
        let schema = narrowed(&ERROR, codes, components);
        responses.insert(status.to_string(), refusal(*status, &codes.join(", "), schema));
    }
}

fn parameter(field: &Field, place: &str, components: &mut Components) -> Value {
    json!({
        "name": field.name,
        "in": place,
        "required": field.required,
        "description": field.about,
        "schema": field.shape.reference(components),
    })
}

const fn header(name: &'static str, about: &'static str) -> Field {
    Field { name, shape: Shape::Text, required: false, about }
}

/// Headers that one method alone heeds, beside those that prove who calls.
const OWN_HEADERS: &[(Name, Field)] = &[
    (Name::PointRecord, header("Idempotency-Key", "recorded once under this key, for ever; beats the body's")),
    (Name::ApplicationSubmit, header("X-Alif-Signup-Secret", "where applications.signup_secret is set: that secret")),
];

fn operation(method: &Method, components: &mut Components) -> Value {
    let mut responses = Map::new();
    for (status, shape) in method.success {
        responses.insert(status.to_string(), success(shape.reference(components)));
    }
    add_refusals(&mut responses, &refusals::of(method), components);
    let mut parameters: Vec<Value> = method
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(method.query.iter().map(|field| parameter(field, "query", components)));
    let own = OWN_HEADERS.iter().filter(|(name, _)| *name == method.name).map(|(_, field)| field);
    parameters.extend(own.chain([&SEEN]).map(|field| parameter(field, "header", components)));
    let mut operation = json!({
        "operationId": snake(&format!("{:?}", method.name)),
        "summary": method.about,
        "parameters": parameters,
        "responses": responses,
        "security": security(method.who),
    });
    if method.verb == Verb::Post {
        operation["requestBody"] = json!({
            "required": !method.body_may_be_absent,
            "content": content(object(method.body, components)),
        });
    }
    if let Gate::Agent(scope) | Gate::AgentOrFounder(scope) = method.who {
        operation["x-required-scope"] = json!(scope.as_str());
    }
    operation
}

/// A route beside the table. OpenAPI 3.1 has no words for what a stream holds, so its events are named beside it.
fn other(route: &OtherRoute, components: &mut Components) -> Value {
    let mut responses = Map::new();
    add_refusals(&mut responses, &route.codes(), components);
    for (status, answer) in route.answers {
        let response = match answer {
            Answer::Json(shape) => {
                json!({"description": "the answer", "content": content(shape.reference(components))})
            }
            Answer::JsonAt(shape) => success(shape.reference(components)),
            Answer::Events(shape) => json!({
                "description": "server-sent events until either side ends it",
                "content": {"text/event-stream": {
                    "schema": {"type": "string"},
                    "x-event-data": shape.reference(components),
                }},
            }),
            Answer::Socket => json!({
                "description": "the connection is a WebSocket from here on",
                "headers": {
                    "Upgrade": {"schema": {"type": "string", "const": "websocket"}},
                    "Sec-WebSocket-Protocol": {"schema": {"type": "string", "const": "muniment.live.v1"}},
                },
            }),
        };
        responses.insert(status.to_string(), response);
    }
    let mut parameters: Vec<Value> = route.query.iter().map(|field| parameter(field, "query", components)).collect();
    parameters.extend(route.headers.iter().map(|field| parameter(field, "header", components)));
    json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters,
        "responses": responses,
        "security": match route.bearer {
            Bearer::None => json!([]),
            Bearer::Optional => json!([{}, {"agent": []}, {"founder": []}, {"session": []}]),
            Bearer::Required => json!([{"agent": []}, {"founder": []}, {"session": []}]),
        },
    })
}

/// A founder comes by the token of his session or by its cookie, but to the session itself by its token alone.
fn security(who: Gate) -> Value {
    match who {
        Gate::Public => json!([]),
        Gate::OptionalSession => json!([{}, {"founder": []}, {"session": []}]),
        Gate::Agent(_) => json!([{"agent": []}]),
        Gate::AgentOrFounder(_) => json!([{"agent": []}, {"founder": []}, {"session": []}]),
        Gate::Founder => json!([{"founder": []}, {"session": []}]),
        Gate::SessionItself => json!([{"founder": []}]),
        Gate::Reviewer => json!([{"reviewer": []}]),
    }
}

/// A body. `null` in a field that may be absent is absence.
fn object(fields: &[Field], components: &mut Components) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut schema = field.shape.reference(components);
            if !field.required {
                schema = or_null(schema);
            }
            schema["description"] = json!(field.about);
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// `OtpStart` as `otp_start`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::accounts::refusals as api_refusals;
    use super::super::accounts::routes::{LIVE_ROUTES, REST_ROUTES, Route};
    use super::*;

    fn whole() -> Value {
        document("muniment_session", &|_| true)
    }

    /// Every `$ref` below a value.
    fn references(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn statuses(operation: &Value) -> BTreeSet<String> {
        operation["responses"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn every_row_is_in_the_document_with_its_answers_and_nothing_else_is() {
        let document = whole();
        let mut operations = 0;
        for method in METHODS {
            let found = &document["paths"][method.path][method.verb.key()];
            assert_eq!(found["summary"], method.about, "{}", method.path);
            let codes = refusals::of(method);
            let wanted = method.success.iter().map(|(status, _)| status).chain(codes.keys());
            assert_eq!(statuses(found), wanted.map(ToString::to_string).collect(), "{}", method.path);
            for (status, shape) in method.success {
                let schema = &found["responses"][status.to_string()]["content"]["application/json"]["schema"];
                assert_eq!(*schema, shape.reference(&mut Components::default()), "{}", method.path);
                assert!(!codes.contains_key(status), "{} answers {status} in two ways", method.path);
            }
            operations += 1;
        }
        for route in OTHER_ROUTES {
            let wanted = route.answers.iter().map(|(status, _)| *status).chain(route.codes().into_keys());
            let found = &document["paths"][route.path]["get"];
            assert_eq!(statuses(found), wanted.map(|status| status.to_string()).collect(), "{}", route.path);
            operations += 1;
        }
        for route in REST_ROUTES {
            let found = &document["paths"][route.path][route.verb.key()];
            assert_eq!(found["summary"], route.about, "{}", route.path);
            let own = api_refusals::of_route(route).into_keys().chain(api_refusals::before().map(|(status, _)| status));
            let own: BTreeSet<String> = own.chain([200]).map(|status| status.to_string()).collect();
            let is_rpc = matches!(route.route, Route::RpcPost | Route::RpcGet);
            assert!(is_rpc && statuses(found).is_superset(&own) || statuses(found) == own, "{}", route.path);
            operations += 1;
        }
        for route in LIVE_ROUTES {
            assert_eq!(document["paths"][route.path]["get"]["summary"], route.about);
            operations += 1;
        }
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.values().map(|verbs| verbs.as_object().unwrap().len()).sum::<usize>(), operations);
    }

    #[test]
    fn a_route_that_is_not_mounted_is_not_in_the_document() {
        let document = document("c", &|route| route.route != Route::Bootstrap);
        assert!(document["paths"].get("/api/account/bootstrap").is_none());
        assert_eq!(document["components"]["securitySchemes"]["session"]["name"], "c");
    }

    #[test]
    fn every_header_that_is_read_and_every_way_to_come_is_in_the_document() {
        let document = whole();
        let takes = |operation: &Value, header: &str| {
            let parameters = operation["parameters"].as_array().unwrap();
            parameters.iter().any(|it| it["in"] == "header" && it["name"] == header)
        };
        for method in METHODS {
            let operation = &document["paths"][method.path][method.verb.key()];
            assert!(takes(operation, "Muniment-After"), "{}", method.path);
            assert_eq!(takes(operation, "Idempotency-Key"), method.name == Name::PointRecord, "{}", method.path);
            let is_gated = method.name == Name::ApplicationSubmit;
            assert_eq!(takes(operation, "X-Alif-Signup-Secret"), is_gated, "{}", method.path);
            let by_cookie = matches!(method.who, Gate::OptionalSession | Gate::AgentOrFounder(_) | Gate::Founder);
            let ways = operation["security"].as_array().unwrap();
            assert_eq!(ways.iter().any(|way| way.get("session").is_some()), by_cookie, "{}", method.path);
        }
        let events = &document["paths"]["/v1/events"]["get"];
        assert!(takes(events, "Muniment-After"));
        for stream in ["/v1/stream", "/api/audit/stream", "/api/admin/audit/stream"] {
            assert!(takes(&document["paths"][stream]["get"], "Last-Event-ID"), "{stream}");
        }
        assert!(events["responses"]["200"]["headers"]["Muniment-Position"].is_object());
    }

    #[test]
    fn no_row_lacks_a_shape() {
        for method in METHODS {
            assert!(!method.success.is_empty(), "{} has no success", method.path);
            for (status, shape) in method.success {
                assert!((200..300).contains(status), "{}: {status} is no success", method.path);
                assert!(matches!(shape, Shape::Named(..)), "{}: a client needs a name for {shape:?}", method.path);
            }
        }
        assert!(OTHER_ROUTES.iter().all(|route| !route.answers.is_empty()));
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_a_schema() {
        let document = whole();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some_and(Value::is_object), "{reference} leads nowhere");
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let used: BTreeSet<_> = found.iter().filter_map(|it| it.strip_prefix("#/components/schemas/")).collect();
        assert_eq!(used, schemas.keys().map(String::as_str).collect());
        for (name, schema) in schemas {
            assert!(jsonschema::meta::is_valid(schema), "{name}: {schema}");
        }
    }

    /// An element of a batch and the metric of an application are written beside the bodies of the methods that take one alone.
    #[test]
    fn what_stands_inside_a_body_has_the_fields_of_its_own_method() {
        let document = whole();
        let body = |path: &str| {
            let operation = &document["paths"][path]["post"];
            let mut schema = operation["requestBody"]["content"]["application/json"]["schema"].clone();
            for field in schema["properties"].as_object_mut().unwrap().values_mut() {
                field.as_object_mut().unwrap().remove("description");
            }
            schema
        };
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["NewPoint"], body("/v1/metrics/{key}/points"));
        let settings = body("/v1/metrics/{key}/settings");
        for (name, field) in schemas["PrimaryMetric"]["properties"].as_object().unwrap() {
            assert!(name == "key" || *field == settings["properties"][name], "{name}: {field}");
        }
    }

    /// What OpenAPI 3.1 demands of the parts that this document has.
    #[test]
    fn the_document_is_openapi() {
        let document = whole();
        assert_eq!(document["openapi"], "3.1.0");
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        let mut ids = BTreeSet::new();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            assert!(path.starts_with('/'));
            for operation in verbs.as_object().unwrap().values() {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}: id used twice");
                let parameters = operation["parameters"].as_array().unwrap();
                let in_path = parameters.iter().filter(|it| it["in"] == "path").count();
                assert_eq!(in_path, path.matches('{').count(), "{path}");
                for parameter in parameters {
                    assert!(["path", "query", "header"].contains(&parameter["in"].as_str().unwrap()), "{parameter}");
                    assert!(jsonschema::meta::is_valid(&parameter["schema"]), "{parameter}");
                }
                for (status, response) in operation["responses"].as_object().unwrap() {
                    assert!(status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status)), "{path}");
                    assert!(response["description"].is_string(), "{path} {status}");
                    for media in response["content"].as_object().into_iter().flat_map(Map::values) {
                        assert!(jsonschema::meta::is_valid(&media["schema"]), "{path} {status}");
                    }
                }
                for needed in operation["security"].as_array().unwrap() {
                    assert!(needed.as_object().unwrap().keys().all(|name| schemes.contains_key(name)), "{path}");
                }
            }
        }
    }

    /// Clients name their functions by them: one that is renamed breaks those that are generated anew.
    #[test]
    fn the_operations_have_the_names_that_clients_know() {
        let document = whole();
        let operations = document["paths"].as_object().unwrap().values().flat_map(|verbs| verbs.as_object().unwrap());
        let ids: BTreeSet<_> = operations.map(|(_, it)| it["operationId"].as_str().unwrap()).collect();
        let known = [
            "alert_acknowledge",
            "alert_list",
            "alert_resolve",
            "api_admin_audit_stream",
            "api_audit_stream",
            "api_bootstrap",
            "api_database_health",
            "api_login",
            "api_logout",
            "api_open_rpc",
            "api_password",
            "api_rpc_get",
            "api_rpc_post",
            "api_server_status",
            "api_signup",
            "api_socket",
            "api_status",
            "api_surface",
            "api_verify",
            "application_list",
            "application_show",
            "application_submit",
            "application_withdraw",
            "events",
            "health",
            "live",
            "logout",
            "metric_define",
            "metric_list",
            "metric_settings",
            "metric_show",
            "otp_start",
            "otp_verify",
            "point_batch",
            "point_correct",
            "point_list",
            "point_record",
            "ready",
            "review_list",
            "review_show",
            "review_status",
            "rule_list",
            "rule_set",
            "session_show",
            "status",
            "stream",
            "token_create",
            "token_list",
            "token_revoke",
            "token_rotate",
        ];
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), known);
    }
}
