//! Accounts and their sessions.

use chrono::TimeDelta;
use muniment_aggregates::account::{Account, AccountCommand, CloseSession, Erase, OpenSession, RegisterByEmail};
use muniment_aggregates::ids::{AccountId, CredentialId, PersonaId};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{Revoke, Session, SessionCommand, SessionKind, Start};
use muniment_projections::audit_log::{self, AuditRow, Filter, everywhere};
use muniment_projections::{LastUsed, accounts, last_used, sessions};

use crate::harness::on_both_engines;
use crate::history::{History, sealed};

pub(crate) fn register(history: &mut History, id: &str, subject: &str) -> Account {
    let mut account = Account::default();
    let register = RegisterByEmail {
        invite: None,
        username: "founder-abc".to_owned(),
        email: sealed(subject, "email"),
        subject: SubjectId(subject.to_owned()),
        persona: PersonaId(format!("{id}-persona")),
    };
    history.decide(id, &mut account, &AccountCommand::RegisterByEmail(register));
    account
}

pub(crate) fn session_id(number: u8) -> CredentialId {
    CredentialId::from_random([number; 9])
}

/// A sign-in, as the server appends it: the session's stream and the account's note of it.
pub(crate) fn sign_in(history: &mut History, account_id: &str, account: &mut Account, number: u8) -> Session {
    let mut session = Session::default();
    let expires_at = history.now + TimeDelta::days(30);
    let start = Start {
        account: AccountId(account_id.to_owned()),
        kind: SessionKind::Founder,
        secret_hash: "ef".repeat(32),
        expires_at,
    };
    history.decide(&session_id(number).0, &mut session, &SessionCommand::Start(start));
    let open =
        OpenSession { session: session_id(number), kind: SessionKind::Founder, expires_at, max_sessions: Some(2) };
    history.decide(account_id, account, &AccountCommand::OpenSession(open));
    session
}

#[tokio::test]
async fn what_moves_between_two_pages_is_listed_once_by_the_last_row_had() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let ids = ["account-1", "account-2", "account-3", "account-4"];
        let mut registered = ids.map(|id| register(&mut history, id, id));
        desk.fold(&history, 10).await;
        let oldest = accounts::list(&desk.store, None, 2, 0).await.unwrap();
        let filter = Filter { limit: 2, ..Filter::default() };
        let newest = audit_log::list(&desk.store, &filter).await.unwrap();

        let erase = AccountCommand::Erase(Erase { reason: "asked".to_owned() });
        history.decide(ids[0], &mut registered[0], &erase);
        desk.fold(&history, 10).await;
        let rest = accounts::list(&desk.store, oldest.last(), 10, 0).await.unwrap();
        let listed: Vec<_> = oldest.iter().chain(&rest).map(|row| row.id.0.as_str()).collect();
        assert_eq!(listed, ids);

        let by = |filter: &Filter| Filter { limit: 10, before_seq: newest.last().map(|row| row.seq), ..filter.clone() };
        let own = audit_log::list(&desk.store, &by(&filter)).await.unwrap();
        let seqs: Vec<u64> = newest.iter().chain(&own).map(|row| row.seq.0).collect();
        assert_eq!(seqs, [8, 7, 6, 5, 4, 3, 2, 1], "two of each, and its erasure came later");
        let seqs = |rows: Vec<AuditRow>| rows.into_iter().map(|row| row.seq.0).collect::<Vec<_>>();
        assert_eq!(seqs(everywhere::list(&desk.store, &by(&filter)).await.unwrap()), [6, 5, 4, 3, 2, 1]);
        let both_sides = by(&Filter { account: Some(AccountId(ids[0].to_owned())), ..filter });
        assert_eq!(seqs(audit_log::list(&desk.store, &both_sides).await.unwrap()), [2, 1]);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_found_by_id_and_listed_until_it_is_erased() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut account = register(&mut history, "account-1", "subject-1");
        desk.fold(&history, 10).await;
        let id = AccountId("account-1".to_owned());
        let found = accounts::by_id(&desk.store, &id).await.unwrap().unwrap();
        assert_eq!((found.id.0.as_str(), found.username.as_str()), ("account-1", "founder-abc"));
        assert_eq!(found.personas, [PersonaId("account-1-persona".to_owned())]);
        assert!(found.email_verified);
        assert_eq!(accounts::list(&desk.store, None, 10, 0).await.unwrap(), std::slice::from_ref(&found));
        assert!(accounts::is_any(&desk.store).await.unwrap());

        let erase = AccountCommand::Erase(Erase { reason: "asked".to_owned() });
        history.decide("account-1", &mut account, &erase);
        desk.fold(&history, 10).await;
        assert_eq!(accounts::list(&desk.store, None, 10, 0).await.unwrap(), []);
        let erased = accounts::by_id(&desk.store, &found.id).await.unwrap().unwrap();
        assert_eq!((erased.username.as_str(), erased.erased_at), ("", Some(history.now)));
        assert!(!accounts::is_any(&desk.store).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_by_its_own_stream_by_the_cap_and_with_its_account() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut account = register(&mut history, "account-1", "subject-1");
        for number in 1..=3 {
            history.pass(10);
            sign_in(&mut history, "account-1", &mut account, number);
        }
        desk.fold(&history, 2).await;
        let owner = AccountId("account-1".to_owned());
        let live = sessions::live_of_account(&desk.store, &owner, history.now, 10).await.unwrap();
        assert_eq!(live.iter().map(|row| &row.public_id).collect::<Vec<_>>(), [&session_id(3), &session_id(2)]);
        let one = sessions::by_public_id(&desk.store, &session_id(1)).await.unwrap().unwrap();
        assert_eq!(one.end_reason.as_deref(), Some("evicted"));

        let mut two = Session::default();
        for event in history.events.iter().filter(|event| *event.stream.id == *session_id(2).0) {
            use muniment_aggregates::decider::Decider;
            two.evolve(&serde_json::from_str(&event.payload).unwrap());
        }
        let revoke = SessionCommand::Revoke(Revoke { reason: "logout".to_owned() });
        assert_eq!(history.decide(&session_id(2).0, &mut two, &revoke), 1);
        let close = CloseSession { session: session_id(2), reason: "closed later".to_owned() };
        assert_eq!(history.decide("account-1", &mut account, &AccountCommand::CloseSession(close)), 1);
        history.pass(5);
        history.decide("account-1", &mut account, &AccountCommand::Erase(Erase { reason: "asked".to_owned() }));
        desk.fold(&history, 10).await;
        let two = sessions::by_public_id(&desk.store, &session_id(2)).await.unwrap().unwrap();
        assert_eq!(two.end_reason.as_deref(), Some("logout"), "the first end counts");
        let three = sessions::by_public_id(&desk.store, &session_id(3)).await.unwrap().unwrap();
        assert_eq!((three.end_reason.as_deref(), three.ended_at), (Some("account_erased"), Some(history.now)));
        assert_eq!(three.kind, SessionKind::Founder);
    })
    .await;
}

