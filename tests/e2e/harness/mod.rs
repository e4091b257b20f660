//! What every test stands on: servers ([`Server`]), clients as kinds ([`Client`], [`Founder`], [`Company`]), answers
//! that check themselves ([`Reply`]), and waiting without sleeping ([`eventually`]).

mod accounts;
#[cfg(feature = "otel")]
mod collector;
mod http;
mod last_look;
mod mail_sink;
mod parallel;
mod people;
mod program;
mod secrets;
mod server;
mod store;

pub(crate) use accounts::{COOKIE_KEY, Installation, ORIGIN, PASSWORD, Person, Rpc, cookie_end, cookie_of, text};
#[cfg(feature = "otel")]
pub(crate) use collector::{Collector, attribute};
pub(crate) use http::{Client, Reply, check_rpc_error};
pub(crate) use last_look::of_test;
pub(crate) use mail_sink::MailSink;
pub(crate) use parallel::{eventually, holds_for, in_parallel, pause, runtime, within};
pub(crate) use people::{Company, Founder, unique};
pub(crate) use program::{Output, Program};
pub(crate) use server::{Refused, SHORT_READ_WAIT, Server, Setup};
pub(crate) use store::{Engine, OpenTransaction, Store, folder_bytes};

/// Makes a `sqlite` and a `postgres` test out of each named function; the function takes the [`Engine`].
///
/// The id of the checklist stays in the test's path: `points::met_085_…::postgres`.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[test]
                fn sqlite() {
                    $crate::harness::of_test(|| super::$name($crate::harness::Engine::Sqlite));
                }

                #[test]
                fn postgres() {
                    $crate::harness::of_test(|| super::$name($crate::harness::Engine::Postgres));
                }
            }
        )+
    };
}

/// Whether bytes contain other bytes.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Milliseconds from now until an RFC 3339 time; negative when it has passed.
pub(crate) fn milliseconds_until(time: &serde_json::Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    let written_by_us = text.len() == "2026-06-01T10:00:00.000Z".len() && text.ends_with('Z');
    assert!(written_by_us, "{text}: RFC 3339, UTC, milliseconds");
    let time: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
    (time - chrono::Utc::now()).num_milliseconds()
}

/// Whether a text is a prefix followed by so many characters of a class.
pub(crate) fn looks_like(text: &str, prefix: &str, length: usize, class: fn(char) -> bool) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.chars().count() == length && rest.chars().all(class))
}

/// base64url's alphabet.
pub(crate) fn base64url(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// Asserts `<prefix>_` and 16 base64url characters.
#[track_caller]
pub(crate) fn assert_id(id: &serde_json::Value, prefix: &str) {
    let text = id.as_str().unwrap_or_else(|| panic!("{id} is no id"));
    assert!(looks_like(text, &format!("{prefix}_"), 16, base64url), "{text} is not a {prefix} id");
}

/// Whether the long forms of the proofs were asked for.
pub(crate) fn torture() -> bool {
    std::env::var("MUNIMENT_TORTURE").is_ok_and(|value| value == "full")
}

/// A token's front (kind and public id) and its secret, which may hold underscores of its own.
pub(crate) fn split_token(token: &str) -> (&str, &str) {
    let (at, _) = token.match_indices('_').nth(2).expect("a token has four parts");
    (&token[..at], &token[at + 1..])
}
