//! The first account of an installation (spec/accounts-and-offers.md section 3.9): whoever can put a token into a file
//! of the server becomes its keeper, once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use muniment_aggregates::account::{Account, Via};
use muniment_aggregates::ids::GrantId;
use muniment_aggregates::offer_book::{GrantDirectly, GrantPath, OfferBook, OfferBookCommand};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::roster::{Found, KEEPER, LASTING_ROLES, ROSTER_ID, Roster, RosterCommand, RosterRefusal};
use muniment_projections::accounts;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code, RestFailure};
use super::login::Requester;
use super::offers::{admit_new_holders, refused};
use super::rest::RestReply;
use super::schema::Input;
use super::signup::NewAccount;
use crate::config::accounts::{AccountsConfig, BootstrapMode};
use crate::runtime::BusError;
use crate::surface::Surface;
use crate::surface::limits::{Window, client_prefix};

/// Refusals that leave a row and count against the address. Where the server could not do it, or what came of it is not
/// known, whoever has the right token is not kept out.
const REFUSALS: [&str; 3] = ["invalid_token", "token_file_missing", "already_bootstrapped"];
/// The event that ends it by what it is for.
const FOUNDED: &str = "roster.founded";
/// The one that ends it by another door: only the first account can be made here.
const REGISTERED: &str = "account.registered";

/// Says what the operator would otherwise learn from a refusal alone, and how an installation without a keeper gets one.
fn warn_of_another_first() {
    tracing::warn!(
        "an account exists, so the bootstrap makes none any more; without a keeper, `muniment role grant <account> keeper` \
         on the server's machine makes one"
    );
}

/// Whether the first account can be made now.
#[derive(Debug)]
pub struct Bootstrap {
    mode: BootstrapMode,
    token_path: Option<PathBuf>,
    /// Opens at the start at most, and closes for good.
    available: Arc<AtomicBool>,
}

impl Bootstrap {
    /// Closed; [`Surface::open_bootstrap`] opens it where it may.
    #[must_use]
    pub fn closed(config: &AccountsConfig) -> Self {
        Self { mode: config.bootstrap, token_path: config.bootstrap_token_path.clone(), available: Arc::default() }
    }

    /// Whether the route is there at all.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        self.mode != BootstrapMode::Disabled
    }

    /// Whether the first account can be made now.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.available.store(false, Ordering::Release);
    }
}

fn already_bootstrapped() -> ApiFailure {
    ApiFailure::because(Code::Forbidden, "already_bootstrapped", "The first account cannot be made here any more.")
}

impl Surface {
    /// Opens the window where it may be open: a live mode, a token that is there, and nobody yet.
    ///
    /// # Errors
    /// When the record cannot be asked.
    pub async fn open_bootstrap(&self) -> Result<(), ApiFailure> {
        let Some(path) = self.bootstrap.token_path.as_ref().filter(|_| self.bootstrap.mode == BootstrapMode::Live)
        else {
            return Ok(());
        };
        if !path.is_file() {
            return Ok(());
        }
        // Open before it is looked who is there: whatever closes it meanwhile counts.
        self.bootstrap.available.store(true, Ordering::Release);
        let available = Arc::clone(&self.bootstrap.available);
        self.runtime.journal.on_publish(Arc::new(move |events| {
            // By whichever node.
            let has = |event_type: &str| events.iter().any(|event| &*event.event_type == event_type);
            let is_founded = has(FOUNDED);
            if !is_founded && !has(REGISTERED) {
                return;
            }
            let was_open = available.swap(false, Ordering::AcqRel);
            if was_open && !is_founded {
                warn_of_another_first();
            }
        }));
        if self.is_inhabited().await? {
            let was_open = self.bootstrap.available.swap(false, Ordering::AcqRel);
            let roster = self.runtime.bus.state::<Roster>(ROSTER_ID).await.map_err(ApiFailure::from_bus)?.state;
            if was_open && roster.holders(KEEPER).next().is_none() {
                warn_of_another_first();
            }
            return Ok(());
        }
        tracing::warn!("the first account can be made by whoever has the bootstrap token");
        Ok(())
    }

    async fn is_inhabited(&self) -> Result<bool, ApiFailure> {
        let roster = self.runtime.bus.state::<Roster>(ROSTER_ID).await.map_err(ApiFailure::from_bus)?.state;
        if roster.is_founded() {
            return Ok(true);
        }
        self.runtime.reads.catch_up(&["accounts"]).await?;
        Ok(accounts::is_any(self.runtime.reads.store()).await?)
    }

