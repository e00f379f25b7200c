//! What holds after every step, whatever the rules say. They are stated on the
//! model, which is compared with the chain after every step.

use super::places::Places;
use super::state::{Entitlement, Model, Standing};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// What never changes, read off the first state.
pub struct Invariants {
    places: &'static Places,
    lamports: u64,
    /// By mint.
    tokens: BTreeMap<Pubkey, u64>,
}

impl Invariants {
    /// Of everything that begins with `model`.
    pub fn of(model: &Model, places: &'static Places) -> Self {
        Self {
            places,
            lamports: model.lamports.values().sum(),
            tokens: tokens(model),
        }
    }

    /// Every invariant.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn require(&self, model: &Model) {
        let lamports: u64 = model.lamports.values().sum();
        assert_eq!(lamports, self.lamports, "lamports appeared or vanished");
        assert_eq!(
            tokens(model),
            self.tokens,
            "tokens of a mint appeared or vanished"
        );
        for (vault, flows) in &model.flows {
            let due = flows.settled + flows.given - flows.refunded - flows.withdrawn;
            let held = model.tokens[vault].amount;
            let name = &self.places.names[vault];
            assert_eq!(held, due, "{name} = settled + given − refunded − withdrawn");
        }
        for (address, held) in &model.entitlements {
            let paid: Vec<&Standing> = (model.standing.iter())
                .filter(|payment| payment.entitlement == *address && payment.era == held.era)
                .collect();
            if held.usable(model.now) {
                let name = &self.places.names[address];
                require_paid(name, held, &paid, model.now);
            }
        }
    }
}

fn tokens(model: &Model) -> BTreeMap<Pubkey, u64> {
    let mut totals = BTreeMap::new();
    for held in model.tokens.values() {
        *totals.entry(held.mint).or_default() += held.amount;
    }
    totals
}

/// Nothing can be used without a payment that counts, and never for longer or more
/// often than what was paid for.
fn require_paid(name: &str, held: &Entitlement, paid: &[&Standing], now: i64) {
    assert!(!paid.is_empty(), "{name} is usable without a payment");
    let seconds: u128 = paid.iter().map(|it| u128::from(it.access)).sum();
    if held.expires_at == i64::MAX {
        let unlimited = paid.iter().any(|it| it.access == 0);
        assert!(unlimited, "{name} never expires, and nobody paid for that");
    } else {
        let left = u128::from(held.expires_at.abs_diff(now));
        assert!(left <= seconds, "{name} has {left} s left of {seconds} s");
    }
    let credits: u128 = paid.iter().map(|it| u128::from(it.credits)).sum();
    let left = u128::from(held.credits_granted - held.credits_used);
    assert!(left <= credits, "{name} has {left} of {credits} credits");
}
