//! Every instruction of the IDL as it should be, on a stage, ready to be tried in
//! other ways.

use crate::litesvm_runtime::LiteSvmRuntime;
use crate::substitution::idl::{self, InstructionShape};
use crate::substitution::instances::{Instance, instance};
use crate::substitution::stage::{Figure, Kind, Stage};
use crate::{Executed, Failure, Snapshot, World};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeSet;
use tollgate_client::UnixSeconds;
use tollgate_localnet::test_keypair;

/// The kept IDL.
pub const IDL: &str = include_str!("../../../programs/tollgate/artifacts/tollgate.json");

/// A stage, and somebody who pays the fees and takes no other part.
pub struct Rehearsal {
    /// The chain and its accounts by name.
    pub stage: Stage,
    /// Every instruction of the IDL.
    pub shapes: Vec<InstructionShape>,
    fee_payer: Keypair,
    start: UnixSeconds,
}

impl Default for Rehearsal {
    /// On LiteSVM with the kept ELF.
    fn default() -> Self {
        Self::new(LiteSvmRuntime::default())
    }
}

impl Rehearsal {
    /// On a chain of the given kind.
    pub fn new(runtime: impl crate::Runtime + 'static) -> Self {
        let mut stage = Stage::new(World::new(Box::new(runtime)));
        let fee_payer = test_keypair("rehearsal fee payer");
        stage.world.fund(&fee_payer.pubkey());
        let start = stage.world.now();
        Self {
            stage,
            shapes: idl::instructions(IDL),
            fee_payer,
            start,
        }
    }

    /// Runs `act` for every instruction of the IDL as it should be, at its time, and
    /// puts the stage back after each.
    pub fn each(&mut self, mut act: impl FnMut(&mut Self, &InstructionShape, &Instruction)) {
        for shape in self.shapes.clone() {
            let instruction = self.valid(&shape);
            let before = self.snapshot(std::slice::from_ref(&instruction));
            act(self, &shape, &instruction);
            before.restore(&mut *self.stage.world.runtime);
        }
    }

    /// The instruction as it should be; sets the clock to its time.
    pub fn valid(&mut self, shape: &InstructionShape) -> Instruction {
        self.stage.world.set_time(self.start);
        let Instance { instruction, delay } = instance(&mut self.stage, &shape.name)
            .unwrap_or_else(|| panic!("the IDL's {} is not in the table", shape.name));
        self.stage.world.set_time(UnixSeconds(self.start.0 + delay));
        instruction
    }

    /// Executes with every signature that the instructions ask for.
    ///
    /// # Errors
    /// Why the transaction failed.
    pub fn send(&mut self, instructions: &[Instruction]) -> Result<Executed, Failure> {
        let keys: BTreeSet<Pubkey> = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .filter(|meta| meta.is_signer && meta.pubkey != self.fee_payer.pubkey())
            .map(|meta| meta.pubkey)
            .collect();
        let mut signers = vec![self.fee_payer.insecure_clone()];
        for key in &keys {
            let keypair = self.stage.keypair(key).expect("its key is known");
            signers.push(keypair.insecure_clone());
        }
        let signers: Vec<&Keypair> = signers.iter().collect();
        self.stage.world.send(instructions, &signers)
    }

    /// Every account of the stage and of the instructions; not the fee payer's, nor
    /// executable ones, which are large and cannot change.
    pub fn snapshot(&mut self, instructions: &[Instruction]) -> Snapshot {
        let figures = self.stage.figures.values();
        let (programs, others): (Vec<&Figure>, Vec<&Figure>) =
            figures.partition(|figure| figure.kind == Kind::Program);
        let programs: BTreeSet<Pubkey> = programs.iter().map(|figure| figure.address).collect();
        let given = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .map(|meta| meta.pubkey);
        let addresses: Vec<Pubkey> = others
            .iter()
            .map(|figure| figure.address)
            .chain(given)
            .filter(|address| !programs.contains(address) && *address != self.fee_payer.pubkey())
            .collect();
        Snapshot::take(&mut *self.stage.world.runtime, addresses)
    }

    /// Who pays the fees.
    pub fn fee_payer(&self) -> Pubkey {
        self.fee_payer.pubkey()
    }
}
