//! The socket of `/api` (ACC-185 to ACC-187, ACC-210 to ACC-218).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::socket::{Incoming, Socket, WAIT};
use crate::harness::{Engine, Installation, ORIGIN, Person, SHORT_READ_WAIT, eventually, in_parallel, text};

pub(super) const REVOKED: u16 = 4001;

pub(super) fn bearer(house: &Installation, person: &Person) -> (String, String) {
    let made = person.client.rpc("account_token_create", &Value::Null).result();
    let token = text(&made["token"]);
    assert!(!house.server.base.is_empty());
    (format!("Bearer {token}"), text(&made["id"]))
}

fn acc_185_offers_are_told_to_whom_they_concern(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben, eve) = (house.admin("boss"), house.person("ben"), house.person("eve"));
    let mut to_boss = Socket::of(&house.server, &boss.cookie);
    let mut to_ben = Socket::of(&house.server, &ben.cookie);
    let mut to_eve = Socket::of(&house.server, &eve.cookie);
    let offer = house.offer(&boss, &ben, "teacher", &json!({ "message": "hello" }));
    assert_eq!(to_ben.notice("role_grant_offer_received")["offer"], offer);
    let on = json!({ "offer_id": offer["id"] });
    boss.client.rpc("role_grant_offer_retract", &on).result();
    let told = to_ben.notice("role_grant_offer_retracted");
    assert!(told["offer"]["id"] == offer["id"] && told["offer"]["retracted_at"].is_string());
    let offer = house.offer(&boss, &ben, "teacher", &json!({}));
    to_ben.notice("role_grant_offer_received");
    let decline = json!({ "offer_id": offer["id"], "reason": "no" });
    ben.client.rpc("role_grant_offer_decline", &decline).result();
    assert_eq!(to_boss.notice("role_grant_offer_declined")["offer"]["decline_reason"], "no");
    let offer = house.offer(&boss, &ben, "teacher", &json!({}));
    to_ben.notice("role_grant_offer_received");
    ben.client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"] })).result();
    assert!(to_boss.notice("role_grant_offer_accepted")["offer"]["accepted_at"].is_string());
    let quiet = Duration::from_millis(300);
    assert!(to_eve.is_quiet(quiet) && to_ben.is_quiet(quiet) && to_boss.is_quiet(quiet));
}

fn acc_186_what_falls_away_is_told_with_its_cause(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let mut to_boss = Socket::of(&house.server, &boss.cookie);
    let mut to_ben = Socket::of(&house.server, &ben.cookie);
    let b = house.offer(&boss, &ben, "teacher", &json!({}));
    let a = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accept = json!({ "offer_id": a["id"] });
    let grant = text(&ben.client.rpc("role_grant_offer_accept", &accept).result()["role_grant_id"]);
    let told = to_boss.notice("role_grant_offer_supersede");
    assert_eq!((&told["reason"], &told["cause_id"]), (&json!("sibling_accepted"), &a["id"]));
    assert_eq!(told["offer"]["id"], b["id"]);
    let again = house.offer(&boss, &ben, "teacher", &json!({}));
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant, "reason": "moved" });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let told = to_boss.notice("role_grant_offer_supersede");
    assert_eq!((&told["reason"], &told["cause_id"]), (&json!("role_grant_revoked"), &json!(grant)));
    assert_eq!(told["offer"]["id"], again["id"]);
    assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["cause_id", "offer", "reason"]);
    let told = to_ben.notice("role_grant_revoke");
    assert_eq!(told, json!({ "role_grant_id": grant, "role": "teacher", "scope_id": null, "reason": "moved" }));
    let grant = house.grant(&ben, "teacher");
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    let told = to_ben.notice("role_grant_revoke");
    assert_eq!(told, json!({ "role_grant_id": grant, "role": "teacher", "scope_id": null, "reason": null }));
}

