//! What counts of flags, variables and files, and what is kept of them.

use std::os::unix::fs::PermissionsExt as _;

use clap::Parser as _;

use super::*;
use crate::cli::Cli;

fn found(home: &Path, variables: &[(&str, &str)], flags: &[&str]) -> Credentials {
    let arguments = ["muniment", "whoami"].iter().chain(flags);
    let global = Cli::parse_from(arguments).global;
    let home = home.display().to_string();
    let look = |name: &str| {
        let set = variables.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).to_owned());
        set.or_else(|| (name == "HOME").then(|| home.clone()))
    };
    Credentials::find_with(&global, &look).unwrap()
}

fn token(credentials: &Credentials) -> Option<String> {
    credentials.agent.token.as_ref().map(|token| token.expose_secret().to_owned())
}

#[test]
fn met_141_a_flag_beats_a_variable_and_that_beats_the_file() {
    let home = tempfile::tempdir().unwrap();
    let mut credentials = found(home.path(), &[("MUNIMENT_URL", "http://saved")], &[]);
    credentials.save(|saved| saved.token = Some("saved".to_owned())).unwrap();
    let ours = ("MUNIMENT_TOKEN", "ours");
    let theirs = ("ALIF_API_TOKEN", "theirs");
    assert_eq!(token(&found(home.path(), &[], &[])).as_deref(), Some("saved"));
    assert_eq!(token(&found(home.path(), &[theirs], &[])).as_deref(), Some("theirs"));
    assert_eq!(token(&found(home.path(), &[theirs, ours], &[])).as_deref(), Some("ours"));
    let file = home.path().join("token");
    fs::write(&file, "filed\n").unwrap();
    let flags = ["--token-file", file.to_str().unwrap()];
    assert_eq!(token(&found(home.path(), &[theirs, ours], &flags)).as_deref(), Some("filed"));
    assert_eq!(found(home.path(), &[], &[]).url, "http://saved");
    let urls = [("MUNIMENT_URL", "http://ours"), ("ALIF_API_URL", "http://theirs")];
    assert_eq!(found(home.path(), &urls[1..], &[]).url, "http://theirs");
    assert_eq!(found(home.path(), &urls, &[]).url, "http://ours");
    assert_eq!(found(home.path(), &urls, &["--api-url", "http://flag"]).url, "http://flag");
}

#[test]
fn what_is_saved_for_one_server_is_neither_shown_to_another_nor_lost_to_it() {
    let home = tempfile::tempdir().unwrap();
    let mut credentials = found(home.path(), &[("MUNIMENT_URL", "http://a.example:80/")], &[]);
    credentials.save(|saved| saved.token = Some("for-a".to_owned())).unwrap();
    assert_eq!(token(&found(home.path(), &[], &["--url", "http://a.example"])).as_deref(), Some("for-a"));
    for other in ["http://b.example", "https://a.example", "http://a.example:81", "http://a.example@b.example"] {
        assert_eq!(token(&found(home.path(), &[], &["--url", other])), None, "{other}");
        let of_environment = found(home.path(), &[("ALIF_API_URL", other)], &[]);
        assert_eq!(token(&of_environment).as_deref(), Some("for-a"), "it says where calls go for good: {other}");
    }
    let ours = [("MUNIMENT_TOKEN", "ours")];
    let mut other = found(home.path(), &ours, &["--url", "http://b.example"]);
    assert_eq!(token(&other).as_deref(), Some("ours"), "what is not saved is the caller's own business");
    other.save(|saved| saved.email = Some("ana@example.com".to_owned())).unwrap();
    assert_eq!(token(&found(home.path(), &[], &[])), None, "the login to b brings no token of a");
    let aside = fs::read_to_string(home.path().join(".config/muniment/credentials.toml.old")).unwrap();
    assert!(aside.contains("for-a"), "{aside}");
}

#[test]
fn what_is_saved_is_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let mut credentials = found(home.path(), &[], &[]);
    for token in ["first", "second"] {
        credentials.save(|saved| saved.token = Some(token.to_owned())).unwrap();
        let folder = home.path().join(".config/muniment");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("credentials.toml")), 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file stayed behind");
        assert_eq!(super::tests::token(&found(home.path(), &[], &[])).as_deref(), Some(token));
    }
}

/// As by `MUNIMENT_TOKEN=$(cat gone)`: the saved one may be another company's.
#[test]
fn met_141_an_empty_variable_is_not_made_up_for_by_what_is_saved() {
    let home = tempfile::tempdir().unwrap();
    let mut credentials = found(home.path(), &[], &[]);
    let both = |saved: &mut Saved| (saved.token, saved.session_token) = (Some("t".to_owned()), Some("s".to_owned()));
    credentials.save(both).unwrap();
    for name in ["MUNIMENT_TOKEN", "MUNIMENT_TOKEN_FILE", "ALIF_API_TOKEN"] {
        let emptied = found(home.path(), &[(name, "")], &[]);
        let error = emptied.agent().unwrap_err();
        assert_eq!(exit::of(&error), Exit::Denied);
        assert!(error.to_string().starts_with(&format!("{name} is set and empty")), "{error}");
        let error = emptied.either().map(|_| ()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{name} is set and empty")),
            "nor by the saved session: {error}"
        );
        let named = found(home.path(), &[(name, ""), ("MUNIMENT_SESSION_TOKEN", "given")], &[]);
        assert!(matches!(named.either(), Ok(Auth::Session(_))), "a session that is given may look");
        let neither = found(home.path(), &[(name, ""), ("MUNIMENT_SESSION_TOKEN", "")], &[]);
        assert!(neither.either().unwrap_err().to_string().starts_with(name));
        assert!(neither.founder().unwrap_err().to_string().starts_with("MUNIMENT_SESSION_TOKEN is set and empty"));
    }
    let theirs = found(home.path(), &[("MUNIMENT_TOKEN", ""), ("ALIF_API_TOKEN", "theirs")], &[]);
    assert_eq!(token(&theirs).as_deref(), Some("theirs"), "one of the two names is enough");
}

