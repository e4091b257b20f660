//! A founder is erased: no byte of their personal data is left, and the record still verifies and rebuilds.

use std::io::{BufReader, Read as _, Write as _};

use muniment_testkit::Cluster;
use serde_json::{Value, json};

use crate::harness::{
    Engine, Founder, Installation, PASSWORD, Person, Program, Server, Setup, Store, contains, cookie_of, eventually,
    folder_bytes, unique,
};

fn an_erased_founder_is_found_nowhere_and_the_record_verifies(engine: Engine) {
    // One whose files can be searched: what is deleted stands in them for a while.
    let cluster = (engine == Engine::Postgres).then(Cluster::start);
    let setup = cluster.iter().fold(Setup::new(engine), Setup::on_cluster);
    let server = setup.start();
    let mark = unique("zacharias");
    let (email, name) = (format!("{mark}@example.com"), format!("Zacharias {mark} Quill"));
    let founder = server.sign_in(&email);
    let told = json!({ "team": [{ "who": name, "story": format!("{mark} left the navy") }] });
    // What is not the founder's stays, and is found where the founder is looked for.
    let known = unique("Quill Works");
    let told_all = json!({ "company_name": known, "founder_name": name, "narrative": told });
    let company = server.apply(&founder.client, &email, &told_all);
    let own = format!("/v1/applications/{}", company.application);
    let shown = founder.client.get(&own).expect(200);
    assert_eq!(shown["application"]["narrative"], told, "before: what was told is shown");
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    let shown = founder.client.get("/v1/auth/session").expect(200);
    assert_eq!(shown["email"], json!(email), "before: the founder is known");
    let account = shown["account_id"].as_str().unwrap().to_owned();
    server.terminate();

    let operator = Program::operator_of(&server);
    let backed_up = |name: &str| {
        let path = operator.path(name).display().to_string();
        let made = operator.run(&["backup", &path, "--json"]).json();
        (path, made["keys"].as_u64().unwrap_or_else(|| panic!("{made}")))
    };
    let (_, keys) = backed_up("before.backup");
    operator.run(&["erase", &account, "--yes"]).ok();
    server.restart();
    founder.client.get("/v1/auth/session").refused(401, "invalid_session");
    operator.run(&["account", "show", &email]).ended(3);

    let (backup, keys_left) = backed_up("after.backup");
    assert!(keys_left < keys, "of {keys} keys {keys_left} are in the backup, that of the founder too");
    let exported = operator.run(&["audit", "export"]);
    let log = operator.run(&["audit", "log", "--output", "ndjson"]);
    assert!(exported.ok().contains(&company.application), "the company's record stays");
    let (deleted, files) = cluster.as_ref().map_or_else(Default::default, |cluster| files_of(cluster, &server));
    for (place, holds, bytes) in [
        ("the database's files", deleted, files),
        ("the database", known.as_str(), server.store.bytes()),
        ("the data folder", "", folder_bytes(&server.data)),
        ("a backup", &known, std::fs::read(&backup).unwrap()),
        ("the export", &known, exported.ok().as_bytes().to_vec()),
        ("the audit", &company.application, log.ok().as_bytes().to_vec()),
        ("the server's log", "", server.log().into_bytes()),
    ] {
        assert!(holds.is_empty() || contains(&bytes, holds.as_bytes()), "{place} is not what it is taken for");
        for (what, text) in [("address", email.as_str()), ("name", name.as_str()), ("mark", mark.as_str())] {
            assert!(!contains(&bytes, text.as_bytes()), "{place} holds the {what}");
        }
    }
    operator.run(&["audit", "verify"]).ok();
    operator.run(&["projections", "verify"]).ok();
    server.terminate();
    operator.run(&["projections", "rebuild", "--all"]).ok();
    server.restart();
    // The address is free again: whoever reads the mailbox now is somebody new.
    let again = server.sign_in(&email);
    let fresh = again.client.get("/v1/auth/session").expect(200);
    assert_ne!(fresh["account_id"], json!(account));
    assert_eq!(fresh["companies"], json!([]));
}

