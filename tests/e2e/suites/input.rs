//! Inputs generated from the schemas: not an object, a key too much, one too few, a wrong type, `null`, a wrong form,
//! just outside each limit. Each is refused as malformed, and nothing is recorded.

use serde_json::{Map, Value, json};

use super::listing::{methods, routes, surface};
use crate::harness::{Client, Engine, Installation};

/// A value that a schema takes: of an object what it requires and no more; null where it takes nothing.
pub(super) fn valid(schema: &Value) -> Value {
    if let Some(first) = schema["anyOf"].get(0) {
        return valid(first);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match (schema["type"].as_str().unwrap_or_default(), schema["format"].as_str(), schema["pattern"].as_str()) {
        ("string", Some("uuid"), _) => json!(uuid::Uuid::new_v4().to_string()),
        ("string", Some("email"), _) => json!("somebody@example.com"),
        ("string", _, Some("^[0-9a-f]{64}$")) => json!("0".repeat(64)),
        ("string", _, Some("^tok_[A-Za-z0-9_-]{12}$")) => json!("tok_AAAAAAAAAAAA"),
        ("string", _, Some(_)) => json!("teacher"),
        ("string", _, None) => json!("x".repeat(bound(schema, "minLength").unwrap_or(1).max(1))),
        ("boolean", _, _) => json!(true),
        ("integer", _, _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
        ("array", _, _) => json!([valid(&schema["items"])]),
        ("object", _, _) => Value::Object(least(schema)),
        _ => Value::Null,
    }
}

/// A bound on a length.
fn bound(schema: &Value, name: &str) -> Option<usize> {
    schema[name].as_u64().map(|bound| usize::try_from(bound).unwrap())
}

/// The required fields of an object.
fn least(schema: &Value) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.map(|name| (name.to_owned(), valid(&schema["properties"][name]))).collect()
}

/// Values that a schema refuses.
pub(super) fn invalid(schema: &Value) -> Vec<Value> {
    if let Some(forms) = schema["anyOf"].as_array() {
        let takes_null = forms.iter().any(|form| form["type"] == "null");
        return invalid(&forms[0]).into_iter().filter(|value| !(takes_null && value.is_null())).collect();
    }
    let mut bad = vec![Value::Null, json!({}), json!({ "a": 1 })];
    match schema["type"].as_str().unwrap_or_default() {
        "string" => {
            bad.extend([json!(1), json!(true), json!(["x"])]);
            if schema["format"] == "uuid" {
                bad.extend(
                    ["", "x", "{00000000-0000-0000-0000-000000000000}", "00000000000000000000000000000000"]
                        .map(Value::from),
                );
            }
            if schema.get("pattern").is_some() {
                bad.extend(["", "9 not\u{0}that"].map(Value::from));
            }
            if schema["format"] == "email" {
                bad.extend(["no-at-sign", "a b@example.com"].map(Value::from));
            }
            let short = bound(schema, "minLength").and_then(|least| least.checked_sub(1));
            bad.extend(short.map(|short| json!("x".repeat(short))));
            bad.extend(bound(schema, "maxLength").map(|most| json!("x".repeat(most + 1))));
        }
        "integer" => {
            bad.extend([json!("1"), json!(1.5), json!(true), json!(-1), json!(1e300)]);
            bad.extend(schema["minimum"].as_i64().map(|least| json!(least - 1)));
            bad.extend(schema["maximum"].as_i64().map(|most| json!(most + 1)));
        }
        "boolean" => bad.extend([json!(0), json!("true"), json!([])]),
        "array" => {
            bad.extend([json!("x"), json!(1)]);
            bad.extend(invalid(&schema["items"]).into_iter().map(|item| json!([item])));
            let items = |count: usize| -> Value { (0..count).map(|_| valid(&schema["items"])).collect() };
            bad.extend(bound(schema, "minItems").and_then(|least| least.checked_sub(1)).map(items));
            bad.extend(bound(schema, "maxItems").map(|most| items(most + 1)));
        }
        other => panic!("this suite knows no {other:?}"),
    }
    bad
}

/// Objects that the schema of an object refuses, each with what is wrong.
fn refused_objects(schema: &Value) -> Vec<(String, Value)> {
    let properties = schema["properties"].as_object().unwrap();
    let base = least(schema);
    let mut refused = Vec::new();
    let mut with = |what: String, name: &str, value: Value| {
        let mut object = base.clone();
        object.insert(name.to_owned(), value);
        refused.push((what, Value::Object(object)));
    };
    with("a key too much".to_owned(), "unheard_of", json!(1));
    for (name, property) in properties {
        for value in invalid(property) {
            with(format!("{name} = {}", short(&value)), name, value);
        }
    }
    for name in base.keys() {
        let mut object = base.clone();
        object.remove(name);
        refused.push((format!("without {name}"), Value::Object(object)));
    }
    refused
}

/// Values at the limits of a schema. A length is counted in characters, so each of them has two bytes.
fn just_inside(schema: &Value) -> Vec<Value> {
    if let Some(first) = schema["anyOf"].get(0) {
        return just_inside(first);
    }
    let items = |count: usize| -> Value { (0..count).map(|_| valid(&schema["items"])).collect() };
    let has_form = schema.get("pattern").is_some() || schema.get("format").is_some();
    match schema["type"].as_str().unwrap_or_default() {
        "string" if !has_form => bound(schema, "maxLength").map(|most| json!("é".repeat(most))).into_iter().collect(),
        "integer" => ["minimum", "maximum"].iter().filter_map(|name| schema.get(*name).cloned()).collect(),
        "array" => bound(schema, "maxItems").map(items).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Objects that have one value at its limit and otherwise what is required, each with what it has.
fn taken_objects(schema: &Value) -> Vec<(String, Value)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let at_limits = properties.flat_map(|(name, property)| just_inside(property).into_iter().map(move |it| (name, it)));
    at_limits
        .map(|(name, value)| {
            let (what, mut object) = (format!("{name} = {}", short(&value)), least(schema));
            object.insert(name.clone(), value);
            (what, Value::Object(object))
        })
        .collect()
}

fn what_is_just_inside_a_limit_is_taken(engine: Engine) {
    // A kind of scope has to be registered, as what fits its form here is.
    let house = Installation::with(engine, &[("SCOPE_KINDS", "teacher")]);
    let client = &house.keeper.client;
    let listed = surface(&house);
    let mut tried = Vec::new();
    for method in methods(&listed) {
        // A place in the record has a form that its schema does not tell.
        let taken = taken_objects(&method.input).into_iter().filter(|(what, _)| !what.starts_with("at = "));
        for (what, params) in taken {
            let reply = client.rpc(&method.name, &params).0;
            assert_eq!(reply.json()["error"]["data"].get("issues"), None, "{}, {what}: {reply}", method.name);
            tried.push(format!("{} {what}", method.name));
        }
    }
    for route in routes(&listed).iter().filter(|route| route.input.is_object()) {
        for (what, body) in taken_objects(&route.input) {
            let reply = client.post(&route.path, &body);
            assert_ne!(reply.code(), "invalid_request_body", "{}, {what}: {reply}", route.path);
            tried.push(format!("{} {what}", route.path));
        }
    }
    for limit in [
        "/api/account/login username",
        "account_token_create name",
        "actor_create name",
        "actor_search query",
        "actor_search scope_ids",
        "role_grant_offer_create message",
        "role_grant_offer_decline reason",
        "role_grant_revoke reason",
        "scope_destroy reason",
    ] {
        assert!(tried.iter().any(|it| it.starts_with(limit)), "{limit} is not in {tried:?}");
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

fn what_is_malformed_is_refused_by_every_method_and_leaves_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let client = &house.keeper.client;
    let listed = methods(&surface(&house));
    let before = house.server.store.count("%");
    let mut tried = 0;
    for method in &listed {
        let name = &method.name;
        for params in [json!([]), json!([1]), json!("x"), json!(1), json!(true)] {
            let reply = client.rpc(name, &params);
            assert_eq!(reply.0.status, 400, "{name} with {params}: {}", reply.0);
            tried += 1;
        }
        if method.input["type"] == "null" {
            client.rpc(name, &json!({ "x": 1 })).issues();
            continue;
        }
        for (what, params) in refused_objects(&method.input) {
            let reply = client.rpc(name, &params);
            assert_eq!(reply.0.status, 400, "{name}, {what}: {}", reply.0);
            assert_eq!(reply.0.json()["error"]["code"], -32_602, "{name}, {what}: {}", reply.0);
            tried += 1;
        }
    }
    assert_eq!(house.server.store.count("%"), before, "something malformed was recorded");
    assert!(tried > listed.len() * 10, "{tried} tries are too few to have read the schemas");
}

fn what_is_malformed_is_refused_by_every_route_and_leaves_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let before = house.server.store.count("%");
    for route in routes(&surface(&house)).iter().filter(|route| route.input.is_object()) {
        let client: &Client = &house.keeper.client;
        for body in [json!([]), json!("x"), json!(1), Value::Null] {
            client.post(&route.path, &body).refused(400, "invalid_json_body");
        }
        for (what, body) in refused_objects(&route.input) {
            let reply = client.post(&route.path, &body);
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (400, "invalid_request_body"),
                "{}, {what}: {reply}",
                route.path
            );
        }
    }
    assert_eq!(house.server.store.count("%"), before, "something malformed was recorded");
}

both_engines![
    what_is_malformed_is_refused_by_every_method_and_leaves_nothing,
    what_is_malformed_is_refused_by_every_route_and_leaves_nothing,
    what_is_just_inside_a_limit_is_taken,
];
