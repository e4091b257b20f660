//! Reading bodies: a JSON object, not deeper than 32 levels, no field twice, no field unknown, each of its type and
//! within its bounds (spec/metrics.md section 2.1). `null` in an optional field is absence.

use serde_json::{Map, Value};

use super::errors::V1Error;
use super::request::Request;
use super::text::steers;

/// Deepest nesting of a body.
const DEPTH_MAX: usize = 32;

/// The fields of a body, taken one by one.
pub struct Fields {
    values: Map<String, Value>,
}

fn invalid_json(why: &str) -> V1Error {
    V1Error::refuse(400, "invalid_json", format!("The body must be a JSON object: {why}."))
}

/// Whether brackets outside of strings nest deeper than is allowed. Looked at before parsing, so that depth costs
/// no stack.
fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (true | false, _) => {}
        }
    }
    false
}

/// What stands for a number beyond every float: of no type that any field takes, and with a text in it that says so
/// where a field takes anything.
const HUGE: &str = r#"["\u0000a number beyond every float"]"#;

fn is_out_of_range(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// The same JSON with [`HUGE`] for every number that is none of 64 bits.
fn without_huge_numbers(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut in_string, mut escaped) = (bytes, false, false);
    while let Some((byte, after)) = rest.split_first() {
        if !in_string && (byte.is_ascii_digit() || *byte == b'-') {
            let of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
            let end = rest.iter().position(|byte| !of_number(byte)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let huge = serde_json::from_slice::<f64>(number).is_err_and(|error| is_out_of_range(&error));
            out.extend_from_slice(if huge { HUGE.as_bytes() } else { number });
            rest = after;
            continue;
        }
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true | false, b'"') => in_string = !in_string,
            (true | false, _) => {}
        }
        out.push(*byte);
        rest = after;
    }
    out
}

/// Whether a number beyond every float stands somewhere in a value.
#[must_use]
pub fn holds_huge_number(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            serde_json::from_str::<Value>(HUGE).is_ok_and(|huge| huge == *value) || items.iter().any(holds_huge_number)
        }
        Value::Object(fields) => fields.values().any(holds_huge_number),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A JSON object in which no name stands twice, at any depth.
struct Strict(Value);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict(deserializer).map(Strict)
    }
}

/// Reads a value of any kind in which no name stands twice, as a field of something greater.
///
/// # Errors
/// As the deserializer says.
pub fn strict<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_any(StrictVisitor)
}

struct StrictVisitor;

impl<'de> serde::de::Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = access.next_entry::<String, Strict>()? {
            if map.contains_key(&name) {
                return Err(serde::de::Error::custom(format_args!("the field {name} stands twice")));
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

/// Reads a text of JSON of any kind: not deeper than 32 levels, no field twice. A number beyond every float is JSON all the same;
/// its field refuses what stands for it.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn strict_value(bytes: &[u8]) -> Result<Value, String> {
    if is_too_deep(bytes) {
        return Err("it is nested too deeply".to_owned());
    }
    let parsed = match serde_json::from_slice::<Strict>(bytes) {
        Err(error) if is_out_of_range(&error) => serde_json::from_slice(&without_huge_numbers(bytes)),
        parsed => parsed,
    };
    parsed.map(|Strict(value)| value).map_err(|error| error.to_string())
}

impl Fields {
    /// Reads a request's body. Where no field is required an absent body is an empty object.
    ///
    /// # Errors
    /// 413, 400 `invalid_json` or 400 `unknown_field`.
    pub async fn of(request: &mut Request, known: &[&str], may_be_absent: bool) -> Result<Self, V1Error> {
        let bytes = request.read_body().await?;
        if bytes.is_empty() && may_be_absent {
            return Ok(Self { values: Map::new() });
        }
        Self::parse(&bytes, known)
    }

    /// Reads a text of JSON.
    ///
    /// # Errors
    /// 400 `invalid_json` or 400 `unknown_field`.
    pub fn parse(bytes: &[u8], known: &[&str]) -> Result<Self, V1Error> {
        match strict_value(bytes) {
            Ok(Value::Object(values)) => Self::within(values, known),
            Ok(_) => Err(invalid_json("it is another kind of value")),
            Err(error) => Err(invalid_json(&error)),
        }
    }

