//! Whom a request comes from (accounts-and-offers.md section 8.2): the peer, or, behind trusted proxies, the
//! rightmost address in `X-Forwarded-For` that is not one of them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// Whether the operator was told that they may be too many. Once is enough: it is said of every such request.
    has_warned: AtomicBool,
}

impl TrustedProxies {
    /// Those in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self { networks, has_warned: AtomicBool::new(false) }
    }

    /// Resolves the client's address. `forwarded` holds the header's lines in order.
    #[must_use]
    pub fn client(&self, peer: Option<IpAddr>, forwarded: &[&str]) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.hold(peer) {
            return Some(peer);
        }
        let hops: Vec<IpAddr> = forwarded
            .iter()
            .flat_map(|line| line.split(','))
            .filter_map(|hop| hop.trim().parse::<IpAddr>().ok())
            .map(|hop| hop.to_canonical())
            .collect();
        if let Some(client) = hops.iter().rev().find(|hop| !self.hold(**hop)) {
            return Some(*client);
        }
        let Some(leftmost) = hops.first() else { return Some(peer) };
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                client = %leftmost,
                "every address of a request's X-Forwarded-For is a trusted proxy, so the leftmost counts as its client: \
                 does http.trusted_proxies name more than the proxies?"
            );
        }
        Some(*leftmost)
    }

    fn hold(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// One client as limits count it: an IPv4 address, or the /64 of an IPv6 one, of which whoever has it may pick any. Addresses
/// of IPv4 in IPv6 form are IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientPrefix(IpAddr);

impl ClientPrefix {
    /// The prefix of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

/// As what is counted is kept under it. Never another form: what was counted would be forgotten.
impl fmt::Display for ClientPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(peer: &str, forwarded: &[&str]) -> String {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        trusted.client(peer.parse().ok(), forwarded).expect("an address").to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed_and_only_its_last_untrusted_hop() {
        assert_eq!(resolved("192.0.2.9", &["127.0.0.1"]), "192.0.2.9");
        assert_eq!(resolved("10.0.0.1", &["203.0.113.7, 198.51.100.2", "10.0.0.2"]), "198.51.100.2");
        assert_eq!(resolved("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(resolved("10.0.0.1", &["unknown, 1.2.3.4:80, [::1]:8080"]), "10.0.0.1");
        assert_eq!(resolved("::ffff:10.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn acc_192_addresses_have_one_form() {
        for (written, form) in [
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("::ffff:1", "::ffff:1"),
            ("::ffff:c633:6407", "198.51.100.7"),
            ("0:0:0:0:0:FFFF:198.51.100.7", "198.51.100.7"),
        ] {
            assert_eq!(resolved("10.0.0.1", &[written]), form);
            assert_eq!(resolved("10.0.0.1", &[form]), form, "its form is its own form");
        }
        for nobody in ["", " ", ",", "1.2.3.4\n5", "a:b", "[::1]", "1.2.3.4:80", "01.2.3.4"] {
            assert_eq!(resolved("10.0.0.1", &[nobody]), "10.0.0.1", "{nobody:?}");
        }
        assert_eq!(resolved("a00::1", &["203.0.113.7"]), "a00::1", "a network of IPv4 holds no address of IPv6");
    }
}
