//! The bearer token of a request, read the same way on every surface; each refuses in its own words.

/// More than one `Authorization` header: which of them was meant nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Several;

/// The token in the `Authorization` headers of a request; a header that is no text is `None`.
///
/// # Errors
/// [`Several`] headers.
pub fn bearer_of<T: AsRef<str>>(headers: &[Option<T>]) -> Result<Option<&str>, Several> {
    let header = match headers {
        [] | [None] => return Ok(None),
        [Some(header)] => header.as_ref().trim(),
        [_, _, ..] => return Err(Several),
    };
    let Some((scheme, token)) = header.split_once(char::is_whitespace) else { return Ok(None) };
    let token = token.trim();
    Ok((scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_of_the_scheme_has_a_token() {
        for (header, token) in [
            ("Bearer abc", Some("abc")),
            (" bearer \t abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer  ", None),
            ("Basic abc", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(bearer_of(&[Some(header)]), Ok(token), "{header:?}");
        }
        assert_eq!(bearer_of::<&str>(&[]), Ok(None));
        assert_eq!(bearer_of::<&str>(&[None]), Ok(None));
        assert_eq!(bearer_of(&[Some("Bearer a"), None]), Err(Several));
    }
}
