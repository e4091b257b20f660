//! The listing of everything that can be called (ACC-225, ACC-226), and what section 10 asks of it.

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, ORIGIN, Setup, text};

fn walk<'v>(value: &'v Value, visit: &mut impl FnMut(&'v str, &'v Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            visit(name, value);
            walk(value, visit);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn acc_225_the_listing_is_whole_and_the_same_each_time(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    house.server.anonymous().get("/api/surface").refused(401, "authentication_required");
    let first = person.client.get("/api/surface");
    let surface = first.expect(200);
    assert_eq!(first.body, person.client.get("/api/surface").body);
    let keys: Vec<&String> = surface.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["diagnostics", "env", "events", "middleware", "routes", "rpc_endpoints", "ws_endpoints"]);
    walk(&surface, &mut |name, _| {
        assert!(!matches!(name, "password_hash" | "token_hash" | "secret_hash" | "$schema" | "default"), "{name}");
    });
    let routes = surface["routes"].as_array().unwrap();
    let public: Vec<String> = routes
        .iter()
        .filter(|route| route["auth"]["account"] == "none")
        .map(|route| format!("{} {}", route["method"].as_str().unwrap(), route["path"].as_str().unwrap()))
        .collect();
    let mut sorted = public.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "GET /api/account/status",
            "GET /api/rpc",
            "GET /health",
            "POST /api/account/bootstrap",
            "POST /api/account/login",
            "POST /api/account/signup",
            "POST /api/rpc",
        ]
    );
    for route in routes {
        let declares = |status: &str| route["error_schemas"].get(status).is_some();
        let what = format!("{} {}", route["method"], route["path"]);
        assert!(!route["description"].as_str().unwrap().is_empty(), "{what}");
        assert!(route["auth"]["account"] == "none" || declares("401"), "{what}");
        assert!(route["auth"].get("roles").is_none() || declares("403"), "{what}");
        assert!(route["input_schema"].is_null() || declares("400"), "{what}");
        let is_rpc = route["path"] == "/api/rpc";
        let unknown = format!("{}?x=1", text(&route["path"]));
        let strict = person.client.request(&text(&route["method"]), &unknown);
        assert!(strict.status < 400 || is_rpc || declares(&strict.status.to_string()), "{strict}");
        assert!(route["rate_limit_key"].is_null() || declares("429"), "{what}");
        assert!(route["is_mutation"] == false || route["method"] == "POST", "{what}");
        let path = route["path"].as_str().unwrap();
        if route["method"] == "GET" && route["auth"]["account"] == "required" {
            assert_eq!(house.server.anonymous().get(path).status, 401, "{what}");
        }
    }
    let methods = surface["rpc_endpoints"][0]["methods"].as_array().unwrap();
    let mut names: Vec<&str> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    let count = names.len();
    for method in methods {
        let name = method["name"].as_str().unwrap();
        house.server.anonymous().rpc(name, &json!({ "x": 1 })).refused(401, -32_001, "");
        assert!(method["output_schema"].is_object() && !method["description"].as_str().unwrap().is_empty(), "{name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let socket = surface["ws_endpoints"][0]["methods"].as_array().unwrap();
    for method in socket {
        let is_notification = method["kind"] == "remote_notification";
        assert_eq!(method["auth"].is_null(), is_notification, "{}", method["name"]);
    }
    let extra: Vec<&str> =
        socket.iter().map(|method| method["name"].as_str().unwrap()).filter(|name| !names.contains(name)).collect();
    assert_eq!(extra, ["heartbeat", "cancel"]);
    let notices = surface["events"].as_array().unwrap().iter().filter(|event| event["channel"].is_null()).count();
    assert_eq!(notices, 6);
}

fn acc_225_every_refusal_is_declared_by_its_route_or_by_what_stands_before_it(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, many) = (house.person("ann"), house.person("many"));
    many.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let surface = ann.client.get("/api/surface").expect(200);
    let reasons = |schemas: &Value, status: u16| -> Vec<Value> {
        schemas[status.to_string()]["properties"]["error"]["enum"].as_array().cloned().unwrap_or_default()
    };
    let all = surface["routes"].as_array().unwrap().iter().chain(surface["middleware"].as_array().unwrap());
    for schema in all.flat_map(|entry| entry["error_schemas"].as_object().into_iter().flat_map(|it| it.values())) {
        let mut reasons = schema["properties"]["error"]["enum"].as_array().unwrap().clone();
        let count = reasons.len();
        reasons.sort_by_key(Value::to_string);
        reasons.dedup();
        assert!(count > 0 && reasons.len() == count, "{schema}");
    }
    let (nobody, daemon) = (house.server.anonymous(), house.daemon());
    let acting = |path: &str| format!("{path}?acting={}", ann.actor);
    let (verify, stream) = ("/api/account/verify", "/api/audit/stream");
    for (client, verb, path) in [
        (&nobody, "GET", verify.to_owned()),
        (&nobody.header("x-daemon-token", "wrong"), "GET", verify.to_owned()),
        (&nobody.header("x-daemon-token", "wrong"), "POST", "/api/account/login".to_owned()),
        (&nobody.bearer("one").bearer("two"), "GET", verify.to_owned()),
        (&nobody.header("origin", "https://rogue.example"), "GET", verify.to_owned()),
        (&nobody, "POST", "/api/account/login".to_owned()),
        (&nobody, "POST", "/api/account/bootstrap".to_owned()),
        (&nobody, "GET", "/api/account/status".to_owned()),
        (&many.client, "GET", stream.to_owned()),
        (&many.client, "GET", acting(stream)),
        (&many.client, "GET", "/api/db/health".to_owned()),
        (&many.client, "GET", acting("/api/db/health")),
        (&daemon, "GET", acting("/api/db/health")),
        (&ann.client, "GET", stream.to_owned()),
        (&ann.client, "GET", "/api/db/health".to_owned()),
        (&daemon, "POST", "/api/account/logout".to_owned()),
        (&daemon, "POST", "/api/account/password".to_owned()),
    ] {
        let reply = client.request(verb, &path);
        assert!(reply.status >= 400, "{reply}");
        let bare = path.split('?').next().unwrap();
        let is_it = |route: &&Value| route["path"] == bare && route["method"] == verb;
        let route = surface["routes"].as_array().unwrap().iter().find(is_it).unwrap();
        let mut declared = reasons(&route["error_schemas"], reply.status);
        for name in route["applicable_middleware"].as_array().unwrap() {
            let before = surface["middleware"].as_array().unwrap().iter().find(|it| it["name"] == *name).unwrap();
            declared.extend(reasons(&before["error_schemas"], reply.status));
        }
        assert!(declared.contains(&reply.json()["error"]), "{reply}: of {declared:?}");
    }
}

