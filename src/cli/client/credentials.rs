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
use super::saved::{Saved, check_writable, read_saved, write_saved};
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
    agent: Option<SecretString>,
    session: Option<SecretString>,
    /// The other server, or person, that what is saved is for.
    elsewhere: Option<String>,
    /// Where it is saved.
    pub place: Place,
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
            let found = from_file(flag, of_environment(&format!("{name}_FILE")))?;
            let further = || of_environment(name).or_else(|| of_environment(other)).or_else(|| saved.cloned());
            token(found.or_else(|| further().map(SecretString::from)), name)
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
        self.agent.clone().map(Auth::Agent).ok_or_else(|| {
            let apply = format!("run `muniment apply{}`", self.place.flag());
            let called = self.called();
            Exit::Denied.because(format!("there is no agent token for {called}: set MUNIMENT_TOKEN, or {apply}"))
        })
    }

    /// Whether there is an agent token.
    #[must_use]
    pub fn has_agent(&self) -> bool {
        self.agent.is_some()
    }

    /// The founder session.
    ///
    /// # Errors
    /// When there is none.
    pub fn founder(&self) -> Result<Auth> {
        let (flag, called) = (self.place.flag(), self.called());
        let login = format!("you are not signed in at {called}: run `muniment login{flag} --email <address>`");
        let missing = || Exit::Denied.because(login);
        self.session.clone().map(Auth::Session).ok_or_else(missing)
    }

    /// Whether there is a session.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the session is the saved one, and no other that a flag or a variable gave.
    #[must_use]
    pub fn session_is_saved(&self) -> bool {
        let kept = self.saved.session_token.as_deref().map(str::trim);
        self.session.as_ref().is_some_and(|session| kept == Some(session.expose_secret()))
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
    /// nothing, and its token was shown once: the next [`Credentials::save`] puts all of it aside.
    pub fn belong_to(&mut self, email: &str) {
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

    /// Keeps a change for the next call. What was saved for another server or person is put aside, not
    /// mixed with it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&mut self, change: impl FnOnce(&mut Saved)) -> Result<()> {
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
        credentials.agent.as_ref().map(|token| token.expose_secret().to_owned())
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