    /// `POST /api/account/bootstrap`.
    pub(super) async fn bootstrap(&self, input: &Input, from: &Requester<'_>) -> Result<RestReply, RestFailure> {
        let path = self.bootstrap.token_path.as_ref().filter(|_| self.bootstrap.is_available());
        let path = path.ok_or_else(already_bootstrapped)?;
        let (address, limit) = (client_prefix(from.client), self.limits.bootstrap_ip);
        let by_address =
            self.windows.enter(Window::BootstrapAddress, &address, limit).await.map_err(ApiFailure::limited)?;
        let outcome = match self.check_token(path, input.text("token")).await {
            Ok(()) => self.found_installation(input, from).await,
            Err(fail) => Err(fail),
        };
        match outcome {
            Ok((reply, position)) => {
                self.bootstrap.close();
                if let Err(error) = tokio::fs::remove_file(path).await {
                    tracing::error!(path = %path.display(), %error, "the bootstrap token could not be deleted; delete it");
                    return Err(ApiFailure::fault("the bootstrap token could not be deleted").on_rest());
                }
                tracing::info!(position = ?position, "the installation has its first account");
                Ok(reply)
            }
            Err(fail) => {
                if let Some(reason) = fail.reason.filter(|reason| REFUSALS.contains(reason)) {
                    by_address.failed().await.map_err(ApiFailure::limited)?;
                    let subject = self.client_subject().await?;
                    let origin = self
                        .origin_of(Who::Anonymous, &subject, from.client, "http", "bootstrap", from.correlation)
                        .await?;
                    self.record_refusal(RefusedAttempt::of("bootstrap").with("error", reason), &subject, &origin)
                        .await?;
                }
                Err(fail.on_rest())
            }
        }
    }

    async fn check_token(&self, path: &std::path::Path, given: &str) -> Result<(), ApiFailure> {
        let Ok(stored) = tokio::fs::read_to_string(path).await else {
            // Nobody may write failure rows for ever by a file that is gone.
            self.bootstrap.close();
            return Err(ApiFailure::because(
                Code::NotFound,
                "token_file_missing",
                "The bootstrap token cannot be read.",
            ));
        };
        let stored = stored.trim();
        let is_right: bool = stored.as_bytes().ct_eq(given.as_bytes()).into();
        if is_right && !stored.is_empty() {
            return Ok(());
        }
        Err(ApiFailure::because(Code::Unauthenticated, "invalid_token", "This is not the bootstrap token."))
    }

    async fn found_installation(
        &self,
        input: &Input,
        from: &Requester<'_>,
    ) -> Result<(RestReply, Option<Position>), ApiFailure> {
        let begun = Instant::now();
        let new = self.new_account(input.text("username"), None, input.text("password")).await?;
        let origin = self.session_origin(&new.id, &new.subject, &new.session.id, from, "bootstrap").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let mut roster = tx.load::<Roster, Box<ApiFailure>>(ROSTER_ID).await?;
                let found = Found { account: new.id.clone(), persona: new.persona.clone() };
                tx.decide(&mut roster, &RosterCommand::Found(found)).map_err(|error| {
                    error.map_refusal(|refusal| {
                        Box::new(match refusal {
                            RosterRefusal::AlreadyFounded => already_bootstrapped(),
                            RosterRefusal::LastHolder { .. } => ApiFailure::fault(refusal),
                        })
                    })
                })?;
                self.first_account(tx, &new, roster).await
            })
            .await
            .map_err(ApiFailure::from)?;
        tracing::debug!(seconds = begun.elapsed().as_secs_f64(), "the first account was made");
        let position = committed.appended.map(|appended| appended.last);
        let body = json!({
            "ok": true,
            "account": { "id": new.id, "username": new.username },
            "actor": { "id": new.persona },
        });
        let mut reply = RestReply::ok(body, position);
        reply.set_cookie = Some(self.cookies.issue(&new.session.raw, self.runtime.clock.now()));
        Ok((reply, position))
    }

    async fn first_account(
        &self,
        tx: &mut crate::runtime::transaction::Transaction<'_>,
        new: &NewAccount,
        mut roster: crate::runtime::transaction::Loaded<Roster>,
    ) -> Result<(), BusError<Box<ApiFailure>>> {
        if self.is_inhabited().await? {
            return Err(already_bootstrapped().into());
        }
        tx.rest_on(&new.subject).await?;
        let mut account = tx.begin::<Account>(&new.id.0);
        tx.decide(&mut account, &new.command(Via::Bootstrap, None)).map_err(BusError::unexpected)?;
        let mut book = tx.begin::<OfferBook>(&new.id.0);
        for role in LASTING_ROLES {
            let grant = OfferBookCommand::GrantDirectly(GrantDirectly {
                grant: GrantId(Uuid::new_v4().to_string()),
                persona: new.persona.clone(),
                role: role.to_owned(),
                scope: None,
                path: GrantPath::Bootstrap,
                expires_at: None,
            });
            let events = tx.decide(&mut book, &grant).map_err(refused)?;
            admit_new_holders(tx, &mut roster, &new.id, &events)?;
        }
        self.start_session(tx, &mut account, &new.id, &new.session.id)
    }
}
