//! Inputs: what fields a method takes, checked as a whole, and the same as JSON Schema
//! (spec/accounts-and-offers.md sections 3.1, 3.2 and 4). Strict: an unknown field is an issue.

use std::fmt;

use serde_json::{Map, Value, json};

use super::failure::Issue;
use crate::auth::common_passwords::is_common;
use crate::auth::identifiers;
use crate::auth::passwords;
use crate::runtime::moment::read_time;
use crate::surface::text::steers;

/// Most characters of a position or a time.
const MOMENT_CHARACTERS_MAX: usize = 40;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID of 36 characters with hyphens.
    Uuid,
    /// UUIDs, so many.
    Uuids {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// A text of so many characters.
    Text {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// A text of so many characters, kept as given, each of which can be seen.
    Line {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// The same after trimming.
    Label {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// The name of a role or of a scope's kind.
    Name,
    /// The name of an audit event.
    EventType,
    /// `success` or `failure`.
    Outcome,
    /// A position of the record, or a time.
    Moment,
    /// True or false.
    Flag,
    /// A whole number.
    Count {
        /// At least.
        min: u64,
        /// At most.
        max: u64,
    },
    /// Hash of a session token: 64 lower-case hex digits.
    SessionHash,
    /// Public id of an API token.
    TokenId,
    /// An e-mail address, kept as given.
    Email,
    /// A username that is about to be made.
    NewUsername,
    /// A username or e-mail that is looked up.
    GivenUsername,
    /// A password that is about to be set.
    NewPassword,
    /// A password that is compared.
    GivenPassword,
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may be absent, and `null` is absence.
    Optional,
    /// It may be absent, and `null` is wrong.
    OptionalNotNull,
}

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub need: Need,
}

/// A field that must be there.
#[must_use]
pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Required }
}

/// A field that may be absent or `null`.
#[must_use]
pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::Optional }
}

/// A field that may be absent and not `null`.
#[must_use]
pub const fn optional_not_null(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, need: Need::OptionalNotNull }
}

/// The persona the caller acts as.
pub const ACTING: Field = optional_not_null("acting", Kind::Uuid);

/// Checked fields. They cannot be printed: passwords and tokens are among them.
#[derive(Clone, Default, PartialEq)]
pub struct Input(Map<String, Value>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&self.0.keys()).finish()
    }
}

impl Input {
    /// A text, empty where it is absent: for fields the table requires.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.optional_text(name).unwrap_or_default()
    }

    /// A text that may be absent.
    #[must_use]
    pub fn optional_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A truth value, false where it is absent.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number that may be absent.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A whole number with its default, as a length.
    #[must_use]
    pub fn length(&self, name: &str, default: usize) -> usize {
        self.count(name).map_or(default, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Texts of a list that may be absent.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name)?.as_array().map(|list| list.iter().filter_map(Value::as_str).collect())
    }
}

/// Checks an input against its fields.
///
/// # Errors
/// Every issue there is, in the order of the fields; unknown fields last.
pub fn check(fields: &[Field], mut given: Map<String, Value>) -> Result<Input, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut input = Map::new();
    for field in fields {
        let value = given.remove(field.name);
        let value = match (value, field.need) {
            (None, Need::Required) => {
                issues.push(Issue::at(field.name, "invalid_type", format!("{} is required.", field.name)));
                continue;
            }
            (None, Need::Optional | Need::OptionalNotNull) | (Some(Value::Null), Need::Optional) => continue,
            (Some(value), _) => value,
        };
        match field.kind.take(field.name, value) {
            Ok(value) => {
                input.insert(field.name.to_owned(), value);
            }
            Err(issue) => issues.push(issue),
        }
    }
    if !given.is_empty() {
        let names: Vec<String> = given.keys().take(10).map(|name| name.chars().take(100).collect()).collect();
        let message = format!("Unknown here: {}.", names.join(", "));
        issues.push(Issue { code: "unrecognized_keys", message, path: Vec::new() });
    }
    if issues.is_empty() { Ok(Input(input)) } else { Err(issues) }
}

