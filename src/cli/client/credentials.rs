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
    /// When there is neither, or the variable of the token is empty and nothing but the saved session is left.
    pub fn either(&self) -> Result<Auth> {
        let missing = || {
            let (flag, called) = (self.place.flag(), self.called());
            let login = format!("run `muniment login{flag} --email <address>`");
            format!("there is neither a token nor a session for {called}: set MUNIMENT_TOKEN, or {login}")
        };
        let agent = self.agent();
        // The saved session is as little what was meant by the variable as the saved token, and sees another company as well.
        if self.agent_is_empty() && (self.session_is_saved() || !self.has_session()) {
            return agent;
        }
        agent.or_else(|_| self.founder()).map_err(|_| self.agent.missing(missing))
    }

    /// Whether the variable that was to hold the agent token is set and empty, and nothing else names one.
    #[must_use]
    pub fn agent_is_empty(&self) -> bool {
        self.agent.empty.is_some()
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

    /// Forgets the session that was used, where it is the saved one still: another may have been saved while it ended.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_session(&mut self) -> Result<()> {
        if !self.session_is_saved() {
            return Ok(());
        }
        let _turn = turn(&self.place.file).map_err(|error| self.not_saved(error))?;
        self.look_again()?;
        if !self.session_is_saved() {
            return Ok(());
        }
        self.saved.session_token = None;
        self.saved.session_expires_at = None;
        write_saved(&self.place.file, &self.saved).map_err(|error| self.not_saved(error))
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
        if !self.place.file.exists() {
            return Ok(());
        }
        // Also where what was saved at first was for another server: what is there by now may be for this one.
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
mod tests;