    /// Fields of an object inside a body.
    ///
    /// # Errors
    /// 400 `unknown_field`.
    pub fn within(values: Map<String, Value>, known: &[&str]) -> Result<Self, V1Error> {
        match values.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let shown: String = name.chars().take(100).collect();
                let message = format!("{shown} is unknown here; known: {known}.");
                Err(V1Error::refuse(400, "unknown_field", message).about(&shown))
            }
            None => Ok(Self { values }),
        }
    }

    /// Takes a value as it is; `None` for absent and `null`.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).filter(|value| !value.is_null())
    }

    /// A text that must be there: absent, blank or of another type is missing.
    ///
    /// # Errors
    /// 400 `missing_field`, or `invalid_field` when it is too long.
    pub fn required_text(&mut self, name: &str, characters_max: usize) -> Result<String, V1Error> {
        match self.take(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                within_bounds(name, text.trim().to_owned(), characters_max)
            }
            Some(_) | None => Err(V1Error::missing(name)),
        }
    }

    /// A text that must be there; another type is no missing field. For what no client of the documents sends, which
    /// knows one refusal for both.
    ///
    /// # Errors
    /// As [`Fields::required_text`], and 400 `invalid_field` for another type.
    pub fn needed_text(&mut self, name: &str, characters_max: usize) -> Result<String, V1Error> {
        if self.values.get(name).is_some_and(|value| !value.is_null() && !value.is_string()) {
            return Err(V1Error::invalid_field(name, "a string"));
        }
        self.required_text(name, characters_max)
    }

    /// A name that must be there, each letter of which can be seen.
    ///
    /// # Errors
    /// As [`Fields::needed_text`], and 400 `invalid_field` for controls and marks of direction.
    pub fn required_name(&mut self, name: &str, characters_max: usize) -> Result<String, V1Error> {
        let text = self.needed_text(name, characters_max)?;
        if text.chars().any(steers) {
            return Err(V1Error::invalid_field(name, "without controls and marks of direction"));
        }
        Ok(text)
    }

    /// A text that may be absent.
    ///
    /// # Errors
    /// 400 `invalid_field` when it is no text or too long.
    pub fn text(&mut self, name: &str, characters_max: usize) -> Result<Option<String>, V1Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => within_bounds(name, text, characters_max).map(Some),
            Some(_) => Err(V1Error::invalid_field(name, "a string")),
        }
    }

    /// A text that may be absent; blank counts as absent.
    ///
    /// # Errors
    /// 400 `invalid_field` when it is no text or too long.
    pub fn text_unless_blank(&mut self, name: &str, characters_max: usize) -> Result<Option<String>, V1Error> {
        Ok(self.text(name, characters_max)?.filter(|text| !text.trim().is_empty()))
    }

    /// A truth value that may be absent.
    ///
    /// # Errors
    /// 400 `invalid_field`.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, V1Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(V1Error::invalid_field(name, "true or false")),
        }
    }

    /// A finite number that may be absent.
    ///
    /// # Errors
    /// 400 `invalid_field`.
    pub fn number(&mut self, name: &str, expected: &str) -> Result<Option<f64>, V1Error> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_f64()
                .filter(|number| number.is_finite() && value.is_number())
                .map(Some)
                .ok_or_else(|| V1Error::invalid_field(name, expected)),
        }
    }

    /// A whole number within bounds that may be absent.
    ///
    /// # Errors
    /// 400 `invalid_field`.
    pub fn count(&mut self, name: &str, min: u32, max: u32) -> Result<Option<u32>, V1Error> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .filter(|count| (min..=max).contains(count))
                .map(Some)
                .ok_or_else(|| V1Error::invalid_field(name, &format!("a whole number from {min} to {max}"))),
        }
    }
}

fn within_bounds(name: &str, text: String, characters_max: usize) -> Result<String, V1Error> {
    // PostgreSQL has no text with a NUL, and no name has one.
    if text.contains('\0') {
        return Err(V1Error::invalid_field(name, "without the character U+0000"));
    }
    if text.chars().count() > characters_max {
        return Err(V1Error::invalid_field(name, &format!("at most {characters_max} characters long")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<&'static str> {
        match Fields::parse(body.as_bytes(), &["a", "b"]) {
            Err(V1Error::Refused(refusal)) => Some(refusal.code),
            Err(V1Error::Fault(_)) | Ok(_) => None,
        }
    }

    #[test]
    fn only_an_object_with_known_fields_each_once_is_read() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        for bad in ["", "null", "[]", "\"x\"", "{", "{\"a\":1,\"a\":2}", "{\"a\":{\"x\":1,\"x\":2}}", deep.as_str()] {
            assert_eq!(code(bad), Some("invalid_json"), "{bad}");
        }
        assert_eq!(code("{\"c\":1}"), Some("unknown_field"));
        assert_eq!(code("{\"a\":\"[[[[\\\"[[[[\",\"b\":null}"), None);
        assert_eq!(code("{\"a\":1e400}"), None, "its field refuses it");
        assert_eq!(code("{\"a\":1e400,\"a\":2}"), Some("invalid_json"));
        assert_eq!(code("{\"a\":1e400,\"c\":2}"), Some("unknown_field"));
    }

    #[test]
    fn a_number_beyond_every_float_is_of_no_type_and_leaves_the_rest_alone() {
        let body = r#"{"a":[1.50,{"x":-1e999}],"b":"1e400 \" 1e400"}"#;
        let mut fields = Fields::parse(body.as_bytes(), &["a", "b"]).unwrap();
        let a = fields.take("a").unwrap();
        assert!(holds_huge_number(&a) && !holds_huge_number(&a[0]));
        assert_eq!(a[0], 1.5);
        assert!(!a[1]["x"].is_number() && !a[1]["x"].is_string());
        assert_eq!(fields.text("b", 100).unwrap().as_deref(), Some("1e400 \" 1e400"));
    }
}
