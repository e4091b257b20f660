//! Which generation of each model is live, as this process last saw it: queries read its tables.

use std::collections::HashMap;

use parking_lot::{RwLock, RwLockReadGuard};

/// Model to generation.
pub(crate) type Generations = HashMap<&'static str, u64>;

/// The live generation of each model.
#[derive(Default)]
pub(crate) struct LiveGenerations(RwLock<Generations>);

impl LiveGenerations {
    /// As last seen.
    pub(crate) fn seen(&self) -> RwLockReadGuard<'_, Generations> {
        self.0.read()
    }

    /// Notes what the database answered to a question that was asked when `asked` was what had been seen. Answers do not
    /// come in the order in which the database gave them, and one of before a swap would lead queries to tables that are
    /// dropped. So a lower generation counts only where nothing was learned since the question: then it is the database
    /// that went back, which lost a swap in a crash or was begun again.
    pub(crate) fn note(&self, asked: &Generations, answered: impl IntoIterator<Item = (&'static str, u64)>) {
        let mut seen = self.0.write();
        for (model, generation) in answered {
            let known = seen.get(model);
            if known == asked.get(model) || known.is_none_or(|known| *known < generation) {
                seen.insert(model, generation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_before_a_swap_that_comes_after_it_changes_nothing() {
        let live = LiveGenerations::default();
        live.note(&Generations::new(), [("points", 4), ("metrics", 0)]);
        let asked = live.seen().clone();
        live.note(&asked, [("points", 5), ("metrics", 0)]);
        live.note(&asked, [("points", 4), ("metrics", 1)]);
        assert_eq!(*live.seen(), Generations::from([("points", 5), ("metrics", 1)]), "each model for itself");
    }

    #[test]
    fn a_database_that_lost_a_swap_is_believed() {
        let live = LiveGenerations::default();
        live.note(&Generations::new(), [("points", 5)]);
        let asked = live.seen().clone();
        live.note(&asked, [("points", 4)]);
        assert_eq!(live.seen()["points"], 4);
    }
}
