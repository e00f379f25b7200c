//! What a payer on devnet finds: the program and USDC.

use solana_account::AccountSharedData;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_signer::Signer;
use spl_token_interface::state::Mint;
use tollgate_client::PROGRAM_ID;
use tollgate_e2e_tests::Cluster;
use tollgate_localnet::{USDC_DECIMALS, USDC_MINT, test_keypair, usdc_mint_authority};

use crate::{Setup, Validator};

/// The program as merchants deploy it, and a mint at the address of devnet's USDC, whose
/// authority is the test key that the embedded chain uses too.
pub fn setup() -> Setup {
    without_program().program(
        PROGRAM_ID,
        test_keypair("upgrade authority").pubkey(),
        tollgate::ELF,
    )
}

/// The mint alone: what whoever deploys the program finds.
pub fn without_program() -> Setup {
    Setup::default().account(USDC_MINT, mint(&usdc_mint_authority().pubkey()))
}

/// A validator that was started with [`setup`], as the end-to-end tests see a chain.
pub fn cluster(validator: &Validator) -> Cluster {
    Cluster {
        rpc_url: validator.rpc_url(),
        treasury: validator.treasury().insecure_clone(),
        mint_authority: usdc_mint_authority(),
        mint: USDC_MINT,
    }
}

/// An initialised mint without supply and without freeze authority.
fn mint(authority: &Pubkey) -> AccountSharedData {
    let mut data = [0; Mint::LEN];
    Mint {
        mint_authority: Some(*authority).into(),
        supply: 0,
        decimals: USDC_DECIMALS,
        is_initialized: true,
        freeze_authority: None.into(),
    }
    .pack_into_slice(&mut data);
    let mut account = AccountSharedData::new(
        Rent::default().minimum_balance(Mint::LEN),
        Mint::LEN,
        &spl_token_interface::id(),
    );
    account.set_data_from_slice(&data);
    account
}