#[test]
fn what_another_command_saved_meanwhile_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let mut waits = found(home.path(), &[], &[]);
    let mut applies = found(home.path(), &[], &[]);
    applies.save_of("ana@example.com", |saved| saved.token = Some("shown-once".to_owned())).unwrap();
    waits.save_of("ana@example.com", |saved| saved.session_token = Some("session".to_owned())).unwrap();
    let kept = found(home.path(), &[], &[]).saved;
    assert_eq!((kept.token.as_deref(), kept.session_token.as_deref()), (Some("shown-once"), Some("session")));

    let mut of_other_server = found(home.path(), &[], &["--url", "http://b.example"]);
    of_other_server.save(|saved| saved.token = Some("for-b".to_owned())).unwrap();
    waits.save_of("ben@example.com", |saved| saved.session_token = Some("bens".to_owned())).unwrap();
    let kept = found(home.path(), &[], &[]).saved;
    assert_eq!((kept.token, kept.session_token.as_deref()), (None, Some("bens")), "no token of b goes to a");
    for (name, has) in [("credentials.toml.old", "shown-once"), ("credentials.toml.old2", "for-b")] {
        let aside = fs::read_to_string(home.path().join(".config/muniment").join(name)).unwrap();
        assert!(aside.contains(has), "{name}: {aside}");
    }
}

#[test]
fn what_another_command_saved_meanwhile_for_the_same_other_server_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let mut of_a = found(home.path(), &[], &["--url", "http://a.example"]);
    of_a.save(|saved| saved.token = Some("for-a".to_owned())).unwrap();
    let mut waits = found(home.path(), &[], &["--url", "http://b.example"]);
    let mut applies = found(home.path(), &[], &["--url", "http://b.example"]);
    applies.save_of("ana@example.com", |saved| saved.token = Some("shown-once".to_owned())).unwrap();
    waits.save_of("ana@example.com", |saved| saved.session_token = Some("session".to_owned())).unwrap();
    let kept = found(home.path(), &[], &[]).saved;
    assert_eq!((kept.token.as_deref(), kept.session_token.as_deref()), (Some("shown-once"), Some("session")));
    let folder = home.path().join(".config/muniment");
    assert!(fs::read_to_string(folder.join("credentials.toml.old")).unwrap().contains("for-a"));
    assert!(!folder.join("credentials.toml.old2").exists(), "what is for b was not put aside");
}

#[test]
fn a_session_that_was_saved_while_another_ended_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let session = |home: &Path| found(home, &[], &[]).saved.session_token;
    let mut signs_in = found(home.path(), &[], &[]);
    signs_in.save_of("ana@example.com", |saved| saved.session_token = Some("first".to_owned())).unwrap();
    let mut ends = found(home.path(), &[], &[]);
    signs_in.save_of("ben@example.com", |saved| saved.session_token = Some("bens".to_owned())).unwrap();
    ends.forget_session().unwrap();
    assert_eq!(session(home.path()).as_deref(), Some("bens"));
    found(home.path(), &[], &[]).forget_session().unwrap();
    assert_eq!(session(home.path()), None);
    assert_eq!(found(home.path(), &[], &[]).saved.email.as_deref(), Some("ben@example.com"));
}

#[test]
fn commands_that_save_at_once_save_one_after_the_other() {
    let home = tempfile::tempdir().unwrap();
    type Change = fn(&mut Saved);
    let changes: [Change; 4] = [
        |saved| saved.token = Some("x".to_owned()),
        |saved| saved.session_token = Some("x".to_owned()),
        |saved| saved.company_id = Some("x".to_owned()),
        |saved| saved.application_id = Some("x".to_owned()),
    ];
    std::thread::scope(|threads| {
        for change in changes {
            let path = home.path();
            threads.spawn(move || found(path, &[], &[]).save(change).unwrap());
        }
    });
    let kept = found(home.path(), &[], &[]).saved;
    let all = [kept.token, kept.session_token, kept.company_id, kept.application_id];
    assert!(all.iter().all(Option::is_some), "{all:?}");
}

#[test]
fn met_145_the_other_clients_file_is_read_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let foreign = home.path().join(".alif/config.json");
    fs::create_dir(foreign.parent().unwrap()).unwrap();
    let text = r#"{"apiUrl":"http://there","token":"alif_live_x","email":"a@b.c","sessionToken":"s","new":1}"#;
    fs::write(&foreign, text).unwrap();
    let mut credentials = found(home.path(), &[], &[]);
    assert_eq!((credentials.url.as_str(), token(&credentials).as_deref()), ("http://there", Some("alif_live_x")));
    credentials.save(|saved| saved.token = Some("new".to_owned())).unwrap();
    assert_eq!(fs::read_to_string(&foreign).unwrap(), text);
    assert_eq!(token(&found(home.path(), &[], &[])).as_deref(), Some("new"));
}

#[test]
fn a_damaged_file_does_not_print_what_it_holds() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/muniment");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("credentials.toml"), "token = alif_live_secret").unwrap();
    let error = read_saved(&folder.join("credentials.toml"), None).err().unwrap();
    assert!(!format!("{error:#}").contains("alif_live"), "{error:#}");
}
