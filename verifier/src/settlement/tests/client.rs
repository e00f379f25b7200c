//! Transactions as a stock client makes them.

use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::{Addresses, Amount, Pubkey};
use tollgate_gate::exact::{MEMO_PROGRAM, TOKEN_PROGRAM};
use tollgate_localnet::USDC_MINT;

/// Compute units of a stock client's transaction.
const STOCK_UNITS: u32 = 20_000;

/// What a stock client puts into a payment (`@x402/svm`).
pub fn stock_instructions(
    payer: &Pubkey,
    destination: Pubkey,
    amount: Amount,
    memo: Option<&str>,
) -> Vec<Instruction> {
    let budget = tollgate_client::transaction::ComputeBudget {
        units: STOCK_UNITS,
        price: 1,
    };
    let mut instructions = budget.instructions();
    instructions.push(spl_transfer(payer, destination, amount));
    if let Some(memo) = memo {
        instructions.push(Instruction::new_with_bytes(
            MEMO_PROGRAM,
            memo.as_bytes(),
            Vec::new(),
        ));
    }
    instructions
}

fn spl_transfer(payer: &Pubkey, destination: Pubkey, amount: Amount) -> Instruction {
    let source = Addresses::token_account(payer, &USDC_MINT);
    let mut data = vec![12];
    data.extend(amount.0.to_le_bytes());
    data.push(6);
    Instruction {
        program_id: TOKEN_PROGRAM,
        accounts: vec![
            AccountMeta::new(source, false),
            AccountMeta::new_readonly(USDC_MINT, false),
            AccountMeta::new(destination, false),
            AccountMeta::new_readonly(*payer, true),
        ],
        data,
    }
}

/// Signed by the payer; the fee payer's slot is empty.
pub fn signed_by_payer(
    instructions: &[Instruction],
    blockhash: Hash,
    fee_payer: &Pubkey,
    payer: &Keypair,
) -> VersionedTransaction {
    let message = v0::Message::try_compile(fee_payer, instructions, &[], blockhash).unwrap();
    let message = VersionedMessage::V0(message);
    let own = payer.sign_message(&message.serialize());
    let keys = message.static_account_keys();
    let place = keys.iter().position(|key| *key == payer.pubkey()).unwrap();
    let slots = usize::from(message.header().num_required_signatures);
    let mut signatures = vec![Default::default(); slots];
    signatures[place] = own;
    VersionedTransaction {
        signatures,
        message,
    }
}
