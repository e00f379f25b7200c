//! Executing input on the real ELF, and what must never come of it.

use crate::authority;
use crate::input::{Input, Material};
use solana_instruction::error::InstructionError;
use solana_message::{VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::ops::Range;
use tollgate_client::transaction::{to_bytes, unsigned};
use tollgate_client::{PROGRAM_ID, UnixSeconds, program_error};
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::{Executed, Failure, Snapshot};

/// A chain to execute input on, which is put back after each.
pub struct Target {
    rehearsal: Rehearsal,
    /// What input is made from.
    pub material: Material,
}

/// What an execution came to, as far as it tells one path from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Positions in the IDL of the instructions that were called; `None`: of none.
    pub called: Vec<Option<usize>>,
    /// Who refused and why; `None`: it succeeded.
    pub refusal: Option<String>,
    /// Compute units without the part that depends on bumps of addresses.
    pub units: u64,
}

/// What one more try of a bump costs.
const UNITS_OF_A_BUMP: u64 = 1_500;
/// Paths that differ by less are taken for the same.
const UNITS_OF_A_PATH: u64 = 100;

impl Default for Target {
    fn default() -> Self {
        let mut rehearsal = Rehearsal::new(LiteSvmRuntime::credulous());
        let material = Material::gather(&mut rehearsal);
        Self {
            rehearsal,
            material,
        }
    }
}

impl Target {
    /// The bytes of every valid transaction.
    pub fn wire_transactions(&self) -> Vec<Vec<u8>> {
        let fee_payer = self.rehearsal.fee_payer();
        let valid = self.material.valid.iter();
        valid
            .map(|input| {
                let unsigned = unsigned(&input.instructions, Default::default(), &fee_payer);
                to_bytes(&unsigned.expect("it fits")).expect("it fits")
            })
            .collect()
    }

    /// Executes `input`; `None` where it does not fit into a message.
    ///
    /// # Errors
    /// What happened that must never happen.
    pub fn execute(&mut self, input: &Input) -> Result<Option<Outcome>, String> {
        let fee_payer = self.rehearsal.fee_payer();
        let runtime = &mut self.rehearsal.stage.world.runtime;
        let Ok(message) = v0::Message::try_compile(
            &fee_payer,
            &input.instructions,
            &[],
            runtime.fresh_blockhash(),
        ) else {
            return Ok(None);
        };
        let transaction = VersionedTransaction {
            signatures: vec![Default::default(); message.header.num_required_signatures.into()],
            message: VersionedMessage::V0(message),
        };
        let programs = self.material.programs();
        let addresses: Vec<Pubkey> = input
            .instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .map(|meta| meta.pubkey)
            .chain(input.planted.keys().copied())
            .chain([fee_payer])
            .filter(|address| !programs.contains(address))
            .collect();
        let original = Snapshot::take(&mut **runtime, addresses);
        for (address, account) in &input.planted {
            runtime.set_account(*address, account.clone());
        }
        let start = self.rehearsal.stage.world.now();
        self.rehearsal.stage.world.set_time(UnixSeconds(input.now));
        let runtime = &mut self.rehearsal.stage.world.runtime;
        let before = original.again(&mut **runtime);
        let result = runtime.execute(transaction);
        let after = before.again(&mut **runtime);
        original.restore(&mut **runtime);
        self.rehearsal.stage.world.set_time(start);
        self.judge(input, result, &before, &after).map(Some)
    }

    fn judge(
        &self,
        input: &Input,
        result: Result<Executed, Failure>,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<Outcome, String> {
        let (refusal, units) = match result {
            Ok(executed) => {
                if input.is_genuine() {
                    authority::require(input, before, after)?;
                }
                (None, executed.units)
            }
            Err(failure) => {
                require_orderly(&failure, input.is_genuine())?;
                let mut changed = before.changed(after);
                changed.remove(&self.rehearsal.fee_payer());
                if !changed.is_empty() {
                    return Err(format!("refused, and yet changed {changed:?}"));
                }
                (Some(describe(&failure)), units(&failure))
            }
        };
        Ok(Outcome {
            called: input
                .instructions
                .iter()
                .map(|instruction| self.material.position(instruction))
                .collect(),
            refusal,
            units: units % UNITS_OF_A_BUMP / UNITS_OF_A_PATH,
        })
    }
}

/// A refusal with a reason, not a crash: an error of the program itself, of Anchor, of
/// SPL Token or the system program, or a transaction that never reached the program.
/// `genuine`: whether all accounts were as the program left them.
///
/// # Errors
/// What it is instead.
pub fn require_orderly(failure: &Failure, genuine: bool) -> Result<(), String> {
    let crash = |what: &str| Err(format!("{what}: {failure:#?}"));
    let error = match &failure.error {
        TransactionError::InstructionError(_, error) => error,
        // Accounts below the rent that was planted, or too many of them.
        TransactionError::InsufficientFundsForRent { .. }
        | TransactionError::TooManyAccountLocks
        | TransactionError::MaxLoadedAccountsDataSizeExceeded => return Ok(()),
        _ => return crash("an unexpected failure"),
    };
    let Some(refuser) = refuser(failure) else {
        return crash("nobody refused");
    };
    let orderly = match error {
        // A bump or a key in the account of a signer that the program never writes so:
        // the runtime refuses to sign, before anything is called.
        InstructionError::ProgramFailedToComplete if !genuine && has_no_address(failure) => true,
        InstructionError::ProgramFailedToComplete
        | InstructionError::ComputationalBudgetExceeded
        | InstructionError::ProgramEnvironmentSetupFailure
        | InstructionError::CallDepth => false,
        InstructionError::Custom(code) if refuser == PROGRAM_ID => {
            program_error(*code).is_some() || ANCHORS_ERRORS.contains(code)
        }
        // What Anchor passes on from SPL Token's own decoders of mints and token
        // accounts.
        InstructionError::InvalidAccountData | InstructionError::UninitializedAccount
            if refuser == PROGRAM_ID =>
        {
            true
        }
        // It asked more of another program than it was given itself.
        InstructionError::PrivilegeEscalation if refuser == PROGRAM_ID => true,
        _ => refuser == spl_token_interface::ID || refuser == solana_system_interface::program::ID,
    };
    if orderly {
        Ok(())
    } else {
        crash("not a refusal but a crash")
    }
}

/// Whether the seeds with which the program wanted to sign lead nowhere.
fn has_no_address(failure: &Failure) -> bool {
    let reason = "Could not create program address with signer seeds";
    failure.logs.iter().any(|line| line.contains(reason))
}

/// Codes below those of a program's own.
const ANCHORS_ERRORS: Range<u32> = 100..6_000;

/// The innermost program that failed, which logs that first.
fn refuser(failure: &Failure) -> Option<Pubkey> {
    let (program, _) = failure
        .logs
        .iter()
        .find_map(|line| line.strip_prefix("Program ")?.split_once(" failed: "))?;
    program.parse().ok()
}

/// Who refused, why, and which account it was about.
fn describe(failure: &Failure) -> String {
    let about = failure
        .logs
        .iter()
        .find(|line| line.contains("AnchorError"))
        .map_or("", String::as_str);
    let refuser = refuser(failure).map_or_else(String::new, |program| program.to_string());
    format!("{:?} of {refuser} {about}", failure.error)
}

/// Compute units that the program used before it refused.
fn units(failure: &Failure) -> u64 {
    let used = |line: &String| {
        let (_, rest) = line.split_once(" consumed ")?;
        rest.split_once(' ')?.0.parse::<u64>().ok()
    };
    failure.logs.iter().filter_map(used).sum()
}
