//! Who calls, and where: from flags, variables and the saved file (spec/metrics.md section 14).
//!
//! Saved in `$XDG_CONFIG_HOME/muniment/credentials.toml`, or in the file of a context (`contexts`): folder 0700, file
//! 0600, written by rename. `~/.alif/config.json` is read when ours is missing and never written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};

use super::contexts::{Folder, Place};
use super::http::Auth;
use super::saved::{Saved, check_writable, read_saved, turn, write_saved};
use crate::cli::exit::{self, Exit};
use crate::cli::flags::Global;
use crate::cli::output::say;
use crate::config::Surroundings;

/// Files that were put aside and are kept; beyond that the first gives way.
const ASIDE_MAX: u32 = 100;

/// Where the server is when nothing says so.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Who calls, and where.
pub struct Credentials {
    /// The server.
    pub url: String,
    /// What the file holds.
    pub saved: Saved,
    /// The signup secret.
    pub signup_secret: Option<SecretString>,
    agent: Proof,
    session: Proof,
    /// The other server, or person, that what is saved is for.
    elsewhere: Option<String>,
    /// Where it is saved.
    pub place: Place,
}

/// A token, or why there is none.
struct Proof {
    token: Option<SecretString>,
    /// The variable that was to hold it, is set, and is empty.
    empty: Option<String>,
}

impl Proof {
    /// What the caller is told of a variable that is set and empty, else that.
    fn missing(&self, otherwise: impl FnOnce() -> String) -> anyhow::Error {
        match &self.empty {
            None => Exit::Denied.because(otherwise()),
            Some(name) => exit::with_next(
                Exit::Denied.because(format!("{name} is set and empty, and what is saved does not stand in for it")),
                format!("give {name} the token, or unset it"),
            ),
        }
    }
}

