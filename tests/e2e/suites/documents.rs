//! The documents of `/api`: `/openapi.json` and `/api/openrpc.json` say what the listing says, every route answers and
//! every method refuses as they declare, and the page that shows them takes nothing from elsewhere.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::listing::surface;
use crate::harness::{Client, Engine, Installation, PASSWORD, Program, Reply, Server, Setup, cookie_of, text, unique};

fn openapi(server: &Server) -> Value {
    server.anonymous().get("/openapi.json").expect(200)
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}")).keys().cloned().collect()
}

/// Checks a value against a schema that refers to the components of its document.
#[track_caller]
fn is_of(document: &Value, schema: &Value, value: &Value, what: &str) {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole);
    let validator = validator.unwrap_or_else(|error| panic!("{what}: {error}"));
    let issues: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(issues.is_empty(), "{what}: {issues:?} in {value}");
}

/// The rows of an array of the listing.
fn rows(list: &Value) -> &Vec<Value> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

fn reasons_of(schemas: &Value) -> BTreeSet<(String, String)> {
    let all = schemas.as_object().into_iter().flatten();
    let each = |(status, schema): (&String, &Value)| {
        let reasons = rows(&schema["properties"]["error"]["enum"]).iter().map(text).collect::<Vec<_>>();
        reasons.into_iter().map(|reason| (status.clone(), reason)).collect::<Vec<_>>()
    };
    all.flat_map(each).collect()
}

/// Reasons by status that an operation of the OpenAPI document declares in the flat form.
fn declared_reasons(operation: &Value) -> BTreeSet<(String, String)> {
    fn enums(schema: &Value, into: &mut Vec<String>) {
        for part in ["allOf", "anyOf"].iter().flat_map(|key| schema[*key].as_array().into_iter().flatten()) {
            enums(part, into);
        }
        if let Some(reasons) = schema["properties"]["error"]["enum"].as_array() {
            into.extend(reasons.iter().map(text));
        }
    }
    let mut found = BTreeSet::new();
    for (status, response) in operation["responses"].as_object().unwrap() {
        let mut reasons = Vec::new();
        enums(&response["content"]["application/json"]["schema"], &mut reasons);
        found.extend(reasons.into_iter().map(|reason| (status.clone(), reason)));
    }
    found
}

fn the_openapi_document_has_the_routes_of_the_listing_and_their_refusals(engine: Engine) {
    let house = Installation::shared(engine);
    let (document, listed) = (openapi(&house.server), surface(house));
    let mut wanted = BTreeSet::from(["get /api/ws".to_owned()]);
    for route in rows(&listed["routes"]).iter().filter(|route| text(&route["path"]).starts_with("/api/")) {
        let (verb, path) = (text(&route["method"]).to_lowercase(), text(&route["path"]));
        let operation = &document["paths"][&path][&verb];
        assert_eq!(operation["summary"], route["description"], "{path}");
        assert_eq!(operation["x-auth"], route["auth"], "{path}");
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(path == "/api/rpc" || *body == route["input_schema"], "{path}: {body}");
        let mut reasons = reasons_of(&route["error_schemas"]);
        for before in rows(&listed["middleware"]) {
            assert!(rows(&route["applicable_middleware"]).contains(&before["name"]), "{path}");
            reasons.extend(reasons_of(&before["error_schemas"]));
        }
        assert_eq!(declared_reasons(operation), reasons, "{path}");
        wanted.insert(format!("{verb} {path}"));
    }
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api"));
    let found = paths.flat_map(|(path, verbs)| keys(verbs).into_iter().map(move |verb| format!("{verb} {path}")));
    assert_eq!(found.collect::<BTreeSet<_>>(), wanted);
}

