//! Unique keys: taken once, given back, freed by erasure.

use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::StreamId;
use muniment_aggregates::sealed::SealContext;
use muniment_journal::{AppendError, SubjectAlias};

use crate::support::{Home, all, both_engines, claiming, one, release, stream, take, verify};

both_engines! {
    of_racing_claimants_exactly_one_wins
    a_key_that_is_given_back_can_be_taken
    a_claim_of_the_past_is_known_after_a_restart
    erasing_a_subject_destroys_its_key_and_frees_its_claims
}

async fn of_racing_claimants_exactly_one_wins(home: Home) {
    let journal = home.open().await;
    let tickets: Vec<_> =
        (0..32).map(|id| journal.submit(claiming(&stream(&format!("s{id}")), 0, &[take("ana")])).unwrap()).collect();
    let mut winners = 0;
    for ticket in tickets {
        match ticket.await {
            Ok(_) => winners += 1,
            Err(AppendError::ClaimTaken { namespace, owner }) => {
                assert_eq!(namespace, "name");
                assert_eq!(journal.claim_owner("name", "ana").await.unwrap(), Some(owner));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(all(&journal).await.len(), 1);
    journal.shutdown().await;
}

async fn a_key_that_is_given_back_can_be_taken(home: Home) {
    let journal = home.open().await;
    let (a, b) = (stream("a"), stream("b"));
    // All in one go, so that they share batches.
    let tickets = [
        claiming(&a, 0, &[take("x")]),
        claiming(&b, 0, &[release("x")]),
        claiming(&b, 1, &[take("x")]),
        claiming(&a, 1, &[release("x"), take("y")]),
        claiming(&b, 1, &[take("x")]),
        claiming(&b, 2, &[take("y")]),
    ]
    .map(|append| journal.submit(append).unwrap());
    let mut outcomes = Vec::new();
    for ticket in tickets {
        outcomes.push(ticket.await.map(drop));
    }
    let taken = |owner: &StreamId| Err(AppendError::ClaimTaken { namespace: "name", owner: owner.clone() });
    assert_eq!(outcomes, [Ok(()), Ok(()), taken(&a), Ok(()), Ok(()), taken(&a)]);
    assert_eq!(journal.claim_owner("name", "x").await.unwrap(), Some(b.clone()));
    assert_eq!(journal.claim_owner("name", "y").await.unwrap(), Some(a));
    assert_eq!(journal.claim_owner("name", "z").await.unwrap(), None);
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_claim_of_the_past_is_known_after_a_restart(home: Home) {
    let journal = home.open().await;
    let (a, b) = (stream("a"), stream("b"));
    journal.append(claiming(&a, 0, &[take("x")])).await.unwrap();
    journal.shutdown().await;
    let journal = home.open().await;
    let neighbour = journal.submit(one(&stream("n"), 0, "n")).unwrap();
    let refused = journal.submit(claiming(&b, 0, &[take("x")])).unwrap();
    let own = journal.submit(claiming(&a, 1, &[take("x")])).unwrap();
    assert_eq!(refused.await.unwrap_err(), AppendError::ClaimTaken { namespace: "name", owner: a.clone() });
    neighbour.await.unwrap();
    own.await.expect("taking a key again that one has changes nothing");
    journal.append(claiming(&a, 2, &[release("x")])).await.unwrap();
    journal.append(claiming(&b, 0, &[take("x")])).await.unwrap();
    assert_eq!(journal.claim_owner("name", "x").await.unwrap(), Some(b));
    journal.shutdown().await;
}

async fn erasing_a_subject_destroys_its_key_and_frees_its_claims(home: Home) {
    let journal = home.open().await;
    let keyring = journal.keyring();
    let subject = keyring.subject_for(SubjectAlias::email("ana@example.com")).await.unwrap();
    let sealed = keyring.seal(&subject, &SealContext::of("thing", "a", "email"), "ana@example.com").await.unwrap();
    let claim = ClaimChange::Take { namespace: "email", key: ClaimKey::Sealed(sealed.clone()) };
    journal.append(claiming(&stream("a"), 0, &[claim])).await.unwrap();
    assert_eq!(journal.claim_owner("email", "ana@example.com").await.unwrap(), Some(stream("a")));
    assert_eq!(keyring.open_anywhere(&sealed).await.unwrap().as_deref(), Some("ana@example.com"));

    let mut erase = one(&StreamId::new("subject", &subject.0), 0, "erased");
    erase.erase_subjects.push(subject);
    journal.append(erase).await.unwrap();
    assert_eq!(keyring.open_anywhere(&sealed).await.unwrap(), None);
    assert_eq!(journal.claim_owner("email", "ana@example.com").await.unwrap(), None);
    let other = keyring.subject_for(SubjectAlias::email("ana@example.com")).await.unwrap();
    let sealed = keyring.seal(&other, &SealContext::of("thing", "b", "email"), "ana@example.com").await.unwrap();
    let claim = ClaimChange::Take { namespace: "email", key: ClaimKey::Sealed(sealed) };
    journal.append(claiming(&stream("b"), 0, &[claim])).await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
}
