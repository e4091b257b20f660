//! Rules of the whole surface: health, CORS, unknown paths, bodies, the shape of errors (MET-001 to 008).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Company, Engine, Founder, Installation, Reply, Server, unique};
use crate::live::socket::Socket;

fn met_001_health_answers_without_a_credential(engine: Engine) {
    let reply = Server::shared(engine).anonymous().get("/health");
    assert_eq!(reply.expect(200), json!({ "ok": true, "status": "ok", "env": "development" }));
    assert_cors(&reply);
    assert_cors(&Server::shared(engine).anonymous().header("cookie", "theme=dark").get("/health"));
    let head = Server::shared(engine).anonymous().request("HEAD", "/health");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let other = Server::shared(engine).anonymous().request(method, "/health");
        assert_eq!(other.expect(200), reply.json(), "{method}");
        assert_cors(&other);
    }
}

fn met_002_a_preflight_is_answered_on_any_path(engine: Engine) {
    let client = Server::shared(engine).anonymous().header("origin", "https://dashboard.example.com");
    for path in ["/v1/status", "/v1/metrics/a/points", "/v1/nothing/here", "/v1/auth/otp/start", "/health"] {
        let reply = client.request("OPTIONS", path);
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply}");
        assert_cors(&reply);
    }
    // Nothing is authenticated, so a cookie that comes along changes nothing.
    for path in ["/v1/status", "/v1/nothing/here", "/v1/live", "/health"] {
        let reply = client.header("cookie", "theme=dark").request("OPTIONS", path);
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply}");
        assert_cors(&reply);
    }
    let review = client.request("OPTIONS", "/v1/review/applications");
    assert_eq!((review.status, review.body.len()), (200, 0), "{review}");
    assert!(review.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{:?}", review.headers);
}

fn met_002_a_preflight_that_asks_for_what_reading_heeds_is_given_it_and_nothing_else(engine: Engine) {
    let client = Server::shared(engine).anonymous().header("origin", "https://dashboard.example.com");
    let allowed = |asked: &str| {
        let reply = client.header("access-control-request-headers", asked).request("OPTIONS", "/v1/status");
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply}");
        reply.header("access-control-allow-headers").to_owned()
    };
    let always = "authorization,content-type,idempotency-key,x-alif-signup-secret";
    assert_eq!(allowed("authorization,muniment-after"), format!("{always},muniment-after"));
    assert_eq!(allowed("Traceparent , last-event-id"), format!("{always},last-event-id,traceparent"));
    for asked in ["", "authorization", "x-daemon-token,cookie", "muniment-afterwards", "*"] {
        assert_eq!(allowed(asked), always, "{asked}");
    }
}

fn head_of_what_can_be_read_answers_without_a_body(engine: Engine) {
    let server = Server::shared(engine);
    let agent = server.company().agent;
    for path in ["/", "/docs", "/openapi.json", "/ready", "/metrics", "/v1/status", "/v1/events", "/v1/stream"] {
        let reply = agent.request("HEAD", path);
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply}");
    }
    assert_eq!(server.anonymous().request("HEAD", "/v1/stream").status, 401);
}

fn met_003_every_answer_has_its_content_type_and_cors_headers(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let started: Vec<Reply> =
        (0..6).map(|_| server.anonymous().post("/v1/auth/otp/start", &json!({ "email": company.email }))).collect();
    let replies = [
        company.agent.get("/v1/status"),
        company.agent.get("/v1/metrics"),
        company.agent.get("/v1/metrics/none"),
        company.agent.get("/v1/alerts"),
        company.agent.post("/v1/metrics", &json!({})),
        server.anonymous().get("/v1/status"),
        server.anonymous().get("/v1/nothing"),
        server.anonymous().post_bytes("/v1/applications", "{"),
        company.agent.post("/v1/metrics", &json!({ "key": "mrr" })),
        company.agent.post("/v1/metrics", &json!({ "key": "mrr" })),
        company.agent.post("/v1/alerts/alert_AAAAAAAAAAAAAAAA/ack", &json!({})),
        server.anonymous().post_bytes("/v1/applications", " ".repeat(1_048_577)),
    ];
    let statuses: BTreeSet<u16> = replies.iter().chain(&started).map(|reply| reply.status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 201, 400, 401, 403, 404, 409, 413, 429]));
    for reply in replies.into_iter().chain(started) {
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8", "{reply}");
        assert_cors(&reply);
    }
}

