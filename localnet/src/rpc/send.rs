//! Sending and simulating transactions, and what they cost.

use super::{
    Rpc, add, encode,
    error::{RpcResult, custom, invalid_params},
    parse, view, view_of, with_context,
};
use crate::{
    LocalnetError,
    chain::{Chain, Simulation, Submission, is_signed},
    faucet,
};
use jsonrpsee::{
    RpcModule,
    types::{ErrorObjectOwned, Params},
};
use litesvm::types::TransactionMetadata;
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_clock::Slot;
use solana_commitment_config::CommitmentConfig;
use solana_message::VersionedMessage;
use solana_rpc_client_api::{
    config::{
        RpcContextConfig, RpcRequestAirdropConfig, RpcSendTransactionConfig,
        RpcSimulateTransactionAccountsConfig, RpcSimulateTransactionConfig,
    },
    custom_error::RpcCustomError,
    response::{Response, RpcBlockhash, RpcSimulateTransactionResult, UiTransactionReturnData},
};
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status::{
    TransactionBinaryEncoding, UiInnerInstructions, UiLoadedAddresses, UiTransactionEncoding,
    map_inner_instructions, parse_ui_inner_instructions,
};

/// What errors call a transaction and a message, as a cluster does.
const TRANSACTION: &str = "solana_transaction::versioned::VersionedTransaction";
const MESSAGE: &str = "solana_message::versions::VersionedMessage";

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    add(module, "sendTransaction", send_transaction)?;
    add(module, "simulateTransaction", simulate_transaction)?;
    add(module, "requestAirdrop", request_airdrop)?;
    add(module, "getFeeForMessage", fee_for_message)
}

fn send_transaction(params: &Params<'_>, rpc: &Rpc) -> RpcResult<String> {
    let (data, config): (String, RpcSendTransactionConfig) = parse::one_and_config(params)?;
    let transaction = decode_transaction(&data, config.encoding)?;
    let signed = is_signed(&transaction);
    let mut chain = rpc.chain();
    let commitment = if config.skip_preflight {
        CommitmentConfig::processed()
    } else {
        config
            .preflight_commitment
            .map_or_else(CommitmentConfig::default, |commitment| CommitmentConfig {
                commitment,
            })
    };
    let slot = view(&chain, Some(commitment), config.min_context_slot)?.slot();
    let submission = sanitize(&mut chain, transaction, signed, slot)?;
    if !config.skip_preflight {
        if !signed {
            return Err(preflight_failure(
                TransactionError::SignatureFailure,
                TransactionMetadata::default(),
                None,
            ));
        }
        let simulation = chain.simulate(&submission, slot);
        if let Err(error) = simulation.result {
            return Err(preflight_failure(error, simulation.meta, simulation.fee));
        }
    }
    let signature = *submission.sanitized.signature();
    if rpc.faults.takes_transaction() {
        return Ok(signature.to_string());
    }
    // A node passes the transaction on to the leader and answers at once: what the leader
    // refuses just never lands.
    if let Err(error) = chain.submit(&submission) {
        tracing::debug!(%signature, %error, "a transaction was refused by the leader");
    }
    Ok(signature.to_string())
}

