//! Every developer task of Muniment as a subcommand: `cargo xtask run | test | tidy | golden | torture | bench`.
//! It imports nothing of the workspace, so that it builds in seconds and can report on code that does not compile.

mod bench;
mod golden;
mod postgres;
mod release;
mod run;
mod shell;
mod summary;
mod test;
mod tidy;
mod torture;

use std::process::ExitCode;

const HELP: &str = "\
Developer tasks of Muniment.

Usage: cargo xtask <task> [options]

Tasks:
  run [-- ARGS]      build the program and start `muniment serve` on the embedded store in ./data
  test [--quick]     everything a change must pass: tidy, unit, contract and end-to-end tests on both engines
                     (--quick: without the end-to-end tests)
  tidy               the rules of the house: imports by layer, sizes, banned words and calls, dead files, parity
  golden             write the golden copies of new events and states (never edits a released one)
  torture [FILTER]   every proof in full length, with its counts; FILTER is a part of a test's name
  bench [ARGS]       run the benchmarks beside their peers
  help               this page

Examples:
  cargo xtask run -- --listen 127.0.0.1:9000
  cargo xtask test --quick
  cargo xtask torture crash
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = arguments.split_first() else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let outcome = match task.as_str() {
        "run" => run::run(rest),
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "golden" => golden::run(rest),
        "torture" => torture::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        unknown => {
            eprintln!("xtask: there is no task `{unknown}`\n");
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
