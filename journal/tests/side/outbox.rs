//! The outbox: with the append or not at all, one node at a time, and nothing left of what was sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::record::{Position, StreamId};
use muniment_aggregates::sealed::SealContext;
use muniment_journal::{Append, Due, Journal, MailStatus, NewMail, OutboxCounts};

use crate::place::{Kind, Place, append, erase, event, on_both};

on_both!(
    mail_leaves_with_its_append_or_not_at_all,
    whoever_follows_mail_hears_of_appends_with_mail_and_of_no_others,
    of_many_senders_each_mail_goes_to_one_until_its_lease_ends,
    b12_what_fails_is_retried_shown_and_at_last_given_up,
    what_waits_by_a_clock_that_was_ahead_is_due,
);

fn lease() -> TimeDelta {
    TimeDelta::seconds(60)
}

async fn post(journal: &Journal, id: &str, version: u64, expires_at: DateTime<Utc>) -> bool {
    let ring = journal.keyring();
    let subject = ring.new_subject().await.unwrap();
    let body = ring.seal(&subject, &SealContext::of("mail", id, "body"), "To: a@example.com").await.unwrap();
    let stream = StreamId::new("challenge", "c1");
    let append = Append {
        events: vec![event(&stream, "{}")],
        expect: vec![(stream, version)],
        metadata: Arc::from("{}"),
        outbox: vec![NewMail { id: id.to_owned(), subject, body, expires_at }],
        ..Append::default()
    };
    journal.append(append).await.is_ok()
}

async fn mail_leaves_with_its_append_or_not_at_all(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let later = Utc::now() + TimeDelta::hours(1);
    assert!(post(&journal, "kept", 0, later).await);
    assert!(!post(&journal, "refused", 0, later).await);
    journal.shutdown().await;
    let journal = place.open().await;
    let due = journal.outbox().due(Utc::now(), 10, lease()).await.unwrap().mails;
    assert_eq!(due.iter().map(|mail| &*mail.id).collect::<Vec<_>>(), ["kept"]);
    let text = journal.keyring().open_anywhere(&due[0].body).await.unwrap();
    assert_eq!(text.as_deref(), Some("To: a@example.com"));
    erase(&journal, &due[0].subject).await;
    assert_eq!(journal.keyring().open_anywhere(&due[0].body).await.unwrap(), None);
}

async fn whoever_follows_mail_hears_of_appends_with_mail_and_of_no_others(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let mut mailed = journal.watch_mail();
    let heard = |mailed: &mut tokio::sync::watch::Receiver<Position>| {
        mailed.has_changed().unwrap().then(|| *mailed.borrow_and_update())
    };
    let later = Utc::now() + TimeDelta::hours(1);
    // It is told before the append is answered, so nobody need wait for it here.
    append(&journal, &StreamId::new("thing", "t"), 0, "{}").await;
    assert_eq!(heard(&mut mailed), None, "it brought no mail");
    for version in 0..2 {
        assert!(post(&journal, &format!("m{version}"), version, later).await);
        assert_eq!(heard(&mut mailed), Some(journal.head()));
        append(&journal, &StreamId::new("thing", "t"), version + 1, "{}").await;
        assert!(!post(&journal, "refused", 0, later).await);
        assert_eq!(heard(&mut mailed), None, "neither brought mail");
    }
    if kind == Kind::Sqlite {
        // SQLite has one node.
        return;
    }
    // What another node posts that node knows and sends; both tell only of their own.
    let other = place.open().await;
    let mut mailed_there = other.watch_mail();
    assert!(post(&other, "theirs", 2, later).await);
    assert_eq!(heard(&mut mailed_there), Some(other.head()));
    assert_eq!(journal.confirm_head().await.unwrap(), other.head());
    assert_eq!(heard(&mut mailed), None, "it is another node's");
    assert!(post(&journal, "ours", 3, later).await);
    assert_eq!(heard(&mut mailed), Some(journal.head()));
}

