//! A fuzzer that reads our own OpenAPI document: every operation with right, wrong and hostile values, under every kind
//! of credential. No answer is a fault, none has a status that the document does not list.

use serde_json::{Map, Value, json};

use crate::equality::Dice;
use crate::harness::{Client, Engine, Server, torture};

/// One operation of the document.
struct Operation<'a> {
    method: String,
    path: &'a str,
    about: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            if ["get", "post"].contains(&method.as_str()) {
                found.push(Operation { method: method.to_uppercase(), path, about });
            }
        }
    }
    found
}

/// Follows `$ref` within the document.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(document, document.pointer(reference.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// A value that the schema allows, or one that it does not.
fn value(document: &Value, schema: &Value, dice: &mut Dice, depth: u8) -> Value {
    if depth > 4 || dice.roll(8) == 0 {
        return hostile(dice);
    }
    let schema = resolve(document, schema);
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(of) = schema[choice].as_array() {
            return value(document, dice.pick(of), dice, depth + 1);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return dice.pick(words).clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => dice.pick(kinds).as_str().unwrap_or("null"),
        other => other.as_str().unwrap_or("object"),
    };
    match kind {
        "object" => {
            let empty = Map::new();
            let fields = schema["properties"].as_object().unwrap_or(&empty);
            let kept = fields.iter().filter(|_| dice.roll(5) > 0).collect::<Vec<_>>();
            Value::Object(
                kept.into_iter().map(|(name, field)| (name.clone(), value(document, field, dice, depth + 1))).collect(),
            )
        }
        "array" => (0..dice.roll(4)).map(|_| value(document, &schema["items"], dice, depth + 1)).collect(),
        "integer" => json!(dice.roll(2_000)),
        "number" => json!(f64::from(u32::try_from(dice.roll(10_000)).unwrap()) / 7.0),
        "boolean" => json!(dice.roll(2) == 0),
        "null" => Value::Null,
        _ => json!(dice.pick(&[
            "arr",
            "2026-06-01",
            "ana@example.com",
            "123456",
            "growth_spike",
            "application:read",
            ""
        ])),
    }
}

fn hostile(dice: &mut Dice) -> Value {
    let values = [
        json!(null),
        json!(-1),
        json!(1e308),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!({}),
        json!("\u{0}"),
        json!("\u{202e}x"),
        json!("x".repeat(5_000)),
        json!("'; DROP TABLE events; --"),
        json!("${jndi:x}"),
        json!([[[[[]]]]]),
        json!({ "$ne": 1 }),
        json!("日本"),
        json!(-0.0),
        json!("9999-12-31T23:59:59Z"),
        json!("0000-01-01"),
    ];
    dice.pick(&values).clone()
}

fn text(dice: &mut Dice, known: &[String]) -> String {
    if dice.roll(2) == 0 {
        return dice.pick(known).clone();
    }
    let hostile =
        ["x", "%00", "%ff", "..%2f..", "%F0%9F%92%A9", "-1", "1e9", "%27%20OR%201", "%0d%0aa:b", "point_%20", "null"];
    (*dice.pick(&hostile)).to_owned()
}

fn fuzzed_operations_answer_only_what_the_document_lists(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_OTP_STARTS", "off"), ("LIMITS_OTP_GUESSES", "off")]);
    let founder = server.founder("fuzz");
    let company = server.company_of(&founder);
    company.metric("arr");
    let point = company.point("arr", &json!({ "value": 1 }));
    let public = company.token.split('_').nth(2).unwrap().to_owned();
    let known = ["arr".to_owned(), point, company.application.clone(), public, company.id.clone()];
    let clients: [Client; 4] =
        [server.anonymous(), company.agent.clone(), founder.client.clone(), server.agent("alif_live_00_x")];
    let document = server.anonymous().get("/openapi.json").expect(200);
    let operations = operations(&document);
    assert!(operations.len() > 20, "{} operations", operations.len());
    let rounds = if torture() { 400 } else { 25 };
    let mut dice = Dice::new(4_711);
    let mut sent = 0;
    for _ in 0..rounds {
        for operation in &operations {
            if operation.path.contains("logout")
                || operation.path.contains("/live")
                || operation.path.contains("/stream")
            {
                continue;
            }
            let mut path = operation.path.to_owned();
            while let Some((front, rest)) = path.split_once('{') {
                let (_, back) = rest.split_once('}').unwrap();
                path = format!("{front}{}{back}", text(&mut dice, &known));
            }
            let empty = Vec::new();
            let parameters = operation.about["parameters"].as_array().unwrap_or(&empty);
            let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let mut query: Vec<String> = Vec::new();
            for parameter in queries {
                match parameter["name"].as_str().unwrap() {
                    // A long poll would make the fuzzer wait for what never comes.
                    "wait" => query.push("wait=0".to_owned()),
                    name if dice.roll(3) == 0 => query.push(format!("{name}={}", text(&mut dice, &known))),
                    _ => {}
                }
            }
            let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
            let client = dice.pick(&clients);
            let reply = if operation.method == "GET" {
                client.get(&path)
            } else {
                let schema = &operation.about["requestBody"]["content"]["application/json"]["schema"];
                client.post(&path, &value(&document, schema, &mut dice, 0))
            };
            sent += 1;
            let listed = operation.about["responses"].as_object().unwrap();
            // A mangled path may be another one, or none.
            let other_path = reply.status == 404 || reply.status == 400;
            let known_status = listed.contains_key(&reply.status.to_string()) || other_path;
            assert!(known_status, "{} {path}: status {} is not documented\n{reply}", operation.method, reply.status);
        }
    }
    server.anonymous().get("/health").expect(200);
    crate::crash::verifies(&server);
    println!("fuzz {engine:?}: {} operations, {sent} requests, no fault", operations.len());
}

both_engines![fuzzed_operations_answer_only_what_the_document_lists];
