//! Snapshots: what an actor would load is what the events up to there give. Each is folded from the first event of its stream,
//! a page at a time, once.

use std::fmt;

use muniment_aggregates::decider::Decider;
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::{Journal, Snapshot};
use serde_json::Value;

use super::{PAGE_ROWS, Recounted, readable};
use crate::runtime::documents;
use crate::runtime::fold::{self, FoldError, Folded, fold_while};
use crate::runtime::kinds::{OfAnyKind, of_kind};

/// Places of a state that are told.
const PATHS_MAX: usize = 20;

/// What is wrong with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The state is another in these places.
    State(Vec<String>),
    /// It is of an event that its stream does not have.
    Beyond,
    /// It holds what no snapshot has. Actors pass over one whose state does not decode.
    Unreadable(String),
}

/// A snapshot that is not what its events give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is wrong.
    pub wrong: Wrong,
    /// Whose state; none where not even that can be read.
    pub stream: Option<StreamId>,
    /// The event of the stream after which it was taken.
    pub sequence: Option<u64>,
    /// Where that event stands.
    pub position: Option<Position>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stream {
            Some(stream) => write!(f, "snapshot of {stream}")?,
            None => write!(f, "a snapshot")?,
        }
        if let Some(sequence) = self.sequence {
            write!(f, " after its event {sequence}")?;
        }
        if let Some(position) = self.position {
            write!(f, " at position {position}")?;
        }
        match &self.wrong {
            Wrong::State(paths) => write!(f, ": its events give something else for {}", paths.join(", ")),
            Wrong::Beyond => write!(f, ": the stream has no such event"),
            Wrong::Unreadable(why) => write!(f, " cannot be read: {why}"),
        }
    }
}

/// What came of comparing the snapshots.
pub type Compared = Recounted<Difference>;

/// Compares every snapshot with the events of its stream. `progress` hears how many were looked at.
///
/// # Errors
/// When a stream cannot be folded, or the database fails.
pub async fn compare(journal: &Journal, progress: impl Fn(u64)) -> Result<Compared, FoldError> {
    let mut compared = Compared::new();
    let mut last: Option<StreamId> = None;
    loop {
        let page = match readable(journal.snapshot_streams(last.as_ref(), PAGE_ROWS).await)? {
            Ok(page) => page,
            Err(why) => {
                let wrong = Wrong::Unreadable(format!("{why}; those after it were not compared"));
                compared.add(Difference { wrong, stream: None, sequence: None, position: None });
                return Ok(compared);
            }
        };
        for stream in &page {
            if compared.is_full() {
                compared.has_more = true;
                return Ok(compared);
            }
            match of_kind(&stream.kind, One { journal, stream }).await.transpose()? {
                // Nobody loads it: it is of no aggregate that there is, or in the form of another program.
                None | Some(Found::None) => compared.skipped += 1,
                Some(Found::Same) => compared.compared += 1,
                Some(Found::Differs(difference)) => {
                    compared.compared += 1;
                    compared.add(difference);
                }
            }
            progress(compared.compared + compared.skipped);
        }
        last = page.into_iter().next_back();
        if last.is_none() {
            return Ok(compared);
        }
    }
}

/// What came of one.
enum Found {
    None,
    Same,
    Differs(Difference),
}

/// The snapshot of one stream.
struct One<'a> {
    journal: &'a Journal,
    stream: &'a StreamId,
}

impl OfAnyKind for One<'_> {
    type Output = Result<Found, FoldError>;

    async fn with<D: Decider>(self) -> Result<Found, FoldError> {
        let Self { journal, stream } = self;
        let differs = |wrong, sequence, position| {
            Found::Differs(Difference { wrong, stream: Some(stream.clone()), sequence, position })
        };
        let snapshot = match readable(journal.load_snapshot(stream, D::SNAPSHOT_SCHEMA).await)? {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return Ok(Found::None),
            Err(why) => return Ok(differs(Wrong::Unreadable(why), None, None)),
        };
        let sequence = snapshot.sequence;
        let up_to = fold_while::<D>(journal, stream, Folded::nothing(), |event| event.sequence <= sequence, |_| ());
        let folded = up_to.await?;
        if folded.version != sequence {
            return Ok(differs(Wrong::Beyond, Some(sequence), None));
        }
        let Some(wrong) = wrong_with::<D>(&snapshot, &folded) else { return Ok(Found::Same) };
        let last = journal.read_stream(stream, sequence.saturating_sub(1), 1).await?.pop();
        let position = last.filter(|event| event.sequence == sequence).map(|event| event.position);
        Ok(differs(wrong, Some(sequence), position))
    }
}

/// What an actor that loads it would have otherwise than by the events.
fn wrong_with<D: Decider>(snapshot: &Snapshot, folded: &Folded<D>) -> Option<Wrong> {
    let given = match fold::snapshot_of(&*folded.state, folded.version) {
        Ok(given) if given.state == snapshot.state => return None,
        Ok(_) => serde_json::to_value(&*folded.state),
        Err(error) => Err(error),
    };
    // What the actor takes from the text counts, not how the text is written.
    let loaded = serde_json::from_str::<D>(&snapshot.state).and_then(|state| serde_json::to_value(&state));
    match (loaded, given) {
        (Ok(loaded), Ok(given)) => places(&loaded, &given),
        (Err(error), _) | (_, Err(error)) => Some(Wrong::Unreadable(error.to_string())),
    }
}

/// Where two states differ, if they do.
fn places(loaded: &Value, given: &Value) -> Option<Wrong> {
    let changes = documents::changes(loaded, given);
    let paths: Vec<String> = changes.into_iter().take(PATHS_MAX).map(|change| change.path).collect();
    (!paths.is_empty()).then_some(Wrong::State(paths))
}

#[cfg(test)]
mod tests {
    use muniment_aggregates::settings::Settings;

    use super::*;

    #[test]
    fn the_state_counts_and_not_how_it_is_written() {
        let folded = Folded::<Settings>::nothing();
        let same = fold::snapshot_of(&*folded.state, 0).expect("it serialises");
        let with = |state: String| Snapshot { state: state.into_boxed_str(), ..same.clone() };
        assert_eq!(wrong_with(&same, &folded), None);
        let spaced = same.state.replacen('{', "{ ", 1);
        assert_eq!(wrong_with(&with(spaced), &folded), None);
        let unreadable = wrong_with(&with("[".to_owned()), &folded);
        assert!(matches!(unreadable, Some(Wrong::Unreadable(_))), "{unreadable:?}");
    }
}
