//! `role why` and the keeper's commands through the built program: proofs, the last holder, lost passwords, the sweep.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Engine, Installation, PASSWORD, Person, Program, cookie_of, eventually, holds_for, milliseconds_until, text,
};

fn operator(installation: &Installation) -> Program {
    Program::operator_of(&installation.server)
}

/// What `role why` says, when it ends with this code.
#[track_caller]
fn why(operator: &Program, arguments: &[&str], code: i32) -> Value {
    let all = [&["role", "why"], arguments, &["--json"]].concat();
    serde_json::from_str(operator.run(&all).ended(code)).unwrap()
}

fn types(verdict: &Value) -> Vec<&str> {
    verdict["proof"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn head(operator: &Program) -> String {
    operator.run(&["audit", "verify", "--json"]).json()["position"].as_str().unwrap().to_owned()
}

fn is_admin(person: &Person) -> bool {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "admin_account_list" });
    person.client.post("/api/rpc", &body).status == 200
}

fn why_leads_from_the_bootstrap_over_the_offer_to_the_grant(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let operator = operator(&installation);
    let ana = installation.person("ana");
    let before = head(&operator);
    let grant = installation.grant(&ana, "admin");
    let verdict = why(&operator, &[&ana.username, "admin"], 0);
    assert_eq!(verdict["holds"], true);
    assert_eq!((&verdict["role_grant_id"], &verdict["actor_id"]), (&json!(grant), &json!(ana.actor)));
    let chain = [
        "roster.founded",
        "account.registered",
        "grant.created",
        "invite.created",
        "account.registered",
        "offer.made",
        "offer.accepted",
        "grant.created",
    ];
    assert_eq!(types(&verdict), chain);
    let sentence = verdict["sentence"].as_str().unwrap();
    assert!(sentence.contains("keeper offered it at position"), "{sentence}");
    let first_line = operator.run(&["role", "why", &ana.username, "admin"]);
    assert!(first_line.ok().starts_with(sentence), "{}", first_line.stdout);
    let limit = "`muniment audit verify` alone says";
    assert!(first_line.stdout.contains(limit), "{}", first_line.stdout);

    let earlier = why(&operator, &[&ana.username, "admin", "--at", &before], 7);
    assert_eq!(earlier["holds"], false);
    let denied = why(&operator, &[&ana.username, "admin", "--at", &before, "--not"], 0);
    assert!(denied["sentence"].as_str().unwrap().contains("never offered or given"), "{denied}");
    why(&operator, &[&ana.username, "admin", "--not"], 7);
    let bootstrapped = why(&operator, &["keeper", "keeper"], 0);
    assert_eq!(types(&bootstrapped), ["roster.founded", "account.registered", "grant.created"]);
    operator.run(&["role", "why", "nobody-at-all", "admin"]).ended(3);
    operator.run(&["role", "why", "nobody-at-all", "admin", "--not"]).ended(3);

    let stream = format!("offer/{}", ana.id);
    let diff = operator.run(&["audit", "diff", &stream, "--from", &before, "--json"]).json();
    assert!(!diff["changes"].as_array().unwrap().is_empty(), "{diff}");
    let backwards = operator.run(&["audit", "diff", &stream, "--from", &head(&operator), "--at", &before]);
    assert!(backwards.ended(2).is_empty() && backwards.stderr.contains("--from"), "{}", backwards.stderr);
    for stream in [stream.as_str(), "roster/main"] {
        operator.run(&["audit", "state", stream, "--json"]).json();
    }
}

fn what_a_request_recorded_is_found_by_its_id(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let operator = operator(&installation);
    let ana = installation.person("ana");
    let params = json!({ "to_account_id": ana.id, "role": "admin" });
    let offered = installation.keeper.client.rpc("role_grant_offer_create", &params);
    let request = offered.0.header("x-request-id").to_owned();
    let traced = operator.run(&["audit", "trace", "--correlation", &request, "--json"]).json();
    let found = (&traced["correlation_id"], &traced["events"][0]["type"], &traced["events"][1]);
    assert_eq!(found, (&json!(request), &json!("offer.made"), &Value::Null), "{traced}");
    let listed = operator.run(&["audit", "accounts", "--account", &ana.username, "--json"]).json();
    assert_eq!(listed["events"][0]["correlation_id"], json!(request), "{listed}");
    // It has no row there, which must not look as if it had recorded nothing.
    let log = operator.run(&["audit", "log", "--correlation", &request, "--output", "ndjson"]);
    assert!(log.ok().is_empty(), "{}", log.stdout);
    assert!(log.stderr.contains(&format!("audit trace --correlation {request}")), "{}", log.stderr);
    operator.run(&["audit", "trace", "--correlation", "nobody's"]).ended(3);
    operator.run(&["audit", "trace"]).ended(2);
    operator.run(&["audit", "trace", "1", "--correlation", &request]).ended(2);
}

