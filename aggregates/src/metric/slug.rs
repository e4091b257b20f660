//! Slug and title of a metric's key (spec/metrics.md section 6.1).

/// Longest slug, in characters.
pub const SLUG_CHARACTERS_MAX: usize = 100;

/// Makes a slug: trimmed, lower-cased, every run of anything but `a–z 0–9` one `_`, none at the ends.
/// May come out empty; see [`is_valid`].
#[must_use]
pub fn slug(key: &str) -> String {
    let mut slug = String::with_capacity(key.len());
    for character in key.trim().to_lowercase().chars() {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    if slug.ends_with('_') {
        slug.pop();
    }
    slug
}

/// Makes a title: the slug's parts with their first letters in upper case, joined by blanks.
#[must_use]
pub fn title(slug: &str) -> String {
    let mut title = String::with_capacity(slug.len());
    for part in slug.split('_').filter(|part| !part.is_empty()) {
        if !title.is_empty() {
            title.push(' ');
        }
        let mut characters = part.chars();
        if let Some(first) = characters.next() {
            title.push(first.to_ascii_uppercase());
            title.push_str(characters.as_str());
        }
    }
    title
}

/// Whether a text is a slug that may name a metric: what [`slug`] makes, not empty, not too long.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    !text.is_empty() && text.len() <= SLUG_CHARACTERS_MAX && slug(text) == text
}
