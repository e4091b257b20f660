//! The review of applications (spec/metrics.md section 10). A reviewer is an account whose acting persona holds a
//! reviewer's role everywhere and who comes by cookie.

use muniment_aggregates::application::{Application, ApplicationCommand, ApplicationStatus, ChangeStatus};
use muniment_aggregates::ids::{ApplicationId, PersonaId};
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::SealContext;
use muniment_projections::applications::{self, ReviewFilter, ReviewRow};
use serde_json::{Value, json};

use super::Surface;
use super::cookie_caller::Reviewer;
use super::cursor;
use super::errors::{V1Error, V1Refusal, answered};
use super::input::Fields;
use super::methods::{Method, Verb};
use super::request::{Reply, Request};
use super::status::STATUS_MODELS;
use super::text::{self, REASON_CHARACTERS_MAX};
use crate::runtime::BusError;

/// Applications of a page where no number is asked for.
const PAGE: usize = 25;
/// Applications of a page at most.
const PAGE_MAX: usize = 100;
/// What the cursor pages through.
const LISTING: &str = "review/applications";

impl Surface {
    /// The gate of reviewing: 401, 403 by type, 403 by role, then what a cookie's POST must be.
    pub(super) async fn admit_reviewer(&self, method: &Method, request: &Request) -> Result<Reviewer, V1Error> {
        let wrong_type = || V1Error::refuse(403, "credential_type_required", "Reviewing needs a cookie session.");
        if !request.presented.authorization.is_empty() {
            return Err(match self.founder_not_agent(&request.presented).await {
                Ok(_) => wrong_type(),
                Err(V1Error::Refused(refusal)) if refusal.status == 403 => wrong_type(),
                Err(error) => error,
            });
        }
        if request.presented.cookies.is_empty() {
            return Err(V1Error::refuse(401, "missing_token", "Reviewing needs a signed-in reviewer."));
        }
        let reviewer = self.reviewer_by_cookie(request).await?.ok_or_else(|| self.no_reviewer())?;
        if method.verb == Verb::Post {
            Self::require_json(&request.presented)?;
        }
        Ok(reviewer)
    }

    fn no_reviewer(&self) -> V1Refusal {
        let message = format!("Reviewing needs one of the roles {}.", self.metrics.reviewer_roles.join(", "));
        V1Refusal::new(403, "insufficient_permissions", message)
    }

