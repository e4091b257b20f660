//! Where a sealed value stands: every field that holds one, in one file.
//!
//! A context is sealed with its value and asked for when the value is read, so a value that was moved elsewhere does
//! not open. What is written here stands in the record and never changes.

use crate::ids::{AccountId, ApplicationId, CredentialId, GrantId, InviteId, OfferId, OtpId};
use crate::record::StreamId;
pub use crate::sealed::{Admits, SealContext};

/// A field of which there are many in one place, where the reader does not know which of them it has before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOf {
    before: String,
    after: &'static str,
}

impl OneOf {
    /// Messages and reasons of offers to an account. An offer that is made again keeps its id and takes the new message,
    /// which was sealed under an id of its own: the account and the field bind it.
    fn offers(to: &AccountId, after: &'static str) -> Self {
        Self { before: format!("offer/{to}/"), after }
    }

    /// The message of an offer to this account.
    #[must_use]
    pub fn offer_messages(to: &AccountId) -> Self {
        Self::offers(to, "/message")
    }

    /// The address of a client, where it is not known which request it made.
    #[must_use]
    pub fn clients() -> Self {
        Self { before: "metadata/".to_owned(), after: "/client" }
    }
}

impl Admits for OneOf {
    fn admits(&self, context: &str) -> bool {
        let which = context.strip_prefix(&self.before).and_then(|rest| rest.strip_suffix(self.after));
        which.is_some_and(|which| !which.is_empty() && !which.contains('/'))
    }
}

/// Every field of a stream, and the client's address beside one of its events, for who reads whole events or states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStream {
    stream: StreamId,
    client: Option<SealContext>,
}

impl InStream {
    /// The fields of a stream, and of the metadata of a request where that is named.
    #[must_use]
    pub fn of(stream: &StreamId, correlation: Option<&str>) -> Self {
        Self { stream: stream.clone(), client: correlation.map(SealContext::client) }
    }

    /// Whether streams of the kind have a sealed field of that name.
    fn has(&self, field: &str) -> bool {
        match &*self.stream.kind {
            "account" => matches!(field, "email" | "email_key" | "password"),
            "application" => matches!(field, "founder_name" | "founder_email" | "narrative"),
            "challenge" => field == "email",
            "invite" => matches!(field, "email" | "email_key"),
            "offer" => matches!(field, "message" | "decline_reason" | "reason"),
            // Whatever was tried, by its name.
            "attempt" => true,
            _ => false,
        }
    }
}

impl Admits for InStream {
    fn admits(&self, context: &str) -> bool {
        let own = context.strip_prefix(&*self.stream.kind).and_then(|rest| rest.strip_prefix('/'));
        let own = own.and_then(|rest| rest.strip_prefix(&*self.stream.id)).and_then(|rest| rest.strip_prefix('/'));
        let field = own.and_then(|rest| rest.rsplit('/').next());
        field.is_some_and(|field| self.has(field)) || self.client.as_ref().is_some_and(|client| client.admits(context))
    }
}

/// A field whose value was sealed before it was known for which of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyOf(Vec<SealContext>);

impl AnyOf {
    /// Why a grant was taken away: it alone, with its role, or with everything in its scope.
    #[must_use]
    pub fn revocation(holder: &AccountId, grant: &GrantId, role: &str, scope: Option<&str>) -> Self {
        let mut contexts =
            vec![SealContext::revocation_of_grant(holder, grant), SealContext::revocation_of_role(holder, role)];
        contexts.extend(scope.map(|scope| SealContext::revocation_in_scope(holder, scope)));
        Self(contexts)
    }
}

impl Admits for AnyOf {
    fn admits(&self, context: &str) -> bool {
        self.0.iter().any(|one| one.admits(context))
    }
}

impl SealContext {
    /// An account's address as it was given.
    #[must_use]
    pub fn account_email(account: &AccountId) -> Self {
        Self::of("account", account, "email")
    }

    /// An account's address as it is claimed.
    #[must_use]
    pub fn account_email_key(account: &AccountId) -> Self {
        Self::of("account", account, "email_key")
    }

