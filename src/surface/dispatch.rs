//! Leads a request through its gates, in the order every method shares: credential, type, scope, limit; then the
//! method itself, which reads the body first.

use muniment_aggregates::ids::CompanyId;

use super::Surface;
use super::cookie_caller::Reviewer;
use super::errors::V1Error;
use super::limits::Window;
use super::methods::{Gate, LimitClass, Method, Name, Verb};
use super::principal::{Agent, CompanyCaller, Founder};
use super::request::{Reply, Request};

/// Who passed the gates.
pub enum Admitted {
    /// Nobody had to prove anything.
    Anybody,
    /// An agent.
    Agent(Agent),
    /// A founder.
    Founder(Founder),
    /// Somebody of a company.
    Company(CompanyCaller, CompanyId),
    /// A reviewer.
    Reviewer(Reviewer),
}

/// Whether the append of a method proves the token, so that it is let in as far as this node has seen: a question to the
/// database before every point would cost more than the point. The others ask first.
const fn is_proved_by_append(name: Name) -> bool {
    matches!(name, Name::PointRecord)
}

/// Whether such a method need not look at the token again: it recorded something, it looked itself and found it ended, or
/// nothing is said but that the server failed.
fn is_proved(outcome: &Result<Reply, V1Error>) -> bool {
    match outcome {
        Ok(reply) => reply.status == 201,
        Err(V1Error::Refused(refusal)) => refusal.status == 401 || refusal.status >= 500,
        Err(V1Error::Fault(_)) => true,
    }
}

impl Surface {
    /// Answers a request to a method of the table.
    ///
    /// # Errors
    /// Whatever gate or method refuses, or a fault.
    pub async fn call(&self, method: &'static Method, request: &mut Request) -> Result<Reply, V1Error> {
        let admitted = self.admit(method, request).await?;
        let outcome = self.lead(method, admitted, request).await;
        if is_proved_by_append(method.name) && !is_proved(&outcome) {
            self.agent(&request.presented).await?;
        }
        outcome
    }

    async fn lead(&self, method: &'static Method, admitted: Admitted, request: &mut Request) -> Result<Reply, V1Error> {
        self.count(method, &admitted).await?;
        if let Some(unreadable) = &request.unreadable {
            return Err(unreadable.refusal());
        }
        if let Some(after) = request.after()? {
            // Whoever asks a read model waits until that one is at the head; the others are not this request's business.
            self.runtime.journal.wait_for(after).await?;
        }
        let admitted = self.admit_again(method, admitted, request).await?;
        // What a reading method shows is at least as new as what this node had seen when it was let in.
        let as_of = (method.verb == Verb::Get).then(|| self.runtime.journal.head());
        let reply = self.answer(method, admitted, request).await?;
        if reply.position.is_some() {
            // As on `/api`: whoever reads the reply finds the sockets closed whose right it ended.
            self.closings.settle(&request.correlation).await;
        }
        Ok(Reply { position: reply.position.or(as_of), ..reply })
    }

    async fn answer(
        &self,
        method: &'static Method,
        admitted: Admitted,
        request: &mut Request,
    ) -> Result<Reply, V1Error> {
        match (method.name, admitted) {
            (Name::OtpStart, _) => self.otp_start(request).await,
            (Name::OtpVerify, _) => self.otp_verify(request).await,
            (Name::ApplicationSubmit, _) => self.submit_application(request).await,
            (Name::SessionShow, Admitted::Founder(founder)) => self.show_session(&founder).await,
            (Name::Logout, Admitted::Founder(founder)) => self.logout(request, &founder).await,
            (Name::ApplicationList, Admitted::Founder(founder)) => self.list_applications(&founder).await,
            (Name::ApplicationShow, Admitted::Founder(founder)) => self.show_application(request, &founder).await,
            (Name::ApplicationWithdraw, Admitted::Founder(founder)) => self.withdraw(request, &founder).await,
            (Name::TokenCreate, Admitted::Founder(founder)) => self.create_token(request, &founder).await,
            (Name::TokenList, Admitted::Founder(founder)) => self.list_tokens(request, &founder).await,
            (Name::TokenRevoke, Admitted::Founder(founder)) => self.revoke_token(request, &founder).await,
            (Name::TokenRotate, Admitted::Founder(founder)) => self.rotate_token(request, &founder).await,
            (Name::Status, Admitted::Agent(agent)) => self.status(&agent).await,
            (Name::MetricDefine, Admitted::Agent(agent)) => self.define_metric(request, &agent).await,
            (Name::MetricSettings, Admitted::Agent(agent)) => self.change_settings(request, &agent).await,
            (Name::PointRecord, Admitted::Agent(agent)) => self.record_point(request, &agent).await,
            (Name::PointBatch, Admitted::Agent(agent)) => self.record_batch(request, &agent).await,
            (Name::PointCorrect, Admitted::Agent(agent)) => self.correct_point(request, &agent).await,
            (Name::RuleSet, Admitted::Agent(agent)) => self.set_rule(request, &agent).await,
            (Name::MetricList, Admitted::Company(_, company)) => self.list_metrics(&company).await,
            (Name::MetricShow, Admitted::Company(_, company)) => self.show_metric(request, &company).await,
            (Name::PointList, Admitted::Company(_, company)) => self.list_points(request, &company).await,
            (Name::RuleList, Admitted::Company(_, company)) => self.list_rules(request, &company).await,
            (Name::AlertList, Admitted::Company(_, company)) => self.list_alerts(request, &company).await,
            (Name::AlertAcknowledge, Admitted::Company(caller, company)) => {
                self.acknowledge(request, &caller, &company).await
            }
            (Name::AlertResolve, Admitted::Company(caller, company)) => self.resolve(request, &caller, &company).await,
            (Name::ReviewList, Admitted::Reviewer(_)) => self.review_list(request).await,
            (Name::ReviewShow, Admitted::Reviewer(_)) => self.review_show(request).await,
            (Name::ReviewStatus, Admitted::Reviewer(reviewer)) => self.review_decide(request, &reviewer).await,
            // The table names the gate of each method, and the gate what it lets through.
            (name, _) => Err(V1Error::fault(format!("{name:?} has no gate"))),
        }
    }

