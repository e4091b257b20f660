//! What a request proves itself by, read once for every surface, and the gates before any credential: from which site
//! it comes and what its body is (spec/accounts-and-offers.md section 8.1).

use std::fmt;
use std::net::IpAddr;

use cookie::Cookie;

use super::Surface;
use super::accounts::failure::RestFailure;
use super::errors::V1Error;

/// The header of the daemon token.
const DAEMON_TOKEN: &str = "x-daemon-token";

/// What a request proves itself by, and what else its headers say of where it comes from. The proofs cannot be printed.
#[derive(Clone, Default)]
pub struct Presented {
    /// Every `Origin` header; `None` for one that is no text.
    pub origins: Vec<Option<String>>,
    /// The browser says that a page of another site sent it.
    pub is_cross_site: bool,
    /// It says that its body is no JSON, or it has one and does not say what it is.
    pub is_not_json: bool,
    /// It says that its body is JSON.
    pub says_json: bool,
    /// Whether a `Referer` header is there, even empty.
    pub has_referer: bool,
    /// Every `Host` header.
    pub hosts: Vec<Option<String>>,
    /// Whether there are cookies, ours or others.
    pub has_cookies: bool,
    /// Every value of the session's cookie.
    pub cookies: Vec<String>,
    /// Every `Authorization` header.
    pub authorization: Vec<Option<String>>,
    /// Every `X-Daemon-Token` header.
    pub daemon_tokens: Vec<Option<String>>,
    /// Whether the request came through a proxy.
    pub is_forwarded: bool,
    /// The peer of the connection itself.
    pub peer: Option<IpAddr>,
    /// Whom the request comes from, behind trusted proxies.
    pub client: Option<IpAddr>,
    /// Correlation id.
    pub correlation: String,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("cookies", &self.cookies.len())
            .field("authorization", &self.authorization.len())
            .field("daemon_tokens", &self.daemon_tokens.len())
            .field("client", &self.client)
            .field("correlation", &self.correlation)
            .finish_non_exhaustive()
    }
}

/// Whether a `Content-Type` is that of JSON, whatever its parameters.
fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

impl Presented {
    /// Whether a browser sent it.
    pub(super) fn is_from_a_browser(&self) -> bool {
        !self.origins.is_empty() || self.has_referer
    }

    /// Whether it names this machine by an address or name that never leaves it, and came through no proxy. A page whose
    /// name was made to mean this machine says its own name.
    #[must_use]
    pub fn is_called_locally(&self) -> bool {
        let is_local = |host: &str| {
            let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
        };
        let names_this_machine = matches!(self.hosts.as_slice(), [Some(host)] if is_local(host));
        let says_no_origin = self.has_referer && self.origins.is_empty();
        names_this_machine && !self.is_forwarded && !says_no_origin
    }
}