/// A word that was deleted from the database, and the files of its server, in which it stands.
fn files_of(cluster: &Cluster, server: &Server) -> (&'static str, Vec<u8>) {
    const DELETED: &str = "a word that was deleted";
    let Store::Postgres { url } = &server.store else { unreachable!("{:?}", server.store) };
    let sql = format!("CREATE TABLE words AS SELECT '{DELETED}'::text AS word; DELETE FROM words");
    drop(Cluster::psql_at(url, &sql));
    drop(Cluster::psql_at(url, "CHECKPOINT"));
    let files = folder_bytes(&cluster.data());
    drop(Cluster::psql_at(url, "DROP TABLE words"));
    (DELETED, files)
}

/// Erases while the server is away where only one process may write.
fn erase(server: &Server, who: &str) {
    let beside = server.engine == Engine::Postgres;
    if !beside {
        server.terminate();
    }
    Program::operator_of(server).run(&["erase", who, "--yes"]).ok();
    if !beside {
        server.restart();
    }
}

fn k11_the_tokens_of_an_erased_founder_end(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric("arr");
    let more = json!({ "name": "second", "scopes": ["application:read", "metrics:write"] });
    let second = founder.client.post("/v1/tokens", &more).expect(201)["token"].as_str().unwrap().to_owned();
    // Who only applied has no account, and is a founder all the same.
    let applicant = server.company();
    let other = server.company();
    for agent in [&company.agent, &server.agent(&second), &applicant.agent] {
        agent.get("/v1/status").expect(200);
    }
    erase(&server, &founder.email);
    erase(&server, &applicant.email);
    for agent in [&company.agent, &server.agent(&second), &applicant.agent] {
        for path in ["/v1/status", "/v1/metrics", "/v1/events?after=start"] {
            agent.get(path).refused(401, "invalid_token");
        }
        agent.post("/v1/metrics/arr/points", &json!({ "value": 1 })).refused(401, "invalid_token");
    }
    other.status();
    let log = Program::operator_of(&server).run(&["audit", "log", "--output", "ndjson"]);
    assert_eq!(log.ok().matches("agent_token.revoked").count(), 3, "each end is on record");
}

fn k11_a_reviewer_is_shown_the_application_of_an_erased_founder_without_its_narrative(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("quill");
    let company = house.server.company_of(&founder);
    let account = founder.client.get("/v1/auth/session").expect(200)["account_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/review/applications/{}", company.application);
    assert!(house.keeper.client.get(&path).expect(200)["narrative"].is_object());
    erase(&house.server, &account);
    let shown = house.keeper.client.get(&path);
    assert!(shown.expect(200)["narrative"].is_null());
    assert_eq!(shown.expect(200)["id"], json!(company.application));
}

