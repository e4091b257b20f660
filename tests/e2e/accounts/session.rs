//! Cookies and sessions after the sign-in (ACC-018 to ACC-027).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    COOKIE_KEY, Engine, Installation, PASSWORD, Person, Reply, Server, Setup, Store, cookie_end, cookie_of,
    in_parallel, within,
};

/// A cookie of any form, signed by a key.
fn signed(key: &str, text: &str) -> String {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let mac = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("muniment_session={text}.{mac}")
}

fn identity(person: &Person) -> String {
    person.cookie.split_once('=').unwrap().1.split(':').next().unwrap().to_owned()
}

fn in_hours(hours: i64) -> i64 {
    chrono::Utc::now().timestamp() + hours * 3_600
}

/// Whether the cookie that an answer sets says of itself that it ends so many hours from now.
fn ends_in(reply: &Reply, hours: i64) -> bool {
    (cookie_end(reply) - in_hours(hours)).abs() <= 60
}

fn is_cleared(reply: &Reply) -> bool {
    reply.header("set-cookie") == "muniment_session=; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=0"
}

fn acc_018_logging_out_ends_this_session_and_no_other(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let other = house.session_of(&person);
    let reply = person.client.post("/api/account/logout", &json!({}));
    assert_eq!(reply.expect(200), json!({ "ok": true, "username": person.username }));
    assert!(is_cleared(&reply));
    person.client.get("/api/account/verify").refused(401, "authentication_required");
    assert_eq!(other.client.get("/api/account/verify").status, 200);
}

fn acc_019_cookies_that_are_not_ours_or_have_ended_are_taken_away(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let identity = identity(&person);
    let end = in_hours(100);
    let (text, signature) = person.cookie.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    for cookie in [
        format!("{text}.{other}{}", &signature[1..]),
        person.cookie.replace(':', "x:"),
        "muniment_session=nodot".to_owned(),
        signed("another-key-of-thirty-two-characters-or-more", &format!("{identity}:{end}")),
        signed(COOKIE_KEY, &format!("{identity}:{}", in_hours(-1))),
        signed(COOKIE_KEY, &format!("{identity}:12x")),
        signed(COOKIE_KEY, &format!(":{end}")),
    ] {
        let reply = house.server.anonymous().header("cookie", &cookie).get("/api/account/verify");
        reply.refused(401, "authentication_required");
        assert!(is_cleared(&reply), "{cookie}");
    }
    let fine = signed(COOKIE_KEY, &format!("{identity}:{end}"));
    assert_eq!(house.server.anonymous().header("cookie", &fine).get("/api/account/verify").status, 200);
}

fn acc_019_the_stream_and_the_socket_take_a_bad_cookie_away_too(engine: Engine) {
    let house = Installation::shared(engine);
    let bad = house.server.anonymous().header("cookie", "muniment_session=nodot");
    for path in ["/api/audit/stream", "/api/admin/audit/stream", "/api/ws"] {
        let reply = bad.get(path);
        reply.refused(401, "authentication_required");
        assert!(is_cleared(&reply), "{path}");
    }
}

fn acc_020_the_cookie_of_a_revoked_session_is_left_alone(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    person.client.rpc("account_session_revoke_all", &Value::Null).result();
    let reply = person.client.get("/api/account/verify");
    reply.refused(401, "authentication_required");
    assert_eq!(reply.header("set-cookie"), "");
}

fn acc_021_an_old_key_still_verifies_and_the_cookie_comes_back_signed_anew(engine: Engine) {
    let (new, old) = ("new-key-of-thirty-two-characters-or-more", COOKIE_KEY);
    let house = Installation::with(engine, &[("COOKIE_KEYS", &format!("{new}__{old}"))]);
    let person = house.person("ann");
    let by_old = signed(old, &format!("{}:{}", identity(&person), in_hours(200)));
    let reply = house.server.anonymous().header("cookie", &by_old).get("/api/account/verify");
    assert_eq!(reply.status, 200);
    let fresh = cookie_of(&reply);
    let text = fresh.split_once('=').unwrap().1.rsplit_once('.').unwrap().0.to_owned();
    assert_eq!(fresh, signed(new, &text));
    // The operator takes the old key away.
    house.server.terminate();
    let setup = Setup::new(engine).with_accounts().set("COOKIE_KEYS", new);
    let server = setup.over(house.server.store.clone(), &house.server.data).start();
    let by = |cookie: &str| server.anonymous().header("cookie", cookie).get("/api/account/verify");
    assert_eq!(by(&fresh).status, 200);
    let reply = by(&by_old);
    reply.refused(401, "authentication_required");
    assert!(is_cleared(&reply), "{reply}");
}

