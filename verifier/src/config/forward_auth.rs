//! `[forward_auth]`: web servers that ask before they forward.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::document::Section;

/// Which web server asks, and so in which form (docs/ways-in.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardAuthStyle {
    /// `auth_request`: `X-Original-URI`, `X-Original-Method`; refusals are a 403, and
    /// the whole answer is fetched from `/v1/forward-auth/answer`. It forwards
    /// `Tollgate-Forward-Uri`; the others forward the path as it is spelt, so that
    /// they get leave for the canonical spelling only.
    Nginx,
    /// `forward_auth`: `X-Forwarded-Uri`, `X-Forwarded-Method`.
    Caddy,
    /// `ForwardAuth`: as Caddy.
    Traefik,
    /// `ext_authz` over HTTP: the request's own line behind the path prefix.
    Envoy,
}

impl ForwardAuthStyle {
    const NAMES: [(&'static str, Self); 4] = [
        ("nginx", Self::Nginx),
        ("caddy", Self::Caddy),
        ("traefik", Self::Traefik),
        ("envoy", Self::Envoy),
    ];
}

/// Who may ask, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardAuthConfig {
    /// The web server's way of asking.
    pub style: ForwardAuthStyle,
    /// From where questions are taken; anybody else gets a 404. Whoever may ask can
    /// use up sign-ins, and learns what a request would be answered.
    pub trusted: Vec<AddressRange>,
}

impl ForwardAuthConfig {
    /// The defaults: only this machine may ask.
    #[must_use]
    pub fn new(style: ForwardAuthStyle) -> Self {
        Self {
            style,
            trusted: vec![
                AddressRange::of(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                AddressRange::of(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ],
        }
    }
}

/// An address, or all that share its first bits (`10.1.0.0/16`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u32,
}

impl AddressRange {
    /// One address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// From a configuration's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "an address or a range such as \"10.1.0.0/16\"";
        text.parse()
            .map_err(|()| format!("expected {EXPECTED}, found {text:?}"))
    }

    /// Whether `address` is one of them; IPv4 in IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| ())?)),
        };
        let whole = Self::of(address.parse().map_err(|_| ())?);
        let bits = bits.unwrap_or(whole.bits);
        if bits > whole.bits {
            return Err(());
        }
        Ok(Self { bits, ..whole })
    }
}

pub(super) fn forward_auth(section: Section<'_, '_>) -> Option<ForwardAuthConfig> {
    const STYLE: &str = "\"nginx\", \"caddy\", \"traefik\" or \"envoy\"";
    let style = section.parsed("style", STYLE, |text| {
        ForwardAuthStyle::NAMES
            .into_iter()
            .find(|(name, _)| *name == text)
            .map(|(_, style)| style)
            .ok_or_else(|| format!("expected {STYLE}, found {text:?}"))
    });
    let trusted = section.strings("trusted", "an array of addresses", AddressRange::parse);
    section.finish();
    let defaults = ForwardAuthConfig::new(style?);
    Some(ForwardAuthConfig {
        trusted: trusted.unwrap_or(defaults.trusted),
        ..defaults
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn ranges_hold_what_shares_their_bits() {
        for (range, address, inside) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("10.1.0.0/16", "10.1.255.1", true),
            ("10.1.0.0/16", "10.2.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
        ] {
            let range: AddressRange = range.parse().unwrap();
            assert_eq!(
                range.contains(address.parse().unwrap()),
                inside,
                "{range:?}"
            );
        }
        for text in [
            "",
            "localhost",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
