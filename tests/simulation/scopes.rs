//! Scopes that end while books come, go and come back on both nodes: nothing is ever open or held at one that was
//! destroyed, and a scope knows every book that has anything at it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muniment::runtime::{BusError, Origin, scopes};
use muniment_aggregates::decider::Decider;
use muniment_aggregates::ids::{AccountId, GrantId, OfferId, PersonaId};
use muniment_aggregates::offer_book::{
    Accept, Decline, GrantDirectly, GrantPath, GrantScope, MakeOffer, OfferBook, OfferBookCommand, OfferBookEvent,
    OfferBookRefusal, RevokeGrant,
};
use muniment_aggregates::record::RecordedEvent;
use muniment_aggregates::scope::{Join, Scope, ScopeEvent, stream_id};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::engine::SharedStore;
use crate::scenario::{Node, paused};
use crate::seeds;

const SEEDS: u64 = 200;
const ACCOUNTS: usize = 4;
const ACTORS: u64 = 4;
const STEPS_PER_ACTOR: u64 = 14;
/// So many books leave in one append.
const LEAVING: usize = 2;

type Outcome = Result<(), BusError<OfferBookRefusal>>;
type Nodes = Rc<RefCell<[Rc<Node>; 2]>>;

/// What the seeds came to.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    destroyed: u64,
    left: u64,
    /// Books that left and were brought to the scope again.
    returned: u64,
    /// Roles and offers that ended with a scope.
    ended: u64,
}

fn class() -> GrantScope {
    GrantScope { kind: "class".to_owned(), id: "c".to_owned() }
}

fn persona(name: &str) -> PersonaId {
    PersonaId(name.to_owned())
}

fn origin(command: &'static str) -> Origin {
    Origin::system("simulation", command, None)
}

/// Brings something to the class, as the surface and the command line do.
async fn bring(node: &Node, to: &AccountId, what: OfferBookCommand) -> Outcome {
    let origin = origin("bring");
    let brought = node.bus.transact(&origin, async |tx| {
        let mut scope = tx.load::<Scope, OfferBookRefusal>(&stream_id(&class())).await?;
        tx.decide(&mut scope, &Join { account: to.clone() }.into()).map_err(BusError::unexpected)?;
        let mut book = tx.load::<OfferBook, OfferBookRefusal>(&to.0).await?;
        tx.decide(&mut book, &what)
    });
    brought.await.map(drop)
}

/// What somebody does with what the node shows of a book.
fn next_step(book: &OfferBook, random: &mut SmallRng) -> (bool, OfferBookCommand) {
    let id = uuid::Uuid::from_u128(random.random()).to_string();
    let open = book.offers().find(|offer| offer.is_open());
    let held = book.grants().next();
    match (random.random_range(0..6_u32), open, held) {
        (0 | 1, Some(offer), _) => {
            let accept = Accept { offer: offer.id.clone(), persona: persona("pupil"), grant: GrantId(id) };
            (false, accept.into())
        }
        (2, Some(offer), _) => {
            (false, Decline { offer: offer.id.clone(), persona: persona("pupil"), reason: None }.into())
        }
        (0..=3, _, Some(grant)) => {
            let revoke = RevokeGrant {
                grant: grant.id.clone(),
                persona: grant.persona.clone(),
                revocable_roles: None,
                path: GrantPath::Admin,
                revoked_by: None,
                reason: None,
            };
            (false, revoke.into())
        }
        (4, _, _) => {
            let give = GrantDirectly {
                grant: GrantId(id),
                persona: persona("pupil"),
                role: "pupil".to_owned(),
                scope: Some(class()),
                path: GrantPath::System,
                expires_at: None,
            };
            (true, give.into())
        }
        _ => {
            let make = MakeOffer {
                offer: OfferId(id),
                grantor: persona("teacher"),
                grantor_account: AccountId("teacher".to_owned()),
                to_persona: None,
                role: "pupil".to_owned(),
                scope: Some(class()),
                message: None,
                expires_at: DateTime::<Utc>::MAX_UTC,
            };
            (true, make.into())
        }
    }
}

async fn act(nodes: Nodes, accounts: Rc<Vec<AccountId>>, mut random: SmallRng) {
    for _ in 0..STEPS_PER_ACTOR {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        let account = &accounts[random.random_range(0..accounts.len())];
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let Some(Ok(book)) = node.answered(node.bus.state::<OfferBook>(&account.0)).await else { continue };
        let (brings, command) = next_step(&book.state, &mut random);
        // Refused or without an answer: the record says what came of it.
        let _outcome = if brings {
            node.answered(bring(&node, account, command)).await
        } else {
            let origin = origin("settle");
            let done = node.bus.execute::<OfferBook>(&account.0, command, &origin);
            node.answered(async { done.await.map(drop) }).await
        };
    }
}

async fn have_leave(node: &Node) -> Outcome {
    let quiet = scopes::quiet(&node.bus, &class(), 0).await?;
    for accounts in quiet.chunks(LEAVING) {
        let origin = origin("leave");
        let left = node.bus.transact(&origin, async |tx| scopes::leave(tx, &class(), accounts).await);
        left.await.map(drop)?;
    }
    Ok(())
}

async fn sweep(nodes: Nodes, stop: Rc<Cell<bool>>, mut random: SmallRng) {
    while !stop.get() {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let _outcome = node.answered(have_leave(&node)).await;
    }
}

