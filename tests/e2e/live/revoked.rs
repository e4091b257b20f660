//! Rights that end while events flow (LIV-10): credentials of every kind that reads here, ended in every way there is, on
//! WebSocket, event stream and long-poll. The full form ends 112 and bounds how long a close takes after the reply.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::socket::{EventStream, Socket};
use super::{LEVEL, StopsWhenDropped, company_with_metric, issue, positions};
use crate::accounts::socket::{Socket as ApiSocket, Stream};
use crate::harness::{
    Client, Company, Engine, Founder, Installation, ORIGIN, PASSWORD, Person, Program, Reply, Server, cookie_of, pause,
    text, torture, unique,
};

/// From the reply to the close, for 99 of 100.
const CLOSE_P99_MAX: Duration = Duration::from_millis(50);
/// Whoever changes the password changes it to this and back.
const OTHER_PASSWORD: &str = "another horse battery";

/// How a credential ends. No role gives anything to read here, so none takes anything away; of the audit's stream ACC-182 says it.
#[derive(Debug, Clone, Copy)]
enum End {
    /// An agent token is revoked.
    Token,
    /// A founder signs out.
    SignOut,
    /// A founder ends one of his sessions from another.
    Session,
    /// A founder ends all his sessions.
    AllSessions,
    /// An administrator ends all sessions of an account.
    ByAdministrator,
    /// A browser signs out.
    Logout,
    /// The password changes.
    Password,
}

const ENDS: [End; 7] =
    [End::Token, End::SignOut, End::Session, End::AllSessions, End::ByAdministrator, End::Logout, End::Password];

/// A founder who also has a password, and his company.
struct House {
    installation: Installation,
    company: Company,
    email: String,
    account: String,
}

/// A credential, as it is sent, and what will end it.
struct Doomed<'a> {
    headers: Vec<(&'static str, String)>,
    end: Box<dyn Fn() -> Reply + 'a>,
}

impl House {
    fn open(engine: Engine) -> Self {
        let no_limits = [("LIMITS_OTP_STARTS", "off"), ("ACCOUNTS_MAX_SESSIONS", "none")];
        let installation = Installation::with(engine, &no_limits);
        let server = &installation.server;
        let (founder, company) = company_with_metric(server, "revenue");
        let email = founder.email;
        server.terminate();
        let set = ["account", "set-password", email.as_str(), "--password-stdin"];
        Program::operator_of(server).run_with_input(&set, &format!("{PASSWORD}\n")).ok();
        server.restart();
        let mut house = Self { installation, company, email, account: String::new() };
        house.account = house.browser().id;
        house
    }

    fn founder(&self) -> Founder {
        self.installation.server.sign_in(&self.email)
    }

    fn browser(&self) -> Person {
        let reply = self.installation.login(&self.email, PASSWORD);
        reply.expect(200);
        self.installation.person_of(&self.email, &cookie_of(&reply))
    }

