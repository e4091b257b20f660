//! Old shapes of events, brought to the newest one before they are decoded: one file an event whose shape
//! changed, one line in [`REGISTRY`]. A log of any released version thereby replays under the newest.

mod account_registered;
mod application_submitted;

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;

/// One step from a version of an event's payload to the next.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The event's type.
    pub event_type: &'static str,
    /// The version it takes.
    pub from: &'static str,
    /// The version it makes.
    pub to: &'static str,
    /// How: the payload, tag included, in and out.
    pub step: fn(Value) -> Result<Value, String>,
}

/// Every step there is.
pub const REGISTRY: &[Upcaster] = &[account_registered::FROM_1_0, application_submitted::FROM_1_0];

/// A payload that cannot be brought to the newest shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpcastError {
    /// No chain of steps leads from the stored version to the newest.
    #[error("{event_type} {from}: nothing leads from there to {newest}")]
    NoWay {
        /// The event's type.
        event_type: String,
        /// The stored version.
        from: String,
        /// The newest version.
        newest: String,
    },
    /// The stored text is no JSON, or a step could not read it.
    #[error("{event_type} {version}: {cause}")]
    Unreadable {
        /// The event's type.
        event_type: String,
        /// The version that was read.
        version: String,
        /// What was wrong.
        cause: String,
    },
}

/// Brings a payload from the stored version to `newest`, step by step. The newest passes untouched.
///
/// # Errors
/// [`UpcastError`] when no chain of steps leads there or a step fails.
pub fn upcast<'a>(
    registry: &[Upcaster],
    event_type: &str,
    stored: &str,
    newest: &str,
    payload: &'a str,
) -> Result<Cow<'a, str>, UpcastError> {
    if stored == newest {
        return Ok(Cow::Borrowed(payload));
    }
    let unreadable = |version: &str, cause: String| UpcastError::Unreadable {
        event_type: event_type.to_owned(),
        version: version.to_owned(),
        cause,
    };
    let mut value: Value = serde_json::from_str(payload).map_err(|error| unreadable(stored, error.to_string()))?;
    let mut version = stored;
    // Each step is taken at most once, so a ring of steps ends too.
    for _ in 0..=registry.len() {
        if version == newest {
            return Ok(Cow::Owned(value.to_string()));
        }
        let Some(step) = registry.iter().find(|step| step.event_type == event_type && step.from == version) else {
            break;
        };
        value = (step.step)(value).map_err(|cause| unreadable(version, cause))?;
        version = step.to;
    }
    Err(UpcastError::NoWay { event_type: event_type.to_owned(), from: stored.to_owned(), newest: newest.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 1.0 had `sum`, 1.1 called it `value`, 2.0 counts in cents.
    const STEPS: &[Upcaster] = &[
        Upcaster {
            event_type: "test.counted",
            from: "1.1",
            to: "2.0",
            step: |mut payload| {
                let value = payload["counted"]["value"].as_i64().ok_or("no value")?;
                payload["counted"]["value"] = json!(value * 100);
                Ok(payload)
            },
        },
        Upcaster {
            event_type: "test.counted",
            from: "1.0",
            to: "1.1",
            step: |payload| Ok(json!({"counted": {"value": payload["counted"]["sum"]}})),
        },
        Upcaster { event_type: "test.ring", from: "1.0", to: "1.1", step: Ok },
        Upcaster { event_type: "test.ring", from: "1.1", to: "1.0", step: Ok },
    ];

    #[test]
    fn an_old_payload_is_brought_to_the_newest_shape_step_by_step() {
        let newest = upcast(STEPS, "test.counted", "1.0", "2.0", r#"{"counted":{"sum":7}}"#).unwrap();
        assert_eq!(newest, r#"{"counted":{"value":700}}"#);
        let newest = upcast(STEPS, "test.counted", "1.1", "2.0", r#"{"counted":{"value":7}}"#).unwrap();
        assert_eq!(newest, r#"{"counted":{"value":700}}"#);
    }

    #[test]
    fn the_newest_payload_is_not_even_read() {
        assert!(matches!(upcast(STEPS, "test.counted", "2.0", "2.0", "not json"), Ok(Cow::Borrowed("not json"))));
    }

    #[test]
    fn what_cannot_be_brought_up_names_itself() {
        let refused = [
            upcast(STEPS, "test.counted", "0.9", "2.0", "{}"),
            upcast(STEPS, "test.other", "1.0", "2.0", "{}"),
            upcast(STEPS, "test.ring", "1.0", "2.0", "{}"),
        ];
        for outcome in refused {
            assert!(matches!(outcome, Err(UpcastError::NoWay { .. })), "{outcome:?}");
        }
        let outcome = upcast(STEPS, "test.counted", "1.0", "2.0", r#"{"counted":{}}"#);
        assert_eq!(outcome.unwrap_err().to_string(), "test.counted 1.1: no value");
        let outcome = upcast(STEPS, "test.counted", "1.0", "2.0", "not json");
        assert!(matches!(outcome, Err(UpcastError::Unreadable { .. })), "{outcome:?}");
    }
}
