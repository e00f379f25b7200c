//! The JSON-RPC errors of a Solana node.

use jsonrpsee::types::{
    ErrorObjectOwned,
    error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE, INVALID_REQUEST_CODE},
};
use solana_rpc_client_api::custom_error::RpcCustomError;

/// The result of an RPC method.
pub(crate) type RpcResult<T> = Result<T, ErrorObjectOwned>;

/// -32602: the parameters are not acceptable.
pub(crate) fn invalid_params(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INVALID_PARAMS_CODE, message, None::<()>)
}

/// -32600: the request makes no sense.
pub(crate) fn invalid_request(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INVALID_REQUEST_CODE, message, None::<()>)
}

/// One of Solana's own errors (-32001 and on), with the code, message and data of a cluster.
pub(crate) fn custom(error: RpcCustomError) -> ErrorObjectOwned {
    let error = jsonrpc_core::Error::from(error);
    let code = i32::try_from(error.code.code()).unwrap_or(INTERNAL_ERROR_CODE);
    ErrorObjectOwned::owned(code, error.message, error.data)
}
