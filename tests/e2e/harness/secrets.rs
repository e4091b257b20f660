//! Every token that any server handed out in this run, so that the end of the run can look for them where they must
//! never be: in a store, in a log.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aho_corasick::AhoCorasick;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::Value;

use super::{PASSWORD, base64url};

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Characters at the end of a token that are all secret, whatever its kind.
const SECRET_CHARACTERS: usize = 32;

/// Remembers what an answer hands out.
pub(super) fn heed(headers: &HeaderMap, body: &[u8]) {
    for cookie in headers.get_all(SET_COOKIE) {
        let value = cookie.to_str().ok().and_then(|text| text.split_once('=')).map_or("", |(_, value)| value);
        remember(value.split(':').next().unwrap_or_default());
    }
    if let Ok(answer) = serde_json::from_slice(body) {
        walk(&answer);
    }
}

fn walk(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if name == "token" || name.ends_with("_token") => remember(text),
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

/// How many tokens were handed out so far.
pub(crate) fn seen() -> usize {
    SEEN.lock().unwrap().len()
}

/// A secret of this run that stands in these bytes in clear, with what stands around it.
pub(crate) fn found_in(bytes: &[u8]) -> Option<String> {
    let mut secrets: Vec<String> = SEEN.lock().unwrap().iter().cloned().collect();
    secrets.extend([PASSWORD.to_owned(), "$argon2id$".to_owned()]);
    let all = AhoCorasick::new(&secrets).unwrap();
    let found = all.find(bytes)?;
    let around = found.start().saturating_sub(200)..bytes.len().min(found.end() + 100);
    Some(String::from_utf8_lossy(&bytes[around]).into_owned())
}
