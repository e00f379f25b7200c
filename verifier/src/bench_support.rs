//! For measurements only: the chain cache without a chain. Not part of the interface.
//!
//! What is measured is the way that a snapshot takes in a running verifier: the bytes of
//! a `getProgramAccounts` answer are cut into accounts, each is decoded and checked
//! against its address, and remembered in the cache that answers requests.

use std::future::Future;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tollgate_client::{Addresses, Entitlement, PROGRAM_ID, Pubkey, UnixSeconds, accounts};

use crate::chain::bench;

/// Chain time of the synthetic chain.
const TIME: UnixSeconds = UnixSeconds(1_800_000_000);
/// Its slot.
const SLOT: u64 = 1_000;

/// Bytes of an answer to `getProgramAccounts` with as many entitlements as wanted, made
/// piece by piece. Every account is at its right address.
#[derive(Debug)]
pub struct SyntheticSnapshot {
    merchant: Pubkey,
    product: Pubkey,
    total: u64,
    made: u64,
    state: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Body,
    Done,
}

impl SyntheticSnapshot {
    /// An answer with `total` entitlements of one product.
    #[must_use]
    pub fn new(total: u64) -> Self {
        Self {
            merchant: Pubkey::new_from_array([11; 32]),
            product: Pubkey::new_from_array([12; 32]),
            total,
            made: 0,
            state: Stage::Head,
        }
    }

    /// The beneficiary of the entitlement with this number.
    #[must_use]
    pub fn beneficiary(number: u64) -> Pubkey {
        let mut bytes = [13; 32];
        if let Some(start) = bytes.get_mut(..8) {
            start.copy_from_slice(&number.to_le_bytes());
        }
        Pubkey::new_from_array(bytes)
    }

    /// The next piece with at most `most` accounts; `None` after the last.
    pub fn piece(&mut self, most: u64) -> Option<Vec<u8>> {
        let mut piece = Vec::new();
        match self.state {
            Stage::Done => return None,
            Stage::Head => {
                let head = format!(
                    "{{\"jsonrpc\":\"2.0\",\"result\":{{\"context\":{{\"slot\":{SLOT}}},\"value\":["
                );
                piece.extend_from_slice(head.as_bytes());
                self.state = Stage::Body;
            }
            Stage::Body => {}
        }
        for _ in 0..most {
            if self.made == self.total {
                piece.extend_from_slice(b"]},\"id\":1}");
                self.state = Stage::Done;
                break;
            }
            if self.made > 0 {
                piece.push(b',');
            }
            piece.extend_from_slice(self.account(self.made).as_bytes());
            self.made += 1;
        }
        Some(piece)
    }

    fn account(&self, number: u64) -> String {
        let beneficiary = Self::beneficiary(number);
        let addresses = Addresses::new(PROGRAM_ID);
        let address = addresses.entitlement(&self.product, &beneficiary);
        let mut entitlement = Entitlement::empty(
            self.merchant,
            self.product,
            beneficiary,
            beneficiary,
            255,
            UnixSeconds(0),
        );
        entitlement.expires_at = UnixSeconds(TIME.0 + 86_400);
        entitlement.payments = 1;
        json!({
            "pubkey": address.to_string(),
            "account": {
                "lamports": 3_000_000,
                "owner": PROGRAM_ID.to_string(),
                "data": [STANDARD.encode(accounts::encode(&entitlement)), "base64"],
                "executable": false,
                "rentEpoch": 0,
                "space": Entitlement::SPACE,
            },
        })
        .to_string()
    }
}

/// A cache as in a running verifier, whose chain fails every read: what it answers
/// comes from memory.
pub struct BenchCache {
    inner: bench::Cache,
}

impl BenchCache {
    /// Room for `capacity` entitlements.
    #[must_use]
    pub fn new(capacity: usize, max_staleness: Duration) -> Self {
        Self {
            inner: bench::Cache::new(capacity, max_staleness, SLOT, TIME),
        }
    }

    /// Starts reading `snapshot`.
    #[must_use]
    pub fn loader(&self, snapshot: &SyntheticSnapshot) -> Loader {
        Loader {
            inner: self.inner.loader(snapshot.merchant),
        }
    }

    /// How many entitlements are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the beneficiary with this number has access, by the very call that a
    /// request makes; `None` when the memory does not know.
    pub fn has_access(&self, number: u64) -> impl Future<Output = Option<bool>> + '_ {
        let snapshot = SyntheticSnapshot::new(0);
        self.inner
            .has_access(snapshot.product, SyntheticSnapshot::beneficiary(number))
    }
}

/// Takes in the pieces of a snapshot.
pub struct Loader {
    inner: bench::Loader,
}

impl Loader {
    /// The next piece.
    ///
    /// # Errors
    /// A stable word for what is wrong with it.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        self.inner.feed(piece)
    }
}

impl std::fmt::Debug for BenchCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BenchCache")
            .field("entitlements", &self.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Loader").finish_non_exhaustive()
    }
}

/// Memory that this process holds now and held at most, in kilobytes; zeros where the
/// system does not say.
#[must_use]
pub fn resident_kilobytes() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
    };
    (line("VmRSS:"), line("VmHWM:"))
}