fn met_003_head_of_a_path_with_a_parameter_answers_as_its_get(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    for (client, path, status) in [
        (&company.agent, "/v1/metrics/arr", 200),
        (&company.agent, "/v1/metrics/arr/points?limit=1", 200),
        (&company.agent, "/v1/metrics/none", 404),
        (&server.anonymous(), "/v1/metrics/arr", 401),
    ] {
        let (get, head) = (client.get(path), client.request("HEAD", path));
        assert_eq!((get.status, head.status, head.body.len()), (status, status, 0), "{path}");
        assert_eq!(head.header("content-type"), "application/json; charset=utf-8", "{path}");
        assert_cors(&head);
        match status {
            200 => assert!(head.position() >= get.position(), "{path}"),
            _ => assert_eq!((get.header("muniment-position"), head.header("muniment-position")), ("", ""), "{path}"),
        }
    }
}

/// Every operation of `/v1` that the document lists, as verb and path.
fn operations(server: &Server) -> Vec<(String, String)> {
    let document = server.anonymous().get("/openapi.json").expect(200);
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/"));
    let of_path = |(path, verbs): (&String, &Value)| {
        let verbs = verbs.as_object().unwrap().keys().filter(|verb| ["get", "post"].contains(&verb.as_str()));
        verbs.map(|verb| (verb.clone(), path.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

fn met_003_every_route_answers_so_and_who_comes_by_cookie_is_given_no_leave(engine: Engine) {
    let house = Installation::shared(engine);
    let anonymous = house.server.anonymous();
    let ben = house.person("ben").client;
    let bears_cors = |reply: &Reply| reply.headers.keys().any(|name| name.as_str().starts_with("access-control"));
    for (verb, path) in operations(&house.server) {
        let at = path.replace("{key}", "arr").replace("{id}", "x").replace("{public_id}", "0");
        let call = |client: &Client| match verb.as_str() {
            "get" => client.get(&at),
            _ => client.post_bytes(&at, "{"),
        };
        // A cookie of another program, or one beside a bearer, proves nothing.
        let foreign = anonymous.header("cookie", "theme=dark");
        for reply in [&anonymous, &foreign, &ben.bearer("nonsense")].map(call) {
            assert!((400..500).contains(&reply.status), "{reply}");
            assert_eq!(reply.header("content-type"), "application/json; charset=utf-8", "{reply}");
            match path.starts_with("/v1/review/") {
                true => assert!(!bears_cors(&reply), "{reply}"),
                false => assert_cors(&reply),
            }
        }
        let by_cookie = call(&ben);
        assert!(!bears_cors(&by_cookie), "{by_cookie}");
    }
}

fn met_004_a_path_matches_exactly_or_is_not_found(engine: Engine) {
    let client = Server::shared(engine).anonymous();
    for (method, path) in [
        ("GET", "/v1/nothing"),
        ("GET", "/v1"),
        ("GET", "/v1/status/"),
        ("GET", "/V1/status"),
        ("GET", "/v1//status"),
        ("GET", "/v1/auth/otp/start"),
        ("DELETE", "/v1/metrics"),
        ("PUT", "/v1/metrics/a/settings"),
        ("POST", "/v1/status"),
    ] {
        let reply = client.request(method, path);
        assert_eq!(reply.status, 404, "{reply}");
        assert_eq!(reply.json(), json!({ "error": "not_found" }), "{reply}");
    }
}

/// Each POST route with a caller who may use it, a body that is right, and whether the body may be absent.
struct Route {
    client: Client,
    path: String,
    right: Value,
    optional: bool,
}

fn post_routes(house: &Installation) -> (Company, Vec<Route>) {
    let server = &house.server;
    let founder: Founder = server.founder("routes");
    let company = server.company_of(&founder);
    company.metric("arr");
    let point = company.point("arr", &json!({ "value": 100, "timestamp": "2026-01-01" }));
    company.point("arr", &json!({ "value": 150, "timestamp": "2026-01-02" }));
    let alert = company.wait_for_alerts(1)[0]["id"].as_str().unwrap().to_owned();
    let made =
        founder.client.post("/v1/tokens", &json!({ "name": "second", "scopes": ["application:read"] })).expect(201);
    let token = made["public_id"].as_str().unwrap();
    let agent = |path: &str, right: Value| Route {
        client: company.agent.clone(),
        path: path.to_owned(),
        right,
        optional: false,
    };
    let own = |path: String, right: Value, optional| Route { client: founder.client.clone(), path, right, optional };
    let routes = vec![
        agent("/v1/metrics", json!({ "key": "another" })),
        Route { optional: true, ..agent("/v1/metrics/arr/settings", json!({ "unit": "usd" })) },
        agent("/v1/metrics/arr/points", json!({ "value": 1 })),
        agent("/v1/metrics/arr/points/batch", json!({ "points": [{ "value": 1 }] })),
        agent(&format!("/v1/metrics/arr/points/{point}/correct"), json!({ "value": 1 })),
        agent("/v1/metrics/arr/rules", json!({ "type": "growth_spike" })),
        own(format!("/v1/alerts/{alert}/ack"), json!({}), true),
        own(format!("/v1/alerts/{alert}/resolve"), json!({}), true),
        own("/v1/tokens".to_owned(), json!({ "name": "third", "scopes": ["application:read"] }), false),
        own(format!("/v1/tokens/{token}/revoke"), json!({}), true),
        own(format!("/v1/tokens/{token}/rotate"), json!({}), true),
        own(format!("/v1/applications/{}/withdraw", company.application), json!({}), true),
        own(
            "/v1/applications".to_owned(),
            json!({ "company_name": "A", "founder_name": "B", "founder_email": founder.email }),
            false,
        ),
        Route {
            client: server.anonymous(),
            path: "/v1/auth/otp/start".to_owned(),
            right: json!({ "email": "a@example.com" }),
            optional: false,
        },
        Route {
            client: server.anonymous(),
            path: "/v1/auth/otp/verify".to_owned(),
            right: json!({ "email": "a@example.com", "code": "123456" }),
            optional: false,
        },
        own("/v1/auth/logout".to_owned(), json!({}), true),
        Route {
            // With a cookie it is looked at what the body says it is, whatever it is.
            client: house.keeper.client.header("content-type", "application/json"),
            path: format!("/v1/review/applications/{}/status", company.application),
            right: json!({ "status": "in_review" }),
            optional: false,
        },
    ];
    let listed = operations(server).into_iter().filter(|(verb, _)| verb == "post").count();
    assert_eq!(routes.len(), listed, "a POST route is not tried");
    (company, routes)
}

fn met_005_a_body_that_is_no_json_object_is_refused_and_records_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let (_company, routes) = post_routes(&house);
    let before = server.store.count("%");
    let [too_deep, deep] = [33, 100].map(|levels| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)));
    for Route { client, path, optional, .. } in &routes {
        for body in ["{", "null", "[]", "\"x\"", "nonsense", "{}{}", &too_deep, &deep] {
            client.post_bytes(path, body).refused(400, "invalid_json");
        }
        if !optional {
            client.post_bytes(path, "").refused(400, "invalid_json");
        }
    }
    assert_eq!(server.store.count("%"), before);
}

fn met_005_a_body_of_32_levels_is_read_and_one_of_33_is_not(engine: Engine) {
    let anonymous = Server::shared(engine).anonymous();
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        // The body and the narrative are a level each.
        let apply = |levels: usize| {
            let narrative = format!("{{\"a\":{}1{}}}", open.repeat(levels - 2), close.repeat(levels - 2));
            let names = format!(
                "\"company_name\":\"A\",\"founder_name\":\"B\",\"founder_email\":\"{}@b.example\"",
                unique("a")
            );
            anonymous.post_bytes("/v1/applications", format!("{{{names},\"narrative\":{narrative}}}"))
        };
        apply(32).expect(201);
        apply(33).refused(400, "invalid_json");
    }
}

