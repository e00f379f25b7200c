//! Why a verifier did not start.

use std::net::SocketAddr;

use crate::audit::AuditError;
use crate::chain::CatalogueError;
use crate::credits::CreditsError;
use crate::market::RouteProblem;
use crate::redis_client::{Unfit, Unusable};

macro_rules! start_codes {
    ($($variant:ident $code:literal $meaning:literal;)*) => {
        /// The kinds of [`StartError`], each with a stable code and a sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum StartCode {
            $(#[doc = concat!("`", $code, "`: ", $meaning)] $variant,)*
        }

        impl StartCode {
            /// Every kind, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

start_codes! {
    Listen "listen_failed" "a configured address cannot be listened at";
    PublicUrl "public_url_invalid" "the public URL cannot be an origin";
    Network "genesis_hash_invalid" "the genesis hash names no cluster";
    Secret "secret_invalid" "the secrets cannot be used together";
    Upstream "upstream_invalid" "the upstream cannot be reached by these settings";
    Rpc "rpc_invalid" "the RPC servers cannot be reached by these settings";
    Slug "slug_invalid" "a product's name is not a slug";
    Routes "routes_invalid" "routes are wrong, alone or together";
    WrongCluster "wrong_cluster" "the RPC server serves another cluster than the configured one";
    MerchantMissing "merchant_missing" "there is no merchant account at the configured address";
    ProductMissing "product_missing" "the merchant has no product with a configured name";
    ProductWrongMint "product_wrong_mint" "a product is paid in another currency than the configured one";
    RouteMetered "route_metered" "a route sells a product that counts calls, and nothing is configured to count them";
    AccountMismatch "account_mismatch" "an account is not what its address promises";
    AuditIo "audit_io" "a file or folder of the audit log cannot be used";
    AuditLocked "audit_locked" "another process writes to the audit log";
    AuditEmpty "audit_empty" "the folder holds no audit log";
    AuditDamaged "audit_damaged" "a record of the audit log was changed or cut off";
    AuditBroken "audit_broken" "a record of the audit log does not follow the one before it";
    AuditHeadMissing "audit_head_missing" "the end of the audit log was cut off or replaced";
    AuditCheckpoint "audit_checkpoint" "a checkpoint of the audit log does not hold";
    SignInsStoreInvalid "sign_ins_store_invalid" "the shared store of used sign-ins cannot be reached by these settings";
    SignInsStoreUnfit "sign_ins_store_unfit" "the shared store could lose or evict which sign-ins were used";
    CreditsStoreInUse "credits_store_in_use" "another process counts credits in the same file";
    CreditsStoreOtherOwner "credits_store_other_owner" "the file of used credits belongs to another merchant or cluster";
    CreditsStoreUnusable "credits_store_unusable" "the file of used credits cannot be used";
    CreditsStoreUrl "credits_store_url_invalid" "the shared store of used credits has no usable URL";
    CreditsStoreUnfit "credits_store_unfit" "the shared store could lose or evict what is counted";
}

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
    /// Used sign-ins cannot be remembered.
    #[error("sign_ins: {message}")]
    SignIns {
        /// The kind of reason.
        code: StartCode,
        /// What was expected and found.
        message: String,
    },
    /// Used credits cannot be counted.
    #[error("{message}")]
    Credits {
        /// The kind of reason.
        code: StartCode,
        /// What was expected and found.
        message: String,
    },
    /// The chain contradicts the configuration.
    #[error("{message}")]
    Chain {
        /// The kind of contradiction.
        code: StartCode,
        /// What was expected and found.
        message: String,
    },
}

impl StartError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// The row of the table.
    #[must_use]
    pub fn kind(&self) -> StartCode {
        match self {
            Self::Listen { .. } => StartCode::Listen,
            Self::PublicUrl(_) => StartCode::PublicUrl,
            Self::Network(_) => StartCode::Network,
            Self::Secret(_) => StartCode::Secret,
            Self::Audit(error) => of_audit(error),
            Self::Upstream(_) => StartCode::Upstream,
            Self::Rpc(_) => StartCode::Rpc,
            Self::Slug(_) => StartCode::Slug,
            Self::Routes(_) => StartCode::Routes,
            Self::SignIns { code, .. } | Self::Credits { code, .. } | Self::Chain { code, .. } => {
                *code
            }
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

impl From<Unusable> for StartError {
    fn from(error: Unusable) -> Self {
        Self::SignIns {
            code: StartCode::SignInsStoreInvalid,
            message: error.to_string(),
        }
    }
}

impl From<Unfit> for StartError {
    fn from(error: Unfit) -> Self {
        Self::SignIns {
            code: StartCode::SignInsStoreUnfit,
            message: error.to_string(),
        }
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

/// The rows of the audit log, whose own codes `tollgate audit` uses too.
fn of_audit(error: &AuditError) -> StartCode {
    match error {
        AuditError::Io { .. } => StartCode::AuditIo,
        AuditError::Locked { .. } => StartCode::AuditLocked,
        AuditError::Empty { .. } => StartCode::AuditEmpty,
        AuditError::Damaged { .. } => StartCode::AuditDamaged,
        AuditError::Broken { .. } => StartCode::AuditBroken,
        AuditError::HeadMissing(_) => StartCode::AuditHeadMissing,
        AuditError::Checkpoint(_) => StartCode::AuditCheckpoint,
    }
}