/// Destroys the class, on one node after the other until it is acknowledged.
async fn destroy(nodes: Nodes, mut random: SmallRng) {
    tokio::time::sleep(Duration::from_millis(random.random_range(20..200))).await;
    let (by, asking) = (persona("teacher"), AccountId("teacher".to_owned()));
    for _ in 0..200 {
        let node = Rc::clone(&nodes.borrow()[random.random_range(0..2)]);
        let ended = async {
            have_leave(&node).await?;
            let origin = origin("destroy");
            let ended = node.bus.transact(&origin, async |tx| {
                let own = tx.load::<OfferBook, OfferBookRefusal>(&asking.0).await?;
                scopes::end(tx, &class(), &by, (&asking, own), async |_| Ok(None)).await
            });
            ended.await.map(drop)
        };
        if let Some(Ok(())) = node.answered(ended).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(1..50))).await;
    }
    panic!("the scope cannot be destroyed");
}

fn run(seed: u64) -> Counts {
    paused(async move {
        let trouble_percent = if seed.is_multiple_of(4) { 0 } else { u32::try_from(seed % 40).unwrap_or(0) };
        let store = SharedStore::new(seed, trouble_percent);
        let mut random = SmallRng::seed_from_u64(seed ^ 0x5c09e);
        let nodes = Rc::new(RefCell::new([Rc::new(Node::start(&store).await), Rc::new(Node::start(&store).await)]));
        let accounts: Rc<Vec<AccountId>> =
            Rc::new((0..ACCOUNTS).map(|number| AccountId(format!("account-{number}"))).collect());
        let stop = Rc::new(Cell::new(false));
        let mut of_task = || SmallRng::from_seed(std::array::from_fn(|_| random.random()));
        let mut tasks: Vec<_> = (0..ACTORS)
            .map(|_| tokio::task::spawn_local(act(Rc::clone(&nodes), Rc::clone(&accounts), of_task())))
            .collect();
        tasks.push(tokio::task::spawn_local(destroy(Rc::clone(&nodes), of_task())));
        let sweeping = tokio::task::spawn_local(sweep(Rc::clone(&nodes), Rc::clone(&stop), of_task()));
        if random.random_bool(0.4) {
            tokio::time::sleep(Duration::from_millis(random.random_range(1..300))).await;
            let fresh = Rc::new(Node::start(&store).await);
            let crashed = std::mem::replace(&mut nodes.borrow_mut()[0], fresh);
            crashed.engine.crash();
        }
        for task in tasks {
            task.await.expect("nobody panics");
        }
        stop.set(true);
        sweeping.await.expect("it does not panic");
        nothing_stands_at_a_destroyed_scope(&store.events())
    })
}

fn read<D: Decider>(state: &mut D, event: &RecordedEvent) -> D::Event {
    let read: D::Event = serde_json::from_str(&event.payload).expect("an event of the stream");
    state.evolve(&read);
    read
}

fn nothing_stands_at_a_destroyed_scope(events: &[Arc<RecordedEvent>]) -> Counts {
    let (mut scope, mut books, mut counts) =
        (Scope::default(), HashMap::<AccountId, OfferBook>::new(), Counts::default());
    let mut gone = Vec::new();
    for event in events {
        if &*event.stream.kind == Scope::TYPE {
            match read(&mut scope, event) {
                ScopeEvent::Left(left) => gone.push(left.account),
                ScopeEvent::Joined(joined) => counts.returned += u64::from(gone.contains(&joined.account)),
                ScopeEvent::Destroyed(_) => counts.destroyed += 1,
            }
        } else if &*event.stream.kind == OfferBook::TYPE {
            let book = books.entry(AccountId(event.stream.id.to_string())).or_default();
            let happened = read(book, event);
            let brings = matches!(
                happened,
                OfferBookEvent::Made(_) | OfferBookEvent::Refreshed(_) | OfferBookEvent::GrantCreated(_)
            );
            assert!(
                !brings || scope.destroyed_at().is_none(),
                "at {} something comes to a destroyed scope",
                event.position
            );
            counts.ended += u64::from(scope.destroyed_at().is_some());
        }
        let now = event.recorded_at;
        for (account, _) in books.iter().filter(|(_, book)| book.has_anything_at(&class(), now)) {
            let is_known = scope.books().any(|known| known == account);
            assert!(is_known, "at {} the scope does not know the book of {account:?}", event.position);
        }
    }
    counts.left = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    assert_eq!(counts.destroyed, 1, "it was acknowledged");
    let end = events.last().map_or(DateTime::UNIX_EPOCH, |event| event.recorded_at);
    for (account, book) in &books {
        assert!(!book.has_anything_at(&class(), end), "{account:?} has something at a destroyed scope");
    }
    counts
}

#[test]
fn nothing_is_ever_open_or_held_at_a_destroyed_scope_whatever_leaves_and_returns() {
    let outcomes = seeds::each("scopes", SEEDS, run);
    let mut total = Counts::default();
    for counts in &outcomes {
        total.destroyed += counts.destroyed;
        total.left += counts.left;
        total.returned += counts.returned;
        total.ended += counts.ended;
    }
    println!("{} seeds: {total:?}", outcomes.len());
    if outcomes.len() > 100 {
        assert!(total.left > 0 && total.returned > 0 && total.ended > 0, "{total:?}");
    }
}
