//! The streams a question concerns, each read once.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muniment_aggregates::account::{Account, AccountEvent, AccountRegistered};
use muniment_aggregates::catalog::{self, AnyEvent};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{AccountId, GrantId, InviteId, OfferId, PersonaId};
use muniment_aggregates::invite::{Invite, InviteEvent};
use muniment_aggregates::offer_book::{GrantCreated, GrantRevoked, OfferBook, OfferBookEvent};
use muniment_aggregates::record::{Metadata, Position, RecordedEvent, StreamId, Who};
use muniment_aggregates::roster::{ROSTER_ID, Roster, RosterEvent};
use muniment_aggregates::settings::{SETTINGS_ID, Settings, SettingsEvent};
use muniment_aggregates::subject::{Subject, SubjectEvent};
use muniment_journal::Journal;

use crate::runtime::fold::{FoldError, expect_next};
use crate::runtime::limits::PAGE_EVENTS;

/// A recorded event and what it says.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) recorded: Arc<RecordedEvent>,
    pub(super) event: AnyEvent,
}

impl Evidence {
    pub(super) fn read(recorded: Arc<RecordedEvent>) -> Result<Self, FoldError> {
        let event = catalog::decode_any(&recorded).map_err(|error| FoldError::Undecodable {
            position: recorded.position.0,
            event_type: recorded.event_type.to_string(),
            why: error.to_string(),
        })?;
        Ok(Self { recorded, event })
    }

    pub(super) fn position(&self) -> Position {
        self.recorded.position
    }

    /// The account whose stream it is of.
    pub(super) fn account(&self) -> AccountId {
        AccountId(self.recorded.stream.id.to_string())
    }

    pub(super) fn registered(&self) -> Option<&AccountRegistered> {
        if let AnyEvent::Account(AccountEvent::Registered(registered)) = &self.event { Some(registered) } else { None }
    }

    pub(super) fn of_book(&self) -> Option<&OfferBookEvent> {
        if let AnyEvent::OfferBook(event) = &self.event { Some(event) } else { None }
    }

    pub(super) fn created(&self) -> Option<&GrantCreated> {
        if let Some(OfferBookEvent::GrantCreated(created)) = self.of_book() { Some(created) } else { None }
    }

    pub(super) fn revoked(&self) -> Option<&GrantRevoked> {
        if let Some(OfferBookEvent::GrantRevoked(revoked)) = self.of_book() { Some(revoked) } else { None }
    }

    /// The persona and its name, where the event brings one into being.
    pub(super) fn persona(&self) -> Option<(&PersonaId, &str)> {
        let added = if let AnyEvent::Account(AccountEvent::PersonaAdded(it)) = &self.event { Some(it) } else { None };
        let registered = self.registered().map(|it| (&it.persona, it.username.as_str()));
        registered.or_else(|| added.map(|it| (&it.persona, it.name.as_str())))
    }

    /// The offer it is about.
    pub(super) fn offer(&self) -> Option<&OfferId> {
        match self.of_book()? {
            OfferBookEvent::Made(it) => Some(&it.offer),
            OfferBookEvent::Refreshed(it) => Some(&it.offer),
            OfferBookEvent::Accepted(it) => Some(&it.offer),
            OfferBookEvent::Declined(it) => Some(&it.offer),
            OfferBookEvent::Retracted(it) => Some(&it.offer),
            OfferBookEvent::Superseded(it) => Some(&it.offer),
            OfferBookEvent::Lapsed(it) => Some(&it.offer),
            OfferBookEvent::GrantCreated(_) | OfferBookEvent::GrantRevoked(_) => None,
        }
    }

    /// The account that caused it, where a signed-in person did.
    pub(super) fn caused_by(&self) -> Option<AccountId> {
        match serde_json::from_str::<Metadata>(&self.recorded.metadata).ok()?.who {
            Who::Account { account, .. } => Some(AccountId(account)),
            Who::Anonymous | Who::System { .. } | Who::Operator | Who::Agent { .. } => None,
        }
    }
}

/// A grant with its beginning and its end.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) created: GrantCreated,
    pub(super) from: Position,
    pub(super) revoked: Option<Evidence>,
}

