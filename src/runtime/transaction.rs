//! Decisions over several streams: each state is read at a version, each aggregate decides for itself, and one
//! append records all of it or nothing. A lost race runs the whole decision again on fresh states.

use std::sync::Arc;

use muniment_aggregates::account::Account;
use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::decider::{Decider, Facts};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::StreamId;
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::subject::Subject;
use muniment_journal::{Append, AppendError, Appended, NewMail};

use super::command_bus::{CommandBus, Hosted};
use super::errors::BusError;
use super::fold;
use super::limits::REDECISIONS_MAX;
use super::origin::Origin;
use super::recall::TAKEN_BACK;
use crate::telemetry::panics;

/// A state taken into a transaction, with what the transaction has decided on it so far.
pub struct Loaded<D: Decider> {
    stream: StreamId,
    /// The state, including what this transaction has decided.
    pub state: Arc<D>,
    /// Sequence of the last recorded event in it; 0 for a stream that does not exist yet.
    pub version: u64,
}

/// One decision over several streams, while it is being made.
pub struct Transaction<'a> {
    bus: &'a CommandBus,
    append: Append,
    /// The instant of the decision.
    pub facts: Facts,
}

impl Transaction<'_> {
    /// Reads one aggregate. Its version is checked when the transaction commits, also if nothing is decided on it.
    ///
    /// # Errors
    /// Overload or an unavailable journal.
    pub async fn load<D: Hosted, R>(&mut self, id: &str) -> Result<Loaded<D>, BusError<R>> {
        let folded = self.bus.state::<D>(id).await.map_err(BusError::unexpected)?;
        let stream = StreamId::new(D::TYPE, id);
        self.append.expect.push((stream.clone(), folded.version));
        Ok(Loaded { stream, state: folded.state, version: folded.version })
    }

    /// A stream that must not exist yet.
    pub fn begin<D: Decider>(&mut self, id: &str) -> Loaded<D> {
        let stream = StreamId::new(D::TYPE, id);
        self.append.expect.push((stream.clone(), 0));
        Loaded { stream, state: Arc::default(), version: 0 }
    }

    /// Rests the decision on a subject that is not erased: what it records is sealed under that key.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] where it is erased: who tries again finds another subject. Overload or an unavailable
    /// journal.
    pub async fn rest_on<R>(&mut self, subject: &SubjectId) -> Result<(), BusError<R>> {
        let subject = self.load::<Subject, R>(&subject.0).await?;
        if subject.state.erased_at().is_some() {
            return Err(BusError::Unavailable("whoever this is of was erased meanwhile".to_owned()));
        }
        Ok(())
    }

    /// Rests the decision on a session or an API token of an account; whether it holds. What makes another credential must not
    /// come after the end of the one that asked for it.
    ///
    /// # Errors
    /// Overload or an unavailable journal.
    pub async fn rest_on_credential<R>(
        &mut self,
        account: &AccountId,
        credential: &CredentialId,
    ) -> Result<bool, BusError<R>> {
        let account = self.load::<Account, R>(&account.0).await?;
        Ok(account.state.holds(credential, self.facts.now))
    }

    /// Rests the decision on a unique key that nobody holds: the append fails with [`BusError::ClaimTaken`] where somebody
    /// took it first.
    pub fn expect_free<D: Decider>(&mut self, by: &Loaded<D>, namespace: &'static str, key: &str) {
        let key = ClaimKey::Clear(key.to_owned());
        // The journal compares keys where they are taken; this one is given back in the same append.
        let changes = [ClaimChange::Take { namespace, key: key.clone() }, ClaimChange::Release { namespace, key }];
        self.append.claims.extend(changes.map(|change| (by.stream.clone(), change)));
    }

    /// Decides a command on a loaded state and takes its events into the append.
    ///
    /// # Errors
    /// The aggregate's refusal; the transaction then holds nothing of this command. A fault of its handler; nothing of the
    /// transaction is to be recorded then.
    pub fn decide<D: Decider>(
        &mut self,
        loaded: &mut Loaded<D>,
        command: &D::Command,
    ) -> Result<Vec<D::Event>, BusError<D::Refusal>> {
        let panicked = |place| BusError::Panicked { stream: loaded.stream.clone(), place };
        let decided = panics::catch(|| loaded.state.decide(command, &self.facts)).map_err(panicked)?;
        let events = decided.map_err(BusError::Refused)?;
        if events.is_empty() {
            // Also because a change of a state that is shared is made on a copy of it.
            return Ok(events);
        }
        fold::propose(&mut self.append, &loaded.stream, &events)?;
        let state = Arc::make_mut(&mut loaded.state);
        panics::catch(|| events.iter().for_each(|event| state.evolve(event))).map_err(panicked)?;
        Ok(events)
    }

    /// Puts a message into the outbox, in the same append.
    pub fn send(&mut self, mail: NewMail) {
        self.append.outbox.push(mail);
    }

    /// Destroys a subject's key, in the same append.
    pub fn erase(&mut self, subject: SubjectId) {
        self.append.erase_subjects.push(subject);
    }
}

