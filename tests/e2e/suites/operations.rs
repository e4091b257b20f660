//! Operations of `/openapi.json` as text for a reviewer: a line a parameter, a field by its path, a status with its codes.
//! Named schemas are written out where they are used, so that a change shows in every operation it reaches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the listing says of a schema in a way of its own; whatever else a schema has is written behind its type.
const KEYWORDS: [&str; 12] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "format",
    "items",
    "pattern",
    "properties",
    "required",
    "type",
];

/// The operations under `/v1/`, `/health` and `/ready`; below them what all refusals may hold, and how headers and texts of a
/// named format look.
pub(super) fn of_v1(document: &Value) -> String {
    let mut listing =
        Listing { schemas: &document["components"]["schemas"], text: String::new(), forms: BTreeMap::new() };
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path.starts_with("/v1/") || path == "/health" || path == "/ready" {
            for (verb, operation) in operations.as_object().unwrap() {
                listing.operation(&verb.to_uppercase(), path, operation);
            }
        }
    }
    listing.line(0, "every refusal");
    listing.inside(1, "", &document["components"]["schemas"]["Error"]);
    listing.line(0, "\nheaders and formats");
    for (name, forms) in std::mem::take(&mut listing.forms) {
        for form in forms {
            listing.line(1, &format!("{name}: {form}"));
        }
    }
    listing.text
}

struct Listing<'a> {
    /// The named schemas.
    schemas: &'a Value,
    text: String,
    /// What would stand in nearly every operation: how headers of answers and texts of a format look.
    forms: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Listing<'a> {
    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&format!("{}{line}\n", "    ".repeat(depth)));
    }

    fn operation(&mut self, verb: &str, path: &str, operation: &'a Value) {
        self.line(0, &format!("{verb} {path} {}", word(&operation["operationId"])));
        self.line(1, &format!("by {}", callers(operation)));
        for parameter in list(&operation["parameters"]) {
            let name = format!("{} {}", word(&parameter["in"]), word(&parameter["name"]));
            let form = self.form(&parameter["schema"]);
            self.line(1, &format!("{name}{}: {form}{}", mark(parameter["required"] == true), about(parameter)));
        }
        if let Some(body) = operation.get("requestBody") {
            self.line(1, &format!("body{}", mark(body["required"] == true)));
            self.content(&body["content"]);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            self.response(status, response);
        }
        self.text.push('\n');
    }

    fn response(&mut self, status: &str, response: &'a Value) {
        let mut head = status.to_owned();
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let form = self.form(&header["schema"]);
            self.forms.entry(name.clone()).or_default().insert(form);
            head.push_str(&format!(", {name}"));
        }
        match codes(&response["content"]["application/json"]["schema"]) {
            Some(codes) => self.line(1, &format!("{head}: {codes}")),
            None => {
                self.line(1, &head);
                self.content(&response["content"]);
            }
        }
    }

    /// The fields of a body, or of the events of a stream.
    fn content(&mut self, content: &'a Value) {
        for (kind, content) in content.as_object().into_iter().flatten() {
            if kind != "application/json" {
                self.line(2, &format!("as {kind}"));
            }
            self.inside(2, "", content.get("x-event-data").unwrap_or(&content["schema"]));
        }
    }

    fn field(&mut self, depth: usize, path: &str, is_needed: bool, declared: &'a Value) {
        let form = self.form(declared);
        self.line(depth, &format!("{path}{}: {form}{}", mark(is_needed), about(declared)));
        self.inside(depth, path, declared);
    }

    /// What a value holds: the fields of an object, of each element of a list.
    fn inside(&mut self, depth: usize, path: &str, declared: &'a Value) {
        let schema = self.resolved(declared);
        for choice in list(&schema["anyOf"]) {
            self.inside(depth, path, choice);
        }
        if let Some(items) = schema.get("items") {
            let path = format!("{path}[]");
            match self.resolved(items).get("properties") {
                Some(_) => self.inside(depth, &path, items),
                None => self.field(depth, &path, true, items),
            }
        }
        let Some(properties) = schema["properties"].as_object() else { return };
        let front = if path.is_empty() { String::new() } else { format!("{path}.") };
        for (name, property) in properties {
            let is_needed = list(&schema["required"]).iter().any(|needed| needed == name);
            self.field(depth, &format!("{front}{name}"), is_needed, property);
        }
        if schema["additionalProperties"] != false {
            self.line(depth, &format!("{front}*: anything"));
        }
    }

    /// What a value may be.
    fn form(&mut self, declared: &'a Value) -> String {
        let schema = self.resolved(declared);
        if let Some(choices) = schema["anyOf"].as_array() {
            let choices: Vec<String> = choices.iter().map(|choice| self.form(choice)).collect();
            return choices.join(" | ");
        }
        if schema["type"] == "null" {
            return "null".to_owned();
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().map(word).collect(),
            one => vec![word(one)],
        };
        let plain = || types.iter().copied().filter(|kind| *kind != "null").collect::<Vec<_>>().join(" | ");
        let mut form = match (schema.get("const"), schema["enum"].as_array(), schema["format"].as_str()) {
            (Some(value), ..) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            (_, Some(words), _) => words.iter().map(word).collect::<Vec<_>>().join(" | "),
            (.., Some(format)) => {
                if let Some(pattern) = schema["pattern"].as_str() {
                    self.forms.entry(format.to_owned()).or_default().insert(pattern.to_owned());
                }
                format.to_owned()
            }
            _ => schema["pattern"].as_str().map_or_else(plain, str::to_owned),
        };
        if types.contains(&"null") {
            form.push_str(" | null");
        }
        for (keyword, value) in schema.as_object().unwrap() {
            if !KEYWORDS.contains(&keyword.as_str()) {
                form.push_str(&format!(" {keyword}={value}"));
            }
        }
        form
    }

    /// The schema that is meant, where one is only named.
    fn resolved(&self, declared: &'a Value) -> &'a Value {
        let name = declared["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/"));
        name.map_or(declared, |name| self.resolved(&self.schemas[name]))
    }
}

/// Whose proof opens it, and the scope that an agent's token needs.
fn callers(operation: &Value) -> String {
    let proofs = list(&operation["security"]).iter().map(|proof| match proof.as_object().unwrap().keys().next() {
        Some(proof) => proof.clone(),
        None => "anybody".to_owned(),
    });
    let proofs: Vec<String> = proofs.collect();
    let scope = operation["x-required-scope"].as_str().map(|scope| format!("; scope {scope}")).unwrap_or_default();
    match proofs.is_empty() {
        true => "anybody".to_owned(),
        false => format!("{}{scope}", proofs.join(", ")),
    }
}

/// The codes of a refusal in the order of the alphabet; `None` for any other answer.
fn codes(schema: &Value) -> Option<String> {
    let parts = schema["allOf"].as_array()?;
    assert_eq!(parts[0]["$ref"], "#/components/schemas/Error", "a refusal of another shape: {schema}");
    let mut codes: Vec<&str> = list(&parts[1]["properties"]["error"]["enum"]).iter().map(word).collect();
    codes.sort_unstable();
    Some(codes.join(", "))
}

fn mark(is_needed: bool) -> &'static str {
    if is_needed { "" } else { "?" }
}

/// Bounds and defaults are said in words.
fn about(declared: &Value) -> String {
    declared["description"].as_str().map(|about| format!(" ({about})")).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
