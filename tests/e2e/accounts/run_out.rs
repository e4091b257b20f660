//! What time takes away, without an event: sessions and roles that run out while a connection stands on them (ACC-182,
//! ACC-216, ACC-221). The cleanup, which records the end of a session, comes by too late for these; the last test asks for it.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::socket::{Incoming, Socket, Stream};
use crate::harness::{Engine, Installation, PASSWORD, Program, cookie_of, eventually, holds_for};

const REVOKED: u16 = 4001;
/// How long a session lasts here, and how long it may take until its connections are ended.
const AGE: Duration = Duration::from_secs(12);
const LATE: Duration = Duration::from_secs(30);

fn stream_of(house: &Installation, cookie: &str) -> Stream {
    let mut stream = Stream::open(&house.server, "/api/audit/stream", &[("cookie", cookie)]);
    assert_eq!((stream.status, stream.line().as_deref()), (200, Some(": connected")));
    stream
}

fn acc_216_connections_end_with_their_session_though_nothing_is_recorded(engine: Engine) {
    let age = format!("{}s", AGE.as_secs());
    let house = Installation::with(
        engine,
        &[("ACCOUNTS_SESSION_MAX_AGE", &age), ("ACCOUNTS_REFRESH_THRESHOLD", &age), ("CLEANUP_INTERVAL", "1h")],
    );
    let log_in = || cookie_of(&house.login("keeper", PASSWORD));
    // Every use extends a session here, so the cookie that goes on being used outlives the ones that are not.
    let used = log_in();
    let mut goes_on = Socket::of(&house.server, &used);
    let [of_socket, of_stream] = [log_in(), log_in()];
    let begun = Instant::now();
    let mut ends = Socket::of(&house.server, &of_socket);
    let mut stream = stream_of(&house, &of_stream);
    let mut cookie = used;
    let mut come_back = || {
        let reply = house.server.anonymous().header("cookie", &cookie).get("/api/account/status");
        reply.expect(200);
        if !reply.header("set-cookie").is_empty() {
            cookie = cookie_of(&reply);
        }
    };
    let closed = loop {
        come_back();
        match ends.next_within(Duration::from_millis(200)) {
            None => assert!(begun.elapsed() < AGE + LATE, "the socket outlives its session"),
            Some(Incoming::Closed(code)) => break code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed, REVOKED);
    while stream.row().is_some() {}
    assert!(begun.elapsed() < AGE + LATE, "the stream outlives its session: {:?}", begun.elapsed());
    let closings = house.server.store.count("account.session_closed");
    assert_eq!(closings, 0, "nothing recorded it");
    while begun.elapsed() < AGE + Duration::from_secs(1) {
        come_back();
    }
    assert_eq!(goes_on.call("heartbeat", &Value::Null)["result"], json!({}), "it was extended meanwhile");
}

fn acc_182_a_stream_ends_with_a_role_that_runs_out(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.person("ben");
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let end = Program::operator_of(&house.server).grant_for(25, &[&ben.username, "admin", "--yes"]);
    if engine == Engine::Sqlite {
        house.server.restart();
    }
    let mut stream = stream_of(&house, &ben.cookie);
    let (mut last, mut fail) = (end - TimeDelta::days(1), 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            // Something happens all the time.
            while Utc::now() < end + TimeDelta::seconds(2) {
                house.login("ben", "wrong password").refused(401, "invalid_credentials");
                fail += 1;
            }
        });
        while let Some((_, row)) = stream.row() {
            last = row["params"]["created_at"].as_str().unwrap().parse().unwrap();
            assert!(Utc::now() < end + TimeDelta::seconds(15), "the stream outlives the role");
        }
    });
    assert!(last < end, "what was recorded at {last} was shown behind {end}");
    assert!(fail > 0);
    eventually("the role is gone", || (ben.client.get("/api/audit/stream").status == 403).then_some(()));
}

fn acc_221_the_command_closes_once_what_ran_out_and_nothing_else(engine: Engine) {
    let settings =
        [("ACCOUNTS_SESSION_MAX_AGE", "2s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0"), ("CLEANUP_INTERVAL", "1h")];
    let house = Installation::with(engine, &settings);
    // A founder's session lasts thirty days, whatever those by cookie do.
    let lasting = house.server.founder("ana");
    house.login("keeper", PASSWORD).expect(200);
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    let sweep = || {
        let swept = operator.run(&["cleanup", "--json"]).json();
        assert_eq!(swept["expired_offers"], 0, "{swept}");
        swept["expired_sessions"].as_u64().unwrap()
    };
    let mut closed = 0;
    eventually("both sessions by cookie run out and are closed", || {
        closed += sweep();
        (closed >= 2).then_some(())
    });
    assert_eq!((closed, sweep()), (2, 0));
    for end in ["session.revoked", "account.session_closed"] {
        assert_eq!(house.server.store.count(end), 2, "{end}");
    }
    house.server.restart();
    lasting.client.get("/v1/auth/session").expect(200);
}

fn acc_221_connections_end_with_a_session_that_the_sweep_closes(engine: Engine) {
    let age = format!("{}s", AGE.as_secs());
    let settings =
        [("ACCOUNTS_SESSION_MAX_AGE", age.as_str()), ("ACCOUNTS_REFRESH_THRESHOLD", "0"), ("CLEANUP_INTERVAL", "1s")];
    let house = Installation::with(engine, &settings);
    let cookie = cookie_of(&house.login("keeper", PASSWORD));
    let (mut socket, mut stream) = (Socket::of(&house.server, &cookie), stream_of(&house, &cookie));
    assert_eq!(socket.closed(), REVOKED);
    while stream.row().is_some() {}
    let store = &house.server.store;
    // The one of the bootstrap and this one, once each, however often the sweep comes by.
    eventually("both are closed", || (store.count("account.session_closed") == 2).then_some(()));
    holds_for(Duration::from_secs(3), "closed once", || {
        [store.count("account.session_closed"), store.count("session.revoked")] == [2, 2]
    });
}

both_engines![
    acc_221_connections_end_with_a_session_that_the_sweep_closes,
    acc_221_the_command_closes_once_what_ran_out_and_nothing_else,
    acc_216_connections_end_with_their_session_though_nothing_is_recorded,
    acc_182_a_stream_ends_with_a_role_that_runs_out,
];