fn the_log_of_an_account_is_asked_for_by_name(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let (operator, keeper) = (operator(&installation), &installation.keeper);
    let company = installation.server.company();
    let path = format!("/v1/review/applications/{}/status", company.application);
    keeper.client.post(&path, &json!({ "status": "in_review" })).expect(200);
    let by = |account: &str| {
        let log = operator.run(&["audit", "log", "--account", account, "--output", "ndjson"]);
        log.ok().to_owned()
    };
    let done = by(&keeper.id);
    assert!(done.contains(&company.application), "{done}");
    assert_eq!(by("keeper"), done);
    operator.run(&["audit", "log", "--account", "nobody-at-all"]).ended(3);
}

fn why_not_says_what_happened_to_the_offer_and_to_the_grant(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let operator = operator(&installation);
    let ana = installation.person("ana");
    let not = |ending: &str| {
        let verdict = why(&operator, &[&ana.username, "admin", "--not"], 0);
        let sentence = verdict["sentence"].as_str().unwrap().to_owned();
        assert!(sentence.contains(ending), "{sentence} says nothing of {ending}");
        verdict
    };
    not("never offered or given");
    let offer = installation.offer(&installation.keeper, &ana, "admin", &json!({}));
    not("keeper offered it at position");
    ana.client.rpc("role_grant_offer_decline", &json!({ "offer_id": offer["id"] })).result();
    assert_eq!(types(&not("it was declined at position")), ["offer.made", "offer.declined"]);
    let grant = installation.grant(&ana, "admin");
    let held = head(&operator);
    let revoke = json!({ "actor_id": ana.actor, "role_grant_id": grant });
    installation.keeper.client.rpc("role_grant_revoke", &revoke).result();
    assert_eq!(types(&not("until keeper revoked it at position")), ["grant.created", "grant.revoked"]);
    why(&operator, &[&ana.username, "admin", "--at", &held], 0);
    let listed = operator.run(&["audit", "accounts", "--account", &ana.username, "--json"]).json();
    let newest = &listed["events"][0];
    let said = (&newest["event_type"], &newest["username"], &newest["target_username"]);
    assert_eq!(said, (&json!("role_grant_revoke"), &json!("keeper"), &json!(ana.username)));
    let class = "class:3f2b6a34-7a0e-4a57-9d0c-0a2f0b6f7d11";
    let known = why(&operator, &[&ana.username, "student", "--scope", class, "--not"], 0);
    assert_eq!(known["registered"], true);
    let mistyped = why(&operator, &[&ana.username, "studnet", "--not"], 0);
    assert_eq!((&mistyped["holds"], &mistyped["registered"]), (&json!(false), &json!(false)));
    let said = operator.run(&["role", "why", &ana.username, "studnet"]);
    assert!(said.ended(7).lines().nth(1).unwrap().contains("`roles` names no role studnet"), "{}", said.stdout);
    assert!(said.stdout.contains("admin") && said.stdout.contains("student"), "{}", said.stdout);
    operator.run(&["role", "why", &ana.username, "student", "--scope", "class"]).ended(2);
}

