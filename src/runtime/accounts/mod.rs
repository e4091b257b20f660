//! What is done to accounts from beside the surface, by whoever has the server's files. The command line and the
//! test-support program ask for it here; how an account is prepared is shared with the surface.

pub mod erase;
pub mod grant;
pub mod make;
pub mod revoke;
pub mod taken_back;

use muniment_aggregates::decider::Refuse;
use muniment_aggregates::record::Who;

use super::{BusError, Origin};

/// Who asks: the one with the server's files.
#[must_use]
pub fn origin(command: &'static str) -> Origin {
    Origin { who: Who::Operator, surface: "cli", ..Origin::system("cli", command, None) }
}

/// A refusal as its reason code, so that several aggregates speak one language in a transaction.
pub fn said<R: Refuse>(error: BusError<R>) -> BusError<String> {
    error.map_refusal(|refusal| refusal.reason().to_owned())
}
