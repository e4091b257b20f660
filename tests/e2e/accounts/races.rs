//! Races over offers (ACC-155 to ACC-161), on one node and, where the engine has them, on two. The full form
//! has the rounds the checklist asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Installation, Person, Program, Server, in_parallel, pause, text};

fn rounds(full: usize) -> usize {
    if crate::harness::torture() { full } else { 12 }
}

/// An installation, and a second way in: another node where the engine has one.
struct Arena {
    house: Installation,
    second: Option<Server>,
}

impl Arena {
    fn new(engine: Engine) -> Self {
        let house = Installation::with(engine, &[]);
        let second = (engine == Engine::Postgres).then(|| house.server.second_node());
        Self { house, second }
    }

    /// The same caller through the other node.
    fn through_second(&self, person: &Person) -> Client {
        let server = self.second.as_ref().unwrap_or(&self.house.server);
        server.anonymous().header("cookie", &person.cookie)
    }

    fn scope(&self) -> Value {
        json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() })
    }
}

fn accept(client: &Client, offer: &Value, acting: &str) -> (u16, Value) {
    let reply = client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"], "acting": acting })).0;
    (reply.status, reply.json())
}

/// Every offer to or by a person, through every page.
fn all_offers(of: &Person) -> Vec<Value> {
    let mut offers = Vec::new();
    loop {
        let page = json!({ "limit": 500, "offset": offers.len(), "acting": of.actor });
        let listed = of.client.rpc("role_grant_offer_history", &page).result();
        let listed = listed["offers"].as_array().unwrap();
        offers.extend(listed.iter().cloned());
        if listed.len() < 500 {
            return offers;
        }
    }
}

/// How often each way out was seen, printed by the full form.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, what: impl std::fmt::Debug) {
        *self.0.entry(format!("{what:?}")).or_default() += 1;
    }

    /// Every offer that was ever made to somebody ended in one way at most, and an accepted one has its grant.
    fn print(&self, test: &str, engine: Engine, recipient: &Person) {
        let offers = all_offers(recipient);
        assert!(offers.iter().all(|offer| ends(offer) <= 1), "an offer ended twice");
        assert!(
            offers.iter().all(|offer| offer["accepted_at"].is_string() == offer["resulting_role_grant_id"].is_string()),
            "an offer was accepted without its grant, or has one without being accepted"
        );
        let rounds: usize = self.0.values().sum();
        println!("{test} on {engine:?}: {rounds} rounds, {} offers, none illegal; {:?}", offers.len(), self.0);
    }
}

/// The grants a person holds, by persona.
fn grants(person: &Person, acting: &str) -> usize {
    let status = person.client.get(&format!("/api/account/status?acting={acting}")).expect(200);
    status["role_grants"].as_array().unwrap().len()
}

/// How an offer stands, by its grantor's history.
fn standing(of: &Person, offer: &Value) -> Value {
    let listed = of.client.rpc("role_grant_offer_history", &json!({ "limit": 500 })).result();
    listed["offers"].as_array().unwrap().iter().find(|it| it["id"] == offer["id"]).unwrap().clone()
}

fn ends(offer: &Value) -> usize {
    let ends = ["accepted_at", "declined_at", "retracted_at", "superseded_at"];
    ends.iter().filter(|end| !offer[**end].is_null()).count()
}

fn acc_155_two_accepts_of_one_persona_give_one_grant(engine: Engine) {
    let arena = Arena::new(engine);
    let ben = arena.house.named("ben-b");
    let (clients, boss) = ([ben.client.clone(), arena.through_second(&ben)], arena.house.admin("boss"));
    let count = |kind: &str| arena.house.server.store.count(kind);
    let (accepted, superseded) = (count("offer.accepted"), count("offer.superseded"));
    let mut tally = Tally::default();
    for _ in 0..rounds(500) {
        let scope = arena.scope();
        let offer = arena.house.offer(&arena.house.keeper, &ben, "teacher", &scope);
        arena.house.offer(&boss, &ben, "teacher", &scope);
        let answers = in_parallel(2, |index| accept(&clients[index], &offer, &ben.actor));
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
        assert_eq!(answers[0].1["result"]["role_grant_id"], answers[1].1["result"]["role_grant_id"]);
        let fallen = answers.iter().map(|(_, it)| it["result"]["superseded_offer_ids"].as_array().unwrap().len());
        assert_eq!(fallen.sum::<usize>(), 1, "one of the two made the sibling fall: {answers:?}");
        tally.count("one grant");
    }
    assert_eq!(count("offer.accepted") - accepted, rounds(500), "the second accept writes nothing");
    assert_eq!(count("offer.superseded") - superseded, rounds(500));
    assert_eq!(grants(&ben, &ben.actor), rounds(500));
    tally.print("acc_155", engine, &ben);
}

