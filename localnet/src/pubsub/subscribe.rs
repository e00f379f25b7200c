//! The parameters of subscriptions.

use super::subscription::Subscription;
use crate::rpc::{
    error::{RpcResult, invalid_params},
    level, parse,
};
use jsonrpsee::types::Params;
use solana_account_decoder::UiAccountEncoding;
use solana_rpc_client_api::config::{
    RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSignatureSubscribeConfig,
    RpcTransactionLogsConfig, RpcTransactionLogsFilter,
};
use std::str::FromStr;

/// `accountSubscribe`: an address and how to show it.
pub(super) fn account(params: &Params<'_>) -> RpcResult<Subscription> {
    let (address, config): (String, RpcAccountInfoConfig) = parse::one_and_config(params)?;
    Ok(Subscription::Account {
        address: param(&address, "pubkey")?,
        level: level(config.commitment),
        encoding: config.encoding.unwrap_or(UiAccountEncoding::Binary),
    })
}

/// `programSubscribe`: a program, filters and how to show its accounts.
pub(super) fn program(params: &Params<'_>) -> RpcResult<Subscription> {
    let (program, config): (String, RpcProgramAccountsConfig) = parse::one_and_config(params)?;
    let filters = config.filters.unwrap_or_default();
    parse::check_filters(&filters)?;
    Ok(Subscription::Program {
        program: param(&program, "pubkey")?,
        filters,
        level: level(config.account_config.commitment),
        encoding: config
            .account_config
            .encoding
            .unwrap_or(UiAccountEncoding::Binary),
    })
}

/// `signatureSubscribe`: a signature and how final it has to be.
pub(super) fn signature(params: &Params<'_>) -> RpcResult<Subscription> {
    let (signature, config): (String, RpcSignatureSubscribeConfig) = parse::one_and_config(params)?;
    Ok(Subscription::Signature {
        signature: param(&signature, "signature")?,
        level: level(config.commitment),
        received: config.enable_received_notification.unwrap_or_default(),
    })
}

/// `logsSubscribe`: which transactions.
pub(super) fn logs(params: &Params<'_>) -> RpcResult<Subscription> {
    let mut sequence = params.sequence();
    let filter: RpcTransactionLogsFilter = sequence.next()?;
    let config: Option<RpcTransactionLogsConfig> = sequence.optional_next()?;
    let mentions = match filter {
        // There are no votes on the local chain.
        RpcTransactionLogsFilter::All | RpcTransactionLogsFilter::AllWithVotes => None,
        RpcTransactionLogsFilter::Mentions(addresses) => match addresses.as_slice() {
            [address] => Some(param(address, "mentions")?),
            _ => {
                return Err(invalid_params("Invalid Request: Only 1 address supported"));
            }
        },
    };
    Ok(Subscription::Logs {
        mentions,
        level: level(config.and_then(|config| config.commitment)),
    })
}

fn param<T: FromStr>(text: &str, thing: &str) -> RpcResult<T> {
    text.parse()
        .map_err(|_| invalid_params(format!("Invalid Request: Invalid {thing} provided")))
}
