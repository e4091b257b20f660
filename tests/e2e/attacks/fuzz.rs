//! A fuzzer that reads our own OpenAPI document: every operation with right, wrong and hostile values and headers, under
//! every kind of credential. No answer is a fault, none has a status or a code that the document does not list, and what
//! is malformed is recorded nowhere.

use serde_json::{Map, Value, json};

use crate::equality::Dice;
use crate::harness::{Client, Engine, Installation, Reply, torture};

/// One operation of the document.
struct Operation<'a> {
    method: String,
    path: &'a str,
    about: &'a Value,
}

/// How many there are: what is missing in the document would be fuzzed by nobody.
const OPERATIONS: usize = 32;

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            // What stays open is tried elsewhere (liv_08, liv_09), and `/api` by the suites that read its own listing.
            let is_answered = !["/live", "/stream"].iter().any(|end| path.ends_with(end));
            if is_answered && !path.starts_with("/api") && ["get", "post"].contains(&method.as_str()) {
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

/// A segment of a path: one that means something, or one that mangles the path.
fn segment(dice: &mut Dice, known: &[String]) -> (String, bool) {
    if dice.roll(2) == 0 {
        return (dice.pick(known).clone(), false);
    }
    (text(dice), true)
}

fn text(dice: &mut Dice) -> String {
    let hostile =
        ["x", "%00", "%ff", "..%2f..", "%F0%9F%92%A9", "-1", "1e9", "%27%20OR%201", "%0d%0aa:b", "point_%20", "null"];
    (*dice.pick(&hostile)).to_owned()
}

/// Adds headers that anybody may send. A position that nobody has seen yet is none of them: it is waited for.
fn with_headers(client: &Client, dice: &mut Dice) -> Client {
    let mut client = client.clone();
    if dice.roll(3) == 0 {
        let long = "k".repeat(300);
        let keys = ["key-1", "key-1", "key-2", "", " ", "\t", "a b", "\"'", "%00", "{}", &long];
        client = client.header("idempotency-key", keys[dice.index(keys.len())]);
    }
    if dice.roll(3) == 0 {
        let positions = ["0", "1", "2", "", "-1", "+1", "1.0", "1e3", "x", "0x1", "18446744073709551616", "null"];
        client = client.header("muniment-after", positions[dice.index(positions.len())]);
    }
    client
}

/// Whoever calls, and what there is to be called by its name. Made anew now and then, because some calls end it.
struct Cast {
    clients: Vec<Client>,
    known: Vec<String>,
}

impl Cast {
    fn of(house: &Installation) -> Self {
        let server = &house.server;
        let founder = server.founder("fuzz");
        let company = server.company_of(&founder);
        company.metric("arr");
        let point = company.point("arr", &json!({ "value": 1 }));
        let public = company.token.split('_').nth(2).unwrap().to_owned();
        let known = vec!["arr".to_owned(), point, company.application.clone(), public, company.id.clone()];
        let (anonymous, stranger) = (server.anonymous(), server.agent("alif_live_00_x"));
        let clients = vec![anonymous, stranger, company.agent, founder.client, house.keeper.client.clone()];
        Self { clients, known }
    }
}

/// Asserts that an answer is one of those that the document lists.
fn check(document: &Value, operation: &Operation<'_>, reply: &Reply, is_mangled: bool) {
    assert_ne!(reply.status, 503, "nothing is away: {reply}");
    if is_mangled && matches!(reply.status, 400 | 404) {
        return;
    }
    let listed = &operation.about["responses"][reply.status.to_string()];
    assert!(listed.is_object(), "the status is not documented: {reply}");
    if reply.status < 400 || operation.path == "/ready" {
        return;
    }
    let schema = resolve(document, &listed["content"]["application/json"]["schema"]);
    let mut codes = schema["allOf"].as_array().into_iter().flatten();
    let codes = codes.find_map(|part| part["properties"]["error"]["enum"].as_array());
    let codes = codes.unwrap_or_else(|| panic!("no codes are listed: {schema}"));
    assert!(codes.contains(&json!(reply.code())), "the code is not documented: {reply}");
}

fn fuzzed_operations_answer_only_what_the_document_lists(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_OTP_STARTS", "off"), ("LIMITS_OTP_GUESSES", "off")]);
    let document = house.server.anonymous().get("/openapi.json").expect(200);
    let operations = operations(&document);
    assert_eq!(operations.len(), OPERATIONS, "an operation came or went: count it");
    let seed = std::env::var("MUNIMENT_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_711);
    println!("fuzz of /v1 on {engine:?}: seed {seed}; MUNIMENT_FUZZ_SEED replays another");
    let rounds = if torture() { 400 } else { 25 };
    let mut dice = Dice::new(seed);
    let (mut sent, mut malformed) = (0, Vec::new());
    let mut cast = Cast::of(&house);
    for round in 1..=rounds {
        if round % 5 == 0 {
            cast = Cast::of(&house);
        }
        for operation in &operations {
            let mut path = operation.path.to_owned();
            let mut is_mangled = false;
            while let Some((front, rest)) = path.split_once('{') {
                let (_, back) = rest.split_once('}').unwrap();
                let (segment, mangles) = segment(&mut dice, &cast.known);
                is_mangled |= mangles;
                path = format!("{front}{segment}{back}");
            }
            let empty = Vec::new();
            let parameters = operation.about["parameters"].as_array().unwrap_or(&empty);
            let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let mut query: Vec<String> = Vec::new();
            for parameter in queries {
                match parameter["name"].as_str().unwrap() {
                    // A long poll would make the fuzzer wait for what never comes.
                    "wait" => query.push("wait=0".to_owned()),
                    name if dice.roll(3) == 0 => {
                        query.push(format!("{name}={}", segment(&mut dice, &cast.known).0));
                    }
                    _ => {}
                }
            }
            let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
            let ends_its_session = operation.path.ends_with("/logout");
            let one_off = ends_its_session.then(|| house.server.founder("leaves").client);
            let client = one_off.as_ref().unwrap_or_else(|| dice.pick(&cast.clients));
            let client = with_headers(client, &mut dice);
            let reply = if operation.method == "GET" {
                client.get(&path)
            } else {
                let schema = &operation.about["requestBody"]["content"]["application/json"]["schema"];
                client.post(&path, &value(&document, schema, &mut dice, 0))
            };
            sent += 1;
            check(&document, operation, &reply, is_mangled);
            // What only reads records nothing, and what is no path of ours is not led as far as to get an id.
            if operation.method == "POST" && !is_mangled && matches!(reply.status, 400 | 404 | 413 | 415) {
                malformed.push(reply.header("x-request-id").to_owned());
            }
        }
    }
    house.server.anonymous().get("/health").expect(200);
    // What is recorded bears the id of the request it came from; of these nothing is.
    let recorded = house.server.store.texts("SELECT CAST(metadata AS TEXT) FROM events").join("\n");
    assert!(malformed.iter().all(|id| id.len() > 8), "answers bear their ids: {malformed:?}");
    let left: Vec<&String> = malformed.iter().filter(|id| recorded.contains(id.as_str())).collect();
    assert!(left.is_empty() && malformed.len() > operations.len(), "malformed, and recorded all the same: {left:?}");
    crate::crash::verifies(&house.server);
    println!(
        "fuzz of /v1 on {engine:?}: {} operations, {sent} requests, {} malformed, no fault, no code unlisted",
        operations.len(),
        malformed.len()
    );
}

both_engines![fuzzed_operations_answer_only_what_the_document_lists];
