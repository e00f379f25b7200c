//! One look at the chain, and what follows from it for a program.

use super::DeployError;
use super::loader::{BufferOnChain, ProgramOnChain, read_buffer, read_program};
use super::plan::{self, ProgramAction, missing_chunks};
use super::program::Deployment;
use super::transactions::WRITE_UNITS;
use crate::error::CliError;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::ops::Range;
use tollgate_client::ChainError;

/// Lamports for each signature.
const SIGNATURE_FEE: u64 = 5_000;
/// Transactions besides the writes, at most: create, extend, deploy, hand over.
const OTHER_TRANSACTIONS: u64 = 4;

/// What has to be done, from one look at the chain.
pub(super) struct Task {
    pub(super) action: ProgramAction,
    pub(super) held_by_program: u64,
    pub(super) held_by_buffer: u64,
    pub(super) buffer: Option<Vec<u8>>,
    pub(super) missing: Vec<Range<usize>>,
    pub(super) lamports: u64,
}

impl Deployment<'_> {
    /// Looks at the chain and decides.
    pub(super) async fn look(&self, buffer: &Pubkey) -> Result<Task, CliError> {
        let program = self.artifact.program_id();
        if let Some(key) = self.program_key.filter(|key| key.pubkey() != program) {
            return Err(DeployError::ProgramKeyMismatch {
                given: key.pubkey(),
                declared: program,
            }
            .into());
        }
        let on_chain = read_program(self.chain, &program).await?;
        let authority = self.authority.pubkey();
        let action = plan::plan(
            &on_chain,
            &self.artifact,
            &authority,
            self.program_key.is_some(),
            self.options.max_len,
        )?;
        let mut task = Task {
            action,
            held_by_program: held(&on_chain),
            held_by_buffer: 0,
            buffer: None,
            missing: Vec::new(),
            lamports: 0,
        };
        if action != ProgramAction::Keep {
            let elf = self.artifact.elf();
            let found = read_buffer(self.chain, buffer).await?;
            if let BufferOnChain::Absent { lamports } = found {
                task.held_by_buffer = lamports;
            }
            task.buffer = found.usable(*buffer, &authority, elf.len())?;
            let chunk = self.chunk_bytes(buffer)?;
            task.missing = missing_chunks(task.buffer.as_deref(), elf, chunk);
            task.lamports = self.lamports_needed(&on_chain, &task).await?;
        }
        Ok(task)
    }

    pub(super) fn chunk_bytes(&self, buffer: &Pubkey) -> Result<usize, CliError> {
        Ok(self
            .wallets()
            .chunk_bytes(buffer)
            .map_err(ChainError::from)?)
    }

    /// Rent that is still to be paid, and fees. A buffer's rent comes back when it is
    /// deployed, in time for the rent of the program's account.
    async fn lamports_needed(
        &self,
        on_chain: &ProgramOnChain,
        task: &Task,
    ) -> Result<u64, CliError> {
        let data_rent = |length| {
            self.chain
                .rent(UpgradeableLoaderState::size_of_programdata(length))
        };
        let length = self.artifact.elf().len();
        let buffer_rent = self
            .chain
            .rent(UpgradeableLoaderState::size_of_buffer(length))
            .await?;
        let rent_for_buffer = match task.buffer {
            Some(_) => 0,
            None => buffer_rent.saturating_sub(task.held_by_buffer),
        };
        let rent_for_program = match (task.action, on_chain) {
            (ProgramAction::Deploy { capacity }, _) => data_rent(capacity)
                .await?
                .saturating_sub(buffer_rent)
                .saturating_add(
                    self.chain
                        .rent(UpgradeableLoaderState::size_of_program())
                        .await?,
                ),
            (
                ProgramAction::Upgrade {
                    extend_by: Some(by),
                },
                ProgramOnChain::Deployed(deployed),
            ) => {
                let has = deployed.code.len();
                let will_have = has.saturating_add(usize::try_from(by).unwrap_or(usize::MAX));
                data_rent(will_have)
                    .await?
                    .saturating_sub(data_rent(has).await?)
            }
            _ => 0,
        };
        let transactions = u64::try_from(task.missing.len())
            .unwrap_or(u64::MAX)
            .saturating_add(OTHER_TRANSACTIONS);
        let priority = self
            .options
            .compute_unit_price
            .saturating_mul(WRITE_UNITS.into())
            .div_ceil(1_000_000);
        let fee = (2 * SIGNATURE_FEE).saturating_add(priority);
        // What stays with the payer has to keep its account alive.
        let rent_of_payer = self.chain.rent(0).await?;
        Ok(rent_for_buffer
            .saturating_add(rent_for_program)
            .saturating_add(rent_of_payer)
            .saturating_add(transactions.saturating_mul(fee)))
    }

    /// Refuses before anything is sent what the payer cannot pay to its end.
    pub(super) async fn require_funds(&self, task: &Task) -> Result<(), CliError> {
        let held = self.chain.lamports(&self.payer.pubkey()).await?;
        if held < task.lamports {
            return Err(DeployError::Funds {
                needed: task.lamports,
                held,
            }
            .into());
        }
        Ok(())
    }
}

fn held(program: &ProgramOnChain) -> u64 {
    match program {
        ProgramOnChain::Absent { lamports } => *lamports,
        _ => 0,
    }
}
