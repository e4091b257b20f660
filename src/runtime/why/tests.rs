//! Proofs over real journals: what is said agrees with the books at every position, and no event of a proof can go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::account::{Account, AddPersona, SignUp, Via};
use muniment_aggregates::ids::{AccountId, GrantId, InviteId, OfferId, PersonaId};
use muniment_aggregates::invite::{self, Invite};
use muniment_aggregates::offer_book::{
    Accept, Decline, GrantDirectly, GrantPath, GrantScope, MakeOffer, OfferBook, OfferBookCommand, RevokeGrant,
};
use muniment_aggregates::record::{Position, StreamId, Who};
use muniment_aggregates::roster::{Found, ROSTER_ID, Roster};
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_aggregates::settings::{SETTINGS_ID, SetOpenSignup, Settings};
use muniment_journal::{Append, NewEvent};
use proptest::prelude::*;
use uuid::Uuid;

use super::check::{Claim, Ends, follows};
use super::records::{Evidence, Records};
use super::{OfferRules, Question, Verdict, why};
use crate::runtime::{CommandBus, Origin, fresh};

const ADMINS: OfferRules = OfferRules { admin_may_offer: true, scoped: Vec::new(), any_in_scope: false };

/// Somebody with one persona.
#[derive(Clone)]
struct Person {
    name: &'static str,
    account: AccountId,
    persona: PersonaId,
}

struct World {
    bus: CommandBus,
    _folder: tempfile::TempDir,
}

fn fresh() -> String {
    Uuid::new_v4().to_string()
}

fn by(person: Option<&Person>) -> Origin {
    let who = person.map_or(Who::Operator, |person| Who::Account {
        account: person.account.0.clone(),
        persona: None,
        credential: "session".to_owned(),
        credential_id: "s".to_owned(),
    });
    Origin { who, ..Origin::system("test", "test", None) }
}

impl World {
    async fn new() -> Self {
        let (bus, _folder) = fresh::bus().await;
        Self { bus, _folder }
    }

    async fn sign_up(&self, name: &'static str, via: Via, invite: Option<InviteId>) -> Person {
        let person = Person { name, account: AccountId(fresh()), persona: PersonaId(fresh()) };
        let sign_up = SignUp {
            username: name.to_owned(),
            email: None,
            subject: SubjectId(fresh()),
            persona: person.persona.clone(),
            password: Sealed::from_text("v1|s|c|x"),
            via,
            invite,
        };
        self.bus.execute::<Account>(&person.account.0, sign_up.into(), &by(None)).await.expect("signed up");
        person
    }

    async fn bootstrap(&self) -> Person {
        let keeper = Person { name: "keeper", account: AccountId(fresh()), persona: PersonaId(fresh()) };
        let found = Found { account: keeper.account.clone(), persona: keeper.persona.clone() };
        self.bus.execute::<Roster>(ROSTER_ID, found.into(), &by(None)).await.expect("founded");
        let sign_up = SignUp {
            username: keeper.name.to_owned(),
            email: None,
            subject: SubjectId(fresh()),
            persona: keeper.persona.clone(),
            password: Sealed::from_text("v1|s|c|x"),
            via: Via::Bootstrap,
            invite: None,
        };
        self.bus.execute::<Account>(&keeper.account.0, sign_up.into(), &by(None)).await.expect("signed up");
        self.give(&keeper, "admin", None, GrantPath::Bootstrap).await;
        keeper
    }

    async fn invited(&self, name: &'static str, by_whom: &Person) -> Person {
        let id = fresh();
        let create =
            invite::Create { email: None, username: Some(name.to_owned()), created_by: by_whom.persona.clone() };
        self.bus.execute::<Invite>(&id, create.into(), &by(Some(by_whom))).await.expect("invited");
        self.sign_up(name, Via::Invite, Some(InviteId(id))).await
    }

    async fn book(&self, of: &Person, command: OfferBookCommand) -> bool {
        let done = self.bus.execute::<OfferBook>(&of.account.0, command, &by(Some(of))).await;
        done.is_ok_and(|done| done.position.is_some())
    }

    async fn give(&self, to: &Person, role: &str, scope: Option<GrantScope>, path: GrantPath) -> GrantId {
        let grant = GrantId(fresh());
        let give = GrantDirectly {
            grant: grant.clone(),
            persona: to.persona.clone(),
            role: role.to_owned(),
            scope,
            path,
            expires_at: None,
        };
        self.book(to, give.into()).await;
        grant
    }

    async fn offer_until(
        &self,
        from: &Person,
        to: &Person,
        role: &str,
        scope: Option<GrantScope>,
        until: DateTime<Utc>,
    ) {
        let offer = MakeOffer {
            offer: OfferId(fresh()),
            grantor: from.persona.clone(),
            grantor_account: from.account.clone(),
            to_persona: None,
            role: role.to_owned(),
            scope,
            message: None,
            expires_at: until,
        };
        assert!(self.book(to, offer.into()).await);
    }