impl Surface {
    /// What a request proves itself by, from its headers as they came.
    #[must_use]
    pub fn presented<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        peer: Option<IpAddr>,
        correlation: &str,
    ) -> Presented {
        let mut presented = Presented { peer, correlation: correlation.to_owned(), ..Presented::default() };
        let mut forwarded = Vec::new();
        let (mut has_body, mut first_type) = (false, None);
        for (name, value) in headers {
            let text = || std::str::from_utf8(value).ok().map(str::to_owned);
            match name {
                "origin" => presented.origins.push(text()),
                "host" => presented.hosts.push(text()),
                "referer" => presented.has_referer = true,
                "sec-fetch-site" => presented.is_cross_site |= value.eq_ignore_ascii_case(b"cross-site"),
                "content-type" => {
                    let is_json = is_json(value);
                    first_type.get_or_insert(is_json);
                    presented.is_not_json |= !is_json;
                }
                "content-length" => has_body |= value.trim_ascii() != b"0",
                "transfer-encoding" => has_body = true,
                "authorization" => presented.authorization.push(text()),
                DAEMON_TOKEN => presented.daemon_tokens.push(text()),
                "cookie" => {
                    presented.has_cookies = true;
                    // Another program's cookie that is no text must not hide ours, which is.
                    let pairs = Cookie::split_parse(String::from_utf8_lossy(value).into_owned()).flatten();
                    let own = pairs.filter(|cookie| cookie.name() == self.cookies.name());
                    presented.cookies.extend(own.map(|cookie| cookie.value().to_owned()));
                }
                "x-forwarded-for" => {
                    presented.is_forwarded = true;
                    // Proxies append to what the client sent: where that is no text, it is a malformed entry like others.
                    forwarded.push(String::from_utf8_lossy(value));
                }
                // What proxies leave of themselves by other names says nothing of the client.
                "forwarded" | "via" | "x-real-ip" => presented.is_forwarded = true,
                other => presented.is_forwarded |= other.starts_with("x-forwarded-"),
            }
        }
        presented.is_not_json |= has_body && first_type.is_none();
        presented.says_json = first_type == Some(true);
        let lines: Vec<&str> = forwarded.iter().map(AsRef::as_ref).collect();
        presented.client = self.trusted_proxies.client(peer, &lines);
        presented
    }

    /// Refuses what another site's page sent: by its origin, or by the browser's own word where there is no origin
    /// (security catalogue H1, H2).
    ///
    /// # Errors
    /// 403 `forbidden_origin`.
    pub fn check_origin(&self, presented: &Presented) -> Result<(), RestFailure> {
        match presented.origins.as_slice() {
            [] if presented.is_cross_site => Err(RestFailure::new(403, "forbidden_origin")),
            [] => Ok(()),
            [Some(origin)] if self.origins.iter().any(|pattern| pattern.matches(origin)) => Ok(()),
            [_, ..] => Err(RestFailure::new(403, "forbidden_origin")),
        }
    }

    /// Refuses a body of another kind than JSON, or of a kind that is not named, beside a cookie: what a page of another
    /// site can send without being asked first (security catalogue H4). Tokens are sent by nobody unasked.
    ///
    /// # Errors
    /// 415 `unsupported_media_type`.
    pub fn check_media_type(&self, presented: &Presented) -> Result<(), RestFailure> {
        let is_by_cookie = !presented.cookies.is_empty();
        if is_by_cookie && presented.is_not_json {
            Err(RestFailure::new(415, "unsupported_media_type"))
        } else {
            Ok(())
        }
    }

    /// What a POST to `/v1` by cookie must be: JSON, which no form of another site can send, even without a body.
    ///
    /// # Errors
    /// 415 `unsupported_media_type`.
    pub(super) fn require_json(presented: &Presented) -> Result<(), V1Error> {
        if presented.says_json {
            return Ok(());
        }
        Err(V1Error::refuse(415, "unsupported_media_type", "With a cookie the body must be application/json."))
    }

    /// Refuses a page of another origin that opens `/v1/live` with cookies: sockets are not covered by CORS. Unlike
    /// [`Surface::check_origin`] it needs an origin to be named, and the server's own always may.
    ///
    /// # Errors
    /// 403 `forbidden_origin`.
    pub fn check_socket_origin(&self, presented: &Presented) -> Result<(), V1Error> {
        let is_allowed = !presented.origins.is_empty() && self.check_origin(presented).is_ok();
        if !presented.has_cookies || is_allowed {
            return Ok(());
        }
        let first = |texts: &[Option<String>]| texts.first().cloned().flatten();
        let origin = first(&presented.origins);
        let authority = origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        match (authority, first(&presented.hosts)) {
            (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(&host) => Ok(()),
            _ => Err(V1Error::refuse(403, "forbidden_origin", "This origin may not open a socket here.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::surface::accounts::caller::Authenticated;
    use crate::surface::accounts::rest::RestReply;
    use crate::surface::accounts::rpc::RpcReply;
    use crate::surface::accounts::schema::{Kind, check, required};

    #[test]
    fn k1_what_bears_a_secret_is_printed_without_it() {
        const SECRET: &str = "horse-battery";
        let secret = || Some(SECRET.to_owned());
        let presented = Presented {
            cookies: vec![SECRET.to_owned()],
            authorization: vec![secret()],
            daemon_tokens: vec![secret()],
            ..Presented::default()
        };
        let mut given = Map::new();
        given.insert("password".to_owned(), json!(SECRET));
        let input = check(&[required("password", Kind::GivenPassword)], given).expect("an input");
        let answered = RpcReply {
            status: 200,
            body: json!({ "result": { "token": SECRET } }),
            sent_id: None,
            position: None,
            retry_after_seconds: None,
        };
        let by_cookie = RestReply { set_cookie: secret(), ..RestReply::ok(Value::Null, None) };
        let authenticated = Authenticated { caller: None, set_cookie: secret() };
        let reply = RestReply::from(answered.clone());
        let printed = format!("{presented:?} {input:?} {answered:?} {by_cookie:?} {reply:?} {authenticated:?}");
        assert!(!printed.contains(SECRET), "{printed}");
        assert!(printed.contains("password") && printed.contains("200"), "what is no secret helps: {printed}");
    }
}
