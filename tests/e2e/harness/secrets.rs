//! Every secret that any server handed out, took or was started with in this run, so that the end of the run can look for
//! them where they must never be: in stores, logs, exports, settings that are shown, and refusals.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aho_corasick::AhoCorasick;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::Value;

use super::{PASSWORD, base64url};

/// Tokens, cookies, passwords and keys.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// Codes by e-mail. Six digits stand in many a number, so they are looked for where a text or a name says what they are.
static CODES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// Bodies of refusals.
static REFUSALS: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

/// Characters at the end of a token that are all secret, whatever its kind.
const SECRET_CHARACTERS: usize = 32;
/// Shorter ones could stand anywhere by chance.
const PASSWORD_CHARACTERS_MIN: usize = 12;

/// Settings whose value nobody may see again.
const SECRET_SETTINGS: [&str; 3] = ["MUNIMENT_COOKIE_KEYS", "MUNIMENT_MASTER_KEY", "MUNIMENT_SIGNUP_SECRET"];
/// Fields of requests that hold a password.
const PASSWORD_FIELDS: [&str; 3] = ["password", "current_password", "new_password"];

/// Remembers what an answer hands out, and keeps a refusal.
pub(super) fn heed(status: u16, headers: &HeaderMap, body: &[u8]) {
    for cookie in headers.get_all(SET_COOKIE) {
        let value = cookie.to_str().ok().and_then(|text| text.split_once('=')).map_or("", |(_, value)| value);
        remember(value.split(':').next().unwrap_or_default());
    }
    if status >= 400 {
        REFUSALS.lock().unwrap().insert(body.to_vec());
    }
    if let Ok(answer) = serde_json::from_slice(body) {
        walk(&answer);
    }
}

/// Remembers the passwords of a request that was granted.
pub(super) fn heed_request(body: &[u8]) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return };
    PASSWORD_FIELDS.iter().filter_map(|name| fields.get(*name)?.as_str()).for_each(password);
}

/// Remembers a password, if it is one that nobody would write by chance: a fuzzer may take an id for one, which stands
/// everywhere.
pub(super) fn password(password: &str) {
    let letters: BTreeSet<char> = password.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    let is_plain = password.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ');
    let is_id = uuid::Uuid::parse_str(password).is_ok();
    if is_plain && !is_id && password.len() >= PASSWORD_CHARACTERS_MIN && letters.len() > 4 {
        SEEN.lock().unwrap().insert(password.to_owned());
    }
}

/// Remembers what is secret of the settings that a server is started with.
pub(super) fn heed_settings(settings: &[(String, String)]) {
    let secret = settings.iter().filter(|(name, _)| SECRET_SETTINGS.contains(&name.as_str()));
    secret.flat_map(|(_, value)| value.split(',')).for_each(key);
    let logins = settings.iter().filter_map(|(_, value)| value.split_once("://")?.1.split_once('@'));
    logins.filter_map(|(login, _)| login.split_once(':')).for_each(|(_, password)| key(password));
}

/// Remembers a key as it stands in a setting or a file.
pub(super) fn key(key: &str) {
    if key.trim().len() >= PASSWORD_CHARACTERS_MIN {
        SEEN.lock().unwrap().insert(key.trim().to_owned());
    }
}

fn walk(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if name == "token" || name.ends_with("_token") => remember(text),
                    Some(code) if name == "dev_otp" => drop(CODES.lock().unwrap().insert(code.to_owned())),
                    _ => walk(field),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(walk),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn remember(token: &str) {
    if token.len() >= SECRET_CHARACTERS && token.chars().all(base64url) {
        SEEN.lock().unwrap().insert(token[token.len() - SECRET_CHARACTERS..].to_owned());
    }
}

/// How many secrets and codes were seen so far.
pub(super) fn seen() -> (usize, usize) {
    (SEEN.lock().unwrap().len(), CODES.lock().unwrap().len())
}

/// The bodies of all refusals so far, one after the other.
pub(super) fn refusals() -> Vec<u8> {
    REFUSALS.lock().unwrap().iter().flatten().copied().collect()
}

/// Whether the secret of a token, or of a cookie, was remembered.
pub(super) fn knows(token: &str) -> bool {
    token.len() >= SECRET_CHARACTERS && SEEN.lock().unwrap().contains(&token[token.len() - SECRET_CHARACTERS..])
}

/// Everything remembered so far, to be looked for.
pub(super) struct Search {
    wanted: Vec<String>,
    all: AhoCorasick,
}

impl Search {
    pub(super) fn now() -> Self {
        let mut wanted: Vec<String> = SEEN.lock().unwrap().iter().cloned().collect();
        wanted.extend([PASSWORD.to_owned(), "$argon2id$".to_owned()]);
        // A dump writes columns of bytes in hexadecimal digits.
        wanted.extend(wanted.iter().map(hex::encode).collect::<Vec<_>>());
        for code in CODES.lock().unwrap().iter() {
            wanted.extend([
                format!("\"{code}\""),
                format!("code\":{code}"),
                format!("code={code}"),
                format!("code {code}"),
            ]);
        }
        Self { all: AhoCorasick::new(&wanted).unwrap(), wanted }
    }

    /// A secret that stands in these bytes in clear, with what stands around it.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<String> {
        let found = self.all.find(bytes)?;
        let around = found.start().saturating_sub(200)..bytes.len().min(found.end() + 100);
        Some(String::from_utf8_lossy(&bytes[around]).into_owned())
    }

    /// Fails where one of them would be missed, or one behind all these bytes: to find nothing proves nothing otherwise.
    pub(super) fn check(&self, bytes: &[u8]) {
        for wanted in &self.wanted {
            assert!(self.find(wanted.as_bytes()).is_some(), "{wanted} is not found where nothing else stands");
        }
        let last = self.wanted.last().map_or("", String::as_str);
        let planted = [bytes, last.as_bytes()].concat();
        assert!(self.find(&planted).is_some(), "a secret behind {} bytes is not found", bytes.len());
    }
}

/// A secret of this run that stands in these bytes in clear, with what stands around it.
pub(super) fn found_in(bytes: &[u8]) -> Option<String> {
    Search::now().find(bytes)
}
