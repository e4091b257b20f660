//! Watches over all readers of a node from outside their connections: confirms the head while somebody reads,
//! reports how many read and how far they lag, and sets the deadline that holds where no timer of ours runs.

use std::any::Any;
use std::sync::Weak;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

use super::hub::Hub;
use super::limits;

/// Runs until the hub is gone.
pub(crate) async fn watch_over(hub: Weak<Hub>) {
    let sockets = metrics::gauge!("muniment_live_sockets");
    let lag = metrics::gauge!("muniment_live_cursor_lag_events");
    let mut every = tokio::time::interval(limits::CONFIRM_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        every.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        let (readers, slowest) = hub.registry.census();
        // A head that cannot be confirmed stops the readers by itself.
        let _confirmed = hub.confirm().await;
        let behind = slowest.map_or(0, |position| hub.head().0.saturating_sub(position.0));
        sockets.set(f64::from(u32::try_from(readers).unwrap_or(u32::MAX)));
        lag.set(f64::from(u32::try_from(behind).unwrap_or(u32::MAX)));
    }
}

/// For `HttpServer::on_connect`: an accepted connection whose peer acknowledges nothing, or keeps its window closed,
/// for [`limits::TCP_USER_TIMEOUT`] is ended by the kernel. Actor timers cannot do this: a socket actor is the body
/// of its response, and a body that cannot be written is not polled.
pub fn on_connect(io: &dyn Any, _extensions: &mut Extensions) {
    let Some(stream) = io.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(limits::TCP_KEEPALIVE).with_interval(limits::PONG_WITHIN);
    // A frame that waits for the acknowledgement of the one before it is up to 40 ms late.
    let outcome = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| deadline(&socket));
    if let Err(error) = outcome {
        tracing::warn!(%error, "no TCP deadline on a connection; a jammed reader is found by its pings only");
    }
}

#[cfg(target_os = "linux")]
fn deadline(socket: &SockRef<'_>) -> std::io::Result<()> {
    socket.set_tcp_notsent_lowat(limits::TCP_UNSENT_BYTES)?;
    socket.set_tcp_user_timeout(Some(limits::TCP_USER_TIMEOUT))
}

#[cfg(not(target_os = "linux"))]
fn deadline(_socket: &SockRef<'_>) -> std::io::Result<()> {
    Ok(())
}