fn simulate_transaction(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Response<RpcSimulateTransactionResult>> {
    let (data, config): (String, RpcSimulateTransactionConfig) = parse::one_and_config(params)?;
    let mut transaction = decode_transaction(&data, config.encoding)?;
    let signed = config.sig_verify && is_signed(&transaction);
    let mut chain = rpc.chain();
    let (slot, latest) = {
        let view = view(&chain, config.commitment, config.min_context_slot)?;
        (view.slot(), view.latest_blockhash())
    };
    let mut replacement_blockhash = None;
    if config.replace_recent_blockhash {
        if config.sig_verify {
            return Err(invalid_params(
                "sigVerify may not be used with replaceRecentBlockhash",
            ));
        }
        let (blockhash, last_valid_block_height) = latest;
        transaction.message.set_recent_blockhash(blockhash);
        replacement_blockhash = Some(RpcBlockhash {
            blockhash: blockhash.to_string(),
            last_valid_block_height,
        });
    }
    let submission = sanitize(&mut chain, transaction, signed, slot)?;
    if config.sig_verify && !signed {
        let failed = RpcSimulateTransactionResult {
            accounts: config
                .accounts
                .map(|accounts| vec![None; accounts.addresses.len()]),
            loaded_addresses: Some(loaded_addresses(&submission)),
            ..simulation_result(
                Some(TransactionError::SignatureFailure),
                TransactionMetadata::default(),
            )
        };
        return Ok(with_context(slot, failed));
    }
    let simulation = chain.simulate(&submission, slot);
    let accounts = config
        .accounts
        .map(|wanted| simulated_accounts(&chain, slot, &submission, &simulation, &wanted))
        .transpose()?;
    let inner_instructions = (config.inner_instructions && simulation.result.is_ok())
        .then(|| inner_instructions(&submission, &simulation.meta));
    let tokens = |balances: Vec<_>| Some(balances.into_iter().map(Into::into).collect());
    let result = RpcSimulateTransactionResult {
        accounts,
        inner_instructions,
        replacement_blockhash,
        fee: simulation.fee,
        pre_balances: Some(simulation.pre_balances),
        post_balances: Some(simulation.post_balances),
        pre_token_balances: tokens(simulation.pre_token_balances),
        post_token_balances: tokens(simulation.post_token_balances),
        loaded_addresses: Some(loaded_addresses(&submission)),
        ..simulation_result(simulation.result.err(), simulation.meta)
    };
    Ok(with_context(slot, result))
}

fn request_airdrop(params: &Params<'_>, rpc: &Rpc) -> RpcResult<String> {
    let mut sequence = params.sequence();
    let address: String = sequence.next()?;
    let lamports: u64 = sequence.next()?;
    // The blockhash that the faucet signs with is its own business here.
    let _: RpcRequestAirdropConfig = parse::config(&mut sequence)?;
    let address = parse::address(&address)?;
    faucet::airdrop(&mut rpc.chain(), &address, lamports)
        .map(|signature| signature.to_string())
        .map_err(|error| invalid_params(format!("the faucet could not pay: {error}")))
}

fn fee_for_message(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<Option<u64>>> {
    let (data, config): (String, RpcContextConfig) = parse::one_and_config(params)?;
    let message: VersionedMessage =
        parse::decode(&data, TransactionBinaryEncoding::Base64, MESSAGE)?;
    let mut chain = rpc.chain();
    let (slot, recent) = {
        let view = view_of(&chain, config)?;
        let recent = view.is_blockhash_valid(message.recent_blockhash());
        (view.slot(), recent)
    };
    let signatures = usize::from(message.header().num_required_signatures);
    let unsigned = VersionedTransaction {
        signatures: vec![Signature::default(); signatures],
        message,
    };
    let submission = chain
        .sanitize(unsigned, false, slot)
        .map_err(|error| invalid_params(format!("invalid transaction message: {error}")))?;
    let fee = if recent { chain.fee(&submission) } else { None };
    Ok(with_context(slot, fee))
}

fn decode_transaction(
    data: &str,
    encoding: Option<UiTransactionEncoding>,
) -> RpcResult<VersionedTransaction> {
    let encoding = encoding.unwrap_or(UiTransactionEncoding::Base58);
    let binary = encoding.into_binary_encoding().ok_or_else(|| {
        invalid_params(format!(
            "unsupported encoding: {encoding}. Supported encodings: base58, base64"
        ))
    })?;
    parse::decode(data, binary, TRANSACTION)
}

fn sanitize(
    chain: &mut Chain,
    transaction: VersionedTransaction,
    signed: bool,
    slot: Slot,
) -> RpcResult<Submission> {
    chain
        .sanitize(transaction, signed, slot)
        .map_err(|error| invalid_params(format!("invalid transaction: {error}")))
}

fn preflight_failure(
    error: TransactionError,
    meta: TransactionMetadata,
    fee: Option<u64>,
) -> ErrorObjectOwned {
    custom(RpcCustomError::SendTransactionPreflightFailure {
        message: format!("Transaction simulation failed: {error}"),
        result: RpcSimulateTransactionResult {
            fee,
            ..simulation_result(Some(error), meta)
        },
    })
}

fn simulation_result(
    error: Option<TransactionError>,
    meta: TransactionMetadata,
) -> RpcSimulateTransactionResult {
    RpcSimulateTransactionResult {
        err: error.map(Into::into),
        logs: Some(meta.logs),
        accounts: None,
        units_consumed: Some(meta.compute_units_consumed),
        // The virtual machine does not say how much it loaded.
        loaded_accounts_data_size: None,
        return_data: Some(meta.return_data)
            .filter(|returned| !returned.data.is_empty())
            .map(UiTransactionReturnData::from),
        inner_instructions: None,
        replacement_blockhash: None,
        fee: None,
        pre_balances: None,
        post_balances: None,
        pre_token_balances: None,
        post_token_balances: None,
        loaded_addresses: None,
    }
}

fn loaded_addresses(submission: &Submission) -> UiLoadedAddresses {
    UiLoadedAddresses::from(&submission.sanitized.get_loaded_addresses())
}

fn inner_instructions(
    submission: &Submission,
    meta: &TransactionMetadata,
) -> Vec<UiInnerInstructions> {
    let keys = submission.sanitized.message().account_keys();
    map_inner_instructions(meta.inner_instructions.clone())
        .map(|instructions| parse_ui_inner_instructions(instructions, &keys))
        .collect()
}

/// The accounts that a simulation was asked to show, as it left them.
fn simulated_accounts(
    chain: &Chain,
    slot: Slot,
    submission: &Submission,
    simulation: &Simulation,
    wanted: &RpcSimulateTransactionAccountsConfig,
) -> RpcResult<Vec<Option<UiAccount>>> {
    let encoding = wanted.encoding.unwrap_or(UiAccountEncoding::Base64);
    if matches!(
        encoding,
        UiAccountEncoding::Binary | UiAccountEncoding::Base58
    ) {
        return Err(invalid_params("base58 encoding not supported"));
    }
    let most = submission.sanitized.message().account_keys().len();
    if wanted.addresses.len() > most {
        return Err(invalid_params(format!(
            "Too many accounts provided; max {most}"
        )));
    }
    if simulation.result.is_err() {
        return Ok(vec![None; wanted.addresses.len()]);
    }
    let view = chain.view_at(slot);
    wanted
        .addresses
        .iter()
        .map(|address| {
            let address = parse::address(address)?;
            let changed = simulation.accounts.iter().find(|(key, _)| *key == address);
            changed
                .map(|(_, account)| account)
                .or_else(|| view.account(&address))
                .map(|account| encode::account(view, &address, account, encoding, None))
                .transpose()
        })
        .collect()
}
