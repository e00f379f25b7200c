//! Sends an administrator's transaction and insists on its fate.

use crate::error::CliError;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::{Chain, ChainError, transaction};

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
    let (blockhash, last_valid_block_height) = chain.latest_blockhash().await?;
    let signed =
        transaction::sign(instructions, blockhash, signer, &[]).map_err(ChainError::from)?;
    let signature = signed
        .signatures
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    match chain
        .submit(&signed, last_valid_block_height, SubmitLimits::default())
        .await?
    {
        Submission::Landed { signature, .. } => Ok(signature),
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