fn met_006_an_unknown_field_is_refused_by_name_and_records_nothing(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let (_company, routes) = post_routes(&house);
    let before = server.store.count("%");
    for Route { client, path, right, .. } in &routes {
        let mut body = right.clone();
        body["timestanp"] = json!("2026-01-01");
        let refusal = client.post(path, &body).refused(400, "unknown_field");
        assert!(refusal["message"].as_str().unwrap().contains("timestanp"), "{path}: {refusal}");
    }
    assert_eq!(server.store.count("%"), before);
}

fn met_007_a_body_over_one_mebibyte_is_refused_and_the_server_lives(engine: Engine) {
    let server = Server::shared(engine);
    let body = |length: usize| {
        let frame = json!({ "company_name": "A", "founder_name": "", "founder_email": "a@example.com" }).to_string();
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    let client = server.anonymous();
    client.post_bytes("/v1/applications", body(1_048_577)).refused(413, "payload_too_large");
    client.post_bytes("/v1/applications", body(1_048_576)).refused(400, "invalid_field");
    client.get("/health").expect(200);
}

/// The shape itself is asserted by the harness on every refusal of every test; this one makes many kinds of them.
fn met_008_no_error_tells_more_than_its_code_and_message(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let sql = "'; DROP TABLE events; --";
    let refusals: Vec<Reply> = vec![
        company.agent.post("/v1/metrics", &json!({ "key": sql, "unit": 5 })),
        company.agent.post("/v1/metrics/none/points", &json!({ "value": 1, "timestamp": sql })),
        company.agent.get("/v1/metrics/none/points?cursor=%27%22"),
        company.agent.get("/v1/metrics/none"),
        server.agent("alif_live_00_x").get("/v1/status"),
        server.agent("\u{e9}").get("/v1/status"),
        server.anonymous().get("/v1/%00%ff"),
        server.anonymous().post_bytes("/v1/auth/otp/start", vec![0xff, 0xfe, 0x00]),
    ];
    for refusal in refusals {
        assert!((400..500).contains(&refusal.status), "{refusal}");
        let message = refusal.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.len() < 1_000, "{refusal}");
    }
}

