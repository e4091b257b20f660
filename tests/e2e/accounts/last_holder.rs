//! The last holder of a lasting role cannot be lost, whoever takes it from whom at the same instant: over the network on
//! one node and on two, beside the operator's command line, beside an erasure (G13).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Client, Engine, Installation, Output, PASSWORD, Person, Program, Server, cookie_of, in_parallel, pause, text,
    torture, unique,
};

/// Rounds of each race.
fn rounds() -> usize {
    if torture() { 500 } else { 8 }
}

/// Somebody who holds `admin` by this grant.
struct Holder {
    person: Person,
    grant: String,
}

/// What the races of one installation came to, and how long the last command on the command line took.
#[derive(Default)]
struct Tally {
    ways: BTreeMap<&'static str, usize>,
    command: Duration,
}

impl Tally {
    fn count(&mut self, way: &'static str) {
        *self.ways.entry(way).or_default() += 1;
    }

    /// Both orders must have been seen, or nothing was raced.
    fn print(&self, what: &str, engine: Engine) {
        let rounds: usize = self.ways.values().sum();
        println!("last holder, {what} on {engine:?}: {rounds} rounds, one of the two each time; {:?}", self.ways);
        assert!(!torture() || self.ways.len() == 2, "one side always comes first: {:?}", self.ways);
    }
}

/// With sign-up open, so that newcomers need nobody who holds a role.
fn open_house(engine: Engine) -> (Installation, Holder) {
    let house = Installation::with(engine, &[]);
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let own = house.keeper.client.get("/api/account/status").expect(200);
    let admin = own["role_grants"].as_array().unwrap().iter().find(|grant| grant["role"] == "admin").unwrap();
    let first = Holder { person: house.keeper.clone(), grant: text(&admin["id"]) };
    (house, first)
}

fn newcomer(house: &Installation) -> Person {
    let name = unique("rival");
    let reply = house.sign_up(&json!({ "username": name, "password": PASSWORD }));
    house.person_of(&name, &cookie_of(&reply))
}

/// A newcomer to whom the first has given the role.
fn second(house: &Installation, first: &Holder) -> Holder {
    let person = newcomer(house);
    let offer = house.offer(&first.person, &person, "admin", &json!({}));
    let accepted = person.client.rpc("role_grant_offer_accept", &json!({ "offer_id": offer["id"] })).result();
    Holder { grant: text(&accepted["role_grant_id"]), person }
}

fn take(by: &Client, of: &Holder) -> u16 {
    let params = json!({ "actor_id": of.person.actor, "role_grant_id": of.grant });
    by.rpc("role_grant_revoke", &params).0.status
}

