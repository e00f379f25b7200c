//! The client's decoders on arbitrary bytes: they never panic, and what they accept
//! is exactly what encoding it again gives.

use crate::bytes::{mutate, noise};
use anchor_lang::AccountSerialize;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use solana_account::Account;
use std::fmt::Debug;
use tollgate_client::accounts::{ProgramAccount, decode};
use tollgate_client::transaction;
use tollgate_client::{Addresses, Entitlement, Merchant, PaymentIntent, Product, Pubkey};

/// How many inputs each decoder saw and accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs.
    pub inputs: u64,
    /// Accounts that were accepted by a decoder.
    pub accounts: u64,
    /// Transactions that were accepted.
    pub transactions: u64,
}

/// Tries `inputs` inputs, made from `seeds`: bytes of real accounts and transactions.
///
/// # Panics
/// When a decoder accepts what it would not write; the bytes and the seed are printed.
pub fn run(seeds: &[Vec<u8>], seed: u64, inputs: u64) -> Tally {
    let mut random = StdRng::seed_from_u64(seed);
    let mut tally = Tally::default();
    while tally.inputs < inputs {
        let mut bytes = if random.random_ratio(1, 10) {
            noise(&mut random, 1_400)
        } else {
            seeds.choose(&mut random).expect("there are seeds").clone()
        };
        if random.random_ratio(9, 10) {
            mutate(&mut random, &mut bytes, seeds);
        }
        let accepted = [
            account::<Merchant>(&bytes, &mut random),
            account::<Product>(&bytes, &mut random),
            account::<PaymentIntent>(&bytes, &mut random),
            account::<Entitlement>(&bytes, &mut random),
        ];
        for accepted in accepted {
            match accepted {
                Ok(accepted) => tally.accounts += u64::from(accepted),
                Err(error) => panic!("seed {seed}, input {}: {error}\n{bytes:?}", tally.inputs),
            }
        }
        tally.transactions += u64::from(wire_transaction(&bytes));
        tally.inputs += 1;
    }
    tally
}

/// Whether `bytes` are accepted as a `T` at the address that they name.
fn account<T>(bytes: &[u8], random: &mut StdRng) -> Result<bool, String>
where
    T: ProgramAccount + AccountSerialize + PartialEq + Debug,
{
    let addresses = Addresses::default();
    let stored = Account {
        lamports: 1,
        data: bytes.to_vec(),
        owner: addresses.program_id,
        ..Account::default()
    };
    let elsewhere = Pubkey::new_from_array(random.random());
    if let Ok(value) = decode::<T>(&addresses, &elsewhere, &stored) {
        return Err(format!("{value:?} at an address that nobody derived"));
    }
    let Ok(value) = T::try_deserialize(&mut &bytes[..]) else {
        return Ok(false);
    };
    let mut again = Vec::new();
    value.try_serialize(&mut again).expect("it was decoded");
    if !bytes.starts_with(&again) {
        return Err(format!("{value:?} is written otherwise than it was read"));
    }
    let address = value.derived_address(&addresses);
    Ok(decode::<T>(&addresses, &address, &stored).is_ok())
}

/// Whether `bytes` are accepted as a transaction.
fn wire_transaction(bytes: &[u8]) -> bool {
    let Some(decoded) = transaction::from_bytes(bytes) else {
        return false;
    };
    let again = transaction::to_bytes(&decoded).expect("it was small enough");
    assert_eq!(bytes, again, "written otherwise than it was read");
    true
}