fn k11_the_names_of_an_erased_account_leave_the_audit(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (name, persona, token) = (unique("zelda"), unique("Persona"), unique("laptop"));
    let zelda = house.named(&name);
    zelda.client.rpc("actor_create", &json!({ "name": persona })).result();
    zelda.client.rpc("account_token_create", &json!({ "name": token })).result();
    let names = [&name, &persona, &token];
    let told = || json!(house.audit(&json!({ "limit": 200 }))).to_string();
    let before = told();
    assert!(names.iter().all(|name| before.contains(*name)), "before: the audit tells of them");
    let rows = house.rows(&zelda.id);
    erase(&house.server, &zelda.id);
    let after = told();
    for name in names {
        assert!(!after.contains(name), "the audit still says {name}");
        let written = Program::operator_of(&house.server).run(&["audit", "accounts", "--limit", "200", "--json"]);
        assert!(!written.ok().contains(name), "the command still says {name}");
    }
    let lists = "SELECT username FROM accounts_v2_g0 UNION ALL SELECT COALESCE(username, '') FROM invites_v3_g0 \
                 UNION ALL SELECT name FROM api_tokens_v1_g0 UNION ALL SELECT name FROM personas_v1_g0";
    eventually("no list keeps a name", || {
        let kept = house.server.store.texts_of_read_models(lists);
        assert!(kept.contains(&"keeper".to_owned()), "the others are there");
        (!kept.iter().any(|text| names.contains(&text))).then_some(())
    });
    assert!(house.rows(&zelda.id) >= rows, "no row went");
    assert_eq!(house.row("signup", &zelda.id)["metadata"]["username"], json!(null));
    let written = Program::operator_of(&house.server).run(&["audit", "accounts", "--limit", "200", "--json"]).json();
    let of_zelda = |row: &Value| row["account_id"] == json!(zelda.id);
    let mut hers = written["events"].as_array().unwrap().iter().filter(|row| of_zelda(row)).peekable();
    assert!(hers.peek().is_some() && hers.all(|row| row["username"].is_null()), "{written}");
    if let Store::Sqlite { folder } = &house.server.store {
        house.server.terminate();
        // Whoever closes the file last brings the log of its writes into it.
        house.server.store.texts_of_read_models("SELECT name FROM read_checkpoints_v1");
        eventually("it is all in the file", || (!folder.join("read.db-wal").exists()).then_some(()));
        let file = std::fs::read(folder.join("read.db")).unwrap();
        assert!(contains(&file, house.keeper.username.as_bytes()), "the others are there");
        let kept: Vec<_> = names.iter().filter(|name| contains(&file, name.as_bytes())).collect();
        assert!(kept.is_empty(), "{kept:?} are left in the file's free space");
    }
}

/// Whether they used the invitation up when they applied, only signed in, or never came.
fn k11_the_username_of_an_invitation_goes_with_whoever_was_invited(engine: Engine) {
    let house = Installation::with(engine, &[("REQUIRE_INVITE", "true")]);
    let invited = ["applied", "came", "absent", "stays"].map(|stem| {
        let (email, username) = (format!("{}@example.com", unique(stem)), unique(stem));
        let invite = house.invite(&json!({ "email": email, "username": username }));
        (email, username, invite["id"].clone())
    });
    let [(applied, ..), (came, ..), (absent, ..), (_, stays, _)] = &invited;
    house.server.apply(&house.server.sign_in(applied).client, applied, &json!({}));
    house.server.sign_in(came);
    let listed = || house.keeper.client.rpc("invite_list", &json!({})).result();
    let told = || {
        let operator = Program::operator_of(&house.server);
        let written = operator.run(&["audit", "accounts", "--limit", "200", "--json"]).ok().to_owned();
        [listed().to_string(), json!(house.audit(&json!({ "limit": 200 }))).to_string(), written]
    };
    for text in told() {
        assert!(invited.iter().all(|(_, username, _)| text.contains(username)), "before: {text}");
    }
    for email in [applied, came, absent] {
        erase(&house.server, email);
    }
    for text in told() {
        let kept: Vec<_> = invited.iter().filter(|(_, username, _)| text.contains(username)).collect();
        assert!(kept.len() == 1 && kept[0].1 == *stays, "{kept:?} are told in {text}");
    }
    let (listed, rows) = (listed()["invites"].clone(), house.audit(&json!({ "event_type": "invite_create" })));
    for (_, _, id) in &invited {
        assert!(listed.as_array().unwrap().iter().any(|invite| invite["id"] == *id), "no invitation went");
        assert!(rows.iter().any(|row| row["metadata"]["invite_id"] == *id), "no row went");
    }
}

/// No erasure is folded into the tables of a rebuild that was cut off.
fn k11_what_an_interrupted_rebuild_left_goes_with_an_erasure(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let zelda = house.named(&unique("zelda"));
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    let store = &house.server.store;
    // The new tables are filled and cannot take the old ones' place.
    let index = "CREATE UNIQUE INDEX cut_off ON read_checkpoints_v1 (name) WHERE purpose IN ('live', 'retired')";
    store.execute_on_read_models(index);
    let said = operator.run(&["projections", "rebuild", "accounts"]);
    assert!(said.stderr.contains("accounts was not rebuilt"), "{}", said.stderr);
    store.execute_on_read_models("DROP INDEX cut_off");
    let left = || store.texts_of_read_models("SELECT name FROM read_checkpoints_v1 WHERE purpose <> 'live'");
    assert_eq!(left(), ["accounts"], "before: it is left");
    let names = store.texts_of_read_models("SELECT username FROM accounts_v2_g1");
    assert!(names.contains(&zelda.username), "before: it holds her name");

    operator.run(&["erase", &zelda.id, "--yes"]).ok();
    assert!(left().is_empty(), "{:?}", left());
    house.server.restart();
    operator.run(&["projections", "verify"]).ok();
    assert!(left().is_empty(), "{:?}", left());
}

