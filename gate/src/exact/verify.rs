//! The verification itself.

use super::instruction::{self, FIXED_INSTRUCTIONS};
use super::message::SignedMessage;
use super::payment::Transfer;
use super::{ExactError, ExactPayment, FeePayer, Policy, Requirement};
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;

/// Verifies that `transaction`, base64, is the payment that `requirement` describes in
/// a form that `policy` allows. No I/O: simulate it afterwards.
///
/// The order of the rules is that of the stock facilitator, so that a transaction that
/// breaks several is refused under the same name; our own stricter rules come last.
///
/// # Errors
/// [`ExactError`]: the first rule that the transaction breaks.
pub fn verify(
    transaction: &str,
    requirement: &Requirement,
    policy: &Policy,
) -> Result<ExactPayment, ExactError> {
    if let FeePayer::Managed(key) = requirement.fee_payer
        && !policy.managed_fee_payers.contains(&key)
    {
        return Err(ExactError::FeePayerNotManaged);
    }
    let message = SignedMessage::decode(transaction)?;
    let signatures = message.signers().len();
    if policy
        .max_signatures
        .is_some_and(|most| signatures > usize::from(most))
    {
        return Err(ExactError::ExcessiveSigners);
    }
    let fee_payer = *message.keys().first().ok_or(ExactError::FeePayerMismatch)?;
    let unsigned = match requirement.fee_payer {
        FeePayer::Managed(key) if key != fee_payer => return Err(ExactError::FeePayerMismatch),
        FeePayer::Managed(_) => 1,
        FeePayer::Payer => 0,
    };
    message.require_signatures(unsigned)?;
    message.require_no_lookups()?;

    let instructions = message.instructions()?;
    let [first, second, third, optional @ ..] = instructions.as_slice() else {
        return Err(ExactError::InstructionCount);
    };
    if FIXED_INSTRUCTIONS + optional.len() > policy.max_instructions {
        return Err(ExactError::InstructionCount);
    }
    let (compute_unit_limit, compute_unit_price) =
        instruction::compute_budget(first, second, policy)?;
    let transfer = instruction::transfer(third).ok_or(ExactError::NoTransfer)?;
    require_transfer(&transfer, requirement, policy)?;
    let memos = instruction::memos(optional)?;
    let memo = match (&requirement.memo, memos.as_slice()) {
        (Some(expected), [memo]) if expected.as_bytes() != *memo => {
            return Err(ExactError::MemoMismatch);
        }
        (_, [memo]) => Some(memo.to_vec()),
        (Some(_), _) => return Err(ExactError::MemoCount),
        (None, _) => None,
    };

    // From here on rules that the stock facilitator does not have.
    if transfer.source == transfer.destination {
        return Err(ExactError::RecipientMismatch);
    }
    match requirement.fee_payer {
        FeePayer::Managed(_) => {
            let mut accounts = instructions.iter().flat_map(|each| &each.accounts);
            if accounts.any(|account| **account == fee_payer) {
                return Err(ExactError::FeePayerInInstruction);
            }
        }
        FeePayer::Payer if fee_payer != transfer.authority => {
            return Err(ExactError::FeePayerMismatch);
        }
        FeePayer::Payer => {}
    }
    if !message.signers().contains(&transfer.authority) {
        return Err(ExactError::SignatureInvalid);
    }
    Ok(ExactPayment {
        message_hash: message.hash(),
        fee_payer,
        transfer,
        compute_unit_limit,
        compute_unit_price,
        memo,
        transaction: message.transaction,
    })
}

fn require_transfer(
    transfer: &Transfer,
    requirement: &Requirement,
    policy: &Policy,
) -> Result<(), ExactError> {
    let program = transfer.token_program;
    if requirement.token_program.is_some_and(|own| own != program) {
        return Err(ExactError::NoTransfer);
    }
    if policy.managed_fee_payers.contains(&transfer.authority) {
        return Err(ExactError::FeePayerTransferring);
    }
    if transfer.mint != requirement.mint {
        return Err(ExactError::MintMismatch);
    }
    let destination = get_associated_token_address_with_program_id(
        &requirement.pay_to,
        &requirement.mint,
        &program,
    );
    if transfer.destination != destination {
        return Err(ExactError::RecipientMismatch);
    }
    if transfer.amount != requirement.amount {
        return Err(ExactError::AmountMismatch);
    }
    Ok(())
}
