//! The companies of a founder: those whose application he sent, and which of them a request means.

use muniment_aggregates::ids::CompanyId;
use muniment_projections::applications;
use serde_json::json;

use super::Surface;
use super::errors::V1Error;
use super::principal::Founder;

impl Surface {
    /// The applications of a founder, newest first.
    ///
    /// # Errors
    /// When the read model lags or fails.
    pub async fn applications_of(&self, founder: &Founder) -> Result<Vec<applications::ApplicationRow>, V1Error> {
        self.runtime.reads.catch_up(&["applications"]).await?;
        self.known_applications_of(founder).await
    }

    /// The same from wherever the read model is.
    pub(super) async fn known_applications_of(
        &self,
        founder: &Founder,
    ) -> Result<Vec<applications::ApplicationRow>, V1Error> {
        Ok(applications::of_founder(self.runtime.reads.store(), &founder.subject).await?)
    }

    /// Whether a company is the founder's.
    pub(super) async fn owns(&self, founder: &Founder, company: &CompanyId) -> Result<bool, V1Error> {
        self.runtime.reads.catch_up(&["applications"]).await?;
        let application = applications::by_company(self.runtime.reads.store(), company).await?;
        Ok(application.is_some_and(|application| application.founder_subject == founder.subject))
    }

    /// The company a founder means.
    ///
    /// # Errors
    /// 400 `company_required` where he has several and names none; 404 where it is not his.
    pub async fn company_of(&self, founder: &Founder, wanted: Option<&str>) -> Result<CompanyId, V1Error> {
        if let Some(wanted) = wanted {
            let company = CompanyId::parse(wanted).ok_or_else(V1Error::no_such_company)?;
            return if self.owns(founder, &company).await? { Ok(company) } else { Err(V1Error::no_such_company()) };
        }
        let own = self.applications_of(founder).await?;
        match own.as_slice() {
            [] => Err(V1Error::refuse(404, "not_found", "You have no company yet; apply first.")),
            [only] => Ok(only.company.clone()),
            [_, _, ..] => {
                let available: Vec<_> = own
                    .iter()
                    .map(|it| json!({"company_id": it.company.as_str(), "company_name": it.company_name}))
                    .collect();
                Err(V1Error::refuse(400, "company_required", "Name one of your companies with ?company_id=.")
                    .with("available", available.into()))
            }
        }
    }
}
