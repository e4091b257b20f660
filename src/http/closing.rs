//! A connection that is to be closed carries no further request (RFC 9112 section 9.6). The HTTP library reads what a
//! client sent behind such a request and would run it, also what stands behind a body that was refused as too long.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, SizedStream};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Bytes;
use futures_util::stream;

/// How long an answer that went before may take to leave, once something stands behind it that is never answered.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Whether the connection is to be closed; one for all of its requests.
#[derive(Debug, Clone, Default)]
pub struct Closing(Rc<Cell<bool>>);

impl Closing {
    /// That of a request's connection.
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Self {
        request.conn_data::<Self>().cloned().unwrap_or_default()
    }

    /// Whether an earlier request or its answer was the last.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.0.get()
    }

    /// Notes whether this request or its answer is the last of the connection.
    pub fn note(&self, asked: ConnectionType, response: &ServiceResponse<BoxBody>) {
        let is_last =
            asked == ConnectionType::Close || response.response().head().connection_type() == ConnectionType::Close;
        self.0.set(self.0.get() || is_last);
    }
}

/// For `HttpServer::on_connect`: what the requests of a connection share.
pub fn begin(connection: &mut Extensions) {
    connection.insert(Closing::default());
}

/// Ends the connection instead of an answer: a body that fails is how the library is told to.
pub async fn end(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    tokio::time::sleep(LEAVE_WITHIN).await;
    // The library logs it as an error of the body.
    let none =
        stream::once(async { Err::<Bytes, _>(std::io::Error::other("behind the last request of a connection")) });
    let response = HttpResponse::build(StatusCode::BAD_REQUEST).force_close().body(SizedStream::new(1, Box::pin(none)));
    request.into_response(response)
}
