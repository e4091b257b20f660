//! The file that keeps what a call needs between two calls: `credentials.toml`, or that of a context.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::cli::output::say;

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

/// What is saved; where nothing is, what the other client saved.
///
/// # Errors
/// When a file cannot be read, or is damaged.
pub fn read_saved(file: &Path, foreign: Option<&Path>) -> Result<Saved> {
    if let Some(text) = read_if_there(file)? {
        close_to_others(file)?;
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

/// Takes from others what an editor or a copy gave them: the file opens what its owner may do.
fn close_to_others(file: &Path) -> Result<()> {
    let mode = fs::metadata(file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let name = file.display();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).with_context(|| {
            format!("{name} has mode {mode:04o} and holds what proves who you are: chmod 600 {name}")
        })?;
        say(&format!("warning: {name} could be read by others (mode {mode:04o}); it no longer can"));
    }
    Ok(())
}

/// The folder of what is saved, made where it is missing.
fn folder_of(file: &Path) -> Result<&Path> {
    // The path is made by joining two names to a folder.
    let folder = file.parent().context("has no folder")?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// The turn of one of the commands that save at once, until it is dropped; the others wait.
///
/// # Errors
/// When there is no folder to save in, and none can be made.
pub fn turn(file: &Path) -> Result<fs::File> {
    let held = fs::File::open(folder_of(file)?)?;
    // Some file systems lock no folder: there, whoever saves last wins, and nothing that is shown once is lost for it.
    if let Err(error) = held.lock() {
        tracing::debug!(%error, "what is saved cannot be locked");
    }
    Ok(held)
}

/// The file that will take the place of the one that is saved.
fn begin(file: &Path) -> Result<(PathBuf, fs::File)> {
    let folder = folder_of(file)?;
    let fresh = folder.join(format!(".credentials.{}.tmp", std::process::id()));
    let handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    Ok((fresh, handle))
}

/// Whether something could be saved: asked before something is used up for it.
///
/// # Errors
/// When it cannot be written.
pub fn check_writable(file: &Path) -> Result<()> {
    let (fresh, _) = begin(file)?;
    Ok(fs::remove_file(fresh)?)
}

/// Writes what is saved: folder 0700, file 0600, by rename.
///
/// # Errors
/// When it cannot be written.
pub fn write_saved(file: &Path, saved: &Saved) -> Result<()> {
    let text = toml::to_string(saved)?;
    let (fresh, mut handle) = begin(file)?;
    let written = handle.write_all(text.as_bytes()).and_then(|()| handle.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&fresh, file)) {
        fs::remove_file(&fresh)?;
        return Err(error.into());
    }
    Ok(())
}