fn acc_022_a_cookie_near_its_end_is_renewed_and_its_session_too(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "23h")]);
    let person = house.person("ann");
    let reply = person.client.get("/api/account/verify");
    assert_eq!(reply.status, 200);
    assert!(reply.header("set-cookie").contains("Max-Age=82800"), "{reply}");
    assert!(ends_in(&reply, 23), "{}", reply.header("set-cookie"));
    let far = signed(COOKIE_KEY, &format!("{}:{}", identity(&person), in_hours(25)));
    let reply = house.server.anonymous().header("cookie", &far).get("/api/account/verify");
    assert_eq!((reply.status, reply.header("set-cookie")), (200, ""));

    let house = Installation::shared(engine);
    let person = house.person("ann");
    let near = signed(COOKIE_KEY, &format!("{}:{}", identity(&person), in_hours(23)));
    let reply = house.server.anonymous().header("cookie", &near).get("/api/account/verify");
    assert!(reply.header("set-cookie").contains("Max-Age=2592000"), "{reply}");
    assert!(ends_in(&reply, 720), "{}", reply.header("set-cookie"));

    let house = Installation::with(engine, &[("ACCOUNTS_REFRESH_THRESHOLD", "0")]);
    let person = house.person("ann");
    let near = signed(COOKIE_KEY, &format!("{}:{}", identity(&person), in_hours(1)));
    let reply = house.server.anonymous().header("cookie", &near).get("/api/account/verify");
    assert_eq!((reply.status, reply.header("set-cookie")), (200, ""));
}

/// The head of an answer whose body may have no end.
fn head_of(server: &Server, path: &str, headers: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n");
    stream.write_all(&[request.as_bytes(), headers, b"\r\n"].concat()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.by_ref().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn acc_022_the_stream_and_the_socket_renew_a_cookie_too(engine: Engine) {
    let house = Installation::shared(engine);
    let identity = identity(&house.keeper);
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (path, status, more) in [("/api/audit/stream", "200", ""), ("/api/ws", "101", upgrade)] {
        for (hours, is_renewed) in [(23, true), (25, false)] {
            let cookie = signed(COOKIE_KEY, &format!("{identity}:{}", in_hours(hours)));
            let head = head_of(&house.server, path, format!("cookie: {cookie}\r\n{more}").as_bytes());
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {head}");
            assert_eq!(head.contains("Max-Age=2592000"), is_renewed, "{path}: {head}");
        }
    }
}

fn acc_022_the_session_on_the_server_lasts_longer_with_its_cookie(engine: Engine) {
    let session =
        |person: &Person| person.client.rpc("account_session_list", &Value::Null).result()["sessions"][0].clone();
    let at =
        |session: &Value, key: &str| session[key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "23h")]);
    let used = session(&house.person("ann"));
    let life = at(&used, "expires_at") - at(&used, "created_at");
    assert!(life > chrono::Duration::hours(23), "the first use moves it: {used}");

    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "100s")]);
    let person = house.person("ann");
    let end = |person: &Person| {
        let listed = person.client.rpc("account_session_list", &Value::Null).result();
        crate::harness::text(&listed["sessions"][0]["expires_at"])
    };
    let first = end(&person);
    crate::harness::eventually("the end moves", || (end(&person) > first).then_some(()));

    // With more than a day left, and where nothing is ever near, it stays where it was.
    for settings in [
        [("ACCOUNTS_SESSION_MAX_AGE", "25h"), ("ACCOUNTS_REFRESH_THRESHOLD", "24h")],
        [("ACCOUNTS_SESSION_MAX_AGE", "1h"), ("ACCOUNTS_REFRESH_THRESHOLD", "0")],
    ] {
        let house = Installation::with(engine, &settings);
        let person = house.person("ann");
        let first = end(&person);
        for _ in 0..3 {
            let reply = person.client.get("/api/account/verify");
            assert_eq!((reply.status, reply.header("set-cookie")), (200, ""), "{settings:?}");
            assert_eq!(end(&person), first, "{settings:?}");
        }
        assert_eq!(house.server.store.count("account.session_extended"), 0, "{settings:?}");
    }
}

/// Every end is near here, for a session lasts no longer than the threshold.
fn acc_022_acc_027_a_session_that_is_short_is_not_extended_at_every_request(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "8h")]);
    let cookie = cookie_of(&house.login("keeper", PASSWORD));
    let (store, begun) = (&house.server.store, chrono::Utc::now());
    let before = store.count("account.session_extended");
    in_parallel(4, |_| {
        for _ in 0..25 {
            let reply = house.server.anonymous().header("cookie", &cookie).get("/api/account/verify");
            assert_eq!(reply.status, 200);
        }
    });
    let extended = store.count("account.session_extended") - before;
    let minutes = usize::try_from((chrono::Utc::now() - begun).num_minutes()).unwrap();
    assert!((1..=1 + minutes).contains(&extended), "{extended} times in {minutes} whole minutes");
}

