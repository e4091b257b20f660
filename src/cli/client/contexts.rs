//! Several servers and logins side by side. A context is a saved file of its own in `contexts/`; `default` is
//! `credentials.toml`. Which one counts: `--context`, else `MUNIMENT_CONTEXT`, else what `context use` chose.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cli::exit::Exit;

/// The context that is there without being made.
pub const DEFAULT: &str = "default";
/// Letters of a name.
const NAME_LETTERS_MAX: usize = 64;

/// A name of a context.
///
/// # Errors
/// When it would not make a file's name.
pub fn name(text: &str) -> Result<String, String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_name = !text.is_empty()
        && text.len() <= NAME_LETTERS_MAX
        && text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && text.chars().all(fits);
    if is_name { Ok(text.to_owned()) } else { Err("a name has letters, digits, - _ and .".to_owned()) }
}

/// The folder in which everything is saved.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

/// Where what counts for a call is saved.
#[derive(Debug, Clone)]
pub struct Place {
    /// The context's name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Whether a flag chose it. What it holds then beats the environment, as flags do: a token of the environment is
    /// never sent to the server of a context that was named.
    pub by_flag: bool,
}

impl Place {
    /// Whether it is the one that is there without being made.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// The flag that names it, with a blank before it; nothing for the default.
    #[must_use]
    pub fn flag(&self) -> String {
        if self.is_default() { String::new() } else { format!(" --context {}", self.name) }
    }
}

impl Folder {
    /// `$XDG_CONFIG_HOME/muniment`, or `~/.config/muniment`.
    #[must_use]
    pub fn of(variables: impl Fn(&str) -> Option<String>) -> Self {
        let config = variables("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| variables("HOME").map(|home| PathBuf::from(home).join(".config")));
        Self(config.unwrap_or_else(|| PathBuf::from(".")).join("muniment"))
    }

    /// The file of a context.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        if name == DEFAULT { self.0.join("credentials.toml") } else { self.0.join(format!("contexts/{name}.toml")) }
    }

    /// The place that counts.
    ///
    /// # Errors
    /// When the name in the environment, or the one chosen last, is none.
    pub fn place(&self, flag: Option<&str>, variable: Option<&str>) -> Result<Place> {
        let name = match (flag, variable) {
            (Some(flag), _) => flag.to_owned(),
            (None, Some(variable)) => name(variable)
                .map_err(|refused| Exit::Usage.because(format!("MUNIMENT_CONTEXT is no context: {refused}")))?,
            (None, None) => self.chosen()?,
        };
        Ok(Place { file: self.file(&name), name, by_flag: flag.is_some() })
    }

    /// The context that was chosen to count where nothing names one.
    ///
    /// # Errors
    /// When the choice cannot be read.
    pub fn chosen(&self) -> Result<String> {
        let file = self.0.join("context");
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(DEFAULT.to_owned()),
            other => other.with_context(|| format!("cannot read {}", file.display()))?,
        };
        name(text.trim()).map_err(|refused| {
            Exit::Usage.because(format!("{} names no context ({refused}): remove it", file.display()))
        })
    }

    /// Chooses the context that counts where nothing names one.
    ///
    /// # Errors
    /// When the choice cannot be kept.
    pub fn choose(&self, name: &str) -> Result<()> {
        let (file, fresh) = (self.0.join("context"), self.0.join(format!(".context.{}.tmp", std::process::id())));
        let kept = fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(&fresh, format!("{name}\n")))
            .and_then(|()| fs::rename(&fresh, &file));
        kept.with_context(|| format!("cannot write {}", file.display()))
    }

    /// The names of all that are saved, the default first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let folder = self.0.join("contexts");
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
            Ok(entries) => {
                for entry in entries {
                    names.extend(name_of(&entry?.path()));
                }
            }
        }
        names.sort();
        names.insert(0, DEFAULT.to_owned());
        Ok(names)
    }
}

fn name_of(file: &Path) -> Option<String> {
    name(file.file_name()?.to_str()?.strip_suffix(".toml")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for good in ["staging", "a", "eu-1.prod_2"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", &"x".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_flag_beats_the_environment_and_that_the_choice() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder(home.path().join("muniment"));
        let place = |flag, variable| folder.place(flag, variable).map(|place| (place.name, place.by_flag));
        assert_eq!(place(None, None).unwrap(), (DEFAULT.to_owned(), false));
        folder.choose("chosen").unwrap();
        assert_eq!(place(None, None).unwrap(), ("chosen".to_owned(), false));
        assert_eq!(place(None, Some("named")).unwrap(), ("named".to_owned(), false));
        assert_eq!(place(Some("flag"), Some("named")).unwrap(), ("flag".to_owned(), true));
        assert!(place(None, Some("../x")).is_err());
        assert_eq!(folder.file(DEFAULT), folder.0.join("credentials.toml"));
    }
}