fn k11_the_proof_of_a_role_names_nobody_who_was_erased(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (zelda, ben) = (house.named(&unique("zelda").replace("--", "-")), house.named("ben-b"));
    house.grant(&zelda, "teacher");
    let offer = house.offer(&zelda, &ben, "teacher", &json!({}));
    ben.client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"] })).result();
    let why = |of: &Person| {
        let params = json!({ "account_id": of.id, "role": "teacher" });
        house.keeper.client.rpc("role_why", &params).result()
    };
    for of in [&zelda, &ben] {
        assert!(why(of).to_string().contains(&zelda.username), "before: her name is told");
    }
    erase(&house.server, &zelda.id);
    for (of, holds) in [(&zelda, false), (&ben, true)] {
        let told = why(of);
        assert_eq!(told["holds"], holds, "{told}");
        let told = told.to_string();
        assert!(told.contains("an erased account") && !told.contains(&zelda.username), "{told}");
    }
    let written = Program::operator_of(&house.server).run(&["role", "why", &ben.username, "teacher"]);
    assert!(!written.ok().contains(&zelda.username), "{}", written.stdout);
}

/// Offers roles to these, one after the other and each in a scope of its own, until it is refused; how many were made.
fn offers_until_refused(by: &Person, to: &[Person], many: usize) -> usize {
    let make = |number: usize| {
        let scope = uuid::Uuid::new_v4().to_string();
        let to = &to[number % to.len()].id;
        let offer = json!({ "to_account_id": to, "role": "teacher", "scope_kind": "class", "scope_id": scope });
        by.client.rpc("role_grant_offer_create", &offer).0.status
    };
    (0..many).take_while(|number| make(*number) == 200).count()
}

fn no_offer_outlives_the_account_that_made_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let pupils: Vec<Person> = (0..4).map(|_| house.person("pupil")).collect();
    let rounds = if crate::harness::torture() { 50 } else { 4 };
    let operator = Program::operator_of(&house.server);
    let mut made = 0;
    for _ in 0..rounds {
        let boss = house.admin("boss");
        let erase = || operator.run(&["erase", &boss.id, "--yes"]).ok().len();
        if engine == Engine::Postgres {
            // Beside the running server, which goes on making offers for as long as it may.
            std::thread::scope(|threads| {
                let offering = threads.spawn(|| offers_until_refused(&boss, &pupils, 2_000));
                erase();
                let many = offering.join().unwrap();
                assert!(many < 2_000, "the erased account goes on offering");
                made += many;
            });
        } else {
            made += offers_until_refused(&boss, &pupils, 8);
            house.server.terminate();
            erase();
            house.server.restart();
        }
        for pupil in &pupils {
            let waiting = pupil.client.rpc("role_grant_offer_list", &json!({})).result();
            assert_eq!(waiting["offers"], json!([]), "an offer of {} stands", boss.actor);
        }
    }
    assert!(made > 0);
    if crate::harness::torture() {
        println!("{engine:?}: {made} offers made while {rounds} makers were erased, none stands");
    }
}

/// Applies as a founder until that is refused, a token each time; the tokens.
fn applied_until_refused(founder: &Founder, many: usize) -> Vec<String> {
    let applying = (0..many).map_while(|number| {
        let body = json!({
            "company_name": format!("Company {number}"), "founder_name": "Ana", "founder_email": founder.email,
        });
        let reply = founder.client.post("/v1/applications", &body);
        (reply.status == 201).then(|| reply.json()["token"].as_str().unwrap().to_owned())
    });
    applying.collect()
}