    async fn offer(&self, from: &Person, to: &Person, role: &str) {
        self.offer_until(from, to, role, None, Utc::now() + TimeDelta::days(1)).await;
    }

    async fn state(&self, of: &Person) -> Arc<OfferBook> {
        self.bus.state::<OfferBook>(&of.account.0).await.expect("a book").state
    }

    /// Accepts the oldest open offer of a role.
    async fn accept(&self, by: &Person, role: &str) -> bool {
        let state = self.state(by).await;
        let mut open: Vec<_> = state.offers().filter(|offer| offer.is_open() && offer.role == role).collect();
        open.sort_by_key(|offer| offer.created_at);
        let Some(offer) = open.first() else { return false };
        let accept = Accept { offer: offer.id.clone(), persona: by.persona.clone(), grant: GrantId(fresh()) };
        self.book(by, accept.into()).await
    }

    async fn revoke(&self, of: &Person, role: &str, revoker: &Person) {
        let state = self.state(of).await;
        let Some(grant) = state.active_grant(&of.persona, role, None, Utc::now()) else { return };
        let revoke = RevokeGrant {
            grant: grant.id.clone(),
            persona: of.persona.clone(),
            revocable_roles: None,
            path: GrantPath::Admin,
            revoked_by: Some(revoker.persona.clone()),
            reason: None,
        };
        let done = self.bus.execute::<OfferBook>(&of.account.0, revoke.into(), &by(Some(revoker))).await;
        done.expect("revoked");
    }

    /// Events of other streams, as a record has many.
    async fn fill(&self, count: u64) {
        const BATCH: u64 = 2_000;
        let metadata = by(None).to_metadata();
        for batch in 0..count / BATCH {
            let stream = StreamId::new("metric", &format!("metric-{}", batch % 100));
            let event = |_| NewEvent {
                stream: stream.clone(),
                event_type: "metric.point_recorded",
                event_version: "1.0",
                payload: format!("{{\"filler\":\"{}\"}}", "x".repeat(200)).into_boxed_str(),
                dedupe: None,
            };
            let append = Append {
                events: (0..BATCH).map(event).collect(),
                expect: vec![(stream.clone(), batch / 100 * BATCH)],
                metadata: Arc::clone(&metadata),
                ..Append::default()
            };
            self.bus.journal().append(append).await.expect("filled");
        }
    }

    fn head(&self) -> Position {
        self.bus.journal().head()
    }

    async fn ask(&self, who: &str, role: &str, scope: Option<GrantScope>, at: Position) -> Verdict {
        let question = Question { account: who.to_owned(), role: role.to_owned(), scope, at, instant: Utc::now() };
        why(self.bus.journal(), &ADMINS, &question).await.expect("answered")
    }

    /// Whether a role follows from the proof, and from the proof without each of its events.
    async fn replayed(&self, people: &[Person], who: &Person, role: &str, verdict: &Verdict) -> (bool, Vec<bool>) {
        let mut records = Records::new(self.bus.journal());
        let mut ends = Ends::new();
        for person in people {
            for span in records.grants(&person.account).await.expect("grants") {
                if let Some(end) = &span.revoked {
                    ends.insert(span.created.grant.clone(), end.position());
                }
            }
        }
        let events: Vec<Evidence> =
            verdict.proof.iter().map(|step| Evidence::read(Arc::clone(&step.event)).expect("readable")).collect();
        let claim = Claim { account: &who.account, role, scope: None, at: self.head(), instant: Utc::now() };
        let without = |left_out: usize| {
            let rest = events.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, event)| event);
            follows(rest, &ends, &ADMINS, &claim)
        };
        (follows(&events, &ends, &ADMINS, &claim), (0..events.len()).map(without).collect())
    }
}

fn types(verdict: &Verdict) -> Vec<&str> {
    verdict.proof.iter().map(|step| &*step.event.event_type).collect()
}

