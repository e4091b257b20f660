//! Changing the password (ACC-045 to ACC-048).

use std::sync::Barrier;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use super::socket::Socket;
use crate::harness::{Engine, Installation, PASSWORD, Reply, Server, Store, cookie_of, in_parallel, runtime, text};

const NEW: &str = "another horse battery";

fn change(client: &crate::harness::Client, current: &str, new: &str) -> Reply {
    client.post("/api/account/password", &json!({ "current_password": current, "new_password": new }))
}

fn acc_045_a_change_ends_every_session_and_token(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let other = house.session_of(&person);
    let (by_token, _) = house.token_of(&person);
    let made = person.client.rpc("account_token_create", &Value::Null).result();
    let authorization = format!("Bearer {}", text(&made["token"]));
    let mut sockets = vec![Socket::of(&house.server, &person.cookie), Socket::of(&house.server, &other.cookie)];
    sockets.push(Socket::open(&house.server, "/api/ws", &[("authorization", &authorization)]).unwrap());
    let reply = change(&person.client, PASSWORD, NEW);
    for socket in &mut sockets {
        assert_eq!(socket.closed(), 4001);
    }
    assert_eq!(reply.expect(200), json!({ "ok": true, "sessions_revoked": 2, "tokens_revoked": 2 }));
    assert!(reply.header("set-cookie").contains("Max-Age=0"));
    for client in [&person.client, &other.client, &by_token] {
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
    house.login(&person.username, PASSWORD).refused(401, "invalid_credentials");
    house.login(&person.username, NEW).expect(200);
    let row = house.row("password_change", &person.id);
    let metadata = json!({ "sessions_revoked": 2, "tokens_revoked": 2, "credential_type": "session" });
    assert_eq!((&row["metadata"], &row["outcome"]), (&metadata, &json!("success")));
}

fn acc_046_a_wrong_current_password_changes_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (other, (by_token, _)) = (house.session_of(&person), house.token_of(&person));
    let reply = change(&person.client, "not my password", NEW);
    reply.refused(401, "invalid_credentials");
    assert_eq!(reply.header("set-cookie"), "");
    for client in [&person.client, &other.client, &by_token] {
        assert_eq!(client.get("/api/account/verify").status, 200, "nothing ended");
    }
    house.login(&person.username, PASSWORD).expect(200);
    let row = house.row("password_change", &person.id);
    assert_eq!((&row["outcome"], &row["metadata"]), (&json!("failure"), &json!({ "credential_type": "session" })));
}

/// Holds the head of the record, so that nothing can be appended, until both nodes wait for it; then lets go. Says when the
/// first of them waits, where somebody asks.
async fn hold_until_two_wait(url: &str, is_held: &Barrier, first_waits: Option<&Sender<()>>) {
    let mut holder = PgConnection::connect(url).await.unwrap();
    // One of its own: within a transaction the server shows who waits as it was at the first look.
    let mut watcher = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT position FROM journal_head FOR UPDATE").execute(&mut holder).await.unwrap();
    is_held.wait();
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%journal_head%'";
    let (begun, mut first_waits) = (Instant::now(), first_waits);
    loop {
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(&mut watcher).await.unwrap();
        if let Some(first_waits) = first_waits.take_if(|_| count > 0) {
            first_waits.send(()).unwrap();
        }
        if count > 1 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "two appends never waited");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
}

/// Changes a password by two sessions at once; the statuses, and the rows that the loser left.
///
/// On PostgreSQL each session speaks to a node of its own, and neither's append is let through before the other's
/// waits: both have verified the password by then. One node alone cannot be held between the two steps.
fn two_changes_at_once(house: &Installation, second: Option<&Server>, new: [&str; 2]) -> (Vec<u16>, Vec<Value>) {
    let person = house.person("ann");
    let mut other = house.session_of(&person).client;
    if let Some(node) = second {
        other.base.clone_from(&node.base);
    }
    let clients = [&person.client, &other];
    let is_held = Barrier::new(3);
    let mut statuses = in_parallel(if second.is_some() { 3 } else { 2 }, |index| {
        let Some(client) = clients.get(index) else {
            let Store::Postgres { url } = &house.server.store else { panic!("only PostgreSQL has two nodes") };
            runtime().block_on(hold_until_two_wait(url, &is_held, None));
            return 0;
        };
        if second.is_some() {
            is_held.wait();
        }
        change(client, PASSWORD, new[index]).status
    });
    statuses.truncate(2);
    let winner = statuses.iter().position(|status| *status == 200).unwrap_or_else(|| panic!("{statuses:?}"));
    house.login(&person.username, new[winner]).expect(200);
    let rows = house.audit(&json!({ "event_type": "password_change", "account_id": person.id }));
    let (changed, lost): (Vec<Value>, Vec<Value>) = rows.into_iter().partition(|row| row["outcome"] == "success");
    assert_eq!(changed.len(), 1, "{changed:?}");
    statuses.sort_unstable();
    (statuses, lost)
}

