//! The state machine of a connection, driven without a socket.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::record::Position;
use serde_json::{Value, json};

use super::codec::Close;
use super::cursor::{Page, page_of};
use super::exposure::Audience;
use super::limits;
use super::rights::Authority;
use super::routing::{Keys, Routed};
use super::session::{Effect, LiveSession, View};
use crate::surface::errors::V1Refusal;
use crate::surface::readable::Readable;

const STORE: &str = "store-1";
const HEARTBEAT: Duration = Duration::from_secs(25);

struct World {
    session: LiveSession,
    authority: Arc<Authority>,
    now: Instant,
    utc: DateTime<Utc>,
    head: u64,
    /// How far the record reaches; what other nodes recorded included.
    head_when_asked: u64,
    confirmed: bool,
}

fn grant(expires_at: Option<DateTime<Utc>>) -> Readable {
    Readable {
        credential: "token".to_owned(),
        account: None,
        subject: None,
        companies: HashSet::from(["co_A".to_owned()]),
        expires_at,
    }
}

impl World {
    fn new(head: u64) -> Self {
        let now = Instant::now();
        let utc = Utc::now();
        Self {
            session: LiveSession::new(1, HEARTBEAT, now),
            authority: Authority::new(grant(None)),
            now,
            utc,
            head,
            head_when_asked: head,
            confirmed: true,
        }
    }

    /// A connection that has said hello and was welcomed.
    fn open(head: u64) -> Self {
        let mut world = Self::new(head);
        assert_eq!(
            world.text(&json!({"t":"hello","token":"secret"})),
            [Effect::Authenticate(Some("secret".to_owned()))]
        );
        let authority = Arc::clone(&world.authority);
        let view = world.view();
        let effects = world.session.authenticated(Ok(authority), view);
        assert_eq!(frames(&effects)[0]["t"], "welcome");
        world
    }

    fn view(&self) -> View<'static> {
        let (head, now, utc, confirmed) = (Position(self.head), self.now, self.utc, self.confirmed);
        View { store: STORE, head, now, utc, confirmed }
    }

    fn text(&mut self, frame: &Value) -> Vec<Effect> {
        let view = self.view();
        self.session.text(&frame.to_string(), view)
    }

    /// Sends a frame that makes the session ask for the head, and tells it.
    fn told_the_head(&mut self, frame: &Value, is_known: bool) -> Vec<Effect> {
        let asks = self.text(frame);
        let [Effect::AskHead(subscribe)] = &asks[..] else { panic!("it asks for the head: {asks:?}") };
        self.head = self.head.max(self.head_when_asked);
        let view = self.view();
        self.session.subscribe_at_head((**subscribe).clone(), is_known, view)
    }

    fn tick_after(&mut self, passed: Duration) -> Vec<Effect> {
        self.now += passed;
        self.utc += TimeDelta::from_std(passed).expect("a short time");
        let view = self.view();
        self.session.tick(view)
    }

    /// Feeds every subscription from a page until none wants more.
    fn pump(&mut self, page: &Page) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((id, after)) = self.session.wants(self.view()) {
            assert!(!page.after(after).is_empty(), "wants something behind {after}, which there is");
            let view = self.view();
            effects.extend(self.session.feed(id, page, view));
        }
        effects
    }
}

fn frames(effects: &[Effect]) -> Vec<Value> {
    let text = |effect: &Effect| match effect {
        Effect::Send(text) => Some(serde_json::from_str(text).expect("frames are JSON")),
        Effect::Ping(_) | Effect::Authenticate(_) | Effect::AskHead(_) | Effect::Close(_) => None,
    };
    effects.iter().filter_map(text).collect()
}

fn positions(effects: &[Effect]) -> Vec<u64> {
    let batches = frames(effects).into_iter().filter(|frame| frame["t"] == "batch");
    let events = batches.flat_map(|frame| frame["ev"].as_array().expect("a list").clone());
    events.map(|event| event["p"].as_str().expect("a text").parse().expect("a number")).collect()
}

fn close(effects: &[Effect]) -> Option<Close> {
    effects.iter().find_map(|effect| if let Effect::Close(close) = effect { Some(*close) } else { None })
}