fn acc_186_what_falls_with_its_scope_is_told_to_everyone_it_concerns(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, chief, ben) = (house.admin("boss"), house.admin("chief"), house.person("ben"));
    let id = uuid::Uuid::new_v4().to_string();
    let scope = json!({ "scope_kind": "class", "scope_id": id });
    let held = house.grant_at(&ben, "student", &scope);
    let offers = [&boss, &chief].map(|grantor| house.offer(grantor, &ben, "teacher", &scope));
    let mut grantors = [&boss, &chief].map(|grantor| Socket::of(&house.server, &grantor.cookie));
    let mut to_ben = Socket::of(&house.server, &ben.cookie);
    house.keeper.client.rpc("scope_destroy", &scope).result();
    for (socket, offer) in grantors.iter_mut().zip(&offers) {
        let told = socket.notice("role_grant_offer_supersede");
        assert_eq!((&told["reason"], &told["cause_id"]), (&json!("scope_destroyed"), &json!(id)), "{told}");
        assert_eq!(told["offer"]["id"], offer["id"]);
        assert!(told["offer"]["superseded_at"].is_string(), "{told}");
    }
    let told = to_ben.notice("role_grant_revoke");
    assert_eq!(told, json!({ "role_grant_id": held, "role": "student", "scope_id": id, "reason": null }));
}

fn acc_187_every_socket_of_the_account_is_told_on_every_node(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let node = second.as_ref().unwrap_or(&house.server);
    let ben = house.named("ben-b");
    let (authorization, _) = bearer(&house, &ben);
    let mut sockets: Vec<Socket> = (0..8).map(|_| Socket::of(&house.server, &ben.cookie)).collect();
    sockets.push(Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap());
    sockets.push(Socket::of(node, &ben.cookie));
    // Two that read nothing any more, one of either side, keep nobody else from being told.
    let mut dead = [sockets.remove(0), Socket::of(&house.server, &house.keeper.cookie)];
    dead.iter_mut().for_each(Socket::jam);
    let daemon = std::fs::read_to_string(house.server.data.join("run/daemon_token")).unwrap();
    // Two nodes of one machine write one file; the token in it is that of the one which wrote last.
    let headers = [("x-daemon-token", daemon.trim())];
    let mut by_file = [node, &house.server].iter().find_map(|it| Socket::open(it, "/api/ws", &headers).ok()).unwrap();
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    for socket in &mut sockets {
        assert_eq!(socket.notice("role_grant_offer_received")["offer"]["id"], offer["id"]);
    }
    let accept = json!({ "offer_id": offer["id"] });
    ben.client.rpc("role_grant_offer_accept", &accept).result();
    ben.client.rpc("role_grant_offer_accept", &accept).result();
    let bad = json!({ "to_account_id": ben.id, "role": "keeper" });
    assert_eq!(house.keeper.client.rpc("role_grant_offer_create", &bad).0.status, 403);
    assert!(sockets[0].is_quiet(Duration::from_millis(300)));
    assert_eq!(by_file.notice("role_grant_offer_accepted")["offer"]["id"], offer["id"]);
    assert!(by_file.is_quiet(Duration::from_millis(100)), "the second accept and the refusal are told to nobody");
}