/// What the OpenRPC specification (1.3) demands of the parts that our document has, and of no others.
fn meta_schema() -> Value {
    let strict = |required: &[&str], properties: Value| {
        json!({
            "type": "object", "required": required, "properties": properties,
            "additionalProperties": false, "patternProperties": { "^x-": {} },
        })
    };
    let word = json!({ "type": "string", "minLength": 1 });
    let schema = json!({ "type": ["object", "boolean"] });
    let descriptor = strict(
        &["name", "schema"],
        json!({ "name": word, "summary": word, "required": { "type": "boolean" }, "schema": schema }),
    );
    let mut error = strict(&["code", "message"], json!({ "code": { "type": "integer" }, "message": word, "data": {} }));
    error.as_object_mut().unwrap().remove("patternProperties");
    let servers = json!({
        "type": "array",
        "items": strict(&["url"], json!({ "name": word, "url": { "type": "string", "format": "uri-reference" },
            "summary": word })),
    });
    let method = strict(
        &["name", "params"],
        json!({
            "name": word, "summary": word, "paramStructure": { "enum": ["by-name", "by-position", "either"] },
            "params": { "type": "array", "items": descriptor }, "result": descriptor,
            "errors": { "type": "array", "items": error }, "servers": servers,
        }),
    );
    let license = strict(&["name"], json!({ "name": word, "url": { "type": "string", "format": "uri" } }));
    strict(
        &["openrpc", "info", "methods"],
        json!({
            "openrpc": { "type": "string", "pattern": "^1\\.3\\.[0-9]+$" },
            "info": strict(&["title", "version"],
                json!({ "title": word, "version": word, "description": word, "license": license })),
            "servers": servers,
            "methods": { "type": "array", "items": method, "minItems": 1 },
            "components": strict(&[], json!({ "schemas": { "type": "object", "additionalProperties": schema } })),
        }),
    )
}

fn the_openrpc_document_is_one_and_has_the_methods_of_the_listing(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    house.server.anonymous().get("/api/openrpc.json").refused(401, "authentication_required");
    ann.client.get("/api/openrpc.json?x=1").refused(400, "invalid_query_params");
    let reply = ann.client.get("/api/openrpc.json");
    let document = reply.expect(200);
    for reader in [house.token_of(&ann).0, house.daemon(), house.keeper.client.clone()] {
        assert_eq!(reader.get("/api/openrpc.json").body, reply.body);
    }
    is_of(&json!({}), &meta_schema(), &document, "the document");
    let listed = surface(house);
    let mut errors_seen = 0;
    let methods = rows(&document["methods"]);
    let of_socket = rows(&listed["ws_endpoints"][0]["methods"]);
    let names = |rows: &[Value]| rows.iter().map(|row| text(&row["name"])).collect::<Vec<_>>();
    assert_eq!(names(methods), names(of_socket));
    let by_post = names(rows(&listed["rpc_endpoints"][0]["methods"]));
    for (method, row) in methods.iter().zip(of_socket) {
        let name = text(&row["name"]);
        assert_eq!(method["summary"], row["description"], "{name}");
        for (ours, theirs) in
            [("x-auth", "auth"), ("x-side-effects", "side_effects"), ("x-rate-limit", "rate_limit_key")]
        {
            assert_eq!(method[ours], row[theirs], "{name}: {ours}");
        }
        let transports = rows(&method["x-transports"]);
        assert_eq!(transports.contains(&json!("POST")), by_post.contains(&name), "{name}");
        assert!(!transports.contains(&json!("GET")) || row["side_effects"] == false, "{name}");
        let input = &row["input_schema"];
        assert_eq!(method["x-void"], input["type"] == "null", "{name}");
        let params = rows(&method["params"]);
        let none = Map::new();
        let properties = input["properties"].as_object().unwrap_or(&none);
        assert_eq!(params.len(), properties.len(), "{name}");
        for param in params {
            let field = text(&param["name"]);
            assert_eq!(param["schema"], properties[&field], "{name}: {field}");
            let needed = input["required"].as_array().is_some_and(|needed| needed.contains(&param["name"]));
            assert_eq!(param["required"], needed, "{name}: {field}");
        }
        // A notification has no answer, so it has no errors either.
        assert_eq!(method.get("result").is_none(), row["kind"] == "remote_notification", "{name}");
        let told = method["errors"].to_string();
        for reason in row["reasons"].as_array().into_iter().flatten() {
            assert!(told.contains(&reason.to_string()), "{name} does not tell {reason}");
            errors_seen += 1;
        }
    }
    assert!(errors_seen > 20, "{errors_seen} reasons");
    let notices: Vec<_> = rows(&listed["events"]).iter().filter(|event| event["channel"].is_null()).collect();
    let told = rows(&document["x-notifications"]);
    assert_eq!(told.len(), notices.len());
    assert!(told.iter().zip(notices).all(|(told, notice)| told["name"] == notice["method"]));
}