impl Span {
    /// Whether it holds right before the event at a position, at an instant.
    pub(super) fn holds_before(&self, position: Position, instant: DateTime<Utc>) -> bool {
        self.from < position
            && self.revoked.as_ref().is_none_or(|end| end.position() >= position)
            && self.created.expires_at.is_none_or(|end| end > instant)
    }
}

/// Reads streams, each once.
pub(super) struct Records<'a> {
    journal: &'a Journal,
    streams: HashMap<StreamId, Arc<[Evidence]>>,
    personas: HashMap<PersonaId, Option<Evidence>>,
    erased: HashMap<AccountId, bool>,
}

/// What somebody is called whose names left with an erasure.
pub(super) const NOBODY_NOW: &str = "an erased account";

impl<'a> Records<'a> {
    pub(super) fn new(journal: &'a Journal) -> Self {
        Self { journal, streams: HashMap::new(), personas: HashMap::new(), erased: HashMap::new() }
    }

    async fn stream(&mut self, kind: &str, id: &str) -> Result<Arc<[Evidence]>, FoldError> {
        let stream = StreamId::new(kind, id);
        if let Some(read) = self.streams.get(&stream) {
            return Ok(Arc::clone(read));
        }
        let (mut read, mut sequence) = (Vec::new(), 0);
        loop {
            let page = self.journal.read_stream(&stream, sequence, PAGE_EVENTS).await?;
            let full = page.len() == PAGE_EVENTS;
            for recorded in page {
                expect_next(&recorded, sequence)?;
                sequence = recorded.sequence;
                read.push(Evidence::read(recorded)?);
            }
            if !full {
                break;
            }
        }
        let read: Arc<[Evidence]> = Arc::from(read);
        self.streams.insert(stream, Arc::clone(&read));
        Ok(read)
    }

    /// All that happened in the offer book of an account.
    pub(super) async fn book(&mut self, account: &AccountId) -> Result<Arc<[Evidence]>, FoldError> {
        self.stream(OfferBook::TYPE, &account.0).await
    }

    /// The grants of an account's personas, in the order they were made.
    pub(super) async fn grants(&mut self, account: &AccountId) -> Result<Vec<Span>, FoldError> {
        let book = self.book(account).await?;
        let mut ends: HashMap<&GrantId, &Evidence> = HashMap::new();
        for event in book.iter() {
            if let Some(revoked) = event.revoked() {
                ends.entry(&revoked.grant).or_insert(event);
            }
        }
        let span = |event: &Evidence| {
            let created = event.created()?.clone();
            let revoked = ends.get(&created.grant).map(|end| (*end).clone());
            Some(Span { created, from: event.position(), revoked })
        };
        Ok(book.iter().filter_map(span).collect())
    }

    /// How an account came into being: the first event of its stream.
    pub(super) async fn birth(&self, account: &AccountId) -> Result<Option<Evidence>, FoldError> {
        let stream = StreamId::new(Account::TYPE, &account.0);
        let first = self.journal.read_stream(&stream, 0, 1).await?.pop();
        let read = |recorded: Arc<RecordedEvent>| expect_next(&recorded, 0).and_then(|()| Evidence::read(recorded));
        let first = first.map(read).transpose()?;
        Ok(first.filter(|event| event.registered().is_some()))
    }

    /// How a persona of an account came into being. Read no further than to that event: the streams of accounts that
    /// sign in often are long.
    pub(super) async fn persona(
        &mut self,
        account: &AccountId,
        persona: &PersonaId,
    ) -> Result<Option<Evidence>, FoldError> {
        if let Some(known) = self.personas.get(persona) {
            return Ok(known.clone());
        }
        let stream = StreamId::new(Account::TYPE, &account.0);
        let (mut found, mut sequence, mut page_events) = (None, 0, 1);
        while found.is_none() {
            let page = self.journal.read_stream(&stream, sequence, page_events).await?;
            let full = page.len() == page_events;
            for recorded in page {
                expect_next(&recorded, sequence)?;
                sequence = recorded.sequence;
                if !may_name_persona(&recorded.event_type) {
                    continue;
                }
                let event = Evidence::read(recorded)?;
                if event.persona().is_some_and(|(id, _)| id == persona) {
                    found = Some(event);
                    break;
                }
            }
            if !full {
                break;
            }
            page_events = PAGE_EVENTS;
        }
        self.personas.insert(persona.clone(), found.clone());
        Ok(found)
    }

