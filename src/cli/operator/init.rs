//! Prepares an installation: the settings file, with every setting explained, and the master key.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;
use muniment_journal::{KeySource, MasterKey};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::config::registry::{SETTINGS, Setting};
use crate::config::{Config, KeysConfig, Loaded, Surroundings};

/// Write muniment.toml and make the master key
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  muniment init\n  muniment init --data-dir /var/lib/muniment --env production")]
pub struct Init {
    /// Folder of the keys and, with the embedded default, of the record [MUNIMENT_DATA_DIR; default: ./data]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// development or production, for everything that others reach; not given, it goes by the address that the server
    /// listens on: development on a loopback address, else production [MUNIMENT_ENV]
    #[arg(long, value_parser = ["development", "production"])]
    env: Option<String>,
}

/// Prepares an installation. What exists stays as it is.
///
/// # Errors
/// When there is a settings file already, the settings cannot be read, or a file cannot be written.
pub fn init(printer: &Printer, command: &Init) -> Result<()> {
    let file = Path::new("muniment.toml");
    if file.exists() {
        return Err(exists());
    }
    // As the server will read them, so that it finds the key where this makes it.
    let surroundings = Surroundings::of_process().flag("data_dir", "--data-dir", command.data_dir.clone()).flag(
        "env",
        "--env",
        command.env.clone(),
    );
    let loaded = Config::load(&surroundings)?;
    let kind = chosen_environment(&loaded);
    let config = loaded.config;
    let data_dir = std::path::absolute(&config.store.data_dir)?;
    // The key first: where it cannot be made, the same command can be given again.
    let key = match &config.store.keys {
        KeysConfig::Directory { path, .. } => {
            let path = std::path::absolute(path)?;
            MasterKey::load(&KeySource::Directory { path: path.clone(), create_missing: true })?;
            Some(path.join("master.key"))
        }
        KeysConfig::Explicit(_) => None,
    };
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    let mut handle = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(exists());
        }
        other => other.context("cannot write muniment.toml")?,
    };
    let text = template(&data_dir, kind);
    if let Err(error) = handle.write_all(text.as_bytes()).and_then(|()| handle.sync_all()) {
        // The next start would read what was written of it, and the same command would leave it as it is.
        std::fs::remove_file(file).context("half of muniment.toml was written, and it cannot be removed")?;
        return Err(error).context("cannot write muniment.toml");
    }
    let shown = json!({ "config": file, "master_key": key });
    printer.result(&shown, || {
        vec![
            "Settings: muniment.toml".to_owned(),
            key.as_ref().map_or_else(
                || "Master key: the one in the settings".to_owned(),
                |key| format!("Master key: {}", key.display()),
            ),
            "Keep a copy of the master key elsewhere: without it personal values can never be read again.".to_owned(),
            "Next: muniment serve".to_owned(),
        ]
    })
}

/// The kind of installation, where somebody chose it or the address makes it production. Development that follows from the
/// address is not written: it would stay when the address changes.
fn chosen_environment(loaded: &Loaded) -> Option<&'static str> {
    let is_chosen = loaded.effective.iter().any(|setting| setting.name == "env" && !setting.is_default());
    let environment = &loaded.config.environment;
    (is_chosen || environment.is_production()).then(|| environment.as_str())
}

fn exists() -> anyhow::Error {
    Exit::Conflict.because("muniment.toml exists already; it was not changed")
}

/// The settings file: what was chosen, and every other setting as a comment. What is in no table comes first, because
/// a table in TOML lasts until the next one, and none can be opened twice.
fn template(data_dir: &Path, env: Option<&str>) -> String {
    let mut text = "# Every setting, with its default. A variable MUNIMENT_<NAME> beats this file.\n".to_owned();
    let split = |setting: &'static Setting| setting.name.split_once('.').unwrap_or(("", setting.name));
    let mut tables = vec![""];
    for (table, _) in SETTINGS.iter().map(split) {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for table in tables {
        // Writing to a String cannot fail, here and below.
        if !table.is_empty() {
            let _ = writeln!(text, "\n[{table}]");
        }
        for setting in SETTINGS.iter().filter(|setting| split(setting).0 == table) {
            let key = split(setting).1;
            // Cannot fail, as above.
            let _ = writeln!(text, "\n# {}. Default: {}.", setting.about, setting.default);
            let _ = match (setting.name, env) {
                ("env", Some(env)) => writeln!(text, "env = {}", toml::Value::from(env)),
                ("data_dir", _) => writeln!(text, "data_dir = {}", toml::Value::from(data_dir.display().to_string())),
                _ if setting.secret => {
                    writeln!(text, "# {key} comes best from the file that {} names", file_variable(setting))
                }
                _ => writeln!(text, "# {key} ="),
            };
        }
    }
    text
}

fn file_variable(setting: &Setting) -> String {
    // A setting has at least the variable that is made from its name.
    setting.variables().next().map(|variable| format!("{variable}_FILE")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_init_writes_is_one_the_program_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muniment.toml");
        let surroundings = Surroundings { files: vec![path.clone()], ..Surroundings::default() };
        for (env, is_production) in [(Some("production"), true), (Some("development"), false), (None, false)] {
            std::fs::write(&path, template(Path::new("/a \"b\""), env)).unwrap();
            let config = Config::load(&surroundings).unwrap().config;
            assert_eq!(config.environment.is_production(), is_production);
            assert_eq!(config.store.data_dir, Path::new("/a \"b\""));
        }
    }
}
