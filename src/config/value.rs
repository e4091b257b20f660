//! How one value is read, from a file's own type or from a variable's text, and how it is shown again.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use figment::value::Value;
use secrecy::{ExposeSecret as _, SecretString};

/// A type that a setting can have.
pub(super) trait FromValue: Sized {
    /// Reads it; the error says what was expected and never repeats the value.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// The text for `config show`.
    fn shown(&self) -> String;
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A number of a file. TOML's whole numbers bear a sign, which `to_u128` alone takes for another kind of number.
fn whole(value: &Value) -> Option<u64> {
    let signed = || value.to_i128().and_then(|number| u64::try_from(number).ok());
    value.to_u128().and_then(|number| u64::try_from(number).ok()).or_else(signed)
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        text(value).map(str::to_owned).ok_or_else(|| "must be a text".to_owned())
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl FromValue for SecretString {
    fn from_value(value: &Value) -> Result<Self, String> {
        let text = text(value).ok_or_else(|| "must be a text".to_owned())?;
        if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn shown(&self) -> String {
        // The length would help a guesser; that it is set is all a reader needs.
        if self.expose_secret().is_empty() { String::new() } else { "********".to_owned() }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        match (value.to_bool(), text(value)) {
            (Some(flag), _) => Ok(flag),
            (None, Some("true")) => Ok(true),
            (None, Some("false")) => Ok(false),
            (None, _) => Err("must be true or false".to_owned()),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        whole(value).or_else(|| text(value)?.parse().ok()).ok_or_else(|| "must be a whole number, 0 or more".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        let whole = || Some(Self::from(u32::try_from(whole(value)?).ok()?));
        let number = value.to_f64().or_else(whole).or_else(|| text(value)?.parse().ok());
        number.ok_or_else(|| "must be a number".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl FromValue for usize {
    fn from_value(value: &Value) -> Result<Self, String> {
        Self::try_from(u64::from_value(value)?).map_err(|_| "is too large".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl FromValue for NonZeroUsize {
    fn from_value(value: &Value) -> Result<Self, String> {
        Self::new(usize::from_value(value)?).ok_or_else(|| "must be 1 or more".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

/// Whole seconds.
impl FromValue for Duration {
    fn from_value(value: &Value) -> Result<Self, String> {
        match u64::from_value(value) {
            Ok(0) | Err(_) => Err("must be a whole number of seconds, 1 or more".to_owned()),
            Ok(seconds) => Ok(Self::from_secs(seconds)),
        }
    }

    fn shown(&self) -> String {
        self.as_secs().to_string()
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Result<Self, String> {
        match text(value) {
            Some("") | None => Err("must be a path".to_owned()),
            Some(path) => Ok(Self::from(path)),
        }
    }

    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl FromValue for SocketAddr {
    fn from_value(value: &Value) -> Result<Self, String> {
        let address = text(value).and_then(|text| {
            let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
            named.as_deref().unwrap_or(text).parse().ok()
        });
        address.ok_or_else(|| "must be an address and a port, as 127.0.0.1:8080 or [::1]:8080".to_owned())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

/// A list in a file; a text with commas in a variable.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, String> {
        if let Some(items) = value.as_array() {
            return items.iter().map(T::from_value).collect();
        }
        let text = text(value).ok_or_else(|| "must be a list".to_owned())?;
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| T::from_value(&item.into())).collect()
    }

    fn shown(&self) -> String {
        self.iter().map(FromValue::shown).collect::<Vec<_>>().join(",")
    }
}
