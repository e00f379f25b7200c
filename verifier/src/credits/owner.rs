//! Whose credits a store counts.

use solana_hash::Hash;
use tollgate_client::Pubkey;

/// One merchant on one cluster. A merchant's address can be the same on several
/// clusters, so that it alone would let a test network's counts into the real ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The cluster.
    pub(crate) genesis_hash: Hash,
    /// The merchant account.
    pub(crate) merchant: Pubkey,
}

impl Owner {
    /// The owner in one word, for keys and files.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.genesis_hash, self.merchant)
    }
}
