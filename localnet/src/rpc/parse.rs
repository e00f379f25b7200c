//! Reading what clients send: keys, signatures, transactions.

use super::error::{RpcResult, invalid_params};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonrpsee::types::{Params, ParamsSequence};
use serde::Deserialize;
use solana_address::Address;
use solana_rpc_client_api::{filter::RpcFilterType, request::MAX_GET_PROGRAM_ACCOUNT_FILTERS};
use solana_signature::Signature;
use solana_transaction_status::TransactionBinaryEncoding;
use std::str::FromStr;

/// The largest transaction on the wire, in bytes (`PACKET_DATA_SIZE`).
pub(crate) const MAX_TRANSACTION_BYTES: usize = 1_232;
/// The longest base58 text that can encode so many bytes.
const MAX_BASE58_CHARACTERS: usize = 1_683;
/// The longest base64 text that can encode so many bytes.
const MAX_BASE64_CHARACTERS: usize = 1_644;

/// The first parameter, and an optional second.
pub(crate) fn one_and_config<'a, T, C>(params: &'a Params<'a>) -> RpcResult<(T, C)>
where
    T: Deserialize<'a>,
    C: Deserialize<'a> + Default,
{
    let mut sequence = params.sequence();
    let first = sequence.next()?;
    Ok((first, config(&mut sequence)?))
}

/// A single optional parameter.
pub(crate) fn only_config<'a, C>(params: &'a Params<'a>) -> RpcResult<C>
where
    C: Deserialize<'a> + Default,
{
    config(&mut params.sequence())
}

/// The next parameter, or its default when it is missing or null.
pub(crate) fn config<'a, C>(sequence: &mut ParamsSequence<'a>) -> RpcResult<C>
where
    C: Deserialize<'a> + Default,
{
    Ok(sequence.optional_next()?.unwrap_or_default())
}

/// An address in base58.
pub(crate) fn address(text: &str) -> RpcResult<Address> {
    Address::from_str(text).map_err(|error| invalid_params(format!("Invalid param: {error:?}")))
}

/// A signature in base58.
pub(crate) fn signature(text: &str) -> RpcResult<Signature> {
    Signature::from_str(text).map_err(|error| invalid_params(format!("Invalid param: {error:?}")))
}

/// Checks the filters of a program's accounts.
pub(crate) fn check_filters(filters: &[RpcFilterType]) -> RpcResult<()> {
    if filters.len() > MAX_GET_PROGRAM_ACCOUNT_FILTERS {
        return Err(invalid_params(format!(
            "Too many filters provided; max {MAX_GET_PROGRAM_ACCOUNT_FILTERS}"
        )));
    }
    for filter in filters {
        filter
            .verify()
            .map_err(|error| invalid_params(format!("Invalid param: {error:?}")))?;
    }
    Ok(())
}

/// A transaction or message in its binary encoding; `name` is what errors call it.
pub(crate) fn decode<T>(text: &str, encoding: TransactionBinaryEncoding, name: &str) -> RpcResult<T>
where
    T: for<'a> wincode::SchemaRead<'a, wincode::config::DefaultConfig, Dst = T>,
{
    let (label, longest) = match encoding {
        TransactionBinaryEncoding::Base58 => ("base58", MAX_BASE58_CHARACTERS),
        TransactionBinaryEncoding::Base64 => ("base64", MAX_BASE64_CHARACTERS),
    };
    if text.len() > longest {
        return Err(invalid_params(format!(
            "{label} encoded {name} too large: {} bytes (max: encoded/raw {longest}/{MAX_TRANSACTION_BYTES})",
            text.len(),
        )));
    }
    let bytes = match encoding {
        TransactionBinaryEncoding::Base58 => bs58::decode(text)
            .into_vec()
            .map_err(|error| invalid_params(format!("invalid base58 encoding: {error:?}")))?,
        TransactionBinaryEncoding::Base64 => BASE64_STANDARD
            .decode(text)
            .map_err(|error| invalid_params(format!("invalid base64 encoding: {error:?}")))?,
    };
    if bytes.len() > MAX_TRANSACTION_BYTES {
        return Err(invalid_params(format!(
            "decoded {name} too large: {} bytes (max: {MAX_TRANSACTION_BYTES} bytes)",
            bytes.len()
        )));
    }
    wincode::deserialize(&bytes)
        .map_err(|error| invalid_params(format!("failed to deserialize {name}: {error}")))
}
