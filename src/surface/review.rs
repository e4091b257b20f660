//! The review of applications (spec/metrics.md section 10). A reviewer is an account whose acting persona holds a
//! reviewer's role and who comes by cookie; cookies and roles belong to the accounts surface. Until an account can
//! prove itself that way nobody passes this gate, and everybody is told why.

use super::Surface;
use super::errors::ApiError;
use super::request::Request;

impl Surface {
    /// Why this caller is no reviewer: 401 without a credential that holds, 403 with one of another type.
    pub(super) async fn refuse_reviewer(&self, request: &Request) -> ApiError {
        let nobody = || ApiError::refuse(401, "missing_token", "Reviewing needs a signed-in reviewer.");
        if request.presented.authorization.is_empty() {
            return nobody();
        }
        let wrong_type = ApiError::refuse(403, "credential_type_required", "Reviewing needs a cookie session.");
        match self.founder_not_agent(&request.presented).await {
            Ok(_) => wrong_type,
            Err(ApiError::Refused(refusal)) if refusal.status == 403 => wrong_type,
            Err(error) => error,
        }
    }
}
