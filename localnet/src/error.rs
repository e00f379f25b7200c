//! Why the local chain could not do what its handle was asked.

use solana_address::Address;
use solana_transaction_error::TransactionError;

/// An error of the [`Localnet`](crate::Localnet) handle. RPC clients never see it: they get
/// the JSON-RPC errors of a Solana node.
#[derive(Debug, thiserror::Error)]
pub enum LocalnetError {
    /// A listening socket could not be opened.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for; 0 stands for any free port.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The settings contradict each other.
    #[error("invalid settings: {0}")]
    Settings(&'static str),
    /// The bytes given as a program are not a program that this virtual machine can run.
    #[error("cannot load program {program}: {reason}")]
    Program {
        /// The address the program was meant for.
        program: Address,
        /// What the loader said.
        reason: String,
    },
    /// An account could not be written, for instance a sysvar with malformed data.
    #[error("cannot write account {address}: {reason}")]
    Account {
        /// The address of the account.
        address: Address,
        /// What the virtual machine said.
        reason: String,
    },
    /// A transaction that the handle sent (airdrop, mint) was refused or failed.
    #[error("the transaction failed: {0}")]
    Transaction(#[from] TransactionError),
    /// More slots were asked for at once than [`MAX_WARP_SLOTS`](crate::MAX_WARP_SLOTS).
    #[error("cannot advance {asked} slots at once; the limit is {limit}")]
    TooManySlots {
        /// The number of slots asked for.
        asked: u64,
        /// The largest number accepted.
        limit: u64,
    },
    /// The RPC methods could not be registered; two of them share a name.
    #[error("cannot register the RPC methods: {0}")]
    Methods(String),
}

impl LocalnetError {
    /// A short name of the error that stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "localnet_listen",
            Self::Settings(_) => "localnet_settings",
            Self::Program { .. } => "localnet_program",
            Self::Account { .. } => "localnet_account",
            Self::Transaction(_) => "localnet_transaction",
            Self::TooManySlots { .. } => "localnet_too_many_slots",
            Self::Methods(_) => "localnet_methods",
        }
    }
}
