//! Sends an administrator's transaction and insists on its fate.

use crate::error::CliError;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::{Chain, ChainError, transaction};

/// A transaction that succeeded at the configured commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its signature.
    pub signature: Signature,
    /// The slot that holds it.
    pub slot: u64,
}

/// Signs `instructions` with `signer`, sends them and waits until they stand at the
/// configured commitment.
///
/// # Errors
/// [`CliError`]; only [`CliError::TransactionUnknown`] leaves open what happened.
pub async fn send(
    chain: &Chain,
    instructions: &[Instruction],
    signer: &Keypair,
) -> Result<Signature, CliError> {
    let landed = send_signed_by(chain, instructions, signer, &[]).await?;
    Ok(landed.signature)
}

/// The same with more signers than the payer of the fee.
///
/// # Errors
/// [`CliError`], as for [`send`].
pub async fn send_signed_by(
    chain: &Chain,
    instructions: &[Instruction],
    payer: &Keypair,
    others: &[&Keypair],
) -> Result<Landed, CliError> {
    let (blockhash, last_valid_block_height) = chain.latest_blockhash().await?;
    let signed =
        transaction::sign(instructions, blockhash, payer, others).map_err(ChainError::from)?;
    let signature = signed
        .signatures
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    match chain
        .submit(&signed, last_valid_block_height, SubmitLimits::default())
        .await?
    {
        Submission::Landed { signature, slot } => Ok(Landed { signature, slot }),
        Submission::Failed {
            signature,
            error,
            program_error,
        } => Err(CliError::TransactionFailed {
            signature: signature.to_string(),
            error: error.to_string(),
            program_error,
        }),
        Submission::Expired => Err(CliError::TransactionExpired),
        Submission::Unknown => Err(CliError::TransactionUnknown { signature }),
    }
}
