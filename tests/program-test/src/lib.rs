//! The program's tests on a second runtime, the bank of an Agave validator in
//! solana-program-test, with the kept ELF: two runtimes agree.
//!
//! `.cargo/config.toml` tells solana-program-test where the ELF lies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use solana_account::Account;
use solana_clock::Clock;
use solana_hash::Hash;
use solana_program_test::{ProgramTest, ProgramTestContext};
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use tokio::runtime::Runtime as Tokio;
use tollgate_program_tests::{Executed, Failure, MinimumBalanceRule, Runtime};

/// A bank with the kept ELF.
pub struct ProgramTestRuntime {
    tokio: Tokio,
    context: ProgramTestContext,
}

impl ProgramTestRuntime {
    /// A bank of its own.
    pub fn start() -> Self {
        let tokio = Tokio::new().unwrap();
        let mut test = ProgramTest::default();
        test.prefer_bpf(true);
        test.add_program("tollgate", tollgate_client::PROGRAM_ID, None);
        let context = tokio.block_on(test.start_with_context());
        // It prints every line of every program otherwise.
        log::set_max_level(log::LevelFilter::Error);
        Self { tokio, context }
    }
}

impl Runtime for ProgramTestRuntime {
    fn execute(&mut self, transaction: VersionedTransaction) -> Result<Executed, Failure> {
        let processed = self
            .tokio
            .block_on(
                self.context
                    .banks_client
                    .process_transaction_with_metadata(transaction),
            )
            .expect("the bank answers");
        let metadata = processed.metadata;
        let logs = metadata
            .as_ref()
            .map(|metadata| metadata.log_messages.clone())
            .unwrap_or_default();
        match processed.result {
            Ok(()) => Ok(Executed {
                units: metadata.map_or(0, |metadata| metadata.compute_units_consumed),
                logs,
            }),
            Err(error) => Err(Failure { error, logs }),
        }
    }

    fn account(&mut self, address: &Pubkey) -> Option<Account> {
        self.tokio
            .block_on(self.context.banks_client.get_account(*address))
            .expect("the bank answers")
    }

    fn set_account(&mut self, address: Pubkey, account: Account) {
        self.context.set_account(&address, &account.into());
    }

    fn fresh_blockhash(&mut self) -> Hash {
        self.tokio
            .block_on(self.context.get_new_latest_blockhash())
            .expect("the bank answers")
    }

    fn recent_blockhash(&mut self) -> Hash {
        self.tokio
            .block_on(self.context.banks_client.get_latest_blockhash())
            .expect("the bank answers")
    }

    fn clock(&mut self) -> Clock {
        self.tokio
            .block_on(self.context.banks_client.get_sysvar())
            .expect("the bank answers")
    }

    fn set_clock(&mut self, clock: Clock) {
        self.context.set_sysvar(&clock);
    }

    fn rent(&mut self, bytes: usize) -> u64 {
        let rent = self
            .tokio
            .block_on(self.context.banks_client.get_rent())
            .expect("the bank answers");
        rent.minimum_balance(bytes)
    }

    /// All features are active.
    fn minimum_balance_rule(&self) -> MinimumBalanceRule {
        MinimumBalanceRule::NoLosses
    }
}
