//! The program: runs what the command line says, prints the whole chain of what went wrong, ends with its code.

use std::process::ExitCode;

use muniment::cli::{Cli, exit};

fn main() -> ExitCode {
    let cli = Cli::of_process();
    let Err(error) = cli.run() else { return ExitCode::SUCCESS };
    let end = exit::of(&error);
    if end.is_loud() {
        exit::tell(&error);
    }
    end.into()
}
