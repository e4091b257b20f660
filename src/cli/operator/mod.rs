//! What an operator does with the record itself.

use anyhow::Result;
use clap::Subcommand;

use super::flags::Global;
use super::output::Printer;
use crate::config::{Config, Loaded, Surroundings};

pub mod config;
pub mod init;
pub mod papers;

/// The operator's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write muniment.toml and make the master key
    Init(init::Init),
    /// The settings
    #[command(subcommand)]
    Config(config::Show),
    /// What goes with the program.
    #[command(flatten)]
    Papers(papers::Papers),
}

/// Runs one.
///
/// # Errors
/// Whatever kept it from being done.
pub fn run(global: &Global, command: Command) -> Result<()> {
    let printer = Printer::new(global);
    match command {
        Command::Init(command) => init::init(&printer, &command),
        Command::Config(command) => config::show(&printer, &command, &load(Surroundings::of_process())?),
        Command::Papers(command) => papers::papers(&printer, command),
    }
}

fn load(surroundings: Surroundings) -> Result<Loaded> {
    Ok(Config::load(&surroundings)?)
}
