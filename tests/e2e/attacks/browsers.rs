//! What a page of another site, a form, a proxy's header and a slow client may try (catalogue H and I).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::raw;
use crate::accounts::socket::Socket;
use crate::harness::{Engine, Installation, PASSWORD, Server};

fn h2_a_request_of_another_sites_page_is_refused_without_an_origin_too(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    let from = |site: &str| ann.client.header("sec-fetch-site", site);
    from("cross-site").get("/api/account/verify").refused(403, "forbidden_origin");
    from("Cross-Site").post("/api/account/logout", &json!({})).refused(403, "forbidden_origin");
    let headers = [("cookie", ann.cookie.as_str()), ("sec-fetch-site", "cross-site")];
    assert_eq!(Socket::open(&house.server, "/api/ws", &headers).err().unwrap().0, 403);
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(from(site).get("/api/account/verify").status, 200, "{site}");
    }
}

fn h4_what_a_form_can_send_changes_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let ann = house.person("ann");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "account_session_revoke_all" }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""]
    {
        let client = ann.client.header("content-type", kind);
        client.post_bytes("/api/rpc", call.clone()).refused(415, "unsupported_media_type");
        client.post_bytes("/api/account/logout", "{}").refused(415, "unsupported_media_type");
    }
    // A page can send bytes whose kind nobody names; nothing at all is no body.
    ann.client.post_bytes("/api/rpc", call.clone()).refused(415, "unsupported_media_type");
    ann.client.post_bytes("/api/account/logout", "{}").refused(415, "unsupported_media_type");
    let chunked = format!(
        "POST /api/rpc HTTP/1.1\r\nhost: a\r\ncookie: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         {:x}\r\n{call}\r\n0\r\n\r\n",
        ann.cookie,
        call.len()
    );
    let answer = raw::send(&house.server, chunked.as_bytes());
    assert_eq!(raw::status(&answer), 415, "{answer}");
    let reader = json!({ "jsonrpc": "2.0", "id": 1, "method": "account_verify" }).to_string();
    let (bearer, _) = house.token_of(&ann);
    bearer.post_bytes("/api/rpc", reader).expect(200);
    assert_eq!(ann.client.get("/api/account/verify").status, 200);
    let leaves = house.session_of(&ann);
    assert_eq!(leaves.client.post_bytes("/api/account/logout", "").status, 200);
    let fine = ann.client.header("content-type", "Application/JSON; charset=utf-8");
    fine.post_bytes("/api/rpc", call).expect(200);
    ann.client.get("/api/account/verify").refused(401, "authentication_required");
}

fn h14_an_account_has_a_hundred_sockets(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let open = || Socket::open(&house.server, "/api/ws", &[("cookie", &ann.cookie)]);
    let mut sockets: Vec<Socket> = (0..100).map(|_| open().unwrap()).collect();
    let (status, body) = open().err().unwrap();
    assert_eq!((status, &body["error"]), (429, &json!("rate_limit_exceeded")));
    Socket::of(&house.server, &ben.cookie);
    assert_eq!(sockets[99].call("account_verify", &Value::Null)["result"]["id"], json!(ann.id));
    drop(sockets.pop());
    crate::harness::eventually("a place is free again", || open().ok());
}

fn i3_headers_that_nobody_configured_name_no_client(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "3/900")]);
    let login = |name: &str, value: &str| {
        let body = json!({ "username": "nobody-here", "password": "wrong" });
        house.server.anonymous().header(name, value).post("/api/account/login", &body)
    };
    for (name, value) in
        [("x-real-ip", "198.51.100.1"), ("cf-connecting-ip", "198.51.100.2"), ("forwarded", "for=198.51.100.3")]
    {
        login(name, value).refused(401, "invalid_credentials");
    }
    login("true-client-ip", "198.51.100.4").limited("rate_limit_exceeded");
}

/// Sends a head that promises a body and then a byte now and then; what came back, and after how long.
fn trickle(server: &Server, path: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    let mut piece = [0_u8; 4096];
    while started.elapsed() < Duration::from_secs(50) {
        // Once the server has closed, what is written is lost; what it said before is still there to read.
        drop(stream.write_all(b" "));
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), started.elapsed())
}

fn i6_a_body_that_trickles_in_is_cut_off(engine: Engine) {
    let house = Installation::with(engine, &[("HTTP_BODY_SECONDS", "1")]);
    for path in ["/api/account/login", "/v1/auth/otp/start"] {
        let (answer, took) = trickle(&house.server, path);
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{path}: {answer}");
        assert!(took < Duration::from_secs(50), "{path}: the connection stayed open");
    }
    house.login("keeper", PASSWORD).expect(200);
}

both_engines![
    h2_a_request_of_another_sites_page_is_refused_without_an_origin_too,
    h4_what_a_form_can_send_changes_nothing,
    h14_an_account_has_a_hundred_sockets,
    i3_headers_that_nobody_configured_name_no_client,
    i6_a_body_that_trickles_in_is_cut_off,
];
