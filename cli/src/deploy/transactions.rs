//! The transactions of a deployment: their instructions, sizes and prices.

use crate::commands::send::{Landed, send_signed_by};
use crate::error::CliError;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::transaction::{
    self, BuildError, ComputeBudget, MAX_TRANSACTION_BYTES, to_bytes,
};
use tollgate_client::{Chain, ChainError};

/// Compute units of a write: the loader's fixed 2,370, two times 150 for the budget,
/// and a reserve.
pub(super) const WRITE_UNITS: u32 = 4_000;
/// Compute units of everything else: the loader once, the system program a few times.
const OTHER_UNITS: u32 = 20_000;
/// How often a transaction that expired, and so can never land, is signed anew.
const ATTEMPTS: u32 = 3;

/// Who signs and pays.
#[derive(Clone, Copy)]
pub(super) struct Wallets<'a> {
    pub(super) payer: &'a Keypair,
    pub(super) authority: &'a Keypair,
    /// Price of a compute unit in millionths of a lamport.
    pub(super) price: u64,
}

impl Wallets<'_> {
    /// One write, ready to be sent.
    pub(super) fn write(
        &self,
        buffer: &Pubkey,
        offset: u32,
        bytes: &[u8],
        blockhash: Hash,
    ) -> Result<VersionedTransaction, BuildError> {
        let instructions = self.write_instructions(buffer, offset, bytes);
        transaction::sign(&instructions, blockhash, self.payer, &[self.authority])
    }

    fn write_instructions(&self, buffer: &Pubkey, offset: u32, bytes: &[u8]) -> Vec<Instruction> {
        let write = loader::write(buffer, &self.authority.pubkey(), offset, bytes.to_vec());
        self.priced(WRITE_UNITS, vec![write])
    }

    /// How many bytes of the program fit into one write.
    pub(super) fn chunk_bytes(&self, buffer: &Pubkey) -> Result<usize, BuildError> {
        let empty = self.write_instructions(buffer, 0, &[]);
        let empty = transaction::unsigned(&empty, Hash::default(), &self.payer.pubkey())?;
        // The length of the instruction takes a second byte when it is full.
        let overhead = to_bytes(&empty)?.len().saturating_add(1);
        Ok(MAX_TRANSACTION_BYTES.saturating_sub(overhead))
    }

    /// Sends and insists on the fate. What has expired can never land, so it is signed
    /// anew a few times.
    pub(super) async fn send(
        &self,
        chain: &Chain,
        instructions: Vec<Instruction>,
        others: &[&Keypair],
    ) -> Result<Landed, CliError> {
        let instructions = self.priced(OTHER_UNITS, instructions);
        let mut attempt = 1;
        loop {
            match send_signed_by(chain, &instructions, self.payer, others).await {
                Err(CliError::TransactionExpired) if attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn priced(&self, units: u32, instructions: Vec<Instruction>) -> Vec<Instruction> {
        let budget = ComputeBudget {
            units,
            price: self.price,
        };
        let mut all = budget.instructions();
        all.extend(instructions);
        all
    }

    /// Creates the buffer for `length` bytes; `held` lamports are at its address.
    pub(super) fn create_buffer(
        &self,
        buffer: &Pubkey,
        held: u64,
        rent: u64,
        length: usize,
    ) -> Result<Vec<Instruction>, CliError> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        let created = loader::create_buffer(&payer, buffer, &authority, rent, length);
        let size = UpgradeableLoaderState::size_of_buffer(length);
        let mut instructions = claim(&payer, buffer, held, rent, size);
        instructions.push(last_of(created)?);
        Ok(instructions)
    }

    /// Deploys from the buffer for the first time.
    pub(super) fn deploy(
        &self,
        program: &Pubkey,
        buffer: &Pubkey,
        held: u64,
        rent: u64,
        capacity: usize,
    ) -> Result<Vec<Instruction>, CliError> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        let deployed = loader::deploy_with_max_program_len(
            &payer, program, buffer, &authority, rent, capacity,
        );
        let size = UpgradeableLoaderState::size_of_program();
        let mut instructions = claim(&payer, program, held, rent, size);
        instructions.push(last_of(deployed)?);
        Ok(instructions)
    }

    /// Replaces the program by the buffer, whose rent goes back to the payer.
    pub(super) fn upgrade(&self, program: &Pubkey, buffer: &Pubkey) -> Vec<Instruction> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        vec![loader::upgrade(program, buffer, &authority, &payer)]
    }

    /// Makes room for a longer program.
    pub(super) fn extend(&self, program: &Pubkey, by: u32) -> Vec<Instruction> {
        vec![loader::extend_program(
            program,
            Some(&self.payer.pubkey()),
            by,
        )]
    }

    /// Names another upgrade authority, or none for ever.
    pub(super) fn hand_over(&self, program: &Pubkey, to: Option<&Pubkey>) -> Vec<Instruction> {
        let authority = self.authority.pubkey();
        vec![loader::set_upgrade_authority(program, &authority, to)]
    }

    /// Closes a buffer; its rent goes to the payer.
    pub(super) fn close_buffer(&self, buffer: &Pubkey) -> Vec<Instruction> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        vec![loader::close(buffer, &payer, &authority)]
    }
}

/// Makes an account of the loader. Lamports that somebody has sent to its address must
/// not be in the way, and the system program refuses to create what has lamports.
fn claim(payer: &Pubkey, address: &Pubkey, held: u64, rent: u64, size: usize) -> Vec<Instruction> {
    let owner = bpf_loader_upgradeable::ID;
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if held == 0 {
        return vec![system::create_account(payer, address, rent, size, &owner)];
    }
    vec![
        system::transfer(payer, address, rent.saturating_sub(held)),
        system::allocate(address, size),
        system::assign(address, &owner),
    ]
}

/// The loader's own part of a pair whose first half creates an account.
fn last_of<E: std::fmt::Display>(
    instructions: Result<Vec<Instruction>, E>,
) -> Result<Instruction, CliError> {
    let malformed = |detail: String| ChainError::Build(BuildError::Message(detail)).into();
    instructions
        .map_err(|error| malformed(error.to_string()))?
        .pop()
        .ok_or_else(|| malformed("the loader has no such instruction".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use tollgate_localnet::test_keypair;

    #[test]
    fn a_write_fills_the_packet_to_its_last_byte() {
        let (one, other) = (test_keypair("payer"), test_keypair("authority"));
        let buffer = test_keypair("buffer").pubkey();
        for (authority, price) in [(&one, 0), (&one, 7), (&other, 0), (&other, 7)] {
            let wallets = Wallets {
                payer: &one,
                authority,
                price,
            };
            let size = wallets.chunk_bytes(&buffer).unwrap();
            let write = |size: usize| {
                wallets
                    .write(&buffer, u32::MAX, &vec![0xa5; size], Hash::default())
                    .and_then(|transaction| to_bytes(&transaction))
            };
            assert_eq!(write(size).unwrap().len(), MAX_TRANSACTION_BYTES);
            assert!(matches!(write(size + 1), Err(BuildError::TooLarge(1_233))));
        }
    }
}
