//! The last look at a log line: secrets are masked, and what came from outside stays on its one line.
//!
//! A net under the rule that secrets are never logged, not a replacement for it.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use super::lines;

/// What stands in place of a secret.
const MASK: &str = "***";

/// Standard error, every line redacted.
#[derive(Debug, Clone, Copy)]
pub struct RedactedStderr;

impl Write for RedactedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // One event is one call, so a secret is never cut in two.
        let text = redact(&String::from_utf8_lossy(line));
        lines::write(&text)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Standard error keeps nothing back.
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for RedactedStderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Masks tokens, bearer credentials and passwords in URLs; makes inner line ends visible.
#[must_use]
pub fn redact(line: &str) -> String {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    let one_line = body.replace('\r', "\\r").replace('\n', "\\n");
    let masked = without_tokens(&without_passwords(&without_bearers(&one_line)));
    masked + end
}

/// Characters of tokens and credentials.
fn is_secret_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '~' | '+' | '/' | '=')
}

/// `…_live_<public id>_<secret>` and `…_session_<public id>_<secret>`: the public id helps, the secret goes.
fn without_tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, word)) =
        ["_live_", "_session_"].iter().filter_map(|word| rest.find(word).map(|at| (at, *word))).min()
    {
        let start = at + word.len();
        let public = rest[start..].chars().take_while(char::is_ascii_hexdigit).count();
        let after = start + public;
        clean.push_str(&rest[..after]);
        rest = &rest[after..];
        if public > 0
            && let Some(secret) = rest.strip_prefix('_')
        {
            clean.push('_');
            clean.push_str(MASK);
            rest = secret.trim_start_matches(is_secret_letter);
        }
    }
    clean + rest
}

/// `Bearer <credential>`, whatever its form.
fn without_bearers(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = lower[from..].find("bearer ") {
        let secret = from + at + "bearer ".len();
        clean.push_str(&text[from..secret]);
        let left = text[secret..].trim_start_matches(is_secret_letter);
        if left.len() < text.len() - secret {
            clean.push_str(MASK);
        }
        from = text.len() - left.len();
    }
    clean + &text[from..]
}

/// `scheme://user:password@host`.
fn without_passwords(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = authority.find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '"' | '\'' | '?'));
        let (authority, after) = authority.split_at(end.unwrap_or(authority.len()));
        match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
            Some((Some((user, _)), host)) => clean.push_str(&format!("{user}:{MASK}@{host}")),
            Some((None, _)) | None => clean.push_str(authority),
        }
        rest = after;
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_every_form_are_masked() {
        for (line, clean) in [
            ("token alif_live_0123456789abcdef01_S3cr-t_x, next\n", "token alif_live_0123456789abcdef01_***, next\n"),
            ("{\"a\":\"alif_session_00ff_abc\"}", "{\"a\":\"alif_session_00ff_***\"}"),
            ("Authorization: Bearer abc.def-ghi and", "Authorization: Bearer *** and"),
            ("at postgres://ana:p@ss@db/x failed", "at postgres://ana:***@db/x failed"),
            ("at http://127.0.0.1:8080/v1", "at http://127.0.0.1:8080/v1"),
            ("the_live_show _session_", "the_live_show _session_"),
            ("bearer ", "bearer "),
        ] {
            assert_eq!(redact(line), clean);
        }
    }

    #[test]
    fn k2_a_line_stays_one_line() {
        assert_eq!(redact("a\r\nINFO forged\n"), "a\\r\\nINFO forged\n");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(line in "\\PC*(_live_|://|bearer |@|:|_|é)*\\PC*") {
            proptest::prop_assert!(!redact(&line).trim_end_matches('\n').contains('\n'));
        }
    }
}