fn acc_156_of_two_personas_one_wins(engine: Engine) {
    let arena = Arena::new(engine);
    let ben = arena.house.named("ben-b");
    let second = text(&ben.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"]);
    let callers = [(ben.client.clone(), ben.actor.clone()), (arena.through_second(&ben), second)];
    let (mut tally, mut won) = (Tally::default(), [0, 0]);
    for _ in 0..rounds(500) {
        let offer = arena.house.offer(&arena.house.keeper, &ben, "teacher", &arena.scope());
        let answers = in_parallel(2, |index| accept(&callers[index].0, &offer, &callers[index].1));
        won[usize::from(answers[0].0 != 200)] += 1;
        tally.count(if answers[0].0 == 200 { "the first persona" } else { "the second persona" });
        let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{answers:?}");
        let loser = answers.iter().find(|(status, _)| *status == 400).unwrap();
        assert_eq!(loser.1["error"]["data"]["reason"], "role_grant_offer_terminal");
    }
    let held = [0, 1].map(|index: usize| grants(&ben, &callers[index].1));
    assert_eq!(held, won, "each holds what it won and nothing that the other did");
    tally.print("acc_156", engine, &ben);
}

/// Lets an offer be accepted while the other call runs, so many times; every end is a legal one of section 5.4. `end`
/// says how the offer ended when it was not accepted.
fn accepting_against(engine: Engine, what: &str, end: &str, call: impl Fn(&Contest) -> u16 + Sync) {
    let arena = Arena::new(engine);
    let (house, ben) = (&arena.house, arena.house.named("ben-b"));
    let keeper = arena.through_second(&house.keeper);
    let mut tally = Tally::default();
    for round in 0..rounds(500) {
        let scope = arena.scope();
        let offer = house.offer(&house.keeper, &ben, "teacher", &scope);
        let contest = Contest { keeper: &keeper, recipient: &ben, offer: &offer, scope: &scope };
        let statuses = in_parallel(2, |index| {
            if index == 0 {
                // The shorter way through the server would come first always.
                let head_start = Duration::from_micros(u64::try_from(round % 8).unwrap() * 500);
                pause(head_start);
                accept(&ben.client, &offer, &ben.actor).0
            } else {
                call(&contest)
            }
        });
        let stands = standing(&house.keeper, &offer);
        tally.count(if statuses[0] == 200 { "accepted".to_owned() } else { format!("{what} first") });
        assert_eq!(ends(&stands), 1, "{statuses:?}: {stands}");
        assert!(statuses.contains(&200), "one of the two went through: {statuses:?}");
        assert_eq!(statuses[0] == 200, stands["accepted_at"].is_string(), "{statuses:?}: {stands}");
        assert_eq!(stands["accepted_at"].is_string(), stands["resulting_role_grant_id"].is_string(), "{stands}");
        assert_eq!(statuses[0] != 200, stands[end].is_string(), "{statuses:?}: {stands}");
        if end == "superseded_at" {
            assert_eq!(statuses[1], 200, "a scope can always be ended");
            let listed = house.keeper.client.rpc("admin_account_list", &json!({})).result();
            assert!(!listed.to_string().contains(scope["scope_id"].as_str().unwrap()), "nothing is left at the scope");
        } else {
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}: {stands}");
        }
    }
    tally.print(&format!("acc_157, against {what}"), engine, &ben);
    assert!(!crate::harness::torture() || tally.0.len() == 2, "one of the two always comes first: {:?}", tally.0);
}

/// What a call that runs against an acceptance may need.
struct Contest<'a> {
    keeper: &'a Client,
    recipient: &'a Person,
    offer: &'a Value,
    scope: &'a Value,
}

impl Contest<'_> {
    fn on_offer(&self) -> Value {
        json!({ "offer_id": self.offer["id"] })
    }
}

