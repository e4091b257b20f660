//! Whether this node can serve: the one judge of what `/ready` and `muniment doctor` tell.

use muniment_aggregates::record::Position;

use super::limits::LAG_EVENTS_MAX;
use super::{ReadPosition, Runtime};

/// What a node needs to serve, as it is at one moment.
#[derive(Debug)]
pub struct Readiness {
    /// The last position that is known here.
    pub head: Position,
    /// What is wrong with the journal, if anything is: out of reach, or not writable.
    pub trouble: Option<String>,
    /// Where each read model is, by name.
    pub models: Vec<(&'static str, ReadPosition)>,
}

impl Readiness {
    /// Asks the journal and looks at the read models.
    pub async fn of(runtime: &Runtime) -> Self {
        let journal = &runtime.journal;
        let confirmed = journal.confirm_head().await;
        let head = confirmed.as_ref().map_or_else(|_| journal.head(), |head| *head);
        let mut models: Vec<_> = runtime.reads.positions().into_iter().collect();
        models.sort_by_key(|(name, _)| *name);
        let away = || confirmed.is_err().then(|| "the database does not answer".to_owned());
        let trouble = journal.check_writable().await.err().or_else(away);
        Self { head, trouble, models }
    }

    /// Whether it can serve: the journal within reach and writable, every read model within its bound and none stopped or
    /// failing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.trouble.is_none() && self.models.iter().all(|(_, at)| follows(at, self.head))
    }
}

/// Events that a read model has yet to fold.
#[must_use]
pub fn lag(at: &ReadPosition, head: Position) -> u64 {
    head.0.saturating_sub(at.position.0)
}

/// Whether a read model is within its bound of the head, and nothing keeps it from following.
#[must_use]
pub fn follows(at: &ReadPosition, head: Position) -> bool {
    lag(at, head) <= LAG_EVENTS_MAX && at.stopped_by.is_none() && at.failing.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_model_follows_within_its_bound_of_the_head() {
        let head = Position(20_000);
        let behind = |events| ReadPosition { position: Position(head.0 - events), ..ReadPosition::default() };
        assert!(follows(&behind(0), head));
        assert!(follows(&behind(LAG_EVENTS_MAX), head));
        assert!(!follows(&behind(LAG_EVENTS_MAX + 1), head));
        assert!(!follows(&ReadPosition { failing: Some("its checkpoint is gone"), ..behind(0) }, head));
    }

    #[test]
    fn who_has_trouble_with_the_journal_is_not_ready() {
        let near = ("points", ReadPosition { position: Position(7), ..ReadPosition::default() });
        let ready = Readiness { head: Position(7), trouble: None, models: vec![near.clone()] };
        assert!(ready.is_ready());
        let trouble = Some("the database cannot be written".to_owned());
        assert!(!Readiness { trouble, models: vec![near.clone()], ..ready }.is_ready());
        let far = ("metrics", ReadPosition::default());
        let head = Position(LAG_EVENTS_MAX + 1);
        assert!(!Readiness { head, trouble: None, models: vec![near, far] }.is_ready());
    }
}
