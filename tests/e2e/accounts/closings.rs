//! Whose sockets the end of a credential closes, how soon, and whose it leaves (ACC-216, ACC-017, ACC-054).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::socket::{Socket, Stream};
use super::sockets::{REVOKED, bearer};
use crate::harness::{
    Engine, Installation, OpenTransaction, PASSWORD, Person, Server, eventually, holds_for, pause, unique,
};

/// What a socket is closed with by a server that ends.
const GOING_AWAY: u16 = 1001;

/// What ends a credential closes its socket before it is answered.
const BEFORE_THE_REPLY: Duration = Duration::from_millis(50);

/// How soon a socket is closed whose credential an attempt ended. A busy machine may be late to read it, or, after half a
/// second, to close it, but not every time.
fn closed_within(most: Duration, attempt: impl Fn() -> Socket) {
    eventually("the socket is closed in time", || {
        let mut socket = attempt();
        let replied = Instant::now();
        assert_eq!(socket.closed(), REVOKED);
        (replied.elapsed() < most).then_some(())
    });
}

/// A socket of a further session of somebody, after something ended it.
fn of_ended_session(house: &Installation, at: &Server, person: &Person, end: impl Fn(&Person)) -> Socket {
    let again = house.session_of(person);
    let socket = Socket::of(at, &again.cookie);
    end(&again);
    socket
}

fn newest_session(person: &Person) -> Value {
    person.client.rpc("account_session_list", &Value::Null).result()["sessions"][0]["id"].clone()
}

fn is_open(socket: &mut Socket) -> bool {
    socket.call("heartbeat", &Value::Null)["result"] == json!({})
}

fn change_password(person: &Person) {
    let body = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    person.client.post("/api/account/password", &body).expect(200);
}

fn acc_216_an_ended_credential_ends_its_sockets_before_the_reply(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let person = house.named("ann-a");
    let other = house.session_of(&person);
    let (authorization, token) = bearer(&house, &person);
    let mut by_token = Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap();
    let mut first = Socket::of(&house.server, &person.cookie);
    let mut elsewhere = second.as_ref().map(|node| Socket::of(node, &person.cookie));
    let mut untouched = Socket::of(&house.server, &other.cookie);
    other.client.rpc("account_token_revoke", &json!({ "token_id": token })).result();
    assert_eq!(by_token.closed(), REVOKED);
    let listed = other.client.rpc("account_session_list", &Value::Null).result();
    let oldest = listed["sessions"].as_array().unwrap().last().unwrap()["id"].clone();
    other.client.rpc("account_session_revoke", &json!({ "session_id": oldest })).result();
    assert_eq!(first.closed(), REVOKED);
    if let Some(elsewhere) = &mut elsewhere {
        assert_eq!(elsewhere.closed(), REVOKED);
    }
    assert_eq!(untouched.call("heartbeat", &Value::Null)["result"], json!({}));
    let none = json!({ "session_id": "a".repeat(64) });
    house.keeper.client.rpc("account_session_revoke", &none).result();
    assert_eq!(untouched.call("heartbeat", &Value::Null)["result"], json!({}));

    let answer = untouched.call("account_session_revoke_all", &Value::Null);
    assert_eq!(answer["result"]["ok"], true, "who ends himself is answered first");
    assert_eq!(untouched.closed(), REVOKED);
}

fn acc_216_every_end_of_a_session_closes_before_the_reply(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let person = house.named("ann-a");
    let closed_by = |end: &dyn Fn(&Person)| {
        closed_within(BEFORE_THE_REPLY, || of_ended_session(&house, &house.server, &person, end));
    };
    closed_by(&|_| {
        house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": person.id })).result();
    });
    closed_by(&|_| {
        house.session_of(&person).client.post("/api/account/logout", &json!({})).expect(200);
    });
    closed_by(&|again| {
        let id = newest_session(again);
        let revoke = json!({ "session_id": id });
        assert_eq!(house.session_of(&person).client.rpc("account_session_revoke", &revoke).result()["revoked"], true);
    });
    // Whoever changed it signs in by another, so each attempt is somebody new.
    closed_within(BEFORE_THE_REPLY, || {
        let person = house.person("new");
        of_ended_session(&house, &house.server, &person, |_| change_password(&person))
    });
}