#[actix_web::test]
async fn a_chain_leads_from_the_bootstrap_to_the_grant() {
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let ana = world.invited("ana", &keeper).await;
    world.offer(&keeper, &ana, "admin").await;
    assert!(world.accept(&ana, "admin").await);
    let bob = world.invited("bob", &ana).await;
    let before = world.head();
    world.offer(&ana, &bob, "teacher").await;
    assert!(world.accept(&bob, "teacher").await);
    let verdict = world.ask("bob", "teacher", None, world.head()).await;
    assert!(verdict.holds, "{}", verdict.sentence);
    let chain = [
        "roster.founded",
        "account.registered",
        "grant.created",
        "invite.created",
        "account.registered",
        "offer.made",
        "offer.accepted",
        "grant.created",
        "invite.created",
        "account.registered",
        "offer.made",
        "offer.accepted",
        "grant.created",
    ];
    assert_eq!(types(&verdict), chain);
    let (whole, without) = world.replayed(&[keeper, ana, bob.clone()], &bob, "teacher", &verdict).await;
    assert!(whole && without.iter().all(|follows| !follows), "{without:?}");
    assert!(verdict.sentence.contains("ana offered it at position"), "{}", verdict.sentence);
    assert_eq!(verdict.proof.last().expect("a grant").says, "bob came to hold teacher by that offer");
    let earlier = world.ask("bob", "teacher", None, before).await;
    assert!(!earlier.holds && earlier.sentence.contains("never offered"), "{}", earlier.sentence);
}

#[actix_web::test]
async fn what_is_not_held_is_explained_by_what_happened_last() {
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let ana = world.invited("ana", &keeper).await;
    let said = async |role: &str| world.ask("ana", role, None, world.head()).await;
    assert_eq!(said("teacher").await.sentence, "ana does not hold teacher: it was never offered or given.");
    world.offer(&keeper, &ana, "teacher").await;
    assert!(said("teacher").await.sentence.contains("nobody has answered"));
    let offer = world.state(&ana).await.offers().next().expect("an offer").id.clone();
    world.book(&ana, Decline { offer, persona: ana.persona.clone(), reason: None }.into()).await;
    let declined = said("teacher").await;
    assert!(declined.sentence.contains("it was declined at position"), "{}", declined.sentence);
    assert_eq!(types(&declined), ["offer.made", "offer.declined"]);
    world.offer(&keeper, &ana, "teacher").await;
    world.accept(&ana, "teacher").await;
    world.revoke(&ana, "teacher", &keeper).await;
    let revoked = said("teacher").await;
    assert!(revoked.sentence.contains("until keeper revoked it at position"), "{}", revoked.sentence);
    assert_eq!(types(&revoked), ["grant.created", "grant.revoked"]);
    world.offer_until(&keeper, &ana, "student", None, Utc::now() - TimeDelta::seconds(1)).await;
    assert!(said("student").await.sentence.contains("before it lapsed at"));
    assert_eq!(world.ask("nobody", "admin", None, world.head()).await.sentence, "There is no account nobody.");
    let early = world.ask("ana", "teacher", None, Position(2)).await;
    assert!(early.sentence.contains("was no account yet"), "{}", early.sentence);
}

#[actix_web::test]
async fn an_offer_that_was_made_again_rests_on_the_right_of_that_time() {
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let ana = world.sign_up("ana", Via::Operator, None).await;
    let bob = world.sign_up("bob", Via::Operator, None).await;
    world.give(&ana, "teacher", None, GrantPath::System).await;
    world.offer_until(&ana, &bob, "teacher", None, Utc::now() - TimeDelta::seconds(1)).await;
    world.revoke(&ana, "teacher", &keeper).await;
    let again = world.give(&ana, "teacher", None, GrantPath::System).await;
    world.offer(&ana, &bob, "teacher").await;
    assert!(world.accept(&bob, "teacher").await);
    let verdict = world.ask("bob", "teacher", None, world.head()).await;
    assert!(types(&verdict).contains(&"offer.refreshed"), "{:?}", types(&verdict));
    assert!(verdict.proof.iter().any(|step| step.event.payload.contains(&again.0)));
    let (whole, without) = world.replayed(&[keeper, ana, bob.clone()], &bob, "teacher", &verdict).await;
    assert!(whole && without.iter().all(|follows| !follows), "{without:?}");
}

#[actix_web::test]
async fn a_scoped_role_and_a_second_persona_have_their_own_chain() {
    let world = World::new().await;
    world.bootstrap().await;
    let ana = world.sign_up("ana", Via::Operator, None).await;
    let second = PersonaId(fresh());
    let add = AddPersona { persona: second.clone(), name: "ana-at-work".to_owned() };
    world.bus.execute::<Account>(&ana.account.0, add.into(), &by(Some(&ana))).await.expect("added");
    let class = GrantScope { kind: "class".to_owned(), id: fresh() };
    let as_second = Person { persona: second, ..ana.clone() };
    world.give(&as_second, "teacher", Some(class.clone()), GrantPath::System).await;
    let verdict = world.ask("ana", "teacher", Some(class), world.head()).await;
    assert_eq!(types(&verdict), ["account.registered", "account.persona_added", "grant.created"]);
    assert!(verdict.sentence.starts_with("ana-at-work holds teacher in class:"), "{}", verdict.sentence);
    let everywhere = world.ask("ana", "teacher", None, world.head()).await;
    assert!(!everywhere.holds && everywhere.sentence.contains("but is held in class:"), "{}", everywhere.sentence);
}

