//! Which payment id to choose. Any 32 bytes name a purchase, but not every name
//! costs the same: the program finds the intent's address by counting a bump down
//! from 255, 1,500 compute units a step.

use crate::{Addresses, PaymentId, Pubkey};
use sha2::{Digest, Sha256};

/// How many candidates are looked at, at most. Every second one is the cheapest
/// kind, so that not even one choice in four thousand million ends without it.
pub const MOST_CANDIDATES: u8 = 32;

/// A payment id that nobody used: 32 random bytes.
pub fn random_payment_id() -> PaymentId {
    PaymentId(rand::random())
}

/// The payment id of a transfer that a transaction made straight into the vault: it
/// follows from the signature by which the cluster knows the transaction, so that one
/// transfer is recorded once, by whomever and however often.
pub fn transfer_payment_id(signature: &[u8; 64]) -> PaymentId {
    let hash = Sha256::new()
        .chain_update(b"tollgate:transfer:")
        .chain_update(signature)
        .finalize();
    PaymentId(hash.into())
}

/// The first of `candidates` whose intent is cheapest to create, or the last one
/// looked at. `author` is the payer for self-service and the merchant account for a
/// quote. `candidate` is asked for numbers counting up from 0, fewer than
/// [`MOST_CANDIDATES`]; where it answers the same each time, so does this.
pub fn cheapest_payment_id(
    addresses: &Addresses,
    merchant: &Pubkey,
    author: &Pubkey,
    candidate: impl Fn(u8) -> PaymentId,
) -> PaymentId {
    let last = MOST_CANDIDATES - 1;
    (0..last)
        .map(&candidate)
        .find(|id| addresses.is_cheapest_intent(merchant, author, id))
        .unwrap_or_else(|| candidate(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_id_has_the_first_bump() {
        let addresses = Addresses::default();
        let merchant = Pubkey::new_from_array([1; 32]);
        for author in 0..64 {
            let author = Pubkey::new_from_array([author; 32]);
            let candidate = |number| PaymentId([number; 32]);
            let chosen = cheapest_payment_id(&addresses, &merchant, &author, candidate);
            let seeds: [&[u8]; 4] = [b"intent", merchant.as_ref(), author.as_ref(), &chosen.0];
            let (address, bump) = Pubkey::find_program_address(&seeds, &addresses.program_id);
            assert_eq!(bump, u8::MAX);
            assert_eq!(address, addresses.intent(&merchant, &author, &chosen));
        }
    }
}