/// Every snapshot says where in the record it stands (spec/live.md section 2), so that a subscription can begin there.
fn every_snapshot_says_its_position(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("snapshots");
    let company = server.company_of(&founder);
    let written = company.agent.post("/v1/metrics", &json!({ "key": "arr" }));
    written.expect(201);
    let own = |path: &str| (founder.client.clone(), path.to_owned());
    let agent = |path: &str| (company.agent.clone(), path.to_owned());
    let snapshots = [
        own("/v1/auth/session"),
        own("/v1/applications"),
        own(&format!("/v1/applications/{}", company.application)),
        own("/v1/tokens"),
        agent("/v1/status"),
        agent("/v1/metrics"),
        agent("/v1/metrics/arr"),
        agent("/v1/metrics/arr/points"),
        agent("/v1/metrics/arr/rules"),
        agent("/v1/alerts"),
    ];
    for (client, path) in &snapshots {
        let shown = client.get(path);
        shown.expect(200);
        assert!(shown.position() >= written.position(), "{shown}");
    }
    // Whoever is not understood would be shown an older state than he has seen.
    for bad in ["x", "-1", "some-store:5", ""] {
        company.agent.header("muniment-after", bad).get("/v1/status").refused(400, "invalid_field");
    }
    server.anonymous().header("muniment-after", "x").get("/v1/status").refused(401, "missing_token");
    let reads = operations(server).into_iter().filter(|(verb, _)| verb == "get");
    // The reviewers' two are tried with reviews, the feed of events by tests of its own.
    let others = ["/v1/review/", "/v1/events", "/v1/live", "/v1/stream"];
    let reads: Vec<_> = reads.filter(|(_, path)| !others.iter().any(|other| path.starts_with(other))).collect();
    assert_eq!(reads.len(), snapshots.len(), "{reads:?}");

    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let signed_up = house.row("signup", &ben.id)["seq"].as_u64().unwrap();
    let status = house.server.anonymous().header("cookie", &ben.cookie).get("/api/account/status");
    assert!(status.position() >= signed_up, "{status}");
    for method in
        ["account_verify", "account_session_list", "account_token_list", "role_grant_offer_list", "actor_list"]
    {
        let shown = ben.client.rpc(method, &Value::Null);
        shown.result();
        assert!(shown.0.position() >= signed_up, "{method}");
    }
}