/// Checks that of these fields one at least is there.
///
/// # Errors
/// The issue, at the first of them.
pub fn check_one_of(fields: &[&'static str], input: &Input) -> Result<(), Issue> {
    match fields.first() {
        Some(first) if !fields.iter().any(|name| input.0.contains_key(*name)) => {
            Err(Issue::at(first, "custom", format!("Name {}.", fields.join(" or "))))
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks a query: texts by name. A name that stands twice says two things, and none of them is taken.
///
/// # Errors
/// Every issue.
pub fn check_query(fields: &[Field], query: &[(String, String)]) -> Result<Input, Vec<Issue>> {
    let count = |name: &str| query.iter().filter(|(given, _)| given == name).count();
    let doubled: Vec<Issue> =
        fields.iter().filter(|field| count(field.name) > 1).map(|field| twice(field.name)).collect();
    if !doubled.is_empty() {
        return Err(doubled);
    }
    check(fields, query.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}

/// The issue of a query parameter that is given more than once.
#[must_use]
pub fn twice(name: &'static str) -> Issue {
    Issue::at(name, "invalid_type", format!("{name} stands more than once."))
}

/// Whether a text is a UUID of the hyphenated form; version and variant do not matter.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// `^[a-z][a-z_]*[a-z]$|^[a-z]$`.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
}

/// `^[A-Za-z][A-Za-z0-9_./-]*$`.
fn is_event_type(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
}

fn is_session_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_token_id(text: &str) -> bool {
    text.strip_prefix("tok_").is_some_and(|rest| {
        rest.len() == 12 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    })
}

fn within(name: &'static str, text: &str, min: usize, max: usize) -> Result<(), Issue> {
    let count = text.chars().count();
    // PostgreSQL has no text with a NUL, and no name has one.
    if text.contains('\0') {
        return Err(Issue::at(name, "invalid_format", format!("{name} must not hold U+0000.")));
    }
    if count < min {
        return Err(Issue::at(name, "too_small", format!("{name} must be at least {min} characters long.")));
    }
    if count > max {
        return Err(Issue::at(name, "too_big", format!("{name} must be at most {max} characters long.")));
    }
    Ok(())
}

/// A number without a fraction, as JSON Schema means `integer`: `2.0` is 2. What is beyond exact numbers stands for itself
/// in size alone.
fn whole_number(value: &Value) -> Option<i128> {
    let exact = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    exact.or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        // Written without a fraction it can be read again, where it is short enough.
        Some(format!("{number:.0}").parse().unwrap_or(if number < 0.0 { i128::MIN } else { i128::MAX }))
    })
}

impl Kind {
    /// Checks a value and brings it to the form that is worked with.
    fn take(self, name: &'static str, value: Value) -> Result<Value, Issue> {
        let wrong_type = |expected: &str| Issue::at(name, "invalid_type", format!("{name} must be {expected}."));
        let format = |expected: &str| Issue::at(name, "invalid_format", format!("{name} must be {expected}."));
        match self {
            Self::Flag => value.as_bool().map(Value::Bool).ok_or_else(|| wrong_type("true or false")),
            Self::Count { min, max } => {
                let count = whole_number(&value).ok_or_else(|| wrong_type("a whole number"))?;
                if count < i128::from(min) {
                    return Err(Issue::at(name, "too_small", format!("{name} must be at least {min}.")));
                }
                match u64::try_from(count) {
                    Ok(count) if count <= max => Ok(json!(count)),
                    Ok(_) | Err(_) => Err(Issue::at(name, "too_big", format!("{name} must be at most {max}."))),
                }
            }
            Self::Uuids { min, max } => {
                let Value::Array(list) = value else { return Err(wrong_type("a list of UUIDs")) };
                if list.len() < min {
                    return Err(Issue::at(name, "too_small", format!("{name} must name at least {min}.")));
                }
                if list.len() > max {
                    return Err(Issue::at(name, "too_big", format!("{name} must name at most {max}.")));
                }
                let mut ids = Vec::with_capacity(list.len());
                for id in list {
                    let Value::String(id) = id else { return Err(wrong_type("a list of UUIDs")) };
                    if !is_uuid(&id) {
                        return Err(format("a list of UUIDs"));
                    }
                    ids.push(Value::String(id.to_lowercase()));
                }
                Ok(Value::Array(ids))
            }
            _ => {
                let Value::String(text) = value else { return Err(wrong_type("a string")) };
                self.take_text(name, text).map(Value::String)
            }
        }
    }

    fn take_text(self, name: &'static str, text: String) -> Result<String, Issue> {
        let format = |expected: &str| Issue::at(name, "invalid_format", format!("{name} must be {expected}."));
        let holds = |is_so: bool, expected: &str| if is_so { Ok(()) } else { Err(format(expected)) };
        match self {
            Self::Uuid => {
                holds(is_uuid(&text), "a UUID")?;
                Ok(text.to_lowercase())
            }
            Self::Text { min, max } => within(name, &text, min, max).map(|()| text),
            Self::Line { min, max } => {
                within(name, &text, min, max)?;
                holds(!text.chars().any(steers), "without controls and marks of direction").map(|()| text)
            }
            Self::Label { min, max } => Self::Line { min, max }.take_text(name, text.trim().to_owned()),
            Self::Name => holds(is_name(&text) && text.len() <= 255, "a name like teacher").map(|()| text),
            Self::EventType => holds(is_event_type(&text) && text.len() <= 255, "the name of an event").map(|()| text),
            Self::Outcome => match text.as_str() {
                "success" | "failure" => Ok(text),
                _ => Err(Issue::at(name, "invalid_value", format!("{name} must be success or failure."))),
            },
            Self::Moment => {
                within(name, &text, 1, MOMENT_CHARACTERS_MAX)?;
                if text.parse::<u64>().is_err() && read_time(&text).is_err() {
                    return Err(Issue::at(name, "invalid_value", format!("{name} must be a position or a time.")));
                }
                Ok(text)
            }
            Self::SessionHash => holds(is_session_hash(&text), "64 lower-case hex digits").map(|()| text),
            Self::TokenId => holds(is_token_id(&text), "tok_ and 12 characters").map(|()| text),
            Self::Email => {
                holds(identifiers::is_email(&text), "an address like name@example.com")?;
                Ok(text)
            }
            Self::NewUsername => identifiers::new_username(&text)
                .ok_or_else(|| format("3 to 39 letters, digits, _ and -, a letter first, a letter or digit last")),
            Self::GivenUsername => {
                within(name, &text, 1, 255)?;
                let text = text.trim().to_lowercase();
                within(name, &text, 1, 255).map(|()| text)
            }
            Self::NewPassword => within_password(name, &text, *passwords::CHARACTERS.start()).map(|()| text),
            Self::GivenPassword => within_password(name, &text, 1).map(|()| text),
            Self::Flag | Self::Count { .. } | Self::Uuids { .. } => Ok(text),
        }
    }

    fn schema(self) -> Value {
        let text = |min: usize, max: usize| json!({ "type": "string", "minLength": min, "maxLength": max });
        let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
        match self {
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Uuids { min, max } => json!({
                "type": "array", "items": { "type": "string", "format": "uuid" }, "minItems": min, "maxItems": max,
            }),
            Self::Text { min, max } | Self::Line { min, max } | Self::Label { min, max } => text(min, max),
            Self::Name => pattern("^[a-z][a-z_]*[a-z]$|^[a-z]$"),
            Self::EventType => pattern("^[A-Za-z][A-Za-z0-9_./-]*$"),
            Self::Outcome => json!({ "type": "string", "enum": ["success", "failure"] }),
            Self::Moment => text(1, MOMENT_CHARACTERS_MAX),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Count { min, max } if max >= u64::from(u32::MAX) => json!({ "type": "integer", "minimum": min }),
            Self::Count { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::SessionHash => pattern("^[0-9a-f]{64}$"),
            Self::TokenId => pattern("^tok_[A-Za-z0-9_-]{12}$"),
            Self::Email => json!({ "type": "string", "format": "email", "maxLength": 254 }),
            Self::NewUsername => {
                let mut schema = pattern("^[a-zA-Z][0-9a-zA-Z_-]*[0-9a-zA-Z]$");
                schema["minLength"] = json!(3);
                schema["maxLength"] = json!(39);
                schema
            }
            Self::GivenUsername => text(1, 255),
            Self::NewPassword => secret(text(*passwords::CHARACTERS.start(), *passwords::CHARACTERS.end())),
            Self::GivenPassword => secret(text(1, *passwords::CHARACTERS.end())),
        }
    }
}

/// Blanks and any letter are part of a password; only its length is bounded.
fn within_password(name: &'static str, text: &str, min: usize) -> Result<(), Issue> {
    match text.chars().count() {
        short if short < min => {
            Err(Issue::at(name, "too_small", format!("{name} must be at least {min} characters long.")))
        }
        long if long > *passwords::CHARACTERS.end() => {
            let most = passwords::CHARACTERS.end();
            Err(Issue::at(name, "too_big", format!("{name} must be at most {most} characters long.")))
        }
        _ => Ok(()),
    }
}

/// What is wrong with new passwords that everybody tries first.
#[must_use]
pub fn common_passwords(fields: &[Field], input: &Input) -> Vec<Issue> {
    let new = fields.iter().filter(|field| matches!(field.kind, Kind::NewPassword));
    let common = new.filter(|field| is_common(input.text(field.name)));
    let issue = |field: &Field| {
        let message = format!("{} is one of the most common passwords; choose another.", field.name);
        Issue::at(field.name, "invalid_value", message)
    };
    common.map(issue).collect()
}

fn secret(mut schema: Value) -> Value {
    schema["sensitivity"] = json!("secret");
    schema
}

/// The JSON Schema of an object of these fields.
#[must_use]
pub fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    let mut needed = Vec::new();
    for field in fields {
        let mut schema = field.kind.schema();
        match field.need {
            Need::Required => needed.push(field.name),
            Need::Optional => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
            Need::OptionalNotNull => {}
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}

#[cfg(test)]
mod tests;
