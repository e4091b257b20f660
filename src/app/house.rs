//! Everything that answers requests over one store: the node and the surfaces before it.

use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::web;
use muniment_aggregates::record::Position;

use super::{Node, StartError};
use crate::auth::daemon_token::DaemonToken;
use crate::config::Config;
use crate::http::begun::Left;
use crate::http::{self, Edge};
use crate::live::api::ApiRegistry;
use crate::live::{self, Hub, SurfaceCredentials};
use crate::surface::Surface;

/// A node with its surfaces, running.
pub struct House {
    node: Node,
    rooms: Rooms,
}

/// What the handlers look up of a house. Cheap to clone.
#[derive(Clone)]
pub struct Rooms {
    /// What answers requests.
    pub surface: Arc<Surface>,
    hub: Arc<Hub>,
    sockets: Arc<ApiRegistry>,
    edge: Edge,
}

impl House {
    /// Opens the store and begins what runs on it. Needs a running actix system.
    ///
    /// # Errors
    /// What stands in the way, by kind.
    pub async fn open(config: &Config, daemon_token: Option<Arc<DaemonToken>>) -> Result<Self, StartError> {
        let node = Node::start(config).await?;
        let surface = Surface::new(Arc::clone(&node.runtime), config, daemon_token)?;
        surface.open_bootstrap().await.map_err(|fail| StartError::Bootstrap(fail.message))?;
        let rights = Arc::new(SurfaceCredentials {
            surface: Arc::clone(&surface),
            trusted_proxies: config.http.trusted_proxies.clone(),
        });
        let (journal, clock) = (node.runtime.journal.clone(), node.runtime.clock.clone());
        let hub = Hub::start(journal, rights, clock, config.live.heartbeat);
        let sockets = live::api::start(&surface);
        let edge = Edge {
            body_bytes_max: config.http.body_bytes_max,
            body_time_max: config.http.body_time_max,
            trusted_proxies: config.http.trusted_proxies.clone(),
            left: Left::default(),
            is_production: config.environment.is_production(),
        };
        Ok(Self { node, rooms: Rooms { surface, hub, sockets, edge } })
    }

    /// What the handlers need of it.
    #[must_use]
    pub fn rooms(&self) -> Rooms {
        self.rooms.clone()
    }

    /// The last position it has seen.
    #[must_use]
    pub fn head(&self) -> Position {
        self.node.head()
    }

    /// Closes every socket and stream; whoever was connected may come back.
    pub fn send_away(&self) {
        self.rooms.hub.shutdown();
        self.rooms.sockets.shutdown();
    }

    /// Ends what runs, writes what the journal has taken, closes. No request is answered any more.
    pub async fn close(self) {
        self.node.stop().await;
    }
}

impl Rooms {
    /// Mounts every route, answered from these rooms. The figures must be in the application's data.
    pub fn mount(&self, services: &mut web::ServiceConfig) {
        services
            .app_data(web::Data::from(Arc::clone(&self.hub)))
            .app_data(web::Data::from(Arc::clone(&self.sockets)))
            .configure(live::configure)
            .configure(live::api::configure)
            .configure(|services| http::configure(services, &self.surface, &self.edge));
    }

    /// Answers one request from these rooms instead of those that were mounted.
    pub fn lend(&self, to: &mut Extensions) {
        to.insert(web::Data::from(Arc::clone(&self.surface)));
        to.insert(web::Data::from(Arc::clone(&self.hub)));
        to.insert(web::Data::from(Arc::clone(&self.sockets)));
        to.insert(web::Data::new(self.edge.clone()));
    }
}