fn acc_last_holder_no_command_takes_the_last_admin_or_keeper(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let (operator, ana) = (operator(&installation), installation.person("ana"));
    installation.server.terminate();
    for role in ["admin", "keeper"] {
        let refused = operator.run(&["role", "revoke", "keeper", role]);
        refused.ended(5);
        assert!(refused.stderr.contains("last_holder"), "{}", refused.stderr);
    }
    // Who holds it for a while only is no holder to count on.
    operator.run(&["role", "grant", &ana.username, "admin", "--expires", "2999-01-01"]).ok();
    operator.run(&["role", "revoke", "keeper", "admin"]).ended(5);
    operator.run(&["role", "revoke", &ana.username, "admin"]).ok();
    operator.run(&["role", "grant", &ana.username, "admin"]).ok();
    let again = operator.run(&["role", "grant", &ana.username, "admin", "--json"]).json();
    assert_eq!(again["created"], false);
    let revoked = operator.run(&["role", "revoke", "keeper", "admin", "--reason", "handed over", "--json"]).json();
    assert_eq!(revoked["revoked_role_grant_ids"].as_array().unwrap().len(), 1);
    let again = operator.run(&["role", "revoke", "keeper", "admin", "--json"]).json();
    assert_eq!((&again["revoked_role_grant_ids"], &again["position"]), (&json!([]), &Value::Null));
    operator.run(&["role", "revoke", &ana.username, "admin"]).ended(5);
    operator.run(&["role", "grant", "nobody-at-all", "admin"]).ended(3);
    operator.run(&["role", "grant", &ana.username, "not_a_role"]).ended(3);
    let verdict = why(&operator, &[&ana.username, "admin"], 0);
    assert!(verdict["sentence"].as_str().unwrap().contains("on the server's command line"), "{verdict}");
    installation.server.restart();
    assert!(is_admin(&ana) && !is_admin(&installation.keeper));
    let row = ana.client.rpc("audit_log_list", &json!({ "event_type": "role_grant_revoke" })).result();
    let of_keeper = |event: &&Value| event["target_account_id"] == json!(installation.keeper.id);
    assert_eq!(row["events"].as_array().unwrap().iter().filter(of_keeper).count(), 1);
}

fn a_role_that_is_held_for_a_while_is_given_for_as_long_as_asked(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let (operator, ana) = (operator(&installation), installation.person("ana"));
    installation.server.terminate();
    let give =
        |more: &[&str]| operator.run(&[&["role", "grant", &ana.username, "admin", "--json"], more].concat()).json();
    let first = give(&["--expires", "2998-01-01"]);
    assert_eq!((&first["created"], &first["expires_at"]), (&json!(true), &json!("2998-01-01T00:00:00.000Z")));
    let again = give(&["--expires", "2997-01-01"]);
    assert_eq!(again["created"], false);
    assert_eq!((&again["role_grant_id"], &again["expires_at"]), (&first["role_grant_id"], &first["expires_at"]));
    let longer = give(&["--expires", "2999-01-01"]);
    assert_eq!((&longer["created"], &longer["expires_at"]), (&json!(true), &json!("2999-01-01T00:00:00.000Z")));
    let for_good = give(&[]);
    assert_eq!((&for_good["created"], &for_good["expires_at"]), (&json!(true), &Value::Null));
    assert_eq!(give(&["--expires", "2999-01-01"])["role_grant_id"], for_good["role_grant_id"]);
    // Now somebody else holds it for good.
    operator.run(&["role", "revoke", "keeper", "admin"]).ok();
    assert_eq!(why(&operator, &[&ana.username, "admin"], 0)["role_grant_id"], for_good["role_grant_id"]);
    installation.server.restart();
    let status = ana.client.get("/api/account/status").expect(200);
    let held: Vec<_> = status["role_grants"].as_array().unwrap().iter().map(|it| (&it["id"], &it["role"])).collect();
    assert_eq!(held, [(&for_good["role_grant_id"], &json!("admin"))]);
    let rows = |kind: &str| {
        let listed = ana.client.rpc("audit_log_list", &json!({ "event_type": kind })).result();
        let of_ana = |row: &&Value| row["target_account_id"] == json!(ana.id);
        listed["events"].as_array().unwrap().iter().filter(of_ana).count()
    };
    assert_eq!((rows("role_grant_create"), rows("role_grant_revoke")), (3, 2));
}

