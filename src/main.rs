//! The program: runs what the command line says, prints the whole chain of what went wrong, ends with its code.

use std::process::ExitCode;

use clap::Parser as _;
use muniment::cli::{Cli, exit};

/// A command's memory is taken on one thread and given back on another: request, actor, writer. The system's allocator
/// makes those threads wait for each other; this one does not (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Err(error) = cli.run() else { return ExitCode::SUCCESS };
    let end = exit::of(&error);
    if end.is_loud() {
        eprint!("{}", exit::report(&error));
    }
    end.into()
}
