//! What a request rests on changes before what it decided is recorded: it is decided again on what there is then, and the
//! answer is true of that.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Engine, Installation, OpenTransaction, PASSWORD, Program, Reply, Server, Store, cookie_of, eventually, in_parallel,
    pause, text, unique,
};
use crate::lost_events::WAITING;

/// Long enough for a request to come as far as the record; where it was not, a test has seen less, and nothing wrong.
const COMES_THIS_FAR: Duration = Duration::from_millis(500);

fn form(email: &str) -> Value {
    json!({ "company_name": "Acme", "founder_name": "Ana Founder", "founder_email": email })
}

/// Waits until so many appends wait for the head of the record.
pub(crate) fn wait_for_waiting(server: &Server, count: usize) {
    eventually("they wait for the head", || (server.store.texts(WAITING).len() >= count).then_some(()));
}

/// Who waits for a lock.
const LOCKED_OUT: &str =
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Erases whoever applied, and asks for something that is recorded right behind the erasure; the address and the answer.
fn behind_the_erasure_of_a_founder(server: &Server, ask: impl Fn(&str) -> Reply + Sync) -> (String, Reply) {
    behind_an_erasure(
        server,
        || {
            let email = server.company().email;
            (email.clone(), email)
        },
        |email| ask(email),
    )
}

/// Erases somebody by the name that is given beside, and asks for something that is recorded right behind the erasure; who
/// it was, and the answer.
pub(crate) fn behind_an_erasure<T: Sync>(
    server: &Server,
    somebody: impl Fn() -> (String, T),
    ask: impl Fn(&T) -> Reply + Sync,
) -> (T, Reply) {
    let operator = Program::operator_of(server);
    let Store::Postgres { url } = &server.store else { panic!("a test of PostgreSQL") };
    // A statement waits for some seconds only; on a busy machine the next attempt comes in time.
    eventually("an erasure that comes in time", || {
        let (name, whom) = somebody();
        // The erasure has the head then, and what is asked comes behind it.
        let held = OpenTransaction::begin(url, "UPDATE subject_keys SET subject = subject");
        let (erased, answer) = std::thread::scope(|threads| {
            let wait_for = |count: usize, given_up: &dyn Fn() -> bool| {
                let waiting = || server.store.texts(LOCKED_OUT).len() >= count || given_up();
                eventually("they wait, or have given up", || waiting().then_some(()));
            };
            let erasing = threads.spawn(|| operator.run(&["erase", &name, "--yes"]));
            wait_for(1, &|| erasing.is_finished());
            let asking = threads.spawn(|| ask(&whom));
            wait_for(2, &|| erasing.is_finished() || asking.is_finished());
            held.end("ROLLBACK");
            (erasing.join().unwrap(), asking.join().unwrap())
        });
        erased.stdout.contains("Erased at position").then_some((whom, answer))
    })
}

