//! Who calls, and where: from flags, variables and the saved file (spec/metrics.md section 14).
//!
//! Saved in `$XDG_CONFIG_HOME/muniment/credentials.toml`: folder 0700, file 0600, written by rename.
//! `~/.alif/config.json` is read when ours is missing and never written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::http::Auth;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;

/// Where the server is when nothing says so.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// What is saved between two calls.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// The server.
    #[serde(alias = "apiUrl", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The founder session.
    #[serde(alias = "sessionToken", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// Its end.
    #[serde(alias = "sessionExpiresAt", skip_serializing_if = "Option::is_none")]
    pub session_expires_at: Option<String>,
    /// The agent token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The company applied for last.
    #[serde(alias = "companyId", skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// Its application.
    #[serde(alias = "applicationId", skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
}

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
    file: PathBuf,
}

/// A look at the environment, so that tests bring their own.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Credentials {
    /// Looks in flags, variables and files, in this order.
    ///
    /// # Errors
    /// When a file that is named or saved cannot be read.
    pub fn find(global: &Global) -> Result<Self> {
        Self::find_with(global, &|name| std::env::var(name).ok())
    }

    fn find_with(global: &Global, variables: Variables<'_>) -> Result<Self> {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let home = set("HOME").map(PathBuf::from);
        let folder =
            set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(".config")));
        let folder = folder.unwrap_or_else(|| PathBuf::from(".")).join("muniment");
        let file = folder.join("credentials.toml");
        let saved = read_saved(&file, home.map(|home| home.join(".alif/config.json")).as_deref())?;
        let url = global.url.clone().or_else(|| set("MUNIMENT_URL")).or_else(|| set("ALIF_API_URL"));
        let secret = |flag: &Option<PathBuf>, name: &str, other: &str, saved: Option<&String>| -> Result<_> {
            let from_file = match flag.clone().or_else(|| set(&format!("{name}_FILE")).map(PathBuf::from)) {
                Some(path) => Some(read_secret(&path)?),
                None => None,
            };
            let found = from_file.or_else(|| set(name)).or_else(|| set(other)).or_else(|| saved.cloned());
            Ok(found.map(SecretString::from))
        };
        Ok(Self {
            agent: secret(&global.token_file, "MUNIMENT_TOKEN", "ALIF_API_TOKEN", saved.token.as_ref())?,
            session: secret(
                &global.session_token_file,
                "MUNIMENT_SESSION_TOKEN",
                "ALIF_SESSION_TOKEN",
                saved.session_token.as_ref(),
            )?,
            signup_secret: secret(&global.signup_secret_file, "MUNIMENT_SIGNUP_SECRET", "ALIF_SIGNUP_SECRET", None)?,
            url: url.or_else(|| saved.url.clone()).unwrap_or_else(|| DEFAULT_URL.to_owned()),
            saved,
            file,
        })
    }

    /// The agent token.
    ///
    /// # Errors
    /// When there is none.
    pub fn agent(&self) -> Result<Auth> {
        self.agent
            .clone()
            .map(Auth::Agent)
            .ok_or_else(|| Exit::Denied.because("there is no agent token: set MUNIMENT_TOKEN, or run `muniment apply`"))
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
        let missing = || Exit::Denied.because("you are not signed in: run `muniment login --email <address>`");
        self.session.clone().map(Auth::Session).ok_or_else(missing)
    }

    /// Whether there is a session.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Keeps a change for the next call.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, change: impl FnOnce(&mut Saved)) -> Result<()> {
        change(&mut self.saved);
        self.saved.url = Some(self.url.clone());
        write_saved(&self.file, &self.saved).with_context(|| format!("cannot save {}", self.file.display()))
    }
}

fn read_secret(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Exit::Usage.because_of(format!("cannot read {}", path.display()), error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_saved(file: &Path, foreign: Option<&Path>) -> Result<Saved> {
    if let Some(text) = read_if_there(file)? {
        let saved = toml::from_str(&text);
        // The parser quotes the line it stumbles over, which may hold a token.
        return saved.map_err(|_| anyhow::anyhow!("{} is damaged: remove it and sign in again", file.display()));
    }
    let Some(foreign) = foreign else { return Ok(Saved::default()) };
    match read_if_there(foreign)? {
        Some(text) => serde_json::from_str(&text).map_err(|_| anyhow::anyhow!("{} is damaged", foreign.display())),
        None => Ok(Saved::default()),
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_saved(file: &Path, saved: &Saved) -> Result<()> {
    // The path is made by joining two names to a folder.
    let folder = file.parent().context("has no folder")?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let fresh = folder.join(format!(".credentials.{}.tmp", std::process::id()));
    let text = toml::to_string(saved)?;
    let mut options = fs::OpenOptions::new();
    let mut handle = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = handle.write_all(text.as_bytes()).and_then(|()| handle.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&fresh, file)) {
        fs::remove_file(&fresh)?;
        return Err(error.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
        use secrecy::ExposeSecret as _;
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
