//! Statuses of signatures, and the signatures of an address.

use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::{
    request::MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS,
    response::{TransactionConfirmationStatus, TransactionError},
};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use super::INVALID_PARAMS;
use crate::{
    chain::{Chain, fresh_address, fresh_signature},
    failure::{Failure, Outcome, custom_error, ensure, ensure_eq, error_code},
    waiting::eventually,
};

pub(super) async fn unknown_signature_has_no_status(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let landed = chain.small_transfer(&payer).await?;
    let unknown = fresh_signature();
    let rpc = chain.rpc();
    let statuses = rpc
        .get_signature_statuses(&[unknown, landed.signature])
        .await?
        .value;
    let known: Vec<bool> = statuses.iter().map(Option::is_some).collect();
    ensure_eq!(known, vec![false, true], "the statuses in the order asked");
    let with_history = rpc
        .get_signature_statuses_with_history(&[unknown])
        .await?
        .value;
    ensure_eq!(with_history, vec![None], "the status with history");
    Ok(())
}

pub(super) async fn signature_statuses_take_256_and_no_more(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let many: Vec<Signature> = (0..=MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS)
        .map(|_| fresh_signature())
        .collect();
    let most = many
        .get(..MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS)
        .unwrap_or_default();
    let statuses = rpc.get_signature_statuses(most).await?.value;
    ensure_eq!(
        statuses.len(),
        MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS,
        "the answers"
    );
    ensure_eq!(
        error_code(rpc.get_signature_statuses(&many).await, "257 signatures")?,
        INVALID_PARAMS,
        "the refusal of 257 signatures"
    );
    Ok(())
}

pub(super) async fn status_progresses_to_finalized(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    let signature = rpc.send_transaction(&transaction).await?;
    let mut reached = 0;
    let mut slot = None;
    let limit = chain.until(CommitmentConfig::finalized());
    loop {
        let answer = eventually(limit, "a status", || async {
            let answer = rpc.get_signature_statuses(&[signature]).await?;
            Ok(answer
                .value
                .into_iter()
                .flatten()
                .find(|status| rank(status.confirmation_status.as_ref()) > reached))
        })
        .await?;
        reached = rank(answer.confirmation_status.as_ref());
        ensure_eq!(
            *slot.get_or_insert(answer.slot),
            answer.slot,
            "the slot of one transaction at a later commitment"
        );
        ensure_eq!(answer.err, None, "the error of a good transaction");
        ensure_eq!(answer.status, Ok(()), "the older form of the status");
        let finalized = reached == rank(Some(&TransactionConfirmationStatus::Finalized));
        ensure_eq!(
            answer.confirmations.is_none(),
            finalized,
            "whether confirmations are no longer counted"
        );
        if finalized {
            return Ok(());
        }
    }
}

pub(super) async fn signatures_for_address_come_newest_first(chain: &Chain) -> Outcome {
    let payer = chain.wallet(900_000_000).await?;
    let receiver = fresh_address();
    let rpc = chain.rpc();
    let mut sent = Vec::new();
    for lamports in [2_000_000, 2_000_001] {
        let instruction = transfer(&payer.pubkey(), &receiver, lamports);
        sent.push(chain.send(&[instruction], &[&payer]).await?.signature);
    }
    let failing = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000_000)],
            &[&payer],
        )
        .await?;
    sent.push(chain.send_unchecked(&failing).await?.signature);
    sent.reverse();

    let all = rpc
        .get_signatures_for_address_with_config(&receiver, page(None, None, None))
        .await?;
    let signatures: Vec<String> = all.iter().map(|entry| entry.signature.clone()).collect();
    let expected: Vec<String> = sent.iter().map(ToString::to_string).collect();
    ensure_eq!(signatures, expected, "the signatures of an address");
    let errors: Vec<Option<TransactionError>> = all
        .iter()
        .map(|entry| entry.err.clone().map(TransactionError::from))
        .collect();
    ensure_eq!(
        errors,
        vec![Some(custom_error(0, 1)), None, None],
        "the errors of an address's transactions"
    );
    ensure!(
        all.iter().all(
            |entry| entry.block_time.is_some() && rank(entry.confirmation_status.as_ref()) >= 2
        ),
        "an entry has no time or is not confirmed: {all:?}"
    );

    let [newest, middle, oldest] = sent.as_slice() else {
        return Err(Failure::preparation("three transactions were sent"));
    };
    for (config, expected, what) in [
        (page(None, None, Some(1)), vec![newest], "a limit of one"),
        (
            page(Some(newest), None, None),
            vec![middle, oldest],
            "before",
        ),
        (
            page(None, Some(oldest), None),
            vec![newest, middle],
            "until",
        ),
        (
            page(Some(newest), Some(oldest), Some(5)),
            vec![middle],
            "before and until",
        ),
    ] {
        let entries = rpc
            .get_signatures_for_address_with_config(&receiver, config)
            .await?;
        let signatures: Vec<String> = entries.into_iter().map(|entry| entry.signature).collect();
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        ensure_eq!(signatures, expected, format!("the page with {what}"));
    }
    Ok(())
}

pub(super) async fn signatures_for_address_start_at_confirmed(chain: &Chain) -> Outcome {
    let at_processed = GetConfirmedSignaturesForAddress2Config {
        commitment: Some(CommitmentConfig::processed()),
        ..page(None, None, None)
    };
    let answer = chain
        .rpc()
        .get_signatures_for_address_with_config(&fresh_address(), at_processed)
        .await;
    ensure_eq!(
        error_code(answer, "signatures at processed")?,
        INVALID_PARAMS,
        "the refusal of signatures at processed"
    );
    Ok(())
}

pub(super) async fn address_without_history_has_no_signatures(chain: &Chain) -> Outcome {
    let none = chain
        .rpc()
        .get_signatures_for_address_with_config(&fresh_address(), page(None, None, None))
        .await?;
    ensure!(none.is_empty(), "an unused address has {none:?}");
    Ok(())
}

/// One page of an address's signatures.
fn page(
    before: Option<&Signature>,
    until: Option<&Signature>,
    limit: Option<usize>,
) -> GetConfirmedSignaturesForAddress2Config {
    GetConfirmedSignaturesForAddress2Config {
        before: before.copied(),
        until: until.copied(),
        limit,
        commitment: Some(CommitmentConfig::confirmed()),
    }
}

/// The commitment levels as numbers that grow.
const fn rank(status: Option<&TransactionConfirmationStatus>) -> u8 {
    match status {
        None => 0,
        Some(TransactionConfirmationStatus::Processed) => 1,
        Some(TransactionConfirmationStatus::Confirmed) => 2,
        Some(TransactionConfirmationStatus::Finalized) => 3,
    }
}