/// A socket whose client does not read cannot be closed; the reply waits for it as long as for any, and the log says so.
fn acc_216_replies_of_methods_and_routes_wait_for_the_sockets_they_end(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let person = house.named("ann-a");
    let waited = || house.server.log().matches("a reply did not wait any longer for sockets to close").count();
    let waits = |end: &dyn Fn(&Person)| {
        eventually("the reply waited for the socket", || {
            let before = waited();
            let again = house.session_of(&person);
            let mut socket = Socket::of(&house.server, &again.cookie);
            socket.jam();
            end(&again);
            (waited() > before).then_some(())
        });
    };
    waits(&|_| {
        house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": person.id })).result();
    });
    waits(&|_| {
        house.session_of(&person).client.post("/api/account/logout", &json!({})).expect(200);
    });
}

fn acc_054_acc_216_every_end_of_a_token_closes_before_the_reply(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let closed_by = |end: &dyn Fn(&Person, &str)| {
        closed_within(BEFORE_THE_REPLY, || {
            let person = house.person("ann");
            let (authorization, id) = bearer(&house, &person);
            let socket = Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap();
            end(&person, &id);
            socket
        });
    };
    closed_by(&|person, id| {
        person.client.rpc("account_token_revoke", &json!({ "token_id": id })).result();
    });
    closed_by(&|person, _| {
        house.keeper.client.rpc("admin_token_revoke_all", &json!({ "account_id": person.id })).result();
    });
    // The oldest of ten makes room for the eleventh.
    closed_by(&|person, _| (0..10).for_each(|_| drop(house.token_of(person))));
}

fn acc_216_on_another_node_sockets_close_within_a_second(engine: Engine) {
    if engine == Engine::Sqlite {
        // One process holds an embedded store.
        return;
    }
    let house = Installation::with(engine, &[]);
    let second = house.server.second_node();
    let person = house.named("ann-a");
    closed_within(Duration::from_secs(1), || {
        of_ended_session(&house, &second, &person, |_| {
            house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": person.id })).result();
        })
    });
}

fn acc_216_the_sockets_of_others_stay_and_the_files_goes_with_its_account(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let person = house.named("ann-a");
    let token = std::fs::read_to_string(house.server.data.join("run/daemon_token")).unwrap();
    let mut bystander = Socket::of(&house.server, &house.keeper.cookie);
    let mut by_file = Socket::open(&house.server, "/api/ws", &[("x-daemon-token", token.trim())]).unwrap();
    let (_, id) = house.token_of(&person);
    let again = || house.session_of(&person);
    let of_person = json!({ "account_id": person.id });
    let admin = &house.keeper.client;
    let ends: [(&str, &dyn Fn()); 7] = [
        ("a token", &|| drop(again().client.rpc("account_token_revoke", &json!({ "token_id": id })).result())),
        ("its tokens", &|| drop(admin.rpc("admin_token_revoke_all", &of_person).result())),
        ("a session", &|| {
            let again = again();
            let revoke = json!({ "session_id": newest_session(&again) });
            again.client.rpc("account_session_revoke", &revoke).result();
        }),
        ("its sessions", &|| drop(again().client.rpc("account_session_revoke_all", &Value::Null).result())),
        ("its sessions, by an administrator", &|| drop(admin.rpc("admin_session_revoke_all", &of_person).result())),
        ("a logout", &|| drop(again().client.post("/api/account/logout", &json!({})).expect(200))),
        ("a password", &|| change_password(&again())),
    ];
    for (what, end) in ends {
        end();
        assert!(is_open(&mut bystander) && is_open(&mut by_file), "{what} of somebody else");
    }
    // The file is of no session: one that ends leaves its socket, all of the account do not.
    let spare = house.session_of(&house.keeper);
    spare.client.rpc("account_session_revoke", &json!({ "session_id": newest_session(&spare) })).result();
    assert!(is_open(&mut bystander) && is_open(&mut by_file), "another session of the account");
    house.keeper.client.rpc("account_session_revoke_all", &Value::Null).result();
    assert_eq!((bystander.closed(), by_file.closed()), (REVOKED, REVOKED));
}

