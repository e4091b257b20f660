//! Usernames and e-mail addresses (spec/accounts-and-offers.md section 3.1). No `@` in a username, so the two never
//! meet.

use std::ops::RangeInclusive;

/// Characters of a username that is about to be made.
const NEW_USERNAME_CHARACTERS: RangeInclusive<usize> = 3..=39;
/// Longest e-mail address, in bytes.
const EMAIL_BYTES_MAX: usize = 254;

/// A username that is about to be made, lower-cased; `None` unless it is of the one form.
#[must_use]
pub fn new_username(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (first, last) = (bytes.first()?, bytes.last()?);
    let stands = NEW_USERNAME_CHARACTERS.contains(&bytes.len())
        && first.is_ascii_alphabetic()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    stands.then(|| text.to_ascii_lowercase())
}

/// Whether a text is an e-mail address as this installation takes them.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let blank = |letter: char| letter.is_whitespace() || letter.is_control();
    let dots_stand = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let labels_stand = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    text.is_ascii()
        && text.len() <= EMAIL_BYTES_MAX
        && !text.chars().any(blank)
        && !domain.contains('@')
        && !local.is_empty()
        && dots_stand
        && labels_stand
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_030_usernames_are_of_one_form() {
        let (longest, long) = ("a".repeat(39), "a".repeat(40));
        for good in ["abc", "us_er", "us-er", "A1b", longest.as_str()] {
            assert_eq!(new_username(good), Some(good.to_lowercase()), "{good}");
        }
        for bad in
            ["ab", "1abc", "_abc", "-abc", "abc_", "abc-", "a b", "a@b", "a.b", "café_user", "日本_user", "", &long]
        {
            assert_eq!(new_username(bad), None, "{bad}");
        }
    }

    #[test]
    fn acc_031_addresses_are_taken_and_refused_as_listed() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "Alice@Example.com"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in ["a", "a@b", "a b@c.d", "@c.d", "a@", "a@b@c.d", ".a@b.co", "a.@b.co", "a..b@c.co", "a@b.", &long] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
