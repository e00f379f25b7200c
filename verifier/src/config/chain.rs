//! `[chain]`: the cluster and how it is read.

use std::path::Path;
use std::time::Duration;

use http::Uri;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use tollgate_client::Amount;
use zeroize::Zeroizing;

use super::chain_urls::Sources;
use super::document::Section;
use super::error::ProblemKind;
use super::push::{Push, push};
use super::secret::{Environment, SecretUrl};
use super::sections::from_text;

const ONE_MINUTE_MS: u64 = 60_000;
const ONE_HOUR_MS: u64 = 60 * ONE_MINUTE_MS;

/// The longest time that "has no access" may be remembered: one slot.
pub const MAX_NEGATIVE_LIFETIME: Duration = Duration::from_millis(400);

/// The most fallback endpoints.
pub const MAX_RPC_FALLBACKS: usize = 8;

/// `[chain]`: the cluster and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// The JSON-RPC endpoint that is asked first.
    pub rpc_url: SecretUrl,
    /// Endpoints that are asked, in this order, when those before fail, lag or are
    /// slow.
    pub rpc_fallbacks: Vec<SecretUrl>,
    /// Grants of products whose price is above this are served when two providers have
    /// said so; in the smallest unit of the product's currency. `None`: one is enough.
    pub second_opinion_above: Option<Amount>,
    /// Where changes are pushed from. Without push every answer from memory ends after
    /// `max_staleness` and is read again.
    pub push: Push,
    /// From which commitment on a payment counts.
    pub commitment: Commitment,
    /// The deployed Tollgate program.
    pub program_id: Pubkey,
    /// The genesis hash of the cluster: an endpoint of another cluster is refused.
    pub genesis_hash: Hash,
    /// The deadline of one question to the endpoints, all of them together.
    pub request_timeout: Duration,
    /// How old an answer from memory may be: the published bound on how long a
    /// revoked entitlement may still be served.
    pub max_staleness: Duration,
    /// How long "has no access" may be remembered; at most
    /// [`MAX_NEGATIVE_LIFETIME`].
    pub negative_lifetime: Duration,
    /// How much longer than `max_staleness` known access is served while no endpoint
    /// can be read; never at or after its expiry.
    pub max_outage_grace: Duration,
    /// The feed is dead when no slot came for this long.
    pub heartbeat_timeout: Duration,
    /// Whether all entitlements are learnt from the chain when the feed begins.
    pub warm_up: bool,
    /// The most RPC reads in flight; more are refused with 503.
    pub max_in_flight: usize,
    /// How many entitlements are remembered, at about 220 bytes each.
    pub cache_capacity: usize,
    /// How often products, merchant and genesis hash are read again.
    pub refresh_interval: Duration,
    /// Ready means that a critical read succeeded this recently; prices older
    /// than this are not offered.
    pub ready_within: Duration,
}

/// The commitment at which chain state is believed. `processed` is not offered:
/// one node's view may be dropped, and nothing may be granted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// Voted for by a supermajority.
    Confirmed,
    /// Rooted.
    Finalized,
}

impl Commitment {
    /// Solana's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

impl ChainConfig {
    /// The defaults for a cluster.
    #[must_use]
    pub fn new(rpc_url: SecretUrl, program_id: Pubkey, genesis_hash: Hash) -> Self {
        Self {
            rpc_url,
            rpc_fallbacks: Vec::new(),
            second_opinion_above: None,
            push: Push::Derived,
            commitment: Commitment::Confirmed,
            program_id,
            genesis_hash,
            request_timeout: Duration::from_secs(3),
            max_staleness: Duration::from_secs(2),
            negative_lifetime: MAX_NEGATIVE_LIFETIME,
            max_outage_grace: Duration::ZERO,
            heartbeat_timeout: Duration::from_secs(5),
            warm_up: true,
            max_in_flight: 64,
            cache_capacity: 100_000,
            refresh_interval: Duration::from_secs(10),
            ready_within: Duration::from_secs(60),
        }
    }

    /// Whether the endpoints are of more than one provider: of another host or port.
    #[must_use]
    pub fn has_second_provider(&self) -> bool {
        let first = self.rpc_url.authority();
        self.rpc_fallbacks
            .iter()
            .any(|url| url.authority() != first)
    }

