//! Why somebody does not hold a role: never offered, not accepted, fallen away, ended.
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::offer_book::{GrantPath, OfferBookEvent, OfferSuperseded, SupersedeReason};
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;

use super::records::{Evidence, Records, Span};
use super::{Question, Verdict, place, steps};
use crate::runtime::fold::FoldError;

async fn lacking(
    records: &mut Records<'_>,
    account: &AccountId,
    sentence: String,
    proof: Vec<Evidence>,
) -> Result<Verdict, FoldError> {
    Ok(Verdict {
        holds: false,
        account: Some(account.clone()),
        persona: None,
        grant: None,
        sentence,
        proof: steps(records, proof).await?,
    })
}

/// The answer where there is no such account at the moment: not yet, or no longer.
pub(super) async fn of_account(
    records: &mut Records<'_>,
    account: &AccountId,
    question: &Question,
) -> Result<Option<Verdict>, FoldError> {
    let asked = &question.account;
    let Some(birth) = records.birth(account).await? else {
        return Ok(Some(Verdict::unknown(format!("There is no account {asked}."))));
    };
    if birth.position() > question.at {
        let sentence = format!("{asked} was no account yet: it was made at position {}.", birth.position());
        return lacking(records, account, sentence, vec![birth]).await.map(Some);
    }
    let Some(registered) = birth.registered() else { return Ok(None) };
    let erased = records.erased(registered).await?.filter(|event| event.position() <= question.at);
    let Some(erased) = erased else { return Ok(None) };
    let sentence = format!("{asked} holds nothing: the account was erased at position {}.", erased.position());
    lacking(records, account, sentence, vec![birth.clone(), erased]).await.map(Some)
}

/// The answer where an account does not hold the role.
pub(super) async fn of_role(
    records: &mut Records<'_>,
    account: &AccountId,
    question: &Question,
) -> Result<Verdict, FoldError> {
    let book = records.book(account).await?;
    let spans: Vec<Span> = records.grants(account).await?.into_iter().filter(|span| span.from <= question.at).collect();
    let is_asked = |span: &&Span| span.created.role == question.role && span.created.scope == question.scope;
    let ended = spans.iter().rfind(is_asked);
    let made: Vec<&Evidence> = book.iter().filter(|event| is_offer_asked(event, question)).collect();
    let end = ended.map(|span| last_of(span, question));
    let offer = made.last().filter(|made| end.is_none_or(|end| made.position() > end));
    let birth = records.birth(account).await?;
    let name = match &birth {
        Some(_) => records.username(account).await?,
        None => question.account.clone(),
    };
    let (mut reasons, mut proof) = (Vec::new(), Vec::new());
    if let Some(span) = ended {
        proof.extend(book.iter().filter(|event| event.position() == span.from).cloned());
        reasons.push(end_of(records, span, question, &mut proof).await?);
    }
    if let Some(made) = offer {
        reasons.push(fate_of(records, &book, made, question, &mut proof).await?);
    }
    if reasons.is_empty() {
        proof.extend(birth);
        let elsewhere = spans
            .iter()
            .find(|span| span.created.role == question.role && span.holds_before(question.at.next(), question.instant));
        reasons.push(match elsewhere {
            None => "it was never offered or given".to_owned(),
            Some(span) => {
                proof.extend(book.iter().filter(|event| event.position() == span.from).cloned());
                let scope = span.created.scope.as_ref();
                let held = scope.map_or_else(|| " everywhere, which is another grant".to_owned(), |it| place(Some(it)));
                format!("it was never offered or given there, but is held{held}")
            }
        });
    }
    proof.sort_by_key(Evidence::position);
    let (role, place) = (&question.role, place(question.scope.as_ref()));
    let sentence = format!("{name} does not hold {role}{place}: {}.", reasons.join("; then "));
    lacking(records, account, sentence, proof).await
}

fn is_offer_asked(event: &Evidence, question: &Question) -> bool {
    let Some(OfferBookEvent::Made(made)) = event.of_book() else { return false };
    event.position() <= question.at && made.role == question.role && made.scope == question.scope
}

