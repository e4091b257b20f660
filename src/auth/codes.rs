//! One-time codes: six digits, uniform, stored only as a keyed digest.

use muniment_journal::KeyRing;

use super::random_bytes;

/// Digits of a code.
const DIGITS: usize = 6;
/// How many codes there are.
const CODES: u32 = 1_000_000;

/// A fresh code, uniform over 000000–999999: what lies above the greatest multiple of a million is drawn again, so
/// no code is likelier than another.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn fresh() -> Result<String, getrandom::Error> {
    let fair = u32::MAX - u32::MAX % CODES;
    loop {
        let drawn = u32::from_le_bytes(random_bytes::<4>()?);
        if drawn < fair {
            return Ok(format!("{:06}", drawn % CODES));
        }
    }
}

/// Takes all white space out; `None` unless six ASCII digits are left.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    (code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// The keyed digest under which a code is stored: HMAC-SHA-256 over purpose, e-mail and code, in hexadecimal.
#[must_use]
pub fn digest(keys: &KeyRing, purpose: &str, email: &str, code: &str) -> String {
    hex::encode(keys.mac("one-time-code", format!("{purpose}\0{email}\0{code}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_ascii_digits_are_a_code_whatever_the_blanks() {
        assert_eq!(parse("12 34\t56").as_deref(), Some("123456"));
        for wrong in ["12345", "1234567", "12345a", "１２３４５６", "1e5", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_fresh_code_is_a_code() {
        for _ in 0..100 {
            let code = fresh().expect("random bytes");
            assert_eq!(parse(&code), Some(code));
        }
    }
}
