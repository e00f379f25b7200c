//! Why a verifier did not start.

use std::net::SocketAddr;

use crate::audit::AuditError;
use crate::chain::CatalogueError;
use crate::credits::CreditsError;
use crate::market::RouteProblem;

/// Closed list of reasons; [`StartError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener's address cannot be taken.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The operating system's words.
        error: std::io::Error,
    },
    /// The public URL cannot be used.
    #[error("server.public_url: {0}")]
    PublicUrl(String),
    /// The genesis hash names no cluster.
    #[error("chain.genesis_hash: {0}")]
    Network(String),
    /// The secrets cannot be used together.
    #[error("secrets: {0}")]
    Secret(String),
    /// The audit log cannot be written.
    #[error("audit: {0}")]
    Audit(#[from] AuditError),
    /// The upstream cannot be reached by these settings.
    #[error("upstream: {0}")]
    Upstream(String),
    /// The RPC servers cannot be reached by these settings.
    #[error("chain: {0}")]
    Rpc(String),
    /// A product of `merchant.products` has no valid name.
    #[error("merchant.products: {0:?} is not a product slug")]
    Slug(String),
    /// Routes that cannot be used.
    #[error("{0}")]
    Routes(String),
    /// Used credits cannot be counted.
    #[error("{message}")]
    Credits {
        /// Stable code of the reason.
        code: &'static str,
        /// What was expected and found.
        message: String,
    },
    /// The chain contradicts the configuration.
    #[error("{message}")]
    Chain {
        /// Stable code of the contradiction.
        code: &'static str,
        /// What was expected and found.
        message: String,
    },
}

impl StartError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "listen_failed",
            Self::PublicUrl(_) => "public_url_invalid",
            Self::Network(_) => "genesis_hash_invalid",
            Self::Secret(_) => "secret_invalid",
            Self::Audit(error) => error.code(),
            Self::Upstream(_) => "upstream_invalid",
            Self::Rpc(_) => "rpc_invalid",
            Self::Slug(_) => "slug_invalid",
            Self::Routes(_) => "routes_invalid",
            Self::Credits { code, .. } | Self::Chain { code, .. } => code,
        }
    }

    pub(crate) fn routes(problems: Vec<RouteProblem>) -> Self {
        let lines: Vec<String> = problems
            .into_iter()
            .map(|problem| match problem.index {
                Some(index) => format!("routes[{index}].{}: {}", problem.key, problem.message),
                None => format!("routes: {}", problem.message),
            })
            .collect();
        Self::Routes(lines.join("\n"))
    }
}

impl From<CreditsError> for StartError {
    fn from(error: CreditsError) -> Self {
        Self::Credits {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<CatalogueError> for StartError {
    fn from(error: CatalogueError) -> Self {
        Self::Chain {
            code: error.code(),
            message: error.to_string(),
        }
    }
}
