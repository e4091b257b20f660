//! The rules of Muniment. Pure and synchronous: no I/O, no clock, no randomness, no SQL, no actors.
//!
//! Reading order: [`decider`] is the contract every aggregate fulfils; [`record`] is the plain data all
//! layers share; [`ids`], [`claims`] and [`sealed`] are the values events are made of; then one module an
//! aggregate. Begin with [`metric`], the one most commands go to. [`catalog`] lists every event there is,
//! [`ended`] says which of them end a credential.

/// Lets each command struct stand where its aggregate's command enum is asked for.
macro_rules! from_each {
    ($command:ident: $($name:ident),+) => {$(
        impl From<$name> for $command {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        }
    )+};
}

pub mod claims;
pub mod decider;
pub mod ids;
pub mod record;
pub mod seal_context;
pub mod sealed;

pub mod metric;

pub mod application;

pub mod challenge;

pub mod account;
pub mod session;

pub mod note;
pub mod offer_book;
pub mod roster;
pub mod scope;

pub mod invite;
pub mod settings;

pub mod attempt;

pub mod scheduler;
pub mod subject;

pub mod catalog;
pub mod cqrs;
pub mod ended;
pub mod upcasters;
pub mod wire;

#[cfg(test)]
mod specification;
