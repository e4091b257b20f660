//! A Rust file as `tidy` sees it: each line's code (string contents blanked) apart from its comment, and every path
//! that the code names, with the trees of `use` written out.

/// One line of a file.
#[derive(Default, Clone)]
pub(crate) struct Line {
    /// Code, with the contents of strings and comments left out.
    pub(crate) code: String,
    /// The text of the line's comment, with its slashes.
    pub(crate) comment: String,
}

enum State {
    Code,
    LineComment,
    BlockComment(u32),
    Text,
    RawText(usize),
}

/// Splits a file into lines of code and comment.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut state = State::Code;
    let mut lines = Vec::new();
    let mut line = Line::default();
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let rest = &characters[at..];
        if character == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(std::mem::take(&mut line));
            at += 1;
            continue;
        }
        match state {
            State::Code if rest.starts_with(&['/', '/']) => state = State::LineComment,
            State::Code if rest.starts_with(&['/', '*']) => {
                state = State::BlockComment(1);
                at += 2;
                continue;
            }
            State::Code => {
                if let Some(hashes) = raw_text_begins(rest).filter(|_| !ends_in_word(&line.code)) {
                    line.code.push('"');
                    state = State::RawText(hashes);
                    at += hashes + 2;
                    continue;
                }
                if let Some(length) = character_literal(rest) {
                    line.code.push_str("' '");
                    at += length;
                    continue;
                }
                if character == '"' {
                    state = State::Text;
                }
                line.code.push(character);
            }
            State::LineComment => line.comment.push(character),
            State::BlockComment(depth) => {
                if rest.starts_with(&['*', '/']) {
                    state = if depth == 1 { State::Code } else { State::BlockComment(depth - 1) };
                    at += 2;
                    continue;
                }
                if rest.starts_with(&['/', '*']) {
                    state = State::BlockComment(depth + 1);
                }
                line.comment.push(character);
            }
            State::Text if character == '\\' && characters.get(at + 1).is_some_and(|next| *next != '\n') => at += 1,
            State::Text if character == '"' => {
                line.code.push('"');
                state = State::Code;
            }
            State::Text => {}
            State::RawText(hashes) => {
                let closing = rest.get(1..=hashes).is_some_and(|tail| tail.iter().all(|next| *next == '#'));
                if character == '"' && closing {
                    line.code.push('"');
                    state = State::Code;
                    at += hashes;
                }
            }
        }
        if matches!(state, State::LineComment) && line.comment.is_empty() {
            line.comment.push('/');
        }
        at += 1;
    }
    lines.push(line);
    lines
}

/// `r"`, `r#"`, `br"`: the number of hashes, when a raw string begins here. A leading `b` was already taken as code.
fn raw_text_begins(rest: &[char]) -> Option<usize> {
    let after = rest.strip_prefix(&['r'])?;
    let hashes = after.iter().take_while(|character| **character == '#').count();
    (after.get(hashes) == Some(&'"')).then_some(hashes)
}

fn ends_in_word(code: &str) -> bool {
    code.strip_suffix('b').unwrap_or(code).ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

/// The length of a character literal that begins here; a lifetime is none.
fn character_literal(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', _, tail @ ..] => tail.iter().position(|character| *character == '\'').map(|found| found + 4),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

/// A path that the code names, like `crate::http::routes`, and the line it stands on (from 1).
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// Whether it stands in a `use`; elsewhere a single word may be a variable.
    pub(crate) imported: bool,
}

/// Every path of the file.
pub(crate) fn paths(lines: &[Line]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.code.trim();
        let visibility_gone = trimmed.strip_prefix("pub(crate) ").or_else(|| trimmed.strip_prefix("pub "));
        let statement = visibility_gone.unwrap_or(trimmed);
        if let Some((_, tree)) = &mut pending {
            tree.push_str(trimmed);
        } else if let Some(tree) = statement.strip_prefix("use ") {
            pending = Some((index + 1, tree.to_owned()));
        } else {
            for segments in plain_paths(trimmed) {
                found.push(NamedPath { line: index + 1, segments, imported: false });
            }
        }
        if let Some((begun, tree)) = pending.take_if(|(_, tree)| tree.contains(';')) {
            let tree = tree.trim_end_matches(';');
            expand(&[], tree, &mut |segments| found.push(NamedPath { line: begun, segments, imported: true }));
        }
    }
    found
}

/// `a::b` sequences in a piece of code.
fn plain_paths(code: &str) -> Vec<Vec<String>> {
    code.split(|character: char| !(character.is_alphanumeric() || character == '_' || character == ':'))
        .filter(|word| !word.is_empty())
        .map(|word| word.split("::").filter(|part| !part.is_empty()).map(|part| part.replace(':', "")).collect())
        .collect()
}

/// Writes a `use` tree out: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &[String], tree: &str, take: &mut impl FnMut(Vec<String>)) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        let mut segments = prefix.to_vec();
        segments.extend(name.split("::").filter(|part| !part.is_empty()).map(str::to_owned));
        if !name.is_empty() {
            take(segments);
        }
        return;
    };
    let mut inner_prefix = prefix.to_vec();
    inner_prefix.extend(tree[..open].split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let mut depth = 0_u32;
    let mut begun = 0;
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&inner_prefix, &inner[begun..at], take);
                begun = at + 1;
            }
            _ => {}
        }
    }
    expand(&inner_prefix, &inner[begun..], take);
}

#[cfg(test)]
mod tests {
    use super::{lines, paths};

    #[test]
    fn strings_and_comments_are_no_code() {
        let source = "let a = \"sqlx::query // no\"; // tokio::spawn\nlet b = r#\"x\"y\"#; let c = '\"'; done()\n";
        let lines = lines(source);
        assert_eq!(lines[0].code.trim(), "let a = \"\";");
        assert_eq!(lines[0].comment, "// tokio::spawn");
        assert_eq!(lines[1].code, "let b = \"\"; let c = ' '; done()");
    }

    #[test]
    fn a_use_tree_is_written_out() {
        let found: Vec<String> = paths(&lines("use crate::{http::routes,\n    live::{self, cursor as c}};\n"))
            .into_iter()
            .map(|path| path.segments.join("::"))
            .collect();
        assert_eq!(found, ["crate::http::routes", "crate::live::self", "crate::live::cursor"]);
    }
}
