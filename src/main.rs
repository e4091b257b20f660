//! The program: runs what the command line says, prints the whole chain of what went wrong, ends with its code.

use std::process::ExitCode;

use muniment::cli::{Cli, exit};
use muniment::telemetry::lines::UntilRead;

fn main() -> ExitCode {
    // Dropped last, by a panic too.
    let _said = UntilRead;
    let cli = Cli::of_process();
    let Err(error) = cli.run() else { return ExitCode::SUCCESS };
    let end = exit::of(&error);
    if end.is_loud() {
        exit::tell(&error);
    }
    end.into()
}
