//! What calls of other servers have in common.

use std::net::IpAddr;

use reqwest::{ClientBuilder, Url};

/// A client of the server at this URL. A proxy of the environment is not asked for a server on this machine: it would see
/// tokens in clear, and answer for another machine or not at all.
pub fn client_of(server: &Url) -> ClientBuilder {
    // Another part of the program may have chosen the same provider already; either way there is one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder();
    if is_here(server) { builder.no_proxy() } else { builder }
}

fn is_here(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        let is_here = |url: &str| is_here(&Url::parse(url).expect(url));
        for here in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080/x",
            "http://localhost",
            "http://LOCALHOST:1",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in
            ["http://10.0.0.1", "https://localhost.example.com", "http://[2001:db8::1]", "http://example.com/127.0.0.1"]
        {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