    /// The username of an account; its id where nothing is recorded of it.
    pub(super) async fn username(&mut self, account: &AccountId) -> Result<String, FoldError> {
        if self.is_erased(account).await? {
            return Ok(NOBODY_NOW.to_owned());
        }
        let birth = self.birth(account).await?;
        let registered = birth.as_ref().and_then(Evidence::registered);
        Ok(registered.map_or_else(|| account.0.clone(), |it| it.username.clone()))
    }

    /// Whether an account is erased by now, whatever moment is asked about.
    pub(super) async fn is_erased(&mut self, account: &AccountId) -> Result<bool, FoldError> {
        if let Some(known) = self.erased.get(account) {
            return Ok(*known);
        }
        let birth = self.birth(account).await?;
        let is_erased = match birth.as_ref().and_then(Evidence::registered) {
            Some(registered) => self.erased(registered).await?.is_some(),
            None => false,
        };
        self.erased.insert(account.clone(), is_erased);
        Ok(is_erased)
    }

    /// The name of a persona; its id where nothing is recorded of it.
    pub(super) async fn name(&mut self, account: &AccountId, persona: &PersonaId) -> Result<String, FoldError> {
        if self.is_erased(account).await? {
            return Ok(NOBODY_NOW.to_owned());
        }
        let event = self.persona(account, persona).await?;
        let name = event.as_ref().and_then(Evidence::persona).map(|(_, name)| name.to_owned());
        Ok(name.unwrap_or_else(|| persona.0.clone()))
    }

    /// The bootstrap that made an account.
    pub(super) async fn founded(&mut self, account: &AccountId) -> Result<Option<Evidence>, FoldError> {
        let is_it = |event: &&Evidence| matches!(&event.event, AnyEvent::Roster(RosterEvent::Founded(it)) if it.account == *account);
        Ok(self.stream(Roster::TYPE, ROSTER_ID).await?.iter().find(is_it).cloned())
    }

    /// How an invitation came into being.
    pub(super) async fn invited(&mut self, invite: &InviteId) -> Result<Option<Evidence>, FoldError> {
        let is_it = |event: &&Evidence| matches!(&event.event, AnyEvent::Invite(InviteEvent::Created(_)));
        Ok(self.stream(Invite::TYPE, &invite.0).await?.iter().find(is_it).cloned())
    }

    /// The account that used an invitation.
    pub(super) async fn claimed(&mut self, invite: &InviteId) -> Result<Option<AccountId>, FoldError> {
        let claimer = |event: &Evidence| {
            let AnyEvent::Invite(InviteEvent::Claimed(claimed)) = &event.event else { return None };
            Some(claimed.account.clone())
        };
        Ok(self.stream(Invite::TYPE, &invite.0).await?.iter().find_map(claimer))
    }

    /// The event by which anybody could sign up right before a position.
    pub(super) async fn signup_opened(&mut self, before: Position) -> Result<Option<Evidence>, FoldError> {
        let settings = self.stream(Settings::TYPE, SETTINGS_ID).await?;
        let last = settings.iter().rev().find(|event| event.position() < before);
        let is_open = |event: &&Evidence| {
            let AnyEvent::Settings(SettingsEvent::OpenSignupSet(set)) = &event.event else { return false };
            set.new_value
        };
        Ok(last.filter(is_open).cloned())
    }

    /// The event that erased an account. The subject's stream is short, unlike the account's.
    pub(super) async fn erased(&mut self, birth: &AccountRegistered) -> Result<Option<Evidence>, FoldError> {
        let is_it = |event: &&Evidence| matches!(&event.event, AnyEvent::Subject(SubjectEvent::Erased(_)));
        Ok(self.stream(Subject::TYPE, &birth.subject.0).await?.iter().find(is_it).cloned())
    }
}

/// Whether an event of this type brings a persona into being; the others are not decoded.
fn may_name_persona(event_type: &str) -> bool {
    matches!(event_type, "account.registered" | "account.persona_added")
}
