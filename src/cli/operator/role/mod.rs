//! Roles as whoever has the server's files sees them: why somebody holds one, and giving and taking one without an
//! offer.

use anyhow::Result;
use clap::Subcommand;
use muniment_aggregates::offer_book::GrantScope;
use uuid::Uuid;

use crate::cli::flags::Global;
use crate::cli::interrupt::Standing;
use crate::cli::{on_actors_known, on_this_thread};

mod grant;
mod why;

/// Roles: why somebody holds one; giving and taking one
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Prove from the record that an account holds a role, or with --not that it does not; exit 7 when it is otherwise
    #[command(
        before_help = "Examples:\n  muniment role why ana admin\n  \
                            muniment role why ana admin --at 2026-03-31T23:59:59Z\n  \
                            muniment role why ana teacher --scope class:6f1c0d5e-8a3b-4c7d-9e2f-1b0a4d6c8e57\n  \
                            muniment role why ana teacher --not --json",
        after_help = "Only the streams concerned are read. An event that is missing in one ends it with 7, unless it was the\n\
                            stream's last: that one is missing `muniment audit verify` alone says."
    )]
    Why(why::Why),
    /// Give an account a role without its consent; any registered role, keeper and admin too
    #[command(
        before_help = "Examples:\n  muniment role grant ana admin\n  \
                            muniment role grant ana student --expires 2027-01-31\n  \
                            muniment role grant ana teacher --scope class:6f1c0d5e-8a3b-4c7d-9e2f-1b0a4d6c8e57",
        after_help = "With the embedded store, stop the server first."
    )]
    Grant(grant::Grant),
    /// Take a role from an account, in every scope, with every open offer of that role to it or by it
    #[command(
        before_help = "Example:\n  muniment role revoke ana admin --reason 'left the team'",
        after_help = "With the embedded store, stop the server first. The last holder of keeper and of admin stays."
    )]
    Revoke(grant::Revoke),
}

/// Runs one.
///
/// # Errors
/// Whatever kept it from being done.
pub fn role(global: &Global, command: Role) -> Result<()> {
    let standing = Standing::default();
    match command {
        Role::Why(command) => on_this_thread(why::why(global, &command)),
        Role::Grant(command) => on_actors_known(&standing, grant::grant(global, &command, &standing)),
        Role::Revoke(command) => on_actors_known(&standing, grant::revoke(global, &command, &standing)),
    }
}

/// A scope as `<kind>:<uuid>`.
///
/// # Errors
/// When it is none.
pub(in crate::cli) fn scope(text: &str) -> Result<GrantScope, String> {
    let refused = || "a scope is <kind>:<uuid>".to_owned();
    let (kind, id) = text.split_once(':').ok_or_else(refused)?;
    let is_uuid = id.len() == 36 && Uuid::try_parse(id).is_ok();
    if kind.is_empty() || !is_uuid {
        return Err(refused());
    }
    Ok(GrantScope { kind: kind.to_owned(), id: id.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_a_kind_and_a_uuid() {
        let id = "00000000-0000-0000-0000-000000000000";
        assert_eq!(scope(&format!("class:{id}")), Ok(GrantScope { kind: "class".to_owned(), id: id.to_owned() }));
        for bad in ["class", "class:", "class:7", &format!(":{id}"), &format!("class:{{{id}}}")] {
            assert!(scope(bad).is_err(), "{bad}");
        }
    }
}