fn acc_210_the_handshake_asks_as_every_request_does(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let refused = |path: &str, headers: &[(&str, &str)]| Socket::open(&house.server, path, headers).err().unwrap();
    assert_eq!(refused("/api/ws", &[]), (401, json!({ "error": "authentication_required" })));
    let rogue = refused("/api/ws", &[("cookie", &person.cookie), ("origin", "https://rogue.example")]);
    assert_eq!(rogue, (403, json!({ "error": "forbidden_origin" })));
    Socket::open(&house.server, "/api/ws", &[("cookie", &person.cookie), ("origin", ORIGIN)]).unwrap();
    person.client.get("/api/ws").refused(404, "not_found");
    let (authorization, _) = bearer(house, &person);
    Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap();
    let second = text(&person.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"]);
    let (status, body) = refused("/api/ws", &[("cookie", &person.cookie)]);
    assert_eq!((status, &body["error"]), (400, &json!("actor_required")));
    for spelling in [second.to_uppercase(), second] {
        let path = format!("/api/ws?acting={spelling}");
        let mut socket = Socket::open(&house.server, &path, &[("cookie", &person.cookie)]).unwrap();
        assert!(socket.call("role_grant_offer_list", &Value::Null)["result"]["offers"].is_array());
    }
}

fn h11_an_account_has_a_hundred_sockets_and_others_have_theirs(engine: Engine) {
    let house = Installation::shared(engine);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let open = |person: &Person| Socket::open(&house.server, "/api/ws", &[("cookie", &person.cookie)]);
    let mut sockets: Vec<Socket> = (0..100).map(|_| open(&ann).unwrap()).collect();
    let (status, refusal) = open(&ann).err().expect("one too many");
    assert_eq!((status, &refusal["error"]), (429, &json!("rate_limit_exceeded")), "{refusal}");
    assert_eq!(sockets[0].call("heartbeat", &Value::Null)["result"], json!({}), "those who are there stay");
    open(&ben).unwrap();
    sockets.pop();
    eventually("a place is free again", || open(&ann).ok());
}

fn acc_211_a_method_answers_on_the_socket_as_over_http(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let mut socket = Socket::of(&house.server, &person.cookie);
    for (method, params) in [
        ("account_verify", Value::Null),
        ("account_verify", json!({})),
        ("account_token_list", Value::Null),
        ("actor_list", Value::Null),
        ("role_grant_offer_list", json!({})),
        ("role_grant_offer_accept", json!({ "offer_id": "22222222-2222-4222-8222-222222222222" })),
        ("admin_account_list", json!({ "limit": 0 })),
        ("admin_account_list", json!({})),
        ("actor_lookup", json!({ "ids": [person.actor] })),
        ("actor_search", json!({ "query": "a" })),
        ("self_service_role_set", json!({ "role": "teacher", "enabled": true })),
        ("unheard", json!({})),
    ] {
        let by_socket = socket.call(method, &params);
        let by_http = person.client.rpc(method, &params).0.json();
        for part in ["result", "error"] {
            assert_eq!(by_socket.get(part), by_http.get(part), "{method} {params}");
        }
    }
    let made = socket.call("account_token_create", &json!({ "name": "by socket" }));
    assert_eq!(made["result"]["name"], "by socket");
    assert_eq!(house.row("token_create", &person.id)["metadata"]["name"], "by socket");
}

fn acc_211_every_method_answers_alike_and_leaves_the_same_row(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let boss = house.admin("boss");
    let mut socket = Socket::of(&house.server, &boss.cookie);
    let surface = boss.client.get("/api/surface").expect(200);
    let methods = surface["rpc_endpoints"][0]["methods"].as_array().unwrap();
    let keys = |value: &Value| value.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    let newest = || {
        let row = house.audit(&json!({ "limit": 1 })).remove(0);
        (row["seq"].as_u64(), [row["event_type"].clone(), row["outcome"].clone(), json!(keys(&row["metadata"]))])
    };
    // The end of a scope leaves a row once; both calls below find it ended.
    let ended = json!({ "scope_kind": "class", "scope_id": "22222222-2222-4222-8222-222222222222" });
    boss.client.rpc("scope_destroy", &ended).result();
    // What ends the caller's own session is ACC-216.
    for method in methods.iter().filter(|it| it["name"] != "account_session_revoke_all") {
        let (name, schema) = (method["name"].as_str().unwrap(), &method["input_schema"]);
        let required = schema["required"].as_array().into_iter().flatten();
        let filled = required.map(|field| {
            let field = field.as_str().unwrap();
            let shape = &schema["properties"][field];
            let value = match (shape["type"].as_str(), field) {
                (Some("boolean"), _) => json!(true),
                (Some("array"), _) => json!([boss.actor]),
                (_, "session_id") => json!("a".repeat(64)),
                (_, "token_id") => json!("tok_aaaaaaaaaaaa"),
                (_, "scope_kind") => json!("class"),
                _ if shape["format"] == "uuid" => json!("22222222-2222-4222-8222-222222222222"),
                _ => json!("teacher"),
            };
            (field.to_owned(), value)
        });
        let params = if schema["type"] == "null" { Value::Null } else { Value::Object(filled.collect()) };
        let before = newest().0;
        let by_http = boss.client.rpc(name, &params).0.json();
        let (between, http_row) = newest();
        let by_socket = socket.call(name, &params);
        let (after, socket_row) = newest();
        assert_eq!(by_socket["error"], by_http["error"], "{name} {params}");
        if method["side_effects"] == true {
            assert_eq!(keys(&by_socket["result"]), keys(&by_http["result"]), "{name} {params}");
        } else {
            assert_eq!(by_socket["result"], by_http["result"], "{name} {params}");
        }
        // Whether there is a row at all, and which.
        assert_eq!((before == between, &http_row), (between == after, &socket_row), "{name} {params}");
    }
    assert!(methods.len() > 25);
}

fn acc_212_a_silent_socket_is_closed_and_a_chatty_one_stays(engine: Engine) {
    let house = Installation::with(engine, &[("WS_HEARTBEAT_TIMEOUT", "10s")]);
    let person = house.named("ann-a");
    let mut chatty = Socket::of(&house.server, &person.cookie);
    assert_eq!(chatty.call("heartbeat", &Value::Null)["result"], json!({}));
    let opened = Instant::now();
    // Whoever looks at every half of the time finds a silent one half of it late at most; a busy machine may be later, but not
    // every time.
    eventually("the silent socket is closed at the next look", || {
        let before = Instant::now();
        let mut silent = Socket::of(&house.server, &person.cookie);
        let code = eventually("the silent socket is closed", || match silent.next_within(Duration::from_millis(300)) {
            Some(Incoming::Closed(code)) => Some(code),
            None => {
                assert_eq!(chatty.call("heartbeat", &json!({}))["result"], json!({}));
                None
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(code, 4003);
        assert!(before.elapsed() >= Duration::from_secs(10), "not before its time: {:?}", before.elapsed());
        (before.elapsed() < Duration::from_secs(16)).then_some(())
    });
    while opened.elapsed() < Duration::from_secs(16) {
        assert_eq!(chatty.call("heartbeat", &json!({}))["result"], json!({}));
        assert!(chatty.is_quiet(Duration::from_millis(300)));
    }
}

fn acc_213_what_is_no_request_is_told_and_the_socket_lives(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let mut socket = Socket::of(&house.server, &person.cookie);
    let code = |socket: &mut Socket, message: Message| {
        socket.send(message);
        match socket.next_within(WAIT) {
            Some(Incoming::Frame(frame)) => (frame["error"]["code"].as_i64().unwrap(), frame["id"].clone()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code(&mut socket, Message::text("{")), (-32_700, Value::Null));
    assert_eq!(code(&mut socket, Message::binary(vec![1, 2])), (-32_700, Value::Null));
    assert_eq!(code(&mut socket, Message::text("[]")), (-32_600, Value::Null));
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"account_token_create"}]"#;
    assert_eq!(code(&mut socket, Message::text(batch)), (-32_600, Value::Null));
    assert_eq!(code(&mut socket, Message::text("\"x\"")), (-32_600, Value::Null));
    assert_eq!(code(&mut socket, Message::text(r#"{"jsonrpc":"2.0","id":7}"#)), (-32_600, json!(7)));
    let unknown = Message::text(r#"{"jsonrpc":"2.0","id":8,"method":"unheard"}"#);
    assert_eq!(code(&mut socket, unknown), (-32_601, json!(8)));
    socket.send_json(&json!({ "jsonrpc": "2.0", "method": "account_token_create" }));
    assert!(socket.is_quiet(Duration::from_millis(200)));
    assert_eq!(socket.call("account_token_list", &Value::Null)["result"]["tokens"], json!([]));
    socket.send(Message::text("x".repeat((1 << 20) + 1)));
    assert_eq!(socket.closed(), 1009);
    // To announce it is enough: nobody may fill the memory with a frame that never ends.
    let mut socket = Socket::of(&house.server, &person.cookie);
    socket.bytes(&[[0x81, 0xff].as_slice(), &(1_u64 << 62).to_be_bytes(), b"mask{"].concat());
    assert_eq!(socket.closed(), 1009);
    // An opcode that does not exist, a reserved bit, no mask; a text that is no UTF-8, whole and in pieces.
    for (broken, code) in [
        (&[0x83, 0x81, 0, 0, 0, 0, b'x'][..], 1002),
        (&[0xc1, 0x81, 0, 0, 0, 0, b'x'], 1002),
        (b"\x81\x05hello", 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        (&[0x01, 0x81, 0, 0, 0, 0, 0xff, 0x80, 0x80, 0, 0, 0, 0], 1007),
    ] {
        let mut socket = Socket::of(&house.server, &person.cookie);
        socket.bytes(broken);
        assert_eq!(socket.closed(), code, "{broken:?}");
    }
}

/// It is JSON, so the request has an id, and its field refuses it.
fn acc_213_a_number_beyond_every_float_is_refused_under_its_id(engine: Engine) {
    let house = Installation::shared(engine);
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let ask = r#"{"jsonrpc":"2.0","id":7,"method":"audit_log_list","params":{"limit":1e400}}"#;
    socket.send(Message::text(ask));
    let by_socket = socket.answer(&json!(7));
    assert_eq!(
        (&by_socket["error"]["code"], &by_socket["error"]["data"]["issues"][0]["path"]),
        (&json!(-32_602), &json!(["limit"]))
    );
    let by_http = house.keeper.client.header("content-type", "application/json").post_bytes("/api/rpc", ask).json();
    assert_eq!(by_http, by_socket);
}

/// Whoever writes first and reads then has sent no more than he may, and is answered to the last.
fn h11_a_burst_that_is_allowed_is_answered_before_anything_is_read(engine: Engine) {
    const BURST: u64 = 1_900;
    let house = Installation::shared(engine);
    let mut socket = Socket::of(&house.server, &house.person("ann").cookie);
    let asked: Vec<u64> = (0..BURST).map(|_| socket.ask("heartbeat", &Value::Null)).collect();
    let answered = asked.iter().map(|_| match socket.next_within(WAIT) {
        Some(Incoming::Frame(frame)) => frame["id"].as_u64().unwrap(),
        other => panic!("{other:?}"),
    });
    let mut answered: Vec<u64> = answered.collect();
    answered.sort_unstable();
    assert_eq!(answered, asked);
}

fn h11_one_id_used_again_and_again_counts_every_time(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let store = &house.server.store;
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    // What is recorded now does not reach the read models, so whoever lists it waits for five seconds.
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "audit_log_list", "params": {} });
    // Where the machine takes seconds to read them, the first are answered before the last are read.
    eventually("70 are in flight at once", || {
        for _ in 0..70 {
            socket.send_json(&ask);
        }
        let refused = (0..70).filter(|_| {
            let answer = socket.answer(&json!(1));
            answer["error"]["message"] == "Too many requests are in flight."
        });
        let refused = refused.count();
        assert!(refused <= 6, "{refused}");
        (refused == 6).then_some(())
    });
    // `cancel` still means the newest of an id.
    socket.send_json(&ask);
    socket.send_json(&ask);
    socket.send_json(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": { "request_id": 1 } }));
    assert_eq!(socket.answer(&json!(1))["error"]["code"], -32_010);
    assert_eq!(socket.answer(&json!(1))["error"]["code"], -32_007);
    store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
}

fn h11_a_flood_of_frames_ends_the_socket(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let mut socket = Socket::of(&house.server, &person.cookie);
    // A burst passes; what comes after it at once does not.
    for _ in 0..20_000 {
        if !socket.try_send(Message::text(r#"{"jsonrpc":"2.0","method":"nothing"}"#)) {
            break;
        }
    }
    match socket.next_within(WAIT) {
        Some(Incoming::Frame(frame)) => {
            assert_eq!((&frame["id"], &frame["error"]["code"]), (&Value::Null, &json!(-32_006)), "{frame}");
            let ended = socket.next_within(WAIT);
            assert!(matches!(ended, Some(Incoming::Closed(1008) | Incoming::Reset)), "{ended:?}");
        }
        // What the server did not read any more resets the connection, and may do so first.
        other => assert_eq!(other, Some(Incoming::Reset)),
    }
    assert_eq!(Socket::of(&house.server, &person.cookie).call("heartbeat", &Value::Null)["result"], json!({}));
}

fn acc_215_a_role_counts_from_the_next_message_on(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let mut socket = Socket::of(&house.server, &ben.cookie);
    let mut list = || socket.call("invite_list", &json!({}));
    assert_eq!(list()["error"]["code"], -32_002);
    let grant = house.grant(&ben, "admin");
    assert!(list()["result"]["invites"].is_array());
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    assert_eq!(list()["error"]["data"]["reason"], "insufficient_permissions");
}

fn acc_217_closing_needs_no_read_model(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let (person, late) = (house.named("ann-a"), house.named("ben-b"));
    let other = house.session_of(&person);
    let mut socket = Socket::of(&house.server, &person.cookie);
    let store = &house.server.store;
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    std::thread::scope(|threads| {
        // Their replies may wait for the read models; the sockets do not.
        threads.spawn(|| late.client.rpc("actor_create", &json!({ "name": "P2" })));
        threads.spawn(|| other.client.rpc("account_session_revoke_all", &Value::Null));
        assert_eq!(socket.closed(), REVOKED);
        // The hook that closes sockets runs before others can see that the record has grown.
        crate::harness::eventually("the read models stand still", || {
            let stands = house.keeper.client.rpc("audit_log_list", &json!({ "account_id": late.id }));
            (stands.0.status == 503).then_some(())
        });
    });
    store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
    house.row("actor_create", &late.id);
}

fn acc_218_no_handshake_outlives_its_credential(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let rounds = if crate::harness::torture() { 500 } else { 8 };
    let (mut round, mut opened, mut in_time) = (0, 0, 0);
    let person = house.named("ann-a");
    // A busy machine may be late to close one, but not every time.
    while round < rounds || in_time == 0 {
        assert!(round < rounds + 100, "no handshake came first, or none was closed in time: {opened} were closed");
        let doomed = house.session_of(&person);
        let id = doomed.client.rpc("account_session_list", &Value::Null).result()["sessions"][0]["id"].clone();
        let raced = in_parallel(6, |index| {
            if index == 0 {
                if round % 2 == 0 {
                    doomed.client.rpc("account_session_revoke_all", &Value::Null).result();
                } else {
                    doomed.client.rpc("account_session_revoke", &json!({ "session_id": id })).result();
                }
                return (Instant::now(), None);
            }
            let socket = Socket::open(&house.server, "/api/ws", &[("cookie", &doomed.cookie)]).ok();
            (Instant::now(), socket)
        });
        let replied = raced[0].0;
        for (handshake, mut socket) in raced.into_iter().filter_map(|(at, socket)| Some((at, socket?))) {
            assert_eq!(socket.closed(), REVOKED);
            opened += 1;
            in_time += usize::from(replied.max(handshake).elapsed() < Duration::from_secs(1));
        }
        round += 1;
    }
    println!("acc_218 on {engine:?}: {round} rounds, {opened} sockets opened, {in_time} closed within a second");
}

both_engines![
    acc_185_offers_are_told_to_whom_they_concern,
    acc_186_what_falls_away_is_told_with_its_cause,
    acc_186_what_falls_with_its_scope_is_told_to_everyone_it_concerns,
    acc_187_every_socket_of_the_account_is_told_on_every_node,
    acc_210_the_handshake_asks_as_every_request_does,
    h11_an_account_has_a_hundred_sockets_and_others_have_theirs,
    acc_211_a_method_answers_on_the_socket_as_over_http,
    acc_211_every_method_answers_alike_and_leaves_the_same_row,
    acc_212_a_silent_socket_is_closed_and_a_chatty_one_stays,
    acc_213_what_is_no_request_is_told_and_the_socket_lives,
    acc_213_a_number_beyond_every_float_is_refused_under_its_id,
    h11_a_burst_that_is_allowed_is_answered_before_anything_is_read,
    h11_one_id_used_again_and_again_counts_every_time,
    h11_a_flood_of_frames_ends_the_socket,
    acc_215_a_role_counts_from_the_next_message_on,
    acc_217_closing_needs_no_read_model,
    acc_218_no_handshake_outlives_its_credential,
];