fn acc_a_password_set_from_the_files_lets_in_and_ends_what_was_open(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let (operator, keeper) = (operator(&installation), &installation.keeper);
    let (token, _) = installation.token_of(keeper);
    installation.server.terminate();
    operator.run_with_input(&["account", "set-password", "keeper", "--password-stdin"], "too short\n").ended(2);
    operator.run(&["account", "set-password", "keeper"]).ended(2);
    let set = ["account", "set-password", "keeper", "--password-stdin"];
    operator.run_with_input(&set, "an altogether new password\n").ok();
    let create = ["account", "create", "Second-Keeper", "--password-stdin", "--email", "second@example.com"];
    let made = operator.run_with_input(&[&create[..], &["--json"]].concat(), PASSWORD).json();
    assert_eq!(made["username"], "second-keeper");
    operator.run_with_input(&create, PASSWORD).ended(5);
    operator.run(&["role", "grant", "second@example.com", "admin"]).ok();
    let shown = operator.run(&["account", "show", "second-keeper", "--json"]).json();
    assert_eq!((&shown["email"], &shown["roles"][0]["role"]), (&json!("second@example.com"), &json!("admin")));
    let listed = operator.run(&["account", "list", "--json"]).json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 2);
    installation.server.restart();
    keeper.client.get("/api/account/status").expect(401);
    token.get("/api/account/status").expect(401);
    installation.login("keeper", PASSWORD).expect(401);
    let back = installation.login("keeper", "an altogether new password");
    back.expect(200);
    let rows = installation.person_of("keeper", &cookie_of(&back)).client;
    let rows = rows.rpc("audit_log_list", &json!({ "event_type": "password_change" })).result();
    let set = json!({ "sessions_revoked": 1, "tokens_revoked": 1, "credential_type": "daemon_token" });
    assert_eq!(rows["events"][0]["metadata"], set, "{rows}");
    installation.login("second-keeper", PASSWORD).expect(200);
    operator.run(&["audit", "verify"]).ok();
}

fn acc_220_acc_221_what_ran_out_is_swept_once(engine: Engine) {
    let installation = Installation::with(engine, &[("OFFERS_TTL", "1s"), ("CLEANUP_INTERVAL", "1h")]);
    let (operator, ana) = (operator(&installation), installation.person("ana"));
    installation.offer(&installation.keeper, &ana, "admin", &json!({}));
    let listed = || ana.client.rpc("role_grant_offer_list", &Value::Null).result();
    eventually("the offer lapses", || (listed()["offers"] == json!([])).then_some(()));
    installation.server.terminate();
    let swept = operator.run(&["cleanup", "--json"]).json();
    assert_eq!(swept, json!({ "expired_sessions": 0, "expired_offers": 1 }));
    let again = operator.run(&["cleanup", "--json"]).json();
    assert_eq!(again, json!({ "expired_sessions": 0, "expired_offers": 0 }));
    installation.server.restart();
    let expired = installation.row("role_grant_offer_expire", &ana.id);
    let told = operator.run(&["audit", "accounts", "--event-type", "role_grant_offer_expire", "--json"]).json();
    for row in [&expired, &told["events"][0]] {
        assert!(row["account_id"].is_null(), "nobody did it: {row}");
        assert_eq!((&row["username"], &row["target_username"]), (&json!("keeper"), &json!(ana.username)), "{row}");
    }
    let not = why(&operator, &[&ana.username, "admin", "--not"], 0);
    assert!(not["sentence"].as_str().unwrap().contains("nobody accepted before it lapsed at"), "{not}");
}

fn acc_221_the_server_sweeps_sessions_and_offers_by_itself(engine: Engine) {
    let settings = [
        ("OFFERS_TTL", "1s"),
        ("CLEANUP_INTERVAL", "1s"),
        ("ACCOUNTS_SESSION_MAX_AGE", "20s"),
        ("ACCOUNTS_REFRESH_THRESHOLD", "0"),
    ];
    let installation = Installation::with(engine, &settings);
    let (operator, ana) = (operator(&installation), installation.person("ana"));
    installation.offer(&installation.keeper, &ana, "admin", &json!({}));
    let stream = format!("account/{}", ana.id);
    eventually("the sweep closes the session", || {
        let state = operator.run(&["audit", "state", &stream, "--json"]).json();
        (state["state"]["sessions"] == json!([])).then_some(())
    });
    let offers = operator.run(&["audit", "state", &format!("offer/{}", ana.id), "--json"]).json();
    let offer = offers["state"]["offers"].as_object().unwrap().values().next().unwrap().clone();
    assert_eq!(offer["lapse_noted"], offer["expires_at"]);
    installation.server.terminate();
    let again = operator.run(&["cleanup", "--json"]).json();
    assert_eq!(again["expired_offers"], 0);
}

