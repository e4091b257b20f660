//! What one subscription gets of a page: cut once for subscriptions that ask for the same.
//!
//! A thousand dashboards of one company ask for the same events behind the same position with the same filter. The
//! page keeps the frame it cut last. It is handed on only to who asks for the very same and has, at that moment, the
//! very same rights: comparing them is the check of every event in it.

use std::sync::Arc;

use muniment_aggregates::record::Position;
use parking_lot::Mutex;

use super::codec::Batch;
use super::cursor::Page;
use super::filter::Filter;
use super::limits;
use super::rights::{Authority, Rights};

/// What a subscription asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// Its id on the connection, which stands in the frame.
    pub(crate) id: u32,
    /// What it narrows to.
    pub(crate) filter: &'a Arc<Filter>,
    /// Where it stands.
    pub(crate) after: Position,
    /// Events it may get.
    pub(crate) credit: u32,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portion {
    /// The `batch` frame; empty where there is no event for it.
    pub(crate) frame: String,
    /// Events in it.
    pub(crate) count: u32,
    /// The last position that was looked at.
    pub(crate) upto: Position,
}

#[derive(Debug)]
struct Cut {
    id: u32,
    filter: Arc<Filter>,
    rights: Rights,
    after: Position,
    /// The last position that could be looked at.
    until: Position,
    portion: Portion,
}

impl Cut {
    fn serves(&self, wish: Wish<'_>, authority: &Authority, until: Position) -> bool {
        let same = self.id == wish.id && self.after == wish.after && self.until == until;
        // With less credit than this, the cut would have ended sooner; with more, it would not go on.
        same && wish.credit >= self.portion.count
            && (Arc::ptr_eq(&self.filter, wish.filter) || self.filter == *wish.filter)
            && authority.has(&self.rights)
    }
}

/// The cut that a page remembers; a copy of the page starts without one. At most a batch, beside a page many times its
/// size, so the cache does not count it.
#[derive(Debug, Default)]
pub(crate) struct LastCut(Mutex<Option<Cut>>);

impl Clone for LastCut {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Page {
    /// Cuts what a wish gets under the rights as of now, up to `head`.
    pub(crate) fn portion(&self, wish: Wish<'_>, authority: &Authority, head: Position) -> Portion {
        let until = head.min(self.last());
        if let Some(cut) = self.cut.0.lock().as_ref().filter(|cut| cut.serves(wish, authority, until)) {
            return cut.portion.clone();
        }
        // The events are checked against what is compared later, not against rights that may change meanwhile.
        let rights = authority.rights();
        let (portion, ran_out) = self.cut_for(wish, &rights, until);
        if !ran_out {
            let (id, filter, after) = (wish.id, Arc::clone(wish.filter), wish.after);
            *self.cut.0.lock() = Some(Cut { id, filter, rights, after, until, portion: portion.clone() });
        }
        portion
    }

    /// The portion, and whether it ended for want of credit.
    fn cut_for(&self, wish: Wish<'_>, rights: &Rights, until: Position) -> (Portion, bool) {
        let mut batch = Batch::new(wish.id);
        let (mut upto, mut ran_out) = (wish.after, false);
        for event in self.after(wish.after) {
            if event.position > until {
                break;
            }
            if rights.may_read(event) && wish.filter.admits(&event.keys) {
                ran_out = batch.count >= wish.credit;
                let full = batch.count > 0 && batch.bytes() + event.frame.len() > limits::BATCH_BYTES;
                if ran_out || full {
                    break;
                }
                batch.push(&event.frame);
            }
            upto = event.position;
        }
        let count = batch.count;
        let frame = if count > 0 { batch.finish(upto) } else { String::new() };
        (Portion { frame, count, upto }, ran_out)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::live::cursor::page_of;
    use crate::live::exposure::Audience;
    use crate::live::routing::{Keys, Routed};
    use crate::surface::readable::Readable;

    const EVENTS: u64 = 12;

    fn event(position: u64) -> Routed {
        let company = format!("co_{}", position % 3);
        Routed {
            position: Position(position),
            audience: Audience::Company,
            keys: Keys {
                event_type: if position.is_multiple_of(2) { "even" } else { "odd" }.into(),
                aggregate_kind: "metric".into(),
                aggregate: "metric/m".into(),
                company: Some(company.into()),
                account: None,
                metric_id: None,
                metric_slug: None,
                correlation: "c".into(),
            },
            frame: json!({"p": position.to_string(), "data": "x".repeat(1_500)}).to_string().into_boxed_str(),
        }
    }

    fn reader(companies: &[u8]) -> Arc<Authority> {
        let companies = companies.iter().map(|n| format!("co_{n}")).collect::<HashSet<_>>();
        let (credential, account, subject) = ("c".to_owned(), None, Some("s".to_owned()));
        Authority::new(Readable { credential, account, subject, companies, expires_at: None })
    }

    type Asked = (u32, usize, usize, u64, u64, u32);

    fn asked() -> impl Strategy<Value = Asked> {
        (1..3_u32, 0..3_usize, 0..3_usize, 0..3_u64, EVENTS - 2..=EVENTS, prop_oneof![0..4_u32, Just(100)])
    }

    proptest! {
        /// Whatever was asked before, by whomever: the page answers as one that remembers nothing.
        #[test]
        fn liv_15_a_portion_is_handed_on_only_to_who_would_be_cut_the_same(
            asked in prop::collection::vec(asked(), 1..60),
            opens in 0..60_usize,
        ) {
            let page = page_of((1..=EVENTS).map(event).collect());
            let readers = [reader(&[0]), reader(&[0, 1]), reader(&[0])];
            let filters = [json!(null), json!({"eq": {"type": "even"}}), json!({"eq": {"type": "odd"}})];
            let compiled = || filters.iter().map(|filter| Arc::new(Filter::compile(filter).expect("a filter")));
            let filters: Vec<Arc<Filter>> = compiled().chain(compiled()).collect();
            for (turn, (id, filter, who, after, head, credit)) in asked.into_iter().enumerate() {
                if turn == opens {
                    readers[0].open_company("co_2");
                }
                // Every other subscription has compiled the same filter for itself.
                let filter = &filters[filter + 3 * (turn % 2)];
                let wish = Wish { id, filter, after: Position(after), credit };
                let anew = page.clone().portion(wish, &readers[who], Position(head));
                prop_assert_eq!(page.portion(wish, &readers[who], Position(head)), anew);
            }
        }
    }

    #[test]
    fn the_second_who_asks_for_the_same_gets_the_same_cut() {
        let page = page_of((1..=EVENTS).map(event).collect());
        let filter = Arc::new(Filter::everything());
        let wish = Wish { id: 1, filter: &filter, after: Position::START, credit: 9 };
        let first = page.portion(wish, &reader(&[0]), Position(3));
        assert_eq!((first.count, first.upto), (1, Position(3)));
        // What is remembered, and nothing else, says one.
        if let Some(cut) = page.cut.0.lock().as_mut() {
            cut.portion.frame = "remembered".to_owned();
        }
        assert_eq!(page.portion(wish, &reader(&[0]), Position(3)).frame, "remembered");
        assert_ne!(page.portion(wish, &reader(&[1]), Position(3)).frame, "remembered");
    }
}
