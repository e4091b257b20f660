//! The stream of the audit (ACC-180 to ACC-183, and LIV-19 for its lists).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::socket::{Socket, Stream};
use crate::harness::{
    Engine, Installation, OpenTransaction, PASSWORD, Person, Server, Store, eventually, in_parallel, text, unique,
};

fn open(server: &Server, person: &Person, query: &str) -> Stream {
    let mut stream = Stream::open(server, &format!("/api/audit/stream{query}"), &[("cookie", &person.cookie)]);
    assert_eq!(stream.status, 200);
    assert_eq!(stream.line().as_deref(), Some(": connected"));
    stream
}

/// The next row of a type.
fn next(stream: &mut Stream, event_type: &str) -> (u64, Value) {
    loop {
        let (id, row) = stream.row().expect("the stream goes on");
        if row["method"] == event_type {
            return (id, row["params"].clone());
        }
    }
}

fn acc_180_administrators_see_what_happens_as_it_happens(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let plain = house.named("ann-a");
    let path = "/api/audit/stream";
    assert_eq!(house.server.anonymous().get(path).status, 401);
    plain.client.get(path).refused(403, "insufficient_permissions");
    house.keeper.client.get("/api/audit/stream?more=1").refused(400, "invalid_query_params");
    let mut stream = open(&house.server, &house.keeper, "");
    let mut alias = Stream::open(&house.server, "/api/admin/audit/stream", &[("cookie", &house.keeper.cookie)]);
    assert_eq!((alias.status, alias.line().as_deref()), (200, Some(": connected")));
    house.login("ann-a", PASSWORD).expect(200);
    let (id, row) = next(&mut stream, "login");
    assert_eq!(row["account_id"], json!(plain.id));
    let mut listed = house.row("login", &plain.id);
    assert_eq!(listed["seq"].as_u64(), Some(id));
    let listed = listed.as_object_mut().unwrap();
    listed.remove("username");
    listed.remove("target_username");
    assert_eq!(row, json!(listed));
    assert_eq!(next(&mut alias, "login").0, id);
}

fn what_is_open_on_api_is_in_the_figures(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let told = || {
        let figures = String::from_utf8(house.server.anonymous().get("/metrics").body).unwrap();
        ["socket", "audit_stream"].map(|kind| {
            let name = format!("muniment_api_connections{{kind=\"{kind}\"}} ");
            let line = figures.lines().find_map(|line| line.strip_prefix(name.as_str()));
            line.unwrap_or_else(|| panic!("no {name}in:\n{figures}")).to_owned()
        })
    };
    assert_eq!(told(), ["0", "0"], "there before the first");
    let sockets = [(), ()].map(|()| Socket::of(&house.server, &house.keeper.cookie));
    let _stream = open(&house.server, &house.keeper, "");
    assert_eq!(told(), ["2", "1"]);
    drop(sockets);
    eventually("closed sockets no longer count", || (told() == ["0", "1"]).then_some(()));
}

#[test]
fn notifications_that_were_not_sent_are_in_the_figures_from_the_start() {
    let server = Server::shared(Engine::Sqlite);
    let figures = String::from_utf8(server.anonymous().get("/metrics").body).unwrap();
    assert!(figures.lines().any(|line| line == "muniment_notices_lost_total 0"), "{figures}");
}

fn acc_181_a_session_has_ten_streams(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let other = house.session_of(&house.keeper);
    let mut others = open(&house.server, &other, "");
    let mut first = open(&house.server, &house.keeper, "");
    let mut streams: Vec<Stream> = (0..10).map(|_| open(&house.server, &house.keeper, "")).collect();
    assert!(first.row().is_none());
    house.login("keeper", PASSWORD).expect(200);
    next(&mut streams[0], "login");
    next(&mut others, "login");
}