fn an_erased_account_holds_and_offers_nothing_and_the_last_admin_is_not_erased(engine: Engine) {
    let installation = Installation::with(engine, &[]);
    let (operator, keeper) = (operator(&installation), &installation.keeper);
    let (ana, bob) = (installation.admin("ana"), installation.person("bob"));
    let to_bob = installation.offer(&ana, &bob, "admin", &json!({}));
    installation.offer(keeper, &ana, "student", &json!({}));
    let held = head(&operator);
    installation.server.terminate();
    let last = operator.run(&["erase", "keeper", "--yes"]);
    assert!(last.ended(5).is_empty() && last.stderr.contains("last_holder"), "{}", last.stderr);
    operator.run(&["erase", &ana.id, "--yes"]).ok();
    operator.run(&["role", "revoke", "keeper", "admin"]).ended(5);
    why(&operator, &[&ana.id, "admin", "--at", &held], 0);
    let gone = why(&operator, &[&ana.id, "admin", "--not"], 0);
    assert!(gone["sentence"].as_str().unwrap().contains("was erased at position"), "{gone}");
    installation.server.restart();
    let accept = json!({ "offer_id": to_bob["id"] });
    bob.client.rpc("role_grant_offer_accept", &accept).refused(400, -32_600, "role_grant_offer_terminal");
    let history = keeper.client.rpc("role_grant_offer_history", &Value::Null).result();
    let open = |offer: &&Value| offer["declined_at"].is_null() && offer["accepted_at"].is_null();
    assert_eq!(history["offers"].as_array().unwrap().iter().filter(open).count(), 0, "{history}");
    operator.run(&["projections", "verify", "--all"]).ok();
}

fn role_why_over_the_network_is_ones_own_or_an_administrators(engine: Engine) {
    let installation = Installation::shared(engine);
    let (operator, ana, eve) = (operator(installation), installation.person("ana"), installation.person("eve"));
    let before = head(&operator);
    installation.grant(&ana, "student");
    let own = ana.client.rpc("role_why", &json!({ "role": "student" })).result();
    let said = why(&operator, &[&ana.username, "student"], 0);
    assert_eq!((&own["holds"], &own["sentence"]), (&json!(true), &said["sentence"]));
    let of_ana = |more: Value| {
        let mut params = json!({ "account_id": ana.id, "role": "student" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let keeper = &installation.keeper.client;
    let earlier = keeper.rpc("role_why", &of_ana(json!({ "at": before }))).result();
    assert_eq!(earlier["holds"], false);
    let yesterday = keeper.rpc("role_why", &of_ana(json!({ "at": "2020-01-01" }))).result();
    assert!(yesterday["sentence"].as_str().unwrap().contains("was no account yet"), "{yesterday}");
    let keys: Vec<&String> = own["proof"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["position", "recorded_at", "says", "type"]);
    // The same number as the audit's `seq`.
    let last = own["proof"].as_array().unwrap().last().unwrap();
    assert_eq!(last["position"], installation.row("role_grant_create", &ana.id)["seq"], "{last}");
    eve.client.rpc("role_why", &of_ana(json!({}))).refused(403, -32_002, "insufficient_permissions");
    for bad in ["1000000000", "yesterday"] {
        let issues = keeper.rpc("role_why", &of_ana(json!({ "at": bad }))).issues();
        assert_eq!(issues, [("at".to_owned(), "invalid_value".to_owned())]);
    }
    let nobody = json!({ "account_id": "22222222-2222-4222-8222-222222222222", "role": "student" });
    keeper.rpc("role_why", &nobody).refused(404, -32_003, "account_not_found");
}

fn a_time_as_it_is_shown_names_the_moment_after_its_event(engine: Engine) {
    let installation = Installation::shared(engine);
    let (operator, keeper) = (operator(installation), &installation.keeper.client);
    // One event in a thousand falls on a whole millisecond, where every reading of a time agrees.
    for stem in ["pia", "pam", "pat", "per", "pim"] {
        let person = installation.person(stem);
        let grant = installation.grant(&person, "student");
        let row = |kind: &str| installation.row(kind, &person.id);
        let asked = |at: &str| {
            let asked = json!({ "account_id": person.id, "role": "student", "at": at });
            keeper.rpc("role_why", &asked).result()
        };
        let given = text(&row("role_grant_create")["created_at"]);
        let verdict = asked(&given);
        assert_eq!(verdict["holds"], true, "at {given}, as the row shows it");
        assert!(text(&verdict["sentence"]).contains(&format!(" since {given}: ")), "{verdict}");
        let by_hand = why(&operator, &[&person.username, "student", "--at", &given], 0);
        let stream = format!("offer/{}", person.id);
        let at_given = |arguments: &[&str]| {
            let all = [&["audit"], arguments, &["--at", &given, "--json"]].concat();
            operator.run(&all).json()
        };
        assert_eq!(at_given(&["state", &stream])["state"]["grants"].as_object().unwrap().len(), 1);
        assert_eq!(at_given(&["diff", &stream, "--from", &given])["changes"], json!([]), "one moment");
        let seq = row("role_grant_create")["seq"].as_u64().unwrap();
        let after = (seq - 1).to_string();
        let exported = operator.run(&["audit", "export", "--after", &after, "--until", &given]);
        assert!(exported.ok().lines().next().unwrap().contains("grant.created"), "{}", exported.stdout);

        // Events are shown whole to the microsecond, and a time written so means that very instant.
        let exact = by_hand["proof"].as_array().unwrap().last().unwrap()["recorded_at"].clone();
        let instant: chrono::DateTime<chrono::Utc> = text(&exact).parse().unwrap();
        let before = instant - chrono::TimeDelta::microseconds(1);
        let before = before.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        assert_eq!((&asked(&text(&exact))["holds"], &asked(&before)["holds"]), (&json!(true), &json!(false)));

        let revoke = json!({ "actor_id": person.actor, "role_grant_id": grant });
        keeper.rpc("role_grant_revoke", &revoke).result();
        let taken = text(&row("role_grant_revoke")["created_at"]);
        assert_eq!(asked(&taken)["holds"], false, "at {taken}, as the row shows it");
        why(&operator, &[&person.username, "student", "--at", &taken, "--not"], 0);
    }
}

fn acc_220_a_lapse_has_one_row_an_end_however_many_sweep(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "1s"), ("CLEANUP_INTERVAL", "1s")]);
    let _second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let ben = house.named("ben-b");
    let rows = || house.audit(&json!({ "event_type": "role_grant_offer_expire", "limit": 200 }));
    for count in 1..=2 {
        let offer = house.offer(&house.keeper, &ben, "teacher", &json!({ "to_actor_id": ben.actor }));
        eventually("it is noted", || (rows().len() == count).then_some(()));
        let row = rows().remove(0);
        assert_eq!((&row["actor_id"], &row["account_id"]), (&json!(house.keeper.actor), &Value::Null), "{row}");
        let whom = (&row["target_account_id"], &row["target_actor_id"]);
        assert_eq!(whom, (&json!(ben.id), &json!(ben.actor)), "{row}");
        assert_eq!(row["metadata"], json!({ "offer_id": offer["id"], "role": "teacher", "scope_id": null }));
    }
    holds_for(Duration::from_secs(4), "one row an end, whoever sweeps", || rows().len() == 2);
}