/// The last event of a grant by the moment asked about.
fn last_of(span: &Span, question: &Question) -> Position {
    let end = span.revoked.as_ref().map(Evidence::position).filter(|end| *end <= question.at);
    end.unwrap_or(span.from)
}

/// How a grant that does not hold any more ended.
async fn end_of(
    records: &mut Records<'_>,
    span: &Span,
    question: &Question,
    proof: &mut Vec<Evidence>,
) -> Result<String, FoldError> {
    let held = format!("it was held from position {}", span.from);
    let end = span.revoked.as_ref().filter(|end| end.position() <= question.at);
    let Some((end, revoked)) = end.and_then(|end| end.revoked().map(|revoked| (end, revoked))) else {
        let expired = span.created.expires_at.map(wire::instant);
        return Ok(format!("{held} and ended by itself at {}", expired.unwrap_or_default()));
    };
    proof.push(end.clone());
    let at = end.position();
    let ending = match (revoked.path, &revoked.revoked_by, end.caused_by()) {
        (GrantPath::SelfService, _, _) => format!("its holder gave it back at position {at}"),
        (_, Some(by), Some(account)) => {
            format!("{} revoked it at position {at}", records.name(&account, by).await?)
        }
        (_, Some(by), None) => format!("{by} revoked it at position {at}"),
        (_, None, _) => format!("it was revoked on the server's command line at position {at}"),
    };
    Ok(format!("{held} until {ending}"))
}

/// What became of an offer by the moment asked about.
async fn fate_of(
    records: &mut Records<'_>,
    book: &[Evidence],
    made: &Evidence,
    question: &Question,
    proof: &mut Vec<Evidence>,
) -> Result<String, FoldError> {
    let Some(OfferBookEvent::Made(offer)) = made.of_book() else { return Ok(String::new()) };
    let grantor = records.name(&offer.grantor_account, &offer.grantor).await?;
    let offered = format!("{grantor} offered it at position {}", made.position());
    let mut ends_at = offer.expires_at;
    let mut last = made;
    let same = |event: &&Evidence| event.offer() == Some(&offer.offer) && event.position() <= question.at;
    let mut fate = None;
    for event in book.iter().filter(same) {
        let at = event.position();
        let told = match event.of_book() {
            Some(OfferBookEvent::Refreshed(again)) => {
                ends_at = again.expires_at;
                last = event;
                continue;
            }
            Some(OfferBookEvent::Accepted(_)) => format!("it was accepted at position {at}"),
            Some(OfferBookEvent::Declined(_)) => format!("it was declined at position {at}"),
            Some(OfferBookEvent::Retracted(_)) => format!("{grantor} took the offer back at position {at}"),
            Some(OfferBookEvent::Superseded(superseded)) => format!("{} at position {at}", fallen(superseded)),
            Some(
                OfferBookEvent::Made(_)
                | OfferBookEvent::Lapsed(_)
                | OfferBookEvent::GrantCreated(_)
                | OfferBookEvent::GrantRevoked(_),
            )
            | None => continue,
        };
        fate = Some((event, told));
    }
    proof.push(made.clone());
    if last.position() != made.position() {
        proof.push(last.clone());
    }
    let told = match fate {
        Some((event, told)) => {
            proof.push(event.clone());
            told
        }
        None if ends_at <= question.instant => {
            let noted = book.iter().filter(same).filter(|event| event.position() > last.position());
            proof.extend(noted.cloned());
            format!("nobody accepted before it lapsed at {}", wire::instant(ends_at))
        }
        None => "nobody has answered".to_owned(),
    };
    Ok(format!("{offered}, and {told}"))
}

fn fallen(superseded: &OfferSuperseded) -> String {
    match superseded.reason {
        SupersedeReason::SiblingAccepted => "the offer fell away because another one was accepted".to_owned(),
        SupersedeReason::RoleGrantRevoked => "the offer fell away because the role was revoked".to_owned(),
        SupersedeReason::ScopeDestroyed => "the offer fell away because its scope was destroyed".to_owned(),
    }
}
