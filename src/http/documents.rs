//! The OpenAPI document and a page that lists the routes and lets one try them. Nothing is fetched from elsewhere.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;

use crate::surface::openapi;

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(document))
        .route("/openapi.json", web::head().to(document))
        .route("/", web::get().to(page))
        .route("/", web::head().to(page))
        .route("/docs", web::get().to(page))
        .route("/docs", web::head().to(page))
        .route("/docs/page.js", web::get().to(script))
        .route("/docs/page.js", web::head().to(script))
        .route("/docs/page.css", web::get().to(style))
        .route("/docs/page.css", web::head().to(style));
}

/// Written once: anybody may ask for it, and it is large.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi::document().to_string()));

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json; charset=utf-8").body(DOCUMENT.clone())
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(include_str!("static/page.html"))
}

async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("static/page.js"))
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("static/page.css"))
}