fn last_ping(effects: &[Effect]) -> Option<u64> {
    effects.iter().rev().find_map(|effect| if let Effect::Ping(count) = effect { Some(*count) } else { None })
}

fn code(effects: &[Effect]) -> String {
    let frames = frames(effects);
    frames
        .iter()
        .find(|frame| frame["t"] == "err")
        .map(|frame| frame["code"].as_str().unwrap_or("").to_owned())
        .unwrap_or_default()
}

fn event(position: u64, company: &str, bytes: usize) -> Routed {
    Routed {
        position: Position(position),
        audience: Audience::Company,
        keys: Keys {
            event_type: "metric.point_recorded".into(),
            aggregate_kind: "metric".into(),
            aggregate: "metric/m".into(),
            company: Some(company.into()),
            account: None,
            metric_id: Some("m".into()),
            metric_slug: Some("key".into()),
            correlation: "c".into(),
        },
        frame: json!({"p": position.to_string(), "data": "x".repeat(bytes)}).to_string().into_boxed_str(),
    }
}

fn events(count: u64, bytes: usize) -> Page {
    page_of((1..=count).map(|position| event(position, "co_A", bytes)).collect())
}

#[test]
fn liv_01_from_start_brings_everything_in_order_and_then_live() {
    let mut world = World::open(5);
    let subok = world.text(&json!({"t":"sub","id":1,"from":"start","credit":100}));
    assert_eq!(frames(&subok)[0], json!({"t":"subok","id":1,"phase":"catchup","from":"0","head":"5"}));
    let effects = world.pump(&events(5, 10));
    assert_eq!(positions(&effects), [1, 2, 3, 4, 5]);
    assert_eq!(frames(&effects).last(), Some(&json!({"t":"live","id":1,"at":"5"})));
}

#[test]
fn liv_02_after_a_position_begins_behind_it() {
    let mut world = World::open(5);
    world.text(&json!({"t":"sub","id":1,"from":{"after":"store-1:3"},"credit":100}));
    assert_eq!(positions(&world.pump(&events(5, 10))), [4, 5]);
}

#[test]
fn liv_04_cursors_of_the_future_and_of_other_stores_are_refused() {
    let mut world = World::open(5);
    let after = |cursor: &str| json!({"t":"sub","id":1,"from":{"after":cursor},"credit":1});
    assert_eq!(code(&world.told_the_head(&after("store-1:6"), true)), "cursor_future");
    assert_eq!(code(&world.text(&after("store-2:1"))), "store_changed");
    assert_eq!(code(&world.text(&after("nonsense"))), "bad_frame");
    assert!(world.session.wants(world.view()).is_none(), "no subscription was made");
}

#[test]
fn liv_20_a_cursor_from_a_node_that_is_further_is_no_cursor_of_the_future() {
    let after = json!({"t":"sub","id":1,"from":{"after":"store-1:6"},"credit":1});
    let mut world = World::open(5);
    world.head_when_asked = 6;
    let begun = frames(&world.told_the_head(&after, true));
    assert_eq!((&begun[0]["t"], &begun[0]["from"]), (&json!("subok"), &json!("6")));
    let mut world = World::open(5);
    assert_eq!(close(&world.told_the_head(&after, false)), Some(Close::Internal), "nobody can tell");
}

#[test]
fn liv_05_credit_bounds_events_and_heartbeats_go_on() {
    let mut world = World::open(100);
    let page = events(100, 10);
    world.text(&json!({"t":"sub","id":1,"from":"start","credit":10}));
    assert_eq!(positions(&world.pump(&page)).len(), 10);
    let beat = world.tick_after(HEARTBEAT);
    assert!(frames(&beat).iter().any(|frame| frame["t"] == "hb"));
    assert!(positions(&beat).is_empty());
    world.text(&json!({"t":"credit","id":1,"n":5,"ack":"store-1:10"}));
    assert_eq!(positions(&world.pump(&page)), [11, 12, 13, 14, 15]);
    assert!(frames(&world.text(&json!({"t":"credit","id":1,"n":u32::MAX}))).is_empty(), "it is served up to the limit");
    assert_eq!(positions(&world.pump(&page)).len(), 85);
}

