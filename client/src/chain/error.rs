//! Why a cluster could not be read or written.

use crate::accounts::DecodeError;
use crate::{TollgateError, transaction::BuildError};
use solana_rpc_client_api::client_error::{ErrorKind, TransactionError};
use solana_rpc_client_api::request::{RpcError, RpcResponseErrorData};

/// Closed list of failures. Messages never contain the RPC server's URL, which
/// often carries a key.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No answer in time. A transaction that was being sent may still land.
    #[error("the RPC server did not answer in time")]
    Timeout,
    /// The connection failed.
    #[error("the RPC server could not be reached: {0}")]
    Transport(&'static str),
    /// The server answered with an error.
    #[error("the RPC server refused the call ({code}): {message}")]
    Rpc {
        /// JSON-RPC error code.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// The server refused a transaction before sending it on: nothing was broadcast.
    #[error("the transaction was refused before it was sent: {error}")]
    Refused {
        /// What the simulation ended with.
        error: TransactionError,
        /// The program's own error, if it was one.
        program_error: Option<TollgateError>,
        /// The simulation's logs.
        logs: Vec<String>,
    },
    /// The server's answer makes no sense.
    #[error("the RPC server's answer could not be read: {0}")]
    Malformed(&'static str),
    /// An account is not what it should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A transaction could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The cluster is not the configured one.
    #[error("the RPC server serves the cluster with genesis hash {actual}, not {expected}")]
    WrongCluster {
        /// Configured genesis hash.
        expected: String,
        /// The server's.
        actual: String,
    },
}

impl ChainError {
    /// Stable code for logs and answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout => "rpc_timeout",
            Self::Transport(_) => "rpc_unreachable",
            Self::Rpc { .. } => "rpc_error",
            Self::Refused { .. } => "transaction_refused",
            Self::Malformed(_) => "rpc_answer_malformed",
            Self::Decode(error) => error.code(),
            Self::Build(error) => error.code(),
            Self::WrongCluster { .. } => "wrong_cluster",
        }
    }
}

/// The program's error inside a transaction error, if it is one.
pub fn program_error(error: &TransactionError) -> Option<TollgateError> {
    match error {
        TransactionError::InstructionError(
            _,
            solana_instruction::error::InstructionError::Custom(code),
        ) => crate::program_error(*code),
        _ => None,
    }
}

impl From<ErrorKind> for ChainError {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Reqwest(error) if error.is_timeout() => Self::Timeout,
            ErrorKind::Reqwest(error) if error.is_connect() => Self::Transport("connection failed"),
            ErrorKind::Reqwest(error) if error.is_status() => Self::Transport("HTTP error status"),
            ErrorKind::Reqwest(_) | ErrorKind::Io(_) | ErrorKind::Middleware(_) => {
                Self::Transport("connection broken")
            }
            ErrorKind::RpcError(error) => Self::from_rpc(error),
            ErrorKind::TransactionError(error) => Self::Refused {
                program_error: program_error(&error),
                error,
                logs: Vec::new(),
            },
            ErrorKind::SerdeJson(_) | ErrorKind::SigningError(_) | ErrorKind::Custom(_) => {
                Self::Malformed("unexpected shape")
            }
        }
    }
}

impl ChainError {
    fn from_rpc(error: RpcError) -> Self {
        match error {
            RpcError::RpcResponseError {
                data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
                code,
                message,
            } => match result.err {
                Some(error) => {
                    let error = TransactionError::from(error);
                    Self::Refused {
                        program_error: program_error(&error),
                        error,
                        logs: result.logs.unwrap_or_default(),
                    }
                }
                None => Self::Rpc { code, message },
            },
            RpcError::RpcResponseError { code, message, .. } => Self::Rpc { code, message },
            RpcError::RpcRequestError(_) => Self::Transport("request failed"),
            RpcError::ParseError(_) => Self::Malformed("unexpected type"),
            RpcError::ForUser(_) => Self::Malformed("no value"),
        }
    }
}
