//! `cancel` on `/api/ws` (ACC-214): a request is taken back as long as nothing of it was handed to the journal, and it answers
//! once, whatever happens first.

use std::time::Duration;

use serde_json::{Value, json};

use super::socket::{Incoming, Socket};
use crate::harness::{Engine, Installation, OpenTransaction, SHORT_READ_WAIT, eventually, text, unique};

/// The code of a request that was taken back.
const CANCELLED: i64 = -32_010;

fn cancel(socket: &mut Socket, id: u64) {
    socket.send_json(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": { "request_id": id } }));
}

fn acc_214_a_request_that_is_taken_back_answers_once(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let mut socket = Socket::of(&house.server, &person.cookie);
    for _ in 0..50 {
        let id = socket.ask("actor_list", &Value::Null);
        cancel(&mut socket, id);
        let answer = socket.answer(&json!(id));
        assert!(answer.get("result").is_some() || answer["error"]["code"] == CANCELLED, "{answer}");
    }
    for params in [json!({}), json!({ "request_id": null }), json!({ "request_id": 999 }), json!({ "request_id": "x" })]
    {
        socket.send_json(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": params }));
    }
    assert!(socket.is_quiet(Duration::from_millis(200)));
}

fn acc_214_a_request_is_taken_back_by_its_own_socket_alone(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let [mut own, mut other] = [(); 2].map(|()| Socket::of(&house.server, &house.keeper.cookie));
    let store = &house.server.store;
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    // What is recorded now does not reach the read models, so whoever lists it waits for five seconds.
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    let theirs = other.ask("audit_log_list", &json!({}));
    own.call("heartbeat", &Value::Null);
    cancel(&mut own, theirs);
    let mine = own.ask("audit_log_list", &json!({}));
    cancel(&mut own, mine);
    let taken_back = own.answer(&json!(mine));
    assert_eq!(taken_back["error"]["code"], CANCELLED, "{taken_back}");
    let answered = other.answer(&json!(theirs));
    assert_eq!(answered["error"]["code"], -32_007, "{answered}");
    for socket in [&mut own, &mut other] {
        assert!(socket.is_quiet(Duration::from_millis(200)), "a second answer");
    }
    store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
}

fn acc_214_what_changes_something_is_taken_back_before_it_is_recorded(engine: Engine) {
    let house = Installation::with(engine, &[SHORT_READ_WAIT]);
    let ben = house.person("ben");
    let grant = house.grant(&ben, "admin");
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    let store = &house.server.store;
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    // What is recorded now does not reach the read models, so whoever looks somebody up waits for five seconds.
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    eventually("a request is taken back", || {
        let id = socket.ask("role_grant_revoke", &revoke);
        cancel(&mut socket, id);
        let answer = socket.answer(&json!(id));
        assert!(answer.get("result").is_none(), "{answer}");
        // A connection that is new finds its table away and does not wait.
        (answer["error"]["code"] == CANCELLED).then_some(())
    });
    store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
    let second = socket.stray(Duration::from_millis(5_500));
    assert!(second.is_none(), "a second answer: {second:?}");
    assert!(ben.client.rpc("invite_list", &json!({})).result()["invites"].is_array(), "he still holds the role");

    let id = socket.ask("role_grant_revoke", &revoke);
    let answer = socket.answer(&json!(id));
    assert!(answer.get("result").is_some(), "{answer}");
    cancel(&mut socket, id);
    let second = socket.stray(Duration::from_millis(200));
    assert!(second.is_none(), "what is recorded stays recorded: {second:?}");
    ben.client.rpc("invite_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
}

/// A text as a client sends it, masked with zeros, which leave it as it is.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short text");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn acc_214_a_cancel_that_names_no_request_takes_none_back(engine: Engine) {
    let house = Installation::shared(engine);
    let mut socket = Socket::of(&house.server, &house.person("ann").cookie);
    for params in ["", r#","params":{}"#, r#","params":{"request_id":null}"#] {
        // In one packet, so that the first is still in flight when the second is read.
        let asked = masked(r#"{"jsonrpc":"2.0","id":null,"method":"heartbeat"}"#);
        socket.bytes(&[asked, masked(&format!(r#"{{"jsonrpc":"2.0","method":"cancel"{params}}}"#))].concat());
        let answer = socket.answer(&Value::Null);
        assert_eq!(answer["error"]["code"], -32_600, "{params}: {answer}");
    }
}

fn acc_214_what_answers_is_recorded_and_what_was_taken_back_is_not(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let (mut recorded, mut taken_back) = (Vec::new(), 0);
    for round in 0_u64..60 {
        let name = unique("guest").replace("--", "-");
        let id = socket.ask("invite_create", &json!({ "username": name }));
        // At once, or after about as long as a request takes.
        let early = socket.stray(Duration::from_millis(round % 4));
        cancel(&mut socket, id);
        let answer = match early {
            Some(Incoming::Frame(frame)) => frame,
            other => {
                assert!(other.is_none(), "{other:?}");
                socket.answer(&json!(id))
            }
        };
        if answer["error"]["code"] == CANCELLED {
            taken_back += 1;
        } else {
            recorded.push(text(&answer["result"]["invite"]["username"]));
        }
    }
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    let mut names: Vec<String> =
        listed["invites"].as_array().unwrap().iter().map(|invite| text(&invite["username"])).collect();
    names.sort();
    recorded.sort();
    println!("{taken_back} of 60 requests were taken back");
    assert_eq!(names, recorded);
}

fn acc_214_what_waits_for_the_record_is_taken_back_no_more(engine: Engine) {
    let house = Installation::with(engine, &[]);
    // Decided over several streams, and by the actor of one.
    for (method, field, list, all) in
        [("invite_create", "username", "invite_list", json!({})), ("actor_create", "name", "actor_list", Value::Null)]
    {
        let mut socket = Socket::of(&house.server, &house.keeper.cookie);
        let mut patience = Duration::from_millis(100);
        eventually("a request has come as far as the record", || {
            let name = unique("guest").replace("--", "-");
            let others = OpenTransaction::before_appends(&house.server.store);
            let id = socket.ask(method, &json!({ field: name }));
            let mut early = socket.stray(patience);
            assert!(early.is_none(), "answered before it is recorded: {early:?}");
            cancel(&mut socket, id);
            early = socket.stray(patience);
            others.end("ROLLBACK");
            let answer = match early {
                Some(Incoming::Frame(frame)) => frame,
                other => {
                    assert!(other.is_none(), "{other:?}");
                    socket.answer(&json!(id))
                }
            };
            let is_recorded = socket.call(list, &all)["result"].to_string().contains(&name);
            let is_taken_back = answer["error"]["code"] == CANCELLED;
            assert_eq!(is_recorded, !is_taken_back, "{method}: {answer}");
            assert!(is_taken_back || answer.get("result").is_some(), "{method}: {answer}");
            // One that is taken back had not come so far; the next has more time.
            patience *= 2;
            (!is_taken_back).then_some(())
        });
    }
}

both_engines![
    acc_214_a_cancel_that_names_no_request_takes_none_back,
    acc_214_a_request_is_taken_back_by_its_own_socket_alone,
    acc_214_a_request_that_is_taken_back_answers_once,
    acc_214_what_changes_something_is_taken_back_before_it_is_recorded,
    acc_214_what_answers_is_recorded_and_what_was_taken_back_is_not,
    acc_214_what_waits_for_the_record_is_taken_back_no_more,
];
