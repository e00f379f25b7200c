//! LiteSVM as a runtime.

use crate::{Executed, Failure, MinimumBalanceRule, Runtime};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;

/// LiteSVM with the kept ELF.
pub struct LiteSvmRuntime(LiteSVM);

impl Default for LiteSvmRuntime {
    fn default() -> Self {
        Self::with_program(LiteSVM::new())
    }
}

impl LiteSvmRuntime {
    /// Takes every signature for good and every transaction for new, so that any key
    /// can be made to sign whatever is tried.
    pub fn credulous() -> Self {
        let svm = LiteSVM::new()
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0);
        Self::with_program(svm)
    }

    fn with_program(mut svm: LiteSVM) -> Self {
        svm.add_program(tollgate_client::PROGRAM_ID, tollgate::ELF)
            .expect("the kept ELF loads");
        Self(svm)
    }
}

impl Runtime for LiteSvmRuntime {
    fn execute(&mut self, transaction: VersionedTransaction) -> Result<Executed, Failure> {
        match self.0.send_transaction(transaction) {
            Ok(done) => Ok(Executed {
                units: done.compute_units_consumed,
                logs: done.logs,
            }),
            Err(failed) => Err(Failure {
                error: failed.err,
                logs: failed.meta.logs,
            }),
        }
    }

    fn account(&mut self, address: &Pubkey) -> Option<Account> {
        self.0.get_account(address)
    }

    fn set_account(&mut self, address: Pubkey, account: Account) {
        self.0
            .set_account(address, account)
            .expect("the account can be set");
    }

    fn fresh_blockhash(&mut self) -> Hash {
        self.0.expire_blockhash();
        self.0.latest_blockhash()
    }

    fn clock(&mut self) -> Clock {
        self.0.get_sysvar()
    }

    fn set_clock(&mut self, clock: Clock) {
        self.0.set_sysvar(&clock);
    }

    fn rent(&mut self, bytes: usize) -> u64 {
        self.0.minimum_balance_for_rent_exemption(bytes)
    }

    fn minimum_balance_rule(&self) -> MinimumBalanceRule {
        MinimumBalanceRule::NoGains
    }
}
