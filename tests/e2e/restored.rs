//! What came after a backup is done again once that was restored.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Program, Setup, Store, eventually};

/// A record of before an erasure, with the keys of after it: by the address nobody is found any more.
fn who_was_erased_since_is_erased_again_by_what_the_erasure_named(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    house.invite(&json!({ "email": "invited@example.com", "username": "invited" }));
    let founder = server.founder("ana");
    let (company, applicant, other) = (server.company_of(&founder), server.company(), server.company());
    assert!(server.terminate().success());
    let operator = Program::operator_of(server);
    operator.run(&["backup", "old"]).ok();
    let erase = |who: &str, place: &[&str]| operator.run(&[&["erase", who, "--yes", "--json"], place].concat()).json();
    let [first, second] = [&founder.email, &applicant.email].map(|email| erase(email, &[]));
    assert!(first["account_id"].is_string() && second["account_id"].is_null(), "{first} {second}");
    let invited = erase("invited@example.com", &[]);
    assert!(invited["account_id"].is_null(), "{invited}");
    let [subject_of_account, subject] = [&first, &second].map(|erased| erased["subject"].as_str().unwrap());
    operator.run(&["backup", "new"]).ok();

    let folder = operator.path("restored");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("keys")).unwrap();
    fs::copy(server.data.join("keys/master.key"), folder.join("keys/master.key")).unwrap();
    let (data, database) = (folder.display().to_string(), format!("sqlite:{}", folder.display()));
    let place = ["--data-dir", data.as_str(), "--database", database.as_str()];
    operator.run(&[&["restore", "old", "--keys", "new.keys", "--yes"], place.as_slice()].concat()).ok();
    operator.run(&[&["erase", &applicant.email, "--yes"], place.as_slice()].concat()).ended(3);
    let again = erase(subject, &place);
    assert_eq!((&again["account_id"], &again["tokens_ended"]), (&Value::Null, &json!(1)), "{again}");
    assert!(again["position"].is_string(), "{again}");
    assert_eq!(erase(subject, &place)["position"], Value::Null, "it is erased already");
    // By the address he was invited by nobody is found, and the invitation names him until he is erased again.
    operator.run(&[&["erase", "invited@example.com", "--yes"], place.as_slice()].concat()).ended(3);
    let again = erase(invited["subject"].as_str().unwrap(), &place);
    assert!(again["position"].is_string(), "{again}");
    assert_eq!(erase(invited["subject"].as_str().unwrap(), &place)["position"], Value::Null);
    // Whoever has an account is not erased without it.
    assert_eq!(erase(subject_of_account, &place)["account_id"], first["account_id"]);
    for nobody in ["subject_of_nobody", "nobody"] {
        operator.run(&[&["erase", nobody, "--yes"], place.as_slice()].concat()).ended(3);
    }

    let restored = Setup::new(Engine::Sqlite).over(Store::Sqlite { folder: folder.clone() }, &folder).start();
    for ended in [&company.token, &applicant.token] {
        restored.agent(ended).get("/v1/status").refused(401, "invalid_token");
    }
    restored.agent(&other.token).get("/v1/status").expect(200);
    let named = || restored.store.texts_of_read_models("SELECT COALESCE(username, '-') FROM invites_v3_g0");
    eventually("nobody is named by the invitation", || (named() == ["-"]).then_some(()));
}

both_engines![who_was_erased_since_is_erased_again_by_what_the_erasure_named];