    /// The WebSockets that changes are pushed from, to be tried one after the other;
    /// none when they are not.
    ///
    /// Solana's tools find the WebSocket at the same host: at the same place when the
    /// URL names no port, else at the port after it. A server that answers both on one
    /// port is found as well.
    #[must_use]
    pub fn websocket_urls(&self) -> Vec<SecretUrl> {
        match &self.push {
            Push::At(url) => vec![url.clone()],
            Push::Derived => derived(self.rpc_url.expose()),
            _ => Vec::new(),
        }
    }
}

fn derived(rpc_url: &str) -> Vec<SecretUrl> {
    let Ok(uri) = rpc_url.parse::<Uri>() else {
        return Vec::new();
    };
    let scheme = match uri.scheme_str() {
        Some("https") => "wss",
        _ => "ws",
    };
    let (Some(authority), Some(rest)) = (uri.authority(), uri.path_and_query()) else {
        return Vec::new();
    };
    let mut authorities = vec![Zeroizing::new(authority.to_string())];
    if let Some(next) = uri.port_u16().and_then(|port| port.checked_add(1))
        && let Some((host, _)) = authority.as_str().rsplit_once(':')
    {
        authorities.insert(0, Zeroizing::new(format!("{host}:{next}")));
    }
    authorities
        .iter()
        .filter_map(|authority| {
            let url = format!("{scheme}://{}{rest}", authority.as_str());
            SecretUrl::parse_websocket(&url).ok()
        })
        .collect()
}

pub(super) fn chain(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<ChainConfig> {
    const PROGRAM: &str = "the deployed program's address in base58";
    const GENESIS: &str = "the cluster's genesis hash in base58";
    const COMMITMENT: &str = "\"confirmed\" or \"finalized\"";
    let sources = Sources {
        section: &section,
        folder,
        environment,
    };
    let rpc_url = sources.url("rpc_url", SecretUrl::parse);
    if rpc_url == Ok(None) {
        section.report(
            ProblemKind::MissingKey,
            "rpc_url",
            "expected rpc_url, rpc_url_file or rpc_url_env, but none is there",
        );
    }
    let rpc_url = rpc_url.ok().flatten();
    let rpc_fallbacks = sources.fallbacks();
    let websocket_url = sources.url("websocket_url", SecretUrl::parse_websocket);
    let program_id: Option<Pubkey> = section.parsed("program_id", PROGRAM, from_text(PROGRAM));
    let genesis_hash: Option<Hash> = section.parsed("genesis_hash", GENESIS, from_text(GENESIS));
    let mut config = ChainConfig::new(
        rpc_url.clone().unwrap_or_else(SecretUrl::unset),
        program_id.unwrap_or_default(),
        genesis_hash.unwrap_or_default(),
    );
    config.rpc_fallbacks = rpc_fallbacks;
    config.second_opinion_above = second_opinion(&section, &config);
    config.push = push(&section, websocket_url.ok().flatten(), folder, environment);
    let commitment = section.optional("commitment", COMMITMENT, |text| match text {
        "confirmed" => Ok(Commitment::Confirmed),
        "finalized" => Ok(Commitment::Finalized),
        _ => Err(format!("expected {COMMITMENT}, found {text:?}")),
    });
    config.commitment = commitment.unwrap_or(config.commitment);
    times(&section, &mut config);
    section.set_boolean("warm_up", &mut config.warm_up);
    section.set_count("max_in_flight", &mut config.max_in_flight, 10_000);
    section.set_count("cache_capacity", &mut config.cache_capacity, 10_000_000);
    if config.ready_within < config.refresh_interval + config.request_timeout {
        section.report(
            ProblemKind::Conflict,
            "ready_within_ms",
            "expected at least refresh_interval_ms plus request_timeout_ms: \
             a healthy verifier would be called unready between two refreshes",
        );
    }
    section.finish();
    (rpc_url.is_some() && program_id.is_some() && genesis_hash.is_some()).then_some(config)
}

fn times(section: &Section<'_, '_>, config: &mut ChainConfig) {
    let negative = u64::try_from(MAX_NEGATIVE_LIFETIME.as_millis()).unwrap_or(1);
    for (key, value, most) in [
        (
            "request_timeout_ms",
            &mut config.request_timeout,
            ONE_MINUTE_MS,
        ),
        ("max_staleness_ms", &mut config.max_staleness, ONE_MINUTE_MS),
        (
            "negative_lifetime_ms",
            &mut config.negative_lifetime,
            negative,
        ),
        (
            "heartbeat_timeout_ms",
            &mut config.heartbeat_timeout,
            ONE_MINUTE_MS,
        ),
        (
            "refresh_interval_ms",
            &mut config.refresh_interval,
            ONE_HOUR_MS,
        ),
        ("ready_within_ms", &mut config.ready_within, ONE_HOUR_MS),
    ] {
        section.set_milliseconds(key, value, most);
    }
    let mut grace = u64::try_from(config.max_outage_grace.as_millis()).unwrap_or(0);
    section.set_integer("max_outage_grace_ms", &mut grace, (0, ONE_HOUR_MS));
    config.max_outage_grace = Duration::from_millis(grace);
}

fn second_opinion(section: &Section<'_, '_>, config: &ChainConfig) -> Option<Amount> {
    const KEY: &str = "second_opinion_above";
    if !section.has(KEY) {
        return None;
    }
    let mut above = 0;
    section.set_integer(KEY, &mut above, (0, u64::MAX));
    if !config.has_second_provider() {
        section.report(
            ProblemKind::Conflict,
            KEY,
            "expected a URL of another host or port in rpc_urls: nobody else can give a \
             second opinion",
        );
    }
    Some(Amount(above))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn urls(rpc_url: &str) -> Vec<String> {
        derived(rpc_url)
            .iter()
            .map(|url| url.expose().to_owned())
            .collect()
    }

    #[test]
    fn the_websocket_is_where_solana_looks_for_it() {
        assert_eq!(
            urls("https://rpc.test/key?api=1"),
            ["wss://rpc.test/key?api=1"]
        );
        assert_eq!(
            urls("http://user:word@127.0.0.1:8899"),
            [
                "ws://user:word@127.0.0.1:8900/",
                "ws://user:word@127.0.0.1:8899/"
            ]
        );
        assert_eq!(urls("http://[::1]:65535/"), ["ws://[::1]:65535/"]);
    }
}