#[tokio::test]
async fn the_sessions_of_all_are_listed_last_seen_first() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        for number in 1..=3 {
            history.pass(10);
            let id = format!("account-{number}");
            let mut account = register(&mut history, &id, &format!("subject-{number}"));
            sign_in(&mut history, &id, &mut account, number);
        }
        desk.fold(&history, 10).await;
        let listed = async |limit| {
            let rows = sessions::live_all(&desk.store, history.now, limit).await.unwrap();
            rows.into_iter().map(|row| (row.public_id, row.last_used_at)).collect::<Vec<_>>()
        };
        let [one, two, three] = [1, 2, 3].map(session_id);
        assert_eq!(listed(2).await, [(three.clone(), None), (two, None)], "as long as none was used");
        let now = history.now + TimeDelta::seconds(1);
        assert!(LastUsed::new(desk.store.clone()).note(&one, None, now).await.unwrap());
        assert_eq!(listed(2).await, [(one, Some(now)), (three, None)], "the oldest was used since");
    })
    .await;
}

#[tokio::test]
async fn expired_sessions_are_found_for_housekeeping() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut account = register(&mut history, "account-1", "subject-1");
        sign_in(&mut history, "account-1", &mut account, 1);
        desk.fold(&history, 10).await;
        let end = history.now + TimeDelta::days(30);
        assert!(sessions::expired(&desk.store, end - TimeDelta::seconds(1), 10).await.unwrap().is_empty());
        assert_eq!(sessions::expired(&desk.store, end, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn when_a_session_was_last_used_is_known_as_long_as_it_is_open() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut account = register(&mut history, "account-1", "subject-1");
        // Of three sessions two are kept, so that the first one has ended.
        for number in 1..=3 {
            history.pass(10);
            sign_in(&mut history, "account-1", &mut account, number);
        }
        desk.fold(&history, 10).await;
        let uses = LastUsed::new(desk.store.clone());
        for number in 1..=4 {
            assert!(uses.note(&session_id(number), None, history.now).await.unwrap());
        }
        // Two at a time, from where the last look ended.
        let look = async |behind: Option<u8>| {
            let behind = behind.map(session_id);
            last_used::forget_ended(&desk.store, behind.as_ref(), 2).await.unwrap()
        };
        assert_eq!(look(Some(2)).await, Some(session_id(4)));
        assert!(last_used::of(&desk.store, &session_id(1)).await.unwrap().is_some(), "it was not looked at");
        assert_eq!(look(Some(4)).await, None);
        assert_eq!(look(None).await, Some(session_id(2)));
        // What is no session stands for an agent's token, which is listed after its end.
        for (number, is_known) in [(1, false), (2, true), (3, true), (4, true)] {
            let found = last_used::of(&desk.store, &session_id(number)).await.unwrap();
            assert_eq!(found.is_some(), is_known, "{number}");
        }
    })
    .await;
}
