//! Origins, addresses, bodies and headers (ACC-190 to ACC-196), and starts that are refused (ACC-001 to ACC-006).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, ORIGIN, PASSWORD, Program, Server, contains, unique};

/// Sends bytes as they are and reads what comes back until the server is done.
fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // An answer may take its time to begin; once it has, silence is its end.
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may close before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    let mut piece = [0_u8; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..count]);
        stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

fn acc_190_another_sites_page_is_refused_before_anything_is_read(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let body = json!({ "username": person.username, "password": PASSWORD });
    for origin in ["https://rogue.example", "", "null", "https://app.example.com.evil", "http://app.example.com"] {
        let client = person.client.header("origin", origin);
        client.post("/api/account/login", &body).refused(403, "forbidden_origin");
        client.post("/api/rpc", &json!({})).refused(403, "forbidden_origin");
        client.get("/api/account/verify").refused(403, "forbidden_origin");
        let headers = [("cookie", person.cookie.as_str()), ("origin", origin)];
        assert_eq!(Socket::open(&house.server, "/api/ws", &headers).err().unwrap().0, 403);
        assert_eq!(client.get("/health").status, 200);
    }
    assert_eq!(person.client.header("origin", ORIGIN).get("/api/account/verify").status, 200);
    assert_eq!(person.client.header("referer", "https://rogue.example").get("/api/account/verify").status, 200);
}

fn acc_193_a_body_of_a_mebibyte_passes_and_one_byte_more_does_not(engine: Engine) {
    let house = Installation::shared(engine);
    let filled = |length: usize| {
        let mut body = br#"{"username":"nobody","password":"x"}"#.to_vec();
        body.resize(length, b' ');
        house.server.anonymous().post_bytes("/api/account/login", body)
    };
    filled(1 << 20).refused(401, "invalid_credentials");
    filled((1 << 20) + 1).refused(413, "payload_too_large");
    let port = house.server.port;
    let mut chunked = b"POST /api/rpc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..32 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&[b' '; 65_536]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = raw(port, &chunked);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
    // Too much is found before anything else is asked, and what was to be done is not done.
    let rogue = house.server.anonymous().header("origin", "https://rogue.example");
    rogue.post_bytes("/api/account/login", vec![b' '; (1 << 20) + 1]).refused(413, "payload_too_large");
    let ann = house.person("ann");
    let (head, rest) = (format!("cookie: {}\r\n", ann.cookie), &chunked["POST /api/rpc HTTP/1.1\r\n".len()..]);
    for (path, head) in
        [("account/logout", head.as_str()), ("account/logout", ""), ("account/password", ""), ("no", "")]
    {
        let mut request = format!("POST /api/{path} HTTP/1.1\r\n{head}").into_bytes();
        request.extend_from_slice(rest);
        let answer = raw(port, &request);
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{path}: {answer}");
    }
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
    let smuggled = r#"{"username":"smuggled-in","password":"x"}"#;
    let inner =
        format!("POST /api/account/login HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{smuggled}", smuggled.len());
    let mut outer =
        format!("POST /api/rpc HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", (1 << 20) + 1 + inner.len());
    outer.push_str(&" ".repeat((1 << 20) + 1));
    outer.push_str(&inner);
    let answer = raw(port, outer.as_bytes());
    assert_eq!(answers(&answer), 1, "{answer}");
    let rows = house.audit(&json!({ "event_type": "login", "outcome": "failure", "limit": 200 }));
    assert!(!json!(rows).to_string().contains("smuggled-in"));
}

