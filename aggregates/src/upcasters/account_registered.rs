//! `account.registered` before accounts had passwords: each had proved an e-mail by code, and says so from 1.1 on.

use serde_json::{Value, json};

use super::Upcaster;

/// From 1.0 to 1.1.
pub(super) const FROM_1_0: Upcaster = Upcaster { event_type: "account.registered", from: "1.0", to: "1.1", step };

fn step(mut payload: Value) -> Result<Value, String> {
    let registered = payload.get_mut("registered").and_then(Value::as_object_mut).ok_or("it says nothing")?;
    registered.insert("via".to_owned(), json!("email_code"));
    Ok(payload)
}