/// A look at the environment, so that tests bring their own.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Credentials {
    /// Looks in flags, variables and files, in this order.
    ///
    /// # Errors
    /// When a file that is named or saved, or a variable of ours, cannot be read.
    pub fn find(global: &Global) -> Result<Self> {
        let surroundings = Surroundings::of_process();
        let is_ours = |name: &&String| name.starts_with("MUNIMENT_") || name.starts_with("ALIF_");
        if let Some(name) = surroundings.unreadable.iter().find(is_ours) {
            return Err(Exit::Usage.because(format!("{name} is not written in UTF-8")));
        }
        Self::find_with(global, &|name| surroundings.variables.get(name).cloned())
    }

    fn find_with(global: &Global, variables: Variables<'_>) -> Result<Self> {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let place = Folder::of(set).place(global.context.as_deref(), set("MUNIMENT_CONTEXT").as_deref())?;
        // The other client knows one server only.
        let foreign =
            set("HOME").filter(|_| place.is_default()).map(|home| PathBuf::from(home).join(".alif/config.json"));
        let saved = read_saved(&place.file, foreign.as_deref())?;
        // Of a context that a flag names, all of it counts: no token of the environment goes to its server.
        let is_whole = place.by_flag && place.file.exists();
        let of_environment = |name: &str| if is_whole { None } else { set(name) };
        let from_flag = global.url.clone().or_else(|| saved.url.clone().filter(|_| is_whole));
        let url = from_flag.or_else(|| set("MUNIMENT_URL")).or_else(|| set("ALIF_API_URL"));
        // A flag sends one call elsewhere, and a saved token stays with the server it came from. The environment says
        // where calls go for good, as the saved file does, and counts before it (spec/metrics.md section 14).
        let is_elsewhere = |kept: &String| global.url.as_ref().is_some_and(|url| origin(url) != origin(kept));
        let elsewhere = saved.url.clone().filter(is_elsewhere);
        let saved = if elsewhere.is_some() { Saved::default() } else { saved };
        let from_file = |flag: &Option<PathBuf>, variable: Option<String>| -> Result<Option<SecretString>> {
            flag.clone().or_else(|| variable.map(PathBuf::from)).map(|path| read_secret(&path)).transpose()
        };
        let secret = |flag: &Option<PathBuf>, name: &str, other: &str, saved: Option<&String>| -> Result<_> {
            let file = format!("{name}_FILE");
            let of_variable = || of_environment(name).or_else(|| of_environment(other)).map(SecretString::from);
            let found = from_file(flag, of_environment(&file))?.or_else(of_variable);
            // As by a script whose `cat` of the token's file failed: what is saved may be another company's.
            let is_empty = |name: &&str| found.is_none() && !is_whole && variables(name).is_some();
            let empty = [name, file.as_str(), other].into_iter().find(is_empty).map(str::to_owned);
            let saved = || saved.filter(|_| empty.is_none()).cloned().map(SecretString::from);
            Ok(Proof { token: token(found.or_else(saved), name)?, empty })
        };
        // A context keeps none, so this one is always the environment's.
        let signup_secret = from_file(&global.signup_secret_file, set("MUNIMENT_SIGNUP_SECRET_FILE"))?
            .or_else(|| set("MUNIMENT_SIGNUP_SECRET").map(SecretString::from))
            .or_else(|| set("ALIF_SIGNUP_SECRET").map(SecretString::from));
        Ok(Self {
            agent: secret(&global.token_file, "MUNIMENT_TOKEN", "ALIF_API_TOKEN", saved.token.as_ref())?,
            session: secret(
                &global.session_token_file,
                "MUNIMENT_SESSION_TOKEN",
                "ALIF_SESSION_TOKEN",
                saved.session_token.as_ref(),
            )?,
            signup_secret,
            url: url.or_else(|| saved.url.clone()).unwrap_or_else(|| DEFAULT_URL.to_owned()),
            saved,
            elsewhere,
            place,
        })
    }

    /// The agent token.
    ///
    /// # Errors
    /// When there is none.
    pub fn agent(&self) -> Result<Auth> {
        let missing = || {
            let (flag, called) = (self.place.flag(), self.called());
            format!("there is no agent token for {called}: set MUNIMENT_TOKEN, or run `muniment apply{flag}`")
        };
        self.agent.token.clone().map(Auth::Agent).ok_or_else(|| self.agent.missing(missing))
    }

    /// Whether there is an agent token.
    #[must_use]
    pub fn has_agent(&self) -> bool {
        self.agent.token.is_some()
    }

    /// The founder session.
    ///
    /// # Errors
    /// When there is none.
    pub fn founder(&self) -> Result<Auth> {
        let missing = || {
            let (flag, called) = (self.place.flag(), self.called());
            format!("you are not signed in at {called}: run `muniment login{flag} --email <address>`")
        };
        self.session.token.clone().map(Auth::Session).ok_or_else(|| self.session.missing(missing))
    }

    /// The agent token where there is one, else the founder session.
    ///
    /// # Errors
    /// When there is neither.
    pub fn either(&self) -> Result<Auth> {
        let missing = || {
            let (flag, called) = (self.place.flag(), self.called());
            let login = format!("run `muniment login{flag} --email <address>`");
            format!("there is neither a token nor a session for {called}: set MUNIMENT_TOKEN, or {login}")
        };
        self.agent().or_else(|_| self.founder()).map_err(|_| self.agent.missing(missing))
    }

    /// Whether there is a session.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.session.token.is_some()
    }

    /// Whether the session is the saved one, and no other that a flag or a variable gave.
    #[must_use]
    pub fn session_is_saved(&self) -> bool {
        let kept = self.saved.session_token.as_deref().map(str::trim);
        self.session.token.as_ref().is_some_and(|session| kept == Some(session.expose_secret()))
    }

    /// The server that is called, and, where a login is saved for another, that it stays there.
    #[must_use]
    pub fn called(&self) -> String {
        let url = &self.url;
        match &self.elsewhere {
            Some(kept) => format!("{url} (what is saved is for {kept} and goes nowhere else; see --context)"),
            None => url.clone(),
        }
    }

    /// Readies what is saved for whoever signed in or applied. The session and the company of somebody else answer him
    /// nothing, and its token was shown once: all of it is put aside.
    fn belong_to(&mut self, email: &str) {
        let is_another = self.saved.email.as_deref().is_some_and(|kept| !kept.eq_ignore_ascii_case(email));
        if is_another {
            let former = std::mem::take(&mut self.saved);
            let has = [&former.company_id, &former.application_id, &former.token, &former.session_token];
            if has.into_iter().any(Option::is_some) {
                self.elsewhere = former.email;
            }
        }
        self.saved.email = Some(email.to_owned());
    }

    /// Keeps a change for the next call. What was saved for another server is put aside, not mixed with it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&mut self, change: impl FnOnce(&mut Saved)) -> Result<()> {
        self.keep(None, change)
    }

    /// The same for whoever signed in or applied, with what was saved for another person put aside too.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save_of(&mut self, email: &str, change: impl FnOnce(&mut Saved)) -> Result<()> {
        self.keep(Some(email), change)
    }

    fn keep(&mut self, email: Option<&str>, change: impl FnOnce(&mut Saved)) -> Result<()> {
        let _turn = turn(&self.place.file).map_err(|error| self.not_saved(error))?;
        self.look_again()?;
        if let Some(email) = email {
            self.belong_to(email);
        }
        change(&mut self.saved);
        self.saved.url = Some(self.url.clone());
        let file = &self.place.file;
        if let Some(kept) = self.elsewhere.take().filter(|_| file.exists()) {
            let aside = free_name(file);
            fs::rename(file, &aside).with_context(|| format!("cannot put {} aside", file.display()))?;
            say(&format!("warning: what was saved for {kept} is now in {}; see --context", aside.display()));
        }
        write_saved(&self.place.file, &self.saved).map_err(|error| self.not_saved(error))
    }

    /// What another command saved while this one asked and waited, perhaps a token that was shown once, is changed too
    /// and not written over; of another server it is put aside.
    fn look_again(&mut self) -> Result<()> {
        if self.elsewhere.is_some() || !self.place.file.exists() {
            return Ok(());
        }
        let meanwhile = read_saved(&self.place.file, None)?;
        let is_another = |url: &String| self.saved.url.as_ref() != Some(url) && origin(url) != origin(&self.url);
        self.elsewhere = meanwhile.url.clone().filter(is_another);
        self.saved = if self.elsewhere.is_some() { Saved::default() } else { meanwhile };
        Ok(())
    }

    /// Whether [`Credentials::save`] could write its file.
    ///
    /// # Errors
    /// When it could not.
    pub fn check_savable(&self) -> Result<()> {
        check_writable(&self.place.file).map_err(|error| self.not_saved(error))
    }

    fn not_saved(&self, error: anyhow::Error) -> anyhow::Error {
        let ended = Exit::Failure.because_of(format!("cannot save {}", self.place.file.display()), error);
        exit::with_next(ended, "name a folder that can be written with XDG_CONFIG_HOME")
    }
}

