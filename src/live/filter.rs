//! The filter of a subscription: a small JSON tree, compiled once within bounds and evaluated on routing keys
//! without parsing any payload. It only narrows: what a principal may read is decided in `rights`.
//!
//! Shape: `{"all":[…]}`, `{"any":[…]}`, `{"not":…}`, `{"eq":{"type":"metric.defined"}}`, `{"in":{"metric":["a","b"]}}`,
//! `{"prefix":{"type":"metric."}}`, `{"exists":"metric"}`, `{"gt":{…}}`, `{"lt":{…}}`. Order is by the bytes of the text.

use serde_json::{Map, Value};

use super::routing::Keys;
use crate::surface::input;

/// Deepest nesting of a filter.
pub(crate) const DEPTH_MAX: usize = 8;
/// Most nodes and listed values of a filter together: what one event may cost to match.
pub(crate) const NODES_MAX: usize = 128;
/// Longest text in a filter, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 255;

/// A field of the routing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Type,
    Aggregate,
    Account,
    Company,
    Metric,
    Correlation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Eq(Field, String),
    In(Field, Vec<String>),
    Prefix(Field, String),
    Exists(Field),
    Greater(Field, String),
    Less(Field, String),
}

/// A compiled filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(Node);

/// Why a filter was not accepted; a sentence for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadFilter(String);

fn bad<T>(text: impl Into<String>) -> Result<T, BadFilter> {
    Err(BadFilter(text.into()))
}

impl Filter {
    /// Admits everything.
    pub(crate) fn everything() -> Self {
        Self(Node::All(Vec::new()))
    }

    /// Compiles a filter; `null` and the empty object narrow nothing.
    ///
    /// # Errors
    /// A sentence naming what is wrong.
    pub(crate) fn compile(value: &Value) -> Result<Self, BadFilter> {
        if value.is_null() || value.as_object().is_some_and(Map::is_empty) {
            return Ok(Self::everything());
        }
        let mut nodes_left = NODES_MAX;
        node(value, DEPTH_MAX, &mut nodes_left).map(Self)
    }

    /// Compiles a filter from JSON text, as it stands in a query string.
    ///
    /// # Errors
    /// As [`Filter::compile`], and for text that is not JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, BadFilter> {
        match input::strict_value(text.as_bytes()) {
            Ok(value) => Self::compile(&value),
            Err(error) => bad(format!("the filter is not JSON: {error}")),
        }
    }

    /// Whether an event with these keys passes.
    pub(crate) fn admits(&self, keys: &Keys) -> bool {
        admits(&self.0, keys)
    }
}

fn admits(node: &Node, keys: &Keys) -> bool {
    match node {
        Node::All(nodes) => nodes.iter().all(|node| admits(node, keys)),
        Node::Any(nodes) => nodes.iter().any(|node| admits(node, keys)),
        Node::Not(node) => !admits(node, keys),
        Node::Eq(field, text) => some(*field, keys, |value| value == text),
        Node::In(field, texts) => some(*field, keys, |value| texts.iter().any(|text| text == value)),
        Node::Prefix(field, text) => some(*field, keys, |value| value.starts_with(text.as_str())),
        Node::Exists(field) => some(*field, keys, |_| true),
        Node::Greater(field, text) => some(*field, keys, |value| value > text.as_str()),
        Node::Less(field, text) => some(*field, keys, |value| value < text.as_str()),
    }
}

/// Whether one of the values of `field` passes `test`. A metric answers to its slug and to its id, an aggregate
/// to its kind and to `kind/id`.
fn some(field: Field, keys: &Keys, test: impl Fn(&str) -> bool) -> bool {
    let values: [Option<&str>; 2] = match field {
        Field::Type => [Some(&keys.event_type), None],
        Field::Aggregate => [Some(&keys.aggregate_kind), Some(&keys.aggregate)],
        Field::Account => [keys.account.as_deref(), None],
        Field::Company => [keys.company.as_deref(), None],
        Field::Metric => [keys.metric_slug.as_deref(), keys.metric_id.as_deref()],
        Field::Correlation => [Some(&keys.correlation), None],
    };
    values.into_iter().flatten().any(test)
}

fn node(value: &Value, depth_left: usize, nodes_left: &mut usize) -> Result<Node, BadFilter> {
    if depth_left == 0 {
        return bad(format!("the filter is deeper than {DEPTH_MAX} levels"));
    }
    spend(nodes_left)?;
    let Value::Object(object) = value else { return bad("a filter is an object with one operator") };
    let mut entries = object.iter();
    let (Some((operator, operand)), None) = (entries.next(), entries.next()) else {
        return bad("a filter object holds exactly one operator");
    };
    match operator.as_str() {
        "all" => list(operand, depth_left, nodes_left).map(Node::All),
        "any" => list(operand, depth_left, nodes_left).map(Node::Any),
        "not" => node(operand, depth_left - 1, nodes_left).map(|inner| Node::Not(Box::new(inner))),
        "eq" => pair(operand, operator).map(|(field, text)| Node::Eq(field, text)),
        "prefix" => pair(operand, operator).map(|(field, text)| Node::Prefix(field, text)),
        "gt" => pair(operand, operator).map(|(field, text)| Node::Greater(field, text)),
        "lt" => pair(operand, operator).map(|(field, text)| Node::Less(field, text)),
        "in" => {
            let (name, values) = single(operand, operator)?;
            let Value::Array(values) = values else { return bad("`in` takes a list of texts") };
            let mut texts = Vec::with_capacity(values.len().min(NODES_MAX));
            for value in values {
                spend(nodes_left)?;
                texts.push(text(value, operator)?);
            }
            Ok(Node::In(field(name)?, texts))
        }
        "exists" => match operand {
            Value::String(name) => Ok(Node::Exists(field(name)?)),
            _ => bad("`exists` takes the name of a field"),
        },
        other => bad(format!("unknown operator `{}`", excerpt(other))),
    }
}

