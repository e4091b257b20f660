//! The end of a scope over many accounts, and `kill -9` somewhere in its middle (ACC-148).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::crash::{contiguous, verifies};
use crate::harness::{Engine, Installation, Person, in_parallel, pause, torture};

/// A scope at which every one of these holds a role.
fn settled(house: &Installation, people: &[Person]) -> Value {
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    let portions: Vec<&[Person]> = people.chunks(people.len().div_ceil(4)).collect();
    in_parallel(portions.len(), |index| {
        portions[index].iter().for_each(|person| drop(house.grant_at(person, "student", &scope)));
    });
    scope
}

/// How many of these hold a role at the scope.
fn holders(people: &[Person], scope: &Value) -> usize {
    let holds = |person: &&Person| {
        let status = person.client.get(&format!("/api/account/status?acting={}", person.actor)).expect(200);
        status["role_grants"].as_array().unwrap().iter().any(|grant| grant["scope_id"] == scope["scope_id"])
    };
    people.iter().filter(holds).count()
}

/// How often the server died before anything was recorded, after it with the answer on its way, after the answer.
#[derive(Debug, Default)]
struct Died {
    before: usize,
    unanswered: usize,
    answered: usize,
}

impl Died {
    fn on_both_sides(&self) -> bool {
        self.before > 0 && self.unanswered + self.answered > 0
    }
}

/// Where a run gives up that has seen one side only: by then the delay has been halved or doubled a dozen times more.
const KILLS_MAX: usize = 24;

fn acc_148_a_scope_over_many_accounts_ends_whole_or_not_at_all(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (accounts, kills_wanted) = if torture() { (200, 60) } else { (20, 8) };
    let people: Vec<Person> = (0..accounts).map(|number| house.named(&format!("pupil-{number:03}"))).collect();
    // How long it takes when nothing goes wrong, by a server that has just come up, as after every kill.
    let scope = settled(&house, &people);
    house.server.terminate();
    house.server.restart();
    let begun = Instant::now();
    house.keeper.client.rpc("scope_destroy", &scope).result();
    let whole = begun.elapsed();
    assert_eq!(holders(&people, &scope), 0);

    let mut died = Died::default();
    let mut scope = settled(&house, &people);
    let mut delay = whole;
    let mut delays = delay..delay;
    let mut kills = 0;
    // However fast or busy the machine is, the delay closes in on the append: a run goes on until kills came on both sides.
    while kills < kills_wanted || (!died.on_both_sides() && kills < KILLS_MAX) {
        let answers = in_parallel(2, |index| {
            if index == 0 {
                let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "scope_destroy", "params": scope });
                return house.keeper.client.try_post("/api/rpc", &request).is_some();
            }
            pause(delay);
            house.server.kill9();
            false
        });
        kills += 1;
        house.server.restart();
        // Whatever the dead server's last transaction still does in the database is decided before this one.
        house.keeper.client.rpc("invite_create", &json!({ "username": format!("after-{kills:02}") })).result();
        let held = holders(&people, &scope);
        assert!(held == 0 || held == people.len(), "{held} of {} after {delay:?}", people.len());
        contiguous(&house.server);
        assert!(!answers[0] || held == 0, "what was answered is undone");
        delays = delays.start.min(delay)..delays.end.max(delay);
        // Later when it came before the append, earlier when it came after: in long steps until both were seen, then in
        // short ones, so that most kills hit what lies between.
        let step = if died.on_both_sides() { delay / 4 } else { delay / 2 };
        if held > 0 {
            died.before += 1;
            delay += step + Duration::from_micros(200);
        } else {
            delay -= step;
            *(if answers[0] { &mut died.answered } else { &mut died.unanswered }) += 1;
            scope = settled(&house, &people);
        }
    }
    verifies(&house.server);
    println!("acc_148 on {engine:?}: {accounts} accounts, {kills} kills after {delays:?} of some {whole:?}: {died:?}");
    assert!(died.on_both_sides(), "{kills} kills were all before the append or all after it: {died:?}");
}

both_engines![acc_148_a_scope_over_many_accounts_ends_whole_or_not_at_all];