/// Each of two takes the role from the other; the second speaks to this server.
fn two_take_it_from_each_other(house: &Installation, mut first: Holder, elsewhere: &Server, tally: &mut Tally) {
    for _ in 0..rounds() {
        let second = second(house, &first);
        let there = elsewhere.anonymous().header("cookie", &second.person.cookie);
        let statuses = in_parallel(2, |index| match index {
            0 => take(&first.person.client, &second),
            _ => take(&there, &first),
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        tally.count(if statuses[0] == 200 { "the first stays" } else { "the second stays" });
        if statuses[1] == 200 {
            first = second;
        }
        first.person.client.rpc("invite_list", &json!({})).result();
    }
}

/// The roster's events say of every position of the record that somebody held the role, once anybody did.
fn somebody_held_it_at_every_position(server: &Server) {
    let events = server
        .store
        .texts("SELECT CAST(payload AS TEXT) FROM events WHERE aggregate_type = 'roster' ORDER BY position");
    let mut holders: BTreeMap<String, i64> = BTreeMap::new();
    let mut ends = 0;
    for event in &events {
        let event: Value = serde_json::from_str(event).unwrap();
        if let Some(role) = event["admitted"]["role"].as_str() {
            *holders.entry(role.to_owned()).or_default() += 1;
        } else if let Some(role) = event["left"]["role"].as_str() {
            let left = holders.get_mut(role).unwrap();
            *left -= 1;
            assert!(*left >= 1, "nobody holds {role} after {event}");
            ends += 1;
        }
    }
    assert!(ends > 0 && holders["admin"] >= 1 && holders["keeper"] >= 1, "{holders:?}, {ends} ends");
}

fn acc_last_holder_cannot_be_lost_even_when_two_remove_each_other(engine: Engine) {
    let (house, first) = open_house(engine);
    let alone = json!({ "actor_id": first.person.actor, "role_grant_id": first.grant });
    house.keeper.client.rpc("role_grant_revoke", &alone).refused(400, -32_600, "last_holder");
    let mut tally = Tally::default();
    two_take_it_from_each_other(&house, first, &house.server, &mut tally);
    tally.print("two administrators on one node", engine);
    somebody_held_it_at_every_position(&house.server);
}

#[test]
fn acc_last_holder_cannot_be_lost_on_two_nodes() {
    let (house, first) = open_house(Engine::Postgres);
    let node = house.server.second_node();
    let mut tally = Tally::default();
    two_take_it_from_each_other(&house, first, &node, &mut tally);
    tally.print("two administrators on two nodes", Engine::Postgres);
    somebody_held_it_at_every_position(&house.server);
}

/// The command ran, or was refused because nobody else held the role.
fn ran(output: &Output) -> bool {
    assert!(output.code == 0 || (output.code == 5 && output.stderr.contains("last_holder")), "{output:?}");
    output.code == 0
}

/// The first takes the role from the second while a command takes it from the first.
fn the_command_line_takes_it_as_well(what: &str, command: impl Fn(&Person) -> Vec<String> + Sync) {
    let (house, first) = open_house(Engine::Postgres);
    let operator = Program::operator_of(&house.server);
    // The first holder of all keeps what else it holds, and is no part of the races.
    let mut first = {
        let next = second(&house, &first);
        assert_eq!(take(&next.person.client, &first), 200);
        next
    };
    let mut tally = Tally::default();
    for round in 0..u32::try_from(rounds()).unwrap() {
        let second = second(&house, &first);
        // A command takes much longer than a request: the request comes at another point of its run each time.
        let wait = tally.command * (round % 32) / 32;
        let arguments = command(&first.person);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let done = in_parallel(2, |index| {
            if index == 0 {
                pause(wait);
                return (take(&first.person.client, &second) == 200, Duration::ZERO);
            }
            (ran(&operator.run(&arguments)), begun.elapsed())
        });
        assert!(done[0].0 != done[1].0, "one of the two: {done:?}");
        tally.command = done[1].1;
        tally.count(if done[0].0 { "the request came first" } else { "the command came first" });
        if done[1].0 {
            first = second;
        }
        first.person.client.rpc("invite_list", &json!({})).result();
    }
    tally.print(what, Engine::Postgres);
    somebody_held_it_at_every_position(&house.server);
}

#[test]
fn acc_last_holder_cannot_be_lost_to_the_command_line() {
    the_command_line_takes_it_as_well("a request and `role revoke`", |first| {
        ["role", "revoke", &first.username, "admin"].map(str::to_owned).to_vec()
    });
}

#[test]
fn acc_last_holder_cannot_be_lost_to_an_erasure() {
    the_command_line_takes_it_as_well("a request and `erase`", |first| {
        ["erase", &first.id, "--yes"].map(str::to_owned).to_vec()
    });
}

/// `keeper` is nobody's to take over the network: two commands take it from each other's holder.
#[test]
fn acc_last_holder_the_keeper_cannot_be_lost_to_two_commands() {
    let (house, _) = open_house(Engine::Postgres);
    let operator = Program::operator_of(&house.server);
    let mut other = newcomer(&house);
    operator.run(&["role", "grant", &other.username, "keeper"]).ok();
    for (what, erases) in [("two `role revoke` of keeper", false), ("`role revoke` of keeper and `erase`", true)] {
        let mut tally = Tally::default();
        for _ in 0..rounds() {
            let revoke = ["role", "revoke", "keeper", "keeper"];
            let against = match erases {
                true => ["erase", &other.id, "--yes", "--quiet"],
                false => ["role", "revoke", &other.username, "keeper"],
            };
            let done = in_parallel(2, |index| ran(&operator.run(if index == 0 { &revoke } else { &against })));
            assert!(done[0] != done[1], "one of the two: {done:?}");
            tally.count(if done[0] { "the keeper's went" } else { "the other's went" });
            if erases && done[1] {
                other = newcomer(&house);
            }
            let again = if done[0] { "keeper" } else { &other.username };
            operator.run(&["role", "grant", again, "keeper"]).ok();
        }
        tally.print(what, Engine::Postgres);
    }
    somebody_held_it_at_every_position(&house.server);
}

both_engines![acc_last_holder_cannot_be_lost_even_when_two_remove_each_other];
