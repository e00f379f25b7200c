//! Balances and accounts of SPL tokens.

use super::{
    Rpc, accounts, add,
    error::{RpcResult, invalid_params},
    parse, view, with_context,
};
use crate::{
    LocalnetError,
    chain::{View, balances},
};
use jsonrpsee::{RpcModule, types::Params};
use solana_account::ReadableAccount;
use solana_account_decoder::parse_token::token_amount_to_ui_amount_v3;
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    config::{RpcAccountInfoConfig, RpcTokenAccountsFilter},
    response::{Response, RpcKeyedAccount, UiTokenAmount},
};
use spl_token_2022_interface::{
    extension::StateWithExtensions,
    state::{Account as TokenAccount, Mint},
};

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    add(module, "getTokenAccountBalance", token_account_balance)?;
    add(module, "getTokenAccountsByOwner", token_accounts_by_owner)?;
    add(module, "getTokenSupply", token_supply)
}

fn token_account_balance(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<UiTokenAmount>> {
    let (address, commitment): (String, Option<CommitmentConfig>) = parse::one_and_config(params)?;
    let address = parse::address(&address)?;
    let chain = rpc.chain();
    let view = view(&chain, commitment, None)?;
    let account = view
        .account(&address)
        .ok_or_else(|| invalid_params("Invalid param: could not find account"))?;
    let token = Some(account)
        .filter(|account| balances::is_token_program(account.owner()))
        .and_then(|account| StateWithExtensions::<TokenAccount>::unpack(account.data()).ok())
        .ok_or_else(|| invalid_params("Invalid param: not a Token account"))?;
    let mint = view
        .account(&token.base.mint)
        .ok_or_else(|| invalid_params("Invalid param: could not find mint"))?;
    let display = balances::mint_display(mint, view.unix_timestamp())
        .ok_or_else(|| invalid_params("Invalid param: Token mint could not be unpacked"))?;
    Ok(with_context(
        view.slot(),
        token_amount_to_ui_amount_v3(token.base.amount, &display),
    ))
}

fn token_supply(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<UiTokenAmount>> {
    let (address, commitment): (String, Option<CommitmentConfig>) = parse::one_and_config(params)?;
    let address = parse::address(&address)?;
    let chain = rpc.chain();
    let view = view(&chain, commitment, None)?;
    let account = view
        .account(&address)
        .ok_or_else(|| invalid_params("Invalid param: could not find account"))?;
    if !balances::is_token_program(account.owner()) {
        return Err(invalid_params("Invalid param: not a Token mint"));
    }
    let unpacked = || invalid_params("Invalid param: mint could not be unpacked");
    let mint = StateWithExtensions::<Mint>::unpack(account.data()).map_err(|_| unpacked())?;
    let display = balances::mint_display(account, view.unix_timestamp()).ok_or_else(unpacked)?;
    Ok(with_context(
        view.slot(),
        token_amount_to_ui_amount_v3(mint.base.supply, &display),
    ))
}

fn token_accounts_by_owner(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Response<Vec<RpcKeyedAccount>>> {
    let mut sequence = params.sequence();
    let owner: String = sequence.next()?;
    let filter: RpcTokenAccountsFilter = sequence.next()?;
    let config: RpcAccountInfoConfig = parse::config(&mut sequence)?;
    let owner = parse::address(&owner)?;
    let chain = rpc.chain();
    let view = view(&chain, config.commitment, config.min_context_slot)?;
    let (program, mint) = program_and_mint(view, filter)?;
    let owned = view
        .program_accounts(&program)
        .into_iter()
        .filter(|(_, account)| {
            StateWithExtensions::<TokenAccount>::unpack(account.data()).is_ok_and(|token| {
                token.base.owner == owner && mint.is_none_or(|mint| token.base.mint == mint)
            })
        })
        .collect();
    let accounts = accounts::keyed(view, owned, &config)?;
    Ok(with_context(view.slot(), accounts))
}

/// The token program that a filter is about, and the mint if it names one.
fn program_and_mint(
    view: View<'_>,
    filter: RpcTokenAccountsFilter,
) -> RpcResult<(Address, Option<Address>)> {
    match filter {
        RpcTokenAccountsFilter::Mint(mint) => {
            let mint = parse::address(&mint)?;
            let account = view
                .account(&mint)
                .ok_or_else(|| invalid_params("Invalid param: could not find mint"))?;
            balances::mint_display(account, view.unix_timestamp())
                .ok_or_else(|| invalid_params("Invalid param: Token mint could not be unpacked"))?;
            if !balances::is_token_program(account.owner()) {
                return Err(invalid_params("Invalid param: not a Token mint"));
            }
            Ok((*account.owner(), Some(mint)))
        }
        RpcTokenAccountsFilter::ProgramId(program) => {
            let program = parse::address(&program)?;
            if !balances::is_token_program(&program) {
                return Err(invalid_params(
                    "Invalid param: unrecognized Token program id",
                ));
            }
            Ok((program, None))
        }
    }
}