/// Sealed under a key that is gone it would be nobody's, and nobody could end its token.
#[test]
fn k11_an_application_recorded_behind_its_founders_erasure_has_a_founder() {
    let server = Server::with(Engine::Postgres, &[]);
    let apply = |email: &str| server.anonymous().post("/v1/applications", &form(email));
    let (email, answer) = behind_the_erasure_of_a_founder(&server, apply);
    // One that came late knew of the erasure.
    let recorded = if answer.status == 503 { json!([]) } else { json!([answer.expect(201)["application_id"]]) };
    let listed = server.sign_in(&email).client.get("/v1/applications").expect(200);
    let listed: Vec<&Value> = listed["applications"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(json!(listed), recorded, "{answer}");
    apply(&email).expect(201);
}

#[test]
fn k11_a_code_that_is_sent_behind_an_erasure_opens() {
    let server = Server::with(Engine::Postgres, &[]);
    let start = |email: &str| server.anonymous().post("/v1/auth/otp/start", &json!({ "email": email }));
    let (email, answer) = behind_the_erasure_of_a_founder(&server, start);
    if answer.status != 503 {
        let body = json!({ "email": email, "code": answer.expect(200)["dev_otp"] });
        server.anonymous().post("/v1/auth/otp/verify", &body).expect(200);
    }
    server.sign_in(&email);
}

/// A right code is right whoever took the address meanwhile, and ends what he set up with it.
#[test]
fn met_030_a_right_code_opens_though_another_signs_up_with_the_address_meanwhile() {
    let house = Installation::with(Engine::Postgres, &[]);
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let second = house.server.second_node();
    for round in 0..3 {
        let (email, squatter) = (format!("{}@example.com", unique("victim")), format!("squatter-{round}"));
        let code = json!({ "email": email, "code": house.server.code_for(&email) });
        let held = OpenTransaction::before_appends(&house.server.store);
        let (signed_up, verified) = std::thread::scope(|threads| {
            let signing_up = threads
                .spawn(|| house.sign_up(&json!({ "username": squatter, "password": PASSWORD, "email": email })).status);
            wait_for_waiting(&house.server, 1);
            let verifying = threads.spawn(|| second.anonymous().post("/v1/auth/otp/verify", &code));
            pause(COMES_THIS_FAR);
            held.end("ROLLBACK");
            (signing_up.join().unwrap(), verifying.join().unwrap())
        });
        verified.expect(200);
        assert!(matches!(signed_up, 200 | 409 | 503), "{signed_up}");
        house.login(&squatter, PASSWORD).refused(401, "invalid_credentials");
    }
}

fn met_075_settings_that_are_changed_by_several_at_once_are_answered_as_they_stand(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    let change = |body: &Value| company.agent.post("/v1/metrics/arr/settings", body);
    let mut attempt = 0;
    eventually("all come in time", || {
        attempt += 1;
        let (name, unit) = (format!("name {attempt}"), format!("unit {attempt}"));
        let bodies = [json!({ "unit": unit }), json!({ "display_name": name }), json!({ "display_name": name })];
        let held = OpenTransaction::before_appends(&server.store);
        let answers: Vec<Reply> = std::thread::scope(|threads| {
            let changing: Vec<_> = bodies
                .iter()
                .map(|body| {
                    let one = threads.spawn(|| change(body));
                    pause(COMES_THIS_FAR);
                    one
                })
                .collect();
            held.end("ROLLBACK");
            changing.into_iter().map(|one| one.join().unwrap()).collect()
        });
        if answers.iter().any(|answer| answer.status == 503) {
            return None;
        }
        for answer in &answers[1..] {
            assert_eq!(answer.expect(200)["display_name"], json!(name), "{answer}");
        }
        let newest = answers.iter().filter(|answer| !answer.header("muniment-position").is_empty());
        let newest = newest.max_by_key(|answer| answer.position()).unwrap().json();
        assert_eq!((&newest["display_name"], &newest["unit"]), (&json!(name), &json!(unit)));
        Some(())
    });
}

fn met_113_an_alert_that_is_acknowledged_while_it_is_resolved_is_answered_so(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("resolver");
    let company = server.company_of(&founder);
    company.metric("arr");
    let mut value = 1;
    eventually("both come in time", || {
        company.point("arr", &json!({ "value": value }));
        company.point("arr", &json!({ "value": 2 * value }));
        value *= 4;
        let raised = || company.alerts().into_iter().find(|alert| alert["state"] == "open");
        let alert = text(&eventually("an open alert", raised)["id"]);
        let held = OpenTransaction::before_appends(&server.store);
        let (acknowledged, resolved) = std::thread::scope(|threads| {
            let ask = |deed| {
                let path = format!("/v1/alerts/{alert}/{deed}");
                let asking = threads.spawn(|| founder.client.post(&{ path }, &json!({})));
                pause(COMES_THIS_FAR);
                asking
            };
            let (acknowledging, resolving) = (ask("ack"), ask("resolve"));
            held.end("ROLLBACK");
            (acknowledging.join().unwrap(), resolving.join().unwrap())
        });
        if acknowledged.status == 503 || resolved.status == 503 {
            founder.client.post(&format!("/v1/alerts/{alert}/resolve"), &json!({})).expect(200);
            return None;
        }
        let (acknowledged, resolved) = (acknowledged.expect(200), resolved.expect(200));
        let now = company.alerts().into_iter().find(|it| it["id"] == json!(alert)).unwrap();
        assert_eq!((&resolved, resolved["state"].as_str()), (&now, Some("resolved")));
        // Where the machine stalled, the resolution came first, and there is nothing to see.
        (acknowledged["state"] == "acknowledged")
            .then(|| assert!(resolved["acknowledged_by"].is_string(), "{resolved}"))
    });
}

/// What ends in one tab while another loads is nothing out of the order.
#[test]
fn a_session_that_ends_during_a_request_by_its_cookie_is_one_that_has_ended() {
    let house = Installation::with(Engine::Postgres, &[]);
    let Store::Postgres { url } = &house.server.store else { panic!("a test of PostgreSQL") };
    let founder = house.server.founder("otto");
    Program::operator_of(&house.server)
        .run_with_input(&["account", "set-password", &founder.email, "--password-stdin"], PASSWORD)
        .ok();
    let login = || {
        let reply = house.login(&founder.email, PASSWORD);
        reply.expect(200);
        cookie_of(&reply)
    };
    let (elsewhere, fresh) = (house.person_of(&founder.email, &login()).client, login());
    // The first use of a session is noted between the look at its cookie and the one at who he is.
    let held = OpenTransaction::begin(url, "LOCK TABLE last_used_v1 IN EXCLUSIVE MODE");
    let loaded = std::thread::scope(|threads| {
        let loading = threads.spawn(|| house.server.anonymous().header("cookie", &fresh).get("/v1/applications"));
        pause(COMES_THIS_FAR);
        let ending = threads.spawn(|| elsewhere.rpc("account_session_revoke_all", &Value::Null).result());
        pause(COMES_THIS_FAR);
        held.end("ROLLBACK");
        ending.join().unwrap();
        loading.join().unwrap()
    });
    if loaded.status != 200 {
        loaded.refused(401, "invalid_session");
    }
    house.server.anonymous().header("cookie", &fresh).get("/v1/applications").refused(401, "invalid_session");
}

/// A second click is no refusal.
fn met_051_an_invited_founder_who_applies_twice_at_once_uses_the_invitation_up_once(engine: Engine) {
    let house = Installation::with(engine, &[("REQUIRE_INVITE", "true")]);
    for _ in 0..5 {
        let email = format!("{}@example.com", unique("gus"));
        let invite = house.invite(&json!({ "email": email }));
        let invited = house.server.sign_in(&email);
        for reply in in_parallel(4, |_| invited.client.post("/v1/applications", &form(&email))) {
            reply.expect(201);
        }
        let account = text(&invited.client.get("/v1/auth/session").expect(200)["account_id"]);
        let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
        let row = listed["invites"].as_array().unwrap().iter().find(|row| row["id"] == invite["id"]).unwrap().clone();
        assert_eq!(row["claimed_by"], json!(account));
    }
}

both_engines![
    met_113_an_alert_that_is_acknowledged_while_it_is_resolved_is_answered_so,
    met_075_settings_that_are_changed_by_several_at_once_are_answered_as_they_stand,
    met_051_an_invited_founder_who_applies_twice_at_once_uses_the_invitation_up_once,
];
