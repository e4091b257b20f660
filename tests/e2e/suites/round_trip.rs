//! Every method by POST, GET and socket, and every route, with a valid request: the answer is of the declared shape,
//! tells nothing it must not, and the audit has the rows, read by somebody else.

use serde_json::{Value, json};

use super::listing::{Method, methods, routes, surface};
use super::requests::prepare;
use crate::accounts::socket::Socket;
use crate::harness::{Engine, Installation, PASSWORD, Person, text, unique};

#[track_caller]
fn is_of(schema: &Value, value: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("{what}: {error}"));
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?} in {value}");
}

/// Whether a key stands anywhere in a value.
fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name == key || has_key(value, key)),
        Value::Array(items) => items.iter().any(|item| has_key(item, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[track_caller]
fn tells_nothing(body: &Value, is_for_admins: bool, what: &str) {
    let secret = ["password_hash", "token_hash", "secret_hash"];
    let internal: &[&str] = if is_for_admins { &[] } else { &["updated_by", "created_by"] };
    for key in secret.iter().chain(internal) {
        assert!(!has_key(body, key), "{what} tells {key}: {body}");
    }
}

fn by_get(person: &Person, name: &str, params: &Value) -> Value {
    let mut url = reqwest::Url::parse("http://a/api/rpc").unwrap();
    url.query_pairs_mut().append_pair("method", name).append_pair("id", "1");
    if !params.is_null() {
        url.query_pairs_mut().append_pair("params", &params.to_string());
    }
    let path = format!("/api/rpc?{}", url.query().unwrap_or_default());
    person.client.get(&path).expect(200)["result"].clone()
}

/// The newest position of the audit, as its observer sees it.
fn newest(observer: &Person) -> u64 {
    let rows = observer.client.rpc("audit_log_list", &json!({ "limit": 1 })).result();
    rows["events"][0]["seq"].as_u64().unwrap()
}

/// The rows since, with the outcome of each, but for the clock's own work, which comes when it comes.
fn left(observer: &Person, since: u64) -> Vec<String> {
    let rows = observer.client.rpc("audit_log_list", &json!({ "since_seq": since, "limit": 200 })).result();
    let rows = rows["events"].as_array().unwrap().clone();
    let told = rows.iter().filter(|row| row["event_type"] != "scheduled_tick");
    let mut left: Vec<String> =
        told.map(|row| format!("{} {}", text(&row["event_type"]), text(&row["outcome"]))).collect();
    left.sort();
    left
}

fn check(house: &Installation, observer: &Person, method: &Method, transport: &str) {
    let what = format!("{} by {transport}", method.name);
    let prepared = prepare(house, &method.name);
    let mut socket = (transport == "socket").then(|| Socket::of(&house.server, &prepared.by.cookie));
    let since = newest(observer);
    let answer = match &mut socket {
        Some(socket) => socket.call(&method.name, &prepared.params)["result"].clone(),
        None if transport == "GET" => by_get(&prepared.by, &method.name, &prepared.params),
        None => prepared.by.client.rpc(&method.name, &prepared.params).result(),
    };
    is_of(&method.output, &answer, &what);
    tells_nothing(&answer, method.roles.iter().any(|role| role == "admin"), &what);
    let mut wanted: Vec<String> = prepared.rows.iter().map(|row| format!("{row} success")).collect();
    wanted.sort();
    assert_eq!(left(observer, since), wanted, "{what}");
    assert_eq!(method.has_side_effects, !wanted.is_empty(), "{what}: side effects and rows disagree");
}

fn every_method_answers_as_declared_over_every_transport_and_leaves_its_rows(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let observer = house.admin("observer");
    for method in methods(&surface(&house)) {
        let transports: &[&str] =
            if method.has_side_effects { &["POST", "socket"] } else { &["POST", "GET", "socket"] };
        for transport in transports {
            check(&house, &observer, &method, transport);
        }
    }
    // Nothing in all this drifted from the shapes that were declared.
    let figures = house.server.anonymous().get("/metrics");
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    for name in ["audit_metadata_validation_failures", "audit_unknown_event_type_failures"] {
        let line = figures.lines().find(|line| line.starts_with(name));
        assert_eq!(line.and_then(|line| line.rsplit_once(' ')).map(|(_, count)| count), Some("0"), "{name}: {line:?}");
    }
}

fn every_route_answers_as_declared(engine: Engine) {
    let house = Installation::with(engine, &[]);
    for route in routes(&surface(&house)) {
        let what = format!("{} {}", route.verb, route.path);
        let ann = house.person("ann");
        let reply = match what.as_str() {
            "POST /api/account/login" => house.login(&ann.username, PASSWORD),
            "POST /api/account/logout" => ann.client.post(&route.path, &json!({})),
            "POST /api/account/password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
                ann.client.post(&route.path, &body)
            }
            "POST /api/account/signup" => {
                let username = unique("new");
                house.invite(&json!({ "username": username }));
                house.sign_up(&json!({ "username": username, "password": PASSWORD }))
            }
            // The window is closed for good; the one answer that is left is checked instead.
            "POST /api/account/bootstrap" => {
                house.server.bootstrap("second").refused(403, "already_bootstrapped");
                continue;
            }
            "GET /api/db/health" => house.daemon().get(&route.path),
            _ if route.verb == "GET" => ann.client.get(&route.path),
            _ => panic!("{what} has no valid request in this suite: add one"),
        };
        assert_eq!(reply.status, 200, "{what}: {reply}");
        if route.output.is_null() {
            assert!(reply.body.is_empty(), "{what} declares no body");
        } else {
            is_of(&route.output, &reply.json(), &what);
            // The documents name fields of administrators; they are no answers about anybody.
            let is_document = ["/api/surface", "/api/openrpc.json"].contains(&route.path.as_str());
            tells_nothing(&reply.json(), is_document, &what);
        }
    }
}

both_engines![
    every_method_answers_as_declared_over_every_transport_and_leaves_its_rows,
    every_route_answers_as_declared,
];
