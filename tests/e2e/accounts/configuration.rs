//! Settings of accounts that stop the start (ACC-001 to ACC-003, ACC-006). They are judged before any engine is opened, so
//! there is one test for both.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Engine, ORIGIN, Program, Setup};

/// Asserts that the program ends as it does on a bad setting, and what it says.
pub(super) fn refused_start(engine: Engine, settings: &[(&str, &str)], mentions: &[&str]) {
    let setup = Setup::new(engine).with_accounts();
    let setup = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, value));
    let Err(refused) = setup.try_start() else { panic!("{settings:?} started") };
    assert_eq!(refused.status.code(), Some(2), "{}", refused.log);
    let same = refused.settings.iter().fold(Program::alone(), |program, (name, value)| program.env(name, value));
    let doctor = same.run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(doctor.ended(7)).unwrap();
    let found = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "settings").unwrap();
    assert_eq!(found["ok"], json!(false), "{told}");
    for mention in mentions {
        assert!(refused.log.contains(mention), "{mention} is not in:\n{}", refused.log);
        assert!(found["message"].as_str().unwrap().contains(mention), "{mention} is not in {found}");
    }
}

#[test]
fn acc_001_a_name_of_another_form_stops_the_start() {
    for bad in ["Bad-Name", "_x", "x_", "a1"] {
        refused_start(Engine::Sqlite, &[("ROLES", bad)], &["roles", bad]);
        for setting in ["SCOPE_KINDS", "CREDENTIAL_TYPES", "GRANT_PATHS"] {
            refused_start(Engine::Sqlite, &[(setting, bad)], &[&setting.to_lowercase(), bad]);
        }
    }
    let lists = ["ROLES", "SCOPE_KINDS", "CREDENTIAL_TYPES", "GRANT_PATHS"];
    lists.iter().fold(Setup::new(Engine::Sqlite).with_accounts(), |it, list| it.set(list, "a,a_b")).start();
    // A variable that is empty is not there, so a name of nothing comes by a file.
    let server = Setup::new(Engine::Sqlite).with_accounts().start();
    for (list, settings) in [
        ("ROLES", "[[roles]]\nname = \"\"\n"),
        ("SCOPE_KINDS", "scope_kinds = [\"\"]\n"),
        ("CREDENTIAL_TYPES", "credential_types = [\"\"]\n"),
        ("GRANT_PATHS", "grant_paths = [\"\"]\n"),
    ] {
        let program = Program::operator_of(&server).env(&format!("MUNIMENT_{list}"), "");
        fs::write(program.path("muniment.toml"), settings).unwrap();
        let refused = program.run(&["serve"]);
        refused.ended(2);
        assert!(refused.stderr.contains(&list.to_lowercase()), "{list}: {}", refused.stderr);
    }
}

#[test]
fn acc_002_what_is_built_in_or_given_twice_stops_the_start() {
    for (setting, value) in [
        ("ROLES", "admin"),
        ("ROLES", "keeper"),
        ("ROLES", "tutor,tutor"),
        ("CREDENTIAL_TYPES", "session"),
        ("CREDENTIAL_TYPES", "api_token"),
        ("CREDENTIAL_TYPES", "daemon_token"),
        ("CREDENTIAL_TYPES", "badge,badge"),
        ("GRANT_PATHS", "admin"),
        ("GRANT_PATHS", "self_service"),
        ("GRANT_PATHS", "system"),
        ("GRANT_PATHS", "bootstrap"),
        ("GRANT_PATHS", "x,x"),
        ("SCOPE_KINDS", "klass,klass"),
    ] {
        let named = value.split(',').next().unwrap();
        let said = format!("{}: names {named} twice", setting.to_lowercase());
        refused_start(Engine::Sqlite, &[(setting, value)], &[&said]);
    }
}

#[test]
fn acc_003_a_role_that_names_what_nobody_registered_stops_the_start() {
    let server = Setup::new(Engine::Sqlite).with_accounts().start();
    let program = Program::operator_of(&server).env("MUNIMENT_ROLES", "");
    for field in ["required_credential_types", "applicable_scope_kinds", "grant_paths"] {
        let settings = format!("[[roles]]\nname = \"tutor\"\n{field} = [\"nowhere\"]\n");
        fs::write(program.path("muniment.toml"), settings).unwrap();
        let refused = program.run(&["serve"]);
        refused.ended(2);
        for named in ["tutor", field, "nowhere"] {
            assert!(refused.stderr.contains(named), "{named} is not in:\n{}", refused.stderr);
        }
    }
    refused_start(Engine::Sqlite, &[("ROLES", "tutor:nowhere")], &["tutor", "grant_paths", "nowhere"]);
    refused_start(
        Engine::Sqlite,
        &[("SELF_SERVICE_ELIGIBLE_ROLES", "unheard")],
        &["self_service.eligible_roles", "unheard"],
    );
}

#[test]
fn acc_006_cookie_keys_are_demanded_and_never_shown() {
    let engine = Engine::Sqlite;
    let short = "s".repeat(31);
    let long = "l".repeat(32);
    refused_start(engine, &[("COOKIE_KEYS", &format!("{long}__{short}"))], &["accounts.cookie_keys", "key 2"]);
    refused_start(engine, &[("COOKIE_KEYS", "____")], &["accounts.cookie_keys"]);
    // Each short one is an error of its own.
    let tiny = "t".repeat(12);
    refused_start(engine, &[("COOKIE_KEYS", &format!("{short}__{long}__{tiny}"))], &["key 1 has 31", "key 3 has 12"]);
    for keys in [short.clone(), format!("{long}__{short}"), format!("{short}__{tiny}__{long}")] {
        let Err(refused) = Setup::new(engine).with_accounts().set("COOKIE_KEYS", &keys).try_start() else { panic!() };
        for piece in keys.split("__") {
            assert!(!refused.log.contains(piece), "a key is shown:\n{}", refused.log);
        }
    }
    let production = Setup::new(engine).production("smtp://127.0.0.1:1").set("COOKIE_KEYS", "");
    let Err(refused) = production.try_start() else { panic!("production started without keys") };
    assert_eq!(refused.status.code(), Some(2), "{}", refused.log);
    assert!(refused.log.contains("accounts.cookie_keys"), "{}", refused.log);
}

#[test]
fn acc_191_a_list_without_an_origin_stops_the_start() {
    for none in [",", " "] {
        refused_start(Engine::Sqlite, &[("ALLOWED_ORIGINS", none)], &["http.allowed_origins"]);
    }
    // One bad among good ones is not left out.
    for bad in ["example.com", "ftp://a.b", "https://a.b/", "https://a.b?x", "https://*foo.com", "http://[::*]"] {
        let list = format!("{ORIGIN},{bad}");
        refused_start(Engine::Sqlite, &[("ALLOWED_ORIGINS", &list)], &["http.allowed_origins", bad]);
    }
}
