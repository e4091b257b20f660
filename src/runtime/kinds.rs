//! From the first word of a stream's name to the aggregate whose stream it is.

use std::future::Future;

use muniment_aggregates::account::Account;
use muniment_aggregates::application::Application;
use muniment_aggregates::attempt::Attempt;
use muniment_aggregates::challenge::Challenge;
use muniment_aggregates::decider::Decider;
use muniment_aggregates::invite::Invite;
use muniment_aggregates::metric::Metric;
use muniment_aggregates::note::Note;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::roster::Roster;
use muniment_aggregates::scheduler::Scheduler;
use muniment_aggregates::scope::Scope;
use muniment_aggregates::session::Session;
use muniment_aggregates::settings::Settings;
use muniment_aggregates::subject::Subject;

/// The first words of streams.
pub const KINDS: [&str; 14] = [
    Account::TYPE,
    Application::TYPE,
    Attempt::TYPE,
    Challenge::TYPE,
    Invite::TYPE,
    Metric::TYPE,
    Note::TYPE,
    OfferBook::TYPE,
    Roster::TYPE,
    Scheduler::TYPE,
    Scope::TYPE,
    Session::TYPE,
    Settings::TYPE,
    Subject::TYPE,
];

/// What is done alike with a stream of any aggregate.
pub trait OfAnyKind {
    /// What comes of it.
    type Output;

    /// Does it with a stream of this aggregate.
    fn with<D: Decider>(self) -> impl Future<Output = Self::Output>;
}

/// Does it with a stream of the aggregate of this name; `None` where there is no such aggregate.
pub async fn of_kind<W: OfAnyKind>(kind: &str, work: W) -> Option<W::Output> {
    Some(match kind {
        Account::TYPE => work.with::<Account>().await,
        Application::TYPE => work.with::<Application>().await,
        Attempt::TYPE => work.with::<Attempt>().await,
        Challenge::TYPE => work.with::<Challenge>().await,
        Invite::TYPE => work.with::<Invite>().await,
        Metric::TYPE => work.with::<Metric>().await,
        Note::TYPE => work.with::<Note>().await,
        OfferBook::TYPE => work.with::<OfferBook>().await,
        Roster::TYPE => work.with::<Roster>().await,
        Scheduler::TYPE => work.with::<Scheduler>().await,
        Scope::TYPE => work.with::<Scope>().await,
        Session::TYPE => work.with::<Session>().await,
        Settings::TYPE => work.with::<Settings>().await,
        Subject::TYPE => work.with::<Subject>().await,
        _ => return None,
    })
}