fn no_token_outlives_the_founder_whose_company_it_is(engine: Engine) {
    let server = Server::with(engine, &[]);
    let rounds = if crate::harness::torture() { 50 } else { 4 };
    let mut made = 0;
    for _ in 0..rounds {
        let founder = server.founder("ana");
        let tokens = if engine == Engine::Postgres {
            // Beside the running server, where the founder goes on applying for as long as that is allowed.
            std::thread::scope(|threads| {
                let applying = threads.spawn(|| applied_until_refused(&founder, 20_000));
                erase(&server, &founder.email);
                applying.join().unwrap()
            })
        } else {
            let tokens = applied_until_refused(&founder, 8);
            erase(&server, &founder.email);
            tokens
        };
        founder.client.get("/v1/auth/session").refused(401, "invalid_session");
        assert!(tokens.len() < 20_000, "an erased founder goes on applying");
        for token in &tokens {
            server.agent(token).get("/v1/status").refused(401, "invalid_token");
        }
        made += tokens.len();
    }
    assert!(made > 0);
    if crate::harness::torture() {
        println!("{engine:?}: {made} tokens made while {rounds} founders were erased, none works");
    }
}

/// Runs operator's commands beside the server where that can be, else while it is stopped.
fn operate(house: &Installation, engine: Engine, commands: &[&[&str]]) {
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    let operator = Program::operator_of(&house.server);
    for command in commands {
        operator.run(command).ok();
    }
    if engine == Engine::Sqlite {
        house.server.restart();
    }
}

/// The rows of sign-ups and sign-ins that failed, as an administrator reads them, and as an investigator does.
fn failures(house: &Installation) -> [String; 2] {
    let mut rows = Vec::new();
    for event_type in ["signup", "login"] {
        rows.extend(house.audit(&json!({ "event_type": event_type, "outcome": "failure", "limit": 200 })));
    }
    let operator = Program::operator_of(&house.server);
    let ask = ["audit", "accounts", "--outcome", "failure", "--limit", "200", "--output", "ndjson"];
    let told = operator.run(&ask).ok().to_owned();
    [json!(rows).to_string(), told]
}

fn what_strangers_tried_is_erased_with_the_person_and_by_the_day(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_OTP_SIGNUP", "invited")]);
    let [ana, eve] = ["ana", "eve"].map(|stem| unique(stem).replace("--", "-"));
    let (of_ana, of_eve) = (format!("{ana}@example.com"), format!("{eve}@example.com"));
    let sign_up = |username: &str, email: Option<&str>, status: u16| {
        let mut body = json!({ "username": username, "password": PASSWORD });
        if let Some(email) = email {
            body["email"] = json!(email);
        }
        house.sign_up(&body).expect(status);
    };
    // Too early; with an invitation; and then somebody else by her address, by her name and by both.
    sign_up(&ana, Some(&of_ana), 403);
    house.invite(&json!({ "email": of_ana }));
    sign_up(&ana, Some(&of_ana), 200);
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let stranger = unique("stranger").replace("--", "-");
    sign_up(&stranger, Some(&of_ana.to_uppercase()), 409);
    sign_up(&ana, None, 409);
    sign_up(&ana, Some(&of_eve), 409);
    house.login(&of_eve, "wrong password").refused(401, "invalid_credentials");
    house.login(&stranger, "wrong password").refused(401, "invalid_credentials");
    let day = chrono::Utc::now().format("%Y-%m-%d").to_string();
    for told in failures(&house) {
        for text in [&of_ana, &of_ana.to_uppercase(), &ana, &of_eve, &stranger] {
            assert!(told.contains(text.as_str()), "before: {text} is told in {told}");
        }
    }
    for text in [&of_ana, &of_ana.to_uppercase(), &of_eve, &stranger] {
        assert!(!contains(&house.server.store.bytes(), text.as_bytes()), "the database holds {text} in clear");
    }

    operate(&house, engine, &[&["erase", &of_ana, "--yes"]]);
    for told in failures(&house) {
        assert!(!told.to_lowercase().contains(&ana), "something of the erased is left: {told}");
        assert!(told.contains(&of_eve) && told.contains("127.0.0.1"), "what is somebody else's stays: {told}");
    }
    operate(&house, engine, &[&["erase", &of_eve, "--yes"]]);
    for told in failures(&house) {
        assert!(!told.contains(&of_eve), "{told}");
        assert!(told.contains(&stranger), "whoever is nobody is nobody's: {told}");
    }
    operate(&house, engine, &[&["erase", "--client-day", &day, "--yes"], &["audit", "verify"]]);
    for told in failures(&house) {
        assert!(!told.contains(&stranger), "{told}");
    }
    let rows = house.audit(&json!({ "event_type": "signup", "outcome": "failure", "limit": 200 }));
    assert!(rows.len() == 4 && rows.iter().all(|row| row["ip"].is_null()), "{rows:?}");
    // The day goes on, under a key of its own.
    house.login(&stranger, "wrong password").refused(401, "invalid_credentials");
    assert!(failures(&house).iter().all(|told| told.contains(&stranger)));
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    operator.run(&["erase", "--client-day", "2001-01-01", "--yes"]).ended(3);
    operator.run(&["erase", "--client-day", "yesterday", "--yes"]).ended(2);
    operator.run(&["erase", "--yes"]).ended(2);
    house.server.restart();
}

