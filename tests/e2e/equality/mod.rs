//! Random histories of everything that can be asked for: the two engines give the same answers, and what was built live
//! equals a rebuild from zero.

mod consent;
mod side;
mod steps;

use serde_json::Value;

use self::side::Side;
use self::steps::{Step, step};
use crate::crash::verifies;
use crate::harness::{Engine, eventually, torture};

/// A small generator with a seed, so that a failing history can be played again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below `sides` (SplitMix64).
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A place in a list of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(length).unwrap())).unwrap()
    }
}

/// An alert is raised a moment after its point, on each side in its own time: it is named by what it says.
fn with_alert_named(sides: &[Side; 2], step: Step) -> Option<Step> {
    let Step::OnAlert { company, nth, action, .. } = step else { return Some(step) };
    let alerts = sides[0].alerts(company);
    let chosen: Value = alerts.get(nth % alerts.len().max(1))?.clone();
    let said = side::what_it_says(&chosen);
    eventually("the other side raises it too", || {
        sides[1].alerts(company).iter().any(|alert| side::what_it_says(alert) == said).then_some(())
    });
    Some(Step::OnAlert { company, nth, action, said })
}

/// Two pictures are the same; else the first place where they are not is shown with what stands around it.
fn alike(one: &Value, other: &Value, what: &str) {
    let [one, other] = [one, other].map(|picture| serde_json::to_string_pretty(picture).unwrap());
    let (ones, others): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let Some(at) = (0..ones.len().max(others.len())).find(|&at| ones.get(at) != others.get(at)) else { return };
    let around =
        |lines: &[&str]| lines.iter().skip(at.saturating_sub(12)).take(24).copied().collect::<Vec<_>>().join("\n");
    panic!("{what}: the engines differ. SQLite:\n{}\nPostgreSQL:\n{}", around(&ones), around(&others));
}

#[test]
fn both_engines_answer_alike_and_a_rebuild_equals_what_was_live() {
    let (seeds, steps) = if torture() { (40, 400) } else { (2, 200) };
    let (mut accepted, mut refused, mut raised) = (0, 0, 0);
    for seed in 0..seeds {
        let mut sides = [Side::start(Engine::Sqlite), Side::start(Engine::Postgres)];
        let mut dice = Dice::new(seed);
        for number in 0..steps {
            let Some(step) = with_alert_named(&sides, step(&mut dice)) else { continue };
            let [one, other] = sides.each_mut().map(|side| side.act(&step));
            assert_eq!(one.status, other.status, "seed {seed}, step {number}, {step:?}: {one} / {other}");
            assert_eq!(one.code(), other.code(), "seed {seed}, step {number}, {step:?}");
            *(if one.status < 300 { &mut accepted } else { &mut refused }) += 1;
            let [one, other] = [one, other].map(|reply| reply.json()["error"]["data"].clone());
            assert_eq!(one, other, "seed {seed}, step {number}, {step:?}");
        }
        let [due, other] = sides.each_ref().map(Side::alerts_raised);
        assert_eq!(due, other, "seed {seed}: one engine raised more alerts");
        let [one, other] = sides.each_ref().map(Side::picture);
        alike(&one, &other, &format!("seed {seed}: about companies"));
        let [one, other] = sides.each_ref().map(|side| side.people.picture());
        alike(&one, &other, &format!("seed {seed}: about accounts"));
        sides.iter().for_each(|side| verifies(&side.house.server));
        raised += due;
    }
    // Two installations that refuse everything are alike, and prove nothing.
    assert!(accepted > seeds * steps / 4 && refused > 0 && raised > 0, "{accepted}, {refused}, {raised}");
    println!(
        "equality: {seeds} seeds of {steps} steps, {accepted} accepted, {refused} refused alike, {raised} alerts, alike"
    );
}
