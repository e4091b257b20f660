//! What an operator does with the record itself: serving it, investigating it, keeping it.
//!
//! [`open`] finds the store of the configuration; then a file a command family.

use anyhow::Result;
use clap::Subcommand;

use super::flags::Global;
use super::interrupt::Standing;
use super::output::Printer;
use super::{on_actors, on_actors_known, on_this_thread, on_this_thread_resumed};
use crate::config::{Config, Surroundings};

pub mod account;
pub mod audit;
pub mod backup;
pub mod cleanup;
pub mod config;
pub mod doctor;
mod doctor_traces;
pub mod erase;
pub mod init;
pub mod keeper;
pub mod keys;
mod late_offers;
pub mod mail;
pub mod moment;
pub mod open;
pub mod papers;
pub mod projections;
pub mod role;
pub mod serve;
mod unthrottle;

/// The operator's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// Run a server whose store is thrown away at the end
    Dev(serve::Dev),
    /// Write muniment.toml and make the master key
    Init(init::Init),
    /// Check everything a server stands on; exit 7 when something is wrong
    Doctor(doctor::Doctor),
    /// The settings
    Config(config::Settings),
    /// Investigate the record
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The read models
    #[command(subcommand)]
    Projections(projections::Projections),
    /// Accounts: who has one; making one; letting somebody in again
    #[command(subcommand)]
    Account(account::Account),
    /// Roles: why somebody holds one; giving and taking one
    #[command(subcommand)]
    Role(role::Role),
    /// Close expired sessions and note lapsed offers now
    Cleanup(cleanup::Cleanup),
    /// Write the record and its wrapped keys to two files; a server may go on working
    Backup(backup::Backup),
    /// Load a backup into an empty store
    Restore(backup::Restore),
    /// Erase a person's data for ever
    Erase(erase::Erase),
    /// The master key, under which everybody's keys are wrapped
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Outgoing mail
    #[command(subcommand)]
    Mail(mail::Mail),
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
        Command::Serve(command) => serve::serve(global, &command),
        Command::Dev(command) => serve::dev(global, &command),
        Command::Init(command) => init::init(&printer, &command),
        Command::Doctor(command) => on_this_thread(doctor::doctor(global, &command)),
        Command::Config(command) => config::show(&printer, &command, &Config::load(&Surroundings::of_process())?),
        Command::Audit(command) => on_actors(audit::audit(global, command)),
        Command::Projections(command) => {
            on_this_thread_resumed(command.farewell(), projections::projections(global, command))
        }
        Command::Account(command) => account::account(global, command),
        Command::Role(command) => role::role(global, command),
        Command::Cleanup(command) => on_actors(cleanup::cleanup(global, &command)),
        Command::Backup(command) => on_this_thread(backup::make(global, &command)),
        Command::Restore(command) => on_this_thread(backup::load(global, &command)),
        Command::Erase(command) => {
            let standing = Standing::default();
            on_actors_known(&standing, erase::erase(global, &command, &standing))
        }
        Command::Keys(command) => on_this_thread_resumed(keys::farewell(), keys::keys(global, command)),
        Command::Mail(command) => on_this_thread(mail::mail(global, command)),
        Command::Papers(command) => papers::papers(&printer, command),
    }
}