fn open_sockets(house: &Installation) -> Option<f64> {
    house.server.figure("muniment_api_connections{kind=\"socket\"}")
}

fn acc_214_what_a_socket_asked_goes_with_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    let grant = house.grant(&ben, "teacher");
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let store = &house.server.store;
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    // What is recorded now does not reach the read models, and who takes a role has to read who holds it.
    house.login("nobody-here", "wrong").refused(401, "invalid_credentials");
    eventually("a request waits for them", || {
        socket.ask("role_grant_revoke", &json!({ "actor_id": ben.actor, "role_grant_id": grant }));
        // A connection that is new finds its table away and does not wait.
        socket.stray(Duration::from_millis(300)).is_none().then_some(())
    });
    assert_eq!(open_sockets(&house), Some(1.0));
    drop(socket);
    eventually("the server knows that it is gone", || (open_sockets(&house) == Some(0.0)).then_some(()));
    store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
    assert_eq!(house.audit(&json!({ "event_type": "role_grant_revoke" })), Vec::<Value>::new());
    holds_for(Duration::from_secs(1), "nothing of it is done", || store.count("grant.revoked") == 0);
    assert_eq!(ben.client.get("/api/account/status").expect(200)["role_grants"][0]["id"], json!(grant));
}

fn acc_214_what_a_socket_had_handed_to_the_record_stays_recorded(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut patience = Duration::from_millis(200);
    eventually("a request has come as far as the record", || {
        let name = unique("guest").replace("--", "-");
        let mut socket = Socket::of(&house.server, &house.keeper.cookie);
        let others = OpenTransaction::before_appends(&house.server.store);
        socket.ask("invite_create", &json!({ "username": name }));
        let early = socket.stray(patience);
        assert!(early.is_none(), "answered before it is recorded: {early:?}");
        drop(socket);
        eventually("the server knows that it is gone", || (open_sockets(&house) == Some(0.0)).then_some(()));
        others.end("ROLLBACK");
        pause(patience);
        // One that is not there had not come so far; the next has more time.
        patience *= 2;
        house.keeper.client.rpc("invite_list", &json!({})).result().to_string().contains(&name).then_some(())
    });
}

fn acc_216_a_server_that_goes_away_says_so(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut socket = Socket::of(&house.server, &house.keeper.cookie);
    let mut stream = Stream::open(&house.server, "/api/audit/stream", &[("cookie", &house.keeper.cookie)]);
    assert_eq!((stream.status, stream.line().as_deref()), (200, Some(": connected")));
    assert!(house.server.terminate().success());
    assert_eq!(socket.closed(), GOING_AWAY);
    assert!(stream.row().is_none(), "it ends as a body ends");
}

fn acc_017_the_socket_of_an_evicted_session_is_closed(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    closed_within(BEFORE_THE_REPLY, || {
        of_ended_session(house, &house.server, &person, |_| (0..5).for_each(|_| drop(house.session_of(&person))))
    });
}

both_engines![
    acc_216_an_ended_credential_ends_its_sockets_before_the_reply,
    acc_216_every_end_of_a_session_closes_before_the_reply,
    acc_216_replies_of_methods_and_routes_wait_for_the_sockets_they_end,
    acc_054_acc_216_every_end_of_a_token_closes_before_the_reply,
    acc_216_on_another_node_sockets_close_within_a_second,
    acc_216_the_sockets_of_others_stay_and_the_files_goes_with_its_account,
    acc_214_what_a_socket_asked_goes_with_it,
    acc_214_what_a_socket_had_handed_to_the_record_stays_recorded,
    acc_216_a_server_that_goes_away_says_so,
    acc_017_the_socket_of_an_evicted_session_is_closed,
];