    /// `GET /v1/review/applications`.
    pub(super) async fn review_list(&self, request: &Request) -> Result<Reply, V1Error> {
        let status = match request.query("status") {
            None => None,
            Some(given) => Some(
                ApplicationStatus::parse(given).ok_or_else(|| V1Error::invalid_field("status", "a known status"))?,
            ),
        };
        let limit = request.query_count("limit", PAGE, PAGE_MAX)?;
        let keys = self.runtime.journal.keyring();
        let place = cursor::read(keys, LISTING, request.query("cursor"))?;
        let before = place.and_then(|place| place.parse().ok()).map(Position);
        let filter = ReviewFilter { status, name_prefix: request.query("q").map(str::to_owned), before };
        let reads = &self.runtime.reads;
        let read = async || Ok::<_, V1Error>(applications::review_page(reads.store(), &filter, limit + 1).await?);
        let (mut rows, as_of) = reads.at_one_position(STATUS_MODELS, read).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more);
        let next = next.map(|last| cursor::make(keys, LISTING, &last.application.position.to_string()));
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            shown.push(self.reviewed(row).await?);
        }
        Ok(Reply::ok(json!({ "applications": shown, "next_cursor": next }), Some(as_of)))
    }

    /// An application as a reviewer sees it.
    async fn reviewed(&self, row: &ReviewRow) -> Result<Value, V1Error> {
        let application = &row.application;
        let keys = self.runtime.journal.keyring();
        Ok(json!({
            "id": application.id.as_str(),
            "status": application.status.as_str(),
            "submitted_at": text::instant(application.submitted_at),
            "company": {
                "id": application.company.as_str(),
                "name": application.company_name,
                "website": application.website,
            },
            "founders": [{
                "id": application.founder.as_str(),
                "name": keys.open(&SealContext::founder_name(&application.id), &application.founder_name).await?,
                "email": keys.open(&SealContext::founder_email(&application.id), &application.founder_email).await?,
                "email_verified": application.founder_email_verified,
            }],
            "metrics_count": row.metrics_count,
            "last_point_at": row.last_point_at.map(text::instant),
            "open_alerts": row.open_alerts,
        }))
    }

    async fn reviewed_application(&self, request: &Request) -> Result<ReviewRow, V1Error> {
        let not_found = || V1Error::refuse(404, "application_not_found", "There is no such application.");
        let id = ApplicationId::parse(request.parameter(0)).ok_or_else(not_found)?;
        applications::review_by_id(self.runtime.reads.store(), &id).await?.ok_or_else(not_found)
    }

    /// `GET /v1/review/applications/{id}`.
    pub(super) async fn review_show(&self, request: &Request) -> Result<Reply, V1Error> {
        let (shown, as_of) =
            self.runtime.reads.at_one_position(STATUS_MODELS, async || self.reviewed_in_full(request).await).await?;
        Ok(Reply::ok(shown, Some(as_of)))
    }

    async fn reviewed_in_full(&self, request: &Request) -> Result<Value, V1Error> {
        let row = self.reviewed_application(request).await?;
        let history = applications::history(self.runtime.reads.store(), &row.application.id).await?;
        let history: Vec<_> = history
            .iter()
            .map(|step| {
                json!({
                    "status": step.status.as_str(),
                    "at": text::instant(step.at),
                    "by": step.by,
                    "reason": step.reason,
                })
            })
            .collect();
        let mut shown = self.reviewed(&row).await?;
        shown["narrative"] = self.narrative_on_wire(&row.application.id, &row.application.narrative).await?;
        shown["metrics"] = json!(self.status_metrics(&row.application.company).await?);
        shown["alerts"] = json!(self.status_alerts(&row.application.company).await?);
        shown["status_history"] = json!(history);
        Ok(shown)
    }

    /// `POST /v1/review/applications/{id}/status`.
    pub(super) async fn review_decide(&self, request: &mut Request, reviewer: &Reviewer) -> Result<Reply, V1Error> {
        let mut fields = Fields::of(request, &["status", "reason"], false).await?;
        let given = fields.needed_text("status", usize::MAX)?;
        let status =
            ApplicationStatus::parse(&given).ok_or_else(|| V1Error::invalid_field("status", "a known status"))?;
        let reason = fields.text_unless_blank("reason", REASON_CHARACTERS_MAX)?;
        self.runtime.reads.catch_up(STATUS_MODELS).await?;
        let id = self.reviewed_application(request).await?.application.id;
        let command = ApplicationCommand::ChangeStatus(ChangeStatus { status, reason, by: reviewer.account.0.clone() });
        let origin = self.origin(request, reviewer.who(), Some(&reviewer.subject), "review_application").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                // The gate once more, on the book as it is when this is recorded.
                let own = tx.load::<OfferBook, Box<V1Refusal>>(&reviewer.account.0).await?.state;
                let (persona, now) = (PersonaId(reviewer.persona.clone()), tx.facts.now);
                let holds = |role: &String| own.active_grant(&persona, role, None, now).is_some();
                if !self.metrics.reviewer_roles.iter().any(holds) {
                    return Err(BusError::Refused(Box::new(self.no_reviewer())));
                }
                let mut application = tx.load::<Application, Box<V1Refusal>>(id.as_str()).await?;
                tx.decide(&mut application, &command).map_err(answered)
            })
            .await?;
        let position = committed.appended.map(|appended| appended.last);
        Ok(Reply::ok(json!({ "id": id.as_str(), "status": status.as_str() }), position))
    }
}