#[actix_web::test]
async fn open_sign_up_and_rules_of_scopes_are_links_of_a_chain() {
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let open = SetOpenSignup { open: true, by: Some(keeper.persona.clone()) };
    world.bus.execute::<Settings>(SETTINGS_ID, open.into(), &by(Some(&keeper))).await.expect("opened");
    let ana = world.sign_up("ana", Via::OpenSignup, None).await;
    let bob = world.sign_up("bob", Via::Operator, None).await;
    let class = GrantScope { kind: "class".to_owned(), id: fresh() };
    world.give(&ana, "teacher", Some(class.clone()), GrantPath::System).await;
    world.offer_until(&ana, &bob, "student", Some(class.clone()), Utc::now() + TimeDelta::days(1)).await;
    assert!(world.accept(&bob, "student").await);
    let verdict = world.ask("bob", "student", Some(class), world.head()).await;
    // The rule that lets teachers offer is no longer set, and the offer is explained all the same.
    let chain = [
        "roster.founded",
        "account.registered",
        "grant.created",
        "settings.open_signup_set",
        "account.registered",
        "account.registered",
        "grant.created",
        "offer.made",
        "offer.accepted",
        "grant.created",
    ];
    assert_eq!(types(&verdict), chain, "{}", verdict.sentence);
    assert_eq!(verdict.proof[3].says, "keeper opened sign-up for everybody");
}

/// `role why` and the streams it reads do not grow with the record (`MUNIMENT_TORTURE=full`: a million events).
#[actix_web::test]
async fn torture_role_why_does_not_grow_with_the_record() {
    let is_full = std::env::var("MUNIMENT_TORTURE").is_ok_and(|value| value == "full");
    let filler: u64 = if is_full { 1_000_000 } else { 20_000 };
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let ana = world.invited("ana", &keeper).await;
    world.offer(&keeper, &ana, "admin").await;
    assert!(world.accept(&ana, "admin").await);
    let early = world.head();
    world.fill(filler).await;
    let bob = world.invited("bob", &ana).await;
    world.offer(&ana, &bob, "teacher").await;
    assert!(world.accept(&bob, "teacher").await);
    let mut times = Vec::new();
    for at in [early, world.head()].into_iter().cycle().take(200) {
        let begun = Instant::now();
        let verdict = world.ask(if at == early { "ana" } else { "bob" }, "admin", None, at).await;
        assert_eq!(verdict.holds, at == early, "{}", verdict.sentence);
        assert!(world.ask("bob", "teacher", None, world.head()).await.holds);
        times.push(begun.elapsed());
    }
    times.sort();
    let p95 = times[190];
    println!("{filler} events: two questions in {:?} at the median, {p95:?} at p95", times[100]);
    assert!(!is_full || p95 < Duration::from_millis(150), "{p95:?}");
}

/// One step of a random history: who, towards whom, what.
type Step = (u8, usize, usize, bool);

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_proof_of_a_random_history_is_right_and_least(
        steps in proptest::collection::vec((0_u8..4, 0_usize..4, 0_usize..4, any::<bool>()), 4..40)
    ) {
        actix::System::new().block_on(random_history(steps));
    }
}

async fn random_history(steps: Vec<Step>) {
    let world = World::new().await;
    let keeper = world.bootstrap().await;
    let mut people = vec![keeper.clone()];
    for name in ["ana", "bob", "cleo"] {
        people.push(world.invited(name, &keeper).await);
    }
    for (what, from, to, is_admin) in steps {
        let (from, to, role) = (&people[from], &people[to], if is_admin { "admin" } else { "teacher" });
        let now = Utc::now();
        let state = world.state(from).await;
        let holds = |role: &str| state.active_grant(&from.persona, role, None, now).is_some();
        match what {
            0 | 1 if from.account != to.account && (holds(role) || holds("admin")) => world.offer(from, to, role).await,
            2 => drop(world.accept(to, role).await),
            // The keeper stays: somebody has to be able to go on.
            3 if to.account != keeper.account && holds("admin") => world.revoke(to, role, from).await,
            _ => {}
        }
    }
    for person in &people {
        for role in ["admin", "teacher"] {
            let held = world.state(person).await.active_grant(&person.persona, role, None, Utc::now()).is_some();
            let verdict = world.ask(person.name, role, None, world.head()).await;
            assert_eq!(verdict.holds, held, "{}", verdict.sentence);
            if held {
                let (whole, without) = world.replayed(&people, person, role, &verdict).await;
                assert!(whole, "{} does not follow from {:?}", verdict.sentence, types(&verdict));
                assert!(without.iter().all(|follows| !follows), "{}: {without:?}", verdict.sentence);
            }
        }
    }
}