fn spend(nodes_left: &mut usize) -> Result<(), BadFilter> {
    match nodes_left.checked_sub(1) {
        Some(left) => {
            *nodes_left = left;
            Ok(())
        }
        None => bad(format!("the filter has more than {NODES_MAX} nodes and values")),
    }
}

fn list(value: &Value, depth_left: usize, nodes_left: &mut usize) -> Result<Vec<Node>, BadFilter> {
    let Value::Array(values) = value else { return bad("`all` and `any` take a list of filters") };
    values.iter().map(|value| node(value, depth_left - 1, nodes_left)).collect()
}

fn single<'a>(value: &'a Value, operator: &str) -> Result<(&'a str, &'a Value), BadFilter> {
    let object: Option<&Map<String, Value>> = value.as_object();
    let mut entries = object.into_iter().flatten();
    match (entries.next(), entries.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        _ => bad(format!("`{operator}` takes an object with exactly one field")),
    }
}

fn pair(value: &Value, operator: &str) -> Result<(Field, String), BadFilter> {
    let (name, value) = single(value, operator)?;
    Ok((field(name)?, text(value, operator)?))
}

fn text(value: &Value, operator: &str) -> Result<String, BadFilter> {
    match value {
        Value::String(text) if text.len() <= TEXT_BYTES_MAX => Ok(text.clone()),
        Value::String(_) => bad(format!("a text in `{operator}` is longer than {TEXT_BYTES_MAX} bytes")),
        _ => bad(format!("`{operator}` compares texts")),
    }
}

fn field(name: &str) -> Result<Field, BadFilter> {
    match name {
        "type" => Ok(Field::Type),
        "aggregate" => Ok(Field::Aggregate),
        "account" => Ok(Field::Account),
        "company" => Ok(Field::Company),
        "metric" => Ok(Field::Metric),
        "correlation" => Ok(Field::Correlation),
        other => bad(format!(
            "unknown field `{}`: one of type, aggregate, account, company, metric, correlation",
            excerpt(other)
        )),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point() -> Keys {
        Keys {
            event_type: "metric.point_recorded".into(),
            aggregate_kind: "metric".into(),
            aggregate: "metric/metric_A".into(),
            company: Some("co_A".into()),
            account: None,
            metric_id: Some("metric_A".into()),
            metric_slug: Some("weekly_revenue".into()),
            correlation: "c-1".into(),
        }
    }

    fn admits_text(text: &str) -> bool {
        Filter::parse(text).expect("a valid filter").admits(&point())
    }

    #[test]
    fn operators_compare_routing_keys() {
        for (text, expected) in [
            ("null", true),
            ("{}", true),
            (r#"{"all":[]}"#, true),
            (r#"{"any":[]}"#, false),
            (r#"{"eq":{"type":"metric.point_recorded"}}"#, true),
            (r#"{"eq":{"type":"metric.defined"}}"#, false),
            (r#"{"eq":{"metric":"weekly_revenue"}}"#, true),
            (r#"{"eq":{"metric":"metric_A"}}"#, true),
            (r#"{"eq":{"aggregate":"metric"}}"#, true),
            (r#"{"eq":{"aggregate":"metric/metric_A"}}"#, true),
            (r#"{"in":{"company":["co_B","co_A"]}}"#, true),
            (r#"{"in":{"company":[]}}"#, false),
            (r#"{"prefix":{"type":"metric."}}"#, true),
            (r#"{"exists":"account"}"#, false),
            (r#"{"not":{"exists":"account"}}"#, true),
            (r#"{"gt":{"correlation":"c-0"}}"#, true),
            (r#"{"gt":{"correlation":"c-1"}}"#, false),
            (r#"{"lt":{"correlation":"c-1"}}"#, false),
            (r#"{"any":[{"eq":{"type":"x"}},{"all":[{"exists":"metric"},{"prefix":{"company":"co_"}}]}]}"#, true),
        ] {
            assert_eq!(admits_text(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for text in [
            "not json",
            "[]",
            r#"{"all":[{}]}"#,
            r#"{"eq":{"type":"a"},"in":{}}"#,
            r#"{"eq":{"type":"a"},"eq":{"metric":"b"}}"#,
            r#"{"all":[{"eq":{"type":"a","type":"b"}}]}"#,
            r#"{"eq":{"payload":"a"}}"#,
            r#"{"eq":{"type":1}}"#,
            r#"{"eq":{"type":"a","company":"b"}}"#,
            r#"{"regex":{"type":".*"}}"#,
            r#"{"exists":{"type":"a"}}"#,
            r#"{"all":{}}"#,
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_size_and_texts_are_bounded() {
        let nested = |levels: usize| {
            let mut text = r#"{"exists":"type"}"#.to_owned();
            for _ in 1..levels {
                text = format!(r#"{{"not":{text}}}"#);
            }
            Filter::parse(&text)
        };
        assert!(nested(DEPTH_MAX).is_ok());
        assert!(nested(DEPTH_MAX + 1).is_err());
        let listed = |values: usize| {
            let list = vec!["\"a\""; values].join(",");
            Filter::parse(&format!(r#"{{"in":{{"type":[{list}]}}}}"#))
        };
        assert!(listed(NODES_MAX - 1).is_ok());
        assert!(listed(NODES_MAX).is_err());
        let long = |bytes: usize| Filter::parse(&format!(r#"{{"eq":{{"type":"{}"}}}}"#, "a".repeat(bytes)));
        assert!(long(TEXT_BYTES_MAX).is_ok());
        assert!(long(TEXT_BYTES_MAX + 1).is_err());
    }
}