/// A refused call, and what its method declares under the code.
#[track_caller]
fn is_declared(document: &Value, client: &Client, method: &str, params: &Value) -> i64 {
    let reply = client.rpc(method, params).0;
    let error = &reply.json()["error"];
    let row = rows(&document["methods"]).iter().find(|row| row["name"] == method).unwrap();
    let declared = rows(&row["errors"]).iter().find(|it| it["code"] == error["code"]);
    let declared = declared.unwrap_or_else(|| panic!("{method} declares no such code: {reply}"));
    match (declared.get("data"), error.get("data")) {
        (None, None) => {}
        (Some(schema), Some(data)) => is_of(document, schema, data, &format!("{method}: {reply}")),
        // One code stands for what says why and for what does not: a fault, a wrong envelope.
        (Some(_), None) => {}
        (None, Some(data)) => panic!("{method} declares no data: {data}"),
    }
    error["code"].as_i64().unwrap()
}

fn methods_refuse_as_the_openrpc_document_declares(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_ACTION_ACCOUNT", "2/900")]);
    let (ann, many) = (house.person("ann"), house.person("many"));
    many.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    let document = ann.client.get("/api/openrpc.json").expect(200);
    let token = house.token_of(&ann).0;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let offer = |role: &str, to: &str| json!({ "to_account_id": to, "role": role });
    let keeper = &house.keeper;
    let anonymous = house.server.anonymous();
    let mut codes = BTreeSet::new();
    for (client, method, params) in [
        (&anonymous, "account_verify", Value::Null),
        (&ann.client, "account_verify", json!({})),
        (&ann.client, "account_session_revoke", json!({ "session_id": 1, "x": 2 })),
        (&token, "account_session_revoke_all", Value::Null),
        (&ann.client, "admin_account_list", json!({})),
        (&many.client, "role_grant_offer_list", json!({})),
        (&many.client, "role_grant_offer_list", json!({ "acting": ann.actor })),
        (&ann.client, "role_grant_offer_list", json!({ "account_id": many.id })),
        (&ann.client, "role_grant_offer_accept", json!({ "offer_id": nobody })),
        (&ann.client, "role_grant_offer_create", offer("teacher", &many.id)),
        (&ann.client, "actor_search", json!({ "query": "a" })),
        (&many.client, "role_why", json!({ "role": "teacher" })),
        (&ann.client, "actor_lookup", json!({ "ids": [nobody] })),
        (&keeper.client, "invite_delete", json!({ "invite_id": nobody })),
    ] {
        codes.insert(is_declared(&document, client, method, &params));
    }
    let house = Installation::shared(engine);
    let (keeper, ben) = (&house.keeper, house.person("ben"));
    let grants = keeper.client.get("/api/account/status").expect(200)["role_grants"].clone();
    let own = rows(&grants).iter().find(|grant| grant["role"] == "keeper").unwrap();
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    keeper.client.rpc("scope_destroy", &scope).result();
    let mut into_ruins = offer("teacher", &ben.id);
    into_ruins.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    let made = house.offer(keeper, &ben, "teacher", &json!({}));
    let retracted = json!({ "offer_id": made["id"] });
    keeper.client.rpc("role_grant_offer_retract", &retracted).result();
    for (client, method, params) in [
        (keeper, "role_grant_offer_create", offer("teacher", nobody)),
        (keeper, "role_grant_offer_create", offer("teacher", &keeper.id)),
        (keeper, "role_grant_offer_create", offer("pal", &ben.id)),
        (keeper, "role_grant_offer_create", into_ruins),
        (&ben, "role_grant_offer_accept", retracted),
        (keeper, "invite_create", json!({ "username": ben.username })),
        (keeper, "role_grant_revoke", json!({ "actor_id": keeper.actor, "role_grant_id": own["id"] })),
        (keeper, "role_grant_revoke", json!({ "actor_id": keeper.actor, "role_grant_id": nobody })),
        (keeper, "admin_token_revoke_all", json!({ "account_id": nobody })),
        (&ben, "self_service_role_set", json!({ "role": "teacher", "enabled": true })),
        (&ben, "role_why", json!({ "role": "teacher", "account_id": keeper.id })),
    ] {
        codes.insert(is_declared(&document, &client.client, method, &params));
    }
    let wanted = [-32_602, -32_600, -32_006, -32_004, -32_003, -32_002, -32_001];
    assert_eq!(codes, BTreeSet::from(wanted), "not every kind of refusal was met");
}

/// The OpenAPI document and which of its answers were met.
struct Declared {
    document: Value,
    met: BTreeSet<String>,
}

