//! Why a command failed, and with which exit code.

use crate::deploy::DeployError;
use crate::keyfile::KeyfileError;
use tollgate_agent::PayError;
use tollgate_client::{ChainError, TollgateError};
use tollgate_gate::receipt::ReceiptError;

/// Closed list of failures.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An argument that parses but makes no sense.
    #[error("{0}")]
    Argument(String),
    /// The key file.
    #[error(transparent)]
    Keyfile(#[from] KeyfileError),
    /// The cluster.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction is on chain and failed.
    #[error("the transaction {signature} failed on chain: {error}")]
    TransactionFailed {
        /// Its signature.
        signature: String,
        /// Why.
        error: String,
        /// The program's own error.
        program_error: Option<TollgateError>,
    },
    /// A transaction expired without landing; nothing happened.
    #[error("the transaction expired before it landed; nothing happened")]
    TransactionExpired,
    /// Nobody could say in time what became of a transaction.
    #[error(
        "the fate of transaction {signature} is not known yet; look it up before you repeat the command"
    )]
    TransactionUnknown {
        /// Its signature.
        signature: String,
    },
    /// A payment.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// A deployment.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Something that should be there is not.
    #[error("{0}")]
    NotFound(String),
    /// The verifier's configuration.
    #[error(transparent)]
    Config(#[from] tollgate_verifier::config::ConfigError),
    /// A configuration makes sense by itself, but the chain could not be asked.
    #[error("the configuration makes sense by itself, but the chain cannot be read now")]
    ConfigUnverified,
    /// The verifier.
    #[error(transparent)]
    Verifier(#[from] tollgate_verifier::StartError),
    /// The books of used credits.
    #[error(transparent)]
    Credits(#[from] tollgate_verifier::CreditBooksError),
    /// The local chain.
    #[error(transparent)]
    Localnet(#[from] tollgate_localnet::LocalnetError),
    /// A local server could not be started.
    #[error("a local server could not be started: {0}")]
    Listen(std::io::Error),
    /// An audit log.
    #[error(transparent)]
    Audit(#[from] tollgate_verifier::audit::AuditError),
    /// A receipt that does not hold.
    #[error(transparent)]
    Receipt(#[from] tollgate_gate::receipt::ReceiptError),
    /// A key set that cannot be had.
    #[error("the key set {place} cannot be used: {why}")]
    KeySet {
        /// Where it should be.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// A result could not be written.
    #[error("the result could not be written: {0}")]
    Output(std::io::Error),
    /// The demonstration did not go as it has to.
    #[error("the demonstration went wrong: {0}")]
    Story(String),
}

impl CliError {
    /// Stable code, also in the JSON form of an error.
    pub fn code(&self) -> String {
        match self {
            Self::Argument(_) => "argument_invalid".into(),
            Self::Keyfile(error) => error.code().into(),
            Self::Chain(error) => error.code().into(),
            Self::TransactionFailed { .. } => "transaction_failed".into(),
            Self::TransactionExpired => "transaction_expired".into(),
            Self::TransactionUnknown { .. } => "transaction_unknown".into(),
            Self::Pay(error) => error.code().into(),
            Self::Deploy(error) => error.code().into(),
            Self::NotFound(_) => "not_found".into(),
            Self::Config(_) => "configuration_invalid".into(),
            Self::ConfigUnverified => "configuration_unverified".into(),
            Self::Verifier(error) => error.code().into(),
            Self::Credits(error) => error.code().into(),
            Self::Localnet(_) => "localnet_failed".into(),
            Self::Listen(_) => "listen_failed".into(),
            Self::Audit(error) => error.code().into(),
            Self::Receipt(error) => error.code().into(),
            Self::KeySet { .. } => "key_set_unavailable".into(),
            Self::Output(_) => "output_failed".into(),
            Self::Story(_) => "demo_failed".into(),
        }
    }

    /// The program's own error behind this one.
    pub fn program_error(&self) -> Option<TollgateError> {
        match self {
            Self::Chain(ChainError::Refused { program_error, .. })
            | Self::TransactionFailed { program_error, .. } => *program_error,
            Self::Pay(error) => error.program_error(),
            _ => None,
        }
    }

    /// The problems of a configuration, each with its place.
    pub fn config_problems(&self) -> Option<&[tollgate_verifier::ConfigProblem]> {
        match self {
            Self::Config(error) => Some(&error.problems),
            _ => None,
        }
    }

    /// 1: failed. 3: refused by the spending policy, nothing was paid. 4: a
    /// payment or transaction whose fate is not known, or a configuration that could
    /// not be held against the chain. 5: not found or not entitled. 6: evidence that
    /// does not hold, a receipt or an audit log. (2 is a wrong command line.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Pay(error) if error.is_policy() => 3,
            Self::Pay(error) if error.is_unknown() => 4,
            Self::TransactionUnknown { .. } | Self::ConfigUnverified => 4,
            Self::NotFound(_) => 5,
            // A server that lags says nothing about the receipt.
            Self::Receipt(ReceiptError::ReadingTooOld) => 4,
            Self::Receipt(_) => 6,
            Self::Audit(error) if error.is_tampering() => 6,
            _ => 1,
        }
    }
}
