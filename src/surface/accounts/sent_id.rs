//! The id of a JSON-RPC request as it was sent. A number that is read and written again may look different (`1e2` as `100.0`,
//! a long one rounded), and a client that compares texts would not find its request.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use serde_json::value::RawValue;

/// The text of an id that is a number and would be written differently.
#[derive(Debug, Clone)]
pub struct SentId(Box<RawValue>);

#[derive(Deserialize)]
struct Asked {
    id: Box<RawValue>,
}

impl SentId {
    /// The text of a message's id; `None` where the id that was read is written as it was sent.
    #[must_use]
    pub fn of(text: &[u8], message: &Value) -> Option<Self> {
        // Whole numbers of 64 bits are written as they were sent: JSON has one form of each.
        message.get("id")?.as_number().filter(|number| number.is_f64())?;
        serde_json::from_slice(text).ok().map(|Asked { id }| Self(id))
    }
}

/// A response with the id as it was sent.
#[must_use]
pub fn written(body: &Value, sent: Option<&SentId>) -> String {
    match (body, sent) {
        // A Value serialises to text without a failing case, and so does JSON that was read.
        (Value::Object(_), Some(id)) => serde_json::to_string(&Echo { body, id }).unwrap_or_else(|_| body.to_string()),
        (_, _) => body.to_string(),
    }
}

struct Echo<'a> {
    body: &'a Value,
    id: &'a SentId,
}

impl Serialize for Echo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.body.as_object().into_iter().flatten() {
            // What could not be read from a bad envelope stays null.
            if name == "id" && value.is_number() {
                map.serialize_entry(name, &self.id.0)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_written_as_it_was_sent() {
        for id in ["1e2", "1.0", "-0", "1.50", "18446744073709551616", "0.1000", "7", "-7", "\"1e2\"", "null"] {
            let text = format!("{{\"a\": {{\"id\": 5}}, \"id\" : {id} }}");
            let message: Value = serde_json::from_str(&text).unwrap();
            let body = json!({ "id": message["id"], "jsonrpc": "2.0", "result": { "id": 1.0 } });
            let sent = SentId::of(text.as_bytes(), &message);
            let expected = format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"result\":{{\"id\":1.0}}}}");
            assert_eq!(written(&body, sent.as_ref()), expected);
        }
    }
}
