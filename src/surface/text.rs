//! Texts on the wire: instants, e-mail addresses, bounds of strings.

pub use muniment_aggregates::wire::instant;

/// Longest name, unit and the like, in characters (spec/metrics.md section 2.1).
pub const NAME_CHARACTERS_MAX: usize = 200;
/// Longest website.
pub const WEBSITE_CHARACTERS_MAX: usize = 2_048;
/// Longest key, raw event id.
pub const KEY_CHARACTERS_MAX: usize = 255;
/// Longest narrative, serialised.
pub const NARRATIVE_BYTES_MAX: usize = 64 << 10;
/// Longest reason of a decision.
pub const REASON_CHARACTERS_MAX: usize = 2_000;
/// Longest e-mail address, in bytes.
const EMAIL_BYTES_MAX: usize = 254;

/// Whether a character steers what shows it instead of being seen: controls, ends of lines, and marks that turn the
/// direction of writing.
#[must_use]
pub fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Trims and lower-cases an address; `None` unless it satisfies accounts-and-offers.md section 3.1.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let address = text.trim().to_lowercase();
    let (local, domain) = address.split_once('@')?;
    let one_at = !domain.contains('@');
    let no_blank = !address.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    let local_dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let labels_stand = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let stands = one_at && no_blank && local_dots && labels_stand && !local.is_empty();
    (stands && address.is_ascii() && address.len() <= EMAIL_BYTES_MAX).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_and_refused_as_the_specification_lists_them() {
        for good in ["a@b.co", "first.last+tag@sub.example.com"] {
            assert_eq!(email(good).as_deref(), Some(good));
        }
        assert_eq!(email(" Founder@Example.COM ").as_deref(), Some("founder@example.com"));
        for bad in ["a", "a@b", "a b@c.d", "@c.d", "a@b@c.d", ".a@b.co", "a.@b.co", "a..b@c.co", "a@.co", "a@b."] {
            assert_eq!(email(bad), None, "{bad}");
        }
    }
}
