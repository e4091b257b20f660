//! What a value looks like, declared once: both tables (`/v1` in [`super::methods`], `/api` in
//! [`super::accounts::methods`]) declare their answers with it, the documents show it as JSON Schema, and in
//! development [`super::output_check`] compares what is answered with it.

use serde_json::{Map, Value, json};

/// Every instant that we make is written alike, so that texts of instants sort as the instants do.
const INSTANT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$";

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A UUID.
    Uuid,
    /// An id of a kind: its prefix and 16 base64url characters.
    Id(&'static str),
    /// Public id of a token: 18 lower-case hex digits.
    PublicId,
    /// An instant, RFC 3339, UTC, milliseconds.
    Instant,
    /// A position of the journal: a whole number as a text.
    Position,
    /// A text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number.
    Count,
    /// A number.
    Number,
    /// `true`, always.
    Ok,
    /// `false`, always.
    No,
    /// An object of any keys.
    Open,
    /// A value or `null`.
    OrNull(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// An object of these keys; a key that ends with `?` may be absent.
    Object(&'static [(&'static str, Shape)]),
    /// An empty object.
    Empty,
    /// A shape with a name of its own, under which the OpenAPI document has it once.
    Named(&'static str, &'static Shape),
}

/// The named shapes of a document, by name.
#[derive(Debug, Default)]
pub struct Components(pub Map<String, Value>);

impl Shape {
    /// As JSON Schema, whole.
    #[must_use]
    pub fn schema(&self) -> Value {
        self.rendered(&mut None)
    }

    /// As JSON Schema that refers to named shapes, which are put among the components.
    #[must_use]
    pub fn reference(&self, components: &mut Components) -> Value {
        self.rendered(&mut Some(components))
    }

    fn rendered(&self, components: &mut Option<&mut Components>) -> Value {
        match self {
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Id(prefix) => json!({ "type": "string", "pattern": format!("^{prefix}[A-Za-z0-9_-]{{16}}$") }),
            Self::PublicId => json!({ "type": "string", "pattern": "^[0-9a-f]{18}$" }),
            Self::Instant => json!({ "type": "string", "format": "date-time", "pattern": INSTANT }),
            Self::Position => json!({ "type": "string", "pattern": "^(0|[1-9][0-9]*)$" }),
            Self::Text => json!({ "type": "string" }),
            Self::OneOf(words) => json!({ "type": "string", "enum": words }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Count => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Ok => json!({ "type": "boolean", "const": true }),
            Self::No => json!({ "type": "boolean", "const": false }),
            Self::Open => json!({ "type": "object" }),
            Self::OrNull(inner) => or_null(inner.rendered(components)),
            Self::List(items) => json!({ "type": "array", "items": items.rendered(components) }),
            Self::Empty => json!({ "type": "object", "properties": {}, "additionalProperties": false }),
            Self::Object(fields) => {
                let mut properties = Map::new();
                let mut needed = Vec::new();
                for (name, shape) in *fields {
                    let bare = name.trim_end_matches('?');
                    if bare == *name {
                        needed.push(bare);
                    }
                    properties.insert(bare.to_owned(), shape.rendered(components));
                }
                json!({
                    "type": "object", "properties": properties, "required": needed, "additionalProperties": false,
                })
            }
            Self::Named(name, inner) => {
                let schema = inner.rendered(components);
                match components {
                    None => schema,
                    Some(components) => {
                        let known = components.0.insert((*name).to_owned(), schema.clone());
                        debug_assert!(known.is_none_or(|known| known == schema), "{name} names two shapes");
                        json!({ "$ref": format!("#/components/schemas/{name}") })
                    }
                }
            }
        }
    }
}

/// A plain type gets `null` beside it, which generators of clients read best; all else a choice.
#[must_use]
pub(super) fn or_null(mut schema: Value) -> Value {
    let plain = schema["type"].as_str().filter(|_| schema["enum"].is_null() && schema["const"].is_null());
    match plain.map(str::to_owned) {
        Some(kind) => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        None => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_shape_stands_once_among_the_components() {
        const INNER: Shape = Shape::Named("Inner", &Shape::Object(&[("at?", Shape::OrNull(&Shape::Instant))]));
        const OUTER: Shape =
            Shape::Object(&[("one", INNER), ("more", Shape::List(&INNER)), ("no", Shape::OrNull(&INNER))]);
        let mut components = Components::default();
        let schema = OUTER.reference(&mut components);
        let reference = json!({ "$ref": "#/components/schemas/Inner" });
        assert_eq!(schema["properties"]["one"], reference);
        assert_eq!(schema["properties"]["more"]["items"], reference);
        assert_eq!(schema["properties"]["no"], json!({ "anyOf": [reference, { "type": "null" }] }));
        assert_eq!(components.0.len(), 1);
        let inner = &components.0["Inner"];
        assert_eq!(
            inner["properties"]["at"],
            json!({ "type": ["string", "null"], "format": "date-time", "pattern": INSTANT })
        );
        assert_eq!(inner["required"], json!([]));
        assert_eq!(OUTER.schema()["properties"]["one"], *inner);
    }
}