/// Two values under one name: neither is taken, on any surface.
fn a_query_parameter_that_is_given_twice_is_refused(engine: Engine) {
    let house = Installation::shared(engine);
    let (keeper, company) = (&house.keeper, house.server.company());
    company.metric("arr");
    let acting = format!("acting={}&acting={}", keeper.actor, keeper.actor);
    for path in ["/api/audit/stream", "/api/db/health", "/api/surface"] {
        let refused = keeper.client.get(&format!("{path}?{acting}")).refused(400, "invalid_query_params");
        if path != "/api/surface" {
            let issue = (&refused["issues"][0]["path"], &refused["issues"][0]["code"]);
            assert_eq!(issue, (&json!(["acting"]), &json!("invalid_type")), "{refused}");
        }
    }
    let upgrade = [("cookie", keeper.cookie.as_str()), ("origin", ORIGIN)];
    let refused = Socket::open(&house.server, &format!("/api/ws?{acting}"), &upgrade).err();
    let (status, body) = refused.unwrap_or_else(|| panic!("two personas were taken"));
    assert_eq!((status, &body["error"]), (400, &json!("invalid_query_params")), "{body}");
    for query in ["method=account_verify&id=1&id=2", "method=account_verify&method=account_verify&id=1"] {
        let refused = keeper.client.get(&format!("/api/rpc?{query}")).expect(400);
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32_600), &Value::Null), "{refused}");
    }
    // Whatever its query holds, the status answers.
    keeper.client.get(&format!("/api/account/status?{acting}")).expect(200);
    for path in [
        "/v1/alerts?state=open&state=resolved",
        "/v1/metrics/arr/points?limit=1&limit=2",
        "/v1/metrics/arr/points?order=asc&limit=1&order=desc",
        "/v1/events?after=start&after=head",
        "/v1/stream?after=start&after=head",
    ] {
        company.agent.get(path).refused(400, "invalid_field");
    }
    let companies = format!("/v1/metrics?company_id={0}&company_id={0}", company.id);
    let told = company.agent.get(&companies).refused(400, "invalid_field");
    assert!(told["message"].as_str().unwrap().contains("company_id"), "{told}");
}

fn acc_226_weakened_marks_and_missing_limits_are_told(engine: Engine) {
    let house =
        Installation::with(engine, &[("ACCOUNTS_COOKIE_SECURE", "false"), ("ACCOUNTS_COOKIE_HTTP_ONLY", "false")]);
    let listed = |house: &Installation| house.keeper.client.get("/api/surface").expect(200)["diagnostics"].to_string();
    let weak = listed(&house);
    for name in ["accounts.cookie_secure", "accounts.cookie_http_only", "limits.login_ip"] {
        assert!(weak.contains(name), "{name}: {weak}");
    }
    assert!(!house.login("keeper", crate::harness::PASSWORD).header("set-cookie").contains("Secure"));
    let limited = Installation::with(engine, &[("LIMITS_LOGIN_IP", "5/900")]);
    let told = listed(&limited);
    assert!(!told.contains("cookie") && !told.contains("limits.login_ip"), "{told}");

    // Servers of tests have their limits off; as it comes, there is nothing to tell.
    let plain = Installation::start(Setup::new(engine).with_accounts().with_its_limits());
    assert_eq!(plain.keeper.client.get("/api/surface").expect(200)["diagnostics"], json!([]));
    let lax = Installation::with(engine, &[("ACCOUNTS_COOKIE_SAME_SITE", "lax")]);
    assert!(listed(&lax).contains("accounts.cookie_same_site"), "{}", listed(&lax));
    let header = lax.login("keeper", crate::harness::PASSWORD).header("set-cookie").to_owned();
    assert!(header.contains("SameSite=Lax"), "{header}");
}

both_engines![
    acc_225_the_listing_is_whole_and_the_same_each_time,
    acc_225_every_refusal_is_declared_by_its_route_or_by_what_stands_before_it,
    a_query_parameter_that_is_given_twice_is_refused,
    acc_226_weakened_marks_and_missing_limits_are_told,
];