fn acc_157_accepting_against_taking_back_ends_in_one_way(engine: Engine) {
    accepting_against(engine, "retract", "retracted_at", |contest| {
        contest.keeper.rpc("role_grant_offer_retract", &contest.on_offer()).0.status
    });
}

fn acc_157_accepting_against_declining_ends_in_one_way(engine: Engine) {
    accepting_against(engine, "decline", "declined_at", |contest| {
        contest.recipient.client.rpc("role_grant_offer_decline", &contest.on_offer()).0.status
    });
}

fn acc_157_accepting_against_the_end_of_the_scope_ends_in_one_way(engine: Engine) {
    accepting_against(engine, "scope_destroy", "superseded_at", |contest| {
        contest.keeper.rpc("scope_destroy", contest.scope).0.status
    });
}

fn acc_157_accepting_against_losing_the_role_leaves_none(engine: Engine) {
    let arena = Arena::new(engine);
    let (house, ben) = (&arena.house, arena.house.named("ben-b"));
    let keeper = arena.through_second(&house.keeper);
    let boss = house.admin("boss");
    let mut tally = Tally::default();
    for _ in 0..rounds(500) {
        let scope = arena.scope();
        let held = house.grant_at(&ben, "teacher", &scope);
        let offer = house.offer(&boss, &ben, "teacher", &scope);
        let revoke = json!({ "actor_id": ben.actor, "role_grant_id": held });
        let statuses = in_parallel(2, |index| {
            if index == 0 {
                accept(&ben.client, &offer, &ben.actor).0
            } else {
                keeper.rpc("role_grant_revoke", &revoke).0.status
            }
        });
        tally.count(if statuses[0] == 200 { "accepted, then taken" } else { "taken first" });
        assert_eq!(grants(&ben, &ben.actor), 0, "in every order the role is gone: {statuses:?}");
        assert_eq!(ends(&standing(&boss, &offer)), 1);
    }
    tally.print("acc_157", engine, &ben);
}

fn acc_158_of_two_siblings_one_is_accepted(engine: Engine) {
    let arena = Arena::new(engine);
    let (house, ben) = (&arena.house, arena.house.named("ben-b"));
    let boss = house.admin("boss");
    let clients = [ben.client.clone(), arena.through_second(&ben)];
    let mut tally = Tally::default();
    for _ in 0..rounds(500) {
        let scope = arena.scope();
        let offers = [house.offer(&house.keeper, &ben, "teacher", &scope), house.offer(&boss, &ben, "teacher", &scope)];
        let statuses = in_parallel(2, |index| accept(&clients[index], &offers[index], &ben.actor).0);
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        tally.count(if statuses[0] == 200 { "the first offer" } else { "the second offer" });
        let accepted = [standing(&house.keeper, &offers[0]), standing(&boss, &offers[1])];
        assert_eq!(accepted.iter().filter(|offer| offer["accepted_at"].is_string()).count(), 1);
        assert_eq!(accepted.iter().filter(|offer| offer["superseded_at"].is_string()).count(), 1);
    }
    tally.print("acc_158", engine, &ben);
}

fn acc_159_two_offers_of_one_slot_are_one(engine: Engine) {
    let arena = Arena::new(engine);
    let (house, ben) = (&arena.house, arena.house.named("ben-b"));
    let clients = [house.keeper.client.clone(), arena.through_second(&house.keeper)];
    let mut tally = Tally::default();
    for _ in 0..rounds(500) {
        let mut params = json!({ "to_account_id": ben.id, "role": "teacher" });
        params.as_object_mut().unwrap().extend(arena.scope().as_object().unwrap().clone());
        let ids = in_parallel(2, |index| {
            clients[index].rpc("role_grant_offer_create", &params).result()["offer"]["id"].clone()
        });
        assert_eq!(ids[0], ids[1]);
        tally.count("one offer");
    }
    tally.print("acc_159", engine, &ben);
}

fn acc_161_what_was_acknowledged_is_there_after_a_kill(engine: Engine) {
    // A book grows with every round, so many rounds are shared by several installations.
    let (installations, rounds) = if crate::harness::torture() { (10, 50) } else { (1, 3) };
    let counts: Vec<Killed> = (0..installations).map(|_| accepts_under_kills(engine, rounds)).collect();
    let [kills, acknowledged, held] = [
        counts.iter().map(|it| it.kills).sum::<usize>(),
        counts.iter().map(|it| it.acknowledged).sum(),
        counts.iter().map(|it| it.held).sum(),
    ];
    println!("acc_161 on {engine:?}: {kills} kills, {acknowledged} accepts acknowledged, {held} held, none lost");
}