    /// An account's password, hashed.
    #[must_use]
    pub fn account_password(account: &AccountId) -> Self {
        Self::of("account", account, "password")
    }

    /// The name of the founder who applied.
    #[must_use]
    pub fn founder_name(application: &ApplicationId) -> Self {
        Self::of("application", application, "founder_name")
    }

    /// The address of the founder who applied.
    #[must_use]
    pub fn founder_email(application: &ApplicationId) -> Self {
        Self::of("application", application, "founder_email")
    }

    /// What was told with an application.
    #[must_use]
    pub fn narrative(application: &ApplicationId) -> Self {
        Self::of("application", application, "narrative")
    }

    /// The address a code was sent to, by the stream of its challenges.
    #[must_use]
    pub fn challenge_email(challenge: &str) -> Self {
        Self::of("challenge", challenge, "email")
    }

    /// An invited address as it was given.
    #[must_use]
    pub fn invite_email(invite: &InviteId) -> Self {
        Self::of("invite", invite, "email")
    }

    /// An invited address as it is claimed.
    #[must_use]
    pub fn invite_email_key(invite: &InviteId) -> Self {
        Self::of("invite", invite, "email_key")
    }

    /// The message of an offer, sealed before it is known whether an open offer takes it: [`OneOf::offer_messages`] reads
    /// it.
    #[must_use]
    pub fn offer_message(to: &AccountId, offer: &OfferId) -> Self {
        Self::of("offer", format_args!("{to}/{offer}"), "message")
    }

    /// Why an offer was declined.
    #[must_use]
    pub fn decline_reason(to: &AccountId, offer: &OfferId) -> Self {
        Self::of("offer", format_args!("{to}/{offer}"), "decline_reason")
    }

    /// Why a grant was taken away.
    #[must_use]
    pub fn revocation_of_grant(holder: &AccountId, grant: &GrantId) -> Self {
        Self::of("offer", format_args!("{holder}/grant/{grant}"), "reason")
    }

    /// Why a role was taken away.
    #[must_use]
    pub fn revocation_of_role(holder: &AccountId, role: &str) -> Self {
        Self::of("offer", format_args!("{holder}/role/{role}"), "reason")
    }

    /// Why everything in a scope was taken away.
    #[must_use]
    pub fn revocation_in_scope(holder: &AccountId, scope: &str) -> Self {
        Self::of("offer", format_args!("{holder}/scope/{scope}"), "reason")
    }

    /// One of the values of an attempt that was refused.
    #[must_use]
    pub fn attempt(attempt: &str, value: &str) -> Self {
        Self::of("attempt", attempt, value)
    }

    /// The address of the client that made a request, by the request's correlation.
    #[must_use]
    pub fn client(correlation: &str) -> Self {
        Self::of("metadata", correlation, "client")
    }

    /// The address of the client that used a credential last.
    #[must_use]
    pub fn last_client(credential: &CredentialId) -> Self {
        Self::of("last_used", &credential.0, "client")
    }

    /// A mail with its recipient. Its id is the code's.
    #[must_use]
    pub fn mail(code: &OtpId) -> Self {
        Self::mail_body(code.as_str())
    }

