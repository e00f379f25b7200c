//! `[relay]`: the keys that settle plain transfers, and what they may spend.

use std::path::Path;
use std::time::Duration;

use solana_signer::Signer;

use super::credits::OperatorKey;
use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, parsed_secret};

/// Most lamports that any bound may name: ten thousand SOL.
const MOST_LAMPORTS: u64 = 10_000_000_000_000;
const FIVE_MINUTES_MS: u64 = 300_000;
const ONE_DAY_SECONDS: u64 = 86_400;

/// `[relay]`: clients that pay by a plain transfer are served. Left out: only the
/// program's own payments are offered.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayConfig {
    /// Pays fees and rent. Every replica needs the same.
    pub key: OperatorKey,
    /// The merchant's operator: makes quotes, records payments, refunds.
    pub operator: OperatorKey,
    /// What may be spent.
    pub bounds: RelayBounds,
    /// The most settlements at the same time; more get 503.
    pub max_in_flight: usize,
    /// How long a request waits for its payment; longer is 503 `settlement_pending`,
    /// and the settlement goes on.
    pub settle_timeout: Duration,
    /// How often what was left unfinished is looked for.
    pub recovery_interval: Duration,
    /// Millionths of a lamport per compute unit of this service's own transactions.
    pub compute_unit_price: u64,
    /// Whether the listener for operators makes orders with an address on the curve
    /// (docs/solana-pay.md).
    pub aliases: bool,
}

/// Bounds on the relay's spending, all in lamports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayBounds {
    /// The fee of a client's transaction, priority included.
    pub max_fee: u64,
    /// Fees and rent that one request may put down.
    pub per_request: u64,
    /// Fees and rent for one payer within an hour.
    pub per_payer_hour: u64,
    /// Fees and rent for everybody within an hour.
    pub per_hour: u64,
    /// Below this balance plain transfers are not offered.
    pub min_balance: u64,
}

impl Default for RelayBounds {
    fn default() -> Self {
        Self {
            max_fee: 50_000,
            per_request: 15_000_000,
            per_payer_hour: 100_000_000,
            per_hour: 2_000_000_000,
            min_balance: 50_000_000,
        }
    }
}

impl RelayConfig {
    /// The defaults with one key for everything.
    #[must_use]
    pub fn new(key: OperatorKey) -> Self {
        Self {
            operator: key.clone(),
            key,
            bounds: RelayBounds::default(),
            max_in_flight: 64,
            settle_timeout: Duration::from_secs(40),
            recovery_interval: Duration::from_secs(30),
            compute_unit_price: 0,
            aliases: false,
        }
    }
}

/// Reads the section. Relative paths start at `folder`.
pub(super) fn relay(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<RelayConfig> {
    let key = parsed_secret(&section, "key", folder, environment, OperatorKey::parse);
    let operator = parsed_secret(
        &section,
        "operator_key",
        folder,
        environment,
        OperatorKey::parse,
    );
    if key == Some(None) {
        section.report(
            ProblemKind::MissingKey,
            "key_file",
            "expected key_file or key_env, but none is there",
        );
    }
    let mut config = RelayConfig::new(key.clone().flatten().unwrap_or_else(unset));
    let bounds = &mut config.bounds;
    for (name, value) in [
        ("max_fee_lamports", &mut bounds.max_fee),
        ("max_lamports_per_request", &mut bounds.per_request),
        ("max_lamports_per_payer_hour", &mut bounds.per_payer_hour),
        ("max_lamports_per_hour", &mut bounds.per_hour),
        ("min_balance_lamports", &mut bounds.min_balance),
    ] {
        section.set_integer(name, value, (0, MOST_LAMPORTS));
    }
    section.set_count("max_in_flight", &mut config.max_in_flight, 10_000);
    section.set_milliseconds(
        "settle_timeout_ms",
        &mut config.settle_timeout,
        FIVE_MINUTES_MS,
    );
    section.set_seconds(
        "recovery_interval_seconds",
        &mut config.recovery_interval,
        ONE_DAY_SECONDS,
    );
    section.set_integer(
        "compute_unit_price",
        &mut config.compute_unit_price,
        (0, 10_000_000),
    );
    section.set_boolean("aliases", &mut config.aliases);
    section.finish();
    key??;
    if let Some(operator) = operator? {
        config.operator = operator;
    }
    Some(config)
}

/// Stands in while a configuration with problems is read to its end.
fn unset() -> OperatorKey {
    OperatorKey::new(solana_keypair::Keypair::new())
}

impl RelayConfig {
    /// The address that has to be funded.
    #[must_use]
    pub fn address(&self) -> solana_pubkey::Pubkey {
        self.key.expose().pubkey()
    }
}
