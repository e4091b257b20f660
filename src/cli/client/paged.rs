//! Lists of `/v1` that come in pages with a cursor.

use anyhow::Result;
use serde_json::Value;

use super::Session;
use super::http::{Auth, Call};

/// The first `limit` entries of a list, and the cursor behind them, which is null where there are no others.
///
/// # Errors
/// When the server refuses or is away.
pub async fn paged(
    session: &Session,
    (segments, field): (&[&str], &str),
    (auth, query): (&Auth, &[(&'static str, String)]),
    (limit, page_max): (usize, usize),
) -> Result<(Vec<Value>, Value)> {
    let (mut items, mut place) = (Vec::new(), Value::Null);
    loop {
        let wanted = (limit - items.len()).min(page_max);
        let call = Call::get(segments).query(query.to_vec()).query([("limit", wanted.to_string())]);
        let call = call.query(place.as_str().map(|place| ("cursor", place.to_owned())));
        let mut answer = session.api.send(call.auth(auth.clone())).await?;
        if let Value::Array(page) = answer[field].take() {
            items.extend(page);
        }
        place = answer["next_cursor"].take();
        if place.is_null() || items.len() >= limit {
            return Ok((items, place));
        }
    }
}
