//! The programs that every cluster has.

use solana_address_lookup_table_interface::{
    instruction::{create_lookup_table, extend_lookup_table},
    program as lookup_table_program,
};
use solana_commitment_config::CommitmentConfig;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{Instruction, error::InstructionError};
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::{
    config::{RpcTransactionConfig, UiTransactionEncoding},
    response::OptionSerializer,
};
use solana_sdk_ids::{bpf_loader_upgradeable, compute_budget, system_program};
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;

use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, OrFail, Outcome, ensure, ensure_eq, refusal},
    token::Token,
    waiting::eventually,
};

/// The memo program, version 3.
const MEMO_PROGRAM: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
/// Token-2022.
const TOKEN_2022_PROGRAM: Pubkey =
    Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

pub(super) async fn well_known_programs_are_executable(chain: &Chain) -> Outcome {
    let programs = [
        system_program::id(),
        compute_budget::id(),
        lookup_table_program::id(),
        bpf_loader_upgradeable::id(),
        spl_token_interface::id(),
        spl_associated_token_account_interface::program::id(),
        TOKEN_2022_PROGRAM,
        MEMO_PROGRAM,
    ];
    let accounts = chain.rpc().get_multiple_accounts(&programs).await?;
    for (program, account) in programs.iter().zip(accounts) {
        let account = account.or_fail(&format!("the program {program}"))?;
        ensure!(account.executable, "{program} is not executable");
    }
    Ok(())
}

pub(super) async fn memo_is_logged_and_remembered(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let memo = Instruction {
        program_id: MEMO_PROGRAM,
        accounts: Vec::new(),
        data: b"payment 42".to_vec(),
    };
    let receiver = fresh_address();
    let landed = chain
        .send(
            &[memo, transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    let receiver = &receiver;
    let entry = eventually(chain.slots(16), "the memo in the history", || async {
        let entries = rpc
            .get_signatures_for_address_with_config(
                receiver,
                GetConfirmedSignaturesForAddress2Config {
                    commitment: Some(CommitmentConfig::confirmed()),
                    ..GetConfirmedSignaturesForAddress2Config::default()
                },
            )
            .await?;
        Ok(entries.into_iter().next())
    })
    .await?;
    ensure_eq!(
        entry.signature,
        landed.signature.to_string(),
        "the signature"
    );
    ensure_eq!(
        entry.memo.as_deref(),
        Some("[10] payment 42"),
        "the memo with its length"
    );
    Ok(())
}

pub(super) async fn lookup_table_resolves_addresses(chain: &Chain) -> Outcome {
    let payer = chain.wallet(500_000_000).await?;
    let receiver = fresh_address();
    let rpc = chain.rpc();
    let rpc = &rpc;
    // A finalized slot is certainly among the recent ones that the program accepts.
    let recent = chain
        .rpc_at(CommitmentConfig::finalized())
        .get_slot()
        .await?;
    let (create, table) = create_lookup_table(payer.pubkey(), payer.pubkey(), recent);
    let extend = extend_lookup_table(table, payer.pubkey(), Some(payer.pubkey()), vec![receiver]);
    let extended = chain.send(&[create, extend], &[&payer]).await?;
    // New addresses can be used from the next slot on.
    eventually(chain.slots(16), "the next slot", || async {
        Ok((rpc.get_slot().await? > extended.slot).then_some(()))
    })
    .await?;

    let message = v0::Message::try_compile(
        &payer.pubkey(),
        &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
        &[AddressLookupTableAccount {
            key: table,
            addresses: vec![receiver],
        }],
        rpc.get_latest_blockhash().await?,
    )
    .map_err(Failure::preparation)?;
    ensure_eq!(
        message.address_table_lookups.len(),
        1,
        "the tables that the message uses"
    );
    let transaction = VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer])
        .map_err(Failure::preparation)?;
    let signature = rpc.send_transaction(&transaction).await?;
    let landed = chain
        .landed(&signature, CommitmentConfig::confirmed())
        .await?;
    ensure_eq!(landed.status.err, None, "the error of a good transaction");
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        2_000_000,
        "what the receiver got"
    );

    let signature = &signature;
    let found = eventually(chain.slots(16), "a transaction in the history", || async {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(0),
        };
        Ok(rpc
            .get_transaction_with_config(signature, config)
            .await
            .ok())
    })
    .await?;
    let meta = found.transaction.meta.or_fail("the meta data")?;
    let OptionSerializer::Some(loaded) = meta.loaded_addresses else {
        return Err(Failure::expectation("the loaded addresses are missing"));
    };
    ensure_eq!(
        loaded.writable,
        vec![receiver.to_string()],
        "the addresses from the table"
    );
    Ok(())
}

pub(super) async fn missing_lookup_table_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let rpc = chain.rpc();
    let message = v0::Message::try_compile(
        &payer.pubkey(),
        &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
        &[AddressLookupTableAccount {
            key: fresh_address(),
            addresses: vec![receiver],
        }],
        rpc.get_latest_blockhash().await?,
    )
    .map_err(Failure::preparation)?;
    let transaction = VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer])
        .map_err(Failure::preparation)?;
    ensure_eq!(
        crate::failure::error_code(
            rpc.send_transaction(&transaction).await,
            "a lookup table that does not exist"
        )?,
        super::INVALID_PARAMS,
        "the refusal of a lookup table that does not exist"
    );
    Ok(())
}

pub(super) async fn compute_limit_is_enforced(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 10).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    let transaction = chain
        .sign(
            &[
                // Enough for the compute budget program itself, not for a token program.
                ComputeBudgetInstruction::set_compute_unit_limit(160),
                token.transfer(&from, &to, &owner.pubkey(), 5)?,
            ],
            &[&owner],
        )
        .await?;
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "a transaction above its compute limit",
    )?;
    ensure!(
        matches!(
            refused.error,
            TransactionError::InstructionError(
                1,
                InstructionError::ProgramFailedToComplete
                    | InstructionError::ComputationalBudgetExceeded
            )
        ),
        "exceeding the compute limit was refused with {:?}",
        refused.error
    );
    ensure_eq!(
        refused.simulation.units_consumed,
        Some(160),
        "the units of a transaction that used all"
    );
    Ok(())
}
