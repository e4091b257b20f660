//! Passwords that everybody tries first. Only those long enough to be set are here; a longer list would be a lookup of its
//! own, and the limits on guesses stand before it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

/// In lower case, without what surrounds them.
const COMMON: &str = "\
    000000000000 0123456789ab 0987654321qwerty 111111111111 112233445566 121212121212 123123123123 123123123qwe \
    123321123321 1234567890ab 1234567890qwerty 1234567891011 123456789012 1234567890123 12345678901234 123456789abc \
    123456789qwerty 12345678qwertyui 123456abcdef 123456password 123456qwerty 123qweasdzxc 1q2w3e4r5t6y 1q2w3e4r5t6y7u \
    1q2w3e4r5t6y7u8i 1qaz2wsx3edc 1qaz2wsx3edc4rfv 222222222222 987654321012 abc123456789 abcd12345678 abcdef123456 \
    abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz administrator administrator1 asdfghjkl123 \
    asdfghjkl1234 asdfghjklqwertyuiop changeme1234 changemenow1 chocolate123 iloveyou1234 iloveyou12345 letmein12345 \
    letmein123456 liverpool123 monkey123456 p@ssw0rd1234 p@ssword1234 pa55word1234 password0000 password1111 \
    password1234 password12345 password123456 password1234567 password12345678 password123456789 password1234567890 \
    password2020 password2021 password2022 password2023 password2024 password2025 password2026 password@123 \
    password123! password1234! passwordpassword passw0rd1234 poiuytrewq123 princess1234 q1w2e3r4t5y6 q1w2e3r4t5y6u7 \
    qazwsxedc123 qazwsxedcrfv qazwsxedcrfvtgb qwerty123456 qwerty1234567 qwerty12345678 qwertyqwerty qwertyui1234 \
    qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiopasdfghjkl qwertyuiop[] superman1234 sunshine1234 trustno1trustno1 \
    welcome12345 welcome123456 zaq12wsxcde3 zaq1xsw2cde3 zxcvbnm12345 zxcvbnmasdfghjkl";

/// Whether a password is one of the most common, however its letters are written.
#[must_use]
pub fn is_common(password: &str) -> bool {
    static LIST: LazyLock<BTreeSet<&str>> = LazyLock::new(|| COMMON.split_ascii_whitespace().collect());
    let folded: String = password.trim().nfkc().flat_map(char::to_lowercase).collect();
    LIST.contains(folded.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_password_is_long_enough_to_be_set_and_found_in_every_spelling() {
        for password in COMMON.split_ascii_whitespace() {
            assert!((12..=300).contains(&password.chars().count()), "{password}");
            assert!(is_common(password) && is_common(&format!(" {} ", password.to_uppercase())), "{password}");
        }
        assert!(is_common("Ｐassword1234"));
        for good in ["aaaaaaaaaaaa", "correct horse battery", "password1234 of mine", "пароль-длинный"] {
            assert!(!is_common(good), "{good}");
        }
    }
}
