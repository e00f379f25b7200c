//! `[sign_ins]`: where used sign-ins are remembered.

use std::time::Duration;

use super::document::Section;
use super::redis::{RedisConfig, referred};
use super::sections::ONE_MINUTE_MS;

/// `[sign_ins]`: a sign-in is good for one use; this says who knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInsConfig {
    /// Where their use is remembered.
    pub store: SignInStoreConfig,
    /// How long a request waits for it; longer is 503.
    pub store_timeout: Duration,
}

/// Where used sign-ins are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInStoreConfig {
    /// In this verifier's memory: at each of several replicas a sign-in is good for one
    /// use.
    Memory,
    /// In a Redis server that several verifiers share: it is good for one use at all of
    /// them together.
    Shared(RedisConfig),
}

impl Default for SignInsConfig {
    fn default() -> Self {
        Self {
            store: SignInStoreConfig::Memory,
            store_timeout: Duration::from_secs(1),
        }
    }
}

/// Reads the section; `redis` is what `[redis]` says.
pub(super) fn sign_ins(section: Section<'_, '_>, redis: Option<&RedisConfig>) -> SignInsConfig {
    const EXPECTED: &str = "\"memory\" or \"redis\"";
    let mut config = SignInsConfig::default();
    let store = section.optional("store", EXPECTED, |text| match text {
        "memory" => Ok(SignInStoreConfig::Memory),
        "redis" => referred(redis).map(SignInStoreConfig::Shared),
        _ => Err(format!("expected {EXPECTED}, found {text:?}")),
    });
    config.store = store.unwrap_or(config.store);
    section.set_milliseconds("store_timeout_ms", &mut config.store_timeout, ONE_MINUTE_MS);
    section.finish();
    config
}