#[test]
fn liv_07_upto_advances_where_nothing_matches() {
    let mut world = World::open(50);
    world.text(&json!({"t":"sub","id":1,"filter":{"eq":{"type":"no.such"}},"from":"start","credit":10}));
    let effects = world.pump(&events(50, 10));
    assert!(positions(&effects).is_empty());
    assert_eq!(frames(&effects)[0], json!({"t":"batch","id":1,"upto":"50","ev":[]}));
    world.head = 60;
    let page = events(60, 10);
    assert!(frames(&world.pump(&page)).is_empty(), "not told of every event");
    let told = world.tick_after(limits::UPTO_EVERY);
    assert_eq!(frames(&told)[0]["upto"], "60");
}

#[test]
fn liv_08_what_is_not_understood_is_refused_with_its_code() {
    let mut world = World::open(0);
    assert_eq!(code(&world.text(&json!({"t":"sub","id":1,"filter":{"eq":{}},"credit":1}))), "bad_filter");
    assert_eq!(code(&world.text(&json!({"t":"sub","id":1,"mode":"view","topic":"metric/x"}))), "bad_frame");
    for id in 0..64 {
        assert_eq!(code(&world.text(&json!({"t":"sub","id":id,"credit":1}))), "");
    }
    assert_eq!(code(&world.text(&json!({"t":"sub","id":64,"credit":1}))), "too_many_subs");
    assert_eq!(code(&world.text(&json!({"t":"sub","id":3,"credit":1}))), "bad_frame");
    world.text(&json!({"t":"unsub","id":3}));
    assert_eq!(code(&world.text(&json!({"t":"sub","id":64,"credit":1}))), "");
    let view = world.view();
    let effects = world.session.text("{", view);
    assert_eq!((code(&effects).as_str(), close(&effects)), ("bad_frame", Some(Close::BadFrame)));
}

#[test]
fn liv_09_without_a_good_hello_the_connection_ends_unauthenticated() {
    let mut silent = World::new(0);
    assert!(silent.tick_after(Duration::from_millis(4_900)).is_empty());
    assert_eq!(close(&silent.tick_after(Duration::from_millis(200))), Some(Close::Unauthenticated));

    let mut waiting = World::new(0);
    waiting.text(&json!({"t":"hello","token":"secret"}));
    assert!(waiting.tick_after(Duration::from_secs(6)).is_empty(), "a slow check is not the client's fault");
    let (authority, view) = (Arc::clone(&waiting.authority), waiting.view());
    assert_eq!(frames(&waiting.session.authenticated(Ok(authority), view))[0]["t"], "welcome");

    let mut eager = World::new(0);
    assert_eq!(close(&eager.text(&json!({"t":"sub","id":1,"credit":1}))), Some(Close::Unauthenticated));

    let mut wrong = World::new(0);
    wrong.text(&json!({"t":"hello","token":"wrong"}));
    let refusal = V1Refusal::new(401, "invalid_token", "no");
    let view = wrong.view();
    assert_eq!(close(&wrong.session.authenticated(Err(refusal), view)), Some(Close::Unauthenticated));
}

#[test]
fn liv_10_nothing_leaves_behind_a_revocation() {
    let mut world = World::open(10);
    world.text(&json!({"t":"sub","id":7,"from":"start","credit":100}));
    world.authority.revoke(Position(11), "the token was revoked");
    let effects = {
        let view = world.view();
        world.session.feed(7, &events(10, 10), view)
    };
    assert!(positions(&effects).is_empty());
    assert_eq!(frames(&effects), [json!({"t":"revoked","id":7,"at":"11","why":"the token was revoked"})]);
    assert_eq!(close(&effects), Some(Close::Revoked));
    assert!(world.session.wants(world.view()).is_none());
}

