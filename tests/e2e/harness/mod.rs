//! What every test stands on: servers ([`Server`]), clients as kinds ([`Client`], [`Founder`], [`Company`]), answers
//! that check themselves ([`Reply`]), and waiting without sleeping ([`eventually`]).

mod http;
mod parallel;
mod people;
mod program;
mod server;
mod store;

pub(crate) use http::{Client, Reply};
pub(crate) use parallel::{eventually, holds_for, in_parallel, runtime};
pub(crate) use people::{Company, Founder, unique};
pub(crate) use program::{Output, Program};
pub(crate) use server::{Refused, Server, Setup};
pub(crate) use store::Engine;

/// Makes a `sqlite` and a `postgres` test out of each named function; the function takes the [`Engine`].
///
/// The id of the checklist stays in the test's path: `points::met_085_…::postgres`.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[test]
                fn sqlite() {
                    super::$name($crate::harness::Engine::Sqlite);
                }

                #[test]
                fn postgres() {
                    super::$name($crate::harness::Engine::Postgres);
                }
            }
        )+
    };
}

/// Whether the long forms of the proofs were asked for.
pub(crate) fn torture() -> bool {
    std::env::var("MUNIMENT_TORTURE").is_ok_and(|value| value == "full")
}
