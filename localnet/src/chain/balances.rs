//! Lamport and token balances around a transaction, and the amounts of token accounts.

use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::{
    parse_account_data::SplTokenAdditionalDataV2, parse_token::token_amount_to_ui_amount_v3,
};
use solana_address::Address;
use solana_clock::UnixTimestamp;
use solana_transaction_status::TransactionTokenBalance;
use spl_token_2022_interface::{
    extension::{
        BaseStateWithExtensions, StateWithExtensions, interest_bearing_mint::InterestBearingConfig,
        scaled_ui_amount::ScaledUiAmountConfig,
    },
    state::{Account as TokenAccount, Mint},
};

/// Whether a program is one of the two SPL token programs.
pub(crate) fn is_token_program(program: &Address) -> bool {
    *program == spl_token_interface::id() || *program == spl_token_2022_interface::id()
}

/// What a token amount needs to be shown, from the data of its mint.
pub(crate) fn mint_display(
    mint: &AccountSharedData,
    now: UnixTimestamp,
) -> Option<SplTokenAdditionalDataV2> {
    let mint = StateWithExtensions::<Mint>::unpack(mint.data()).ok()?;
    Some(SplTokenAdditionalDataV2 {
        decimals: mint.base.decimals,
        interest_bearing_config: mint
            .get_extension::<InterestBearingConfig>()
            .ok()
            .map(|extension| (*extension, now)),
        scaled_ui_amount_config: mint
            .get_extension::<ScaledUiAmountConfig>()
            .ok()
            .map(|extension| (*extension, now)),
    })
}

/// The lamports of each account, 0 for those that do not exist.
pub(crate) fn lamports<'a>(
    accounts: impl Iterator<Item = Option<&'a AccountSharedData>>,
) -> Vec<u64> {
    accounts
        .map(|account| account.map_or(0, ReadableAccount::lamports))
        .collect()
}

/// The token balances among `keys`, as transaction metadata lists them.
pub(crate) fn tokens<'a>(
    keys: &[Address],
    now: UnixTimestamp,
    account: impl Fn(&Address) -> Option<&'a AccountSharedData>,
) -> Vec<TransactionTokenBalance> {
    keys.iter()
        .enumerate()
        .filter_map(|(index, key)| {
            let holder = account(key).filter(|holder| is_token_program(holder.owner()))?;
            let token = StateWithExtensions::<TokenAccount>::unpack(holder.data()).ok()?;
            let mint = account(&token.base.mint)?;
            let display = mint_display(mint, now)?;
            Some(TransactionTokenBalance {
                account_index: u8::try_from(index).ok()?,
                mint: token.base.mint.to_string(),
                ui_token_amount: token_amount_to_ui_amount_v3(token.base.amount, &display),
                owner: token.base.owner.to_string(),
                program_id: holder.owner().to_string(),
            })
        })
        .collect()
}

/// Token balances as a node's ledger gives them back: an amount of zero has lost its form as a
/// number, because the ledger does not store numbers that are zero.
pub(crate) fn as_stored(
    mut balances: Vec<TransactionTokenBalance>,
) -> Vec<TransactionTokenBalance> {
    for balance in &mut balances {
        let amount = &mut balance.ui_token_amount;
        amount.ui_amount = amount.ui_amount.filter(|number| *number != 0.0);
    }
    balances
}
