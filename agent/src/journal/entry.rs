//! One payment, as it is remembered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::{Amount, Pubkey, transaction};

/// What is known of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Signed; it may have been sent.
    Signed,
    /// It succeeded.
    Landed,
    /// It is on chain and failed.
    Failed,
    /// It never landed and never can.
    Expired,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What is known of it.
    pub state: State,
    /// What was asked for.
    pub url: String,
    /// The payment id, base58.
    pub payment_id: String,
    /// The key that pays, base58.
    pub payer: String,
    /// The product account, base58.
    pub product: String,
    /// The payment intent's account, base58: it stands if the payment landed, also
    /// when no server remembers the transaction.
    pub intent: String,
    /// Price in atomic units.
    pub amount: String,
    /// Mint, base58.
    pub mint: String,
    /// The transaction's signature.
    pub signature: String,
    /// The signed transaction, base64.
    pub transaction: String,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
}

impl Entry {
    /// The signed transaction, if the entry holds one.
    pub fn decode(&self) -> Option<VersionedTransaction> {
        transaction::from_bytes(&STANDARD.decode(&self.transaction).ok()?)
    }

    /// How signed bytes are kept.
    pub fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    pub(super) fn is_for(&self, payer: &Pubkey, product: &Pubkey) -> bool {
        self.payer == payer.to_string() && self.product == product.to_string()
    }

    /// What it took, or may still take, from `payer` in `mint`. An amount that cannot
    /// be read counts as everything: it must not make room for more.
    pub(super) fn spends(&self, payer: &str, mint: &str) -> Amount {
        let counts = matches!(self.state, State::Signed | State::Landed);
        if counts && self.payer == payer && self.mint == mint {
            Amount(self.amount.parse().unwrap_or(u64::MAX))
        } else {
            Amount(0)
        }
    }
}