fn acc_047_of_two_changes_at_once_one_wins(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    for new in [[NEW, "a third horse battery"], [NEW, NEW]] {
        let rounds = if second.is_some() { 1 } else { 20 };
        let lost = (0..rounds).find_map(|_| {
            let (statuses, lost) = two_changes_at_once(&house, second.as_ref(), new);
            assert_eq!(statuses, [200, 401]);
            // On one node the loser may have come so late that its session had ended, which leaves no row.
            assert!(lost.len() <= 1, "{lost:?}");
            lost.into_iter().next()
        });
        let lost = lost.unwrap_or_else(|| panic!("none of {rounds} losers had verified the password in time"));
        assert_eq!(lost["metadata"], json!({ "reason": "concurrent_change", "credential_type": "session" }), "{lost}");
        assert!(lost["actor_id"].is_null() && lost["target_account_id"].is_null(), "{lost}");
    }
}

/// By address, for the winner's success forgives the account.
#[test]
fn acc_047_a_lost_race_is_counted_once() {
    let house = Installation::with(Engine::Postgres, &[("LIMITS_LOGIN_IP", "2/900")]);
    let (second, ben) = (house.server.second_node(), house.person("ben"));
    let (statuses, lost) = two_changes_at_once(&house, Some(&second), [NEW, NEW]);
    assert_eq!((statuses.as_slice(), lost.len()), ([200, 401].as_slice(), 1));
    change(&ben.client, "not my password", NEW).refused(401, "invalid_credentials");
    change(&ben.client, "not my password", NEW).limited("rate_limit_exceeded");
}

/// On PostgreSQL the change waits for its append when the password is given elsewhere, and lands first; on SQLite as it comes.
fn acc_047_no_sign_in_by_the_old_password_outlives_its_change(engine: Engine) {
    let house = Installation::with(engine, &[("LIMITS_LOGIN_IP", "off"), ("LIMITS_LOGIN_ACCOUNT", "off")]);
    let sign_in = |server: &Server, username: &str| {
        server.anonymous().post("/api/account/login", &json!({ "username": username, "password": PASSWORD }))
    };
    if let Store::Postgres { url } = &house.server.store {
        let (person, second) = (house.person("ann"), house.server.second_node());
        let (is_held, (tell, change_waits)) = (Barrier::new(2), channel());
        let late = std::thread::scope(|scope| {
            scope.spawn(|| runtime().block_on(hold_until_two_wait(url, &is_held, Some(&tell))));
            let changing = scope.spawn(|| {
                is_held.wait();
                change(&person.client, PASSWORD, NEW)
            });
            change_waits.recv_timeout(Duration::from_secs(60)).unwrap();
            let late = sign_in(&second, &person.username);
            changing.join().unwrap().expect(200);
            late
        });
        late.refused(401, "invalid_credentials");
        return;
    }
    // Until somebody got in before the change: where nobody does, there is nothing to outlive it.
    let rounds = 20;
    let came_first = (0..rounds).find_map(|_| {
        let person = house.person("ann");
        let signed_in = in_parallel(7, |index| {
            if index == 0 {
                change(&person.client, PASSWORD, NEW).expect(200);
                return None;
            }
            let reply = sign_in(&house.server, &person.username);
            (reply.status == 200).then(|| cookie_of(&reply))
        });
        for cookie in signed_in.iter().flatten() {
            let client = house.server.anonymous().header("cookie", cookie);
            client.get("/api/account/verify").refused(401, "authentication_required");
        }
        signed_in.into_iter().flatten().next()
    });
    assert!(came_first.is_some(), "no sign-in of {rounds} rounds came before the change");
}

fn acc_048_only_a_session_changes_the_password(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (by_token, _) = house.token_of(&person);
    let refusal = change(&by_token, PASSWORD, NEW).refused(403, "credential_type_required");
    assert_eq!(refusal["required_credential_types"], json!(["session"]));
    let anonymous = house.server.anonymous().post("/api/account/password", &json!({ "x": 1 }));
    assert_eq!(anonymous.refused(401, "authentication_required").get("issues"), None::<&Value>);
}

both_engines![
    acc_045_a_change_ends_every_session_and_token,
    acc_046_a_wrong_current_password_changes_nothing,
    acc_047_of_two_changes_at_once_one_wins,
    acc_047_no_sign_in_by_the_old_password_outlives_its_change,
    acc_048_only_a_session_changes_the_password,
];
