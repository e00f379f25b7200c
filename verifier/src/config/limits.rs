//! `[limits]`: how much one caller, and all together, may ask for.

use super::document::Section;
use super::forward_auth::AddressRange;
use crate::limits::{Rate, TrustedProxies};

const MOST_PER_MINUTE: u64 = 60_000_000;
const MOST_PLACES: u64 = 1_000_000;
const MOST_PROXIES: usize = 256;

/// `[limits]`. Everything here can change while the verifier runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// How often one address may ask: an IPv4 address, or a /64 of IPv6. Health
    /// checks are not counted.
    pub address: RateLimit,
    /// How often the holder of one entitlement may ask for what it opens.
    pub payer: RateLimit,
    /// The most requests at the upstream at the same time; more are refused with
    /// 503 at once.
    pub max_upstream_requests: usize,
    /// The proxies whose `X-Forwarded-For` and `X-Request-Id` are believed.
    pub trusted_proxies: TrustedProxies,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            address: RateLimit::default(),
            payer: RateLimit::default(),
            max_upstream_requests: 1024,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// How often somebody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In the long run; 0: without limit.
    pub requests_per_minute: u32,
    /// At once.
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests_per_minute: 0,
            burst: 100,
        }
    }
}

impl RateLimit {
    /// As a rate; `None` without limit.
    pub(crate) fn rate(self) -> Option<Rate> {
        (self.requests_per_minute > 0).then(|| Rate::new(self.requests_per_minute, self.burst))
    }
}

pub(super) fn limits(section: Section<'_, '_>) -> LimitsConfig {
    let mut config = LimitsConfig::default();
    for (name, limit) in [
        ("address", &mut config.address),
        ("payer", &mut config.payer),
    ] {
        let keys = [
            (
                format!("{name}_requests_per_minute"),
                &mut limit.requests_per_minute,
                0,
            ),
            (format!("{name}_burst"), &mut limit.burst, 1),
        ];
        for (key, value, least) in keys {
            let mut number = u64::from(*value);
            section.set_integer(&key, &mut number, (least, MOST_PER_MINUTE));
            *value = u32::try_from(number).unwrap_or(*value);
        }
    }
    section.set_count(
        "max_upstream_requests",
        &mut config.max_upstream_requests,
        MOST_PLACES,
    );
    let ranges = section.strings(
        "trusted_proxies",
        "an array of addresses",
        AddressRange::parse,
    );
    if let Some(ranges) = ranges {
        if ranges.len() > MOST_PROXIES {
            section.report(
                super::ProblemKind::InvalidValue,
                "trusted_proxies",
                format!(
                    "expected at most {MOST_PROXIES} addresses or ranges, found {}",
                    ranges.len()
                ),
            );
        }
        config.trusted_proxies = TrustedProxies::new(ranges);
    }
    section.finish();
    config
}