/// What a transaction came to.
#[derive(Debug)]
pub struct Committed<T> {
    /// What the decision answered.
    pub value: T,
    /// Where it is recorded; `None` when it had no events.
    pub appended: Option<Appended>,
}

impl CommandBus {
    /// Makes one decision over several streams. `decide` may run more than once; only its last run counts.
    ///
    /// # Errors
    /// What `decide` answers, or why the append was not possible. Nothing is recorded then, except after
    /// [`BusError::Uncertain`], when nobody can say.
    pub async fn transact<T, R>(
        &self,
        origin: &Origin,
        mut decide: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, BusError<R>>,
    ) -> Result<Committed<T>, BusError<R>> {
        let (metadata, recall) = (origin.to_metadata(), self.recalls.of(&origin.correlation));
        let (mut lost, mut turn) = (None, None);
        for _ in 0..=REDECISIONS_MAX {
            let decided_at = self.journal.head();
            let mut transaction = Transaction {
                bus: self,
                append: Append { metadata: Arc::clone(&metadata), ..Append::default() },
                facts: Facts { now: self.clock.now() },
            };
            let decision = decide(&mut transaction).await;
            let append = transaction.append;
            let value = match decision {
                Ok(value) if !append.events.is_empty() => value,
                unrecorded => {
                    // Nothing will be appended that could prove the states fresh: confirm it, or decide again.
                    let head = self.journal.confirm_head().await.map_err(|error| BusError::from_journal(&error))?;
                    if head != decided_at {
                        let own = self.unchanged(&append).await?;
                        if !own {
                            continue;
                        }
                    }
                    return unrecorded.map(|value| Committed { value, appended: None });
                }
            };
            if turn.is_none() {
                // Who goes ahead of those that lost before may have them lose for ever.
                let written = append.events.iter().map(|event| &event.stream);
                turn = self.stream_queues.turn_behind_others(written).await;
                if turn.is_some() {
                    continue;
                }
            }
            if !recall.as_ref().is_none_or(|recall| recall.hand_over()) {
                return Err(BusError::Unavailable(TAKEN_BACK.to_owned()));
            }
            match self.journal.append(append).await {
                Ok(appended) => return Ok(Committed { value, appended: Some(appended) }),
                Err(AppendError::Conflict { stream, expected, actual }) => {
                    if turn.is_none() {
                        turn = Some(self.stream_queues.turn_at(&stream).await);
                    }
                    // The database may have told the writer of a version that this node has not heard of: decided again at
                    // once it would be on the same state as before.
                    self.journal.confirm_head().await.map_err(|error| BusError::from_journal(&error))?;
                    lost = Some(AppendError::Conflict { stream, expected, actual });
                }
                Err(error) => return Err(BusError::from_append(error)),
            }
        }
        let lost = lost.map(|conflict| format!(": {conflict}")).unwrap_or_default();
        Err(BusError::Unavailable(format!("too many others are writing the same streams{lost}")))
    }

