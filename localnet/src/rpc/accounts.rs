//! Reading accounts.

use super::{
    Rpc, add, encode,
    error::{RpcResult, invalid_params},
    parse, view, view_of, with_context,
};
use crate::{LocalnetError, chain::View};
use jsonrpsee::{RpcModule, types::Params};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    config::{RpcAccountInfoConfig, RpcContextConfig, RpcProgramAccountsConfig},
    filter::RpcFilterType,
    request::MAX_MULTIPLE_ACCOUNTS,
    response::{OptionalContext, Response, RpcKeyedAccount},
};
use spl_token_2022_interface::{extension::StateWithExtensions, state::Account as TokenAccount};

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    add(module, "getAccountInfo", account_info)?;
    add(module, "getMultipleAccounts", multiple_accounts)?;
    add(module, "getProgramAccounts", program_accounts)?;
    add(module, "getBalance", balance)?;
    add(module, "getMinimumBalanceForRentExemption", minimum_balance)
}

fn account_info(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<Option<UiAccount>>> {
    let (address, config): (String, RpcAccountInfoConfig) = parse::one_and_config(params)?;
    let address = parse::address(&address)?;
    let chain = rpc.chain();
    let view = view(&chain, config.commitment, config.min_context_slot)?;
    let encoding = config.encoding.unwrap_or(UiAccountEncoding::Binary);
    let account = view
        .account(&address)
        .map(|account| encode::account(view, &address, account, encoding, config.data_slice))
        .transpose()?;
    Ok(with_context(view.slot(), account))
}

fn multiple_accounts(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Response<Vec<Option<UiAccount>>>> {
    let (addresses, config): (Vec<String>, RpcAccountInfoConfig) = parse::one_and_config(params)?;
    if addresses.len() > MAX_MULTIPLE_ACCOUNTS {
        return Err(invalid_params(format!(
            "Too many inputs provided; max {MAX_MULTIPLE_ACCOUNTS}"
        )));
    }
    let addresses = addresses
        .iter()
        .map(|address| parse::address(address))
        .collect::<RpcResult<Vec<_>>>()?;
    let chain = rpc.chain();
    let view = view(&chain, config.commitment, config.min_context_slot)?;
    let encoding = config.encoding.unwrap_or(UiAccountEncoding::Base64);
    let accounts = addresses
        .iter()
        .map(|address| {
            view.account(address)
                .map(|account| encode::account(view, address, account, encoding, config.data_slice))
                .transpose()
        })
        .collect::<RpcResult<Vec<_>>>()?;
    Ok(with_context(view.slot(), accounts))
}

fn program_accounts(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<OptionalContext<Vec<RpcKeyedAccount>>> {
    let (program, config): (String, RpcProgramAccountsConfig) = parse::one_and_config(params)?;
    let program = parse::address(&program)?;
    let filters = config.filters.unwrap_or_default();
    parse::check_filters(&filters)?;
    let chain = rpc.chain();
    let view = view(
        &chain,
        config.account_config.commitment,
        config.account_config.min_context_slot,
    )?;
    let accounts = view
        .program_accounts(&program)
        .into_iter()
        .filter(|(_, account)| passes(&filters, account))
        .collect();
    let accounts = keyed(view, accounts, &config.account_config)?;
    Ok(if config.with_context.unwrap_or_default() {
        OptionalContext::Context(with_context(view.slot(), accounts))
    } else {
        OptionalContext::NoContext(accounts)
    })
}

fn balance(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<u64>> {
    let (address, config): (String, RpcContextConfig) = parse::one_and_config(params)?;
    let address = parse::address(&address)?;
    let chain = rpc.chain();
    let view = view_of(&chain, config)?;
    let lamports = view.account(&address).map_or(0, ReadableAccount::lamports);
    Ok(with_context(view.slot(), lamports))
}

fn minimum_balance(params: &Params<'_>, rpc: &Rpc) -> RpcResult<u64> {
    let (data_length, config): (usize, Option<CommitmentConfig>) = parse::one_and_config(params)?;
    let chain = rpc.chain();
    Ok(view(&chain, config, None)?.minimum_balance(data_length))
}

/// Whether an account passes all filters.
pub(crate) fn passes(filters: &[RpcFilterType], account: &AccountSharedData) -> bool {
    filters.iter().all(|filter| match filter {
        RpcFilterType::DataSize(size) => {
            u64::try_from(account.data().len()).is_ok_and(|length| length == *size)
        }
        RpcFilterType::Memcmp(compare) => compare.bytes_match(account.data()),
        RpcFilterType::TokenAccountState => {
            StateWithExtensions::<TokenAccount>::unpack(account.data()).is_ok()
        }
    })
}

/// Accounts of a program with their addresses. Of a token program's accounts, `jsonParsed`
/// lists only those that can be parsed, as a cluster does.
pub(super) fn keyed(
    view: View<'_>,
    accounts: Vec<(Address, &AccountSharedData)>,
    config: &RpcAccountInfoConfig,
) -> RpcResult<Vec<RpcKeyedAccount>> {
    let encoding = config.encoding.unwrap_or(UiAccountEncoding::Binary);
    let mut keyed = Vec::with_capacity(accounts.len());
    for (address, account) in accounts {
        let shown = encode::account(view, &address, account, encoding, config.data_slice)?;
        if encode::is_unparsed_token(account, encoding, &shown.data) {
            continue;
        }
        keyed.push(RpcKeyedAccount {
            pubkey: address.to_string(),
            account: shown,
        });
    }
    Ok(keyed)
}
