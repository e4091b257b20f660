//! The OpenAPI 3.1 document, made from the table of methods and nothing else.

use serde_json::{Map, Value, json};

use super::methods::{Field, METHODS, Method, Verb, Who};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for method in METHODS {
        let path = paths.entry(method.path).or_insert_with(|| json!({}));
        let verb = match method.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        path[verb] = operation(method);
    }
    for (path, about) in [("/health", "Whether the process lives"), ("/ready", "Whether it can serve")] {
        let mut responses = json!({"200": answer("success", json!({"type": "object"}))});
        if path == "/ready" {
            responses["503"] = answer("not ready", json!({"type": "object"}));
        }
        paths.insert(path.to_owned(), json!({"get": {"summary": about, "responses": responses, "security": []}}));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Muniment",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Metrics, applications and agent tokens on an append-only record.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "agent": {"type": "http", "scheme": "bearer", "description": "agent token alif_live_…"},
                "founder": {"type": "http", "scheme": "bearer", "description": "founder session alif_session_…"},
                "reviewer": {"type": "apiKey", "in": "cookie", "name": "muniment_session"},
            },
            "schemas": {"Error": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {"type": "string"},
                    "message": {"type": "string"},
                    "issues": {"type": "array"},
                    "retry_after": {"type": "integer"},
                    "available": {"type": "array"},
                    "id": {"type": "string"},
                },
                "additionalProperties": false,
            }},
        },
    })
}

fn answer(about: &str, schema: Value) -> Value {
    json!({"description": about, "content": {"application/json": {"schema": schema}}})
}

fn operation(method: &Method) -> Value {
    let mut responses = Map::new();
    for status in std::iter::once(method.success).chain(method.also) {
        responses.insert(status.to_string(), answer("success", json!({"type": "object"})));
    }
    let late = method.refusals.contains(&413).then_some(408);
    for status in method.refusals.iter().copied().chain(late).chain([500, 503]) {
        let error = json!({"$ref": "#/components/schemas/Error"});
        responses.insert(status.to_string(), answer("refused", error));
    }
    let mut parameters: Vec<Value> = method
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(method.query.iter().map(|field| {
        json!({"name": field.name, "in": "query", "required": field.required, "description": field.about,
               "schema": {"type": field.kind}})
    }));
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
            "content": {"application/json": {"schema": object(method.body)}},
        });
    }
    if let Who::Agent(scope) | Who::AgentOrFounder(scope) = method.who {
        operation["x-required-scope"] = json!(scope.as_str());
    }
    operation
}

fn security(who: Who) -> Value {
    match who {
        Who::Public => json!([]),
        Who::OptionalSession => json!([{}, {"founder": []}]),
        Who::Agent(_) => json!([{"agent": []}]),
        Who::AgentOrFounder(_) => json!([{"agent": []}, {"founder": []}]),
        Who::Founder | Who::SessionItself => json!([{"founder": []}]),
        Who::Reviewer => json!([{"reviewer": []}]),
    }
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let kind = if field.required { json!(field.kind) } else { json!([field.kind, "null"]) };
            (field.name.to_owned(), json!({"type": kind, "description": field.about}))
        })
        .collect();
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn snake(name: &str) -> String {
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
    use super::*;

    #[test]
    fn every_method_of_the_table_is_in_the_document() {
        let document = document();
        for method in METHODS {
            let verb = if method.verb == Verb::Get { "get" } else { "post" };
            let found = &document["paths"][method.path][verb];
            assert_eq!(found["summary"], method.about, "{}", method.path);
            assert!(found["responses"][method.success.to_string()].is_object());
        }
    }
}
