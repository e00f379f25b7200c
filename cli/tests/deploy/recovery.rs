//! Interruptions, lost transactions, abandoned buffers.

use crate::support::{PATIENCE, SOL, Site, until};
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_cli::deploy::plan::ProgramAction;
use tollgate_cli::deploy::{Deployment, close_buffer};
use tollgate_localnet::Localnet;

/// Bytes in front of a buffer's content.
const BUFFER_METADATA: usize = 37;
/// Some bytes of the program, a small part of the whole.
const SOME_BYTES: usize = 20_000;

/// Starts to deploy, and stops like a killed process once some of it is written.
async fn interrupted(site: &Site) {
    let chain = site.chain();
    let mut deployment = site.deployment(&chain);
    deployment.options.limits.in_flight = 8;
    let buffer = site.buffer.pubkey();
    let partly = until("something is written", || {
        let written = site.localnet.account(&buffer).map_or(0, |account| {
            account.data.iter().filter(|byte| **byte != 0).count()
        });
        written > BUFFER_METADATA + SOME_BYTES
    });
    tokio::select! {
        outcome = deployment.run(&site.buffer) => panic!("it ended: {outcome:?}"),
        () = partly => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_deployment_goes_on_where_it_stopped() {
    let site = Site::start().await;
    let chain = site.chain();
    let all = site.deployment(&chain).preview(None).await.unwrap();
    interrupted(&site).await;
    site.localnet.finalize();
    let rest = site.deployment(&chain);
    let preview = rest.preview(Some(&site.buffer)).await.unwrap();
    assert!(preview.writes < all.writes, "{preview:?} {all:?}");
    assert!(preview.lamports < all.lamports, "{preview:?} {all:?}");
    let before = site.landed().await;
    let outcome = rest.run(&site.buffer).await.unwrap();
    assert!(matches!(outcome.action, ProgramAction::Deploy { .. }));
    // What the interrupted process had on its way may have arrived in the meantime.
    assert!(outcome.writes <= preview.writes, "{outcome:?}");
    let sent = site.landed().await - before;
    assert!(sent < u64::try_from(all.writes).unwrap(), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rent_of_an_abandoned_buffer_comes_back() {
    let site = Site::start().await;
    let (chain, buffer) = (site.chain(), site.buffer.pubkey());
    interrupted(&site).await;
    site.localnet.finalize();
    let (rent, before) = (site.lamports(&buffer), site.lamports(&site.payer.pubkey()));
    let stranger = Keypair::new();
    site.localnet.airdrop(&stranger.pubkey(), SOL).unwrap();
    site.localnet.finalize();
    let theft = close_buffer(&chain, &buffer, &stranger, &stranger).await;
    assert_eq!(theft.unwrap_err().code(), "buffer_unusable");
    // Nor does a deployment under another authority write into it.
    let other = Deployment {
        authority: &stranger,
        ..site.deployment(&chain)
    };
    let refused = other.run(&site.buffer).await.unwrap_err();
    assert_eq!(refused.code(), "buffer_unusable");

    let (_, returned) = close_buffer(&chain, &buffer, &site.payer, &site.payer)
        .await
        .unwrap();
    assert_eq!(returned, rent);
    assert!(site.lamports(&site.payer.pubkey()) > before + rent - SOL / 1_000);
    let again = close_buffer(&chain, &buffer, &site.payer, &site.payer).await;
    assert_eq!(again.unwrap_err().code(), "not_found");
}

/// Deploys; of the writes, `lost` never reach a block.
async fn with_losses(site: &Site, deployment: &Deployment<'_>, lost: u32) {
    let buffer = site.buffer.pubkey();
    let losses = async {
        until("the buffer exists", || {
            site.localnet.account(&buffer).is_some()
        })
        .await;
        site.localnet.faults().lose_transactions(lost);
    };
    let (outcome, ()) = tokio::join!(deployment.run(&site.buffer), losses);
    assert!(outcome.unwrap().signature.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_transactions_are_sent_again() {
    let site = Site::start().await;
    let chain = site.chain();
    with_losses(&site, &site.deployment(&chain), 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_for_a_while_is_waited_out() {
    let site = Site::start().await;
    let chain = site.chain();
    let deployment = site.deployment(&chain);
    let buffer = site.buffer.pubkey();
    let trouble = async {
        until("the buffer exists", || {
            site.localnet.account(&buffer).is_some()
        })
        .await;
        for _ in 0..4 {
            site.localnet.faults().reply_node_unhealthy(None);
            tokio::time::sleep(Duration::from_millis(300)).await;
            site.localnet.faults().clear();
            tokio::time::sleep(Duration::from_millis(300)).await;
            site.localnet.faults().cut_connections();
        }
    };
    // The trouble may end first or last; each part is bounded.
    let (outcome, ()) = tokio::join!(deployment.run(&site.buffer), trouble);
    match outcome {
        Ok(outcome) => assert!(outcome.signature.is_some()),
        // One that came at a step which asks once is an error; repeated, it goes on.
        Err(error) => {
            assert!(error.code().starts_with("rpc_"), "{error}");
            deployment.run(&site.buffer).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_signed_again() {
    let mut site = Site::start().await;
    // 150 of these slots are three seconds.
    site.localnet = Localnet::builder()
        .slot_duration(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    site.localnet
        .airdrop(&site.payer.pubkey(), 20 * SOL)
        .unwrap();
    site.localnet.finalize();
    let chain = site.chain();
    let mut deployment = site.deployment(&chain);
    // Nothing is sent twice, so only a new signature can help.
    deployment.options.limits.resend_every = PATIENCE;
    with_losses(&site, &deployment, 20).await;
}
