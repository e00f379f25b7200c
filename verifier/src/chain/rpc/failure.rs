//! Why an RPC server gave no usable answer.

use std::time::Duration;

use tollgate_client::{ChainError, DecodeError};

/// Closed list. Messages never contain a URL, which often carries a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RpcFailure {
    #[error("the RPC server did not answer in time")]
    Timeout,
    #[error("the RPC server could not be reached: {0}")]
    Unreachable(&'static str),
    /// HTTP 429, with the time after which to ask again, if it names one.
    #[error("the RPC server asks for fewer requests")]
    Throttled(Option<Duration>),
    #[error("the RPC server answered with HTTP status {0}")]
    Status(u16),
    #[error("the RPC server's answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the RPC server's answer could not be read: {0}")]
    Malformed(&'static str),
    #[error("the RPC server refused the call ({0})")]
    Refused(i64),
    /// Its state is older than what was asked for.
    #[error("the RPC server is behind")]
    Behind,
    /// It says otherwise than a server of another provider.
    #[error("the RPC server contradicts one of another provider")]
    Contradicts,
    #[error("the RPC server serves the cluster with genesis hash {actual}, not {expected}")]
    WrongCluster { expected: String, actual: String },
    #[error(transparent)]
    Account(#[from] DecodeError),
    #[error("there is no RPC server to ask")]
    NoServer,
}

impl RpcFailure {
    /// Stable word for logs and metrics; the client's own where it has one.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Timeout => ChainError::Timeout.code(),
            Self::Unreachable(reason) => ChainError::Transport(reason).code(),
            Self::Throttled(_) => "rpc_throttled",
            Self::Status(_) => "rpc_status",
            Self::TooLarge(_) => "rpc_answer_too_large",
            Self::Malformed(reason) => ChainError::Malformed(reason).code(),
            Self::Refused(_) => "rpc_error",
            Self::Behind => "rpc_behind",
            Self::Contradicts => "rpc_contradiction",
            Self::WrongCluster { .. } => "wrong_cluster",
            Self::Account(error) => error.code(),
            Self::NoServer => "rpc_none",
        }
    }

    /// Whether it speaks against the server itself, so that it should be left alone
    /// for a while. A server that is merely behind is healthy, and of two that disagree
    /// nobody knows which is wrong.
    pub(crate) fn blames_server(&self) -> bool {
        !matches!(self, Self::Behind | Self::Contradicts | Self::NoServer)
    }
}