#[test]
fn liv_11_expiry_is_announced_and_auth_renews_without_losing_subscriptions() {
    let mut world = World::new(20);
    world.authority = Authority::new(grant(Some(world.utc + TimeDelta::seconds(90))));
    world.text(&json!({"t":"hello","token":"secret"}));
    let (authority, view) = (Arc::clone(&world.authority), world.view());
    world.session.authenticated(Ok(authority), view);
    world.text(&json!({"t":"sub","id":1,"from":"start","credit":10}));
    assert!(!frames(&world.tick_after(Duration::from_secs(20))).iter().any(|frame| frame["t"] == "auth_expiring"));
    let told = world.tick_after(Duration::from_secs(11));
    assert!(frames(&told).iter().any(|frame| frame["t"] == "auth_expiring"));
    assert_eq!(world.text(&json!({"t":"auth","token":"new"})), [Effect::Authenticate(Some("new".to_owned()))]);
    let renewed = Authority::new(grant(Some(world.utc + TimeDelta::seconds(9_000))));
    let view = world.view();
    assert_eq!(frames(&world.session.authenticated(Ok(Arc::clone(&renewed)), view))[0]["t"], "authok");
    assert!(world.session.reads_under(&renewed));
    let count = last_ping(&told).expect("the heartbeat's ping");
    let view = world.view();
    world.session.pong(Some(count), view);
    world.tick_after(Duration::from_secs(24));
    assert_eq!(positions(&world.pump(&events(20, 10))).len(), 10);
}

#[test]
fn a_session_that_was_extended_reads_on_and_its_client_is_told() {
    let mut world = World::new(0);
    world.authority = Authority::new(grant(Some(world.utc + TimeDelta::seconds(30))));
    world.text(&json!({"t":"hello","token":null}));
    let (authority, view) = (Arc::clone(&world.authority), world.view());
    world.session.authenticated(Ok(authority), view);
    assert_eq!(frames(&world.tick_after(Duration::from_secs(1)))[0]["t"], "auth_expiring");
    world.authority.last_until(world.utc + TimeDelta::seconds(9_000));
    assert_eq!(frames(&world.tick_after(Duration::from_secs(1)))[0]["t"], "authok");
    assert!(world.tick_after(Duration::from_secs(1)).is_empty(), "told once");
    let beyond = world.tick_after(Duration::from_secs(60));
    assert_eq!((code(&beyond).as_str(), close(&beyond)), ("", None), "its first end was not the last");
}

#[test]
fn an_ended_credential_ends_the_connection() {
    let mut world = World::new(0);
    world.authority = Authority::new(grant(Some(world.utc + TimeDelta::seconds(5))));
    world.text(&json!({"t":"hello","token":"secret"}));
    let (authority, view) = (Arc::clone(&world.authority), world.view());
    world.session.authenticated(Ok(authority), view);
    let effects = world.tick_after(Duration::from_secs(6));
    assert_eq!((code(&effects).as_str(), close(&effects)), ("token_expired", Some(Close::TokenExpired)));
}

#[test]
fn a_renewal_for_another_reader_is_refused() {
    let mut world = World::open(0);
    world.text(&json!({"t":"auth","token":"other"}));
    let mut other = grant(None);
    other.companies = HashSet::from(["co_B".to_owned()]);
    let other = Authority::new(other);
    let view = world.view();
    let effects = world.session.authenticated(Ok(Arc::clone(&other)), view);
    assert_eq!((code(&effects).as_str(), close(&effects)), ("forbidden", None));
    assert!(!world.session.reads_under(&other));
}

#[test]
fn liv_11_a_renewal_that_fails_says_why_and_the_connection_stays() {
    let mut world = World::open(0);
    for (status, reason, told) in [
        (401, "invalid_token", "forbidden"),
        (401, "expired_token", "token_expired"),
        (429, "rate_limited", "rate_limited"),
        (503, "service_unavailable", "rate_limited"),
    ] {
        world.text(&json!({"t":"auth","token":"new"}));
        let view = world.view();
        let effects = world.session.authenticated(Err(V1Refusal::new(status, reason, "")), view);
        assert_eq!((code(&effects).as_str(), close(&effects)), (told, None), "{reason}");
    }
}

