//! Subscriptions to accounts and to the accounts of programs.

use serde_json::json;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    config::{RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding},
    filter::{Memcmp, RpcFilterType},
    response::UiAccountData,
};
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use super::{
    LAMPORTS_PER_SIGNATURE, LEVELS,
    subscriptions::{answered, next},
};
use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, OrFail, Outcome, ensure, ensure_eq},
    token::Token,
};

pub(super) async fn account_notification_follows_a_transfer(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let pubsub = chain.pubsub().await?;
    let (mut notices, unsubscribe) =
        answered(pubsub.account_subscribe(&receiver, Some(account(CommitmentConfig::confirmed()))))
            .await?;
    // One after the other, so that every change is confirmed before the next is made.
    let mut total = 0;
    for lamports in [2_000_000, 3_000_000] {
        total += lamports;
        let landed = chain
            .send(&[transfer(&payer.pubkey(), &receiver, lamports)], &[&payer])
            .await?;
        let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
        ensure_eq!(notice.value.lamports, total, "the balance notified");
        ensure_eq!(
            notice.context.slot,
            landed.slot,
            "the slot of the notification"
        );
    }
    unsubscribe().await;
    Ok(())
}

pub(super) async fn account_notification_waits_for_its_commitment(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let pubsub = chain.pubsub().await?;
    let mut streams = Vec::new();
    for commitment in LEVELS {
        let (notices, _) =
            answered(pubsub.account_subscribe(&receiver, Some(account(commitment)))).await?;
        streams.push((commitment, notices));
    }
    let landed = chain
        .send(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    for (commitment, mut notices) in streams {
        let notice = next(chain, commitment, &mut notices).await?;
        ensure_eq!(
            notice.value.lamports,
            2_000_000,
            format!("the balance notified at {commitment:?}")
        );
        let reached = chain.rpc_at(commitment).get_slot().await?;
        ensure!(
            reached >= landed.slot,
            "notified of slot {} at {commitment:?} while the chain is at {reached}",
            landed.slot
        );
    }
    Ok(())
}

pub(super) async fn account_notification_reports_a_closed_account(chain: &Chain) -> Outcome {
    let wallet = chain.wallet(10_000_000).await?;
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(pubsub.account_subscribe(
        &wallet.pubkey(),
        Some(account(CommitmentConfig::confirmed())),
    ))
    .await?;
    let everything = 10_000_000 - LAMPORTS_PER_SIGNATURE;
    chain
        .send(
            &[transfer(&wallet.pubkey(), &fresh_address(), everything)],
            &[&wallet],
        )
        .await?;
    let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    ensure_eq!(notice.value.lamports, 0, "the balance of a closed account");
    Ok(())
}

pub(super) async fn account_notification_comes_parsed_on_request(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 1_000).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    let pubsub = chain.pubsub().await?;
    let config = RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::JsonParsed),
        ..account(CommitmentConfig::confirmed())
    };
    let (mut notices, _) = answered(pubsub.account_subscribe(&to, Some(config))).await?;
    token.send(chain, &owner, &from, &to, 400).await?;
    let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
    let UiAccountData::Json(parsed) = notice.value.data else {
        return Err(Failure::expectation("a token account was not parsed"));
    };
    ensure_eq!(
        parsed.parsed.pointer("/info/tokenAmount/amount"),
        Some(&json!("401")),
        "the parsed amount"
    );
    Ok(())
}

pub(super) async fn program_notification_obeys_its_filters(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 1_000).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    let pubsub = chain.pubsub().await?;
    let config = RpcProgramAccountsConfig {
        filters: Some(vec![
            RpcFilterType::DataSize(165),
            RpcFilterType::Memcmp(Memcmp::new_base58_encoded(0, token.mint.as_ref())),
            RpcFilterType::Memcmp(Memcmp::new_base58_encoded(
                32,
                token.authority.pubkey().as_ref(),
            )),
        ]),
        account_config: account(CommitmentConfig::confirmed()),
        ..RpcProgramAccountsConfig::default()
    };
    let (mut notices, _) =
        answered(pubsub.program_subscribe(&spl_token_interface::id(), Some(config))).await?;
    for (amount, total) in [(400_u64, 401_u64), (50, 451)] {
        token.send(chain, &owner, &from, &to, amount).await?;
        // The sender's account changes too; only the receiver's passes the filters.
        let notice = next(chain, CommitmentConfig::confirmed(), &mut notices).await?;
        ensure_eq!(notice.value.pubkey, to.to_string(), "the account notified");
        let data = notice.value.account.data.decode().or_fail("the data")?;
        ensure_eq!(
            data.get(64..72),
            Some(total.to_le_bytes().as_slice()),
            "the amount in the data"
        );
    }
    Ok(())
}

/// An account in base64 at one commitment.
fn account(commitment: CommitmentConfig) -> RpcAccountInfoConfig {
    RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        commitment: Some(commitment),
        ..RpcAccountInfoConfig::default()
    }
}
