//! Counts again, from the events, what stands beside them and is acted on: who holds which unique key ([`claims`]), and the
//! states that actors load ([`snapshots`]). No hash covers either, so that the chain of events holds whatever they say.
//!
//! A server may be writing meanwhile: an event and the claims that it makes are one transaction, and a snapshot is compared
//! with the events up to its own, so that neither is ever looked at halfway.

pub mod claims;
pub mod snapshots;

use muniment_journal::JournalError;

use super::fold::FoldError;

/// Differences that are told: the first say enough, and whoever made more than these is not let fill the memory.
const DIFFERENCES_MAX: usize = 100;

/// Rows read at a time.
const PAGE_ROWS: usize = 1_000;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recounted<D> {
    /// Rows that were compared.
    pub compared: u64,
    /// Rows that count as none, and were not compared.
    pub skipped: u64,
    /// What differs, at most a hundred; empty where all is as the record says.
    pub differences: Vec<D>,
    /// Whether the comparison ended there, so that there may be others.
    pub has_more: bool,
}

impl<D> Recounted<D> {
    const fn new() -> Self {
        Self { compared: 0, skipped: 0, differences: Vec::new(), has_more: false }
    }

    /// Takes a difference, while there is room for one.
    fn add(&mut self, difference: D) {
        if self.is_full() {
            self.has_more = true;
        } else {
            self.differences.push(difference);
        }
    }

    const fn is_full(&self) -> bool {
        self.differences.len() >= DIFFERENCES_MAX
    }
}

/// What was read of the rows that are compared, or else what is wrong with them: it is a finding, which no other attempt reads
/// otherwise.
fn readable<T>(read: Result<T, JournalError>) -> Result<Result<T, String>, FoldError> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(JournalError::Sql(error)) if error.is_of_what_is_stored() => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
