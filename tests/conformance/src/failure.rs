//! Why a check did not hold.

use std::{panic::Location, time::Duration};

use solana_instruction::error::InstructionError;
use solana_pubsub_client::pubsub_client::PubsubClientError;
use solana_rpc_client_api::{
    client_error::Error as ClientError,
    request::{RpcError, RpcResponseErrorData},
    response::RpcSimulateTransactionResult,
};
use solana_transaction_error::TransactionError;

/// Why a check did not hold. Every variant names the line of the check.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The chain answered, but not as a cluster answers.
    #[error("{at}: {message}")]
    Expectation {
        /// Line of the check.
        at: &'static Location<'static>,
        /// What was expected and what came.
        message: String,
    },
    /// The RPC client reported an error where none was expected.
    #[error("{at}: the RPC client reports: {source}")]
    Rpc {
        /// Line of the check.
        at: &'static Location<'static>,
        /// The client's error.
        source: Box<ClientError>,
    },
    /// The WebSocket client reported an error where none was expected.
    #[error("{at}: the WebSocket client reports: {source:?}")]
    Pubsub {
        /// Line of the check.
        at: &'static Location<'static>,
        /// The client's error.
        source: Box<PubsubClientError>,
    },
    /// What the check waits for did not happen in time.
    #[error("{at}: {what} did not happen within {limit:?}")]
    Timeout {
        /// Line of the check.
        at: &'static Location<'static>,
        /// What was awaited.
        what: String,
        /// How long it was awaited.
        limit: Duration,
    },
    /// The check could not even be prepared: a fault of the suite or of the machine, not of the chain.
    #[error("{at}: preparing the check failed: {reason}")]
    Preparation {
        /// Line of the check.
        at: &'static Location<'static>,
        /// What went wrong.
        reason: String,
    },
}

impl Failure {
    /// Stable name of the kind of failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expectation { .. } => "expectation_not_met",
            Self::Rpc { .. } => "rpc_error",
            Self::Pubsub { .. } => "pubsub_error",
            Self::Timeout { .. } => "timeout",
            Self::Preparation { .. } => "preparation_failed",
        }
    }

    /// An answer that a cluster would not give.
    #[track_caller]
    pub(crate) fn expectation(message: impl Into<String>) -> Self {
        Self::Expectation {
            at: Location::caller(),
            message: message.into(),
        }
    }

    /// A fault before the chain was asked anything.
    #[track_caller]
    pub(crate) fn preparation(reason: impl ToString) -> Self {
        Self::Preparation {
            at: Location::caller(),
            reason: reason.to_string(),
        }
    }
}

impl From<ClientError> for Failure {
    #[track_caller]
    fn from(source: ClientError) -> Self {
        Self::Rpc {
            at: Location::caller(),
            source: Box::new(source),
        }
    }
}

impl From<PubsubClientError> for Failure {
    #[track_caller]
    fn from(source: PubsubClientError) -> Self {
        Self::Pubsub {
            at: Location::caller(),
            source: Box::new(source),
        }
    }
}

/// What a check returns.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Leaves the check with [`Failure::Expectation`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::failure::Failure::expectation(format!($($message)+)));
        }
    };
}

/// Leaves the check with [`Failure::Expectation`] unless both values are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $what:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    return Err($crate::failure::Failure::expectation(format!(
                        "{}: got {left:?}, a cluster gives {right:?}",
                        $what
                    )));
                }
            }
        }
    };
}

pub(crate) use {ensure, ensure_eq};

/// Takes the value out, or leaves the check.
pub(crate) trait OrFail<T> {
    /// Reports `what` as missing when there is no value.
    fn or_fail(self, what: &str) -> Outcome<T>;
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, what: &str) -> Outcome<T> {
        match self {
            Some(value) => Ok(value),
            None => Err(Failure::expectation(format!("{what} is missing"))),
        }
    }
}

/// The JSON-RPC error code of an answer that must be an error.
#[track_caller]
pub(crate) fn error_code<T>(answer: Result<T, ClientError>, what: &str) -> Outcome<i64> {
    match answer {
        Ok(_) => Err(Failure::expectation(format!("{what} was not refused"))),
        Err(error) => match error.kind() {
            solana_rpc_client_api::client_error::ErrorKind::RpcError(
                RpcError::RpcResponseError { code, .. },
            ) => Ok(*code),
            _ => Err(error.into()),
        },
    }
}

/// What a refused preflight reports.
pub(crate) struct Refusal {
    /// The JSON-RPC error code.
    pub code: i64,
    /// Why the transaction would fail.
    pub error: TransactionError,
    /// The simulation's result with logs and units.
    pub simulation: RpcSimulateTransactionResult,
}

/// The refusal of a transaction whose preflight must fail.
#[track_caller]
pub(crate) fn refusal<T>(answer: Result<T, ClientError>, what: &str) -> Outcome<Refusal> {
    let Err(error) = answer else {
        return Err(Failure::expectation(format!("{what} was not refused")));
    };
    let transaction_error = error.get_transaction_error();
    match *error.kind {
        solana_rpc_client_api::client_error::ErrorKind::RpcError(RpcError::RpcResponseError {
            code,
            data: RpcResponseErrorData::SendTransactionPreflightFailure(simulation),
            ..
        }) => Ok(Refusal {
            code,
            error: transaction_error.or_fail("the transaction error of a refused preflight")?,
            simulation,
        }),
        other => Err(Failure::expectation(format!(
            "{what} was refused without a simulation result: {other}"
        ))),
    }
}

/// The error of an instruction that failed with a program's own number.
pub(crate) const fn custom_error(instruction: u8, number: u32) -> TransactionError {
    TransactionError::InstructionError(instruction, InstructionError::Custom(number))
}