/// What of a URL names its server; a text that is no URL names itself.
fn origin(url: &str) -> String {
    reqwest::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// A token without what surrounds it; blank is none.
fn token(given: Option<SecretString>, name: &str) -> Result<Option<SecretString>> {
    let Some(given) = given else { return Ok(None) };
    let text = given.expose_secret().trim();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = format!("what was given for {name} is no token: a token is one word of letters, digits, _ and -");
        return Err(Exit::Usage.because(what));
    }
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

/// A secret from a file that a flag or a variable names.
///
/// # Errors
/// When it cannot be read.
pub fn read_secret(path: &Path) -> Result<SecretString> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Exit::Usage.because_of(format!("cannot read {}", path.display()), error))?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

/// Where a file is put aside: beside it, and not over one that was before.
fn free_name(file: &Path) -> PathBuf {
    let first = file.with_extension("toml.old");
    let more = (2..=ASIDE_MAX).map(|number| file.with_extension(format!("toml.old{number}")));
    std::iter::once(first.clone()).chain(more).find(|aside| !aside.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
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
        let both =
            |saved: &mut Saved| (saved.token, saved.session_token) = (Some("t".to_owned()), Some("s".to_owned()));
        credentials.save(both).unwrap();
        for name in ["MUNIMENT_TOKEN", "MUNIMENT_TOKEN_FILE", "ALIF_API_TOKEN"] {
            let emptied = found(home.path(), &[(name, "")], &[]);
            let error = emptied.agent().unwrap_err();
            assert_eq!(exit::of(&error), Exit::Denied);
            assert!(error.to_string().starts_with(&format!("{name} is set and empty")), "{error}");
            assert!(matches!(emptied.either(), Ok(Auth::Session(_))), "the session may still look");
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
}
