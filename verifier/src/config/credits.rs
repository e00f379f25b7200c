//! `[credits]`: how used credits of metered products are counted and booked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use solana_keypair::{Keypair, read_keypair};
use solana_signer::Signer;

use super::document::Section;
use super::error::ProblemKind;
use super::redis::{RedisConfig, RedisUrl, referred};
use super::secret::{Environment, parsed_secret};

const ONE_MINUTE_MS: u64 = 60_000;
const ONE_DAY_SECONDS: u64 = 86_400;

/// `[credits]`: how used credits of metered products are counted and booked.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditsConfig {
    /// Where they are counted.
    pub store: CreditStoreConfig,
    /// How long a request waits for the store; longer is 503.
    pub store_timeout: Duration,
    /// The key that books; without it nothing is booked on chain.
    pub operator: Option<OperatorKey>,
    /// How often used credits are booked.
    pub booking_interval: Duration,
    /// After how many used credits they are booked ahead of the interval.
    pub booking_threshold: u64,
    /// The most entitlements that are booked at a time; bounds the fees.
    pub bookings_per_round: usize,
    /// Millionths of a lamport per compute unit, on top of the fee for signatures.
    pub compute_unit_price: u64,
}

impl CreditsConfig {
    /// The defaults on top of a store.
    #[must_use]
    pub fn new(store: CreditStoreConfig) -> Self {
        Self {
            store,
            store_timeout: Duration::from_secs(1),
            operator: None,
            booking_interval: Duration::from_secs(60),
            booking_threshold: 10_000,
            bookings_per_round: 280,
            compute_unit_price: 0,
        }
    }
}

/// Where used credits are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditStoreConfig {
    /// In a file of this verifier alone.
    Local(PathBuf),
    /// In a Redis server that several verifiers share.
    Shared(RedisConfig),
}

/// The merchant's operator key. Only its public half is shown.
#[derive(Clone, PartialEq)]
pub struct OperatorKey(Arc<Keypair>);

impl OperatorKey {
    /// The key that books, and pays the fees for it.
    #[must_use]
    pub fn new(key: Keypair) -> Self {
        Self(Arc::new(key))
    }

    /// Reads Solana's own format: a JSON array of 64 bytes.
    ///
    /// # Errors
    /// What was expected, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        read_keypair(&mut text.as_bytes())
            .map(Self::new)
            .map_err(|_| "expected a key pair as a JSON array of 64 bytes".to_owned())
    }

    /// The key, for the code that signs with it.
    #[must_use]
    pub fn expose(&self) -> Keypair {
        self.0.insecure_clone()
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OperatorKey({})", self.0.pubkey())
    }
}

/// Reads the section. Relative paths start at `folder`; `redis` is what `[redis]` says.
pub(super) fn read(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
    redis: Option<&RedisConfig>,
) -> Option<CreditsConfig> {
    let store = store(&section, folder, environment, redis);
    let operator = parsed_secret(
        &section,
        "operator_key",
        folder,
        environment,
        OperatorKey::parse,
    );
    let unset = CreditStoreConfig::Local(PathBuf::new());
    let mut config = CreditsConfig::new(store.clone().unwrap_or(unset));
    section.set_milliseconds("store_timeout_ms", &mut config.store_timeout, ONE_MINUTE_MS);
    section.set_seconds(
        "booking_interval_seconds",
        &mut config.booking_interval,
        ONE_DAY_SECONDS,
    );
    section.set_integer(
        "booking_threshold",
        &mut config.booking_threshold,
        (1, u64::MAX),
    );
    section.set_count(
        "bookings_per_round",
        &mut config.bookings_per_round,
        100_000,
    );
    section.set_integer(
        "compute_unit_price",
        &mut config.compute_unit_price,
        (0, 10_000_000),
    );
    section.finish();
    config.operator = operator?;
    store.map(|_| config)
}

/// Exactly one of a file, a server of its own, and the server of `[redis]`.
fn store(
    section: &Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
    redis: Option<&RedisConfig>,
) -> Option<CreditStoreConfig> {
    let path = section.optional("path", "a file's path", |path| Ok(folder.join(path)));
    let plain = section.optional("redis_url", "a URL", RedisUrl::parse);
    let url = parsed_secret(section, "redis_url", folder, environment, RedisUrl::parse)?;
    let named = section.optional("store", "\"redis\"", |text| match text {
        "redis" => referred(redis),
        _ => Err(format!("expected \"redis\", found {text:?}")),
    });
    let ways = [
        section.has("path"),
        section.has("redis_url"),
        section.has("redis_url_file") || section.has("redis_url_env"),
        section.has("store"),
    ];
    if ways.iter().filter(|way| **way).count() != 1 {
        section.report(
            ProblemKind::Conflict,
            "path",
            "expected exactly one of path, redis_url, redis_url_file, redis_url_env and store",
        );
        return None;
    }
    let own = plain.or(url).map(RedisConfig::new);
    path.map(CreditStoreConfig::Local)
        .or(own.or(named).map(CreditStoreConfig::Shared))
}