    async fn admit(&self, method: &'static Method, request: &Request) -> Result<Admitted, V1Error> {
        match method.who {
            Gate::Public | Gate::OptionalSession => Ok(Admitted::Anybody),
            Gate::Agent(scope) => {
                let is_proved_later = is_proved_by_append(method.name);
                let agent = if is_proved_later {
                    self.agent_as_seen(&request.presented).await?
                } else {
                    self.agent(&request.presented).await?
                };
                if let Err(refusal) = Self::require_scope(&agent, scope) {
                    if is_proved_later {
                        self.agent(&request.presented).await?;
                    }
                    return Err(refusal);
                }
                Ok(Admitted::Agent(agent))
            }
            Gate::AgentOrFounder(scope) => {
                let (caller, company) = if Self::is_by_cookie(&request.presented) {
                    let found = self.company_caller_by_cookie(request).await?;
                    if method.verb == Verb::Post {
                        Self::require_json(&request.presented)?;
                    }
                    found
                } else {
                    self.company_caller(request, scope).await?
                };
                Ok(Admitted::Company(caller, company))
            }
            Gate::Founder if Self::is_by_cookie(&request.presented) => {
                let founder = self.founder_by_cookie(&request.presented).await?;
                if method.verb == Verb::Post {
                    Self::require_json(&request.presented)?;
                }
                Ok(Admitted::Founder(founder))
            }
            Gate::Founder => Ok(Admitted::Founder(self.founder_not_agent(&request.presented).await?)),
            Gate::SessionItself => Ok(Admitted::Founder(self.founder(&request.presented).await?)),
            Gate::Reviewer => Ok(Admitted::Reviewer(self.admit_reviewer(method, request).await?)),
        }
    }

    /// Lets in once more whoever was let in before his body was there: while it was on its way his credential may have ended.
    /// What an append proves needs no second look.
    async fn admit_again(
        &self,
        method: &'static Method,
        admitted: Admitted,
        request: &mut Request,
    ) -> Result<Admitted, V1Error> {
        let is_settled = matches!(admitted, Admitted::Anybody) || is_proved_by_append(method.name);
        if is_settled || method.body.is_empty() || !request.receive_body().await {
            return Ok(admitted);
        }
        self.admit(method, request).await
    }

    async fn count(&self, method: &Method, admitted: &Admitted) -> Result<(), V1Error> {
        let (window, limit) = match method.limit {
            LimitClass::None => return Ok(()),
            LimitClass::Writes => (Window::MetricWrites, self.limits.metric_writes),
            LimitClass::Reads => (Window::Reads, self.limits.reads),
        };
        let key = match admitted {
            Admitted::Anybody => return Ok(()),
            Admitted::Agent(agent) => &agent.id.0,
            Admitted::Founder(founder) => &founder.id.0,
            Admitted::Company(caller, _) => caller.limit_key(),
            Admitted::Reviewer(reviewer) => &reviewer.session.0,
        };
        let passes = self.windows.hit(window, key, limit).await;
        passes
            .map_err(|limited| V1Error::limited(limited, "rate_limited", "Too many requests of this credential; wait."))
    }
}