    /// Whether the streams a decision has read are still at the versions it read.
    async fn unchanged<R>(&self, append: &Append) -> Result<bool, BusError<R>> {
        for (stream, version) in &append.expect {
            let later =
                self.journal.read_stream(stream, *version, 1).await.map_err(|error| BusError::from_journal(&error))?;
            if !later.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use muniment_aggregates::account::{EndSessions, OpenSession, RegisterByEmail};
    use muniment_aggregates::ids::PersonaId;
    use muniment_aggregates::note::{Note, NoteRefusal};
    use muniment_aggregates::record::Position;
    use muniment_aggregates::seal_context::SealContext;
    use muniment_aggregates::session::SessionKind;
    use muniment_aggregates::subject::{Erase, SubjectRefusal};
    use muniment_journal::JournalLimits;

    use super::*;
    use crate::runtime::{Clock, fresh};

    #[actix::test]
    async fn what_rests_on_a_subject_that_is_erased_meanwhile_is_not_recorded() {
        let (bus, _folder) = fresh::bus().await;
        let (bus, origin) = (&bus, &Origin::system("test", "test", None));
        let subject = &bus.journal().keyring().new_subject().await.expect("a subject");
        let mut is_erased = false;
        let decided = bus.transact(origin, async |tx| {
            tx.rest_on(subject).await?;
            if !std::mem::replace(&mut is_erased, true) {
                let erased = bus.transact(origin, async |tx| {
                    let mut state = tx.load::<Subject, SubjectRefusal>(&subject.0).await?;
                    tx.decide(&mut state, &Erase { reason: "test".to_owned() }.into())?;
                    tx.erase(subject.clone());
                    Ok(())
                });
                erased.await.expect("it is erased");
            }
            let mut late = tx.begin::<Note>("late");
            tx.decide(&mut late, &fresh::note())
        });
        let refused = decided.await.expect_err("it was sealed under a key that is gone");
        assert!(matches!(refused, BusError::<NoteRefusal>::Unavailable(_)), "{refused}");
        assert_eq!(bus.journal().head(), Position(1), "the erasure alone is recorded");
    }

    #[actix::test]
    async fn what_rests_on_a_session_that_ends_meanwhile_is_not_recorded() {
        let (bus, _folder) = fresh::bus().await;
        let (bus, origin) = (&bus, &Origin::system("test", "test", None));
        let (account, session) = (&AccountId("a".to_owned()), &CredentialId("s".to_owned()));
        let keyring = bus.journal().keyring();
        let subject = keyring.new_subject().await.expect("a subject");
        let email = keyring.seal(&subject, &SealContext::mail_body("m"), "a@example.com").await.expect("sealed");
        let persona = PersonaId("p".to_owned());
        let register = RegisterByEmail { username: "ana-first".to_owned(), email, subject, persona, invite: None };
        let open = OpenSession {
            session: session.clone(),
            kind: SessionKind::Founder,
            expires_at: DateTime::<Utc>::MAX_UTC,
            max_sessions: None,
        };
        for command in [register.into(), open.into()] {
            bus.execute::<Account>(&account.0, command, origin).await.expect("it is recorded");
        }
        let mut is_ended = false;
        let decided = bus.transact(origin, async |tx| {
            if !tx.rest_on_credential(account, session).await? {
                return Ok(false);
            }
            if !std::mem::replace(&mut is_ended, true) {
                let end = EndSessions { reason: "test".to_owned() };
                bus.execute::<Account>(&account.0, end.into(), origin).await.expect("they end");
            }
            let mut made = tx.begin::<Note>("made");
            tx.decide(&mut made, &fresh::note()).map(|_| true)
        });
        assert!(!decided.await.expect("it is answered").value, "it outlives the session");
    }

    #[tokio::test]
    async fn a_decision_too_large_for_one_append_is_told_from_a_record_that_cannot_be_written_now() {
        let limits = JournalLimits { append_events_max: 3, ..JournalLimits::default() };
        let (journal, _folder) = fresh::journal(limits).await;
        let bus = CommandBus::new(journal, Clock::system(), Arc::from([]));
        let origin = Origin::system("test", "test", None);
        let many = async |count: usize| {
            let decided = bus.transact(&origin, async |tx| {
                for number in 0..count {
                    let mut note = tx.begin::<Note>(&format!("{count}-{number}"));
                    tx.decide(&mut note, &fresh::note())?;
                }
                Ok::<_, BusError<NoteRefusal>>(())
            });
            decided.await
        };
        assert!(many(3).await.is_ok());
        assert!(matches!(many(4).await, Err(BusError::TooLarge(why)) if why.contains("more than 3")));
    }
}