fn acc_182_a_stream_ends_with_the_row_that_ends_its_right(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let boss = house.admin("boss");
    let (second, third) = (house.session_of(&boss), house.session_of(&boss));
    let (mut of_second, mut of_third) = (open(&house.server, &second, ""), open(&house.server, &third, ""));
    let foreign = house.person("ben");
    let listed = second.client.rpc("account_session_list", &Value::Null).result();
    let newest = text(&listed["sessions"][0]["id"]);
    foreign.client.rpc("account_session_revoke", &json!({ "session_id": newest })).result();
    boss.client.rpc("account_session_revoke", &json!({ "session_id": newest })).result();
    loop {
        match of_third.row() {
            Some((_, row)) if row["method"] == "session_revoke" && row["params"]["outcome"] == "success" => break,
            Some(_) => {}
            None => panic!("the row comes before the end"),
        }
    }
    assert!(of_third.row().is_none());
    // Failures of one's own end nothing: they bear ids that anybody may have chosen.
    let nobody = json!({ "account_id": "22222222-2222-4222-8222-222222222222" });
    for method in ["admin_session_revoke_all", "admin_token_revoke_all"] {
        second.client.rpc(method, &nobody).refused(404, -32_003, "account_not_found");
    }
    let change = json!({ "current_password": "wrong", "new_password": "another horse battery" });
    second.client.post("/api/account/password", &change).refused(401, "invalid_credentials");
    house.login("keeper", PASSWORD).expect(200);
    next(&mut of_second, "login");
    second.client.rpc("account_session_revoke_all", &Value::Null).result();
    next(&mut of_second, "session_revoke_all");
    assert!(of_second.row().is_none());

    let chief = house.person("chief");
    let grant = house.grant(&chief, "admin");
    let mut stream = open(&house.server, &chief, "");
    let revoke = json!({ "actor_id": chief.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    next(&mut stream, "role_grant_revoke");
    assert!(stream.row().is_none());
}

/// Asserts that the row comes, nothing behind it, and the end with it.
#[track_caller]
fn ends_with(mut stream: Stream, event_type: &str) {
    next(&mut stream, event_type);
    assert!(stream.row().is_none(), "{event_type}: something was shown behind the end of the right");
}

/// The end comes within two seconds of what `take` did, by its return value; a busy machine may be late, but not every time.
fn ends_in_time(what: &str, take: impl Fn() -> Instant) {
    eventually(what, || (take().elapsed() < Duration::from_secs(2)).then_some(()));
}

fn acc_182_whatever_takes_the_right_ends_the_stream_within_two_seconds(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let bearer = |boss: &Person| {
        let made = boss.client.rpc("account_token_create", &Value::Null).result();
        let authorization = format!("Bearer {}", text(&made["token"]));
        let mut stream = Stream::open(&house.server, "/api/audit/stream", &[("authorization", &authorization)]);
        assert_eq!((stream.status, stream.line().as_deref()), (200, Some(": connected")));
        (stream, made["id"].clone())
    };

    ends_in_time("a change of the password", || {
        let boss = house.admin("boss");
        let change = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
        let (of_session, (of_token, _)) = (open(&house.server, &boss, ""), bearer(&boss));
        boss.client.post("/api/account/password", &change).expect(200);
        let since = Instant::now();
        ends_with(of_session, "password_change");
        ends_with(of_token, "password_change");
        since
    });
    ends_in_time("the end of all sessions", || {
        let boss = house.admin("boss");
        let other = house.session_of(&boss);
        let (first, second) = (open(&house.server, &boss, ""), open(&house.server, &other, ""));
        house.keeper.client.rpc("admin_session_revoke_all", &json!({ "account_id": boss.id })).result();
        let since = Instant::now();
        ends_with(first, "session_revoke_all");
        ends_with(second, "session_revoke_all");
        since
    });
    ends_in_time("the end of the role", || {
        let boss = house.person("boss");
        let grant = house.grant(&boss, "admin");
        let other = house.session_of(&boss);
        let (first, second, (of_token, _)) =
            (open(&house.server, &boss, ""), open(&house.server, &other, ""), bearer(&boss));
        let revoke = json!({ "actor_id": boss.actor, "role_grant_id": grant });
        house.keeper.client.rpc("role_grant_revoke", &revoke).result();
        let since = Instant::now();
        for stream in [first, second, of_token] {
            ends_with(stream, "role_grant_revoke");
        }
        since
    });
    ends_in_time("the end of all tokens", || {
        let boss = house.admin("boss");
        let (of_token, _) = bearer(&boss);
        house.keeper.client.rpc("admin_token_revoke_all", &json!({ "account_id": boss.id })).result();
        let since = Instant::now();
        ends_with(of_token, "token_revoke_all");
        since
    });
    ends_in_time("the end of a token, and a logout", || {
        let boss = house.admin("boss");
        let (of_token, id) = bearer(&boss);
        let mut other = open(&house.server, &boss, "");
        boss.client.rpc("account_token_revoke", &json!({ "token_id": id })).result();
        let since = Instant::now();
        ends_with(of_token, "token_revoke");
        next(&mut other, "token_revoke");
        boss.client.post("/api/account/logout", &json!({})).expect(200);
        ends_with(other, "logout");
        since
    });
}

/// Rows that a stream reads at once.
const PAGE: usize = 200;

/// More rows than two pages and what else comes to be.
fn backlog(house: &Installation) {
    in_parallel(8, |_| (0..3 * PAGE / 8).for_each(|_| drop(house.invite(&json!({ "username": unique("guest") })))));
}

fn from_the_start(house: &Installation, person: &Person) -> Stream {
    open(&house.server, person, "?since_seq=0")
}

/// How many rows come before the end.
fn rows(mut stream: Stream) -> usize {
    std::iter::from_fn(|| stream.row()).count()
}

/// Streams that were opened while the read models stood still, so that they have not read a row when `take` is recorded.
fn waiting<T>(house: &Installation, open: impl FnOnce() -> T, recorded: &str, take: impl Fn() + Sync) -> T {
    let store = &house.server.store;
    let grows = |event_type: &str, by: &(dyn Fn() + Sync)| {
        let before = store.count(event_type);
        by();
        eventually("it is recorded", || (store.count(event_type) > before).then_some(()));
    };
    store.execute_on_read_models("ALTER TABLE read_checkpoints_v1 RENAME TO away");
    std::thread::scope(|threads| {
        let invite = || drop(house.keeper.client.rpc("invite_create", &json!({ "username": unique("late") })));
        // Replies may wait for the read models.
        grows("invite.created", &|| drop(threads.spawn(invite)));
        let streams = open();
        grows(recorded, &|| drop(threads.spawn(&take)));
        store.execute_on_read_models("ALTER TABLE away RENAME TO read_checkpoints_v1");
        streams
    })
}

fn acc_182_who_is_far_behind_when_his_right_ends_does_not_get_all_the_rest(engine: Engine) {
    let house = Installation::with(engine, &[]);
    backlog(&house);
    let boss = house.admin("boss");
    let other = house.session_of(&boss);

    let ended = waiting(
        &house,
        || from_the_start(&house, &boss),
        "account.session_closed",
        || {
            other.client.post("/api/account/logout", &json!({})).expect(200);
        },
    );
    assert!(rows(ended) <= PAGE, "the end of what it was opened by");
    let mut eleven: Vec<Stream> = waiting(
        &house,
        || (0..11).map(|_| from_the_start(&house, &house.keeper)).collect(),
        "invite.created",
        || drop(house.invite(&json!({ "username": unique("last") }))),
    );
    let others = eleven.split_off(1);
    assert_eq!(eleven.pop().map(rows), Some(0), "the oldest of too many");
    for mut stream in others {
        (0..=2 * PAGE).for_each(|_| drop(stream.row().expect("it goes on")));
    }
}

/// On PostgreSQL, where the audit alone can be made to wait: who takes a role has to read who holds it.
#[test]
fn acc_182_who_is_far_behind_when_his_role_ends_does_not_get_all_the_rest() {
    let house = Installation::with(Engine::Postgres, &[]);
    let Store::Postgres { url } = &house.server.store else { panic!("it is on PostgreSQL") };
    backlog(&house);
    let chief = house.person("chief");
    let grant = house.grant(&chief, "admin");
    house.row("role_grant_create", &chief.id);
    let lock = OpenTransaction::begin(url, "LOCK TABLE audit_log_v3_g0");
    let stream = from_the_start(&house, &chief);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let revoke = json!({ "actor_id": chief.actor, "role_grant_id": grant });
            house.keeper.client.rpc("role_grant_revoke", &revoke).result();
        });
        eventually("it is recorded", || (house.server.store.count("grant.revoked") > 0).then_some(()));
        lock.end("ROLLBACK");
    });
    // The page that was being read, and the last.
    assert!(rows(stream) <= 2 * PAGE);
}