#[test]
fn liv_12_a_client_that_does_not_read_costs_one_window_and_is_sent_away() {
    let mut world = World::open(1_000);
    world.text(&json!({"t":"sub","id":1,"from":"start","credit":1_024}));
    let effects = world.pump(&events(1_000, 1_024));
    let bytes = |effects: &[Effect]| -> usize {
        effects.iter().map(|effect| if let Effect::Send(text) = effect { text.len() } else { 0 }).sum()
    };
    let sent = bytes(&effects);
    assert!((24 * 1024..=34 * 1024).contains(&sent), "{sent} bytes");
    assert_eq!(close(&world.tick_after(Duration::from_secs(9))), None);
    assert_eq!(close(&world.tick_after(Duration::from_secs(1))), Some(Close::Slow));

    let mut reading = World::open(1_000);
    reading.text(&json!({"t":"sub","id":1,"from":"start","credit":1_024}));
    let mut effects = reading.pump(&events(1_000, 1_024));
    let mut seen = positions(&effects);
    while let Some(count) = last_ping(&effects) {
        let view = reading.view();
        reading.session.pong(Some(count), view);
        effects = reading.pump(&events(1_000, 1_024));
        seen.extend(positions(&effects));
    }
    assert_eq!(seen, (1..=1_000).collect::<Vec<u64>>());
}

#[test]
fn liv_13_heartbeats_without_an_answer_end_the_connection() {
    let mut world = World::open(0);
    let beat = world.tick_after(HEARTBEAT);
    assert!(last_ping(&beat).is_some());
    assert_eq!(close(&world.tick_after(limits::PONG_WITHIN)), Some(Close::NoPong));

    for answer in [json!({"t":"pong"}).to_string(), String::new()] {
        let mut alive = World::open(0);
        let count = last_ping(&alive.tick_after(HEARTBEAT));
        let view = alive.view();
        if answer.is_empty() {
            alive.session.pong(count, view);
        } else {
            alive.session.text(&answer, view);
        }
        assert_eq!(close(&alive.tick_after(limits::PONG_WITHIN)), None);
    }
}

#[test]
fn liv_14_a_restart_says_goodbye_with_4000() {
    let mut world = World::open(0);
    let effects = world.session.restart(1_700);
    assert_eq!(frames(&effects), [json!({"t":"bye","code":4000,"retry_ms":1700})]);
    assert_eq!(close(&effects).map(Close::code), Some(4000));
}

#[test]
fn nothing_follows_the_close_frame() {
    for reason in [Close::Normal, Close::Internal] {
        let mut world = World::open(5);
        world.text(&json!({"t":"sub","id":1,"from":"start","credit":10}));
        assert!(world.session.wants(world.view()).is_some());
        assert_eq!(world.session.leave(reason), [Effect::Close(reason)]);
        assert!(world.session.wants(world.view()).is_none(), "{reason:?}");
        assert!(world.session.leave(reason).is_empty(), "one close frame");
    }
}

#[test]
fn a_flood_of_frames_ends_the_connection() {
    let mut world = World::open(0);
    let closed = (0..1_000).find_map(|_| close(&world.text(&json!({"t":"unsub","id":1}))));
    assert_eq!(closed, Some(Close::Rate));
}

#[test]
fn a_node_that_cannot_confirm_the_head_sends_nothing() {
    let mut world = World::open(5);
    world.text(&json!({"t":"sub","id":1,"from":"start","credit":10}));
    world.confirmed = false;
    assert!(world.session.wants(world.view()).is_none());
    world.confirmed = true;
    assert_eq!(positions(&world.pump(&events(5, 10))).len(), 5);
}

#[test]
fn subscriptions_are_served_in_turn() {
    let mut world = World::open(1_000);
    for id in [1, 2] {
        world.text(&json!({"t":"sub","id":id,"from":"start","credit":1_024}));
    }
    let served: HashSet<u64> = frames(&world.pump(&events(1_000, 1_024)))
        .iter()
        .filter(|frame| frame["t"] == "batch")
        .filter_map(|frame| frame["id"].as_u64())
        .collect();
    assert_eq!(served, HashSet::from([1, 2]));
}