impl Declared {
    #[track_caller]
    fn fits(&mut self, verb: &str, path: &str, reply: &Reply) {
        let bare = path.split('?').next().unwrap();
        let response = &self.document["paths"][bare][verb]["responses"][reply.status.to_string()];
        assert!(response.is_object(), "{verb} {path} declares no {}: {reply}", reply.status);
        match response.pointer("/content/application~1json/schema") {
            Some(schema) => is_of(&self.document, schema, &reply.json(), &format!("{verb} {path}: {reply}")),
            None => assert!(reply.body.is_empty(), "{reply}"),
        }
        self.met.insert(format!("{verb} {bare} {}", reply.status));
    }

    #[track_caller]
    fn get(&mut self, client: &Client, path: &str) {
        self.fits("get", path, &client.get(path));
    }

    #[track_caller]
    fn post(&mut self, client: &Client, path: &str, body: &Value) {
        self.fits("post", path, &client.post(path, body));
    }
}

fn every_route_of_the_api_answers_as_the_openapi_document_says(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let mut declared = Declared { document: openapi(&server), met: BTreeSet::new() };
    let nobody = server.anonymous();
    let bootstrap = "/api/account/bootstrap";
    declared.post(&nobody, bootstrap, &json!({ "username": 1 }));
    declared.fits("post", bootstrap, &server.bootstrap_with("wrong", "keeper"));
    let made = server.bootstrap("keeper");
    declared.fits("post", bootstrap, &made);
    declared.fits("post", bootstrap, &server.bootstrap("again"));
    let keeper = nobody.header("cookie", &cookie_of(&made));

    let (signup, login) = ("/api/account/signup", "/api/account/login");
    let username = unique("ann").replace("--", "-");
    let body = json!({ "username": username, "password": PASSWORD });
    declared.post(&nobody, signup, &body);
    declared.fits("post", "/api/rpc", &keeper.rpc("invite_create", &json!({ "username": username })).0);
    let signed_up = nobody.post(signup, &body);
    declared.fits("post", signup, &signed_up);
    declared.post(&nobody, signup, &body);
    let email = format!("{username}@example.com");
    keeper.rpc("invite_create", &json!({ "email": email })).result();
    declared.post(&nobody, signup, &json!({ "username": username, "password": PASSWORD, "email": email }));
    declared.post(&nobody, login, &json!({ "username": username, "password": "a wrong password" }));
    declared.post(&nobody, login, &body);
    declared.fits("post", login, &nobody.post_bytes(login, "{"));

    let ann = nobody.header("cookie", &cookie_of(&signed_up));
    let daemon = std::fs::read_to_string(server.data.join("run/daemon_token")).unwrap();
    let daemon = nobody.header("x-daemon-token", daemon.trim());
    let stream = "/api/audit/stream";
    for path in ["/api/account/verify", "/api/account/status", "/api/surface", "/api/openrpc.json"] {
        declared.get(&ann, path);
        declared.get(&nobody, path);
        declared.get(&nobody.header("origin", "https://rogue.example"), path);
        declared.get(&nobody.header("x-daemon-token", "wrong"), path);
    }
    for path in ["/api/server/status", "/api/db/health", stream, "/api/admin/audit/stream", "/api/ws"] {
        declared.get(&nobody, path);
        if path != stream {
            declared.get(&ann, path);
        }
        declared.get(&ann, &format!("{path}?acting=00000000-0000-4000-8000-000000000000"));
    }
    declared.get(&daemon, "/api/db/health");
    for query in ["method=account_verify&id=1", "method=invite_create&id=1", "id=1", "method=none&id=1"] {
        declared.get(&ann, &format!("/api/rpc?{query}"));
    }
    declared.get(&nobody, "/api/rpc?method=account_verify&id=1");
    for (client, method) in [(&ann, "invite_list"), (&nobody, "invite_list"), (&ann, "none")] {
        declared.fits("post", "/api/rpc", &client.rpc(method, &json!({})).0);
    }
    declared.fits("post", "/api/rpc", &ann.post_bytes("/api/rpc", "{"));
    declared.fits("post", "/api/rpc", &ann.post_bytes("/api/rpc", vec![b' '; 1_048_577]));
    let password = |current: &str| json!({ "current_password": current, "new_password": "another horse battery" });
    declared.post(&ann, "/api/account/password", &password("a wrong password"));
    declared.post(&ann, "/api/account/password", &password(PASSWORD));
    declared.post(&keeper, "/api/account/logout", &json!({}));
    declared.post(&keeper, "/api/account/logout", &json!({}));

    for (path, verbs) in declared.document["paths"].as_object().unwrap() {
        for (verb, operation) in verbs.as_object().unwrap().iter().filter(|_| path.starts_with("/api/")) {
            // A stream is read by tests of its own.
            let is_stream = path.ends_with("/stream");
            for status in keys(&operation["responses"]).iter().filter(|status| status.starts_with('2') && !is_stream) {
                assert!(
                    declared.met.contains(&format!("{verb} {path} {status}")),
                    "{verb} {path} {status} was not met"
                );
            }
        }
    }
    for status in ["400", "401", "403", "404", "409", "413"] {
        assert!(declared.met.iter().any(|met| met.ends_with(status)), "no {status}");
    }
}

