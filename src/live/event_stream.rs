//! The answer that server-sent events go out in. Its body is pulled piece by piece, so a client that does not read holds up
//! nobody but itself.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, ContentEncoding};
use bytes::Bytes;

/// Something whose events are sent one piece after the other.
pub(super) trait Pieces: Sized + 'static {
    /// The next piece of the body; waits for it.
    fn next(self) -> impl Future<Output = Option<(String, Self)>>;
}

/// A response with these pieces, that no cache keeps and no proxy collects.
pub(super) fn respond(content_type: &'static str, pieces: impl Pieces) -> HttpResponse {
    let body = futures_util::stream::unfold(pieces, |pieces| async {
        pieces.next().await.map(|(text, pieces)| (Ok::<_, actix_web::Error>(Bytes::from(text)), pieces))
    });
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .insert_header(ContentEncoding::Identity)
        .streaming(body)
}
