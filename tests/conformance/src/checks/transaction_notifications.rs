//! Subscriptions to signatures and to logs.

use solana_commitment_config::CommitmentConfig;
use solana_pubsub_client::pubsub_client::PubsubClientError;
use solana_rpc_client_api::{
    config::{RpcSignatureSubscribeConfig, RpcTransactionLogsConfig, RpcTransactionLogsFilter},
    response::{
        ProcessedSignatureResult, ReceivedSignatureResult, RpcSignatureResult, TransactionError,
    },
};
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use super::{
    INVALID_PARAMS, LEVELS,
    subscriptions::{answered, next},
};
use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, OrFail, Outcome, custom_error, ensure, ensure_eq},
    waiting::within,
};

pub(super) async fn signature_notification_comes_at_every_commitment(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let signature = transaction
        .signatures
        .first()
        .copied()
        .or_fail("the signature")?;
    let pubsub = chain.pubsub().await?;
    let mut streams = Vec::new();
    for commitment in LEVELS {
        let (notices, _) =
            answered(pubsub.signature_subscribe(&signature, Some(processed(commitment)))).await?;
        streams.push((commitment, notices));
    }
    chain.rpc().send_transaction(&transaction).await?;
    for (commitment, mut notices) in streams {
        let notice = next(chain, commitment, &mut notices).await?;
        ensure_eq!(
            notice.value,
            RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err: None }),
            format!("the notification at {commitment:?}")
        );
        let status = chain.landed(&signature, commitment).await?;
        ensure!(
            notice.context.slot >= status.slot,
            "notified in slot {} of a transaction in slot {}",
            notice.context.slot,
            status.slot
        );
    }
    Ok(())
}

pub(super) async fn signature_notification_reports_a_failure(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 200_000_000)],
            &[&payer],
        )
        .await?;
    let signature = transaction
        .signatures
        .first()
        .copied()
        .or_fail("the signature")?;
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(
        pubsub.signature_subscribe(&signature, Some(processed(CommitmentConfig::confirmed()))),
    )
    .await?;
    chain.send_unchecked(&transaction).await?;
    let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    let RpcSignatureResult::ProcessedSignature(result) = notice.value else {
        return Err(Failure::expectation("a receipt came instead of a result"));
    };
    ensure_eq!(
        result.err.map(TransactionError::from),
        Some(custom_error(0, 1)),
        "the error notified"
    );
    Ok(())
}

pub(super) async fn signature_notification_comes_late_for_a_confirmed_transaction(
    chain: &Chain,
) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let landed = chain
        .send(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    // The client drops a notification that arrives before the answer to its subscription, so a
    // chain that is too quick makes payers wait forever: try more than once.
    for _ in 0..5 {
        let pubsub = chain.pubsub().await?;
        let (mut notices, _) = answered(pubsub.signature_subscribe(
            &landed.signature,
            Some(processed(CommitmentConfig::confirmed())),
        ))
        .await?;
        let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
        ensure_eq!(
            notice.value,
            RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err: None }),
            "the notification of a transaction that is already confirmed"
        );
    }
    Ok(())
}

pub(super) async fn logs_notification_carries_the_logs(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(pubsub.logs_subscribe(
        RpcTransactionLogsFilter::Mentions(vec![receiver.to_string()]),
        RpcTransactionLogsConfig {
            commitment: Some(CommitmentConfig::confirmed()),
        },
    ))
    .await?;
    // The first does not mention the receiver.
    chain
        .send(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let landed = chain
        .send(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    ensure_eq!(
        notice.value.signature,
        landed.signature.to_string(),
        "the transaction notified"
    );
    ensure_eq!(notice.value.err, None, "the error notified");
    ensure_eq!(
        notice.value.logs,
        vec![
            "Program 11111111111111111111111111111111 invoke [1]".to_owned(),
            "Program 11111111111111111111111111111111 success".to_owned(),
        ],
        "the logs notified"
    );
    Ok(())
}

pub(super) async fn receipt_comes_before_the_result_if_at_all(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let signature = transaction
        .signatures
        .first()
        .copied()
        .or_fail("the signature")?;
    let pubsub = chain.pubsub().await?;
    let config = RpcSignatureSubscribeConfig {
        enable_received_notification: Some(true),
        ..processed(CommitmentConfig::confirmed())
    };
    let (mut notices, _) = answered(pubsub.signature_subscribe(&signature, Some(config))).await?;
    chain.rpc().send_transaction(&transaction).await?;
    // A node tells of the receipt when it replays a block that another node has made. The leader
    // itself, such as the only node of a small cluster, has nothing to tell.
    let mut notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    if notice.value
        == RpcSignatureResult::ReceivedSignature(ReceivedSignatureResult::ReceivedSignature)
    {
        notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    }
    ensure_eq!(
        notice.value,
        RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err: None }),
        "the notification of the result"
    );
    Ok(())
}

pub(super) async fn logs_notification_of_a_failure_names_its_error(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(pubsub.logs_subscribe(
        RpcTransactionLogsFilter::Mentions(vec![payer.pubkey().to_string()]),
        RpcTransactionLogsConfig {
            commitment: Some(CommitmentConfig::confirmed()),
        },
    ))
    .await?;
    let failing = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 200_000_000)],
            &[&payer],
        )
        .await?;
    chain.send_unchecked(&failing).await?;
    let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    ensure_eq!(
        notice.value.err.map(TransactionError::from),
        Some(custom_error(0, 1)),
        "the error notified"
    );
    ensure_eq!(
        notice.value.logs.last().map(String::as_str),
        Some("Program 11111111111111111111111111111111 failed: custom program error: 0x1"),
        "the last log line"
    );
    Ok(())
}

pub(super) async fn logs_subscription_takes_one_address(chain: &Chain) -> Outcome {
    let pubsub = chain.pubsub().await?;
    let two = vec![fresh_address().to_string(), fresh_address().to_string()];
    let answer = within(
        chain.slots(16),
        "the refusal of a subscription",
        pubsub.logs_subscribe(
            RpcTransactionLogsFilter::Mentions(two),
            RpcTransactionLogsConfig { commitment: None },
        ),
    )
    .await?;
    match answer {
        Ok(_) => Err(Failure::expectation("logs of two addresses were promised")),
        Err(PubsubClientError::SubscribeFailed { reason, .. })
            if reason.contains(&INVALID_PARAMS.to_string()) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// A signature's result at one commitment.
fn processed(commitment: CommitmentConfig) -> RpcSignatureSubscribeConfig {
    RpcSignatureSubscribeConfig {
        commitment: Some(commitment),
        enable_received_notification: None,
    }
}
