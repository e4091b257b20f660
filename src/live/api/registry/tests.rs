//! Who is ended by what, who is sent what, and how many are let in.

use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::sealed::SubjectId;

use super::*;

fn caller(account: &str, session: &str, as_of: u64) -> Caller {
    Caller {
        account: AccountId(account.to_owned()),
        subject: SubjectId("s".to_owned()),
        credential: Credential::Session { hash: CredentialId(session.to_owned()) },
        client: None,
        as_of: Position(as_of),
        ends_at: None,
    }
}

fn ended(position: u64, event_type: &str, payload: &str) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        position: Position(position),
        stream: muniment_aggregates::record::StreamId::new("account", "a"),
        sequence: position,
        event_type: event_type.into(),
        event_version: "1.0".into(),
        payload: payload.into(),
        metadata: r#"{"who":{"kind":"operator"},"correlation":"c1","surface":"ws","command":"x"}"#.into(),
        recorded_at: chrono::DateTime::UNIX_EPOCH,
        dedupe: None,
        hash: [0; 32],
    })
}

fn evicted(position: u64, session: &str) -> Arc<RecordedEvent> {
    let at = "2026-06-08T12:00:00Z";
    let payload = format!(r#"{{"session_evicted":{{"session":"{session}","evicted_by":"x","at":"{at}"}}}}"#);
    ended(position, "account.session_evicted", &payload)
}

fn code(connection: &Connection) -> Option<u16> {
    connection.entry.ended().map(|end| end.code)
}

#[test]
fn acc_216_an_event_ends_whom_it_names_and_nobody_else() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let one = registry.admit(&caller("a", "s1", 0)).expect("alive");
    let two = registry.admit(&caller("a", "s2", 0)).expect("alive");
    let other = registry.admit(&caller("b", "s3", 0)).expect("alive");
    registry.published(&[evicted(5, "s1")]);
    assert_eq!((code(&one), code(&two), code(&other)), (Some(REVOKED), None, None));
    let all = r#"{"sessions_ended":{"count":1,"reason":"revoked","at":"2026-06-08T12:00:00Z"}}"#;
    registry.published(&[ended(6, "account.sessions_ended", all)]);
    assert_eq!((code(&two), code(&other)), (Some(REVOKED), None));
}

#[test]
fn acc_216_who_ends_himself_gets_his_answer_first() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let one = registry.admit(&caller("a", "s1", 0)).expect("alive");
    one.entry.begin_call("c1");
    registry.published(&[evicted(5, "s1")]);
    assert_eq!(one.entry.ended(), None);
    one.entry.end_call("c1");
    assert_eq!(one.entry.ended(), Some(End { code: REVOKED, at: Some(Position(5)) }));
}

#[test]
fn acc_218_a_connection_in_the_making_does_not_outlive_its_credential() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    registry.published(&[evicted(5, "s1")]);
    assert_eq!(registry.admit(&caller("a", "s1", 4)).map(drop), Err(NotAdmitted::Ended));
    assert_eq!(registry.admit(&caller("a", "s1", 5)).map(drop), Ok(()));
}

#[test]
fn acc_181_the_eleventh_stream_of_a_session_ends_the_first() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let streams: Vec<_> = (0..11).map(|_| registry.admit_stream(&caller("a", "s1", 0)).expect("alive")).collect();
    let other = registry.admit_stream(&caller("a", "s2", 0)).expect("alive");
    assert_eq!(code(&streams[0]), Some(GOING_AWAY));
    assert!(streams[1..].iter().chain([&other]).all(|stream| stream.entry.ended().is_none()));
}

#[test]
fn acc_210_whoever_comes_once_everybody_was_sent_away_is_sent_away_too() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let before = registry.admit(&caller("a", "s1", 0)).expect("alive");
    registry.shutdown();
    let socket = registry.admit(&caller("a", "s1", 0)).expect("alive");
    let stream = registry.admit_stream(&caller("b", "s2", 0)).expect("alive");
    let away = Some(GOING_AWAY);
    assert_eq!((code(&before), code(&socket), code(&stream)), (away, away, away));
}

#[test]
fn acc_181_frames_for_sockets_do_not_end_a_stream() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let stream = registry.admit_stream(&caller("a", "s1", 0)).expect("alive");
    let socket = registry.admit(&caller("a", "s1", 0)).expect("alive");
    let untold: usize = (0..=QUEUE_MAX).map(|_| registry.notify("a", "{}")).sum();
    assert_eq!((code(&stream), code(&socket), untold), (None, Some(TOO_SLOW), 1));
}

#[test]
fn acc_216_an_event_of_a_later_version_ends_rather_than_spares() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let one = registry.admit(&caller("a", "s1", 0)).expect("alive");
    let other = registry.admit(&caller("b", "s2", 0)).expect("alive");
    registry.published(&[ended(5, "account.session_evicted", r#"{"of_a_later_version":1}"#)]);
    assert_eq!((code(&one), code(&other)), (Some(REVOKED), None));
}

#[tokio::test(start_paused = true)]
async fn acc_216_a_reply_waits_for_the_sockets_its_own_command_ended() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let jammed = registry.admit(&caller("a", "s1", 0)).expect("alive");
    registry.published(&[evicted(5, "s1")]);
    let waits = |by: &'static str| {
        let closings = Arc::clone(&registry.closings);
        tokio::spawn(async move { closings.settle(by).await })
    };
    let (own, foreign) = (waits("c1"), waits("c2"));
    tokio::task::yield_now().await;
    assert!(foreign.is_finished() && !own.is_finished());
    drop(jammed);
    tokio::task::yield_now().await;
    assert!(own.is_finished());
}

#[tokio::test(start_paused = true)]
async fn acc_216_no_reply_waits_for_a_socket_that_left_by_itself() {
    let registry = Arc::new(ApiRegistry::new(Arc::default()));
    let one = registry.admit(&caller("a", "s1", 0)).expect("alive");
    let found_before = Arc::clone(&one.entry);
    drop(one);
    found_before.end(LEAVING, "c1");
    let asked = tokio::time::Instant::now();
    registry.closings.settle("c1").await;
    assert!(asked.elapsed().is_zero());
}
