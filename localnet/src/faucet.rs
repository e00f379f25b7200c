//! Test money: SOL and test USDC, paid out by transactions like any other.

use crate::{chain::Chain, devnet};
use solana_address::Address;
use solana_commitment_config::CommitmentLevel;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::{TransactionError, TransactionResult};
use spl_associated_token_account_interface::{
    address::get_associated_token_address, instruction::create_associated_token_account_idempotent,
};

/// The SPL memo program, version 2.
const MEMO_PROGRAM: Address =
    Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// Pays lamports from the faucet; the transaction is in the open block when this returns.
pub(crate) fn airdrop(
    chain: &mut Chain,
    to: &Address,
    lamports: u64,
) -> TransactionResult<Signature> {
    let faucet = devnet::faucet();
    let transfer = solana_system_interface::instruction::transfer(&faucet.pubkey(), to, lamports);
    pay(chain, vec![transfer], &[&faucet])
}

/// Mints test USDC (in base units) to the associated token account of `owner`, which is
/// created if needed and whose address is returned.
pub(crate) fn mint_test_usdc(
    chain: &mut Chain,
    owner: &Address,
    amount: u64,
) -> TransactionResult<Address> {
    let (faucet, authority) = (devnet::faucet(), devnet::usdc_mint_authority());
    let account = get_associated_token_address(owner, &devnet::USDC_MINT);
    let create = create_associated_token_account_idempotent(
        &faucet.pubkey(),
        owner,
        &devnet::USDC_MINT,
        &spl_token_interface::id(),
    );
    let mint = spl_token_interface::instruction::mint_to(
        &spl_token_interface::id(),
        &devnet::USDC_MINT,
        &account,
        &authority.pubkey(),
        &[],
        amount,
    )
    .map_err(|_| TransactionError::SanitizeFailure)?;
    pay(chain, vec![create, mint], &[&faucet, &authority])?;
    Ok(account)
}

fn pay(
    chain: &mut Chain,
    mut instructions: Vec<Instruction>,
    signers: &[&Keypair],
) -> TransactionResult<Signature> {
    let view = chain.view(CommitmentLevel::Processed);
    let (slot, (blockhash, _)) = (view.slot(), view.latest_blockhash());
    // Two equal payments in one slot would be the same transaction.
    let note = format!("faucet payment {}", view.transaction_count());
    instructions.push(Instruction::new_with_bytes(
        MEMO_PROGRAM,
        note.as_bytes(),
        Vec::new(),
    ));
    let payer = signers.first().map(|signer| signer.pubkey());
    let message = Message::new_with_blockhash(&instructions, payer.as_ref(), &blockhash);
    let transaction = VersionedTransaction::try_new(VersionedMessage::Legacy(message), signers)
        .map_err(|_| TransactionError::SignatureFailure)?;
    // It has just been signed.
    let submission = chain.sanitize(transaction, true, slot)?;
    let landed = chain.submit(&submission)?;
    landed.status().clone()?;
    Ok(landed.signature)
}