/// The headers of §2.2, exactly.
#[track_caller]
fn assert_cors(reply: &Reply) {
    assert_eq!(reply.header("access-control-allow-origin"), "*", "{reply}");
    assert_eq!(reply.header("access-control-allow-methods"), "GET,POST,OPTIONS", "{reply}");
    assert_eq!(
        reply.header("access-control-allow-headers"),
        "authorization,content-type,idempotency-key,x-alif-signup-secret",
        "{reply}"
    );
    assert_eq!(reply.header("access-control-expose-headers"), "muniment-position,retry-after", "{reply}");
    assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{reply}");
}

/// Whoever is refused, or follows what happens, can name the request to an operator, who finds it in log and traces.
fn every_answer_of_the_live_routes_bears_its_correlation_id(engine: Engine) {
    let server = Server::shared(engine);
    let agent = server.company().agent;
    let id = |reply: Reply| uuid::Uuid::parse_str(reply.header("x-request-id")).unwrap_or_else(|_| panic!("{reply}"));
    let mut ids = vec![id(agent.get("/v1/events?after=start")), id(agent.request("HEAD", "/v1/stream"))];
    for path in ["/v1/events", "/v1/stream", "/v1/live", "/api/ws", "/api/audit/stream", "/api/admin/audit/stream"] {
        ids.push(id(server.anonymous().get(path)));
        ids.push(id(server.anonymous().request("DELETE", path)));
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each request has its own");
}

/// A row of the counters of requests for each route and status; how long callers had asked to wait is no measure of ours.
fn every_request_of_a_live_route_is_counted(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    let figures = || String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    for (path, waits) in [
        ("/v1/events", true),
        ("/v1/stream", false),
        ("/v1/live", false),
        ("/api/ws", false),
        ("/api/audit/stream", false),
        ("/api/admin/audit/stream", false),
    ] {
        let status = server.anonymous().get(path).status;
        let counted = format!("muniment_http_requests{{route=\"{path}\",status=\"{status}\"}}");
        let timed = format!("muniment_http_seconds_count{{route=\"{path}\"}}");
        let figures = figures();
        assert!(figures.contains(&counted), "{counted}: {figures}");
        assert_eq!(figures.contains(&timed), !waits, "{timed}: {figures}");
    }
    assert_eq!(company.agent.get("/v1/events?after=head").status, 200);
    assert_eq!(company.agent.request("HEAD", "/v1/stream").status, 200);
    let _socket = Socket::connect(server, &company.token);
    for (path, status) in [("/v1/events", 200), ("/v1/stream", 200), ("/v1/live", 101)] {
        let counted = format!("muniment_http_requests{{route=\"{path}\",status=\"{status}\"}}");
        let figures = figures();
        assert!(figures.contains(&counted), "{counted}: {figures}");
    }
}

both_engines![
    met_001_health_answers_without_a_credential,
    met_002_a_preflight_is_answered_on_any_path,
    met_002_a_preflight_that_asks_for_what_reading_heeds_is_given_it_and_nothing_else,
    met_003_every_answer_has_its_content_type_and_cors_headers,
    met_003_head_of_a_path_with_a_parameter_answers_as_its_get,
    met_003_every_route_answers_so_and_who_comes_by_cookie_is_given_no_leave,
    head_of_what_can_be_read_answers_without_a_body,
    met_004_a_path_matches_exactly_or_is_not_found,
    met_005_a_body_that_is_no_json_object_is_refused_and_records_nothing,
    met_005_a_body_of_32_levels_is_read_and_one_of_33_is_not,
    met_006_an_unknown_field_is_refused_by_name_and_records_nothing,
    met_007_a_body_over_one_mebibyte_is_refused_and_the_server_lives,
    met_008_no_error_tells_more_than_its_code_and_message,
    every_snapshot_says_its_position,
    every_answer_of_the_live_routes_bears_its_correlation_id,
    every_request_of_a_live_route_is_counted,
];
