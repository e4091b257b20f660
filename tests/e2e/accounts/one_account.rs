//! "The account that signs in by e-mail code on `/v1`, that later signs in with a password on `/api`, and whose agents hold
//! tokens" is one account, with one list of sessions and one of tokens (docs/decisions/0013).

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, PASSWORD, Program, cookie_of, eventually, looks_like, text, unique};

fn the_account_that_signs_in_by_code_and_later_with_a_password_and_whose_agents_hold_tokens_is_one(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("otto");
    let company = house.server.company_of(&founder);
    let id = text(&founder.client.get("/v1/auth/session").expect(200)["account_id"]);
    let accounts = house.keeper.client.rpc("admin_account_list", &Value::Null).result()["accounts"].clone();
    let listed = accounts.as_array().unwrap().iter().find(|listed| listed["account"]["id"] == json!(id)).unwrap();
    let username = text(&listed["account"]["username"]);
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    assert!(looks_like(&username, "founder-", 10, plain), "{username}");
    let made = (&listed["account"]["email_verified"], listed["actors"].as_array().unwrap().len());
    assert_eq!(made, (&json!(true), 1), "{listed}");
    house.login(&founder.email, PASSWORD).refused(401, "invalid_credentials");

    // No route gives it a password; the operator does, which ends what was open but not what acts for the company.
    let beside = engine == Engine::Postgres;
    if !beside {
        house.server.terminate();
    }
    let set = ["account", "set-password", &founder.email, "--password-stdin"];
    Program::operator_of(&house.server).run_with_input(&set, PASSWORD).ok();
    if !beside {
        house.server.restart();
    }
    founder.client.get("/v1/auth/session").refused(401, "invalid_session");
    company.status();

    let log_in = || {
        let reply = house.login(&founder.email, PASSWORD);
        reply.expect(200);
        house.person_of(&founder.email, &cookie_of(&reply))
    };
    let otto = log_in();
    let shown = otto.client.rpc("account_verify", &Value::Null).result();
    assert_eq!((&shown["id"], &shown["email_verified"]), (&json!(id), &json!(true)), "the code verified it for all");
    // The mailbox was proved before, so a further code ends nothing.
    let by_code = house.server.sign_in(&founder.email);
    let session = by_code.client.get("/v1/auth/session").expect(200);
    assert_eq!((&session["account_id"], session["companies"].as_array().unwrap().len()), (&json!(id), 1));
    let sessions = || otto.client.rpc("account_session_list", &Value::Null).result()["sessions"].clone();
    assert_eq!(sessions().as_array().unwrap().len(), 2, "one list: by cookie and by code");

    // One list of the account's own tokens. An agent's is the company's: it is listed and ended there.
    let (client, token) = house.token_of(&otto);
    let listed = otto.client.rpc("account_token_list", &Value::Null).result()["tokens"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(token)));
    let ended = house.keeper.client.rpc("admin_token_revoke_all", &json!({ "account_id": id })).result();
    assert_eq!(ended["count"], json!(1));
    client.rpc("account_verify", &Value::Null).refused(401, -32_001, "");
    company.status();
    let agents = by_code.client.get("/v1/tokens").expect(200)["tokens"].clone();
    assert_eq!(agents.as_array().unwrap().len(), 1);
    let revoke = format!("/v1/tokens/{}/revoke", text(&agents[0]["public_id"]));
    by_code.client.post_bytes(&revoke, "").expect(200);
    company.agent.get("/v1/status").refused(401, "invalid_token");
    assert_eq!(sessions().as_array().unwrap().len(), 2, "that touched no login");

    let ended = otto.client.rpc("account_session_revoke_all", &Value::Null).result();
    assert_eq!(ended["count"], json!(2));
    by_code.client.get("/v1/auth/session").refused(401, "invalid_session");
    otto.client.get("/api/account/verify").expect(401);
    assert_eq!(log_in().id, id, "the password stands");
}

/// A code that proves a mailbox ends what was opened before by a password anybody may have set. A socket whose client does not
/// read cannot be closed; the reply waits for it as long as for any, and the log says that it did.
fn acc_216_the_reply_to_a_sign_in_by_code_waits_for_the_sockets_it_ends(engine: Engine) {
    let house = Installation::with(engine, &[]);
    // On a machine that stood still for a second the socket may seem jammed that only waits.
    eventually("the reply waited for the socket", || {
        let name = unique("ann").replace("--", "-");
        let email = format!("{name}@example.com");
        house.invite(&json!({ "email": email }));
        let signed_up = house.sign_up(&json!({ "username": name, "password": PASSWORD, "email": email }));
        signed_up.expect(200);
        let mut socket = Socket::of(&house.server, &cookie_of(&signed_up));
        socket.jam();
        house.server.sign_in(&email);
        house.server.log().contains("a reply did not wait any longer for sockets to close").then_some(())
    });
}

both_engines![
    acc_216_the_reply_to_a_sign_in_by_code_waits_for_the_sockets_it_ends,
    the_account_that_signs_in_by_code_and_later_with_a_password_and_whose_agents_hold_tokens_is_one,
];