fn acc_019_a_cookie_of_another_program_that_is_no_text_hides_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let ours = house.keeper.cookie.as_bytes();
    for cookies in [[b"legacy=caf\xe9; ", ours].concat(), [ours, b"; legacy=caf\xe9"].concat()] {
        let head = head_of(&house.server, "/api/account/verify", &[b"cookie: ", &cookies[..], b"\r\n"].concat());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
}

/// It is closed by the sweep, which has not come by.
fn acc_023_a_session_past_its_end_is_not_revoked_again(engine: Engine) {
    let settings =
        [("ACCOUNTS_SESSION_MAX_AGE", "6s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0"), ("CLEANUP_INTERVAL", "1h")];
    let house = Installation::with(engine, &settings);
    let log_in = || {
        let raw = cookie_of(&house.login("keeper", PASSWORD))
            .split_once('=')
            .unwrap()
            .1
            .split(':')
            .next()
            .unwrap()
            .to_owned();
        house.server.anonymous().header("cookie", &signed(COOKIE_KEY, &format!("{raw}:{}", in_hours(100))))
    };
    // A later sign-in would forget the one that has run out, so it comes before.
    let revoked = crate::harness::eventually("the later session outlives the earlier one", || {
        let first = log_in();
        let listed = first.rpc("account_session_list", &Value::Null).0.json();
        crate::harness::pause(Duration::from_secs(3));
        let second = log_in();
        crate::harness::eventually("it runs out", || (first.get("/api/account/verify").status == 401).then_some(()));
        let id = &listed["result"]["sessions"][0]["id"];
        let reply = second.rpc("account_session_revoke", &json!({ "session_id": id })).0;
        (reply.status == 200).then(|| reply.json()["result"].clone())
    });
    assert_eq!(revoked, json!({ "ok": true, "revoked": false }));
    assert_eq!(house.server.store.count("account.session_closed"), 0);
}

fn acc_023_a_session_past_its_end_is_unknown(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_SESSION_MAX_AGE", "2s"), ("ACCOUNTS_REFRESH_THRESHOLD", "0")]);
    let (client, verified) = within(Duration::from_secs(2), || {
        let reply = house.login("keeper", PASSWORD);
        reply.expect(200);
        let raw = cookie_of(&reply).split_once('=').unwrap().1.split(':').next().unwrap().to_owned();
        let lasting = signed(COOKIE_KEY, &format!("{raw}:{}", in_hours(100)));
        let client = house.server.anonymous().header("cookie", &lasting);
        let verified = client.get("/api/account/verify").status;
        (client, verified)
    });
    assert_eq!(verified, 200);
    crate::harness::eventually("the session runs out", || {
        (client.get("/api/account/verify").status == 401).then_some(())
    });
    client.rpc("account_verify", &Value::Null).refused(401, -32_001, "");
    client.post("/api/account/logout", &json!({})).refused(401, "authentication_required");
}

fn acc_024_verify_says_by_its_status_whether_a_credential_holds(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let (by_token, _) = house.token_of(&person);
    for client in [&person.client, &by_token] {
        let reply = client.get("/api/account/verify");
        assert_eq!((reply.status, reply.body.len()), (200, 0));
    }
    house.server.anonymous().get("/api/account/verify").refused(401, "authentication_required");
}

fn acc_025_status_shows_the_account_and_nothing_secret(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    house.grant(&person, "teacher");
    let status = person.client.get("/api/account/status").expect(200);
    let keys: Vec<&String> = status["account"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["created_at", "email", "email_verified", "id", "username"]);
    assert_eq!(status["actor"], json!({ "id": person.actor, "name": person.username }));
    assert_eq!(status["role_grants"][0]["role"], "teacher");
    assert_eq!(status["role_grants"][0]["granted_by"], json!(house.keeper.actor));
    let anonymous = house.server.anonymous().get("/api/account/status").refused(401, "authentication_required");
    assert!(anonymous.get("bootstrap_available").is_none());
}

