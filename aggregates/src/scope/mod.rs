//! A scope that roles are limited to: which offer books have anything at it, and whether it was destroyed. The
//! stream's id is `<kind>:<uuid>`; see [`stream_id`].
//!
//! What it protects: after a scope is destroyed nothing is offered or held at it, whatever raced. Whoever brings a
//! book to the scope writes here, so whoever destroys it knows every book, or is refused and looks again. A book leaves
//! in an append that rests on the book as it was without anything here, so the books that are known are always at
//! least those that have something (docs/decisions/0008).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::AccountId;
use crate::offer_book::GrantScope;

/// The id of a scope's stream.
#[must_use]
pub fn stream_id(scope: &GrantScope) -> String {
    format!("{}:{}", scope.kind, scope.id)
}

/// Brings the offer book of an account to the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Whose book.
    pub account: AccountId,
}

/// Lets the offer book of an account go. To be decided only together with the book, which has nothing at the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Whose book.
    pub account: AccountId,
}

/// Ends the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroy {}

/// Everything a scope can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeCommand {
    /// See [`Join`].
    Join(Join),
    /// See [`Leave`].
    Leave(Leave),
    /// See [`Destroy`].
    Destroy(Destroy),
}

from_each!(ScopeCommand: Join, Leave, Destroy);

/// A book may have something at the scope from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeJoined {
    /// Whose book.
    pub account: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A book has nothing at the scope any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeLeft {
    /// Whose book.
    pub account: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The scope is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeDestroyed {
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeEvent {
    /// See [`ScopeJoined`].
    Joined(ScopeJoined),
    /// See [`ScopeLeft`].
    Left(ScopeLeft),
    /// See [`ScopeDestroyed`].
    Destroyed(ScopeDestroyed),
}

impl DomainEvent for ScopeEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Joined(_) => "scope.joined",
            Self::Left(_) => "scope.left",
            Self::Destroyed(_) => "scope.destroyed",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Joined(_) | Self::Left(_) | Self::Destroyed(_) => "1.0",
        }
    }
}

/// Why a scope said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeRefusal {
    /// It is gone.
    #[error("the scope was destroyed")]
    Destroyed,
}

impl Refuse for ScopeRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::Destroyed => "scope_destroyed",
        }
    }
}

/// The state of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    books: BTreeSet<AccountId>,
    destroyed_at: Option<DateTime<Utc>>,
}

impl Scope {
    /// The accounts whose books may have something here.
    pub fn books(&self) -> impl Iterator<Item = &AccountId> {
        self.books.iter()
    }

    /// When it was destroyed.
    #[must_use]
    pub fn destroyed_at(&self) -> Option<DateTime<Utc>> {
        self.destroyed_at
    }
}

impl Decider for Scope {
    const TYPE: &'static str = "scope";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = ScopeCommand;
    type Event = ScopeEvent;
    type Refusal = ScopeRefusal;

    fn decide(&self, command: &ScopeCommand, facts: &Facts) -> Result<Vec<ScopeEvent>, ScopeRefusal> {
        match command {
            ScopeCommand::Join(_) if self.destroyed_at.is_some() => Err(ScopeRefusal::Destroyed),
            ScopeCommand::Join(join) if self.books.contains(&join.account) => Ok(Vec::new()),
            ScopeCommand::Join(join) => {
                Ok(vec![ScopeEvent::Joined(ScopeJoined { account: join.account.clone(), at: facts.now })])
            }
            ScopeCommand::Leave(leave) if self.destroyed_at.is_some() || !self.books.contains(&leave.account) => {
                Ok(Vec::new())
            }
            ScopeCommand::Leave(leave) => {
                Ok(vec![ScopeEvent::Left(ScopeLeft { account: leave.account.clone(), at: facts.now })])
            }
            ScopeCommand::Destroy(_) if self.destroyed_at.is_some() => Ok(Vec::new()),
            ScopeCommand::Destroy(_) => Ok(vec![ScopeEvent::Destroyed(ScopeDestroyed { at: facts.now })]),
        }
    }

    fn evolve(&mut self, event: &ScopeEvent) {
        match event {
            ScopeEvent::Joined(joined) => {
                self.books.insert(joined.account.clone());
            }
            ScopeEvent::Left(left) => {
                self.books.remove(&left.account);
            }
            ScopeEvent::Destroyed(destroyed) => {
                self.destroyed_at.get_or_insert(destroyed.at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