    /// The same as the outbox knows it.
    #[must_use]
    pub fn mail_body(mail: &str) -> Self {
        Self::of("outbox", mail, "body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_records_stays_as_it_is() {
        let (account, offer) = (AccountId("a".to_owned()), OfferId("o".to_owned()));
        for (context, text) in [
            (SealContext::account_email(&account), "account/a/email"),
            (SealContext::account_email_key(&account), "account/a/email_key"),
            (SealContext::account_password(&account), "account/a/password"),
            (SealContext::challenge_email("sign_in-s"), "challenge/sign_in-s/email"),
            (SealContext::invite_email(&InviteId("i".to_owned())), "invite/i/email"),
            (SealContext::invite_email_key(&InviteId("i".to_owned())), "invite/i/email_key"),
            (SealContext::offer_message(&account, &offer), "offer/a/o/message"),
            (SealContext::decline_reason(&account, &offer), "offer/a/o/decline_reason"),
            (SealContext::revocation_of_grant(&account, &GrantId("g".to_owned())), "offer/a/grant/g/reason"),
            (SealContext::revocation_of_role(&account, "admin"), "offer/a/role/admin/reason"),
            (SealContext::revocation_in_scope(&account, "s"), "offer/a/scope/s/reason"),
            (SealContext::attempt("n", "username"), "attempt/n/username"),
            (SealContext::client("c"), "metadata/c/client"),
            (SealContext::last_client(&CredentialId("k".to_owned())), "last_used/k/client"),
            (SealContext::mail_body("m"), "outbox/m/body"),
        ] {
            assert_eq!(context.as_str(), text);
            assert!(context.admits(text) && !context.admits("account/b/email"));
        }
        let application = ApplicationId::from_random([7; 12]);
        assert_eq!(SealContext::narrative(&application).as_str(), format!("application/{application}/narrative"));
        assert_eq!(SealContext::founder_name(&application).as_str(), format!("application/{application}/founder_name"));
        assert_eq!(
            SealContext::founder_email(&application).as_str(),
            format!("application/{application}/founder_email")
        );
    }

    #[test]
    fn an_event_holds_what_is_of_its_stream_and_of_its_request() {
        let (account, offer) = (AccountId("a".to_owned()), OfferId("o".to_owned()));
        let within = |kind: &str, id: &str, context: &SealContext| {
            InStream::of(&StreamId::new(kind, id), Some("c")).admits(context.as_str())
        };
        assert!(within("account", "a", &SealContext::account_email(&account)));
        assert!(within("account", "a", &SealContext::account_password(&account)));
        assert!(within("offer", "a", &SealContext::offer_message(&account, &offer)));
        assert!(within("offer", "a", &SealContext::decline_reason(&account, &offer)));
        assert!(within("offer", "a", &SealContext::revocation_of_role(&account, "admin")));
        assert!(within("attempt", "n", &SealContext::attempt("n", "username")));
        assert!(within("challenge", "s", &SealContext::challenge_email("s")));
        assert!(within("invite", "i", &SealContext::invite_email(&InviteId("i".to_owned()))));
        assert!(within("metric", "m", &SealContext::client("c")));
        let application = ApplicationId::from_random([7; 12]);
        assert!(within("application", application.as_str(), &SealContext::narrative(&application)));
        assert!(!within("metric", "m", &SealContext::client("d")), "of another request");
        assert!(!within("account", "b", &SealContext::account_email(&account)), "of another account");
        assert!(!within("metric", "m", &SealContext::of("metric", "m", "reason")), "no field of metrics is sealed");
        assert!(!within("account", "a", &SealContext::of("account", "a", "name")));
        assert!(!within("account", "a", &SealContext::of("accounta", "", "email")));
    }

    #[test]
    fn one_of_many_is_of_its_account_and_of_its_field() {
        let to = AccountId("a".to_owned());
        let messages = OneOf::offer_messages(&to);
        assert!(messages.admits(SealContext::offer_message(&to, &OfferId("o".to_owned())).as_str()));
        for elsewhere in
            ["offer/b/o/message", "offer/a/o/decline_reason", "offer/a//message", "offer/a/x/y/message", ""]
        {
            assert!(!messages.admits(elsewhere), "{elsewhere}");
        }
        let grant = GrantId("g".to_owned());
        let reasons = AnyOf::revocation(&to, &grant, "admin", Some("s"));
        for context in ["offer/a/grant/g/reason", "offer/a/role/admin/reason", "offer/a/scope/s/reason"] {
            assert!(reasons.admits(context), "{context}");
        }
        assert!(!reasons.admits("offer/a/grant/h/reason") && !reasons.admits("offer/b/grant/g/reason"));
        assert!(!AnyOf::revocation(&to, &grant, "admin", None).admits("offer/a/scope/s/reason"));
        assert!(OneOf::clients().admits("metadata/c/client") && !OneOf::clients().admits("last_used/k/client"));
    }
}
