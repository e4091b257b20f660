//! What one event of a proof says, for a person.

use muniment_aggregates::account::{AccountEvent, Via};
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, InviteId, PersonaId};
use muniment_aggregates::invite::InviteEvent;
use muniment_aggregates::offer_book::{GrantPath, OfferBookEvent};
use muniment_aggregates::roster::RosterEvent;
use muniment_aggregates::settings::SettingsEvent;

use super::place;
use super::records::{Evidence, NOBODY_NOW, Records};
use crate::runtime::fold::FoldError;

/// One line, without its position and time.
pub(super) async fn tell(records: &mut Records<'_>, event: &Evidence) -> Result<String, FoldError> {
    let account = event.account();
    Ok(match &event.event {
        AnyEvent::Account(what) => account_line(records, event, what).await?,
        AnyEvent::OfferBook(what) => book_line(records, event, &account, what).await?,
        AnyEvent::Roster(RosterEvent::Founded(founded)) => {
            let name = records.name(&founded.account, &founded.persona).await?;
            format!("the installation was bootstrapped for {name}")
        }
        AnyEvent::Invite(InviteEvent::Created(created)) => {
            let by = named(records, event, Some(&created.created_by)).await?;
            let claimer = records.claimed(&InviteId(event.account().0)).await?;
            let is_erased = match &claimer {
                Some(account) => records.is_erased(account).await?,
                None => false,
            };
            let username = created.username.as_deref().unwrap_or("somebody by e-mail");
            let whom = if is_erased { NOBODY_NOW } else { username };
            format!("{by} invited {whom}")
        }
        AnyEvent::Settings(SettingsEvent::OpenSignupSet(set)) => {
            let by = named(records, event, set.by.as_ref()).await?;
            format!("{by} {} sign-up for everybody", if set.new_value { "opened" } else { "closed" })
        }
        AnyEvent::Subject(_) => "the account was erased".to_owned(),
        AnyEvent::Roster(RosterEvent::Admitted(_) | RosterEvent::Left(_))
        | AnyEvent::Invite(InviteEvent::Claimed(_) | InviteEvent::Deleted(_))
        | AnyEvent::Metric(_)
        | AnyEvent::Application(_)
        | AnyEvent::Challenge(_)
        | AnyEvent::Session(_)
        | AnyEvent::Scope(_)
        | AnyEvent::Attempt(_)
        | AnyEvent::Note(_)
        | AnyEvent::Scheduler(_) => event.recorded.event_type.to_string(),
    })
}

/// The persona that did it, where the signed-in account is known; else who has the server's files.
async fn named(records: &mut Records<'_>, event: &Evidence, persona: Option<&PersonaId>) -> Result<String, FoldError> {
    match (persona, event.caused_by()) {
        (Some(persona), Some(account)) => records.name(&account, persona).await,
        (Some(persona), None) => Ok(persona.0.clone()),
        (None, _) => Ok("whoever has the server's files".to_owned()),
    }
}

async fn account_line(records: &mut Records<'_>, event: &Evidence, what: &AccountEvent) -> Result<String, FoldError> {
    let is_erased = records.is_erased(&event.account()).await?;
    if let AccountEvent::Registered(registered) = what {
        let how = match registered.via {
            Via::EmailCode => "by a code sent to its e-mail",
            Via::Invite => "on an invitation",
            Via::OpenSignup => "while anybody could",
            Via::Bootstrap => "as the first account",
            Via::Operator => "on the server's command line",
        };
        let name = if is_erased { NOBODY_NOW.to_owned() } else { format!("account {}", registered.username) };
        return Ok(format!("{name} was made {how}"));
    }
    if let AccountEvent::PersonaAdded(added) = what {
        let name = if is_erased { format!("a persona of {NOBODY_NOW}") } else { format!("persona {}", added.name) };
        return Ok(format!("{name} was added"));
    }
    Ok(event.recorded.event_type.to_string())
}

async fn book_line(
    records: &mut Records<'_>,
    event: &Evidence,
    account: &AccountId,
    what: &OfferBookEvent,
) -> Result<String, FoldError> {
    let recipient = records.username(account).await?;
    Ok(match what {
        OfferBookEvent::Made(made) => {
            let grantor = records.name(&made.grantor_account, &made.grantor).await?;
            format!("{grantor} offered {}{} to {recipient}", made.role, place(made.scope.as_ref()))
        }
        OfferBookEvent::Refreshed(_) => "the same offer was made again".to_owned(),
        OfferBookEvent::Accepted(it) => format!("{} accepted", records.name(account, &it.persona).await?),
        OfferBookEvent::Declined(it) => format!("{} declined", records.name(account, &it.persona).await?),
        OfferBookEvent::Retracted(_) => "the offer was taken back".to_owned(),
        OfferBookEvent::Superseded(it) => format!("the offer fell away: {}", it.reason.as_str().replace('_', " ")),
        OfferBookEvent::Lapsed(_) => "it was noted that the offer had lapsed".to_owned(),
        OfferBookEvent::GrantCreated(it) => {
            let holder = records.name(account, &it.persona).await?;
            let how = match it.path {
                GrantPath::Admin => "by that offer",
                GrantPath::SelfService => "by its own choice",
                GrantPath::System => "on the server's command line",
                GrantPath::Bootstrap => "by the bootstrap",
            };
            format!("{holder} came to hold {}{} {how}", it.role, place(it.scope.as_ref()))
        }
        OfferBookEvent::GrantRevoked(it) => {
            let by = named(records, event, it.revoked_by.as_ref()).await?;
            let holder = records.name(account, &it.persona).await?;
            format!("{by} took {}{} from {holder}", it.role, place(it.scope.as_ref()))
        }
    })
}
