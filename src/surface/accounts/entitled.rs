//! The gate of roles once more, inside the decision. A request passed it when it came in; what it decides is recorded later, and
//! in between the role may be taken away. So the caller's own book is among the states the decision is taken on, and
//! nothing of a caller is recorded behind the event that ended his right to it.

use muniment_aggregates::offer_book::OfferBook;

use super::failure::ApiFailure;
use super::rpc::Call;
use crate::runtime::command_bus::Hosted;
use crate::runtime::transaction::{Loaded, Transaction};
use crate::runtime::{BusError, Done, Origin};
use crate::surface::Surface;

impl Surface {
    /// The caller's book, in which the persona holds one of the roles that the method asks for. The append that follows
    /// holds only while that book is as it is here.
    pub(super) async fn entitled(
        &self,
        tx: &mut Transaction<'_>,
        call: &Call<'_>,
    ) -> Result<Loaded<OfferBook>, BusError<Box<ApiFailure>>> {
        let own = tx.load::<OfferBook, Box<ApiFailure>>(&call.caller.account.0).await?;
        let (persona, now) = (&call.persona()?.persona.id, tx.facts.now);
        let holds = |role: &&str| own.state.active_grant(persona, role, None, now).is_some();
        let roles = call.method.access.roles();
        if roles.iter().any(holds) { Ok(own) } else { Err(ApiFailure::role(roles).into()) }
    }

    /// Has one aggregate, which is no book of offers, decide a command of a caller who is entitled to it at that moment.
    pub(super) async fn execute_entitled<D: Hosted>(
        &self,
        call: &Call<'_>,
        id: &str,
        command: impl Into<D::Command>,
        origin: &Origin,
        refuse: impl Fn(D::Refusal) -> ApiFailure,
    ) -> Result<Done<D::Event>, BusError<Box<ApiFailure>>> {
        let command = command.into();
        let committed = self
            .runtime
            .bus
            .transact(origin, async |tx| {
                self.entitled(tx, call).await?;
                let mut loaded = tx.load::<D, Box<ApiFailure>>(id).await?;
                tx.decide(&mut loaded, &command).map_err(|error| error.map_refusal(|refusal| Box::new(refuse(refusal))))
            })
            .await?;
        let recorded_at = committed.appended.map_or_else(|| self.runtime.clock.now(), |appended| appended.recorded_at);
        let position = committed.appended.map(|appended| appended.last);
        Ok(Done { position, events: committed.value, recorded_at })
    }
}