async fn of_many_senders_each_mail_goes_to_one_until_its_lease_ends(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let now = Utc::now();
    for version in 0..20 {
        assert!(post(&journal, &format!("m{version:02}"), version, now + TimeDelta::hours(1)).await);
    }
    let outbox = journal.outbox();
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let outbox = outbox.clone();
            tokio::spawn(async move {
                // One that looked while another took the same entries may come back with fewer, so each looks on.
                let mut taken = Vec::new();
                for _ in 0..8 {
                    taken.extend(outbox.due(Utc::now(), 5, lease()).await.unwrap().mails);
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for sender in senders {
        taken.extend(sender.await.unwrap());
    }
    let mut ids: Vec<_> = taken.iter().map(|mail| mail.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((taken.len(), ids.len()), (20, 20));
    assert_eq!(outbox.due(Utc::now(), 5, lease()).await.unwrap(), Due::default());

    // The sender of the first died: its lease ends, another takes over, and its late word no longer counts.
    let stale = &taken[0];
    let again = outbox.due(Utc::now() + lease() + lease(), 50, lease()).await.unwrap().mails;
    assert_eq!(again.len(), 20);
    let fresh = again.iter().find(|mail| mail.id == stale.id).unwrap();
    assert_eq!(fresh.attempts, 2);
    assert!(!outbox.mark_failed(stale, "late").await.unwrap());
    assert!(outbox.mark_sent(fresh).await.unwrap());
    assert!(!outbox.mark_sent(fresh).await.unwrap());
    assert_eq!(outbox.counts().await.unwrap(), OutboxCounts { pending: 19, sent: 1, failed: 0 });
}

async fn b12_what_fails_is_retried_shown_and_at_last_given_up(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let now = Utc::now();
    assert!(post(&journal, "slow", 0, now + TimeDelta::minutes(10)).await);
    assert!(post(&journal, "wrong", 1, now + TimeDelta::minutes(10)).await);
    let outbox = journal.outbox();
    let due = outbox.due(Utc::now(), 10, lease()).await.unwrap().mails;
    let by_id = |id: &str| due.iter().find(|mail| mail.id == id).unwrap();
    let retry = now + TimeDelta::minutes(5);
    assert!(outbox.retry_at(by_id("slow"), retry, &"connection refused ".repeat(100)).await.unwrap());
    assert!(outbox.mark_failed(by_id("wrong"), "550 no such box").await.unwrap());

    let listed = outbox.list(10).await.unwrap();
    assert_eq!(listed.len(), 2);
    let slow = listed.iter().find(|entry| entry.id == "slow").unwrap();
    assert_eq!((slow.status, slow.attempts), (MailStatus::Pending, 1));
    assert!(slow.last_error.as_deref().is_some_and(|error| error.len() == 500), "{:?}", slow.last_error);
    let wrong = listed.iter().find(|entry| entry.id == "wrong").unwrap();
    assert_eq!((wrong.status, wrong.last_error.as_deref()), (MailStatus::Failed, Some("550 no such box")));

    assert_eq!(outbox.due(now + TimeDelta::minutes(4), 10, lease()).await.unwrap(), Due::default());
    assert_eq!(outbox.due(retry, 10, lease()).await.unwrap().mails.len(), 1);
    let expired = outbox.due(now + TimeDelta::minutes(10), 10, lease()).await.unwrap();
    assert_eq!(expired, Due { mails: Vec::new(), expired: 1 }, "it is told that one expired");
    assert_eq!(outbox.due(now + TimeDelta::minutes(10), 10, lease()).await.unwrap(), Due::default(), "and told once");
    assert_eq!(outbox.counts().await.unwrap(), OutboxCounts { pending: 0, sent: 0, failed: 2 });
    let stores = journal.engine().stores().unwrap();
    let bodies = stores.read.fetch_all("SELECT id FROM outbox WHERE body <> ''", &[]).await.unwrap();
    assert!(bodies.is_empty(), "nothing is left of mail that was given up");
    assert_eq!(outbox.remove_finished(now + TimeDelta::hours(1)).await.unwrap(), 2);
}

async fn what_waits_by_a_clock_that_was_ahead_is_due(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (now, outbox) = (Utc::now(), journal.outbox());
    let ahead = now + TimeDelta::days(365);
    for (version, expires_at) in [(0, ahead + TimeDelta::minutes(10)), (1, ahead), (2, now)] {
        assert!(post(&journal, &format!("m{version}"), version, expires_at).await);
    }
    let ids = |due: &Due| due.mails.iter().map(|mail| mail.id.clone()).collect::<BTreeSet<_>>();
    let both = BTreeSet::from(["m0".to_owned(), "m1".to_owned()]);
    // One attempt fails while the clock is ahead, the program ends under the other, and one was for no longer than that.
    let taken = outbox.due(ahead - TimeDelta::minutes(1), 2, lease()).await.unwrap();
    assert_eq!((ids(&taken), taken.expired), (both.clone(), 1));
    assert!(outbox.retry_at(&taken.mails[0], ahead, "the network is not up").await.unwrap());
    assert_eq!(ids(&outbox.due(now, 10, lease()).await.unwrap()), both);
    assert_eq!(outbox.due(now, 10, lease()).await.unwrap(), Due::default(), "they are taken as any other");
}