/// How often an installation was killed, and the accepts that were acknowledged and that are held.
struct Killed {
    kills: usize,
    acknowledged: usize,
    held: usize,
}

/// Where a run gives up whose kills came all before the first answer, or all after the last.
const KILLS_MAX: usize = 40;

/// Kills an installation at least so often under 16 accepts, and until a kill came while some of them were acknowledged and
/// others were not.
fn accepts_under_kills(engine: Engine, rounds: usize) -> Killed {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    let mut acknowledged: Vec<(Value, String)> = Vec::new();
    let (mut kills, mut amid, mut delay) = (0, 0, Duration::from_millis(20));
    while kills < rounds || (amid == 0 && kills < KILLS_MAX) {
        let offers: Vec<Value> = (0..16)
            .map(|_| {
                let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
                house.offer(&house.keeper, &ben, "teacher", &scope)
            })
            .collect();
        let answers = in_parallel(17, |index| {
            let Some(offer) = offers.get(index) else {
                pause(delay);
                house.server.kill9();
                return None;
            };
            let request = json!({
                "jsonrpc": "2.0", "id": 1, "method": "role_grant_offer_accept", "params": { "offer_id": offer["id"] },
            });
            let reply = ben.client.try_post("/api/rpc", &request).filter(|reply| reply.status == 200)?;
            Some((offer["id"].clone(), text(&reply.json()["result"]["role_grant_id"])))
        });
        house.server.restart();
        kills += 1;
        let answered: Vec<(Value, String)> = answers.into_iter().flatten().collect();
        // However fast or busy the machine is, the delay closes in on the answers.
        match answered.len() {
            0 => delay *= 2,
            16 => delay /= 2,
            some => {
                amid += 1;
                // Most kills hit what lies between, at another place each time.
                if some < 8 { delay += delay / 4 } else { delay -= delay / 4 }
            }
        }
        acknowledged.extend(answered);
    }
    assert!(amid > 0, "{kills} kills came before the first answer or after the last");
    let status = ben.client.get("/api/account/status").expect(200);
    let held: Vec<String> = status["role_grants"].as_array().unwrap().iter().map(|grant| text(&grant["id"])).collect();
    assert!(acknowledged.iter().all(|(_, grant)| held.contains(grant)), "every acknowledged accept is there");
    let accepted: Vec<String> = all_offers(&ben)
        .iter()
        .filter(|offer| offer["accepted_at"].is_string())
        .map(|offer| text(&offer["resulting_role_grant_id"]))
        .collect();
    assert_eq!(accepted.len(), held.len(), "no grant without its offer, no accepted offer without its grant");
    assert!(accepted.iter().all(|grant| held.contains(grant)));
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    operator.run(&["audit", "verify"]).ok();
    operator.run(&["projections", "verify"]).ok();
    Killed { kills, acknowledged: acknowledged.len(), held: held.len() }
}

/// What many decide on one account's book at the same instant is all done, and nobody is sent away.
fn offers_to_one_account_at_once_are_all_made_and_accepted(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.person("ben");
    let offers = in_parallel(32, |_| {
        let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
        house.offer(&house.keeper, &ben, "student", &scope)
    });
    let accepted = in_parallel(32, |index| accept(&ben.client, &offers[index], &ben.actor).0);
    assert_eq!(accepted, vec![200; 32]);
    assert_eq!(grants(&ben, &ben.actor), 32);
}

both_engines![
    acc_155_two_accepts_of_one_persona_give_one_grant,
    acc_156_of_two_personas_one_wins,
    acc_157_accepting_against_taking_back_ends_in_one_way,
    acc_157_accepting_against_declining_ends_in_one_way,
    acc_157_accepting_against_the_end_of_the_scope_ends_in_one_way,
    acc_157_accepting_against_losing_the_role_leaves_none,
    acc_158_of_two_siblings_one_is_accepted,
    acc_159_two_offers_of_one_slot_are_one,
    acc_161_what_was_acknowledged_is_there_after_a_kill,
    offers_to_one_account_at_once_are_all_made_and_accepted,
];