fn acc_026_status_of_several_personas_names_the_one_that_acts(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, other) = (house.person("ann"), house.person("ben"));
    let second = person.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    for query in [String::new(), format!("?acting={}", other.actor), "?acting=x&more=1".to_owned()] {
        let status = person.client.get(&format!("/api/account/status{query}")).expect(200);
        assert_eq!((&status["actor"], &status["role_grants"]), (&Value::Null, &json!([])), "{query}");
    }
    let acting = second["actor"]["id"].as_str().unwrap();
    for (persona, role) in [(person.actor.as_str(), "teacher"), (acting, "student")] {
        let offer = house.offer(&house.keeper, &person, role, &json!({}));
        let accept = json!({ "offer_id": offer["id"], "acting": persona });
        person.client.rpc("role_grant_offer_accept", &accept).result();
    }
    for (persona, name, role) in
        [(person.actor.as_str(), person.username.as_str(), "teacher"), (acting, "Second", "student")]
    {
        for spelling in [persona.to_owned(), persona.to_uppercase()] {
            let status = person.client.get(&format!("/api/account/status?acting={spelling}")).expect(200);
            assert_eq!(status["actor"], json!({ "id": persona, "name": name }), "{spelling}");
            let held: Vec<&Value> = status["role_grants"].as_array().unwrap().iter().map(|it| &it["role"]).collect();
            assert_eq!(held, [role], "its own and not its sibling's");
        }
    }
}

/// Notes every write of a last use behind the server's back, whichever node makes it.
fn note_writes(store: &Store) {
    store.execute_on_read_models("CREATE TABLE noted (credential_id TEXT)");
    let insert = "INSERT INTO noted VALUES (NEW.credential_id)";
    match store {
        Store::Sqlite { .. } => {
            for event in ["INSERT", "UPDATE"] {
                let name = event.to_lowercase();
                store.execute_on_read_models(&format!(
                    "CREATE TRIGGER note_{name} AFTER {event} ON last_used_v1 BEGIN {insert}; END"
                ));
            }
        }
        Store::Postgres { .. } => store.execute_on_read_models(&format!(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {insert}; RETURN NEW; END $$; \
             CREATE TRIGGER note AFTER INSERT OR UPDATE ON last_used_v1 FOR EACH ROW EXECUTE FUNCTION note()"
        )),
    }
}

fn acc_027_use_writes_a_handful_of_records_and_moves_last_seen(engine: Engine) {
    const REQUESTS: usize = 1_000;
    let house = Installation::with(engine, &[]);
    let (person, store) = (house.named("ann-a"), &house.server.store);
    let session = || person.client.rpc("account_session_list", &Value::Null).result()["sessions"][0].clone();
    let id = crate::harness::text(&session()["id"]);
    // An hour goes by, and the server no longer remembers when it wrote last.
    house.server.terminate();
    store.execute_on_read_models("UPDATE last_used_v1 SET used_at = used_at - 3600000000");
    note_writes(store);
    house.server.restart();
    let listed = store.texts_of_read_models("SELECT CAST(used_at AS TEXT) FROM last_used_v1");
    assert_eq!(listed.len(), 2, "one of each session: {listed:?}");
    let (before, events) = (chrono::Utc::now(), store.count("%"));
    let threads = 4;
    in_parallel(threads, |_| {
        for _ in 0..REQUESTS / threads {
            assert_eq!(person.client.get("/api/account/verify").status, 200);
        }
    });
    assert_eq!(store.count("%"), events, "use is no event");
    let written = store.texts_of_read_models(&format!("SELECT credential_id FROM noted WHERE credential_id = '{id}'"));
    let minutes = usize::try_from((chrono::Utc::now() - before).num_minutes()).unwrap();
    assert!((1..=1 + minutes).contains(&written.len()), "{} writes in {minutes} whole minutes", written.len());
    let seen: chrono::DateTime<chrono::Utc> = session()["last_seen_at"].as_str().unwrap().parse().unwrap();
    // The wire cuts to milliseconds.
    assert!(seen + chrono::Duration::milliseconds(1) > before, "{seen} is before the first of the requests, {before}");
}

both_engines![
    acc_018_logging_out_ends_this_session_and_no_other,
    acc_019_cookies_that_are_not_ours_or_have_ended_are_taken_away,
    acc_019_the_stream_and_the_socket_take_a_bad_cookie_away_too,
    acc_020_the_cookie_of_a_revoked_session_is_left_alone,
    acc_021_an_old_key_still_verifies_and_the_cookie_comes_back_signed_anew,
    acc_022_a_cookie_near_its_end_is_renewed_and_its_session_too,
    acc_022_the_stream_and_the_socket_renew_a_cookie_too,
    acc_022_the_session_on_the_server_lasts_longer_with_its_cookie,
    acc_022_acc_027_a_session_that_is_short_is_not_extended_at_every_request,
    acc_019_a_cookie_of_another_program_that_is_no_text_hides_nothing,
    acc_023_a_session_past_its_end_is_not_revoked_again,
    acc_023_a_session_past_its_end_is_unknown,
    acc_024_verify_says_by_its_status_whether_a_credential_holds,
    acc_025_status_shows_the_account_and_nothing_secret,
    acc_026_status_of_several_personas_names_the_one_that_acts,
    acc_027_use_writes_a_handful_of_records_and_moves_last_seen,
];
