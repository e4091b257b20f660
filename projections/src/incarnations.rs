//! Whether the database still has what it told. A crash of its server, or another one in its place, takes back commits
//! that were seen already; who reads on a new connection must not take the past for what was waited for.

use std::collections::HashMap;

use muniment_aggregates::record::Position;
use muniment_sql::SqlError;
use parking_lot::Mutex;
use sqlx::postgres::PgConnection;
use tokio::sync::watch;

/// Read models, by name and version, and how far each is.
type Positions = HashMap<(String, i64), Position>;

/// The incarnations of the database: another begins when it is found to have less than before.
pub(crate) struct Incarnations {
    count: watch::Sender<u64>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The furthest that this process has seen each live model in this one.
    furthest: Positions,
    /// What was seen in an earlier one and is not there again yet.
    owed: Positions,
}

impl Incarnations {
    pub(crate) fn new() -> Self {
        Self { count: watch::Sender::new(0), seen: Mutex::default() }
    }

    pub(crate) fn current(&self) -> u64 {
        *self.count.borrow()
    }

    /// Resolves when `incarnation` is over.
    pub(crate) async fn over(&self, incarnation: u64) {
        // It ends with this value itself, so there is always somebody to wait for.
        drop(self.count.subscribe().wait_for(|now| *now != incarnation).await);
    }

    /// Whether something that was told is still missing.
    pub(crate) fn owes(&self) -> bool {
        !self.seen.lock().owed.is_empty()
    }

    /// Notes how far a live model is for certain.
    pub(crate) fn note(&self, name: &str, version: u32, position: Position) {
        let model = (name.to_owned(), i64::from(version));
        let mut seen = self.seen.lock();
        if seen.owed.get(&model).is_some_and(|owed| *owed <= position) {
            seen.owed.remove(&model);
        }
        let furthest = seen.furthest.entry(model).or_default();
        *furthest = position.max(*furthest);
    }

    /// Looks on a new connection whether what was seen is there, before anything else is asked on it.
    pub(crate) async fn look(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        // Taken before the database is asked: what others commit meanwhile is no loss.
        let before = self.seen.lock().furthest.clone();
        if before.is_empty() {
            return Ok(());
        }
        let sql = "SELECT name, version, position FROM read_checkpoints_v1 WHERE purpose = 'live'";
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
        let now: Positions = rows
            .into_iter()
            .map(|(name, version, at)| ((name, version), Position(u64::try_from(at).unwrap_or_default())))
            .collect();
        let lost = lost_since(before, &now);
        if lost.is_empty() {
            return Ok(());
        }
        tracing::warn!(models = lost.len(), "the database lost events of read models; they are folded again");
        let mut seen = self.seen.lock();
        seen.furthest = now;
        for (model, position) in lost {
            let owed = seen.owed.entry(model).or_default();
            *owed = position.max(*owed);
        }
        drop(seen);
        self.count.send_modify(|count| *count += 1);
        Ok(())
    }
}

/// What a database that told `before` and tells `now` has lost. Rows that are gone from among others that are as they were, were
/// taken out by somebody, as by a newer program that replaced the model: that model stands still, and nobody waits for it.
fn lost_since(before: Positions, now: &Positions) -> Positions {
    let is_taken_out = before.keys().any(|model| now.contains_key(model))
        && before.iter().all(|(model, seen)| now.get(model).is_none_or(|at| at >= seen));
    if is_taken_out {
        return Positions::new();
    }
    before.into_iter().filter(|(model, seen)| now.get(model).is_none_or(|at| at < seen)).collect()
}

/// What is answered while something is missing.
pub(crate) fn lost() -> SqlError {
    let what = "the database lost what it had, and it is not there again yet";
    SqlError::Driver(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::ConnectionReset, what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<const N: usize>(positions: [(&str, u64); N]) -> Positions {
        positions.map(|(name, position)| ((name.to_owned(), 1), Position(position))).into()
    }

    #[test]
    fn a_database_that_is_behind_lost_what_is_behind_and_what_is_gone() {
        let before = at([("accounts", 7), ("offers", 7), ("points", 3)]);
        assert_eq!(
            lost_since(before.clone(), &at([("accounts", 5), ("points", 3)])),
            at([("accounts", 7), ("offers", 7)])
        );
        assert_eq!(lost_since(before.clone(), &Positions::new()), before, "another database is in its place");
        assert_eq!(lost_since(before.clone(), &before), Positions::new());
    }

    #[test]
    fn a_row_that_was_taken_out_from_among_others_is_no_loss_of_the_database() {
        let before = at([("accounts", 7), ("offers", 7)]);
        assert_eq!(lost_since(before, &at([("accounts", 9)])), Positions::new());
    }
}
