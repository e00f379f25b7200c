//! Accounts in the encodings of the RPC interface.

use super::error::{RpcResult, invalid_request};
use crate::chain::{View, balances};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::{
    MAX_BASE58_BYTES, UiAccount, UiAccountData, UiAccountEncoding, UiDataSliceConfig,
    encode_ui_account, parse_account_data::AccountAdditionalDataV3,
    parse_token::get_token_account_mint,
};
use solana_address::Address;

/// An account as the answer to a request.
///
/// # Errors
/// Data of more than 128 bytes in base58, as on a cluster.
pub(crate) fn account(
    view: View<'_>,
    address: &Address,
    account: &AccountSharedData,
    encoding: UiAccountEncoding,
    slice: Option<UiDataSliceConfig>,
) -> RpcResult<UiAccount> {
    let base58 = matches!(
        encoding,
        UiAccountEncoding::Binary | UiAccountEncoding::Base58
    );
    let length = slice.map_or(account.data().len(), |slice| {
        slice
            .length
            .min(account.data().len().saturating_sub(slice.offset))
    });
    if base58 && length > MAX_BASE58_BYTES {
        return Err(invalid_request(format!(
            "Encoded binary (base 58) data should be less than {MAX_BASE58_BYTES} bytes, please use Base64 encoding."
        )));
    }
    Ok(encode(view, address, account, encoding, slice))
}

/// An account as part of a notification, which says in its data when they are too long for
/// base58.
pub(crate) fn encode(
    view: View<'_>,
    address: &Address,
    account: &AccountSharedData,
    encoding: UiAccountEncoding,
    slice: Option<UiDataSliceConfig>,
) -> UiAccount {
    let additional = (encoding == UiAccountEncoding::JsonParsed
        && balances::is_token_program(account.owner()))
    .then(|| token_display(view, account))
    .flatten();
    encode_ui_account(address, account, encoding, additional, slice)
}

/// Whether an account of a token program was to be parsed and could not be. A cluster leaves
/// such accounts out when it lists those of a token program.
pub(crate) fn is_unparsed_token(
    account: &AccountSharedData,
    encoding: UiAccountEncoding,
    data: &UiAccountData,
) -> bool {
    encoding == UiAccountEncoding::JsonParsed
        && balances::is_token_program(account.owner())
        && !matches!(data, UiAccountData::Json(_))
}

/// The decimals and extensions of the mint that a parsed token account is shown with.
fn token_display(view: View<'_>, account: &AccountSharedData) -> Option<AccountAdditionalDataV3> {
    let mint = get_token_account_mint(account.data())?;
    let display = balances::mint_display(view.account(&mint)?, view.unix_timestamp())?;
    Some(AccountAdditionalDataV3 {
        spl_token_additional_data: Some(display),
    })
}
