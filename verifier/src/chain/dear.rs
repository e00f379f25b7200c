//! Which products are dear: whose grants take a second opinion.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;
use tollgate_client::{Amount, Pubkey};

/// The products whose price is above the configured threshold.
#[derive(Default)]
pub(crate) struct DearProducts {
    dear: ArcSwap<HashSet<Pubkey>>,
    /// The highest price of each that was ever read. What was dear stays dear: whoever
    /// can invent entitlements can invent a low price as well.
    highest: Mutex<HashMap<Pubkey, Amount>>,
}

impl DearProducts {
    /// Whether the grants of `product` take a second opinion.
    pub(crate) fn contains(&self, product: &Pubkey) -> bool {
        let dear = self.dear.load();
        !dear.is_empty() && dear.contains(product)
    }

    /// Takes in the prices that were read. `above` is the threshold; without one nothing
    /// is dear.
    pub(crate) fn learn(
        &self,
        above: Option<Amount>,
        prices: impl IntoIterator<Item = (Pubkey, Amount)>,
    ) {
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        for (product, price) in prices {
            let known = highest.entry(product).or_insert(price);
            *known = price.max(*known);
        }
        let dear = above.map_or_else(HashSet::new, |above| {
            highest
                .iter()
                .filter(|(_, price)| **price > above)
                .map(|(product, _)| *product)
                .collect()
        });
        if **self.dear.load() != dear {
            self.dear.store(dear.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dear_stays_dear_until_the_threshold_changes() {
        let (cheap, dear) = (
            Pubkey::new_from_array([1; 32]),
            Pubkey::new_from_array([2; 32]),
        );
        let products = DearProducts::default();
        products.learn(Some(Amount(10)), [(cheap, Amount(10)), (dear, Amount(11))]);
        assert_eq!(
            (products.contains(&cheap), products.contains(&dear)),
            (false, true)
        );
        products.learn(Some(Amount(10)), [(cheap, Amount(1)), (dear, Amount(1))]);
        assert_eq!(
            (products.contains(&cheap), products.contains(&dear)),
            (false, true)
        );
        products.learn(Some(Amount(0)), []);
        assert!(products.contains(&cheap) && products.contains(&dear));
        products.learn(None, []);
        assert!(!products.contains(&cheap) && !products.contains(&dear));
    }
}