fn acc_220_what_fell_away_does_not_lapse_too(engine: Engine) {
    let installation = Installation::with(engine, &[("OFFERS_TTL", "15s"), ("CLEANUP_INTERVAL", "1h")]);
    let (operator, ben) = (operator(&installation), installation.person("ben"));
    let grant = installation.grant(&ben, "teacher");
    let fallen = installation.offer(&installation.keeper, &ben, "teacher", &json!({}));
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    installation.keeper.client.rpc("role_grant_revoke", &revoke).result();
    assert_eq!(installation.row("role_grant_offer_supersede", &ben.id)["metadata"]["offer_id"], fallen["id"]);
    eventually("its end passes", || (milliseconds_until(&fallen["expires_at"]) < 0).then_some(()));
    installation.server.terminate();
    assert_eq!(operator.run(&["cleanup", "--json"]).json()["expired_offers"], 0);
}

both_engines![
    a_time_as_it_is_shown_names_the_moment_after_its_event,
    acc_220_a_lapse_has_one_row_an_end_however_many_sweep,
    acc_220_what_fell_away_does_not_lapse_too,
    role_why_over_the_network_is_ones_own_or_an_administrators,
    an_erased_account_holds_and_offers_nothing_and_the_last_admin_is_not_erased,
    why_leads_from_the_bootstrap_over_the_offer_to_the_grant,
    why_not_says_what_happened_to_the_offer_and_to_the_grant,
    what_a_request_recorded_is_found_by_its_id,
    the_log_of_an_account_is_asked_for_by_name,
    acc_last_holder_no_command_takes_the_last_admin_or_keeper,
    a_role_that_is_held_for_a_while_is_given_for_as_long_as_asked,
    acc_a_password_set_from_the_files_lets_in_and_ends_what_was_open,
    acc_220_acc_221_what_ran_out_is_swept_once,
    acc_221_the_server_sweeps_sessions_and_offers_by_itself,
];
