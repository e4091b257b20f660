//! Words and calls that stay out of the tree, each with its replacement.

use super::{File, Finding};

/// Words that carry nothing, in comments and in pages.
const EMPTY_WORDS: [&str; 8] =
    ["robust", "comprehensive", "seamless", "seamlessly", "leverage", "leverages", "cutting-edge", "blazing"];

/// Beginnings of comments that only retell the next line.
const NARRATION: [&str; 7] =
    ["// create the ", "// now we ", "// first, we ", "// then we ", "// =====", "// -----", "// import "];

/// Comments about the history of the code; the history has a place of its own.
const HISTORY: [&str; 6] =
    ["now uses", "as requested", "for now", "in production you would", "was previously", "used to be"];

/// Type names that say nothing about what the type owns.
const EMPTY_SUFFIXES: [&str; 8] = ["Manager", "Helper", "Util", "Utils", "Processor", "Wrapper", "Impl", "Info"];

/// How near above a dropped result the comment that excuses it must stand, in lines.
const COMMENT_LINES_ABOVE: usize = 4;

/// Code that is refused, and what to write instead.
const CALLS: [(&str, &str); 9] = [
    ("todo!(", "write the code, or open an issue"),
    ("unimplemented!(", "write the code, or open an issue"),
    ("dbg!(", "use `tracing`"),
    ("#[allow(", "use `#[expect(…, reason = \"…\")]`, which fails when it is no longer needed"),
    ("#![allow(", "use `#![expect(…, reason = \"…\")]`, which fails when it is no longer needed"),
    ("#[ignore", "a test runs or does not exist; long forms read MUNIMENT_TORTURE"),
    ("#[should_panic", "assert on the error"),
    ("std::thread::sleep(", "poll for the condition with a bound; see `harness::eventually`"),
    (".do_send(", "use `try_send`: `do_send` has no bound"),
];

/// Banned words, narration, empty type names and banned calls of one Rust file.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut comment_above = COMMENT_LINES_ABOVE;
    for (index, line) in file.lines.iter().enumerate() {
        let number = index + 1;
        let comment = line.comment.to_lowercase();
        if !comment.is_empty() {
            findings.extend(comment_findings(file, number, &comment));
        }
        for (call, instead) in CALLS {
            if line.code.contains(call) {
                findings.push(file.finding(number, format!("`{call}`: {instead}")));
            }
        }
        if drops_a_call(&line.code) && line.comment.is_empty() && comment_above >= COMMENT_LINES_ABOVE {
            findings.push(
                file.finding(
                    number,
                    "`let _ =`: handle the result, or say in a comment why it cannot matter".to_owned(),
                ),
            );
        }
        if let Some(name) = defined_type(&line.code)
            && let Some(suffix) = EMPTY_SUFFIXES.iter().find(|suffix| name.ends_with(**suffix))
        {
            findings.push(file.finding(number, format!("type `{name}`: `{suffix}` says nothing; name what it owns")));
        }
        comment_above = if line.comment.is_empty() { comment_above + 1 } else { 0 };
    }
    findings
}

fn comment_findings(file: &File, number: usize, comment: &str) -> Vec<Finding> {
    let mut findings = empty_words(file, number, comment);
    for beginning in NARRATION.iter().filter(|beginning| comment.starts_with(**beginning)) {
        findings
            .push(file.finding(number, format!("`{}` retells the code; say why, or say nothing", beginning.trim())));
    }
    for phrase in HISTORY.iter().filter(|phrase| comment.contains(**phrase)) {
        findings.push(file.finding(number, format!("`{phrase}` is history; the commit tells it")));
    }
    let marker = ["todo", "fixme"].into_iter().find(|marker| words(comment).any(|word| word == *marker));
    if let Some(marker) = marker.filter(|_| !comment.contains("issue")) {
        findings.push(file.finding(number, format!("`{marker}` without an issue")));
    }
    findings
}

/// Empty words in a line of prose; pages are held to the same list.
pub(crate) fn empty_words(file: &File, number: usize, prose: &str) -> Vec<Finding> {
    let prose = prose.to_lowercase();
    let banned = EMPTY_WORDS.iter().filter(|banned| words(&prose).any(|word| word == **banned));
    banned.map(|word| file.finding(number, format!("`{word}` carries nothing; say what it does"))).collect()
}

fn words(prose: &str) -> impl Iterator<Item = &str> {
    prose.split(|character: char| !(character.is_alphanumeric() || character == '-'))
}

/// The names and keywords of a piece of code.
pub(crate) fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !(character.is_alphanumeric() || character == '_')).filter(|word| !word.is_empty())
}

/// `let _ = call()`; naming a parameter that is not used drops nothing.
fn drops_a_call(code: &str) -> bool {
    let dropped = code.split_once("let _ =").map(|(_, value)| value.trim().trim_end_matches(';'));
    dropped.is_some_and(|value| !value.chars().all(|character| character.is_alphanumeric() || character == '_'))
}

fn defined_type(code: &str) -> Option<&str> {
    let mut words = code.split_whitespace().skip_while(|word| word.starts_with("pub"));
    matches!(words.next()?, "struct" | "enum" | "trait" | "type").then_some(())?;
    words.next()?.split(|character: char| !(character.is_alphanumeric() || character == '_')).next()
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::check;

    fn findings(text: &str) -> usize {
        check(&File::new("src/a.rs".to_owned(), text.to_owned())).len()
    }

    #[test]
    fn banned_text_is_found_once_each() {
        assert_eq!(findings("// A robust thing.\n"), 1);
        assert_eq!(findings("pub(crate) struct TokenManager;\n"), 1);
        assert_eq!(findings("let _ = send();\n"), 1);
        assert_eq!(findings("// TODO: later\n"), 1);
        assert_eq!(findings("#[allow(dead_code)]\n"), 1);
    }

    #[test]
    fn a_reason_beside_a_dropped_result_is_enough() {
        assert_eq!(findings("// The receiver may be gone.\nlet _ = send();\n"), 0);
        assert_eq!(findings("let text = \"a robust todo!( thing\";\n"), 0);
    }
}
