//! The embedded chain as a cluster.

use crate::Cluster;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_localnet::{Localnet, USDC_MINT, test_keypair, usdc_mint_authority};

/// A local chain with the program and slots of `slot_duration`, as a cluster.
pub async fn local(slot_duration: Duration) -> (Localnet, Cluster) {
    let localnet = Localnet::builder()
        .slot_duration(slot_duration)
        .program(tollgate_client::PROGRAM_ID, tollgate::ELF)
        .start()
        .await
        .unwrap();
    let treasury = test_keypair("e2e treasury");
    localnet
        .airdrop(&treasury.pubkey(), 1_000_000_000_000)
        .unwrap();
    localnet.finalize();
    let cluster = Cluster {
        rpc_url: localnet.rpc_url(),
        treasury,
        mint_authority: usdc_mint_authority(),
        mint: USDC_MINT,
    };
    (localnet, cluster)
}
