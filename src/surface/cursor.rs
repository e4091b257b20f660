//! Page cursors: opaque to callers, bound to what they page through, refused when foreign or mangled.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muniment_journal::KeyRing;
use subtle::ConstantTimeEq as _;

use super::errors::V1Error;

/// Bytes of the tag that binds a cursor to its listing.
const TAG_BYTES: usize = 12;

/// Makes a cursor for a listing (`points/metric_…/desc`) from the place where a page ended.
#[must_use]
pub fn make(keys: &KeyRing, listing: &str, place: &str) -> String {
    let mut bytes = tag(keys, listing, place).to_vec();
    bytes.extend_from_slice(place.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of this listing.
///
/// # Errors
/// 400 `invalid_cursor` for one of another listing or of no listing.
pub fn read(keys: &KeyRing, listing: &str, cursor: Option<&str>) -> Result<Option<String>, V1Error> {
    let Some(cursor) = cursor else { return Ok(None) };
    let invalid =
        || V1Error::refuse(400, "invalid_cursor", "The cursor is not one of this listing; begin again without it.");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let (given, place) = bytes.split_at_checked(TAG_BYTES).ok_or_else(invalid)?;
    let place = std::str::from_utf8(place).map_err(|_| invalid())?;
    if bool::from(tag(keys, listing, place).ct_eq(given)) { Ok(Some(place.to_owned())) } else { Err(invalid()) }
}

fn tag(keys: &KeyRing, listing: &str, place: &str) -> [u8; TAG_BYTES] {
    let full = keys.mac("cursor", format!("{listing}\0{place}").as_bytes());
    std::array::from_fn(|index| full.get(index).copied().unwrap_or(0))
}
