//! Over random histories, decided by the aggregates themselves: a model folded live in batches of any size equals a
//! fresh replay row for row, and says of a metric what the aggregate says.

use chrono::TimeDelta;
use muniment_aggregates::account::{Account, AccountCommand, Erase};
use muniment_aggregates::application::{
    Application, ApplicationCommand, ApplicationStatus, ChangeStatus, IssueToken, RevokeToken, RotateToken, Submit,
};
use muniment_aggregates::challenge::{Challenge, ChallengeCommand, Guess, Issue, Limits, Purpose};
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, OtpId, PointId};
use muniment_aggregates::metric::{
    AcknowledgeAlert, ChangeSettings, CheckLate, CoolDown, CorrectPoint, Define, Metric, MetricCommand, MetricEvent,
    NewPoint, RaiseDue, RecordPoints, RuleChange, RuleType, SetRule,
};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{Revoke, Session, SessionCommand};
use muniment_projections::metrics;
use muniment_projections::verify::verify;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::company::{submit, token};
use crate::harness::{Desk, on_both_engines};
use crate::history::{History, account, agent, beginning, bytes, sealed};
use crate::people::{register, session_id, sign_in};

const METRICS: usize = 3;

/// Something that somebody tries; whether it is allowed is the aggregate's to say.
#[derive(Debug, Clone)]
enum Step {
    Points { metric: usize, days: Vec<i8>, value: i16 },
    Correct { metric: usize, nth: usize, value: i16 },
    Settings { metric: usize, cadence: u8 },
    Rule { metric: usize, rule: usize, threshold: u8, cool_down: u8, enabled: bool },
    Raise { metric: usize },
    Late { metric: usize },
    Acknowledge { metric: usize },
    Status { status: usize },
    Token { number: u8, revoke: bool },
    Rotate { number: u8 },
    SignIn { number: u8 },
    Logout { number: u8 },
    Code,
    Guess { right: bool },
    Erase,
    Pass { seconds: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let metric = 0..METRICS;
    prop_oneof![
        6 => (metric.clone(), vec(-5..20_i8, 1..6), any::<i16>())
            .prop_map(|(metric, days, value)| Step::Points { metric, days, value }),
        2 => (metric.clone(), 0..20_usize, any::<i16>())
            .prop_map(|(metric, nth, value)| Step::Correct { metric, nth, value }),
        1 => (metric.clone(), any::<u8>()).prop_map(|(metric, cadence)| Step::Settings { metric, cadence }),
        2 => (metric.clone(), 0..RuleType::ALL.len(), 1..100_u8, 0..5_u8, any::<bool>()).prop_map(
            |(metric, rule, threshold, cool_down, enabled)| Step::Rule { metric, rule, threshold, cool_down, enabled }
        ),
        3 => metric.clone().prop_map(|metric| Step::Raise { metric }),
        1 => metric.clone().prop_map(|metric| Step::Late { metric }),
        1 => metric.prop_map(|metric| Step::Acknowledge { metric }),
        1 => (0..ApplicationStatus::ALL.len()).prop_map(|status| Step::Status { status }),
        1 => (2..9_u8, any::<bool>()).prop_map(|(number, revoke)| Step::Token { number, revoke }),
        1 => (2..9_u8).prop_map(|number| Step::Rotate { number }),
        2 => (1..6_u8).prop_map(|number| Step::SignIn { number }),
        1 => (1..6_u8).prop_map(|number| Step::Logout { number }),
        1 => Just(Step::Code),
        3 => any::<bool>().prop_map(|right| Step::Guess { right }),
        1 => Just(Step::Erase),
        3 => (1..4_000_000_u32).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// Everybody's state, beside the history of it.
struct World {
    history: History,
    metrics: Vec<(MetricId, Metric)>,
    points: Vec<(usize, PointId)>,
    application: Application,
    account: Account,
    sessions: Vec<(u8, Session)>,
    challenge: Challenge,
}

const LIMITS: Limits = Limits { starts: None, guesses_per_code: None, guesses: None };

impl World {
    fn new() -> Self {
        let mut world = Self {
            history: History::new(),
            metrics: Vec::new(),
            points: Vec::new(),
            application: Application::default(),
            account: Account::default(),
            sessions: Vec::new(),
            challenge: Challenge::default(),
        };
        let company = CompanyId::from_random(bytes(1));
        world.apply(ApplicationCommand::Submit(Submit { company: company.clone(), ..submit(1, "Acme", "subject-1") }));
        for number in 0..METRICS {
            let id = MetricId::from_random(bytes(number as u64 + 50));
            let mut state = Metric::default();
            let define = Define {
                company: company.clone(),
                application: ApplicationId::from_random(bytes(1)),
                key: format!("metric_{number}"),
                display_name: format!("Metric {number}"),
                unit: "count".to_owned(),
                cadence: "weekly".to_owned(),
                direction: "up".to_owned(),
                source_type: "self_reported".to_owned(),
            };
            world.history.decide(id.as_str(), &mut state, &MetricCommand::Define(define));
            world.metrics.push((id, state));
        }
        world.account = register(&mut world.history, "account-1", "subject-1");
        world
    }

    fn apply(&mut self, command: ApplicationCommand) {
        let id = ApplicationId::from_random(bytes(1));
        self.history.decide(id.as_str(), &mut self.application, &command);
    }

    fn metric(&mut self, metric: usize, command: &MetricCommand) {
        let (id, state) = &mut self.metrics[metric];
        self.history.decide(id.as_str(), state, command);
    }

    fn record_points(&mut self, metric: usize, days: &[i8], value: i16) {
        let points = days.iter().enumerate().map(|(nth, day)| {
            let id = PointId::from_random(bytes(1_000_000 + self.history.head().0 * 100 + nth as u64));
            self.points.push((metric, id.clone()));
            let instant = beginning() + TimeDelta::days(i64::from(*day));
            NewPoint {
                idempotency_key: id.to_string(),
                id,
                value: f64::from(value) / 8.0 + f64::from(*day),
                timestamp: instant.to_rfc3339(),
                instant,
                source: "robot".to_owned(),
                confidence: 0.5,
                raw_event_id: None,
            }
        });
        let points = points.collect();
        self.metric(metric, &MetricCommand::RecordPoints(RecordPoints { points }));
    }

    fn take(&mut self, step: &Step) {
        self.history.as_who(agent("robot"));
        match step {
            Step::Points { metric, days, value } => self.record_points(*metric, days, *value),
            Step::Correct { metric, nth, value } => {
                let own: Vec<_> = self.points.iter().filter(|(of, _)| of == metric).cloned().collect();
                if let Some((_, point)) = own.get(nth % own.len().max(1)) {
                    let (value, at) = (f64::from(*value), self.history.now);
                    let correct = CorrectPoint { point: point.clone(), value, reason: None, at };
                    self.metric(*metric, &MetricCommand::CorrectPoint(correct));
                }
            }
            Step::Settings { metric, cadence } => {
                let cadence = ["daily", "weekly", "monthly", "whenever"][usize::from(*cadence) % 4].to_owned();
                let change = ChangeSettings { cadence: Some(cadence), ..ChangeSettings::default() };
                self.metric(*metric, &MetricCommand::ChangeSettings(change));
            }
            Step::Rule { metric, rule, threshold, cool_down, enabled } => {
                let (threshold, enabled) = (Some(f64::from(*threshold) / 10.0), Some(*enabled));
                let cool_down = Some(match cool_down {
                    0 => CoolDown::None,
                    3.. => CoolDown::Seconds(86_400 * u32::from(*cool_down)),
                    points => CoolDown::Points(u32::from(*points)),
                });
                let rule = RuleChange { threshold, enabled, cool_down, ..RuleChange::of(RuleType::ALL[*rule]) };
                self.metric(*metric, &MetricCommand::SetRule(SetRule { rule, by: Some("robot".to_owned()) }));
            }
            Step::Raise { metric } => {
                while let Some(due) = self.metrics[*metric].1.due().front() {
                    let point = due.point.clone();
                    self.metric(*metric, &MetricCommand::RaiseDue(RaiseDue { point }));
                }
            }
            Step::Late { metric } => self.metric(*metric, &MetricCommand::CheckLate(CheckLate {})),
            Step::Acknowledge { metric } => {
                let id = self.metrics[*metric].0.to_string();
                let raised = self.history.events.iter().rev().find_map(|event| {
                    let of_metric = *event.stream.id == *id && &*event.event_type == "metric.alert_raised";
                    match of_metric.then(|| serde_json::from_str(&event.payload).unwrap())? {
                        MetricEvent::AlertRaised(raised) => Some(raised.finding.alert),
                        other => panic!("{other:?} under the name of a raised alert"),
                    }
                });
                if let Some(alert) = raised {
                    let acknowledge = AcknowledgeAlert { alert, by: "robot".to_owned(), note: None };
                    self.metric(*metric, &MetricCommand::AcknowledgeAlert(acknowledge));
                }
            }
            Step::Status { .. } | Step::Token { .. } | Step::Rotate { .. } => self.take_company(step),
            Step::SignIn { .. } | Step::Logout { .. } | Step::Code | Step::Guess { .. } | Step::Erase => {
                self.take_person(step);
            }
            Step::Pass { seconds } => self.history.pass(i64::from(*seconds)),
        }
    }

    fn take_company(&mut self, step: &Step) {
        self.history.as_who(account("account-1"));
        let by = "account-1".to_owned();
        match step {
            Step::Status { status } => self.apply(ApplicationCommand::ChangeStatus(ChangeStatus {
                status: ApplicationStatus::ALL[*status],
                reason: Some("because".to_owned()),
                by,
            })),
            Step::Token { number, revoke: false } => self.apply(ApplicationCommand::IssueToken(IssueToken {
                token: token(u64::from(*number), &format!("robot-{number}")),
            })),
            Step::Token { number, revoke: true } => self.apply(ApplicationCommand::RevokeToken(RevokeToken {
                token: token(u64::from(*number), "").id,
                reason: None,
                by,
            })),
            Step::Rotate { number } => self.apply(ApplicationCommand::RotateToken(RotateToken {
                token: token(u64::from(*number), "").id,
                replacement: token(1_000 + self.history.head().0, "").id,
                secret_hash: "cd".repeat(32),
                grace_seconds: 60,
                by,
            })),
            other => unreachable!("{other:?} is no step of a company"),
        }
    }

    fn take_person(&mut self, step: &Step) {
        self.history.as_who(account("account-1"));
        match step {
            Step::SignIn { number } => {
                let started = self.sessions.iter().any(|(of, _)| of == number);
                if !started && self.account.erased_at().is_none() {
                    let session = sign_in(&mut self.history, "account-1", &mut self.account, *number);
                    self.sessions.push((*number, session));
                }
            }
            Step::Logout { number } => {
                if let Some((_, session)) = self.sessions.iter_mut().find(|(of, _)| of == number) {
                    let revoke = SessionCommand::Revoke(Revoke { reason: "logout".to_owned() });
                    self.history.decide(&session_id(*number).0, session, &revoke);
                }
            }
            Step::Code => {
                let issue = Issue {
                    otp: OtpId::from_random(bytes(self.history.head().0)),
                    purpose: Purpose::SignIn,
                    subject: SubjectId("subject-1".to_owned()),
                    email: sealed("subject-1", "email"),
                    digest: "aa".repeat(32),
                    expires_at: self.history.now + TimeDelta::minutes(10),
                    sent: true,
                    limits: LIMITS,
                };
                let issue = ChallengeCommand::Issue(issue);
                self.history.decide("sign_in-subject-1", &mut self.challenge, &issue);
            }
            Step::Guess { right } => {
                let digest = if *right { "aa" } else { "bb" }.repeat(32);
                let guess = ChallengeCommand::Guess(Guess { digest, limits: LIMITS });
                self.history.decide("sign_in-subject-1", &mut self.challenge, &guess);
            }
            Step::Erase => {
                let erase = AccountCommand::Erase(Erase { reason: "asked".to_owned() });
                self.history.decide("account-1", &mut self.account, &erase);
            }
            other => unreachable!("{other:?} is no step of a person"),
        }
    }
}

/// Folds a random history into what the store has already, and compares.
async fn live_equals_rebuilt(desk: &Desk, steps: &[Step], batch: usize) {
    let mut world = World::new();
    for step in steps {
        world.take(step);
    }
    let history = &world.history;
    desk.fold(history, batch).await;
    for model in desk.store.projections() {
        let verified = verify(&desk.store, model.name(), |after, limit| history.read(after, limit), &|_| {}).await;
        assert_eq!(verified.unwrap().differences, [], "{}", model.name());
    }
    let company = CompanyId::from_random(bytes(1));
    let rows = metrics::of_company(&desk.store, &company, None, METRICS).await.unwrap();
    for (id, state) in &world.metrics {
        let row = rows.iter().find(|row| row.id == *id).unwrap();
        let latest = state.latest();
        let shown = row.latest.as_ref().map(|latest| (&latest.point, latest.value));
        assert_eq!(shown, latest.map(|point| (&point.point, point.value)));
        assert_eq!(row.late_due_at, state.late_due_at());
    }
}

/// Histories a run, each on both engines.
const CASES: u32 = 12;

#[test]
fn a_rebuilt_model_equals_the_live_one_over_random_histories() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: CASES, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let strategy = (vec(step(), 1..60), 1..40_usize);
    let proved = TestRunner::new(config).run(&strategy, |(steps, batch)| {
        runtime.block_on(on_both_engines(async |desk| live_equals_rebuilt(desk, &steps, batch).await));
        Ok(())
    });
    proved.unwrap_or_else(|error| panic!("{error}"));
}