/// Everything that a text of the page fetches or links to.
fn references(text: &str) -> BTreeSet<String> {
    let marks = ["href=\"", "src=\"", "from \"", "import(\"", "fetch(\"", "send(\"POST\", \"", "action=\""];
    let after = marks.iter().flat_map(|mark| text.split(mark).skip(1));
    after.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn the_page_names_both_documents_and_takes_nothing_from_elsewhere(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    let mut found = BTreeSet::from(["/docs".to_owned()]);
    let mut read: BTreeSet<String> = BTreeSet::new();
    while let Some(path) = found.difference(&read).next().cloned() {
        let reply = client.get(&path);
        read.insert(path.clone());
        if !path.starts_with("/docs") {
            // The listing of methods asks who reads; the page says so.
            assert!([200, 400, 401, 404].contains(&reply.status), "{reply}");
            continue;
        }
        assert_eq!(reply.status, 200, "{reply}");
        let kinds = [("js", "text/javascript"), ("css", "text/css"), ("docs", "text/html")];
        let kind = kinds.iter().find(|(end, _)| path.ends_with(end)).unwrap().1;
        assert_eq!(reply.header("content-type"), format!("{kind}; charset=utf-8"), "{path}");
        let policy = reply.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        if path == "/docs" {
            assert!(policy.contains("script-src 'self'; style-src 'self'; connect-src 'self'"), "{policy}");
        }
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        for foreign in
            ["http:", "https://", "\"//", "url(", "@import", "eval(", "innerHTML", "<style", " style=", " onclick="]
        {
            assert!(!body.contains(foreign), "{path} has {foreign}");
        }
        let own = references(&body);
        assert!(own.iter().all(|it| it.starts_with('/') && !it.starts_with("//")), "{path}: {own:?}");
        found.extend(own);
    }
    for wanted in ["/openapi.json", "/api/openrpc.json", "/docs/page.js", "/docs/call.js", "/docs/socket.js"] {
        assert!(read.contains(wanted), "the page does not name {wanted}: {read:?}");
    }
    assert_eq!(client.get("/").body, client.get("/docs").body);
}

fn doctor_and_the_log_of_the_start_count_the_surface(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let listed = surface(&house);
    let count = |part: &str| rows(&listed[part]).len();
    let methods = |part: &str| rows(&listed[part][0]["methods"]).len();
    let notices = rows(&listed["events"]).iter().filter(|event| event["channel"].is_null()).count();
    let paths = openapi(&house.server)["paths"].clone();
    let of_v1 = paths.as_object().unwrap().iter().filter(|(path, _)| !path.starts_with("/api/"));
    let of_v1: usize = of_v1.map(|(_, verbs)| keys(verbs).len()).sum();
    let wanted = format!(
        "{of_v1} routes of /v1, {} of /api, {} methods on /api/rpc, {} on /api/ws, {notices} notifications, {} types of \
         audit rows, {} variables, {} warnings",
        count("routes"),
        methods("rpc_endpoints"),
        methods("ws_endpoints"),
        count("events") - notices,
        count("env"),
        count("diagnostics"),
    );
    house.server.log_with(&wanted);
    let told = Program::operator_of(&house.server).run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let check = rows(&told["checks"]).iter().find(|check| check["check"] == "surface").unwrap();
    assert_eq!(check["message"], json!(wanted));
}

both_engines![
    the_openapi_document_has_the_routes_of_the_listing_and_their_refusals,
    the_openrpc_document_is_one_and_has_the_methods_of_the_listing,
    methods_refuse_as_the_openrpc_document_declares,
    every_route_of_the_api_answers_as_the_openapi_document_says,
    the_page_names_both_documents_and_takes_nothing_from_elsewhere,
    doctor_and_the_log_of_the_start_count_the_surface,
];
