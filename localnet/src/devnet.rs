//! What the local chain shares with devnet, and the keys that only a local chain may have.
//!
//! Stock x402 clients know no other test network than devnet, so the local chain answers with
//! devnet's genesis hash and holds a mint at devnet's USDC address.

use sha2::{Digest, Sha256};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_signer::Signer;
use spl_token_interface::state::Mint;

/// The genesis hash of Solana's devnet, which the local chain reports as its own.
pub const DEVNET_GENESIS_HASH: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";

/// The address of Circle's USDC on devnet; here, a mint whose authority is a test key.
pub const USDC_MINT: Address =
    Address::from_str_const("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU");

/// Decimals of USDC: one USDC is 1,000,000 base units.
pub const USDC_DECIMALS: u8 = 6;

/// A key that everybody can derive, for tests and demonstrations only: the ed25519 seed is
/// `sha256("tollgate test key: <name>")`.
pub fn test_keypair(name: &str) -> Keypair {
    let mut hasher = Sha256::new();
    hasher.update(b"tollgate test key: ");
    hasher.update(name.as_bytes());
    Keypair::new_from_array(hasher.finalize().into())
}

/// The key that may mint the test USDC.
pub fn usdc_mint_authority() -> Keypair {
    test_keypair("usdc mint authority")
}

/// The key that pays airdrops and mint transactions.
pub(crate) fn faucet() -> Keypair {
    test_keypair("faucet")
}

/// The key under which the only node of the cluster presents itself.
pub(crate) fn validator_identity() -> Address {
    test_keypair("validator identity").pubkey()
}

/// The mint account of the test USDC as it stands at genesis: nothing minted, no freeze
/// authority.
pub(crate) fn usdc_mint_account(lamports: u64) -> Account {
    let mint = Mint {
        mint_authority: Some(usdc_mint_authority().pubkey()).into(),
        supply: 0,
        decimals: USDC_DECIMALS,
        is_initialized: true,
        freeze_authority: None.into(),
    };
    let mut data = vec![0; Mint::LEN];
    mint.pack_into_slice(&mut data);
    Account {
        lamports,
        data,
        owner: spl_token_interface::id(),
        executable: false,
        rent_epoch: u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_keys_follow_the_documented_derivation() {
        let seed: [u8; 32] = Sha256::digest(b"tollgate test key: faucet").into();
        assert_eq!(faucet().pubkey(), Keypair::new_from_array(seed).pubkey());
        assert_ne!(faucet().pubkey(), usdc_mint_authority().pubkey());
    }
}
