//! How an account is prepared, whoever makes it, and one made without an invitation.

use muniment_aggregates::account::{Account, AccountCommand, AccountEmail, AccountRefusal, SignUp, Via};
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_journal::{Journal, KeyRing, SealError, SubjectAlias};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::origin;
use crate::auth::passwords::{HashError, Passwords};
use crate::runtime::{BusError, CommandBus};

/// Ids, subject and sealed values of an account that is about to be made.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The account.
    pub id: AccountId,
    /// Its persona.
    pub persona: PersonaId,
    /// Whose key seals what is personal of it.
    pub subject: SubjectId,
    /// Its e-mail, where it has one.
    pub email: Option<AccountEmail>,
    /// Its password's PHC string.
    pub password: Sealed,
}

/// Prepares an account with an e-mail, or none, and a password as it is stored.
///
/// # Errors
/// When a key cannot be made or reached.
pub async fn prepare(keys: &KeyRing, email: Option<&str>, stored_password: &str) -> Result<Prepared, SealError> {
    let id = AccountId(Uuid::new_v4().to_string());
    let (subject, email) = match email {
        None => (keys.new_subject().await?, None),
        Some(email) => {
            let subject = keys.subject_for(SubjectAlias::email(email)).await?;
            let key = keys.seal(&subject, &SealContext::account_email_key(&id), &email.to_lowercase()).await?;
            let given = keys.seal(&subject, &SealContext::account_email(&id), email).await?;
            (subject, Some(AccountEmail { given, key }))
        }
    };
    let password = seal_password(keys, &id, &subject, stored_password).await?;
    Ok(Prepared { id, persona: PersonaId(Uuid::new_v4().to_string()), subject, email, password })
}

/// A password as it is stored, sealed for its account.
///
/// # Errors
/// When the account is erased or its key cannot be reached.
pub async fn seal_password(
    keys: &KeyRing,
    account: &AccountId,
    subject: &SubjectId,
    stored: &str,
) -> Result<Sealed, SealError> {
    keys.seal(subject, &SealContext::account_password(account), stored).await
}

/// An account that was made.
#[derive(Debug, Clone)]
pub struct MadeAccount {
    /// The account.
    pub id: AccountId,
    /// Its persona.
    pub persona: PersonaId,
    /// Where it stands in the record.
    pub position: Option<Position>,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The password cannot be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A key cannot be made or reached.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The username or the address is taken, or the record cannot be written.
    #[error(transparent)]
    Record(#[from] BusError<AccountRefusal>),
}

/// Makes an account with one persona and nothing else. The username must be well-formed.
///
/// # Errors
/// When the username or the address is taken, or the record cannot be written.
pub async fn make(
    journal: &Journal,
    bus: &CommandBus,
    username: &str,
    email: Option<&str>,
    password: Zeroizing<String>,
) -> Result<MadeAccount, MakeError> {
    let stored = Zeroizing::new(Passwords::new(1, 0)?.hash(password).await?);
    let Prepared { id, persona, subject, email, password } = prepare(journal.keyring(), email, &stored).await?;
    let sign_up = SignUp {
        username: username.to_owned(),
        email,
        subject: subject.clone(),
        persona: persona.clone(),
        password,
        via: Via::Operator,
        invite: None,
    };
    let sign_up = AccountCommand::from(sign_up);
    let committed = bus
        .transact(&origin("account_create"), async |tx| {
            tx.rest_on(&subject).await?;
            let mut account = tx.begin::<Account>(&id.0);
            tx.decide(&mut account, &sign_up)
        })
        .await?;
    Ok(MadeAccount { id, persona, position: committed.appended.map(|appended| appended.last) })
}
