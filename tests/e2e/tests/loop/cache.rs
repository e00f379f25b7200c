//! The chain cache over the embedded chain, whose WebSocket can be made to fail.

use tollgate_e2e_tests::{ChainCache, chain_cache};
use tollgate_localnet::{Localnet, test_keypair};

use crate::scene::SLOT;
use solana_signer::Signer;
use tollgate_e2e_tests::local;

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_cache_keeps_its_promises() {
    let (localnet, cluster) = local(SLOT).await;
    chain_cache(&cluster, &localnet.websocket_url(), SLOT).await;
    localnet.shutdown().await;
}

/// Nothing is confirmed any more, though slots go on: what is known stays readable, and
/// a payment that is not confirmed opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_without_notices_is_not_believed() {
    let (localnet, cluster) = local(SLOT).await;
    let scene = ChainCache::set(&cluster, &localnet.websocket_url(), SLOT).await;
    let payer = scene.paid_is_served_by_push().await;
    // Connections stay open, and nothing comes: a revocation is seen by reading.
    localnet.faults().hold_notifications(true);
    scene.revoked_is_refused(&payer).await;
    localnet.faults().clear();
    scene.strike().await;
    localnet.shutdown().await;
}

/// The embedded chain is started anew and knows nothing of what was paid: until that is
/// beyond doubt nobody is told that he has not paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_began_anew_is_not_taken_for_unpaid_at_once() {
    let (localnet, cluster) = local(SLOT).await;
    let scene = ChainCache::set(&cluster, &localnet.websocket_url(), SLOT).await;
    let payer = scene.paid_is_served_by_push().await;
    localnet.warp_slots(1_000).unwrap();
    localnet.finalize();
    scene.a_restarted_chain_is_found_again(&payer).await;
    let (rpc, feed) = scene.doors();
    rpc.shut();
    feed.shut();
    let anew = Localnet::builder()
        .slot_duration(SLOT)
        .program(tollgate_client::PROGRAM_ID, tollgate::ELF)
        .start()
        .await
        .unwrap();
    let treasury = test_keypair("e2e treasury");
    anew.airdrop(&treasury.pubkey(), 1_000_000_000_000).unwrap();
    anew.finalize();
    rpc.lead_to(&anew.rpc_url());
    feed.lead_to(&anew.websocket_url());
    rpc.open();
    feed.open();
    scene.another_chain_is_not_believed(&payer).await;
    scene.strike().await;
    anew.shutdown().await;
    localnet.shutdown().await;
}
