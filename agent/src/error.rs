//! Why a resource could not be had.

use tollgate_client::{ChainError, TollgateError};

/// Closed list of failures.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// The URL is not one that can be fetched.
    #[error("not an http or https URL: {0}")]
    Url(String),
    /// The server cannot be reached or broke off.
    #[error("the server could not be reached: {0}")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request or the client cannot be built.
    #[error("the request cannot be made: {0}")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server asks for a payment or a proof, but the request's body is a stream or
    /// too large to be kept, so that the request cannot be made again with it.
    #[error("the request would have to be sent again, but its body cannot be; nothing was paid")]
    BodyNotRepeatable,
    /// The answer is larger than the agent takes.
    #[error("the answer is larger than {0} bytes")]
    AnswerTooLarge(usize),
    /// The 402 cannot be used.
    #[error("the 402 cannot be followed: {0}")]
    Challenge(String),
    /// The price is over the limit.
    #[error("the price is {price}, the limit is {limit}; nothing was paid")]
    OverLimit {
        /// Price in the token's units.
        price: String,
        /// Limit in the token's units.
        limit: String,
    },
    /// The price does not fit into what may be spent in all.
    #[error("the price is {price}, and {spent} of {total} is spent; nothing was paid")]
    OverTotal {
        /// Price in the token's units.
        price: String,
        /// What was spent, or may have been, in the token's units.
        spent: String,
        /// Limit of all payments in the token's units.
        total: String,
    },
    /// The policy does not allow this token.
    #[error("the policy does not allow payments in {0}; nothing was paid")]
    MintNotAllowed(String),
    /// The challenge and the chain disagree.
    #[error("the 402 does not agree with the chain: {0}; nothing was paid")]
    TermsMismatch(&'static str),
    /// Not enough tokens.
    #[error("the payer has {available} and the price is {price}; nothing was paid")]
    InsufficientFunds {
        /// What the payer has, in the token's units.
        available: String,
        /// Price in the token's units.
        price: String,
    },
    /// The journal cannot be read or written, so that nothing may be paid.
    #[error("the journal {path} cannot be used: {source}; nothing is paid without it")]
    Journal {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process pays from the same journal.
    #[error("another process is paying from the same journal; try again when it is done")]
    JournalBusy,
    /// The signer cannot sign.
    #[error("the signer failed: {0}")]
    Signer(#[from] solana_signer::SignerError),
    /// The cluster.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The cluster's server has not seen the slot of an earlier payment in time.
    #[error("the RPC server is behind the last payment; nothing was paid")]
    ChainBehind,
    /// The payment is on chain and failed: only its fee was spent.
    #[error("the payment {signature} failed on chain: {error}")]
    Failed {
        /// Its signature.
        signature: String,
        /// Why.
        error: String,
        /// The program's own error.
        program_error: Option<TollgateError>,
    },
    /// The payment never landed and never can: nothing was spent.
    #[error("the payment expired before it landed; nothing was paid")]
    Expired,
    /// Nobody could say in time what became of the payment.
    #[error(
        "the fate of payment {signature} (payment id {payment_id}) is not known yet; ask again, it will not be paid twice"
    )]
    Unknown {
        /// The transaction's signature, base58.
        signature: String,
        /// The payment id, base58.
        payment_id: String,
    },
    /// The key is entitled but the server does not serve.
    #[error("the key is entitled, but the server answered {status}: {detail}")]
    NotServed {
        /// HTTP status.
        status: u16,
        /// The start of the body.
        detail: String,
    },
}

impl PayError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url(_) => "url_invalid",
            Self::Http(_) => "server_unreachable",
            Self::AnswerTooLarge(_) => "answer_too_large",
            Self::Request(_) => "request_invalid",
            Self::BodyNotRepeatable => "body_not_repeatable",
            Self::Challenge(_) => "challenge_unusable",
            Self::OverLimit { .. } => "over_spending_limit",
            Self::OverTotal { .. } => "over_total_limit",
            Self::MintNotAllowed(_) => "mint_not_allowed",
            Self::TermsMismatch(_) => "terms_mismatch",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::Journal { .. } => "journal_unusable",
            Self::JournalBusy => "journal_busy",
            Self::Signer(_) => "signing_failed",
            Self::Chain(error) => error.code(),
            Self::ChainBehind => "rpc_behind",
            Self::Failed { .. } => "payment_failed",
            Self::Expired => "payment_expired",
            Self::Unknown { .. } => "payment_unknown",
            Self::NotServed { .. } => "entitled_but_not_served",
        }
    }

    /// The program's own error behind this one.
    pub fn program_error(&self) -> Option<TollgateError> {
        match self {
            Self::Chain(ChainError::Refused { program_error, .. })
            | Self::Failed { program_error, .. } => *program_error,
            _ => None,
        }
    }

    /// Whether the payer's own policy refused; nothing was paid.
    pub fn is_policy(&self) -> bool {
        matches!(
            self,
            Self::OverLimit { .. }
                | Self::OverTotal { .. }
                | Self::MintNotAllowed(_)
                | Self::TermsMismatch(_)
        )
    }

    /// Whether money may have moved without anybody knowing.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}
