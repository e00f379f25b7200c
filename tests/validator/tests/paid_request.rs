//! The paid request, end to end, with the real validator as the chain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use solana_commitment_config::CommitmentConfig;
use solana_program_pack::Pack;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_signer::Signer;
use spl_token_interface::state::Mint;
use std::time::Duration;
use tokio::{runtime::Runtime, time::timeout};
use tollgate_client::PROGRAM_ID;
use tollgate_e2e_tests::paid_request;
use tollgate_localnet::{USDC_DECIMALS, USDC_MINT, usdc_mint_authority};
use tollgate_validator_tests::{Validator, devnet};

/// A payment is confirmed within seconds; the rest is patience with a loaded machine.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn paid_request_works_on_the_real_validator() {
    let runtime = Runtime::new().unwrap();
    let validator = Validator::start(runtime.handle(), devnet::setup()).unwrap();
    runtime.block_on(async {
        devnet_is_set_up(&validator).await;
        timeout(LIMIT, paid_request(&devnet::cluster(&validator)))
            .await
            .expect("the loop ends in time");
    });
}

/// The program is a deployed, upgradeable one, and the mint is at devnet's address.
async fn devnet_is_set_up(validator: &Validator) {
    let rpc = RpcClient::new_with_commitment(validator.rpc_url(), CommitmentConfig::confirmed());
    let program = rpc.get_account(&PROGRAM_ID).await.unwrap();
    assert!(program.executable);
    assert_eq!(program.owner, bpf_loader_upgradeable::id());

    let mint = rpc.get_account(&USDC_MINT).await.unwrap();
    assert_eq!(mint.owner, spl_token_interface::id());
    let mint = Mint::unpack(&mint.data).unwrap();
    assert_eq!(mint.decimals, USDC_DECIMALS);
    assert_eq!(mint.mint_authority.unwrap(), usdc_mint_authority().pubkey());
}
