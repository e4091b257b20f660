//! The OpenAPI document and a page that lists routes and methods and lets one try them. Nothing is fetched from
//! elsewhere.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::surface::Surface;
use crate::transport::JSON;

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
        .route("/docs/page.css", web::get().to(style))
        .route("/docs/page.css", web::head().to(style));
    for (path, script) in SCRIPTS {
        let answer = move || async move { HttpResponse::Ok().content_type(JAVASCRIPT).body(script) };
        config.route(path, web::get().to(answer)).route(path, web::head().to(answer));
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SCRIPTS: [(&str, &str); 3] = [
    ("/docs/page.js", include_str!("static/page.js")),
    ("/docs/call.js", include_str!("static/call.js")),
    ("/docs/socket.js", include_str!("static/socket.js")),
];

async fn document(surface: web::Data<Surface>) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(surface.openapi())
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(include_str!("static/page.html"))
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("static/page.css"))
}