    fn doom(&self, end: End) -> Doomed<'_> {
        let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
        let cookie = |person: &Person| vec![("cookie", person.cookie.clone()), ("origin", ORIGIN.to_owned())];
        match end {
            End::Token => {
                let founder = self.founder();
                let (token, id) = issue(&founder, &self.company, &json!(["application:read"]));
                let path = format!("/v1/tokens/{id}/revoke");
                Doomed { headers: bearer(&token), end: Box::new(move || founder.client.post(&path, &json!({}))) }
            }
            End::SignOut => {
                let founder = self.founder();
                let headers = bearer(&founder.token);
                Doomed { headers, end: Box::new(move || founder.client.post("/v1/auth/logout", &json!({}))) }
            }
            End::Session => {
                let browser = self.browser();
                let listed = browser.client.rpc("account_session_list", &Value::Null).result();
                let newest = |session: &&Value| text(&session["created_at"]);
                let session = listed["sessions"].as_array().unwrap().iter().max_by_key(newest).unwrap()["id"].clone();
                let (headers, other) = (cookie(&browser), self.browser());
                let params = json!({ "session_id": session });
                Doomed { headers, end: Box::new(move || other.client.rpc("account_session_revoke", &params).0) }
            }
            End::AllSessions => {
                let browser = self.browser();
                let headers = cookie(&browser);
                let end = move || browser.client.rpc("account_session_revoke_all", &Value::Null).0;
                Doomed { headers, end: Box::new(end) }
            }
            End::ByAdministrator => {
                let (keeper, of) = (&self.installation.keeper.client, json!({ "account_id": self.account }));
                let headers = bearer(&self.founder().token);
                Doomed { headers, end: Box::new(move || keeper.rpc("admin_session_revoke_all", &of).0) }
            }
            End::Logout => {
                let browser = self.browser();
                let headers = cookie(&browser);
                Doomed { headers, end: Box::new(move || browser.client.post("/api/account/logout", &json!({}))) }
            }
            End::Password => {
                let browser = self.browser();
                let headers = cookie(&browser);
                Doomed { headers, end: Box::new(move || self.change_password(&browser.client)) }
            }
        }
    }

    fn change_password(&self, client: &Client) -> Reply {
        let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
        client.post("/api/account/password", &change)
    }

    /// Takes the changed password back, for who signs in next.
    fn restore_password(&self) {
        let reply = self.installation.login(&self.email, OTHER_PASSWORD);
        reply.expect(200);
        let back = json!({ "current_password": OTHER_PASSWORD, "new_password": PASSWORD });
        let browser = self.installation.server.anonymous().header("cookie", &cookie_of(&reply));
        browser.post("/api/account/password", &back).expect(200);
    }

    /// Ends one credential and proves that nothing left behind that; how long the close took after the reply.
    fn end_one(&self, kind: End) -> Duration {
        let server = &self.installation.server;
        let Doomed { headers, end } = self.doom(kind);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let own = json!({ "eq": { "company": self.company.id } });
        let mut socket = Socket::upgrade(server, &headers).unwrap();
        socket.send(&json!({ "t": "hello", "token": null }));
        assert_eq!(socket.frame()["t"], "welcome", "{kind:?}");
        socket.subscribe(7, &json!("head"), 1024, &own);
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let filter = format!("after=head&filter=%7B%22eq%22%3A%7B%22company%22%3A%22{}%22%7D%7D", self.company.id);
        let mut stream = EventStream::open_by(server, &lines, &filter).unwrap();
        // Events flow to both.
        socket.frame_of("batch");
        stream.events(1);
        let (reply, replied, frames, code, closed_at) = std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let (frames, code) = socket.until_closed();
                (frames, code, Instant::now())
            });
            let reply = end();
            let replied = Instant::now();
            let (frames, code, closed_at) = reader.join().unwrap();
            (reply, replied, frames, code, closed_at)
        });
        reply.expect(200);
        assert_eq!(code, Some(4503), "{kind:?}");
        let revoked = frames.last().unwrap();
        assert_eq!((&revoked["t"], &revoked["id"]), (&json!("revoked"), &json!(7)), "{kind:?}");
        let at: u64 = revoked["at"].as_str().unwrap().parse().unwrap();
        assert!(at <= reply.position(), "{kind:?}: {revoked} and {reply}");
        let events: Vec<Value> =
            frames.iter().flat_map(|frame| frame["ev"].as_array().cloned().unwrap_or_default()).collect();
        let seen = positions(&events);
        assert!(seen.iter().all(|position| *position < at), "{kind:?}: {seen:?} behind {at}");
        let mut told = Vec::new();
        while let Some(event) = stream.next() {
            told.push(event);
        }
        assert_eq!(told.pop().map(|last| last.event).as_deref(), Some("revoked"), "{kind:?}");
        assert!(told.iter().filter_map(|told| told.data.clone()).all(|event| positions(&[event])[0] < at), "{kind:?}");
        let client = headers.iter().fold(server.anonymous(), |client, (name, value)| client.header(name, value));
        assert_eq!(client.get("/v1/events").status, 401, "{kind:?}");
        if matches!(kind, End::Password) {
            self.restore_password();
        }
        closed_at.saturating_duration_since(replied)
    }
}

fn liv_10_nothing_leaves_behind_the_end_of_a_credential(engine: Engine) {
    let rounds = if torture() { 16 } else { 1 };
    let house = House::open(engine);
    let done = AtomicBool::new(false);
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let writers = StopsWhenDropped(&done);
        scope.spawn(|| {
            let (run, mut value) = (unique("revocation"), 0);
            while !done.load(Ordering::Relaxed) {
                let point = json!({ "value": LEVEL + value, "idempotency_key": format!("{run}-{value}") });
                house.company.point("revenue", &point);
                value += 1;
            }
        });
        let took = (0..rounds).flat_map(|_| ENDS).map(|kind| house.end_one(kind)).collect();
        drop(writers);
        took
    });
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!(
        "{} credentials ended while events flowed; from the reply to the close p50 {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(!torture() || at(99) <= CLOSE_P99_MAX, "{took:?}");
}

/// Not even the event that ended it, which its company may read, is told to who waits for the next one. Who asks a moment later
/// is refused by the same code.
fn liv_10_a_long_poll_that_waits_ends_with_its_credential(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    let (token, id) = issue(&founder, &company, &json!(["application:read"]));
    let of_token: &dyn Fn() -> Reply = &|| founder.client.post_bytes(&format!("/v1/tokens/{id}/revoke"), "");
    let doomed = server.sign_in(&founder.email);
    let of_session: &dyn Fn() -> Reply = &|| doomed.client.post("/v1/auth/logout", &json!({}));
    for (client, end, code) in [
        (server.agent(&token), of_token, "invalid_token"),
        (server.agent(&doomed.token), of_session, "invalid_session"),
    ] {
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| client.get("/v1/events?after=head&wait=25"));
            pause(Duration::from_millis(500));
            let begun = Instant::now();
            end().expect(200);
            waiting.join().unwrap().refused(401, code);
            assert!(begun.elapsed() < Duration::from_secs(20), "it waited on for {:?}", begun.elapsed());
            client.get("/v1/events").refused(401, code);
        });
    }
}

