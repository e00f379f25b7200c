//! What a runtime has to offer to run the scenarios.

use solana_account::Account;
use solana_clock::Clock;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use tollgate_client::TollgateError;

/// A transaction that succeeded.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Compute units of the whole transaction.
    pub units: u64,
    /// Its log lines.
    pub logs: Vec<String>,
}

/// A transaction that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub error: TransactionError,
    /// Its log lines.
    pub logs: Vec<String>,
}

impl Failure {
    /// The custom error number, of whichever program.
    pub fn custom(&self) -> Option<u32> {
        match &self.error {
            TransactionError::InstructionError(
                _,
                solana_instruction::error::InstructionError::Custom(code),
            ) => Some(*code),
            _ => None,
        }
    }

    /// The program's own error.
    pub fn program(&self) -> Option<TollgateError> {
        self.custom().and_then(tollgate_client::program_error)
    }
}

/// What a runtime allows an account that had fewer lamports than its rent already
/// before a transaction. No cluster has such accounts but those of its early days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinimumBalanceRule {
    /// It may keep what it has or lose some, and gains must reach the rent.
    NoGains,
    /// It may keep what it has or gain some, but lose nothing: SIMD-0392.
    NoLosses,
}

/// An embedded chain.
pub trait Runtime {
    /// Executes a signed transaction.
    fn execute(&mut self, transaction: VersionedTransaction) -> Result<Executed, Failure>;
    /// An account, if it exists.
    fn account(&mut self, address: &Pubkey) -> Option<Account>;
    /// Puts an account in place.
    fn set_account(&mut self, address: Pubkey, account: Account);
    /// A blockhash that no earlier transaction used.
    fn fresh_blockhash(&mut self) -> Hash;
    /// A blockhash that a transaction may name, whether or not an earlier one did.
    fn recent_blockhash(&mut self) -> Hash {
        self.fresh_blockhash()
    }
    /// The Clock sysvar.
    fn clock(&mut self) -> Clock;
    /// Replaces the Clock sysvar.
    fn set_clock(&mut self, clock: Clock);
    /// Lamports that make an account of `bytes` rent-exempt.
    fn rent(&mut self, bytes: usize) -> u64;
    /// Which accounts below their rent a transaction may leave behind.
    fn minimum_balance_rule(&self) -> MinimumBalanceRule;
}
