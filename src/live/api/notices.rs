//! Notifications (spec/accounts-and-offers.md section 7): what happened to an offer or a role, to the sockets of whom it
//! concerns. After the record only, at most once; the inbox is the truth.

use std::sync::Arc;

use muniment_aggregates::catalog::decode_recorded;
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{AccountId, OfferId};
use muniment_aggregates::offer_book::{GrantPath, Offer, OfferBook, OfferBookEvent, OfferStatus};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_aggregates::seal_context::AnyOf;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::registry::ApiRegistry;
use crate::surface::Surface;
use crate::telemetry::figures::NOTICES_LOST;

/// Events that may wait to be told: the largest step there may be and what comes beside it. Past that some are not, which the
/// inbox makes good.
const WAITING_MAX: usize = 32_768;

/// Joins the journal's publish hook and tells what it brings, as long as the surface lives.
pub(super) fn start(surface: &Arc<Surface>, registry: &Arc<ApiRegistry>) {
    let (waiting, mut offers) = mpsc::channel::<Arc<RecordedEvent>>(WAITING_MAX);
    let listening = Arc::downgrade(registry);
    surface.runtime.journal.on_publish(Arc::new(move |events: &[Arc<RecordedEvent>]| {
        let Some(registry) = listening.upgrade() else { return };
        registry.published(events);
        let of_offers = events.iter().filter(|event| &*event.stream.kind == OfferBook::TYPE);
        let mut untold = of_offers.filter(|event| waiting.try_send(Arc::clone(event)).is_err());
        if let Some(first) = untold.next() {
            lost(first.position, untold.count().saturating_add(1), "too many wait to be told");
        }
    }));
    let (surface, registry) = (Arc::downgrade(surface), Arc::downgrade(registry));
    tokio::spawn(async move {
        while let Some(event) = offers.recv().await {
            let (Some(surface), Some(registry)) = (surface.upgrade(), registry.upgrade()) else { return };
            if let Err(why) = tell(&surface, &registry, &event).await {
                lost(event.position, 1, &why);
            }
        }
    });
}

/// Counts and logs what is told to nobody, or not to every socket; `first` is the event, or the first of so many.
fn lost(first: Position, events: usize, why: &str) {
    metrics::counter!(NOTICES_LOST).increment(u64::try_from(events).unwrap_or(u64::MAX));
    tracing::warn!(position = first.0, events, why, "a notification was not sent");
}

/// Who is notified about an offer, by which method.
enum Addressee {
    Recipient(&'static str),
    Grantor(&'static str),
}

async fn tell(surface: &Surface, registry: &ApiRegistry, event: &RecordedEvent) -> Result<(), String> {
    let decoded = decode_recorded::<OfferBookEvent>(event).map_err(|error| error.to_string())?;
    let account = &*event.stream.id;
    let (offer, addressee, more) = match &decoded {
        OfferBookEvent::Made(it) => (&it.offer, Addressee::Recipient("role_grant_offer_received"), Value::Null),
        OfferBookEvent::Refreshed(it) => (&it.offer, Addressee::Recipient("role_grant_offer_received"), Value::Null),
        OfferBookEvent::Retracted(it) => (&it.offer, Addressee::Recipient("role_grant_offer_retracted"), Value::Null),
        OfferBookEvent::Accepted(it) => (&it.offer, Addressee::Grantor("role_grant_offer_accepted"), Value::Null),
        OfferBookEvent::Declined(it) => (&it.offer, Addressee::Grantor("role_grant_offer_declined"), Value::Null),
        OfferBookEvent::Superseded(it) => {
            let more = json!({ "reason": it.reason.as_str(), "cause_id": it.cause });
            (&it.offer, Addressee::Grantor("role_grant_offer_supersede"), more)
        }
        // Who leaves a role himself need not be told (section 5.2).
        OfferBookEvent::GrantRevoked(revoked) if revoked.path == GrantPath::SelfService => return Ok(()),
        OfferBookEvent::GrantRevoked(revoked) => {
            if registry.has(account) {
                let holder = AccountId(account.to_owned());
                let scope = revoked.scope.as_ref().map(|scope| scope.id.as_str());
                let place = AnyOf::revocation(&holder, &revoked.grant, &revoked.role, scope);
                let reason = surface.opened(&place, revoked.reason.as_ref()).await.map_err(|fail| fail.message)?;
                let params = json!({
                    "role_grant_id": revoked.grant,
                    "role": revoked.role,
                    "scope_id": revoked.scope.as_ref().map(|scope| &scope.id),
                    "reason": reason,
                });
                surface.check_notice("role_grant_revoke", &params);
                return send(registry, account, &frame("role_grant_revoke", &params));
            }
            return Ok(());
        }
        OfferBookEvent::Lapsed(_) | OfferBookEvent::GrantCreated(_) => return Ok(()),
    };
    let (method, recipient) = match addressee {
        Addressee::Recipient(_) if !registry.has(account) => return Ok(()),
        Addressee::Recipient(method) => (method, Some(account)),
        Addressee::Grantor(method) => (method, None),
    };
    let known = as_it_stood(offer_of(surface, account, offer).await?, &decoded);
    let notified = recipient.unwrap_or(&known.grantor_account.0);
    if !registry.has(notified) {
        return Ok(());
    }
    let shown = surface.offer_on_wire(&AccountId(account.to_owned()), &known).await.map_err(|fail| fail.message)?;
    let mut params = json!({ "offer": shown });
    if let (Value::Object(more), Some(params)) = (more, params.as_object_mut()) {
        params.extend(more);
    }
    surface.check_notice(method, &params);
    send(registry, notified, &frame(method, &params))
}

/// Sends a frame to every socket of an account.
fn send(registry: &ApiRegistry, account: &str, frame: &str) -> Result<(), String> {
    match registry.notify(account, frame) {
        0 => Ok(()),
        behind => Err(format!("{behind} sockets do not read what they are sent, and end")),
    }
}

async fn offer_of(surface: &Surface, account: &str, id: &OfferId) -> Result<Offer, String> {
    let book = surface.runtime.bus.state::<OfferBook>(account).await.map_err(|error| error.to_string())?.state;
    book.offer(id).cloned().ok_or_else(|| format!("the offer {id} is not in its book"))
}

/// The offer after an event, which it may have left behind since. What settles an offer is the last that happens to it,
/// so only the events before that need a look back.
fn as_it_stood(offer: Offer, event: &OfferBookEvent) -> Offer {
    let (to_persona, message, expires_at) = match event {
        OfferBookEvent::Made(it) => (&it.to_persona, &it.message, it.expires_at),
        OfferBookEvent::Refreshed(it) => (&it.to_persona, &it.message, it.expires_at),
        OfferBookEvent::Accepted(_)
        | OfferBookEvent::Declined(_)
        | OfferBookEvent::Retracted(_)
        | OfferBookEvent::Superseded(_)
        | OfferBookEvent::Lapsed(_)
        | OfferBookEvent::GrantCreated(_)
        | OfferBookEvent::GrantRevoked(_) => return offer,
    };
    let (to_persona, message) = (to_persona.clone(), message.clone());
    Offer { to_persona, message, expires_at, status: OfferStatus::Pending, ..offer }
}

fn frame(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}
