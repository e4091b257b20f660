//! What differs between two documents, as between a state and what it was.

use serde_json::Value;

/// A place at which two documents differ, with both values.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The names that lead there, joined with dots.
    pub path: String,
    /// The value of the one; null where it has none.
    pub before: Value,
    /// The value of the other; null where it has none.
    pub after: Value,
}

/// Every place at which two documents differ.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Change>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, after) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let none = Value::Null;
            for key in keys {
                compare(&inside(key), left.get(key).unwrap_or(&none), right.get(key).unwrap_or(&none), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&inside(&index.to_string()), left, right, found);
            }
        }
        (before, after) if before == after => {}
        (before, after) => found.push(Change { path: path.to_owned(), before: before.clone(), after: after.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_its_path() {
        let before = json!({ "a": 1, "b": { "c": [1, 2] }, "gone": true });
        let after = json!({ "a": 1, "b": { "c": [1, 3] }, "new": "x" });
        let found = changes(&before, &after);
        let paths: Vec<&str> = found.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["b.c.1", "gone", "new"]);
        assert_eq!(found[0].before, json!(2));
    }
}
