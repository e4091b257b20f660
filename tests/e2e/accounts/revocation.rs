//! Many sockets, many revocations of every kind, under a load of notifications: each socket of an ended credential is
//! closed, and nothing that happened after the revocation is told on it. The full form has 1,000 sockets and 200
//! revocations, on one node and, where the engine has them, on two, and prints how long a close takes after the reply.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::harness::{Client, Engine, Installation, PASSWORD, Person, Server, in_parallel, runtime, text};

const SOCKETS_EACH: usize = 5;
/// How long a close may take at most, on a machine that does much else.
const CLOSE_MAX: Duration = Duration::from_secs(60);

/// What a socket saw until it was closed.
struct Seen {
    offers: HashSet<String>,
    code: u16,
    closed_at: Instant,
}

/// Somebody whose credential is about to end, with the sockets it opened.
struct Doomed {
    person: Person,
    end: End,
    sockets: Vec<JoinHandle<Seen>>,
}

/// How a credential ends.
enum End {
    Session(String),
    AllSessions,
    Token(String),
    ByAdministrator,
    Logout,
    Password,
}

async fn listen(server: u16, header: (&'static str, String)) -> JoinHandle<Seen> {
    let address = format!("127.0.0.1:{server}");
    let mut request = format!("ws://{address}/api/ws").into_client_request().unwrap();
    request.headers_mut().insert(header.0, header.1.parse().unwrap());
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    tokio::spawn(async move {
        let mut offers = HashSet::new();
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(text.as_str()).unwrap();
                    offers.extend(frame["params"]["offer"]["id"].as_str().map(str::to_owned));
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return Seen { offers, code, closed_at: Instant::now() };
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Seen { offers, code: 0, closed_at: Instant::now() },
            }
        }
    })
}

fn doom(house: &Installation, sockets_at: &Server, number: usize) -> Doomed {
    let person = house.named(&format!("doomed-{number:03}"));
    let (header, end) = match number % 6 {
        0 => {
            let other = house.session_of(&person);
            let listed = person.client.rpc("account_session_list", &Value::Null).result();
            (("cookie", other.cookie), End::Session(text(&listed["sessions"][0]["id"])))
        }
        1 => (("cookie", person.cookie.clone()), End::AllSessions),
        2 => {
            let made = person.client.rpc("account_token_create", &Value::Null).result();
            (("authorization", format!("Bearer {}", text(&made["token"]))), End::Token(text(&made["id"])))
        }
        3 => (("cookie", person.cookie.clone()), End::ByAdministrator),
        4 => (("cookie", person.cookie.clone()), End::Logout),
        _ => (("cookie", person.cookie.clone()), End::Password),
    };
    let port = sockets_at.port;
    let sockets = runtime().block_on(async move {
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS_EACH {
            sockets.push(listen(port, header.clone()).await);
        }
        sockets
    });
    Doomed { person, end, sockets }
}

fn revoke(house: &Installation, doomed: &Doomed) {
    let client = &doomed.person.client;
    match &doomed.end {
        End::Session(id) => drop(client.rpc("account_session_revoke", &json!({ "session_id": id })).result()),
        End::AllSessions => drop(client.rpc("account_session_revoke_all", &Value::Null).result()),
        End::Token(id) => drop(client.rpc("account_token_revoke", &json!({ "token_id": id })).result()),
        End::ByAdministrator => {
            let of = json!({ "account_id": doomed.person.id });
            house.keeper.client.rpc("admin_session_revoke_all", &of).result();
        }
        End::Logout => drop(client.post("/api/account/logout", &json!({})).expect(200)),
        End::Password => {
            let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
            client.post("/api/account/password", &change).expect(200);
        }
    }
}

fn offer(keeper: &Client, to: &str) -> String {
    let scope = uuid::Uuid::new_v4().to_string();
    let params = json!({ "to_account_id": to, "role": "teacher", "scope_kind": "class", "scope_id": scope });
    text(&keeper.rpc("role_grant_offer_create", &params).result()["offer"]["id"])
}

fn percentile(sorted: &[Duration], hundredth: usize) -> Duration {
    sorted[(sorted.len() - 1) * hundredth / 100]
}

fn run(engine: Engine, house: &Installation, sockets_at: &Server, nodes: usize) {
    let count = if crate::harness::torture() { 200 } else { 12 };
    let doomed: Vec<Doomed> = (0..count).map(|number| doom(house, sockets_at, number)).collect();
    let keeper = &house.keeper.client;
    let stop = Arc::new(AtomicBool::new(false));
    let outcomes = std::thread::scope(|threads| {
        for part in 0..2 {
            let (stop, doomed) = (Arc::clone(&stop), &doomed);
            threads.spawn(move || {
                let mut all = doomed.iter().skip(part).step_by(2).cycle();
                while !stop.load(Ordering::Relaxed) {
                    offer(keeper, &all.next().unwrap().person.id);
                }
            });
        }
        let outcomes = in_parallel(4, |part| {
            let mut mine = Vec::new();
            for (index, doomed) in doomed.iter().enumerate().skip(part).step_by(4) {
                revoke(house, doomed);
                let replied = Instant::now();
                // Made after the reply, so after the revocation's position: nobody may be told on the ended credential.
                mine.push((index, replied, offer(keeper, &doomed.person.id)));
            }
            mine
        });
        stop.store(true, Ordering::Relaxed);
        outcomes
    });
    let mut after: Vec<(usize, Instant, String)> = outcomes.into_iter().flatten().collect();
    after.sort_by_key(|(index, _, _)| *index);
    let mut took = Vec::new();
    for (doomed, (_, replied, later)) in doomed.into_iter().zip(after) {
        for socket in doomed.sockets {
            let seen = runtime().block_on(async { tokio::time::timeout(CLOSE_MAX, socket).await });
            let seen = seen.unwrap_or_else(|_| panic!("a socket of {} stays open", doomed.person.username)).unwrap();
            assert_eq!(seen.code, 4001, "{}", doomed.person.username);
            assert!(!seen.offers.contains(&later), "{} was told after the end", doomed.person.username);
            took.push(seen.closed_at.saturating_duration_since(replied));
        }
    }
    took.sort_unstable();
    println!(
        "revocation on {engine:?}, {nodes} node(s): {count} revocations, {} sockets closed; reply to close p50 {:?}, p99 {:?}",
        took.len(),
        percentile(&took, 50),
        percentile(&took, 99)
    );
}

fn acc_216_every_socket_of_an_ended_credential_closes_and_is_told_nothing_more(engine: Engine) {
    let house = Installation::with(engine, &[]);
    run(engine, &house, &house.server, 1);
}

fn acc_216_on_two_nodes_the_other_nodes_sockets_close_too(engine: Engine) {
    if engine == Engine::Sqlite {
        // One process holds an embedded store.
        return;
    }
    let house = Installation::with(engine, &[]);
    let second = house.server.second_node();
    run(engine, &house, &second, 2);
}

both_engines![
    acc_216_every_socket_of_an_ended_credential_closes_and_is_told_nothing_more,
    acc_216_on_two_nodes_the_other_nodes_sockets_close_too,
];
