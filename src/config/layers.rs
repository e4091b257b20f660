//! Where values come from: the files, the variables and the flags, each as a figment layer that knows its name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Empty, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::errors::ConfigError;
use super::reader::DEFAULT;
use super::registry::{CLIENT_VARIABLES, SETTINGS, Setting};

/// What surrounds the program when it starts. Passed in, so that a test surrounds it with what it likes.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The settings files, weakest first. A missing one is no error.
    pub files: Vec<PathBuf>,
    /// The environment's variables.
    pub variables: BTreeMap<String, String>,
    /// Names of variables whose value is not Unicode.
    pub unreadable: Vec<String>,
    /// Flags: name of the setting, the flag as written, its value.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// Settings that keep their default, whatever sets them.
    pub without: &'static [&'static str],
}

impl Surroundings {
    /// The process's own: `$XDG_CONFIG_HOME/muniment/muniment.toml`, `./muniment.toml` and its environment.
    #[must_use]
    pub fn of_process() -> Self {
        let (mut variables, mut unreadable) = (BTreeMap::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            // A name that is not Unicode is none of ours.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(variables.insert(name, value)),
                Err(_) => unreadable.push(name),
            }
        }
        let home = variables.get("HOME").map(|home| PathBuf::from(home).join(".config"));
        let user = variables.get("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from).or(home);
        let mut files: Vec<PathBuf> = user.map(|folder| folder.join("muniment/muniment.toml")).into_iter().collect();
        files.push(PathBuf::from("muniment.toml"));
        Self { files, variables, unreadable, ..Self::default() }
    }

    /// Without what files and variables say of these settings.
    #[must_use]
    pub fn without(mut self, settings: &'static [&'static str]) -> Self {
        self.without = settings;
        self
    }

    /// With a flag's value, where the flag was given.
    #[must_use]
    pub fn flag(mut self, setting: &'static str, flag: &'static str, value: Option<String>) -> Self {
        self.flags.extend(value.map(|value| (setting, flag, value)));
        self
    }
}

/// One value from a variable or a flag, or the word that there is none.
struct Single {
    setting: &'static str,
    value: Value,
    origin: String,
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(self.setting, self.value.clone());
        Ok(Profile::Default.collect(nested.into_dict().unwrap_or_default()))
    }
}

/// Puts the layers on each other. What cannot be read is an error of its own and left out.
pub(super) fn stack(surroundings: &Surroundings, errors: &mut Vec<ConfigError>) -> Figment {
    let mut figment = Figment::new();
    for path in surroundings.files.iter().filter(|path| path.exists()) {
        let file = Toml::file_exact(path);
        match file.data() {
            Ok(_) => figment = figment.merge(file),
            Err(error) => {
                let what = without_quotation(&error.kind.to_string());
                errors.push(ConfigError { setting: path.display().to_string(), what });
            }
        }
    }
    for setting in SETTINGS.iter().filter(|setting| !surroundings.without.contains(&setting.name)) {
        if let Some(single) = variable_of(setting, &surroundings.variables, errors) {
            figment = figment.merge(single);
        }
    }
    refuse_unknown_variables(&surroundings.variables, errors);
    // Left out, a folder with such a name would be another folder without a word.
    for name in surroundings.unreadable.iter().filter(|name| name.starts_with("MUNIMENT_")) {
        errors.push(ConfigError { setting: name.clone(), what: "is not written in UTF-8".to_owned() });
    }
    for setting in surroundings.without {
        let value = Value::Empty(Tag::Default, Empty::None);
        figment = figment.merge(Single { setting, value, origin: DEFAULT.to_owned() });
    }
    for (setting, flag, value) in &surroundings.flags {
        figment = figment.merge(Single { setting, value: value.clone().into(), origin: format!("flag {flag}") });
    }
    figment
}

/// What a parser says, without the line of the file that it quotes: a secret may be in it.
fn without_quotation(said: &str) -> String {
    let is_quotation = |line: &&str| {
        let number = line.split('|').next().unwrap_or_default().trim();
        line.contains('|') && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let lines: Vec<&str> = said.lines().filter(|line| !is_quotation(line)).map(str::trim).collect();
    lines.join("; ")
}

/// The value of a setting in the environment, by any of its names. An empty variable counts as absent.
fn variable_of(
    setting: &Setting,
    variables: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> Option<Single> {
    let mut found: Vec<Single> = Vec::new();
    for name in setting.variables() {
        if let Some(value) = variables.get(&name).filter(|value| !value.is_empty()) {
            found.push(Single {
                setting: setting.name,
                value: value.clone().into(),
                origin: format!("variable {name}"),
            });
        }
        let file_name = format!("{name}_FILE");
        if setting.secret
            && let Some(path) = variables.get(&file_name).filter(|value| !value.is_empty())
        {
            match std::fs::read_to_string(path) {
                Ok(text) => found.push(Single {
                    setting: setting.name,
                    value: text.trim_end_matches(['\r', '\n']).into(),
                    origin: format!("file {path} (variable {file_name})"),
                }),
                Err(error) => errors.push(ConfigError {
                    setting: setting.name.to_owned(),
                    what: format!("{file_name} names {path}, which cannot be read: {error}"),
                }),
            }
        }
    }
    if found.len() > 1 {
        let origins: Vec<&str> = found.iter().map(|single| single.origin.as_str()).collect();
        let what = format!("is set more than once: {}; keep one", origins.join(", "));
        errors.push(ConfigError { setting: setting.name.to_owned(), what });
    }
    found.pop()
}

fn refuse_unknown_variables(variables: &BTreeMap<String, String>, errors: &mut Vec<ConfigError>) {
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("MUNIMENT_")) {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        let known = CLIENT_VARIABLES.contains(&name.as_str())
            || SETTINGS.iter().any(|setting| {
                setting.variables().any(|variable| variable == *name || (setting.secret && variable == plain))
            });
        if !known && !is_of_a_service(name, value) {
            let what = "is no variable of this program; `muniment config show` lists the settings".to_owned();
            errors.push(ConfigError { setting: name.clone(), what });
        }
    }
}

/// Whether a variable is one of those by which Kubernetes tells every container of a namespace where its Services are, one of
/// them called `muniment…`: none of their names is a setting's.
fn is_of_a_service(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    // A setting that is misspelt holds no address with a protocol.
    if name.ends_with("_PORT") && value.contains("://") {
        return true;
    }
    // <SERVICE>_PORT_<number>_<protocol>, and the same with _PROTO, _PORT or _ADDR behind it.
    name.match_indices("_PORT_").any(|(at, found)| {
        let mut rest = name.get(at + found.len()..).unwrap_or_default().split('_');
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (number, protocol) = (rest.next().is_some_and(is_number), rest.next());
        let stands = number && protocol.is_some_and(|protocol| PROTOCOLS.contains(&protocol));
        stands && matches!((rest.next(), rest.next()), (None | Some("PROTO" | "PORT" | "ADDR"), None))
    })
}