/// Who has both doors signs out of one: what the cookie opened stays, for the account did not sign out.
fn acc_216_the_end_of_a_session_of_v1_closes_nothing_of_the_account(engine: Engine) {
    let house = House::open(engine);
    let server = &house.installation.server;
    let (founder, browser) = (house.founder(), house.browser());
    house.installation.grant(&browser, "admin");
    let mut socket = ApiSocket::of(server, &browser.cookie);
    let mut audit = Stream::open(server, "/api/audit/stream", &[("cookie", &browser.cookie)]);
    assert_eq!(audit.line().as_deref(), Some(": connected"));
    let mut own = Socket::connect(server, &founder.token);
    founder.client.post("/v1/auth/logout", &json!({})).expect(200);
    assert_eq!(own.closed(), Some(4503));
    assert_eq!(socket.call("heartbeat", &Value::Null)["result"], json!({}));
    house.installation.login("keeper", PASSWORD).expect(200);
    while audit.row().expect("the stream goes on").1["method"] != "login" {}
}

/// An erasure beside the running server: with the embedded store, every connection ends with the server before.
#[test]
fn k11_every_connection_of_whoever_is_erased_ends_there() {
    let house = House::open(Engine::Postgres);
    let server = &house.installation.server;
    let (founder, browser) = (house.founder(), house.browser());
    house.installation.grant(&browser, "admin");
    let (_, other) = company_with_metric(server, "revenue");
    let (token, _) = issue(&founder, &house.company, &json!(["application:read"]));
    let api = browser.client.rpc("account_token_create", &Value::Null).result();
    let api = format!("Bearer {}", text(&api["token"]));
    let by_session = format!("authorization: Bearer {}", founder.token);
    let by_token = format!("authorization: Bearer {token}");
    let by_cookie = format!("cookie: {}", browser.cookie);

    let readers = [&by_session, &by_cookie, &by_token].map(|credential| {
        let (name, value) = credential.split_once(": ").unwrap();
        let mut socket = Socket::upgrade(server, &[(name, value), ("origin", ORIGIN)]).unwrap();
        socket.send(&json!({ "t": "hello", "token": null }));
        socket.frame_of("welcome");
        socket.subscribe(7, &json!("head"), 1024, &Value::Null);
        socket.frame_of("live");
        let stream =
            EventStream::open_by(server, &format!("{credential}\r\norigin: {ORIGIN}\r\n"), "after=head").unwrap();
        (credential, socket, stream)
    });
    let mut sockets = [("cookie", browser.cookie.as_str()), ("authorization", api.as_str())]
        .map(|credential| ApiSocket::open(server, "/api/ws", &[credential]).unwrap());
    let mut audit = Stream::open(server, "/api/audit/stream", &[("authorization", &api)]);
    assert_eq!((audit.status, audit.line().as_deref()), (200, Some(": connected")));
    let mut stays = Socket::connect(server, &other.token);

    Program::operator_of(server).run(&["erase", &house.account, "--yes"]).ok();
    let erased = "SELECT CAST(position AS TEXT) FROM events WHERE event_type = 'subject.erased'";
    let erased: u64 = server.store.texts(erased)[0].parse().unwrap();
    for (credential, mut socket, mut stream) in readers {
        let (frames, code) = socket.until_closed();
        assert_eq!(code, Some(4503), "{credential}: {frames:?}");
        let revoked = frames.last().unwrap();
        assert_eq!(revoked["t"], "revoked", "{credential}");
        let at: u64 = revoked["at"].as_str().unwrap().parse().unwrap();
        assert!(at <= erased, "{credential}: {revoked}, erased at {erased}");
        let told = std::iter::from_fn(|| stream.next()).last();
        assert_eq!(told.map(|last| last.event).as_deref(), Some("revoked"), "{credential}");
    }
    for socket in &mut sockets {
        assert_eq!(socket.closed(), 4001);
    }
    while audit.row().is_some() {}
    other.point("revenue", &json!({ "value": LEVEL }));
    stays.subscribe(1, &json!("start"), 1024, &Value::Null);
    assert!(!stays.until_live().is_empty(), "nobody else is cut off");
}

both_engines![
    acc_216_the_end_of_a_session_of_v1_closes_nothing_of_the_account,
    liv_10_nothing_leaves_behind_the_end_of_a_credential,
    liv_10_a_long_poll_that_waits_ends_with_its_credential,
];