fn acc_183_rows_of_what_ended_before_end_nothing_that_was_opened_since(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let boss = house.admin("boss");
    let since = house.row("role_grant_create", &boss.id)["seq"].clone();
    boss.client.post("/api/account/logout", &json!({})).expect(200);
    let again = house.session_of(&boss);
    let grant = house.row("role_grant_create", &boss.id)["metadata"]["role_grant_id"].clone();
    let revoke = json!({ "actor_id": boss.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    house.grant(&again, "admin");
    let mut stream = open(&house.server, &again, &format!("?since_seq={since}"));
    next(&mut stream, "logout");
    next(&mut stream, "role_grant_revoke");
    next(&mut stream, "role_grant_create");
    again.client.rpc("account_session_revoke_all", &Value::Null).result();
    ends_with(stream, "session_revoke_all");
}

fn acc_183_whoever_comes_back_misses_nothing_and_sees_nothing_twice(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut stream = open(&house.server, &house.keeper, "");
    house.login("keeper", PASSWORD).expect(200);
    let (last, _) = next(&mut stream, "login");
    drop(stream);
    for _ in 0..30 {
        house.login("keeper", "wrong password").refused(401, "invalid_credentials");
    }
    for bad in ["", "x", "-1", "1.5", "+1", "99999999999999999999"] {
        let path = format!("/api/audit/stream?since_seq={}", bad.replace('+', "%2B"));
        house.keeper.client.get(&path).refused(400, "invalid_query_params");
        house.server.anonymous().get(&path).refused(400, "invalid_query_params");
    }
    let missed = |mut stream: Stream| {
        let mut ids: Vec<u64> = Vec::new();
        while ids.len() < 30 {
            ids.push(next(&mut stream, "login").0);
        }
        ids
    };
    let since = missed(open(&house.server, &house.keeper, &format!("?since_seq={last}")));
    let headers = [("cookie", house.keeper.cookie.as_str()), ("last-event-id", &last.to_string())];
    let resumed = missed(Stream::open(&house.server, "/api/audit/stream", &headers));
    assert_eq!(since, resumed);
    let listed = house.audit(&json!({ "since_seq": last, "event_type": "login", "limit": 200 }));
    let mut listed: Vec<u64> = listed.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    listed.reverse();
    assert_eq!(since, listed);
}

/// What an administrator reads while others write.
#[derive(Clone)]
struct Look {
    method: &'static str,
    position: u64,
    /// Newest first.
    seqs: Vec<u64>,
}

fn looked(house: &Installation, method: &'static str) -> Look {
    let call = house.keeper.client.rpc(method, &json!({ "limit": 200 }));
    let events = call.result()["events"].clone();
    let seqs = events.as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    Look { method, position: call.0.position(), seqs }
}

fn liv_19_a_list_of_the_audit_and_the_stream_from_its_position_leave_no_gap(engine: Engine) {
    const LISTS: [&str; 2] = ["audit_log_list", "audit_log_role_grant_history"];
    let house = Installation::with(engine, &[]);
    let ben = house.person("ben");
    // Fewer rows than a page has.
    let looks = in_parallel(4, |number| match number {
        0 => (0..100).map(|look| looked(&house, LISTS[look % 2])).collect(),
        1 => {
            for turn in 0..50 {
                let set = json!({ "role": "pal", "enabled": turn % 2 == 0 });
                ben.client.rpc("self_service_role_set", &set).result();
            }
            Vec::new()
        }
        _ => {
            (0..50).for_each(|_| drop(house.invite(&json!({ "username": unique("guest") }))));
            Vec::new()
        }
    })
    .concat();
    let all = LISTS.map(|method| looked(&house, method).seqs);
    assert!(all[0].len() < 200 && all[1].len() >= 50, "{} and {}", all[0].len(), all[1].len());
    for (method, all) in LISTS.iter().zip(&all) {
        let of_method: Vec<&Look> = looks.iter().filter(|look| look.method == *method).collect();
        for look in &of_method {
            let upto: Vec<u64> = all.iter().copied().filter(|seq| *seq <= look.position).collect();
            assert_eq!(look.seqs, upto, "{method} at {}: all up to there and nothing later", look.position);
        }
        assert!(of_method.iter().any(|look| !look.seqs.is_empty() && look.seqs.len() < all.len()), "{method}");
    }
    for look in looks.iter().filter(|look| look.method == LISTS[0]).step_by(10) {
        let mut stream = open(&house.server, &house.keeper, &format!("?since_seq={}", look.position));
        let behind = all[0].len() - look.seqs.len();
        let mut both: Vec<u64> = (0..behind).map(|_| stream.row().expect("it goes on").0).collect();
        both.reverse();
        both.extend(&look.seqs);
        assert_eq!(both, all[0], "the list at {} and what the stream sends from there", look.position);
    }
}

fn acc_183_who_is_cut_off_before_the_first_row_comes_back_with_an_id_all_the_same(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut stream = open(&house.server, &house.keeper, "");
    let told = stream.line().unwrap();
    let id = told.strip_prefix("id: ").unwrap();
    drop(stream);
    house.login("keeper", PASSWORD).expect(200);
    house.login("keeper", "wrong password").refused(401, "invalid_credentials");
    let headers = [("cookie", house.keeper.cookie.as_str()), ("last-event-id", id)];
    let mut resumed = Stream::open(&house.server, "/api/audit/stream", &headers);
    assert_eq!((resumed.line().as_deref(), resumed.line()), (Some(": connected"), Some(told.clone())));
    let missed = [(); 2].map(|()| next(&mut resumed, "login").1["outcome"].clone());
    assert_eq!(missed, [json!("success"), json!("failure")]);
}

both_engines![
    what_is_open_on_api_is_in_the_figures,
    acc_180_administrators_see_what_happens_as_it_happens,
    acc_181_a_session_has_ten_streams,
    acc_182_a_stream_ends_with_the_row_that_ends_its_right,
    acc_182_whatever_takes_the_right_ends_the_stream_within_two_seconds,
    acc_182_who_is_far_behind_when_his_right_ends_does_not_get_all_the_rest,
    acc_183_rows_of_what_ended_before_end_nothing_that_was_opened_since,
    acc_183_whoever_comes_back_misses_nothing_and_sees_nothing_twice,
    acc_183_who_is_cut_off_before_the_first_row_comes_back_with_an_id_all_the_same,
    liv_19_a_list_of_the_audit_and_the_stream_from_its_position_leave_no_gap,
];
