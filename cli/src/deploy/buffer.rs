//! Filling the buffer, and closing one that is not needed any more.

use super::DeployError;
use super::loader::{BufferOnChain, read_buffer};
use super::plan::missing_chunks;
use super::program::Deployment;
use super::progress::Progress;
use super::task::Task;
use super::transactions::Wallets;
use crate::error::CliError;
use solana_keypair::Keypair;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use std::ops::Range;
use tollgate_client::Chain;
use tollgate_client::chain::BulkOutcome;

/// How often a buffer is read back and completed.
const WRITE_ROUNDS: u32 = 4;

impl Deployment<'_> {
    /// Creates the buffer if need be, and writes until it holds the program.
    pub(super) async fn fill(&self, buffer: &Keypair, task: &Task) -> Result<(), CliError> {
        let (address, wallets) = (buffer.pubkey(), self.wallets());
        let elf = self.artifact.elf();
        if task.buffer.is_none() {
            let size = UpgradeableLoaderState::size_of_buffer(elf.len());
            let rent = self.chain.rent(size).await?;
            let create = wallets.create_buffer(&address, task.held_by_buffer, rent, elf.len())?;
            wallets.send(self.chain, create, &[buffer]).await?;
        }
        let chunk = self.chunk_bytes(&address)?;
        let total = task.missing.len();
        let mut missing = task.missing.clone();
        let mut progress = Progress::new(total, self.options.quiet);
        for _ in 0..WRITE_ROUNDS {
            let before = total.saturating_sub(missing.len());
            self.write(&address, &missing, before, total, &mut progress)
                .await?;
            // What the servers have reported is one thing, what stands is another.
            let content = read_buffer(self.chain, &address).await?.usable(
                address,
                &wallets.authority.pubkey(),
                elf.len(),
            )?;
            missing = missing_chunks(content.as_deref(), elf, chunk);
            if missing.is_empty() {
                progress.finish();
                return Ok(());
            }
        }
        Err(unfinished(total.saturating_sub(missing.len()), total))
    }

    async fn write(
        &self,
        buffer: &Pubkey,
        chunks: &[Range<usize>],
        before: usize,
        total: usize,
        progress: &mut Progress,
    ) -> Result<(), CliError> {
        let wallets = self.wallets();
        let sign = |index: usize, blockhash| {
            let range = chunks.get(index).cloned().unwrap_or_default();
            let offset = u32::try_from(range.start).unwrap_or(u32::MAX);
            let bytes = self.artifact.elf().get(range).unwrap_or_default();
            wallets.write(buffer, offset, bytes, blockhash)
        };
        let outcome = self
            .chain
            .submit_repeatable(chunks.len(), sign, self.options.limits, |landed| {
                progress.set(before.saturating_add(landed));
            })
            .await?;
        match outcome {
            BulkOutcome::AllLanded => Ok(()),
            BulkOutcome::OutOfTime { landed } => {
                Err(unfinished(before.saturating_add(landed), total))
            }
            BulkOutcome::Failed {
                signature,
                error,
                program_error,
            } => Err(CliError::TransactionFailed {
                signature: signature.to_string(),
                error: error.to_string(),
                program_error,
            }),
        }
    }
}

/// Takes back the rent of a buffer that is not needed any more; it goes to `payer`.
///
/// # Errors
/// [`CliError::NotFound`] when there is none, [`DeployError::Buffer`] when it is not
/// `authority`'s.
pub async fn close_buffer(
    chain: &Chain,
    buffer: &Pubkey,
    payer: &Keypair,
    authority: &Keypair,
) -> Result<(Signature, u64), CliError> {
    let refuse = |reason| {
        Err(DeployError::Buffer {
            buffer: *buffer,
            reason,
        }
        .into())
    };
    match read_buffer(chain, buffer).await? {
        BufferOnChain::Absent { .. } => {
            return Err(CliError::NotFound(format!("there is no buffer {buffer}")));
        }
        BufferOnChain::Foreign => return refuse("is no buffer of the upgradeable loader"),
        BufferOnChain::Ready {
            authority: found, ..
        } if found != Some(authority.pubkey()) => return refuse("belongs to another authority"),
        BufferOnChain::Ready { .. } => {}
    }
    let lamports = chain.lamports(buffer).await?;
    let wallets = Wallets {
        payer,
        authority,
        price: 0,
    };
    let close = wallets.close_buffer(buffer);
    let landed = wallets.send(chain, close, &[authority]).await?;
    Ok((landed.signature, lamports))
}

fn unfinished(written: usize, total: usize) -> CliError {
    DeployError::Unfinished { written, total }.into()
}
