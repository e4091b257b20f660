//! Whom a request comes from (accounts-and-offers.md section 8.2): the peer, or, behind trusted proxies, the
//! rightmost address in `X-Forwarded-For` that is not one of them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Resolves the client's address. `forwarded` holds the header's lines in order.
#[must_use]
pub fn resolve(peer: Option<IpAddr>, forwarded: &[&str], trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer) {
        return Some(peer);
    }
    let hops: Vec<IpAddr> = forwarded
        .iter()
        .flat_map(|line| line.split(','))
        .filter_map(|hop| hop.trim().parse::<IpAddr>().ok())
        .map(|hop| hop.to_canonical())
        .collect();
    let client = hops.iter().rev().find(|hop| !is_trusted(**hop));
    Some(client.or(hops.first()).copied().unwrap_or(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        resolve(peer.parse().ok(), forwarded, &trusted).expect("an address").to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed_and_only_its_last_untrusted_hop() {
        assert_eq!(resolved("192.0.2.9", &["127.0.0.1"]), "192.0.2.9");
        assert_eq!(resolved("10.0.0.1", &["203.0.113.7, 198.51.100.2", "10.0.0.2"]), "198.51.100.2");
        assert_eq!(resolved("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(resolved("10.0.0.1", &["unknown, 1.2.3.4:80, [::1]:8080"]), "10.0.0.1");
        assert_eq!(resolved("::ffff:10.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
    }
}
