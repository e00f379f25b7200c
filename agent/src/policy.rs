//! What may be spent.

use crate::PayError;
use tollgate_client::{Amount, Pubkey, amounts};

/// Circle's USDC on mainnet.
const USDC_MAINNET: Pubkey = Pubkey::from_str_const("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
/// Circle's USDC on devnet.
const USDC_DEVNET: Pubkey = Pubkey::from_str_const("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU");

/// The limits of one payment and of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendingPolicy {
    /// Most of one payment, as a decimal text in the token's units.
    pub limit: String,
    /// Most of all payments that the key makes with one journal, for each token alike;
    /// `None`: no limit. What may yet be taken, because the fate of a payment is not
    /// known, counts as taken.
    pub total: Option<String>,
    /// Tokens that may be spent. The limits count in each of them alike, so
    /// they should be worth about the same.
    pub mints: Vec<Pubkey>,
}

impl SpendingPolicy {
    /// Nothing may be spent. Signing in to what was paid for already is free.
    pub fn nothing() -> Self {
        Self {
            limit: "0".to_owned(),
            total: None,
            mints: Vec::new(),
        }
    }

    /// At most `limit` USDC for one payment, on mainnet or devnet.
    pub fn usdc(limit: impl Into<String>) -> Self {
        Self {
            limit: limit.into(),
            total: None,
            mints: vec![USDC_MAINNET, USDC_DEVNET],
        }
    }

    /// At most `total` for all payments together.
    #[must_use]
    pub fn in_total(mut self, total: impl Into<String>) -> Self {
        self.total = Some(total.into());
        self
    }

    /// Allows payments in another token.
    #[must_use]
    pub fn with_mint(mut self, mint: Pubkey) -> Self {
        self.mints.push(mint);
        self
    }

    /// Passes a price within the limit of one payment.
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

    /// Passes a price that fits into the total beside what was `spent`.
    ///
    /// # Errors
    /// [`PayError::OverTotal`]; a total that is not an amount allows nothing.
    pub fn check_total(&self, price: Amount, spent: Amount, decimals: u8) -> Result<(), PayError> {
        let Some(total) = &self.total else {
            return Ok(());
        };
        let together = price.0.checked_add(spent.0).map(Amount);
        match (together, amounts::parse(total, decimals)) {
            (Some(together), Ok(total)) if together <= total => Ok(()),
            _ => Err(PayError::OverTotal {
                price: amounts::format(price, decimals),
                spent: amounts::format(spent, decimals),
                total: total.clone(),
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

    #[test]
    fn the_total_is_inclusive_and_never_overflows() {
        let check = |policy: &SpendingPolicy, price, spent| {
            policy
                .check_total(Amount(price), Amount(spent), 6)
                .map_err(|error| error.code())
        };
        let policy = SpendingPolicy::usdc("1").in_total("2");
        assert_eq!(check(&policy, 1, 1_999_999), Ok(()));
        assert_eq!(check(&policy, 1, 2_000_000), Err("over_total_limit"));
        assert_eq!(check(&policy, 1, u64::MAX), Err("over_total_limit"));
        let unlimited = SpendingPolicy::usdc("1");
        assert_eq!(check(&unlimited, 1, u64::MAX), Ok(()));
        let none = SpendingPolicy::usdc("1").in_total("a lot");
        assert_eq!(check(&none, 0, 0), Err("over_total_limit"));
    }
}