fn acc_193_nothing_behind_the_last_request_of_a_connection_is_run(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let port = house.server.port;
    let hidden = |name: &str| {
        let body = format!(r#"{{"username":"{name}","password":"x"}}"#);
        format!("POST /api/account/login HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let health = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    let control = raw(port, (health.clone() + &hidden("in-the-open")).as_bytes());
    assert_eq!(answers(&control), 2, "{control}");
    let mut chunked = "POST /api/rpc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for _ in 0..17 {
        chunked.push_str(&format!("10000\r\n{}\r\n", " ".repeat(65_536)));
    }
    chunked.push_str("0\r\n\r\n");
    for (status, last) in [
        (413, chunked.clone()),
        (413, chunked.replace("/api/rpc", "/v1/auth/otp/start")),
        (200, health.replace("host: x", "host: x\r\nconnection: close")),
        (200, health.replace("HTTP/1.1", "HTTP/1.0")),
    ] {
        let answer = raw(port, (last + &hidden("smuggled-in")).as_bytes());
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
        assert_eq!(answer.get(9..12), Some(status.to_string().as_str()), "{answer}");
    }
    let tried = json!(house.audit(&json!({ "event_type": "login", "outcome": "failure" }))).to_string();
    assert!(tried.contains("in-the-open") && !tried.contains("smuggled-in"), "{tried}");
}

fn acc_193_the_bound_of_a_body_is_a_setting_that_can_be_off(engine: Engine) {
    let login = |server: &Server, length: usize| {
        let mut body = br#"{"username":"nobody","password":"x"}"#.to_vec();
        body.resize(length, b' ');
        server.anonymous().post_bytes("/api/account/login", body)
    };
    let house = Installation::with(engine, &[("HTTP_MAX_BODY_SIZE", "2048")]);
    login(&house.server, 2_048).refused(401, "invalid_credentials");
    login(&house.server, 2_049).refused(413, "payload_too_large");
    let house = Installation::with(engine, &[("HTTP_MAX_BODY_SIZE", "off")]);
    login(&house.server, 3 << 20).refused(401, "invalid_credentials");
    let surface = house.keeper.client.get("/api/surface").expect(200);
    assert!(surface["diagnostics"].to_string().contains("http.max_body_size"), "{}", surface["diagnostics"]);
}

fn acc_194_answers_tell_nothing_of_the_server_and_are_not_kept(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    for reply in [
        person.client.get("/api/account/status"),
        person.client.get("/api/nowhere"),
        house.server.anonymous().get("/api/account/verify"),
        person.client.rpc("unheard", &Value::Null).0,
        person.client.post("/api/account/login", &json!([])),
    ] {
        for name in ["server", "x-powered-by", "www-authenticate", "access-control-allow-origin"] {
            assert_eq!(reply.header(name), "", "{reply}");
        }
        assert_eq!(reply.header("cache-control"), "no-store", "{reply}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply}");
    }
    person.client.get("/api/nowhere").refused(404, "not_found");
    for path in ["/api/ws", "/api/audit/stream", "/api/admin/audit/stream", "/api/account/verify", "/api/surface"] {
        for verb in ["POST", "PUT", "DELETE", "OPTIONS"] {
            for client in [&person.client, &house.server.anonymous()] {
                let reply = client.request(verb, path);
                reply.refused(404, "not_found");
                assert_eq!(reply.header("allow"), "", "{reply}");
            }
            let rogue = person.client.header("origin", "https://rogue.example");
            rogue.request(verb, path).refused(403, "forbidden_origin");
        }
    }
    person.client.get("/api/server/status").expect(200);
    person.client.get("/api/server/status?x=1").refused(400, "invalid_query_params");
}

fn acc_195_doubled_and_broken_headers_get_one_answer_and_open_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let made = house.keeper.client.rpc("account_token_create", &Value::Null).result();
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let daemon = std::fs::read_to_string(house.server.data.join("run/daemon_token")).unwrap();
    let daemon = daemon.trim();
    let port = house.server.port;
    let ask = |headers: &str| {
        raw(
            port,
            format!("GET /api/account/verify HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").as_bytes(),
        )
    };
    assert!(ask(&format!("authorization: {token}\r\n")).starts_with("HTTP/1.1 200"), "the control");
    let garbage = "x".repeat(43);
    for headers in [
        format!("authorization: {token}\r\nauthorization: Bearer x\r\n"),
        format!("authorization: Bearer x\r\nauthorization: {token}\r\n"),
        format!("x-daemon-token: {daemon}\r\nx-daemon-token: {garbage}\r\n"),
        format!("x-daemon-token: {garbage}\r\nx-daemon-token: {daemon}\r\n"),
        format!("authorization: Bearer x\r\r\n authorization: {token}\r\n"),
        format!("x-long: {}\r\n", "l".repeat(64 << 10)),
        "authorization\r\n".to_owned(),
    ] {
        let answer = ask(&headers);
        assert!(
            answers(&answer) == 1 && !answer.starts_with("HTTP/1.1 2"),
            "{}: {answer}",
            &headers[..60.min(headers.len())]
        );
    }
    assert_eq!(house.server.anonymous().get("/health").status, 200);
}

fn acc_196_no_secret_is_anywhere_after_everything(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let password = format!("{}-sentinel-password", unique("pw"));
    let name = unique("ann");
    house.invite(&json!({ "username": name }));
    let reply = house.sign_up(&json!({ "username": name, "password": password }));
    reply.expect(200);
    let cookie = crate::harness::cookie_of(&reply);
    let ann = house.person_of(&name, &cookie);
    let made = ann.client.rpc("account_token_create", &Value::Null).result();
    let token = made["token"].as_str().unwrap().to_owned();
    house.login(&name, &format!("{password}-wrong")).refused(401, "invalid_credentials");
    let daemon = std::fs::read_to_string(house.server.data.join("run/daemon_token")).unwrap();
    house.daemon().rpc("account_verify", &Value::Null).result();
    let raw_session = cookie.split_once('=').unwrap().1.split(':').next().unwrap().to_owned();
    let surface = ann.client.get("/api/surface").expect(200).to_string();
    let shown = Program::operator_of(&house.server).run(&["config", "show"]);
    let export = Program::operator_of(&house.server).run(&["audit", "export"]);
    let log = house.server.log();
    house.server.terminate();
    let stored = house.server.store.bytes();
    let places: [(&str, &[u8]); 5] = [
        ("store", &stored),
        ("log", log.as_bytes()),
        ("surface", surface.as_bytes()),
        ("config", shown.ok().as_bytes()),
        ("export", export.ok().as_bytes()),
    ];
    for secret in [&password, &token, &raw_session, &daemon.trim().to_owned(), &crate::harness::COOKIE_KEY.to_owned()] {
        for (place, bytes) in places {
            assert!(!contains(bytes, secret.as_bytes()), "{place} holds {secret}");
        }
    }
    assert!(!contains(&stored, b"$argon2id$"));
}

both_engines![
    acc_190_another_sites_page_is_refused_before_anything_is_read,
    acc_193_a_body_of_a_mebibyte_passes_and_one_byte_more_does_not,
    acc_193_nothing_behind_the_last_request_of_a_connection_is_run,
    acc_193_the_bound_of_a_body_is_a_setting_that_can_be_off,
    acc_194_answers_tell_nothing_of_the_server_and_are_not_kept,
    acc_195_doubled_and_broken_headers_get_one_answer_and_open_nothing,
    acc_196_no_secret_is_anywhere_after_everything,
];