#[test]
fn whoever_signs_up_while_the_erasure_is_confirmed_is_erased() {
    let house = Installation::with(Engine::Postgres, &[]);
    let name = unique("ana").replace("--", "-");
    let address = format!("{name}@example.com");
    // From here on the address is somebody's, without an account.
    house.invite(&json!({ "email": address }));
    let operator = Program::operator_of(&house.server);
    let mut erasing = operator.start_on_terminal(&["erase", &address]);
    let mut said = BufReader::new(erasing.stdout.take().unwrap());
    let mut heard = String::new();
    while !heard.ends_with("to go on:") {
        let mut byte = [0];
        said.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {heard}"));
        heard.push(char::from(byte[0]));
    }
    let word = heard.split_once("Type ").and_then(|(_, rest)| rest.split_whitespace().next());
    let word = word.unwrap_or_else(|| panic!("it does not ask: {heard}"));
    assert!(word.starts_with("subject_"), "there is no account yet: {heard}");

    let body = json!({ "username": name, "password": PASSWORD, "email": address });
    let signed_up = house.sign_up(&body);
    signed_up.expect(200);
    let ana = house.person_of(&name, &cookie_of(&signed_up));
    erasing.stdin.take().unwrap().write_all(format!("{word}\n").as_bytes()).unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(erasing.wait().unwrap().success(), "{heard}{rest}");
    assert!(rest.contains("1 sessions"), "the session of the sign-up ended: {rest}");

    ana.client.get("/api/account/status").refused(401, "authentication_required");
    house.login(&name, PASSWORD).refused(401, "invalid_credentials");
    let log = operator.run(&["audit", "log", "--output", "ndjson"]);
    assert_eq!(log.ok().matches("account.erased").count(), 1, "{}", log.stdout);
    // The name and the address are free for somebody new.
    house.invite(&json!({ "email": address }));
    let again = house.sign_up(&body);
    again.expect(200);
    assert_ne!(house.person_of(&name, &cookie_of(&again)).id, ana.id);
}

both_engines![
    an_erased_founder_is_found_nowhere_and_the_record_verifies,
    k11_the_tokens_of_an_erased_founder_end,
    k11_a_reviewer_is_shown_the_application_of_an_erased_founder_without_its_narrative,
    k11_the_names_of_an_erased_account_leave_the_audit,
    k11_the_username_of_an_invitation_goes_with_whoever_was_invited,
    k11_what_an_interrupted_rebuild_left_goes_with_an_erasure,
    k11_the_proof_of_a_role_names_nobody_who_was_erased,
    no_offer_outlives_the_account_that_made_it,
    no_token_outlives_the_founder_whose_company_it_is,
    what_strangers_tried_is_erased_with_the_person_and_by_the_day,
];
