//! Whose address a request has.
//!
//! It is the connection's other end, unless that is a proxy which the
//! configuration trusts: then it is the last entry of `X-Forwarded-For` that no
//! trusted proxy wrote about another one. What stands before that entry was written
//! by the caller and means nothing.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::config::AddressRange;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The most entries of `X-Forwarded-For` that are looked at.
const MAX_ENTRIES: usize = 16;

/// The address of a request's caller; stands in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// The proxies whose word about addresses is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<AddressRange>);

impl TrustedProxies {
    /// Those at these addresses.
    #[must_use]
    pub fn new(ranges: Vec<AddressRange>) -> Self {
        Self(ranges)
    }

    /// Whether `address` is one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }

    /// The caller behind a connection from `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        let lines: Vec<&str> = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .map_while(|line| line.to_str().ok())
            .collect();
        let entries = lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(','))
            .take(MAX_ENTRIES);
        for entry in entries {
            if !self.contains(client) {
                break;
            }
            match address_of(entry.trim()) {
                Some(address) => client = address,
                None => break,
            }
        }
        ClientAddress(client)
    }
}

/// An entry: an address, perhaps with a port.
fn address_of(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse()
        .or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()?;
    Some(IpAddr::to_canonical(&address))
}

/// What counts as one caller: an IPv4 address, or the /64 that an IPv6 host can
/// choose its addresses from.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let ranges = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        let ClientAddress(address) =
            TrustedProxies::new(ranges).client(peer.parse().unwrap(), &headers);
        address.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let lan = &["10.0.0.0/8", "fd00::/8"];
        #[rustfmt::skip]
        let table = [
            (client(&[], "10.0.0.1", &["192.0.2.1"]), "10.0.0.1"),
            (client(lan, "198.51.100.9", &["192.0.2.1"]), "198.51.100.9"),
            (client(lan, "10.0.0.1", &[]), "10.0.0.1"),
            (client(lan, "10.0.0.1", &["192.0.2.1"]), "192.0.2.1"),
            (client(lan, "::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1"),
            // What the caller wrote itself stands first.
            (client(lan, "10.0.0.1", &["203.0.113.5, 192.0.2.1"]), "192.0.2.1"),
            (client(lan, "10.0.0.1", &["203.0.113.5", "192.0.2.1, 10.9.9.9"]), "192.0.2.1"),
            (client(lan, "10.0.0.1", &["192.0.2.1, nonsense"]), "10.0.0.1"),
            (client(lan, "10.0.0.1", &["192.0.2.1, "]), "10.0.0.1"),
            (client(lan, "10.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1"),
            (client(lan, "fd00::1", &["[2001:db8::7]:80"]), "2001:db8::7"),
        ];
        for (index, (found, expected)) in table.iter().enumerate() {
            assert_eq!(found, expected, "row {index}");
        }
    }

    #[test]
    fn an_endless_header_is_not_read_to_its_end() {
        let line = "10.0.0.2,".repeat(1000) + "10.0.0.2";
        let long = format!("192.0.2.1,{line}");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[&long]), "10.0.0.2");
    }

    #[test]
    fn ipv6_hosts_count_by_their_network() {
        let of = |text: &str| block(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
