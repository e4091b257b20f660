//! Takes settings out of the layers one by one, noting every error and every value's source.

use figment::value::{Dict, Value};
use figment::{Figment, Provider as _, Source};

use super::errors::{ConfigError, ConfigErrors};
use super::layers::{Surroundings, stack};
use super::registry::SETTINGS;
use super::value::FromValue;

/// The origin of what nothing sets.
pub(super) const DEFAULT: &str = "default";

/// One setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Its name.
    pub name: &'static str,
    /// Its value, masked where it is a secret; `None` where there is none.
    pub value: Option<String>,
    /// Where the value came from: `default`, a file, a variable or a flag.
    pub origin: String,
}

impl Effective {
    /// Whether nothing sets it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.origin == DEFAULT
    }
}

/// The open layers.
pub(super) struct Reader {
    figment: Figment,
    errors: Vec<ConfigError>,
    effective: Vec<Effective>,
}

impl Reader {
    pub(super) fn open(surroundings: &Surroundings) -> Self {
        let mut errors = Vec::new();
        let figment = stack(surroundings, &mut errors);
        let mut reader = Self { figment, errors, effective: Vec::new() };
        reader.refuse_unknown();
        reader
    }

    /// The value of a setting, or its default.
    pub(super) fn get<T: FromValue>(&mut self, name: &'static str, default: T) -> T {
        match self.take(name) {
            Some(value) => value,
            None => {
                self.note_default(name, Some(default.shown()));
                default
            }
        }
    }

    /// The value of a setting that may be absent.
    pub(super) fn optional<T: FromValue>(&mut self, name: &'static str) -> Option<T> {
        let value = self.take(name);
        if value.is_none() {
            self.note_default(name, None);
        }
        value
    }

    /// The value of a setting that is one of a few words.
    pub(super) fn one_of(
        &mut self,
        name: &'static str,
        words: &'static [&'static str],
        default: &'static str,
    ) -> &'static str {
        let given: String = self.get(name, default.to_owned());
        match words.iter().find(|word| **word == given) {
            Some(word) => word,
            None => {
                self.refuse(name, format!("must be {}", words.join(" or ")));
                default
            }
        }
    }

    /// A whole number that must not be below `least`.
    pub(super) fn at_least(&mut self, name: &'static str, least: usize, default: usize) -> usize {
        let value = self.get(name, default);
        if value < least {
            self.refuse(name, format!("must be {least} or more"));
        }
        value
    }

    /// Notes that a value cannot be used, for a reason that its type does not know.
    pub(super) fn refuse(&mut self, name: &str, what: impl Into<String>) {
        self.errors.push(ConfigError { setting: name.to_owned(), what: what.into() });
    }

    /// Whether some layer sets it.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.figment.contains(name)
    }

    /// Every setting with its source, or every error.
    pub(super) fn finish(mut self) -> Result<Vec<Effective>, ConfigErrors> {
        if !self.errors.is_empty() {
            self.errors.dedup();
            return Err(ConfigErrors(self.errors));
        }
        let place = |name: &str| SETTINGS.iter().position(|setting| setting.name == name);
        self.effective.sort_by_key(|effective| place(effective.name));
        Ok(self.effective)
    }

    fn take<T: FromValue>(&mut self, name: &'static str) -> Option<T> {
        let value = self.figment.find_value(name).ok().filter(|value| !matches!(value, Value::Empty(..)))?;
        let origin = self.origin(&value);
        match T::from_value(&value) {
            Ok(taken) => {
                let value = Some(if is_secret(name) { "********".to_owned() } else { taken.shown() });
                self.effective.push(Effective { name, value, origin });
                Some(taken)
            }
            Err(what) => {
                self.refuse(name, format!("{what} ({origin})"));
                None
            }
        }
    }

    fn note_default(&mut self, name: &'static str, value: Option<String>) {
        self.effective.push(Effective { name, value, origin: DEFAULT.to_owned() });
    }

    fn origin(&self, value: &Value) -> String {
        let Some(metadata) = self.figment.get_metadata(value.tag()) else { return DEFAULT.to_owned() };
        match &metadata.source {
            Some(Source::File(path)) => format!("file {}", path.display()),
            _ => metadata.name.to_string(),
        }
    }

    fn refuse_unknown(&mut self) {
        let Ok(data) = self.figment.data() else { return };
        for dict in data.into_values() {
            self.refuse_unknown_in("", &dict);
        }
    }

    fn refuse_unknown_in(&mut self, table: &str, dict: &Dict) {
        for (key, value) in dict {
            let name = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
            if SETTINGS.iter().any(|setting| setting.name == name) {
                continue;
            }
            let inside = format!("{name}.");
            match value.as_dict() {
                Some(dict) if SETTINGS.iter().any(|setting| setting.name.starts_with(&inside)) => {
                    self.refuse_unknown_in(&name, dict);
                }
                _ => {
                    let origin = self.origin(value);
                    let meant = meant(&name, value.as_dict().is_some());
                    self.refuse(&name, format!("is no setting ({origin}){meant}"));
                }
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name && setting.secret)
}

/// What a name that is no setting was probably meant to be, as the end of a sentence.
fn meant(name: &str, is_table: bool) -> String {
    let names = || SETTINGS.iter().map(|setting| setting.name);
    // A line that is added at the end of a file belongs to its last table.
    if let Some((_, last)) = name.split_once('.')
        && names().any(|name| name == last)
    {
        return format!("; {last} is one, and stands above the first [table] of the file");
    }
    let near = if is_table {
        nearest(name, names().filter_map(|name| Some(name.split_once('.')?.0))).map(|table| format!("[{table}]"))
    } else {
        nearest(name, names()).map(str::to_owned)
    };
    near.map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The name that is at most three edits away, and not half of another one.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = names.map(|other| (edits(name, other), other));
    distances.min().filter(|(distance, _)| *distance <= 3 && distance * 2 <= name.len()).map(|(_, name)| name)
}

/// Levenshtein distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
