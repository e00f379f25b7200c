//! What an agent may spend.

use super::PayError;
use crate::amounts;
use tollgate_client::{Amount, Pubkey};

/// Circle's USDC on mainnet.
const USDC_MAINNET: Pubkey = Pubkey::from_str_const("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
/// Circle's USDC on devnet.
const USDC_DEVNET: Pubkey = Pubkey::from_str_const("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU");

/// The limit of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendingPolicy {
    /// Most of one payment, as a decimal text in the token's units.
    pub limit: String,
    /// Tokens that may be spent. The limit counts in each of them alike, so
    /// they should be worth about the same.
    pub mints: Vec<Pubkey>,
}

impl SpendingPolicy {
    /// At most `limit` USDC for one payment, on mainnet or devnet.
    pub fn usdc(limit: impl Into<String>) -> Self {
        Self {
            limit: limit.into(),
            mints: vec![USDC_MAINNET, USDC_DEVNET],
        }
    }

    /// Passes a price within the limit.
    ///
    /// # Errors
    /// [`PayError::MintNotAllowed`], [`PayError::OverLimit`]; a limit that is not an
    /// amount allows nothing.
    pub fn check(&self, price: Amount, mint: &Pubkey, decimals: u8) -> Result<(), PayError> {
        if !self.mints.contains(mint) {
            return Err(PayError::MintNotAllowed(mint.to_string()));
        }
        match amounts::parse(&self.limit, decimals) {
            Ok(limit) if price <= limit => Ok(()),
            _ => Err(PayError::OverLimit {
                price: amounts::format(price, decimals),
                limit: self.limit.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_inclusive_and_counts_in_the_tokens_units() {
        let policy = SpendingPolicy::usdc("0.05");
        let check = |price, mint: &Pubkey| {
            policy
                .check(Amount(price), mint, 6)
                .map_err(|error| error.code())
        };
        assert_eq!(check(50_000, &USDC_DEVNET), Ok(()));
        assert_eq!(check(50_001, &USDC_MAINNET), Err("over_spending_limit"));
        assert_eq!(check(1, &Pubkey::default()), Err("mint_not_allowed"));
        let none = SpendingPolicy::usdc("a lot");
        assert_eq!(
            none.check(Amount(0), &USDC_DEVNET, 6)
                .map_err(|error| error.code()),
            Err("over_spending_limit")
        );
    }
}
